//! [`Client`]: its creation, derived handles, cancellation, and what a third-party platform stores.
//! The calls to WeChat are in `call.rs`, `ensure.rs` and `authorization.rs`.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::claims::{ClaimError, LinkClaims};
use super::id_aliases::IdAliases;
use crate::config::call_settings::CallSettings;
use crate::config::limits::MAX_APPID_BYTES;
use crate::config::options::Options;
use crate::config::secret_text::{self, SecretKind};
use crate::error::Error;
use crate::model::attempt::Attempt;
use crate::model::endpoint::Endpoint;
use crate::model::lang::{Lang, Text};
use crate::model::message::{Message, message};
use crate::model::status::Status;
use crate::stats::ClientStats;
use crate::store;
use crate::sys::cancel::CancelToken;
use crate::sys::fork::ForkGuard;
use crate::token::{Platform, TokenCache};
use crate::transport::ConnectionPool;

/// Longer than any token fetch: `timeout_ms` is at most an hour.
const LONGER_THAN_ANY_FETCH: Duration = Duration::from_millis(2 * u32::MAX as u64);

/// The choices for a link. They have no defaults, because `notify_users` messages every follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkChoices {
    /// Whether WeChat messages every follower of the Official Account.
    pub notify_users: bool,
    /// Whether the mini program is shown on the Official Account's page.
    pub show_profile: bool,
}

/// Calls WeChat, and keeps its connections open for later calls.
///
/// Several threads may use a client at the same time. Cloning is cheap: clones share everything,
/// including cancellation. Handles made by [`derive`](Client::derive) share the connections and
/// tokens, and are cancelled separately.
///
/// Every call takes an access token of the Official Account. `None` or an empty text means that the
/// client uses its token source (options `access_token`, `token_command` or `component_appid`) for
/// the account that the option `account` names.
#[derive(Clone)]
pub struct Client {
    pub(super) pool: Arc<ConnectionPool>,
    pub(super) settings: CallSettings,
    pub(super) cancel: Arc<CancelToken>,
    pub(super) aliases: Arc<IdAliases>,
    pub(super) claims: Arc<LinkClaims>,
    /// The tokens of calls that pass none; `None` if no token source is set.
    pub(super) tokens: Option<Arc<TokenCache>>,
    /// The account of calls that pass no token.
    pub(super) account: Option<Arc<str>>,
    /// Knows whether this process is a fork of the one that created the client.
    pub(super) fork_guard: ForkGuard,
}

impl Client {
    /// Creates a client. Opens no connection and does not wait for the network.
    ///
    /// The options are copied. Certificate files, and the environment if the option `proxy` is
    /// `env`, are read here and never again.
    ///
    /// ```
    /// use wxlink::{Client, Options};
    ///
    /// let mut options = Options::new();
    /// options.set("timeout_ms", "5000")?;
    /// let client = Client::new(&options)?;
    /// # Ok::<(), wxlink::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Status::BadOption`]: `ca_file` cannot be read or contains no usable certificate, the proxy
    /// in the environment is invalid, or options contradict each other. [`Status::Internal`]: the
    /// process has no file descriptor left.
    pub fn new(options: &Options) -> Result<Client, Error> {
        let bad_option = |why: Message| Error::before_send(Status::BadOption, why, options.lang);
        let pool = Arc::new(ConnectionPool::new(options).map_err(bad_option)?);
        let store = store::open(&options.store).map_err(bad_option)?;
        let shared = options.store.is_shared().then(|| store.clone());
        Ok(Client {
            tokens: TokenCache::new(options, &pool, &store).map_err(bad_option)?,
            claims: Arc::new(LinkClaims::new(&options.hosts, shared)),
            account: options.account_over(None),
            pool,
            settings: options.call_settings(),
            cancel: Arc::new(new_cancel_token(options.lang)?),
            aliases: Arc::default(),
            fork_guard: new_fork_guard(options.lang)?,
        })
    }

    /// Creates a handle that shares the connections and tokens of this one but is cancelled
    /// separately. Options that are set replace `timeout_ms`, `connect_timeout_ms`, `max_retries`,
    /// `settle_ms`, `reinvite`, `lang` or `account`.
    ///
    /// ```
    /// use wxlink::{Client, Options};
    ///
    /// let client = Client::new(&Options::new())?;
    /// // A handle for one account, with a limit of its own.
    /// let mut options = Options::new();
    /// options.set("account", "wx0a00000000000001")?.set("timeout_ms", "2000")?;
    /// let handle = client.derive(&options)?;
    /// # assert_eq!(handle.timeout().as_millis(), 2000);
    /// # Ok::<(), wxlink::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Status::BadOption`]: an option was set that belongs to the shared connections.
    /// [`Status::Internal`]: the process has no file descriptor left.
    pub fn derive(&self, options: &Options) -> Result<Client, Error> {
        let lang = self.settings.lang;
        let settings = options
            .call_settings_over(self.settings)
            .map_err(|why| Error::before_send(Status::BadOption, why, lang))?;
        Ok(Client {
            pool: self.pool.clone(),
            settings,
            cancel: Arc::new(new_cancel_token(lang)?),
            aliases: self.aliases.clone(),
            claims: self.claims.clone(),
            tokens: self.tokens.clone(),
            account: options.account_over(self.account.as_ref()),
            fork_guard: self.fork_guard,
        })
    }

