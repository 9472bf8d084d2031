//! The simulator's clock: the machine's time, plus what an admin request moved it forward by.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use time::{OffsetDateTime, UtcOffset};

/// How far ahead of the machine's time the clock may be: a hundred years, in seconds.
pub(crate) const MAX_AHEAD_S: u64 = 100 * 366 * 86_400;

/// How far back the list of an account can be shown: ten minutes.
pub(crate) const MAX_LIST_LAG_MS: u64 = 600_000;

/// The machine's time plus an offset that grows until it is reset.
#[derive(Default)]
pub(crate) struct Clock {
    ahead_s: AtomicU64,
}

impl Clock {
    /// Milliseconds since the Unix epoch.
    pub(crate) fn now_ms(&self) -> u64 {
        let machine_ms = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis() as u64);
        machine_ms.saturating_add(self.ahead_s() * 1000)
    }

    /// Moves the clock forward. Returns `false`, and moves nothing, if the clock would then be more
    /// than [`MAX_AHEAD_S`] ahead.
    pub(crate) fn advance(&self, seconds: u64) -> bool {
        let advanced = |ahead_s: u64| {
            let ahead_s = ahead_s.checked_add(seconds)?;
            (ahead_s <= MAX_AHEAD_S).then_some(ahead_s)
        };
        self.ahead_s
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, advanced)
            .is_ok()
    }

    /// Sets the clock to the machine's time.
    pub(crate) fn reset(&self) {
        self.ahead_s.store(0, Ordering::Relaxed);
    }

    /// How many seconds the clock is ahead of the machine's time.
    pub(crate) fn ahead_s(&self) -> u64 {
        self.ahead_s.load(Ordering::Relaxed)
    }
}

/// The time so many seconds after another.
pub(crate) fn after_seconds(ms: u64, seconds: u64) -> u64 {
    ms.saturating_add(seconds.saturating_mul(1000))
}

/// The seconds left until a time, rounded up; 0 if it has passed.
pub(crate) fn seconds_left(until_ms: u64, now_ms: u64) -> u64 {
    until_ms.saturating_sub(now_ms).div_ceil(1000)
}

/// A calendar month in Beijing, where WeChat counts monthly quotas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Month {
    year: i32,
    /// 1 to 12.
    month: u8,
}

impl Month {
    /// The month of a time in milliseconds since the Unix epoch.
    pub(crate) fn from_ms(ms: u64) -> Self {
        // Beijing is eight hours ahead of UTC and has no daylight saving time.
        let beijing = UtcOffset::from_hms(8, 0, 0).unwrap_or(UtcOffset::UTC);
        let seconds = i64::try_from(ms / 1000).unwrap_or(i64::MAX);
        let time = OffsetDateTime::from_unix_timestamp(seconds)
            .ok()
            .and_then(|time| time.checked_to_offset(beijing))
            .unwrap_or(OffsetDateTime::UNIX_EPOCH);
        Self {
            year: time.year(),
            month: time.month().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_ends_at_midnight_in_beijing() {
        let month = |year, month| Month { year, month };
        // 2026-11-30T15:59:59Z is the last second of November in Beijing.
        let last = 1_796_054_399_000;
        assert_eq!(Month::from_ms(last), month(2026, 11));
        assert_eq!(Month::from_ms(last + 1000), month(2026, 12));
        // 2028-02-29T12:00:00Z
        assert_eq!(Month::from_ms(1_835_438_400_000), month(2028, 2));
        assert_eq!(Month::from_ms(0), month(1970, 1));
    }

    #[test]
    fn it_moves_forward_up_to_a_limit() {
        let clock = Clock::default();
        let before = clock.now_ms();
        assert!(clock.advance(3600));
        assert!(clock.now_ms() >= before + 3_600_000);
        assert!(!clock.advance(u64::MAX));
        assert!(!clock.advance(MAX_AHEAD_S));
        assert_eq!(clock.ahead_s(), 3600);
    }
}
