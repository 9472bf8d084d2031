//! WeChat's quotas: which errcode means that which quota is used up, and when it is reset.
//!
//! WeChat's days and months start at midnight in Beijing (UTC+8 all year).

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

/// The offset of Beijing from UTC.
const BEIJING: Offset = Offset::constant(8);

/// A quota of WeChat's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quota {
    pub period: Period,
    /// Whether it counts for the whole account. Otherwise it counts for one kind of mini program,
    /// such as those of the account's own subject.
    pub whole_account: bool,
}

/// How long a used-up quota stays used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Period {
    Minute,
    Day,
    Month,
}

impl Quota {
    /// The quota that an errcode reports as used up, if it does.
    pub fn from_errcode(errcode: i32) -> Option<Quota> {
        let (period, whole_account) = match errcode {
            45011 => (Period::Minute, true),
            44993 | 45009 => (Period::Day, true),
            48006 | 89007 | 89030 => (Period::Month, true),
            89016 | 89017 => (Period::Month, false),
            _ => return None,
        };
        Some(Quota {
            period,
            whole_account,
        })
    }
}

impl Period {
    /// When the next period starts (Unix time, s).
    pub fn next_start(self, now: u64) -> u64 {
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

/// The current time (Unix time, s).
pub(crate) fn unix_now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// The current time (Unix time, ms).
pub(crate) fn unix_now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

/// The number of a month in Beijing, counted from the year 0.
pub(crate) fn month_number(unix_seconds: u64) -> i32 {
    let date = beijing(unix_seconds).date();
    i32::from(date.year()) * 12 + i32::from(date.month())
}

/// Formats a Unix time (s) as date and time in Beijing: `2026-12-01 00:00`.
pub fn format_beijing_time(unix_seconds: u64) -> String {
    let t = beijing(unix_seconds);
    let (date, hour, minute) = (t.date(), t.hour(), t.minute());
    format!("{date} {hour:02}:{minute:02}")
}

fn beijing(unix_seconds: u64) -> DateTime {
    let seconds = i64::try_from(unix_seconds).unwrap_or_default();
    BEIJING.to_datetime(Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH))
}

/// When the day after this one starts in Beijing (Unix time, s).
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
    fn days_and_months_start_in_beijing() {
        assert_eq!(format_beijing_time(LAST_SECOND), "2026-11-30 23:59");
        assert_eq!(Period::Day.next_start(LAST_SECOND), LAST_SECOND + 1);
        assert_eq!(Period::Month.next_start(LAST_SECOND), LAST_SECOND + 1);
        assert_eq!(
            Period::Day.next_start(LAST_SECOND + 1),
            LAST_SECOND + 86_401
        );
        assert_eq!(
            format_beijing_time(Period::Month.next_start(LAST_SECOND + 1)),
            "2027-01-01 00:00"
        );
        assert_eq!(Period::Minute.next_start(5), 65);
        assert_eq!(month_number(LAST_SECOND) + 1, month_number(LAST_SECOND + 1));
        // A leap day, and the last moments that a date can represent.
        assert_eq!(format_beijing_time(1_835_366_399), "2028-02-28 23:59");
        assert_eq!(format_beijing_time(1_835_366_400), "2028-02-29 00:00");
        assert_eq!(
            format_beijing_time(Period::Month.next_start(1_835_366_400)),
            "2028-03-01 00:00"
        );
        assert_eq!(Period::Day.next_start(0), 57_600);
        for absurd in [253_402_207_200, u64::MAX / 2, u64::MAX - 31 * 86_400] {
            assert!(Period::Day.next_start(absurd) <= absurd + 86_400);
            assert!(Period::Month.next_start(absurd) <= absurd + 31 * 86_400);
            assert!(!format_beijing_time(absurd).is_empty());
        }
    }

    #[test]
    fn every_errcode_of_class_quota_has_a_period() {
        for entry in errcode::ENTRIES {
            let is_quota = entry.class == Class::Quota;
            assert_eq!(
                Quota::from_errcode(entry.errcode).is_some(),
                is_quota,
                "{}",
                entry.errcode
            );
        }
    }
}
