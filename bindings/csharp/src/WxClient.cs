using System;
using System.Threading;
using System.Threading.Tasks;

namespace Wxlink
{
    /// <summary>
    /// Calls WeChat and keeps connections for later calls. Make one client and share it: any number
    /// of threads may use it at once, and any of them may cancel or dispose it.
    /// </summary>
    /// <remarks>
    /// <para>Linking can message every follower of an account. Once any byte of a link or unlink
    /// was sent, the library does not send it again. <see cref="EnsureLinked"/> posts at most once
    /// in a call, and only after it has read the list.</para>
    /// <para>Every call that may wait has a method that blocks the calling thread and one that
    /// returns a task. A task's call runs on a thread of its own, not on the thread pool, for as
    /// long as it takes; its token cancels it within 100 ms.</para>
    /// <para>An access token that is null or empty stands for the token source that the options
    /// name. A text that UTF-8 cannot hold unchanged, because it contains a NUL or half a surrogate
    /// pair, is an ArgumentException; the library checks everything else.</para>
    /// </remarks>
    /// <example>
    /// <code>
    /// using (var client = new WxClient(new WxOptions { Timeout = TimeSpan.FromSeconds(5) }))
    /// {
    ///     LinkProgress link = client.EnsureLinked(
    ///         token, "wx0b00000000000001", NotifyUsers.No, ShowProfile.Yes);
    ///     Console.WriteLine(link.State + ", waits for " + link.WaitsFor);
    /// }
    /// </code>
    /// </example>
    public sealed class WxClient : IDisposable
    {
        /// <summary>
        /// The stack of a thread that makes a call. The library needs 128 KiB.
        /// </summary>
        private const int StackBytes = 512 * 1024;

        private readonly ClientHandle handle;

        /// <summary>Cancels the calls that run on handles of their own.</summary>
        private readonly CancellationTokenSource cancelled = new CancellationTokenSource();

        /// <summary>
        /// Refuses later calls: the handle itself does not while a call still uses it.
        /// </summary>
        private volatile bool isDisposed;

        /// <summary>
        /// Makes a client. It opens no connection; certificates are read here and not again.
        /// </summary>
        /// <param name="options">They are copied; null for the default values.</param>
        /// <exception cref="WxArgumentException">
        /// Certificates or the environment's proxy cannot be used, or options contradict each
        /// other.
        /// </exception>
        /// <exception cref="DllNotFoundException">There is no native library.</exception>
        public WxClient(WxOptions options = null)
        {
            handle = (options ?? new WxOptions()).Make(NativeMethods.wx_client_new);
        }

        private WxClient(ClientHandle handle)
        {
            this.handle = handle;
        }

        private delegate int Call(ClientHandle client, out ResultHandle result);

        private delegate T Reader<out T>(Status status, ResultHandle result);

        /// <summary>
        /// Makes a client that shares this client's connections and tokens, but is cancelled and
        /// disposed separately. It is cheap. Options that are set replace the client's timeout,
        /// connect timeout, retries, language or account.
        /// </summary>
        /// <param name="options">They are copied; null to change nothing.</param>
        /// <exception cref="WxArgumentException">
        /// An option was set that belongs to the shared connections.
        /// </exception>
        public WxClient Derive(WxOptions options = null)
        {
            ThrowIfDisposed();
            return new WxClient(DeriveHandle(options ?? NoOptions.Value));
        }

        /// <summary>
        /// Stores the component_verify_ticket that WeChat pushes to a third-party platform every 10
        /// minutes.
        /// </summary>
        /// <param name="ticket">The ticket as it was pushed.</param>
        /// <exception cref="WxNotSentException">The store cannot be used.</exception>
        public void SetTicket(string ticket)
        {
            Run(SettingTicket(ticket), WxResult.Read);
        }

        /// <summary>As <see cref="SetTicket"/>, without blocking a thread of the caller.</summary>
        public Task SetTicketAsync(
            string ticket, CancellationToken cancellationToken = default(CancellationToken))
        {
            return RunAsync(SettingTicket(ticket), WxResult.Read, cancellationToken);
        }

