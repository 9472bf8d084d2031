using System;
using System.Runtime.Serialization;
using System.Threading;

namespace Wxlink
{
    /// <summary>
    /// A call that failed. Its class shows what a program may do next; its message is for people,
    /// and contains no token.
    /// </summary>
    /// <remarks>
    /// <code>
    /// WxException
    /// ├── WxArgumentException            an argument or option is invalid; nothing was sent
    /// ├── WxNotSentException             nothing was sent: call again
    /// │   └── WxTicketException          pass on the ticket that WeChat pushes, call again
    /// ├── WxOutcomeUnknownException      sent without an answer: read the list first
    /// │   └── WxBadAnswerException       the response is not a valid answer of WeChat
    /// ├── WxApiException                 WeChat answered an errcode other than 0
    /// │   ├── WxPendingException         already invited or linked: do not link again
    /// │   ├── WxTokenException           get another access token and call again, once
    /// │   ├── WxBusyException            wait a little and call again
    /// │   ├── WxQuotaException           call again when the minute, day or month is over
    /// │   ├── WxActionRequiredException  an administrator or operator must act first
    /// │   └── WxInvalidRequestException  correct the call
    /// └── WxInternalException            a fault of the library, or no resources are left
    /// </code>
    /// A call that was cancelled throws a <see cref="WxCanceledException"/>, which is an
    /// OperationCanceledException as everywhere in .NET.
    /// </remarks>
    [Serializable]
    public class WxException : Exception
    {
        private const string ResultKey = "Wxlink.Result";
        private readonly WxResult result;

        internal WxException(WxResult result)
            : base(result.Message)
        {
            this.result = result;
        }

        /// <summary>For the serializer.</summary>
        protected WxException(SerializationInfo info, StreamingContext context)
            : base(info, context)
        {
            result = (WxResult)info.GetValue(ResultKey, typeof(WxResult));
        }

        /// <summary>The whole result of the call.</summary>
        public WxResult Result
        {
            get { return result; }
        }

        /// <summary>
        /// What <see cref="WxClient.EnsureLinked"/> or <see cref="WxClient.WaitLinked"/> knew when
        /// it failed; null for other calls.
        /// </summary>
        public LinkProgress Progress
        {
            get { return result as LinkProgress; }
        }

        /// <summary>How the call ended.</summary>
        public Status Status
        {
            get { return result.Status; }
        }

        /// <summary>See <see cref="WxResult.Errcode"/>.</summary>
        public int Errcode
        {
            get { return result.Errcode; }
        }

        /// <summary>What to do about WeChat's errcode.</summary>
        public ErrorClass ErrorClass
        {
            get { return result.ErrorClass; }
        }

        /// <summary>Whether WeChat may have seen the request.</summary>
        public Delivery Delivery
        {
            get { return result.Delivery; }
        }

        /// <summary>
        /// The id of the request that WeChat's support asks for; empty if WeChat sent none.
        /// </summary>
        public string Rid
        {
            get { return result.Rid; }
        }

        /// <summary>Whether the time limit was reached.</summary>
        public bool IsTimeout
        {
            get { return Status == Status.Timeout || Status == Status.TimeoutUnsent; }
        }

        /// <summary>For the serializer.</summary>
        public override void GetObjectData(SerializationInfo info, StreamingContext context)
        {
            base.GetObjectData(info, context);
            info.AddValue(ResultKey, result);
        }

        /// <summary>
        /// The exception for a failed call. Other statuses are chosen by their group, so that a
        /// status of a later library has an exception, too.
        /// </summary>
        internal static Exception For(
            WxResult result, CancellationToken token = default(CancellationToken))
        {
            int number = (int)result.Status;
            switch (result.Status)
            {
                case Status.Api:
                    return ForClass(result);
                case Status.Cancelled:
                    return new WxCanceledException(
                        result,
                        token.IsCancellationRequested ? token : CancellationToken.None);
                case Status.NoToken:
                    return result.ErrorClass == ErrorClass.Ticket
                        ? new WxTicketException(result)
                        : new WxNotSentException(result);
            }
            if (number < 0 && number > -20)
            {
                return new WxArgumentException(result);
            }
            if (number <= -20 && number > -40)
            {
                return new WxNotSentException(result);
            }
            if (number <= -40 && number > -60)
            {
                return new WxOutcomeUnknownException(result);
            }
            if (number <= -60 && number > -70)
            {
                return new WxBadAnswerException(result);
            }
            return new WxInternalException(result);
        }

