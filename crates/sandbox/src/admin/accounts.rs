//! Showing accounts, their lists, quotas and tokens, and mini programs, without secrets.

use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::admin::error::AdminError;
use crate::admin::request::{AdminRequest, AdminResult, only_parameter, respond_masked};
use crate::model::tokens::AccountToken;
use crate::model::world::{LinkState, username_or_derived};
use crate::wechat::state::{AccountView, list_body, subject_counts};

/// How many accounts, mini programs or messages a response has at most.
pub(crate) const MAX_SHOWN: usize = 200;

/// Whether the appid or the name of something contains a text.
fn matches(text: Option<&str>, appid: &str, nickname: &str) -> bool {
    text.is_none_or(|text| appid.contains(text) || nickname.contains(text))
}

pub(crate) fn list(request: AdminRequest) -> AdminResult {
    let contains = only_parameter(request.query, "contains")?;
    let state = request.state;
    let now_ms = state.clock.now_ms();
    let found: Vec<_> = (state.wechat.world().accounts.iter())
        .filter(|(appid, account)| matches(contains.as_deref(), appid, &account.nickname))
        .map(|(appid, _)| appid.clone())
        .collect();
    let total = found.len();
    let accounts: Vec<_> = found
        .iter()
        .take(MAX_SHOWN)
        .filter_map(|appid| {
            let mut view = state.wechat.account(appid)?;
            view.links.apply_due_decisions(&state.policy, now_ms);
            Some(summary(appid, &mut view, now_ms))
        })
        .collect();
    let response = json!({ "accounts": accounts, "total": total });
    respond_masked(response, &state.wechat.secrets)
}

/// An account, how much of its quotas is used, and how many links wait for a decision.
fn summary(appid: &str, view: &mut AccountView, now_ms: u64) -> Value {
    let AccountView {
        account,
        links,
        world,
    } = view;
    let counts = subject_counts(account, links, world);
    let waiting = |state| !matches!(state, LinkState::Linked | LinkState::Refused);
    json!({
        "appid": appid,
        "nickname": account.nickname,
        "username": username_or_derived(&account.username, appid),
        "subject": account.subject,
        "limits": account.limits,
        "used": {
            "same_subject": counts.same,
            "different_subject": counts.different,
            "monthly": links.requests_this_month(now_ms),
        },
        "links": links.entries().count(),
        "waiting": links.entries().filter(|entry| waiting(entry.state)).count(),
    })
}

pub(crate) fn show(request: AdminRequest) -> AdminResult {
    let (state, appid) = (request.state, request.parameter);
    let now_ms = state.clock.now_ms();
    let wechat = &mut state.wechat;
    let mut view = wechat
        .account(appid)
        .ok_or_else(|| AdminError::no_account(appid))?;
    view.links.apply_due_decisions(&state.policy, now_ms);
    let mut response = summary(appid, &mut view, now_ms);
    let entries: Vec<_> = view.links.entries().collect();
    response["entries"] = json!(entries);
    // The list is JSON of the simulator's own.
    response["list"] = serde_json::from_slice(&list_body(view.links, view.world))
        .map_err(|error| AdminError::new(500, error.to_string()))?;
    let tokens = wechat.tokens.of_account(appid, now_ms);
    response["tokens"] = tokens.iter().map(token).collect();
    let platform = wechat.platform.as_ref();
    let authorization = platform.and_then(|platform| platform.authorization(appid));
    response["permission"] = json!(authorization.map(|given| given.permission));
    respond_masked(response, &wechat.secrets)
}

/// A token without its text.
fn token(token: &AccountToken) -> Value {
    json!({
        "name": token_name(token.text),
        "kind": token.document.kind,
        "age_ms": token.age_ms,
        "expires_in": token.document.expires_in,
        "superseded": token.document.superseded,
    })
}

/// The start of the SHA-256 of a token, which distinguishes it from others.
fn token_name(text: &str) -> String {
    let hash = digest(&SHA256, text.as_bytes());
    let start = hash.as_ref().iter().take(4);
    start.map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn list_miniprograms(request: AdminRequest) -> AdminResult {
    let contains = only_parameter(request.query, "contains")?;
    let state = request.state;
    let world = state.wechat.world();
    let found = || {
        let miniprograms = world.miniprograms.iter();
        miniprograms.filter(|(appid, it)| matches(contains.as_deref(), appid, &it.nickname))
    };
    let shown: Vec<_> = found()
        .take(MAX_SHOWN)
        .map(|(appid, miniprogram)| {
            json!({
                "appid": appid,
                "nickname": miniprogram.nickname,
                "username": username_or_derived(&miniprogram.username, appid),
                "subject": miniprogram.subject,
                "released": miniprogram.released,
                "nearby": miniprogram.nearby,
                "refuses": miniprogram.refuses,
            })
        })
        .collect();
    let response = json!({ "miniprograms": shown, "total": found().count() });
    respond_masked(response, &state.wechat.secrets)
}
