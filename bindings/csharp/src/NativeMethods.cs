using System;
using System.Runtime.InteropServices;

namespace Wxlink
{
    /// <summary>
    /// The functions of the C interface, which wxlink.h documents. Texts are bytes, which
    /// <see cref="Utf8"/> converts: the runtime's own conversion depends on the system.
    /// </summary>
    internal static class NativeMethods
    {
        private const string Library = "wxlink";
        private const CallingConvention C = CallingConvention.Cdecl;

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern uint wx_abi_version();

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern IntPtr wx_version();

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern IntPtr wx_status_text(int status);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern OptionsHandle wx_options_new();

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern int wx_options_set(OptionsHandle options, byte[] key, byte[] value);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern IntPtr wx_options_message(OptionsHandle options);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern void wx_options_free(IntPtr options);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern int wx_client_new(OptionsHandle options, out ClientHandle client);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern int wx_client_derive(
            ClientHandle client, OptionsHandle options, out ClientHandle derived);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern int wx_client_set_ticket(
            ClientHandle client, byte[] ticket, out ResultHandle result);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern int wx_client_add_account(
            ClientHandle client, byte[] appid, byte[] refreshToken, out ResultHandle result);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern int wx_client_accept_push(
            ClientHandle client, byte[] query, byte[] body, UIntPtr bodyLen,
            out ResultHandle result);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern int wx_client_authorization_url(
            ClientHandle client, byte[] redirectUri, byte[] account, out ResultHandle result);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern int wx_client_accept_authorization(
            ClientHandle client, byte[] code, out ResultHandle result);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern int wx_client_account_info(
            ClientHandle client, byte[] account, out ResultHandle result);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern int wx_client_stats(ClientHandle client, out ResultHandle result);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern void wx_client_cancel(ClientHandle client);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern void wx_client_free(IntPtr client);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern int wx_link_miniprogram(
            ClientHandle client, byte[] accessToken, byte[] appid, int notifyUsers,
            int showProfile, out ResultHandle result);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern int wx_get_linked(
            ClientHandle client, byte[] accessToken, out ResultHandle result);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern int wx_unlink_miniprogram(
            ClientHandle client, byte[] accessToken, byte[] appid, out ResultHandle result);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern int wx_ensure_linked(
            ClientHandle client, byte[] accessToken, byte[] appid, int notifyUsers,
            int showProfile, uint waitMs, out ResultHandle result);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern int wx_wait_linked(
            ClientHandle client, byte[] accessToken, byte[] appidOrGhId, uint waitMs,
            out ResultHandle result);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern IntPtr wx_result_json(ResultHandle result, out UIntPtr len);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern int wx_result_errcode(ResultHandle result);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern int wx_result_class(ResultHandle result);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern int wx_result_http_status(ResultHandle result);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern int wx_result_delivery(ResultHandle result);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern IntPtr wx_result_message(ResultHandle result);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern IntPtr wx_result_rid(ResultHandle result);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern IntPtr wx_result_trace(ResultHandle result);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern int wx_result_get(
            ResultHandle result, byte[] pointer, [Out] byte[] buf, UIntPtr cap);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern void wx_result_free(IntPtr result);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern UIntPtr wx_list_length(ResultHandle result);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern IntPtr wx_list_text(
            ResultHandle result, UIntPtr index, byte[] field);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern int wx_list_number(
            ResultHandle result, UIntPtr index, byte[] field, int ifMissing);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern int wx_list_has(ResultHandle result, UIntPtr index, byte[] field);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern UIntPtr wx_list_size(
            ResultHandle result, UIntPtr index, byte[] field);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern IntPtr wx_list_json(ResultHandle result, out UIntPtr len);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern IntPtr wx_catalogue_json();

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern IntPtr wx_errcode_text(
            byte[] endpoint, int errcode, byte[] field, byte[] lang);

        [DllImport(Library, CallingConvention = C, ExactSpelling = true)]
        internal static extern IntPtr wx_class_text(int errorClass, byte[] field, byte[] lang);
    }
}
