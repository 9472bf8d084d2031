//! Finds the accounts of a queue for the workers of one process.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use redis::{Client, FromRedisValue, ParsingError, Value, cmd};

use super::connection::RedisConnection;
use super::scripts::{CONSUMER_GROUP, LuaScript, WorkerScripts};
use super::types::{CallIntervals, Keys, WorkerConfig};
use crate::error::BulkError;
use crate::lock::lock;
use crate::random::random_id;
use crate::stop::StopFlag;

/// How long one command to Redis waits for a new account (ms).
const BLOCK_MS: u64 = 200;
/// A worker without `stay` ends when no account is due within this time.
const MAX_WAIT_FOR_DUE: Duration = Duration::from_secs(90);
/// The id before all entries of a stream.
const FIRST_ENTRY: &str = "0-0";
/// How many times within a lease the accounts of dead workers and due accounts are searched, and a
/// worker makes sure that it still holds its own.
pub(super) const CHECKS_PER_LEASE: u32 = 4;
/// Scripts renew a lease at most this many times within its duration.
const RENEWALS_PER_LEASE: u32 = 16;
/// But at least once in this time, as another worker may have been given shorter leases.
const MAX_RENEWAL_PAUSE: Duration = Duration::from_secs(1);
/// The longest time between two such searches.
const MAX_SEARCH_INTERVAL: Duration = Duration::from_secs(1);

/// The accounts of a queue, as the workers of this process see it. The process is one consumer of
/// the stream. One worker at a time searches for accounts, as many as there are workers without
/// one.
pub(super) struct QueueSource {
    pub(super) keys: Keys,
    pub(super) config: WorkerConfig,
    pub(super) intervals: CallIntervals,
    /// The consumer's name.
    pub(super) consumer: String,
    pub(super) connection: RedisConnection,
    /// Commands on it wait for accounts.
    search_connection: RedisConnection,
    state: Mutex<State>,
    pub(super) scripts: WorkerScripts,
}

#[derive(Default)]
struct State {
    /// Accounts that were found for waiting workers.
    found: VecDeque<StreamAccount>,
    /// All accounts that this process holds, found or leased, and their entries.
    held: HashMap<String, String>,
    /// Further entries of accounts that are held. They wait until the account is no longer held.
    further: Vec<StreamAccount>,
    /// The workers that wait while another one searches.
    waiting: Vec<Thread>,
    is_searching: bool,
    /// Whether there will be no account any more.
    is_finished: bool,
    /// When the accounts of dead workers and due accounts were searched.
    searched_at: Option<Instant>,
}

impl State {
    /// Keeps an account for a waiting worker.
    fn keep(&mut self, account: StreamAccount) {
        let (name, entry) = (account.account.clone(), account.entry.clone());
        self.held.insert(name, entry);
        self.found.push_back(account);
    }

    /// The account is no longer held by this lease.
    fn let_go(&mut self, account: &str, entry: &str) {
        if self.held.get(account).is_none_or(|held| held != entry) {
            return;
        }
        self.held.remove(account);
        let further = self.further.iter().position(|one| one.account == account);
        if let Some(n) = further {
            let next = self.further.swap_remove(n);
            self.keep(next);
            self.wake_waiting();
        }
    }

    /// Wakes as many workers as there are accounts, and one that searches.
    fn wake_waiting(&mut self) {
        let count = if self.is_finished {
            self.waiting.len()
        } else {
            self.found.len() + 1
        };
        let rest = self.waiting.len().saturating_sub(count);
        for worker in self.waiting.drain(rest..) {
            worker.unpark();
        }
    }
}

impl QueueSource {
    pub fn new(
        client: &Client,
        keys: Keys,
        config: WorkerConfig,
        intervals: CallIntervals,
    ) -> QueueSource {
        QueueSource {
            keys,
            config,
            intervals,
            consumer: format!("{}-{}", std::process::id(), &random_id()[..8]),
            connection: RedisConnection::new(client),
            search_connection: RedisConnection::new(client),
            state: Mutex::default(),
            scripts: WorkerScripts::new((config.lease / RENEWALS_PER_LEASE).min(MAX_RENEWAL_PAUSE)),
        }
    }

