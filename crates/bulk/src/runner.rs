//! Processes accounts with a pool of workers, each account by one worker at a time and its rows in
//! their order.
//!
//! A worker reads the account's list once and posts only what the list does not show. Where
//! rows come from and where their records go is up to an [`AccountSource`]: a job's folder, or a
//! queue that several machines share.

use std::collections::HashSet;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use wxlink::{Client, Delivery, Error, Lang, LinkList, LinkProgress, LinkState, Status};

use crate::error::BulkError;
use crate::lock::lock;
use crate::message::{Message, message};
use crate::outcome::{Outcome, Record};
use crate::posts::{MAX_POSTS, Posts};
use crate::quota::{Period, Quota, format_beijing_time, unix_now};
use crate::row::Row;
use crate::severity::Severity;
use crate::stop::StopFlag;

/// The pauses before an account is tried again for which WeChat could not be reached. After the
/// last one its rows fail.
const BACKOFF_PAUSES: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(25),
    Duration::from_secs(60),
];
/// How many accounts in a row must fail, or deny access, before the run ends.
const MAX_FAILURES_IN_A_ROW: u32 = 20;
/// How long WeChat must have been unreachable before failures count as an outage.
const MIN_OUTAGE: Duration = Duration::from_secs(30);

/// Where accounts with rows come from.
pub(crate) trait AccountSource: Sync {
    /// Leases the next account and waits for one if necessary. `None` if there will be none, or if
    /// a stop is requested.
    fn next(&self, stop: &StopFlag) -> Result<Option<Box<dyn AccountLease + '_>>, BulkError>;
}

/// The exclusive right to process an account's rows.
pub(crate) trait AccountLease {
    /// The Official Account's appid.
    fn account(&self) -> &str;

    /// How often in a row the account was backed off because WeChat could not be reached.
    fn failures(&mut self) -> Result<usize, BulkError>;

    /// The next rows without a record, in their order; none at the end.
    fn rows(&mut self) -> Result<Vec<Row>, BulkError>;

    /// Waits until the rates allow a call. `false` if a stop is requested or the lease was lost.
    fn acquire_permit(&mut self, stop: &StopFlag) -> Result<bool, BulkError>;

    /// What is known of the invitations for a row, which is the first one without a record.
    fn posts(&self, row: &Row) -> Posts;

    /// Starts to note what is known of the invitations for that row, so that it outlives this
    /// process. [`wait_for_note`](AccountLease::wait_for_note) shows whether it is kept.
    fn note_posts(&mut self, row: &Row, posts: Posts) -> Result<(), BulkError>;

    /// Waits for that note. `false` if the lease was lost.
    fn wait_for_note(&mut self) -> Result<bool, BulkError>;

    /// Keeps the record of the first row that has none, at the latest when the rates let a call
    /// wait, or when the lease is released. `false` if the lease was lost.
    fn record(&mut self, record: Record) -> Result<bool, BulkError>;

    /// Ends the lease. With a `backoff`, the remaining rows are leased again after its pause.
    fn release(self: Box<Self>, backoff: Option<Backoff>) -> Result<(), BulkError>;
}

/// When an account is to be leased again.
#[derive(Clone, Copy)]
pub(crate) struct Backoff {
    pub pause: Duration,
    /// How often in a row WeChat could not be reached, this time included.
    pub failures: usize,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// No row is left that is due.
    Finished,
    /// A stop was requested.
    Stopped,
    /// No call got through any more; the remaining rows are untouched.
    Outage,
    /// Many accounts in a row denied access, so the platform's credentials or its whitelist are
    /// probably at fault; the remaining rows are untouched.
    NoAccess,
}

/// Processes a job or a queue with a pool of workers.
pub struct Runner<'a> {
    /// A client that has a source of tokens for all accounts.
    pub client: &'a Client,
    /// How many accounts are processed at the same time; 0 counts as 1.
    pub workers: usize,
    /// Called with the record of each row, on the workers' threads. A queue may keep it a moment
    /// later: after a kill in between, the row is recorded again.
    pub observer: &'a (dyn Fn(&Record) + Sync),
    /// Stops the run.
    pub stop: &'a StopFlag,
}