    /// Creates a handle whose calls can be interrupted by `check`, for programs with their own
    /// interrupt handling, such as an interpreter. It shares everything else with this one.
    ///
    /// A call that waits runs `check` every 50 ms, and mostly also when a signal interrupts the
    /// wait. If `check` returns `true`, the call ends with [`Status::Cancelled`]. Later calls on
    /// the handle are not affected.
    ///
    /// # Errors
    /// [`Status::Internal`]: the process has no file descriptor left.
    pub fn with_interrupt_check(
        &self,
        check: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Result<Client, Error> {
        let cancel = new_cancel_token(self.settings.lang)?.with_interrupt_check(Box::new(check));
        Ok(Client {
            cancel: Arc::new(cancel),
            ..self.clone()
        })
    }

    /// Creates a handle for the calls to one Official Account that pass no access token: shorthand
    /// for [`derive`](Client::derive) with the option `account`. An empty appid clears the account.
    ///
    /// # Errors
    /// [`Status::BadOption`]: the appid is longer than 256 bytes or contains control characters.
    /// [`Status::Internal`]: the process has no file descriptor left.
    pub fn account(&self, appid: &str) -> Result<Client, Error> {
        self.derive(Options::new().set("account", appid)?)
    }

    /// Whether a token source is set, so that calls need not pass a token.
    #[cfg(feature = "capi")]
    pub(crate) fn has_token_source(&self) -> bool {
        self.tokens.is_some()
    }

    /// Whether the client was created before a fork and this is the child process. There, its calls
    /// fail with [`Status::Forked`].
    pub fn is_forked(&self) -> bool {
        self.fork_guard.in_child()
    }

    /// What the client has done since it was created, in numbers. Handles that were derived from
    /// it are included.
    ///
    /// ```
    /// use wxlink::{Client, Options};
    ///
    /// let client = Client::new(&Options::new())?;
    /// let stats = client.stats()?;
    /// for endpoint in &stats.endpoints {
    ///     println!("{} {}", endpoint.endpoint.as_str(), endpoint.latency.count());
    /// }
    /// # assert_eq!(stats.tokens_fetched, 0);
    /// # Ok::<(), wxlink::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Status::Forked`].
    pub fn stats(&self) -> Result<ClientStats, Error> {
        if self.is_forked() {
            return Err(Error::before_send(Status::Forked, "", self.settings.lang));
        }
        Ok(self.pool.snapshot())
    }

    /// Calls `observer` with each attempt that has ended, also those that fetch a token: for logs.
    /// It runs on the thread of the call, which waits for it. Handles that share the connections
    /// share the observer. The first one that is set stays.
    ///
    /// ```
    /// use wxlink::{Client, Options};
    ///
    /// let client = Client::new(&Options::new())?;
    /// client.observe_attempts(|endpoint, attempt| {
    ///     eprintln!("{} {} {} ms", endpoint.as_str(), attempt.outcome.name(), attempt.ms);
    /// });
    /// # Ok::<(), wxlink::Error>(())
    /// ```
    pub fn observe_attempts(&self, observer: impl Fn(Endpoint, &Attempt) + Send + Sync + 'static) {
        self.pool.set_observer(Box::new(observer));
    }

    /// Whether the client's token source has the tokens of several accounts: whether it is a
    /// `token_command` or a third-party platform.
    pub fn serves_accounts(&self) -> bool {
        self.tokens
            .as_deref()
            .is_some_and(TokenCache::serves_accounts)
    }

    /// Stores the `component_verify_ticket` of a third-party platform, which WeChat pushes to the
    /// platform every 10 minutes. Takes at most `timeout_ms`.
    ///
    /// ```
    /// # use wxlink::{Client, Options};
    /// # let sandbox = wxlink_sandbox::Sandbox::start(Default::default()).unwrap();
    /// # let mut options = Options::new();
    /// # options.set("base_url", sandbox.http_url())?;
    /// # options.set("component_appid", "wx0c00000000000001")?;
    /// # options.set("component_appsecret", "SANDBOX-COMPONENT-SECRET")?;
    /// # let client = Client::new(&options)?;
    /// # let pushed = "SANDBOX-TICKET";
    /// // `pushed` is the ticket in the decrypted push, or the whole decrypted push.
    /// client.set_ticket(pushed)?;
    /// # Ok::<(), wxlink::Error>(())
    /// ```
    ///
    /// # Errors
    /// - [`Status::BadValue`]: the ticket is empty, longer than 4096 bytes or contains a character
    ///   that no ticket has, or the client has no `component_appid`.
    /// - [`Status::Store`]: the store cannot be used; the message gives the reason.
    /// - [`Status::TimeoutUnsent`]: the store did not answer in time.
    /// - [`Status::Cancelled`], [`Status::Forked`].
    ///
    /// After a time-out or a cancellation, the ticket may have been stored or not; it is safe to
    /// call again.
    pub fn set_ticket(&self, ticket: &str) -> Result<(), Error> {
        let ticket = self.secret("ticket", secret_text::TICKET, ticket)?;
        self.with_platform(|platform| platform.set_ticket(&ticket, self.deadline(), &self.cancel))?;
        self.forget_token_failure(None);
        Ok(())
    }

    /// Stores the refresh token of an Official Account that authorised the third-party platform.
    /// Takes at most `timeout_ms`.
    ///
    /// ```
    /// # use wxlink::{Client, Options};
    /// # let sandbox = wxlink_sandbox::Sandbox::start(Default::default()).unwrap();
    /// # let mut options = Options::new();
    /// # options.set("base_url", sandbox.http_url())?;
    /// # options.set("component_appid", "wx0c00000000000001")?;
    /// # options.set("component_appsecret", "SANDBOX-COMPONENT-SECRET")?;
    /// # let client = Client::new(&options)?;
    /// # client.set_ticket("SANDBOX-TICKET")?;
    /// # let refresh_token = "SANDBOX-REFRESH-1";
    /// client.add_account("wx0a00000000000001", refresh_token)?;
    /// // Calls on this handle need no access token.
    /// let account = client.account("wx0a00000000000001")?;
    /// println!("{} mini programs", account.get_linked(None)?.len());
    /// # Ok::<(), wxlink::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`set_ticket`](Client::set_ticket).
    pub fn add_account(&self, appid: &str, refresh_token: &str) -> Result<(), Error> {
        self.check_text("appid", appid, MAX_APPID_BYTES)?;
        let token = self.secret("refresh_token", secret_text::REFRESH_TOKEN, refresh_token)?;
        self.with_platform(|platform| {
            platform.add_account(appid, &token, self.deadline(), &self.cancel)
        })?;
        self.forget_token_failure(Some(appid));
        Ok(())
    }

    /// Waits until all running token fetches have ended, and returns whether they have.
    ///
    /// Call this before the process exits. A call that was cancelled or timed out leaves its token
    /// fetch running. If WeChat replaces a refresh token during that fetch and the process exits
    /// before the new one is stored, the account has to authorise the platform again.
    ///
    /// A fetch takes at most `timeout_ms`. [`cancel`](Client::cancel) does not end this wait, which
    /// covers all handles that share the client's tokens, and their accesses to the store of link
    /// claims. Returns `true` immediately if nothing of this is running, and in the child process
    /// after a fork. Returns `false` if `limit` passes first, or if the process has no file
    /// descriptor left.
    pub fn finish_token_fetches(&self, limit: Duration) -> bool {
        if self.is_forked() {
            return true;
        }
        let now = Instant::now();
        let longest = now + LONGER_THAN_ANY_FETCH;
        // The clock may not be able to represent the limit.
        let deadline = now.checked_add(limit).unwrap_or(longest);
        let tokens = self.tokens.as_deref();
        let fetched = tokens.is_none_or(|tokens| tokens.finish_fetches(deadline));
        self.claims.finish(deadline) && fetched
    }

    pub(super) fn forget_token_failure(&self, account: Option<&str>) {
        if let Some(tokens) = &self.tokens {
            tokens.forget_failure(account);
        }
    }

    /// Runs `body` on the platform, unless this handle is forked or cancelled.
    pub(super) fn with_platform<T>(
        &self,
        body: impl FnOnce(&Platform) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let before_send = |status| Error::before_send(status, "", self.settings.lang);
        if self.is_forked() {
            return Err(before_send(Status::Forked));
        }
        if self.cancel.is_cancelled() {
            return Err(before_send(Status::Cancelled));
        }
        self.localized(body(self.platform()?))
    }

    /// Why a claim could not be taken, as an error.
    pub(super) fn claim_error(&self, error: ClaimError) -> Error {
        let (status, why) = match error {
            ClaimError::Cancelled => (Status::Cancelled, "".into()),
            ClaimError::Store(e) => (Status::Store, e.why),
            ClaimError::System(why) => (Status::Internal, why.as_str().into()),
        };
        self.localized::<()>(Err(Error::before_send(status, why, self.settings.lang)))
            .unwrap_err()
    }

    /// The platform that is the client's token source.
    fn platform(&self) -> Result<&Platform, Error> {
        let platform = self.tokens.as_deref().and_then(TokenCache::platform);
        platform.ok_or_else(|| {
            self.bad_value(Text {
                en: "the client is not a third-party platform's; \
                     set the options component_appid and component_appsecret",
                zh: "该客户端不属于第三方平台，请设置选项 component_appid 和 component_appsecret",
            })
        })
    }

    /// The result with its error in the client's language.
    pub(super) fn localized<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        result.map_err(|e| e.with_lang(self.settings.lang))
    }

