//! What all requests share.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use serde_json::json;
use wxlink::Client;

use crate::forward::Forwarder;
use crate::log;
use crate::metrics::Metrics;
use crate::page;
use crate::settings::PublicUrl;

/// How many merchants a minute are sent to WeChat's page at most. Each costs a call of WeChat, whose
/// number a day is limited.
const STARTS_PER_MINUTE: u32 = 120;

/// A running service.
pub(crate) struct Service {
    pub client: Client,
    pub public_url: PublicUrl,
    pub forwarder: Option<Forwarder>,
    pub metrics: Metrics,
    pub style_hash: String,
    starts: Mutex<Minute>,
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
            style_hash: page::style_hash(),
            starts: Mutex::new(Minute {
                began: Instant::now(),
                count: 0,
            }),
        }
    }

    /// Whether another merchant may be sent to WeChat's page in this minute.
    pub fn take_start(&self) -> bool {
        let mut minute = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        if minute.began.elapsed() >= Duration::from_secs(60) {
            *minute = Minute {
                began: Instant::now(),
                count: 0,
            };
        }
        minute.count += 1;
        minute.count <= STARTS_PER_MINUTE
    }

    /// Exchanges the authorisation codes that were stored and not exchanged, because WeChat did not
    /// answer in time or the service was ended.
    pub fn exchange_stored_codes(&self) {
        if let Err(error) = self.client.exchange_codes() {
            log::write(
                "codes",
                &json!({"status": error.status().name(), "message": error.message()}),
            );
        }
    }
}
