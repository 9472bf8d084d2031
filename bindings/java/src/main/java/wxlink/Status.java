package wxlink;

/**
 * How a call ended. Numbers are never reused.
 *
 * <p>A later library may return more. Treat a number you do not know like its group: -1 to -19 an
 * argument is wrong and nothing was sent, -20 to -39 nothing was sent, -40 to -69 the outcome is
 * unknown.
 */
public final class Status {
    private Status() {}

    /** WeChat accepted the call, or the link is there. */
    public static final int OK = 0;

    /** An argument that must not be null is null. */
    public static final int NULL_POINTER = -1;

    /** A text is not UTF-8. */
    public static final int NOT_UTF8 = -2;

    /** An argument is out of its range. */
    public static final int BAD_VALUE = -3;

    /** No such option, or a value it does not take. */
    public static final int BAD_OPTION = -4;

    /** The buffer is too small. Does not occur in Java. */
    public static final int BUFFER = -5;

    /** Nothing is at that place. Does not occur in Java. */
    public static final int NOT_FOUND = -6;

    /** The host's name could not be resolved. */
    public static final int RESOLVE = -20;

    /** The connection to the host failed. */
    public static final int CONNECT = -21;

    /** The TLS handshake failed. */
    public static final int TLS = -22;

    /** The proxy did not connect to the host. */
    public static final int PROXY = -23;

    /** The time limit passed before anything was sent. */
    public static final int TIMEOUT_UNSENT = -24;

    /** The library could not get an access token for the account. */
    public static final int NO_TOKEN = -25;

    /** The time limit passed after the request was sent. */
    public static final int TIMEOUT = -40;

    /** The connection broke after the request was sent. */
    public static final int CONNECTION_LOST = -41;

    /** The response is not a valid answer of WeChat's. */
    public static final int BAD_ANSWER = -60;

    /** The response is larger than {@code max_response_bytes}. */
    public static final int TOO_LARGE = -61;

    /** WeChat answered with an errcode other than 0: see {@link Result#errcode}. */
    public static final int API = -70;

    /** An invitation is out and waits for an administrator. */
    public static final int PENDING = -80;

    /** The mini program's administrator refused. */
    public static final int DECLINED = -81;

    /** The mini program is not in the list, or no longer. */
    public static final int VANISHED = -82;

    /** The client was cancelled; {@link Result#delivery} shows whether anything was sent. */
    public static final int CANCELLED = -90;

    /** The client was made before a fork. Does not occur in a JVM. */
    public static final int FORKED = -91;

    /** A fault in the library itself; the client can still be used. */
    public static final int INTERNAL = -99;

    /** The name without its prefix, such as {@code BAD_VALUE}; empty for an unknown number. */
    public static String name(int status) {
        String text = text(status);
        int end = text.indexOf(':');
        return end < 0 ? "" : text.substring(0, end);
    }

    /** What the status means and what to do next, in English; empty for an unknown number. */
    public static String text(int status) {
        return Lib.LIB.wx_status_text(status);
    }
}
