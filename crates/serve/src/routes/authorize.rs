//! `GET /authorize`: the page with the button that sends a merchant to WeChat, and
//! `GET /authorize/continue`, to which the button leads. WeChat checks that the browser comes from
//! a page of the platform's registered host.

use hyper::StatusCode;
use hyper::header::USER_AGENT;
use hyper::http::request::Parts;

use crate::log;
use crate::page::{self, Outcome};
use crate::reply::{self, Reply};
use crate::routes::query::{cookies, header, language, parameter};
use crate::service::Service;
use crate::state;

/// Part of the `User-Agent` of WeChat's own browser.
const WECHAT_BROWSER: &str = "MicroMessenger";

pub(crate) fn show(service: &Service, request: &Parts) -> Reply {
    let Ok(account) = account(request) else {
        return outcome(service, request, &Outcome::BadLink);
    };
    let Some(state) = state::generate() else {
        return outcome(service, request, &Outcome::Unavailable);
    };
    let html = page::start(language(request), &state, account.as_deref());
    let mut reply = reply::page(StatusCode::OK, html, &service.style_hash);
    reply::set_cookie(&mut reply, &state::cookie(&service.public_url, &state));
    reply
}

/// Makes a pre-auth code and redirects to WeChat's page.
pub(crate) fn send_to_wechat(service: &Service, request: &Parts) -> Reply {
    let Ok(account) = account(request) else {
        return outcome(service, request, &Outcome::BadLink);
    };
    let Some(state) = state_of_browser(service, request) else {
        return outcome(service, request, &Outcome::UnknownState);
    };
    if !service.take_start() {
        return outcome(service, request, &Outcome::Unavailable);
    }
    let back = format!("{}/authorized?state={state}", service.public_url.origin());
    match service.client.authorization_url(&back, account.as_deref()) {
        Ok(url) => {
            let is_wechat = header(request, USER_AGENT).is_some_and(|a| a.contains(WECHAT_BROWSER));
            reply::redirect(if is_wechat {
                url.phone()
            } else {
                url.computer()
            })
        }
        Err(error) => {
            log::write_failure("authorize", &error);
            outcome(service, request, &Outcome::Unavailable)
        }
    }
}

/// The state in the URL, if it is that of the browser.
pub(super) fn state_of_browser(service: &Service, request: &Parts) -> Option<String> {
    let state = parameter(request, "state")?;
    let is_known = state::is_of_browser(&service.public_url, cookies(request), &state);
    is_known.then_some(state)
}

/// The page about an outcome.
pub(super) fn outcome(service: &Service, request: &Parts, outcome: &Outcome<'_>) -> Reply {
    let html = page::outcome(language(request), outcome);
    reply::page(outcome.status(), html, &service.style_hash)
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
