//! Leases the accounts of a queue to the workers of one process.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use redis::{Client, FromRedisValue, ParsingError, RedisError, Script, Value, cmd};
use wxlink::redis_connection::Connection;

use super::connection::{RedisConnection, recreate_if_removed};
use super::scripts::{
    CONSUMER_GROUP, LeaseScripts, READ_POSTS, REMOVE_CONSUMER, RETURN_DUE_ACCOUNTS,
};
use super::types::{CallIntervals, Keys, QueuedResult, QueuedRow, WorkerConfig};
use crate::error::BulkError;
use crate::lock::lock;
use crate::message::message;
use crate::outcome::{Outcome, Record};
use crate::posts::Posts;
use crate::random::random_id;
use crate::row::Row;
use crate::runner::{AccountLease, AccountSource, Backoff};
use crate::stop::StopFlag;

/// The most rows of an account that one command reads.
const MAX_ROWS_PER_READ: usize = 200;
/// How long one command to Redis waits for a new account (ms).
const BLOCK_MS: u64 = 200;
/// A worker without `stay` ends when no account is due within this time.
const MAX_WAIT_FOR_DUE: Duration = Duration::from_secs(90);
/// The id before all entries of a stream.
const FIRST_ENTRY: &str = "0-0";
/// How many times within a lease the accounts of dead workers and due accounts are searched, and
/// held leases are renewed.
const CHECKS_PER_LEASE: u32 = 4;
/// The longest time between two such searches.
const MAX_SEARCH_INTERVAL: Duration = Duration::from_secs(1);

/// The accounts of a queue, as the workers of this process see it. Each worker is a consumer of the
/// stream.
pub(super) struct QueueSource {
    client: Client,
    keys: Keys,
    config: WorkerConfig,
    intervals: CallIntervals,
    /// The common part of the consumers' names.
    name: String,
    consumers: AtomicU64,
    /// The consumers that hold no account.
    idle: Mutex<Vec<Consumer>>,
    searched_at: Mutex<Option<Instant>>,
    scripts: LeaseScripts,
}

struct Consumer {
    name: String,
    connection: RedisConnection,
}

impl QueueSource {
    pub fn new(
        client: Client,
        keys: Keys,
        config: WorkerConfig,
        intervals: CallIntervals,
    ) -> QueueSource {
        QueueSource {
            client,
            keys,
            config,
            intervals,
            name: format!("{}-{}", std::process::id(), &random_id()[..8]),
            consumers: AtomicU64::new(0),
            idle: Mutex::default(),
            searched_at: Mutex::default(),
            scripts: LeaseScripts::new(),
        }
    }

    /// Removes the idle consumers of this process from the stream.
    pub fn remove_consumers(&self, stop: &StopFlag) {
        let remove = Script::new(REMOVE_CONSUMER);
        for Consumer {
            name,
            mut connection,
        } in self.idle().drain(..)
        {
            let prefix = &self.keys.prefix;
            // If this fails, another worker removes them after a day.
            let _ = connection.run::<u64>(stop, |c| remove.key(prefix).arg(&name).invoke(c));
        }
    }

    /// Finds the next account for a consumer: a dead worker's, or a new one.
    fn find_account(
        &self,
        consumer: &mut Consumer,
        stop: &StopFlag,
    ) -> Result<NextAccount, BulkError> {
        if self.is_time_to_search() {
            let script = Script::new(RETURN_DUE_ACCOUNTS);
            let prefix = &self.keys.prefix;
            consumer
                .connection
                .run::<u64>(stop, |c| script.key(prefix).invoke(c))?;
            if let Some(found) = self.claim_from_dead_worker(consumer, stop)? {
                // There may be more.
                *self.searched_at() = None;
                return Ok(NextAccount::Found(found));
            }
        }
        if let Some(found) = self.read_new_account(consumer, stop)? {
            return Ok(NextAccount::Found(found));
        }
        // Other workers may still die while they hold accounts.
        let accounts = self.keys.get("accounts");
        let connection = &mut consumer.connection;
        let left: u64 = connection.run(stop, |c| cmd("XLEN").arg(&accounts).query(c))?;
        if left > 0 || self.config.stay {
            return Ok(NextAccount::NoneYet);
        }
        let later = self.keys.get("later");
        let due_soon: u64 = connection.run(stop, |c| {
            let (seconds, _): (u64, u64) = cmd("TIME").query(c)?;
            let until = (seconds + MAX_WAIT_FOR_DUE.as_secs()) * 1000;
            cmd("ZCOUNT").arg(&later).arg("-inf").arg(until).query(c)
        })?;
        if due_soon > 0 {
            return Ok(NextAccount::NoneYet);
        }
        Ok(NextAccount::NoneLeft)
    }

