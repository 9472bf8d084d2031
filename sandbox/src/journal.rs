//! What was asked, and what became of it.

use std::collections::{BTreeMap, VecDeque};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper::{HeaderMap, Method};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::faults::Listener;
use crate::wechat::{Interface, percent_decoded};

/// The most of a body that is kept.
const BODY_KEPT: usize = 64 * 1024;
/// What stands for a secret that is not of this world.
const MASK: &str = "MASKED";

/// A request as it arrived.
pub(crate) struct Received {
    pub(crate) connection: u64,
    pub(crate) listener: Listener,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: bytes::Bytes,
}

/// What a request was answered.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    /// WeChat's code, where the answer has one.
    pub(crate) errcode: Option<i64>,
}

/// The fault that struck a request.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Struck {
    pub(crate) id: u64,
    pub(crate) name: &'static str,
}

/// What became of a request.
#[derive(Clone, Copy, Default)]
pub(crate) struct Outcome {
    pub(crate) processed: bool,
    pub(crate) answered: Option<Answered>,
    pub(crate) fault: Option<Struck>,
}

/// One request in the journal: few, tight pieces of memory, spelt out only when somebody reads it.
struct Entry {
    at_ms: u64,
    connection: u64,
    listener: Listener,
    interface: Interface,
    method: Method,
    path: Box<str>,
    query: Box<str>,
    headers: Headers,
    body: Box<[u8]>,
    body_bytes: usize,
    outcome: Outcome,
}

/// Header lines: name, NUL, value, NUL.
struct Headers(Box<[u8]>);

impl Headers {
    fn of(headers: &HeaderMap) -> Self {
        let length = headers
            .iter()
            .map(|(n, v)| n.as_str().len() + v.len() + 2)
            .sum();
        let mut packed = Vec::with_capacity(length);
        for (name, value) in headers {
            let secret = matches!(
                name.as_str(),
                "authorization" | "proxy-authorization" | "cookie"
            );
            packed.extend_from_slice(name.as_str().as_bytes());
            packed.push(0);
            packed.extend_from_slice(if secret {
                MASK.as_bytes()
            } else {
                value.as_bytes()
            });
            packed.push(0);
        }
        Self(packed.into())
    }
}

impl Serialize for Headers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut joined: BTreeMap<String, String> = BTreeMap::new();
        let mut pieces = self.0.split(|byte| *byte == 0);
        while let (Some(name), Some(value)) = (pieces.next(), pieces.next()) {
            let value = String::from_utf8_lossy(value);
            joined
                .entry(String::from_utf8_lossy(name).into_owned())
                .and_modify(|values| {
                    values.push_str(", ");
                    values.push_str(&value);
                })
                .or_insert_with(|| value.to_string());
        }
        serializer.collect_map(joined)
    }
}

/// An entry with its number, as it is shown.
struct Numbered<'a>(u64, &'a Entry);

impl Serialize for Numbered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(seq, entry) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("seq", seq)?;
        map.serialize_entry("at_ms", &entry.at_ms)?;
        map.serialize_entry("connection", &entry.connection)?;
        map.serialize_entry("listener", &entry.listener)?;
        map.serialize_entry("interface", &entry.interface)?;
        map.serialize_entry("method", entry.method.as_str())?;
        map.serialize_entry("path", &entry.path)?;
        map.serialize_entry("query", &entry.query)?;
        map.serialize_entry("headers", &entry.headers)?;
        match std::str::from_utf8(&entry.body) {
            Ok(text) => map.serialize_entry("body", text)?,
            Err(_) => map.serialize_entry("body_base64", &BASE64.encode(&entry.body))?,
        }
        map.serialize_entry("body_bytes", &entry.body_bytes)?;
        map.serialize_entry("processed", &entry.outcome.processed)?;
        map.serialize_entry("answered", &entry.outcome.answered)?;
        map.serialize_entry("fault", &entry.outcome.fault)?;
        map.end()
    }
}

