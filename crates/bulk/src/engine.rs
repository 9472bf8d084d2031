//! The work itself: many accounts at once, each visited by one worker at a time, its rows in their order.
//!
//! A visit reads the account's list once, and posts only what that shows no trace of. Where rows come from and where
//! outcomes go is a [`Desk`]'s business: a job's folder, or a queue that machines share.

use std::collections::HashSet;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use wxlink::{Client, Error, LinkList, LinkProgress, LinkState, Status};

use crate::calendar::{self, Period};
use crate::error::BulkError;
use crate::outcome::{Outcome, Record};
use crate::row::Row;
use crate::sync::lock;
use crate::verdict::Verdict;

/// After these an account is visited again when nothing got through; then its rows fail.
const PAUSES: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(25),
    Duration::from_secs(60),
];
/// When so many accounts in a row came to nothing...
const IN_A_ROW: u32 = 20;
/// ... and for so long, no more are tried.
const OUTAGE: Duration = Duration::from_secs(30);
/// How often a wait looks whether it is to end.
pub(crate) const LOOK: Duration = Duration::from_millis(50);

/// Ends the work: rows that are being dealt with come to an end, no others begin.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks for the end. May be called from anywhere, a signal's thread included.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether it was asked for.
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Waits; `false` if the end was asked for.
    pub(crate) fn pause(&self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        loop {
            if self.is_asked() {
                return false;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            thread::sleep(left.min(LOOK));
        }
    }
}

/// Where accounts with rows come from.
pub(crate) trait Desk: Sync {
    /// The next account to visit, waiting for one if need be; `None` if there will be none.
    fn take(&self, stop: &Stop) -> Result<Option<Box<dyn Visit + '_>>, BulkError>;
}

/// An account whose rows nobody else deals with meanwhile.
pub(crate) trait Visit {
    fn account(&self) -> &str;

    /// How often it was put off since something got through.
    fn tries(&self) -> usize;

    /// The next of its rows, in their order; none at the end.
    fn rows(&mut self) -> Result<Vec<Row>, BulkError>;

    /// Waits for the turn to call. `false` if the end was asked for, or the visit is not ours any more.
    fn turn(&mut self, stop: &Stop) -> Result<bool, BulkError>;

    /// Keeps what became of the first row that has come to nothing yet. `false` if the visit is not ours any more.
    fn done(&mut self, record: Record) -> Result<bool, BulkError>;

    /// Ends it. Put off, what rows are left are for another visit; else they were dealt with, or the work is being
    /// ended.
    fn leave(self: Box<Self>, put_off: Option<PutOff>) -> Result<(), BulkError>;
}

/// When an account is to be visited again.
#[derive(Clone, Copy)]
pub(crate) struct PutOff {
    pub pause: Duration,
    /// How often it was put off since something got through.
    pub tries: usize,
}

/// How the work came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All rows have come to something.
    Finished,
    /// It was asked for.
    Stopped,
    /// Nothing gets through any more; the rest is untouched.
    Outage,
    /// No account lets us in: the platform's credentials, or its whitelist; the rest is untouched.
    NoAccess,
}

/// Those who do the work.
pub struct Crew<'a> {
    /// A client with a source of tokens.
    pub client: &'a Client,
    /// How many accounts are visited at once, at least one.
    pub workers: usize,
    /// Told of each row that has come to something, on any of the workers' threads.
    pub observer: &'a (dyn Fn(&Record) + Sync),
    /// Ends it.
    pub stop: &'a Stop,
}

/// What came of a visit.
enum Visited {
    /// All its rows have come to something.
    Through,
    /// It is to be visited again.
    PutOff(PutOff),
    /// The end was asked for, or it is another's by now.
    Left,
}

/// What became of a row, as far as it is settled.
enum Step {
    Done(Outcome, Option<Error>),
    /// A quota is used up until then (Unix time, s), for the whole account or for the likes of this row.
    Defer(u64, bool, Error),
    /// Nothing got through.
    Again(Error),
    /// A minute's quota.
    Pause(Duration),
    Stop,
}

/// How it goes, over all workers.
struct Weather {
    /// When something got through the last time, and how many accounts in a row came to nothing since.
    through: Instant,
    failed: u32,
    denied: u32,
    end: Option<End>,
}

