//! The same work on many machines: accounts in a Redis stream, outcomes in another.
//!
//! What is in the stream are accounts, not rows: an account has one entry at a time, and its rows wait in a list. So
//! its rows are dealt with in their order and by one worker at a time, whoever pushed them and whenever. A row leaves
//! the list and its result enters the results in one step, which is why it ends there exactly once.

mod line;
mod scripts;
mod visit;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use redis::{Client, IntoConnectionInfo, cmd};
use serde::{Deserialize, Serialize};
use wxlink::redis_connection::Connection;

use crate::engine::{Crew, End, Stop};
use crate::error::BulkError;
use crate::local::Rates;
use crate::outcome::{Outcome, Record};
use crate::pace::Rate;
use crate::report::{Files, Report};
use crate::row::{BadRow, Row};
use crate::sync::lock;
use line::Line;

/// How many rows are pushed at once.
const PUSH: usize = 500;
/// How many results are read at once.
const RESULTS: usize = 1000;

/// Between two looks for results.
const LOOK: Duration = Duration::from_millis(500);
const DAY_MS: u64 = 86_400_000;

/// A queue in a Redis, or Valkey.
pub struct Queue {
    client: Client,
    prefix: String,
    line: Mutex<Line>,
}

/// A row in the queue.
#[derive(Serialize, Deserialize)]
struct Queued {
    job: String,
    #[serde(flatten)]
    row: Row,
}

/// What became of a row, and whose it was.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Arrived {
    /// The job it was pushed with.
    pub job: String,
    /// What became of it.
    #[serde(flatten)]
    pub record: Record,
}

/// How a queue stands.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Standing {
    /// Rows that were pushed, ever.
    pub pushed: u64,
    /// Rows that ended, by outcome.
    pub ended: Vec<(Outcome, u64)>,
    /// Rows whose quota is used up.
    pub deferred: u64,
    /// Rows that wait for a worker, or are being dealt with.
    pub waiting: u64,
    /// Accounts that wait for a worker, or are being visited.
    pub accounts: u64,
    /// Accounts that are put off, or whose quota is used up.
    pub later: u64,
    /// When the first of them is due (Unix time, s).
    pub next_due: Option<u64>,
    /// Who works, how many accounts they have in hand, and for how long they have said nothing (ms).
    pub workers: Vec<(String, u64, u64)>,
    /// Jobs that were begun to be pushed, with how many of their rows are there and how many there are to be.
    pub jobs: Vec<(String, u64, u64)>,
}

impl Standing {
    /// Rows that ended.
    pub fn total(&self) -> u64 {
        self.ended.iter().map(|(_, n)| n).sum()
    }

    /// Whether every row that was pushed has ended.
    pub fn is_over(&self) -> bool {
        self.waiting == 0 && self.deferred == 0 && self.jobs.iter().all(|(_, n, of)| n == of)
    }
}

/// How a worker works.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    lease: Duration,
    stay: bool,
}

impl Terms {
    /// `lease`: after how long without a sign of life a worker's accounts are another's. `stay`: whether to wait for
    /// more when all is done.
    ///
    /// # Errors
    /// The lease is less than twice the client's time limit.
    pub fn new(lease: Duration, stay: bool, client: &wxlink::Client) -> Result<Terms, BulkError> {
        let timeout = client.timeout();
        if lease < timeout * 2 {
            return Err(BulkError::usage(format!(
                "a lease of {} s is less than twice timeout_ms ({} ms): a worker that waits for an answer would lose \
                 its account to another",
                lease.as_secs(),
                timeout.as_millis()
            )));
        }
        Ok(Terms { lease, stay })
    }
}

impl Queue {
    /// A queue of that name; nothing is connected yet. Queues of different names know nothing of each other.
    ///
    /// # Errors
    /// What is wrong with the URL, or the name.
    pub fn new(url: &str, name: &str) -> Result<Queue, BulkError> {
        let takes = "the queue is to be redis://[USER:PASSWORD@]HOST[:PORT][/DB] or rediss://…";
        let known = url.starts_with("redis://") || url.starts_with("rediss://");
        if !known || url.into_connection_info().is_err() {
            return Err(BulkError::usage(takes));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
            return Err(BulkError::usage(
                "the name of a queue is 1 to 64 letters, digits, '-', '_' and '.'",
            ));
        }
        let client = Client::open(url).map_err(|_| BulkError::usage(takes))?;
        Ok(Queue {
            line: Mutex::new(Line::new(&client)),
            client,
            // The braces keep all of it on one node of a cluster.
            prefix: format!("{{wxlink:{name}}}:"),
        })
    }

