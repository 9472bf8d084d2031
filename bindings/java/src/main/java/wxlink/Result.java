package wxlink;

import static wxlink.Lib.LIB;

import com.sun.jna.Pointer;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * What became of a call.
 *
 * <p>Everything is copied out of the native library when the call ends, so a result needs no
 * closing and outlives its client. Immutable: any number of threads may read it.
 */
public final class Result implements Serializable {
    private static final long serialVersionUID = 1;

    private final int status;
    private final int errcode;
    private final String errorClass;
    private final int httpStatus;
    private final Delivery delivery;
    private final String message;
    private final String rid;
    private final String trace;
    private final String json;
    private final ArrayList<MiniProgram> items = new ArrayList<>();
    private final String state;
    private final String waitsFor;
    private final String found;
    private final int posts;
    private final MiniProgram item;

    /** Copies a native result, which stays the caller's. Null, for want of one, is fine. */
    Result(int status, Pointer result) {
        this(status, LIB.wx_result_message(result), result);
    }

    private Result(int status, String message, Pointer result) {
        this.status = status;
        this.message = message.isEmpty() && status != Status.OK ? Status.text(status) : message;
        errcode = result == null ? status : LIB.wx_result_errcode(result);
        errorClass = LIB.wx_result_class(result);
        httpStatus = LIB.wx_result_http_status(result);
        delivery = Delivery.of(LIB.wx_result_delivery(result));
        rid = LIB.wx_result_rid(result);
        trace = LIB.wx_result_trace(result);
        json = LIB.wx_result_json(result, null);

        Json values = new Json(result);
        for (int i = 0; values.has("/wxopens/items/" + i); i++) {
            items.add(new MiniProgram(values, "/wxopens/items/" + i));
        }
        state = values.text("/state").orElse("");
        waitsFor = values.text("/waits_for").orElse("");
        found = values.text("/found").orElse("");
        posts = (int) values.number("/posts").orElse(0);
        item = values.text("/item").orElse("").startsWith("{") ? new MiniProgram(values, "/item") : null;
    }

    /** What became of setting options, or of making a client with them. */
    static Result ofStatus(int status) {
        return new Result(status, LIB.wx_status_text(status), null);
    }

    static Result ofOptions(int status, Pointer options) {
        return new Result(status, LIB.wx_options_message(options), null);
    }

    /** One of {@link Status}, or one that came later. */
    public int status() {
        return status;
    }

    /**
     * WeChat's errcode if it answered, else the status: never 0 for a call that did not succeed.
     * WeChat has a -1 of its own, so look at the status first: {@link Status#API} says that the
     * errcode is WeChat's.
     */
    public int errcode() {
        return errcode;
    }

    /**
     * What to do about WeChat's errcode, in one word.
     *
     * <ul>
     *   <li>{@code ok}: done, or done before
     *   <li>{@code pending}: on its way: wait for the administrators, do not link again
     *   <li>{@code token}: get another access token and call again, once
     *   <li>{@code busy}: wait a little and call again
     *   <li>{@code quota}: call again when the minute, day or month is over
     *   <li>{@code action_required}: an administrator or operator must act first
     *   <li>{@code invalid_request}: correct the call
     *   <li>empty: WeChat did not answer, or with a code nobody has described
     * </ul>
     */
    public String errorClass() {
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

    /** What happened and what to do about it, in the client's language; empty after a success. */
    public String message() {
        return message;
    }

    /** The id that WeChat's support asks for; empty if WeChat gave none. */
    public String rid() {
        return rid;
    }

    /** Everything that was tried, as JSON for logs and support. Holds no token. */
    public String trace() {
        return trace;
    }

    /**
     * The answer as JSON: WeChat's body as it came if WeChat answered, else what the library says
     * in its place; of ensure and wait always the latter. Empty if an option was refused.
     */
    public String json() {
        return json;
    }

    /** The list, in WeChat's order; empty for calls that list nothing. Cannot be changed. */
    public List<MiniProgram> items() {
        return Collections.unmodifiableList(items);
    }

    /**
     * How far ensure or wait came: {@code linked}, {@code pending}, {@code declined},
     * {@code vanished} or {@code unknown}; empty for other calls.
     */
    public String state() {
        return state;
    }

    /** Who must decide: {@code official_account}, {@code mini_program}, or empty. */
    public String waitsFor() {
        return waitsFor;
    }

    /** What ensure or wait found in the list at first: {@code absent} or a state. */
    public String found() {
        return found;
    }

    /** How many links ensure posted of which WeChat may have seen something. */
    public int posts() {
        return posts;
    }

    /** The mini program as ensure or wait last saw it in the list. */
    public Optional<MiniProgram> item() {
        return Optional.ofNullable(item);
    }
}
