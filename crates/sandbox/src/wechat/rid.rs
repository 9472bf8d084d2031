//! WeChat's endpoint `rid/get`, which shows a refused call again.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::model::world::TokenKind;
use crate::wechat::call::Call;
use crate::wechat::errcode::Refused;
use crate::wechat::query::parameter;
use crate::wechat::refused::CallOwner;
use crate::wechat::state::WechatState;

/// How long a call can be shown: seven days.
const LIFETIME_MS: u64 = 7 * 86_400_000;

/// The party whose token a query contains, if the token is known.
pub(crate) fn owner_of(query: &str, wechat: &WechatState, now_ms: u64) -> Option<CallOwner> {
    let text = token(query)?;
    let found = wechat.tokens.find(&text, now_ms)?;
    match found.kind {
        TokenKind::Component => Some(CallOwner::Platform),
        _ => found
            .account
            .map(|appid| CallOwner::Account(appid.to_owned())),
    }
}

fn token(query: &str) -> Option<std::borrow::Cow<'_, str>> {
    parameter(query, "component_access_token").or_else(|| parameter(query, "access_token"))
}

/// Processes a call of `rid/get` and returns the body of the response.
pub(crate) fn process(call: Call, wechat: &WechatState, now_ms: u64) -> Result<Bytes, Refused> {
    let text = token(call.query).ok_or(Refused::TokenMissing)?;
    match wechat.tokens.find(&text, now_ms).map(|found| found.kind) {
        Some(TokenKind::Component | TokenKind::Good | TokenKind::NoPermission) => {}
        Some(TokenKind::Expired) => return Err(Refused::TokenExpired),
        Some(TokenKind::Malformed) => return Err(Refused::TokenMalformed),
        Some(TokenKind::Deauthorized) => return Err(Refused::NotAuthorized),
        Some(TokenKind::WrongKind) => return Err(Refused::WrongKindOfToken),
        Some(TokenKind::Revoked) | None => return Err(Refused::TokenUnknown),
    }
    let body = call.json()?;
    let rid = body.get("rid").and_then(Value::as_str).unwrap_or_default();
    if !is_rid(rid) {
        return Err(Refused::BadRid);
    }
    let found = wechat
        .refused_calls
        .find(rid)
        .filter(|call| call.at_ms.saturating_add(LIFETIME_MS) > now_ms)
        .ok_or(Refused::UnknownRid)?;
    if found.owner.is_none() || found.owner != owner_of(call.query, wechat, now_ms) {
        return Err(Refused::ForeignRid);
    }
    let response = json!({
        "errcode": 0,
        "errmsg": "ok",
        "request": {
            "invoke_time": found.at_ms / 1000,
            "cost_in_ms": 1,
            "request_url": found.target,
            "request_body": String::from_utf8_lossy(&found.body),
            "response_body": String::from_utf8_lossy(&found.response),
            "client_ip": "127.0.0.1",
        },
    });
    // Serialising texts and numbers cannot fail.
    Ok(serde_json::to_vec(&response).unwrap_or_default().into())
}

/// Whether a text has the form of a rid: three groups of eight hex digits.
fn is_rid(text: &str) -> bool {
    text.len() == 26
        && text.split('-').count() == 3
        && text
            .split('-')
            .all(|group| group.len() == 8 && group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wechat::errcode::RequestId;

    #[test]
    fn rids_are_recognised() {
        let rid = RequestId {
            now_s: 0x6193_2a5b,
            noise: 7,
        };
        assert!(is_rid(&rid.to_string()));
        for wrong in [
            "",
            "61932a5b",
            "61932a5b-0e248764-42d1c1bg",
            "61932a5b-0e2487644-2d1c1b2",
        ] {
            assert!(!is_rid(wrong), "{wrong}");
        }
    }
}
