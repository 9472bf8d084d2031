//! When WeChat's quotas begin anew. Its days and months turn at midnight in Beijing.

use std::time::{SystemTime, UNIX_EPOCH};

use time::{Date, OffsetDateTime, UtcOffset};

/// How long a quota that is used up stays so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Period {
    Minute,
    Day,
    Month,
}

/// Beijing's, all year round.
const BEIJING_HOURS: i8 = 8;

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
            Period::Day => midnight(beijing(now).date().next_day()).unwrap_or(now + 86_400),
            Period::Month => {
                let today = beijing(now).date();
                let (year, month) = match today.month() {
                    time::Month::December => (today.year() + 1, time::Month::January),
                    month => (today.year(), month.next()),
                };
                let first = Date::from_calendar_date(year, month, 1).ok();
                midnight(first).unwrap_or(now + 31 * 86_400)
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
    date.year() * 12 + i32::from(u8::from(date.month()))
}

/// The day and hour in Beijing of a Unix time (s), for people: `2026-12-01 00:00`.
pub fn shown(at: u64) -> String {
    let t = beijing(at);
    let (date, hour, minute) = (t.date(), t.hour(), t.minute());
    format!("{date} {hour:02}:{minute:02}")
}

fn offset() -> UtcOffset {
    UtcOffset::from_hms(BEIJING_HOURS, 0, 0).unwrap_or(UtcOffset::UTC)
}

fn beijing(at: u64) -> OffsetDateTime {
    let at = i64::try_from(at).unwrap_or_default();
    OffsetDateTime::from_unix_timestamp(at)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
        .to_offset(offset())
}

/// When a day begins there.
fn midnight(date: Option<Date>) -> Option<u64> {
    let begin = date?.midnight().assume_offset(offset()).unix_timestamp();
    u64::try_from(begin).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wxlink::{Class, catalogue};

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
    }

    #[test]
    fn every_quota_in_the_catalogue_has_a_period() {
        for entry in catalogue::ENTRIES {
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
