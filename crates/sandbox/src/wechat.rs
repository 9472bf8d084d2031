//! WeChat's endpoints for links: what a request is answered, and what it sets going.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::codes::{Refused, Rid, worded};
use crate::component;
use crate::policy::Policy;
use crate::registry::{Registry, list_answer, subjects};
use crate::world::{LinkEntry, LinkState, MiniProgram, Refusal, TokenKind, is_appid};

/// What was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Endpoint {
    /// `/cgi-bin/wxopen/wxamplink`
    Link,
    /// `/cgi-bin/wxopen/wxamplinkget`
    Get,
    /// `/cgi-bin/wxopen/wxampunlink`
    Unlink,
    /// `/cgi-bin/component/api_component_token`
    ComponentToken,
    /// `/cgi-bin/component/api_authorizer_token`
    AuthorizerToken,
    /// `/cgi-bin/component/api_get_authorizer_list`
    AuthorizerList,
    /// Any other path.
    Other,
}

impl Endpoint {
    pub(crate) fn of(path: &str) -> Self {
        match path {
            "/cgi-bin/wxopen/wxamplink" => Self::Link,
            "/cgi-bin/wxopen/wxamplinkget" => Self::Get,
            "/cgi-bin/wxopen/wxampunlink" => Self::Unlink,
            "/cgi-bin/component/api_component_token" => Self::ComponentToken,
            "/cgi-bin/component/api_authorizer_token" => Self::AuthorizerToken,
            "/cgi-bin/component/api_get_authorizer_list" => Self::AuthorizerList,
            _ => Self::Other,
        }
    }

    /// Whether it is one of those through which a platform obtains its tokens.
    pub(crate) fn is_component(self) -> bool {
        matches!(
            self,
            Self::ComponentToken | Self::AuthorizerToken | Self::AuthorizerList
        )
    }
}

/// What WeChat says.
pub(crate) struct Reply {
    /// The code, if the answer has one: tokens come without.
    pub(crate) errcode: Option<i64>,
    pub(crate) body: Bytes,
}

/// A request as far as WeChat looks at it.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) endpoint: Endpoint,
    pub(crate) is_post: bool,
    pub(crate) query: &'a str,
    pub(crate) body: &'a [u8],
}

/// Answers a call and sets going what it asks for.
pub(crate) fn call(
    call: Call,
    registry: &mut Registry,
    policy: &Policy,
    now_ms: u64,
    rid: Rid,
) -> Reply {
    let is_component = call.endpoint.is_component();
    let done = if is_component {
        component::process(call, registry, now_ms)
    } else {
        process(call, registry, policy, now_ms)
    };
    match done {
        Ok(body) => Reply {
            errcode: (!is_component).then_some(0),
            body,
        },
        Err(refused) => refusal(refused, rid),
    }
}

fn refusal(refused: Refused, rid: Rid) -> Reply {
    let (errcode, errmsg) = worded(refused, rid);
    Reply {
        errcode: Some(errcode),
        body: error_body(errcode, &errmsg),
    }
}

/// An answer of a code and its text.
pub(crate) fn error_body(errcode: i64, errmsg: &str) -> Bytes {
    #[derive(Serialize)]
    struct Body<'a> {
        errcode: i64,
        errmsg: &'a str,
    }
    Bytes::from(serde_json::to_vec(&Body { errcode, errmsg }).unwrap_or_default())
}

const OK: Bytes = Bytes::from_static(br#"{"errcode":0,"errmsg":"ok"}"#);

fn process(
    call: Call,
    registry: &mut Registry,
    policy: &Policy,
    now_ms: u64,
) -> Result<Bytes, Refused> {
    if call.endpoint == Endpoint::Other {
        return Err(Refused::UnknownPath);
    }
    let account = authenticate(call.query, registry, now_ms)?;
    let body = body(call)?;
    match call.endpoint {
        Endpoint::Get => get(&account, registry, policy, now_ms),
        Endpoint::Link => link(&account, &body, registry, policy, now_ms),
        _ => unlink(&account, &body, registry, policy, now_ms),
    }
}

/// What was posted.
pub(crate) fn body(call: Call) -> Result<Map<String, Value>, Refused> {
    if !call.is_post {
        return Err(Refused::NotPost);
    }
    if call.body.is_empty() {
        return Err(Refused::EmptyBody);
    }
    serde_json::from_slice(call.body).map_err(|_| Refused::NotJson)
}

/// The account a call's token belongs to.
fn authenticate(query: &str, registry: &Registry, now_ms: u64) -> Result<String, Refused> {
    let text = parameter(query, "access_token").ok_or(Refused::TokenMissing)?;
    let (kind, account) = registry
        .tokens
        .find(&text, now_ms)
        .ok_or(Refused::TokenUnknown)?;
    match kind {
        TokenKind::Good => {
            let account = account.ok_or(Refused::TokenUnknown)?;
            let authorization = registry
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

/// The first of this name in a query, if it is not empty.
pub(crate) fn parameter<'a>(query: &'a str, name: &str) -> Option<Cow<'a, str>> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, text)| text)
        .filter(|text| !text.is_empty())
        .map(percent_decoded)
}

/// Decodes what a URL had to escape; what is no escape stays as it is.
pub(crate) fn percent_decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let escape = (bytes[index] == b'%')
            .then(|| text.get(index + 1..index + 3))
            .flatten()
            // `from_str_radix` alone would take a sign.
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(escape.unwrap_or(bytes[index]));
        index += if escape.is_some() { 3 } else { 1 };
    }
    Cow::Owned(String::from_utf8_lossy(&decoded).into_owned())
}