        /// <summary>
        /// Stores the refresh token that an Official Account gave when it authorised the platform.
        /// </summary>
        /// <param name="appid">The account's appid.</param>
        /// <param name="refreshToken">The account's authorizer_refresh_token.</param>
        /// <exception cref="WxNotSentException">The store cannot be used.</exception>
        public void AddAccount(string appid, string refreshToken)
        {
            Run(AddingAccount(appid, refreshToken), WxResult.Read);
        }

        /// <summary>As <see cref="AddAccount"/>, without blocking a thread of the caller.</summary>
        public Task AddAccountAsync(
            string appid,
            string refreshToken,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            return RunAsync(AddingAccount(appid, refreshToken), WxResult.Read, cancellationToken);
        }

        /// <summary>
        /// Accepts a push of WeChat's to a third-party platform: verifies and decrypts it, and
        /// stores what it contains. If it returns, answer with HTTP 200 and the body success; if it
        /// throws a <see cref="WxArgumentException"/> with the status BadPush, with 403; otherwise
        /// with 503, so that WeChat sends the push again.
        /// </summary>
        /// <param name="query">
        /// The query string of WeChat's request, as it was received and without the question mark.
        /// </param>
        /// <param name="body">The body of the request, unchanged.</param>
        /// <exception cref="WxArgumentException">
        /// It is not a push of WeChat's to this platform.
        /// </exception>
        /// <exception cref="WxNotSentException">It could not be stored in time.</exception>
        public PushEvent AcceptPush(string query, byte[] body)
        {
            return Run(AcceptingPush(query, body), PushEvent.Read);
        }

        /// <summary>As <see cref="AcceptPush"/>, without blocking a thread of the caller.</summary>
        public Task<PushEvent> AcceptPushAsync(
            string query,
            byte[] body,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            return RunAsync(AcceptingPush(query, body), PushEvent.Read, cancellationToken);
        }

        /// <summary>
        /// Makes the URLs of the pages on which an Official Account's administrator authorises the
        /// platform. Call it when the administrator clicks: the URLs contain a code that is valid
        /// once and for a short time.
        /// </summary>
        /// <param name="redirectUri">
        /// A whole URL, to which WeChat redirects with the parameter auth_code.
        /// </param>
        /// <param name="account">
        /// The appid of the account to authorise; null for any Official Account.
        /// </param>
        /// <exception cref="WxNotSentException">The platform has no access token.</exception>
        public AuthorizationUrls AuthorizationUrl(string redirectUri, string account = null)
        {
            return Run(MakingUrls(redirectUri, account), AuthorizationUrls.Read);
        }

        /// <summary>
        /// As <see cref="AuthorizationUrl"/>, without blocking a thread of the caller.
        /// </summary>
        public Task<AuthorizationUrls> AuthorizationUrlAsync(
            string redirectUri,
            string account = null,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            return RunAsync(
                MakingUrls(redirectUri, account), AuthorizationUrls.Read, cancellationToken);
        }

        /// <summary>
        /// Exchanges the code of a redirect for the account's tokens and stores them. The same code
        /// may be passed again.
        /// </summary>
        /// <param name="code">The parameter auth_code, decoded.</param>
        /// <exception cref="WxApiException">WeChat refuses the code.</exception>
        public Authorization AcceptAuthorization(string code)
        {
            return Run(AcceptingCode(code), Authorization.Read);
        }

        /// <summary>
        /// As <see cref="AcceptAuthorization"/>, without blocking a thread of the caller.
        /// </summary>
        public Task<Authorization> AcceptAuthorizationAsync(
            string code, CancellationToken cancellationToken = default(CancellationToken))
        {
            return RunAsync(AcceptingCode(code), Authorization.Read, cancellationToken);
        }

        /// <summary>Describes an account that has authorised the platform.</summary>
        /// <param name="appid">The account's appid.</param>
        /// <exception cref="WxApiException">WeChat refuses.</exception>
        public AccountInfo AccountInfo(string appid)
        {
            return Run(Describing(appid), Wxlink.AccountInfo.Read);
        }

