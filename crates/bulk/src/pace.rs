//! So many calls in so long, and no more.

use std::time::{Duration, Instant};

/// How many calls in how long. They are spread evenly, after a first burst of at most one second's worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The pause from one call to the next.
    pause: Duration,
}

impl Rate {
    /// No limit.
    pub const NONE: Rate = Rate {
        pause: Duration::ZERO,
    };

    /// So many in so long; 0 is no limit.
    pub fn new(calls: u32, within: Duration) -> Rate {
        match calls {
            0 => Rate::NONE,
            calls => Rate {
                pause: within / calls,
            },
        }
    }

    /// From `100/s`, `60/m`, `1000/h`; a number alone is per second; `off` and 0 are no limit.
    ///
    /// # Errors
    /// What it takes.
    pub fn parse(text: &str) -> Result<Rate, String> {
        let (calls, seconds) = match text.split_once('/') {
            _ if text == "off" => return Ok(Rate::NONE),
            None => (text, 1),
            Some((calls, "s")) => (calls, 1),
            Some((calls, "m")) => (calls, 60),
            Some((calls, "h")) => (calls, 3600),
            Some((calls, "d")) => (calls, 86_400),
            Some(_) => ("", 0),
        };
        let calls = calls.trim().parse().map_err(|_| {
            "takes calls per second, minute, hour or day, such as 100/s, 60/m, 1000/h or 5000/d, or off"
        })?;
        Ok(Rate::new(calls, Duration::from_secs(seconds)))
    }

    /// The pause from one call to the next; nothing if there is no limit.
    pub fn pause(self) -> Duration {
        self.pause
    }
}

/// What has been called at a rate so far.
#[derive(Debug)]
pub(crate) struct Pace {
    rate: Rate,
    /// When the next call would be due, had they been spread evenly.
    next: Instant,
}

impl Pace {
    pub fn new(rate: Rate) -> Pace {
        Pace {
            rate,
            next: Instant::now(),
        }
    }

    /// Takes the next turn: how long to wait for it.
    pub fn take(&mut self, now: Instant) -> Duration {
        if self.rate == Rate::NONE {
            return Duration::ZERO;
        }
        // What was not used up is lost but for a burst.
        let burst = Duration::from_secs(1).saturating_sub(self.rate.pause);
        let due = self.next.max(now.checked_sub(burst).unwrap_or(now));
        self.next = due + self.rate.pause;
        due.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read() {
        for (text, ms) in [
            ("100/s", 10),
            ("10", 100),
            ("60/m", 1000),
            ("3600/h", 1000),
            ("off", 0),
            ("0", 0),
        ] {
            assert_eq!(Rate::parse(text).unwrap().pause().as_millis(), ms, "{text}");
        }
        for bad in ["", "x", "1/w", "-1", "1.5/s"] {
            assert!(Rate::parse(bad).unwrap_err().contains("60/m"), "{bad}");
        }
    }

    #[test]
    fn after_a_burst_calls_are_spread() {
        let start = Instant::now();
        let mut pace = Pace::new(Rate::parse("10/s").unwrap());
        let waits: Vec<u128> = (0..13).map(|_| pace.take(start).as_millis()).collect();
        assert!(waits.iter().take(1).all(|w| *w == 0), "{waits:?}");
        assert!(*waits.last().unwrap() >= 200, "{waits:?}");
        // A second later a second's worth is there again, and no more.
        let later = start + Duration::from_secs(10);
        let waits: Vec<u128> = (0..12).map(|_| pace.take(later).as_millis()).collect();
        assert_eq!(waits.iter().filter(|w| **w == 0).count(), 10, "{waits:?}");
    }
}
