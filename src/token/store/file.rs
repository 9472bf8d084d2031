//! A store in a file, for the processes of one machine.
//!
//! redb keeps it: what is committed survives whatever kills a process. It lets one process in at a time, so the
//! file is opened for an access and closed again, which also makes forks no matter. Accesses are rare: two or
//! three for each refresh, and a look a minute for each account in use. Only where threads queue for it, as when
//! thousands of accounts are new, one hands the open file to the next: to open and close costs as much as to write.

// redb's errors are what they are, and none is kept.
#![allow(clippy::result_large_err)]

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use redb::{Database, DatabaseError, ReadableTable, TableDefinition, WriteTransaction};

use super::{Lock, Store, StoreError};
use crate::sync::lock;

const TEXTS: TableDefinition<&str, &str> = TableDefinition::new("texts");
/// Until when (ms since 1970) whom each lock belongs to.
const LOCKS: TableDefinition<&str, (u64, &str)> = TableDefinition::new("locks");
/// How long to wait for the other processes to be done.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long the threads of this process may hand the open file to each other; then others have a turn.
const TURN: Duration = Duration::from_millis(100);
/// The longest pause before whoever waits for the file tries again.
const RETRY: Duration = Duration::from_millis(5);

pub(super) struct File {
    path: PathBuf,
    /// Handed to the thread that waits, with when it was opened.
    handed: Mutex<Option<(Database, Instant)>>,
    waiting: AtomicUsize,
}

impl File {
    /// Makes the file unless it is there, for its owner alone.
    pub fn open(path: &str) -> Result<File, String> {
        let store = File {
            path: PathBuf::from(path),
            handed: Mutex::new(None),
            waiting: AtomicUsize::new(0),
        };
        store.with(|_| Ok(())).map_err(|e| e.why)?;
        Ok(store)
    }

    /// Does something with the open file.
    fn with<T>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let mut handed = lock(&self.handed);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        if handed
            .take_if(|(_, since)| since.elapsed() > TURN)
            .is_some()
        {
            thread::sleep(RETRY);
        }
        let (database, since) = match handed.take() {
            Some(open) => open,
            None => (self.database()?, Instant::now()),
        };
        let done = work(&database).map_err(|e| self.wrong(&e));
        if self.waiting.load(Ordering::SeqCst) > 0 {
            *handed = Some((database, since));
        }
        done
    }

    fn wrong(&self, error: &dyn std::fmt::Display) -> StoreError {
        StoreError {
            why: format!("the token store {}: {error}", self.path.display()),
            passing: false,
        }
    }

    /// Opens the file, waiting for the process that has it open.
    fn database(&self) -> Result<Database, StoreError> {
        let wrong = |e: &dyn std::fmt::Display| self.wrong(e);
        let start = Instant::now();
        let mut pause = Duration::from_micros(200);
        loop {
            let mut how = OpenOptions::new();
            how.read(true).write(true).create(true).truncate(false);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut how, 0o600);
            let file = how.open(&self.path).map_err(|e| wrong(&e))?;
            match Database::builder().create_file(file) {
                Ok(database) => return Ok(database),
                Err(DatabaseError::DatabaseAlreadyOpen) if start.elapsed() < PATIENCE => {
                    thread::sleep(pause);
                    pause = (pause * 2).min(RETRY);
                }
                Err(e) => return Err(wrong(&e)),
            }
        }
    }
}

impl Store for File {
    fn read(&self, key: &str) -> Result<Option<String>, StoreError> {
        self.with(|database| {
            let read = database.begin_read()?;
            match read.open_table(TEXTS) {
                Ok(texts) => Ok(texts.get(key)?.map(|text| text.value().to_owned())),
                Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
                Err(e) => Err(e.into()),
            }
        })
    }

    fn swap(&self, key: &str, was: Option<&str>, new: &str) -> Result<bool, StoreError> {
        self.with(|database| {
            let write = database.begin_write()?;
            let same = {
                let mut texts = write.open_table(TEXTS)?;
                let same = texts.get(key)?.as_ref().map(|text| text.value()) == was;
                if same {
                    texts.insert(key, new)?;
                }
                same
            };
            end(write, same)?;
            Ok(same)
        })
    }

    fn lock(&self, key: &str, ours: &Lock, at_most: Duration) -> Result<bool, StoreError> {
        self.with(|database| {
            let write = database.begin_write()?;
            let anothers = {
                let mut locks = write.open_table(LOCKS)?;
                let anothers = locks.get(key)?.is_some_and(|lock| {
                    let (until, owner) = lock.value();
                    owner != ours.0 && now_ms() < until
                });
                if !anothers {
                    let until = now_ms().saturating_add(at_most.as_millis() as u64);
                    locks.insert(key, (until, ours.0.as_str()))?;
                }
                anothers
            };
            end(write, !anothers)?;
            Ok(!anothers)
        })
    }

    fn unlock(&self, key: &str, ours: &Lock) -> Result<(), StoreError> {
        self.with(|database| {
            let write = database.begin_write()?;
            let held = {
                let mut locks = write.open_table(LOCKS)?;
                let held = locks.get(key)?.is_some_and(|lock| lock.value().1 == ours.0);
                if held {
                    locks.remove(key)?;
                }
                held
            };
            end(write, held)
        })
    }
}

/// Ends what was begun. If nothing was changed the disk need not be waited for.
fn end(write: WriteTransaction, changed: bool) -> Result<(), redb::Error> {
    match changed {
        true => Ok(write.commit()?),
        false => Ok(write.abort()?),
    }
}

fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_millis() as u64)
}

#[cfg(test)]
#[test]
fn it_keeps_its_word() {
    let path = std::env::temp_dir().join(format!("wxlink-store-{}.redb", std::process::id()));
    super::tests::keeps_its_word(&File::open(path.to_str().unwrap()).unwrap());
    std::fs::remove_file(path).unwrap();
    assert!(File::open("/nowhere/at/all").is_err());
}
