package wxlink;

import static wxlink.Lib.LIB;

/** Versions and the table of errcodes: functions that do not call WeChat. Threads: any. */
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
    public static String errcodesJson() {
        return LIB.wx_catalogue_json();
    }

    /**
     * Looks up one field of a known errcode.
     *
     * @param endpoint the endpoint that answered; null for the row that holds for every endpoint
     * @param errcode what WeChat answered
     * @param field what to look up
     * @param lang the language of {@link ErrcodeField#MEANING} and {@link ErrcodeField#REMEDY}
     * @return the text; empty if the errcode is unknown
     */
    public static String errcodeText(
            Endpoint endpoint, int errcode, ErrcodeField field, Lang lang) {
        String name = endpoint == null ? null : endpoint.word();
        return LIB.wx_errcode_text(name, errcode, field.word(), lang.word());
    }
}
