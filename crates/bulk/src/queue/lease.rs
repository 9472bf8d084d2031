//! Leases an account of a queue to a worker, which reads its rows and records them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::{FromRedisValue, cmd};

use super::connection::Request;
use super::scripts::{LuaScript, REMOVE_CONSUMER};
use super::source::{CHECKS_PER_LEASE, QueueSource, StreamAccount};
use super::types::{CallIntervals, QueuedResult, QueuedRow, place_of};
use crate::columns::{OtherCell, OtherCells};
use crate::error::BulkError;
use crate::field::{Field, fields_of};
use crate::message::{Message, message};
use crate::outcome::{Outcome, Record};
use crate::posts::Posts;
use crate::quota::unix_now;
use crate::row::{OTHER_FIELD, Row};
use crate::runner::{AccountLease, AccountSource, Backoff};
use crate::stop::StopFlag;

/// The most rows of an account that one command reads.
const MAX_ROWS_PER_READ: usize = 200;

impl AccountSource for QueueSource {
    fn next(&self, stop: &StopFlag) -> Result<Option<Box<dyn AccountLease + '_>>, BulkError> {
        let Some(account) = self.find_account(stop)? else {
            return Ok(None);
        };
        Ok(Some(Box::new(self.lease(account, stop))))
    }
}

impl QueueSource {
    /// Returns the accounts that no worker took, and removes the consumer from the stream.
    pub fn close(&self, stop: &StopFlag) {
        while let Some(account) = self.take_found() {
            // If this fails, other workers get the account after the time of a lease.
            let _ = self.lease(account, stop).end(None);
        }
        let remove = LuaScript::new(REMOVE_CONSUMER);
        // If this fails, another worker removes it after a day.
        let _ = self.run_script::<u64>(stop, &remove, &[&self.consumer]);
    }

    fn lease(&self, account: StreamAccount, stop: &StopFlag) -> QueueLease<'_> {
        QueueLease {
            source: self,
            entry: account.entry,
            account: account.account,
            rows: VecDeque::new(),
            unsent: None,
            has_success: false,
            started: None,
            confirmed_at: Instant::now(),
            is_over: false,
            stop: stop.clone(),
        }
    }
}

struct QueueLease<'a> {
    source: &'a QueueSource,
    entry: String,
    account: String,
    rows: VecDeque<ReadRow>,
    /// The record of the row before these, which is sent with the note for the next row.
    unsent: Option<UnsentRecord>,
    /// Whether WeChat was reached for a row, so that the account's failures are forgotten.
    has_success: bool,
    /// The last record or note, while it is not waited for.
    started: Option<Started>,
    /// When Redis last confirmed that this lease is held.
    confirmed_at: Instant,
    /// Whether it has ended, because the account's rows cannot be read.
    is_over: bool,
    stop: StopFlag,
}

/// A script that is not waited for yet.
struct Started {
    request: Request,
    at: Instant,
}

/// A row that was read from the queue.
struct ReadRow {
    /// Exactly as it stands in the queue.
    text: String,
    job: Arc<str>,
    line: u64,
    posts: Posts,
}

impl ReadRow {
    fn posts_field(&self) -> String {
        place_of(&self.job, self.line)
    }
}

/// The arguments of `record_row`.
#[derive(Clone)]
struct UnsentRecord {
    text: String,
    outcome: Outcome,
    result: String,
    field: String,
    posts: String,
    /// When a deferred row is due, or empty.
    due_ms: String,
    /// Whether the account's failures are to be forgotten.
    forgets_failures: bool,
}

impl Drop for QueueLease<'_> {
    fn drop(&mut self) {
        // After an error or a panic. If this fails as well, the row is recorded again.
        let _ = self.send_record();
        self.source.let_go(&self.account, &self.entry);
    }
}

