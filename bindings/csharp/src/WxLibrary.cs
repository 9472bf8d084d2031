namespace Wxlink
{
    /// <summary>
    /// Versions and the table of errcodes: functions that do not call WeChat. They may be called by
    /// any thread.
    /// </summary>
    public static class WxLibrary
    {
        /// <summary>The version of the native library, such as "1.2.3".</summary>
        public static string Version
        {
            get { return Utf8.ToText(NativeMethods.wx_version()); }
        }

        /// <summary>
        /// The version of the native library's binary interface. It only grows.
        /// </summary>
        public static int AbiVersion
        {
            get { return (int)NativeMethods.wx_abi_version(); }
        }

        /// <summary>
        /// All known errcodes of WeChat, as a JSON array; wxlink.h shows one element.
        /// </summary>
        public static string ErrcodesJson
        {
            get { return Utf8.ToText(NativeMethods.wx_catalogue_json()); }
        }

        /// <summary>Looks up one field of a known errcode.</summary>
        /// <param name="endpoint">
        /// The endpoint that answered; null for the row that holds for every endpoint.
        /// </param>
        /// <param name="errcode">What WeChat answered.</param>
        /// <param name="field">What to look up.</param>
        /// <param name="lang">The language of the meaning and the remedy.</param>
        /// <returns>The text; empty if the errcode is unknown.</returns>
        public static string ErrcodeText(
            Endpoint? endpoint, int errcode, ErrcodeField field, Lang lang = Lang.En)
        {
            return Utf8.ToText(NativeMethods.wx_errcode_text(
                endpoint == null ? null : Utf8.FromText("endpoint", endpoint.Value.Word()),
                errcode,
                Utf8.FromText("field", WxWords.Of(field)),
                Utf8.FromText("lang", lang.Word())));
        }
    }
}
