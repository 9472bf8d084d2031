//! WeChat's component endpoints, through which a third-party platform obtains its own token and
//! those of its accounts.

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::model::endpoint::Endpoint;
use crate::model::tokens::TOKEN_LIFETIME_S;
use crate::model::world::{TokenKind, is_appid};
use crate::wechat::call::Call;
use crate::wechat::errcode::Refused;
use crate::wechat::platform::Platform;
use crate::wechat::query::parameter;
use crate::wechat::state::{Credentials, WechatState};

/// How many accounts one call lists at most.
const MAX_LISTED: u64 = 500;

/// Processes a call of a component endpoint and returns the body of the response.
pub(crate) fn process(call: Call, wechat: &mut WechatState, now_ms: u64) -> Result<Bytes, Refused> {
    if call.endpoint == Endpoint::ComponentToken {
        return component_token(&call.json()?, wechat, now_ms);
    }
    authenticate(call.query, wechat, now_ms)?;
    let body = call.json()?;
    match call.endpoint {
        Endpoint::AuthorizerToken => authorizer_token(&body, wechat, now_ms),
        Endpoint::AuthorizerList => authorizer_list(&body, wechat),
        Endpoint::ComponentToken
        | Endpoint::Link
        | Endpoint::Get
        | Endpoint::Unlink
        | Endpoint::Other => Err(Refused::UnknownPath),
    }
}

/// Checks the platform's token. Older pages of WeChat's documentation call the parameter
/// `component_access_token`, newer ones `access_token`.
fn authenticate(query: &str, wechat: &WechatState, now_ms: u64) -> Result<(), Refused> {
    let text = parameter(query, "component_access_token")
        .or_else(|| parameter(query, "access_token"))
        .ok_or(Refused::TokenMissing)?;
    match wechat.tokens.find(&text, now_ms).map(|found| found.kind) {
        Some(TokenKind::Component) => Ok(()),
        Some(TokenKind::Expired) => Err(Refused::TokenExpired),
        Some(TokenKind::Malformed) => Err(Refused::TokenMalformed),
        Some(TokenKind::Good | TokenKind::NoPermission) => Err(Refused::AccountToken),
        _ => Err(Refused::TokenUnknown),
    }
}

fn component_token(
    body: &Map<String, Value>,
    wechat: &mut WechatState,
    now_ms: u64,
) -> Result<Bytes, Refused> {
    let Credentials {
        platform,
        tokens,
        generator,
    } = wechat.credentials();
    let platform = named_platform(body, platform)?;
    platform.check_ticket(text(body, "component_verify_ticket"), now_ms)?;
    platform.check_secret(text(body, "component_appsecret"))?;
    platform.count_refresh();
    Ok(json(&ComponentToken {
        component_access_token: tokens.issue(None, generator, now_ms),
        expires_in: TOKEN_LIFETIME_S,
    }))
}

fn authorizer_token(
    body: &Map<String, Value>,
    wechat: &mut WechatState,
    now_ms: u64,
) -> Result<Bytes, Refused> {
    let Credentials {
        platform,
        tokens,
        generator,
    } = wechat.credentials();
    let platform = named_platform(body, platform)?;
    let account = text(body, "authorizer_appid");
    if !is_appid(account) {
        return Err(Refused::BadAppid);
    }
    let refresh_token = text(body, "authorizer_refresh_token");
    let authorizer_refresh_token = platform.refresh(account, refresh_token, generator, now_ms)?;
    Ok(json(&AuthorizerToken {
        authorizer_access_token: tokens.issue(Some(account), generator, now_ms),
        expires_in: TOKEN_LIFETIME_S,
        authorizer_refresh_token,
    }))
}

fn authorizer_list(body: &Map<String, Value>, wechat: &mut WechatState) -> Result<Bytes, Refused> {
    let platform = named_platform(body, wechat.credentials().platform)?;
    let number = |name| {
        body.get(name)
            .and_then(Value::as_u64)
            .ok_or(Refused::BadArguments)
    };
    let (offset, count) = (number("offset")?, number("count")?);
    if count > MAX_LISTED {
        return Err(Refused::TooMany);
    }
    let all = platform.authorizations();
    let list = all
        .iter()
        .skip(usize::try_from(offset).unwrap_or(usize::MAX))
        .take(count as usize)
        .map(|(appid, authorization)| ListedAuthorizer {
            authorizer_appid: appid,
            refresh_token: authorization.refresh_token(),
            auth_time: authorization.auth_time,
        })
        .collect();
    Ok(json(&AuthorizerList {
        total_count: all.len(),
        list,
    }))
}

/// The platform that the body names.
fn named_platform<'a>(
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

/// The text of a field; empty if the field is missing or is not a text.
fn text<'a>(body: &'a Map<String, Value>, name: &str) -> &'a str {
    body.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The body of a response. Serialising texts and numbers cannot fail.
fn json(response: &impl Serialize) -> Bytes {
    Bytes::from(serde_json::to_vec(response).unwrap_or_default())
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
struct AuthorizerList<'a> {
    total_count: usize,
    list: Vec<ListedAuthorizer<'a>>,
}

#[derive(Serialize)]
struct ListedAuthorizer<'a> {
    authorizer_appid: &'a str,
    refresh_token: &'a str,
    auth_time: u64,
}
