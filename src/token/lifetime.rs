//! How long a token may be believed to be valid.
//!
//! Every lifetime that comes from outside (WeChat, a program, a store) passes [`clamp`] where it is
//! read: absurd numbers would overflow a clock, and a 0 would fetch without end.

use std::time::{Duration, Instant};

/// The shortest lifetime (s).
const MIN_S: u64 = 1;
/// The longest lifetime (s). A token that "never expires" is fetched again after a day.
const MAX_S: u64 = 24 * 60 * 60;

/// The lifetime to use for `seconds`.
pub(super) fn clamp(seconds: u64) -> Duration {
    Duration::from_secs(seconds.clamp(MIN_S, MAX_S))
}

/// When `lifetime` ends that starts `now`; after a day at the latest, so that no clock overflows.
pub(super) fn end(now: Instant, lifetime: Duration) -> Instant {
    now.checked_add(lifetime.min(Duration::from_secs(MAX_S)))
        .unwrap_or(now)
}

#[cfg(test)]
#[test]
fn absurd_lifetimes_are_clamped() {
    for (given, used) in [
        (0, 1),
        (1, 1),
        (7200, 7200),
        (86_401, 86_400),
        (u64::MAX, 86_400),
    ] {
        assert_eq!(clamp(given).as_secs(), used, "{given}");
    }
}

#[cfg(test)]
#[test]
fn absurd_lifetimes_end_after_a_day() {
    let now = Instant::now();
    assert_eq!(end(now, Duration::MAX), now + Duration::from_secs(MAX_S));
    assert_eq!(end(now, Duration::ZERO), now);
}
