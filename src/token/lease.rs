//! A record's lock, prolonged while its holder works.
//!
//! A refresh may take as long as its call has, while the lock of a process that is killed or stopped
//! has to end soon. So a lock lasts a few seconds at most, and a thread prolongs it until it is given
//! back or its call's time is up.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::store::{LockOwner, Store, StoreError};
use crate::sys::background::spawn;
use crate::sys::lock::lock;

/// The longest and the shortest time a lock lasts unless it is prolonged. Between them it lasts for
/// half of the call's time left, so that others still have time when its holder is killed.
const LASTS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// How long a holder may go on after its call's time is up: it saves what it was given.
const AFTER_LIMIT: Duration = Duration::from_secs(2);
/// The time there is to give a lock back.
const TIME_TO_GIVE_BACK: Duration = Duration::from_secs(1);

/// A lock that is held. Dropping it leaves it to end by itself.
pub(super) struct Lease(Arc<Shared>);

struct Shared {
    store: Arc<dyn Store>,
    key: String,
    owner: LockOwner,
    /// How long it lasts from each time it is prolonged.
    lasts: Duration,
    /// When it is prolonged no more.
    limit: Instant,
    is_over: Mutex<bool>,
    news: Condvar,
}

impl Lease {
    /// Takes the key's lock for a call that ends at `limit`; `None` if another has it.
    ///
    /// # Errors
    /// The store could not be asked by `until`.
    pub fn take(
        store: &Arc<dyn Store>,
        key: &str,
        owner: &LockOwner,
        limit: Instant,
        until: Instant,
    ) -> Result<Option<Lease>, StoreError> {
        let left = limit.saturating_duration_since(Instant::now());
        let lasts = (left / 2).clamp(LASTS.0, LASTS.1);
        if !store.lock(key, owner, lasts, until)? {
            return Ok(None);
        }
        let shared = Arc::new(Shared {
            store: store.clone(),
            key: key.to_owned(),
            owner: owner.clone(),
            lasts,
            limit: limit + AFTER_LIMIT,
            is_over: Mutex::new(false),
            news: Condvar::new(),
        });
        let own = shared.clone();
        // Without a thread it lasts as long as it was taken for.
        let _ = spawn("wxlink-lease", move || own.prolong());
        Ok(Some(Lease(shared)))
    }

    /// Gives the lock back. If that fails it ends by itself.
    pub fn give_back(self) {
        self.0.end();
        let until = Instant::now() + TIME_TO_GIVE_BACK;
        let _ = self.0.store.unlock(&self.0.key, &self.0.owner, until);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Shared {
    /// Has it prolonged no more.
    fn end(&self) {
        *lock(&self.is_over) = true;
        self.news.notify_all();
    }

    fn prolong(&self) {
        let every = self.lasts / 3;
        let mut is_over = lock(&self.is_over);
        loop {
            let due = Instant::now() + every;
            while !*is_over && Instant::now() < due {
                let left = due.saturating_duration_since(Instant::now());
                is_over = self
                    .news
                    .wait_timeout(is_over, left)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
            }
            if *is_over || Instant::now() >= self.limit {
                return;
            }
            // `is_over` stays locked: a lock that was given back must not be taken once more.
            let until = Instant::now() + every;
            let prolonged = self.store.lock(&self.key, &self.owner, self.lasts, until);
            if matches!(prolonged, Ok(false)) {
                return;
            }
        }
    }
}
