package wxlink;

/**
 * What became of a call, as a number that is never reused.
 *
 * <p>More may come. Treat one you do not know like its group: -1 to -19 an argument is wrong and
 * nothing was sent, -20 to -39 nothing was sent, -40 to -69 the outcome is unknown.
 */
public final class Status {
    private Status() {}

    /** WeChat said yes. */
    public static final int OK = 0;

    /** An argument that must not be null is null. */
    public static final int NULL_POINTER = -1;

    /** A text is not UTF-8. */
    public static final int NOT_UTF8 = -2;

    /** An argument is out of its range. */
    public static final int BAD_VALUE = -3;

    /** No such option, or a value it does not take. */
    public static final int BAD_OPTION = -4;

    /** The buffer is too small; does not occur here. */
    public static final int BUFFER = -5;

    /** There is nothing at that place; does not occur here. */
    public static final int NOT_FOUND = -6;

    /** The host's name could not be resolved. */
    public static final int RESOLVE = -20;

    /** No connection to the host. */
    public static final int CONNECT = -21;

    /** The TLS handshake failed. */
    public static final int TLS = -22;

    /** The proxy did not connect us. */
    public static final int PROXY = -23;

    /** Time ran out before anything was sent. */
    public static final int TIMEOUT_UNSENT = -24;

    /** No access token could be had for the account. */
    public static final int NO_TOKEN = -25;

    /** Time ran out after sending. */
    public static final int TIMEOUT = -40;

    /** The connection broke after sending. */
    public static final int CONNECTION_LOST = -41;

    /** What came back is not an answer of WeChat's. */
    public static final int BAD_ANSWER = -60;

    /** The answer is larger than {@code max_response_bytes}. */
    public static final int TOO_LARGE = -61;

    /** WeChat answered with an errcode other than 0: see {@link Result#errcode}. */
    public static final int API = -70;

    /** An invitation is out and waits for an administrator. */
    public static final int PENDING = -80;

    /** The mini program's administrator refused. */
    public static final int DECLINED = -81;

    /** The mini program is not in the list (any more). */
    public static final int VANISHED = -82;

    /** The client was cancelled; the delivery says whether anything was sent. */
    public static final int CANCELLED = -90;

    /** The client was made before a fork; does not occur in a JVM. */
    public static final int FORKED = -91;

    /** A fault in the library itself; the client stays usable. */
    public static final int INTERNAL = -99;

    /** The name without its prefix, such as {@code BAD_VALUE}; empty for a number that is none. */
    public static String name(int status) {
        String text = text(status);
        int end = text.indexOf(':');
        return end < 0 ? "" : text.substring(0, end);
    }

    /** What it means and what to do next, in English; empty for a number that is none. */
    public static String text(int status) {
        return Lib.LIB.wx_status_text(status);
    }
}
