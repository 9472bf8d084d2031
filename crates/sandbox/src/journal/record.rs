//! What the journal is given: a request and its outcome.

use bytes::Bytes;
use hyper::{HeaderMap, Method};
use serde::Serialize;

use crate::faults::plan::ResponseSummary;
use crate::faults::rule::Listener;

/// A request as it arrived.
pub(crate) struct ReceivedRequest {
    /// The number of the connection; the first one is 1.
    pub(crate) connection: u64,
    pub(crate) listener: Listener,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// The fault that was applied to a request.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct AppliedFault {
    pub(crate) id: u64,
    pub(crate) name: &'static str,
}

/// What became of a request.
#[derive(Clone, Copy, Default)]
pub(crate) struct Outcome {
    /// Whether it took effect.
    pub(crate) processed: bool,
    /// `None`: the caller got no readable response.
    pub(crate) response: Option<ResponseSummary>,
    pub(crate) fault: Option<AppliedFault>,
}
