//! The client: WeChat's three calls, each posted once, tried again only where nothing can happen twice.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::answer::Answer;
use crate::attempt::Delivery;
use crate::cancel::Cancel;
use crate::catalogue::Class;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::fork::Process;
use crate::lang::Lang;
use crate::list::LinkList;
use crate::names::Names;
use crate::options::Options;
use crate::post::Poster;
use crate::redact::Secret;
use crate::status::Status;
use crate::token::{Component, Token, Tokens};
use crate::wire::{Failure, Wire};

/// The longest access token taken (bytes). WeChat asks to allow for 512.
pub const MAX_TOKEN: usize = 4096;
/// The longest appid taken (bytes). WeChat's have 18.
pub const MAX_APPID: usize = 256;

/// The longest `timeout_ms`.
const MAX_TIMEOUT: Duration = Duration::from_millis(u32::MAX as u64);

/// The body of a list's request: an empty one has been answered with 44002.
#[derive(Serialize)]
struct Empty {}

/// The caller's choices for a link. They have no defaults: `notify_users` messages every follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkChoices {
    /// Whether WeChat messages every follower of the Official Account.
    pub notify_users: bool,
    /// Whether the mini program is shown in the Official Account's page.
    pub show_profile: bool,
}

/// Calls WeChat. Cheap to clone; any number of threads may call at once. Clones share everything;
/// handles made by [`with`](Client::with) share the connections alone.
#[derive(Clone)]
pub struct Client {
    wire: Arc<Wire>,
    limits: Limits,
    cancel: Arc<Cancel>,
    names: Arc<Names>,
    /// Where calls that are given no token get theirs, and for which account.
    tokens: Option<Arc<Tokens>>,
    account: Option<Arc<str>>,
    /// The one it was made in.
    process: Process,
}

/// What a derived handle may have otherwise than the client it comes from.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub timeout: Duration,
    pub connect_timeout: Duration,
    pub max_retries: u32,
    pub lang: Lang,
}

impl Client {
    /// Makes a client. The options are copied; certificates are read and the environment is looked
    /// at (`proxy` = `env`) here and never again. Nothing is connected yet.
    ///
    /// # Errors
    /// [`Status::BadOption`]: `ca_file` cannot be read or holds no usable certificate, or the proxy
    /// in the environment is invalid.
    pub fn new(options: &Options) -> Result<Client, Error> {
        let wrong = |why| Error::argument(Status::BadOption, why, options.lang);
        let wire = Arc::new(Wire::new(options).map_err(wrong)?);
        Ok(Client {
            tokens: Tokens::new(options, &wire).map_err(wrong)?,
            account: options.account_over(None),
            wire,
            limits: options.limits(),
            cancel: Arc::new(new_cancel(options.lang)?),
            names: Arc::default(),
            process: here(options.lang)?,
        })
    }

    /// Makes a handle that shares the connections of this one and has its own cancellation, and its
    /// own `timeout_ms`, `connect_timeout_ms`, `max_retries` and `lang` where the options set them.
    ///
    /// # Errors
    /// [`Status::BadOption`]: the options set something that is a matter of the connections.
    pub fn with(&self, options: &Options) -> Result<Client, Error> {
        let lang = self.limits.lang;
        let limits = options
            .limits_over(self.limits)
            .map_err(|why| Error::argument(Status::BadOption, why, lang))?;
        Ok(Client {
            wire: self.wire.clone(),
            limits,
            cancel: Arc::new(new_cancel(lang)?),
            names: self.names.clone(),
            tokens: self.tokens.clone(),
            account: options.account_over(self.account.as_ref()),
            process: self.process,
        })
    }

