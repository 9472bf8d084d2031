//! [`Response`]: WeChat's response to one request. Its errcode alone decides whether the request
//! succeeded; the body is kept byte for byte.

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Value, json};

use super::json::{json_text, parse, replace_lone_surrogates};
use crate::model::attempt::{Attempt, trace_json};
use crate::model::delivery::Delivery;
use crate::model::endpoint::Endpoint;
use crate::model::errcode::{self, Class};
use crate::redact::{self, Secret};

/// WeChat's response: its errcode, the notes in its errmsg, and its body.
#[derive(Clone)]
pub struct Response {
    endpoint: Endpoint,
    http_status: u16,
    body: Vec<u8>,
    errcode: i32,
    errmsg: String,
    notes: Notes,
    attempts: Vec<Attempt>,
    tree: OnceLock<Value>,
}

impl Response {
    /// Reads a response. `clean` removes secrets from the errmsg: those that the call knows, and
    /// those passed to it, which this response contains.
    ///
    /// The body of a refusal by a token endpoint may contain tokens: only its errcode and errmsg
    /// are kept. The bodies of the linking endpoints are kept unchanged.
    ///
    /// # Errors
    /// A description of the body that is not a response of WeChat's, such as "an empty body".
    pub(crate) fn read(
        endpoint: Endpoint,
        http_status: u16,
        body: Vec<u8>,
        clean: &impl Fn(&str, &[Secret<'_>]) -> String,
    ) -> Result<Response, String> {
        let (errcode, errmsg) = {
            let text = json_text(&body)?;
            let repaired;
            let envelope = match Envelope::read(text) {
                Ok(envelope) => envelope,
                Err(why) => {
                    repaired = replace_lone_surrogates(text);
                    Envelope::read(repaired.as_deref().ok_or(why)?)?
                }
            };
            let errcode = match envelope.errcode {
                Some(code) => {
                    i32::try_from(code).map_err(|_| "an errcode out of range".to_owned())?
                }
                // Some of WeChat's successful responses have no errcode. Neither has a gateway's
                // error page in JSON, but its HTTP status shows that.
                None if (200..300).contains(&http_status) => 0,
                None => return Err(format!("HTTP {http_status} without an errcode")),
            };
            let errmsg = match &*envelope.errmsg {
                usual @ ("" | "ok") => usual.to_owned(),
                errmsg => {
                    let tree = (!endpoint.is_linking())
                        .then(|| parse::<Value>(text))
                        .flatten();
                    let received = tree.as_ref().map(redact::received).unwrap_or_default();
                    clean(errmsg, &received)
                }
            };
            (errcode, errmsg)
        };
        let body = if endpoint.is_linking() || errcode == 0 {
            body
        } else {
            json!({"errcode": errcode, "errmsg": errmsg})
                .to_string()
                .into()
        };
        Ok(Response {
            endpoint,
            http_status,
            body,
            errcode,
            notes: Notes::read(&errmsg),
            errmsg,
            attempts: Vec::new(),
            tree: OnceLock::new(),
        })
    }

    /// Reads a response that did not come through a client, for tests and fuzzers.
    ///
    /// # Errors
    /// A description of the body that is not a response of WeChat's.
    #[doc(hidden)]
    pub fn from_bytes(
        endpoint: Endpoint,
        http_status: u16,
        body: Vec<u8>,
    ) -> Result<Response, String> {
        Response::read(endpoint, http_status, body, &|errmsg, _| errmsg.to_owned())
    }

    pub(crate) fn with_attempts(mut self, attempts: Vec<Attempt>) -> Response {
        self.attempts = attempts;
        self
    }

    /// The endpoint that responded.
    pub fn endpoint(&self) -> Endpoint {
        self.endpoint
    }

    /// The HTTP status. WeChat sends its errors with status 200 too: decide by the errcode.
    pub fn http_status(&self) -> u16 {
        self.http_status
    }

    /// The body as it was received. For a refusal by a token endpoint, which may contain tokens, a
    /// JSON object with only the errcode and errmsg.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// WeChat's errcode; 0 means success.
    pub fn errcode(&self) -> i32 {
        self.errcode
    }

    /// WeChat's errmsg. It is free text, sometimes misspelt or empty: do not decide by it.
    pub fn errmsg(&self) -> &str {
        &self.errmsg
    }

    /// The request's id, for WeChat's support; empty if the errmsg has none.
    pub fn rid(&self) -> &str {
        &self.notes.rid
    }

    /// The text of `hint: […]` in the errmsg; empty if it has none.
    pub fn hint(&self) -> &str {
        &self.notes.hint
    }

    /// The address that WeChat received the request from (`requestIP` in the errmsg); empty if it
    /// has none.
    pub fn request_ip(&self) -> &str {
        &self.notes.request_ip
    }

    /// What the caller can do next, by the table of errcodes; `None` if the code is not in it.
    pub fn class(&self) -> Option<Class> {
        errcode::lookup(self.endpoint, self.errcode).map(|e| e.class)
    }

    /// All attempts of the call, in order.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// The attempts as JSON, for logs and support.
    pub fn trace(&self) -> String {
        trace_json(self.endpoint.as_str(), Delivery::Answered, &self.attempts)
    }

    /// The body as a JSON tree, parsed at the first call. [`Value::Null`] if a number in it is too
    /// large for a `f64`.
    pub fn json(&self) -> &Value {
        self.tree.get_or_init(|| {
            let text = json_text(&self.body).ok();
            text.and_then(parse).unwrap_or_default()
        })
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("endpoint", &self.endpoint)
            .field("http_status", &self.http_status)
            .field("errcode", &self.errcode)
            .field("errmsg", &self.errmsg)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

/// The fields that a response of any endpoint can have.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(default, deserialize_with = "errcode")]
    errcode: Option<i64>,
    #[serde(default, borrow, deserialize_with = "errmsg")]
    errmsg: Cow<'a, str>,
}

impl<'a> Envelope<'a> {
    fn read(text: &'a str) -> Result<Envelope<'a>, String> {
        // serde's messages may contain parts of the text, and so a secret.
        serde_json::from_str(text).map_err(|e| match e.classify() {
            Category::Eof => format!("JSON that ends early, after {} bytes", text.len()),
            Category::Data => {
                "an errcode that occurs twice, or is neither a number nor a numeric string".into()
            }
            _ => format!(
                "something that is not JSON (line {}, column {})",
                e.line(),
                e.column()
            ),
        })
    }
}

/// Reads an errcode: a number, or a numeric string, as some of WeChat's endpoints send it.
fn errcode<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    struct Code;
    impl Visitor<'_> for Code {
        type Value = Option<i64>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number or a numeric string")
        }
        fn visit_i64<E>(self, n: i64) -> Result<Option<i64>, E> {
            Ok(Some(n))
        }
        fn visit_u64<E>(self, n: u64) -> Result<Option<i64>, E> {
            Ok(Some(i64::try_from(n).unwrap_or(i64::MAX)))
        }
        fn visit_str<E: serde::de::Error>(self, s: &str) -> Result<Option<i64>, E> {
            s.trim().parse().map(Some).map_err(E::custom)
        }
        fn visit_unit<E>(self) -> Result<Option<i64>, E> {
            Ok(None)
        }
    }
    from.deserialize_any(Code)
}

/// Reads an errmsg. A value of another type counts as an empty text, because nothing depends on it.
fn errmsg<'de, D: Deserializer<'de>>(from: D) -> Result<Cow<'de, str>, D::Error> {
    struct Msg;
    impl<'de> Visitor<'de> for Msg {
        type Value = Cow<'de, str>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("anything")
        }
        fn visit_borrowed_str<E>(self, s: &'de str) -> Result<Self::Value, E> {
            Ok(Cow::Borrowed(s))
        }
        fn visit_str<E>(self, s: &str) -> Result<Self::Value, E> {
            Ok(Cow::Owned(s.to_owned()))
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Cow::default())
        }
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok(Cow::default())
        }
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok(Cow::default())
        }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok(Cow::default())
        }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok(Cow::default())
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok(Cow::default())
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(Cow::default())
        }
    }
    from.deserialize_any(Msg)
}

