//! Repeated accesses to a store that may soon be available again.

use std::thread;
use std::time::{Duration, Instant};

use super::store::StoreError;

/// The first and the longest pause between two attempts to use the store or to take a lock. The
/// pause doubles, so that waiting does not slow the lock's holder down.
pub(crate) const MIN_PAUSE: Duration = Duration::from_millis(20);
pub(crate) const MAX_PAUSE: Duration = Duration::from_millis(500);

/// Retries an access while the store is unavailable: it may soon be available again.
pub(crate) fn retry_until<T>(
    until: Instant,
    access: impl Fn() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut next_pause = MIN_PAUSE;
    // The error of an attempt that had enough time, which the last one may not have had.
    let mut found: Option<StoreError> = None;
    loop {
        let error = match access() {
            Err(e) if e.transient => e,
            done => return done,
        };
        if !error.is_late || found.is_none() {
            found = Some(error.clone());
        }
        if Instant::now() < until {
            pause(&mut next_pause, until);
        }
        if Instant::now() >= until {
            return Err(found.unwrap_or(error));
        }
    }
}

/// Pauses before the next attempt, each time longer.
pub(crate) fn pause(next_pause: &mut Duration, until: Instant) {
    let left = until.saturating_duration_since(Instant::now());
    thread::sleep(left.min(*next_pause));
    *next_pause = (*next_pause * 2).min(MAX_PAUSE);
}
