//! The locks of records, prolonged while their holders work.
//!
//! A refresh may take as long as its call's time limit, but the lock of a process that was killed
//! or stopped must expire soon. So a lock is taken for a few seconds, and one thread prolongs all
//! that are held until they are released, or until 2 seconds after the call's deadline: the holder
//! may still be saving a new token.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::store::{LockOwner, Store, StoreError};
use crate::sys::background::{catch_panic, spawn};
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

/// How long the thread waits for another lock before it ends.
const IDLE_LIFETIME: Duration = Duration::from_millis(100);

/// Takes the locks of a store.
pub(super) struct Leases(Arc<Shared>);

struct Shared {
    store: Arc<dyn Store>,
    state: Mutex<State>,
    /// Notified when the thread has to look before `wakes_at`.
    work: Condvar,
}

#[derive(Default)]
struct State {
    /// The held locks, and when each is prolonged next.
    held: BTreeMap<u64, (Instant, Arc<Held>)>,
    next_number: u64,
    has_thread: bool,
    /// When the thread looks again.
    wakes_at: Option<Instant>,
    /// Whether no more locks will be taken.
    is_closed: bool,
}

/// A held lock. If it is dropped it expires.
pub(super) struct Lease {
    shared: Arc<Shared>,
    number: u64,
    held: Arc<Held>,
}

struct Held {
    key: String,
    owner: LockOwner,
    /// How long it is taken for each time.
    duration: Duration,
    prolong_until: Instant,
    released: Mutex<bool>,
}

impl Leases {
    /// Takes no lock yet.
    pub fn new(store: Arc<dyn Store>) -> Leases {
        Leases(Arc::new(Shared {
            store,
            state: Mutex::default(),
            work: Condvar::new(),
        }))
    }

    /// Takes the key's lock for a call that ends at `deadline`; `None` if another owner holds it.
    ///
    /// # Errors
    /// The store could not be accessed before `access_deadline`.
    pub fn take(
        &self,
        key: &str,
        owner: &LockOwner,
        deadline: Instant,
        access_deadline: Instant,
    ) -> Result<Option<Lease>, StoreError> {
        let left = deadline.saturating_duration_since(Instant::now());
        let duration = (left / 2).clamp(MIN_DURATION, MAX_DURATION);
        if !self.0.store.lock(key, owner, duration, access_deadline)? {
            return Ok(None);
        }
        let held = Arc::new(Held {
            key: key.to_owned(),
            owner: *owner,
            duration,
            prolong_until: deadline + AFTER_DEADLINE,
            released: Mutex::new(false),
        });
        Ok(Some(Lease {
            shared: self.0.clone(),
            number: self.0.keep(held.clone()),
            held,
        }))
    }
}

impl Drop for Leases {
    fn drop(&mut self) {
        lock(&self.0.state).is_closed = true;
        self.0.work.notify_one();
    }
}

impl Lease {
    /// Releases the lock. If that fails it expires.
    pub fn release(self) {
        self.held.stop();
        let until = Instant::now() + RELEASE_LIMIT;
        let Held { key, owner, .. } = &*self.held;
        let _ = self.shared.store.unlock(key, owner, until);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.held.stop();
        lock(&self.shared.state).held.remove(&self.number);
    }
}

impl Shared {
    /// Has the lock prolonged while it is held. If no thread can be started, it expires after the
    /// time it was taken for.
    fn keep(self: &Arc<Self>, held: Arc<Held>) -> u64 {
        let mut state = lock(&self.state);
        let due = Instant::now() + held.every();
        let number = state.next_number;
        state.next_number += 1;
        state.held.insert(number, (due, held));
        if !state.has_thread {
            let own = self.clone();
            state.has_thread = spawn("wxlink-lease", move || own.run()).is_ok();
        } else if state.wakes_at.is_some_and(|wakes_at| due < wakes_at) {
            self.work.notify_one();
        }
        number
    }

    /// The work of the thread.
    fn run(&self) {
        while let Some((number, held)) = self.next() {
            let next_due = catch_panic(|| held.prolong(&*self.store)).flatten();
            let mut state = lock(&self.state);
            match (next_due, state.held.get_mut(&number)) {
                (Some(next_due), Some((due, _))) => *due = next_due,
                _ => drop(state.held.remove(&number)),
            }
        }
    }

    /// The next lock that is to be prolonged. Waits for one; `None` if the thread is to end.
    fn next(&self) -> Option<(u64, Arc<Held>)> {
        let mut state = lock(&self.state);
        let mut ends_at = Instant::now() + IDLE_LIFETIME;
        loop {
            let now = Instant::now();
            let first = state.held.iter().min_by_key(|(_, (due, _))| *due);
            let due = first.map(|(_, (due, _))| *due);
            if let Some((number, (_, held))) = first.filter(|(_, (due, _))| *due <= now) {
                return Some((*number, held.clone()));
            }
            if due.is_some() {
                ends_at = now + IDLE_LIFETIME;
            } else if state.is_closed || now >= ends_at {
                state.has_thread = false;
                return None;
            }
            // It looks often enough to end soon after the last lock was released.
            let wakes_at = due.map_or(ends_at, |due| due.min(ends_at));
            state.wakes_at = Some(wakes_at);
            let left = wakes_at.saturating_duration_since(now);
            let woken = self.work.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
            state.wakes_at = None;
        }
    }
}

impl Held {
    /// How often it is prolonged.
    fn every(&self) -> Duration {
        self.duration / 3
    }

    /// Stops prolonging it.
    fn stop(&self) {
        *lock(&self.released) = true;
    }

    /// Prolongs it. Returns when it is to be prolonged again; `None` if never.
    fn prolong(&self, store: &dyn Store) -> Option<Instant> {
        // Stays locked meanwhile: a released lock must not be taken again.
        let released = lock(&self.released);
        let now = Instant::now();
        if *released || now >= self.prolong_until {
            return None;
        }
        let until = now + self.every().min(PROLONG_LIMIT);
        let pause = match store.lock(&self.key, &self.owner, self.duration, until) {
            Ok(true) => self.every(),
            Ok(false) => return None,
            Err(_) => self.every().min(RETRY_PAUSE),
        };
        Some(Instant::now() + pause)
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
        let leases = Leases::new(store);
        let take = |owner: &LockOwner, limit| leases.take("k", owner, limit, soon()).unwrap();
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
        // The lock is taken for five seconds.
        let limit = Instant::now() + Duration::from_secs(10);
        let leases = Leases::new(failing.clone());
        let lease = leases.take("k", &LockOwner::new(), limit, soon()).unwrap();
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
