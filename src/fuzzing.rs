//! Ways into parsers and records that the fuzzers check (`fuzz/checks.rs`), and that the interface
//! reaches only through programs, servers and files. Not part of the interface.
#![allow(missing_docs)]

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::push_keys::AesKey;
use crate::model::endpoint::Endpoint;
use crate::model::message::Message;
use crate::push::{self, Event, Push, PushKeys};
use crate::store::claim::{Entries, LONGEST_CLAIM, LinkNote, claim, settle};
#[cfg(feature = "file-store")]
use crate::store::clock::{Moment, Written};
use crate::store::{Claimed, LinkKeys, LockOwner, PostedOutcome, Settlement};
use crate::token::new_tokens::NewTokens;
#[cfg(unix)]
use crate::token::printed;
use crate::token::record::Record;

/// A token and how long it is used.
pub struct TimedToken {
    pub token: String,
    pub refresh_after: Duration,
    pub stale_after: Duration,
    pub expires_after: Duration,
}

/// Reads what the program of `token_command` printed.
///
/// # Errors
/// Why there is no token.
#[cfg(unix)]
pub fn printed_token(printed: &[u8]) -> Result<TimedToken, Message> {
    printed::read(printed).map(|fetched| TimedToken {
        token: fetched.token,
        refresh_after: fetched.refresh_after,
        stale_after: fetched.stale_after,
        expires_after: fetched.expires_after,
    })
}

/// The tokens in a response of a token endpoint.
pub struct ReceivedTokens {
    pub access_token: Option<String>,
    pub refresh_token: Option<String>,
    pub expires_in: Option<u64>,
}

/// Finds the tokens in the response to a request that contained the refresh token `sent`.
pub fn received_tokens(endpoint: Endpoint, body: &[u8], sent: &str) -> ReceivedTokens {
    let found = NewTokens::read(endpoint, body, sent);
    ReceivedTokens {
        access_token: found.access_token,
        refresh_token: found.refresh_token,
        expires_in: found.expires_in,
    }
}

/// The stored record of an account.
pub struct StoredRecord {
    /// The record as it is written.
    pub text: String,
    pub grant: String,
    pub token: TimedToken,
    /// Whether the token is due for renewal, and whether it is after WeChat refused it.
    pub is_due: bool,
    pub is_due_if_refused: bool,
}

/// Reads a stored record; `None` if it cannot be read.
pub fn stored_record(text: &[u8]) -> Option<StoredRecord> {
    let record = Record::read(text)?;
    let fetched = record.fetched();
    Some(StoredRecord {
        text: record.text(),
        token: TimedToken {
            token: fetched.token,
            refresh_after: fetched.refresh_after,
            stale_after: fetched.stale_after,
            expires_after: fetched.expires_after,
        },
        is_due: record.is_due(None),
        is_due_if_refused: record.is_due(Some(&record.access_token)),
        grant: record.grant,
    })
}

/// A push that was read.
#[derive(Debug)]
pub struct ReadPush {
    /// Whether the library acts on it.
    pub is_handled: bool,
    /// Its fields as JSON.
    pub fields: String,
}

impl From<Push> for ReadPush {
    fn from(push: Push) -> ReadPush {
        ReadPush {
            is_handled: !matches!(push.event, Event::Other),
            fields: push.fields.to_string(),
        }
    }
}

/// Reads the body of a push whose signature is right, encrypted with a key of zeros.
///
/// # Errors
/// Why it is not a push.
pub fn signed_push(body: &[u8]) -> Result<ReadPush, Message> {
    let key = AesKey {
        text: "A".repeat(43),
        bytes: [0; 32],
    };
    let keys = PushKeys {
        appid: "wx1".into(),
        tokens: Vec::new(),
        aes_keys: vec![key],
    };
    let push = push::encrypted_in(body).and_then(|encrypted| keys.decrypt(&encrypted));
    push.map(ReadPush::from)
}

/// Reads the decrypted bytes of a push.
///
/// # Errors
/// Why they are not a push.
pub fn decrypted_push(plain: &[u8]) -> Result<ReadPush, Message> {
    let message = push::message_in(plain, "wx1").ok_or("not decrypted")?;
    push_message(message)
}

