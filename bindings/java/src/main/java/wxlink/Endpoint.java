// Written by `make generate`; do not edit.

package wxlink;

/** WeChat's endpoints for links. An errcode may have different meanings on them. */
public enum Endpoint {
    /** WeChat's linkMiniprogram. */
    LINK,

    /** WeChat's getLinkMiniprogram. */
    GET,

    /** WeChat's unlinkMiniprogram. */
    UNLINK;

    /** The word that the native library and the other languages use. */
    public String word() {
        return name().toLowerCase(java.util.Locale.ROOT);
    }
}
