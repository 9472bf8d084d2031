package wxlink;

import static wxlink.Lib.LIB;

import com.sun.jna.Pointer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.OptionalLong;

/** Reads values of a native result by JSON pointer. Must not be used after the result is freed. */
final class Json {
    private final Pointer result;
    /** Fits most values; a longer value gets its own buffer. */
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
        if (length == Status.BUFFER.code()) {
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

    /** Parses a whole decimal number; empty for anything else. */
    static OptionalLong asNumber(Optional<String> text) {
        try {
            return text.isPresent()
                    ? OptionalLong.of(Long.parseLong(text.get()))
                    : OptionalLong.empty();
        } catch (NumberFormatException e) {
            return OptionalLong.empty();
        }
    }

    private int get(String pointer, byte[] buf) {
        return LIB.wx_result_get(result, pointer, buf, new Lib.SizeT(buf.length));
    }
}
