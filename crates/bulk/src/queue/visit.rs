//! A worker's side of the queue.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use redis::cmd;
use wxlink::redis_connection::Connection;

use super::line::Line;
use super::scripts::{self, Of};
use super::{Arrived, Queue, Queued, Terms, or_anew};
use crate::engine::{Desk, PutOff, Stop, Visit};
use crate::error::BulkError;
use crate::outcome::{Outcome, Record};
use crate::row::Row;
use crate::sync::lock;

/// How many of an account's rows are read at once.
const ROWS: usize = 200;
/// How long Redis is asked to wait for a new account (ms).
const BLOCK_MS: u64 = 200;
/// What is due within so long is waited for.
const SOON: Duration = Duration::from_secs(90);
/// Where the list of entries in hand begins.
const BEGINNING: &str = "0-0";
/// How often dead workers' accounts and such as are due are looked for, as a part of the lease.
const LOOKS: u32 = 4;

/// A crew's place at the queue: each of its workers is a consumer of its own.
pub(super) struct Shared<'a> {
    queue: &'a Queue,
    terms: Terms,
    /// Pauses between calls (µs), over all and for an account.
    pauses: (u64, u64),
    name: String,
    consumers: AtomicU64,
    /// Those that have no account in hand.
    idle: Mutex<Vec<Consumer>>,
    looked: Mutex<Option<Instant>>,
    turn: redis::Script,
    done: redis::Script,
    leave: redis::Script,
}

struct Consumer {
    name: String,
    line: Line,
}