    /// Waits for an account. `None` if there will be none, or if a stop is requested.
    pub fn find_account(&self, stop: &StopFlag) -> Result<Option<StreamAccount>, BulkError> {
        let this = thread::current();
        let mut state = self.state();
        loop {
            if stop.is_requested() || state.is_finished {
                return Ok(None);
            }
            if let Some(found) = state.found.pop_front() {
                return Ok(Some(found));
            }
            if state.is_searching {
                state.waiting.push(this.clone());
                drop(state);
                stop.park(None);
                state = self.state();
                state.waiting.retain(|worker| worker.id() != this.id());
                continue;
            }
            state.is_searching = true;
            let wanted = state.waiting.len() + 1;
            drop(state);
            let searched = self.search(wanted, stop);
            let kept = searched.map(|search| self.keep_found(search));
            state = self.state();
            state.is_searching = false;
            match kept {
                Ok(is_finished) => state.is_finished = is_finished,
                Err(error) => {
                    state.wake_waiting();
                    return Err(error);
                }
            }
            let own = state.found.pop_front();
            // The others do not wake if this worker will search again.
            if own.is_some() || state.is_finished {
                state.wake_waiting();
            }
            if own.is_some() {
                return Ok(own);
            }
        }
    }

    /// Keeps the accounts that were found for the workers. Returns whether there will be no account
    /// any more.
    fn keep_found(&self, search: Search) -> bool {
        let accounts = match search {
            Search::Found(accounts) => accounts,
            Search::NoneYet => return false,
            Search::NoneLeft => return true,
        };
        let mut state = self.state();
        for account in accounts {
            match state.held.get(&account.account) {
                None => state.keep(account),
                // This process claimed the entry from itself.
                Some(entry) if *entry == account.entry => {}
                // The lease was lost unnoticed, or another program added the entry.
                Some(_) => state.further.push(account),
            }
        }
        false
    }

    /// Searches for accounts: dead workers', due ones and new ones. Waits a short time for them.
    fn search(&self, wanted: usize, stop: &StopFlag) -> Result<Search, BulkError> {
        let mut found = Vec::new();
        if self.is_time_to_search() {
            let script = &self.scripts.return_due_accounts;
            self.run_script::<u64>(stop, script, &[])?;
            found = self.claim_from_dead_workers(wanted, stop)?;
        }
        if found.is_empty() {
            found = self.read_new_accounts(wanted, stop)?;
        }
        if !found.is_empty() {
            return Ok(Search::Found(found));
        }
        // Other workers may still die while they hold accounts.
        let left: u64 = self
            .connection
            .run(stop, cmd("XLEN").arg(self.keys.get("accounts")))?;
        if left > 0 || self.config.stay {
            return Ok(Search::NoneYet);
        }
        let (seconds, _): (u64, u64) = self.connection.run(stop, &cmd("TIME"))?;
        let until = (seconds + MAX_WAIT_FOR_DUE.as_secs()) * 1000;
        let mut count = cmd("ZCOUNT");
        count.arg(self.keys.get("later")).arg("-inf").arg(until);
        let due_soon: u64 = self.connection.run(stop, &count)?;
        Ok(if due_soon > 0 {
            Search::NoneYet
        } else {
            Search::NoneLeft
        })
    }

    /// Claims accounts whose worker has not renewed its lease.
    fn claim_from_dead_workers(
        &self,
        wanted: usize,
        stop: &StopFlag,
    ) -> Result<Vec<StreamAccount>, BulkError> {
        let accounts = self.keys.get("accounts");
        let lease = u64::try_from(self.config.lease.as_millis()).unwrap_or(u64::MAX);
        let mut found = Vec::new();
        // One XAUTOCLAIM looks at some ten entries for each that it may claim; those of living
        // workers may come first.
        let mut start = FIRST_ENTRY.to_owned();
        loop {
            let mut claim = cmd("XAUTOCLAIM");
            claim.arg(&accounts).arg(CONSUMER_GROUP).arg(&self.consumer);
            claim.arg(lease).arg(&start);
            claim.arg("COUNT").arg(wanted - found.len());
            let claimed: ClaimedEntries = self.connection.run_in_group(stop, &claim, &accounts)?;
            found.extend(self.accounts_of(claimed.entries, stop)?);
            let is_last = claimed.next.is_empty() || claimed.next == FIRST_ENTRY;
            if is_last || found.len() >= wanted {
                return Ok(found);
            }
            start = claimed.next;
        }
    }

    /// Reads accounts that no worker has had, and waits a short time for one.
    fn read_new_accounts(
        &self,
        wanted: usize,
        stop: &StopFlag,
    ) -> Result<Vec<StreamAccount>, BulkError> {
        let accounts = self.keys.get("accounts");
        let mut read = cmd("XREADGROUP");
        read.arg("GROUP").arg(CONSUMER_GROUP).arg(&self.consumer);
        read.arg("COUNT").arg(wanted).arg("BLOCK").arg(BLOCK_MS);
        read.arg("STREAMS").arg(&accounts).arg(">");
        let streams: Option<Vec<(String, Vec<StreamEntry>)>> = self
            .search_connection
            .run_in_group(stop, &read, &accounts)?;
        let stream = streams.and_then(|streams| streams.into_iter().next());
        self.accounts_of(stream.map_or(Vec::new(), |(_, entries)| entries), stop)
    }

