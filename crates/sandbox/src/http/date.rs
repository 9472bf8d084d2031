//! The `Date` header, by the simulator's clock.

use hyper::header::HeaderValue;
use time::OffsetDateTime;

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The value for a time in milliseconds since the Unix epoch. `None`: it has no such form.
pub(crate) fn date(now_ms: u64) -> Option<HeaderValue> {
    HeaderValue::try_from(text(now_ms)?).ok()
}

fn text(now_ms: u64) -> Option<String> {
    let seconds = i64::try_from(now_ms / 1000).ok()?;
    let time = OffsetDateTime::from_unix_timestamp(seconds).ok()?;
    let day = DAYS[usize::from(time.weekday().number_days_from_monday())];
    let month = MONTHS[usize::from(u8::from(time.month())) - 1];
    Some(format!(
        "{day}, {:02} {month} {:04} {:02}:{:02}:{:02} GMT",
        time.day(),
        time.year(),
        time.hour(),
        time.minute(),
        time.second()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_the_form_of_http() {
        assert_eq!(
            text(784_111_777_000).unwrap(),
            "Sun, 06 Nov 1994 08:49:37 GMT"
        );
        assert_eq!(text(0).unwrap(), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(text(u64::MAX), None);
    }
}