/// How the work on a leased account ended.
enum LeaseEnd {
    /// All its rows have a record.
    Finished,
    /// It is to be leased again.
    BackOff(Backoff),
    /// A stop is requested, or the lease was lost.
    Abandoned,
}

/// What to do after a call for a row, or for an account's list.
enum Step {
    /// Record the outcome.
    Record {
        outcome: Outcome,
        error: Option<Error>,
        /// If there is no error: what is known besides the outcome, or empty.
        message: String,
    },
    /// Record that the row was posted [`MAX_POSTS`] times and is not in the list.
    GiveUp,
    /// Nothing may be posted before `until` (Unix time, s): a quota is used up, or an earlier
    /// invitation may still take effect, which is no error.
    Defer {
        until: u64,
        whole_account: bool,
        error: Option<Error>,
    },
    /// The call did not get through: try again later.
    Retry(Error),
    /// The quota of a minute is used up: wait.
    Pause(Duration),
    /// A stop is requested.
    Stop,
}

impl Runner<'_> {
    /// Processes all accounts of the source.
    pub(crate) fn run(&self, source: &dyn AccountSource) -> Result<RunEnd, BulkError> {
        let breaker = CircuitBreaker::new(self.stop);
        let failure: Mutex<Option<BulkError>> = Mutex::new(None);
        let fail = |error: BulkError| {
            lock(&failure).get_or_insert(error);
            self.stop.request();
        };
        thread::scope(|scope| {
            for n in 0..self.workers.max(1) {
                let worker = thread::Builder::new().name(format!("wxlink-bulk-{n}"));
                let spawned = worker.spawn_scoped(scope, || {
                    // After a panic the others must not wait for the account of this worker.
                    let result =
                        panic::catch_unwind(AssertUnwindSafe(|| self.work(source, &breaker)));
                    match result {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) => fail(error),
                        Err(_) => fail(worker_panicked()),
                    }
                });
                if let Err(error) = spawned {
                    let why = Message::from(error);
                    let why = why.after("could not start a worker thread", "无法启动工作线程");
                    fail(BulkError::retry(why));
                }
            }
        });
        if let Some(error) = lock(&failure).take() {
            return Err(error);
        }
        Ok(match breaker.tripped() {
            Some(end) => end,
            None if self.stop.is_requested() => RunEnd::Stopped,
            None => RunEnd::Finished,
        })
    }

    /// The work of one worker.
    fn work(
        &self,
        source: &dyn AccountSource,
        breaker: &CircuitBreaker<'_>,
    ) -> Result<(), BulkError> {
        while let Some(mut lease) = source.next(self.stop)? {
            let end = self.process_account(&mut *lease, breaker)?;
            lease.release(match end {
                LeaseEnd::BackOff(backoff) => Some(backoff),
                LeaseEnd::Finished | LeaseEnd::Abandoned => None,
            })?;
        }
        Ok(())
    }

    /// Reads the account's list and processes its rows.
    fn process_account(
        &self,
        lease: &mut dyn AccountLease,
        breaker: &CircuitBreaker<'_>,
    ) -> Result<LeaseEnd, BulkError> {
        let client = match self.client.account(lease.account()) {
            Ok(client) => client,
            Err(e) if e.status() == Status::Internal => return Err(e.into()),
            Err(e) => return self.record_all(lease, Outcome::Refused, &e, None),
        };
        if !lease.acquire_permit(self.stop)? {
            return Ok(LeaseEnd::Abandoned);
        }
        let error = match client.get_linked(None) {
            Ok(list) => {
                breaker.record_success();
                return self.process_rows(lease, breaker, &client, &list);
            }
            Err(error) => error,
        };
        match step_after_error(error) {
            Step::Pause(pause) => {
                breaker.record_success();
                Ok(pause_account(pause))
            }
            Step::Defer {
                until,
                error: Some(error),
                ..
            } => self.record_all(lease, Outcome::Deferred, &error, Some(until)),
            Step::Record {
                outcome,
                error: Some(error),
                ..
            } => {
                if outcome == Outcome::NoAccess {
                    breaker.record_denial();
                }
                self.record_all(lease, outcome, &error, None)
            }
            Step::Retry(error) => match self.back_off(lease, breaker, &error)? {
                Some(end) => Ok(end),
                None => self.record_all(lease, Outcome::Failed, &error, None),
            },
            Step::Record { .. } | Step::Defer { .. } | Step::GiveUp | Step::Stop => {
                Ok(LeaseEnd::Abandoned)
            }
        }
    }

    fn process_rows(
        &self,
        lease: &mut dyn AccountLease,
        breaker: &CircuitBreaker<'_>,
        client: &Client,
        list: &LinkList,
    ) -> Result<LeaseEnd, BulkError> {
        // The list was read before these were posted; the same mini program may be in another row.
        let mut invited = HashSet::new();
        let mut used_up: Option<(u64, Option<Error>)> = None;
        loop {
            let rows = lease.rows()?;
            if rows.is_empty() {
                return Ok(LeaseEnd::Finished);
            }
            for row in rows {
                let known = lease.posts(&row);
                let mut posts = known;
                let step = if invited.contains(&row.appid) {
                    Step::Record {
                        outcome: Outcome::Pending,
                        error: None,
                        message: String::new(),
                    }
                } else if list.find(&row.appid).is_some() {
                    // Nothing will be posted, so no permit is needed.
                    ensure(client, list, &row, &mut || true).0
                } else if let Some((until, error)) = &used_up {
                    Step::Defer {
                        until: *until,
                        whole_account: true,
                        error: error.clone(),
                    }
                } else if !known.in_doubt_for.is_zero() {
                    defer_doubtful(known.in_doubt_for)
                } else if known.count >= MAX_POSTS {
                    Step::GiveUp
                } else {
                    let noted = known.one_more(client.timeout() + client.settle_time());
                    if !lease.acquire_permit(self.stop)? {
                        return Ok(LeaseEnd::Abandoned);
                    }
                    let ensured = note_and_ensure(lease, client, list, &row, noted)?;
                    let Some((step, made)) = ensured else {
                        return Ok(LeaseEnd::Abandoned);
                    };
                    if made > 0 {
                        posts = known.one_more(client.settle_time());
                    }
                    if !matches!(step, Step::Record { .. } | Step::Defer { .. }) {
                        lease.note_posts(&row, posts)?;
                        if !lease.wait_for_note()? {
                            return Ok(LeaseEnd::Abandoned);
                        }
                    }
                    if !matches!(&step, Step::Retry(error) if error.is_store_failure()) {
                        breaker.record_store_success();
                    }
                    step
                };
                let lang = client.lang();
                let mut record = match step {
                    Step::Record {
                        outcome,
                        error,
                        message,
                    } => {
                        // A denied link is no denied account: the list could be read.
                        if outcome != Outcome::NoAccess {
                            breaker.record_success();
                        }
                        if matches!(outcome, Outcome::Invited | Outcome::Pending) {
                            invited.insert(row.appid.clone());
                        }
                        let record = record_of(&row, outcome, error.as_ref(), None, lang);
                        if error.is_none() {
                            Record { message, ..record }
                        } else {
                            record
                        }
                    }
                    Step::Defer {
                        until,
                        whole_account,
                        error,
                    } => {
                        let outcome = Outcome::Deferred;
                        let record = record_of(&row, outcome, error.as_ref(), Some(until), lang);
                        if whole_account {
                            used_up = Some((until, error));
                        }
                        record
                    }
                    Step::GiveUp => Record {
                        message: given_up().get(lang).to_owned(),
                        ..record_of(&row, Outcome::Unknown, None, None, lang)
                    },
                    Step::Pause(pause) => return Ok(pause_account(pause)),
                    Step::Retry(error) => match self.back_off(lease, breaker, &error)? {
                        Some(end) => return Ok(end),
                        None => record_of(&row, lost_outcome(&error), Some(&error), None, lang),
                    },
                    Step::Stop => return Ok(LeaseEnd::Abandoned),
                };
                record.posts = posts.count;
                if !self.record(lease, record)? {
                    return Ok(LeaseEnd::Abandoned);
                }
            }
        }
    }

    /// Records the same outcome for all remaining rows of the account.
    fn record_all(
        &self,
        lease: &mut dyn AccountLease,
        outcome: Outcome,
        error: &Error,
        until: Option<u64>,
    ) -> Result<LeaseEnd, BulkError> {
        let lang = self.client.lang();
        loop {
            let rows = lease.rows()?;
            if rows.is_empty() {
                return Ok(LeaseEnd::Finished);
            }
            for row in rows {
                let record = record_of(&row, outcome, Some(error), until, lang);
                if !self.record(lease, record)? {
                    return Ok(LeaseEnd::Abandoned);
                }
            }
        }
    }

    /// Keeps a record and reports it to the observer. `false` if the lease was lost.
    fn record(&self, lease: &mut dyn AccountLease, record: Record) -> Result<bool, BulkError> {
        let reported = record.clone();
        let recorded = lease.record(record)?;
        if recorded {
            (self.observer)(&reported);
        }
        Ok(recorded)
    }

    /// After a call did not get through: how to leave the account, or `None` if it was tried often
    /// enough and its rows have failed.
    ///
    /// # Errors
    /// The store has been away for too long. No account can be processed without it, so no row has
    /// failed, and the run ends.
    fn back_off(
        &self,
        lease: &mut dyn AccountLease,
        breaker: &CircuitBreaker<'_>,
        error: &Error,
    ) -> Result<Option<LeaseEnd>, BulkError> {
        if error.is_store_failure() {
            breaker.record_store_failure(error)?;
        } else {
            breaker.record_failure();
        }
        if self.stop.is_requested() {
            return Ok(Some(LeaseEnd::Abandoned));
        }
        let failures = lease.failures()?;
        match BACKOFF_PAUSES.get(failures) {
            Some(&pause) => Ok(Some(LeaseEnd::BackOff(Backoff {
                pause,
                failures: failures + 1,
            }))),
            None if error.is_store_failure() => Err(error.clone().into()),
            None => Ok(None),
        }
    }
}

