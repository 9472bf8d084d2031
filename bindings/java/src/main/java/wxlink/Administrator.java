package wxlink;

/** The administrator who must agree to a link before it can go further. */
public enum Administrator {
    /** The link waits for no administrator, or the list does not show for which. */
    NONE,
    /** The Official Account's administrator, who agrees in a template message. */
    OFFICIAL_ACCOUNT,
    /** The mini program's administrator. */
    MINI_PROGRAM;

    static Administrator fromWord(String word) {
        switch (word) {
            case "official_account": return OFFICIAL_ACCOUNT;
            case "mini_program": return MINI_PROGRAM;
            default: return NONE;
        }
    }
}
