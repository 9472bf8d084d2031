// Written by `make generate`; do not edit.

package wxlink;

/**
 * WeChat's endpoints, for links and for a platform. An errcode may have different meanings on them.
 */
public enum Endpoint {
    /** WeChat's linkMiniprogram. */
    LINK,

    /** WeChat's getLinkMiniprogram. */
    GET,

    /** WeChat's unlinkMiniprogram. */
    UNLINK,

    /** WeChat's api_component_token. */
    COMPONENT_TOKEN,

    /** WeChat's api_authorizer_token. */
    AUTHORIZER_TOKEN,

    /** WeChat's api_get_authorizer_list. */
    AUTHORIZER_LIST,

    /** WeChat's api_create_preauthcode. */
    CREATE_PREAUTHCODE,

    /** WeChat's api_query_auth. */
    QUERY_AUTH,

    /** WeChat's api_get_authorizer_info. */
    AUTHORIZER_INFO,

    /** WeChat's rid/get. */
    RID;

    /** The word that the native library and the other languages use. */
    public String word() {
        return name().toLowerCase(java.util.Locale.ROOT);
    }
}
