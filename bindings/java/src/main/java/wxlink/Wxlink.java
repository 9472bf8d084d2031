package wxlink;

import static wxlink.Lib.LIB;

/** Versions and the catalogue of errcodes: functions that do not call WeChat. Threads: any. */
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

    /** All known errcodes of WeChat, as a JSON array; wxlink.h shows one element. */
    public static String catalogueJson() {
        return LIB.wx_catalogue_json();
    }

    /**
     * Looks up one field of a known errcode.
     *
     * @param endpoint {@code link}, {@code get} or {@code unlink}: the endpoint that answered; null
     *     for the row that holds for every endpoint
     * @param errcode what WeChat answered
     * @param field {@code name}, {@code class}, {@code meaning}, {@code remedy} or {@code errmsg}
     *     (WeChat's own words)
     * @param lang {@code en} or {@code zh}, for meaning and remedy; null for {@code en}
     * @return the text; empty if the errcode is unknown or an argument is none of the above
     */
    public static String errcodeText(String endpoint, int errcode, String field, String lang) {
        return LIB.wx_errcode_text(
                Lib.text("endpoint", endpoint),
                errcode,
                Lib.text("field", field),
                Lib.text("lang", lang));
    }
}
