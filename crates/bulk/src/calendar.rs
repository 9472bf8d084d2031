//! When WeChat's quotas begin anew. Its days and months turn at midnight in Beijing.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

/// How long a quota that is used up stays so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Period {
    Minute,
    Day,
    Month,
}

/// The offset of Beijing from UTC: the same all year round.
const BEIJING: Offset = Offset::constant(8);

impl Period {
    /// The quota an errcode tells of, and whether it is one of the whole account rather than of one kind of
    /// mini program.
    pub fn of(errcode: i32) -> Option<(Period, bool)> {
        Some(match errcode {
            45011 => (Period::Minute, true),
            45009 => (Period::Day, true),
            89007 | 89030 => (Period::Month, true),
            89016 | 89017 => (Period::Month, false),
            _ => return None,
        })
    }

    /// When the next one begins (Unix time, s).
    pub fn next(self, now: u64) -> u64 {
        match self {
            Period::Minute => now + 60,
            Period::Day => midnight_after(beijing(now).date()).unwrap_or(now + 86_400),
            Period::Month => {
                let last_day = beijing(now).date().last_of_month();
                midnight_after(last_day).unwrap_or(now + 31 * 86_400)
            }
        }
    }
}

/// Now (Unix time, s).
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// The month, in Beijing, as a number that grows.
pub(crate) fn month(at: u64) -> i32 {
    let date = beijing(at).date();
    i32::from(date.year()) * 12 + i32::from(date.month())
}

/// The day and hour in Beijing of a Unix time (s), for people: `2026-12-01 00:00`.
pub fn shown(at: u64) -> String {
    let t = beijing(at);
    let (date, hour, minute) = (t.date(), t.hour(), t.minute());
    format!("{date} {hour:02}:{minute:02}")
}

fn beijing(at: u64) -> DateTime {
    let at = i64::try_from(at).unwrap_or_default();
    BEIJING.to_datetime(Timestamp::from_second(at).unwrap_or(Timestamp::UNIX_EPOCH))
}

/// When the day after this one begins in Beijing (Unix time, s).
fn midnight_after(date: Date) -> Option<u64> {
    let next = date.tomorrow().ok()?.to_datetime(Time::midnight());
    u64::try_from(BEIJING.to_timestamp(next).ok()?.as_second()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wxlink::{Class, errcode};

    /// 2026-11-30 23:59:59 in Beijing.
    const LAST_SECOND: u64 = 1_796_054_399;

    #[test]
    fn days_and_months_turn_in_beijing() {
        assert_eq!(shown(LAST_SECOND), "2026-11-30 23:59");
        assert_eq!(Period::Day.next(LAST_SECOND), LAST_SECOND + 1);
        assert_eq!(Period::Month.next(LAST_SECOND), LAST_SECOND + 1);
        assert_eq!(Period::Day.next(LAST_SECOND + 1), LAST_SECOND + 86_401);
        assert_eq!(
            shown(Period::Month.next(LAST_SECOND + 1)),
            "2027-01-01 00:00"
        );
        assert_eq!(Period::Minute.next(5), 65);
        assert_eq!(month(LAST_SECOND) + 1, month(LAST_SECOND + 1));
        // A leap day, and the last moments that a date can name.
        assert_eq!(shown(1_835_366_399), "2028-02-28 23:59");
        assert_eq!(shown(1_835_366_400), "2028-02-29 00:00");
        assert_eq!(shown(Period::Month.next(1_835_366_400)), "2028-03-01 00:00");
        assert_eq!(Period::Day.next(0), 57_600);
        for absurd in [253_402_207_200, u64::MAX / 2, u64::MAX - 31 * 86_400] {
            assert!(Period::Day.next(absurd) <= absurd + 86_400);
            assert!(Period::Month.next(absurd) <= absurd + 31 * 86_400);
            assert!(!shown(absurd).is_empty());
        }
    }

    #[test]
    fn every_quota_in_the_catalogue_has_a_period() {
        for entry in errcode::ENTRIES {
            let quota = entry.class == Class::Quota;
            assert_eq!(
                Period::of(entry.errcode).is_some(),
                quota,
                "{}",
                entry.errcode
            );
        }
    }
}
