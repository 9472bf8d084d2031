//! Queues: many links, processed by many machines through a Redis.
//!
//! The stream of a queue contains accounts, not rows: an account has at most one entry at a time,
//! and its rows wait in a list. Its rows are therefore processed in their order and by one worker
//! at a time, whichever process pushed them and when. A row leaves the list and its result enters
//! the results in one atomic step, which is why every row gets exactly one result.
//!
//! - `scripts`: the Lua scripts.
//! - `connection`: a connection that threads share and that survives restarts of Redis.
//! - `spool`: the checked rows of a push.
//! - `types`: keys, rows, results and the configuration of a worker.
//! - `status`: the status of a queue.
//! - `source`: finds accounts for workers.
//! - `lease`: leases them, reads their rows and records them.
//! - `follow`: follows invitations until the administrators have decided.
//! - this file: [`Queue`], on top of these.

mod connection;
mod follow;
mod lease;
mod scripts;
mod source;
mod spool;
mod status;
mod types;

use std::path::Path;
use std::time::Duration;

use redis::{Client, FromRedisValue, IntoConnectionInfo, cmd};
use wxlink::Lang;

use crate::columns::{OtherCells, OtherNames};
use crate::error::BulkError;
use crate::input::RowSummary;
use crate::message::message;
use crate::outcome::{Outcome, Record};
use crate::quota::unix_now;
use crate::random::random_id;
use crate::rate::Rates;
use crate::report::{Report, ReportWriter};
use crate::row::{BadRow, Row};
use crate::runner::{RunEnd, Runner};
use crate::stop::StopFlag;
use connection::RedisConnection;
use scripts::LuaScript;
use source::QueueSource;
use spool::SpooledRows;
pub use status::{JobStatus, QueueStatus, WorkerStatus};
use types::{CallIntervals, Keys, QueuedRow, place_of};
pub use types::{QueuedResult, WorkerConfig};

/// How many rows are pushed in one step.
const ROWS_PER_PUSH: usize = 500;
/// How many results are read in one step.
const RESULTS_PER_READ: usize = 1000;
/// The longest name of a queue (bytes).
const MAX_QUEUE_NAME: usize = 64;
/// How often new results are looked for.
const RESULT_POLL_INTERVAL: Duration = Duration::from_millis(500);
/// After this time of silence a worker that holds no account is forgotten (ms).
const FORGET_WORKER_AFTER_MS: u64 = 86_400_000;

/// A queue in a Redis or Valkey server.
pub struct Queue {
    client: Client,
    keys: Keys,
    connection: RedisConnection,
}

/// The result of [`Queue::push`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// The name of the job.
    pub job: String,
    /// How many rows were not in the queue before.
    pub new_rows: u64,
}

/// How far a push is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PushProgress {
    /// How many rows of the job are in the queue.
    pub pushed: u64,
    /// How many rows the job has.
    pub rows: u64,
}

/// The results of a queue that were written into files.
#[derive(Clone, Debug)]
pub struct Collected {
    /// The files.
    pub report: Report,
    /// How many results they contain.
    pub results: u64,
    /// Identifies the queue among all queues of its name.
    queue_id: String,
}

/// A job that is being pushed.
struct Push<'a> {
    queue: &'a Queue,
    job: String,
    /// How many rows the job has.
    rows: u64,
    queue_id: String,
    /// How many rows of the job are in the queue.
    pushed: u64,
    stop: &'a StopFlag,
    script: LuaScript,
}

/// A row as the queue stores it.
struct PushedRow {
    account: String,
    text: String,
}