/// Counts failures in a row over all workers, and ends the run when there are too many.
struct CircuitBreaker<'a> {
    stop: &'a StopFlag,
    state: Mutex<BreakerState>,
}

struct BreakerState {
    last_success: Instant,
    /// Accounts in a row for which WeChat could not be reached.
    failures: u32,
    /// Accounts in a row that denied access.
    denials: u32,
    /// Since when the store could not be used.
    store_away_since: Option<Instant>,
    /// Why the run ends, if the breaker ended it.
    tripped: Option<RunEnd>,
}

impl CircuitBreaker<'_> {
    fn new(stop: &StopFlag) -> CircuitBreaker<'_> {
        CircuitBreaker {
            stop,
            state: Mutex::new(BreakerState {
                last_success: Instant::now(),
                failures: 0,
                denials: 0,
                store_away_since: None,
                tripped: None,
            }),
        }
    }

    /// WeChat answered a call.
    fn record_success(&self) {
        let mut state = lock(&self.state);
        state.last_success = Instant::now();
        state.failures = 0;
        state.denials = 0;
    }

    /// An account denied access.
    fn record_denial(&self) {
        let mut state = lock(&self.state);
        state.denials += 1;
        if state.denials >= MAX_FAILURES_IN_A_ROW {
            state.tripped.get_or_insert(RunEnd::NoAccess);
            self.stop.request();
        }
    }

    /// The store could be used for a post.
    fn record_store_success(&self) {
        lock(&self.state).store_away_since = None;
    }

    /// The store could not be used, for a token or a post.
    ///
    /// # Errors
    /// It has been away for [`MIN_OUTAGE`], so the run ends.
    fn record_store_failure(&self, error: &Error) -> Result<(), BulkError> {
        let mut state = lock(&self.state);
        let since = *state.store_away_since.get_or_insert_with(Instant::now);
        if since.elapsed() >= MIN_OUTAGE {
            return Err(error.clone().into());
        }
        Ok(())
    }

    /// A call for an account did not get through.
    fn record_failure(&self) {
        let mut state = lock(&self.state);
        state.failures += 1;
        let is_outage = state.last_success.elapsed() >= MIN_OUTAGE;
        if state.failures >= MAX_FAILURES_IN_A_ROW && is_outage {
            state.tripped.get_or_insert(RunEnd::Outage);
            self.stop.request();
        }
    }

    fn tripped(&self) -> Option<RunEnd> {
        lock(&self.state).tripped
    }
}

