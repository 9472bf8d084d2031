//! The data of a queue: its keys, rows and results, and how a worker is configured.

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wxlink::{Client, Lang};

use crate::error::BulkError;
use crate::message::message;
use crate::outcome::{Outcome, Record};
use crate::rate::{Rate, Rates};
use crate::row::Row;

/// The keys of a queue, which all have the same prefix.
#[derive(Clone)]
pub(super) struct Keys {
    pub prefix: String,
}

impl Keys {
    /// The keys of the queue with this name.
    pub fn new(queue: &str) -> Keys {
        // The braces keep all keys on one node of a cluster.
        Keys {
            prefix: format!("{{wxlink:{queue}}}:"),
        }
    }

    /// The key with this name.
    pub fn get(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

/// A row in the queue.
#[derive(Serialize)]
pub(super) struct QueuedRow {
    pub job: String,
    #[serde(flatten)]
    pub row: Row,
}

impl QueuedRow {
    /// Reads the row's text twice: serde's `flatten` would copy its fields first.
    pub fn parse(text: &str) -> serde_json::Result<QueuedRow> {
        #[derive(Deserialize)]
        struct OfJob {
            job: String,
        }
        let OfJob { job } = serde_json::from_str(text)?;
        let row = serde_json::from_str(text)?;
        Ok(QueuedRow { job, row })
    }
}

/// The result of a row of a queue.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct QueuedResult {
    /// The job that the row was pushed with.
    pub job: String,
    /// Its record.
    #[serde(flatten)]
    pub record: Record,
}

/// A decision, as the queue keeps it.
#[derive(Serialize, Deserialize)]
pub(super) struct Decision {
    pub outcome: Outcome,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    pub at: u64,
}

impl Decision {
    /// The result of a row after the decision.
    pub fn apply(&self, record: &mut Record) {
        record.outcome = self.outcome;
        record.message.clone_from(&self.message);
        record.at = self.at;
        (record.errcode, record.until) = (0, None);
        record.rid.clear();
    }
}

/// The decisions by the place of their rows.
pub(super) type Decisions = HashMap<String, Decision>;

/// The place of a row in a queue.
pub(super) fn place_of(job: &str, line: u64) -> String {
    format!("{job}:{line}")
}

/// How a worker works for a queue.
#[derive(Clone, Copy, Debug)]
pub struct WorkerConfig {
    pub(super) lease: Duration,
    pub(super) stay: bool,
    /// The language of messages about rows that cannot be read.
    pub(super) lang: Lang,
}

impl WorkerConfig {
    /// `lease`: after how long without a sign of life a worker's accounts are given to others.
    /// `stay`: whether to wait for more rows when none are left.
    ///
    /// # Errors
    /// The lease is shorter than twice the client's time limit.
    pub fn new(lease: Duration, stay: bool, client: &Client) -> Result<WorkerConfig, BulkError> {
        let timeout = client.timeout();
        if lease < timeout * 2 {
            let (lease, timeout) = (lease.as_secs(), timeout.as_millis());
            return Err(BulkError::usage(message!(
                "a lease of {lease} s is shorter than twice timeout_ms ({timeout} ms): a worker \
                 that waits for an answer would lose its account to another. Choose a longer one",
                "租约 {lease} 秒短于 timeout_ms（{timeout} 毫秒）的两倍：等待应答的工作进程会失去其账号。\
                 请设置更长的租约"
            )));
        }
        Ok(WorkerConfig {
            lease,
            stay,
            lang: client.lang(),
        })
    }
}

/// The time between two calls (µs); 0 means no limit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct CallIntervals {
    /// For all accounts together.
    pub all: u64,
    /// For each account.
    pub account: u64,
}

impl CallIntervals {
    /// No limits.
    pub const UNLIMITED: CallIntervals = CallIntervals { all: 0, account: 0 };
}

impl From<Rates> for CallIntervals {
    fn from(rates: Rates) -> CallIntervals {
        let micros = |rate: Rate| u64::try_from(rate.interval().as_micros()).unwrap_or(u64::MAX);
        CallIntervals {
            all: micros(rates.all),
            account: micros(rates.account),
        }
    }
}
