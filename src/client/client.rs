//! The client: WeChat's three calls, each posted once, tried again only where nothing can happen twice.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::id_aliases::IdAliases;
use crate::config::limits::{Limits, MAX_APPID_BYTES, MAX_TOKEN_BYTES};
use crate::config::options::Options;
use crate::error::Error;
use crate::model::lang::Lang;
use crate::model::status::Status;
use crate::sys::cancel::CancelToken;
use crate::sys::fork::ForkGuard;
use crate::token::{Platform, TokenCache};
use crate::transport::ConnectionPool;

/// The longest `timeout_ms`.
const MAX_TIMEOUT: Duration = Duration::from_millis(u32::MAX as u64);

/// The caller's choices for a link. They have no defaults: `notify_users` messages every follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkChoices {
    /// Whether WeChat messages every follower of the Official Account.
    pub notify_users: bool,
    /// Whether the mini program is shown in the Official Account's page.
    pub show_profile: bool,
}

/// Calls WeChat. Cheap to clone; any number of threads may call at once. Clones share everything;
/// handles made by [`derive`](Client::derive) share the connections alone.
#[derive(Clone)]
pub struct Client {
    pub(super) pool: Arc<ConnectionPool>,
    pub(super) limits: Limits,
    pub(super) cancel: Arc<CancelToken>,
    pub(super) aliases: Arc<IdAliases>,
    /// Where calls that are given no token get theirs, and for which account.
    pub(super) tokens: Option<Arc<TokenCache>>,
    pub(super) account: Option<Arc<str>>,
    /// The one it was made in.
    pub(super) fork_guard: ForkGuard,
}

impl Client {
    /// Makes a client. The options are copied; certificates are read and the environment is looked
    /// at (`proxy` = `env`) here and never again. Nothing is connected yet.
    ///
    /// # Errors
    /// [`Status::BadOption`]: `ca_file` cannot be read or holds no usable certificate, or the proxy
    /// in the environment is invalid.
    pub fn new(options: &Options) -> Result<Client, Error> {
        let wrong = |why| Error::before_send(Status::BadOption, why, options.lang);
        let pool = Arc::new(ConnectionPool::new(options).map_err(wrong)?);
        Ok(Client {
            tokens: TokenCache::new(options, &pool).map_err(wrong)?,
            account: options.account_over(None),
            pool,
            limits: options.limits(),
            cancel: Arc::new(new_cancel_token(options.lang)?),
            aliases: Arc::default(),
            fork_guard: new_fork_guard(options.lang)?,
        })
    }

    /// Makes a handle that shares the connections of this one and has its own cancellation, and its
    /// own `timeout_ms`, `connect_timeout_ms`, `max_retries` and `lang` where the options set them.
    ///
    /// # Errors
    /// [`Status::BadOption`]: the options set something that is a matter of the connections.
    pub fn derive(&self, options: &Options) -> Result<Client, Error> {
        let lang = self.limits.lang;
        let limits = options
            .limits_over(self.limits)
            .map_err(|why| Error::before_send(Status::BadOption, why, lang))?;
        Ok(Client {
            pool: self.pool.clone(),
            limits,
            cancel: Arc::new(new_cancel_token(lang)?),
            aliases: self.aliases.clone(),
            tokens: self.tokens.clone(),
            account: options.account_over(self.account.as_ref()),
            fork_guard: self.fork_guard,
        })
    }