impl QueueLease<'_> {
    /// Runs a script for this lease.
    fn run_script<T: FromRedisValue>(
        &mut self,
        script: &LuaScript,
        arguments: &[&str],
    ) -> Result<T, BulkError> {
        let started = self.start(script, arguments)?;
        self.finish(started)
    }

    fn start(&self, script: &LuaScript, arguments: &[&str]) -> Result<Started, BulkError> {
        let source = self.source;
        let mut all = vec![source.consumer.as_str(), &self.entry];
        all.extend(arguments);
        Ok(Started {
            at: Instant::now(),
            request: source
                .connection
                .start_script(script, &source.keys.prefix, &all)?,
        })
    }

    fn finish<T: FromRedisValue>(&mut self, started: Started) -> Result<T, BulkError> {
        let connection = &self.source.connection;
        let done = connection.finish(&self.stop, started.request)?;
        self.confirmed_at = started.at;
        done.map_err(|failure| connection.to_error(&failure))
    }

    /// Waits for the script that was started. `false` if the lease was lost.
    fn wait_for_started(&mut self) -> Result<bool, BulkError> {
        let Some(started) = self.started.take() else {
            return Ok(true);
        };
        Ok(self.finish::<i64>(started)? == 1)
    }

    /// Reads the first rows as they stand in the queue. `None` if they cannot be read, because
    /// another program replaced their list: the lease has ended.
    fn read_texts(&mut self) -> Result<Option<Vec<String>>, BulkError> {
        let source = self.source;
        let key = source.keys.get(&format!("rows:{}", self.account));
        let mut range = cmd("LRANGE");
        range.arg(&key).arg(0).arg(MAX_ROWS_PER_READ - 1);
        let failure = match source.connection.try_run(&self.stop, &range)? {
            Ok(texts) => return Ok(Some(texts)),
            Err(failure) => failure,
        };
        if !failure.is_wrong_type() {
            return Err(source.connection.to_error(&failure));
        }
        let why = message!(
            "the rows of this account cannot be read: another program replaced the queue's key \
             {key}. Delete it, and push the rows of the account as another job",
            "无法读取该账号的行：队列的键 {key} 已被其他程序替换。请删除该键，并将该账号的行作为另一个任务推送"
        );
        let result = self.failed_row("", &why)?;
        let account = self.account.clone();
        self.is_over = true;
        self.run_script::<i64>(&source.scripts.set_aside, &[&account, &result])?;
        Ok(None)
    }

    /// Records the first row of the account as failed, because it is no row.
    fn record_invalid_row(&mut self, text: &str, error: &str) -> Result<bool, BulkError> {
        let why = message!(
            "the queue contains an invalid row: {error}. Push the row again as another job",
            "队列中有无效的行：{error}。请将该行作为另一个任务重新推送"
        );
        let result = self.failed_row(text, &why)?;
        self.unsent = Some(UnsentRecord {
            text: text.to_owned(),
            outcome: Outcome::Failed,
            result,
            field: String::new(),
            posts: "0".to_owned(),
            due_ms: String::new(),
            forgets_failures: false,
        });
        self.send_record()
    }

    /// Sends the record that was not sent yet. `false` if the lease was lost.
    fn send_record(&mut self) -> Result<bool, BulkError> {
        if !self.wait_for_started()? {
            return Ok(false);
        }
        if self.unsent.is_none() {
            return Ok(true);
        }
        self.start_note(&[])?;
        self.wait_for_started()
    }

    /// Starts to send the record that was not sent yet, if there is one, with a note for the next
    /// row.
    fn start_note(&mut self, note: &[&str]) -> Result<(), BulkError> {
        let scripts = &self.source.scripts;
        let Some(record) = self.unsent.take() else {
            self.started = Some(self.start(&scripts.note_posts, note)?);
            return Ok(());
        };
        let mut arguments = vec![
            self.account.as_str(),
            &record.text,
            record.outcome.word(),
            &record.result,
            &record.field,
            &record.posts,
            &record.due_ms,
            if record.forgets_failures { "1" } else { "" },
        ];
        arguments.extend(note);
        self.started = Some(self.start(&scripts.record_row, &arguments)?);
        Ok(())
    }

    /// The result that stands for a row that cannot be read.
    fn failed_row(&self, text: &str, why: &Message) -> Result<String, BulkError> {
        let fields: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
        let flag = |name: &str| fields[name].as_bool().unwrap_or_default();
        to_result(&QueuedResult {
            job: fields["job"].as_str().unwrap_or_default().to_owned(),
            record: Record {
                row: Row {
                    line: fields["line"].as_u64().unwrap_or_default(),
                    account: self.account.clone(),
                    appid: fields["appid"].as_str().unwrap_or_default().to_owned(),
                    notify_users: flag("notify_users"),
                    show_profile: flag("show_profile"),
                    other: other_cells(text),
                },
                outcome: Outcome::Failed,
                errcode: 0,
                rid: String::new(),
                message: why.get(self.source.config.lang).to_owned(),
                posts: 0,
                until: None,
                at: unix_now(),
            },
        })
    }

    /// Keeps a row that was read. Rows of one job share its id.
    fn keep(&mut self, text: String, queued: &QueuedRow) {
        let last = self.rows.back().filter(|last| *last.job == *queued.job);
        self.rows.push_back(ReadRow {
            text,
            job: last.map_or_else(|| queued.job.as_str().into(), |last| last.job.clone()),
            line: queued.row.line,
            posts: Posts::default(),
        });
    }

    /// Reads what is known of the invitations for the rows.
    fn read_posts(&mut self) -> Result<(), BulkError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let source = self.source;
        let fields: Vec<String> = self.rows.iter().map(ReadRow::posts_field).collect();
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let posts: Vec<u64> = source.run_script(&self.stop, &source.scripts.read_posts, &fields)?;
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

    fn end(mut self, backoff: Option<Backoff>) -> Result<(), BulkError> {
        if self.is_over || !self.send_record()? {
            return Ok(());
        }
        let (pause_ms, failures) = match backoff {
            Some(backoff) => (backoff.pause.as_millis().to_string(), backoff.failures),
            None => ("-1".into(), 0),
        };
        let (account, failures) = (self.account.clone(), failures.to_string());
        // The script may add another entry for the account.
        self.source.let_go(&self.account, &self.entry);
        let script = &self.source.scripts.release;
        self.run_script::<i64>(script, &[&account, &pause_ms, &failures])?;
        Ok(())
    }
}

