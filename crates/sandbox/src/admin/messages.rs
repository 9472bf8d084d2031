//! Showing the template messages that the administrators got.

use serde_json::{Value, json};

use crate::admin::accounts::MAX_SHOWN;
use crate::admin::error::AdminError;
use crate::admin::request::{AdminRequest, AdminResult, only_parameter, respond_masked};
use crate::model::policy::Question;
use crate::model::world::World;
use crate::wechat::messages::AdminMessage;

pub(crate) fn show(request: AdminRequest) -> AdminResult {
    let account = only_parameter(request.query, "account")?;
    let state = request.state;
    let now_ms = state.clock.now_ms();
    let wechat = &mut state.wechat;
    wechat.apply_due_decisions(&state.policy, now_ms);
    let world = wechat.world();
    let appids: Vec<&str> = match &account {
        Some(appid) if world.accounts.contains_key(&**appid) => vec![appid],
        Some(appid) => return Err(AdminError::no_account(appid)),
        None => world.accounts.keys().map(|appid| &**appid).collect(),
    };
    let mut messages: Vec<_> = appids
        .into_iter()
        .filter_map(|appid| Some((appid, wechat.links(appid)?)))
        .flat_map(|(appid, links)| {
            links
                .messages
                .iter()
                .rev()
                .map(move |message| (appid, message))
        })
        .collect();
    // Those that wait come first, and the latest before earlier ones.
    messages.sort_by_key(|(_, message)| (message.answer.is_some(), u64::MAX - message.sent_ms));
    let waiting = messages
        .iter()
        .filter(|(_, message)| message.answer.is_none())
        .count();
    let shown = messages.iter().take(MAX_SHOWN);
    let response = json!({
        "messages": shown.map(|(appid, message)| view(appid, message, world)).collect::<Vec<_>>(),
        "waiting": waiting,
        "total": messages.len(),
    });
    respond_masked(response, &wechat.secrets)
}

fn view(account: &str, message: &AdminMessage, world: &World) -> Value {
    let (to, asks) = match message.question {
        Question::LinkToOfficialAccount => ("official_account", "link"),
        Question::LinkToMiniProgram => ("mini_program", "link"),
        Question::Unlink => ("official_account", "unlink"),
    };
    let account_name = world.accounts.get(account).map(|it| &it.nickname);
    let miniprogram_name = world.miniprograms.get(&message.appid);
    json!({
        "to": to,
        "asks": asks,
        "account": { "appid": account, "nickname": account_name },
        "miniprogram": {
            "appid": message.appid,
            "nickname": miniprogram_name.map(|it| &it.nickname),
        },
        "from_console": message.from_console,
        "sent_ms": message.sent_ms,
        "when": message.when,
        "decision": message.answer.map(|answer| answer.decision),
        "decided_ms": message.answer.map(|answer| answer.at_ms),
        "automatic": message.answer.is_some_and(|answer| answer.is_automatic),
    })
}
