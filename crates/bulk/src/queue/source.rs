//! Leases the accounts of a queue to the workers of one process.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use redis::{Client, FromRedisValue, ParsingError, Value, cmd};
use wxlink::redis_connection::Failure;

use super::connection::{RedisConnection, Request};
use super::scripts::{CONSUMER_GROUP, LuaScript, REMOVE_CONSUMER, WorkerScripts};
use super::types::{CallIntervals, Keys, QueuedResult, QueuedRow, WorkerConfig, place_of};
use crate::columns::{OtherCell, OtherCells};
use crate::error::BulkError;
use crate::field::{Field, fields_of};
use crate::lock::lock;
use crate::message::{Message, message};
use crate::outcome::{Outcome, Record};
use crate::posts::Posts;
use crate::quota::unix_now;
use crate::random::random_id;
use crate::row::{OTHER_FIELD, Row};
use crate::runner::{AccountLease, AccountSource, Backoff};
use crate::stop::StopFlag;

/// The most rows of an account that one command reads.
const MAX_ROWS_PER_READ: usize = 200;
/// How long one command to Redis waits for a new account (ms).
const BLOCK_MS: u64 = 200;
/// A worker without `stay` ends when no account is due within this time.
const MAX_WAIT_FOR_DUE: Duration = Duration::from_secs(90);
/// The id before all entries of a stream.
const FIRST_ENTRY: &str = "0-0";
/// How many times within a lease the accounts of dead workers and due accounts are searched, and a
/// worker makes sure that it still holds its own.
const CHECKS_PER_LEASE: u32 = 4;
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
    keys: Keys,
    config: WorkerConfig,
    intervals: CallIntervals,
    /// The consumer's name.
    consumer: String,
    connection: RedisConnection,
    /// Commands on it wait for accounts.
    search_connection: RedisConnection,
    state: Mutex<State>,
    scripts: WorkerScripts,
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

    /// Returns the accounts that no worker took, and removes the consumer from the stream.
    pub fn close(&self, stop: &StopFlag) {
        loop {
            let Some(account) = self.state().found.pop_front() else {
                break;
            };
            // If this fails, other workers get the account after the time of a lease.
            let _ = self.lease(account, stop).end(None);
        }
        let remove = LuaScript::new(REMOVE_CONSUMER);
        // If this fails, another worker removes it after a day.
        let _ = self.run_script::<u64>(stop, &remove, &[&self.consumer]);
    }

    /// Waits for an account. `None` if there will be none, or if a stop is requested.
    fn find_account(&self, stop: &StopFlag) -> Result<Option<StreamAccount>, BulkError> {
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

    fn run_script<T: FromRedisValue>(
        &self,
        stop: &StopFlag,
        script: &LuaScript,
        arguments: &[&str],
    ) -> Result<T, BulkError> {
        self.connection
            .run_script(stop, script, &self.keys.prefix, arguments)
    }

    fn lease(&self, account: StreamAccount, stop: &StopFlag) -> QueueLease<'_> {
        QueueLease {
            source: self,
            entry: account.entry,
            account: account.account,
            rows: VecDeque::new(),
            unsent: None,
            has_success: false,
            started: None,
            confirmed_at: Instant::now(),
            is_over: false,
            stop: stop.clone(),
        }
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
struct StreamAccount {
    entry: String,
    account: String,
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

impl AccountSource for QueueSource {
    fn next(&self, stop: &StopFlag) -> Result<Option<Box<dyn AccountLease + '_>>, BulkError> {
        let Some(account) = self.find_account(stop)? else {
            return Ok(None);
        };
        Ok(Some(Box::new(self.lease(account, stop))))
    }
}

struct QueueLease<'a> {
    source: &'a QueueSource,
    entry: String,
    account: String,
    rows: VecDeque<ReadRow>,
    /// The record of the row before these, which is sent with the note for the next row.
    unsent: Option<UnsentRecord>,
    /// Whether WeChat was reached for a row, so that the account's failures are forgotten.
    has_success: bool,
    /// The last record or note, while it is not waited for.
    started: Option<Started>,
    /// When Redis last confirmed that this lease is held.
    confirmed_at: Instant,
    /// Whether it has ended, because the account's rows cannot be read.
    is_over: bool,
    stop: StopFlag,
}

