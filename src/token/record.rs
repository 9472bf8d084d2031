//! The stored record of an account, and of the platform itself.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::Value;

use super::cached::FetchedToken;
use super::lifetime;

/// How long a cached token is used before the store is checked again, so that a refresh by another
/// machine is noticed.
const STORE_CHECK_INTERVAL: Duration = Duration::from_secs(60);
/// How long a cached token is used if the store cannot be checked: WeChat accepts the old token for
/// 5 minutes after a refresh.
const MAX_WITHOUT_STORE_CHECK: Duration = Duration::from_secs(240);

/// An access token, the grant that the next one is requested with, and what pushes said. It has no
/// `Debug`, because most of it is secret.
#[derive(Clone, Default, Serialize)]
pub(crate) struct Record {
    /// The refresh token of an account, or the platform's ticket.
    pub grant: String,
    pub access_token: String,
    /// When the access token was received (s since 1970), at most now.
    pub since: u64,
    /// Its lifetime then (s), within the limits of [`lifetime::clamp`].
    pub expires_in: u64,
    /// An authorisation code that was not exchanged yet; empty if all were.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub code: String,
    /// When WeChat made the last event that counted (s since 1970); 0 before the first.
    #[serde(skip_serializing_if = "is_zero")]
    pub event_time: u64,
    /// When WeChat made the last event that withdrew the authorisation; 0 if there was none.
    #[serde(skip_serializing_if = "is_zero")]
    pub withdrawn_at: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Record {
    /// Reads a record. Only the grant is required: if it is lost the account must authorise again.
    pub fn read(text: &[u8]) -> Option<Record> {
        let stored: Value = serde_json::from_slice(text).ok()?;
        let text = |name| stored.get(name).and_then(Value::as_str);
        let number = |name| stored.get(name).and_then(whole_number);
        let record = Record {
            grant: text("grant")?.to_owned(),
            access_token: text("access_token").unwrap_or_default().to_owned(),
            since: number("since").unwrap_or(0),
            expires_in: number("expires_in").unwrap_or(0),
            code: text("code").unwrap_or_default().to_owned(),
            event_time: number("event_time").unwrap_or(0),
            withdrawn_at: number("withdrawn_at").unwrap_or(0),
        };
        Some(record.clamped())
    }

    /// Limits the lifetime and the time of receipt to plausible values.
    pub fn clamped(mut self) -> Record {
        self.expires_in = lifetime::clamp(self.expires_in).as_secs();
        // Another machine's clock may be ahead of ours.
        self.since = self.since.min(now());
        self
    }

    /// The same tokens with what pushes said in the record `known`.
    pub fn with_events_of(self, known: &Record) -> Record {
        Record {
            code: known.code.clone(),
            event_time: known.event_time,
            withdrawn_at: known.withdrawn_at,
            ..self
        }
    }

    /// Whether the account withdrew its authorisation and has not given another one.
    pub fn is_withdrawn(&self) -> bool {
        self.withdrawn_at > 0 && self.grant.is_empty() && self.code.is_empty()
    }

    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The remaining lifetime; zero if there is no token or it was refused.
    pub fn left(&self, refused: Option<&str>) -> Duration {
        let end = self.since.saturating_add(self.expires_in);
        if self.access_token.is_empty() || refused == Some(&self.access_token) {
            Duration::ZERO
        } else {
            Duration::from_secs(end.saturating_sub(now()))
        }
    }

    /// Whether there is something to do: a code to exchange, or a token that is due for renewal.
    pub fn is_due(&self, refused: Option<&str>) -> bool {
        !self.code.is_empty() || self.is_token_due(refused)
    }

    /// Whether the token is due for renewal: at most a twelfth of its lifetime is left, 10 minutes
    /// of 2 hours.
    pub fn is_token_due(&self, refused: Option<&str>) -> bool {
        self.left(refused) <= Duration::from_secs(self.expires_in) / 12
    }

    /// The token for the cache.
    pub fn fetched(&self) -> FetchedToken {
        let alive = self.left(None);
        FetchedToken {
            token: self.access_token.clone(),
            refresh_after: STORE_CHECK_INTERVAL
                .min(alive.saturating_sub(Duration::from_secs(self.expires_in) / 12)),
            stale_after: MAX_WITHOUT_STORE_CHECK.min(alive),
            expires_after: alive,
        }
    }
}

/// Reads a number. It may be written as text or with a fraction; a negative one becomes 0.
pub(super) fn whole_number(value: &Value) -> Option<u64> {
    let number = match value {
        Value::String(text) => serde_json::from_str(text.trim()).ok()?,
        Value::Number(number) => number.clone(),
        _ => return None,
    };
    // The conversion saturates at both ends.
    number.as_u64().or_else(|| Some(number.as_f64()? as u64))
}

/// The wall clock, which machines share (s since 1970).
pub(super) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_due_ten_minutes_before_its_end() {
        let got = |ago| Record {
            access_token: "T".into(),
            since: now() - ago,
            expires_in: 7200,
            ..Record::default()
        };
        assert!(!got(6500).is_due(None) && got(6601).is_due(None));
        assert!(got(0).is_due(Some("T")) && !got(0).is_due(Some("U")));
        assert!(Record::default().is_due(None));
        let fetched = got(7000).fetched();
        assert_eq!(fetched.refresh_after, Duration::ZERO);
        assert!(
            fetched.stale_after <= Duration::from_secs(200)
                && fetched.stale_after == fetched.expires_after
        );
        assert_eq!(got(0).fetched().refresh_after, STORE_CHECK_INTERVAL);
    }