/// The user's columns of a row that cannot be read, as far as they can be.
fn other_cells(text: &str) -> OtherCells {
    let fields = fields_of(text).unwrap_or_default();
    let other = fields.iter().find(|field| field.name == OTHER_FIELD);
    let cells = other.and_then(|other| fields_of(other.value.as_text()));
    let cells = cells.unwrap_or_default().into_iter();
    cells
        .map(|Field { name, value }| OtherCell {
            name,
            text: value.as_text().to_owned(),
        })
        .collect()
}

fn to_result(result: &QueuedResult) -> Result<String, BulkError> {
    serde_json::to_string(result).map_err(|error| {
        BulkError::usage(message!(
            "a result could not be written: {error}",
            "无法写入结果：{error}"
        ))
    })
}

impl AccountLease for QueueLease<'_> {
    fn account(&self) -> &str {
        &self.account
    }

    fn failures(&mut self) -> Result<usize, BulkError> {
        // If the lease was lost, what follows finds out.
        self.send_record()?;
        let mut get = cmd("HGET");
        get.arg(self.source.keys.get("failures")).arg(&self.account);
        let failures: Option<usize> = self.source.connection.run(&self.stop, &get)?;
        Ok(failures.unwrap_or(0))
    }

    fn rows(&mut self) -> Result<Vec<Row>, BulkError> {
        self.rows.clear();
        let mut rows = Vec::new();
        if !self.send_record()? {
            return Ok(rows);
        }
        while let Some(texts) = self.read_texts()?.filter(|texts| !texts.is_empty()) {
            for text in texts {
                match QueuedRow::parse(&text) {
                    Ok(queued) => {
                        self.keep(text, &queued);
                        rows.push(queued.row);
                    }
                    // It is recorded when it has become the first one.
                    Err(_) if !rows.is_empty() => break,
                    Err(error) => {
                        if !self.record_invalid_row(&text, &error.to_string())? {
                            return Ok(rows);
                        }
                    }
                }
            }
            if !rows.is_empty() {
                break;
            }
        }
        self.read_posts()?;
        Ok(rows)
    }

    fn acquire_permit(&mut self, stop: &StopFlag) -> Result<bool, BulkError> {
        let intervals = self.source.intervals;
        let renewal = self.source.config.lease / CHECKS_PER_LEASE;
        if stop.is_requested() {
            return Ok(false);
        }
        if intervals == CallIntervals::UNLIMITED && self.confirmed_at.elapsed() < renewal {
            return Ok(true);
        }
        if !self.send_record()? {
            return Ok(false);
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
            if left <= renewal && self.confirmed_at.elapsed() < renewal * 2 {
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

    fn note_posts(&mut self, _: &Row, posts: Posts) -> Result<(), BulkError> {
        // Whatever prevented an earlier script, such as a lost lease, prevents the note, too.
        self.wait_for_started()?;
        let Some(row) = self.rows.front_mut() else {
            return Ok(());
        };
        row.posts = posts;
        let field = row.posts_field();
        let (count, doubt) = (
            posts.count.to_string(),
            posts.in_doubt_for.as_millis().to_string(),
        );
        self.start_note(&[&field, &count, &doubt])
    }

    fn wait_for_note(&mut self) -> Result<bool, BulkError> {
        // Without a row there is no note, and nothing may be posted.
        Ok(self.started.is_some() && self.wait_for_started()?)
    }

    fn record(&mut self, record: Record) -> Result<bool, BulkError> {
        if !self.send_record()? {
            return Ok(false);
        }
        let Some(row) = self.rows.pop_front() else {
            return Ok(false);
        };
        let (field, posts) = (row.posts_field(), record.posts.to_string());
        let outcome = record.outcome;
        let until = record.until.filter(|_| outcome == Outcome::Deferred);
        let result = to_result(&QueuedResult {
            job: (*row.job).to_owned(),
            record,
        })?;
        let forgets_failures = !outcome.is_lost() && !self.has_success;
        self.has_success |= forgets_failures;
        self.unsent = Some(UnsentRecord {
            text: row.text,
            outcome,
            result,
            field,
            posts,
            due_ms: until.map_or(String::new(), |s| (s * 1000).to_string()),
            forgets_failures,
        });
        Ok(true)
    }

    fn release(self: Box<Self>, backoff: Option<Backoff>) -> Result<(), BulkError> {
        self.end(backoff)
    }
}

#[cfg(test)]
mod tests {
    use redis::Value;

    use super::*;
    use crate::queue::Queue;
    use crate::queue::scripts::CONSUMER_GROUP;
    use crate::queue::types::WorkerConfig;
    use crate::rate::{Rate, Rates};

    fn row(line: u64) -> Row {
        Row {
            line,
            account: "wx0a".to_owned(),
            appid: format!("wx0b{line}"),
            notify_users: false,
            show_profile: true,
            other: OtherCells::default(),
        }
    }

    fn invited(line: u64) -> Record {
        Record {
            row: row(line),
            outcome: Outcome::Invited,
            errcode: 0,
            rid: String::new(),
            message: String::new(),
            posts: 1,
            until: None,
            at: 0,
        }
    }

    /// A queue with these rows of one account, and a process that works on it.
    fn queue_of(redis: &wxlink_testkit::redis::Redis, lines: &[u64]) -> (Queue, QueueSource) {
        let queue = Queue::new(&redis.url(), "q").unwrap();
        let rates = Rates {
            all: Rate::UNLIMITED,
            account: Rate::UNLIMITED,
        };
        let rows = lines.iter().map(|line| Ok(row(*line)));
        let stop = StopFlag::default();
        queue.push(rows, Some("j"), rates, &stop, &|_| {}).unwrap();
        let config = WorkerConfig {
            lease: Duration::from_secs(60),
            stay: false,
            lang: wxlink::Lang::En,
        };
        let keys = queue.keys.clone();
        let source = QueueSource::new(&queue.client, keys, config, CallIntervals::UNLIMITED);
        (queue, source)
    }

    #[test]
    fn a_record_that_is_sent_again_is_kept_once() {
        let Some(redis) = wxlink_testkit::redis::Redis::start("the queue") else {
            return;
        };
        let (queue, source) = queue_of(&redis, &[2, 3]);
        let stop = StopFlag::default();
        let account = source.find_account(&stop).unwrap().unwrap();
        let mut lease = source.lease(account, &stop);
        assert_eq!(lease.rows().unwrap().len(), 2);
        assert!(lease.record(invited(2)).unwrap());
        let unsent = lease.unsent.clone();
        let note = ["j:3", "1", "1000"];
        for _ in 0..2 {
            lease.unsent.clone_from(&unsent);
            lease.start_note(&note).unwrap();
            assert!(lease.wait_for_started().unwrap());
        }
        // Without the note it cannot be seen that this process recorded the row.
        lease.unsent = unsent;
        assert!(!lease.send_record().unwrap());
        assert_eq!(lease.rows().unwrap(), [row(3)]);
        assert_eq!(lease.rows[0].posts.count, 1);
        assert_eq!(queue.status().unwrap().total(), 1);
    }

    #[test]
    fn a_worker_whose_lease_was_lost_learns_it_before_it_posts() {
        let Some(redis) = wxlink_testkit::redis::Redis::start("the queue") else {
            return;
        };
        let (queue, source) = queue_of(&redis, &[2, 3]);
        let stop = StopFlag::default();
        let account = source.find_account(&stop).unwrap().unwrap();
        let mut lease = source.lease(account.clone(), &stop);
        lease.rows().unwrap();
        let posted = Posts::default().one_more(Duration::from_secs(60));
        lease.note_posts(&row(2), posted).unwrap();
        assert!(lease.wait_for_note().unwrap());
        let mut claim = cmd("XCLAIM");
        claim.arg(source.keys.get("accounts")).arg(CONSUMER_GROUP);
        claim.arg("another").arg(0).arg(&account.entry);
        let _: Value = source.connection.run(&stop, &claim).unwrap();
        assert!(lease.record(invited(2)).unwrap());
        lease.note_posts(&row(3), posted).unwrap();
        assert!(!lease.wait_for_note().unwrap());
        assert_eq!(queue.status().unwrap().total(), 0);
    }
}
