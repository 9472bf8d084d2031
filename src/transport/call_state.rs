//! What the layers below ureq must know of the call they work for, and what they report back.
//!
//! ureq hands a transport its bytes but not the call they belong to, so each [lane](super::lane)
//! has one `CallState`: the call's time limits and token go down in it; how far the call came, whether
//! anything was sent and why it failed come up in it. A lane serves one call at a time, so the lock
//! is never contended.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use crate::config::proxy::ProxyAddress;
use crate::model::attempt::Phase;
use crate::model::failure::Failure;
use crate::model::status::Status;
use crate::sys::cancel::{CancelToken, WaitError};
use crate::sys::lock::lock;

/// One call's state on its lane.
pub(crate) struct CallState {
    /// When the call as a whole ends.
    pub deadline: Instant,
    /// When the work up to an established connection ends; never later than `deadline`.
    pub connect_deadline: Instant,
    /// What ends the call early.
    pub cancel: Arc<CancelToken>,
    /// The percent-encoded access token, which only the last step before the socket puts in place.
    pub token: String,
    /// How far the call has come.
    pub phase: Phase,
    /// Whether a byte of the request may have left.
    pub sent: bool,
    /// Whether the host ended the connection.
    pub ended: bool,
    /// Whether the connection was there before the call.
    pub reused: bool,
    /// What went wrong first.
    pub failure: Option<Failure>,
}

/// The scope as a lane and its connection share it.
pub(crate) struct SharedCallState(Mutex<CallState>);

impl SharedCallState {
    pub fn new(cancel: Arc<CancelToken>) -> SharedCallState {
        let now = Instant::now();
        SharedCallState(Mutex::new(CallState {
            deadline: now,
            connect_deadline: now,
            cancel,
            token: String::new(),
            phase: Phase::Resolve,
            sent: false,
            ended: false,
            reused: true,
            failure: None,
        }))
    }

    pub fn lock(&self) -> MutexGuard<'_, CallState> {
        lock(&self.0)
    }

    /// Sets the phase and answers until when it may take.
    pub fn enter(&self, phase: Phase) -> Instant {
        let mut scope = self.lock();
        scope.phase = phase;
        scope.limit()
    }

    /// Records the first failure and answers the error that carries ureq back to us.
    pub fn fail(&self, failure: Failure) -> io::Error {
        let kind = match failure.status {
            Status::Timeout | Status::TimeoutUnsent => io::ErrorKind::TimedOut,
            _ => io::ErrorKind::Other,
        };
        self.lock().failure.get_or_insert(failure);
        io::Error::from(kind)
    }

    /// Records that no connection came about because of the proxy. What was recorded of it already
    /// is the reason; cancelling and the time limit keep their own status.
    pub fn fail_at_proxy(&self, proxy: &ProxyAddress, error: &io::Error) -> io::Error {
        let before = self.lock().failure.take();
        self.fail(match before {
            None => Failure::new(Status::Proxy, format!("the proxy {proxy}: {error}")),
            Some(Failure { status, detail })
                if matches!(status, Status::TimeoutUnsent | Status::Cancelled) =>
            {
                let phase = self.lock().phase;
                let awaited = match phase {
                    Phase::Resolve => "the name of the proxy",
                    Phase::Connect => "a connection to the proxy",
                    _ => "an answer of the proxy",
                };
                Failure::new(
                    status,
                    format!("{detail} while waiting for {awaited} {proxy}"),
                )
            }
            Some(Failure { detail, .. }) => {
                // A literal address would be there twice.
                let shown = proxy.to_string();
                let why = detail.strip_prefix(&shown).unwrap_or(&detail);
                let why = why.trim_start_matches(": ");
                Failure::new(Status::Proxy, format!("the proxy {shown}: {why}"))
            }
        })
    }

    /// Adds to the words of the failure that is recorded.
    pub fn add_to_failure(&self, words: &str) {
        if let Some(failure) = &mut self.lock().failure {
            failure.detail += words;
        }
    }
}

impl CallState {
    /// Until when the present phase may take.
    pub fn limit(&self) -> Instant {
        if self.phase < Phase::Send {
            self.connect_deadline
        } else {
            self.deadline
        }
    }

    /// The failure for a wait that was stopped.
    pub fn stopped(&self, stop: WaitError) -> Failure {
        match stop {
            WaitError::TimedOut if self.sent => Failure::new(Status::Timeout, self.which_limit()),
            WaitError::TimedOut => Failure::new(Status::TimeoutUnsent, self.which_limit()),
            WaitError::Cancelled => Failure::new(Status::Cancelled, "the call was cancelled"),
            WaitError::Failed(e) if self.sent => {
                Failure::new(Status::ConnectionLost, e.to_string())
            }
            WaitError::Failed(e) => Failure::new(Status::Connect, e.to_string()),
        }
    }

    fn which_limit(&self) -> &'static str {
        if self.phase < Phase::Send && self.connect_deadline < self.deadline {
            "connect_timeout_ms passed"
        } else {
            "timeout_ms passed"
        }
    }
}