/// A script that is not waited for yet.
struct Started {
    request: Request,
    at: Instant,
}

/// A row that was read from the queue.
struct ReadRow {
    /// Exactly as it stands in the queue.
    text: String,
    job: Arc<str>,
    line: u64,
    posts: Posts,
}

impl ReadRow {
    fn posts_field(&self) -> String {
        place_of(&self.job, self.line)
    }
}

/// The arguments of `record_row`.
#[derive(Clone)]
struct UnsentRecord {
    text: String,
    outcome: Outcome,
    result: String,
    field: String,
    posts: String,
    /// When a deferred row is due, or empty.
    due_ms: String,
    /// Whether the account's failures are to be forgotten.
    forgets_failures: bool,
}

impl Drop for QueueLease<'_> {
    fn drop(&mut self) {
        // After an error or a panic. If this fails as well, the row is recorded again.
        let _ = self.send_record();
        self.let_go();
    }
}

impl QueueLease<'_> {
    /// From now on this process may lease the account again.
    fn let_go(&self) {
        self.source.state().let_go(&self.account, &self.entry);
    }

    /// Runs a script for this lease.
    fn run_script<T: FromRedisValue>(
        &mut self,
        script: &LuaScript,
        arguments: &[&str],
    ) -> Result<T, BulkError> {
        let done = self.try_script(script, arguments)?;
        done.map_err(|failure| self.source.connection.to_error(&failure))
    }

    fn try_script<T: FromRedisValue>(
        &mut self,
        script: &LuaScript,
        arguments: &[&str],
    ) -> Result<Result<T, Failure>, BulkError> {
        let started = self.start(script, arguments)?;
        self.finish(started)
    }

    fn start(&self, script: &LuaScript, arguments: &[&str]) -> Result<Started, BulkError> {
        let source = self.source;
        let mut all = vec![source.consumer.as_str(), &self.entry];
        all.extend(arguments);
        Ok(Started {
            at: Instant::now(),
            request: source
                .connection
                .start_script(script, &source.keys.prefix, &all)?,
        })
    }

    fn finish<T: FromRedisValue>(
        &mut self,
        started: Started,
    ) -> Result<Result<T, Failure>, BulkError> {
        let connection = &self.source.connection;
        let done = connection.finish(&self.stop, started.request)?;
        self.confirmed_at = started.at;
        Ok(done)
    }

    /// Waits for the script that was started. `false` if the lease was lost.
    fn wait_for_started(&mut self) -> Result<bool, BulkError> {
        let Some(started) = self.started.take() else {
            return Ok(true);
        };
        let done = self.finish::<i64>(started)?;
        let done = done.map_err(|failure| self.source.connection.to_error(&failure))?;
        Ok(done == 1)
    }

    /// Reads the first rows as they stand in the queue. `None` if they cannot be read, because
    /// another program replaced their list: the lease has ended.
    fn read_texts(&mut self) -> Result<Option<Vec<String>>, BulkError> {
        let source = self.source;
        let key = source.keys.get(&format!("rows:{}", self.account));
        let mut range = cmd("LRANGE");
        range.arg(&key).arg(0).arg(MAX_ROWS_PER_READ - 1);
        let failure = match source.connection.try_run(&self.stop, &range)? {
            Ok(texts) => return Ok(Some(texts)),
            Err(failure) => failure,
        };
        if !failure.is_wrong_type() {
            return Err(source.connection.to_error(&failure));
        }
        let why = message!(
            "the rows of this account cannot be read: another program replaced the queue's key \
             {key}. Delete it, and push the rows of the account as another job",
            "无法读取该账号的行：队列的键 {key} 已被其他程序替换。请删除该键，并将该账号的行作为另一个任务推送"
        );
        let result = self.failed_row("", &why)?;
        let account = self.account.clone();
        self.is_over = true;
        self.run_script::<i64>(&source.scripts.set_aside, &[&account, &result])?;
        Ok(None)
    }

    /// Records the first row of the account as failed, because it is no row.
    fn record_invalid_row(&mut self, text: &str, error: &str) -> Result<bool, BulkError> {
        let why = message!(
            "the queue contains an invalid row: {error}. Push the row again as another job",
            "队列中有无效的行：{error}。请将该行作为另一个任务重新推送"
        );
        let result = self.failed_row(text, &why)?;
        self.unsent = Some(UnsentRecord {
            text: text.to_owned(),
            outcome: Outcome::Failed,
            result,
            field: String::new(),
            posts: "0".to_owned(),
            due_ms: String::new(),
            forgets_failures: false,
        });
        self.send_record()
    }

    /// Sends the record that was not sent yet. `false` if the lease was lost.
    fn send_record(&mut self) -> Result<bool, BulkError> {
        if !self.wait_for_started()? {
            return Ok(false);
        }
        if self.unsent.is_none() {
            return Ok(true);
        }
        self.start_note(&[])?;
        self.wait_for_started()
    }

    /// Starts to send the record that was not sent yet, if there is one, with a note for the next
    /// row.
    fn start_note(&mut self, note: &[&str]) -> Result<(), BulkError> {
        let scripts = &self.source.scripts;
        let Some(record) = self.unsent.take() else {
            self.started = Some(self.start(&scripts.note_posts, note)?);
            return Ok(());
        };
        let mut arguments = vec![
            self.account.as_str(),
            &record.text,
            record.outcome.word(),
            &record.result,
            &record.field,
            &record.posts,
            &record.due_ms,
            if record.forgets_failures { "1" } else { "" },
        ];
        arguments.extend(note);
        self.started = Some(self.start(&scripts.record_row, &arguments)?);
        Ok(())
    }

    /// The result that stands for a row that cannot be read.
    fn failed_row(&self, text: &str, why: &Message) -> Result<String, BulkError> {
        let fields: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
        let flag = |name: &str| fields[name].as_bool().unwrap_or_default();
        to_result(&QueuedResult {
            job: fields["job"].as_str().unwrap_or_default().to_owned(),
            record: Record {
                row: Row {
                    line: fields["line"].as_u64().unwrap_or_default(),
                    account: self.account.clone(),
                    appid: fields["appid"].as_str().unwrap_or_default().to_owned(),
                    notify_users: flag("notify_users"),
                    show_profile: flag("show_profile"),
                    other: other_cells(text),
                },
                outcome: Outcome::Failed,
                errcode: 0,
                rid: String::new(),
                message: why.get(self.source.config.lang).to_owned(),
                posts: 0,
                until: None,
                at: unix_now(),
            },
        })
    }

    /// Keeps a row that was read. Rows of one job share its id.
    fn keep(&mut self, text: String, queued: &QueuedRow) {
        let last = self.rows.back().filter(|last| *last.job == *queued.job);
        self.rows.push_back(ReadRow {
            text,
            job: last.map_or_else(|| queued.job.as_str().into(), |last| last.job.clone()),
            line: queued.row.line,
            posts: Posts::default(),
        });
    }

    /// Reads what is known of the invitations for the rows.
    fn read_posts(&mut self) -> Result<(), BulkError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let source = self.source;
        let fields: Vec<String> = self.rows.iter().map(ReadRow::posts_field).collect();
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let posts: Vec<u64> = source.run_script(&self.stop, &source.scripts.read_posts, &fields)?;
        for (row, posts) in self.rows.iter_mut().zip(posts.chunks_exact(2)) {
            row.posts = Posts {
                count: u32::try_from(posts[0]).unwrap_or(u32::MAX),
                in_doubt_for: Duration::from_millis(posts[1]),
            };
        }
        Ok(())
    }

    /// Reserves a call. Returns how long to wait before it, or `None` if the lease was lost.
    fn reserve_call(&mut self, intervals: CallIntervals) -> Result<Option<Duration>, BulkError> {
        let (all, account) = (intervals.all.to_string(), intervals.account.to_string());
        let name = self.account.clone();
        let script = &self.source.scripts.reserve_call;
        let wait: i64 = self.run_script(script, &[&all, &account, &name])?;
        Ok(u64::try_from(wait).ok().map(Duration::from_micros))
    }

    fn end(mut self, backoff: Option<Backoff>) -> Result<(), BulkError> {
        if self.is_over || !self.send_record()? {
            return Ok(());
        }
        let (pause_ms, failures) = match backoff {
            Some(backoff) => (backoff.pause.as_millis().to_string(), backoff.failures),
            None => ("-1".into(), 0),
        };
        let (account, failures) = (self.account.clone(), failures.to_string());
        // The script may add another entry for the account.
        self.let_go();
        let script = &self.source.scripts.release;
        self.run_script::<i64>(script, &[&account, &pause_ms, &failures])?;
        Ok(())
    }
}