/// Leases the account again after a pause. WeChat answered, so this counts as no failure.
fn pause_account(pause: Duration) -> LeaseEnd {
    LeaseEnd::BackOff(Backoff { pause, failures: 0 })
}

/// Ensures the row's link, given a list that was just read. Also returns how many invitations it
/// posted.
fn ensure(
    client: &Client,
    list: &LinkList,
    row: &Row,
    may_post: &mut dyn FnMut() -> bool,
) -> (Step, u32) {
    let progress = client.ensure_linked_in(list, None, &row.appid, row.choices(), may_post);
    let step = match progress.error() {
        Some(error) => step_after_error(error.clone()),
        None if progress.state() == LinkState::InDoubt => defer_doubtful(progress.retry_after()),
        None => {
            let outcome = outcome_of(&progress);
            // This run's own invitations need no explanation.
            let message = match outcome {
                Outcome::Invited => String::new(),
                _ => progress.message(),
            };
            Step::Record {
                outcome,
                error: None,
                message,
            }
        }
    };
    (step, progress.posts())
}

/// The same, and notes `posts` before an invitation is posted. `None` if the lease was lost.
fn note_and_ensure(
    lease: &mut dyn AccountLease,
    client: &Client,
    list: &LinkList,
    row: &Row,
    posts: Posts,
) -> Result<Option<(Step, u32)>, BulkError> {
    lease.note_posts(row, posts)?;
    let (mut is_noted, mut is_late) = (Ok(true), false);
    let ensured = ensure(client, list, row, &mut || {
        let started = Instant::now();
        is_noted = lease.wait_for_note();
        is_late = started.elapsed() > client.timeout() / 4;
        matches!(is_noted, Ok(true)) && !is_late
    });
    if !is_noted? {
        return Ok(None);
    }
    if !is_late {
        return Ok(Some(ensured));
    }
    // The call had too little time left, which is no failure of WeChat, and the note may be old.
    lease.note_posts(row, posts)?;
    if !lease.wait_for_note()? {
        return Ok(None);
    }
    Ok(Some(ensure(client, list, row, &mut || true)))
}

