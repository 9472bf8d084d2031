using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;

namespace Wxlink
{
    /// <summary>A push that <see cref="WxClient.AcceptPush"/> has accepted.</summary>
    [Serializable]
    public sealed class PushEvent : WxResult
    {
        private PushEvent(Status status, ResultHandle result)
            : base(status, result)
        {
            Event = ResultReader.TextOrEmpty(result, "/event");
            Account = TextOrNull(result, "/account");
            CreateTime = TimeOrNull(ResultReader.NumberOrZero(result, "/create_time"));
            Action = WxWords.Parse<PushAction>(ResultReader.TextOrEmpty(result, "/action"));
            Reason = ResultReader.TextOrEmpty(result, "/reason");
            string json = ResultReader.TextOrEmpty(result, "/fields");
            if (json.StartsWith("{", StringComparison.Ordinal))
            {
                var fields = new Dictionary<string, string>();
                foreach (string name in ResultReader.Names(json))
                {
                    string token = name.Replace("~", "~0").Replace("/", "~1");
                    fields[name] = ResultReader.TextOrEmpty(result, "/fields/" + token);
                }
                Fields = new ReadOnlyDictionary<string, string>(fields);
            }
        }

        /// <summary>
        /// The push's InfoType; empty if it has none, such as a follower's message.
        /// </summary>
        public string Event { get; private set; }

        /// <summary>The appid of the account that the push is about; null if none.</summary>
        public string Account { get; private set; }

        /// <summary>
        /// When WeChat made the event; null if the push has no such time, or one after the year
        /// 9999.
        /// </summary>
        public DateTimeOffset? CreateTime { get; private set; }

        /// <summary>What was done.</summary>
        public PushAction Action { get; private set; }

        /// <summary>Why an authorisation code was not exchanged; empty otherwise.</summary>
        public string Reason { get; private set; }

        /// <summary>
        /// The decrypted fields without tickets and codes, if the program has to handle the push;
        /// otherwise null. A field with fields of its own is JSON.
        /// </summary>
        public IReadOnlyDictionary<string, string> Fields { get; private set; }

        internal static new PushEvent Read(Status status, ResultHandle result)
        {
            return new PushEvent(status, result);
        }

        private static string TextOrNull(ResultHandle result, string pointer)
        {
            string text = ResultReader.Text(result, pointer);
            return text == "null" ? null : text;
        }

        /// <summary>
        /// The time so many seconds after 1970; null for 0, and for what .NET cannot represent. The
        /// library has stored the push by now, so that an exception would have WeChat repeat it.
        /// </summary>
        private static DateTimeOffset? TimeOrNull(long seconds)
        {
            return seconds > 0 && seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds()
                ? DateTimeOffset.FromUnixTimeSeconds(seconds)
                : (DateTimeOffset?)null;
        }
    }

    /// <summary>
    /// The URLs that <see cref="WxClient.AuthorizationUrl"/> makes. They contain a secret code.
    /// </summary>
    [Serializable]
    public sealed class AuthorizationUrls : WxResult
    {
        private AuthorizationUrls(Status status, ResultHandle result)
            : base(status, result)
        {
            ComputerUrl = ResultReader.TextOrEmpty(result, "/computer_url");
            PhoneUrl = ResultReader.TextOrEmpty(result, "/phone_url");
            // The number is WeChat's, and TimeSpan has a limit.
            long seconds = ResultReader.NumberOrZero(result, "/expires_in");
            ExpiresIn = TimeSpan.FromSeconds(
                Math.Min(seconds, TimeSpan.MaxValue.Ticks / TimeSpan.TicksPerSecond));
        }

        /// <summary>The page for a computer, which shows a QR code.</summary>
        public string ComputerUrl { get; private set; }

        /// <summary>The page for a phone, to be opened inside WeChat.</summary>
        public string PhoneUrl { get; private set; }

        /// <summary>How long the pages can be opened.</summary>
        public TimeSpan ExpiresIn { get; private set; }

        internal static new AuthorizationUrls Read(Status status, ResultHandle result)
        {
            return new AuthorizationUrls(status, result);
        }
    }

    /// <summary>
    /// The account whose code <see cref="WxClient.AcceptAuthorization"/> has exchanged.
    /// </summary>
    [Serializable]
    public sealed class Authorization : WxResult
    {
        private Authorization(Status status, ResultHandle result)
            : base(status, result)
        {
            Account = ResultReader.TextOrEmpty(result, "/account");
            PermissionSets = ResultReader.Numbers(result, "/permission_sets");
            MayLink = ResultReader.Flag(result, "/may_link");
        }

        /// <summary>The appid of the account that authorised the platform.</summary>
        public string Account { get; private set; }

        /// <summary>
        /// The numbers of the permission sets that it granted; null if not known.
        /// </summary>
        public IReadOnlyList<long> PermissionSets { get; private set; }

        /// <summary>
        /// Whether set 33 is among them, which linking needs; null if not known.
        /// </summary>
        public bool? MayLink { get; private set; }

        internal static new Authorization Read(Status status, ResultHandle result)
        {
            return new Authorization(status, result);
        }
    }

    /// <summary>
    /// The description of an account that <see cref="WxClient.AccountInfo"/> returns.
    /// </summary>
    [Serializable]
    public sealed class AccountInfo : WxResult
    {
        private AccountInfo(Status status, ResultHandle result)
            : base(status, result)
        {
            Account = ResultReader.TextOrEmpty(result, "/account");
            Name = ResultReader.TextOrEmpty(result, "/name");
            GhId = ResultReader.TextOrEmpty(result, "/gh_id");
            Subject = ResultReader.TextOrEmpty(result, "/subject");
            Kind = WxWords.Parse<AccountKind>(ResultReader.TextOrEmpty(result, "/kind"));
            ServiceType = ResultReader.Number(result, "/service_type");
            AccountStatus = WxWords.Parse<AccountStatus>(
                ResultReader.TextOrEmpty(result, "/status"));
            PermissionSets = ResultReader.Numbers(result, "/permission_sets");
            MayLink = ResultReader.Flag(result, "/may_link");
        }

        /// <summary>The account's appid.</summary>
        public string Account { get; private set; }

        /// <summary>The account's name.</summary>
        public string Name { get; private set; }

        /// <summary>The account's original id, gh_...</summary>
        public string GhId { get; private set; }

        /// <summary>
        /// The registered person or organisation. Individuals all have the same.
        /// </summary>
        public string Subject { get; private set; }

        /// <summary>Whether it is an Official Account or a mini program.</summary>
        public AccountKind Kind { get; private set; }

        /// <summary>WeChat's number for the kind of account; null if not known.</summary>
        public long? ServiceType { get; private set; }

        /// <summary>Whether the account can be used.</summary>
        public AccountStatus AccountStatus { get; private set; }

        /// <summary>
        /// The numbers of the permission sets that it granted; null if not known.
        /// </summary>
        public IReadOnlyList<long> PermissionSets { get; private set; }

        /// <summary>
        /// Whether set 33 is among them, which linking needs; null if not known.
        /// </summary>
        public bool? MayLink { get; private set; }

        internal static new AccountInfo Read(Status status, ResultHandle result)
        {
            return new AccountInfo(status, result);
        }
    }
}
