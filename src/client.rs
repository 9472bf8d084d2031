//! The client: WeChat's three calls, each posted once, tried again only where nothing can happen twice.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::answer::Answer;
use crate::attempt::{Attempt, Delivery};
use crate::error::Error;
use crate::interface::Interface;
use crate::lang::Lang;
use crate::list::LinkedList;
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

/// The caller's choices for a link. They have no defaults: `notify_users` messages every follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkChoices {
    /// Whether WeChat messages every follower of the Official Account.
    pub notify_users: bool,
    /// Whether the mini program is shown in the Official Account's page.
    pub show_profile: bool,
}

/// Calls WeChat. Cheap to clone; clones share connections, and any number of threads may call at once.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    wire: Wire,
    timeout: Duration,
    max_retries: u32,
    lang: Lang,
    /// The process it was made in: connections shared with a forked child would mix up answers.
    process: u32,
}

impl Client {
    /// Makes a client. The options are copied; certificates are read and the environment is looked
    /// at (`proxy` = `env`) here and never again. Nothing is connected yet.
    ///
    /// # Errors
    /// [`Status::BadOption`]: `ca_file` cannot be read or holds no usable certificate, or the proxy
    /// in the environment is not an http or socks5 URL.
    pub fn new(options: &Options) -> Result<Client, Error> {
        let wire = Wire::new(options)
            .map_err(|why| Error::argument(Status::BadOption, why, options.lang))?;
        Ok(Client(Arc::new(Inner {
            wire,
            timeout: Duration::from_millis(options.timeout_ms.into()),
            max_retries: options.max_retries,
            lang: options.lang,
            process: std::process::id(),
        })))
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
        self.call(Interface::Link, access_token, &body)
    }

    /// Lists the mini programs linked to the Official Account the token belongs to, and those on
    /// their way (`getLinkMiniprogram`).
    ///
    /// # Errors
    /// [`Status::Api`] with WeChat's errcode; [`Status::BadAnswer`] if what came is no list.
    /// Reading changes nothing, so it is safe to call again after any error.
    pub fn get_linked(&self, access_token: &str) -> Result<LinkedList, Error> {
        let answer = self.get_linked_raw(access_token)?;
        let attempts = answer.attempts().to_vec();
        LinkedList::read(answer).map_err(|why| {
            let failure = Failure::new(Status::BadAnswer, why);
            let lang = self.0.lang;
            Error::failed(Interface::Get, failure, Delivery::Answered, attempts, lang)
        })
    }

    /// The same, the list not read into types: the answer's bytes are there and its verdict is yes.
    ///
    /// # Errors
    /// As [`get_linked`](Client::get_linked), but for the list's shape, which is not looked at.
    pub fn get_linked_raw(&self, access_token: &str) -> Result<Answer, Error> {
        #[derive(Serialize)]
        struct Empty {}
        // An empty body has been answered with 44002.
        self.call(Interface::Get, access_token, &Empty {})
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
        self.call(Interface::Unlink, access_token, &Body { appid })
    }

    /// The language of its messages.
    pub(crate) fn lang(&self) -> Lang {
        self.0.lang
    }

    /// One call: checked, posted, tried again where that is safe, and judged.
    fn call(
        &self,
        interface: Interface,
        access_token: &str,
        body: &impl Serialize,
    ) -> Result<Answer, Error> {
        let inner = &*self.0;
        let wrong = |status, what| Error::argument(status, what, inner.lang).on(interface);
        if std::process::id() != inner.process {
            return Err(wrong(Status::Forked, String::new()));
        }
        self.check_text(interface, "access_token", access_token, MAX_TOKEN)?;
        let token = utf8_percent_encode(access_token, ENCODED).to_string();
        let body = serde_json::to_vec(body).map_err(|_| {
            wrong(
                Status::Internal,
                "the body cannot be written as JSON".into(),
            )
        })?;
        let ask = Exchange {
            path: interface.path(),
            token: &token,
            body: &body,
            deadline: Instant::now() + inner.timeout,
        };

        let hosts = inner.wire.hosts().len();
        let mut attempts: Vec<Attempt> = Vec::with_capacity(1);
        for repetition in 0.. {
            let host = attempts.len() % hosts;
            let (result, mut attempt, delivery) = inner.wire.exchange(host, &ask);
            let judged = result.and_then(|reply| judge(interface, reply, access_token));
            match judged {
                Ok(answer) => {
                    let yes = answer.errcode() == 0;
                    attempt.outcome = if yes { Status::Ok } else { Status::Api };
                    attempts.push(attempt);
                    let answer = answer.with_attempts(attempts);
                    return if yes {
                        Ok(answer)
                    } else {
                        Err(Error::refused(answer, inner.lang))
                    };
                }
                Err(failure) => {
                    attempt.outcome = failure.status;
                    attempt.detail.clone_from(&failure.detail);
                    let again = repetition < inner.max_retries
                        && may_repeat(interface, &failure, delivery, attempt.http_status)
                        && pause(repetition, attempts.len() + 1 < hosts, ask.deadline);
                    attempts.push(attempt);
                    if !again {
                        return Err(Error::failed(
                            interface, failure, delivery, attempts, inner.lang,
                        ));
                    }
                }
            }
        }
        Err(wrong(Status::Internal, "repetitions ran out".into()))
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
        } else if text.chars().any(char::is_control) {
            format!("{what} holds a control character (a line end read along with it?)")
        } else {
            return Ok(());
        };
        Err(Error::argument(Status::BadValue, why, self.0.lang).on(interface))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<&str> = self
            .0
            .wire
            .hosts()
            .iter()
            .map(|h| h.shown.as_str())
            .collect();
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
    delivery == Delivery::NeverSent
        || interface.only_reads()
            && match failure.status {
                Status::ConnectionLost => true,
                Status::BadAnswer => http_status >= 500,
                _ => false,
            }
}

/// Pauses before a repetition, unless another host is next; `false` if the time left is too short.
fn pause(repetition: u32, host_is_fresh: bool, deadline: Instant) -> bool {
    let pause = if host_is_fresh {
        Duration::ZERO
    } else {
        PAUSE * 2_u32.saturating_pow(repetition.min(4))
    };
    if Instant::now() + pause >= deadline {
        return false;
    }
    thread::sleep(pause);
    true
}
