//! What a worker of a queue serves to Prometheus: the numbers of its client, its rows by outcome,
//! and the state of the queue.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use wxlink::Client;
use wxlink_bulk::{Queue, QueueStatus, Tally};
use wxlink_metrics::{Listener, gauge, head};

use crate::context::Context;
use crate::error::CommandError;
use crate::report;

/// How long a scrape waits for the queue's Redis.
const QUEUE_LIMIT: Duration = Duration::from_secs(1);
/// For how long the state of the queue is not asked for again.
const MAX_AGE: Duration = Duration::from_secs(1);

/// The queue and its last known state: `None` if its Redis was unavailable.
struct QueueState {
    queue: Arc<Queue>,
    last: Mutex<Option<(Instant, Option<QueueStatus>)>>,
}

impl QueueState {
    /// The state now, or a moment ago. Scrapes at the same time share one answer, so that none
    /// waits for more than one.
    fn get(&self) -> Option<QueueStatus> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let known = last.as_ref().filter(|(at, _)| at.elapsed() < MAX_AGE);
        if let Some((_, status)) = known {
            return status.clone();
        }
        let status = self.queue.status_within(QUEUE_LIMIT).ok();
        *last = Some((Instant::now(), status.clone()));
        status
    }
}

/// Starts to serve them, and announces where. A scrape never waits for the worker: it has a
/// connection of its own to the queue's Redis.
pub(super) fn serve(
    context: &Context,
    address: SocketAddr,
    client: &Client,
    tally: &Arc<Tally>,
    queue: &Arc<Queue>,
) -> Result<Listener, CommandError> {
    let (client, tally) = (client.clone(), tally.clone());
    let queue = QueueState {
        queue: queue.clone(),
        last: Mutex::default(),
    };
    let listener = Listener::start(address, move || collect(&client, &tally, &queue));
    let listener = listener.map_err(|e| report::cannot_listen(address, &e))?;
    let (listening, address) = (context.text("Metrics at", "指标地址："), listener.address());
    let out = context.out;
    out.note(format_args!("{listening} http://{address}/metrics"));
    Ok(listener)
}

fn collect(client: &Client, tally: &Tally, queue: &QueueState) -> String {
    let name = "wxlink_rows_total";
    let mut text = head(
        name,
        "Rows that this worker has processed, by outcome.",
        "counter",
    );
    for count in tally.counts() {
        let (outcome, rows) = (count.outcome.word(), count.rows);
        let _ = writeln!(text, "{name}{{outcome=\"{outcome}\"}} {rows}");
    }
    let status = queue.get();
    text += &gauge(
        "wxlink_queue_up",
        "Whether the queue's Redis can be used.",
        f64::from(u8::from(status.is_some())),
    );
    if let Some(status) = status {
        text += &describe(&status);
    }
    if let Ok(stats) = client.stats() {
        text += &wxlink_metrics::client(&stats);
    }
    text
}

fn describe(status: &QueueStatus) -> String {
    let numbers: [(&str, &str, u64); 5] = [
        (
            "waiting_rows",
            "Rows that wait for a worker or are in progress.",
            status.waiting,
        ),
        (
            "deferred_rows",
            "Rows that wait because a quota is used up.",
            status.deferred,
        ),
        ("finished_rows", "Rows with a result.", status.total()),
        (
            "accounts",
            "Accounts that wait for a worker or are in progress.",
            status.accounts,
        ),
        (
            "workers",
            "Workers of all machines.",
            status.workers.len() as u64,
        ),
    ];
    let gauges = numbers
        .map(|(name, help, number)| gauge(&format!("wxlink_queue_{name}"), help, number as f64));
    gauges.concat()
}
