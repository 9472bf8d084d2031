//! The journal of pushes: every try, and the answer to it.

use std::collections::VecDeque;

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use crate::journal::record::AppliedFault;
use crate::model::secrets::Secrets;

/// How many bytes of an answer are kept.
pub(crate) const MAX_ANSWER_BYTES: usize = 200;

/// The result of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PushResult {
    /// The answer was `success`.
    Success,
    /// The answer was another one.
    WrongAnswer,
    /// The connection failed.
    NoConnection,
    /// TLS failed, for instance because the certificate is not trusted.
    TlsFailed,
    /// The connection ended before a whole answer.
    ConnectionLost,
    /// There was no whole answer in time.
    Timeout,
    /// Nothing was sent, as a fault asked for.
    NotSent,
}

/// What came back from a try.
pub(crate) struct PushAnswer {
    pub(crate) result: PushResult,
    /// The HTTP status.
    pub(crate) status: Option<u16>,
    /// The start of the body.
    pub(crate) text: Option<String>,
}

impl PushAnswer {
    /// A result without an answer.
    pub(crate) fn none(result: PushResult) -> Self {
        Self {
            result,
            status: None,
            text: None,
        }
    }
}

/// A try.
pub(crate) struct PushRecord {
    /// The number of the push.
    pub(crate) push: u64,
    /// The number of the try; the first one is 1.
    pub(crate) number: u32,
    pub(crate) at_ms: u64,
    pub(crate) info_type: String,
    pub(crate) account: Option<String>,
    pub(crate) timestamp: u64,
    pub(crate) nonce: String,
    pub(crate) fault: Option<AppliedFault>,
    pub(crate) answer: PushAnswer,
}

/// A record as `GET pushes` shows it.
struct RecordView<'a> {
    seq: u64,
    record: &'a PushRecord,
    secrets: &'a Secrets,
}

impl Serialize for RecordView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let record = self.record;
        let answer = record.answer.text.as_deref();
        let mut fields = serializer.serialize_struct("push", 12)?;
        fields.serialize_field("seq", &self.seq)?;
        fields.serialize_field("push", &record.push)?;
        fields.serialize_field("try", &record.number)?;
        fields.serialize_field("at_ms", &record.at_ms)?;
        fields.serialize_field("info_type", &record.info_type)?;
        fields.serialize_field("account", &record.account)?;
        fields.serialize_field("timestamp", &record.timestamp)?;
        fields.serialize_field("nonce", &record.nonce)?;
        fields.serialize_field("fault", &record.fault)?;
        fields.serialize_field("result", &record.answer.result)?;
        fields.serialize_field("status", &record.answer.status)?;
        fields.serialize_field("answer", &answer.map(|text| self.secrets.mask(text)))?;
        fields.end()
    }
}

/// The latest tries.
pub(crate) struct PushJournal {
    records: VecDeque<PushRecord>,
    capacity: usize,
    /// The number of the next record; the first one is 1.
    next: u64,
    dropped: u64,
}

/// The journal as `GET pushes` shows it.
#[derive(Serialize)]
pub(crate) struct PushJournalView<'a> {
    pushes: Vec<RecordView<'a>>,
    pending: usize,
    dropped: u64,
}

impl PushJournal {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            records: VecDeque::new(),
            capacity,
            next: 1,
            dropped: 0,
        }
    }

    pub(crate) fn add(&mut self, record: PushRecord) {
        self.next += 1;
        self.records.push_back(record);
        if self.records.len() > self.capacity {
            self.records.pop_front();
            self.dropped += 1;
        }
    }

    /// The records with numbers above `after`. `pending` is the number of unfinished pushes.
    pub(crate) fn view<'a>(
        &'a self,
        after: u64,
        pending: usize,
        secrets: &'a Secrets,
    ) -> PushJournalView<'a> {
        let first = self.next - self.records.len() as u64;
        let pushes = (first..)
            .zip(&self.records)
            .filter(|(seq, _)| *seq > after)
            .map(|(seq, record)| RecordView {
                seq,
                record,
                secrets,
            })
            .collect();
        PushJournalView {
            pushes,
            pending,
            dropped: self.dropped,
        }
    }

    /// Removes all records. Numbers continue. Returns how many there were.
    pub(crate) fn clear(&mut self) -> usize {
        let count = self.records.len();
        *self = Self {
            next: self.next,
            ..Self::new(self.capacity)
        };
        count
    }
}
