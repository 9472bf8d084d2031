package wxlink;

/** Whether the mini program is shown in the Official Account's page. There is no default. */
public enum ShowProfile {
    /** The mini program is not shown in the account's page. */
    NO,
    /** The mini program is shown in the account's page. */
    YES;

    /** The flag as the C interface takes it. */
    int flag() {
        return ordinal();
    }
}
