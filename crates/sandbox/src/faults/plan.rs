//! What the HTTP server does with a request: the result of processing it and of applying faults.

use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;

use crate::faults::script::Script;
use crate::wechat::call::{ApiResponse, JSON_TYPE};

/// A response that the HTTP server sends in the ordinary way.
pub(crate) struct PlainResponse {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    /// The `Location` header, for redirects.
    pub(crate) location: Option<String>,
    pub(crate) body: Bytes,
}

impl PlainResponse {
    pub(crate) fn json(status: u16, body: Bytes) -> Self {
        Self {
            status,
            content_type: JSON_TYPE,
            location: None,
            body,
        }
    }
}

/// What to do with a request.
pub(crate) enum Plan {
    Respond(PlainResponse),
    /// Respond after a delay. The request has taken effect already.
    RespondLate(Duration, PlainResponse),
    /// Process the request after a delay, then respond.
    ProcessLate(Duration),
    /// Never respond.
    Hang,
    /// Take the connection from the HTTP server and carry out a script on it.
    TakeOver(Script),
}

/// The part of a response that the journal records.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct ResponseSummary {
    /// The HTTP status.
    pub(crate) status: u16,
    /// WeChat's errcode, if the response has one.
    pub(crate) errcode: Option<i64>,
}

impl ResponseSummary {
    pub(crate) fn from_api(response: &ApiResponse) -> Self {
        Self {
            status: 200,
            errcode: response.errcode,
        }
    }

    /// A response that is not WeChat's.
    pub(crate) fn from_status(status: u16) -> Self {
        Self {
            status,
            errcode: None,
        }
    }
}

/// What becomes of a request.
pub(crate) struct RequestResult {
    pub(crate) plan: Plan,
    /// The response that the caller gets. `None`: nothing readable, or nothing yet.
    pub(crate) response: Option<ResponseSummary>,
}

impl RequestResult {
    /// Sends WeChat's response unchanged.
    pub(crate) fn from_api(response: ApiResponse) -> Self {
        let summary = ResponseSummary::from_api(&response);
        let response = PlainResponse::json(200, response.body);
        Self::new(Plan::Respond(response), Some(summary))
    }

    pub(crate) fn new(plan: Plan, response: Option<ResponseSummary>) -> Self {
        Self { plan, response }
    }

    /// Sends a response of this status that is not WeChat's.
    pub(crate) fn other(plan: Plan, status: u16) -> Self {
        Self::new(plan, Some(ResponseSummary::from_status(status)))
    }

    /// Sends nothing that can be read.
    pub(crate) fn unreadable(plan: Plan) -> Self {
        Self::new(plan, None)
    }
}
