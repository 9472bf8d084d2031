//! Limits on how many calls are made in a given time.

use std::time::{Duration, Instant};

use crate::message::Message;

/// The longest burst: as many calls as are due within this time may be made at once.
const MAX_BURST: Duration = Duration::from_secs(1);

/// How many calls may be made in how much time. Calls are spread evenly, except that a first burst
/// of at most one second's calls is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The time between two calls.
    interval: Duration,
}

impl Rate {
    /// No limit.
    pub const UNLIMITED: Rate = Rate {
        interval: Duration::ZERO,
    };

    /// At most `calls` calls within `period`. 0 calls means no limit.
    pub fn new(calls: u32, period: Duration) -> Rate {
        match calls {
            0 => Rate::UNLIMITED,
            calls => Rate {
                interval: period / calls,
            },
        }
    }

    /// Parses `100/s`, `60/m`, `1000/h` or `5000/d`. A number alone is per second; `off` and 0 mean
    /// no limit.
    ///
    /// # Errors
    /// The text is none of these. The error lists what is accepted.
    pub fn parse(text: &str) -> Result<Rate, Message> {
        let (calls, seconds) = match text.split_once('/') {
            _ if text == "off" => return Ok(Rate::UNLIMITED),
            None => (text, 1),
            Some((calls, "s")) => (calls, 1),
            Some((calls, "m")) => (calls, 60),
            Some((calls, "h")) => (calls, 3600),
            Some((calls, "d")) => (calls, 86_400),
            Some(_) => ("", 0),
        };
        let calls = calls.trim().parse().map_err(|_| {
            Message::new(
                "expected calls per second, minute, hour or day, such as 100/s, 60/m, 1000/h or \
                 5000/d, or off",
                "应为每秒、每分、每小时或每天的调用次数，例如 100/s、60/m、1000/h 或 5000/d；或 off",
            )
        })?;
        Ok(Rate::new(calls, Duration::from_secs(seconds)))
    }

    /// The time between two calls. Zero if there is no limit.
    pub fn interval(self) -> Duration {
        self.interval
    }
}

/// The limits on a job's calls to WeChat.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// For all accounts together.
    pub all: Rate,
    /// For each account.
    pub account: Rate,
}

/// Spreads calls so that a rate is kept.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    rate: Rate,
    /// When the next call would be due if all had been spread evenly.
    next: Instant,
}

impl RateLimiter {
    pub fn new(rate: Rate) -> RateLimiter {
        RateLimiter {
            rate,
            next: Instant::now(),
        }
    }

    /// Reserves the next call and returns how long to wait before it.
    pub fn reserve(&mut self, now: Instant) -> Duration {
        if self.rate == Rate::UNLIMITED {
            return Duration::ZERO;
        }
        // Unused calls are lost, except for the burst.
        let burst = MAX_BURST.saturating_sub(self.rate.interval);
        let due = self.next.max(now.checked_sub(burst).unwrap_or(now));
        self.next = due + self.rate.interval;
        due.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use wxlink::Lang;

    use super::*;

    #[test]
    fn rates_are_parsed() {
        for (text, ms) in [
            ("100/s", 10),
            ("10", 100),
            ("60/m", 1000),
            ("3600/h", 1000),
            ("off", 0),
            ("0", 0),
        ] {
            assert_eq!(
                Rate::parse(text).unwrap().interval().as_millis(),
                ms,
                "{text}"
            );
        }
        for bad in ["", "x", "1/w", "-1", "1.5/s"] {
            let why = Rate::parse(bad).unwrap_err();
            assert!(why.get(Lang::En).contains("60/m"), "{bad}");
        }
    }

    #[test]
    fn after_a_burst_calls_are_spread() {
        let start = Instant::now();
        let mut limiter = RateLimiter::new(Rate::parse("10/s").unwrap());
        let waits: Vec<u128> = (0..13)
            .map(|_| limiter.reserve(start).as_millis())
            .collect();
        assert!(waits.iter().take(1).all(|w| *w == 0), "{waits:?}");
        assert!(*waits.last().unwrap() >= 200, "{waits:?}");
        // After a pause, one second's calls are available again, and no more.
        let later = start + Duration::from_secs(10);
        let waits: Vec<u128> = (0..12)
            .map(|_| limiter.reserve(later).as_millis())
            .collect();
        assert_eq!(waits.iter().filter(|w| **w == 0).count(), 10, "{waits:?}");
    }
}