    /// Makes a handle that shares everything with this one but its cancellation: a call on it that
    /// waits asks `watch`, every 50 ms and whenever a signal interrupts it, and ends with
    /// [`Status::Cancelled`] if that says so. Later calls go on. For hosts with interrupts of their own.
    ///
    /// # Errors
    /// [`Status::Internal`]: the process has no file descriptor left.
    pub fn with_interrupt_check(
        &self,
        check: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Result<Client, Error> {
        let cancel = new_cancel_token(self.limits.lang)?.with_interrupt_check(Box::new(check));
        Ok(Client {
            cancel: Arc::new(cancel),
            ..self.clone()
        })
    }

    /// The same handle for calls on that account without a token: shares everything but its cancellation. An
    /// empty appid is no account.
    ///
    /// # Errors
    /// [`Status::BadOption`]: it is too long, or holds control characters; [`Status::Internal`]: the process has
    /// no file descriptor left.
    pub fn account(&self, appid: &str) -> Result<Client, Error> {
        self.derive(Options::new().set("account", appid)?)
    }

    /// Whether calls may go without a token.
    #[cfg(feature = "capi")]
    pub(crate) fn has_tokens(&self) -> bool {
        self.tokens.is_some()
    }

    /// Whether it was made before a fork and this is the child, where it calls nothing.
    pub fn is_forked(&self) -> bool {
        self.fork_guard.in_child()
    }

    /// Whether it gets the tokens of any account: from a program, or as a platform.
    pub fn serves_accounts(&self) -> bool {
        self.tokens
            .as_deref()
            .is_some_and(TokenCache::serves_accounts)
    }

    /// Keeps the `component_verify_ticket` that WeChat pushed to the platform, every 10 minutes. Ends within
    /// `timeout_ms`.
    ///
    /// # Errors
    /// [`Status::BadValue`]: it cannot be one, or the source of tokens is no platform; [`Status::NoToken`]: the
    /// store cannot be used, and the message says why; [`Status::TimeoutUnsent`]: the store did not answer in
    /// time; [`Status::Cancelled`]; [`Status::Forked`]. After a time-out or a cancellation it may still be kept;
    /// it is safe to call again.
    pub fn set_ticket(&self, ticket: &str) -> Result<(), Error> {
        self.check_text("ticket", ticket, MAX_TOKEN_BYTES)?;
        self.put(|platform| platform.set_ticket(ticket, self.deadline(), &self.cancel))?;
        self.forget_token_failure(None);
        Ok(())
    }

    /// Keeps the refresh token an account gave when it authorised the platform. Ends within `timeout_ms`.
    ///
    /// # Errors
    /// As [`set_ticket`](Client::set_ticket).
    pub fn add_account(&self, appid: &str, refresh_token: &str) -> Result<(), Error> {
        self.check_text("appid", appid, MAX_APPID_BYTES)?;
        self.check_text("refresh_token", refresh_token, MAX_TOKEN_BYTES)?;
        self.put(|platform| {
            platform.add_account(appid, refresh_token, self.deadline(), &self.cancel)
        })?;
        self.forget_token_failure(Some(appid));
        Ok(())
    }

    /// Waits until the token fetches under way are done, and returns whether they are. Call it before
    /// the process ends: a call that was cancelled, or whose limit passed, leaves its fetch running,
    /// and a refresh token that WeChat has just replaced is lost if the process ends before the new
    /// one is stored.
    ///
    /// A fetch takes `timeout_ms` at most. The wait is not ended by [`cancel`](Client::cancel). It
    /// covers all handles that share this client's tokens. Returns `true` without waiting if
    /// nothing is under way, if the client has no source of tokens, and in a forked child, which
    /// does not run its parent's fetches; `false` if `limit` passes before, or if the process has no
    /// file descriptor left.
    pub fn finish_token_fetches(&self, limit: Duration) -> bool {
        let Some(tokens) = self.tokens.as_deref().filter(|_| !self.is_forked()) else {
            return true;
        };
        let now = Instant::now();
        // A limit beyond what the clock can count is as good as the longest fetch.
        let until = now.checked_add(limit).unwrap_or(now + 2 * MAX_TIMEOUT);
        tokens.finish_fetches(until)
    }

    fn forget_token_failure(&self, account: Option<&str>) {
        if let Some(tokens) = &self.tokens {
            tokens.forget_failure(account);
        }
    }

    fn put(&self, put: impl FnOnce(&Platform) -> Result<(), Error>) -> Result<(), Error> {
        let wrong = |status| Error::before_send(status, "", self.limits.lang);
        if self.is_forked() {
            return Err(wrong(Status::Forked));
        }
        if self.cancel.is_cancelled() {
            return Err(wrong(Status::Cancelled));
        }
        self.localized(put(self.platform()?))
    }

    /// The platform whose accounts this client calls for.
    fn platform(&self) -> Result<&Platform, Error> {
        let platform = self.tokens.as_deref().and_then(TokenCache::platform);
        platform.ok_or_else(|| {
            let why = "the client is no platform's; set the options component_appid and component_appsecret";
            Error::before_send(Status::BadValue, why, self.limits.lang)
        })
    }

    pub(super) fn localized<T>(&self, done: Result<T, Error>) -> Result<T, Error> {
        done.map_err(|e| e.with_lang(self.limits.lang))
    }

    /// Ends the calls that run on this handle and its clones, within 100 ms, and all later ones, with
    /// [`Status::Cancelled`]. Other handles of the same connections go on.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// What is known of mini programs' other names.
    pub(crate) fn aliases(&self) -> &IdAliases {
        &self.aliases
    }

    /// The language of its messages.
    pub(crate) fn lang(&self) -> Lang {
        self.limits.lang
    }

    /// The limit of a call.
    pub fn timeout(&self) -> Duration {
        self.limits.timeout
    }

    pub(crate) fn max_retries(&self) -> u32 {
        self.limits.max_retries
    }

    /// When a call that begins now ends.
    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.limits.timeout
    }

    /// Waits for the time to pass.
    pub(crate) fn pause_until(&self, until: Instant) -> Result<(), Error> {
        self.cancel
            .pause(until)
            .map_err(|_| Error::before_send(Status::Cancelled, "", self.limits.lang))
    }

    /// Texts are opaque to us; only what cannot be sent is refused.
    pub(super) fn check_text(&self, what: &str, text: &str, max: usize) -> Result<(), Error> {
        let why = if text.is_empty() {
            format!("{what} is empty")
        } else if text.len() > max {
            format!("{what} is longer than {max} bytes")
        } else if text.bytes().any(|b| b.is_ascii_control())
            || !text.is_ascii() && text.chars().any(char::is_control)
        {
            format!("{what} holds a control character (a line end read along with it?)")
        } else {
            return Ok(());
        };
        Err(Error::before_send(Status::BadValue, why, self.limits.lang))
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
        let why = format!("could not set up fork detection: {e}");
        Error::before_send(Status::Internal, why, lang)
    })
}

fn new_cancel_token(lang: Lang) -> Result<CancelToken, Error> {
    CancelToken::new().map_err(|e| {
        let why = format!("no descriptor for cancelling: {e}; close some, or raise the limit");
        Error::before_send(Status::Internal, why, lang)
    })
}
