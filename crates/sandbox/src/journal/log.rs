//! The journal: the latest requests, and counts of all of them.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::str::FromStr;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper::HeaderMap;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::faults::plan::ResponseSummary;
use crate::faults::rule::Listener;
use crate::journal::record::{Effect, Outcome, ReceivedRequest};
use crate::journal::redaction::Redaction;
use crate::model::endpoint::Endpoint;
use crate::model::secrets::Secrets;

/// The longest body that an event of the journal has. `GET journal/{seq}` has all of it.
const MAX_EVENT_BODY_BYTES: usize = 1024;

/// A recorded request, without the secrets that were known when it arrived.
struct Entry {
    /// [`Secrets::version`] when it was recorded.
    secrets_version: u64,
    at_ms: u64,
    connection: u64,
    listener: Listener,
    endpoint: Endpoint,
    /// The account whose token was used.
    account: Option<String>,
    method: String,
    path: String,
    query: String,
    headers: Vec<Header>,
    /// The body, truncated.
    body: Box<[u8]>,
    /// The length of the whole body.
    body_bytes: usize,
    outcome: Outcome,
}

/// A header of a request.
struct Header {
    name: String,
    value: String,
}

/// An entry as `GET journal` shows it.
pub(crate) struct EntryView<'a> {
    seq: u64,
    entry: &'a Entry,
    secrets: &'a Secrets,
    /// Whether it is for an event, which has no headers and no long body.
    is_event: bool,
}

impl EntryView<'_> {
    /// Whether no secrets have become known since the request was recorded.
    fn is_up_to_date(&self) -> bool {
        self.entry.secrets_version == self.secrets.version()
    }

    fn body(&self) -> Vec<u8> {
        if self.is_up_to_date() {
            self.entry.body.to_vec()
        } else {
            self.secrets.mask_bytes(&self.entry.body)
        }
    }

    fn text(&self, text: &str) -> String {
        if self.is_up_to_date() {
            text.to_owned()
        } else {
            self.secrets.mask_values(text)
        }
    }

    /// Names and values. The values of several headers of the same name are joined.
    fn headers(&self) -> BTreeMap<String, String> {
        let mut joined: BTreeMap<String, String> = BTreeMap::new();
        for header in &self.entry.headers {
            let value = self.text(&header.value);
            joined
                .entry(self.text(&header.name))
                .and_modify(|values| {
                    values.push_str(", ");
                    values.push_str(&value);
                })
                .or_insert(value);
        }
        joined
    }

    fn query(&self) -> String {
        if self.is_up_to_date() {
            return self.entry.query.clone();
        }
        // The access tokens that were left in the query when it was recorded may be shown.
        Redaction {
            secrets: self.secrets,
            is_account_token: &|_| true,
            endpoint: self.entry.endpoint,
        }
        .query(&self.entry.query)
    }
}

impl Serialize for EntryView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entry = self.entry;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("seq", &self.seq)?;
        map.serialize_entry("at_ms", &entry.at_ms)?;
        map.serialize_entry("connection", &entry.connection)?;
        map.serialize_entry("listener", &entry.listener)?;
        map.serialize_entry("endpoint", &entry.endpoint)?;
        map.serialize_entry("account", &entry.account)?;
        map.serialize_entry("method", &self.text(&entry.method))?;
        map.serialize_entry("path", &self.text(&entry.path))?;
        map.serialize_entry("query", &self.query())?;
        if !self.is_event {
            map.serialize_entry("headers", &self.headers())?;
        }
        if !self.is_event || entry.body.len() <= MAX_EVENT_BODY_BYTES {
            match String::from_utf8(self.body()) {
                Ok(text) => map.serialize_entry("body", &text)?,
                Err(error) => {
                    map.serialize_entry("body_base64", &BASE64.encode(error.as_bytes()))?;
                }
            }
        }
        map.serialize_entry("body_bytes", &entry.body_bytes)?;
        map.serialize_entry("processed", &entry.outcome.effect.is_some())?;
        map.serialize_entry("effect", &entry.outcome.effect)?;
        map.serialize_entry("answered", &entry.outcome.response)?;
        map.serialize_entry("latency_us", &entry.outcome.latency_us)?;
        map.serialize_entry("fault", &entry.outcome.fault)?;
        map.end()
    }
}

