package wxlink;

import com.sun.jna.IntegerType;
import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import java.nio.charset.StandardCharsets;
import java.util.Collections;

/** The functions of the C interface, as JNA needs them. wxlink.h documents them. */
interface Lib extends Library {
    /** Texts are UTF-8 in both directions, whatever the platform's encoding is. */
    Lib LIB = Native.load("wxlink", Lib.class,
            Collections.singletonMap(OPTION_STRING_ENCODING, "UTF-8"));

    int wx_abi_version();

    String wx_version();

    String wx_status_text(int status);

    Pointer wx_options_new();

    int wx_options_set(Pointer options, String key, String value);

    String wx_options_message(Pointer options);

    void wx_options_free(Pointer options);

    int wx_client_new(Pointer options, PointerByReference client);

    int wx_client_derive(Pointer client, Pointer options, PointerByReference derived);

    int wx_client_set_ticket(Pointer client, String ticket, PointerByReference result);

    int wx_client_add_account(Pointer client, String appid, String refreshToken,
            PointerByReference result);

    int wx_client_accept_push(Pointer client, String query, byte[] body, SizeT bodyLen,
            PointerByReference result);

    int wx_client_authorization_url(Pointer client, String redirectUri, String account,
            PointerByReference result);

    int wx_client_accept_authorization(Pointer client, String code, PointerByReference result);

    int wx_client_account_info(Pointer client, String account, PointerByReference result);

    int wx_client_stats(Pointer client, PointerByReference result);

    void wx_client_cancel(Pointer client);

    void wx_client_free(Pointer client);

    int wx_link_miniprogram(Pointer client, String accessToken, String appid, int notifyUsers,
            int showProfile, PointerByReference result);

    int wx_get_linked(Pointer client, String accessToken, PointerByReference result);

    int wx_unlink_miniprogram(Pointer client, String accessToken, String appid,
            PointerByReference result);

    int wx_ensure_linked(Pointer client, String accessToken, String appid, int notifyUsers,
            int showProfile, int waitMs, PointerByReference result);

    int wx_wait_linked(Pointer client, String accessToken, String appidOrGhId, int waitMs,
            PointerByReference result);

    Pointer wx_result_json(Pointer result, LongByReference len);

    int wx_result_errcode(Pointer result);

    int wx_result_class(Pointer result);

    int wx_result_http_status(Pointer result);

    int wx_result_delivery(Pointer result);

    String wx_result_message(Pointer result);

    String wx_result_rid(Pointer result);

    String wx_result_trace(Pointer result);

    int wx_result_get(Pointer result, String pointer, byte[] buf, SizeT cap);

    void wx_result_free(Pointer result);

    SizeT wx_list_length(Pointer result);

    String wx_list_text(Pointer result, SizeT index, String field);

    int wx_list_number(Pointer result, SizeT index, String field, int ifMissing);

    int wx_list_has(Pointer result, SizeT index, String field);

    SizeT wx_list_size(Pointer result, SizeT index, String field);

    Pointer wx_list_json(Pointer result, LongByReference len);

    String wx_catalogue_json();

    String wx_errcode_text(String endpoint, int errcode, String field, String lang);

    String wx_class_text(int errorClass, String field, String lang);

    /** C's {@code size_t}, in the platform's width. */
    final class SizeT extends IntegerType {
        private static final long serialVersionUID = 1;

        public SizeT() {
            this(0);
        }

        public SizeT(long value) {
            super(Native.SIZE_T_SIZE, value, true);
        }
    }

    /**
     * Returns the text if C receives exactly the same text. Otherwise throws: C would cut a text at
     * a NUL, and half a surrogate pair would turn into a question mark.
     */
    static String text(String name, String text) {
        if (text != null
                && (text.indexOf('\0') >= 0
                        || !StandardCharsets.UTF_8.newEncoder().canEncode(text))) {
            throw new IllegalArgumentException(name + " holds a NUL or half a surrogate pair");
        }
        return text;
    }
}
