//! Hands out the accounts of a job in the order of its rows, and runs a job.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard};
use std::thread::{self, Thread};
use std::time::Instant;

use super::state::Job;
use crate::error::BulkError;
use crate::lock::lock;
use crate::outcome::Record;
use crate::posts::Posts;
use crate::rate::{Rate, RateLimiter, Rates};
use crate::row::Row;
use crate::runner::{AccountLease, AccountSource, Backoff, RunEnd, Runner};
use crate::stop::StopFlag;

/// The most rows of one account that are held in memory at once.
const MAX_ROWS_PER_BATCH: usize = 1000;
/// How many accounts may be backed off before no more are started.
const MAX_BACKED_OFF_ACCOUNTS: usize = 4096;

impl Job {
    /// Processes the rows that are left.
    ///
    /// # Errors
    /// The journal cannot be written, or the system is out of threads or file descriptors.
    /// Completed work is kept.
    pub fn run(&self, runner: &Runner<'_>, rates: Rates) -> Result<RunEnd, BulkError> {
        let source = JobSource::new(self, rates)?;
        // Once there is a journal, the job is not replaced by another.
        self.journal().create()?;
        let end = runner.run(&source);
        self.journal().sync()?;
        end
    }
}

type RowsLeft<'a> = Box<dyn Iterator<Item = Result<Row, BulkError>> + Send + 'a>;

/// The accounts of a job that have rows left.
pub(super) struct JobSource<'a> {
    job: &'a Job,
    account_rate: Rate,
    limiter: Mutex<RateLimiter>,
    state: Mutex<SourceState<'a>>,
}

struct SourceState<'a> {
    rows: RowsLeft<'a>,
    /// A row that was read and belongs to the next batch.
    next_row: Option<Row>,
    /// Accounts that are leased or backed off. They must not be leased again.
    taken: HashSet<String>,
    backed_off: BTreeMap<BackoffKey, Batch>,
    backoffs: u64,
    /// The workers that wait for an account. A change that may give one of them an account wakes
    /// one; that one wakes the next if it found an account.
    waiting: Vec<Thread>,
    /// When the first waiting worker wakes by itself because a backed-off account is due.
    alarm: Option<Instant>,
}

impl SourceState<'_> {
    fn wake_one(&mut self) {
        if let Some(worker) = self.waiting.pop() {
            worker.unpark();
        }
    }

    fn wake_all(&mut self) {
        for worker in self.waiting.drain(..) {
            worker.unpark();
        }
    }
}

/// Sorts backed-off accounts by when they are due.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct BackoffKey {
    due: Instant,
    /// Makes the key unique.
    nth: u64,
}

/// Consecutive rows of one account.
struct Batch {
    account: String,
    rows: VecDeque<Row>,
    failures: usize,
    limiter: RateLimiter,
}

impl<'a> JobSource<'a> {
    pub fn new(job: &'a Job, rates: Rates) -> Result<JobSource<'a>, BulkError> {
        Ok(JobSource {
            job,
            account_rate: rates.account,
            limiter: Mutex::new(RateLimiter::new(rates.all)),
            state: Mutex::new(SourceState {
                rows: Box::new(job.rows_left()?),
                next_row: None,
                taken: HashSet::new(),
                backed_off: BTreeMap::new(),
                backoffs: 0,
                waiting: Vec::new(),
                alarm: None,
            }),
        })
    }

    /// Reads the next account. `None` if there is none, or if it must not be started yet.
    fn read_batch(&self, state: &mut SourceState<'a>) -> Result<Option<Batch>, BulkError> {
        let first = match state.next_row.take() {
            Some(row) => row,
            None => match state.rows.next().transpose()? {
                Some(row) => row,
                None => return Ok(None),
            },
        };
        // The account has more rows than fit in a batch and its first batch is in progress. It and
        // all accounts after it wait.
        let is_taken = state.taken.contains(&first.account);
        if is_taken || state.backed_off.len() >= MAX_BACKED_OFF_ACCOUNTS {
            state.next_row = Some(first);
            return Ok(None);
        }
        let account = first.account.clone();
        state.next_row = Some(first);
        let rows = read_rows_of(&account, state)?;
        Ok(Some(Batch {
            account,
            rows,
            failures: 0,
            limiter: RateLimiter::new(self.account_rate),
        }))
    }

    /// The rows after the batch of a leased account, if it has more than fit in one batch.
    pub fn more_rows(&self, account: &str) -> Result<VecDeque<Row>, BulkError> {
        let mut state = self.state();
        let rows = read_rows_of(account, &mut state);
        // The next row may now belong to an account that another worker can start.
        state.wake_one();
        rows
    }

    /// Waits until there may be an account, or a stop is requested.
    fn wait<'s>(
        &'s self,
        mut state: MutexGuard<'s, SourceState<'a>>,
        stop: &StopFlag,
    ) -> MutexGuard<'s, SourceState<'a>> {
        let due = state.backed_off.keys().next().map(|key| key.due);
        // One worker waits for the first due account, so that its time does not wake them all.
        let alarm = due.filter(|due| state.alarm.is_none_or(|alarm| *due < alarm));
        if alarm.is_some() {
            state.alarm = alarm;
        }
        let this = thread::current();
        state.waiting.push(this.clone());
        drop(state);
        stop.park(alarm);
        let mut state = self.state();
        state.waiting.retain(|worker| worker.id() != this.id());
        if alarm.is_some() && state.alarm == alarm {
            state.alarm = None;
        }
        state
    }

