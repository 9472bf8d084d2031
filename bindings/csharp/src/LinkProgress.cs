using System;
using System.Collections.ObjectModel;

namespace Wxlink
{
    /// <summary>
    /// The result of <see cref="WxClient.EnsureLinked"/> and <see cref="WxClient.WaitLinked"/>.
    /// </summary>
    [Serializable]
    public sealed class LinkProgress : WxResult
    {
        private LinkProgress(Status status, ResultHandle result)
            : base(status, result)
        {
            State = WxWords.Parse<LinkState>(ResultReader.TextOrEmpty(result, "/state"));
            WaitsFor = WxWords.Parse<Administrator>(
                ResultReader.TextOrEmpty(result, "/waits_for"));
            Found = WxWords.Parse<LinkState>(ResultReader.TextOrEmpty(result, "/found"));
            Posts = (int)ResultReader.NumberOrZero(result, "/posts");
            RetryAfter = TimeSpan.FromMilliseconds(
                ResultReader.NumberOrZero(result, "/retry_after_ms"));
            ReadOnlyCollection<MiniProgram> items = MiniProgram.ReadAll(result);
            Item = items.Count > 0 ? items[0] : null;
        }

        /// <summary>How far the link has come.</summary>
        public LinkState State { get; private set; }

        /// <summary>The administrator who must agree next.</summary>
        public Administrator WaitsFor { get; private set; }

        /// <summary>
        /// What the list showed before anything was posted: Absent or a state.
        /// </summary>
        public LinkState Found { get; private set; }

        /// <summary>How many links were posted that WeChat may have received.</summary>
        public int Posts { get; private set; }

        /// <summary>
        /// How long an earlier invitation may still take effect; zero unless the state is InDoubt.
        /// </summary>
        public TimeSpan RetryAfter { get; private set; }

        /// <summary>
        /// The mini program as the call last saw it in the list; null if it did not.
        /// </summary>
        public MiniProgram Item { get; private set; }

        internal static new LinkProgress Read(Status status, ResultHandle result)
        {
            return new LinkProgress(status, result);
        }
    }
}