    /// Claims an account whose worker has not renewed its lease.
    fn claim_from_dead_worker(
        &self,
        consumer: &mut Consumer,
        stop: &StopFlag,
    ) -> Result<Option<StreamAccount>, BulkError> {
        let accounts = self.keys.get("accounts");
        let lease = u64::try_from(self.config.lease.as_millis()).unwrap_or(u64::MAX);
        // One XAUTOCLAIM looks at some ten entries; those of living workers may come first.
        let mut start = FIRST_ENTRY.to_owned();
        loop {
            let claimed: ClaimedEntries = consumer.connection.run(stop, |c| {
                let mut claim = cmd("XAUTOCLAIM");
                claim.arg(&accounts).arg(CONSUMER_GROUP).arg(&consumer.name);
                claim.arg(lease).arg(&start).arg("COUNT").arg(1);
                recreate_if_removed(claim.query(c), c, &accounts)
            })?;
            if let Some(found) = StreamAccount::first(claimed.entries) {
                return Ok(Some(found));
            }
            if claimed.next.is_empty() || claimed.next == FIRST_ENTRY {
                return Ok(None);
            }
            start = claimed.next;
        }
    }

    /// Reads an account that no worker has had, and waits a short time for one.
    fn read_new_account(
        &self,
        consumer: &mut Consumer,
        stop: &StopFlag,
    ) -> Result<Option<StreamAccount>, BulkError> {
        let accounts = self.keys.get("accounts");
        let streams: Option<Vec<(String, Vec<StreamEntry>)>> =
            consumer.connection.run(stop, |c| {
                let mut read = cmd("XREADGROUP");
                read.arg("GROUP").arg(CONSUMER_GROUP).arg(&consumer.name);
                read.arg("COUNT").arg(1).arg("BLOCK").arg(BLOCK_MS);
                read.arg("STREAMS").arg(&accounts).arg(">");
                recreate_if_removed(read.query(c), c, &accounts)
            })?;
        let stream = streams.and_then(|streams| streams.into_iter().next());
        Ok(stream.and_then(|(_, entries)| StreamAccount::first(entries)))
    }

    fn is_time_to_search(&self) -> bool {
        let mut searched_at = self.searched_at();
        let interval = (self.config.lease / CHECKS_PER_LEASE).min(MAX_SEARCH_INTERVAL);
        let is_time = searched_at.is_none_or(|at| at.elapsed() >= interval);
        if is_time {
            *searched_at = Some(Instant::now());
        }
        is_time
    }

    fn searched_at(&self) -> MutexGuard<'_, Option<Instant>> {
        lock(&self.searched_at)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Consumer>> {
        lock(&self.idle)
    }

    fn new_consumer(&self) -> Consumer {
        let number = self.consumers.fetch_add(1, Ordering::Relaxed);
        Consumer {
            name: format!("{}-{number}", self.name),
            connection: RedisConnection::new(&self.client),
        }
    }
}

enum NextAccount {
    Found(StreamAccount),
    /// None now, but there may be one later.
    NoneYet,
    /// There will be none.
    NoneLeft,
}

/// An entry of the stream: its id, and its fields unless it was deleted meanwhile.
type StreamEntry = (String, Option<Vec<String>>);

/// An account, and the entry of the stream that stands for it.
#[derive(Debug, PartialEq, Eq)]
struct StreamAccount {
    entry: String,
    account: String,
}

impl StreamAccount {
    fn first(entries: Vec<StreamEntry>) -> Option<StreamAccount> {
        let (entry, fields) = entries.into_iter().next()?;
        // The fields are a name and a value.
        let account = fields?.into_iter().nth(1)?;
        Some(StreamAccount { entry, account })
    }
}

/// The reply of XAUTOCLAIM. Redis 6.2 sends these two parts, later versions a third one.
#[derive(Default)]
struct ClaimedEntries {
    /// Where to continue.
    next: String,
    entries: Vec<StreamEntry>,
}

impl FromRedisValue for ClaimedEntries {
    fn from_redis_value(value: Value) -> Result<ClaimedEntries, ParsingError> {
        let mut parts = match value {
            Value::Array(parts) => parts.into_iter(),
            _ => Vec::new().into_iter(),
        };
        let mut part = || parts.next().unwrap_or(Value::Nil);
        Ok(ClaimedEntries {
            next: redis::from_redis_value(part())?,
            entries: redis::from_redis_value(part())?,
        })
    }
}

