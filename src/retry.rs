//! One API call: attempts until WeChat answers. A request is sent again only if that cannot take
//! effect twice: it was never sent, or it only reads.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::config::call_settings::CallSettings;
use crate::error::Error;
use crate::model::attempt::Attempt;
use crate::model::delivery::Delivery;
use crate::model::endpoint::Endpoint;
use crate::model::failure::Failure;
use crate::model::lang::Lang;
use crate::model::message::Message;
use crate::model::status::Status;
use crate::redact::{Secret, Secrets};
use crate::response::response::Response;
use crate::response::token_fields;
use crate::stats::{FinishedCall, Stats};
use crate::sys::cancel::CancelToken;
use crate::transport::{ConnectionPool, RawResponse, Request};

/// The pause before the first retry. It doubles with every further one.
const FIRST_RETRY_PAUSE: Duration = Duration::from_millis(100);
/// How many times the pause doubles.
const MAX_PAUSE_DOUBLINGS: u32 = 4;

/// The body of a request, as JSON. It is encoded before a call is made, so that the code of a call
/// exists once and not for each type of body.
pub(crate) struct RequestBody(Vec<u8>);

impl RequestBody {
    /// Encodes a struct of texts and numbers, which cannot fail.
    pub fn new(body: &impl Serialize) -> RequestBody {
        RequestBody(serde_json::to_vec(body).unwrap_or_default())
    }
}

/// Sends the requests of one handle.
pub(crate) struct Sender<'a> {
    pub pool: &'a ConnectionPool,
    pub cancel: &'a Arc<CancelToken>,
    pub settings: CallSettings,
    /// Further secrets to remove from texts: secrets in the body, and tokens used before.
    pub secrets: &'a [Secret<'a>],
}

impl Sender<'_> {
    /// Sends a request until WeChat answers, or until it must not be sent again. `earlier_attempts`
    /// are those that the same call has already made.
    ///
    /// # Errors
    /// Why the last attempt failed; [`Status::Api`] if WeChat answered an errcode other than 0.
    pub fn send(
        &self,
        endpoint: Endpoint,
        access_token: &str,
        body: &RequestBody,
        deadline: Instant,
        earlier_attempts: Vec<Attempt>,
    ) -> Result<Response, Error> {
        let encoded = percent_encoded(access_token);
        let request = Request {
            endpoint,
            token: &encoded,
            body: &body.0,
            deadline,
            connect_timeout: self.settings.connect_timeout,
            cancel: self.cancel,
        };

        let token = (endpoint.token_name(), access_token);
        let clean = |text: &str, received: &[Secret<'_>]| self.clean(text, token, received);
        if !endpoint.is_linking() {
            self.pool.remember(self.secrets.iter().chain([&token]));
        }

        let mut attempts = earlier_attempts;
        let mut tried_hosts: Vec<usize> = Vec::new();
        let mut retries = 0;
        loop {
            let host = self.pool.pick_host(&tried_hosts);
            let (result, mut attempt, delivery) = self.pool.send(host, &request);
            let failure = match result.and_then(|raw| parse_response(endpoint, raw, &clean)) {
                Ok(response) => {
                    if !endpoint.is_linking() {
                        self.remember_received(response.body());
                    }
                    let is_accepted = response.errcode() == 0;
                    attempt.outcome = if is_accepted { Status::Ok } else { Status::Api };
                    attempt.repaired = response.is_repaired();
                    self.pool.observe(endpoint, &attempt);
                    attempts.push(attempt);
                    let response = response.with_attempts(attempts);
                    return if is_accepted {
                        Ok(response)
                    } else {
                        Err(Error::refused(response, self.settings.lang))
                    };
                }
                Err(mut failure) => {
                    if endpoint.issues_tokens() {
                        self.remember_received(&failure.received);
                    } else {
                        failure.received.clear();
                    }
                    // The host, the system or a library may have put a secret into the text.
                    let cleaned = |lang| clean(failure.detail.get(lang), &[]);
                    failure.detail = Message::new(cleaned(Lang::En), cleaned(Lang::Zh));
                    failure
                }
            };
            attempt.outcome = failure.status;
            attempt.detail = failure.detail.get(Lang::En).to_owned();
            let may_retry = may_retry(endpoint, &failure, delivery, attempt.http_status);
            self.pool.observe(endpoint, &attempt);
            attempts.push(attempt);
            if delivery == Delivery::NeverSent {
                tried_hosts.push(host);
            }
            let is_retried =
                may_retry && self.prepare_retry(delivery, &mut tried_hosts, &mut retries, deadline);
            if !is_retried {
                let lang = self.settings.lang;
                return Err(Error::failed(endpoint, failure, delivery, attempts, lang));
            }
        }
    }

    /// Prepares the next attempt and returns whether to make it. A request that was never sent is
    /// tried at every host before the next attempt counts as a retry, which pauses first.
    fn prepare_retry(
        &self,
        delivery: Delivery,
        tried_hosts: &mut Vec<usize>,
        retries: &mut u32,
        deadline: Instant,
    ) -> bool {
        if delivery == Delivery::NeverSent && tried_hosts.len() < self.pool.hosts().len() {
            return Instant::now() < deadline;
        }
        tried_hosts.clear();
        *retries += 1;
        *retries <= self.settings.max_retries && self.pause(*retries, deadline)
    }

    /// Remembers the secrets in a response of a token endpoint.
    fn remember_received(&self, body: &[u8]) {
        let received = token_fields::received_secrets(body);
        self.pool.remember(&token_fields::borrowed(&received));
    }

    /// Removes from the text the token that was sent, the secrets in the response, and the other
    /// secrets that the call knows.
    fn clean(&self, text: &str, token: Secret<'_>, received: &[Secret<'_>]) -> String {
        let remembered = self.pool.secrets();
        let mut secrets: Vec<Secret<'_>> = vec![token];
        secrets.extend(received.iter().map(|(name, value)| (*name, *value)));
        secrets.extend(self.secrets.iter().map(|(name, value)| (*name, *value)));
        secrets.extend(remembered.iter().map(|(name, value)| (*name, &**value)));
        Secrets::new(secrets).clean(text).into_owned()
    }

    /// Pauses before a retry; `false` if the time left is too short or the call is cancelled.
    fn pause(&self, retry: u32, deadline: Instant) -> bool {
        let doublings = retry.saturating_sub(1).min(MAX_PAUSE_DOUBLINGS);
        let until = Instant::now() + FIRST_RETRY_PAUSE * 2_u32.pow(doublings);
        until < deadline && self.cancel.pause(until).is_ok()
    }
}

