package wxlink;

/**
 * A call that did not end with {@link Status#OK}.
 *
 * <p>Its message tells people what happened and what to do. A program decides by
 * {@link #errorClass}, or by {@link #delivery} where WeChat did not answer. No token is in it.
 */
public final class WxException extends Exception {
    private static final long serialVersionUID = 1;

    /** What became of the call. */
    private final Result result;

    WxException(Result result) {
        super(result.message());
        this.result = result;
    }

    /** Everything there is to know about the call. */
    public Result result() {
        return result;
    }

    /** One of {@link Status}, or one that came later. */
    public int status() {
        return result.status();
    }

    /** The status's name, such as {@code TIMEOUT}; empty if it came later than the library. */
    public String statusName() {
        return Status.name(status());
    }

    /** See {@link Result#errcode}. */
    public int errcode() {
        return result.errcode();
    }

    /** See {@link Result#errorClass}. */
    public String errorClass() {
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
