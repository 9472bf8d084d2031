//! WeChat's answers: judged by `errcode` alone, kept byte for byte, read into types when asked.

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::error::Category;

use crate::attempt::{Attempt, Delivery, trace_json};
use crate::catalogue::{self, Class};
use crate::interface::Interface;

/// How deep an answer may nest. WeChat's list nests four deep.
const MAX_DEPTH: usize = 64;

/// An answer of WeChat's: a verdict and the bytes it came in.
#[derive(Clone)]
pub struct Answer {
    interface: Interface,
    http_status: u16,
    body: Vec<u8>,
    errcode: i32,
    errmsg: String,
    notes: Notes,
    attempts: Vec<Attempt>,
    tree: OnceLock<Value>,
}

impl Answer {
    /// Reads the verdict, or says in one clause why there is none. `token` is taken out of the
    /// errmsg, should the other side repeat it.
    pub(crate) fn read(
        interface: Interface,
        http_status: u16,
        body: Vec<u8>,
        token: &str,
    ) -> Result<Answer, String> {
        let (errcode, errmsg) = {
            let text = json_text(&body)?;
            let envelope = Envelope::read(&text)?;
            let errcode = match envelope.errcode {
                Some(code) => {
                    i32::try_from(code).map_err(|_| "an errcode out of range".to_owned())?
                }
                // Some of WeChat's successes have no errcode; an error page in JSON has none either.
                None if (200..300).contains(&http_status) => 0,
                None => return Err(format!("HTTP {http_status} without an errcode")),
            };
            (errcode, envelope.errmsg.replace(token, "[access_token]"))
        };
        Ok(Answer {
            interface,
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
    pub fn of_bytes(
        interface: Interface,
        http_status: u16,
        body: Vec<u8>,
    ) -> Result<Answer, String> {
        Answer::read(interface, http_status, body, "an access token")
    }

    pub(crate) fn with_attempts(mut self, attempts: Vec<Attempt>) -> Answer {
        self.attempts = attempts;
        self
    }

    /// The interface that answered.
    pub fn interface(&self) -> Interface {
        self.interface
    }

    /// The answer's HTTP status. WeChat's errors come with 200 too: decide by the errcode.
    pub fn http_status(&self) -> u16 {
        self.http_status
    }

    /// The answer as it came, byte for byte.
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
        catalogue::lookup(self.interface, self.errcode).map(|e| e.class)
    }

    /// Everything that was tried, in order.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// The attempts as JSON, for logs and support.
    pub fn trace(&self) -> String {
        trace_json(self.interface.word(), Delivery::Answered, &self.attempts)
    }

    /// The answer as a tree, parsed at the first call. [`Value::Null`] if it cannot be held as one: a
    /// number is too large for any type.
    pub fn json(&self) -> &Value {
        self.tree.get_or_init(|| {
            let text = json_text(&self.body).unwrap_or_default();
            serde_json::from_str(&text).unwrap_or_default()
        })
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("interface", &self.interface)
            .field("http_status", &self.http_status)
            .field("errcode", &self.errcode)
            .field("errmsg", &self.errmsg)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

/// The bytes as text fit for parsing: UTF-8 without its mark, an object, and not too deep; half
/// characters are replaced.
fn json_text(body: &[u8]) -> Result<Cow<'_, str>, String> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let text = std::str::from_utf8(body).map_err(|_| "bytes that are not UTF-8".to_owned())?;
    match text.trim_start().as_bytes().first() {
        Some(b'{') => {}
        Some(_) => return Err("something that is not a JSON object".into()),
        None => return Err("an empty body".into()),
    }
    if depth(body) > MAX_DEPTH {
        return Err(format!("JSON nested deeper than {MAX_DEPTH}"));
    }
    Ok(whole_characters(text))
}

/// Puts U+FFFD for escapes that are half a character: a nickname cut off within an emoji ends so, and
/// no parser takes it, though the rest of the list is in order.
fn whole_characters(text: &str) -> Cow<'_, str> {
    if !["\\ud", "\\uD"].iter().any(|half| text.contains(half)) {
        return Cow::Borrowed(text);
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
    Cow::Owned(whole)
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

/// A number here, a string in WeChat's other interfaces: both are read.
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
            assert_eq!(whole_characters(text), whole, "{text}");
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
