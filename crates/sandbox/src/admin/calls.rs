//! Calls of the endpoints for links that the simulator makes to itself, for people who have no
//! program at hand. They are requests like all others: faults apply, and the journal has them.

use std::time::Instant;

use bytes::Bytes;
use hyper::header::USER_AGENT;
use hyper::{HeaderMap, Method};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::admin::error::AdminError;
use crate::admin::request::{AdminRequest, AdminResult, respond_masked};
use crate::faults::plan::Plan;
use crate::faults::rule::Listener;
use crate::journal::record::ReceivedRequest;
use crate::model::message::Message;
use crate::model::tokens::ACCOUNT_TOKEN_PREFIX;
use crate::model::world::{Token, TokenKind};
use crate::simulator::State;

/// The endpoint to call.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Called {
    Link,
    Get,
    Unlink,
}

impl Called {
    fn path(self) -> &'static str {
        match self {
            Self::Link => "/cgi-bin/wxopen/wxamplink",
            Self::Get => "/cgi-bin/wxopen/wxamplinkget",
            Self::Unlink => "/cgi-bin/wxopen/wxampunlink",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnCall {
    endpoint: Called,
    account: String,
    /// The mini program, for linking and unlinking.
    appid: Option<String>,
    #[serde(default)]
    notify_users: u8,
    #[serde(default = "shown")]
    show_profile: u8,
    /// The kind of token to call with.
    #[serde(default)]
    token: TokenKind,
}

fn shown() -> u8 {
    1
}

pub(crate) fn make(request: AdminRequest) -> AdminResult {
    let call: OwnCall = request.json()?;
    let state = request.state;
    state
        .wechat
        .world()
        .check_known_account(&call.account)
        .map_err(AdminError::not_found)?;
    let body = match (call.endpoint, &call.appid) {
        (Called::Get, None) => json!({}),
        (Called::Get, Some(_)) => {
            return Err(AdminError::bad_request(Message::new(
                "`get` takes no `appid`",
                "`get` 不需要 `appid`",
            )));
        }
        (_, None) => {
            return Err(AdminError::bad_request(Message::new(
                "`appid` is missing",
                "缺少 `appid`",
            )));
        }
        (Called::Link, Some(appid)) => json!({
            "appid": appid,
            "notify_users": call.notify_users,
            "show_profile": call.show_profile,
        }),
        (Called::Unlink, Some(appid)) => json!({ "appid": appid }),
    };
    let token = token(state, &call.account, call.token);
    let mut headers = HeaderMap::new();
    let program = concat!("wxlink-sandbox/", env!("CARGO_PKG_VERSION"));
    headers.insert(
        USER_AGENT,
        program.parse().map_err(|_| AdminError::new(500, program))?,
    );
    let received = ReceivedRequest {
        connection: 0,
        listener: Listener::Http,
        method: Method::POST,
        path: call.endpoint.path().to_owned(),
        query: format!("access_token={}", percent_encoded(&token)),
        headers,
        body: Bytes::from(body.to_string()),
        arrived: Instant::now(),
    };
    let outcome = state.receive(&received);
    let answer = match outcome.plan {
        Plan::Respond(plain) => Some(plain),
        Plan::RespondLate(_, plain) => Some(plain),
        Plan::ProcessLate(delay) => {
            let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
            let due_ms = state.clock.now_ms().saturating_add(delay_ms);
            state.late.insert((due_ms, outcome.seq), received);
            None
        }
        Plan::Hang | Plan::TakeOver(_) => None,
    };
    let body = answer.map(|answer| {
        serde_json::from_slice(&answer.body)
            .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&answer.body)))
    });
    let response = json!({ "seq": outcome.seq, "answer": body });
    respond_masked(response, &state.wechat.secrets)
}

/// A token of this kind. Adds one if the kind has no token.
fn token(state: &mut State, account: &str, kind: TokenKind) -> String {
    let now_ms = state.clock.now_ms();
    let wechat = &mut state.wechat;
    if let Some(text) = wechat.tokens.of_kind(account, kind, now_ms) {
        return text.to_owned();
    }
    let text = wechat
        .credentials()
        .generator
        .generate(ACCOUNT_TOKEN_PREFIX, 8);
    let token = Token {
        account: (kind != TokenKind::Component).then(|| account.to_owned()),
        kind,
        ..Token::default()
    };
    wechat.put_token(&text, token, now_ms);
    text
}

/// A text for the value of a parameter.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded += &format!("%{byte:02X}");
        }
    }
    encoded
}