        /// <summary>
        /// As the method AccountInfo, without blocking a thread of the caller.
        /// </summary>
        public Task<AccountInfo> AccountInfoAsync(
            string appid, CancellationToken cancellationToken = default(CancellationToken))
        {
            return RunAsync(Describing(appid), Wxlink.AccountInfo.Read, cancellationToken);
        }

        /// <summary>
        /// Returns what this client, and the clients that share its connections, have done so far.
        /// It makes no request and does not wait.
        /// </summary>
        public WxStats Stats()
        {
            return Run(NativeMethods.wx_client_stats, WxStats.Read);
        }

        /// <summary>
        /// Invites a mini program to be linked to an Official Account. It posts once. Success means
        /// that WeChat has sent the invitation: the Official Account's administrator must agree,
        /// then the mini program's. <see cref="WaitLinked"/> shows when they have. Most programs
        /// should use <see cref="EnsureLinked"/>.
        /// </summary>
        /// <param name="accessToken">
        /// The Official Account's authorizer_access_token; null for the token source.
        /// </param>
        /// <param name="appid">The mini program's appid.</param>
        /// <param name="notifyUsers">
        /// Whether WeChat messages every follower of the account.
        /// </param>
        /// <param name="showProfile">
        /// Whether the mini program is shown on the account's page.
        /// </param>
        /// <exception cref="WxPendingException">
        /// An invitation was sent before, or the mini program is already linked.
        /// </exception>
        public WxResult LinkMiniProgram(
            string accessToken, string appid, NotifyUsers notifyUsers, ShowProfile showProfile)
        {
            return Run(Linking(accessToken, appid, notifyUsers, showProfile), WxResult.Read);
        }

        /// <summary>
        /// As <see cref="LinkMiniProgram"/>, without blocking a thread of the caller.
        /// </summary>
        public Task<WxResult> LinkMiniProgramAsync(
            string accessToken,
            string appid,
            NotifyUsers notifyUsers,
            ShowProfile showProfile,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            return RunAsync(
                Linking(accessToken, appid, notifyUsers, showProfile),
                WxResult.Read,
                cancellationToken);
        }

        /// <summary>
        /// Reads the list of the mini programs that are linked to an Official Account or invited.
        /// It is safe to call again after any failure.
        /// </summary>
        /// <param name="accessToken">
        /// The Official Account's authorizer_access_token; null for the token source.
        /// </param>
        /// <exception cref="WxBadAnswerException">The list cannot be read.</exception>
        public MiniProgramList GetLinked(string accessToken)
        {
            return Run(Listing(accessToken), MiniProgramList.Read);
        }

        /// <summary>As <see cref="GetLinked"/>, without blocking a thread of the caller.</summary>
        public Task<MiniProgramList> GetLinkedAsync(
            string accessToken, CancellationToken cancellationToken = default(CancellationToken))
        {
            return RunAsync(Listing(accessToken), MiniProgramList.Read, cancellationToken);
        }

        /// <summary>
        /// Asks to unlink a mini program. It posts once. Success means that WeChat has asked the
        /// Official Account's administrator; the mini program stays in the list until they agree.
        /// </summary>
        /// <param name="accessToken">
        /// The Official Account's authorizer_access_token; null for the token source.
        /// </param>
        /// <param name="appid">The mini program's appid.</param>
        /// <exception cref="WxPendingException">The administrator was already asked.</exception>
        public WxResult UnlinkMiniProgram(string accessToken, string appid)
        {
            return Run(Unlinking(accessToken, appid), WxResult.Read);
        }

        /// <summary>
        /// As <see cref="UnlinkMiniProgram"/>, without blocking a thread of the caller.
        /// </summary>
        public Task<WxResult> UnlinkMiniProgramAsync(
            string accessToken,
            string appid,
            CancellationToken cancellationToken = default(CancellationToken))
        {
            return RunAsync(Unlinking(accessToken, appid), WxResult.Read, cancellationToken);
        }

