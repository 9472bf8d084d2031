//! One execution for many waiters.
//!
//! The work for a key runs once, on a thread of its own, however many calls need its result. A call
//! whose limit passes, or that is cancelled, stops waiting; the work continues. Waiters are woken
//! when it is done.

use std::collections::HashMap;
use std::hash::Hash;
use std::io;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use rustix::event::PollFlags;

use crate::sys::background::{catch_panic, spawn};
use crate::sys::cancel::{CancelToken, WaitError};
use crate::sys::lock::lock;
use crate::sys::os::Waker;

/// A call waits this much beyond its limit for work with the same limit, so that it returns the
/// work's own error and not a time-out.
pub(crate) const GRACE: Duration = Duration::from_millis(50);

/// The running work, by key.
pub(crate) struct SingleFlight<K, T> {
    thread_name: &'static str,
    running: Mutex<HashMap<K, Arc<Flight<T>>>>,
}

/// One piece of work, running or done.
pub(crate) struct Flight<T> {
    /// `None` if the work panicked, or could not be started.
    result: OnceLock<Option<T>>,
    if_panicked: T,
    /// Woken when `result` is set.
    done: Waker,
}

impl<K, T> SingleFlight<K, T>
where
    K: Clone + Eq + Hash + Send + 'static,
    T: Send + Sync + 'static,
{
    /// Creates an empty set of work. Debuggers show `thread_name`.
    pub fn new(thread_name: &'static str) -> Arc<SingleFlight<K, T>> {
        Arc::new(SingleFlight {
            thread_name,
            running: Mutex::default(),
        })
    }

    /// Returns the running flight for `key`, or starts one that runs `work` on a thread.
    ///
    /// If `work` panics the result is `if_panicked`. A flight is removed after `work` has returned
    /// and before its waiters are woken. So a caller that checks a cache filled by `work`, and
    /// calls this while it holds the cache's lock, finds either the cached result or the running
    /// flight.
    ///
    /// # Errors
    /// There is no thread or no file descriptor left.
    pub fn join(
        self: &Arc<Self>,
        key: &K,
        work: impl FnOnce() -> T + Send + 'static,
        if_panicked: T,
    ) -> io::Result<Arc<Flight<T>>> {
        let flight = {
            let mut running = lock(&self.running);
            if let Some(flight) = running.get(key) {
                return Ok(flight.clone());
            }
            let flight = Flight::new(if_panicked)?;
            running.insert(key.clone(), flight.clone());
            flight
        };
        // If no thread can be started this is dropped, which removes the flight too.
        let leaving = Leaving {
            flights: self.clone(),
            key: key.clone(),
        };
        flight.run_on_thread(self.thread_name, move || {
            let _leaving = leaving;
            work()
        })?;
        Ok(flight)
    }

    /// Whether work for `key` is running.
    pub fn is_running(&self, key: &K) -> bool {
        lock(&self.running).contains_key(key)
    }

    /// Waits until all work that is running now is done.
    ///
    /// # Errors
    /// The limit passed, or the wait was cancelled.
    pub fn wait_for_all(&self, limit: Instant, cancel: &CancelToken) -> Result<(), WaitError> {
        let flights: Vec<_> = lock(&self.running).values().cloned().collect();
        for flight in flights {
            flight.wait(limit, cancel)?;
        }
        Ok(())
    }
}

/// Removes a flight when it is dropped: when its work returns or panics.
struct Leaving<K: Eq + Hash, T> {
    flights: Arc<SingleFlight<K, T>>,
    key: K,
}

impl<K: Eq + Hash, T> Drop for Leaving<K, T> {
    fn drop(&mut self) {
        lock(&self.flights.running).remove(&self.key);
    }
}

