//! Follows the invitations of a queue until the administrators have decided. Decisions are kept
//! beside the results, which do not change: the results are a stream that others read.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use redis::cmd;
use wxlink::Lang;

use super::scripts::LuaScript;
use super::types::{Decision, Decisions, QueuedResult, place_of};
use super::{Queue, scripts};
use crate::error::BulkError;
use crate::follow::{Arrivals, DecisionSink, FollowEnd, Follower, Invitation};
use crate::lock::lock;
use crate::message::message;
use crate::outcome::{Outcome, Record};
use crate::quota::unix_now;
use crate::random::random_id;
use crate::stop::StopFlag;

/// How long a follower may be silent before another one may take its place. It renews its place
/// with each look for new invitations, with each decision, and regularly while it waits.
const LEASE: Duration = Duration::from_secs(15);
/// How many times it renews its place within a lease.
const RENEWALS_PER_LEASE: u32 = 3;
/// The beginning of the stream of results.
const START: &str = "0";
/// How often a place is asked for that another follower has.
const LEASE_POLL_INTERVAL: Duration = Duration::from_secs(1);

impl Queue {
    /// Follows the rows that were invited, until every row has a result and the administrators have
    /// decided, the limit of the follower has passed or a stop is requested. Each decision becomes
    /// the row's outcome: linked, or declined. The folder `dir` is kept up to date as by
    /// [`Queue::collect`]. One process at a time follows a queue; after a kill, another one starts
    /// within 20 s.
    ///
    /// `observer` is called with each decision before it is kept: after a kill in between, it is
    /// called again.
    ///
    /// # Errors
    /// Another process follows the queue, Redis is unavailable, the files cannot be written, or the
    /// queue was removed. Decisions that were made are kept.
    pub fn follow(
        &self,
        follower: &Follower<'_>,
        dir: &Path,
        observer: &(dyn Fn(&QueuedResult) + Sync),
    ) -> Result<FollowEnd, BulkError> {
        let sink = QueueSink {
            queue: self,
            dir,
            lang: follower.client.lang(),
            observer,
            stop: follower.stop,
            queue_id: self.status()?.id,
            follower: random_id(),
            decide: LuaScript::new(scripts::DECIDE),
            after: Mutex::new(START.to_owned()),
        };
        sink.acquire()?;
        let end = follower.run(&sink);
        // If this fails, the place becomes free after the time of a lease.
        let _ = sink.release();
        end
    }

    /// The decisions that were made. One that cannot be read makes its row's outcome unknown, with
    /// the reason in `lang`.
    pub(super) fn decisions(&self, lang: Lang, stop: &StopFlag) -> Result<Decisions, BulkError> {
        let mut get = cmd("HGETALL");
        get.arg(self.keys.get("decisions"));
        let decisions: HashMap<String, String> = self.connection.run(stop, &get)?;
        let decisions = decisions.into_iter().map(|(place, text)| {
            let decision = serde_json::from_str(&text);
            let decision = decision.unwrap_or_else(|error| invalid_decision(&place, &error, lang));
            (place, decision)
        });
        Ok(decisions.collect())
    }
}

struct QueueSink<'a> {
    queue: &'a Queue,
    dir: &'a Path,
    /// The language of the report.
    lang: Lang,
    observer: &'a (dyn Fn(&QueuedResult) + Sync),
    stop: &'a StopFlag,
    queue_id: String,
    /// Identifies this follower.
    follower: String,
    decide: LuaScript,
    /// The place in the stream of results up to which they were read.
    after: Mutex<String>,
}

