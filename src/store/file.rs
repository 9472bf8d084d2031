//! A store in a file, for the processes of one machine.
//!
//! The file is a redb database: a committed change survives a kill at any moment. Only one process
//! at a time can have the file open, so it is opened and closed for each access, which also makes
//! forks harmless. Accesses are rare: two or three for each refresh, and one a minute for each
//! account in use. If several threads of this process wait for the file, each passes the open file
//! to the next. Processes take turns: one that has waited is next, however often others come back.
//!
//! Before a file is used it is checked completely, unless it is unchanged since this process used
//! it. A damaged file is refused and never written to.

// redb's errors are large, but they are short-lived.
#![allow(clippy::result_large_err)]

mod backend;
mod place;

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use redb::{Builder, Database, DatabaseError, ReadableTable, TableDefinition};

use self::backend::{Backend, Mode};
use self::place::Unavailable;
use super::claim::{self, ClaimChange, Entries, LinkNote};
use super::clock;
use super::owner::LockOwner;
use super::store::{Changed, LONGEST_LOCK, Store, StoreError};
use super::timed_mutex::{TimedMutex, TimedMutexGuard};
use crate::model::lang::{Lang, Text};
use crate::model::message::{Message, message};
use crate::sys::background::catch_panic;
use crate::sys::lock::lock;

/// All tables have the same type, because redb's code exists once for each type of table.
type Table = TableDefinition<'static, &'static str, &'static str>;
type WritableTable<'txn> = redb::Table<'txn, &'static str, &'static str>;
const TEXTS: Table = Table::new("texts");
/// A [`Lock`] for each key.
const LOCKS: Table = Table::new("locks");
/// A [`LinkText`] for each key.
const LINKS: Table = Table::new("links");

/// How long the file may stay open while the threads of this process pass it to each other. Then
/// it is closed so that other processes can open it.
const MAX_OPEN_TIME: Duration = Duration::from_millis(100);
/// How long the file stays closed after [`MAX_OPEN_TIME`]. Where the operating system has no turns,
/// others notice that it is free.
const CLOSED_PAUSE: Duration = Duration::from_millis(5);
/// If a check takes longer than this, the next one starts after 20 times its duration.
const LONG_CHECK_DURATION: Duration = Duration::from_millis(10);
/// How often a process removes the expired texts about links.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60 * 60);
const INCONSISTENT: Text = Text {
    en: "its pages are inconsistent",
    zh: "其中的页互相矛盾",
};
const NOT_READ: Text = Text {
    en: "could not be read",
    zh: "无法读取",
};
const NOT_READ_OR_WRITTEN: Text = Text {
    en: "could not be read or written",
    zh: "无法读写",
};
/// The size of redb's cache while the file is open (bytes).
const CACHE_BYTES: usize = 16 << 20;

pub(super) struct File {
    path: PathBuf,
    state: TimedMutex<State>,
    /// When this process last removed the expired texts about links.
    swept: Mutex<Option<Instant>>,
}

#[derive(Default)]
struct State {
    /// The open file, passed to the next waiting thread.
    open: Option<Open>,
    /// The file's stamp when it was last known to be intact.
    intact: Option<place::Stamp>,
    /// When the last check started, and its duration.
    checked: Option<(Instant, Duration)>,
}

/// A lock as the file has it.
struct Lock<'a> {
    /// The boot in which it was taken.
    boot: &'a str,
    /// When it expires (ms since that boot).
    ends: u64,
    owner: &'a str,
}

impl<'a> Lock<'a> {
    fn parse(row: &'a str) -> Option<Lock<'a>> {
        let mut parts = row.splitn(3, ' ');
        Some(Lock {
            boot: parts.next()?,
            ends: parts.next()?.parse().ok()?,
            owner: parts.next()?,
        })
    }

    fn row(&self) -> String {
        [self.boot, &self.ends.to_string(), self.owner].join(" ")
    }

    /// Whether another owner holds the lock. A lock of another boot has expired. So has one that
    /// ends later than any lock can: it was taken by another clock.
    fn is_anothers(&self, ours: &LockOwner) -> bool {
        let now = clock::now();
        let is_held = now.ms < self.ends && self.ends <= now.ms + millis(LONGEST_LOCK);
        is_held && self.boot == now.boot && self.owner != ours.text()
    }
}

/// A text about a link as the file has it.
struct LinkText<'a> {
    written: clock::Written<'a>,
    text: &'a str,
}

