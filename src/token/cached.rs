//! A fetched token, and how long it is used.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A token and how long it is used.
pub(crate) struct FetchedToken {
    pub token: String,
    /// After this time another one is fetched while it is still used.
    pub refresh_after: Duration,
    /// After this time calls wait for another one.
    pub stale_after: Duration,
    /// Until this time it is used if no other can be fetched.
    pub expires_after: Duration,
}

/// A token that calls use.
pub(crate) struct Token {
    pub(super) text: Box<str>,
    /// Whether WeChat accepted it in a call.
    accepted: AtomicBool,
}

impl Token {
    pub fn new(text: &str) -> Arc<Token> {
        Arc::new(Token {
            text: text.into(),
            accepted: AtomicBool::new(false),
        })
    }

    /// Notes that WeChat accepted the token, whatever else it answered.
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

/// A token in use. The times have the meaning of those of [`FetchedToken`].
pub(super) struct CachedToken {
    pub token: Arc<Token>,
    pub refresh_at: Instant,
    pub stale_at: Instant,
    pub expires_at: Instant,
}
