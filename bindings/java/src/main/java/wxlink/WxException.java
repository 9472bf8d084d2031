package wxlink;

/**
 * A call that failed.
 *
 * <p>The message is for people: what happened and what to do. A program decides by {@link
 * #errorClass}, or by {@link #delivery} if WeChat did not answer. It never contains a token.
 */
public final class WxException extends Exception {
    private static final long serialVersionUID = 1;

    private final Result result;

    WxException(Result result) {
        super(result.message());
        this.result = result;
    }

    /** The whole result of the call. */
    public Result result() {
        return result;
    }

    /** How the call ended. */
    public Status status() {
        return result.status();
    }

    /** See {@link Result#errcode}. */
    public int errcode() {
        return result.errcode();
    }

    /** See {@link Result#errorClass}. */
    public ErrorClass errorClass() {
        return result.errorClass();
    }

    /** See {@link Result#delivery}. */
    public Delivery delivery() {
        return result.delivery();
    }

    /** See {@link Result#rid}. */
    public String rid() {
        return result.rid();
    }
}
