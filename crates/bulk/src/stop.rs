//! A flag that asks all workers to stop, and waits that it ends.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread, ThreadId};
use std::time::{Duration, Instant};

use crate::lock::lock;

/// Asks the work to stop: rows in progress are completed, no others are started.
///
/// Clones share the flag. Once requested, a stop cannot be taken back.
#[derive(Clone, Debug, Default)]
pub struct StopFlag(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    requested: AtomicBool,
    /// The threads that wait and are woken by the request.
    parked: Mutex<HashMap<ThreadId, Thread>>,
}

impl StopFlag {
    /// Requests the stop and returns immediately. May be called from any thread, also from the
    /// thread that handles signals.
    pub fn request(&self) {
        self.0.requested.store(true, Ordering::Release);
        for thread in lock(&self.0.parked).values() {
            thread.unpark();
        }
    }

    /// Whether a stop was requested.
    pub fn is_requested(&self) -> bool {
        self.0.requested.load(Ordering::Acquire)
    }

    /// Sleeps for `duration`. Returns `false`, and returns early, if a stop is requested.
    pub(crate) fn sleep(&self, duration: Duration) -> bool {
        let until = Instant::now() + duration;
        while !self.is_requested() {
            if Instant::now() >= until {
                return true;
            }
            self.park(Some(until));
        }
        false
    }

    /// Parks this thread until it is unparked, until the time comes, or until a stop is requested.
    /// May also return for no reason, as [`thread::park`].
    pub(crate) fn park(&self, until: Option<Instant>) {
        let this = thread::current();
        let id = this.id();
        lock(&self.0.parked).insert(id, this);
        // A later request finds this thread in the map.
        if !self.is_requested() {
            match until {
                None => thread::park(),
                Some(until) => {
                    thread::park_timeout(until.saturating_duration_since(Instant::now()));
                }
            }
        }
        lock(&self.0.parked).remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_ends_every_sleep_and_a_sleep_ends_with_its_time() {
        let stop = StopFlag::default();
        let started = Instant::now();
        assert!(stop.sleep(Duration::from_millis(20)));
        assert!(started.elapsed() >= Duration::from_millis(20));
        let hour = Duration::from_secs(3600);
        thread::scope(|scope| {
            let sleeping: Vec<_> = (0..8).map(|_| scope.spawn(|| stop.sleep(hour))).collect();
            while lock(&stop.0.parked).len() < sleeping.len() {
                thread::yield_now();
            }
            stop.request();
            for thread in sleeping {
                assert!(!thread.join().unwrap());
            }
        });
        assert!(lock(&stop.0.parked).is_empty());
        assert!(!stop.sleep(Duration::ZERO));
    }
}
