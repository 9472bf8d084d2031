//! Follows invitations until the administrators have decided.
//!
//! Each account's list is read at growing intervals, once for all of its invitations. Where they
//! come from and where decisions go is up to a [`DecisionSink`]: a job's folder, or a queue.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use wxlink::{Client, Error, LinkState};

use crate::error::BulkError;
use crate::lock::lock;
use crate::message::Message;
use crate::outcome::{Outcome, Record};
use crate::quota::unix_now;
use crate::rate::{RateLimiter, Rates};
use crate::runner::worker_panicked;
use crate::stop::StopFlag;

/// How often new invitations are looked for, and how often a report is written at most. Writing a
/// large one takes longer, and then the pause is longer too.
const REPORT_INTERVAL: Duration = Duration::from_secs(5);
/// At most one part of this many parts of the time is spent on writing reports.
const PART_FOR_REPORTS: u32 = 10;
/// How long the last lists, which are read at the limit, may take: many accounts have to wait for
/// the rates.
const LAST_LISTS_LIMIT: Duration = Duration::from_secs(60);
/// In how many lists in a row an invitation must be missing, because a list may miss an item once.
const MISSES: u32 = 2;

/// How a [`Follower`] works.
#[derive(Clone, Copy, Debug)]
pub struct FollowConfig {
    /// The limits on calls.
    pub rates: Rates,
    /// The time between two lists of an account. It doubles each time, and starts again when the
    /// list has changed.
    pub interval: Duration,
    /// The longest time between two lists of an account.
    pub max_interval: Duration,
    /// How long to follow; `None` until all is decided. At the limit each list is read once more,
    /// within a minute.
    pub limit: Option<Duration>,
}

/// Follows the invitations of a job or a queue.
pub struct Follower<'a> {
    /// A client that has a source of tokens for all accounts.
    pub client: &'a Client,
    /// How many accounts are looked at at the same time; 0 counts as 1.
    pub workers: usize,
    /// How it works.
    pub config: FollowConfig,
    /// Called with each account whose list cannot be read, once until it can be read again.
    pub on_error: &'a (dyn Fn(&str, &Error) + Sync),
    /// Stops it.
    pub stop: &'a StopFlag,
}

/// How following ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FollowEnd {
    /// How many invitations were decided meanwhile.
    pub decided: u64,
    /// How many still wait for an administrator.
    pub open: u64,
}

/// An invitation that waits for an administrator.
pub(crate) struct Invitation {
    /// The result of its row so far.
    pub record: Record,
    /// The job in a queue that the row belongs to; empty in a job's folder.
    pub job: String,
}

/// Invitations that were not followed before.
pub(crate) struct Arrivals {
    pub invitations: Vec<Invitation>,
    /// Whether there will be no others.
    pub is_complete: bool,
}

/// Where invitations come from and decisions go.
pub(crate) trait DecisionSink: Sync {
    /// The invitations since the last call.
    fn arrivals(&self) -> Result<Arrivals, BulkError>;

    /// How often [`keep_place`](DecisionSink::keep_place) is to be called when there will be no
    /// other invitations; `None` if no other process can take the place of this one.
    fn place_interval(&self) -> Option<Duration>;

    /// Keeps other processes from following the same invitations.
    fn keep_place(&self) -> Result<(), BulkError>;

    /// Keeps a decision. Called once for each invitation.
    fn decide(&self, invitation: &Invitation, decision: Record) -> Result<(), BulkError>;

    /// Writes the report again.
    fn write_report(&self) -> Result<(), BulkError>;
}

/// An account with invitations.
struct Account {
    name: String,
    invitations: Vec<Followed>,
    interval: Duration,
    has_failed: bool,
    limiter: RateLimiter,
}

struct Followed {
    invitation: Invitation,
    /// The state that the last list showed.
    state: LinkState,
    /// In how many lists in a row it was missing.
    misses: u32,
}

/// The accounts, sorted by when their lists are due.
#[derive(Default)]
struct Schedule {
    due: BTreeMap<(Instant, u64), Account>,
    /// Makes the keys unique.
    nth: u64,
    /// The accounts in `due`, and those that are looked at now.
    accounts: HashSet<String>,
    /// Invitations of these accounts that were found later.
    arrived: HashMap<String, Vec<Followed>>,
    /// Whether no other invitations will be found.
    is_complete: bool,
    /// The workers without an account. The first one waits until a list is due, and the others for
    /// it to go.
    waiting: VecDeque<Thread>,
    decided: u64,
    open: u64,
    failure: Option<BulkError>,
}

struct Shared<'a> {
    follower: &'a Follower<'a>,
    sink: &'a dyn DecisionSink,
    limiter: Mutex<RateLimiter>,
    until: Option<Instant>,
    schedule: Mutex<Schedule>,
    supervisor: Thread,
}

