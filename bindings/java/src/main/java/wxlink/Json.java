package wxlink;

import static wxlink.Lib.LIB;

import com.sun.jna.Pointer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.OptionalLong;

/** Looks values up in a native result by JSON pointer. Does not outlive the result. */
final class Json {
    private final Pointer result;
    /** Large enough for most values; longer ones get a buffer of their own. */
    private final byte[] shared = new byte[256];

    Json(Pointer result) {
        this.result = result;
    }

    boolean has(String pointer) {
        return LIB.wx_result_get(result, pointer, null, new Lib.SizeT(0)) >= 0;
    }

    /** A string's text, or the JSON of anything else. */
    Optional<String> text(String pointer) {
        byte[] buf = shared;
        int length = get(pointer, buf);
        if (length == Status.BUFFER) {
            buf = new byte[LIB.wx_result_get(result, pointer, null, new Lib.SizeT(0)) + 1];
            length = get(pointer, buf);
        }
        return length < 0
                ? Optional.empty()
                : Optional.of(new String(buf, 0, length, StandardCharsets.UTF_8));
    }

    OptionalLong number(String pointer) {
        return asNumber(text(pointer));
    }

    /** A whole number in decimal; anything else is none. */
    static OptionalLong asNumber(Optional<String> text) {
        try {
            return text.isPresent() ? OptionalLong.of(Long.parseLong(text.get())) : OptionalLong.empty();
        } catch (NumberFormatException e) {
            return OptionalLong.empty();
        }
    }

    private int get(String pointer, byte[] buf) {
        return LIB.wx_result_get(result, pointer, buf, new Lib.SizeT(buf.length));
    }
}