/// Defers a row whose earlier invitation may still take effect for this long.
fn defer_doubtful(doubt: Duration) -> Step {
    Step::Defer {
        until: unix_now() + doubt.as_secs() + 1,
        whole_account: false,
        error: None,
    }
}

fn outcome_of(progress: &LinkProgress) -> Outcome {
    match progress.state() {
        LinkState::Linked => Outcome::Linked,
        LinkState::Declined | LinkState::Vanished => Outcome::Declined,
        LinkState::AwaitingOfficialAccount
        | LinkState::AwaitingMiniProgram
        | LinkState::AwaitingAdministrator => {
            // A post that WeChat refused as "already sent" is no invitation by this job.
            let last = progress.attempts().last();
            let accepted = last.is_some_and(|attempt| attempt.outcome == Status::Ok);
            if progress.posts() > 0 && accepted {
                Outcome::Invited
            } else {
                Outcome::Pending
            }
        }
        LinkState::Absent | LinkState::InDoubt | LinkState::Unknown => Outcome::Failed,
    }
}

fn step_after_error(error: Error) -> Step {
    if error.is_store_failure() {
        return Step::Retry(error);
    }
    if let Some(quota) = error.errcode().and_then(Quota::from_errcode) {
        let now = unix_now();
        let until = quota.period.next_start(now);
        return match quota.period {
            Period::Minute => Step::Pause(Duration::from_secs(until - now)),
            Period::Day | Period::Month => Step::Defer {
                until,
                whole_account: quota.whole_account,
                error: Some(error),
            },
        };
    }
    let (outcome, error) = match Severity::from_error(&error) {
        Severity::Done => (Outcome::Linked, None),
        Severity::Waiting => (Outcome::Pending, None),
        Severity::Refused | Severity::Usage => (Outcome::Refused, Some(error)),
        Severity::NoAccess => (Outcome::NoAccess, Some(error)),
        Severity::Retry => return Step::Retry(error),
        Severity::Interrupted => return Step::Stop,
    };
    Step::Record {
        outcome,
        error,
        message: String::new(),
    }
}

