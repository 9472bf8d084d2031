//! WeChat's component endpoints, through which a third-party platform obtains its own token and
//! those of its accounts.

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::model::endpoint::Endpoint;
use crate::model::world::{Account, TokenKind, is_appid, username_or_derived};
use crate::wechat::call::{Call, error_body};
use crate::wechat::errcode::Refused;
use crate::wechat::events;
use crate::wechat::platform::Platform;
use crate::wechat::query::parameter;
use crate::wechat::state::{Credentials, WechatState};

/// How many accounts one call lists at most.
const MAX_LISTED: u64 = 500;
/// The permission set for linking mini programs.
const LINKING: u32 = 33;
/// The permission sets that every account grants. 1 is for messages, 2 for users, and so on.
const OTHER_PERMISSION_SETS: [u32; 6] = [1, 2, 3, 4, 7, 11];

/// Processes a call of a component endpoint and returns the body of the response.
pub(crate) fn process(call: Call, wechat: &mut WechatState, now_ms: u64) -> Result<Bytes, Refused> {
    match call.endpoint {
        Endpoint::ComponentToken => return component_token(&call.json()?, wechat, now_ms),
        Endpoint::StartPushTicket => return start_push_ticket(&call.json()?, wechat, now_ms),
        _ => {}
    }
    authenticate(call.query, wechat, now_ms)?;
    let body = call.json()?;
    match call.endpoint {
        Endpoint::AuthorizerToken => authorizer_token(&body, wechat, now_ms),
        Endpoint::AuthorizerList => authorizer_list(&body, wechat),
        Endpoint::PreAuthCode => pre_auth_code(&body, wechat, now_ms),
        Endpoint::QueryAuth => query_auth(&body, wechat, now_ms),
        Endpoint::AuthorizerInfo => authorizer_info(&body, wechat),
        _ => Err(Refused::UnknownPath),
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
    let expires_in = platform.lifetimes.component_token_s;
    Ok(to_bytes(&ComponentToken {
        component_access_token: tokens.issue(None, expires_in, generator, now_ms),
        expires_in,
    }))
}

fn start_push_ticket(
    body: &Map<String, Value>,
    wechat: &mut WechatState,
    now_ms: u64,
) -> Result<Bytes, Refused> {
    let platform = named_platform(body, &mut wechat.platform)?;
    platform.check_secret(text(body, "component_secret"))?;
    let was_stopped = platform.start_pushing(now_ms);
    events::push_due_ticket(wechat, now_ms);
    Ok(error_body(
        0,
        if was_stopped {
            "ok"
        } else {
            "in a normal state"
        },
    ))
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
    let expires_in = platform.lifetimes.authorizer_token_s;
    Ok(to_bytes(&AuthorizerToken {
        authorizer_access_token: tokens.issue(Some(account), expires_in, generator, now_ms),
        expires_in,
        authorizer_refresh_token,
    }))
}

fn pre_auth_code(
    body: &Map<String, Value>,
    wechat: &mut WechatState,
    now_ms: u64,
) -> Result<Bytes, Refused> {
    let Credentials {
        platform,
        generator,
        ..
    } = wechat.credentials();
    let platform = named_platform(body, platform)?;
    let code = platform.create_pre_auth_code(generator, now_ms);
    let expires_in = platform.lifetimes.pre_auth_code_s;
    Ok(to_bytes(
        &json!({"pre_auth_code": code, "expires_in": expires_in}),
    ))
}

fn query_auth(
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
    let code = text(body, "authorization_code");
    if code.is_empty() {
        return Err(Refused::BadArguments);
    }
    let queried = platform.query_auth(code, generator, now_ms)?;
    let expires_in = platform.lifetimes.authorizer_token_s;
    let token = tokens.issue(Some(&queried.appid), expires_in, generator, now_ms);
    Ok(to_bytes(&json!({"authorization_info": {
        "authorizer_appid": queried.appid,
        "authorizer_access_token": token,
        "expires_in": expires_in,
        "authorizer_refresh_token": queried.refresh_token,
        "func_info": func_info(queried.permission),
    }})))
}

fn authorizer_info(body: &Map<String, Value>, wechat: &mut WechatState) -> Result<Bytes, Refused> {
    let platform = named_platform(body, &mut wechat.platform)?;
    let appid = text(body, "authorizer_appid");
    if !is_appid(appid) {
        return Err(Refused::BadAppid);
    }
    let authorization = platform
        .valid_authorization(appid)
        .ok_or(Refused::NotAuthorized)?;
    let mut authorization_info = json!({
        "authorizer_appid": appid,
        "func_info": func_info(authorization.permission),
    });
    if let Some(refresh_token) = authorization.refresh_token() {
        authorization_info["authorizer_refresh_token"] = refresh_token.into();
    }
    let account = wechat.world().accounts.get(appid).ok_or(Refused::System)?;
    Ok(to_bytes(&json!({
        "authorizer_info": account_info(appid, account),
        "authorization_info": authorization_info,
    })))
}

/// A verified service account, as WeChat describes it.
fn account_info(appid: &str, account: &Account) -> Value {
    let username = username_or_derived(&account.username, appid);
    json!({
        "nick_name": account.nickname,
        "head_img": account.headimg_url,
        "service_type_info": {"id": 2},
        "verify_type_info": {"id": 0},
        "user_name": username,
        "alias": "",
        "qrcode_url": format!("http://mmbiz.qpic.cn/mmbiz_jpg/sandbox-{appid}/0"),
        "business_info": {
            "open_pay": 0, "open_shake": 0, "open_scan": 0, "open_card": 0, "open_store": 0,
        },
        "idc": 1,
        "principal_name": account.subject,
        "signature": "",
        "account_status": 1,
    })
}

/// The permission sets that an account has granted.
fn func_info(permission: bool) -> Vec<Value> {
    OTHER_PERMISSION_SETS
        .into_iter()
        .chain(permission.then_some(LINKING))
        .map(|id| json!({"funcscope_category": {"id": id}}))
        .collect()
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
    Ok(to_bytes(&AuthorizerList {
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
fn to_bytes(response: &impl Serialize) -> Bytes {
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
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    auth_time: u64,
}
