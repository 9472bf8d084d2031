//! What happens on WeChat's side without a call of the platform: tickets are pushed, accounts
//! authorise the platform and withdraw.

use std::sync::Arc;

use crate::model::clock::after_seconds;
use crate::wechat::platform::Consent;
use crate::wechat::push_message::{Field, PushMessage};
use crate::wechat::state::{Credentials, WechatState};

/// Pushes a message if events are pushed at all. Returns the number of the push.
pub(crate) fn push(wechat: &mut WechatState, message: PushMessage, due_ms: u64) -> Option<u64> {
    wechat.platform.as_ref()?.push.as_ref()?;
    Some(wechat.pushes.add(Arc::new(message), due_ms))
}

/// Pushes a ticket.
pub(crate) fn push_ticket(wechat: &mut WechatState, ticket: &str, now_ms: u64) -> Option<u64> {
    let message = PushMessage {
        info_type: "component_verify_ticket".to_owned(),
        account: None,
        create_time: now_ms / 1000,
        fields: vec![Field::text("ComponentVerifyTicket", ticket)],
    };
    push(wechat, message, now_ms)
}

/// Pushes a ticket if one is due.
pub(crate) fn push_due_ticket(wechat: &mut WechatState, now_ms: u64) {
    let Credentials {
        platform,
        generator,
        ..
    } = wechat.credentials();
    let ticket = platform
        .as_mut()
        .and_then(|platform| platform.take_due_ticket(generator, now_ms));
    if let Some(ticket) = ticket {
        push_ticket(wechat, &ticket, now_ms);
    }
}

/// An account's consent to the platform.
pub(crate) struct Authorize<'a> {
    pub(crate) account: &'a str,
    /// Whether permission set 33 is granted.
    pub(crate) permission: bool,
    /// A valid code for the authorisation page.
    pub(crate) pre_auth_code: &'a str,
    /// How many times the event is pushed. `None`: once, but not at all if nothing has changed.
    pub(crate) events: Option<u32>,
    /// How many seconds later.
    pub(crate) event_after_s: u64,
}

/// What follows an account's consent.
pub(crate) struct Authorized {
    pub(crate) consent: Consent,
    /// The numbers of the pushes.
    pub(crate) pushes: Vec<u64>,
}

/// Lets an account authorise the platform, and pushes the event. `None`: there is no platform.
pub(crate) fn authorize(
    wechat: &mut WechatState,
    request: Authorize,
    now_ms: u64,
) -> Option<Authorized> {
    let Credentials {
        platform,
        generator,
        ..
    } = wechat.credentials();
    let platform = platform.as_mut()?;
    let account = request.account;
    let had_permission = platform
        .authorization(account)
        .map(|authorization| authorization.permission);
    platform.use_pre_auth_code(request.pre_auth_code);
    let consent = platform.consent(account, request.permission, generator, now_ms);
    let is_unchanged = had_permission == Some(request.permission);
    let events = request.events.unwrap_or(u32::from(!is_unchanged));
    let info_type = if consent.is_update {
        "updateauthorized"
    } else {
        "authorized"
    };
    let create_time = now_ms / 1000;
    let due_ms = after_seconds(now_ms, request.event_after_s);
    let pushes = (0..events)
        .filter_map(|_| {
            let message = PushMessage {
                info_type: info_type.to_owned(),
                account: Some(account.to_owned()),
                create_time,
                fields: vec![
                    Field::text("AuthorizerAppid", account),
                    Field::text("AuthorizationCode", &consent.authorization_code),
                    Field::number(
                        "AuthorizationCodeExpiredTime",
                        create_time.saturating_add(consent.expires_in),
                    ),
                    Field::text("PreAuthCode", request.pre_auth_code),
                ],
            };
            push(wechat, message, due_ms)
        })
        .collect();
    Some(Authorized { consent, pushes })
}

/// Lets an account withdraw its authorisation, and pushes the event. Returns whether it had one.
pub(crate) fn withdraw(wechat: &mut WechatState, account: &str, now_ms: u64) -> bool {
    let platform = wechat.platform.as_mut();
    if !platform.is_some_and(|platform| platform.deauthorize(account)) {
        return false;
    }
    wechat.tokens.deauthorize(account, now_ms);
    let message = PushMessage {
        info_type: "unauthorized".to_owned(),
        account: Some(account.to_owned()),
        create_time: now_ms / 1000,
        fields: vec![Field::text("AuthorizerAppid", account)],
    };
    push(wechat, message, now_ms);
    true
}
