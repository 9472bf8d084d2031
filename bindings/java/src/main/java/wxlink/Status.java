// Written by `make generate`; do not edit.

package wxlink;

/**
 * How a call ended. Numbers are grouped: -1 to -19: an argument is invalid; nothing was changed;
 * -20 to -39: nothing was sent; calling again is safe; -40 to -69: WeChat may have acted; read the
 * list before calling again. Treat a number of a later library, which reads as UNKNOWN, like its
 * group.
 */
public enum Status {
    /** WeChat accepted the request. */
    OK(0),

    /** A pointer that must not be NULL is NULL. */
    NULL_POINTER(-1),

    /** A text is not valid UTF-8. */
    NOT_UTF8(-2),

    /** An argument is invalid. */
    BAD_VALUE(-3),

    /** The option does not exist, or its value is invalid. */
    BAD_OPTION(-4),

    /** The caller's buffer is too small. */
    BUFFER(-5),

    /** The result holds no value at that place. */
    NOT_FOUND(-6),

    /** The push is not WeChat's, or not for this platform. */
    BAD_PUSH(-7),

    /** The host's name could not be resolved. */
    RESOLVE(-20),

    /** The connection to the host failed. */
    CONNECT(-21),

    /** The TLS handshake failed. */
    TLS(-22),

    /** The proxy failed to connect to the host. */
    PROXY(-23),

    /** The time limit was reached before anything was sent. */
    TIMEOUT_UNSENT(-24),

    /** No valid access token could be fetched for the account. */
    NO_TOKEN(-25),

    /** The store cannot be used. */
    STORE(-26),

    /** The time limit was reached after the request was sent. */
    TIMEOUT(-40),

    /** The connection broke after the request was sent. */
    CONNECTION_LOST(-41),

    /** An earlier invitation may still take effect. */
    IN_DOUBT(-42),

    /** The response is not a valid answer of WeChat. */
    BAD_ANSWER(-60),

    /** The response is larger than max_response_bytes. */
    TOO_LARGE(-61),

    /** WeChat answered with an errcode other than 0. */
    API(-70),

    /** An invitation was sent and waits for an administrator. */
    PENDING(-80),

    /** The mini program's administrator refused. */
    DECLINED(-81),

    /** The mini program is not, or no longer, in the list. */
    VANISHED(-82),

    /** The call was cancelled. */
    CANCELLED(-90),

    /** The client was made before a fork and used in the child. */
    FORKED(-91),

    /** An internal error of the library. */
    INTERNAL(-99),

    /** A status of a later library: see {@link Result#statusCode}. */
    UNKNOWN(Integer.MIN_VALUE);

    private final int code;

    Status(int code) {
        this.code = code;
    }

    /** The number of the native library. */
    public int code() {
        return code;
    }

    /** What the status means and what to do next, in English; empty for {@link #UNKNOWN}. */
    public String text() {
        return Lib.LIB.wx_status_text(code);
    }

    static Status fromCode(long code) {
        for (Status known : values()) {
            if (known.code == code) {
                return known;
            }
        }
        return UNKNOWN;
    }
}
