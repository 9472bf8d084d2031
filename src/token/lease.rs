//! The lock of a record, prolonged while its holder works.
//!
//! A refresh may take as long as its call's time limit, but the lock of a process that was killed
//! or stopped must expire soon. So a lock is taken for a few seconds, and a thread prolongs it
//! until it is released, or until 2 seconds after the call's deadline: the holder may still be
//! saving a new token.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::store::{LockOwner, Store, StoreError};
use crate::sys::background::spawn;
use crate::sys::lock::lock;

/// The shortest and the longest time a lock is taken for. Between them it is half of the call's
/// time left, so that others still have time if its holder is killed.
const MIN_DURATION: Duration = Duration::from_millis(100);
const MAX_DURATION: Duration = Duration::from_secs(10);
/// The time limit of one attempt to prolong it.
const PROLONG_LIMIT: Duration = Duration::from_secs(1);
/// The pause before another attempt to prolong the lock, after one that failed: a store that is
/// unavailable for a while must not cost the lock.
const RETRY_PAUSE: Duration = Duration::from_millis(100);
/// How long the lock is prolonged after the call's deadline, while the holder saves a new token.
const AFTER_DEADLINE: Duration = Duration::from_secs(2);
/// The time limit of releasing a lock.
const RELEASE_LIMIT: Duration = Duration::from_secs(1);

/// A held lock. If it is dropped it expires.
pub(super) struct Lease(Arc<Shared>);

struct Shared {
    store: Arc<dyn Store>,
    key: String,
    owner: LockOwner,
    /// How long it is taken for each time.
    duration: Duration,
    prolong_until: Instant,
    released: Mutex<bool>,
    release: Condvar,
}

impl Lease {
    /// Takes the key's lock for a call that ends at `deadline`; `None` if another owner holds it.
    ///
    /// # Errors
    /// The store could not be accessed before `access_deadline`.
    pub fn take(
        store: &Arc<dyn Store>,
        key: &str,
        owner: &LockOwner,
        deadline: Instant,
        access_deadline: Instant,
    ) -> Result<Option<Lease>, StoreError> {
        let left = deadline.saturating_duration_since(Instant::now());
        let duration = (left / 2).clamp(MIN_DURATION, MAX_DURATION);
        if !store.lock(key, owner, duration, access_deadline)? {
            return Ok(None);
        }
        let shared = Arc::new(Shared {
            store: store.clone(),
            key: key.to_owned(),
            owner: owner.clone(),
            duration,
            prolong_until: deadline + AFTER_DEADLINE,
            released: Mutex::new(false),
            release: Condvar::new(),
        });
        let own = shared.clone();
        // If no thread can be started, the lock expires after the time it was taken for.
        let _ = spawn("wxlink-lease", move || own.prolong());
        Ok(Some(Lease(shared)))
    }

    /// Releases the lock. If that fails it expires.
    pub fn release(self) {
        self.0.stop();
        let until = Instant::now() + RELEASE_LIMIT;
        let _ = self.0.store.unlock(&self.0.key, &self.0.owner, until);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl Shared {
    /// Stops prolonging it.
    fn stop(&self) {
        *lock(&self.released) = true;
        self.release.notify_all();
    }

    fn prolong(&self) {
        let every = self.duration / 3;
        let mut pause = every;
        let mut released = lock(&self.released);
        loop {
            let due = Instant::now() + pause;
            while !*released && Instant::now() < due {
                let left = due.saturating_duration_since(Instant::now());
                released = self
                    .release
                    .wait_timeout(released, left)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
            }
            if *released || Instant::now() >= self.prolong_until {
                return;
            }
            // `released` stays locked meanwhile: a released lock must not be taken again.
            let until = Instant::now() + every.min(PROLONG_LIMIT);
            let prolonged = self
                .store
                .lock(&self.key, &self.owner, self.duration, until);
            pause = match prolonged {
                Ok(true) => every,
                Ok(false) => return,
                Err(_) => every.min(RETRY_PAUSE),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
    use std::thread;

    use super::*;
    use crate::config::store_url::StoreUrl;
    use crate::model::message::Message;
    use crate::store;

    /// A store that cannot be locked while its flag is set.
    struct Failing(Arc<dyn Store>, AtomicBool);
    impl Store for Failing {
        fn name(&self) -> Message {
            self.0.name()
        }
        fn read(&self, key: &str, until: Instant) -> Result<Option<Vec<u8>>, StoreError> {
            self.0.read(key, until)
        }
        fn swap(
            &self,
            key: &str,
            was: Option<&[u8]>,
            new: &str,
            until: Instant,
        ) -> Result<bool, StoreError> {
            self.0.swap(key, was, new, until)
        }
        fn lock(
            &self,
            key: &str,
            owner: &LockOwner,
            at_most: Duration,
            until: Instant,
        ) -> Result<bool, StoreError> {
            if self.1.load(SeqCst) {
                return Err(StoreError {
                    why: "away".into(),
                    transient: true,
                    is_late: false,
                });
            }
            self.0.lock(key, owner, at_most, until)
        }
        fn unlock(&self, key: &str, owner: &LockOwner, until: Instant) -> Result<(), StoreError> {
            self.0.unlock(key, owner, until)
        }
        fn change_claim(&self, change: &store::ClaimChange) -> store::Changed {
            self.0.change_claim(change)
        }
    }

    fn memory() -> Arc<dyn Store> {
        store::open(&StoreUrl::Memory).unwrap()
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn a_holder_prolongs_its_lock_and_an_abandoned_one_expires() {
        let store = memory();
        let short = Instant::now() + Duration::from_secs(4);
        let ours = LockOwner::new();
        let take =
            |owner: &LockOwner, limit| Lease::take(&store, "k", owner, limit, soon()).unwrap();
        let lease = take(&ours, short);
        assert!(lease.is_some());
        // The lock was taken for two seconds.
        let later = Instant::now() + Duration::from_secs(3);
        while Instant::now() < later {
            assert!(take(&LockOwner::new(), soon()).is_none());
            thread::sleep(Duration::from_millis(10));
        }
        // As when the process is killed.
        drop(lease);
        let limit = soon();
        while take(&LockOwner::new(), soon()).is_none() {
            assert!(Instant::now() < limit, "the lock does not expire");
        }
    }

    #[test]
    fn a_lock_outlives_a_failing_store() {
        let memory = memory();
        let failing = Arc::new(Failing(memory.clone(), false.into()));
        let store: Arc<dyn Store> = failing.clone();
        // The lock is taken for five seconds.
        let limit = Instant::now() + Duration::from_secs(10);
        let lease = Lease::take(&store, "k", &LockOwner::new(), limit, soon()).unwrap();
        let taken = Instant::now();
        let seconds = |s| taken + Duration::from_secs(s);
        while Instant::now() < seconds(7) {
            let fails = Instant::now() < seconds(4);
            failing.1.store(fails, SeqCst);
            let other = memory.lock("k", &LockOwner::new(), Duration::from_secs(1), soon());
            assert!(!other.unwrap(), "after {:?}", taken.elapsed());
            thread::sleep(Duration::from_millis(10));
        }
        assert!(lease.is_some());
    }
}
