//! What all requests share.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::Notify;
use wxlink::{Client, FinishedCode, PushAction, WaitingCode};

use crate::counts::Counts;
use crate::forward::Forwarder;
use crate::log;
use crate::metrics::Metrics;
use crate::page;
use crate::settings::PublicUrl;

/// How many merchants a minute are sent to WeChat's page at most. Each costs a call of WeChat,
/// whose number a day is limited.
const STARTS_PER_MINUTE: u32 = 120;

/// A running service.
pub(crate) struct Service {
    pub client: Client,
    pub public_url: PublicUrl,
    pub forwarder: Option<Forwarder>,
    pub metrics: Metrics,
    /// Whether `/metrics` is one of its paths, and not on a listener of its own.
    pub serves_metrics: bool,
    pub style_hash: String,
    /// Notified when a ticket was stored.
    pub ticket_stored: Notify,
    counts: Mutex<Option<Counts>>,
    starts: Mutex<Minute>,
    /// The codes that are stored and not exchanged, as far as this instance knows.
    waiting: Mutex<BTreeSet<WaitingCode>>,
}

/// How many times something happened in the minute that began at an instant.
struct Minute {
    began: Instant,
    count: u32,
}

impl Service {
    pub fn new(client: Client, public_url: PublicUrl, forwarder: Option<Forwarder>) -> Service {
        Service {
            client,
            public_url,
            forwarder,
            metrics: Metrics::default(),
            serves_metrics: true,
            style_hash: page::style_hash(),
            ticket_stored: Notify::new(),
            counts: Mutex::default(),
            starts: Mutex::new(Minute {
                began: Instant::now(),
                count: 0,
            }),
            waiting: Mutex::default(),
        }
    }

    /// Whether another merchant may be sent to WeChat's page in this minute.
    pub fn take_start(&self) -> bool {
        let mut minute = lock(&self.starts);
        if minute.began.elapsed() >= Duration::from_secs(60) {
            *minute = Minute {
                began: Instant::now(),
                count: 0,
            };
        }
        minute.count += 1;
        minute.count <= STARTS_PER_MINUTE
    }

    pub fn set_counts(&self, counts: Counts) {
        *lock(&self.counts) = Some(counts);
    }

    /// The latest count of accounts and tokens, as text for Prometheus; empty before the first.
    pub fn counts_text(&self, has_token: bool) -> String {
        let counts = lock(&self.counts);
        counts
            .as_ref()
            .map_or_else(String::new, |c| c.text(has_token))
    }

    /// Remembers that the code is to be exchanged later.
    pub fn exchange_later(&self, code: WaitingCode) {
        lock(&self.waiting).insert(code);
    }

    /// How many codes are to be exchanged later.
    pub fn waiting_codes(&self) -> usize {
        lock(&self.waiting).len()
    }

    /// Exchanges the codes that could not be exchanged when they came, also those of instances that
    /// were killed.
    pub fn exchange_waiting_codes(&self) {
        let known = lock(&self.waiting).clone();
        let codes = match self.client.waiting_codes() {
            Ok(codes) => codes,
            Err(error) => return log::write_failure("code", &error),
        };
        // Those that came meanwhile stay.
        let mut waiting = lock(&self.waiting);
        waiting.retain(|code| !known.contains(code));
        waiting.extend(codes.iter().cloned());
        drop(waiting);
        for code in codes {
            let fields = match self.client.finish_authorization(&code) {
                Ok(FinishedCode {
                    action: PushAction::CodeStored,
                    ..
                }) => continue,
                Ok(FinishedCode { action, account }) => {
                    lock(&self.waiting).remove(&code);
                    json!({"account": account, "action": action.as_str()})
                }
                Err(error) => json!({
                    "account": code.account(),
                    "status": error.status().name(),
                    "message": error.message(),
                }),
            };
            log::write("code", &fields);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