/// The user's columns of a row that cannot be read, as far as they can be.
fn other_cells(text: &str) -> OtherCells {
    let fields = fields_of(text).unwrap_or_default();
    let other = fields.iter().find(|field| field.name == OTHER_FIELD);
    let cells = other.and_then(|other| fields_of(other.value.as_text()));
    let cells = cells.unwrap_or_default().into_iter();
    cells
        .map(|Field { name, value }| OtherCell {
            name,
            text: value.as_text().to_owned(),
        })
        .collect()
}

fn to_result(result: &QueuedResult) -> Result<String, BulkError> {
    serde_json::to_string(result).map_err(|error| {
        BulkError::usage(message!(
            "a result could not be written: {error}",
            "无法写入结果：{error}"
        ))
    })
}

impl AccountLease for QueueLease<'_> {
    fn account(&self) -> &str {
        &self.account
    }

    fn failures(&mut self) -> Result<usize, BulkError> {
        // If the lease was lost, what follows finds out.
        self.send_record()?;
        let mut get = cmd("HGET");
        get.arg(self.source.keys.get("failures")).arg(&self.account);
        let failures: Option<usize> = self.source.connection.run(&self.stop, &get)?;
        Ok(failures.unwrap_or(0))
    }

    fn rows(&mut self) -> Result<Vec<Row>, BulkError> {
        self.rows.clear();
        let mut rows = Vec::new();
        if !self.send_record()? {
            return Ok(rows);
        }
        while let Some(texts) = self.read_texts()?.filter(|texts| !texts.is_empty()) {
            for text in texts {
                match QueuedRow::parse(&text) {
                    Ok(queued) => {
                        self.keep(text, &queued);
                        rows.push(queued.row);
                    }
                    // It is recorded when it has become the first one.
                    Err(_) if !rows.is_empty() => break,
                    Err(error) => {
                        if !self.record_invalid_row(&text, &error.to_string())? {
                            return Ok(rows);
                        }
                    }
                }
            }
            if !rows.is_empty() {
                break;
            }
        }
        self.read_posts()?;
        Ok(rows)
    }

    fn acquire_permit(&mut self, stop: &StopFlag) -> Result<bool, BulkError> {
        let intervals = self.source.intervals;
        let renewal = self.source.config.lease / CHECKS_PER_LEASE;
        if stop.is_requested() {
            return Ok(false);
        }
        if intervals == CallIntervals::UNLIMITED && self.confirmed_at.elapsed() < renewal {
            return Ok(true);
        }
        if !self.send_record()? {
            return Ok(false);
        }
        let Some(wait) = self.reserve_call(intervals)? else {
            return Ok(false);
        };
        // The lease is renewed while this waits.
        let until = Instant::now() + wait;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if !stop.sleep(left.min(renewal)) {
                return Ok(false);
            }
            if left <= renewal && self.confirmed_at.elapsed() < renewal * 2 {
                return Ok(true);
            }
            if self.reserve_call(CallIntervals::UNLIMITED)?.is_none() {
                return Ok(false);
            }
        }
    }

    fn posts(&self, _: &Row) -> Posts {
        self.rows.front().map(|row| row.posts).unwrap_or_default()
    }

    fn note_posts(&mut self, _: &Row, posts: Posts) -> Result<(), BulkError> {
        // Whatever prevented an earlier script, such as a lost lease, prevents the note, too.
        self.wait_for_started()?;
        let Some(row) = self.rows.front_mut() else {
            return Ok(());
        };
        row.posts = posts;
        let field = row.posts_field();
        let (count, doubt) = (
            posts.count.to_string(),
            posts.in_doubt_for.as_millis().to_string(),
        );
        self.start_note(&[&field, &count, &doubt])
    }

    fn wait_for_note(&mut self) -> Result<bool, BulkError> {
        self.wait_for_started()
    }

    fn record(&mut self, record: Record) -> Result<bool, BulkError> {
        if !self.send_record()? {
            return Ok(false);
        }
        let Some(row) = self.rows.pop_front() else {
            return Ok(false);
        };
        let (field, posts) = (row.posts_field(), record.posts.to_string());
        let outcome = record.outcome;
        let until = record.until.filter(|_| outcome == Outcome::Deferred);
        let result = to_result(&QueuedResult {
            job: (*row.job).to_owned(),
            record,
        })?;
        let forgets_failures = !outcome.is_lost() && !self.has_success;
        self.has_success |= forgets_failures;
        self.unsent = Some(UnsentRecord {
            text: row.text,
            outcome,
            result,
            field,
            posts,
            due_ms: until.map_or(String::new(), |s| (s * 1000).to_string()),
            forgets_failures,
        });
        Ok(true)
    }

    fn release(self: Box<Self>, backoff: Option<Backoff>) -> Result<(), BulkError> {
        self.end(backoff)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::Queue;
    use crate::rate::{Rate, Rates};

    fn row(line: u64) -> Row {
        Row {
            line,
            account: "wx0a".to_owned(),
            appid: format!("wx0b{line}"),
            notify_users: false,
            show_profile: true,
            other: OtherCells::default(),
        }
    }

    fn invited(line: u64) -> Record {
        Record {
            row: row(line),
            outcome: Outcome::Invited,
            errcode: 0,
            rid: String::new(),
            message: String::new(),
            posts: 1,
            until: None,
            at: 0,
        }
    }

    /// A queue with these rows of one account, and a process that works on it.
    fn queue_of(redis: &wxlink_testkit::redis::Redis, lines: &[u64]) -> (Queue, QueueSource) {
        let queue = Queue::new(&redis.url(), "q").unwrap();
        let rates = Rates {
            all: Rate::UNLIMITED,
            account: Rate::UNLIMITED,
        };
        let rows = lines.iter().map(|line| Ok(row(*line)));
        let stop = StopFlag::default();
        queue.push(rows, Some("j"), rates, &stop, &|_| {}).unwrap();
        let config = WorkerConfig {
            lease: Duration::from_secs(60),
            stay: false,
            lang: wxlink::Lang::En,
        };
        let keys = queue.keys.clone();
        let source = QueueSource::new(&queue.client, keys, config, CallIntervals::UNLIMITED);
        (queue, source)
    }

    #[test]
    fn a_record_that_is_sent_again_is_kept_once() {
        let Some(redis) = wxlink_testkit::redis::Redis::start("the queue") else {
            return;
        };
        let (queue, source) = queue_of(&redis, &[2, 3]);
        let stop = StopFlag::default();
        let account = source.find_account(&stop).unwrap().unwrap();
        let mut lease = source.lease(account, &stop);
        assert_eq!(lease.rows().unwrap().len(), 2);
        assert!(lease.record(invited(2)).unwrap());
        let unsent = lease.unsent.clone();
        let note = ["j:3", "1", "1000"];
        for _ in 0..2 {
            lease.unsent.clone_from(&unsent);
            lease.start_note(&note).unwrap();
            assert!(lease.wait_for_started().unwrap());
        }
        // Without the note it cannot be seen that this process recorded the row.
        lease.unsent = unsent;
        assert!(!lease.send_record().unwrap());
        assert_eq!(lease.rows().unwrap(), [row(3)]);
        assert_eq!(lease.rows[0].posts.count, 1);
        assert_eq!(queue.status().unwrap().total(), 1);
    }

    #[test]
    fn a_worker_whose_lease_was_lost_learns_it_before_it_posts() {
        let Some(redis) = wxlink_testkit::redis::Redis::start("the queue") else {
            return;
        };
        let (queue, source) = queue_of(&redis, &[2, 3]);
        let stop = StopFlag::default();
        let account = source.find_account(&stop).unwrap().unwrap();
        let mut lease = source.lease(account.clone(), &stop);
        lease.rows().unwrap();
        let posted = Posts::default().one_more(Duration::from_secs(60));
        lease.note_posts(&row(2), posted).unwrap();
        assert!(lease.wait_for_note().unwrap());
        let mut claim = cmd("XCLAIM");
        claim.arg(source.keys.get("accounts")).arg(CONSUMER_GROUP);
        claim.arg("another").arg(0).arg(&account.entry);
        let _: Value = source.connection.run(&stop, &claim).unwrap();
        assert!(lease.record(invited(2)).unwrap());
        lease.note_posts(&row(3), posted).unwrap();
        assert!(!lease.wait_for_note().unwrap());
        assert_eq!(queue.status().unwrap().total(), 0);
    }

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
