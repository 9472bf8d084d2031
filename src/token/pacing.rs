//! When the next token of an account may be fetched.
//!
//! Two fetches are at least an interval apart. Failed fetches, and tokens that WeChat refused
//! without having accepted them once, are counted separately; the larger count doubles the pause. A
//! fetched token resets the first, a token that WeChat accepts the second. Time is passed in, so
//! that tests need no waiting.

use std::time::{Duration, Instant};

/// The least time between the end of a fetch and the start of the next one for the same account.
pub(super) const MIN_INTERVAL: Duration = Duration::from_secs(1);
/// The longest pause, in intervals.
const MAX_INTERVALS: u32 = 60;

/// The history of an account's fetches, as far as the next one depends on it.
#[derive(Default)]
pub(super) struct Pacing {
    /// When the last fetch ended; `None` if the next one may start immediately.
    ended: Option<Instant>,
    /// Failed fetches since the last one that succeeded.
    failures: u32,
    /// Fetched tokens that WeChat refused since it last accepted one.
    refusals: u32,
}

impl Pacing {
    /// A fetch ended with a token.
    pub fn succeeded(&mut self, now: Instant) {
        self.ended = Some(now);
        self.failures = 0;
    }

    /// A fetch ended without a token.
    pub fn failed(&mut self, now: Instant) {
        self.ended = Some(now);
        self.failures = self.failures.saturating_add(1);
    }

    /// WeChat refused the fetched token, which it had not accepted before.
    pub fn refused(&mut self) {
        self.refusals = self.refusals.saturating_add(1);
    }

    /// WeChat accepted the fetched token.
    pub fn accepted(&mut self) {
        self.refusals = 0;
    }

    /// When the next fetch may start, if that is later than `now`.
    pub fn paused_until(&self, now: Instant, interval: Duration) -> Option<Instant> {
        let doublings = self.failures.max(self.refusals).saturating_sub(1);
        let intervals = 1_u32
            .checked_shl(doublings)
            .map_or(MAX_INTERVALS, |n| n.min(MAX_INTERVALS));
        let until = self.ended?.checked_add(interval * intervals)?;
        (now < until).then_some(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long the pause is just after a fetch ended at `now` (s).
    fn pause(pacing: &Pacing, now: Instant) -> u64 {
        let until = pacing.paused_until(now, MIN_INTERVAL);
        until.map_or(0, |until| (until - now).as_secs())
    }

    #[test]
    fn the_pause_doubles_with_failures_and_a_success_resets_it() {
        let (mut pacing, now) = (Pacing::default(), Instant::now());
        assert_eq!(pause(&pacing, now), 0);
        let pauses: Vec<u64> = (0..40)
            .map(|_| {
                pacing.failed(now);
                pause(&pacing, now)
            })
            .collect();
        assert_eq!(pauses[..8], [1, 2, 4, 8, 16, 32, 60, 60]);
        assert!(pauses[8..].iter().all(|s| *s == 60));
        pacing.succeeded(now);
        assert_eq!(pause(&pacing, now), 1);
    }

    #[test]
    fn the_pause_doubles_with_refused_tokens_until_one_is_accepted() {
        let (mut pacing, now) = (Pacing::default(), Instant::now());
        let mut next = || {
            pacing.succeeded(now);
            pacing.refused();
            pause(&pacing, now)
        };
        assert_eq!([next(), next(), next()], [1, 2, 4]);
        pacing.accepted();
        assert_eq!(pause(&pacing, now), 1);
    }

    #[test]
    fn a_pause_is_counted_from_the_end_of_the_last_fetch() {
        let (mut pacing, now) = (Pacing::default(), Instant::now());
        pacing.succeeded(now);
        pacing.refused();
        let a_second_later = now + Duration::from_secs(1);
        assert_eq!(pause(&pacing, a_second_later), 0);
    }
}
