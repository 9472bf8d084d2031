//! Adding, showing and removing fault rules.

use serde_json::json;

use crate::admin::error::AdminError;
use crate::admin::request::{AdminRequest, AdminResult, respond, respond_masked};
use crate::faults::rule::FaultRule;
use crate::model::message::message;

pub(crate) fn add(request: AdminRequest) -> AdminResult {
    let rule: FaultRule = request.json()?;
    rule.check().map_err(AdminError::bad_request)?;
    let id = request.state.faults.add(rule);
    request.simulator.faults_changed(request.state);
    respond(&json!({ "id": id }))
}

pub(crate) fn show(request: AdminRequest) -> AdminResult {
    let state = request.state;
    // The response that a rule describes may contain secrets.
    let faults = json!({ "faults": state.faults.views() });
    respond_masked(faults, &state.wechat.secrets)
}

pub(crate) fn remove(request: AdminRequest) -> AdminResult {
    let id = request.parameter;
    let is_removed = id.parse().is_ok_and(|id| request.state.faults.remove(id));
    if !is_removed {
        return Err(AdminError::not_found(message!(
            "unknown fault {id:?}. GET /__sandbox/faults lists them",
            "没有故障 {id:?}。GET /__sandbox/faults 会列出故障"
        )));
    }
    request.simulator.faults_changed(request.state);
    respond(&json!({}))
}

pub(crate) fn clear(request: AdminRequest) -> AdminResult {
    let removed = request.state.faults.clear();
    request.simulator.faults_changed(request.state);
    respond(&json!({ "removed": removed }))
}