/// How many requests arrived and how many took effect, by interface.
#[derive(Clone, Copy, Default, Serialize)]
pub(crate) struct PerInterface {
    link: u64,
    get: u64,
    unlink: u64,
    component_token: u64,
    authorizer_token: u64,
    authorizer_list: u64,
    other: u64,
}

impl PerInterface {
    fn count(&mut self, interface: Interface) {
        *match interface {
            Interface::Link => &mut self.link,
            Interface::Get => &mut self.get,
            Interface::Unlink => &mut self.unlink,
            Interface::ComponentToken => &mut self.component_token,
            Interface::AuthorizerToken => &mut self.authorizer_token,
            Interface::AuthorizerList => &mut self.authorizer_list,
            Interface::Other => &mut self.other,
        } += 1;
    }
}

/// The latest requests, and counts of all of them.
pub(crate) struct Journal {
    entries: VecDeque<Entry>,
    capacity: usize,
    /// The number of the next request; the first is 1.
    next: u64,
    dropped: u64,
    pub(crate) received: PerInterface,
    pub(crate) processed: PerInterface,
}

/// How the journal is shown.
#[derive(Serialize)]
pub(crate) struct Shown<'a> {
    entries: Vec<Numbered<'a>>,
    dropped: u64,
}

impl Journal {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            capacity,
            next: 1,
            dropped: 0,
            received: PerInterface::default(),
            processed: PerInterface::default(),
        }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Enters a request. `known` tells the tokens of this world from real ones.
    pub(crate) fn enter(
        &mut self,
        received: &Received,
        interface: Interface,
        at_ms: u64,
        outcome: Outcome,
        known: &dyn Fn(&str) -> bool,
    ) -> u64 {
        let seq = self.next;
        self.next += 1;
        self.received.count(interface);
        if outcome.processed {
            self.processed.count(interface);
        }
        if self.capacity == 0 {
            self.dropped += 1;
            return seq;
        }
        if self.entries.len() >= self.capacity {
            self.entries.pop_front();
            self.dropped += 1;
        }
        self.entries.push_back(Entry {
            at_ms,
            connection: received.connection,
            listener: received.listener,
            interface,
            method: received.method.clone(),
            path: received.path.as_str().into(),
            query: masked_query(&received.query, known).into(),
            headers: Headers::of(&received.headers),
            body: masked_body(&received.body, interface, known),
            body_bytes: received.body.len(),
            outcome,
        });
        seq
    }

    /// Completes the entry of a request that took effect later.
    pub(crate) fn complete(&mut self, seq: u64, interface: Interface, answered: Answered) {
        self.processed.count(interface);
        let first = self.next - self.entries.len() as u64;
        let entry = seq
            .checked_sub(first)
            .and_then(|index| self.entries.get_mut(usize::try_from(index).ok()?));
        if let Some(entry) = entry {
            entry.outcome.processed = true;
            entry.outcome.answered = Some(answered);
        }
    }

    /// The entries with numbers above `after`.
    pub(crate) fn shown(&self, after: u64) -> Shown<'_> {
        let first = self.next - self.entries.len() as u64;
        let skip = usize::try_from((after + 1).saturating_sub(first)).unwrap_or(usize::MAX);
        let entries = (first..)
            .zip(&self.entries)
            .skip(skip)
            .map(|(seq, entry)| Numbered(seq, entry))
            .collect();
        Shown {
            entries,
            dropped: self.dropped,
        }
    }

    /// Forgets all entries and counts; numbering goes on. Says how many entries there were.
    pub(crate) fn clear(&mut self) -> usize {
        let count = self.entries.len();
        let next = self.next;
        *self = Self {
            next,
            ..Self::new(self.capacity)
        };
        count
    }
}