        /// <summary>
        /// Makes sure that a mini program is linked to an Official Account, or at least invited. It
        /// reads the list, posts a link only if the list does not show the mini program, and waits
        /// for the administrators as long as asked. Calls that share a store (option store; the
        /// default is this process's memory) can repeat it safely, whatever an earlier call did.
        /// </summary>
        /// <remarks>
        /// A link that is pending, declined, vanished or in doubt is returned, not thrown: see
        /// <see cref="LinkProgress.State"/>.
        /// </remarks>
        /// <param name="accessToken">
        /// The Official Account's authorizer_access_token; null for the token source.
        /// </param>
        /// <param name="appid">The mini program's appid.</param>
        /// <param name="notifyUsers">
        /// Whether WeChat messages every follower of the account.
        /// </param>
        /// <param name="showProfile">
        /// Whether the mini program is shown on the account's page.
        /// </param>
        /// <param name="wait">
        /// How long to wait for the administrators; zero, the default, does not wait. The call
        /// returns within the option timeout plus this.
        /// </param>
        /// <exception cref="WxException">
        /// The state of the link is not known, or WeChat refused the link; the exception's Progress
        /// has the state so far.
        /// </exception>
        public LinkProgress EnsureLinked(
            string accessToken,
            string appid,
            NotifyUsers notifyUsers,
            ShowProfile showProfile,
            TimeSpan wait = default(TimeSpan))
        {
            return Run(
                Ensuring(accessToken, appid, notifyUsers, showProfile, wait),
                LinkProgress.Read,
                LinkProgress.Read);
        }

        /// <summary>
        /// As <see cref="EnsureLinked"/>, without blocking a thread of the caller.
        /// </summary>
        public Task<LinkProgress> EnsureLinkedAsync(
            string accessToken,
            string appid,
            NotifyUsers notifyUsers,
            ShowProfile showProfile,
            TimeSpan wait = default(TimeSpan),
            CancellationToken cancellationToken = default(CancellationToken))
        {
            return RunAsync(
                Ensuring(accessToken, appid, notifyUsers, showProfile, wait),
                LinkProgress.Read,
                cancellationToken,
                LinkProgress.Read);
        }

        /// <summary>
        /// Waits until a mini program is linked, declined or vanished. It posts nothing. The state
        /// is Vanished also if the list never showed the mini program.
        /// </summary>
        /// <param name="accessToken">
        /// The Official Account's authorizer_access_token; null for the token source.
        /// </param>
        /// <param name="appidOrGhId">
        /// The mini program's appid or original id (gh_...). Prefer the original id: a refused item
        /// has no appid.
        /// </param>
        /// <param name="wait">How long to wait; zero, the default, reads the list once.</param>
        /// <exception cref="WxException">The state of the link is not known.</exception>
        public LinkProgress WaitLinked(
            string accessToken, string appidOrGhId, TimeSpan wait = default(TimeSpan))
        {
            return Run(
                Waiting(accessToken, appidOrGhId, wait), LinkProgress.Read, LinkProgress.Read);
        }

        /// <summary>As <see cref="WaitLinked"/>, without blocking a thread of the caller.</summary>
        public Task<LinkProgress> WaitLinkedAsync(
            string accessToken,
            string appidOrGhId,
            TimeSpan wait = default(TimeSpan),
            CancellationToken cancellationToken = default(CancellationToken))
        {
            return RunAsync(
                Waiting(accessToken, appidOrGhId, wait),
                LinkProgress.Read,
                cancellationToken,
                LinkProgress.Read);
        }

        /// <summary>
        /// Ends the running calls of this client within 100 ms, and all later ones, with a
        /// <see cref="WxCanceledException"/>. Other clients on the same connections are not
        /// affected. It may be called after <see cref="Dispose"/>.
        /// </summary>
        public void Cancel()
        {
            try
            {
                NativeMethods.wx_client_cancel(handle);
            }
            catch (ObjectDisposedException)
            {
                // No call of a thread runs any more.
            }
            cancelled.Cancel();
        }

