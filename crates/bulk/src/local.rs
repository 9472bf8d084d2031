//! A job's rows on this machine: accounts handed out in their order, outcomes into the journal.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::engine::{Crew, Desk, End, LOOK, PutOff, Stop, Visit};
use crate::error::BulkError;
use crate::job::Job;
use crate::outcome::Record;
use crate::pace::{Pace, Rate};
use crate::row::Row;
use crate::sync::lock;

/// The most rows of an account that are in memory at once.
const MOST: usize = 1000;
/// The most accounts that are put off before no more are begun.
const PUT_OFF: usize = 4096;

/// How long a post that was under way when its job was killed is given to show in the list.
const SETTLE: Duration = Duration::from_secs(2);

/// How fast.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// Over all accounts.
    pub all: Rate,
    /// For each account.
    pub account: Rate,
}

impl Job {
    /// Does what is left to be done.
    ///
    /// # Errors
    /// The journal cannot be written, or the system is out of threads or descriptors. What was done is kept.
    pub fn run(&self, crew: &Crew<'_>, rates: Rates) -> Result<End, BulkError> {
        let desk = Local::new(self, rates)?;
        let settle = || {
            crew.stop.pause(SETTLE);
        };
        let end = self.running(settle, || crew.work(&desk))?;
        self.journal().sync()?;
        end
    }
}

type RowsLeft<'a> = Box<dyn Iterator<Item = Result<Row, BulkError>> + Send + 'a>;

pub(crate) struct Local<'a> {
    job: &'a Job,
    account_rate: Rate,
    pace: Mutex<Pace>,
    state: Mutex<State<'a>>,
    news: Condvar,
}

struct State<'a> {
    rows: RowsLeft<'a>,
    /// Read already.
    ahead: Option<Row>,
    /// Accounts that are handed out or put off: none of them may be handed out again.
    taken: HashSet<String>,
    /// What was put off, by when it is due.
    later: BTreeMap<(Instant, u64), Batch>,
    puts: u64,
}

/// Rows of an account that follow one another.
struct Batch {
    account: String,
    rows: VecDeque<Row>,
    tries: usize,
    pace: Pace,
}

impl<'a> Local<'a> {
    pub fn new(job: &'a Job, rates: Rates) -> Result<Local<'a>, BulkError> {
        Ok(Local {
            job,
            account_rate: rates.account,
            pace: Mutex::new(Pace::new(rates.all)),
            state: Mutex::new(State {
                rows: Box::new(job.open_rows()?),
                ahead: None,
                taken: HashSet::new(),
                later: BTreeMap::new(),
                puts: 0,
            }),
            news: Condvar::new(),
        })
    }

    /// The next account of the file; `None` if there is none, or it is not to be begun yet.
    fn read(&self, state: &mut State<'a>) -> Result<Option<Batch>, BulkError> {
        let first = match state.ahead.take() {
            Some(row) => row,
            None => match state.rows.next().transpose()? {
                Some(row) => row,
                None => return Ok(None),
            },
        };
        // More rows than are taken at once: the others wait for the first, and who comes after them too.
        if state.taken.contains(&first.account) || state.later.len() >= PUT_OFF {
            state.ahead = Some(first);
            return Ok(None);
        }
        let account = first.account.clone();
        let mut rows = VecDeque::from([first]);
        while rows.len() < MOST {
            match state.rows.next().transpose()? {
                Some(row) if row.account == account => rows.push_back(row),
                other => {
                    state.ahead = other;
                    break;
                }
            }
        }
        Ok(Some(Batch {
            account,
            rows,
            tries: 0,
            pace: Pace::new(self.account_rate),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State<'a>> {
        lock(&self.state)
    }
}

impl Desk for Local<'_> {
    fn take(&self, stop: &Stop) -> Result<Option<Box<dyn Visit + '_>>, BulkError> {
        let mut state = self.lock();
        loop {
            if stop.is_asked() {
                return Ok(None);
            }
            let now = Instant::now();
            let due = state.later.first_entry().filter(|e| e.key().0 <= now);
            let batch = match due {
                Some(due) => Some(due.remove()),
                None => self.read(&mut state)?,
            };
            if let Some(batch) = batch {
                state.taken.insert(batch.account.clone());
                return Ok(Some(Box::new(LocalVisit { local: self, batch })));
            }
            if state.taken.is_empty() && state.ahead.is_none() {
                return Ok(None);
            }
            state = self
                .news
                .wait_timeout(state, LOOK)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

struct LocalVisit<'a, 'j> {
    local: &'a Local<'j>,
    batch: Batch,
}

impl Visit for LocalVisit<'_, '_> {
    fn account(&self) -> &str {
        &self.batch.account
    }

    fn tries(&self) -> usize {
        self.batch.tries
    }

    fn rows(&mut self) -> Result<Vec<Row>, BulkError> {
        Ok(self.batch.rows.iter().cloned().collect())
    }

    fn turn(&mut self, stop: &Stop) -> Result<bool, BulkError> {
        let now = Instant::now();
        let all = lock(&self.local.pace).take(now);
        Ok(stop.pause(self.batch.pace.take(now).max(all)))
    }

    fn done(&mut self, record: Record) -> Result<bool, BulkError> {
        self.local.job.record(&record)?;
        self.batch.rows.pop_front();
        if !record.outcome.is_lost() {
            self.batch.tries = 0;
        }
        Ok(true)
    }

    fn leave(self: Box<Self>, put_off: Option<PutOff>) -> Result<(), BulkError> {
        let LocalVisit { local, mut batch } = *self;
        let mut state = local.lock();
        match put_off {
            Some(PutOff { pause, tries }) => {
                batch.tries = tries;
                state.puts += 1;
                let key = (Instant::now() + pause, state.puts);
                state.later.insert(key, batch);
            }
            None => {
                state.taken.remove(&batch.account);
            }
        }
        drop(state);
        local.news.notify_all();
        Ok(())
    }
}
