//! Pushes to the platform: where they go, which were sent, and events of the test's own.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::admin::credentials::existing;
use crate::admin::error::AdminError;
use crate::admin::request::{AdminRequest, AdminResult, after_parameter, respond};
use crate::model::clock::after_seconds;
use crate::model::message::{Message, message};
use crate::model::push::PushSettings;
use crate::wechat::events;
use crate::wechat::platform::PushState;
use crate::wechat::push_message::{Field, PushMessage, is_element_name};
use crate::wechat::state::Credentials;

fn no_push() -> AdminError {
    AdminError::not_found(Message::new(
        "events are pushed nowhere. PUT /__sandbox/component/push sets the URL",
        "尚未设置接收推送的 URL，请用 PUT /__sandbox/component/push 设置",
    ))
}

pub(crate) fn show_settings(request: AdminRequest) -> AdminResult {
    let now_ms = request.state.clock.now_ms();
    let platform = existing(&mut request.state.wechat.platform)?;
    let push = platform.push.as_ref().ok_or_else(no_push)?;
    respond(&view(push, &platform.appid, now_ms))
}

fn view(push: &PushState, appid: &str, now_ms: u64) -> Value {
    let in_ms = push
        .next_ticket_ms()
        .map(|at_ms| at_ms.saturating_sub(now_ms));
    json!({
        "appid": appid,
        "settings": push.settings,
        "failures": push.failures(),
        "next_ticket_in_ms": in_ms,
    })
}

pub(crate) fn put_settings(request: AdminRequest) -> AdminResult {
    let mut settings: PushSettings = request.json()?;
    settings.check().map_err(AdminError::bad_request)?;
    let now_ms = request.state.clock.now_ms();
    let wechat = &mut request.state.wechat;
    let Credentials {
        platform,
        generator,
        ..
    } = wechat.credentials();
    let platform = existing(platform)?;
    settings.generate_missing(generator);
    platform.set_push(settings.clone(), now_ms);
    let shown = platform
        .push
        .as_ref()
        .map(|push| view(push, &platform.appid, now_ms));
    wechat.secrets.add_push(&settings);
    respond(&shown)
}

pub(crate) fn delete_settings(request: AdminRequest) -> AdminResult {
    let wechat = &mut request.state.wechat;
    existing(&mut wechat.platform)?
        .push
        .take()
        .ok_or_else(no_push)?;
    wechat.pushes = wechat.pushes.emptied();
    respond(&json!({}))
}

pub(crate) fn show(request: AdminRequest) -> AdminResult {
    let after = after_parameter(request.query)?;
    let state = request.state;
    let pending = state.wechat.pushes.pending();
    respond(
        &state
            .push_journal
            .view(after, pending, &state.wechat.secrets),
    )
}

pub(crate) fn clear(request: AdminRequest) -> AdminResult {
    respond(&json!({ "removed": request.state.push_journal.clear() }))
}

/// A push of the test's own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnPush {
    /// The type of an event to push.
    info_type: Option<String>,
    #[serde(default)]
    fields: BTreeMap<String, FieldValue>,
    /// The number of a push whose latest request is sent again.
    repeat: Option<u64>,
    #[serde(default)]
    after_s: u64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum FieldValue {
    Number(u64),
    Text(String),
}

pub(crate) fn send(request: AdminRequest) -> AdminResult {
    let OwnPush {
        info_type,
        fields,
        repeat,
        after_s,
    } = request.json()?;
    let now_ms = request.state.clock.now_ms();
    let due_ms = after_seconds(now_ms, after_s);
    let wechat = &mut request.state.wechat;
    existing(&mut wechat.platform)?
        .push
        .as_ref()
        .ok_or_else(no_push)?;
    let push = match (info_type, repeat) {
        (Some(info_type), None) => {
            if let Some(name) = fields.keys().find(|name| !is_element_name(name)) {
                return Err(AdminError::bad_request(message!(
                    "invalid name {name:?} in `fields`: expected a letter, then letters, digits, \
                     `_`, `-` and `.`",
                    "`fields` 中的名称 {name:?} 无效：应以字母开头，后接字母、数字、`_`、`-` 和 `.`"
                )));
            }
            let fields = fields.into_iter().map(|(name, value)| match value {
                FieldValue::Number(number) => Field::number(&name, number),
                FieldValue::Text(text) => Field::text(&name, &text),
            });
            let message = PushMessage {
                info_type,
                account: None,
                create_time: now_ms / 1000,
                fields: fields.collect(),
            };
            events::push(wechat, message, due_ms)
        }
        (None, Some(id)) if fields.is_empty() => {
            let push = wechat.pushes.repeat(id, due_ms);
            Some(push.ok_or_else(|| {
                AdminError::not_found(message!(
                    "push {id} was not sent, or too long ago. GET /__sandbox/pushes lists them",
                    "推送 {id} 未曾发送，或时间太久。GET /__sandbox/pushes 会列出推送"
                ))
            })?)
        }
        _ => {
            return Err(AdminError::bad_request(Message::new(
                "give either `info_type`, with `fields`, or `repeat`",
                "请提供 `info_type`（可带 `fields`）或 `repeat`，二者选一",
            )));
        }
    };
    respond(&json!({ "push": push }))
}
