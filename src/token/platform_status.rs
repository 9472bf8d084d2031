//! What a platform's store has of the platform itself, and of each account.

use std::time::Instant;

use serde_json::{Value, json};

use super::platform::Platform;
use super::record::{self, Record};
use crate::error::Error;
use crate::store::key::encoded;
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

/// How far an account's authorisation is in the platform's store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountState {
    /// Its refresh token is stored.
    Authorized,
    /// Its authorisation code is stored, and not exchanged yet.
    CodeStored,
    /// It withdrew its authorisation.
    Withdrawn,
    /// Nothing is stored. The next call for it looks its refresh token up in WeChat's list, which
    /// has one only if an authorisation code of the account was exchanged before.
    NotStored,
}

impl AccountState {
    /// Every state.
    pub const ALL: [AccountState; 4] = [
        AccountState::Authorized,
        AccountState::CodeStored,
        AccountState::Withdrawn,
        AccountState::NotStored,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            AccountState::Authorized => "authorized",
            AccountState::CodeStored => "code_stored",
            AccountState::Withdrawn => "withdrawn",
            AccountState::NotStored => "not_stored",
        }
    }
}

/// The state of an account's authorisation and access token in the platform's store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountStatus {
    /// How far the authorisation is.
    pub state: AccountState,
    /// How long the stored access token can still be used (s); 0 without one.
    pub token_expires_in: u64,
}

impl AccountStatus {
    fn of(record: &Record) -> AccountStatus {
        let state = if record.is_withdrawn() {
            AccountState::Withdrawn
        } else if !record.code.is_empty() {
            AccountState::CodeStored
        } else if record.grant.is_empty() {
            AccountState::NotStored
        } else {
            AccountState::Authorized
        };
        AccountStatus {
            state,
            token_expires_in: record.left(None).as_secs(),
        }
    }
}

impl Platform {
    /// The state of an account in the store. Does not call WeChat.
    ///
    /// # Errors
    /// As [`status`](Platform::status).
    pub fn account_status(
        &self,
        account: &str,
        limit: Instant,
        cancel: &CancelToken,
    ) -> Result<AccountStatus, Error> {
        let key = self.key_of(account);
        self.on_store(limit, cancel, move |platform| {
            platform.update(&key, limit, |r| AccountStatus::of(r))
        })
    }

    /// The state of the ticket and the platform's token. Does not call WeChat.
    ///
    /// # Errors
    /// [`Status::Store`](crate::Status::Store), [`Status::Cancelled`](crate::Status::Cancelled).
    pub fn status(&self, limit: Instant, cancel: &CancelToken) -> Result<PlatformStatus, Error> {
        self.on_store(limit, cancel, move |platform| {
            platform.update(&platform.own_key(), limit, |r| PlatformStatus::of(r))
        })
    }

    /// Checks that the store can be read and written: a full disk can still be read.
    ///
    /// # Errors
    /// As [`status`](Platform::status).
    pub fn check_store(&self, limit: Instant, cancel: &CancelToken) -> Result<(), Error> {
        self.on_store(limit, cancel, move |platform| {
            let (realm, appid) = (encoded(&platform.realm), encoded(&platform.appid));
            let key = format!("wxlink:check:{realm}:{appid}");
            let old = platform.store.read(&key, limit)?;
            // If another process has written meanwhile, it can be written.
            let now = record::now().to_string();
            platform.store.swap(&key, old.as_deref(), &now, limit)?;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_in_one_of_the_states() {
        let now = record::now();
        let stored = |grant: &str, code: &str, withdrawn_at| Record {
            grant: grant.into(),
            code: code.into(),
            withdrawn_at,
            access_token: "T".into(),
            since: now,
            expires_in: 7200,
            ..Record::default()
        };
        for (record, state) in [
            (stored("R", "", 0), AccountState::Authorized),
            (stored("R", "", 5), AccountState::Authorized),
            (stored("R", "C", 0), AccountState::CodeStored),
            (stored("", "C", 5), AccountState::CodeStored),
            (stored("", "", 5), AccountState::Withdrawn),
            (stored("", "", 0), AccountState::NotStored),
        ] {
            let status = AccountStatus::of(&record);
            assert_eq!(status.state, state);
            assert!(status.token_expires_in > 7000);
        }
        let empty = AccountStatus::of(&Record::default());
        assert_eq!(empty.state, AccountState::NotStored);
        assert_eq!(empty.token_expires_in, 0);
    }

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
