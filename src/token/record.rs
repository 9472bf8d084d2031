//! What is kept of an account, and of the platform itself.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::Fetched;

/// After so long another machine's refresh would go unnoticed too long: the store is asked, in passing.
const LOOK: Duration = Duration::from_secs(60);
/// The old token is good for 5 minutes after a refresh: so long it may be used without a look.
const MUST_LOOK: Duration = Duration::from_secs(240);

/// A token with what the next one is got with. Has no `Debug`: all of it is secret.
#[derive(Clone, Default, Deserialize, Serialize)]
pub(super) struct Record {
    /// A refresh token; the platform's is the ticket that WeChat pushes.
    pub grant: String,
    #[serde(default)]
    pub access_token: String,
    /// When it was got (s since 1970).
    #[serde(default)]
    pub since: u64,
    /// How long it was good for then (s).
    #[serde(default)]
    pub expires_in: u64,
}

impl Record {
    pub fn of(text: &str) -> Option<Record> {
        serde_json::from_str(text).ok()
    }

    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// How long the token is good for still, unless it was refused.
    pub fn left(&self, refused: Option<&str>) -> Duration {
        let end = self.since.saturating_add(self.expires_in);
        match self.access_token.is_empty() || refused == Some(&self.access_token) {
            true => Duration::ZERO,
            false => Duration::from_secs(end.saturating_sub(now())),
        }
    }

    /// Whether it is time for another: a twelfth of its life is left, ten minutes of two hours.
    pub fn is_due(&self, refused: Option<&str>) -> bool {
        self.left(refused) <= Duration::from_secs(self.expires_in) / 12
    }

    /// The token as calls use it.
    pub fn fetched(&self) -> Fetched {
        let alive = self.left(None);
        Fetched {
            token: self.access_token.clone(),
            fresh: LOOK.min(alive.saturating_sub(Duration::from_secs(self.expires_in) / 12)),
            good: MUST_LOOK.min(alive),
            alive,
        }
    }
}

/// The time by the clock that machines share (s since 1970).
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
        assert_eq!(fetched.fresh, Duration::ZERO);
        assert!(fetched.good <= Duration::from_secs(200) && fetched.good == fetched.alive);
        assert_eq!(got(0).fetched().fresh, LOOK);
    }

    #[test]
    fn it_is_kept_as_text() {
        let kept = Record::of(r#"{"grant":"G"}"#).unwrap();
        assert!(kept.grant == "G" && kept.left(None).is_zero());
        assert!(Record::of(&kept.text()).is_some_and(|r| r.grant == "G"));
        assert!(Record::of("{}").is_none());
    }
}