        /// <summary>
        /// Closes the client: later calls throw an ObjectDisposedException. It does not wait:
        /// running calls finish, and the last one closes the connections. To end them immediately,
        /// call <see cref="Cancel"/>, too. A client that is not disposed is closed some time after
        /// the last reference to it has gone.
        /// </summary>
        public void Dispose()
        {
            isDisposed = true;
            handle.Dispose();
        }

        private static Call SettingTicket(string ticket)
        {
            byte[] pushed = Utf8.Required("ticket", ticket);
            return (ClientHandle client, out ResultHandle result) =>
                NativeMethods.wx_client_set_ticket(client, pushed, out result);
        }

        private static Call AddingAccount(string appid, string refreshToken)
        {
            byte[] account = Utf8.Required("appid", appid);
            byte[] token = Utf8.Required("refreshToken", refreshToken);
            return (ClientHandle client, out ResultHandle result) =>
                NativeMethods.wx_client_add_account(client, account, token, out result);
        }

        private static Call AcceptingPush(string query, byte[] body)
        {
            byte[] parameters = Utf8.Required("query", query);
            if (body == null)
            {
                throw new ArgumentNullException("body");
            }
            // A copy, which nothing changes during the call, with an element that has an address.
            byte[] bytes = new byte[body.Length + 1];
            body.CopyTo(bytes, 0);
            var length = new UIntPtr((uint)body.Length);
            return (ClientHandle client, out ResultHandle result) =>
                NativeMethods.wx_client_accept_push(client, parameters, bytes, length, out result);
        }

        private static Call MakingUrls(string redirectUri, string account)
        {
            byte[] uri = Utf8.Required("redirectUri", redirectUri);
            byte[] appid = Utf8.FromText("account", account);
            return (ClientHandle client, out ResultHandle result) =>
                NativeMethods.wx_client_authorization_url(client, uri, appid, out result);
        }

        private static Call AcceptingCode(string code)
        {
            byte[] passed = Utf8.Required("code", code);
            return (ClientHandle client, out ResultHandle result) =>
                NativeMethods.wx_client_accept_authorization(client, passed, out result);
        }

        private static Call Describing(string appid)
        {
            byte[] account = Utf8.Required("appid", appid);
            return (ClientHandle client, out ResultHandle result) =>
                NativeMethods.wx_client_account_info(client, account, out result);
        }

        private static Call Linking(
            string accessToken, string appid, NotifyUsers notifyUsers, ShowProfile showProfile)
        {
            byte[] token = Utf8.FromText("accessToken", accessToken);
            byte[] program = Utf8.Required("appid", appid);
            return (ClientHandle client, out ResultHandle result) =>
                NativeMethods.wx_link_miniprogram(
                    client, token, program, (int)notifyUsers, (int)showProfile, out result);
        }

        private static Call Listing(string accessToken)
        {
            byte[] token = Utf8.FromText("accessToken", accessToken);
            return (ClientHandle client, out ResultHandle result) =>
                NativeMethods.wx_get_linked(client, token, out result);
        }

        private static Call Unlinking(string accessToken, string appid)
        {
            byte[] token = Utf8.FromText("accessToken", accessToken);
            byte[] program = Utf8.Required("appid", appid);
            return (ClientHandle client, out ResultHandle result) =>
                NativeMethods.wx_unlink_miniprogram(client, token, program, out result);
        }

        private static Call Ensuring(
            string accessToken,
            string appid,
            NotifyUsers notifyUsers,
            ShowProfile showProfile,
            TimeSpan wait)
        {
            byte[] token = Utf8.FromText("accessToken", accessToken);
            byte[] program = Utf8.Required("appid", appid);
            uint waitMs = Milliseconds(wait);
            return (ClientHandle client, out ResultHandle result) =>
                NativeMethods.wx_ensure_linked(
                    client, token, program, (int)notifyUsers, (int)showProfile, waitMs, out result);
        }

        private static Call Waiting(string accessToken, string appidOrGhId, TimeSpan wait)
        {
            byte[] token = Utf8.FromText("accessToken", accessToken);
            byte[] program = Utf8.Required("appidOrGhId", appidOrGhId);
            uint waitMs = Milliseconds(wait);
            return (ClientHandle client, out ResultHandle result) =>
                NativeMethods.wx_wait_linked(client, token, program, waitMs, out result);
        }

