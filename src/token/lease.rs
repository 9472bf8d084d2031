//! The lock of a record, prolonged while its holder works.
//!
//! A refresh may take as long as its call's time limit, but the lock of a process that was killed
//! or stopped must expire soon. So a lock is taken for a few seconds, and a thread prolongs it
//! until it is released or the call's limit passes.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::store::{LockOwner, Store, StoreError};
use crate::sys::background::spawn;
use crate::sys::lock::lock;

/// The shortest and the longest time a lock is taken for. Between them it is half of the call's
/// time left, so that others still have time if its holder is killed.
const MIN_DURATION: Duration = Duration::from_millis(100);
const MAX_DURATION: Duration = Duration::from_secs(5);
/// How long the lock is prolonged after the call's limit, while the holder saves a new token.
const AFTER_LIMIT: Duration = Duration::from_secs(2);
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
    /// When it is no longer prolonged.
    limit: Instant,
    released: Mutex<bool>,
    release: Condvar,
}

impl Lease {
    /// Takes the key's lock for a call that ends at `limit`; `None` if another owner holds it.
    ///
    /// # Errors
    /// The store could not be accessed before `until`.
    pub fn take(
        store: &Arc<dyn Store>,
        key: &str,
        owner: &LockOwner,
        limit: Instant,
        until: Instant,
    ) -> Result<Option<Lease>, StoreError> {
        let left = limit.saturating_duration_since(Instant::now());
        let duration = (left / 2).clamp(MIN_DURATION, MAX_DURATION);
        if !store.lock(key, owner, duration, until)? {
            return Ok(None);
        }
        let shared = Arc::new(Shared {
            store: store.clone(),
            key: key.to_owned(),
            owner: owner.clone(),
            duration,
            limit: limit + AFTER_LIMIT,
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
        let mut released = lock(&self.released);
        loop {
            let due = Instant::now() + every;
            while !*released && Instant::now() < due {
                let left = due.saturating_duration_since(Instant::now());
                released = self
                    .release
                    .wait_timeout(released, left)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
            }
            if *released || Instant::now() >= self.limit {
                return;
            }
            // `released` stays locked meanwhile: a released lock must not be taken again.
            let until = Instant::now() + every;
            let prolonged = self
                .store
                .lock(&self.key, &self.owner, self.duration, until);
            if matches!(prolonged, Ok(false)) {
                return;
            }
        }
    }
}
