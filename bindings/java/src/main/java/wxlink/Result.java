package wxlink;

import static wxlink.Lib.LIB;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.LongByReference;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * The result of a call.
 *
 * <p>Everything is copied out of the native library when the call ends, so a result need not be
 * closed and outlives its client. Immutable: any number of threads may read it.
 */
public final class Result implements Serializable {
    private static final long serialVersionUID = 1;

    private final int status;
    private final int errcode;
    private final ErrorClass errorClass;
    private final int httpStatus;
    private final Delivery delivery;
    private final String message;
    private final String rid;
    private final String trace;
    private final byte[] json;
    private final ArrayList<MiniProgram> items = new ArrayList<>();
    private final LinkState state;
    private final Administrator waitsFor;
    private final LinkState found;
    private final int posts;
    private final Duration retryAfter;

    /**
     * Copies a native result, which the caller still owns. Null stands for a missing result.
     *
     * @param hasProgress whether the call was ensure or wait: only their JSON has the state of the
     *     link, in the JSON of other calls every field is WeChat's
     */
    Result(int status, Pointer result, boolean hasProgress) {
        this(status, LIB.wx_result_message(result), result, hasProgress);
    }

    private Result(int status, String message, Pointer result, boolean hasProgress) {
        this.status = status;
        boolean isUnexplained = message.isEmpty() && status != Status.OK.code();
        this.message = isUnexplained ? LIB.wx_status_text(status) : message;
        errcode = result == null ? status : LIB.wx_result_errcode(result);
        errorClass = ErrorClass.fromCode(LIB.wx_result_class(result));
        httpStatus = LIB.wx_result_http_status(result);
        delivery = Delivery.fromCode(LIB.wx_result_delivery(result));
        rid = LIB.wx_result_rid(result);
        trace = LIB.wx_result_trace(result);
        json = json(result);
        int length = LIB.wx_list_length(result).intValue();
        for (int i = 0; i < length; i++) {
            items.add(new MiniProgram(result, i));
        }
        Pointer progress = hasProgress ? result : null;
        state = LinkState.fromWord(value(progress, "/state"));
        waitsFor = Administrator.fromWord(value(progress, "/waits_for"));
        found = LinkState.fromWord(value(progress, "/found"));
        posts = (int) number(progress, "/posts");
        retryAfter = Duration.ofMillis(number(progress, "/retry_after_ms"));
    }

    /** WeChat may have sent NULs, so the text is read by its length. */
    private static byte[] json(Pointer result) {
        // At least as wide as a size_t, and 0 until the library writes it.
        LongByReference length = new LongByReference();
        Pointer json = LIB.wx_result_json(result, length);
        return json.getByteArray(0, (int) length.getValue());
    }

    /** A value of a result's JSON; empty if there is none. */
    private static String value(Pointer result, String pointer) {
        // Has room for every word and number that the library writes there.
        byte[] value = new byte[64];
        int length = LIB.wx_result_get(result, pointer, value, new Lib.SizeT(value.length));
        return new String(value, 0, Math.max(length, 0), StandardCharsets.UTF_8);
    }

    /** A number of a result's JSON; 0 if it is missing. */
    static long number(Pointer result, String pointer) {
        return MiniProgram.number(value(result, pointer)).orElse(0);
    }

    /** The result of setting native options, or of making a client with them. */
    static Result fromOptions(int status, Pointer options) {
        return new Result(status, LIB.wx_options_message(options), null, false);
    }

    /** How the call ended. */
    public Status status() {
        return Status.fromCode(status);
    }

    /** The status's number, also if this class does not know it. */
    public int statusCode() {
        return status;
    }

    /**
     * WeChat's errcode if WeChat answered, else the status: never 0 for a call that did not
     * succeed. WeChat has an errcode -1, so look at the status first: only with {@link Status#API}
     * is the errcode WeChat's.
     */
    public int errcode() {
        return errcode;
    }

    /** What to do about WeChat's errcode. */
    public ErrorClass errorClass() {
        return errorClass;
    }

    /** The HTTP status of the last answer, 0 if there was none. WeChat refuses with 200 too. */
    public int httpStatus() {
        return httpStatus;
    }

    /** Whether WeChat may have seen the request. */
    public Delivery delivery() {
        return delivery;
    }

    /**
     * What happened and what to do about it, for people, in the client's language. Empty after a
     * success; a link that is pending, declined, vanished or in doubt has a message.
     */
    public String message() {
        return message;
    }

    /** The id that WeChat's support asks for; empty if WeChat gave none. */
    public String rid() {
        return rid;
    }

    /** Every attempt with host, phase and milliseconds, as JSON for logs and support. No token. */
    public String trace() {
        return trace;
    }

    /**
     * The answer as JSON: WeChat's body if WeChat answered, else JSON made by the library. For
     * ensure and wait it is always the library's. Empty if an option was refused.
     *
     * <p>JSON parsers may reject the body: WeChat sends damaged texts. {@link MiniProgram#json} is
     * always valid. Here U+FFFD replaces only bytes that are not UTF-8.
     */
    public String json() {
        return new String(json, StandardCharsets.UTF_8);
    }

    /** The bytes of {@link #json}: WeChat's body, byte for byte. A copy. */
    public byte[] jsonBytes() {
        return json.clone();
    }

    /**
     * The list, in WeChat's order. For ensure and wait: the mini program as they last saw it in the
     * list, or nothing. Empty for all other calls. Cannot be changed.
     */
    public List<MiniProgram> items() {
        return Collections.unmodifiableList(items);
    }

    /**
     * How far the link has come; {@link LinkState#UNKNOWN} for calls other than ensure and wait.
     */
    public LinkState state() {
        return state;
    }

    /** The administrator who must agree next. */
    public Administrator waitsFor() {
        return waitsFor;
    }

    /** What the list showed before ensure posted anything: {@link LinkState#ABSENT} or a state. */
    public LinkState found() {
        return found;
    }

    /** How many links ensure posted of which WeChat may have seen something. */
    public int posts() {
        return posts;
    }

    /**
     * How long an earlier invitation may still take effect; zero unless the state is {@link
     * LinkState#IN_DOUBT}.
     */
    public Duration retryAfter() {
        return retryAfter;
    }

    /** The first of {@link #items}: the mini program as ensure or wait last saw it in the list. */
    public Optional<MiniProgram> item() {
        return items.stream().findFirst();
    }
}