impl<'a> LinkText<'a> {
    fn parse(row: &'a str) -> Option<LinkText<'a>> {
        let mut parts = row.splitn(5, ' ');
        Some(LinkText {
            written: clock::Written {
                boot: parts.next()?,
                boot_ms: parts.next()?.parse().ok()?,
                wall_ms: parts.next()?.parse().ok()?,
                lasts_ms: parts.next()?.parse().ok()?,
            },
            text: parts.next()?,
        })
    }

    fn row(&self) -> String {
        let at = &self.written;
        let numbers = [at.boot_ms, at.wall_ms, at.lasts_ms].map(|n| n.to_string());
        let [boot_ms, wall_ms, lasts_ms] = &numbers;
        [at.boot, boot_ms, wall_ms, lasts_ms, self.text].join(" ")
    }
}

/// The texts about links within a write transaction. The first error ends the transaction.
struct LinkTexts<'txn> {
    table: WritableTable<'txn>,
    now: clock::Moment,
    wall_ms: u64,
    error: Option<redb::StorageError>,
    is_changed: bool,
}

impl<'txn> LinkTexts<'txn> {
    fn new(table: WritableTable<'txn>) -> LinkTexts<'txn> {
        LinkTexts {
            table,
            now: clock::now(),
            wall_ms: clock::wall_ms(),
            error: None,
            is_changed: false,
        }
    }

    /// Reads a row: its text, and how long it stands.
    fn read<'a>(&self, row: &'a str) -> Result<(&'a str, clock::TimeLeft), redb::StorageError> {
        let link = LinkText::parse(row)
            .ok_or_else(|| redb::StorageError::Corrupted("a text about a link".into()))?;
        Ok((link.text, link.written.left(&self.now, self.wall_ms)))
    }

    fn write(&mut self, key: &str, text: &str, lasts: Duration) {
        let written = clock::Written {
            boot: &self.now.boot,
            boot_ms: self.now.ms,
            wall_ms: self.wall_ms,
            lasts_ms: millis(lasts),
        };
        let row = LinkText { written, text }.row();
        let set = self.table.insert(key, row.as_str()).map(drop);
        self.note(set);
        self.is_changed = true;
    }

    fn sweep(&mut self) -> Result<(), redb::Error> {
        let mut expired = Vec::new();
        for row in self.table.iter()? {
            let (key, text) = row?;
            if self.read(text.value())?.1.ms == 0 {
                expired.push(key.value().to_owned());
            }
        }
        for key in expired {
            self.table.remove(key.as_str())?;
            self.is_changed = true;
        }
        Ok(())
    }

    fn note<T>(&mut self, result: Result<T, redb::StorageError>) -> Option<T> {
        match result {
            Ok(done) => Some(done),
            Err(e) => {
                self.error.get_or_insert(e);
                None
            }
        }
    }
}

impl Entries for LinkTexts<'_> {
    type Key = String;

    fn get(&mut self, key: &String) -> Option<(LinkNote, Duration)> {
        let read = self.table.get(key.as_str()).and_then(|row| {
            let owned = |(text, left): (&str, _)| (text.to_owned(), left);
            row.map(|row| self.read(row.value()).map(owned)).transpose()
        });
        let (text, left) = self.note(read)??;
        let is_this_boot = left.is_this_boot;
        let left = Duration::from_millis(left.ms);
        if left.is_zero() {
            return None;
        }
        if !is_this_boot {
            // From now on this boot's clock counts.
            self.write(key, &text, left);
        }
        Some((LinkNote::parse(&text), left))
    }

    fn set(&mut self, key: &String, note: LinkNote, lasts: Duration) {
        self.write(key, &note.text(), lasts);
    }

    fn remove(&mut self, key: &String) {
        let removed = self.table.remove(key.as_str()).map(|row| row.is_some());
        self.is_changed |= self.note(removed) == Some(true);
    }
}

struct Open {
    database: Database,
    backend: Backend,
    since: Instant,
}

impl File {
    /// Nothing is opened yet.
    pub fn new(path: &str) -> File {
        File {
            path: PathBuf::from(path),
            state: TimedMutex::new(State::default()),
            swept: Mutex::new(None),
        }
    }

    /// Whether the expired texts about links have to be removed now.
    fn is_sweep_due(&self) -> bool {
        let mut swept = lock(&self.swept);
        let is_due = swept.is_none_or(|at| at.elapsed() >= SWEEP_INTERVAL);
        if is_due {
            *swept = Some(Instant::now());
        }
        is_due
    }

