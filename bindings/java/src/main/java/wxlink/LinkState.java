package wxlink;

import java.util.Locale;

/** How far a link has come. A later library may have more states; they read as UNKNOWN. */
public enum LinkState {
    /** The list could not be read, or the call was neither ensure nor wait. */
    UNKNOWN,
    /** The list shows no trace of the mini program. Only {@link Result#found} returns this. */
    ABSENT,
    /** An invitation is out and waits for an administrator: see {@link Result#waitsFor}. */
    PENDING,
    /** The mini program is linked. */
    LINKED,
    /** The mini program's administrator refused. */
    DECLINED,
    /**
     * The mini program was in the list and is no longer; after a wait also: it is not in the list.
     */
    VANISHED,
    /**
     * The list does not show the mini program, and an earlier invitation may still take effect:
     * see {@link Result#retryAfter}.
     */
    IN_DOUBT;

    /**
     * The state as the library's JSON and the other languages write it, such as {@code pending}.
     */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    static LinkState fromWord(String word) {
        for (LinkState known : values()) {
            if (known.word().equals(word)) {
                return known;
            }
        }
        return UNKNOWN;
    }
}
