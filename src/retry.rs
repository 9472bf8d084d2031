//! One request until there is a verdict, made again only where nothing can happen twice.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::config::limits::Limits;
use crate::error::Error;
use crate::model::attempt::Attempt;
use crate::model::delivery::Delivery;
use crate::model::endpoint::Endpoint;
use crate::model::failure::Failure;
use crate::model::status::Status;
use crate::redact::{self, Secret, Secrets};
use crate::response::response::Response;
use crate::sys::cancel::CancelToken;
use crate::transport::{ConnectionPool, RawResponse, Request};

/// All that RFC 3986 does not leave as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The pause before the first repetition at the same host; it doubles from there.
const PAUSE: Duration = Duration::from_millis(100);

/// What requests are made with.
pub(crate) struct Sender<'a> {
    pub pool: &'a ConnectionPool,
    pub cancel: &'a Arc<CancelToken>,
    pub limits: Limits,
    /// What else no text may repeat: secrets in the body, and tokens used before.
    pub secrets: &'a [Secret<'a>],
}

impl Sender<'_> {
    /// Posts and judges; `before` is what the call tried already.
    ///
    /// # Errors
    /// What became of the last attempt; [`Status::Api`] with an errcode other than 0.
    pub fn send(
        &self,
        endpoint: Endpoint,
        access_token: &str,
        body: &impl Serialize,
        deadline: Instant,
        before: Vec<Attempt>,
    ) -> Result<Response, Error> {
        let encoded = Cow::from(utf8_percent_encode(access_token, ENCODED));
        let body = serde_json::to_vec(body).map_err(|_| {
            let why = "the body cannot be written as JSON";
            Error::before_send(Status::Internal, why, self.limits.lang).with_endpoint(endpoint)
        })?;
        let ask = Request {
            target: endpoint.target(),
            token: &encoded,
            body: &body,
            deadline,
            connect_timeout: self.limits.connect_timeout,
            cancel: self.cancel,
        };

        let token = (endpoint.token_name(), access_token);
        let clean = |text: &str, received: &[Secret<'_>]| self.clean(text, token, received);
        if !endpoint.is_linking() {
            self.pool.remember(self.secrets.iter().chain([&token]));
        }

        let mut attempts = before;
        let mut tried: Vec<usize> = Vec::new();
        let mut repetitions = 0;
        loop {
            let host = self.pool.pick_host(&tried);
            let (result, mut attempt, delivery) = self.pool.send(host, &ask);
            let failure = match result.and_then(|reply| judge(endpoint, reply, &clean)) {
                Ok(answer) => {
                    if !endpoint.is_linking() {
                        self.pool.remember(&redact::received(answer.json()));
                    }
                    let yes = answer.errcode() == 0;
                    attempt.outcome = if yes { Status::Ok } else { Status::Api };
                    attempts.push(attempt);
                    let answer = answer.with_attempts(attempts);
                    return match yes {
                        true => Ok(answer),
                        false => Err(Error::refused(answer, self.limits.lang)),
                    };
                }
                Err(mut failure) => {
                    // Whatever the other side, the system or a library put into it.
                    failure.detail = clean(&failure.detail, &[]);
                    failure
                }
            };
            attempt.outcome = failure.status;
            attempt.detail.clone_from(&failure.detail);
            let may_repeat = may_repeat(endpoint, &failure, delivery, attempt.http_status);
            attempts.push(attempt);
            if delivery == Delivery::NeverSent {
                tried.push(host);
            }
            let again = may_repeat && {
                // What was never sent is tried at every host before it is tried again at any.
                let another_host =
                    delivery == Delivery::NeverSent && tried.len() < self.pool.hosts().len();
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
                return Err(Error::failed(endpoint, failure, delivery, attempts, lang));
            }
        }
    }

    /// The text without the token sent, the secrets received, and the others that the call knows.
    fn clean(&self, text: &str, token: Secret<'_>, received: &[Secret<'_>]) -> String {
        let remembered = self.pool.secrets();
        let mut secrets: Vec<Secret<'_>> = vec![token];
        secrets.extend(received.iter().map(|(name, value)| (*name, *value)));
        secrets.extend(self.secrets.iter().map(|(name, value)| (*name, *value)));
        secrets.extend(remembered.iter().map(|(name, value)| (*name, &**value)));
        Secrets::new(secrets).clean(text).into_owned()
    }

    /// Pauses before a repetition; `false` if the time left is too short or the call is cancelled.
    fn pause(&self, repetition: u32, deadline: Instant) -> bool {
        let until = Instant::now() + PAUSE * 2_u32.pow(repetition.saturating_sub(1).min(4));
        until < deadline && self.cancel.pause(until).is_ok()
    }
}

/// Turns what came off the wire into an answer, or says why it is none.
fn judge(
    endpoint: Endpoint,
    reply: RawResponse,
    clean: &impl Fn(&str, &[Secret<'_>]) -> String,
) -> Result<Response, Failure> {
    let status = reply.http_status;
    let bad = |why: String| Failure::new(Status::BadAnswer, why);
    if let Some(location) = reply.location.filter(|_| (300..400).contains(&status)) {
        // Cleaned as a whole first: a part of a secret would not be recognized.
        let location = clean(&location, &[]);
        let to = host_of(&location).unwrap_or("another path");
        return Err(bad(format!(
            "HTTP {status}, a redirect to {to}, which is not followed"
        )));
    }
    if let Some(encoding) = reply.encoding {
        return Err(bad(format!(
            "HTTP {status}, compressed ({encoding:?}), which was not asked for"
        )));
    }
    Response::read(endpoint, status, reply.body, clean)
        .map_err(|why| bad(format!("HTTP {status} with {why}")))
}

/// The host and port of a URL, or of one without a scheme (`//host/path`).
fn host_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("//").filter(|(scheme, _)| {
        scheme.is_empty() || scheme.ends_with(':') && !scheme.contains(['/', '?', '#'])
    })?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority.rsplit('@').next()?;
    (!host.is_empty()).then_some(host)
}

/// Whether a failed attempt may be made again: nothing was sent, or nothing can happen twice.
fn may_repeat(endpoint: Endpoint, failure: &Failure, delivery: Delivery, http_status: u16) -> bool {
    match failure.status {
        Status::Cancelled => false,
        _ if delivery == Delivery::NeverSent => true,
        Status::ConnectionLost => endpoint.is_read_only(),
        Status::BadAnswer => endpoint.is_read_only() && http_status >= 500,
        _ => false,
    }
}