        private static WxApiException ForClass(WxResult result)
        {
            switch (result.ErrorClass)
            {
                case ErrorClass.Ok:
                case ErrorClass.Pending:
                    return new WxPendingException(result);
                case ErrorClass.Token:
                    return new WxTokenException(result);
                case ErrorClass.Busy:
                    return new WxBusyException(result);
                case ErrorClass.Quota:
                    return new WxQuotaException(result);
                case ErrorClass.ActionRequired:
                    return new WxActionRequiredException(result);
                case ErrorClass.InvalidRequest:
                    return new WxInvalidRequestException(result);
                default:
                    return new WxApiException(result);
            }
        }
    }

    /// <summary>An argument or option is invalid; nothing was sent.</summary>
    [Serializable]
    public sealed class WxArgumentException : WxException
    {
        internal WxArgumentException(WxResult result)
            : base(result)
        {
        }

        /// <summary>For the serializer.</summary>
        private WxArgumentException(SerializationInfo info, StreamingContext context)
            : base(info, context)
        {
        }
    }

    /// <summary>Nothing was sent: it is safe to call again.</summary>
    [Serializable]
    public class WxNotSentException : WxException
    {
        internal WxNotSentException(WxResult result)
            : base(result)
        {
        }

        /// <summary>For the serializer.</summary>
        protected WxNotSentException(SerializationInfo info, StreamingContext context)
            : base(info, context)
        {
        }
    }

    /// <summary>
    /// WeChat refuses the platform's ticket, so there is no access token: pass the pushed one to
    /// <see cref="WxClient.SetTicket"/> and call again.
    /// </summary>
    [Serializable]
    public sealed class WxTicketException : WxNotSentException
    {
        internal WxTicketException(WxResult result)
            : base(result)
        {
        }

        /// <summary>For the serializer.</summary>
        private WxTicketException(SerializationInfo info, StreamingContext context)
            : base(info, context)
        {
        }
    }

    /// <summary>
    /// The request was sent, but no answer came from WeChat: read the list before calling again.
    /// </summary>
    [Serializable]
    public class WxOutcomeUnknownException : WxException
    {
        internal WxOutcomeUnknownException(WxResult result)
            : base(result)
        {
        }

        /// <summary>For the serializer.</summary>
        protected WxOutcomeUnknownException(SerializationInfo info, StreamingContext context)
            : base(info, context)
        {
        }
    }

    /// <summary>
    /// The response is not a valid answer of WeChat; the outcome is unknown, too.
    /// </summary>
    [Serializable]
    public sealed class WxBadAnswerException : WxOutcomeUnknownException
    {
        internal WxBadAnswerException(WxResult result)
            : base(result)
        {
        }

        /// <summary>For the serializer.</summary>
        private WxBadAnswerException(SerializationInfo info, StreamingContext context)
            : base(info, context)
        {
        }
    }

    /// <summary>WeChat answered an errcode other than 0.</summary>
    [Serializable]
    public class WxApiException : WxException
    {
        internal WxApiException(WxResult result)
            : base(result)
        {
        }

        /// <summary>For the serializer.</summary>
        protected WxApiException(SerializationInfo info, StreamingContext context)
            : base(info, context)
        {
        }
    }

    /// <summary>
    /// Already invited, already linked or already asked; not a failure. Do not call again.
    /// </summary>
    [Serializable]
    public sealed class WxPendingException : WxApiException
    {
        internal WxPendingException(WxResult result)
            : base(result)
        {
        }

