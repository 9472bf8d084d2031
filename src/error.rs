//! The library's error type: what failed, whether WeChat may have acted, and what to do next.

use std::fmt;

use crate::config::options::OptionError;
use crate::model::attempt::{Attempt, trace_json};
use crate::model::delivery::Delivery;
use crate::model::endpoint::Endpoint;
use crate::model::errcode::{self, Class};
use crate::model::failure::{CertificateProblem, Failure};
use crate::model::lang::{Lang, Text};
use crate::model::message::{Message, message};
use crate::model::status::Status;
use crate::response::response::Response;

/// The advice if it is not known whether WeChat exchanged an authorisation code.
const CODE_IN_DOUBT: Text = Text {
    en: "The authorisation code may have been exchanged, and is valid once. Call again with the \
         same code: if WeChat refuses it, the next call for the account looks its token up.",
    zh: "该授权码可能已被使用，且只能使用一次。请用同一授权码重试：如果微信拒绝，\
         下一次针对该账号的调用会查找其令牌。",
};
/// WeChat's errcodes for an authorisation code that it does not accept any more.
const CODE_REFUSED: [i32; 2] = [61009, 61010];

/// Why a call failed. It contains no secret, in particular no access token.
///
/// Decide by [`status`](Error::status), and if that is [`Status::Api`], by [`class`](Error::class).
/// Before you repeat a link or unlink, check [`delivery`](Error::delivery). The
/// [`message`](Error::message) is for people.
///
/// ```
/// use wxlink::{Class, Client, Delivery, LinkChoices, Options};
///
/// # let sandbox = wxlink_sandbox::Sandbox::start(Default::default()).unwrap();
/// # let mut options = Options::new();
/// # options.set("base_url", sandbox.http_url())?;
/// # let client = Client::new(&options)?;
/// # let (token, appid) = ("SANDBOX-TOKEN", "wx0b000000000000e1");
/// let choices = LinkChoices { notify_users: false, show_profile: true };
/// if let Err(error) = client.link_miniprogram(token, appid, choices) {
///     eprintln!("{error}");
///     match (error.class(), error.delivery()) {
///         (Some(Class::Ok | Class::Pending), _) => println!("already linked or invited"),
///         (Some(Class::Token), _) => println!("get a new access token and call again"),
///         (None, Delivery::Unknown) => println!("read the list before linking again"),
///         (None, Delivery::NeverSent) => println!("safe to call again"),
///         _ => println!("refused: {:?}", error.errcode()),
///     }
/// }
/// # Ok::<(), wxlink::Error>(())
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    status: Status,
    endpoint: Option<Endpoint>,
    detail: Message,
    delivery: Delivery,
    http_status: u16,
    attempts: Vec<Attempt>,
    response: Option<Response>,
    /// See [`Failure::received`].
    received: Vec<u8>,
    certificate: Option<CertificateProblem>,
    lang: Lang,
    /// See [`Error::is_store_failure`].
    store_failed: bool,
    /// See [`Error::is_transient`].
    transient: bool,
    /// Seconds until a token is fetched again; 0 if fetching is not paused.
    next_try_s: u64,
}

impl Inner {
    fn new(status: Status, lang: Lang) -> Inner {
        Inner {
            status,
            endpoint: None,
            detail: Message::default(),
            delivery: Delivery::NeverSent,
            http_status: 0,
            attempts: Vec::new(),
            response: None,
            received: Vec::new(),
            certificate: None,
            lang,
            store_failed: false,
            transient: false,
            next_try_s: 0,
        }
    }
}

impl Error {
    /// The call failed before anything was sent.
    pub(crate) fn before_send(status: Status, detail: impl Into<Message>, lang: Lang) -> Error {
        Error(Box::new(Inner {
            detail: detail.into(),
            ..Inner::new(status, lang)
        }))
    }

