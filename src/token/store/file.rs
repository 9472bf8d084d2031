//! A store in a file, for the processes of one machine.
//!
//! redb keeps it: what is committed survives whatever kills a process. It lets one process in at a time, so the
//! file is opened for each access and closed again, which also makes forks no matter. Accesses are rare: two or
//! three for each refresh, and a look a minute for each account in use.

// redb's errors are what they are, and none is kept.
#![allow(clippy::result_large_err)]

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use redb::{Database, DatabaseError, ReadableTable, TableDefinition, WriteTransaction};

use super::{Lock, Store, StoreError};

const TEXTS: TableDefinition<&str, &str> = TableDefinition::new("texts");
/// Until when (ms since 1970) whom each lock belongs to.
const LOCKS: TableDefinition<&str, (u64, &str)> = TableDefinition::new("locks");
/// How long to wait for the other processes to be done.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct File {
    path: PathBuf,
}

impl File {
    /// Makes the file unless it is there, for its owner alone.
    pub fn open(path: &str) -> Result<File, String> {
        let store = File {
            path: PathBuf::from(path),
        };
        store.with(|_| Ok(())).map_err(|e| e.why)?;
        Ok(store)
    }

    /// Opens the file, waiting for whoever has it open.
    fn with<T>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        let wrong = |e: &dyn std::fmt::Display| StoreError {
            why: format!("the token store {}: {e}", self.path.display()),
            passing: false,
        };
        let start = Instant::now();
        let mut pause = Duration::from_micros(200);
        let database = loop {
            let mut how = OpenOptions::new();
            how.read(true).write(true).create(true).truncate(false);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut how, 0o600);
            let file = how.open(&self.path).map_err(|e| wrong(&e))?;
            match Database::builder().create_file(file) {
                Ok(database) => break database,
                Err(DatabaseError::DatabaseAlreadyOpen) if start.elapsed() < PATIENCE => {
                    thread::sleep(pause);
                    pause = (pause * 2).min(Duration::from_millis(5));
                }
                Err(e) => return Err(wrong(&e)),
            }
        };
        work(&database).map_err(|e| wrong(&e))
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
