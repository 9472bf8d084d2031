package wxlink;

import java.util.Locale;

/** The administrator who must agree to a link before it can go further. */
public enum Administrator {
    /** The link waits for no administrator, or the list does not show for which. */
    NONE,
    /** The Official Account's administrator, who agrees in a template message. */
    OFFICIAL_ACCOUNT,
    /** The mini program's administrator. */
    MINI_PROGRAM;

    /** The administrator as the library's JSON and the other languages write it; empty for NONE. */
    public String word() {
        return this == NONE ? "" : name().toLowerCase(Locale.ROOT);
    }

    static Administrator fromWord(String word) {
        for (Administrator known : values()) {
            if (known.word().equals(word)) {
                return known;
            }
        }
        return NONE;
    }
}
