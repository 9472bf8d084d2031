//! What was asked, and what became of it.

use std::collections::{BTreeMap, VecDeque};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper::{HeaderMap, Method};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::faults::Listener;
use crate::redaction::Redaction;
use crate::secrets::Secrets;
use crate::wechat::Endpoint;

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

/// One request in the journal, without the secrets that were known when it arrived: few, tight pieces
/// of memory, spelt out only when somebody reads it.
struct Entry {
    /// [`Secrets::version`] when it was entered.
    secrets: u64,
    at_ms: u64,
    connection: u64,
    listener: Listener,
    endpoint: Endpoint,
    method: Box<str>,
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
    fn of(headers: &HeaderMap, redaction: Redaction) -> Self {
        let mut packed = Vec::new();
        for (name, value) in headers {
            packed.extend(redaction.text(name.as_str()).bytes());
            packed.push(0);
            packed.extend(redaction.header(name.as_str(), value.as_bytes()));
            packed.push(0);
        }
        Self(packed.into())
    }

    /// Name and values, several of the same name joined.
    fn joined(&self, text: impl Fn(&[u8]) -> String) -> BTreeMap<String, String> {
        let mut joined: BTreeMap<String, String> = BTreeMap::new();
        let mut pieces = self.0.split(|byte| *byte == 0);
        while let (Some(name), Some(value)) = (pieces.next(), pieces.next()) {
            let value = text(value);
            joined
                .entry(text(name))
                .and_modify(|values| {
                    values.push_str(", ");
                    values.push_str(&value);
                })
                .or_insert(value);
        }
        joined
    }
}

/// An entry with its number, as it is shown.
struct Numbered<'a> {
    seq: u64,
    entry: &'a Entry,
    secrets: &'a Secrets,
}

impl Numbered<'_> {
    /// Without the secrets that have become known since the request arrived.
    fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        if self.entry.secrets == self.secrets.version() {
            bytes.to_vec()
        } else {
            self.secrets.mask_bytes(bytes)
        }
    }

    fn text(&self, bytes: &[u8]) -> String {
        String::from_utf8_lossy(&self.bytes(bytes)).into_owned()
    }

    fn query(&self) -> String {
        if self.entry.secrets == self.secrets.version() {
            return self.entry.query.to_string();
        }
        // The access tokens that were left in it are those that may be shown.
        Redaction {
            secrets: self.secrets,
            is_account_token: &|_| true,
            endpoint: self.entry.endpoint,
        }
        .query(&self.entry.query)
    }
}

impl Serialize for Numbered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entry = self.entry;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("seq", &self.seq)?;
        map.serialize_entry("at_ms", &entry.at_ms)?;
        map.serialize_entry("connection", &entry.connection)?;
        map.serialize_entry("listener", &entry.listener)?;
        map.serialize_entry("endpoint", &entry.endpoint)?;
        map.serialize_entry("method", &self.text(entry.method.as_bytes()))?;
        map.serialize_entry("path", &self.text(entry.path.as_bytes()))?;
        map.serialize_entry("query", &self.query())?;
        map.serialize_entry("headers", &entry.headers.joined(|bytes| self.text(bytes)))?;
        match String::from_utf8(self.bytes(&entry.body)) {
            Ok(text) => map.serialize_entry("body", &text)?,
            Err(error) => map.serialize_entry("body_base64", &BASE64.encode(error.as_bytes()))?,
        }
        map.serialize_entry("body_bytes", &entry.body_bytes)?;
        map.serialize_entry("processed", &entry.outcome.processed)?;
        map.serialize_entry("answered", &entry.outcome.answered)?;
        map.serialize_entry("fault", &entry.outcome.fault)?;
        map.end()
    }
}

/// How many requests arrived and how many took effect, by endpoint.
#[derive(Clone, Copy, Default, Serialize)]
pub(crate) struct PerEndpoint {
    link: u64,
    get: u64,
    unlink: u64,
    component_token: u64,
    authorizer_token: u64,
    authorizer_list: u64,
    other: u64,
}