/// A number of requests for each endpoint.
#[derive(Clone, Copy, Default, Serialize)]
pub(crate) struct EndpointCounts {
    link: u64,
    get: u64,
    unlink: u64,
    component_token: u64,
    authorizer_token: u64,
    authorizer_list: u64,
    start_push_ticket: u64,
    pre_auth_code: u64,
    query_auth: u64,
    authorizer_info: u64,
    rid: u64,
    other: u64,
}

impl EndpointCounts {
    fn count(&mut self, endpoint: Endpoint) {
        *match endpoint {
            Endpoint::Link => &mut self.link,
            Endpoint::Get => &mut self.get,
            Endpoint::Unlink => &mut self.unlink,
            Endpoint::ComponentToken => &mut self.component_token,
            Endpoint::AuthorizerToken => &mut self.authorizer_token,
            Endpoint::AuthorizerList => &mut self.authorizer_list,
            Endpoint::StartPushTicket => &mut self.start_push_ticket,
            Endpoint::PreAuthCode => &mut self.pre_auth_code,
            Endpoint::QueryAuth => &mut self.query_auth,
            Endpoint::AuthorizerInfo => &mut self.authorizer_info,
            Endpoint::Rid => &mut self.rid,
            Endpoint::Other => &mut self.other,
        } += 1;
    }
}

/// A place in the sequence of changes of a journal. Its text is the id of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ChangeId {
    epoch: u64,
    number: u64,
}

impl fmt::Display for ChangeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.epoch, self.number)
    }
}

impl FromStr for ChangeId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (epoch, number) = text.split_once('-').ok_or(())?;
        Ok(Self {
            epoch: epoch.parse().map_err(drop)?,
            number: number.parse().map_err(drop)?,
        })
    }
}

/// The latest requests, and the counts of all.
pub(crate) struct Journal {
    entries: VecDeque<Entry>,
    capacity: usize,
    /// When the numbers started at 1.
    started: Instant,
    /// Differs whenever the entries are removed, and from run to run of the program.
    epoch: u64,
    /// The numbers of the entries that were added or completed, in this order. It starts with one
    /// that is still there, and so is bounded by the capacity: every entry changes at most three
    /// times.
    changes: VecDeque<u64>,
    /// The number of the next change; the first one is 1.
    next_change: u64,
    /// The number of the next request; the first one is 1.
    next: u64,
    /// How many entries were removed to make room.
    dropped: u64,
    /// How many requests arrived.
    pub(crate) received: EndpointCounts,
    /// How many requests took effect.
    pub(crate) processed: EndpointCounts,
}

/// The journal as `GET journal` shows it.
#[derive(Serialize)]
pub(crate) struct JournalView<'a> {
    entries: Vec<EntryView<'a>>,
    dropped: u64,
}

impl Journal {
    /// `epoch` is one that no earlier run of the program has used.
    pub(crate) fn new(capacity: usize, epoch: u64) -> Self {
        Self {
            entries: VecDeque::new(),
            capacity,
            started: Instant::now(),
            epoch,
            changes: VecDeque::new(),
            next_change: 1,
            next: 1,
            dropped: 0,
            received: EndpointCounts::default(),
            processed: EndpointCounts::default(),
        }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Records a request. Returns its number.
    pub(crate) fn record(
        &mut self,
        request: &ReceivedRequest,
        account: Option<String>,
        at_ms: u64,
        outcome: Outcome,
        redaction: Redaction,
    ) -> u64 {
        let endpoint = redaction.endpoint;
        let seq = self.next;
        self.next += 1;
        self.received.count(endpoint);
        if outcome.effect.is_some() {
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
            secrets_version: redaction.secrets.version(),
            at_ms,
            connection: request.connection,
            listener: request.listener,
            endpoint,
            account,
            method: redaction.text(request.method.as_str()),
            path: redaction.text(&request.path),
            query: redaction.query(&request.query),
            headers: headers(&request.headers, redaction),
            body: redaction.body(&request.body, &request.headers),
            body_bytes: request.body.len(),
            outcome,
        });
        self.record_change(seq);
        let first = self.first();
        while self.changes.front().is_some_and(|seq| *seq < first) {
            self.changes.pop_front();
        }
        seq
    }

