//! Playing an account's administrator on the authorisation page, without a browser.

use serde::Deserialize;
use serde_json::json;

use crate::admin::credentials::existing;
use crate::admin::error::AdminError;
use crate::admin::request::{AdminRequest, AdminResult, respond};
use crate::model::message::{Message, message};
use crate::wechat::events::{self, Authorize, Authorized};
use crate::wechat::platform::PreAuthProblem;
use crate::wechat::redirect;
use crate::wechat::state::Credentials;

/// The most times an event is pushed for one consent.
const MAX_EVENTS: u32 = 10;

/// The consent of an account, without the authorisation page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnConsent {
    account: String,
    #[serde(default = "yes")]
    permission: bool,
    pre_auth_code: Option<String>,
    redirect_uri: Option<String>,
    events: Option<u32>,
    #[serde(default)]
    event_after_s: u64,
}

fn yes() -> bool {
    true
}

pub(crate) fn authorize(request: AdminRequest) -> AdminResult {
    let own: OwnConsent = request.json()?;
    let now_ms = request.state.clock.now_ms();
    let wechat = &mut request.state.wechat;
    wechat
        .world()
        .check_known_account(&own.account)
        .map_err(AdminError::not_found)?;
    if own.events.is_some_and(|events| events > MAX_EVENTS) {
        return Err(AdminError::bad_request(message!(
            "`events` is at most {MAX_EVENTS}",
            "`events` 最多为 {MAX_EVENTS}"
        )));
    }
    let Credentials {
        platform,
        generator,
        ..
    } = wechat.credentials();
    let platform = existing(platform)?;
    if let Some(uri) = &own.redirect_uri {
        redirect::check(uri, &platform.page.domains)
            .map_err(|problem| AdminError::bad_request(problem.in_part("`redirect_uri`")))?;
    }
    let pre_auth_code = match own.pre_auth_code {
        Some(code) => {
            platform
                .check_pre_auth_code(&code, now_ms)
                .map_err(|problem| {
                    AdminError::conflict(match problem {
                        PreAuthProblem::Unknown => {
                            Message::new("`pre_auth_code` is unknown", "没有这个 `pre_auth_code`")
                        }
                        PreAuthProblem::Used => {
                            Message::new("`pre_auth_code` was used", "`pre_auth_code` 已使用过")
                        }
                        PreAuthProblem::Expired => {
                            Message::new("`pre_auth_code` has expired", "`pre_auth_code` 已过期")
                        }
                    })
                })?;
            code
        }
        None => platform.create_pre_auth_code(generator, now_ms),
    };
    let consent = Authorize {
        account: &own.account,
        permission: own.permission,
        pre_auth_code: &pre_auth_code,
        events: own.events,
        event_after_s: own.event_after_s,
    };
    let Some(Authorized { consent, pushes }) = events::authorize(wechat, consent, now_ms) else {
        return Err(AdminError::conflict(Message::new(
            "this world has no platform",
            "没有第三方平台",
        )));
    };
    let redirect = own
        .redirect_uri
        .map(|uri| redirect::with_code(&uri, &consent));
    respond(&json!({
        "authorization_code": consent.authorization_code,
        "expires_in": consent.expires_in,
        "redirect": redirect,
        "pushes": pushes,
    }))
}