    /// Cancels this handle and its clones: all calls that run on them end within 100 ms with
    /// [`Status::Cancelled`], and so do all later ones. Derived handles, and the handle this one
    /// was derived from, are not affected. Does nothing in a process that was forked later: what it
    /// has in common with its parent belongs to the parent.
    pub fn cancel(&self) {
        if !self.is_forked() {
            self.cancel.cancel();
        }
    }

    pub(super) fn aliases(&self) -> &IdAliases {
        &self.aliases
    }

    /// The language of the client's messages.
    pub fn lang(&self) -> Lang {
        self.settings.lang
    }

    /// The time limit of a call (option `timeout_ms`).
    pub fn timeout(&self) -> Duration {
        self.settings.timeout
    }

    /// How long after a post no other one is made (option `settle_ms`); zero if claims are switched
    /// off.
    pub fn settle_time(&self) -> Duration {
        self.settings.settle
    }

    /// The time at which a call that starts now must end.
    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.settings.timeout
    }

    /// Waits until `until`, or until the handle is cancelled.
    pub(super) fn pause_until(&self, until: Instant) -> Result<(), Error> {
        self.cancel
            .pause(until)
            .map_err(|_| Error::before_send(Status::Cancelled, "", self.settings.lang))
    }

    /// Checks that a text can be sent. Its meaning is WeChat's to check.
    pub(super) fn check_text(&self, name: &str, text: &str, max: usize) -> Result<(), Error> {
        let lang = self.settings.lang;
        let why = if text.is_empty() {
            match lang {
                Lang::En => format!("{name} is empty"),
                Lang::Zh => format!("{name} 为空"),
            }
        } else if text.len() > max {
            match lang {
                Lang::En => format!("{name} is longer than {max} bytes"),
                Lang::Zh => format!("{name} 超过 {max} 字节"),
            }
        } else if text.bytes().any(|b| b.is_ascii_control())
            || !text.is_ascii() && text.chars().any(char::is_control)
        {
            match lang {
                Lang::En => {
                    format!("{name} contains a control character, such as a line end; remove it")
                }
                Lang::Zh => format!("{name} 含有控制字符（如换行符），请将其删除"),
            }
        } else {
            return Ok(());
        };
        Err(Error::before_send(Status::BadValue, why, lang))
    }

    /// Reads a token or a ticket that the caller passed.
    pub(super) fn secret<'a>(
        &self,
        name: &str,
        kind: SecretKind,
        text: &'a str,
    ) -> Result<Cow<'a, str>, Error> {
        secret_text::parse(kind, text).map_err(|why| {
            let why = why.get(self.settings.lang);
            Error::before_send(
                Status::BadValue,
                format!("{name} {why}"),
                self.settings.lang,
            )
        })
    }

    /// An error in the arguments, in the client's language.
    pub(super) fn bad_value(&self, why: Text) -> Error {
        let lang = self.settings.lang;
        Error::before_send(Status::BadValue, why, lang)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<&str> = self.pool.hosts().iter().map(|h| h.shown.as_str()).collect();
        f.debug_struct("Client").field("hosts", &hosts).finish()
    }
}

fn new_fork_guard(lang: Lang) -> Result<ForkGuard, Error> {
    ForkGuard::new().map_err(|e| {
        let why = Message::from(e).after("could not set up fork detection", "无法启用 fork 检测");
        Error::before_send(Status::Internal, why, lang)
    })
}

fn new_cancel_token(lang: Lang) -> Result<CancelToken, Error> {
    CancelToken::new().map_err(|e| {
        let why = Message::from(e);
        let zh = why.get(Lang::Zh);
        let why = message!(
            "could not create a file descriptor for cancellation: {why}; \
             close some, or raise the process's limit",
            "无法创建用于取消调用的文件描述符：{zh}；请关闭一些，或调高进程的上限"
        );
        Error::before_send(Status::Internal, why, lang)
    })
}