impl AccountSource for QueueSource {
    fn next(&self, stop: &StopFlag) -> Result<Option<Box<dyn AccountLease + '_>>, BulkError> {
        let idle = self.idle().pop();
        let mut consumer = idle.unwrap_or_else(|| self.new_consumer());
        loop {
            let next = if stop.is_requested() {
                NextAccount::NoneLeft
            } else {
                self.find_account(&mut consumer, stop)?
            };
            match next {
                NextAccount::NoneYet => {}
                NextAccount::NoneLeft => {
                    self.idle().push(consumer);
                    return Ok(None);
                }
                NextAccount::Found(StreamAccount { entry, account }) => {
                    let failures = self.keys.get("failures");
                    let renewed_at = Instant::now();
                    let failures: Option<usize> = consumer
                        .connection
                        .run(stop, |c| cmd("HGET").arg(&failures).arg(&account).query(c))?;
                    return Ok(Some(Box::new(QueueLease {
                        source: self,
                        consumer: Some(consumer),
                        entry,
                        account,
                        failures: failures.unwrap_or(0),
                        rows: VecDeque::new(),
                        renewed_at,
                        stop: stop.clone(),
                    })));
                }
            }
        }
    }
}

struct QueueLease<'a> {
    source: &'a QueueSource,
    /// `None` once the lease is released.
    consumer: Option<Consumer>,
    entry: String,
    account: String,
    failures: usize,
    rows: VecDeque<ReadRow>,
    /// When Redis last confirmed that this lease is held.
    renewed_at: Instant,
    stop: StopFlag,
}

/// A row that was read from the queue.
struct ReadRow {
    /// Exactly as it stands in the queue.
    text: String,
    queued: QueuedRow,
    posts: Posts,
}

impl QueueLease<'_> {
    fn run<T: FromRedisValue>(
        &mut self,
        commands: impl Fn(&mut Connection) -> Result<T, RedisError>,
    ) -> Result<T, BulkError> {
        match &mut self.consumer {
            Some(consumer) => consumer.connection.run(&self.stop, commands),
            None => Err(BulkError::retry(message!(
                "internal error: a released lease is in use. Please report it",
                "内部错误：已释放的租约仍在使用。请反馈该问题"
            ))),
        }
    }

    /// Runs a script for this lease.
    fn run_script<T: FromRedisValue>(
        &mut self,
        script: &Script,
        arguments: &[&str],
    ) -> Result<T, BulkError> {
        let started_at = Instant::now();
        let prefix = self.source.keys.prefix.clone();
        let consumer = self.consumer.as_ref();
        let consumer = consumer.map(|c| c.name.clone()).unwrap_or_default();
        let entry = self.entry.clone();
        let result = self.run(|c| {
            let mut call = script.key(&prefix);
            call.arg(&consumer).arg(&entry);
            for argument in arguments {
                call.arg(*argument);
            }
            call.invoke(c)
        })?;
        self.renewed_at = started_at;
        Ok(result)
    }

    /// Reads what is known of the invitations for the rows.
    fn read_posts(&mut self) -> Result<(), BulkError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let script = Script::new(READ_POSTS);
        let prefix = self.source.keys.prefix.clone();
        let fields: Vec<String> = self.rows.iter().map(|r| r.queued.posts_field()).collect();
        let posts: Vec<u64> = self.run(|c| script.key(&prefix).arg(&fields).invoke(c))?;
        for (row, posts) in self.rows.iter_mut().zip(posts.chunks_exact(2)) {
            row.posts = Posts {
                count: u32::try_from(posts[0]).unwrap_or(u32::MAX),
                in_doubt_for: Duration::from_millis(posts[1]),
            };
        }
        Ok(())
    }

    /// Reserves a call. Returns how long to wait before it, or `None` if the lease was lost.
    fn reserve_call(&mut self, intervals: CallIntervals) -> Result<Option<Duration>, BulkError> {
        let (all, account) = (intervals.all.to_string(), intervals.account.to_string());
        let name = self.account.clone();
        let script = &self.source.scripts.reserve_call;
        let wait: i64 = self.run_script(script, &[&all, &account, &name])?;
        Ok(u64::try_from(wait).ok().map(Duration::from_micros))
    }
}