fn get(
    account: &str,
    registry: &mut Registry,
    policy: &Policy,
    now_ms: u64,
) -> Result<Bytes, Refused> {
    let (_, links, world) = registry.account(account).ok_or(Refused::System)?;
    if !links.moves_by_itself() {
        return Ok(list_answer(links, world));
    }
    links.settle(policy, now_ms);
    let answer = list_answer(links, world);
    // What waits for polls moves on after it has been shown.
    links.polled();
    links.settle(policy, now_ms);
    Ok(answer)
}

fn link(
    account: &str,
    body: &Map<String, Value>,
    registry: &mut Registry,
    policy: &Policy,
    now_ms: u64,
) -> Result<Bytes, Refused> {
    let appid = appid(body)?;
    flag(body, "notify_users")?;
    let selected = flag(body, "show_profile")?;

    let (account, links, world) = registry.account(account).ok_or(Refused::System)?;
    if world.accounts.contains_key(appid) {
        return Err(Refused::System);
    }
    let miniprogram = world.miniprograms.get(appid).ok_or(Refused::BadAppid)?;

    links.settle(policy, now_ms);
    match links.find(appid) {
        None => {}
        Some(entry) => match entry.state {
            LinkState::Refused => {}
            LinkState::Linked | LinkState::Unlinking => return Err(Refused::AlreadyLinked),
            _ if entry.from_console => return Err(Refused::ConsoleLink),
            _ => return Err(Refused::AlreadySent),
        },
    }
    if let Some(refused) = refuses_linking(miniprogram) {
        return Err(refused);
    }
    let (same, different) = subjects(account, links, world);
    if miniprogram.subject == account.subject {
        if same >= account.limits.same_subject {
            return Err(Refused::SameSubjectUsedUp);
        }
    } else if different >= account.limits.different_subject {
        return Err(Refused::DifferentSubjectUsedUp);
    }
    if links.linked_this_month(now_ms) >= account.limits.monthly {
        return Err(Refused::MonthUsedUp);
    }

    let entry = LinkEntry {
        appid: appid.to_owned(),
        state: LinkState::WaitingOfficialAccount,
        from_console: false,
        selected,
    };
    links.count(now_ms);
    links.ask_to_link(entry, policy, now_ms);
    Ok(OK)
}

fn refuses_linking(miniprogram: &MiniProgram) -> Option<Refused> {
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
    registry: &mut Registry,
    policy: &Policy,
    now_ms: u64,
) -> Result<Bytes, Refused> {
    let appid = appid(body)?;
    let (_, links, world) = registry.account(account).ok_or(Refused::System)?;
    if world.accounts.contains_key(appid) {
        return Err(Refused::System);
    }
    let miniprogram = world.miniprograms.get(appid).ok_or(Refused::BadAppid)?;

    links.settle(policy, now_ms);
    let linked = links
        .find(appid)
        .is_some_and(|entry| entry.state == LinkState::Linked);
    if linked && miniprogram.refuses.contains(&Refusal::Store) {
        return Err(Refused::Store);
    }
    if linked && miniprogram.nearby {
        return Err(Refused::Nearby);
    }
    links.ask_to_unlink(appid, policy, now_ms)?;
    Ok(OK)
}

fn appid(body: &Map<String, Value>) -> Result<&str, Refused> {
    match body.get("appid").and_then(Value::as_str) {
        Some(appid) if is_appid(appid) => Ok(appid),
        Some(other) if other.starts_with("gh_") => Err(Refused::NotMiniProgramAppid),
        _ => Err(Refused::BadAppid),
    }
}

/// A flag, as the number its table asks for or the text its sample shows.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_in_queries() {
        assert_eq!(
            parameter("a=b&access_token=T%2B1&c", "access_token").as_deref(),
            Some("T+1")
        );
        assert_eq!(parameter("access_token=", "access_token"), None);
        assert_eq!(parameter("", "access_token"), None);
        assert_eq!(parameter("xaccess_token=1", "access_token"), None);
        assert_eq!(
            parameter("access_token=A&access_token=B", "access_token").as_deref(),
            Some("A")
        );
    }

    #[test]
    fn broken_escapes_do_no_harm() {
        assert_eq!(percent_decoded("a%"), "a%");
        assert_eq!(percent_decoded("a%+1b"), "a%+1b");
        assert_eq!(percent_decoded("%zz%41"), "%zzA");
        assert_eq!(percent_decoded("%ff"), "\u{fffd}");
        assert_eq!(percent_decoded("%é%41"), "%éA");
    }
}