    /// The last attempt failed without an answer from WeChat.
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
            received: failure.received,
            certificate: failure.certificate,
            delivery,
            http_status: attempts.last().map_or(0, |a| a.http_status),
            attempts,
            ..Inner::new(failure.status, lang)
        }))
    }

    /// WeChat answered with an errcode other than 0.
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

    /// Takes out what was received of a response that could not be read. See
    /// [`Failure::received`].
    pub(crate) fn take_received(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0.received)
    }

    /// Turns the error of a token fetch into the error of the call that needed the token.
    pub(crate) fn into_no_token(mut self) -> Error {
        if self.0.response.is_none() && self.0.status != Status::NoToken {
            // The status changes below: keep the endpoint and the original status in the detail.
            let endpoint = self.0.endpoint.map_or("", Endpoint::name);
            let status = self.0.status.name();
            let (en, zh) = (self.0.detail.get(Lang::En), self.0.detail.get(Lang::Zh));
            self.0.detail = message!("{endpoint}: {status}: {en}", "{endpoint}：{status}：{zh}");
            self.0.transient = true;
        }
        self.0.status = Status::NoToken;
        self.0.delivery = Delivery::NeverSent;
        self
    }

    /// Adds what is known of the call's first request, for which WeChat refused the token with
    /// `refusal`.
    pub(crate) fn add_refusal(mut self, refusal: &Error) -> Error {
        let code = refusal.errcode().unwrap_or_default();
        let refused = message!(
            "WeChat refused the access token ({code}) and there is no other",
            "微信拒绝了该 access_token（{code}），且无法取得新的"
        );
        self.0.detail = if self.0.detail.is_empty() {
            refused
        } else {
            Message::new(
                format!("{refused}: {}", self.0.detail),
                format!("{}：{}", refused.get(Lang::Zh), self.0.detail.get(Lang::Zh)),
            )
        };
        self.0.delivery = self.0.delivery.max(refusal.delivery());
        if self.0.http_status == 0 {
            self.0.http_status = refusal.http_status();
        }
        self.0.attempts = [refusal.attempts(), &self.0.attempts].concat();
        self
    }

    /// Marks the error as transient: see [`is_transient`](Error::is_transient).
    pub(crate) fn transient(mut self) -> Error {
        self.0.transient = true;
        self
    }

    /// Marks the error as a failure of the store: see
    /// [`is_store_failure`](Error::is_store_failure).
    pub(crate) fn of_store(mut self) -> Error {
        self.0.store_failed = true;
        self
    }

    /// Adds that no token will be fetched for the time `pause`.
    pub(crate) fn with_next_try_in(mut self, pause: std::time::Duration) -> Error {
        self.0.next_try_s = pause.as_millis().div_ceil(1000) as u64;
        self
    }

    /// For [`Status::NoToken`] without an answer from WeChat: whether the cause may disappear
    /// without action, such as an unavailable network or store. If not, a person has to act.
    pub fn is_transient(&self) -> bool {
        self.0.transient
    }

    /// Whether WeChat refused an authorisation code for good: it was used before, is another
    /// platform's, or has expired.
    pub fn is_code_refused(&self) -> bool {
        self.errcode().is_some_and(|c| CODE_REFUSED.contains(&c))
    }

    /// Whether the store could not be used (option `store`): [`Status::Store`], and
    /// [`Status::NoToken`] if the token is in the store.
    pub fn is_store_failure(&self) -> bool {
        self.0.store_failed || self.0.status == Status::Store
    }

    /// Sets the endpoint that was called.
    pub(crate) fn with_endpoint(mut self, endpoint: Endpoint) -> Error {
        self.0.endpoint = Some(endpoint);
        self
    }

    /// Sets the language of the message.
    pub(crate) fn with_lang(mut self, lang: Lang) -> Error {
        self.0.lang = lang;
        self
    }

    /// What kind of failure it is, as in the C interface.
    pub fn status(&self) -> Status {
        self.0.status
    }

    /// The endpoint of the call; `None` if the failure is not that of a call.
    pub fn endpoint(&self) -> Option<Endpoint> {
        self.0.endpoint
    }

    /// WeChat's errcode, if WeChat answered.
    pub fn errcode(&self) -> Option<i32> {
        self.response().map(Response::errcode)
    }

    /// WeChat's errmsg; empty if WeChat did not answer. It is free text: do not decide by it.
    pub fn errmsg(&self) -> &str {
        self.response().map_or("", Response::errmsg)
    }

    /// The request's id, for WeChat's support; empty if the response has none.
    pub fn rid(&self) -> &str {
        self.response().map_or("", Response::rid)
    }

    /// The text of `hint: […]` in the errmsg; empty if it has none.
    pub fn hint(&self) -> &str {
        self.response().map_or("", Response::hint)
    }

    /// The address that WeChat received the request from, if it is in the errmsg; else empty.
    pub fn request_ip(&self) -> &str {
        self.response().map_or("", Response::request_ip)
    }

    /// The HTTP status of the last response; 0 if there was none.
    pub fn http_status(&self) -> u16 {
        self.0.http_status
    }

    /// Why the certificate of the API host was not accepted, if that was the failure.
    pub fn certificate_problem(&self) -> Option<CertificateProblem> {
        self.0.certificate
    }

    /// Whether WeChat may have received the request.
    pub fn delivery(&self) -> Delivery {
        self.0.delivery
    }

    /// All attempts, in order.
    pub fn attempts(&self) -> &[Attempt] {
        &self.0.attempts
    }

    /// WeChat's response, if WeChat answered.
    pub fn response(&self) -> Option<&Response> {
        self.0.response.as_ref()
    }

    /// What the caller can do next, by the table of errcodes. `None` if WeChat did not answer, or
    /// answered with a code that is not in the table.
    pub fn class(&self) -> Option<Class> {
        self.response().and_then(Response::class)
    }

    /// The attempts as JSON, for logs and support.
    pub fn trace(&self) -> String {
        let endpoint = self.0.endpoint.map_or("", Endpoint::as_str);
        trace_json(endpoint, self.0.delivery, &self.0.attempts)
    }

    /// What failed, why, and what to do about it: one line in the client's language.
    pub fn message(&self) -> String {
        let is_read_only = self.0.endpoint.is_some_and(Endpoint::is_read_only);
        let (status, lang) = (self.0.status, self.0.lang);
        let advice = match (self.0.endpoint, self.0.delivery) {
            (Some(Endpoint::QueryAuth), Delivery::Unknown) => CODE_IN_DOUBT.get(lang),
            _ => status.text_of_call(is_read_only, self.0.delivery, lang),
        };
        let is_in_doubt = self.0.delivery == Delivery::Unknown;
        if is_in_doubt && self.0.endpoint == Some(Endpoint::Unlink) {
            let blank = if lang == Lang::Zh { "" } else { " " };
            self.message_with(&format!("{advice}{blank}{}", UNLINK_IN_DOUBT.get(lang)))
        } else {
            self.message_with(advice)
        }
    }

    /// [`message`](Error::message) with `advice` in place of the status's text. If WeChat answered,
    /// the message contains the errcode's remedy instead of either.
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
            Some(response) => {
                // Another endpoint answered than the one that was called: the token was refused.
                if self.0.endpoint != Some(response.endpoint()) {
                    for part in [self.0.status.name(), response.endpoint().name()] {
                        text += part;
                        text += colon;
                    }
                }
                text += &refusal(response, self.0.lang);
            }
            None => {
                text += self.0.status.name();
                if let Some(last) = self.0.attempts.last() {
                    text += if zh { "，主机 " } else { " at " };
                    text += &last.host;
                }
                // The detail of a cancelled call only repeats the status.
                if !self.0.detail.is_empty() && self.0.status != Status::Cancelled {
                    text += colon;
                    text += self.0.detail.get(self.0.lang);
                }
                text += if zh { "。" } else { ". " };
                text += advice;
            }
        }
        if self.0.next_try_s > 0 {
            let seconds = self.0.next_try_s;
            text += &match self.0.lang {
                Lang::En => format!(" Token fetches are paused: next try in {seconds} s."),
                Lang::Zh => format!("获取令牌已暂停：{seconds} 秒后重试。"),
            };
        }
        // WeChat's errmsg may contain line ends, which would split a log line, and NULs, which
        // would end a C string.
        text.replace(char::is_control, " ")
    }
}