/// The outcome of a row whose calls did not get through.
fn lost_outcome(error: &Error) -> Outcome {
    if error.delivery() == Delivery::Unknown {
        Outcome::Unknown
    } else {
        Outcome::Failed
    }
}

fn record_of(
    row: &Row,
    outcome: Outcome,
    error: Option<&Error>,
    until: Option<u64>,
    lang: Lang,
) -> Record {
    let mut message = error.map(Error::message).unwrap_or_default();
    if let Some(until) = until {
        let due = format_beijing_time(until);
        let due = message!(
            "Due again at {due} in Beijing.",
            "北京时间 {due} 之后可再次请求。"
        );
        if message.is_empty() {
            message += earlier_post().get(lang);
        }
        if lang == Lang::En {
            message += " ";
        }
        message += due.get(lang);
    }
    Record {
        row: row.clone(),
        outcome,
        errcode: error.and_then(Error::errcode).unwrap_or_default(),
        rid: error.map(|e| e.rid().to_owned()).unwrap_or_default(),
        message,
        until,
        posts: 0,
        at: unix_now(),
    }
}

/// The message of a row whose earlier invitation may still take effect.
fn earlier_post() -> Message {
    message!(
        "an earlier invitation of this row may still take effect, so no other one was posted.",
        "此行此前的邀请仍可能生效，因此未再次发送。"
    )
}

/// The message of a row that was posted too often.
fn given_up() -> Message {
    message!(
        "posted {MAX_POSTS} times, and the list does not show it: it is not posted again. Ask the \
         account's administrator whether an invitation arrived",
        "已发出 {MAX_POSTS} 次邀请，但列表中仍未显示，不再发送。请向公众号管理员确认是否收到邀请"
    )
}