impl AccountLease for QueueLease<'_> {
    fn account(&self) -> &str {
        &self.account
    }

    fn failures(&self) -> usize {
        self.failures
    }

    fn rows(&mut self) -> Result<Vec<Row>, BulkError> {
        let key = self.source.keys.get(&format!("rows:{}", self.account));
        let texts: Vec<String> = self.run(|c| {
            let mut range = cmd("LRANGE");
            range.arg(&key).arg(0).arg(MAX_ROWS_PER_READ - 1).query(c)
        })?;
        let rows = texts.into_iter().map(|text| {
            let queued = serde_json::from_str(&text).map_err(|error| {
                BulkError::usage(message!(
                    "the queue contains an invalid row: {error}",
                    "队列中有无效的行：{error}"
                ))
            })?;
            Ok(ReadRow {
                text,
                queued,
                posts: Posts::default(),
            })
        });
        self.rows = rows.collect::<Result<_, BulkError>>()?;
        self.read_posts()?;
        Ok(self.rows.iter().map(|row| row.queued.row.clone()).collect())
    }

    fn acquire_permit(&mut self, stop: &StopFlag) -> Result<bool, BulkError> {
        let intervals = self.source.intervals;
        let renewal = self.source.config.lease / CHECKS_PER_LEASE;
        if stop.is_requested() {
            return Ok(false);
        }
        if intervals == CallIntervals::UNLIMITED && self.renewed_at.elapsed() < renewal {
            return Ok(true);
        }
        let Some(wait) = self.reserve_call(intervals)? else {
            return Ok(false);
        };
        // The lease is renewed while this waits.
        let until = Instant::now() + wait;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if !stop.sleep(left.min(renewal)) {
                return Ok(false);
            }
            if left <= renewal && self.renewed_at.elapsed() < renewal * 2 {
                return Ok(true);
            }
            if self.reserve_call(CallIntervals::UNLIMITED)?.is_none() {
                return Ok(false);
            }
        }
    }

    fn posts(&self, _: &Row) -> Posts {
        self.rows.front().map(|row| row.posts).unwrap_or_default()
    }

    fn note_posts(&mut self, _: &Row, posts: Posts) -> Result<bool, BulkError> {
        let Some(row) = self.rows.front_mut() else {
            return Ok(false);
        };
        row.posts = posts;
        let field = row.queued.posts_field();
        let (count, doubt) = (
            posts.count.to_string(),
            posts.in_doubt_for.as_millis().to_string(),
        );
        let script = &self.source.scripts.note_posts;
        let noted: i64 = self.run_script(script, &[&field, &count, &doubt])?;
        Ok(noted == 1)
    }

    fn record(&mut self, record: Record) -> Result<bool, BulkError> {
        let Some(ReadRow { text, queued, .. }) = self.rows.pop_front() else {
            return Ok(false);
        };
        let (field, posts) = (queued.posts_field(), record.posts.to_string());
        let due_ms = record.until.map(|s| (s * 1000).to_string());
        let (account, outcome) = (self.account.clone(), record.outcome);
        let result = QueuedResult {
            job: queued.job,
            record,
        };
        let result = serde_json::to_string(&result).map_err(|error| {
            BulkError::usage(message!(
                "a result could not be written: {error}",
                "无法写入结果：{error}"
            ))
        })?;
        let mut arguments = vec![
            account.as_str(),
            &text,
            outcome.word(),
            &result,
            &field,
            &posts,
        ];
        if outcome == Outcome::Deferred {
            arguments.extend(due_ms.as_deref());
        }
        let recorded: i64 = self.run_script(&self.source.scripts.record_row, &arguments)?;
        if !outcome.is_lost() {
            self.failures = 0;
        }
        Ok(recorded == 1)
    }

    fn release(mut self: Box<Self>, backoff: Option<Backoff>) -> Result<(), BulkError> {
        let (pause_ms, failures) = match backoff {
            Some(backoff) => (backoff.pause.as_millis().to_string(), backoff.failures),
            None => ("-1".into(), 0),
        };
        let (account, failures) = (self.account.clone(), failures.to_string());
        let script = &self.source.scripts.release;
        let _: i64 = self.run_script(script, &[&account, &pause_ms, &failures])?;
        let source = self.source;
        source.idle().extend(self.consumer.take());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_of_every_redis_version_are_parsed() {
        let text = |t: &str| Value::BulkString(t.into());
        let fields = Value::Array(vec![text("account"), text("wx0a")]);
        let entry = Value::Array(vec![text("1-1"), fields]);
        let version_6_2 = vec![text("0-0"), Value::Array(vec![entry])];
        let mut version_7 = version_6_2.clone();
        version_7.push(Value::Array(vec![]));
        for reply in [version_6_2, version_7] {
            let claimed: ClaimedEntries = redis::from_redis_value(Value::Array(reply)).unwrap();
            let expected = StreamAccount {
                entry: "1-1".to_owned(),
                account: "wx0a".to_owned(),
            };
            assert_eq!(StreamAccount::first(claimed.entries), Some(expected));
        }
        let none = Value::Array(vec![text("0-0"), Value::Array(vec![])]);
        let claimed: ClaimedEntries = redis::from_redis_value(none).unwrap();
        assert_eq!(StreamAccount::first(claimed.entries), None);
    }
}