impl Queue {
    /// The queue with this name. Does not connect yet. Queues with different names are independent
    /// of each other.
    ///
    /// # Errors
    /// The URL or the name is invalid.
    pub fn new(url: &str, name: &str) -> Result<Queue, BulkError> {
        let invalid_url = || {
            BulkError::usage(message!(
                "invalid URL of the queue: expected redis://[USER:PASSWORD@]HOST[:PORT][/DB] or \
                 rediss://…",
                "队列的 URL 无效：应为 redis://[USER:PASSWORD@]HOST[:PORT][/DB] 或 rediss://…"
            ))
        };
        let is_known = url.starts_with("redis://") || url.starts_with("rediss://");
        if !is_known || url.into_connection_info().is_err() {
            return Err(invalid_url());
        }
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.len() > MAX_QUEUE_NAME || !name.chars().all(is_allowed) {
            return Err(BulkError::usage(message!(
                "invalid name of the queue: expected 1 to {MAX_QUEUE_NAME} letters, digits, '-', \
                 '_' and '.'",
                "队列名称无效：应由 1 至 {MAX_QUEUE_NAME} 个字母、数字、“-”、“_”或“.”组成"
            )));
        }
        let client = Client::open(url).map_err(|_| invalid_url())?;
        Ok(Queue {
            connection: RedisConnection::new(&client),
            client,
            keys: Keys::new(name),
        })
    }

    /// Pushes the rows of a job. If the push is interrupted, pushing the same job again resumes it,
    /// and no row is pushed twice.
    ///
    /// All rows are read and checked first; they are kept in a temporary file meanwhile. Without a
    /// name, the job is named after the checksum of its rows.
    ///
    /// # Errors
    /// Rows are invalid, the temporary file cannot be written, the queue is removed meanwhile, a
    /// stop is requested, or Redis is unavailable.
    pub fn push(
        &self,
        rows: impl Iterator<Item = Result<Row, BadRow>>,
        job: Option<&str>,
        rates: Rates,
        stop: &StopFlag,
        progress: &dyn Fn(PushProgress),
    ) -> Result<Pushed, BulkError> {
        let spooled = SpooledRows::check(rows)?;
        let summary = spooled.summary();
        let job = match job {
            Some(name) => name.to_owned(),
            None => format!("{:08x}-{}", summary.crc32, summary.rows),
        };
        let mut push = self.register_job(job, summary, rates, stop)?;
        let new_rows = summary.rows - push.pushed.min(summary.rows);
        let already_pushed = push.pushed;
        let mut batch = Vec::with_capacity(ROWS_PER_PUSH);
        progress(push.progress());
        for (nth, row) in (0..).zip(spooled.rows()?) {
            let row = row?;
            if nth >= already_pushed {
                batch.push(PushedRow::new(&push.job, row)?);
            }
            if batch.len() == ROWS_PER_PUSH {
                push.push_batch(&mut batch)?;
                progress(push.progress());
            }
        }
        if !batch.is_empty() {
            push.push_batch(&mut batch)?;
            progress(push.progress());
        }
        Ok(Pushed {
            job: push.job,
            new_rows,
        })
    }

