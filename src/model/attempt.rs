//! The record of a call: one entry for each attempt to send its request.

use serde::Serialize;
use serde_json::Value;

use super::delivery::Delivery;
use super::status::Status;

/// The phase in which an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Looking up the host's addresses.
    Resolve,
    /// Opening the connection.
    Connect,
    /// Asking the proxy to connect to the host.
    Proxy,
    /// The TLS handshake.
    Tls,
    /// Sending the request.
    Send,
    /// Waiting for the first byte of the response.
    Wait,
    /// Reading the response.
    Receive,
    /// The whole response was read.
    Done,
}

/// One attempt to send a request and read the response.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The API host (`host` or `host:port`).
    pub host: String,
    /// The phase in which the attempt ended.
    pub phase: Phase,
    /// The duration in milliseconds.
    pub ms: u32,
    /// Whether the attempt used a connection that was already open.
    pub reused: bool,
    /// How the attempt ended; [`Status::Api`] if WeChat answered an errcode other than 0.
    pub outcome: Status,
    /// The HTTP status of the response; 0 if there was none.
    pub http_status: u16,
    /// Whether the body was almost JSON, and was read with replacements: control characters, bytes
    /// that are not UTF-8, halves of surrogate pairs, or NULs after its end.
    pub repaired: bool,
    /// Why the attempt failed; empty if it succeeded. Contains no secret.
    pub detail: String,
}

/// An attempt in the form that `wx_result_trace` describes.
#[derive(Serialize)]
struct Row<'a> {
    host: &'a str,
    phase: Phase,
    ms: u32,
    outcome: &'static str,
    #[serde(skip_serializing_if = "is_zero")]
    http_status: u16,
    reused: bool,
    #[serde(skip_serializing_if = "is_false")]
    repaired: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    detail: &'a str,
}

impl<'a> From<&'a Attempt> for Row<'a> {
    fn from(attempt: &'a Attempt) -> Row<'a> {
        Row {
            host: &attempt.host,
            phase: attempt.phase,
            ms: attempt.ms,
            outcome: attempt.outcome.name(),
            http_status: attempt.http_status,
            reused: attempt.reused,
            repaired: attempt.repaired,
            detail: &attempt.detail,
        }
    }
}

impl Attempt {
    /// The attempt as JSON, in the form that `wx_result_trace` of the C interface describes.
    pub fn json(&self) -> Value {
        serde_json::to_value(Row::from(self)).unwrap_or_default()
    }
}

/// Writes attempts as JSON, in the form that `wx_result_trace` describes.
pub(crate) fn trace_json(endpoint: &str, delivery: Delivery, attempts: &[Attempt]) -> String {
    #[derive(Serialize)]
    struct Trace<'a> {
        endpoint: &'a str,
        delivery: &'static str,
        attempts: Vec<Row<'a>>,
    }
    let trace = Trace {
        endpoint,
        delivery: delivery.as_str(),
        attempts: attempts.iter().map(Row::from).collect(),
    };
    serde_json::to_string(&trace).unwrap_or_default()
}

fn is_zero(n: &u16) -> bool {
    *n == 0
}

fn is_false(flag: &bool) -> bool {
    !flag
}
