//! A flag that asks all workers to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How often a waiting thread checks the flag.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Asks the work to stop: rows in progress are completed, no others are started.
///
/// Clones share the flag. Once requested, a stop cannot be taken back.
#[derive(Clone, Debug, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// Requests the stop and returns immediately. May be called from any thread, also from the
    /// thread that handles signals.
    pub fn request(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether a stop was requested.
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Sleeps for `duration`. Returns `false`, and returns early, if a stop is requested.
    pub(crate) fn sleep(&self, duration: Duration) -> bool {
        let until = Instant::now() + duration;
        loop {
            if self.is_requested() {
                return false;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            thread::sleep(left.min(POLL_INTERVAL));
        }
    }
}
