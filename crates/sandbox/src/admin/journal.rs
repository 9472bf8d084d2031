//! Showing and emptying the journal.

use serde_json::json;

use crate::admin::error::AdminError;
use crate::admin::request::{AdminRequest, AdminResult, after_parameter, respond};
use crate::model::message::message;

pub(crate) fn show(request: AdminRequest) -> AdminResult {
    let after = after_parameter(request.query)?;
    let state = request.state;
    respond(&state.journal.view(after, &state.wechat.secrets))
}

pub(crate) fn show_entry(request: AdminRequest) -> AdminResult {
    let state = request.state;
    let seq = request.parameter;
    let found = seq.parse().ok();
    let entry = found.and_then(|seq| state.journal.entry(seq, &state.wechat.secrets));
    match entry {
        Some(entry) => respond(&entry),
        None => Err(AdminError::not_found(message!(
            "unknown entry {seq:?}. GET /__sandbox/journal lists the latest",
            "没有记录 {seq:?}。GET /__sandbox/journal 会列出最近的记录"
        ))),
    }
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
