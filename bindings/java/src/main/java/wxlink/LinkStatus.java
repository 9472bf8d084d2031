// Written by `make generate`; do not edit.

package wxlink;

/** How far the list shows a link to be. The numbers are WeChat's. */
public enum LinkStatus {
    /** The mini program is linked. */
    LINKED(1),

    /** The mini program's administrator has to agree. */
    AWAITING_MINI_PROGRAM(2),

    /** The mini program's administrator refused. */
    REFUSED(3),

    /** The Official Account's administrator has to agree. */
    AWAITING_OFFICIAL_ACCOUNT(12),

    /** A number that WeChat has added since: see {@link MiniProgram#status}. */
    OTHER(Integer.MIN_VALUE);

    private final int code;

    LinkStatus(int code) {
        this.code = code;
    }

    /** The number of the native library. */
    public int code() {
        return code;
    }

    static LinkStatus fromCode(long code) {
        for (LinkStatus known : values()) {
            if (known.code == code) {
                return known;
            }
        }
        return OTHER;
    }
}
