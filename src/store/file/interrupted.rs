//! Every state in which a process that is killed can leave the file: after each write of redb's,
//! and within a write after each block, because a signal can cut a long one. From each of them
//! another process continues, which is killed in the same way.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::Arc;

use redb::StorageBackend;

use super::tests::{Folder, soon};
use super::*;

const BLOCK: usize = 4096;
const KEY: &str = "key";
const OLD: &str = "old";
const NEW: &str = "new";

enum Write {
    Bytes(u64, Vec<u8>),
    Length(u64),
}

/// The storage of a process: records what is written to the file.
#[derive(Clone, Debug)]
struct Recorder {
    backend: Backend,
    writes: Arc<Mutex<Vec<Write>>>,
}

impl std::fmt::Debug for Write {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Write::Bytes(at, bytes) => write!(f, "{} bytes at {at}", bytes.len()),
            Write::Length(len) => write!(f, "length {len}"),
        }
    }
}

impl StorageBackend for Recorder {
    fn len(&self) -> io::Result<u64> {
        self.backend.len()
    }

    fn read(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        self.backend.read(offset, len)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        lock(&self.writes).push(Write::Length(len));
        self.backend.set_len(len)
    }

    /// The system outlives the process, and keeps what is written.
    fn sync_data(&self, _: bool) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        lock(&self.writes).push(Write::Bytes(offset, data.to_vec()));
        self.backend.write(offset, data)
    }
}

/// What a process writes that opens the file with this content, stores `value` at the key, or
/// changes nothing, and closes the file.
fn writes(folder: &Folder, content: &[u8], value: Option<&str>) -> Vec<Write> {
    fs::write(folder.path(), content).unwrap();
    let file = place::open(&folder.path(), soon()).unwrap().unwrap();
    let recorder = Recorder {
        backend: Backend::new(file, Mode::Write).unwrap(),
        writes: Arc::default(),
    };
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    let database = builder.create_with_backend(recorder.clone()).unwrap();
    change_table(&database, TEXTS, |mut texts| {
        texts.insert(KEY, value.unwrap_or(OLD))?;
        Ok(((), value.is_some()))
    })
    .unwrap();
    drop(database);
    drop(recorder.backend.detach());
    std::mem::take(&mut *lock(&recorder.writes))
}

/// The content of the file at every moment while these writes are made.
fn states(content: &[u8], writes: &[Write]) -> Vec<Vec<u8>> {
    let mut content = content.to_vec();
    let mut states = vec![content.clone()];
    for write in writes {
        match write {
            Write::Length(len) => content.resize(*len as usize, 0),
            Write::Bytes(offset, bytes) => {
                for (n, block) in bytes.chunks(BLOCK).enumerate() {
                    let at = *offset as usize + n * BLOCK;
                    content[at..at + block.len()].copy_from_slice(block);
                    states.push(content.clone());
                }
            }
        }
        states.push(content.clone());
    }
    states.dedup();
    states
}

/// What other processes find at the key, by the hash of the file's content: many moments leave the
/// same content.
#[derive(Default)]
struct Found {
    by_content: HashMap<u64, String>,
    hasher: RandomState,
}

impl Found {
    fn get(&mut self, folder: &Folder, content: &[u8]) -> Result<String, StoreError> {
        let hash = self.hasher.hash_one(content);
        if let Some(text) = self.by_content.get(&hash) {
            return Ok(text.clone());
        }
        fs::write(folder.path(), content).unwrap();
        let text = folder.store().read(KEY, soon())?;
        let text = String::from_utf8(text.unwrap()).unwrap();
        self.by_content.insert(hash, text.clone());
        Ok(text)
    }
}

#[test]
fn no_moment_of_a_kill_damages_the_file() {
    let folder = Folder::new("moments");
    let store = folder.store();
    assert!(store.swap(KEY, None, OLD, soon()).unwrap());
    let clean = fs::read(folder.path()).unwrap();
    let first = writes(&folder, &clean, Some(NEW));
    let (mut found, mut seen) = (Found::default(), BTreeSet::new());
    for (n, content) in states(&clean, &first).into_iter().enumerate() {
        let value = found.get(&folder, &content);
        let value = value.unwrap_or_else(|e| panic!("{n}: {}", e.why));
        let second = writes(&folder, &content, None);
        for (m, again) in states(&content, &second).into_iter().enumerate() {
            let then = found.get(&folder, &again);
            let then = then.unwrap_or_else(|e| panic!("{n}, {m}: {}", e.why));
            assert_eq!(then, value, "{n}, {m}");
        }
        seen.insert(value);
    }
    assert_eq!(seen, BTreeSet::from([NEW.to_owned(), OLD.to_owned()]));
    let moments = found.by_content.len();
    assert!(moments > 100, "{moments}");
}
