//! WeChat's answers: judged by `errcode` alone, kept byte for byte, read into types when asked.

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Value, json};

use super::json::{json_text, parse, whole_characters};
use crate::model::attempt::{Attempt, trace_json};
use crate::model::delivery::Delivery;
use crate::model::endpoint::Endpoint;
use crate::model::errcode::{self, Class};
use crate::redact::{self, Secret};

/// An answer of WeChat's: a verdict and the bytes it came in.
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
    /// Reads the verdict, or returns in one clause why there is none. `clean` takes secrets out of
    /// the errmsg, in case the other side repeats one: those the call knows, and those it is given.
    ///
    /// A refusal of a token endpoint keeps no more of its body than errcode and errmsg: it may
    /// hold tokens. The bodies of the linking calls are kept byte for byte.
    pub(crate) fn read(
        endpoint: Endpoint,
        http_status: u16,
        body: Vec<u8>,
        clean: &impl Fn(&str, &[Secret<'_>]) -> String,
    ) -> Result<Response, String> {
        let (errcode, errmsg) = {
            let text = json_text(&body)?;
            let whole;
            let envelope = match Envelope::read(text) {
                Ok(envelope) => envelope,
                Err(why) => {
                    whole = whole_characters(text);
                    Envelope::read(whole.as_deref().ok_or(why)?)?
                }
            };
            let errcode = match envelope.errcode {
                Some(code) => {
                    i32::try_from(code).map_err(|_| "an errcode out of range".to_owned())?
                }
                // Some of WeChat's successes have no errcode; an error page in JSON has none either.
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
        let body = match endpoint.is_linking() || errcode == 0 {
            true => body,
            false => json!({"errcode": errcode, "errmsg": errmsg})
                .to_string()
                .into(),
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

    /// Reads an answer that came some other way than through a client, such as a fuzzer's.
    ///
    /// # Errors
    /// Says in one clause why it is none.
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

    /// The endpoint that answered.
    pub fn endpoint(&self) -> Endpoint {
        self.endpoint
    }

    /// The answer's HTTP status. WeChat's errors come with 200 too: decide by the errcode.
    pub fn http_status(&self) -> u16 {
        self.http_status
    }

    /// The answer as it came, byte for byte; of a refusal by a token endpoint, which may hold tokens,
    /// the errcode and the errmsg alone.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// WeChat's verdict, 0 for yes.
    pub fn errcode(&self) -> i32 {
        self.errcode
    }

    /// WeChat's free text. Misspelt or empty at times: never decide by it.
    pub fn errmsg(&self) -> &str {
        &self.errmsg
    }

    /// The id WeChat's support asks for, empty if there was none.
    pub fn rid(&self) -> &str {
        &self.notes.rid
    }

    /// The `hint: […]` some answers carry, empty if there was none.
    pub fn hint(&self) -> &str {
        &self.notes.hint
    }

    /// The calling address as WeChat saw it, empty if it did not say.
    pub fn request_ip(&self) -> &str {
        &self.notes.request_ip
    }

    /// What the catalogue says the caller may do next; `None` for a code nobody has described.
    pub fn class(&self) -> Option<Class> {
        errcode::lookup(self.endpoint, self.errcode).map(|e| e.class)
    }

    /// Everything that was tried, in order.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// The attempts as JSON, for logs and support.
    pub fn trace(&self) -> String {
        trace_json(self.endpoint.as_str(), Delivery::Answered, &self.attempts)
    }

    /// The answer as a tree, parsed at the first call. [`Value::Null`] if it cannot be held as one: a
    /// number is too large for any type.
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

/// What every answer begins with.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(default, deserialize_with = "errcode")]
    errcode: Option<i64>,
    #[serde(default, borrow, deserialize_with = "errmsg")]
    errmsg: Cow<'a, str>,
}

impl<'a> Envelope<'a> {
    fn read(text: &'a str) -> Result<Envelope<'a>, String> {
        // serde's own words may repeat the text.
        serde_json::from_str(text).map_err(|e| match e.classify() {
            Category::Eof => format!("JSON that breaks off after {} bytes", text.len()),
            Category::Data => {
                "an errcode that is neither a number nor a numeric string, or is there twice".into()
            }
            _ => format!(
                "something that is not JSON (line {}, column {})",
                e.line(),
                e.column()
            ),
        })
    }
}

/// A number here, a string in WeChat's other endpoints: both are read.
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

/// A text, or anything else as no text: it decides nothing.
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

/// What WeChat appends to an errmsg.
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

/// The run of characters that `belongs`, after the last `label` that begins a word.
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
    fn a_number_no_type_can_hold_does_no_harm_where_nobody_looks() {
        let body = r#"{"errcode":0,"wxopens":{"items":[]},"n":1e999}"#;
        let answer = Response::from_bytes(Endpoint::Get, 200, body.into()).unwrap();
        assert_eq!(*answer.json(), Value::Null);
        assert_eq!(crate::LinkList::read(answer).unwrap().len(), 0);
    }

    #[test]
    fn half_characters_are_replaced() {
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
                whole_characters(text).as_deref().unwrap_or(text),
                whole,
                "{text}"
            );
        }
    }

    #[test]
    fn notes_are_found_in_every_form_seen() {
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