impl<T: Send + Sync + 'static> Flight<T> {
    /// Runs `work` on a thread of its own. If it panics the result is `if_panicked`.
    ///
    /// # Errors
    /// There is no thread or no file descriptor left.
    #[cfg(any(feature = "redis-store", test))]
    pub fn start(
        thread_name: &str,
        work: impl FnOnce() -> T + Send + 'static,
        if_panicked: T,
    ) -> io::Result<Arc<Flight<T>>> {
        let flight = Flight::new(if_panicked)?;
        flight.run_on_thread(thread_name, work)?;
        Ok(flight)
    }

    /// Creates a flight whose work is done elsewhere, and [finished](Flight::finish) there.
    ///
    /// # Errors
    /// There is no file descriptor left.
    pub fn new(if_panicked: T) -> io::Result<Arc<Flight<T>>> {
        Ok(Arc::new(Flight {
            result: OnceLock::new(),
            if_panicked,
            done: Waker::new()?,
        }))
    }

    fn run_on_thread(
        self: &Arc<Self>,
        thread_name: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<()> {
        let own = self.clone();
        spawn(thread_name, move || own.finish(catch_panic(work))).inspect_err(|_| self.finish(None))
    }

    /// Sets the result and wakes the waiters; `None` if the work panicked.
    pub fn finish(&self, result: Option<T>) {
        let _ = self.result.set(result);
        self.done.wake();
    }

    /// Waits for the result.
    ///
    /// # Errors
    /// The limit passed, or the wait was cancelled. The work continues.
    pub fn wait(&self, limit: Instant, cancel: &CancelToken) -> Result<&T, WaitError> {
        loop {
            if let Some(result) = self.result.get() {
                return Ok(result.as_ref().unwrap_or(&self.if_panicked));
            }
            cancel.wait_for(self.done.as_fd(), PollFlags::IN, limit)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Duration;

    fn never() -> CancelToken {
        CancelToken::new().unwrap()
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn many_waiters_share_one_piece_of_work() {
        const WAITERS: usize = 16;
        let flights = SingleFlight::<&str, u32>::new("test");
        let runs = Arc::new(AtomicU32::new(0));
        let all_joined = Arc::new(Barrier::new(WAITERS + 1));
        thread::scope(|s| {
            for _ in 0..WAITERS {
                let (flights, runs) = (flights.clone(), runs.clone());
                let (joined, may_end) = (all_joined.clone(), all_joined.clone());
                s.spawn(move || {
                    let work = move || {
                        may_end.wait();
                        runs.fetch_add(1, Ordering::SeqCst) + 1
                    };
                    let flight = flights.join(&"key", work, 0).unwrap();
                    joined.wait();
                    assert_eq!(flight.wait(soon(), &never()).ok(), Some(&1));
                });
            }
        });
        assert_eq!(runs.load(Ordering::SeqCst), 1);
        assert!(!flights.is_running(&"key"));
    }

    #[test]
    fn a_waiter_leaves_when_cancelled_or_late_and_the_work_goes_on() {
        let flights = SingleFlight::<&str, &str>::new("test");
        let (end, may_end) = channel::<()>();
        let work = move || {
            let _ = may_end.recv();
            "done"
        };
        let flight = flights.join(&"key", work, "panicked").unwrap();
        let late = flight.wait(Instant::now(), &never());
        assert!(matches!(late, Err(WaitError::TimedOut)));
        let cancel = never();
        cancel.cancel();
        let cancelled = flight.wait(soon(), &cancel);
        assert!(matches!(cancelled, Err(WaitError::Cancelled)));
        assert!(flights.is_running(&"key"));
        end.send(()).unwrap();
        assert!(flights.wait_for_all(soon(), &never()).is_ok());
        assert_eq!(flight.wait(soon(), &never()).ok(), Some(&"done"));
    }

    #[test]
    fn a_panic_wakes_the_waiters_and_frees_the_key() {
        let flights = SingleFlight::<&str, &str>::new("test");
        #[allow(clippy::panic)]
        let work = || -> &'static str { panic!("expected by the test") };
        let flight = flights.join(&"key", work, "panicked").unwrap();
        assert_eq!(flight.wait(soon(), &never()).ok(), Some(&"panicked"));
        let again = flights.join(&"key", || "done", "panicked").unwrap();
        assert_eq!(again.wait(soon(), &never()).ok(), Some(&"done"));
    }
}