        /// <summary>For the serializer.</summary>
        private WxPendingException(SerializationInfo info, StreamingContext context)
            : base(info, context)
        {
        }
    }

    /// <summary>WeChat refused the access token: get another one and call again, once.</summary>
    [Serializable]
    public sealed class WxTokenException : WxApiException
    {
        internal WxTokenException(WxResult result)
            : base(result)
        {
        }

        /// <summary>For the serializer.</summary>
        private WxTokenException(SerializationInfo info, StreamingContext context)
            : base(info, context)
        {
        }
    }

    /// <summary>
    /// WeChat is busy: wait a little and call again. It may have acted: read the list before
    /// repeating a link or unlink.
    /// </summary>
    [Serializable]
    public sealed class WxBusyException : WxApiException
    {
        internal WxBusyException(WxResult result)
            : base(result)
        {
        }

        /// <summary>For the serializer.</summary>
        private WxBusyException(SerializationInfo info, StreamingContext context)
            : base(info, context)
        {
        }
    }

    /// <summary>Call again when the minute, day or month is over.</summary>
    [Serializable]
    public sealed class WxQuotaException : WxApiException
    {
        internal WxQuotaException(WxResult result)
            : base(result)
        {
        }

        /// <summary>For the serializer.</summary>
        private WxQuotaException(SerializationInfo info, StreamingContext context)
            : base(info, context)
        {
        }
    }

    /// <summary>An administrator or operator must act first; the message describes it.</summary>
    [Serializable]
    public sealed class WxActionRequiredException : WxApiException
    {
        internal WxActionRequiredException(WxResult result)
            : base(result)
        {
        }

        /// <summary>For the serializer.</summary>
        private WxActionRequiredException(SerializationInfo info, StreamingContext context)
            : base(info, context)
        {
        }
    }

    /// <summary>WeChat refuses the request: correct the call.</summary>
    [Serializable]
    public sealed class WxInvalidRequestException : WxApiException
    {
        internal WxInvalidRequestException(WxResult result)
            : base(result)
        {
        }

        /// <summary>For the serializer.</summary>
        private WxInvalidRequestException(SerializationInfo info, StreamingContext context)
            : base(info, context)
        {
        }
    }

    /// <summary>
    /// A fault of the library, or the process has no thread or file descriptor left.
    /// </summary>
    [Serializable]
    public sealed class WxInternalException : WxException
    {
        internal WxInternalException(WxResult result)
            : base(result)
        {
        }

        /// <summary>For the serializer.</summary>
        private WxInternalException(SerializationInfo info, StreamingContext context)
            : base(info, context)
        {
        }
    }

    /// <summary>
    /// The call was cancelled: by its token, or by <see cref="WxClient.Cancel"/>.
    /// <see cref="Delivery"/> shows whether WeChat may have seen the request.
    /// </summary>
    [Serializable]
    public sealed class WxCanceledException : OperationCanceledException
    {
        private const string ResultKey = "Wxlink.Result";
        private readonly WxResult result;

        internal WxCanceledException(WxResult result, CancellationToken token)
            : base(result.Message, token)
        {
            this.result = result;
        }

        private WxCanceledException(SerializationInfo info, StreamingContext context)
            : base(info, context)
        {
            result = (WxResult)info.GetValue(ResultKey, typeof(WxResult));
        }

        /// <summary>The whole result of the call.</summary>
        public WxResult Result
        {
            get { return result; }
        }

        /// <summary>
        /// What <see cref="WxClient.EnsureLinked"/> or <see cref="WxClient.WaitLinked"/> knew when
        /// it was cancelled; null for other calls.
        /// </summary>
        public LinkProgress Progress
        {
            get { return result as LinkProgress; }
        }

        /// <summary>Whether WeChat may have seen the request.</summary>
        public Delivery Delivery
        {
            get { return result.Delivery; }
        }

        /// <summary>For the serializer.</summary>
        public override void GetObjectData(SerializationInfo info, StreamingContext context)
        {
            base.GetObjectData(info, context);
            info.AddValue(ResultKey, result);
        }
    }
}