    /// Runs `work` on the texts about links, in one transaction.
    fn with_links<T>(
        &self,
        until: Instant,
        work: impl FnOnce(&mut LinkTexts<'_>) -> T,
    ) -> Result<T, StoreError> {
        self.change(LINKS, until, |table| {
            let mut links = LinkTexts::new(table);
            if self.is_sweep_due() {
                links.sweep()?;
            }
            let done = work(&mut links);
            match links.error {
                Some(e) => Err(e.into()),
                None => Ok((done, links.is_changed)),
            }
        })
    }

    /// The text at a key of a table.
    fn get(&self, table: Table, key: &str, until: Instant) -> Result<Option<String>, StoreError> {
        self.with(Mode::Read, until, |database| {
            let read = database.begin_read()?;
            match read.open_table(table) {
                Ok(table) => Ok(table.get(key)?.map(|text| text.value().to_owned())),
                Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
                Err(e) => Err(e.into()),
            }
        })
    }

    /// As [`change_table`], on the open file.
    fn change<T>(
        &self,
        table: Table,
        until: Instant,
        work: impl FnOnce(WritableTable<'_>) -> Result<(T, bool), redb::Error>,
    ) -> Result<T, StoreError> {
        self.with(Mode::Write, until, |database| {
            change_table(database, table, work)
        })
    }

    /// Runs `work` on the open file.
    fn with<T>(
        &self,
        mode: Mode,
        until: Instant,
        work: impl FnOnce(&Database) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        let taken = self.state.lock_until(until);
        let mut state = taken.ok_or_else(|| self.unavailable(Unavailable::InUse))?;
        let open = self.take_or_open(&mut state, mode, until)?;
        match catch_panic(|| work(&open.database)) {
            Some(Ok(done)) => {
                pass_on(state, open);
                Ok(done)
            }
            Some(Err(e)) => Err(self.close_after_error(&mut state, open, &e)),
            None => Err(self.close_after_panic(&mut state, open)),
        }
    }

    fn close_after_error(&self, state: &mut State, open: Open, error: &redb::Error) -> StoreError {
        let error = self.store_error(&open.backend, error);
        close(state, open);
        state.intact = None;
        error
    }

    /// Discards what redb still has to write.
    fn close_after_panic(&self, state: &mut State, open: Open) -> StoreError {
        let damage = open.backend.damage();
        release(open.backend.detach());
        let _ = catch_panic(|| drop(open));
        state.intact = None;
        self.damaged(damage.unwrap_or(INCONSISTENT))
    }

    fn take_or_open(
        &self,
        state: &mut State,
        mode: Mode,
        until: Instant,
    ) -> Result<Open, StoreError> {
        if let Some(open) = state.open.take() {
            let is_too_long = open.since.elapsed() > MAX_OPEN_TIME;
            if !is_too_long && (mode == Mode::Read || open.backend.mode() == Mode::Write) {
                return Ok(open);
            }
            close(state, open);
            if is_too_long {
                thread::sleep(CLOSED_PAUSE);
            }
        }
        self.open(state, mode, until)
    }

    /// Opens the file, which is created if it does not exist. A damaged file is refused.
    fn open(&self, state: &mut State, mode: Mode, until: Instant) -> Result<Open, StoreError> {
        let mut file = loop {
            let open = place::open(&self.path, until).map_err(|e| self.unavailable(e))?;
            match open {
                Some(file) => break file,
                None => {
                    place::create(&self.path, until, fill).map_err(|e| self.unavailable(e))?;
                }
            }
        };
        let failed = |e| self.unavailable(Unavailable::Failed(NOT_READ, e));
        let header = backend::header(&file).map_err(failed)?;
        let len = file.metadata().map_err(failed)?.len();
        if let Some(why) = backend::wrong_header(&header, len) {
            place::unlock(&file);
            return Err(self.damaged(why));
        }
        let stamp = place::stamp(&file);
        let is_known = state.intact.is_some() && state.intact == stamp;
        let is_recent = state.checked.is_some_and(|(at, took)| {
            took > LONG_CHECK_DURATION && at.elapsed() < took * 20 && state.intact.is_some()
        });
        if !is_known && !is_recent {
            state.intact = None;
            let started = Instant::now();
            file = self.check(file)?;
            state.checked = Some((Instant::now(), started.elapsed()));
            state.intact = stamp;
        }
        let backend = Backend::new(file, mode).map_err(failed)?;
        match open_database(&backend, Builder::new()) {
            Ok(database) => Ok(Open {
                database,
                backend,
                since: Instant::now(),
            }),
            Err(e) => {
                state.intact = None;
                release(backend.detach());
                Err(self.not_opened(&backend, e))
            }
        }
    }

    /// Has redb verify every page, without writing to the file.
    fn check(&self, file: fs::File) -> Result<fs::File, StoreError> {
        let failed = |e| self.unavailable(Unavailable::Failed(NOT_READ, e));
        let backend = Backend::new(file, Mode::Check).map_err(failed)?;
        let is_strict = backend.is_complete().map_err(failed)?;
        let mut builder = Builder::new();
        builder.set_repair_callback(move |repair| {
            // 0.3 is reported only if the current state turned out to be damaged. The state before
            // is right if a process was killed while it wrote, and old data otherwise.
            if is_strict && repair.progress() > 0.2 && repair.progress() < 0.5 {
                repair.abort();
            }
        });
        let opened = open_database(&backend, builder);
        let file = backend.detach();
        match (opened, file) {
            (Ok(database), Some(file)) => {
                let _ = catch_panic(|| drop(database));
                Ok(file)
            }
            (Err(e), file) => {
                release(file);
                Err(self.not_opened(&backend, e))
            }
            (Ok(_), None) => Err(self.damaged(INCONSISTENT)),
        }
    }

    /// Why a database could not be opened; `None` stands for a panic.
    fn not_opened(&self, backend: &Backend, error: Option<DatabaseError>) -> StoreError {
        match error {
            Some(e) => self.store_error(backend, &e.into()),
            None => self.damaged(backend.damage().unwrap_or(INCONSISTENT)),
        }
    }

    fn store_error(&self, backend: &Backend, error: &redb::Error) -> StoreError {
        if let Some(failed) = backend.take_failure() {
            return self.unavailable(Unavailable::Failed(NOT_READ_OR_WRITTEN, failed));
        }
        if let Some(damage) = backend.damage() {
            return self.damaged(damage);
        }
        self.damaged(match error {
            redb::Error::Corrupted(_) | redb::Error::RepairAborted => Text {
                en: "invalid checksum",
                zh: "校验和不正确",
            },
            redb::Error::UpgradeRequired(_) => Text {
                en: "it has another version of the file format",
                zh: "文件格式的版本不同",
            },
            redb::Error::TableTypeMismatch { .. }
            | redb::Error::TypeDefinitionChanged { .. }
            | redb::Error::TableIsMultimap(_) => Text {
                en: "its tables are not those of wxlink",
                zh: "其中的表不属于 wxlink",
            },
            _ => INCONSISTENT,
        })
    }

    fn damaged(&self, why: impl Into<Message>) -> StoreError {
        let (path, why) = (self.path.display(), why.into());
        let (en, zh) = (why.get(Lang::En), why.get(Lang::Zh));
        StoreError::permanent(message!(
            "the store {path} is damaged: {en}. Restore it or delete it (tickets and \
             accounts must then be stored again)",
            "存储 {path} 已损坏：{zh}。请恢复或删除该文件（删除后须重新存入票据和账号）"
        ))
    }

    fn unavailable(&self, why: Unavailable) -> StoreError {
        let path = self.path.display();
        match why {
            Unavailable::InUse => StoreError::timed_out(message!(
                "the store {path} is in use: another process had it open all the time. \
                 Check whether a process that uses it is stopped, and try again",
                "存储 {path} 正在使用中：另一个进程一直打开着它。\
                 请检查使用它的进程是否已被暂停，然后重试"
            )),
            Unavailable::Refused(why) => {
                let (en, zh) = (why.get(Lang::En), why.get(Lang::Zh));
                StoreError::permanent(message!("the store {path} {en}", "存储 {path} {zh}"))
            }
            Unavailable::Failed(Text { en, zh }, e) => {
                let what = message!("the store {path} {en}", "存储 {path} {zh}");
                let why = Message::from(e);
                StoreError::permanent(why.after(what.get(Lang::En), what.get(Lang::Zh)))
            }
        }
    }
}

/// Runs `work` on a table, in one transaction. `work` returns its result and whether it has changed
/// the table: if not, nothing is written to the disk.
fn change_table<T>(
    database: &Database,
    table: Table,
    work: impl FnOnce(WritableTable<'_>) -> Result<(T, bool), redb::Error>,
) -> Result<T, redb::Error> {
    let write = database.begin_write()?;
    let (done, is_changed) = work(write.open_table(table)?)?;
    if is_changed {
        write.commit()?;
    } else {
        write.abort()?;
    }
    Ok(done)
}

/// Opens a database; an error is `None` if redb panicked.
fn open_database(
    backend: &Backend,
    mut builder: Builder,
) -> Result<Database, Option<DatabaseError>> {
    builder.set_cache_size(CACHE_BYTES);
    match catch_panic(|| builder.create_with_backend(backend.clone())) {
        Some(opened) => opened.map_err(Some),
        None => Err(None),
    }
}

/// Writes an empty store into a new file.
fn fill(file: fs::File) -> Result<(), Unavailable> {
    let failed = |e| Unavailable::Failed(place::NOT_CREATED, e);
    let backend = Backend::new(file, Mode::Write).map_err(failed)?;
    let opened = open_database(&backend, Builder::new());
    let is_open = opened.is_ok();
    let is_closed = catch_panic(|| drop(opened)).is_some();
    // Closed and not unlocked: other creators still have to wait.
    drop(backend.detach());
    match backend.take_failure() {
        Some(e) => Err(failed(e)),
        None if is_open && is_closed => Ok(()),
        None => Err(failed(std::io::Error::other("redb failed"))),
    }
}

/// Passes the open file to the next waiting thread, or closes it if there is none.
fn pass_on(mut state: TimedMutexGuard<'_, State>, open: Open) {
    state.open = Some(open);
    if let Err(mut state) = state.pass_on() {
        if let Some(open) = state.open.take() {
            close(&mut state, open);
        }
    }
}

fn close(state: &mut State, open: Open) {
    let Open {
        database, backend, ..
    } = open;
    if backend.mode() != Mode::Write {
        let file = backend.detach();
        let _ = catch_panic(|| drop(database));
        return release(file);
    }
    let is_closed = catch_panic(|| drop(database)).is_some();
    let is_written = backend.take_failure().is_none();
    let file = backend.detach();
    state.intact = file
        .as_ref()
        .filter(|_| is_closed && is_written)
        .and_then(place::stamp);
    release(file);
}

fn release(file: Option<fs::File>) {
    if let Some(file) = file {
        place::unlock(&file);
    }
}

impl Store for File {
    fn name(&self) -> Message {
        let path = self.path.display();
        message!("the store {path}", "存储 {path} ")
    }

    fn read(&self, key: &str, until: Instant) -> Result<Option<Vec<u8>>, StoreError> {
        let text = self.get(TEXTS, key, until)?;
        Ok(text.map(String::into_bytes))
    }

    fn swap(
        &self,
        key: &str,
        was: Option<&[u8]>,
        new: &str,
        until: Instant,
    ) -> Result<bool, StoreError> {
        self.change(TEXTS, until, |mut texts| {
            let same = texts.get(key)?.as_ref().map(|text| text.value().as_bytes()) == was;
            if same {
                texts.insert(key, new)?;
            }
            Ok((same, same))
        })
    }

    fn lock(
        &self,
        key: &str,
        ours: &LockOwner,
        at_most: Duration,
        until: Instant,
    ) -> Result<bool, StoreError> {
        // Most attempts find the lock taken. Reading costs no write to the disk, so threads that
        // wait for a lock leave the file to its holder.
        let is_anothers = |row: &str| Lock::parse(row).is_some_and(|lock| lock.is_anothers(ours));
        let is_taken = self
            .get(LOCKS, key, until)?
            .is_some_and(|row| is_anothers(&row));
        if is_taken {
            return Ok(false);
        }
        let at_most = millis(at_most.min(LONGEST_LOCK));
        self.change(LOCKS, until, |mut locks| {
            let is_taken = locks.get(key)?.is_some_and(|row| is_anothers(row.value()));
            if !is_taken {
                let now = clock::now();
                let lock = Lock {
                    boot: &now.boot,
                    ends: now.ms + at_most,
                    owner: &ours.text(),
                };
                locks.insert(key, lock.row().as_str())?;
            }
            Ok((!is_taken, !is_taken))
        })
    }

    fn unlock(&self, key: &str, ours: &LockOwner, until: Instant) -> Result<(), StoreError> {
        self.change(LOCKS, until, |mut locks| {
            let ours = ours.text();
            let is_ours = |row: &str| Lock::parse(row).is_some_and(|lock| lock.owner == ours);
            let held = locks.get(key)?.is_some_and(|row| is_ours(row.value()));
            if held {
                locks.remove(key)?;
            }
            Ok(((), held))
        })
    }

    fn change_claim(&self, change: &ClaimChange) -> Changed {
        let ClaimChange {
            keys, owner, step, ..
        } = change;
        self.with_links(change.limit, |links| {
            claim::change(links, keys, owner, *step)
        })
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod interrupted;
#[cfg(test)]
mod tests;
