//! Adding, showing and removing fault rules.

use serde_json::json;

use crate::admin::error::AdminError;
use crate::admin::request::{AdminRequest, AdminResult, respond};
use crate::faults::rule::FaultRule;

pub(crate) fn add(request: AdminRequest) -> AdminResult {
    let rule: FaultRule = request.json()?;
    rule.check().map_err(AdminError::bad_request)?;
    let id = request.state.faults.add(rule);
    request.simulator.faults_changed(request.state);
    respond(&json!({ "id": id }))
}

pub(crate) fn show(request: AdminRequest) -> AdminResult {
    let state = request.state;
    let mut faults = json!({ "faults": state.faults.views() });
    // The response that a rule describes may contain secrets.
    state.wechat.secrets.mask_json(&mut faults);
    respond(&faults)
}

pub(crate) fn clear(request: AdminRequest) -> AdminResult {
    let removed = request.state.faults.clear();
    request.simulator.faults_changed(request.state);
    respond(&json!({ "removed": removed }))
}
