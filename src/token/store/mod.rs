//! Where tokens are kept: in memory, in a file that processes share, or in a Redis that machines share.
//!
//! A store knows texts by keys and nothing of what they mean. Each key has a lock beside it, which ends by itself
//! if its holder is killed.

#[cfg(feature = "file-store")]
mod file;
mod memory;
#[cfg(feature = "redis-store")]
mod redis;

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Why a store cannot be used.
#[derive(Clone, Debug)]
pub(super) struct StoreError {
    /// In words without secrets.
    pub why: String,
    /// Whether it may be there again in a moment, as after a restart.
    pub passing: bool,
}

/// Who takes a lock.
pub(super) struct Lock(String);

impl Lock {
    /// One that no other process has.
    pub fn new() -> Lock {
        let part = || RandomState::new().hash_one(std::process::id());
        Lock(format!("{:016x}{:016x}", part(), part()))
    }
}

pub(super) trait Store: Send + Sync {
    /// The text at the key.
    fn read(&self, key: &str) -> Result<Option<String>, StoreError>;

    /// Writes unless something else than `was` is there by now; whether it did.
    fn swap(&self, key: &str, was: Option<&str>, new: &str) -> Result<bool, StoreError>;

    /// Takes the key's lock for at most so long, unless another holds it; whether it is ours. It may be taken
    /// again, since the answer may have been lost.
    fn lock(&self, key: &str, lock: &Lock, at_most: Duration) -> Result<bool, StoreError>;

    /// Gives it back, unless it ended and another holds it.
    fn unlock(&self, key: &str, lock: &Lock) -> Result<(), StoreError>;
}

/// Checks what the option takes, without opening anything.
pub(crate) fn check(url: &str) -> Result<(), String> {
    let known = match url.split_once(':') {
        None => url == "memory",
        #[cfg(feature = "file-store")]
        Some(("file", path)) => !path.is_empty(),
        #[cfg(not(feature = "file-store"))]
        Some(("file", _)) => {
            return Err("names a store that was left out when this was built".into());
        }
        #[cfg(feature = "redis-store")]
        Some(("redis" | "rediss", _)) => redis::check(url),
        #[cfg(not(feature = "redis-store"))]
        Some(("redis" | "rediss", _)) => {
            return Err("names a store that was left out when this was built".into());
        }
        Some(_) => false,
    };
    known.then_some(()).ok_or_else(|| {
        "takes memory, file:PATH, redis://[USER:PASSWORD@]HOST[:PORT][/DB] or rediss://…".into()
    })
}

/// Opens the store the option names.
pub(super) fn open(url: &str) -> Result<Box<dyn Store>, String> {
    Ok(match url.split_once(':') {
        #[cfg(feature = "file-store")]
        Some(("file", path)) => Box::new(file::File::open(path)?),
        #[cfg(feature = "redis-store")]
        Some(("redis" | "rediss", _)) => Box::new(redis::Redis::open(url)?),
        _ => Box::new(memory::Memory::default()),
    })
}

/// What every store must do, run against each.
#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn keeps_its_word(store: &dyn Store) {
        assert_eq!(store.read("k").unwrap(), None);
        assert!(store.swap("k", None, "one").unwrap());
        assert!(!store.swap("k", None, "two").unwrap());
        assert!(!store.swap("k", Some("two"), "three").unwrap());
        assert_eq!(store.read("k").unwrap().as_deref(), Some("one"));
        assert!(store.swap("k", Some("one"), "two").unwrap());
        assert_eq!(store.read("k").unwrap().as_deref(), Some("two"));

        let long = Duration::from_secs(600);
        let (ours, anothers) = (Lock::new(), Lock::new());
        assert!(store.lock("k", &ours, long).unwrap());
        assert!(store.lock("k", &ours, long).unwrap());
        assert!(!store.lock("k", &anothers, long).unwrap());
        assert!(store.lock("other", &anothers, long).unwrap());
        store.unlock("k", &anothers).unwrap();
        assert!(
            !store.lock("k", &anothers, long).unwrap(),
            "another's lock was given back"
        );
        store.unlock("k", &ours).unwrap();
        let brief = Duration::from_millis(1);
        assert!(store.lock("k", &ours, brief).unwrap());
        let again = || store.lock("k", &anothers, long).unwrap();
        assert!(
            (0..10_000_000).any(|_| again()),
            "a lock that does not end by itself"
        );
        store.unlock("k", &ours).unwrap();
        assert!(!store.lock("k", &ours, long).unwrap());
        store.unlock("k", &anothers).unwrap();
    }

    #[test]
    fn only_what_can_be_opened_is_taken() {
        for (store, built) in [
            ("memory", true),
            ("file:/tmp/x", cfg!(feature = "file-store")),
            ("redis://h", cfg!(feature = "redis-store")),
            ("rediss://u:p@h:1/2", cfg!(feature = "redis-store")),
        ] {
            assert_eq!(check(store).is_ok(), built, "{store}");
        }
        for bad in [
            "",
            "Memory",
            "file:",
            "redis:",
            "memcached://h",
            "redis://h:x",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
