//! Playing the administrators: their decisions, and links that they request in the console.

use serde::Deserialize;
use serde_json::json;

use crate::admin::error::AdminError;
use crate::admin::request::{AdminRequest, AdminResult, respond};
use crate::model::message::message;
use crate::model::policy::Decision;
use crate::model::world::{LinkEntry, LinkState, check_appid};
use crate::wechat::state::AccountView;

/// The administrator who decides.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum DecidedBy {
    OfficialAccount,
    MiniProgram,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Approval {
    account: String,
    appid: String,
    by: DecidedBy,
    decision: Decision,
}

pub(crate) fn decide(request: AdminRequest) -> AdminResult {
    let approval: Approval = request.json()?;
    let state = request.state;
    let now_ms = state.clock.now_ms();
    let links = state
        .wechat
        .account(&approval.account)
        .ok_or_else(|| AdminError::no_account(&approval.account))?
        .links;
    links.apply_due_decisions(&state.policy, now_ms);
    let by_mini_program = matches!(approval.by, DecidedBy::MiniProgram);
    let next_state = links
        .decide(
            &approval.appid,
            by_mini_program,
            approval.decision,
            &state.policy,
            now_ms,
        )
        .map_err(AdminError::conflict)?;
    respond(&json!({ "state": next_state }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConsoleLink {
    account: String,
    appid: String,
}

pub(crate) fn request_console_link(request: AdminRequest) -> AdminResult {
    let ConsoleLink { account, appid } = request.json()?;
    check_appid(&appid).map_err(AdminError::bad_request)?;
    let state = request.state;
    let now_ms = state.clock.now_ms();
    let AccountView { links, world, .. } = state
        .wechat
        .account(&account)
        .ok_or_else(|| AdminError::no_account(&account))?;
    if !world.miniprograms.contains_key(&appid) {
        return Err(AdminError::not_found(message!(
            "unknown mini program {appid:?}: add it first",
            "没有小程序 {appid:?}，请先添加"
        )));
    }
    links.apply_due_decisions(&state.policy, now_ms);
    let is_refused = |entry: &LinkEntry| entry.state == LinkState::Refused;
    if links.find(&appid).is_some_and(|entry| !is_refused(entry)) {
        return Err(AdminError::conflict(message!(
            "{appid} is linked already, or waits for a decision",
            "{appid} 已关联，或正在等待决定"
        )));
    }
    // A user of the account's console acts for the account, so its administrator is not asked.
    let entry = LinkEntry {
        appid: appid.clone(),
        state: LinkState::WaitingMiniProgram,
        from_console: true,
        selected: true,
    };
    links.count_request(now_ms);
    links.request_link(entry, &state.policy, now_ms);
    respond(&json!({ "state": links.find(&appid).map(|entry| entry.state) }))
}