    /// Pushes rows. Whoever pushes the same job again goes on where it was left off, so that nothing is pushed twice;
    /// `rows` is called twice, first to see whether they all make sense.
    ///
    /// Without a name a job is named by what its rows hold. Answers the name and how many rows were new.
    ///
    /// # Errors
    /// Rows make no sense; Redis cannot be reached.
    pub fn push<I: Iterator<Item = Result<Row, BadRow>>>(
        &self,
        rows: impl Fn() -> Result<I, BulkError>,
        job: Option<&str>,
        rates: Rates,
        stop: &Stop,
        progress: &dyn Fn(u64),
    ) -> Result<(String, u64), BulkError> {
        let about = crate::job::survey(rows()?, |_, _| Ok(()))?;
        let job = match job {
            Some(name) => name.to_owned(),
            None => format!("{:08x}-{}", about.crc32, about.rows),
        };
        let (jobs, of_jobs) = (self.key("jobs"), self.key("jobs:rows"));
        let before: Option<u64> = self.ask(stop, |c| cmd("HGET").arg(&jobs).arg(&job).query(c))?;
        let mut pushed = before.unwrap_or(0);
        let known: Option<u64> =
            self.ask(stop, |c| cmd("HGET").arg(&of_jobs).arg(&job).query(c))?;
        let sums = self.key("jobs:sums");
        let sum: Option<u32> = self.ask(stop, |c| cmd("HGET").arg(&sums).arg(&job).query(c))?;
        let other = |sum: u32| sum != about.crc32;
        if known.is_some_and(|known| known != about.rows) || sum.is_some_and(other) {
            return Err(BulkError::usage(format!(
                "the job {job} has other rows already; push these under another name (--job)"
            )));
        }
        self.ask::<()>(stop, |c| {
            cmd("HSET")
                .arg(&of_jobs)
                .arg(&job)
                .arg(about.rows)
                .query::<()>(c)?;
            cmd("HSET")
                .arg(&sums)
                .arg(&job)
                .arg(about.crc32)
                .query::<()>(c)?;
            let limits = self.key("limits");
            cmd("HSET")
                .arg(&limits)
                .arg("all")
                .arg(micros(rates.all))
                .arg("account")
                .arg(micros(rates.account))
                .query(c)
        })?;
        self.make_group(stop)?;
        let new = about.rows - pushed.min(about.rows);
        let script = redis::Script::new(scripts::PUSH);
        let mut rows = rows()?.skip(usize::try_from(pushed).unwrap_or(usize::MAX));
        loop {
            let mut some = Vec::with_capacity(PUSH);
            for row in rows.by_ref().take(PUSH) {
                let row = row.map_err(|bad| changed(&bad.to_string()))?;
                let account = row.account.clone();
                let queued = Queued {
                    job: job.clone(),
                    row,
                };
                let text = serde_json::to_string(&queued);
                some.push((account, text.map_err(|e| changed(&e.to_string()))?));
            }
            if some.is_empty() {
                break;
            }
            if stop.is_asked() {
                return Err(BulkError::interrupted(format!(
                    "interrupted; {pushed} of {} rows are pushed, push the same again to go on",
                    about.rows
                )));
            }
            let expected = pushed + some.len() as u64;
            let told: u64 = self.ask(stop, |c| {
                let mut call = script.key(&self.prefix);
                call.arg(&job).arg(pushed);
                for (account, text) in &some {
                    call.arg(account).arg(text);
                }
                call.invoke(c)
            })?;
            // The answer of an earlier try may have been lost.
            if told != expected {
                return Err(BulkError::again(format!(
                    "another process pushes the job {job} at the same time; let it finish"
                )));
            }
            pushed = told;
            progress(pushed);
        }
        Ok((job, new))
    }

    /// Works until nothing is left but what is due later, or for good.
    ///
    /// # Errors
    /// Redis is away for ten minutes, or the system is out of threads. Nothing is lost: who works next goes on.
    pub fn work(&self, crew: &Crew<'_>, terms: Terms) -> Result<End, BulkError> {
        self.make_group(crew.stop)?;
        self.forget_the_dead(crew.stop)?;
        let limits = self.key("limits");
        let limits: (Option<u64>, Option<u64>) = self.ask(crew.stop, |c| {
            cmd("HMGET").arg(&limits).arg("all").arg("account").query(c)
        })?;
        let rate = |micros: Option<u64>| micros.unwrap_or(0);
        let desk = visit::Shared::new(self, terms, (rate(limits.0), rate(limits.1)));
        let end = crew.work(&desk);
        desk.sign_off(crew.stop);
        end
    }

