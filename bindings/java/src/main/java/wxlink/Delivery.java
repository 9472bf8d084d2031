package wxlink;

/** Whether WeChat may have seen a request. */
public enum Delivery {
    /** Calling again cannot do anything twice. */
    NEVER_SENT,
    /** It was sent and no verdict came back: read the list before you link again. */
    UNKNOWN,
    /** The errcode is WeChat's verdict. */
    ANSWERED;

    static Delivery of(int code) {
        switch (code) {
            case 0: return NEVER_SENT;
            case 2: return ANSWERED;
            default: return UNKNOWN; // also for what a later library may add: the careful reading
        }
    }
}
