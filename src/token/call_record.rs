//! WeChat's record of an earlier call (`rid/get`), without its secrets: the URL contains the access
//! token, and the bodies contain whatever was sent and received.

use std::collections::BTreeSet;
use std::time::Instant;

use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::platform::{Platform, Uses};
use super::record::whole_number;
use crate::error::Error;
use crate::model::delivery::Delivery;
use crate::model::endpoint::Endpoint;
use crate::model::failure::Failure;
use crate::model::lang::Lang;
use crate::model::status::Status;
use crate::redact::{OwnedSecret, Secrets};
use crate::response::response::Response;
use crate::retry::RequestBody;
use crate::sys::cancel::CancelToken;

/// From this many characters on, a word may be a secret of an unknown name: an appsecret has 32
/// characters, a token more. The ids that WeChat shows, such as a rid, are shorter.
const MIN_OPAQUE_CHARS: usize = 32;
/// What replaces a secret.
const HIDDEN: &str = "[hidden]";

/// The body of the request.
#[derive(Serialize)]
pub(crate) struct RidBody<'a> {
    pub rid: &'a str,
}

/// What WeChat recorded of an earlier call. Secrets are replaced by `[hidden]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRecord {
    invoke_time: Option<u64>,
    cost_ms: Option<u64>,
    url: String,
    request_body: String,
    response_body: String,
    client_ip: String,
    endpoint: Option<Endpoint>,
    errcode: Option<i32>,
}

impl CallRecord {
    /// Reads a response. `known` are the secrets of the client.
    ///
    /// # Errors
    /// The response has no record.
    pub(crate) fn read(
        response: &Response,
        known: &[OwnedSecret],
        lang: Lang,
    ) -> Result<CallRecord, Error> {
        let Some(request) = response.json()["request"].as_object() else {
            let why = "HTTP 200 without the field request";
            return Err(Error::failed(
                Endpoint::Rid,
                Failure::new(Status::BadAnswer, why),
                Delivery::Answered,
                response.attempts().to_vec(),
                lang,
            ));
        };
        Ok(CallRecord::from_fields(request, known))
    }

    fn from_fields(request: &Map<String, Value>, known: &[OwnedSecret]) -> CallRecord {
        let text = |name: &str| {
            request
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let number = |name: &str| request.get(name).and_then(whole_number);
        let (url, sent, answered) = (
            text("request_url"),
            text("request_body"),
            text("response_body"),
        );
        let mut found = BTreeSet::new();
        for (name, value) in parameters(url) {
            if is_secret(name) {
                found.insert(value.to_owned());
                found.insert(percent_decode_str(value).decode_utf8_lossy().into_owned());
            }
        }
        let (sent, answered) = (Body::read(sent), Body::read(answered));
        for body in [&sent, &answered] {
            if let Body::Json(json) = body {
                collect(json, false, &mut found);
            }
        }
        let values = known.iter().map(|(_, value)| &**value);
        let values = values.chain(found.iter().map(String::as_str));
        let secrets = Secrets::new(values.map(|value| ("hidden", value)));
        let clean = |text: &str| hide_opaque(&secrets.clean(text));
        CallRecord {
            invoke_time: number("invoke_time"),
            cost_ms: number("cost_in_ms"),
            url: clean_url(url, &secrets),
            endpoint: Endpoint::at_path(path(url)),
            errcode: answered.errcode(),
            request_body: sent.show(&clean),
            response_body: answered.show(&clean),
            client_ip: clean(text("client_ip")),
        }
    }

    /// When the call arrived (s since 1970), if WeChat sends it.
    pub fn invoke_time(&self) -> Option<u64> {
        self.invoke_time
    }

    /// How long WeChat took (ms), if it sends it.
    pub fn cost_ms(&self) -> Option<u64> {
        self.cost_ms
    }

    /// The URL of the request.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The body of the request.
    pub fn request_body(&self) -> &str {
        &self.request_body
    }

    /// The body of the response.
    pub fn response_body(&self) -> &str {
        &self.response_body
    }

    /// The address that the request came from.
    pub fn client_ip(&self) -> &str {
        &self.client_ip
    }

    /// The endpoint that was called, if it is one of this library's.
    pub fn endpoint(&self) -> Option<Endpoint> {
        self.endpoint
    }

    /// The errcode in the response, if it has one.
    pub fn errcode(&self) -> Option<i32> {
        self.errcode
    }

    /// The record as JSON, with WeChat's names.
    pub fn json(&self) -> Value {
        json!({
            "invoke_time": self.invoke_time,
            "cost_in_ms": self.cost_ms,
            "request_url": self.url,
            "request_body": self.request_body,
            "response_body": self.response_body,
            "client_ip": self.client_ip,
        })
    }
}

impl Platform {
    /// The record of a call with the platform's token, or of one that fetched that token.
    ///
    /// # Errors
    /// As [`account_info`](Platform::account_info).
    pub fn call_record(
        &self,
        rid: &str,
        limit: Instant,
        cancel: &CancelToken,
    ) -> Result<CallRecord, Error> {
        let rid = rid.to_owned();
        let endpoint = Endpoint::Rid;
        self.on_thread(Uses::WeChat(endpoint), limit, cancel, move |platform| {
            let body = RequestBody::new(&RidBody { rid: &rid });
            let response = platform.call_directly(endpoint, &body, &[], limit)?;
            let mut known = platform.pool.secrets();
            known.push(("component_appsecret", platform.appsecret.as_str().into()));
            CallRecord::read(&response, &known, platform.settings.lang)
        })
    }
}

/// A body that was sent or received.
enum Body {
    Empty,
    Json(Value),
    /// Its secrets cannot be found by their names.
    Other {
        bytes: usize,
    },
}

impl Body {
    fn read(text: &str) -> Body {
        match serde_json::from_str(text) {
            Ok(json @ (Value::Object(_) | Value::Array(_))) => Body::Json(json),
            _ if text.trim().is_empty() => Body::Empty,
            _ => Body::Other { bytes: text.len() },
        }
    }

