//! Where tokens are kept: in memory, in a file that processes share, or in a Redis that machines share.
//!
//! A store keeps texts by key and does not know what they mean. Each key has a lock beside it, which
//! ends by itself if its holder is killed. Every access ends at its limit; accesses block, so they run
//! on threads of the library and not on the host's.

#[cfg(feature = "file-store")]
mod clock;
#[cfg(feature = "file-store")]
mod file;
mod memory;
#[cfg(feature = "redis-store")]
mod redis;
#[cfg(any(feature = "file-store", feature = "redis-store"))]
mod turn;

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The longest time a lock lasts. One that ends later was taken by a clock that was wrong.
pub(super) const LONGEST_LOCK: Duration = Duration::from_secs(30);

/// Why a store cannot be used.
#[derive(Clone, Debug)]
pub(super) struct StoreError {
    /// In words without secrets.
    pub why: String,
    /// Whether it may be there again in a moment, as after a restart.
    pub passing: bool,
    /// Whether the access ended for want of time alone.
    pub is_late: bool,
}

impl StoreError {
    /// The next attempt would fail as well.
    #[cfg(feature = "file-store")]
    fn lasting(why: String) -> StoreError {
        StoreError {
            why,
            passing: false,
            is_late: false,
        }
    }

    /// The store was waited for until the limit.
    #[cfg(any(feature = "file-store", feature = "redis-store"))]
    fn late(why: String) -> StoreError {
        StoreError {
            why,
            passing: true,
            is_late: true,
        }
    }
}

/// Who takes a lock.
#[derive(Clone)]
pub(super) struct Lock(String);

impl Lock {
    /// One that no other process has.
    pub fn new() -> Lock {
        let part = || RandomState::new().hash_one(std::process::id());
        Lock(format!("{:016x}{:016x}", part(), part()))
    }
}

/// Every access ends soon after `until`, if need be with an error.
pub(super) trait Store: Send + Sync {
    /// What and where it is, for messages.
    fn name(&self) -> String;

    /// The text at the key. It is ours if nobody else has written there.
    fn read(&self, key: &str, until: Instant) -> Result<Option<Vec<u8>>, StoreError>;

    /// Writes unless something else than `was` is there by now; whether it did.
    fn swap(
        &self,
        key: &str,
        was: Option<&[u8]>,
        new: &str,
        until: Instant,
    ) -> Result<bool, StoreError>;

    /// Takes the key's lock for at most that long and [`LONGEST_LOCK`], unless another holds it;
    /// whether it is ours. It may be taken again, to prolong it or since the answer may have been
    /// lost.
    fn lock(
        &self,
        key: &str,
        lock: &Lock,
        at_most: Duration,
        until: Instant,
    ) -> Result<bool, StoreError>;

    /// Gives it back, unless it ended and another holds it.
    fn unlock(&self, key: &str, lock: &Lock, until: Instant) -> Result<(), StoreError>;
}

/// Checks what the option takes, without opening anything.
pub(crate) fn check(url: &str) -> Result<(), String> {
    let known = match url.split_once(':') {
        None => url == "memory",
        #[cfg(feature = "file-store")]
        Some(("file", path)) => !path.is_empty() && !path.contains('\0'),
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

/// The store the option names. Nothing is opened or connected before the first access.
pub(super) fn new(url: &str) -> Result<Arc<dyn Store>, String> {
    Ok(match url.split_once(':') {
        #[cfg(feature = "file-store")]
        Some(("file", path)) => Arc::new(file::File::new(path)),
        #[cfg(feature = "redis-store")]
        Some(("redis" | "rediss", _)) => Arc::new(redis::Redis::new(url)?),
        _ => Arc::new(memory::Memory::default()),
    })
}

/// What every store must do, run against each.
#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    pub fn keeps_its_word(store: &dyn Store) {
        let swap = |was: Option<&str>, new| {
            let was = was.map(str::as_bytes);
            store.swap("k", was, new, soon()).unwrap()
        };
        let read = || store.read("k", soon()).unwrap();
        assert_eq!(read(), None);
        assert!(swap(None, "one"));
        assert!(!swap(None, "two"));
        assert!(!swap(Some("two"), "three"));
        assert_eq!(read().unwrap(), b"one");
        assert!(swap(Some("one"), "two"));
        assert_eq!(read().unwrap(), b"two");

        let lock = |key, whose: &Lock, lasts| store.lock(key, whose, lasts, soon()).unwrap();
        let unlock = |whose: &Lock| store.unlock("k", whose, soon()).unwrap();
        let (ours, anothers) = (Lock::new(), Lock::new());
        assert!(lock("k", &ours, LONGEST_LOCK));
        assert!(lock("k", &ours, LONGEST_LOCK));
        assert!(!lock("k", &anothers, LONGEST_LOCK));
        assert!(lock("other", &anothers, LONGEST_LOCK));
        unlock(&anothers);
        assert!(
            !lock("k", &anothers, LONGEST_LOCK),
            "another's lock was given back"
        );
        unlock(&ours);
        let brief = Duration::from_millis(1);
        assert!(lock("k", &ours, brief));
        let give_up = soon();
        while !lock("k", &anothers, LONGEST_LOCK) {
            assert!(
                Instant::now() < give_up,
                "a lock that does not end by itself"
            );
        }
        unlock(&ours);
        assert!(!lock("k", &ours, LONGEST_LOCK));
        unlock(&anothers);
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