    /// How it stands.
    ///
    /// # Errors
    /// Redis cannot be reached.
    pub fn standing(&self) -> Result<Standing, BulkError> {
        let stop = Stop::default();
        stop.ask();
        self.make_group(&stop)?;
        let key = |name| self.key(name);
        let counts: Vec<(String, u64)> =
            self.ask(&stop, |c| cmd("HGETALL").arg(key("counts")).query(c))?;
        let of = |name: &str| {
            counts
                .iter()
                .find(|(n, _)| n == name)
                .map_or(0, |(_, n)| *n)
        };
        let ended: Vec<(Outcome, u64)> = Outcome::ALL
            .into_iter()
            .filter(|o| *o != Outcome::Deferred)
            .map(|o| (o, of(o.word())))
            .filter(|(_, n)| *n > 0)
            .collect();
        let accounts: u64 = self.ask(&stop, |c| cmd("XLEN").arg(key("accounts")).query(c))?;
        let later: u64 = self.ask(&stop, |c| cmd("ZCARD").arg(key("later")).query(c))?;
        let first: Vec<(String, f64)> = self.ask(&stop, |c| {
            let mut range = cmd("ZRANGE");
            range.arg(key("later")).arg(0).arg(0).arg("WITHSCORES");
            range.query(c)
        })?;
        let pushed_of: Vec<(String, u64)> =
            self.ask(&stop, |c| cmd("HGETALL").arg(key("jobs:rows")).query(c))?;
        let there: HashMap<String, u64> =
            self.ask(&stop, |c| cmd("HGETALL").arg(key("jobs")).query(c))?;
        let jobs = pushed_of.into_iter().map(|(job, rows)| {
            let pushed = there.get(&job).copied().unwrap_or(0);
            (job, pushed, rows)
        });
        let mut standing = Standing {
            pushed: of("pushed"),
            deferred: of("deferred"),
            waiting: 0,
            ended,
            accounts,
            later,
            next_due: first.first().map(|(_, ms)| (*ms / 1000.0) as u64),
            workers: self.workers(&stop)?,
            jobs: jobs.collect(),
        };
        let gone = standing.total() + standing.deferred;
        standing.waiting = standing.pushed.saturating_sub(gone);
        Ok(standing)
    }

    /// Reads results from after that place in the stream (`0` is its beginning), and says where it ended.
    ///
    /// # Errors
    /// Redis cannot be reached, or `tell` failed.
    pub fn results(
        &self,
        after: &str,
        stop: &Stop,
        tell: &mut dyn FnMut(Arrived) -> Result<(), BulkError>,
    ) -> Result<String, BulkError> {
        let mut after = after.to_owned();
        loop {
            let some: Vec<(String, Vec<String>)> = self.ask(stop, |c| {
                let mut range = cmd("XRANGE");
                range
                    .arg(self.key("results"))
                    .arg(format!("({after}"))
                    .arg("+");
                range.arg("COUNT").arg(RESULTS).query(c)
            })?;
            let whole = some.len() == RESULTS;
            for (id, fields) in some {
                let text = fields.get(1).map(String::as_str).unwrap_or_default();
                let arrived = serde_json::from_str(text).map_err(|e| {
                    BulkError::usage(format!("a result in the queue makes no sense: {e}"))
                })?;
                tell(arrived)?;
                after = id;
            }
            if !whole || stop.is_asked() {
                return Ok(after);
            }
        }
    }

    /// Writes a CSV for each outcome from the results, and tells of each; if `follow`, until every row has one.
    ///
    /// # Errors
    /// Redis cannot be reached, or the files cannot be written.
    pub fn collect(
        &self,
        dir: &Path,
        follow: bool,
        stop: &Stop,
        tell: &mut dyn FnMut(&Arrived),
    ) -> Result<Report, BulkError> {
        let mut files = Files::begin(dir)?;
        let mut after = "0".to_owned();
        loop {
            // Asked before the last look, so that nothing comes between.
            let last = !follow || stop.is_asked() || self.standing()?.is_over();
            after = self.results(&after, stop, &mut |arrived| {
                tell(&arrived);
                files.put(&arrived.record)
            })?;
            if last {
                return files.end();
            }
            stop.pause(LOOK);
        }
    }