impl QueueSink<'_> {
    /// Takes the place of the queue's follower. One that was killed keeps it for a while.
    fn acquire(&self) -> Result<(), BulkError> {
        let started = Instant::now();
        while !self.renew()? {
            if started.elapsed() > LEASE + LEASE_POLL_INTERVAL {
                return Err(followed_elsewhere());
            }
            if !self.stop.sleep(LEASE_POLL_INTERVAL) {
                return Err(BulkError::interrupted(message!(
                    "interrupted while waiting for the queue's follower",
                    "等待跟踪该队列期间被中断"
                )));
            }
        }
        Ok(())
    }

    /// Takes or renews the place. `false` if another follower has it.
    fn renew(&self) -> Result<bool, BulkError> {
        let arguments = [self.follower.as_str(), &lease_ms()];
        self.queue
            .run_script(self.stop, scripts::RENEW_FOLLOWER, &arguments)
    }

    fn release(&self) -> Result<(), BulkError> {
        self.queue
            .run_script(self.stop, scripts::RELEASE_FOLLOWER, &[&self.follower])
    }
}

impl DecisionSink for QueueSink<'_> {
    fn arrivals(&self) -> Result<Arrivals, BulkError> {
        self.keep_place()?;
        // Asked before the results are read, so that none is missed in between.
        let is_complete = self.queue.status()?.is_finished();
        let mut invitations = Vec::new();
        let mut after = lock(&self.after);
        // Only this follower decides on later ones.
        let decisions = match after.as_str() {
            START => self.queue.decisions(self.lang, self.stop)?,
            _ => Decisions::new(),
        };
        *after = self
            .queue
            .results(&after, self.lang, self.stop, &mut |result| {
                let QueuedResult { job, record } = result;
                let is_decided = decisions.contains_key(&place_of(&job, record.row.line));
                if record.outcome.is_open() && !is_decided {
                    invitations.push(Invitation { record, job });
                }
                Ok(())
            })?;
        Ok(Arrivals {
            invitations,
            is_complete,
        })
    }

    fn place_interval(&self) -> Option<Duration> {
        Some(LEASE / RENEWALS_PER_LEASE)
    }

    fn keep_place(&self) -> Result<(), BulkError> {
        if self.renew()? {
            Ok(())
        } else {
            Err(followed_elsewhere())
        }
    }

    fn decide(&self, invitation: &Invitation, decision: Record) -> Result<(), BulkError> {
        let Invitation { record, job } = invitation;
        let place = place_of(job, record.row.line);
        let (old, new) = (record.outcome.word(), decision.outcome.word());
        let kept = Decision {
            outcome: decision.outcome,
            message: decision.message.clone(),
            at: decision.at,
        };
        let kept = serde_json::to_string(&kept).unwrap_or_default();
        (self.observer)(&QueuedResult {
            job: job.clone(),
            record: decision,
        });
        let lease = lease_ms();
        let (follower, queue_id) = (self.follower.as_str(), self.queue_id.as_str());
        let arguments = [follower, &lease, queue_id, &place, &kept, old, new];
        let (connection, key) = (&self.queue.connection, &self.queue.keys.prefix);
        let decided: i64 = connection.run_script(self.stop, &self.decide, key, &arguments)?;
        match decided {
            -2 => Err(followed_elsewhere()),
            -1 => Err(BulkError::usage(message!(
                "the queue was removed while it was followed",
                "跟踪期间队列被删除"
            ))),
            _ => Ok(()),
        }
    }

    fn write_report(&self) -> Result<(), BulkError> {
        let collected = self
            .queue
            .collect(self.dir, false, self.lang, self.stop, &mut |_| {});
        collected.map(drop)
    }
}

/// How long the place is renewed, as an argument of scripts.
fn lease_ms() -> String {
    LEASE.as_millis().to_string()
}

/// The decision that stands for one that cannot be read.
fn invalid_decision(place: &str, error: &serde_json::Error, lang: Lang) -> Decision {
    let why = message!(
        "the queue contains an invalid decision, {place}: {error}. Another program changed it",
        "队列中有无效的决定 {place}：{error}。它已被其他程序修改"
    );
    Decision {
        outcome: Outcome::Unknown,
        message: why.get(lang).to_owned(),
        at: unix_now(),
    }
}

fn followed_elsewhere() -> BulkError {
    BulkError::usage(message!(
        "another process follows the queue. Stop it, or leave the work to it",
        "另一个进程正在跟踪该队列。请将其停止，或由其继续"
    ))
}