    fn register_job<'a>(
        &'a self,
        job: String,
        summary: &RowSummary,
        rates: Rates,
        stop: &'a StopFlag,
    ) -> Result<Push<'a>, BulkError> {
        let new_id = random_id();
        let intervals = CallIntervals::from(rates);
        let numbers = [
            summary.rows,
            summary.crc32.into(),
            intervals.all,
            intervals.account,
        ];
        let [rows, checksum, all, account] = numbers.map(|number| number.to_string());
        let (pushed, queue_id): (i64, String) = self.run_script(
            stop,
            scripts::REGISTER_JOB,
            &[&job, &rows, &checksum, &all, &account, &new_id],
        )?;
        let Ok(pushed) = u64::try_from(pushed) else {
            return Err(BulkError::usage(message!(
                "the queue already has a job {job} with other rows. Push these under another name \
                 (--job)",
                "队列中已有名为 {job} 的任务，但行不同。请换一个名称推送 (--job)"
            )));
        };
        Ok(Push {
            queue: self,
            job,
            rows: summary.rows,
            queue_id,
            pushed,
            stop,
            script: LuaScript::new(scripts::PUSH_ROWS),
        })
    }

    /// Works for the queue until no row is left that is due within 90 s; or, if the worker stays,
    /// until a stop is requested.
    ///
    /// # Errors
    /// Redis was unavailable for ten minutes, or the system is out of threads. Nothing is lost:
    /// other workers continue.
    pub fn work(&self, runner: &Runner<'_>, config: WorkerConfig) -> Result<RunEnd, BulkError> {
        let stop = runner.stop;
        let accounts = self.keys.get("accounts");
        self.connection.create_consumer_group(stop, &accounts)?;
        self.forget_dead_workers(stop)?;
        let mut get = cmd("HMGET");
        get.arg(self.keys.get("limits")).arg("all").arg("account");
        let (all, account): (Option<u64>, Option<u64>) = self.connection.run(stop, &get)?;
        let intervals = CallIntervals {
            all: all.unwrap_or(0),
            account: account.unwrap_or(0),
        };
        let source = QueueSource::new(&self.client, self.keys.clone(), config, intervals);
        let end = runner.run(&source);
        source.close(stop);
        end
    }

    /// The status of the queue. An unavailable Redis is retried for 5 s.
    ///
    /// # Errors
    /// Redis is unavailable or refuses.
    pub fn status(&self) -> Result<QueueStatus, BulkError> {
        self.status_until(&no_patience())
    }

    /// The status of the queue, asked for once and for at most `limit`.
    ///
    /// # Errors
    /// Redis is unavailable or refuses.
    pub fn status_within(&self, limit: Duration) -> Result<QueueStatus, BulkError> {
        let script = LuaScript::new(scripts::STATUS);
        let (connection, key) = (&self.connection, &self.keys.prefix);
        let reply = connection.run_script_once(limit, &script, key)?;
        Ok(QueueStatus::from_reply(reply))
    }

    fn status_until(&self, stop: &StopFlag) -> Result<QueueStatus, BulkError> {
        let reply = self.run_script(stop, scripts::STATUS, &[])?;
        Ok(QueueStatus::from_reply(reply))
    }

    /// Reads the results after a place in the stream and calls `each` with every one. `0` is the
    /// beginning. Returns the place where it ended. A result that cannot be read is passed as one
    /// with an unknown outcome, and the reason in `lang`.
    ///
    /// # Errors
    /// Redis is unavailable, or `each` failed.
    pub fn results(
        &self,
        after: &str,
        lang: Lang,
        stop: &StopFlag,
        each: &mut dyn FnMut(QueuedResult) -> Result<(), BulkError>,
    ) -> Result<String, BulkError> {
        let mut after = after.to_owned();
        loop {
            let results = self.read_results(&after, "+", lang, stop)?;
            let may_have_more = results.len() == RESULTS_PER_READ;
            for (id, result) in results {
                each(result)?;
                after = id;
            }
            if !may_have_more || stop.is_requested() {
                return Ok(after);
            }
        }
    }

    /// Reads the next results after a place in the stream, up to the place `last`, with their
    /// places. One that cannot be read is passed as one with an unknown outcome.
    fn read_results(
        &self,
        after: &str,
        last: &str,
        lang: Lang,
        stop: &StopFlag,
    ) -> Result<Vec<(String, QueuedResult)>, BulkError> {
        let mut range = cmd("XRANGE");
        range.arg(self.keys.get("results"));
        range.arg(format!("({after}")).arg(last);
        range.arg("COUNT").arg(RESULTS_PER_READ);
        let entries: Vec<(String, Vec<String>)> = self.connection.run(stop, &range)?;
        let results = entries.into_iter().map(|(id, fields)| {
            // The fields are a name and a value.
            let text = fields.get(1).map(String::as_str).unwrap_or_default();
            let result = serde_json::from_str(text);
            let result = result.unwrap_or_else(|error| invalid_result(&id, &error, lang));
            (id, result)
        });
        Ok(results.collect())
    }

    /// Writes a CSV file for each outcome from the results, and calls `observer` with every result.
    /// With `follow`, waits until every row has a result. `lang` is the language of the remedies
    /// that results do not contain, and of the reasons why results cannot be read.
    ///
    /// The folder must not exist, be empty, or hold results that were collected before. Results of
    /// an earlier queue are moved into a folder of their own, because they exist nowhere else.
    ///
    /// # Errors
    /// Redis is unavailable, the files cannot be written, or the queue was removed meanwhile.
    /// Results that were collected before still exist then.
    pub fn collect(
        &self,
        dir: &Path,
        follow: bool,
        lang: Lang,
        stop: &StopFlag,
        observer: &mut dyn FnMut(&QueuedResult),
    ) -> Result<Collected, BulkError> {
        let queue_id = self.status()?.id;
        let mut writer = ReportWriter::for_queue(dir, &self.keys.prefix, &queue_id, lang)?;
        let decisions = self.decisions(lang, stop)?;
        let decide = |result: &mut QueuedResult| {
            let place = place_of(&result.job, result.record.row.line);
            if let Some(decision) = decisions.get(&place) {
                decision.apply(&mut result.record);
            }
        };
        let (mut after, mut results) = ("0".to_owned(), 0);
        // The results are read twice, because a file begins with the names of all columns.
        let mut names = OtherNames::default();
        loop {
            // Checked before the results are read, so that none is missed in between.
            let is_last = !follow || stop.is_requested() || self.status()?.is_finished();
            after = self.results(&after, lang, stop, &mut |mut result| {
                decide(&mut result);
                observer(&result);
                results += 1;
                names.add(&result.record.row.other);
                Ok(())
            })?;
            if is_last {
                break;
            }
            stop.sleep(RESULT_POLL_INTERVAL);
        }
        writer.set_other_columns(names.into_names());
        let mut written = 0;
        let mut place = "0".to_owned();
        while place != after {
            let results = self.read_results(&place, &after, lang, stop)?;
            let Some((id, _)) = results.last() else { break };
            place = id.clone();
            for (_, mut result) in results {
                decide(&mut result);
                writer.add(&result.record)?;
                written += 1;
            }
        }
        // If there was neither a queue nor a result, it does not matter that there is one now.
        let was_empty = queue_id.is_empty() && results == 0;
        if (self.status()?.id != queue_id || written != results) && !was_empty {
            return Err(BulkError::retry(message!(
                "the queue was removed while its results were being collected: another process \
                 collected them. These results are not kept; use the files of the other process",
                "收集结果期间队列被删除：结果已由另一个进程收集。本次结果未保存，请使用另一个进程的文件"
            )));
        }
        Ok(Collected {
            report: writer.finish()?,
            results,
            queue_id,
        })
    }

    /// Removes the queue and its results in one step, if all rows have a result and `collected`
    /// contains all of them. Does nothing if the queue was removed before.
    ///
    /// # Errors
    /// Rows or uncollected results are left, or Redis is unavailable. The queue still exists then.
    pub fn purge(&self, collected: &Collected) -> Result<(), BulkError> {
        let results = collected.results.to_string();
        let arguments = [collected.queue_id.as_str(), &results];
        let obstacle: String = self.run_script(&no_patience(), scripts::PURGE, &arguments)?;
        match obstacle.as_str() {
            "results" => Err(BulkError::retry(message!(
                "the queue was not removed: it has results that were not collected. Collect again",
                "队列未删除：还有未收集的结果。请再次收集"
            ))),
            "rows" => Err(BulkError::usage(message!(
                "the queue was not removed: some rows have no result yet. Wait for the workers",
                "队列未删除：还有行没有结果。请等待工作进程完成"
            ))),
            _ => Ok(()),
        }
    }

    /// Removes the names of workers that were killed long ago and hold no account.
    fn forget_dead_workers(&self, stop: &StopFlag) -> Result<(), BulkError> {
        for worker in self.status_until(stop)?.workers {
            if worker.accounts == 0 && worker.silent_ms > FORGET_WORKER_AFTER_MS {
                self.run_script::<u64>(stop, scripts::REMOVE_CONSUMER, &[&worker.name])?;
            }
        }
        Ok(())
    }

    fn run_script<T: FromRedisValue>(
        &self,
        stop: &StopFlag,
        script: &str,
        arguments: &[&str],
    ) -> Result<T, BulkError> {
        let script = LuaScript::new(script);
        self.connection
            .run_script(stop, &script, &self.keys.prefix, arguments)
    }
}