        private static uint Milliseconds(TimeSpan wait)
        {
            long milliseconds = WxOptions.Milliseconds(wait);
            if (wait < TimeSpan.Zero || milliseconds > uint.MaxValue)
            {
                throw new ArgumentOutOfRangeException(
                    "wait", "The wait must be from 0 to " + uint.MaxValue + " ms.");
            }
            return (uint)milliseconds;
        }

        private void ThrowIfDisposed()
        {
            if (isDisposed)
            {
                throw new ObjectDisposedException("WxClient");
            }
        }

        private ClientHandle DeriveHandle(WxOptions options)
        {
            return options.Make((OptionsHandle native, out ClientHandle derived) =>
                NativeMethods.wx_client_derive(handle, native, out derived));
        }

        /// <summary>Makes a call on the calling thread.</summary>
        private T Run<T>(Call call, Reader<T> read, Reader<WxResult> readFailure = null)
        {
            ThrowIfDisposed();
            return Finish(handle, call, read, readFailure, CancellationToken.None);
        }

        /// <summary>
        /// Makes a call on a thread and a handle of its own. It runs to its end also if this client
        /// is disposed.
        /// </summary>
        private async Task<T> RunAsync<T>(
            Call call,
            Reader<T> read,
            CancellationToken token,
            Reader<WxResult> readFailure = null)
        {
            ThrowIfDisposed();
            // The registrations are disposed before the handle, and wait for running callbacks.
            using (ClientHandle own = DeriveHandle(NoOptions.Value))
            using (token.Register(CancelHandle, own))
            using (cancelled.Token.Register(CancelHandle, own))
            {
                return await OnOwnThread(() => Finish(own, call, read, readFailure, token))
                    .ConfigureAwait(false);
            }
        }

        private static void CancelHandle(object handle)
        {
            NativeMethods.wx_client_cancel((ClientHandle)handle);
        }

        /// <summary>Makes a call, and reads its result or throws its failure.</summary>
        private static T Finish<T>(
            ClientHandle client,
            Call call,
            Reader<T> read,
            Reader<WxResult> readFailure,
            CancellationToken token)
        {
            ResultHandle result;
            var status = (Status)call(client, out result);
            using (result)
            {
                if (!IsSuccess(status))
                {
                    throw WxException.For((readFailure ?? WxResult.Read)(status, result), token);
                }
                return read(status, result);
            }
        }

        /// <summary>
        /// Whether a call has succeeded, or has determined how far a link has come.
        /// </summary>
        private static bool IsSuccess(Status status)
        {
            switch (status)
            {
                case Status.Ok:
                case Status.Pending:
                case Status.Declined:
                case Status.Vanished:
                case Status.InDoubt:
                    return true;
                default:
                    return false;
            }
        }

        /// <summary>
        /// Options that nothing sets, for all derived handles. They are made when there is a
        /// client, so that a library that is missing has been noticed by then.
        /// </summary>
        private static class NoOptions
        {
            internal static readonly WxOptions Value = new WxOptions();
        }

        private static Task<T> OnOwnThread<T>(Func<T> call)
        {
            var source =
                new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
            ThreadStart run = () =>
            {
                try
                {
                    source.SetResult(call());
                }
                catch (Exception e)
                {
                    source.SetException(e);
                }
            };
            Start(new Thread(run, StackBytes) { IsBackground = true, Name = "wxlink" });
            return source.Task;
        }

        /// <summary>
        /// Starts a task's thread. If the system has none left, Mono and .NET throw different
        /// exceptions, and no program expects them from a call.
        /// </summary>
        private static void Start(Thread thread)
        {
            try
            {
                thread.Start();
            }
            catch (Exception e)
            {
                throw WxException.For(new WxResult(
                    Status.Internal,
                    "INTERNAL: could not start a thread for the call: " + e.Message.TrimEnd('.')
                        + ". Nothing was sent; make fewer calls at the same time."));
            }
        }
    }
}