/// Whether what a parameter or a field of this name holds must not be kept: access tokens of this
/// world are known to everybody, secrets, tickets and refresh tokens are masked whatever they are.
fn is_secret(name: &str, value: Option<&str>, known: &dyn Fn(&str) -> bool) -> bool {
    if ["secret", "ticket", "refresh_token"]
        .iter()
        .any(|end| name.ends_with(end))
    {
        return true;
    }
    name.ends_with("token") && !value.is_some_and(known)
}

fn masked_query(query: &str, known: &dyn Fn(&str) -> bool) -> String {
    let mut masked = String::with_capacity(query.len());
    for (index, pair) in query.split('&').enumerate() {
        if index > 0 {
            masked.push('&');
        }
        match pair.split_once('=') {
            Some((name, value))
                if !value.is_empty()
                    && is_secret(&percent_decoded(name), Some(&percent_decoded(value)), known) =>
            {
                masked.push_str(name);
                masked.push('=');
                masked.push_str(MASK);
            }
            _ => masked.push_str(pair),
        }
    }
    masked
}

/// The body as it may be kept: cut to a sensible length, without secrets.
fn masked_body(body: &[u8], interface: Interface, known: &dyn Fn(&str) -> bool) -> Box<[u8]> {
    let kept = &body[..body.len().min(BODY_KEPT)];
    let suspicious = interface.is_component()
        || ["token", "secret", "ticket"]
            .iter()
            .any(|word| contains(kept, word.as_bytes()));
    if kept.is_empty() || !suspicious {
        return kept.into();
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(mut value) => {
            // What is kept as it came could hold a field twice, the first of them unseen.
            if mask(&mut value, known) || interface.is_component() {
                let mut masked = serde_json::to_vec(&value).unwrap_or_default();
                masked.truncate(BODY_KEPT);
                masked.into()
            } else {
                kept.into()
            }
        }
        Err(_) => MASK.as_bytes().into(),
    }
}

