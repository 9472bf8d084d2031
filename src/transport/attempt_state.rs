//! The state of the attempt that a connection serves.
//!
//! ureq passes bytes to a transport, but not the attempt they belong to. So each
//! [connection](super::connection) shares one `AttemptState` with the layers below ureq: they read
//! the attempt's deadlines and token from it, and record how far the attempt came, whether anything
//! was sent and why it failed. A connection serves one attempt at a time, so the lock is never
//! contended.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use crate::config::proxy::ProxyAddress;
use crate::model::attempt::Phase;
use crate::model::failure::Failure;
use crate::model::lang::{Lang, Text};
use crate::model::message::{Message, message};
use crate::model::status::Status;
use crate::sys::cancel::{CancelToken, WaitError};
use crate::sys::lock::lock;

/// The state of one attempt.
pub(crate) struct AttemptState {
    /// When the call as a whole ends.
    pub deadline: Instant,
    /// When connecting ends, the handshakes included; never later than `deadline`.
    pub connect_deadline: Instant,
    /// Ends the attempt early.
    pub cancel: Arc<CancelToken>,
    /// The percent-encoded access token. It is inserted into the request by the last step before
    /// the socket.
    pub token: String,
    /// The phase that the attempt has reached.
    pub phase: Phase,
    /// Whether a byte of the request may have been sent.
    pub sent: bool,
    /// Whether the host ended the connection.
    pub ended: bool,
    /// Whether the connection was open before the attempt.
    pub reused: bool,
    /// The first failure.
    pub failure: Option<Failure>,
}

/// The state, shared by a connection and the layers below ureq.
pub(crate) struct SharedAttemptState(Mutex<AttemptState>);

impl SharedAttemptState {
    pub fn new(cancel: Arc<CancelToken>) -> SharedAttemptState {
        let now = Instant::now();
        SharedAttemptState(Mutex::new(AttemptState {
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

    pub fn lock(&self) -> MutexGuard<'_, AttemptState> {
        lock(&self.0)
    }

    /// Sets the phase and returns its deadline.
    pub fn enter(&self, phase: Phase) -> Instant {
        let mut state = self.lock();
        state.phase = phase;
        state.phase_deadline()
    }

    /// Records the first failure and returns an error that makes ureq return.
    pub fn fail(&self, failure: Failure) -> io::Error {
        let kind = match failure.status {
            Status::Timeout | Status::TimeoutUnsent => io::ErrorKind::TimedOut,
            _ => io::ErrorKind::Other,
        };
        self.lock().failure.get_or_insert(failure);
        io::Error::from(kind)
    }

    /// Records that the connection failed at the proxy. A failure that is recorded already is the
    /// reason; a cancelled call and a passed limit keep their status.
    pub fn fail_at_proxy(&self, proxy: &ProxyAddress, error: &io::Error) -> io::Error {
        let before = self.lock().failure.take();
        self.fail(match before {
            None => Failure::new(Status::Proxy, about_proxy(proxy, &error.into())),
            Some(Failure { status, detail, .. })
                if matches!(status, Status::TimeoutUnsent | Status::Cancelled) =>
            {
                let phase = self.lock().phase;
                let awaited = match phase {
                    Phase::Resolve => Text {
                        en: "the name of the proxy",
                        zh: "的域名解析",
                    },
                    Phase::Connect => Text {
                        en: "a connection to the proxy",
                        zh: "的连接",
                    },
                    _ => Text {
                        en: "a response of the proxy",
                        zh: "的应答",
                    },
                };
                let (Text { en, zh }, why_zh) = (awaited, detail.get(Lang::Zh));
                let why = message!(
                    "{detail} while waiting for {en} {proxy}",
                    "等待代理 {proxy} {zh}时{why_zh}"
                );
                Failure::new(status, why)
            }
            Some(Failure { detail, .. }) => {
                Failure::new(Status::Proxy, about_proxy(proxy, &detail))
            }
        })
    }

    /// Adds to the text of the recorded failure that the connection led through a proxy.
    pub fn add_proxy_to_failure(&self, proxy: &ProxyAddress) {
        if let Some(failure) = &mut self.lock().failure {
            let (en, zh) = (failure.detail.get(Lang::En), failure.detail.get(Lang::Zh));
            failure.detail = message!("{en}, through the proxy {proxy}", "{zh}，经代理 {proxy}");
        }
    }
}

impl AttemptState {
    /// The deadline of the current phase.
    pub fn phase_deadline(&self) -> Instant {
        if self.phase < Phase::Send {
            self.connect_deadline
        } else {
            self.deadline
        }
    }

    /// The failure of a wait that ended with `error`.
    pub fn wait_failure(&self, error: WaitError) -> Failure {
        match error {
            WaitError::TimedOut if self.sent => Failure::new(Status::Timeout, self.passed_limit()),
            WaitError::TimedOut => Failure::new(Status::TimeoutUnsent, self.passed_limit()),
            WaitError::Cancelled => Failure::new(
                Status::Cancelled,
                Text {
                    en: "the call was cancelled",
                    zh: "调用被取消",
                },
            ),
            WaitError::Failed(e) => {
                let status = if self.sent {
                    Status::ConnectionLost
                } else {
                    Status::Connect
                };
                Failure::new(status, io::Error::from(e))
            }
        }
    }

    fn passed_limit(&self) -> Text {
        if self.phase < Phase::Send && self.connect_deadline < self.deadline {
            Text {
                en: "connect_timeout_ms passed",
                zh: "超过 connect_timeout_ms",
            }
        } else {
            Text {
                en: "timeout_ms passed",
                zh: "超过 timeout_ms",
            }
        }
    }
}

/// Why the connection failed at the proxy. The reason may begin with the proxy's address, which
/// would then appear twice.
fn about_proxy(proxy: &ProxyAddress, why: &Message) -> Message {
    let shown = proxy.to_string();
    let [en, zh] = [Lang::En, Lang::Zh].map(|lang| {
        let why = why.get(lang);
        let why = why.strip_prefix(&shown).unwrap_or(why);
        why.trim_start_matches([':', '：', ' '])
    });
    message!("the proxy {shown}: {en}", "代理 {shown}：{zh}")
}