    /// Makes a handle that shares everything with this one but its cancellation: a call on it that
    /// waits asks `watch`, every 50 ms and whenever a signal interrupts it, and ends with
    /// [`Status::Cancelled`] if that says so. Later calls go on. For hosts with interrupts of their own.
    ///
    /// # Errors
    /// [`Status::Internal`]: the process has no file descriptor left.
    pub fn watched(
        &self,
        watch: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Result<Client, Error> {
        let cancel = new_cancel(self.limits.lang)?.watched(Box::new(watch));
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
        self.with(Options::new().set("account", appid)?)
    }

    /// Whether calls may go without a token.
    #[cfg(feature = "capi")]
    pub(crate) fn has_tokens(&self) -> bool {
        self.tokens.is_some()
    }

    /// Whether it was made before a fork and this is the child, where it calls nothing.
    pub fn is_forked(&self) -> bool {
        self.process.is_gone()
    }

    /// Whether it gets the tokens of any account: from a program, or as a platform.
    pub fn serves_accounts(&self) -> bool {
        self.tokens.as_deref().is_some_and(Tokens::serves_accounts)
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
        self.check_text("ticket", ticket, MAX_TOKEN)?;
        self.put(|component| component.set_ticket(ticket, self.deadline(), &self.cancel))?;
        self.forget_token_failure(None);
        Ok(())
    }

    /// Keeps the refresh token an account gave when it authorised the platform. Ends within `timeout_ms`.
    ///
    /// # Errors
    /// As [`set_ticket`](Client::set_ticket).
    pub fn add_account(&self, appid: &str, refresh_token: &str) -> Result<(), Error> {
        self.check_text("appid", appid, MAX_APPID)?;
        self.check_text("refresh_token", refresh_token, MAX_TOKEN)?;
        self.put(|component| {
            component.add_account(appid, refresh_token, self.deadline(), &self.cancel)
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

    fn put(&self, put: impl FnOnce(&Component) -> Result<(), Error>) -> Result<(), Error> {
        let wrong = |status| Error::argument(status, "", self.limits.lang);
        if self.is_forked() {
            return Err(wrong(Status::Forked));
        }
        if self.cancel.is_rung() {
            return Err(wrong(Status::Cancelled));
        }
        self.told(put(self.component()?))
    }

    /// The platform whose accounts this client calls for.
    fn component(&self) -> Result<&Component, Error> {
        let component = self.tokens.as_deref().and_then(Tokens::component);
        component.ok_or_else(|| {
            let why = "the client is no platform's; set the options component_appid and component_appsecret";
            Error::argument(Status::BadValue, why, self.limits.lang)
        })
    }

    fn told<T>(&self, done: Result<T, Error>) -> Result<T, Error> {
        done.map_err(|e| e.told_in(self.limits.lang))
    }

    /// Ends the calls that run on this handle and its clones, within 100 ms, and all later ones, with
    /// [`Status::Cancelled`]. Other handles of the same connections go on.
    pub fn cancel(&self) {
        self.cancel.ring();
    }

    /// Invites a mini program to be linked to the Official Account the token belongs to
    /// (`linkMiniprogram`). Without a token the client gets one for its `account`, here as in every call. A yes means that the invitation is out: the account's and then the
    /// mini program's administrator must agree.
    ///
    /// # Errors
    /// [`Status::Api`] with WeChat's errcode, of which 89010 and 89035 (on its way) and 89015
    /// (linked already) are no failures. If the delivery is [`Delivery::Unknown`], read the list
    /// before anything else: WeChat may have acted, and a second post messages the followers again.
    pub fn link_miniprogram<'a>(
        &self,
        access_token: impl Into<Option<&'a str>>,
        appid: &str,
        choices: LinkChoices,
    ) -> Result<Answer, Error> {
        self.link_until(access_token.into(), appid, choices, self.deadline())
    }

    /// The same, within the client's limit and until `end` at the latest.
    pub(crate) fn link_until(
        &self,
        access_token: Option<&str>,
        appid: &str,
        choices: LinkChoices,
        end: Instant,
    ) -> Result<Answer, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            appid: &'a str,
            notify_users: u8,
            show_profile: u8,
        }
        self.check_text("appid", appid, MAX_APPID)
            .map_err(|e| e.on(Endpoint::Link))?;
        let body = Body {
            appid,
            notify_users: choices.notify_users.into(),
            show_profile: choices.show_profile.into(),
        };
        self.call(Endpoint::Link, access_token, &body, end)
    }

    /// Lists the mini programs linked to the Official Account the token belongs to, and those on
    /// their way (`getLinkMiniprogram`).
    ///
    /// # Errors
    /// [`Status::Api`] with WeChat's errcode; [`Status::BadAnswer`] if what came is no list.
    /// Reading changes nothing, so it is safe to call again after any error.
    pub fn get_linked<'a>(
        &self,
        access_token: impl Into<Option<&'a str>>,
    ) -> Result<LinkList, Error> {
        self.read_list(self.get_linked_raw(access_token)?)
    }

    /// The same, within the client's limit and until `end` at the latest; `id` is what will be
    /// looked for in it, and is checked first.
    pub(crate) fn get_linked_until(
        &self,
        access_token: Option<&str>,
        id: &str,
        end: Instant,
    ) -> Result<LinkList, Error> {
        self.check_text("appid", id, MAX_APPID)
            .map_err(|e| e.on(Endpoint::Get))?;
        self.read_list(self.call(Endpoint::Get, access_token, &Empty {}, end)?)
    }

    fn read_list(&self, answer: Answer) -> Result<LinkList, Error> {
        let attempts = answer.attempts().to_vec();
        LinkList::read(answer).map_err(|why| {
            let failure = Failure::new(Status::BadAnswer, why);
            let lang = self.limits.lang;
            Error::failed(Endpoint::Get, failure, Delivery::Answered, attempts, lang)
        })
    }

