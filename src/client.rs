//! The client: WeChat's three calls, each posted once, tried again only where nothing can happen twice.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::answer::Answer;
use crate::attempt::{Attempt, Delivery};
use crate::cancel::Cancel;
use crate::error::Error;
use crate::fork::Process;
use crate::interface::Interface;
use crate::lang::Lang;
use crate::list::LinkedList;
use crate::names::Names;
use crate::options::Options;
use crate::status::Status;
use crate::wire::{Exchange, Failure, Reply, Wire};

/// The longest access token taken (bytes). WeChat asks to allow for 512.
pub const MAX_TOKEN: usize = 4096;
/// The longest appid taken (bytes). WeChat's have 18.
pub const MAX_APPID: usize = 256;

/// All that RFC 3986 does not leave as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The pause before the first repetition at the same host; it doubles from there.
const PAUSE: Duration = Duration::from_millis(100);

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
    /// in the environment is not an http or socks5 URL.
    pub fn new(options: &Options) -> Result<Client, Error> {
        let wrong = |why| Error::argument(Status::BadOption, why, options.lang);
        Ok(Client {
            wire: Arc::new(Wire::new(options).map_err(wrong)?),
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

    /// Ends the calls that run on this handle and its clones, within 100 ms, and all later ones, with
    /// [`Status::Cancelled`]. Other handles of the same connections go on.
    pub fn cancel(&self) {
        self.cancel.ring();
    }

    /// Invites a mini program to be linked to the Official Account the token belongs to
    /// (`linkMiniprogram`). A yes means that the invitation is out: the account's and then the
    /// mini program's administrator must agree.
    ///
    /// # Errors
    /// [`Status::Api`] with WeChat's errcode, of which 89010 and 89035 (on its way) and 89015
    /// (linked already) are no failures. If the delivery is [`Delivery::Unknown`], read the list
    /// before anything else: WeChat may have acted, and a second post messages the followers again.
    pub fn link_miniprogram(
        &self,
        access_token: &str,
        appid: &str,
        choices: LinkChoices,
    ) -> Result<Answer, Error> {
        self.link_until(access_token, appid, choices, self.deadline())
    }

    /// The same, within the client's limit and until `end` at the latest.
    pub(crate) fn link_until(
        &self,
        access_token: &str,
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
        self.check_text(Interface::Link, "appid", appid, MAX_APPID)?;
        let body = Body {
            appid,
            notify_users: choices.notify_users.into(),
            show_profile: choices.show_profile.into(),
        };
        self.call(Interface::Link, access_token, &body, end)
    }

    /// Lists the mini programs linked to the Official Account the token belongs to, and those on
    /// their way (`getLinkMiniprogram`).
    ///
    /// # Errors
    /// [`Status::Api`] with WeChat's errcode; [`Status::BadAnswer`] if what came is no list.
    /// Reading changes nothing, so it is safe to call again after any error.
    pub fn get_linked(&self, access_token: &str) -> Result<LinkedList, Error> {
        self.read_list(self.get_linked_raw(access_token)?)
    }

    /// The same, within the client's limit and until `end` at the latest; `id` is what will be
    /// looked for in it, and is checked first.
    pub(crate) fn get_linked_until(
        &self,
        access_token: &str,
        id: &str,
        end: Instant,
    ) -> Result<LinkedList, Error> {
        self.check_text(Interface::Get, "appid", id, MAX_APPID)?;
        self.read_list(self.call(Interface::Get, access_token, &Empty {}, end)?)
    }

    fn read_list(&self, answer: Answer) -> Result<LinkedList, Error> {
        let attempts = answer.attempts().to_vec();
        LinkedList::read(answer).map_err(|why| {
            let failure = Failure::new(Status::BadAnswer, why);
            let lang = self.limits.lang;
            Error::failed(Interface::Get, failure, Delivery::Answered, attempts, lang)
        })
    }

    /// The same, the list not read into types: the answer's bytes are there and its verdict is yes.
    ///
    /// # Errors
    /// As [`get_linked`](Client::get_linked), but for the list's shape, which is not looked at.
    pub fn get_linked_raw(&self, access_token: &str) -> Result<Answer, Error> {
        self.call(Interface::Get, access_token, &Empty {}, self.deadline())
    }

    /// Asks to unlink a mini program (`unlinkMiniprogram`). A yes means that the Official Account's
    /// administrator has been asked; it stays in the list until they agree.
    ///
    /// # Errors
    /// As [`link_miniprogram`](Client::link_miniprogram); 89018 (already asked) is no failure.
    pub fn unlink_miniprogram(&self, access_token: &str, appid: &str) -> Result<Answer, Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            appid: &'a str,
        }
        self.check_text(Interface::Unlink, "appid", appid, MAX_APPID)?;
        self.call(
            Interface::Unlink,
            access_token,
            &Body { appid },
            self.deadline(),
        )
    }

    /// What is known of mini programs' other names.
    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// The language of its messages.
    pub(crate) fn lang(&self) -> Lang {
        self.limits.lang
    }

    /// The limit of a call.
    pub(crate) fn timeout(&self) -> Duration {
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

    /// One call: checked, posted, tried again where that is safe, and judged.
    fn call(
        &self,
        interface: Interface,
        access_token: &str,
        body: &impl Serialize,
        end: Instant,
    ) -> Result<Answer, Error> {
        let deadline = end.min(self.deadline());
        let wrong =
            |status, what: &str| Error::argument(status, what, self.limits.lang).on(interface);
        if self.process.is_gone() {
            return Err(wrong(Status::Forked, ""));
        }
        if self.cancel.is_rung() {
            return Err(wrong(Status::Cancelled, ""));
        }
        self.check_text(interface, "access_token", access_token, MAX_TOKEN)?;
        let token = Cow::from(utf8_percent_encode(access_token, ENCODED));
        let body = serde_json::to_vec(body)
            .map_err(|_| wrong(Status::Internal, "the body cannot be written as JSON"))?;
        let ask = Exchange {
            path: interface.path(),
            token: &token,
            body: &body,
            deadline,
            connect_timeout: self.limits.connect_timeout,
            cancel: &self.cancel,
        };

        let mut attempts: Vec<Attempt> = Vec::with_capacity(1);
        let mut tried: Vec<usize> = Vec::new();
        let mut repetitions = 0;
        loop {
            let host = self.wire.pick_host(&tried);
            let (result, mut attempt, delivery) = self.wire.exchange(host, &ask);
            let failure = match result.and_then(|reply| judge(interface, reply, access_token)) {
                Ok(answer) => {
                    let yes = answer.errcode() == 0;
                    attempt.outcome = if yes { Status::Ok } else { Status::Api };
                    attempts.push(attempt);
                    let answer = answer.with_attempts(attempts);
                    return match yes {
                        true => Ok(answer),
                        false => Err(Error::refused(answer, self.limits.lang)),
                    };
                }
                Err(failure) => failure,
            };
            attempt.outcome = failure.status;
            attempt.detail.clone_from(&failure.detail);
            let may_repeat = may_repeat(interface, &failure, delivery, attempt.http_status);
            attempts.push(attempt);
            if delivery == Delivery::NeverSent {
                tried.push(host);
            }
            let again = may_repeat && {
                // What was never sent is tried at every host before it is tried again at any.
                let another_host =
                    delivery == Delivery::NeverSent && tried.len() < self.wire.hosts().len();
                if another_host {
                    Instant::now() < deadline
                } else {
                    tried.clear();
                    repetitions += 1;
                    repetitions <= self.limits.max_retries && self.pause(repetitions, deadline)
                }
            };
            if !again {
                let lang = self.limits.lang;
                return Err(Error::failed(interface, failure, delivery, attempts, lang));
            }
        }
    }

    /// Pauses before a repetition; `false` if the time left is too short or the call is cancelled.
    fn pause(&self, repetition: u32, deadline: Instant) -> bool {
        let until = Instant::now() + PAUSE * 2_u32.pow(repetition.saturating_sub(1).min(4));
        until < deadline && self.cancel.pause(until).is_ok()
    }

    /// Texts are opaque to us; only what cannot be sent is refused.
    fn check_text(
        &self,
        interface: Interface,
        what: &str,
        text: &str,
        max: usize,
    ) -> Result<(), Error> {
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
        Err(Error::argument(Status::BadValue, why, self.limits.lang).on(interface))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<&str> = self.wire.hosts().iter().map(|h| h.shown.as_str()).collect();
        f.debug_struct("Client").field("hosts", &hosts).finish()
    }
}

/// Turns what came off the wire into an answer, or says why it is none.
fn judge(interface: Interface, reply: Reply, token: &str) -> Result<Answer, Failure> {
    let status = reply.http_status;
    let bad = |why: String| Failure::new(Status::BadAnswer, why);
    if let Some(location) = reply.location.filter(|_| (300..400).contains(&status)) {
        // No more of it than the host: the rest may repeat the token.
        let uri = location.parse::<ureq::http::Uri>().ok();
        let to = uri
            .as_ref()
            .and_then(|u| u.host())
            .unwrap_or("another path");
        return Err(bad(format!(
            "HTTP {status}, a redirect to {to}, which is not followed"
        )));
    }
    if let Some(encoding) = reply.encoding {
        return Err(bad(format!(
            "HTTP {status}, compressed ({encoding:?}), which was not asked for"
        )));
    }
    Answer::read(interface, status, reply.body, token)
        .map_err(|why| bad(format!("HTTP {status} with {why}")))
}

/// Whether a failed attempt may be made again: nothing was sent, or nothing can happen twice.
fn may_repeat(
    interface: Interface,
    failure: &Failure,
    delivery: Delivery,
    http_status: u16,
) -> bool {
    match failure.status {
        Status::Cancelled => false,
        _ if delivery == Delivery::NeverSent => true,
        Status::ConnectionLost => interface.only_reads(),
        Status::BadAnswer => interface.only_reads() && http_status >= 500,
        _ => false,
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