impl Crew<'_> {
    pub(crate) fn work(&self, desk: &dyn Desk) -> Result<End, BulkError> {
        let weather = Mutex::new(Weather {
            through: Instant::now(),
            failed: 0,
            denied: 0,
            end: None,
        });
        let failure: Mutex<Option<BulkError>> = Mutex::new(None);
        let fail = |why: BulkError| {
            lock(&failure).get_or_insert(why);
            self.stop.ask();
        };
        thread::scope(|scope| {
            for n in 0..self.workers.max(1) {
                let worker = thread::Builder::new().name(format!("wxlink-bulk-{n}"));
                let spawned = worker.spawn_scoped(scope, || {
                    // One that panicked must not leave the others waiting for its account.
                    let worked =
                        panic::catch_unwind(AssertUnwindSafe(|| self.visits(desk, &weather)));
                    match worked {
                        Ok(Ok(())) => {}
                        Ok(Err(why)) => fail(why),
                        Err(_) => fail(BulkError::again("a worker failed; please report it")),
                    }
                });
                if let Err(e) = spawned {
                    fail(BulkError::again(format!("no thread for a worker: {e}")));
                }
            }
        });
        if let Some(why) = lock(&failure).take() {
            return Err(why);
        }
        let end = lock(&weather).end;
        Ok(match end {
            Some(end) => end,
            None if self.stop.is_asked() => End::Stopped,
            None => End::Finished,
        })
    }

    fn visits(&self, desk: &dyn Desk, weather: &Mutex<Weather>) -> Result<(), BulkError> {
        while let Some(mut visit) = desk.take(self.stop)? {
            let visited = self.visit(&mut *visit, weather)?;
            visit.leave(match visited {
                Visited::PutOff(put_off) => Some(put_off),
                Visited::Through | Visited::Left => None,
            })?;
        }
        Ok(())
    }

    /// Reads the list and deals with the rows.
    fn visit(&self, visit: &mut dyn Visit, weather: &Mutex<Weather>) -> Result<Visited, BulkError> {
        let client = match self.client.account(visit.account()) {
            Ok(client) => client,
            Err(e) if e.status() == Status::Internal => return Err(e.into()),
            Err(e) => return self.all(visit, Outcome::Refused, &e, None),
        };
        if !visit.turn(self.stop)? {
            return Ok(Visited::Left);
        }
        let list = match client.get_linked(None) {
            Ok(list) => list,
            Err(e) => {
                return match step_of_error(e) {
                    Step::Pause(pause) => {
                        self.is_through(weather);
                        Ok(rest(pause))
                    }
                    Step::Defer(until, _, e) => self.all(visit, Outcome::Deferred, &e, Some(until)),
                    Step::Done(outcome, Some(e)) => {
                        if outcome == Outcome::NoAccess {
                            self.is_denied(weather);
                        }
                        self.all(visit, outcome, &e, None)
                    }
                    Step::Again(e) => match self.put_off(visit, weather) {
                        Some(visited) => Ok(visited),
                        None => self.all(visit, Outcome::Failed, &e, None),
                    },
                    Step::Done(..) | Step::Stop => Ok(Visited::Left),
                };
            }
        };
        self.is_through(weather);
        self.rows(visit, weather, &client, &list)
    }

    fn rows(
        &self,
        visit: &mut dyn Visit,
        weather: &Mutex<Weather>,
        client: &Client,
        list: &LinkList,
    ) -> Result<Visited, BulkError> {
        // What the list cannot show yet: the same mini program may be asked for twice.
        let mut invited = HashSet::new();
        let mut used_up: Option<(u64, Error)> = None;
        loop {
            let rows = visit.rows()?;
            if rows.is_empty() {
                return Ok(Visited::Through);
            }
            for row in rows {
                let step = if invited.contains(&row.appid) {
                    Step::Done(Outcome::Pending, None)
                } else if list.find(&row.appid).is_some() {
                    // Nothing will be posted: it takes no turn.
                    ensure(client, list, &row)
                } else if let Some((until, why)) = &used_up {
                    Step::Defer(*until, true, why.clone())
                } else if visit.turn(self.stop)? {
                    ensure(client, list, &row)
                } else {
                    return Ok(Visited::Left);
                };
                let record = match step {
                    Step::Done(outcome, why) => {
                        // Whether the account lets us in its list has told.
                        if outcome != Outcome::NoAccess {
                            self.is_through(weather);
                        }
                        if matches!(outcome, Outcome::Invited | Outcome::Pending) {
                            invited.insert(row.appid.clone());
                        }
                        record(&row, outcome, why.as_ref(), None)
                    }
                    Step::Defer(until, account, why) => {
                        let record = record(&row, Outcome::Deferred, Some(&why), Some(until));
                        if account {
                            used_up = Some((until, why));
                        }
                        record
                    }
                    Step::Pause(pause) => return Ok(rest(pause)),
                    Step::Again(why) => match self.put_off(visit, weather) {
                        Some(visited) => return Ok(visited),
                        None => record(&row, lost(&why), Some(&why), None),
                    },
                    Step::Stop => return Ok(Visited::Left),
                };
                if !self.keep(visit, record)? {
                    return Ok(Visited::Left);
                }
            }
        }
    }

    /// The same outcome for all rows of the account.
    fn all(
        &self,
        visit: &mut dyn Visit,
        outcome: Outcome,
        why: &Error,
        until: Option<u64>,
    ) -> Result<Visited, BulkError> {
        loop {
            let rows = visit.rows()?;
            if rows.is_empty() {
                return Ok(Visited::Through);
            }
            for row in rows {
                if !self.keep(visit, record(&row, outcome, Some(why), until))? {
                    return Ok(Visited::Left);
                }
            }
        }
    }

    fn keep(&self, visit: &mut dyn Visit, record: Record) -> Result<bool, BulkError> {
        let told = record.clone();
        let ours = visit.done(record)?;
        if ours {
            (self.observer)(&told);
        }
        Ok(ours)
    }

    fn is_through(&self, weather: &Mutex<Weather>) {
        let mut weather = lock(weather);
        weather.through = Instant::now();
        weather.failed = 0;
        weather.denied = 0;
    }

    /// Counts an account that does not let us in.
    fn is_denied(&self, weather: &Mutex<Weather>) {
        let mut weather = lock(weather);
        weather.denied += 1;
        if weather.denied >= IN_A_ROW {
            weather.end.get_or_insert(End::NoAccess);
            self.stop.ask();
        }
    }

    /// Nothing got through: whether the account is to be visited again, or nothing more be tried at all.
    fn put_off(&self, visit: &dyn Visit, weather: &Mutex<Weather>) -> Option<Visited> {
        let mut weather = lock(weather);
        weather.failed += 1;
        if weather.failed >= IN_A_ROW && weather.through.elapsed() >= OUTAGE {
            weather.end.get_or_insert(End::Outage);
            self.stop.ask();
        }
        if self.stop.is_asked() {
            return Some(Visited::Left);
        }
        let tries = visit.tries();
        let put_off = |pause: &Duration| PutOff {
            pause: *pause,
            tries: tries + 1,
        };
        PAUSES.get(tries).map(put_off).map(Visited::PutOff)
    }
}