/// What the list shows after an unlink without a response. WeChat may have asked, and an unlink
/// stays out until the administrator decides: no time limit is documented.
const UNLINK_IN_DOUBT: Text = Text {
    en: "The list shows the mini program until the Official Account's administrator agrees, \
         whether WeChat has asked them or not: ask them yourself, or unlink again, to which WeChat \
         answers 89018 if they were asked.",
    zh: "无论微信是否已发出请求，在公众号管理员同意之前，列表中仍会显示该小程序：请直接与其确认，\
         或再次解除关联（若请求此前已发出，微信会返回 89018）。",
};

/// WeChat's refusal, its meaning and its remedy.
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
            let errmsg = response.errmsg();
            text += &match lang {
                Lang::En => format!(
                    " ({errmsg}), an errcode that wxlink does not know. Look it up in WeChat's \
                     documentation, or ask WeChat's support with the rid."
                ),
                Lang::Zh => format!(
                    "（{errmsg}），wxlink 未收录该错误码。请查阅微信文档，或凭 rid 联系微信客服。"
                ),
            };
        }
    }
    let address = response.request_ip();
    if !address.is_empty() {
        text += &match lang {
            Lang::En => format!(" (WeChat saw the address {address})"),
            Lang::Zh => format!("（微信看到的地址为 {address}）"),
        };
    }
    let rid = response.rid();
    if !rid.is_empty() {
        text += &match lang {
            Lang::En => format!(" (rid {rid})"),
            Lang::Zh => format!("（rid {rid}）"),
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
