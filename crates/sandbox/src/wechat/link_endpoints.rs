//! WeChat's endpoints for links: `wxamplink`, `wxamplinkget` and `wxampunlink`.

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::model::endpoint::Endpoint;
use crate::model::policy::Policy;
use crate::model::world::{LinkEntry, LinkState, MiniProgram, Refusal, TokenKind, is_appid};
use crate::wechat::call::Call;
use crate::wechat::errcode::Refused;
use crate::wechat::query::parameter;
use crate::wechat::state::{AccountView, WechatState, list_body, past_list_body, subject_counts};

/// The body of a response without an error.
const OK: Bytes = Bytes::from_static(br#"{"errcode":0,"errmsg":"ok"}"#);

/// Processes a call of an endpoint for links, or of an unknown path, and returns the body of the
/// response.
pub(crate) fn process(
    call: Call,
    wechat: &mut WechatState,
    policy: &Policy,
    now_ms: u64,
) -> Result<Bytes, Refused> {
    if call.endpoint == Endpoint::Other {
        return Err(Refused::UnknownPath);
    }
    let account = authenticate(call.query, wechat, now_ms)?;
    let body = call.json()?;
    match call.endpoint {
        Endpoint::Link => link(&account, &body, wechat, policy, now_ms),
        Endpoint::Get => get(&account, call.list_lag_ms, wechat, policy, now_ms),
        Endpoint::Unlink => unlink(&account, &body, wechat, policy, now_ms),
        _ => Err(Refused::UnknownPath),
    }
}

/// The account that the call's token belongs to.
fn authenticate(query: &str, wechat: &WechatState, now_ms: u64) -> Result<String, Refused> {
    let text = parameter(query, "access_token").ok_or(Refused::TokenMissing)?;
    let found = wechat
        .tokens
        .find(&text, now_ms)
        .ok_or(Refused::TokenUnknown)?;
    match found.kind {
        TokenKind::Good => {
            let account = found.account.ok_or(Refused::TokenUnknown)?;
            let authorization = wechat
                .platform
                .as_ref()
                .and_then(|platform| platform.authorization(account));
            if authorization.is_some_and(|authorization| !authorization.permission) {
                return Err(Refused::NoPermission);
            }
            Ok(account.to_owned())
        }
        TokenKind::Expired => Err(Refused::TokenExpired),
        TokenKind::Revoked => Err(Refused::TokenUnknown),
        TokenKind::Malformed => Err(Refused::TokenMalformed),
        TokenKind::WrongKind | TokenKind::Component => Err(Refused::WrongKindOfToken),
        TokenKind::Deauthorized => Err(Refused::NotAuthorized),
        TokenKind::NoPermission => Err(Refused::NoPermission),
    }
}

fn get(
    account: &str,
    lag_ms: u64,
    wechat: &mut WechatState,
    policy: &Policy,
    now_ms: u64,
) -> Result<Bytes, Refused> {
    let AccountView { links, world, .. } = wechat.account(account).ok_or(Refused::System)?;
    if !links.has_automatic_decisions() && lag_ms == 0 {
        return Ok(list_body(links, world));
    }
    links.apply_due_decisions(policy, now_ms);
    let body = if lag_ms == 0 {
        list_body(links, world)
    } else {
        past_list_body(links, world, now_ms.saturating_sub(lag_ms))
    };
    // A decision that depends on the number of polls is made after the list has been shown.
    links.count_poll();
    links.apply_due_decisions(policy, now_ms);
    Ok(body)
}

fn link(
    account: &str,
    body: &Map<String, Value>,
    wechat: &mut WechatState,
    policy: &Policy,
    now_ms: u64,
) -> Result<Bytes, Refused> {
    let appid = appid(body)?;
    flag(body, "notify_users")?;
    let selected = flag(body, "show_profile")?;

    let AccountView {
        account,
        links,
        world,
    } = wechat.account(account).ok_or(Refused::System)?;
    if world.accounts.contains_key(appid) {
        return Err(Refused::System);
    }
    let miniprogram = world.miniprograms.get(appid).ok_or(Refused::BadAppid)?;

    links.apply_due_decisions(policy, now_ms);
    match links.find(appid) {
        None => {}
        Some(entry) => match entry.state {
            LinkState::Refused => {}
            LinkState::Linked | LinkState::Unlinking => return Err(Refused::AlreadyLinked),
            _ if entry.from_console => return Err(Refused::ConsoleLink),
            _ => return Err(Refused::AlreadySent),
        },
    }
    if let Some(refused) = link_refusal(miniprogram) {
        return Err(refused);
    }
    let counts = subject_counts(account, links, world);
    if miniprogram.subject == account.subject {
        if counts.same >= account.limits.same_subject {
            return Err(Refused::SameSubjectUsedUp);
        }
    } else if counts.different >= account.limits.different_subject {
        return Err(Refused::DifferentSubjectUsedUp);
    }
    if links.requests_this_month(now_ms) >= account.limits.monthly {
        return Err(Refused::MonthUsedUp);
    }

    let entry = LinkEntry {
        appid: appid.to_owned(),
        state: LinkState::WaitingOfficialAccount,
        from_console: false,
        selected,
    };
    links.count_request(now_ms);
    links.request_link(entry, policy, now_ms);
    Ok(OK)
}

/// The first reason for which this mini program cannot be linked.
fn link_refusal(miniprogram: &MiniProgram) -> Option<Refused> {
    miniprogram
        .refuses
        .iter()
        .find_map(|refusal| match refusal {
            Refusal::Banned => Some(Refused::Banned),
            Refusal::Overseas => Some(Refused::Overseas),
            Refusal::ForbidsLinking => Some(Refused::ForbidsLinking),
            Refusal::LimitReached => Some(Refused::MiniProgramFull),
            Refusal::AdministratorOverLimit => Some(Refused::AdministratorOverLimit),
            Refusal::PhoneOverLimit => Some(Refused::PhoneOverLimit),
            Refusal::Store => None,
        })
}

fn unlink(
    account: &str,
    body: &Map<String, Value>,
    wechat: &mut WechatState,
    policy: &Policy,
    now_ms: u64,
) -> Result<Bytes, Refused> {
    let appid = appid(body)?;
    let AccountView { links, world, .. } = wechat.account(account).ok_or(Refused::System)?;
    if world.accounts.contains_key(appid) {
        return Err(Refused::System);
    }
    let miniprogram = world.miniprograms.get(appid).ok_or(Refused::BadAppid)?;

    links.apply_due_decisions(policy, now_ms);
    let linked = links
        .find(appid)
        .is_some_and(|entry| entry.state == LinkState::Linked);
    if linked && miniprogram.refuses.contains(&Refusal::Store) {
        return Err(Refused::Store);
    }
    if linked && miniprogram.nearby {
        return Err(Refused::Nearby);
    }
    links.request_unlink(appid, policy, now_ms)?;
    Ok(OK)
}

fn appid(body: &Map<String, Value>) -> Result<&str, Refused> {
    match body.get("appid").and_then(Value::as_str) {
        Some(appid) if is_appid(appid) => Ok(appid),
        Some(other) if other.starts_with("gh_") => Err(Refused::NotMiniProgramAppid),
        _ => Err(Refused::BadAppid),
    }
}

/// A flag: 0 or 1, as a number or as text. WeChat documents a number and shows a text.
fn flag(body: &Map<String, Value>, name: &str) -> Result<bool, Refused> {
    match body.get(name) {
        Some(Value::Number(number)) => match number.as_u64() {
            Some(0) => Ok(false),
            Some(1) => Ok(true),
            _ => Err(Refused::BadArguments),
        },
        Some(Value::String(text)) if text == "0" => Ok(false),
        Some(Value::String(text)) if text == "1" => Ok(true),
        _ => Err(Refused::BadArguments),
    }
}