    fn errcode(&self) -> Option<i32> {
        let Body::Json(json) = self else {
            return None;
        };
        let code = &json["errcode"];
        let number = code.as_i64().or_else(|| code.as_str()?.trim().parse().ok());
        number.and_then(|number| number.try_into().ok())
    }

    fn show(self, clean: &impl Fn(&str) -> String) -> String {
        match self {
            Body::Empty => String::new(),
            Body::Json(json) => clean_json(json, false, clean).to_string(),
            Body::Other { bytes } => format!("[{bytes} bytes that are not JSON]"),
        }
    }
}

/// Whether a field or parameter with this name contains a secret.
fn is_secret(name: &str) -> bool {
    const PARTS: [&str; 9] = [
        "token",
        "secret",
        "ticket",
        "passw",
        "pwd",
        "key",
        "sign",
        "credential",
        "cookie",
    ];
    let name = name.to_ascii_lowercase();
    let is_code = name.ends_with("code") && !name.ends_with("errcode");
    is_code || PARTS.iter().any(|part| name.contains(part))
}

/// Adds all values within fields that contain a secret. `is_in_secret`: the value is in one.
fn collect(value: &Value, is_in_secret: bool, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                collect(value, is_in_secret || is_secret(name), found);
            }
        }
        Value::Array(items) => {
            for item in items {
                collect(item, is_in_secret, found);
            }
        }
        Value::String(text) if is_in_secret => {
            found.insert(text.clone());
        }
        Value::String(text) => {
            if let Body::Json(inner) = Body::read(text) {
                collect(&inner, false, found);
            }
        }
        _ => {}
    }
}

/// The JSON without secrets.
fn clean_json(value: Value, is_in_secret: bool, clean: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| {
                let value = clean_json(value, is_in_secret || is_secret(&name), clean);
                (clean(&name), value)
            });
            Value::Object(fields.collect())
        }
        Value::Array(items) => {
            let items = items.into_iter();
            items
                .map(|item| clean_json(item, is_in_secret, clean))
                .collect()
        }
        Value::Null => Value::Null,
        _ if is_in_secret => HIDDEN.into(),
        Value::String(text) => match Body::read(&text) {
            Body::Json(inner) => clean_json(inner, false, clean).to_string().into(),
            _ => clean(&text).into(),
        },
        other => other,
    }
}

/// The path of a URL, which may lack scheme and host.
fn path(url: &str) -> &str {
    let rest = url.split(['?', '#']).next().unwrap_or_default();
    match rest.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |at| &rest[at..]),
        None => rest,
    }
}