    /// The number of the first entry; of an empty journal, that of the next entry.
    fn first(&self) -> u64 {
        self.next - self.entries.len() as u64
    }

    fn record_change(&mut self, seq: u64) {
        self.changes.push_back(seq);
        self.next_change += 1;
    }

    fn index(&self, seq: u64) -> Option<usize> {
        let index = usize::try_from(seq.checked_sub(self.first())?).ok()?;
        (index < self.entries.len()).then_some(index)
    }

    /// Records that a request took effect later, and the response if the caller gets it.
    pub(crate) fn complete(
        &mut self,
        seq: u64,
        endpoint: Endpoint,
        effect: Effect,
        response: Option<ResponseSummary>,
    ) {
        self.processed.count(endpoint);
        if let Some(index) = self.index(seq) {
            let outcome = &mut self.entries[index].outcome;
            outcome.effect = Some(effect);
            outcome.response = response.or(outcome.response);
            self.record_change(seq);
        }
    }

    /// Records how long a response took that was not sent immediately.
    pub(crate) fn set_latency(&mut self, request: &ReceivedRequest, seq: u64) {
        // The number of a request from before a reset is that of another one now.
        let is_own = request.arrived >= self.started;
        if let Some(index) = self.index(seq).filter(|_| is_own) {
            self.entries[index].outcome.latency_us = Some(request.age_us());
            self.record_change(seq);
        }
    }

    /// One entry.
    pub(crate) fn entry<'a>(&'a self, seq: u64, secrets: &'a Secrets) -> Option<EntryView<'a>> {
        Some(EntryView {
            seq,
            entry: &self.entries[self.index(seq)?],
            secrets,
            is_event: false,
        })
    }

    /// How many entries were removed to make room.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The place before all changes that are kept.
    pub(crate) fn start(&self) -> ChangeId {
        ChangeId {
            epoch: self.epoch,
            number: self.next_change - 1 - self.changes.len() as u64,
        }
    }

    /// How many changes after this place are no longer kept. `None`: the place is not one of this
    /// journal, or the entries were removed since then.
    pub(crate) fn missed_after(&self, place: ChangeId) -> Option<u64> {
        let is_own = place.epoch == self.epoch && place.number < self.next_change;
        is_own.then(|| self.start().number.saturating_sub(place.number))
    }

    /// The entries that were added or completed after a place of this journal, with the place
    /// after each.
    pub(crate) fn changes_after<'a>(
        &'a self,
        place: ChangeId,
        secrets: &'a Secrets,
    ) -> impl Iterator<Item = (ChangeId, EntryView<'a>)> {
        let start = self.start().number;
        let skip = usize::try_from(place.number.saturating_sub(start)).unwrap_or(usize::MAX);
        (start + 1..)
            .zip(&self.changes)
            .skip(skip)
            .filter_map(move |(number, seq)| {
                let id = ChangeId {
                    epoch: self.epoch,
                    number,
                };
                let entry = EntryView {
                    is_event: true,
                    ..self.entry(*seq, secrets)?
                };
                Some((id, entry))
            })
    }

    /// The entries with numbers above `after`, without these secrets.
    pub(crate) fn view<'a>(&'a self, after: u64, secrets: &'a Secrets) -> JournalView<'a> {
        let first = self.first();
        let skip = usize::try_from((after + 1).saturating_sub(first)).unwrap_or(usize::MAX);
        let entries = (first..)
            .zip(&self.entries)
            .skip(skip)
            .map(|(seq, entry)| EntryView {
                seq,
                entry,
                secrets,
                is_event: false,
            })
            .collect();
        JournalView {
            entries,
            dropped: self.dropped,
        }
    }

    /// Removes all entries and sets the counts to 0. The numbers of later requests continue.
    /// Returns how many entries there were.
    pub(crate) fn clear(&mut self) -> usize {
        let count = self.entries.len();
        let (next, started) = (self.next, self.started);
        *self = Self {
            next,
            started,
            ..Self::new(self.capacity, self.epoch + 1)
        };
        count
    }

    /// Removes all entries, sets the counts to 0 and starts the numbers again.
    pub(crate) fn reset(&mut self) {
        *self = Self::new(self.capacity, self.epoch + 1);
    }
}