/// Reads the message in a push.
///
/// # Errors
/// Why it is not a push.
pub fn push_message(message: &[u8]) -> Result<ReadPush, Message> {
    push::read_message(message.to_vec()).map(ReadPush::from)
}

/// How long (ms) a text of a file store still stands, at `now_ms` after the boot "BOOT" and at the
/// wall clock's `now_wall_ms`.
#[cfg(feature = "file-store")]
pub fn time_left_ms(
    (boot, boot_ms, wall_ms, lasts_ms): (&str, u64, u64, u64),
    (now_ms, now_wall_ms): (u64, u64),
) -> u64 {
    let written = Written {
        boot,
        boot_ms,
        wall_ms,
        lasts_ms,
    };
    let now = Moment {
        boot: "BOOT".into(),
        ms: now_ms,
    };
    written.left(&now, now_wall_ms).ms
}

/// The claims of a link in a store, with a clock of their own.
pub struct Claims {
    /// Notes by key, and when they expire.
    notes: BTreeMap<u8, (LinkNote, Duration)>,
    now: Duration,
    owners: [LockOwner; Claims::OWNERS],
}

/// The answer to a claim.
#[derive(Debug, PartialEq)]
pub enum Answer {
    Taken,
    Held { left: Duration },
}

/// What ends a claim.
#[derive(Clone, Copy, Debug)]
pub enum End {
    NotPosted,
    Accepted { stands: Duration },
    Unknown { stands: Duration },
    Linked { stands: Duration },
    Unlinked,
}

impl Default for Claims {
    fn default() -> Claims {
        Claims {
            notes: BTreeMap::new(),
            now: Duration::ZERO,
            owners: std::array::from_fn(|_| LockOwner::new()),
        }
    }
}

impl Claims {
    /// How many owners there are.
    pub const OWNERS: usize = 3;
    /// The longest duration of a claim.
    pub const LONGEST: Duration = LONGEST_CLAIM;

    fn keys(names: &[u8]) -> LinkKeys<u8> {
        LinkKeys {
            claims: names.to_vec(),
            outcome: Some(u8::MAX),
        }
    }

    /// Another program writes this text under a name.
    pub fn write(&mut self, name: u8, text: &str, lasts: Duration) {
        let until = self.now.saturating_add(lasts);
        self.notes.insert(name, (LinkNote::parse(text), until));
    }

    pub fn advance(&mut self, time: Duration) {
        self.now = self.now.saturating_add(time);
    }

    /// Claims the link under these names.
    pub fn claim(&mut self, names: &[u8], owner: usize, lasts: Duration) -> Answer {
        let owner = self.owners[owner];
        match claim(self, &Claims::keys(names), &owner, lasts) {
            Claimed::Taken { .. } => Answer::Taken,
            Claimed::Held { left, .. } => Answer::Held { left },
        }
    }

    /// Ends the owner's claim.
    pub fn settle(&mut self, names: &[u8], owner: usize, end: End) {
        let owner = self.owners[owner];
        let posted = |outcome, stands| Settlement::Posted { outcome, stands };
        let settlement = match end {
            End::NotPosted => Settlement::NotPosted,
            End::Accepted { stands } => posted(PostedOutcome::Accepted, stands),
            End::Unknown { stands } => posted(PostedOutcome::Unknown, stands),
            End::Linked { stands } => Settlement::Linked { stands },
            End::Unlinked => Settlement::Unlinked,
        };
        settle(self, &Claims::keys(names), &owner, settlement);
    }
}

impl Entries for Claims {
    type Key = u8;

    fn get(&mut self, key: &u8) -> Option<(LinkNote, Duration)> {
        let (note, until) = self.notes.get(key)?;
        let left = until.saturating_sub(self.now);
        (!left.is_zero()).then_some((*note, left))
    }

    fn set(&mut self, key: &u8, note: LinkNote, lasts: Duration) {
        let until = self.now.saturating_add(lasts);
        self.notes.insert(*key, (note, until));
    }

    fn remove(&mut self, key: &u8) {
        self.notes.remove(key);
    }
}