/// A token as it stands in a query: all but the unreserved characters of RFC 3986 are encoded.
fn percent_encoded(token: &str) -> Cow<'_, str> {
    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    // Most tokens have nothing to encode. Compilers vectorise this check, because nothing in it
    // ends early.
    let is_unreserved = token.bytes().fold(true, |all, byte| {
        all & (byte.is_ascii_alphanumeric() | matches!(byte, b'-' | b'.' | b'_' | b'~'))
    });
    if is_unreserved {
        Cow::Borrowed(token)
    } else {
        utf8_percent_encode(token, RESERVED).into()
    }
}

/// Counts a call that started at `started` and has ended.
pub(crate) fn count_call(
    stats: &Stats,
    endpoint: Endpoint,
    started: Instant,
    result: &Result<Response, Error>,
) {
    let (outcome, delivery, attempts) = match result {
        Ok(response) => (Status::Ok, Delivery::Answered, response.attempts()),
        Err(e) => (e.status(), e.delivery(), e.attempts()),
    };
    stats.count_call(&FinishedCall {
        endpoint,
        outcome,
        delivery,
        attempts,
        duration: started.elapsed(),
    });
}

/// Parses a response of WeChat's. Anything else is a [`Status::BadAnswer`].
fn parse_response(
    endpoint: Endpoint,
    raw: RawResponse,
    clean: &impl Fn(&str, &[Secret<'_>]) -> String,
) -> Result<Response, Failure> {
    let status = raw.http_status;
    let received = if endpoint.issues_tokens() {
        raw.body.clone()
    } else {
        Vec::new()
    };
    let bad_answer = |why: String| Failure {
        received,
        ..Failure::new(Status::BadAnswer, why)
    };
    if let Some(location) = raw.location {
        // Clean the whole URL first: a secret that is cut in pieces is not recognised.
        let location = clean(&location, &[]);
        let to = host_of(&location).unwrap_or("another path");
        return Err(bad_answer(format!(
            "HTTP {status}, a redirect to {to}, which is not followed"
        )));
    }
    if let Some(encoding) = raw.encoding {
        return Err(bad_answer(format!(
            "HTTP {status}, compressed ({encoding:?}), which was not requested"
        )));
    }
    Response::read(endpoint, status, raw.body, clean)
        .map_err(|why| bad_answer(format!("HTTP {status} with {why}")))
}

/// The host and port of a URL, also of one without a scheme (`//host/path`).
fn host_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("//").filter(|(scheme, _)| {
        scheme.is_empty() || scheme.ends_with(':') && !scheme.contains(['/', '?', '#'])
    })?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority.rsplit('@').next()?;
    (!host.is_empty()).then_some(host)
}

/// Whether a failed request may be sent again: it was never sent, or it only reads.
fn may_retry(endpoint: Endpoint, failure: &Failure, delivery: Delivery, http_status: u16) -> bool {
    match failure.status {
        Status::Cancelled => false,
        _ if delivery == Delivery::NeverSent => true,
        Status::ConnectionLost => endpoint.is_read_only(),
        Status::BadAnswer => endpoint.is_read_only() && http_status >= 500,
        _ => false,
    }
}
