// Written by `make generate`; do not edit.

package wxlink;

/**
 * Whether WeChat may have received the request. A number of a later library reads as UNKNOWN, the
 * careful case.
 */
public enum Delivery {
    /** Nothing was sent: calling again cannot do anything twice. */
    NEVER_SENT(0),

    /** The request was sent, but no answer came from WeChat: read the list before calling again. */
    UNKNOWN(1),

    /** WeChat answered with an errcode, which is the outcome of the request. */
    ANSWERED(2);

    private final int code;

    Delivery(int code) {
        this.code = code;
    }

    /** The number of the native library. */
    public int code() {
        return code;
    }

    static Delivery fromCode(long code) {
        for (Delivery known : values()) {
            if (known.code == code) {
                return known;
            }
        }
        return UNKNOWN;
    }
}