    fn state(&self) -> MutexGuard<'_, SourceState<'a>> {
        lock(&self.state)
    }
}

/// Reads the next rows, at most [`MAX_ROWS_PER_BATCH`], as long as they belong to the account.
fn read_rows_of(account: &str, state: &mut SourceState<'_>) -> Result<VecDeque<Row>, BulkError> {
    let mut rows = VecDeque::new();
    while rows.len() < MAX_ROWS_PER_BATCH {
        let next = match state.next_row.take() {
            Some(row) => Some(row),
            None => state.rows.next().transpose()?,
        };
        match next {
            Some(row) if row.account == account => rows.push_back(row),
            other => {
                state.next_row = other;
                break;
            }
        }
    }
    Ok(rows)
}

impl AccountSource for JobSource<'_> {
    fn next(&self, stop: &StopFlag) -> Result<Option<Box<dyn AccountLease + '_>>, BulkError> {
        let mut state = self.state();
        loop {
            if stop.is_requested() {
                return Ok(None);
            }
            let now = Instant::now();
            let first = state.backed_off.first_entry();
            let batch = match first.filter(|entry| entry.key().due <= now) {
                Some(due) => Some(due.remove()),
                None => self.read_batch(&mut state)?,
            };
            if let Some(batch) = batch {
                state.taken.insert(batch.account.clone());
                state.wake_one();
                return Ok(Some(Box::new(JobLease {
                    source: self,
                    batch,
                })));
            }
            if state.taken.is_empty() && state.next_row.is_none() {
                state.wake_all();
                return Ok(None);
            }
            state = self.wait(state, stop);
        }
    }
}

struct JobLease<'a, 'j> {
    source: &'a JobSource<'j>,
    batch: Batch,
}

impl AccountLease for JobLease<'_, '_> {
    fn account(&self) -> &str {
        &self.batch.account
    }

    fn failures(&mut self) -> Result<usize, BulkError> {
        Ok(self.batch.failures)
    }

    fn rows(&mut self) -> Result<Vec<Row>, BulkError> {
        if self.batch.rows.is_empty() {
            // One visit for all rows of the account, however many: a second one might read a list
            // that does not show yet what the first one posted.
            self.batch.rows = self.source.more_rows(&self.batch.account)?;
        }
        Ok(self.batch.rows.iter().cloned().collect())
    }

    fn acquire_permit(&mut self, stop: &StopFlag) -> Result<bool, BulkError> {
        let now = Instant::now();
        let all = lock(&self.source.limiter).reserve(now);
        Ok(stop.sleep(self.batch.limiter.reserve(now).max(all)))
    }

    fn posts(&self, row: &Row) -> Posts {
        self.source.job.posts(row)
    }

    fn note_posts(&mut self, row: &Row, posts: Posts) -> Result<(), BulkError> {
        self.source.job.note_posts(row, posts)
    }

    fn wait_for_note(&mut self) -> Result<bool, BulkError> {
        Ok(true)
    }

    fn record(&mut self, record: Record) -> Result<bool, BulkError> {
        self.source.job.record(&record)?;
        self.batch.rows.pop_front();
        if !record.outcome.is_lost() {
            self.batch.failures = 0;
        }
        Ok(true)
    }

    fn release(self: Box<Self>, backoff: Option<Backoff>) -> Result<(), BulkError> {
        let JobLease { source, mut batch } = *self;
        let mut state = source.state();
        match backoff {
            Some(Backoff { pause, failures }) => {
                batch.failures = failures;
                state.backoffs += 1;
                let key = BackoffKey {
                    due: Instant::now() + pause,
                    nth: state.backoffs,
                };
                state.backed_off.insert(key, batch);
            }
            None => {
                state.taken.remove(&batch.account);
            }
        }
        state.wake_one();
        Ok(())
    }
}