    /// The accounts of these entries. An entry that names none, which another program added, is
    /// removed.
    fn accounts_of(
        &self,
        entries: Vec<StreamEntry>,
        stop: &StopFlag,
    ) -> Result<Vec<StreamAccount>, BulkError> {
        let mut accounts = Vec::new();
        for (entry, fields) in entries {
            match StreamAccount::from_entry(&entry, fields) {
                Some(account) => accounts.push(account),
                None => {
                    let script = &self.scripts.remove_entry;
                    self.run_script::<u64>(stop, script, &[&entry])?;
                }
            }
        }
        Ok(accounts)
    }

    fn is_time_to_search(&self) -> bool {
        let mut state = self.state();
        let interval = (self.config.lease / CHECKS_PER_LEASE).min(MAX_SEARCH_INTERVAL);
        let is_time = state.searched_at.is_none_or(|at| at.elapsed() >= interval);
        if is_time {
            state.searched_at = Some(Instant::now());
        }
        is_time
    }

    pub fn run_script<T: FromRedisValue>(
        &self,
        stop: &StopFlag,
        script: &LuaScript,
        arguments: &[&str],
    ) -> Result<T, BulkError> {
        self.connection
            .run_script(stop, script, &self.keys.prefix, arguments)
    }

    /// An account that no worker took.
    pub fn take_found(&self) -> Option<StreamAccount> {
        self.state().found.pop_front()
    }

    /// The account is no longer held by the lease of this entry: this process may lease it again.
    pub fn let_go(&self, account: &str, entry: &str) {
        self.state().let_go(account, entry);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// The result of a search for accounts.
enum Search {
    Found(Vec<StreamAccount>),
    /// None now, but there may be one later.
    NoneYet,
    /// There will be none.
    NoneLeft,
}

/// An entry of the stream: its id, and its fields unless it was deleted meanwhile.
type StreamEntry = (String, Option<Vec<String>>);

/// An account, and the entry of the stream that stands for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StreamAccount {
    pub entry: String,
    pub account: String,
}

impl StreamAccount {
    fn from_entry(entry: &str, fields: Option<Vec<String>>) -> Option<StreamAccount> {
        match fields?.as_slice() {
            [name, account] if name == "account" => Some(StreamAccount {
                entry: entry.to_owned(),
                account: account.clone(),
            }),
            _ => None,
        }
    }
}

/// The reply of XAUTOCLAIM. Redis 6.2 sends these two parts, later versions a third one.
#[derive(Default)]
struct ClaimedEntries {
    /// Where to continue.
    next: String,
    entries: Vec<StreamEntry>,
}

impl FromRedisValue for ClaimedEntries {
    fn from_redis_value(value: Value) -> Result<ClaimedEntries, ParsingError> {
        let mut parts = match value {
            Value::Array(parts) => parts.into_iter(),
            _ => Vec::new().into_iter(),
        };
        let mut part = || parts.next().unwrap_or(Value::Nil);
        Ok(ClaimedEntries {
            next: redis::from_redis_value(part())?,
            entries: redis::from_redis_value(part())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_of_every_redis_version_are_parsed() {
        let text = |t: &str| Value::BulkString(t.into());
        let fields = Value::Array(vec![text("account"), text("wx0a")]);
        let entry = Value::Array(vec![text("1-1"), fields]);
        let version_6_2 = vec![text("0-0"), Value::Array(vec![entry])];
        let mut version_7 = version_6_2.clone();
        version_7.push(Value::Array(vec![]));
        for reply in [version_6_2, version_7] {
            let claimed: ClaimedEntries = redis::from_redis_value(Value::Array(reply)).unwrap();
            let expected = StreamAccount {
                entry: "1-1".to_owned(),
                account: "wx0a".to_owned(),
            };
            let (id, fields) = claimed.entries.into_iter().next().unwrap();
            assert_eq!(StreamAccount::from_entry(&id, fields), Some(expected));
        }
        let none = Value::Array(vec![text("0-0"), Value::Array(vec![])]);
        let claimed: ClaimedEntries = redis::from_redis_value(none).unwrap();
        assert!(claimed.entries.is_empty());
    }
}
