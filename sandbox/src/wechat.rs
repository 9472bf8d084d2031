//! WeChat's three interfaces: what a request is answered, and what it sets going.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::codes::{Refused, Rid, worded};
use crate::policy::Policy;
use crate::registry::{Registry, list_answer, subjects};
use crate::world::{LinkEntry, LinkState, MiniProgram, Refusal, TokenKind, is_appid};

/// What was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Interface {
    /// `/cgi-bin/wxopen/wxamplink`
    Link,
    /// `/cgi-bin/wxopen/wxamplinkget`
    Get,
    /// `/cgi-bin/wxopen/wxampunlink`
    Unlink,
    /// Any other path.
    Other,
}

impl Interface {
    pub(crate) fn of(path: &str) -> Self {
        match path {
            "/cgi-bin/wxopen/wxamplink" => Self::Link,
            "/cgi-bin/wxopen/wxamplinkget" => Self::Get,
            "/cgi-bin/wxopen/wxampunlink" => Self::Unlink,
            _ => Self::Other,
        }
    }
}

/// What WeChat says.
pub(crate) struct Reply {
    pub(crate) errcode: i64,
    pub(crate) body: Bytes,
}

/// A request as far as WeChat looks at it.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) interface: Interface,
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
    let done = match process(call, registry, policy, now_ms) {
        Ok(done) => done,
        Err(refused) => return refusal(refused, rid),
    };
    Reply {
        errcode: 0,
        body: done,
    }
}

fn refusal(refused: Refused, rid: Rid) -> Reply {
    let (errcode, errmsg) = worded(refused, rid);
    Reply {
        errcode,
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
    if call.interface == Interface::Other {
        return Err(Refused::UnknownPath);
    }
    let account = authenticate(call.query, registry)?;
    if !call.is_post {
        return Err(Refused::NotPost);
    }
    if call.body.is_empty() {
        return Err(Refused::EmptyBody);
    }
    let body: Map<String, Value> =
        serde_json::from_slice(call.body).map_err(|_| Refused::NotJson)?;
    match call.interface {
        Interface::Get => get(&account, registry, policy, now_ms),
        Interface::Link => link(&account, &body, registry, policy, now_ms),
        _ => unlink(&account, &body, registry, policy, now_ms),
    }
}

/// The account a call's token belongs to.
fn authenticate(query: &str, registry: &Registry) -> Result<String, Refused> {
    let text = access_token(query).ok_or(Refused::TokenMissing)?;
    let token = registry.token(&text).ok_or(Refused::TokenUnknown)?;
    match token.kind {
        TokenKind::Good => token.account.clone().ok_or(Refused::TokenUnknown),
        TokenKind::Expired => Err(Refused::TokenExpired),
        TokenKind::Revoked => Err(Refused::TokenUnknown),
        TokenKind::Malformed => Err(Refused::TokenMalformed),
        TokenKind::WrongKind => Err(Refused::WrongKindOfToken),
        TokenKind::NoPermission => Err(Refused::NoPermission),
    }
}

/// The first `access_token` in a query, if it is not empty.
fn access_token(query: &str) -> Option<Cow<'_, str>> {
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix("access_token="))
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
            access_token("a=b&access_token=T%2B1&c").as_deref(),
            Some("T+1")
        );
        assert_eq!(access_token("access_token="), None);
        assert_eq!(access_token(""), None);
        assert_eq!(access_token("xaccess_token=1"), None);
        assert_eq!(
            access_token("access_token=A&access_token=B").as_deref(),
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