/// The parameters of a URL, as they are written.
fn parameters(url: &str) -> impl Iterator<Item = (&str, &str)> {
    let query = url.split_once(['?', '#']).map_or("", |(_, query)| query);
    let pairs = query.split(['&', ';', '#']);
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

fn clean_url(url: &str, secrets: &Secrets<'_>) -> String {
    // The path is that of an endpoint, and may be as long as a token.
    let start = url.split(['?', '#']).next().unwrap_or_default();
    let shown = secrets.clean(start).into_owned();
    if start.len() == url.len() {
        return shown;
    }
    let clean = |text: &str| hide_opaque(&secrets.clean(text));
    let cleaned: Vec<String> = parameters(url)
        .map(|(name, value)| match value {
            "" => clean(name),
            _ if is_secret(name) => format!("{}={HIDDEN}", clean(name)),
            _ => format!("{}={}", clean(name), clean(value)),
        })
        .collect();
    format!("{shown}?{}", cleaned.join("&"))
}

/// Hides words that are as long as secrets.
fn hide_opaque(text: &str) -> String {
    let is_opaque = |c: char| c.is_ascii_alphanumeric() || "_-+/=@%".contains(c);
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_opaque) {
        let length = rest[start..]
            .find(|c| !is_opaque(c))
            .unwrap_or(rest.len() - start);
        let end = start + length;
        shown += &rest[..start];
        shown += if length < MIN_OPAQUE_CHARS {
            &rest[start..end]
        } else {
            HIDDEN
        };
        rest = &rest[end..];
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const RID: &str = "61932a5b-0e248764-42d1c1b2";

    fn record(fields: Value) -> CallRecord {
        let known: [OwnedSecret; 1] = [("access_token", "KNOWN+TOKEN".into())];
        CallRecord::from_fields(fields.as_object().unwrap(), &known)
    }

    #[test]
    fn a_record_is_shown_without_secrets() {
        let long = "0123456789abcdef0123456789abcdef";
        let errmsg = format!("invalid OLD-REFRESH or OLD\\u002dTOKEN: {long} rid: {RID}");
        let request = json!({
            "component_appid": "wx0c00000000000001",
            "authorizer_refresh_token": "OLD-REFRESH",
            "nested": {"auth_code": ["OLD-CODE", 123_456], "list": [{"x": long}]},
            "inner": r#"{"ticket": "OLD-TICKET", "appid": "wx1"}"#,
            "note": "KNOWN%2BTOKEN",
        });
        let response = json!({
            "errcode": "40013",
            "errmsg": errmsg,
        });
        let record = record(json!({
            "invoke_time": "1637034587",
            "cost_in_ms": 30,
            "request_url": "https://api.weixin.qq.com/cgi-bin/component/api_get_authorizer_info\
                            ?component_access_token=OLD%2dTOKEN&lang=zh_CN",
            "request_body": request.to_string(),
            "response_body": response.to_string(),
            "client_ip": "14.1.2.3",
        }));
        assert_eq!(record.endpoint(), Some(Endpoint::AuthorizerInfo));
        assert_eq!(record.errcode(), Some(40013));
        assert_eq!(record.invoke_time(), Some(1_637_034_587));
        assert_eq!(record.cost_ms(), Some(30));
        assert_eq!(record.client_ip(), "14.1.2.3");
        let shown = record.json().to_string();
        for secret in [
            "OLD-",
            "OLD%2d",
            "OLD\\u002d",
            "KNOWN",
            "123456",
            &long[..16],
        ] {
            assert!(!shown.contains(secret), "{secret}: {shown}");
        }
        assert_eq!(
            record.url(),
            "https://api.weixin.qq.com/cgi-bin/component/api_get_authorizer_info\
             ?component_access_token=[hidden]&lang=zh_CN"
        );
        for kept in [r#""errcode":"40013""#, RID, "invalid [hidden] or "] {
            assert!(record.response_body().contains(kept), "{record:?}");
        }
        let sent: Value = serde_json::from_str(record.request_body()).unwrap();
        assert_eq!(sent["component_appid"], "wx0c00000000000001");
        assert_eq!(sent["inner"], r#"{"appid":"wx1","ticket":"[hidden]"}"#);
    }

    #[test]
    fn what_cannot_be_read_is_not_shown() {
        for (body, shown) in [
            ("", ""),
            (" ", ""),
            ("access_token=OLD-TOKEN", "[22 bytes that are not JSON]"),
            (r#"{"ticket":"OLD-TICKET"#, "[21 bytes that are not JSON]"),
            ("<xml><T>OLD</T></xml>", "[21 bytes that are not JSON]"),
            (r#"["a"]"#, r#"["a"]"#),
        ] {
            let record = record(json!({"request_body": body, "response_body": body}));
            assert_eq!(record.request_body(), shown);
            assert_eq!(record.response_body(), shown);
        }
        for odd in [
            json!({}),
            json!({"request_url": 7, "invoke_time": null, "cost_in_ms": "x", "client_ip": []}),
        ] {
            let record = record(odd);
            assert_eq!((record.url(), record.client_ip()), ("", ""));
            assert_eq!((record.invoke_time(), record.cost_ms()), (None, None));
            assert_eq!((record.endpoint(), record.errcode()), (None, None));
        }
    }

    #[test]
    fn the_parts_of_a_url_are_hidden_by_their_names() {
        let url = |url: &str| record(json!({"request_url": url})).url().to_owned();
        assert_eq!(
            url("/cgi-bin/wxopen/wxamplink?access_token=OLD"),
            "/cgi-bin/wxopen/wxamplink?access_token=[hidden]"
        );
        assert_eq!(
            url("/a?x=1&ACCESS_TOKEN=OLD#f"),
            "/a?x=1&ACCESS_TOKEN=[hidden]&f"
        );
        assert_eq!(
            url("/a?x=OLD&js_code=OLD"),
            "/a?x=[hidden]&js_code=[hidden]"
        );
        assert_eq!(url("/a?KNOWN%2BTOKEN"), "/a?[hidden]");
        assert_eq!(url("/cgi-bin/token"), "/cgi-bin/token");
        let found = |url: &str| {
            let record = record(json!({"request_url": url}));
            record.endpoint()
        };
        let path = "/cgi-bin/wxopen/wxamplink";
        assert_eq!(found(path), Some(Endpoint::Link));
        assert_eq!(
            found(&format!("https://api.weixin.qq.com{path}?access_token=T")),
            Some(Endpoint::Link)
        );
        assert_eq!(found("/cgi-bin/wxopen/other"), None);
    }
}
