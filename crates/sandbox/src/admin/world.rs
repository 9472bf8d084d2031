//! Showing and changing the world, the policy and the clock.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::admin::error::AdminError;
use crate::admin::request::{AdminRequest, AdminResult, respond};
use crate::journal::pushes::PushJournal;
use crate::model::message::Message;
use crate::model::policy::Policy;
use crate::model::world::{Account, MiniProgram, World};
use crate::simulator::InitialState;
use crate::wechat::state::WechatState;

pub(crate) fn show(request: AdminRequest) -> AdminResult {
    let state = request.state;
    let now_ms = state.clock.now_ms();
    let world = state.wechat.current_world(&state.policy, now_ms);
    respond(&json!({
        "now_ms": now_ms,
        "ahead_s": state.clock.ahead_s(),
        "world": world,
        "policy": state.policy,
        "faults": state.faults.views().len(),
    }))
}

pub(crate) fn save(request: AdminRequest) -> AdminResult {
    let state = request.state;
    let now_ms = state.clock.now_ms();
    respond(&state.wechat.current_world(&state.policy, now_ms))
}

pub(crate) fn reset(request: AdminRequest) -> AdminResult {
    let given = given_world(&request)?;
    let state = request.state;
    let InitialState { world, policy } = match given {
        Some(world) => {
            world.check().map_err(AdminError::bad_request)?;
            InitialState {
                world,
                policy: state.initial.policy.clone(),
            }
        }
        None => state.initial.clone(),
    };
    state.clock.reset();
    let pushes = state.wechat.pushes.emptied();
    state.wechat = WechatState::new(world, &policy, state.clock.now_ms());
    state.wechat.pushes = pushes;
    state.policy = policy;
    state.faults.clear();
    state.late.clear();
    state.journal.reset();
    state.push_journal = PushJournal::new(state.journal.capacity());
    request.simulator.faults_changed(state);
    respond(&json!({}))
}

/// The world in the body. An empty JSON object is the same as no body, because some HTTP clients
/// always send a body and an empty world is of no use.
fn given_world(request: &AdminRequest) -> Result<Option<World>, AdminError> {
    if request.body.is_empty() {
        return Ok(None);
    }
    let world: World = request.json()?;
    let is_empty_object = world == World::default()
        && request
            .json::<Value>()
            .is_ok_and(|body| body == Value::Object(Map::new()));
    Ok((!is_empty_object).then_some(world))
}

pub(crate) fn put_account(request: AdminRequest) -> AdminResult {
    let account: Account = request.json()?;
    let (state, appid) = (request.state, request.parameter);
    state
        .wechat
        .world()
        .check_account(appid, &account)
        .map_err(AdminError::bad_request)?;
    let now_ms = state.clock.now_ms();
    state
        .wechat
        .put_account(appid, account, &state.policy, now_ms);
    respond(&json!({}))
}

pub(crate) fn put_miniprogram(request: AdminRequest) -> AdminResult {
    let miniprogram: MiniProgram = request.json()?;
    let (wechat, appid) = (&mut request.state.wechat, request.parameter);
    wechat
        .world()
        .check_miniprogram(appid, &miniprogram)
        .map_err(AdminError::bad_request)?;
    wechat.put_miniprogram(appid, miniprogram);
    respond(&json!({}))
}

pub(crate) fn show_policy(request: AdminRequest) -> AdminResult {
    respond(&request.state.policy)
}

pub(crate) fn put_policy(request: AdminRequest) -> AdminResult {
    let policy: Policy = request.json()?;
    policy.check().map_err(AdminError::bad_request)?;
    request.state.policy = policy;
    respond(&json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_s: u64,
}

pub(crate) fn advance_clock(request: AdminRequest) -> AdminResult {
    let advance: Advance = request.json()?;
    let clock = &request.state.clock;
    if !clock.advance(advance.advance_s) {
        return Err(AdminError::bad_request(Message::new(
            "the clock can be at most a hundred years ahead. POST /__sandbox/reset sets it back",
            "时钟最多可拨快一百年。POST /__sandbox/reset 会将其拨回",
        )));
    }
    respond(&json!({ "now_ms": clock.now_ms(), "ahead_s": clock.ahead_s() }))
}
