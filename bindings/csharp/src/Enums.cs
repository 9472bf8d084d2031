namespace Wxlink
{
    /// <summary>
    /// Whether WeChat messages every follower of the Official Account about the link. A message
    /// cannot be taken back, so there is no default: each call that may post a link names one of
    /// the two.
    /// </summary>
    public enum NotifyUsers
    {
        /// <summary>No follower is messaged.</summary>
        No = 0,

        /// <summary>WeChat messages every follower of the account.</summary>
        Yes = 1,
    }

    /// <summary>
    /// Whether the mini program is shown on the Official Account's page. There is no default.
    /// </summary>
    public enum ShowProfile
    {
        /// <summary>The mini program is not shown.</summary>
        No = 0,

        /// <summary>The mini program is shown.</summary>
        Yes = 1,
    }

    /// <summary>How far a link has come.</summary>
    public enum LinkState
    {
        /// <summary>The list could not be read, or a later library has added the state.</summary>
        Unknown,

        /// <summary>
        /// The list shows no trace of the mini program. Only <see cref="LinkProgress.Found"/> has
        /// this value.
        /// </summary>
        Absent,

        /// <summary>
        /// An invitation waits for an administrator: see <see cref="LinkProgress.WaitsFor"/>.
        /// </summary>
        Pending,

        /// <summary>The mini program is linked.</summary>
        Linked,

        /// <summary>The mini program's administrator refused.</summary>
        Declined,

        /// <summary>
        /// The mini program was in the list and is no longer; after a wait also: it is not in the
        /// list.
        /// </summary>
        Vanished,

        /// <summary>
        /// The list does not show the mini program, and an earlier invitation may still take
        /// effect: see <see cref="LinkProgress.RetryAfter"/>.
        /// </summary>
        InDoubt,
    }

    /// <summary>The administrator who must agree to a link before it can go further.</summary>
    public enum Administrator
    {
        /// <summary>
        /// The link waits for no administrator, or the list does not show for which.
        /// </summary>
        None,

        /// <summary>
        /// The Official Account's administrator, who agrees in a template message.
        /// </summary>
        OfficialAccount,

        /// <summary>The mini program's administrator.</summary>
        MiniProgram,
    }

    /// <summary>What was done about a push: see <see cref="PushEvent.Action"/>.</summary>
    public enum PushAction
    {
        /// <summary>A later library has added the action.</summary>
        Unknown,

        /// <summary>The ticket was stored.</summary>
        TicketStored,

        /// <summary>The account's tokens were stored.</summary>
        AccountAdded,

        /// <summary>
        /// The authorisation code was stored, but could not be exchanged yet: see
        /// <see cref="PushEvent.Reason"/>.
        /// </summary>
        CodeStored,

        /// <summary>
        /// WeChat refused the code: the account has to authorise the platform again.
        /// </summary>
        CodeRefused,

        /// <summary>The account's tokens were removed.</summary>
        AccountRemoved,

        /// <summary>Nothing: the push repeats an earlier one.</summary>
        Repeated,

        /// <summary>Nothing: a later event of the account is known.</summary>
        Outdated,

        /// <summary>
        /// Nothing: the program has to handle the event. See <see cref="PushEvent.Fields"/>.
        /// </summary>
        Unhandled,
    }

    /// <summary>The kind of an account.</summary>
    public enum AccountKind
    {
        /// <summary>A later library has added the kind.</summary>
        Unknown,

        /// <summary>An Official Account.</summary>
        OfficialAccount,

        /// <summary>A mini program.</summary>
        MiniProgram,
    }

    /// <summary>The status of an account.</summary>
    public enum AccountStatus
    {
        /// <summary>WeChat has added a status, or did not send it.</summary>
        Unknown,

        /// <summary>The account can be used.</summary>
        Normal,

        /// <summary>Its owner has closed it.</summary>
        Closed,

        /// <summary>WeChat has banned it.</summary>
        Banned,

        /// <summary>WeChat has warned it.</summary>
        Warned,

        /// <summary>WeChat has frozen it.</summary>
        Frozen,
    }

    /// <summary>
    /// The fields of an errcode that <see cref="WxLibrary.ErrcodeText"/> looks up.
    /// </summary>
    public enum ErrcodeField
    {
        /// <summary>The name, such as LINK_MESSAGE_SENT.</summary>
        Name,

        /// <summary>
        /// The word of its <see cref="ErrorClass"/>, such as action_required.
        /// </summary>
        Class,

        /// <summary>The text that WeChat sends.</summary>
        Errmsg,

        /// <summary>What the errcode means.</summary>
        Meaning,

        /// <summary>What to do about it.</summary>
        Remedy,
    }
}