/// Masks secrets in place; says whether there were any.
fn mask(value: &mut Value, known: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::Array(values) => values
            .iter_mut()
            .fold(false, |any, value| mask(value, known) | any),
        Value::Object(fields) => fields.iter_mut().fold(false, |any, (name, value)| {
            let secret = is_secret(name, value.as_str(), known);
            if secret {
                *value = Value::from(MASK);
            }
            secret | mask(value, known) | any
        }),
        _ => false,
    }
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(text: &str) -> bool {
        text == "T+1"
    }

    fn received(query: &str, body: &[u8]) -> Received {
        let mut headers = HeaderMap::new();
        headers.append("x-a", "1".parse().unwrap());
        headers.append("x-a", "2".parse().unwrap());
        headers.append("cookie", "session".parse().unwrap());
        Received {
            connection: 4,
            listener: Listener::Https,
            method: Method::POST,
            path: "/cgi-bin/wxopen/wxamplink".to_owned(),
            query: query.to_owned(),
            headers,
            body: bytes::Bytes::copy_from_slice(body),
        }
    }

    fn shown(journal: &Journal, after: u64) -> Value {
        serde_json::to_value(journal.shown(after)).unwrap()
    }

    #[test]
    fn tokens_of_another_world_are_masked() {
        for (query, expected) in [
            ("access_token=T%2B1&x=1", "access_token=T%2B1&x=1"),
            ("x&access_token=real", "x&access_token=MASKED"),
            (
                "component_access_token=real&access_token=",
                "component_access_token=MASKED&access_token=",
            ),
            ("access%5ftoken=real", "access%5ftoken=MASKED"),
            ("ticket=T%2B1", "ticket=MASKED"),
            ("", ""),
        ] {
            assert_eq!(masked_query(query, &known), expected);
        }
        for (body, expected) in [
            (r#"{"appid":"wx"}"#, r#"{"appid":"wx"}"#),
            (r#"{ "access_token":"T+1"}"#, r#"{ "access_token":"T+1"}"#),
            (
                r#"{"a":[{"refresh_token":"x"}]}"#,
                r#"{"a":[{"refresh_token":"MASKED"}]}"#,
            ),
            (
                r#"{"component_appsecret":["x"]}"#,
                r#"{"component_appsecret":"MASKED"}"#,
            ),
            (
                r#"{"authorizer_refresh_token":"T+1"}"#,
                r#"{"authorizer_refresh_token":"MASKED"}"#,
            ),
            ("token=abc", "MASKED"),
        ] {
            let masked = masked_body(body.as_bytes(), Interface::Link, &known);
            assert_eq!(&*masked, expected.as_bytes());
        }
        // Where secrets are sent as a rule, nothing is kept that is not understood.
        for (body, expected) in [
            (&b"component_appsecre\xff"[..], "MASKED"),
            (b"\"s\"", r#""s""#),
            (br#"{"tic\u006bet":"s"}"#, r#"{"ticket":"MASKED"}"#),
            (br#"{"ticket":"s","ticket":1}"#, r#"{"ticket":"MASKED"}"#),
            (b"", ""),
        ] {
            let masked = masked_body(body, Interface::ComponentToken, &known);
            assert_eq!(&*masked, expected.as_bytes());
        }
    }

    #[test]
    fn entries_show_what_arrived() {
        let mut journal = Journal::new(10);
        let seq = journal.enter(
            &received("access_token=T%2B1", b"{}"),
            Interface::Link,
            7,
            Outcome::default(),
            &known,
        );
        let answered = Answered {
            status: 200,
            errcode: Some(0),
        };
        journal.complete(seq, Interface::Link, answered);
        let entry = &shown(&journal, 0)["entries"][0];
        assert_eq!(
            entry,
            &serde_json::json!({
                "seq": 1, "at_ms": 7, "connection": 4, "listener": "https", "interface": "link",
                "method": "POST", "path": "/cgi-bin/wxopen/wxamplink", "query": "access_token=T%2B1",
                "headers": {"x-a": "1, 2", "cookie": "MASKED"}, "body": "{}", "body_bytes": 2,
                "processed": true, "answered": {"status": 200, "errcode": 0}, "fault": null,
            })
        );
    }

    #[test]
    fn bodies_that_are_no_text_come_as_base64_and_long_ones_are_cut() {
        let mut journal = Journal::new(10);
        for body in [vec![0xff, 0xfe], vec![b'x'; BODY_KEPT + 5]] {
            let outcome = Outcome::default();
            journal.enter(&received("", &body), Interface::Get, 0, outcome, &known);
        }
        let shown = shown(&journal, 0);
        assert_eq!(shown["entries"][0]["body_base64"], "//4=");
        assert!(shown["entries"][0].get("body").is_none());
        assert_eq!(
            shown["entries"][1]["body"].as_str().unwrap().len(),
            BODY_KEPT
        );
        assert_eq!(shown["entries"][1]["body_bytes"], BODY_KEPT + 5);
    }

    #[test]
    fn the_oldest_go_first_and_are_counted() {
        let mut journal = Journal::new(2);
        for _ in 0..5 {
            let outcome = Outcome::default();
            journal.enter(&received("", b""), Interface::Other, 0, outcome, &known);
        }
        let all = shown(&journal, 0);
        assert_eq!(all["dropped"], 3);
        assert_eq!(all["entries"][0]["seq"], 4);
        assert_eq!(shown(&journal, 4)["entries"][0]["seq"], 5);
        assert_eq!(shown(&journal, 99)["entries"], serde_json::json!([]));
        assert_eq!(journal.received.other, 5);
        // Completing what has been dropped is no harm.
        let answered = Answered {
            status: 200,
            errcode: None,
        };
        journal.complete(1, Interface::Other, answered);
        assert_eq!(journal.clear(), 2);
        assert_eq!(journal.received.other, 0);
        let mut none = Journal::new(0);
        none.enter(
            &received("", b""),
            Interface::Get,
            0,
            Outcome::default(),
            &known,
        );
        assert_eq!(
            shown(&none, 0),
            serde_json::json!({"entries": [], "dropped": 1})
        );
    }
}
