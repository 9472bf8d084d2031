package wxlink;

import java.util.Locale;

/** What to do about WeChat's errcode. A later library may have more classes; they read as NONE. */
public enum ErrorClass {
    /** WeChat did not answer, or answered an errcode that the library does not know. */
    NONE,
    /** Done, or done before. */
    OK,
    /** On its way: wait for the administrators, do not link again. */
    PENDING,
    /** Get another access token and call again, once. */
    TOKEN,
    /** Wait a little and call again. */
    BUSY,
    /** Call again when the minute, day or month is over. */
    QUOTA,
    /** An administrator or operator must act first. */
    ACTION_REQUIRED,
    /** Correct the call. */
    INVALID_REQUEST;

    /**
     * The class as docs/errors.md, the command and the other languages write it, such as {@code
     * action_required}; empty for {@link #NONE}.
     */
    public String word() {
        return this == NONE ? "" : name().toLowerCase(Locale.ROOT);
    }

    static ErrorClass fromWord(String word) {
        for (ErrorClass known : values()) {
            if (known.word().equals(word)) {
                return known;
            }
        }
        return NONE;
    }
}
