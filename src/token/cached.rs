//! Fetched and cached tokens, and how long they are used.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A fetched token and its lifetime.
pub(crate) struct FetchedToken {
    pub token: String,
    /// After this time another token is fetched while this one is still used.
    pub refresh_after: Duration,
    /// After this time calls wait for another token.
    pub stale_after: Duration,
    /// Until this time the token is used if no other can be fetched.
    pub expires_after: Duration,
}

/// A token, shared by the calls that use it.
pub(crate) struct Token {
    pub(super) text: Box<str>,
    /// Whether WeChat has accepted it in a call.
    accepted: AtomicBool,
}

impl Token {
    pub fn new(text: &str) -> Arc<Token> {
        Arc::new(Token {
            text: text.into(),
            accepted: AtomicBool::new(false),
        })
    }

    /// Records that WeChat accepted the token, whatever its response was.
    pub fn set_accepted(&self) {
        self.accepted.store(true, Ordering::Relaxed);
    }

    pub fn was_accepted(&self) -> bool {
        self.accepted.load(Ordering::Relaxed)
    }
}

impl Deref for Token {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

/// A token in use. The times have the meanings of those in [`FetchedToken`].
pub(super) struct CachedToken {
    pub token: Arc<Token>,
    pub refresh_at: Instant,
    pub stale_at: Instant,
    pub expires_at: Instant,
}