impl PerEndpoint {
    fn count(&mut self, endpoint: Endpoint) {
        *match endpoint {
            Endpoint::Link => &mut self.link,
            Endpoint::Get => &mut self.get,
            Endpoint::Unlink => &mut self.unlink,
            Endpoint::ComponentToken => &mut self.component_token,
            Endpoint::AuthorizerToken => &mut self.authorizer_token,
            Endpoint::AuthorizerList => &mut self.authorizer_list,
            Endpoint::Other => &mut self.other,
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
    pub(crate) received: PerEndpoint,
    pub(crate) processed: PerEndpoint,
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
            received: PerEndpoint::default(),
            processed: PerEndpoint::default(),
        }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Enters a request and returns its number.
    pub(crate) fn enter(
        &mut self,
        received: &Received,
        at_ms: u64,
        outcome: Outcome,
        redaction: Redaction,
    ) -> u64 {
        let endpoint = redaction.endpoint;
        let seq = self.next;
        self.next += 1;
        self.received.count(endpoint);
        if outcome.processed {
            self.processed.count(endpoint);
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
            secrets: redaction.secrets.version(),
            at_ms,
            connection: received.connection,
            listener: received.listener,
            endpoint,
            method: redaction.text(received.method.as_str()).into(),
            path: redaction.text(&received.path).into(),
            query: redaction.query(&received.query).into(),
            headers: Headers::of(&received.headers, redaction),
            body: redaction.body(&received.body, &received.headers),
            body_bytes: received.body.len(),
            outcome,
        });
        seq
    }

    /// Completes the entry of a request that took effect later.
    pub(crate) fn complete(&mut self, seq: u64, endpoint: Endpoint, answered: Answered) {
        self.processed.count(endpoint);
        let first = self.next - self.entries.len() as u64;
        let entry = seq
            .checked_sub(first)
            .and_then(|index| self.entries.get_mut(usize::try_from(index).ok()?));
        if let Some(entry) = entry {
            entry.outcome.processed = true;
            entry.outcome.answered = Some(answered);
        }
    }

    /// The entries with numbers above `after`, without these secrets.
    pub(crate) fn shown<'a>(&'a self, after: u64, secrets: &'a Secrets) -> Shown<'a> {
        let first = self.next - self.entries.len() as u64;
        let skip = usize::try_from((after + 1).saturating_sub(first)).unwrap_or(usize::MAX);
        let entries = (first..)
            .zip(&self.entries)
            .skip(skip)
            .map(|(seq, entry)| Numbered {
                seq,
                entry,
                secrets,
            })
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

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::redaction::BODY_KEPT;
    use crate::world::{Token, World};

    /// A world with the access token `T+1`.
    fn secrets() -> Secrets {
        let tokens = [("T+1".to_owned(), Token::default())];
        Secrets::of(&World {
            tokens: tokens.into(),
            ..World::default()
        })
    }

    fn redaction(secrets: &Secrets, endpoint: Endpoint) -> Redaction<'_> {
        Redaction {
            secrets,
            is_account_token: &|text| text == "T+1",
            endpoint,
        }
    }

    fn enter(journal: &mut Journal, received: &Received, endpoint: Endpoint) -> u64 {
        let secrets = secrets();
        let redaction = redaction(&secrets, endpoint);
        journal.enter(received, 7, Outcome::default(), redaction)
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
        serde_json::to_value(journal.shown(after, &secrets())).unwrap()
    }

    #[test]
    fn entries_show_what_arrived() {
        let mut journal = Journal::new(10);
        let received = received("access_token=T%2B1", b"{}");
        let seq = enter(&mut journal, &received, Endpoint::Link);
        let answered = Answered {
            status: 200,
            errcode: Some(0),
        };
        journal.complete(seq, Endpoint::Link, answered);
        let entry = &shown(&journal, 0)["entries"][0];
        assert_eq!(
            entry,
            &serde_json::json!({
                "seq": 1, "at_ms": 7, "connection": 4, "listener": "https", "endpoint": "link",
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
            enter(&mut journal, &received("", &body), Endpoint::Get);
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
            enter(&mut journal, &received("", b""), Endpoint::Other);
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
        journal.complete(1, Endpoint::Other, answered);
        assert_eq!(journal.clear(), 2);
        assert_eq!(journal.received.other, 0);
        let mut none = Journal::new(0);
        enter(&mut none, &received("", b""), Endpoint::Get);
        assert_eq!(
            shown(&none, 0),
            serde_json::json!({"entries": [], "dropped": 1})
        );
    }
}