impl Follower<'_> {
    /// Follows the invitations of the sink.
    pub(crate) fn run(&self, sink: &dyn DecisionSink) -> Result<FollowEnd, BulkError> {
        let shared = Shared {
            follower: self,
            sink,
            limiter: Mutex::new(RateLimiter::new(self.config.rates.all)),
            // The clock may not be able to represent the limit.
            until: self
                .config
                .limit
                .and_then(|limit| Instant::now().checked_add(limit)),
            schedule: Mutex::default(),
            supervisor: thread::current(),
        };
        shared.add(sink.arrivals()?);
        // If the last process was killed, its last decisions may be missing in the report.
        sink.write_report()?;
        thread::scope(|scope| {
            for n in 0..self.workers.max(1) {
                let worker = thread::Builder::new().name(format!("wxlink-follow-{n}"));
                let spawned = worker.spawn_scoped(scope, || {
                    let worked = panic::catch_unwind(AssertUnwindSafe(|| shared.work()));
                    match worked {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) => shared.fail(error),
                        Err(_) => shared.fail(worker_panicked()),
                    }
                });
                if let Err(error) = spawned {
                    let why = Message::from(error);
                    let why = why.after("could not start a worker thread", "无法启动工作线程");
                    shared.fail(BulkError::retry(why));
                }
            }
            shared.supervise();
        });
        let written = sink.write_report();
        let schedule = shared.schedule.into_inner();
        let mut schedule = schedule.unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = schedule.failure.take() {
            return Err(error);
        }
        written?;
        Ok(FollowEnd {
            decided: schedule.decided,
            open: schedule.open,
        })
    }
}

