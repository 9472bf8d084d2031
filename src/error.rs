//! The one error type: what happened, whether WeChat may have acted on it, and what to do next.

use std::fmt;

use crate::config::options::OptionError;
use crate::model::attempt::{Attempt, trace_json};
use crate::model::delivery::Delivery;
use crate::model::endpoint::Endpoint;
use crate::model::errcode::{self, Class};
use crate::model::failure::Failure;
use crate::model::lang::Lang;
use crate::model::status::Status;
use crate::response::response::Response;

/// Why a call did not end with a yes. Neither it nor anything in it ever holds a token.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    status: Status,
    endpoint: Option<Endpoint>,
    detail: String,
    delivery: Delivery,
    http_status: u16,
    attempts: Vec<Attempt>,
    response: Option<Response>,
    lang: Lang,
    /// Whether what kept a call from having a token may pass by itself.
    transient: bool,
    /// How long no token is fetched (s); 0 if there is no pause.
    next_try_s: u64,
}

impl Inner {
    fn new(status: Status, lang: Lang) -> Inner {
        Inner {
            status,
            endpoint: None,
            detail: String::new(),
            delivery: Delivery::NeverSent,
            http_status: 0,
            attempts: Vec::new(),
            response: None,
            lang,
            transient: false,
            next_try_s: 0,
        }
    }
}

impl Error {
    /// The call failed before anything was sent.
    pub(crate) fn before_send(status: Status, detail: impl Into<String>, lang: Lang) -> Error {
        Error(Box::new(Inner {
            detail: detail.into(),
            ..Inner::new(status, lang)
        }))
    }

    /// The last attempt failed without a verdict from WeChat.
    pub(crate) fn failed(
        endpoint: Endpoint,
        failure: Failure,
        delivery: Delivery,
        attempts: Vec<Attempt>,
        lang: Lang,
    ) -> Error {
        Error(Box::new(Inner {
            endpoint: Some(endpoint),
            detail: failure.detail,
            delivery,
            http_status: attempts.last().map_or(0, |a| a.http_status),
            attempts,
            ..Inner::new(failure.status, lang)
        }))
    }

    /// WeChat answered an errcode other than 0.
    pub(crate) fn refused(response: Response, lang: Lang) -> Error {
        Error(Box::new(Inner {
            endpoint: Some(response.endpoint()),
            delivery: Delivery::Answered,
            http_status: response.http_status(),
            attempts: response.attempts().to_vec(),
            response: Some(response),
            ..Inner::new(Status::Api, lang)
        }))
    }

    /// The same error as what kept a call from having a token.
    pub(crate) fn without_token(mut self) -> Error {
        // Which of WeChat's endpoints failed, and how, is told in the detail.
        if self.0.response.is_none() && self.0.status != Status::NoToken {
            let endpoint = self.0.endpoint.map_or("", Endpoint::name);
            self.0.detail = format!("{endpoint}: {}: {}", self.0.status.name(), self.0.detail);
        }
        self.0.transient |= self.0.response.is_none() && self.0.status != Status::NoToken;
        self.0.status = Status::NoToken;
        self.0.delivery = Delivery::NeverSent;
        self
    }

    /// The same error of a call whose first request WeChat answered with `refusal`, for its token: what
    /// is known of that request is part of the error.
    pub(crate) fn after_refusal(mut self, refusal: &Error) -> Error {
        let code = refusal.errcode().unwrap_or_default();
        let so_far = match self.0.lang {
            Lang::En => format!("WeChat refused the access token ({code}) and there is no other"),
            Lang::Zh => format!("微信拒绝了该 access_token（{code}），且无法取得新的"),
        };
        self.0.detail = match self.0.detail.is_empty() {
            true => so_far,
            false => format!("{so_far}: {}", self.0.detail),
        };
        self.0.delivery = self.0.delivery.max(refusal.delivery());
        if self.0.http_status == 0 {
            self.0.http_status = refusal.http_status();
        }
        self.0.attempts = [refusal.attempts(), &self.0.attempts].concat();
        self
    }

    /// The same error, of what may pass by itself.
    pub(crate) fn transient(mut self) -> Error {
        self.0.transient = true;
        self
    }

    /// The same error, of a call that failed because tokens are fetched again only after `pause`.
    pub(crate) fn with_next_try_in(mut self, pause: std::time::Duration) -> Error {
        self.0.next_try_s = pause.as_millis().div_ceil(1000) as u64;
        self
    }

    /// Of a [`Status::NoToken`] that is not WeChat's verdict: whether what stood in the way may pass by itself, as
    /// the network or the token store being away. If not, somebody has to act.
    pub fn is_transient(&self) -> bool {
        self.0.transient
    }

    /// The same error of a call to `endpoint`.
    pub(crate) fn with_endpoint(mut self, endpoint: Endpoint) -> Error {
        self.0.endpoint = Some(endpoint);
        self
    }

    /// The same error, told in `lang`.
    pub(crate) fn with_lang(mut self, lang: Lang) -> Error {
        self.0.lang = lang;
        self
    }

    /// Its kind, in the terms of the C interface.
    pub fn status(&self) -> Status {
        self.0.status
    }

    /// The endpoint that was called, if it came to that.
    pub fn endpoint(&self) -> Option<Endpoint> {
        self.0.endpoint
    }

