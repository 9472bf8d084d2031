//! WeChat's answers: judged by `errcode` alone, kept byte for byte, read into types when asked.

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Value, json};

use crate::attempt::{Attempt, Delivery, trace_json};
use crate::catalogue::{self, Class};
use crate::endpoint::Endpoint;
use crate::redact::{self, Secret};

/// How deep an answer may nest. WeChat's list nests four deep.
const MAX_DEPTH: usize = 64;

/// An answer of WeChat's: a verdict and the bytes it came in.
#[derive(Clone)]
pub struct Answer {
    endpoint: Endpoint,
    http_status: u16,
    body: Vec<u8>,
    errcode: i32,
    errmsg: String,
    notes: Notes,
    attempts: Vec<Attempt>,
    tree: OnceLock<Value>,
}

impl Answer {
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
    ) -> Result<Answer, String> {
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
                    let tree = (!endpoint.links()).then(|| parse::<Value>(text)).flatten();
                    let received = tree.as_ref().map(redact::received).unwrap_or_default();
                    clean(errmsg, &received)
                }
            };
            (errcode, errmsg)
        };
        let body = match endpoint.links() || errcode == 0 {
            true => body,
            false => json!({"errcode": errcode, "errmsg": errmsg})
                .to_string()
                .into(),
        };
        Ok(Answer {
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
    pub fn of_bytes(endpoint: Endpoint, http_status: u16, body: Vec<u8>) -> Result<Answer, String> {
        Answer::read(endpoint, http_status, body, &|errmsg, _| errmsg.to_owned())
    }

    pub(crate) fn with_attempts(mut self, attempts: Vec<Attempt>) -> Answer {
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
        catalogue::lookup(self.endpoint, self.errcode).map(|e| e.class)
    }

    /// Everything that was tried, in order.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// The attempts as JSON, for logs and support.
    pub fn trace(&self) -> String {
        trace_json(self.endpoint.word(), Delivery::Answered, &self.attempts)
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

/// Reads JSON that may hold half characters.
pub(crate) fn parse<T: DeserializeOwned>(json: &str) -> Option<T> {
    let parsed = serde_json::from_str(json).ok();
    parsed.or_else(|| serde_json::from_str(&whole_characters(json)?).ok())
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("endpoint", &self.endpoint)
            .field("http_status", &self.http_status)
            .field("errcode", &self.errcode)
            .field("errmsg", &self.errmsg)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

/// The bytes as text: UTF-8 without its mark, and an object as far as can be seen.
fn json_text(body: &[u8]) -> Result<&str, String> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let text =
        simdutf8::basic::from_utf8(body).map_err(|_| "bytes that are not UTF-8".to_owned())?;
    match text.trim_start().as_bytes().first() {
        Some(b'{') => {}
        Some(_) => return Err("something that is not a JSON object".into()),
        None => return Err("an empty body".into()),
    }
    if may_be_deep(body) && depth(body) > MAX_DEPTH {
        return Err(format!("JSON nested deeper than {MAX_DEPTH}"));
    }
    Ok(text)
}

/// Whether the brackets, those in strings too, could nest deeper than `MAX_DEPTH`. Counting them block by
/// block takes a tenth of the time of looking at each.
fn may_be_deep(json: &[u8]) -> bool {
    const CASE: u8 = 0x20; // What `{` and `[` differ in, and `}` and `]`.
    let mut depth = 0;
    json.chunks(64).any(|block| {
        // A sum of bytes, which cannot overflow within a block, is what compilers make fast.
        let count = |bracket| -> u8 { block.iter().map(|b| u8::from(b & !CASE == bracket)).sum() };
        let opened = depth + usize::from(count(b'['));
        depth = opened.saturating_sub(count(b']').into());
        opened > MAX_DEPTH
    })
}

/// How deep the brackets nest, those in strings not counted.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for &byte in json {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Puts U+FFFD for escapes that are half a character: a nickname cut off within an emoji ends so, and
/// no parser takes it, though the rest of the list is in order. `None` if there are none to be seen.
fn whole_characters(text: &str) -> Option<String> {
    if !["\\ud", "\\uD"].iter().any(|half| text.contains(half)) {
        return None;
    }
    let unit = |at: usize| {
        let digits = text.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    let mut whole = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(length) = text[at..].find('\\') {
        let escape = at + length;
        whole += &text[at..escape];
        let (taken, good) = match (unit(escape), unit(escape + 6)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => (12, true),
            (Some(0xD800..=0xDFFF), _) => (6, false),
            // The escaped character too, lest its backslash be taken for an escape's.
            _ => (
                1 + text[escape + 1..].chars().next().map_or(0, char::len_utf8),
                true,
            ),
        };
        whole += if good {
            &text[escape..escape + taken]
        } else {
            "\\ufffd"
        };
        at = escape + taken;
    }
    whole += &text[at..];
    Some(whole)
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
    fn depth_counts_brackets_outside_strings() {
        assert_eq!(depth(br#"{"a":[{"b":"[[[\"[[\\"}]}"#), 3);
        assert_eq!(depth(b"]]]{}"), 1);
    }

    #[test]
    fn only_what_may_be_deep_is_looked_at_closely() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(!may_be_deep(nested(32).as_bytes()) && may_be_deep(nested(65).as_bytes()));
        assert!(!may_be_deep(
            br#"{"items":[{"a":[]}]}"#.repeat(1000).as_slice()
        ));
        assert!(may_be_deep("\"[\",".repeat(65).as_bytes()));
    }

    #[test]
    fn a_number_no_type_can_hold_does_no_harm_where_nobody_looks() {
        let body = r#"{"errcode":0,"wxopens":{"items":[]},"n":1e999}"#;
        let answer = Answer::of_bytes(Endpoint::Get, 200, body.into()).unwrap();
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
