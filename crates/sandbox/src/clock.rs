//! The sandbox's clock: real time, moved forward on request.

use std::time::{SystemTime, UNIX_EPOCH};

/// How far the clock may be moved ahead in all: a hundred years.
pub(crate) const FURTHEST_S: u64 = 100 * 366 * 86_400;

/// WeChat counts months where it lives: eight hours ahead of UTC, no summer time.
const BEIJING_S: u64 = 8 * 3600;

/// Real time plus what it was advanced by.
#[derive(Default)]
pub(crate) struct Clock {
    ahead_s: u64,
}

impl Clock {
    /// Milliseconds since the Unix epoch.
    pub(crate) fn now_ms(&self) -> u64 {
        let real = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis() as u64);
        real.saturating_add(self.ahead_s * 1000)
    }

    /// Moves the clock forward; `false` if that is further than it goes.
    pub(crate) fn advance(&mut self, seconds: u64) -> bool {
        match self.ahead_s.checked_add(seconds) {
            Some(ahead_s) if ahead_s <= FURTHEST_S => {
                self.ahead_s = ahead_s;
                true
            }
            _ => false,
        }
    }

    pub(crate) fn ahead_s(&self) -> u64 {
        self.ahead_s
    }
}

/// The month a moment lies in, counted from the year 0.
pub(crate) fn month(now_ms: u64) -> u32 {
    let mut days = (now_ms / 1000 + BEIJING_S) / 86_400;
    let mut year = 1970;
    loop {
        let length = if is_leap(year) { 366 } else { 365 };
        if days < length {
            break;
        }
        days -= length;
        year += 1;
    }
    let mut month = 0;
    for length in [
        31,
        if is_leap(year) { 29 } else { 28 },
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
    ] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    year * 12 + month
}

fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_turn_at_midnight_in_beijing() {
        // 2026-11-30T15:59:59Z is the last second of November there.
        let last = 1_796_054_399_000;
        assert_eq!(month(last), 2026 * 12 + 10);
        assert_eq!(month(last + 1000), 2026 * 12 + 11);
        // 2028-02-29T12:00:00Z
        assert_eq!(month(1_835_438_400_000), 2028 * 12 + 1);
        assert_eq!(month(0), 1970 * 12);
    }

    #[test]
    fn it_goes_forward_but_not_for_ever() {
        let mut clock = Clock::default();
        let before = clock.now_ms();
        assert!(clock.advance(3600));
        assert!(clock.now_ms() >= before + 3_600_000);
        assert!(!clock.advance(u64::MAX));
        assert!(!clock.advance(FURTHEST_S));
        assert_eq!(clock.ahead_s(), 3600);
    }
}
