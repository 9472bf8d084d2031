//! The status of a queue.

use std::collections::HashMap;

use redis::Value;
use serde::Serialize;

use crate::outcome::{Outcome, OutcomeCount};

/// The status of a queue at one moment.
#[derive(Clone, Debug, Default, Serialize)]
pub struct QueueStatus {
    /// Rows that were ever pushed.
    pub pushed: u64,
    /// Rows with a result, by outcome.
    pub ended: Vec<OutcomeCount>,
    /// Rows that wait because a quota is used up.
    pub deferred: u64,
    /// Rows that wait for a worker or are in progress.
    pub waiting: u64,
    /// Accounts that wait for a worker or are in progress.
    pub accounts: u64,
    /// Accounts that were backed off or whose quota is used up.
    pub later: u64,
    /// When the first of these is due (Unix time, s).
    pub next_due: Option<u64>,
    /// The workers.
    pub workers: Vec<WorkerStatus>,
    /// The jobs that were pushed, completely or in part.
    pub jobs: Vec<JobStatus>,
    /// Identifies the queue among all queues of its name; empty if nothing was ever pushed.
    #[serde(skip)]
    pub(super) id: String,
}

/// The status of a queue's worker.
#[derive(Clone, Debug, Serialize)]
pub struct WorkerStatus {
    /// Its name: process id and random part.
    pub name: String,
    /// How many accounts it has leased.
    pub accounts: u64,
    /// How long ago its last sign of life was (ms).
    pub silent_ms: u64,
}

/// How much of a job is in the queue.
#[derive(Clone, Debug, Serialize)]
pub struct JobStatus {
    /// Its name.
    pub job: String,
    /// How many of its rows were pushed.
    pub pushed: u64,
    /// How many rows it has.
    pub rows: u64,
}

/// The reply of the script `STATUS`, in its order: id, counts, accounts in the stream, accounts in
/// `later`, the first of them, rows of jobs, pushed rows of jobs, consumers.
pub(super) type StatusReply = (
    String,
    HashMap<String, u64>,
    u64,
    u64,
    Vec<(String, f64)>,
    Vec<(String, u64)>,
    HashMap<String, u64>,
    Vec<HashMap<String, Value>>,
);

impl QueueStatus {
    /// Rows with a result.
    pub fn total(&self) -> u64 {
        self.ended.iter().map(|count| count.rows).sum()
    }

    /// Whether every row of every job was pushed and has a result.
    pub fn is_finished(&self) -> bool {
        let is_pushed = |job: &JobStatus| job.pushed == job.rows;
        self.waiting == 0 && self.deferred == 0 && self.jobs.iter().all(is_pushed)
    }

    pub(super) fn from_reply(reply: StatusReply) -> QueueStatus {
        let (id, counts, accounts, later, first_later, rows_of_jobs, pushed_of_jobs, consumers) =
            reply;
        let count = |name: &str| counts.get(name).copied().unwrap_or(0);
        // A deferred row has no result yet.
        let outcomes = Outcome::ALL.into_iter().filter(|o| *o != Outcome::Deferred);
        let ended = outcomes.map(|outcome| OutcomeCount {
            outcome,
            rows: count(outcome.word()),
        });
        let jobs = rows_of_jobs.into_iter().map(|(job, rows)| JobStatus {
            pushed: pushed_of_jobs.get(&job).copied().unwrap_or(0),
            job,
            rows,
        });
        let mut status = QueueStatus {
            pushed: count("pushed"),
            deferred: count("deferred"),
            waiting: 0,
            ended: ended.filter(|count| count.rows > 0).collect(),
            accounts,
            later,
            next_due: first_later.first().map(|(_, ms)| (*ms / 1000.0) as u64),
            workers: consumers.iter().map(WorkerStatus::from_consumer).collect(),
            jobs: jobs.collect(),
            id,
        };
        let not_waiting = status.total() + status.deferred;
        status.waiting = status.pushed.saturating_sub(not_waiting);
        status
    }
}

impl WorkerStatus {
    fn from_consumer(info: &HashMap<String, Value>) -> WorkerStatus {
        let text = |name: &str| {
            let value = info.get(name);
            let text = value.and_then(|v| redis::from_redis_value_ref::<String>(v).ok());
            text.unwrap_or_default()
        };
        let number = |name| text(name).parse().unwrap_or(0);
        WorkerStatus {
            name: text("name"),
            accounts: number("pending"),
            silent_ms: number("idle"),
        }
    }
}
