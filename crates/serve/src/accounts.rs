//! Counts the platform's accounts and their access tokens, for `/metrics`. A count takes a while,
//! so that it is made now and then and not for each request of the metrics.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::{sleep, timeout};
use wxlink::{Error, Options, Text};

use crate::counts::Counts;
use crate::log;
use crate::service::Service;

/// How long after one count the next one starts. WeChat's list costs a call for 500 accounts, and
/// the number of calls a day is limited.
const INTERVAL: Duration = Duration::from_secs(600);
/// The same after a count that failed.
const RETRY_INTERVAL: Duration = Duration::from_secs(300);
/// How long reading WeChat's list may take (ms).
const LIST_LIMIT_MS: &str = "60000";
/// Between two accesses to the store there is a pause of this many times the first one, so that the
/// count does not delay pushes.
const PAUSE_FACTOR: u32 = 9;

const NO_TICKET: Text = Text {
    en: "waiting for the first ticket, which WeChat pushes every 10 minutes",
    zh: "正在等待首个票据（component_verify_ticket），微信每 10 分钟推送一次",
};

/// Counts again and again.
pub(crate) async fn count_again_and_again(service: Arc<Service>) {
    if !has_ticket(&service).await {
        let message = NO_TICKET.get(service.client.lang());
        log::write("accounts", &json!({"message": message}));
        let _ = timeout(RETRY_INTERVAL, service.ticket_stored.notified()).await;
    }
    loop {
        match count(&service).await {
            Ok(counts) => {
                service.set_counts(counts);
                sleep(INTERVAL).await;
            }
            Err(error) => {
                log::write_failure("accounts", &error);
                let _ = timeout(RETRY_INTERVAL, service.ticket_stored.notified()).await;
            }
        }
    }
}

/// Whether WeChat has pushed a ticket before. A service that starts for the first time has none.
async fn has_ticket(service: &Arc<Service>) -> bool {
    let client = service.client.clone();
    let status = blocking(move || client.platform_status()).await;
    // If the store cannot be used, the count reports it.
    status.is_err() || status.is_ok_and(|status| status.has_ticket())
}

async fn count(service: &Arc<Service>) -> Result<Counts, Error> {
    let mut options = Options::new();
    options.set("timeout_ms", LIST_LIMIT_MS)?;
    let patient = service.client.derive(&options)?;
    let accounts = blocking(move || patient.accounts()).await?;
    let mut counts = Counts::new();
    for account in accounts {
        let client = service.client.clone();
        let started = Instant::now();
        let status = blocking(move || client.account_status(&account)).await?;
        let pause = started.elapsed() * PAUSE_FACTOR;
        counts.add(status);
        sleep(pause).await;
    }
    Ok(counts.finished())
}

/// Runs a call of the library on a thread that may block.
async fn blocking<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(call).await {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}