/// A minute's quota is used up, which WeChat said: something got through.
fn rest(pause: Duration) -> Visited {
    Visited::PutOff(PutOff { pause, tries: 0 })
}

/// Ensures the row's link, by a list just read.
fn ensure(client: &Client, list: &LinkList, row: &Row) -> Step {
    let progress = client.ensure_linked_in(list, None, &row.appid, row.choices());
    match progress.error() {
        Some(error) => step_of_error(error.clone()),
        None => Step::Done(outcome_of(&progress), None),
    }
}

fn outcome_of(progress: &LinkProgress) -> Outcome {
    match progress.state() {
        LinkState::Linked => Outcome::Linked,
        LinkState::Declined => Outcome::Declined,
        LinkState::AwaitingOfficialAccount
        | LinkState::AwaitingMiniProgram
        | LinkState::AwaitingAdministrator => {
            // A refusal as "sent already" is no invitation of ours.
            let last = progress.attempts().last();
            let accepted = last.is_some_and(|attempt| attempt.outcome == Status::Ok);
            match progress.posts() > 0 && accepted {
                true => Outcome::Invited,
                false => Outcome::Pending,
            }
        }
        LinkState::Vanished | LinkState::Unknown => Outcome::Failed,
    }
}

fn step_of_error(error: Error) -> Step {
    if let Some((period, account)) = error.errcode().and_then(Period::of) {
        let now = calendar::now();
        return match period {
            Period::Minute => Step::Pause(Duration::from_secs(period.next(now) - now)),
            Period::Day | Period::Month => Step::Defer(period.next(now), account, error),
        };
    }
    match Verdict::of_error(&error) {
        Verdict::Done => Step::Done(Outcome::Linked, None),
        Verdict::Waiting => Step::Done(Outcome::Pending, None),
        Verdict::Refused | Verdict::Usage => Step::Done(Outcome::Refused, Some(error)),
        Verdict::Access => Step::Done(Outcome::NoAccess, Some(error)),
        Verdict::Again => Step::Again(error),
        Verdict::Interrupted => Step::Stop,
    }
}

/// What became of a row that was given up.
fn lost(why: &Error) -> Outcome {
    match why.delivery() {
        wxlink::Delivery::Unknown => Outcome::Unknown,
        _ => Outcome::Failed,
    }
}

fn record(row: &Row, outcome: Outcome, why: Option<&Error>, until: Option<u64>) -> Record {
    let mut message = why.map(Error::message).unwrap_or_default();
    if let Some(until) = until {
        message += &format!(" Due again at {} in Beijing.", calendar::shown(until));
    }
    Record {
        row: row.clone(),
        outcome,
        errcode: why.and_then(Error::errcode).unwrap_or_default(),
        rid: why.map(|e| e.rid().to_owned()).unwrap_or_default(),
        message,
        until,
        at: calendar::now(),
    }
}
