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

/// The results of a queue that were written into files.
#[derive(Clone, Debug)]
pub struct Collected {
    /// The files.
    pub report: Report,
    /// How many results there are in them.
    pub read: u64,
    /// The queue they are of.
    id: String,
}

/// How a queue stands, at one moment.
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
    /// Tells the queue from a later one of the same name; empty if nothing was ever pushed.
    #[serde(skip)]
    id: String,
}

/// What the script answers: see [`scripts::STANDING`].
type Parts = (
    String,
    HashMap<String, u64>,
    u64,
    u64,
    Vec<(String, f64)>,
    Vec<(String, u64)>,
    HashMap<String, u64>,
    Vec<HashMap<String, redis::Value>>,
);

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
    /// `rows` is called twice, first to see whether they are all valid.
    ///
    /// Without a name a job is named by what its rows hold. Answers the name and how many rows were new.
    ///
    /// # Errors
    /// Rows are invalid, or change between the two readings; the queue is removed meanwhile; Redis
    /// cannot be reached.
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
        let id = crate::folder::random();
        let begin = redis::Script::new(scripts::BEGIN);
        let (before, id): (i64, String) = self.ask(stop, |c| {
            let mut call = begin.key(&self.prefix);
            call.arg(&job).arg(about.rows).arg(about.crc32);
            call.arg(micros(rates.all)).arg(micros(rates.account));
            call.arg(&id).invoke(c)
        })?;
        let Ok(mut pushed) = u64::try_from(before) else {
            return Err(BulkError::usage(format!(
                "the job {job} has other rows already; push these under another name (--job)"
            )));
        };
        let new = about.rows - pushed.min(about.rows);
        let script = redis::Script::new(scripts::PUSH);
        let mut sum = crc32fast::Hasher::new();
        let mut some = Vec::with_capacity(PUSH);
        let mut rows = rows()?;
        let mut nth = 0;
        loop {
            let row = rows.next().transpose();
            let row = row.map_err(|bad| changed(&bad.to_string()))?;
            let is_last = row.is_none();
            if let Some(row) = row {
                sum.update(&crate::job::text_of(&row));
                nth += 1;
                if nth > pushed {
                    let account = row.account.clone();
                    let queued = Queued {
                        job: job.clone(),
                        row,
                    };
                    let text = serde_json::to_string(&queued);
                    some.push((account, text.map_err(|e| changed(&e.to_string()))?));
                }
            }
            if some.len() == PUSH || (is_last && !some.is_empty()) {
                let left = || format!("{pushed} of {} rows are pushed", about.rows);
                if stop.is_asked() {
                    return Err(BulkError::interrupted(format!(
                        "interrupted; {}, push the same again to go on",
                        left()
                    )));
                }
                let expected = pushed + some.len() as u64;
                let told: i64 = self.ask(stop, |c| {
                    let mut call = script.key(&self.prefix);
                    call.arg(&job).arg(pushed).arg(&id);
                    for (account, text) in &some {
                        call.arg(account).arg(text);
                    }
                    call.invoke(c)
                })?;
                if told < 0 {
                    return Err(BulkError::again(format!(
                        "the queue was removed while the job {job} was being pushed ({}); \
                         push it again",
                        left()
                    )));
                }
                // The answer of an earlier try may have been lost.
                if u64::try_from(told) != Ok(expected) {
                    return Err(BulkError::again(format!(
                        "another process pushes the job {job} at the same time; let it finish"
                    )));
                }
                pushed = expected;
                some.clear();
                progress(pushed);
            }
            if is_last {
                break;
            }
        }
        if nth != about.rows || sum.finalize() != about.crc32 {
            return Err(changed("they are others than at the first reading"));
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
        self.standing_until(&stop)
    }

    /// The same, waiting for Redis until then.
    fn standing_until(&self, stop: &Stop) -> Result<Standing, BulkError> {
        let script = redis::Script::new(scripts::STANDING);
        let (id, counts, accounts, later, first, of_jobs, there, workers): Parts =
            self.ask(stop, |c| script.key(&self.prefix).invoke(c))?;
        let of = |name: &str| counts.get(name).copied().unwrap_or(0);
        let ended: Vec<(Outcome, u64)> = Outcome::ALL
            .into_iter()
            .filter(|o| *o != Outcome::Deferred)
            .map(|o| (o, of(o.word())))
            .filter(|(_, n)| *n > 0)
            .collect();
        let jobs = of_jobs.into_iter().map(|(job, rows)| {
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
            workers: workers.iter().map(worker).collect(),
            jobs: jobs.collect(),
            id,
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

    /// Writes a CSV for each outcome from the results, and tells of each; if `follow`, until every
    /// row has one. The folder is not there, is empty, or holds results that were collected before;
    /// results of an earlier queue are set aside in a folder of their own, for they are nowhere
    /// else.
    ///
    /// # Errors
    /// Redis cannot be reached, the files cannot be written, or the queue was removed meanwhile.
    /// What was collected before is still there then.
    pub fn collect(
        &self,
        dir: &Path,
        follow: bool,
        stop: &Stop,
        tell: &mut dyn FnMut(&Arrived),
    ) -> Result<Collected, BulkError> {
        let id = self.standing()?.id;
        let mut files = Files::of_a_queue(dir, &self.prefix, &id)?;
        let (mut after, mut read) = ("0".to_owned(), 0);
        loop {
            // Asked before the last look, so that nothing comes between.
            let last = !follow || stop.is_asked() || self.standing()?.is_over();
            after = self.results(&after, stop, &mut |arrived| {
                tell(&arrived);
                read += 1;
                files.put(&arrived.record)
            })?;
            if last {
                break;
            }
            stop.pause(LOOK);
        }
        // Where there was no queue and no result, it does not matter that there is one by now.
        if self.standing()?.id != id && !(id.is_empty() && read == 0) {
            return Err(BulkError::again(
                "the queue was removed while its results were being collected: another process \
                 collected them. What was read here is not kept; use the files of the other one",
            ));
        }
        let report = files.end()?;
        Ok(Collected { report, read, id })
    }

    /// Removes a queue whose rows have all ended, results included, if these are all of them.
    /// Nothing comes between the look and the removal.
    ///
    /// # Errors
    /// Rows are left, or results that were not collected; Redis cannot be reached.
    pub fn purge(&self, collected: &Collected) -> Result<(), BulkError> {
        let stop = Stop::default();
        stop.ask();
        let script = redis::Script::new(scripts::PURGE);
        let told: String = self.ask(&stop, |c| {
            let mut call = script.key(&self.prefix);
            call.arg(&collected.id).arg(collected.read).invoke(c)
        })?;
        match told.as_str() {
            "results" => Err(BulkError::again(
                "the queue was not removed: it has results that were not collected. Collect again",
            )),
            "rows" => Err(BulkError::usage(
                "the queue was not removed: not all rows have ended. Wait for the workers",
            )),
            _ => Ok(()),
        }
    }

    /// Takes the names of those off the list that were killed long ago and have nothing in hand any more.
    fn forget_the_dead(&self, stop: &Stop) -> Result<(), BulkError> {
        let forget = redis::Script::new(scripts::FORGET);
        for (name, pending, silent) in self.standing_until(stop)?.workers {
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

/// A worker, with how many accounts it has in hand, and for how long it has said nothing (ms).
fn worker(info: &HashMap<String, redis::Value>) -> (String, u64, u64) {
    let text = |name: &str| {
        let value = info.get(name);
        let text = value.and_then(|v| redis::from_redis_value_ref::<String>(v).ok());
        text.unwrap_or_default()
    };
    let number = |name| text(name).parse().unwrap_or(0);
    (text("name"), number("pending"), number("idle"))
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