    #[test]
    fn it_is_kept_as_text() {
        let kept = Record::read(br#"{"grant":"G"}"#).unwrap();
        assert!(kept.grant == "G" && kept.left(None).is_zero());
        let again = Record::read(kept.text().as_bytes());
        assert!(again.is_some_and(|r| r.grant == "G"));
        for bad in ["{}", "", "[]", "null", r#"{"grant":7}"#, r#"{"grant":"G"#] {
            assert!(Record::read(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    #[test]
    fn what_pushes_said_is_kept_as_text() {
        let kept = Record {
            code: "C".into(),
            event_time: 7,
            withdrawn_at: 5,
            ..Record::default()
        };
        let again = Record::read(kept.text().as_bytes()).unwrap();
        assert!(again.code == "C" && again.event_time == 7 && again.withdrawn_at == 5);
        assert!(again.is_due(None) && !again.is_withdrawn());
        let withdrawn = Record {
            code: String::new(),
            ..again
        };
        assert!(withdrawn.is_withdrawn());
        // A record without events is the same text as before.
        assert!(!Record::default().text().contains("code"));
    }

    #[test]
    fn absurd_times_of_others_are_clamped() {
        let day = Duration::from_secs(24 * 60 * 60);
        for (since, expires_in) in [
            ("0", "18446744073709551615"),
            ("18446744073709551615", "9223372036854775807"),
            (r#""9999999999""#, r#""9999999999""#),
            ("1e300", "1e300"),
            ("-1", "-7200"),
            ("null", "{}"),
        ] {
            let text = format!(
                r#"{{"grant":"G","access_token":"T","since":{since},"expires_in":{expires_in}}}"#
            );
            let record = Record::read(text.as_bytes()).unwrap();
            assert!(record.left(None) <= day, "{text}");
            let fetched = record.fetched();
            let now = std::time::Instant::now();
            assert!(
                now + fetched.refresh_after <= now + fetched.expires_after,
                "{text}"
            );
            assert!(record.is_due(Some("T")), "{text}");
        }
    }

    #[test]
    fn numbers_may_be_texts() {
        for (json, number) in [
            ("7200", Some(7200)),
            (r#"" 7200 ""#, Some(7200)),
            ("7200.9", Some(7200)),
            (r#""7.2e3""#, Some(7200)),
            ("-5", Some(0)),
            ("1e40", Some(u64::MAX)),
            (r#""soon""#, None),
            ("null", None),
            ("true", None),
        ] {
            let value: Value = serde_json::from_str(json).unwrap();
            assert_eq!(whole_number(&value), number, "{json}");
        }
    }
}
