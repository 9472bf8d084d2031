package wxlink;

/**
 * Whether WeChat messages every follower of the Official Account about the link. A message cannot
 * be taken back, so there is no default: each call that may post a link names one of the two.
 */
public enum NotifyUsers {
    /** No follower is messaged. */
    NO,
    /** WeChat messages every follower of the account. */
    YES;

    /** The flag as the C interface takes it. */
    int flag() {
        return ordinal();
    }
}
