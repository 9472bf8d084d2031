//! Tokens, the third-party platform, and the accounts that have authorised it.

use serde::Deserialize;
use serde_json::json;

use crate::admin::error::AdminError;
use crate::admin::request::{AdminRequest, AdminResult, respond};
use crate::model::message::{Message, message, not_empty};
use crate::model::one_key::OneKey;
use crate::model::world::{Authorizer, Component, Token};
use crate::wechat::events;
use crate::wechat::platform::Platform;
use crate::wechat::state::Credentials;

pub(crate) fn put_token(request: AdminRequest) -> AdminResult {
    let token: Token = request.json()?;
    let now_ms = request.state.clock.now_ms();
    let wechat = &mut request.state.wechat;
    wechat
        .world()
        .check_token(request.parameter, &token)
        .map_err(AdminError::bad_request)?;
    wechat.put_token(request.parameter, token, now_ms);
    respond(&json!({}))
}

/// Whose tokens to revoke.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum TokenOwner {
    Account(String),
    Component(bool),
}

pub(crate) fn revoke_tokens(request: AdminRequest) -> AdminResult {
    let OneKey(owner) = request.json()?;
    let now_ms = request.state.clock.now_ms();
    let wechat = &mut request.state.wechat;
    let revoked = match owner {
        TokenOwner::Account(appid) if !wechat.world().accounts.contains_key(&appid) => {
            return Err(AdminError::no_account(&appid));
        }
        TokenOwner::Account(appid) => wechat.tokens.revoke(Some(&appid), now_ms),
        TokenOwner::Component(true) => wechat.tokens.revoke(None, now_ms),
        TokenOwner::Component(false) => 0,
    };
    respond(&json!({ "revoked": revoked }))
}

pub(crate) fn existing(platform: &mut Option<Platform>) -> Result<&mut Platform, AdminError> {
    platform.as_mut().ok_or_else(|| {
        AdminError::not_found(Message::new(
            "this world has no platform. PUT /__sandbox/component adds one",
            "没有第三方平台。请用 PUT /__sandbox/component 添加",
        ))
    })
}

pub(crate) fn show_component(request: AdminRequest) -> AdminResult {
    let now_ms = request.state.clock.now_ms();
    let platform = existing(&mut request.state.wechat.platform)?;
    respond(&platform.to_document(now_ms))
}

pub(crate) fn put_component(request: AdminRequest) -> AdminResult {
    let component: Component = request.json()?;
    let now_ms = request.state.clock.now_ms();
    let wechat = &mut request.state.wechat;
    wechat
        .world()
        .check_component(&component)
        .map_err(AdminError::bad_request)?;
    wechat.put_component(component, now_ms);
    respond(&json!({}))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TicketPush {
    /// `None`: a new ticket is generated.
    ticket: Option<String>,
}

pub(crate) fn push_ticket(request: AdminRequest) -> AdminResult {
    let TicketPush { ticket } = request.json_or_default()?;
    if ticket.as_deref() == Some("") {
        return Err(AdminError::bad_request(not_empty("ticket")));
    }
    let now_ms = request.state.clock.now_ms();
    let wechat = &mut request.state.wechat;
    if let Some(ticket) = &ticket {
        wechat.secrets.add_ticket(ticket);
    }
    let Credentials {
        platform,
        generator,
        ..
    } = wechat.credentials();
    let ticket = existing(platform)?
        .push_ticket(ticket, generator, now_ms)
        .to_owned();
    let mut response = json!({ "ticket": ticket });
    if let Some(push) = events::push_ticket(wechat, &ticket, now_ms) {
        response["push"] = push.into();
    }
    respond(&response)
}

fn not_authorized(appid: &str) -> AdminError {
    AdminError::not_found(message!(
        "{appid:?} has not authorised the platform. PUT /__sandbox/authorizers/{{appid}} does that",
        "{appid:?} 尚未授权给第三方平台。请用 PUT /__sandbox/authorizers/{{appid}} 授权"
    ))
}

pub(crate) fn show_authorizer(request: AdminRequest) -> AdminResult {
    let now_ms = request.state.clock.now_ms();
    let platform = existing(&mut request.state.wechat.platform)?;
    match platform.authorization(request.parameter) {
        Some(authorization) => respond(&authorization.to_document(now_ms)),
        None => Err(not_authorized(request.parameter)),
    }
}

pub(crate) fn put_authorizer(request: AdminRequest) -> AdminResult {
    let authorizer: Authorizer = request.json_or_default()?;
    let now_ms = request.state.clock.now_ms();
    let (wechat, appid) = (&mut request.state.wechat, request.parameter);
    wechat
        .world()
        .check_known_account(appid)
        .map_err(AdminError::not_found)?;
    authorizer.check().map_err(AdminError::bad_request)?;
    wechat.secrets.add_authorizer(&authorizer);
    let Credentials {
        platform,
        generator,
        ..
    } = wechat.credentials();
    let authorization = existing(platform)?.authorize(appid, authorizer, generator, now_ms);
    respond(&json!({ "refresh_token": authorization.refresh_token() }))
}

pub(crate) fn delete_authorizer(request: AdminRequest) -> AdminResult {
    let now_ms = request.state.clock.now_ms();
    let (wechat, appid) = (&mut request.state.wechat, request.parameter);
    existing(&mut wechat.platform)?;
    if !events::withdraw(wechat, appid, now_ms) {
        return Err(not_authorized(appid));
    }
    respond(&json!({}))
}

pub(crate) fn show_refreshes(request: AdminRequest) -> AdminResult {
    let platform = existing(&mut request.state.wechat.platform)?;
    respond(&platform.refresh_counts())
}

pub(crate) fn reset_refreshes(request: AdminRequest) -> AdminResult {
    existing(&mut request.state.wechat.platform)?.reset_refresh_counts();
    respond(&json!({}))
}
