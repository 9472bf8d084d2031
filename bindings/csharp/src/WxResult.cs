using System;

namespace Wxlink
{
    /// <summary>
    /// The result of a call. It is copied from the native library when the call ends, so that it
    /// remains valid after its client is disposed and need not be disposed itself. It does not
    /// change: any number of threads may read it.
    /// </summary>
    [Serializable]
    public class WxResult
    {
        private readonly Status status;
        private readonly int errcode;
        private readonly ErrorClass errorClass;
        private readonly Delivery delivery;
        private readonly int httpStatus;
        private readonly string message;
        private readonly string rid = "";
        private readonly string trace = "";
        private readonly byte[] json = new byte[0];

        /// <summary>Copies a native result.</summary>
        internal WxResult(Status status, ResultHandle result)
            : this(status, Utf8.ToText(NativeMethods.wx_result_message(result)))
        {
            if (result.IsInvalid)
            {
                return;
            }
            errcode = NativeMethods.wx_result_errcode(result);
            errorClass = (ErrorClass)NativeMethods.wx_result_class(result);
            if (!Enum.IsDefined(typeof(ErrorClass), errorClass))
            {
                errorClass = ErrorClass.None;
            }
            delivery = (Delivery)NativeMethods.wx_result_delivery(result);
            if (!Enum.IsDefined(typeof(Delivery), delivery))
            {
                delivery = Delivery.Unknown;
            }
            httpStatus = NativeMethods.wx_result_http_status(result);
            rid = Utf8.ToText(NativeMethods.wx_result_rid(result));
            trace = Utf8.ToText(NativeMethods.wx_result_trace(result));
            UIntPtr length;
            IntPtr text = NativeMethods.wx_result_json(result, out length);
            // WeChat may have sent NULs, so the text is read by its length.
            json = Utf8.ToBytes(text, checked((int)length.ToUInt64()));
        }

        /// <summary>The result of a call that was not made.</summary>
        internal WxResult(Status status, string message)
        {
            this.status = status;
            this.message = message.Length == 0 && status != Status.Ok ? status.Text() : message;
            errcode = (int)status;
        }

        /// <summary>
        /// How the call ended. It may be a number without a name if the library is newer than this
        /// assembly: treat it like its group.
        /// </summary>
        public Status Status
        {
            get { return status; }
        }

        /// <summary>
        /// WeChat's errcode if WeChat answered, otherwise the status's number, so that it is 0 only
        /// if the call succeeded. WeChat has an errcode -1 too: the errcode is WeChat's if the
        /// status is Ok or Api.
        /// </summary>
        public int Errcode
        {
            get { return errcode; }
        }

        /// <summary>What to do about WeChat's errcode.</summary>
        public ErrorClass ErrorClass
        {
            get { return errorClass; }
        }

        /// <summary>Whether WeChat may have seen the request.</summary>
        public Delivery Delivery
        {
            get { return delivery; }
        }

        /// <summary>
        /// The HTTP status of the last response, 0 if there was none. It is 200 also if WeChat
        /// refuses a request.
        /// </summary>
        public int HttpStatus
        {
            get { return httpStatus; }
        }

        /// <summary>
        /// What happened and what to do about it, for people, in the client's language. Empty after
        /// a success; a link that is pending, declined, vanished or in doubt has a message.
        /// </summary>
        public string Message
        {
            get { return message; }
        }

        /// <summary>
        /// The id of the request that WeChat's support asks for; empty if WeChat sent none.
        /// </summary>
        public string Rid
        {
            get { return rid; }
        }

        /// <summary>
        /// Every attempt with host, phase and milliseconds, as JSON for logs and support. It
        /// contains no token.
        /// </summary>
        public string Trace
        {
            get { return trace; }
        }

        /// <summary>
        /// The body of WeChat's response if WeChat answered, otherwise JSON that the library made.
        /// For ensure, wait and the functions for the accounts of a platform it is always the
        /// library's. Empty if an option was refused.
        /// </summary>
        /// <remarks>
        /// JSON parsers may reject the body: WeChat sends damaged texts.
        /// <see cref="MiniProgram.Json"/> is always valid. Bytes that are not UTF-8 are U+FFFD
        /// here; <see cref="GetJsonBytes"/> has them.
        /// </remarks>
        public string Json
        {
            get { return Utf8.ToText(json, json.Length); }
        }

        /// <summary>A copy of the bytes of <see cref="Json"/>: WeChat's body, unchanged.</summary>
        public byte[] GetJsonBytes()
        {
            return (byte[])json.Clone();
        }

        /// <summary>The message, or the name of the status if there is none.</summary>
        public override string ToString()
        {
            return message.Length > 0 ? message : status.Name();
        }

        internal static WxResult Read(Status status, ResultHandle result)
        {
            return new WxResult(status, result);
        }
    }
}