impl<'a> Shared<'a> {
    pub fn new(queue: &'a Queue, terms: Terms, pauses: (u64, u64)) -> Shared<'a> {
        let dice = RandomState::new().hash_one(std::process::id());
        Shared {
            queue,
            terms,
            pauses,
            name: format!("{}-{:08x}", std::process::id(), dice >> 32),
            consumers: AtomicU64::new(0),
            idle: Mutex::default(),
            looked: Mutex::default(),
            turn: scripts::of_visit(Of::Turn),
            done: scripts::of_visit(Of::Done),
            leave: scripts::of_visit(Of::Leave),
        }
    }

    /// Takes the names of this crew's consumers off the list, as far as they have nothing in hand.
    pub fn sign_off(&self, stop: &Stop) {
        let forget = redis::Script::new(scripts::FORGET);
        for mut consumer in self.idle().drain(..) {
            let (prefix, name) = (&self.queue.prefix, consumer.name);
            // Another look would find them idle; that is all.
            let _ = consumer
                .line
                .ask::<u64>(stop, |c| forget.key(prefix).arg(&name).invoke(c));
        }
    }

    /// The next account for a consumer: a new one, or a dead worker's.
    fn next(&self, consumer: &mut Consumer, stop: &Stop) -> Result<Next, BulkError> {
        let accounts = self.queue.key("accounts");
        let line = &mut consumer.line;
        if self.is_time_to_look() {
            let due = redis::Script::new(scripts::DUE);
            let prefix = &self.queue.prefix;
            line.ask::<u64>(stop, |c| due.key(prefix).invoke(c))?;
            let lease = u64::try_from(self.terms.lease.as_millis()).unwrap_or(u64::MAX);
            // It looks at some ten entries in a go: those of the living may come first.
            let mut from = BEGINNING.to_owned();
            loop {
                let dead: Claimed = line.ask(stop, |c| {
                    let mut claim = cmd("XAUTOCLAIM");
                    claim.arg(&accounts).arg(scripts::GROUP).arg(&consumer.name);
                    let told = claim.arg(lease).arg(&from).arg("COUNT").arg(1).query(c);
                    or_anew(told, c, &accounts)
                })?;
                if let Some(taken) = taken(dead.entries) {
                    // There may be more of them.
                    *self.looked() = None;
                    return Ok(Next::Account(taken));
                }
                if dead.next.is_empty() || dead.next == BEGINNING {
                    break;
                }
                from = dead.next;
            }
        }
        let new: Option<Vec<(String, Vec<Entry>)>> = line.ask(stop, |c| {
            let mut read = cmd("XREADGROUP");
            read.arg("GROUP").arg(scripts::GROUP).arg(&consumer.name);
            read.arg("COUNT").arg(1).arg("BLOCK").arg(BLOCK_MS);
            let told = read.arg("STREAMS").arg(&accounts).arg(">").query(c);
            or_anew(told, c, &accounts)
        })?;
        let new = new.and_then(|streams| taken(streams.into_iter().next()?.1));
        if let Some(taken) = new {
            return Ok(Next::Account(taken));
        }
        // Others may still die with what they have in hand.
        let left: u64 = line.ask(stop, |c| cmd("XLEN").arg(&accounts).query(c))?;
        if left > 0 || self.terms.stay {
            return Ok(Next::Nothing);
        }
        let later = self.queue.key("later");
        let soon: u64 = line.ask(stop, |c| {
            let (seconds, _): (u64, u64) = cmd("TIME").query(c)?;
            let until = (seconds + SOON.as_secs()) * 1000;
            cmd("ZCOUNT").arg(&later).arg("-inf").arg(until).query(c)
        })?;
        Ok(match soon {
            0 => Next::Over,
            _ => Next::Nothing,
        })
    }

    fn is_time_to_look(&self) -> bool {
        let mut looked = self.looked();
        let every = (self.terms.lease / LOOKS).min(Duration::from_secs(1));
        let due = looked.is_none_or(|at| at.elapsed() >= every);
        if due {
            *looked = Some(Instant::now());
        }
        due
    }

    fn looked(&self) -> MutexGuard<'_, Option<Instant>> {
        lock(&self.looked)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Consumer>> {
        lock(&self.idle)
    }
}

/// What was claimed of the dead's, and where to go on. Redis 6.2 says just that, later ones a third thing as well.
#[derive(Default)]
struct Claimed {
    next: String,
    entries: Vec<Entry>,
}

impl redis::FromRedisValue for Claimed {
    fn from_redis_value(value: redis::Value) -> Result<Claimed, redis::ParsingError> {
        let mut parts = match value {
            redis::Value::Array(parts) => parts.into_iter(),
            _ => Vec::new().into_iter(),
        };
        let mut part = || parts.next().unwrap_or(redis::Value::Nil);
        Ok(Claimed {
            next: redis::from_redis_value(part())?,
            entries: redis::from_redis_value(part())?,
        })
    }
}

/// An entry of the stream, and its fields if it was not deleted meanwhile.
type Entry = (String, Option<Vec<String>>);

enum Next {
    /// An entry, and the account it stands for.
    Account((String, String)),
    Nothing,
    Over,
}

fn taken(entries: Vec<Entry>) -> Option<(String, String)> {
    let (id, fields) = entries.into_iter().next()?;
    Some((id, fields?.into_iter().nth(1)?))
}

impl Desk for Shared<'_> {
    fn take(&self, stop: &Stop) -> Result<Option<Box<dyn Visit + '_>>, BulkError> {
        let idle = self.idle().pop();
        let mut consumer = idle.unwrap_or_else(|| Consumer {
            name: format!(
                "{}-{}",
                self.name,
                self.consumers.fetch_add(1, Ordering::Relaxed)
            ),
            line: Line::new(&self.queue.client),
        });
        loop {
            let next = match stop.is_asked() {
                true => Next::Over,
                false => self.next(&mut consumer, stop)?,
            };
            match next {
                Next::Nothing => {}
                Next::Over => {
                    self.idle().push(consumer);
                    return Ok(None);
                }
                Next::Account((entry, account)) => {
                    let tries = self.queue.key("tries");
                    let confirmed = Instant::now();
                    let tries: Option<usize> = consumer
                        .line
                        .ask(stop, |c| cmd("HGET").arg(&tries).arg(&account).query(c))?;
                    return Ok(Some(Box::new(SharedVisit {
                        shared: self,
                        consumer: Some(consumer),
                        entry,
                        account,
                        tries: tries.unwrap_or(0),
                        rows: VecDeque::new(),
                        confirmed,
                        stop: stop.clone(),
                    })));
                }
            }
        }
    }
}

struct SharedVisit<'a> {
    shared: &'a Shared<'a>,
    /// There until it is left.
    consumer: Option<Consumer>,
    entry: String,
    account: String,
    tries: usize,
    /// As they stand in the queue.
    rows: VecDeque<(String, Queued)>,
    /// When Redis said the last time that it is ours.
    confirmed: Instant,
    stop: Stop,
}

impl SharedVisit<'_> {
    fn ask<T: redis::FromRedisValue>(
        &mut self,
        work: impl Fn(&mut Connection) -> Result<T, redis::RedisError>,
    ) -> Result<T, BulkError> {
        match &mut self.consumer {
            Some(consumer) => consumer.line.ask(&self.stop, work),
            None => Err(BulkError::again(
                "a visit that was left goes on; please report it",
            )),
        }
    }

    /// A script's call, as far as all of them are the same.
    fn invoke<T: redis::FromRedisValue>(
        &mut self,
        script: &redis::Script,
        arguments: &[&str],
    ) -> Result<T, BulkError> {
        let at = Instant::now();
        let prefix = self.shared.queue.prefix.clone();
        let name = self
            .consumer
            .as_ref()
            .map(|c| c.name.clone())
            .unwrap_or_default();
        let entry = self.entry.clone();
        let told = self.ask(|c| {
            let mut call = script.key(&prefix);
            call.arg(&name).arg(&entry);
            for argument in arguments {
                call.arg(*argument);
            }
            call.invoke(c)
        })?;
        self.confirmed = at;
        Ok(told)
    }
}

