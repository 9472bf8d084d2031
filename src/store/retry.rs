//! Repeated accesses to a store that may soon be available again.

use std::thread;
use std::time::{Duration, Instant};

use super::store::StoreError;

/// The first and the longest pause between two attempts to use the store or to take a lock. The
/// pause doubles, so that waiting does not slow the lock's holder down.
pub(crate) const MIN_PAUSE: Duration = Duration::from_millis(20);
pub(crate) const MAX_PAUSE: Duration = Duration::from_millis(500);

/// The attempts of one access to a store that is unavailable.
pub(crate) struct Retry {
    until: Instant,
    next_pause: Duration,
    /// The error of an attempt that had enough time, which the last one may not have had.
    found: Option<StoreError>,
}

impl Retry {
    /// Attempts until this time.
    pub fn new(until: Instant) -> Retry {
        Retry {
            until,
            next_pause: MIN_PAUSE,
            found: None,
        }
    }

    /// When to try again after a transient error.
    ///
    /// # Errors
    /// No time is left for another attempt: the error of the access.
    pub fn next_try(&mut self, error: StoreError) -> Result<Instant, StoreError> {
        if !error.is_late || self.found.is_none() {
            self.found = Some(error.clone());
        }
        let next = Instant::now() + self.next_pause;
        self.next_pause = longer(self.next_pause);
        if next >= self.until {
            return Err(self.found.take().unwrap_or(error));
        }
        Ok(next)
    }
}

/// Retries an access while the store is unavailable: it may soon be available again.
pub(crate) fn retry_until<T>(
    until: Instant,
    access: impl Fn() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut retry = Retry::new(until);
    loop {
        match access() {
            Err(e) if e.transient => {
                let next = retry.next_try(e)?;
                thread::sleep(next.saturating_duration_since(Instant::now()));
            }
            done => return done,
        }
    }
}

/// Pauses before the next attempt, each time longer.
pub(crate) fn pause(next_pause: &mut Duration, until: Instant) {
    let left = until.saturating_duration_since(Instant::now());
    thread::sleep(left.min(*next_pause));
    *next_pause = longer(*next_pause);
}

fn longer(pause: Duration) -> Duration {
    (pause * 2).min(MAX_PAUSE)
}