    /// WeChat's errcode, if WeChat answered.
    pub fn errcode(&self) -> Option<i32> {
        self.response().map(Response::errcode)
    }

    /// WeChat's errmsg as it was sent (empty if it did not answer). Free text: never decide by it.
    pub fn errmsg(&self) -> &str {
        self.response().map_or("", Response::errmsg)
    }

    /// The id WeChat's support asks for, empty if there was none.
    pub fn rid(&self) -> &str {
        self.response().map_or("", Response::rid)
    }

    /// The `hint: […]` some answers carry, empty if there was none.
    pub fn hint(&self) -> &str {
        self.response().map_or("", Response::hint)
    }

    /// The calling address as WeChat saw it (`requestIP`), empty if it did not say.
    pub fn request_ip(&self) -> &str {
        self.response().map_or("", Response::request_ip)
    }

    /// The HTTP status of the last answer, 0 if there was none.
    pub fn http_status(&self) -> u16 {
        self.0.http_status
    }

    /// Whether WeChat may have seen the request.
    pub fn delivery(&self) -> Delivery {
        self.0.delivery
    }

    /// Everything that was tried, in order.
    pub fn attempts(&self) -> &[Attempt] {
        &self.0.attempts
    }

    /// WeChat's answer, if it gave one.
    pub fn response(&self) -> Option<&Response> {
        self.0.response.as_ref()
    }

    /// What the catalogue says the caller may do next; `None` if WeChat did not answer, or with a
    /// code nobody has described.
    pub fn class(&self) -> Option<Class> {
        self.response().and_then(Response::class)
    }

    /// The attempts as JSON, for logs and support.
    pub fn trace(&self) -> String {
        let endpoint = self.0.endpoint.map_or("", Endpoint::as_str);
        trace_json(endpoint, self.0.delivery, &self.0.attempts)
    }

    /// What happened and what to do about it, in the client's language.
    pub fn message(&self) -> String {
        let is_read_only = self.0.endpoint.is_some_and(Endpoint::is_read_only);
        let (status, lang) = (self.0.status, self.0.lang);
        self.message_with(status.text_of_call(is_read_only, self.0.delivery, lang))
    }

    /// The same, but without WeChat's answer it ends with `advice` and not with the status's text.
    pub(crate) fn message_with(&self, advice: &str) -> String {
        let zh = self.0.lang == Lang::Zh;
        let call = self.0.endpoint.map_or("", Endpoint::name);
        let colon = if zh { "：" } else { ": " };
        let mut text = String::new();
        if !call.is_empty() {
            text += call;
            text += colon;
        }
        match &self.0.response {
            Some(response) => text += &refusal(response, self.0.lang),
            None => {
                text += self.0.status.name();
                if let Some(last) = self.0.attempts.last() {
                    text += if zh { "，主机 " } else { " at " };
                    text += &last.host;
                }
                // Of a cancelled call the detail repeats the status.
                if !self.0.detail.is_empty() && self.0.status != Status::Cancelled {
                    text += colon;
                    text += &self.0.detail;
                }
                text += if zh { "。" } else { ". " };
                text += advice;
            }
        }
        if self.0.next_try_s > 0 {
            let seconds = self.0.next_try_s;
            text += &match zh {
                false => format!(" No token is fetched meanwhile: next try in {seconds} s."),
                true => format!("在此之前不再获取令牌：{seconds} 秒后重试。"),
            };
        }
        // WeChat's words go into logs, one line each, and into C texts, which end with a NUL.
        text.replace(char::is_control, " ")
    }
}

/// A refusal of WeChat's in one line, with its remedy.
fn refusal(response: &Response, lang: Lang) -> String {
    let code = response.errcode();
    let entry = errcode::lookup(response.endpoint(), code);
    let name = entry.map_or("", |e| e.name);
    let zh = lang == Lang::Zh;
    let mut text = match (zh, name.is_empty()) {
        (false, false) => format!("WeChat answered {code} {name}"),
        (false, true) => format!("WeChat answered {code}"),
        (true, false) => format!("微信返回 {code} {name}"),
        (true, true) => format!("微信返回 {code}"),
    };
    match entry {
        Some(entry) => {
            text += if zh { "：" } else { ": " };
            text += entry.meaning.get(lang);
            text += if zh { "" } else { " " };
            text += entry.remedy.get(lang);
        }
        None => {
            text += &match zh {
                false => format!(
                    " ({}), a code not in the catalogue. Look it up in WeChat's documentation, or ask its support with the rid.",
                    response.errmsg()
                ),
                true => format!(
                    "（{}），该错误码不在目录中。请查阅微信文档，或携带 rid 联系微信支持。",
                    response.errmsg()
                ),
            };
        }
    }
    if !response.rid().is_empty() {
        text += &match zh {
            false => format!(" (rid {})", response.rid()),
            true => format!("（rid {}）", response.rid()),
        };
    }
    text
}

impl From<OptionError> for Error {
    fn from(error: OptionError) -> Error {
        Error::before_send(Status::BadOption, error.why, error.lang)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("status", &self.0.status)
            .field("errcode", &self.errcode())
            .field("delivery", &self.0.delivery)
            .field("message", &self.message())
            .finish()
    }
}

impl std::error::Error for Error {}
