//! The part of the admin interface that is about tokens, the platform, and who has authorised it.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{AdminError, ROOT, invalid, no_account, read};
use crate::platform::Platform;
use crate::registry::{Authority, Registry};
use crate::state::State;
use crate::world::{Authorizer, Component, Token};

/// Carries out a request, if there is such a one.
pub(super) fn handle(
    state: &mut State,
    method: &str,
    first: &str,
    rest: &str,
    body: &[u8],
) -> Option<Result<Value, AdminError>> {
    let now_ms = state.clock.now_ms();
    let registry = &mut state.registry;
    Some(match (method, first, rest) {
        ("POST", "tokens", "revoke") => revoke(registry, body, now_ms),
        ("PUT", "tokens", text) if !text.is_empty() => put_token(registry, text, body, now_ms),
        ("GET", "component", "") => show_component(registry, now_ms),
        ("PUT", "component", "") => put_component(registry, body, now_ms),
        ("POST", "component", "ticket") => push_ticket(registry, body, now_ms),
        ("GET", "authorizers", appid) if !appid.is_empty() => {
            show_authorizer(registry, appid, now_ms)
        }
        ("PUT", "authorizers", appid) if !appid.is_empty() => {
            authorize(registry, appid, body, now_ms)
        }
        ("DELETE", "authorizers", appid) if !appid.is_empty() => {
            deauthorize(registry, appid, now_ms)
        }
        ("GET", "refreshes", "") => show_refreshes(registry),
        ("DELETE", "refreshes", "") => forget_refreshes(registry),
        _ => return None,
    })
}

fn put_token(
    registry: &mut Registry,
    text: &str,
    body: &[u8],
    now_ms: u64,
) -> Result<Value, AdminError> {
    let token: Token = read(body)?;
    registry
        .world()
        .check_token(text, &token)
        .map_err(invalid)?;
    registry.put_token(text, token, now_ms);
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum Revoked {
    Account(String),
    Component(bool),
}

fn revoke(registry: &mut Registry, body: &[u8], now_ms: u64) -> Result<Value, AdminError> {
    let revoked = match read(body)? {
        Revoked::Account(appid) if !registry.world().accounts.contains_key(&appid) => {
            return Err(no_account(&appid));
        }
        Revoked::Account(appid) => registry.tokens.revoke(Some(&appid), now_ms),
        Revoked::Component(true) => registry.tokens.revoke(None, now_ms),
        Revoked::Component(false) => 0,
    };
    Ok(json!({ "revoked": revoked }))
}

fn platform(platform: &mut Option<Platform>) -> Result<&mut Platform, AdminError> {
    platform.as_mut().ok_or_else(|| {
        AdminError::new(
            404,
            format!("this world has no platform: PUT {ROOT}/component first"),
        )
    })
}

fn show_component(registry: &mut Registry, now_ms: u64) -> Result<Value, AdminError> {
    Ok(json!(platform(&mut registry.platform)?.shown(now_ms)))
}

fn put_component(registry: &mut Registry, body: &[u8], now_ms: u64) -> Result<Value, AdminError> {
    let component: Component = read(body)?;
    registry
        .world()
        .check_component(&component)
        .map_err(invalid)?;
    registry.put_component(component, now_ms);
    Ok(json!({}))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Push {
    ticket: Option<String>,
}

fn push_ticket(registry: &mut Registry, body: &[u8], now_ms: u64) -> Result<Value, AdminError> {
    let push: Push = if body.is_empty() {
        Push::default()
    } else {
        read(body)?
    };
    if push.ticket.as_deref() == Some("") {
        return Err(invalid("`ticket` has at least one character".to_owned()));
    }
    if let Some(ticket) = &push.ticket {
        registry.secrets.add_ticket(ticket);
    }
    let Authority {
        platform: the_platform,
        mint,
        ..
    } = registry.authority();
    let ticket = platform(the_platform)?.push_ticket(push.ticket, mint, now_ms);
    Ok(json!({ "ticket": ticket }))
}

fn not_authorized(appid: &str) -> AdminError {
    AdminError::new(
        404,
        format!(
            "{appid:?} has not authorised the platform: PUT {ROOT}/authorizers/{{appid}} does that"
        ),
    )
}

fn show_authorizer(registry: &mut Registry, appid: &str, now_ms: u64) -> Result<Value, AdminError> {
    let authorization = platform(&mut registry.platform)?.authorization(appid);
    match authorization {
        Some(authorization) => Ok(json!(authorization.shown(now_ms))),
        None => Err(not_authorized(appid)),
    }
}

fn authorize(
    registry: &mut Registry,
    appid: &str,
    body: &[u8],
    now_ms: u64,
) -> Result<Value, AdminError> {
    let authorizer: Authorizer = if body.is_empty() {
        Authorizer::default()
    } else {
        read(body)?
    };
    registry
        .world()
        .check_authorizer(appid)
        .map_err(|error| AdminError::new(404, error))?;
    registry.secrets.add_authorizer(&authorizer);
    let Authority {
        platform: the_platform,
        mint,
        ..
    } = registry.authority();
    let authorization = platform(the_platform)?.authorize(appid, authorizer, mint, now_ms);
    Ok(json!({ "refresh_token": authorization.refresh_token() }))
}

fn deauthorize(registry: &mut Registry, appid: &str, now_ms: u64) -> Result<Value, AdminError> {
    if !platform(&mut registry.platform)?.deauthorize(appid) {
        return Err(not_authorized(appid));
    }
    registry.tokens.deauthorize(appid, now_ms);
    Ok(json!({}))
}

fn show_refreshes(registry: &mut Registry) -> Result<Value, AdminError> {
    let (component, accounts) = platform(&mut registry.platform)?.refreshes();
    Ok(json!({ "component": component, "accounts": accounts }))
}

fn forget_refreshes(registry: &mut Registry) -> Result<Value, AdminError> {
    platform(&mut registry.platform)?.forget_refreshes();
    Ok(json!({}))
}