impl Shared<'_> {
    /// Adds invitations. The lists of accounts that are not followed yet are due now.
    fn add(&self, arrivals: Arrivals) {
        let config = self.follower.config;
        let mut schedule = self.schedule();
        schedule.is_complete = arrivals.is_complete;
        schedule.open += arrivals.invitations.len() as u64;
        let mut by_account: HashMap<String, Vec<Followed>> = HashMap::new();
        for invitation in arrivals.invitations {
            let account = invitation.record.row.account.clone();
            by_account.entry(account).or_default().push(Followed {
                invitation,
                state: LinkState::Unknown,
                misses: 0,
            });
        }
        for (name, invitations) in by_account {
            if schedule.accounts.insert(name.clone()) {
                let account = Account {
                    name,
                    invitations,
                    interval: config.interval,
                    has_failed: false,
                    limiter: RateLimiter::new(config.rates.account),
                };
                schedule.insert(Instant::now(), account);
            } else {
                schedule
                    .arrived
                    .entry(name)
                    .or_default()
                    .extend(invitations);
            }
        }
        schedule.wake_first();
    }

    /// The work of one worker.
    fn work(&self) -> Result<(), BulkError> {
        while let Some(mut account) = self.next() {
            let now = Instant::now();
            let wait = lock(&self.limiter)
                .reserve(now)
                .max(account.limiter.reserve(now));
            let end = self.end();
            let left = end.map(|end| end.saturating_duration_since(now));
            if left.is_some_and(|left| left < wait) || !self.follower.stop.sleep(wait) {
                return Ok(());
            }
            self.look_at(&mut account)?;
            self.look_again(account);
        }
        Ok(())
    }

    /// The next account whose list is due; waits for it. `None` at the end.
    fn next(&self) -> Option<Account> {
        let this = thread::current();
        let mut schedule = self.schedule();
        schedule.waiting.push_back(this.clone());
        let next = loop {
            let now = Instant::now();
            if self.follower.stop.is_requested() || self.end().is_some_and(|end| end <= now) {
                break None;
            }
            if let Some(account) = schedule.take_due(now) {
                break Some(account);
            }
            let is_late = self.is_late(now);
            if schedule.is_finished() || (is_late && schedule.due.is_empty()) {
                break None;
            }
            let is_first = schedule.waiting.front().map(Thread::id) == Some(this.id());
            let limit = if is_late { self.end() } else { self.until };
            let until = if is_first {
                schedule.next_due().into_iter().chain(limit).min()
            } else {
                None
            };
            drop(schedule);
            self.follower.stop.park(until);
            schedule = self.schedule();
        };
        schedule.waiting.retain(|worker| worker.id() != this.id());
        // It is the next one's turn to wait for a list, or to end too.
        schedule.wake_first();
        next
    }

    /// Reads the account's list, and keeps what the administrators have decided.
    fn look_at(&self, account: &mut Account) -> Result<(), BulkError> {
        let config = self.follower.config;
        let list = self.follower.client.account(&account.name);
        let list = list.and_then(|client| Ok((client.get_linked(None)?, client)));
        let (list, client) = match list {
            Ok(read) => read,
            Err(error) => {
                if !account.has_failed {
                    (self.follower.on_error)(&account.name, &error);
                }
                account.has_failed = true;
                account.interval = (account.interval * 2).min(config.max_interval);
                return Ok(());
            }
        };
        account.has_failed = false;
        let mut has_changed = false;
        let mut open = Vec::new();
        for mut followed in std::mem::take(&mut account.invitations) {
            let record = &followed.invitation.record;
            let progress = client.wait_linked_in(&list, None, &record.row.appid);
            let state = progress.state();
            // A list shows a new invitation late.
            let may_appear = unix_now() < record.at.saturating_add(client.settle_time().as_secs());
            let outcome = match state {
                LinkState::Linked => Some(Outcome::Linked),
                LinkState::Declined => Some(Outcome::Declined),
                LinkState::Vanished | LinkState::Absent if !may_appear => {
                    followed.misses += 1;
                    (followed.misses >= MISSES).then_some(Outcome::Declined)
                }
                _ => None,
            };
            if !matches!(state, LinkState::Vanished | LinkState::Absent) {
                followed.misses = 0;
            }
            has_changed |= state != followed.state && followed.state != LinkState::Unknown;
            followed.state = state;
            let Some(outcome) = outcome else {
                open.push(followed);
                continue;
            };
            let decision = Record {
                outcome,
                errcode: 0,
                rid: String::new(),
                message: progress.message(),
                until: None,
                at: unix_now(),
                ..record.clone()
            };
            self.sink.decide(&followed.invitation, decision)?;
            has_changed = true;
            let mut schedule = self.schedule();
            schedule.decided += 1;
            schedule.open -= 1;
            // It writes the report.
            self.supervisor.unpark();
        }
        account.invitations = open;
        account.interval = if has_changed {
            config.interval
        } else {
            (account.interval * 2).min(config.max_interval)
        };
        Ok(())
    }

    /// Whether the limit has passed.
    fn is_late(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// When the last lists are given up.
    fn end(&self) -> Option<Instant> {
        self.until?.checked_add(LAST_LISTS_LIMIT)
    }

    /// Schedules the next list of the account, if any of its invitations is open. The last one is
    /// due at the limit.
    fn look_again(&self, mut account: Account) {
        let now = Instant::now();
        let mut schedule = self.schedule();
        let arrived = schedule.arrived.remove(&account.name);
        account.invitations.extend(arrived.into_iter().flatten());
        if account.invitations.is_empty() {
            schedule.accounts.remove(&account.name);
        } else if !self.is_late(now) {
            let due = now + account.interval;
            schedule.insert(self.until.map_or(due, |until| due.min(until)), account);
        }
        schedule.wake_first();
        if schedule.is_finished() {
            self.supervisor.unpark();
        }
    }

    /// Looks for new invitations and writes the report now and then, until the workers have ended.
    fn supervise(&self) {
        let (mut reported, mut next_report) = (0, Instant::now());
        let mut next_arrivals = Instant::now() + REPORT_INTERVAL;
        let mut place_kept = Instant::now();
        loop {
            let schedule = self.schedule();
            let has_ended = schedule.is_finished() || schedule.failure.is_some();
            if has_ended || self.is_late(Instant::now()) || self.follower.stop.is_requested() {
                return;
            }
            let (decided, is_complete) = (schedule.decided, schedule.is_complete);
            drop(schedule);
            let now = Instant::now();
            if !is_complete && now >= next_arrivals {
                match self.sink.arrivals() {
                    Ok(arrivals) => self.add(arrivals),
                    Err(error) => return self.fail(error),
                }
                next_arrivals = Instant::now() + REPORT_INTERVAL;
                continue;
            }
            let next_place = self.sink.place_interval().map(|pause| place_kept + pause);
            let next_place = next_place.filter(|_| is_complete);
            if next_place.is_some_and(|next| now >= next) {
                if let Err(error) = self.sink.keep_place() {
                    return self.fail(error);
                }
                place_kept = Instant::now();
                continue;
            }
            // If another process is writing the report, it is tried again later.
            if decided > reported && now >= next_report {
                if self.sink.write_report().is_ok() {
                    reported = decided;
                }
                next_report =
                    Instant::now() + REPORT_INTERVAL.max(now.elapsed() * PART_FOR_REPORTS);
                continue;
            }
            let arrivals = (!is_complete).then_some(next_arrivals);
            let report = (decided > reported).then_some(next_report);
            let times = [self.until, arrivals, next_place, report];
            let times = times.into_iter().flatten();
            self.follower.stop.park(times.min());
        }
    }

    fn fail(&self, error: BulkError) {
        self.schedule().failure.get_or_insert(error);
        // Wakes all threads.
        self.follower.stop.request();
    }

    fn schedule(&self) -> MutexGuard<'_, Schedule> {
        lock(&self.schedule)
    }
}

impl Schedule {
    fn is_finished(&self) -> bool {
        self.is_complete && self.accounts.is_empty()
    }

    /// Takes an account whose list is due.
    fn take_due(&mut self, now: Instant) -> Option<Account> {
        let first = self.due.first_entry();
        let mut account = first.filter(|entry| entry.key().0 <= now)?.remove();
        let arrived = self.arrived.remove(&account.name);
        account.invitations.extend(arrived.into_iter().flatten());
        Some(account)
    }

    /// When the next list is due.
    fn next_due(&self) -> Option<Instant> {
        self.due.keys().next().map(|(due, _)| *due)
    }

    /// Wakes the first of the waiting workers, because the schedule has changed.
    fn wake_first(&self) {
        if let Some(first) = self.waiting.front() {
            first.unpark();
        }
    }

    fn insert(&mut self, due: Instant, account: Account) {
        self.nth += 1;
        self.due.insert((due, self.nth), account);
    }
}