/// The notes that WeChat appends to an errmsg.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Notes {
    rid: String,
    hint: String,
    request_ip: String,
}

impl Notes {
    fn read(errmsg: &str) -> Notes {
        Notes {
            rid: after(errmsg, "rid:", |c| c.is_ascii_alphanumeric() || c == '-'),
            hint: after(errmsg, "hint:", |c| c != ']')
                .trim_start_matches('[')
                .to_owned(),
            request_ip: after(errmsg, "requestIP:", |c| {
                c.is_ascii_hexdigit() || ".:".contains(c)
            })
            .trim_end_matches(['.', ':'])
            .to_owned(),
        }
    }
}

/// The text after the last `label` that starts a word, as far as `belongs` holds for its
/// characters.
fn after(text: &str, label: &str, belongs: impl Fn(char) -> bool) -> String {
    let starts_word = |at: &usize| {
        !text[..*at]
            .chars()
            .next_back()
            .is_some_and(char::is_alphanumeric)
    };
    text.rmatch_indices(label)
        .map(|(at, _)| at)
        .find(starts_word)
        .map(|at| text[at + label.len()..].trim_start())
        .map(|rest| rest.chars().take_while(|c| belongs(*c)).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_too_large_for_any_type_does_not_invalidate_the_list() {
        let body = r#"{"errcode":0,"wxopens":{"items":[]},"n":1e999}"#;
        let response = Response::from_bytes(Endpoint::Get, 200, body.into()).unwrap();
        assert_eq!(*response.json(), Value::Null);
        assert_eq!(crate::LinkList::read(response).unwrap().len(), 0);
    }

    #[test]
    fn lone_surrogates_are_replaced() {
        for (text, whole) in [
            (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
            (r#""\uD83D""#, r#""\ufffd""#),
            (r#""\ude00\ud83d""#, r#""\ufffd\ufffd""#),
            (r#""\ud83d\ud83d\ude00é""#, r#""\ufffd\ud83d\ude00é""#),
            (r#""\\ud83d""#, r#""\\ud83d""#),
            (r#""\ud8é""#, r#""\ud8é""#),
            (r"\ud83d\", r"\ufffd\"),
        ] {
            assert_eq!(
                replace_lone_surrogates(text).as_deref().unwrap_or(text),
                whole,
                "{text}"
            );
        }
    }

    #[test]
    fn notes_are_found_in_every_known_form() {
        let rid = |s: &str| Notes::read(s).rid;
        assert_eq!(
            rid("ok rid: 61932a5b-0e248764-42d1c1b2"),
            "61932a5b-0e248764-42d1c1b2"
        );
        assert_eq!(
            rid("rid:61932a5b-0e248764-42d1c1b2"),
            "61932a5b-0e248764-42d1c1b2"
        );
        assert_eq!(rid("x, rid: 61932a5b-1-2"), "61932a5b-1-2");
        assert_eq!(rid("a grid:abc"), "");
        let both = Notes::read("invalid ip hint: [Feqffa0754ent1] rid: 6-1, requestIP: 14.1.2.3.");
        assert_eq!(both.hint, "Feqffa0754ent1");
        assert_eq!(both.rid, "6-1");
        assert_eq!(both.request_ip, "14.1.2.3");
        assert_eq!(
            Notes::read("hint: [é"),
            Notes {
                hint: "é".into(),
                ..Notes::default()
            }
        );
    }
}
