package wxlink;

/** Whether WeChat may have seen a request. */
public enum Delivery {
    /** Nothing was sent: calling again cannot do anything twice. */
    NEVER_SENT,
    /** The request was sent and no verdict came back: read the list before you link again. */
    UNKNOWN,
    /** WeChat answered: the errcode is its verdict. */
    ANSWERED;

    static Delivery fromCode(int code) {
        switch (code) {
            case 0: return NEVER_SENT;
            case 2: return ANSWERED;
            default: return UNKNOWN; // A number of a later library is read as the careful case.
        }
    }
}
