//! The record of what was tried: one entry for each request that was made or meant to be made.

use serde::Serialize;

use super::delivery::Delivery;
use super::status::Status;

/// How far an attempt came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Looking up the host's addresses.
    Resolve,
    /// Opening the connection.
    Connect,
    /// Asking the proxy for a tunnel.
    Proxy,
    /// The TLS handshake.
    Tls,
    /// Sending the request.
    Send,
    /// Waiting for the first byte of the answer.
    Wait,
    /// Reading the answer.
    Receive,
    /// The answer was read whole.
    Done,
}

/// One attempt at a call.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The entry host it went to (`host` or `host:port`).
    pub host: String,
    /// How far it came.
    pub phase: Phase,
    /// How long it took, in milliseconds.
    pub ms: u32,
    /// Whether it went over a connection that was already open.
    pub reused: bool,
    /// How it ended; [`Status::Api`] if WeChat answered an errcode other than 0.
    pub outcome: Status,
    /// The answer's HTTP status, 0 if there was none.
    pub http_status: u16,
    /// Why it failed, empty if it did not.
    pub detail: String,
}

/// Writes attempts as the JSON that `wx_result_trace` shows.
pub(crate) fn trace_json(endpoint: &str, delivery: Delivery, attempts: &[Attempt]) -> String {
    #[derive(Serialize)]
    struct Row<'a> {
        host: &'a str,
        phase: Phase,
        ms: u32,
        outcome: &'static str,
        #[serde(skip_serializing_if = "is_zero")]
        http_status: u16,
        reused: bool,
        #[serde(skip_serializing_if = "str::is_empty")]
        detail: &'a str,
    }
    #[derive(Serialize)]
    struct Trace<'a> {
        endpoint: &'a str,
        delivery: &'static str,
        attempts: Vec<Row<'a>>,
    }
    let attempts = attempts
        .iter()
        .map(|a| Row {
            host: &a.host,
            phase: a.phase,
            ms: a.ms,
            outcome: a.outcome.name(),
            http_status: a.http_status,
            reused: a.reused,
            detail: &a.detail,
        })
        .collect();
    let trace = Trace {
        endpoint,
        delivery: delivery.as_str(),
        attempts,
    };
    serde_json::to_string(&trace).unwrap_or_default()
}

fn is_zero(n: &u16) -> bool {
    *n == 0
}
