package wxlink;

import static wxlink.Lib.LIB;

/** What the library knows without calling WeChat. Threads: any. */
public final class Wxlink {
    private Wxlink() {}

    /** The version of the native library, such as "1.2.3". */
    public static String version() {
        return LIB.wx_version();
    }

    /** The version of the native library's binary interface. It only grows. */
    public static int abiVersion() {
        return LIB.wx_abi_version();
    }

    /** All that is known about WeChat's errcodes, as a JSON array; wxlink.h shows a row. */
    public static String catalogueJson() {
        return LIB.wx_catalogue_json();
    }

    /**
     * One thing that is known about an errcode.
     *
     * @param api {@code link}, {@code get} or {@code unlink}: the endpoint that answered; null for
     *     none in particular
     * @param errcode what WeChat answered
     * @param field {@code name}, {@code class}, {@code meaning}, {@code remedy} or {@code wire}
     *     (WeChat's own words)
     * @param lang {@code en} or {@code zh}, for meaning and remedy; null for {@code en}
     * @return the text, empty if nothing is known or an argument is not one of these
     */
    public static String errcodeText(String api, int errcode, String field, String lang) {
        return LIB.wx_errcode_text(
                Lib.text("api", api), errcode, Lib.text("field", field), Lib.text("lang", lang));
    }
}
