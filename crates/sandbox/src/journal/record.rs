//! What the journal is given: a request and its outcome.

use std::time::Instant;

use bytes::Bytes;
use hyper::{HeaderMap, Method};
use serde::Serialize;

use crate::faults::plan::ResponseSummary;
use crate::faults::rule::Listener;
use crate::wechat::call::ApiResponse;

/// A request as it arrived.
#[derive(Clone)]
pub(crate) struct ReceivedRequest {
    /// The number of the connection; the first one is 1.
    pub(crate) connection: u64,
    pub(crate) listener: Listener,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// When the whole request had been read.
    pub(crate) arrived: Instant,
}

impl ReceivedRequest {
    /// How long ago it arrived.
    pub(crate) fn age_us(&self) -> u64 {
        u64::try_from(self.arrived.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// The fault that was applied to a request.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct AppliedFault {
    pub(crate) id: u64,
    pub(crate) name: &'static str,
}

/// WeChat's processing of a request.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Effect {
    pub(crate) at_ms: u64,
    /// WeChat's errcode, whether or not the caller received it.
    pub(crate) errcode: Option<i64>,
}

impl Effect {
    pub(crate) fn new(at_ms: u64, response: &ApiResponse) -> Self {
        Self {
            at_ms,
            errcode: response.errcode,
        }
    }
}

/// What became of a request.
#[derive(Clone, Copy, Default)]
pub(crate) struct Outcome {
    /// `None`: it has not taken effect.
    pub(crate) effect: Option<Effect>,
    /// `None`: the caller got no readable response.
    pub(crate) response: Option<ResponseSummary>,
    /// From the arrival to the start of the response. `None` if no response has started.
    pub(crate) latency_us: Option<u64>,
    pub(crate) fault: Option<AppliedFault>,
}