impl Push<'_> {
    fn progress(&self) -> PushProgress {
        PushProgress {
            pushed: self.pushed,
            rows: self.rows,
        }
    }

    /// Pushes a batch of rows and empties it.
    fn push_batch(&mut self, batch: &mut Vec<PushedRow>) -> Result<(), BulkError> {
        let (job, pushed, rows) = (&self.job, self.pushed, self.rows);
        if self.stop.is_requested() {
            return Err(BulkError::interrupted(message!(
                "interrupted: {pushed} of {rows} rows are pushed. Push the same rows again to \
                 resume",
                "已中断：{rows} 行中已推送 {pushed} 行。再次推送相同的行即可继续"
            )));
        }
        let expected = pushed + batch.len() as u64;
        let before = pushed.to_string();
        let mut arguments = vec![job.as_str(), &before, &self.queue_id];
        for PushedRow { account, text } in batch.iter() {
            arguments.extend([account.as_str(), text]);
        }
        let (connection, key) = (&self.queue.connection, &self.queue.keys.prefix);
        let result: i64 = connection.run_script(self.stop, &self.script, key, &arguments)?;
        if result < 0 {
            return Err(BulkError::retry(message!(
                "the queue was removed while the job {job} was being pushed ({pushed} of {rows} \
                 rows). Push it again",
                "推送任务 {job} 期间队列被删除（{rows} 行中已推送 {pushed} 行）。请重新推送"
            )));
        }
        // The number is also as expected if an earlier attempt succeeded and its answer was lost.
        if u64::try_from(result) != Ok(expected) {
            return Err(BulkError::retry(message!(
                "another process pushes the job {job} at the same time. Let it finish",
                "另一个进程正在推送任务 {job}。请等待其完成"
            )));
        }
        self.pushed = expected;
        batch.clear();
        Ok(())
    }
}