/// The error of a worker that panicked.
pub(crate) fn worker_panicked() -> BulkError {
    BulkError::retry(message!(
        "internal error: a worker thread panicked. Please report it",
        "内部错误：工作线程崩溃。请反馈该问题"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::OtherCells;
    use wxlink::{Endpoint, LinkChoices, Options, Response};

    /// The error of an ensure whose store cannot be used.
    fn store_error() -> Error {
        let mut options = Options::new();
        options.set("store", "file:/nowhere/store").unwrap();
        options.set("base_url", "http://127.0.0.1:9").unwrap();
        options.set("timeout_ms", "20000").unwrap();
        let client = Client::new(&options).unwrap();
        let body = br#"{"errcode":0,"wxopens":{"items":[]}}"#.to_vec();
        let response = Response::from_bytes(Endpoint::Get, 200, body).unwrap();
        let list = LinkList::from_response(response).unwrap();
        let choices = LinkChoices {
            notify_users: false,
            show_profile: false,
        };
        let progress = client.ensure_linked_in(&list, "TOKEN", "wx1", choices, &mut || true);
        progress.error().unwrap().clone()
    }

    #[test]
    fn a_run_ends_when_the_store_stays_away() {
        let stop = StopFlag::default();
        let breaker = CircuitBreaker::new(&stop);
        let away = store_error();
        assert_eq!(away.status(), Status::Store);
        breaker.record_store_failure(&away).unwrap();
        let past = Instant::now().checked_sub(MIN_OUTAGE).unwrap();
        lock(&breaker.state).store_away_since = Some(past);
        // Once the store can be used, a new outage begins later.
        breaker.record_store_success();
        breaker.record_store_failure(&away).unwrap();
        lock(&breaker.state).store_away_since = Some(past);
        let ended = breaker.record_store_failure(&away).unwrap_err();
        assert!(ended.to_string().contains("/nowhere/store"), "{ended}");
        assert_eq!(ended.severity(), Severity::Retry);
    }

    /// A lease of an account with one row.
    struct Lease {
        failures: usize,
        records: Vec<Record>,
    }

    impl AccountLease for Lease {
        fn account(&self) -> &str {
            "wx0a00000000000001"
        }

        fn failures(&mut self) -> Result<usize, BulkError> {
            Ok(self.failures)
        }

        fn rows(&mut self) -> Result<Vec<Row>, BulkError> {
            let row = Row {
                line: 2,
                account: self.account().to_owned(),
                appid: "wx0b00000000000001".to_owned(),
                notify_users: false,
                show_profile: true,
                other: OtherCells::default(),
            };
            Ok(if self.records.is_empty() {
                vec![row]
            } else {
                Vec::new()
            })
        }

        fn acquire_permit(&mut self, _: &StopFlag) -> Result<bool, BulkError> {
            Ok(true)
        }

        fn posts(&self, _: &Row) -> Posts {
            Posts::default()
        }

        fn note_posts(&mut self, _: &Row, _: Posts) -> Result<(), BulkError> {
            Ok(())
        }

        fn wait_for_note(&mut self) -> Result<bool, BulkError> {
            Ok(true)
        }

        fn record(&mut self, record: Record) -> Result<bool, BulkError> {
            self.records.push(record);
            Ok(true)
        }

        fn release(self: Box<Self>, _: Option<Backoff>) -> Result<(), BulkError> {
            Ok(())
        }
    }

    #[test]
    fn rows_stay_due_if_the_store_with_the_tokens_stays_away() {
        let mut options = Options::new();
        for (key, value) in [
            ("store", "file:/nowhere/store"),
            ("base_url", "http://127.0.0.1:9"),
            ("timeout_ms", "20000"),
            ("component_appid", "wx0c00000000000001"),
            ("component_appsecret", "SECRET"),
        ] {
            options.set(key, value).unwrap();
        }
        let stop = StopFlag::default();
        let runner = Runner {
            client: &Client::new(&options).unwrap(),
            workers: 1,
            observer: &|_| {},
            stop: &stop,
        };
        let breaker = CircuitBreaker::new(&stop);
        let mut lease = Lease {
            failures: 0,
            records: Vec::new(),
        };
        // The account is tried again, as often as one that WeChat could not be reached for.
        let end = runner.process_account(&mut lease, &breaker).unwrap();
        assert!(matches!(end, LeaseEnd::BackOff(_)));
        lease.failures = BACKOFF_PAUSES.len();
        let ended = runner.process_account(&mut lease, &breaker).err().unwrap();
        assert!(ended.to_string().contains("/nowhere/store"), "{ended}");
        assert!(lease.records.is_empty(), "{:?}", lease.records);
        // It is no outage of WeChat.
        assert_eq!(
            (breaker.tripped(), lock(&breaker.state).failures),
            (None, 0)
        );

        lease.failures = 0;
        let past = Instant::now().checked_sub(MIN_OUTAGE).unwrap();
        lock(&breaker.state).store_away_since = Some(past);
        assert!(runner.process_account(&mut lease, &breaker).is_err());
        assert!(lease.records.is_empty(), "{:?}", lease.records);
    }
}
