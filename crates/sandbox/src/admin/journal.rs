//! Showing and emptying the journal.

use serde_json::json;

use crate::admin::error::AdminError;
use crate::admin::request::{AdminRequest, AdminResult, respond};

pub(crate) fn show(request: AdminRequest) -> AdminResult {
    let after = match request.query {
        "" => 0,
        query => query
            .strip_prefix("after=")
            .and_then(|number| number.parse().ok())
            .filter(|after| *after < u64::MAX)
            .ok_or_else(|| {
                AdminError::bad_request("invalid query: the journal takes only `?after=SEQ`")
            })?,
    };
    let state = request.state;
    respond(&state.journal.view(after, &state.wechat.secrets))
}

pub(crate) fn clear(request: AdminRequest) -> AdminResult {
    respond(&json!({ "removed": request.state.journal.clear() }))
}

pub(crate) fn show_counts(request: AdminRequest) -> AdminResult {
    let journal = &request.state.journal;
    respond(&json!({
        "received": journal.received,
        "processed": journal.processed,
        "connections": request.simulator.connections(),
    }))
}
