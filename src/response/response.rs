//! [`Response`]: WeChat's response to one request. Its errcode alone decides whether the request
//! succeeded; the body is kept byte for byte.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::net::IpAddr;
use std::num::IntErrorKind::{NegOverflow, PosOverflow};
use std::num::ParseIntError;
use std::sync::OnceLock;

use serde_json::{Value, json};

use super::items::{Items, ListFinder};
use super::json::{describe, json_text};
use super::reader::Reader;
use super::repair::{repair, without_bom};
use super::token_fields;
use crate::model::attempt::{Attempt, trace_json};
use crate::model::delivery::Delivery;
use crate::model::endpoint::Endpoint;
use crate::model::errcode::{self, Class};
use crate::redact::Secret;

/// WeChat's response: its errcode, the notes in its errmsg, and its body.
#[derive(Clone)]
pub struct Response {
    endpoint: Endpoint,
    http_status: u16,
    body: Vec<u8>,
    /// The JSON that is read if the body is almost JSON.
    repaired: Option<String>,
    /// For the list only.
    items: Option<Items>,
    errcode: i32,
    errmsg: Cow<'static, str>,
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
        let strict = Content::read(endpoint, http_status, &body);
        let repaired = match &strict {
            Ok(content) if !content.has_surrogates => None,
            _ => repair(&body),
        };
        let content = match &repaired {
            Some(json) => Content::read(endpoint, http_status, json.as_bytes())?,
            None => strict?,
        };
        let Content { errcode, items, .. } = content;
        let errmsg = match content.errmsg {
            usual if matches!(&*usual, "" | "ok") => usual,
            errmsg => {
                let received = if endpoint.is_linking() {
                    Vec::new()
                } else {
                    token_fields::received_secrets(&body)
                };
                clean(&errmsg, &token_fields::borrowed(&received)).into()
            }
        };
        let (body, repaired) = if endpoint.is_linking() || errcode == 0 {
            (body, repaired)
        } else {
            let known = json!({"errcode": errcode, "errmsg": errmsg});
            (known.to_string().into(), None)
        };
        Ok(Response {
            endpoint,
            http_status,
            body,
            repaired,
            items,
            errcode,
            notes: Notes::read(errcode, &errmsg),
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

    /// The body without what makes it invalid JSON: what cannot be read in a text is replaced by
    /// U+FFFD.
    pub(crate) fn valid_json(&self) -> &[u8] {
        self.repaired.as_ref().map_or(&self.body, String::as_bytes)
    }

    /// Whether the body is almost JSON, and was read with replacements.
    pub(crate) fn is_repaired(&self) -> bool {
        self.repaired.is_some()
    }

    /// The items of the list; `None` if the response contains no list.
    pub(crate) fn items(&self) -> Option<&Items> {
        self.items.as_ref()
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

    /// The address that WeChat received the request from (in the errmsg, after `requestIP` or
    /// `invalid ip`, or anywhere if WeChat refuses the address); empty if it has none.
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

    /// The body as a JSON tree, parsed at the first call. [`Value::Null`] if it is not a list, and
    /// a number in it is too large for a `f64`.
    pub fn json(&self) -> &Value {
        self.tree.get_or_init(|| tree_of(self.valid_json()))
    }
}

/// JSON as a tree; null if it is invalid.
fn tree_of(json: &[u8]) -> Value {
    serde_json::from_slice(without_bom(json)).unwrap_or_default()
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

/// What decides the outcome of a call.
struct Content {
    errcode: i32,
    errmsg: Cow<'static, str>,
    items: Option<Items>,
    /// Whether a text contains surrogates, which may lack their other half.
    has_surrogates: bool,
}

impl Content {
    /// Reads a body that is JSON.
    ///
    /// # Errors
    /// A description of a body that is not JSON, or that decides nothing.
    fn read(endpoint: Endpoint, http_status: u16, body: &[u8]) -> Result<Content, String> {
        let text = json_text(body)?;
        let start = Reader::new(body, body.len() - text.len());
        let mut reader = start;
        let mut envelope = Envelope::default();
        let mut list = (endpoint == Endpoint::Get).then(ListFinder::default);
        let Ok(_) = reader.object(|name, value| -> Result<(), Infallible> {
            match (name, &mut list) {
                (b"errcode", _) => envelope.read_errcode(value),
                (b"errmsg", _) => envelope.read_errmsg(value),
                (_, Some(list)) => list.read_field(name, value),
                (_, None) => value.skip(),
            }
            Ok(())
        });
        reader.finish();
        if let Some(fault) = reader.fault() {
            return Err(describe(fault, text));
        }
        if let Some(fault) = envelope.fault {
            return Err(fault);
        }
        let code = envelope.errcode.flatten();
        let errcode = i32::try_from(code.unwrap_or_default());
        let errcode = errcode.map_err(|_| "an errcode out of range".to_owned())?;
        let is_success = (200..300).contains(&http_status);
        if code.is_none() && !is_success {
            return Err("a JSON object without an errcode".to_owned());
        }
        let must_say = matches!(endpoint, Endpoint::Link | Endpoint::Unlink) && code.is_none();
        if must_say && !says_nothing(start) {
            return Err("neither an errcode nor an empty object".to_owned());
        }
        let items = match list.filter(|_| errcode == 0) {
            Some(list) => Some(list.items(code.is_some(), reader.has_huge_number())?),
            None => None,
        };
        let errmsg = match &*envelope.errmsg.unwrap_or_default() {
            "" => Cow::Borrowed(""),
            "ok" => Cow::Borrowed("ok"),
            other => Cow::Owned(other.to_owned()),
        };
        Ok(Content {
            errcode,
            errmsg,
            items,
            has_surrogates: reader.has_surrogates(),
        })
    }
}

/// Whether an object without an errcode has no other field either, except an errmsg that is empty
/// or "ok". Some of WeChat's successful responses are like that. Everything else may be the error
/// of something that is not WeChat.
fn says_nothing(mut body: Reader<'_>) -> bool {
    let fields = body.object(|key, value| {
        let is_empty = match key {
            b"errcode" => true,
            b"errmsg" => matches!(value.raw(), "null" | "\"\"" | "\"ok\""),
            _ => false,
        };
        if key == b"errcode" {
            value.skip();
        }
        if is_empty { Ok(()) } else { Err(()) }
    });
    fields == Ok(true)
}

/// The fields that a response of any endpoint can have, each `None` until it was read.
#[derive(Default)]
struct Envelope<'a> {
    errcode: Option<Option<i64>>,
    errmsg: Option<Cow<'a, str>>,
    /// Why the response decides nothing.
    fault: Option<String>,
}

impl<'a> Envelope<'a> {
    /// Reads an errcode: an integer, or a text of one, as some of WeChat's endpoints send it. One
    /// of more than 64 bits becomes one that is out of range.
    fn read_errcode(&mut self, value: &mut Reader<'a>) {
        let errcode = match value.peek() {
            b'n' => {
                value.skip();
                Ok(None)
            }
            b'"' => integer(value.text().unwrap_or_default().trim()).map(Some),
            _ => integer(value.raw()).map(Some),
        };
        match errcode {
            Ok(_) if self.errcode.is_some() => self.fail("an errcode that occurs twice"),
            Ok(errcode) => self.errcode = Some(errcode),
            Err(_) => self.fail("an errcode that is not an integer"),
        }
    }

    /// Reads an errmsg. A value of another type counts as an empty text, because nothing depends on
    /// it.
    fn read_errmsg(&mut self, value: &mut Reader<'a>) {
        let errmsg = value.text();
        if errmsg.is_none() {
            value.skip();
        }
        if self.errmsg.replace(errmsg.unwrap_or_default()).is_some() {
            self.fail("an errmsg that occurs twice");
        }
    }

    fn fail(&mut self, why: &str) {
        self.fault.get_or_insert_with(|| why.to_owned());
    }
}

/// Reads an integer; one of more than 64 bits as the largest.
fn integer(text: &str) -> Result<i64, ParseIntError> {
    match text.parse::<i64>() {
        Err(e) if matches!(e.kind(), PosOverflow | NegOverflow) => Ok(i64::MAX),
        read => read,
    }
}

/// The notes that WeChat appends to an errmsg.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Notes {
    rid: String,
    hint: String,
    request_ip: String,
}

impl Notes {
    fn read(errcode: i32, errmsg: &str) -> Notes {
        // Most responses have no note.
        if matches!(errmsg, "" | "ok") {
            return Notes::default();
        }
        let labelled = ["requestIP:", "invalid ip"]
            .iter()
            .find_map(|label| address_after(errmsg, label));
        let request_ip = match labelled {
            // WeChat labels the address in several ways.
            None if errcode::refuses_address(errcode) => first_address(errmsg),
            labelled => labelled,
        };
        Notes {
            rid: after(errmsg, "rid:", |c| c.is_ascii_alphanumeric() || c == '-'),
            hint: after(errmsg, "hint:", |c| c != ']')
                .trim_start_matches('[')
                .to_owned(),
            request_ip: request_ip.unwrap_or_default(),
        }
    }
}

/// The IP address after the last `label` that starts a word.
fn address_after(text: &str, label: &str) -> Option<String> {
    address(&after(text, label, belongs_to_address))
}

/// The first IP address in the text.
fn first_address(text: &str) -> Option<String> {
    // The colon may end a label.
    text.split(|c| !belongs_to_address(c))
        .find_map(|part| address(part).or_else(|| address(part.trim_start_matches(':'))))
}

fn belongs_to_address(c: char) -> bool {
    c.is_ascii_hexdigit() || ".:".contains(c)
}

/// The IP address that a text consists of, apart from the punctuation after it.
fn address(text: &str) -> Option<String> {
    let address = text.trim_end_matches(['.', ':']);
    address
        .parse::<IpAddr>()
        .is_ok()
        .then(|| address.to_owned())
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
    fn a_list_is_a_tree_for_every_json_parser() {
        let read = |number: &str| {
            let body = format!(r#"{{"errcode":0,"wxopens":null,"a":[{{"n":{number}}}]}}"#);
            Response::from_bytes(Endpoint::Get, 200, body.into())
        };
        for number in ["1e999".into(), "-1E+400".into(), "1".repeat(400)] {
            assert_eq!(read(&number).unwrap_err(), "a number that is too large");
        }
        for number in ["1e300".into(), "1e-999".into(), "1".repeat(300)] {
            assert!(read(&number).unwrap().json().is_object());
        }
    }

    #[test]
    fn an_invalid_errcode_is_described_by_what_is_wrong() {
        let read = |body: &str| Response::from_bytes(Endpoint::Link, 200, body.as_bytes().into());
        let not_an_integer = "an errcode that is not an integer";
        let out_of_range = "an errcode out of range";
        let digits = "9".repeat(30);
        let negative = format!("\"-{digits}\"");
        for (errcode, why) in [
            ("\"1e0\"", not_an_integer),
            ("\"0.0\"", not_an_integer),
            ("\"\"", not_an_integer),
            ("1e0", not_an_integer),
            ("0.0", not_an_integer),
            ("true", not_an_integer),
            ("[0]", not_an_integer),
            ("2147483648", out_of_range),
            ("-9223372036854775809", out_of_range),
            (&digits, out_of_range),
            (&negative, out_of_range),
        ] {
            let body = format!(r#"{{"errcode":{errcode},"errmsg":"ok"}}"#);
            assert_eq!(read(&body).unwrap_err(), why, "{body}");
        }
        for field in ["errcode", "errmsg"] {
            let body = format!(r#"{{"errcode":0,"errmsg":"ok","{field}":"0"}}"#);
            let why = format!("an {field} that occurs twice");
            assert_eq!(read(&body).unwrap_err(), why, "{body}");
        }
        assert_eq!(read(r#"{"errcode":" 0 "}"#).unwrap().errcode(), 0);
    }

    #[test]
    fn notes_are_found_in_every_known_form() {
        let read = |errmsg: &str| Notes::read(-1, errmsg);
        let rid = |errmsg: &str| read(errmsg).rid;
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
        let both = read("invalid ip hint: [Feqffa0754ent1] rid: 6-1, requestIP: 14.1.2.3.");
        assert_eq!(both.hint, "Feqffa0754ent1");
        assert_eq!(both.rid, "6-1");
        assert_eq!(both.request_ip, "14.1.2.3");
        let invalid = "invalid ip 9.8.7.6 ipv6 ::ffff:9.8.7.6, not in whitelist";
        assert_eq!(read(invalid).request_ip, "9.8.7.6");
        assert_eq!(read("requestIP: 2001:db8::1.").request_ip, "2001:db8::1");
        assert_eq!(read("invalid ip, requestIP: none").request_ip, "");
        for (errmsg, ip) in [
            (
                "access clientip is not registered, not in ip-white-list rid: 61932a5b-1-2",
                "",
            ),
            (
                "not in ip-white-list, client ip: 14.1.2.3, hint: [a]",
                "14.1.2.3",
            ),
            ("clientip:14.1.2.3 rid: 61932a5b-1-2", "14.1.2.3"),
            ("clientip 2001:db8::1 is not registered", "2001:db8::1"),
        ] {
            assert_eq!(Notes::read(61004, errmsg).request_ip, ip, "{errmsg}");
            assert_eq!(read(errmsg).request_ip, "", "{errmsg}");
        }
        assert_eq!(
            read("hint: [é"),
            Notes {
                hint: "é".into(),
                ..Notes::default()
            }
        );
    }
}