impl PushedRow {
    fn new(job: &str, row: Row) -> Result<PushedRow, BulkError> {
        let account = row.account.clone();
        let queued = QueuedRow {
            job: job.to_owned(),
            row,
        };
        let text = serde_json::to_string(&queued).map_err(|error| {
            BulkError::usage(message!(
                "a row could not be written: {error}",
                "无法写入行：{error}"
            ))
        })?;
        Ok(PushedRow { account, text })
    }
}

/// A stop flag that is already set, so that an unavailable Redis is retried for a short time only.
fn no_patience() -> StopFlag {
    let stop = StopFlag::default();
    stop.request();
    stop
}

/// The result that stands for one that cannot be read.
fn invalid_result(id: &str, error: &serde_json::Error, lang: Lang) -> QueuedResult {
    let why = message!(
        "the queue contains an invalid result, {id}: {error}. Another program changed it",
        "队列中有无效的结果 {id}：{error}。它已被其他程序修改"
    );
    QueuedResult {
        job: String::new(),
        record: Record {
            row: Row {
                line: 0,
                account: String::new(),
                appid: String::new(),
                notify_users: false,
                show_profile: false,
                other: OtherCells::default(),
            },
            outcome: Outcome::Unknown,
            errcode: 0,
            rid: String::new(),
            message: why.get(lang).to_owned(),
            posts: 0,
            until: None,
            at: unix_now(),
        },
    }
}
