//! `GET /authorize`: the page with the button that sends a merchant to WeChat, and
//! `GET /authorize/continue`, to which the button leads. WeChat checks that the browser comes from
//! a page of the platform's registered host.

use hyper::StatusCode;
use hyper::header::USER_AGENT;
use hyper::http::request::Parts;
use serde_json::json;

use crate::log;
use crate::page::{self, Outcome};
use crate::reply::{self, Reply};
use crate::routes::query::{cookies, header, language, parameter};
use crate::service::Service;
use crate::state;

/// Part of the `User-Agent` of WeChat's own browser.
const WECHAT_BROWSER: &str = "MicroMessenger";

pub(crate) fn show(service: &Service, request: &Parts) -> Reply {
    let lang = language(request);
    let Ok(account) = account(request) else {
        return outcome(service, request, StatusCode::BAD_REQUEST, &Outcome::BadLink);
    };
    let Some(state) = state::generate() else {
        return outcome(
            service,
            request,
            StatusCode::SERVICE_UNAVAILABLE,
            &Outcome::Unavailable,
        );
    };
    let html = page::start(lang, &state, account.as_deref());
    let mut reply = reply::page(StatusCode::OK, html, &service.style_hash);
    reply::set_cookie(&mut reply, &state::cookie(&service.public_url, &state));
    reply
}

/// Makes a pre-auth code and redirects to WeChat's page.
pub(crate) fn send_to_wechat(service: &Service, request: &Parts) -> Reply {
    let Ok(account) = account(request) else {
        return outcome(service, request, StatusCode::BAD_REQUEST, &Outcome::BadLink);
    };
    let state = parameter(request, "state").unwrap_or_default();
    if !state::is_of_browser(&service.public_url, cookies(request), &state) {
        return outcome(
            service,
            request,
            StatusCode::FORBIDDEN,
            &Outcome::UnknownState,
        );
    }
    let unavailable = StatusCode::SERVICE_UNAVAILABLE;
    if !service.take_start() {
        return outcome(service, request, unavailable, &Outcome::Unavailable);
    }
    let back = format!("{}/authorized?state={state}", service.public_url.origin());
    let url = service.client.authorization_url(&back, account.as_deref());
    match url {
        Ok(url) => {
            let is_wechat = header(request, USER_AGENT).is_some_and(|a| a.contains(WECHAT_BROWSER));
            reply::redirect(if is_wechat {
                url.phone()
            } else {
                url.computer()
            })
        }
        Err(error) => {
            log::write(
                "authorize",
                &json!({"status": error.status().name(), "message": error.message()}),
            );
            outcome(service, request, unavailable, &Outcome::Unavailable)
        }
    }
}

/// The page about an outcome.
pub(crate) fn outcome(
    service: &Service,
    request: &Parts,
    status: StatusCode,
    outcome: &Outcome<'_>,
) -> Reply {
    let html = page::outcome(language(request), outcome);
    reply::page(status, html, &service.style_hash)
}

/// The only account that may authorise, if the link names one.
fn account(request: &Parts) -> Result<Option<String>, ()> {
    let Some(account) = parameter(request, "account") else {
        return Ok(None);
    };
    let is_appid = account.len() == 18
        && account.starts_with("wx")
        && account.bytes().all(|b| b.is_ascii_alphanumeric());
    if is_appid { Ok(Some(account)) } else { Err(()) }
}
