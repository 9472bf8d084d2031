//! What every store offers: texts by key with compare-and-swap, and a lock beside each key.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

/// The longest time a lock lasts. One that ends later was taken by a clock that was wrong.
pub(crate) const LONGEST_LOCK: Duration = Duration::from_secs(30);

/// Why a store cannot be used.
#[derive(Clone, Debug)]
pub(crate) struct StoreError {
    /// In words without secrets.
    pub why: String,
    /// Whether it may be there again in a moment, as after a restart.
    pub transient: bool,
    /// Whether the access ended for want of time alone.
    pub is_late: bool,
}

impl StoreError {
    /// An error that the next attempt would meet as well.
    #[cfg(feature = "file-store")]
    pub(super) fn permanent(why: String) -> StoreError {
        StoreError {
            why,
            transient: false,
            is_late: false,
        }
    }

    /// The store did not become available before the limit.
    #[cfg(any(feature = "file-store", feature = "redis-store"))]
    pub(super) fn timed_out(why: String) -> StoreError {
        StoreError {
            why,
            transient: true,
            is_late: true,
        }
    }
}

/// Who takes a lock.
#[derive(Clone)]
pub(crate) struct LockOwner(String);

impl LockOwner {
    /// One that no other process has.
    pub fn new() -> LockOwner {
        let part = || RandomState::new().hash_one(std::process::id());
        LockOwner(format!("{:016x}{:016x}", part(), part()))
    }

    /// The text that stores keep for the owner.
    #[cfg_attr(
        not(any(feature = "file-store", feature = "redis-store")),
        allow(dead_code)
    )]
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Every access ends soon after `until`, if need be with an error.
pub(crate) trait Store: Send + Sync {
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
        lock: &LockOwner,
        at_most: Duration,
        until: Instant,
    ) -> Result<bool, StoreError>;

    /// Gives it back, unless it ended and another holds it.
    fn unlock(&self, key: &str, lock: &LockOwner, until: Instant) -> Result<(), StoreError>;
}

/// What every store must do, run against each.
#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    pub fn fulfils_the_contract(store: &dyn Store) {
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

        let lock = |key, whose: &LockOwner, lasts| store.lock(key, whose, lasts, soon()).unwrap();
        let unlock = |whose: &LockOwner| store.unlock("k", whose, soon()).unwrap();
        let (ours, anothers) = (LockOwner::new(), LockOwner::new());
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
}