    /// The same, the list not read into types: the answer's bytes are there and its verdict is yes.
    ///
    /// # Errors
    /// As [`get_linked`](Client::get_linked), but for the list's shape, which is not looked at.
    pub fn get_linked_raw<'a>(
        &self,
        access_token: impl Into<Option<&'a str>>,
    ) -> Result<Answer, Error> {
        self.call(
            Endpoint::Get,
            access_token.into(),
            &Empty {},
            self.deadline(),
        )
    }

    /// Asks to unlink a mini program (`unlinkMiniprogram`). A yes means that the Official Account's
    /// administrator has been asked; it stays in the list until they agree.
    ///
    /// # Errors
    /// As [`link_miniprogram`](Client::link_miniprogram); 89018 (already asked) is no failure.
    pub fn unlink_miniprogram<'a>(
        &self,
        access_token: impl Into<Option<&'a str>>,
        appid: &str,
    ) -> Result<Answer, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            appid: &'a str,
        }
        self.check_text("appid", appid, MAX_APPID)
            .map_err(|e| e.on(Endpoint::Unlink))?;
        self.call(
            Endpoint::Unlink,
            access_token.into(),
            &Body { appid },
            self.deadline(),
        )
    }

    /// What is known of mini programs' other names.
    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// The language of its messages.
    pub fn lang(&self) -> Lang {
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
    fn deadline(&self) -> Instant {
        Instant::now() + self.limits.timeout
    }

    /// Waits for the time to pass.
    pub(crate) fn pause_until(&self, until: Instant) -> Result<(), Error> {
        self.cancel
            .pause(until)
            .map_err(|_| Error::argument(Status::Cancelled, "", self.limits.lang))
    }

    /// One call: checked, posted, and judged.
    fn call(
        &self,
        endpoint: Endpoint,
        access_token: Option<&str>,
        body: &impl Serialize,
        end: Instant,
    ) -> Result<Answer, Error> {
        let deadline = end.min(self.deadline());
        let wrong =
            |status, what: &str| Error::argument(status, what, self.limits.lang).on(endpoint);
        if self.is_forked() {
            return Err(wrong(Status::Forked, ""));
        }
        if self.cancel.is_rung() {
            return Err(wrong(Status::Cancelled, ""));
        }
        let poster = Poster {
            wire: &self.wire,
            cancel: &self.cancel,
            limits: self.limits,
            secrets: &[],
        };
        // Some languages have no way to leave a text out.
        let given = access_token.filter(|token| !token.is_empty() || self.tokens.is_none());
        if let Some(given) = given {
            self.check_text("access_token", given, MAX_TOKEN)
                .map_err(|e| e.on(endpoint))?;
            return poster.post(endpoint, given, body, deadline, Vec::new());
        }
        let Some(tokens) = &self.tokens else {
            let why = "there is no access_token, and no source of tokens; give one, or set one of the options \
                       access_token, token_command and component_appid";
            return Err(wrong(Status::BadValue, why));
        };
        let (account, cancel) = (self.account.as_deref(), &*self.cancel);
        let token = self
            .told(tokens.get(account, deadline, cancel))
            .map_err(|e| e.on(endpoint))?;
        let post = |token: &Token, secrets: &[Secret<'_>], before| {
            let poster = Poster { secrets, ..poster };
            let posted = poster.post(endpoint, token, body, deadline, before);
            if accepts_token(&posted) {
                token.set_accepted();
            }
            posted
        };
        match post(&token, &[], Vec::new()) {
            // What the token was refused for was not done: it may be asked for with another, once.
            Err(e) if e.class() == Some(Class::Token) => {
                match tokens.get_other(account, &token, deadline, cancel) {
                    Ok(Some(other)) => {
                        let refused = [(endpoint.token_name(), &**token)];
                        let posted = post(&other, &refused, e.attempts().to_vec());
                        if matches!(&posted, Err(e) if e.class() == Some(Class::Token)) {
                            tokens.refuse(account, &other);
                        }
                        posted
                    }
                    Ok(None) => Err(e),
                    Err(no_other) => self.told(Err(no_other.on(endpoint).after_refusal(&e))),
                }
            }
            done => done,
        }
    }

    /// Texts are opaque to us; only what cannot be sent is refused.
    fn check_text(&self, what: &str, text: &str, max: usize) -> Result<(), Error> {
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
        Err(Error::argument(Status::BadValue, why, self.limits.lang))
    }
}

/// Whether WeChat's answer shows that it accepted the token. Busy servers may not have looked at it.
fn accepts_token(posted: &Result<Answer, Error>) -> bool {
    match posted {
        Ok(_) => true,
        Err(e) => e
            .class()
            .is_some_and(|class| !matches!(class, Class::Token | Class::Busy)),
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<&str> = self.wire.hosts().iter().map(|h| h.shown.as_str()).collect();
        f.debug_struct("Client").field("hosts", &hosts).finish()
    }
}

fn here(lang: Lang) -> Result<Process, Error> {
    Process::here().map_err(|e| {
        let why = format!("forks cannot be watched: {e}");
        Error::argument(Status::Internal, why, lang)
    })
}

fn new_cancel(lang: Lang) -> Result<Cancel, Error> {
    Cancel::new().map_err(|e| {
        let why = format!("no descriptor for cancelling: {e}; close some, or raise the limit");
        Error::argument(Status::Internal, why, lang)
    })
}