    /// Removes a queue whose rows have all ended, results included, of which so many were read.
    ///
    /// # Errors
    /// Rows are left, or results that were not read; Redis cannot be reached.
    pub fn purge(&self, read: u64) -> Result<(), BulkError> {
        let standing = self.standing()?;
        if standing.total() > read {
            return Err(BulkError::again(
                "results came meanwhile that were not collected; collect again, then the queue can be removed",
            ));
        }
        if !standing.is_over() {
            return Err(BulkError::usage(
                "not all rows have ended; a queue is removed when they have",
            ));
        }
        let stop = Stop::default();
        stop.ask();
        // The brace is no pattern's.
        let pattern = format!("{}*", self.prefix);
        let mut cursor = 0_u64;
        loop {
            let (next, keys): (u64, Vec<String>) = self.ask(&stop, |c| {
                let mut scan = cmd("SCAN");
                scan.arg(cursor)
                    .arg("MATCH")
                    .arg(&pattern)
                    .arg("COUNT")
                    .arg(1000);
                scan.query(c)
            })?;
            if !keys.is_empty() {
                self.ask::<u64>(&stop, |c| cmd("UNLINK").arg(&keys).query(c))?;
            }
            if next == 0 {
                return Ok(());
            }
            cursor = next;
        }
    }

    /// The workers, with how many accounts they have in hand, and for how long they have said nothing (ms).
    fn workers(&self, stop: &Stop) -> Result<Vec<(String, u64, u64)>, BulkError> {
        let accounts = self.key("accounts");
        let workers: Vec<HashMap<String, redis::Value>> = self.ask(stop, |c| {
            let mut info = cmd("XINFO");
            info.arg("CONSUMERS").arg(&accounts).arg(scripts::GROUP);
            info.query(c)
        })?;
        let text = |v: Option<&redis::Value>| {
            let text = v.and_then(|v| redis::from_redis_value_ref::<String>(v).ok());
            text.unwrap_or_default()
        };
        let told = workers.iter().map(|w| {
            let number = |name| text(w.get(name)).parse().unwrap_or(0);
            (text(w.get("name")), number("pending"), number("idle"))
        });
        Ok(told.collect())
    }

    /// Takes the names of those off the list that were killed long ago and have nothing in hand any more.
    fn forget_the_dead(&self, stop: &Stop) -> Result<(), BulkError> {
        let forget = redis::Script::new(scripts::FORGET);
        for (name, pending, silent) in self.workers(stop)? {
            if pending == 0 && silent > DAY_MS {
                self.ask::<u64>(stop, |c| forget.key(&self.prefix).arg(&name).invoke(c))?;
            }
        }
        Ok(())
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn make_group(&self, stop: &Stop) -> Result<(), BulkError> {
        let accounts = self.key("accounts");
        self.ask(stop, |c| create_group(c, &accounts))
    }

    fn ask<T: redis::FromRedisValue>(
        &self,
        stop: &Stop,
        work: impl Fn(&mut Connection) -> Result<T, redis::RedisError>,
    ) -> Result<T, BulkError> {
        lock(&self.line).ask(stop, work)
    }
}

fn create_group(c: &mut Connection, accounts: &str) -> Result<(), redis::RedisError> {
    let mut create = cmd("XGROUP");
    create.arg("CREATE").arg(accounts).arg(scripts::GROUP);
    match create.arg("0").arg("MKSTREAM").query::<()>(c) {
        Err(e) if e.code() == Some("BUSYGROUP") => Ok(()),
        done => done,
    }
}

/// Where the queue was removed there is nothing, and a new one.
fn or_anew<T: Default>(
    told: Result<T, redis::RedisError>,
    c: &mut Connection,
    accounts: &str,
) -> Result<T, redis::RedisError> {
    match told {
        Err(e) if e.code() == Some("NOGROUP") => create_group(c, accounts).map(|()| T::default()),
        told => told,
    }
}

fn micros(rate: Rate) -> u64 {
    u64::try_from(rate.pause().as_micros()).unwrap_or(u64::MAX)
}

fn changed(why: &str) -> BulkError {
    BulkError::usage(format!(
        "the rows changed while they were being pushed: {why}"
    ))
}
