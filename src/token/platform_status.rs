//! What a platform's store has of the platform itself.

use std::time::Instant;

use serde_json::{Value, json};

use super::platform::Platform;
use super::record::{self, Record};
use crate::error::Error;
use crate::sys::cancel::CancelToken;

/// The state of a third-party platform's ticket and access token in its store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformStatus {
    has_ticket: bool,
    ticket_age: Option<u64>,
    token_expires_in: u64,
}

impl PlatformStatus {
    fn of(record: &Record) -> PlatformStatus {
        let now = record::now();
        PlatformStatus {
            has_ticket: !record.grant.is_empty(),
            ticket_age: (record.event_time > 0).then(|| now.saturating_sub(record.event_time)),
            token_expires_in: record.left(None).as_secs(),
        }
    }

    /// Whether a ticket is stored.
    pub fn has_ticket(&self) -> bool {
        self.has_ticket
    }

    /// How long ago WeChat made the ticket (s); `None` if no ticket is stored, or if it was stored
    /// without its push. WeChat pushes one every 10 minutes, and accepts one for 12 hours.
    pub fn ticket_age(&self) -> Option<u64> {
        self.ticket_age
    }

    /// How long the platform's access token can still be used (s); 0 if no token is stored.
    pub fn token_expires_in(&self) -> u64 {
        self.token_expires_in
    }

    /// The state as JSON.
    pub fn json(&self) -> Value {
        json!({
            "has_ticket": self.has_ticket,
            "ticket_age": self.ticket_age,
            "token_expires_in": self.token_expires_in,
        })
    }
}

impl Platform {
    /// The state of the ticket and the platform's token. Does not call WeChat.
    ///
    /// # Errors
    /// [`Status::Store`](crate::Status::Store), [`Status::Cancelled`](crate::Status::Cancelled).
    pub fn status(&self, limit: Instant, cancel: &CancelToken) -> Result<PlatformStatus, Error> {
        self.on_store(limit, cancel, move |platform| {
            platform.update(&platform.own_key(), limit, |r| PlatformStatus::of(r))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_is_that_of_the_pushed_ticket() {
        let mut record = Record::default();
        assert_eq!(
            PlatformStatus::of(&record).json(),
            json!({"has_ticket": false, "ticket_age": null, "token_expires_in": 0})
        );
        record.grant = "ticket@@@T".into();
        assert_eq!(PlatformStatus::of(&record).ticket_age(), None);
        record.event_time = record::now() - 60;
        let age = PlatformStatus::of(&record).ticket_age().unwrap();
        assert!((60..90).contains(&age), "{age}");
        // WeChat's clock may be ahead of ours.
        record.event_time = record::now() + 600;
        assert_eq!(PlatformStatus::of(&record).ticket_age(), Some(0));
    }
}
