// Written by `make generate`; do not edit.

package wxlink;

/** What to do next about WeChat's errcode. A class of a later library reads as NONE. */
public enum ErrorClass {
    /** WeChat did not answer, or answered with an errcode that the library does not know. */
    NONE(0),

    /** Done, or done before: continue. */
    OK(1),

    /**
     * Not a failure, it is in progress: wait for the administrators and read the list; do not
     * repeat the call.
     */
    PENDING(2),

    /** Get another access token and call again, once. */
    TOKEN(3),

    /**
     * Wait and try again, a bounded number of times; read the list before repeating a link or
     * unlink.
     */
    BUSY(4),

    /** Call again when the minute, the day or the month is over. */
    QUOTA(5),

    /** An administrator or operator must act first. */
    ACTION_REQUIRED(6),

    /** Correct the call; the same call would be refused again. */
    INVALID_REQUEST(7),

    /** Pass on the component_verify_ticket that WeChat pushes to the platform, then call again. */
    TICKET(8);

    private final int code;

    ErrorClass(int code) {
        this.code = code;
    }

    /** The number of the native library. */
    public int code() {
        return code;
    }

    /**
     * The word that docs/errors.md, the command and the other languages use, such as {@code
     * action_required}; empty for {@link #NONE}.
     */
    public String word() {
        return this == NONE ? "" : name().toLowerCase(java.util.Locale.ROOT);
    }

    static ErrorClass fromCode(long code) {
        for (ErrorClass known : values()) {
            if (known.code == code) {
                return known;
            }
        }
        return NONE;
    }
}
