//! WeChat's component endpoints: how a platform obtains its own token and those of its accounts.

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::codes::Refused;
use crate::platform::Platform;
use crate::registry::{Authority, Registry};
use crate::tokens::LIFE_S;
use crate::wechat::{Call, Endpoint, body, parameter};
use crate::world::{TokenKind, is_appid};

/// The most accounts one call lists.
const MOST_LISTED: u64 = 500;

pub(crate) fn process(call: Call, registry: &mut Registry, now_ms: u64) -> Result<Bytes, Refused> {
    if call.endpoint == Endpoint::ComponentToken {
        return component_token(&body(call)?, registry, now_ms);
    }
    authenticate(call.query, registry, now_ms)?;
    let body = body(call)?;
    match call.endpoint {
        Endpoint::AuthorizerToken => authorizer_token(&body, registry, now_ms),
        _ => authorizer_list(&body, registry),
    }
}

/// Older pages call the platform's token `component_access_token`, newer ones `access_token`.
fn authenticate(query: &str, registry: &Registry, now_ms: u64) -> Result<(), Refused> {
    let text = parameter(query, "component_access_token")
        .or_else(|| parameter(query, "access_token"))
        .ok_or(Refused::TokenMissing)?;
    match registry.tokens.find(&text, now_ms) {
        Some((TokenKind::Component, _)) => Ok(()),
        Some((TokenKind::Expired, _)) => Err(Refused::TokenExpired),
        Some((TokenKind::Malformed, _)) => Err(Refused::TokenMalformed),
        _ => Err(Refused::TokenUnknown),
    }
}

fn component_token(
    body: &Map<String, Value>,
    registry: &mut Registry,
    now_ms: u64,
) -> Result<Bytes, Refused> {
    let Authority {
        platform,
        tokens,
        mint,
    } = registry.authority();
    let platform = called(body, platform)?;
    platform.check_ticket(text(body, "component_verify_ticket"), now_ms)?;
    platform.check_secret(text(body, "component_appsecret"))?;
    platform.refreshed();
    Ok(json(&ComponentToken {
        component_access_token: tokens.issue(None, mint, now_ms),
        expires_in: LIFE_S,
    }))
}

fn authorizer_token(
    body: &Map<String, Value>,
    registry: &mut Registry,
    now_ms: u64,
) -> Result<Bytes, Refused> {
    let Authority {
        platform,
        tokens,
        mint,
    } = registry.authority();
    let platform = called(body, platform)?;
    let account = text(body, "authorizer_appid");
    if !is_appid(account) {
        return Err(Refused::BadAppid);
    }
    let refresh_token = text(body, "authorizer_refresh_token");
    let authorizer_refresh_token = platform.refresh(account, refresh_token, mint, now_ms)?;
    Ok(json(&AuthorizerToken {
        authorizer_access_token: tokens.issue(Some(account), mint, now_ms),
        expires_in: LIFE_S,
        authorizer_refresh_token,
    }))
}

fn authorizer_list(body: &Map<String, Value>, registry: &mut Registry) -> Result<Bytes, Refused> {
    let platform = called(body, registry.authority().platform)?;
    let number = |name| {
        body.get(name)
            .and_then(Value::as_u64)
            .ok_or(Refused::BadArguments)
    };
    let (offset, count) = (number("offset")?, number("count")?);
    if count > MOST_LISTED {
        return Err(Refused::TooMany);
    }
    let all = platform.authorizations();
    let list = all
        .iter()
        .skip(usize::try_from(offset).unwrap_or(usize::MAX))
        .take(count as usize)
        .map(|(appid, authorization)| Listed {
            authorizer_appid: appid,
            refresh_token: authorization.refresh_token(),
            auth_time: authorization.auth_time,
        })
        .collect();
    Ok(json(&List {
        total_count: all.len(),
        list,
    }))
}

/// The platform a call names.
fn called<'a>(
    body: &Map<String, Value>,
    platform: &'a mut Option<Platform>,
) -> Result<&'a mut Platform, Refused> {
    let appid = text(body, "component_appid");
    if !is_appid(appid) {
        return Err(Refused::BadAppid);
    }
    platform
        .as_mut()
        .filter(|platform| platform.appid == appid)
        .ok_or(Refused::UnknownComponent)
}

/// A field's text; empty if there is none.
fn text<'a>(body: &'a Map<String, Value>, name: &str) -> &'a str {
    body.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// These types always serialise: they hold nothing but text and numbers.
fn json(answer: &impl Serialize) -> Bytes {
    Bytes::from(serde_json::to_vec(answer).unwrap_or_default())
}

#[derive(Serialize)]
struct ComponentToken {
    component_access_token: String,
    expires_in: u64,
}

#[derive(Serialize)]
struct AuthorizerToken {
    authorizer_access_token: String,
    expires_in: u64,
    authorizer_refresh_token: String,
}

#[derive(Serialize)]
struct List<'a> {
    total_count: usize,
    list: Vec<Listed<'a>>,
}

#[derive(Serialize)]
struct Listed<'a> {
    authorizer_appid: &'a str,
    refresh_token: &'a str,
    auth_time: u64,
}