impl Visit for SharedVisit<'_> {
    fn account(&self) -> &str {
        &self.account
    }

    fn tries(&self) -> usize {
        self.tries
    }

    fn rows(&mut self) -> Result<Vec<Row>, BulkError> {
        let rows = self.shared.queue.key(&format!("rows:{}", self.account));
        let texts: Vec<String> =
            self.ask(|c| cmd("LRANGE").arg(&rows).arg(0).arg(ROWS - 1).query(c))?;
        self.rows = texts
            .into_iter()
            .map(|text| match serde_json::from_str(&text) {
                Ok(queued) => Ok((text, queued)),
                Err(e) => Err(BulkError::usage(format!(
                    "a row in the queue makes no sense: {e}"
                ))),
            })
            .collect::<Result<_, _>>()?;
        Ok(self
            .rows
            .iter()
            .map(|(_, queued)| queued.row.clone())
            .collect())
    }

    fn turn(&mut self, stop: &Stop) -> Result<bool, BulkError> {
        let shared = self.shared;
        let part = shared.terms.lease / LOOKS;
        if stop.is_asked() {
            return Ok(false);
        }
        let (all, account) = shared.pauses;
        if (all, account) == (0, 0) && self.confirmed.elapsed() < part {
            return Ok(true);
        }
        let whose = self.account.clone();
        let wait: i64 = self.invoke(
            &shared.turn,
            &[&all.to_string(), &account.to_string(), &whose],
        )?;
        let Ok(wait) = u64::try_from(wait) else {
            return Ok(false);
        };
        // While it waits it goes on saying that it is there.
        let until = Instant::now() + Duration::from_micros(wait);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if !stop.pause(left.min(part)) {
                return Ok(false);
            }
            if left <= part && self.confirmed.elapsed() < part * 2 {
                return Ok(true);
            }
            let ours: i64 = self.invoke(&shared.turn, &["0", "0", &whose])?;
            if ours < 0 {
                return Ok(false);
            }
        }
    }

    fn done(&mut self, record: Record) -> Result<bool, BulkError> {
        let Some((text, queued)) = self.rows.pop_front() else {
            return Ok(false);
        };
        let due = record.until.map(|s| (s * 1000).to_string());
        let (account, outcome) = (self.account.clone(), record.outcome);
        let arrived = Arrived {
            job: queued.job,
            record,
        };
        let result = serde_json::to_string(&arrived)
            .map_err(|e| BulkError::usage(format!("a result cannot be written: {e}")))?;
        let mut arguments = vec![account.as_str(), &text, outcome.word(), &result];
        if outcome == Outcome::Deferred {
            arguments.extend(due.as_deref());
        }
        let ours: i64 = self.invoke(&self.shared.done, &arguments)?;
        if !outcome.is_lost() {
            self.tries = 0;
        }
        Ok(ours == 1)
    }

    fn leave(mut self: Box<Self>, put_off: Option<PutOff>) -> Result<(), BulkError> {
        let (pause, tries) = match put_off {
            Some(put_off) => (put_off.pause.as_millis().to_string(), put_off.tries),
            None => ("-1".into(), 0),
        };
        let account = self.account.clone();
        let _: i64 = self.invoke(&self.shared.leave, &[&account, &pause, &tries.to_string()])?;
        let shared = self.shared;
        shared.idle().extend(self.consumer.take());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use redis::Value;

    use super::*;

    #[test]
    fn what_was_claimed_is_understood_of_every_redis() {
        let text = |t: &str| Value::BulkString(t.into());
        let fields = Value::Array(vec![text("account"), text("wx0a")]);
        let entry = Value::Array(vec![text("1-1"), fields]);
        let of_6_2 = vec![text("0-0"), Value::Array(vec![entry])];
        let mut later = of_6_2.clone();
        later.push(Value::Array(vec![]));
        for told in [of_6_2, later] {
            let claimed: Claimed = redis::from_redis_value(Value::Array(told)).unwrap();
            let entry = ("1-1".to_owned(), "wx0a".to_owned());
            assert_eq!(taken(claimed.entries), Some(entry));
        }
        let none = Value::Array(vec![text("0-0"), Value::Array(vec![])]);
        let claimed: Claimed = redis::from_redis_value(none).unwrap();
        assert_eq!(taken(claimed.entries), None);
    }
}