fn headers(headers: &HeaderMap, redaction: Redaction) -> Vec<Header> {
    headers
        .iter()
        .map(|(name, value)| Header {
            name: redaction.text(name.as_str()),
            value: redaction.header(name.as_str(), value.as_bytes()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use hyper::Method;
    use serde_json::Value;

    use super::*;
    use crate::journal::redaction::MAX_BODY_BYTES;
    use crate::model::world::{Token, World};

    /// A world with the access token `T+1`.
    fn secrets() -> Secrets {
        let tokens = [("T+1".to_owned(), Token::default())];
        Secrets::from_world(&World {
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

    fn record(journal: &mut Journal, request: &ReceivedRequest, endpoint: Endpoint) -> u64 {
        let secrets = secrets();
        let redaction = redaction(&secrets, endpoint);
        journal.record(request, None, 7, Outcome::default(), redaction)
    }

    fn request(query: &str, body: &[u8]) -> ReceivedRequest {
        let mut headers = HeaderMap::new();
        headers.append("x-a", "1".parse().unwrap());
        headers.append("x-a", "2".parse().unwrap());
        headers.append("cookie", "session".parse().unwrap());
        ReceivedRequest {
            connection: 4,
            listener: Listener::Https,
            method: Method::POST,
            path: "/cgi-bin/wxopen/wxamplink".to_owned(),
            query: query.to_owned(),
            headers,
            body: bytes::Bytes::copy_from_slice(body),
            arrived: Instant::now(),
        }
    }

    fn effect() -> Effect {
        Effect {
            at_ms: 9,
            errcode: Some(0),
        }
    }

    fn view(journal: &Journal, after: u64) -> Value {
        serde_json::to_value(journal.view(after, &secrets())).unwrap()
    }

    #[test]
    fn entries_show_what_arrived() {
        let mut journal = Journal::new(10, 1);
        let request = request("access_token=T%2B1", b"{}");
        let seq = record(&mut journal, &request, Endpoint::Link);
        let response = ResponseSummary {
            status: 200,
            errcode: Some(0),
        };
        journal.complete(seq, Endpoint::Link, effect(), Some(response));
        let entry = &view(&journal, 0)["entries"][0];
        assert_eq!(
            entry,
            &serde_json::json!({
                "seq": 1, "at_ms": 7, "connection": 4, "listener": "https", "endpoint": "link", "account": null,
                "method": "POST", "path": "/cgi-bin/wxopen/wxamplink",
                "query": "access_token=T%2B1", "headers": {"x-a": "1, 2", "cookie": "MASKED"},
                "body": "{}", "body_bytes": 2, "processed": true,
                "effect": {"at_ms": 9, "errcode": 0},
                "answered": {"status": 200, "errcode": 0}, "latency_us": null, "fault": null,
            })
        );
    }

    #[test]
    fn binary_bodies_are_shown_as_base64_and_long_ones_are_truncated() {
        let mut journal = Journal::new(10, 1);
        let long = MAX_BODY_BYTES + 5;
        for body in [vec![0xff, 0xfe], vec![b'x'; long]] {
            record(&mut journal, &request("", &body), Endpoint::Get);
        }
        let view = view(&journal, 0);
        let [binary, text] = [&view["entries"][0], &view["entries"][1]];
        assert_eq!(binary["body_base64"], "//4=");
        assert!(binary.get("body").is_none());
        assert_eq!(text["body"].as_str().unwrap().len(), MAX_BODY_BYTES);
        assert_eq!(text["body_bytes"], long);
    }

    #[test]
    fn the_oldest_entries_are_dropped_and_counted() {
        let mut journal = Journal::new(2, 1);
        for _ in 0..5 {
            record(&mut journal, &request("", b""), Endpoint::Other);
        }
        let all = view(&journal, 0);
        assert_eq!(all["dropped"], 3);
        assert_eq!(all["entries"][0]["seq"], 4);
        assert_eq!(view(&journal, 4)["entries"][0]["seq"], 5);
        assert_eq!(view(&journal, 99)["entries"], serde_json::json!([]));
        assert_eq!(journal.received.other, 5);
        // Completing an entry that was dropped does nothing.
        journal.complete(1, Endpoint::Other, effect(), None);
        assert_eq!(journal.clear(), 2);
        assert_eq!(journal.received.other, 0);
        let mut none = Journal::new(0, 1);
        record(&mut none, &request("", b""), Endpoint::Get);
        assert_eq!(
            view(&none, 0),
            serde_json::json!({"entries": [], "dropped": 1})
        );
    }

    /// The ids of the changes after a place, and the entries that changed.
    fn changes(journal: &Journal, place: ChangeId) -> (Vec<u64>, Vec<u64>) {
        let secrets = secrets();
        let changes = journal.changes_after(place, &secrets);
        changes.map(|(id, view)| (id.number, view.seq)).unzip()
    }

    #[test]
    fn a_reader_gets_every_change_after_its_place() {
        let mut journal = Journal::new(2, 1);
        let start = journal.start();
        assert_eq!(changes(&journal, start), (vec![], vec![]));
        for _ in 0..2 {
            record(&mut journal, &request("", b""), Endpoint::Link);
        }
        journal.complete(1, Endpoint::Link, effect(), None);
        assert_eq!(changes(&journal, start), (vec![1, 2, 3], vec![1, 2, 1]));
        assert_eq!(journal.missed_after(start), Some(0));
        let place: ChangeId = "1-2".parse().unwrap();
        assert_eq!(place.to_string(), "1-2");
        assert_eq!(changes(&journal, place), (vec![3], vec![1]));
        // The first entry makes room for the third one, and its changes go with it.
        record(&mut journal, &request("", b""), Endpoint::Link);
        assert_eq!(journal.missed_after(start), Some(1));
        assert_eq!(changes(&journal, start), (vec![2, 4], vec![2, 3]));
        for wrong in ["2-1", "1-5", "0-0"] {
            assert_eq!(journal.missed_after(wrong.parse().unwrap()), None);
        }
        journal.clear();
        assert_eq!(journal.missed_after(place), None);
        assert_eq!(changes(&journal, journal.start()), (vec![], vec![]));
        for wrong in ["", "1", "1-", "x-1", "1--1"] {
            assert!(wrong.parse::<ChangeId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_late_response_is_recorded_unless_the_numbers_have_started_again() {
        let mut journal = Journal::new(10, 1);
        let delayed = request("", b"");
        let seq = record(&mut journal, &delayed, Endpoint::Link);
        let latency = |journal: &Journal| view(journal, 0)["entries"][0]["latency_us"].clone();
        journal.set_latency(&delayed, seq);
        assert!(latency(&journal).is_number());
        journal.reset();
        record(&mut journal, &request("", b""), Endpoint::Link);
        journal.set_latency(&delayed, seq);
        assert!(latency(&journal).is_null());
    }

    #[test]
    fn changes_are_kept_within_a_limit() {
        let mut journal = Journal::new(10, 1);
        for _ in 0..1000 {
            let seq = record(&mut journal, &request("", b""), Endpoint::Link);
            journal.complete(seq.saturating_sub(3), Endpoint::Link, effect(), None);
        }
        assert!(journal.changes.len() <= 30, "{}", journal.changes.len());
    }

    #[test]
    fn events_have_no_headers_and_no_long_bodies() {
        let mut journal = Journal::new(10, 1);
        record(&mut journal, &request("", b"{}"), Endpoint::Link);
        let long = vec![b'x'; MAX_EVENT_BODY_BYTES + 1];
        record(&mut journal, &request("", &long), Endpoint::Link);
        let secrets = secrets();
        let events: Vec<Value> = journal
            .changes_after(journal.start(), &secrets)
            .map(|(_, view)| serde_json::to_value(view).unwrap())
            .collect();
        assert_eq!(events[0]["body"], "{}");
        assert!(events[0].get("headers").is_none());
        assert!(events[1].get("body").is_none());
        assert_eq!(events[1]["body_bytes"], long.len());
        let whole = serde_json::to_value(journal.entry(2, &secrets).unwrap()).unwrap();
        assert_eq!(whole["body"].as_str().unwrap().len(), long.len());
        assert_eq!(whole["headers"]["x-a"], "1, 2");
    }
}
