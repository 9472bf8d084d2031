//! `GET /authorize`: the page with the button that sends a merchant to WeChat, and
//! `GET /authorize/continue`, to which the button leads. WeChat checks that the browser comes from
//! a page of the platform's registered host.

use hyper::StatusCode;
use hyper::header::USER_AGENT;
use hyper::http::request::Parts;
use wxlink::Class;

use crate::log;
use crate::page::{self, Outcome, Start};
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
    // Another tab of the browser may be on its way.
    let known = state::of_browser(&service.public_url, cookies(request)).map(str::to_owned);
    let Some(state) = known.or_else(state::generate) else {
        return outcome(service, request, &Outcome::Unavailable);
    };
    let start = Start {
        state: &state,
        account: account.as_deref(),
        is_wechat: is_wechat(request),
    };
    let html = page::start(language(request), &start);
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
    let mut back = format!(
        "{}/authorized?state={state}&lang={}",
        service.public_url.origin(),
        page::lang_code(language(request))
    );
    if let Some(account) = &account {
        back += &format!("&account={account}");
    }
    match service.client.authorization_url(&back, account.as_deref()) {
        Ok(url) => reply::redirect(if is_wechat(request) {
            url.phone()
        } else {
            url.computer()
        }),
        Err(error) => {
            log::write_failure("authorize", &error);
            let needs_operator = matches!(
                error.class(),
                Some(Class::ActionRequired | Class::InvalidRequest)
            );
            let page = if needs_operator {
                Outcome::NeedsOperator
            } else {
                Outcome::Unavailable
            };
            outcome(service, request, &page)
        }
    }
}

fn is_wechat(request: &Parts) -> bool {
    header(request, USER_AGENT).is_some_and(|agent| agent.contains(WECHAT_BROWSER))
}

/// The state in the URL, if it is that of the browser.
pub(super) fn state_of_browser(service: &Service, request: &Parts) -> Option<String> {
    let state = parameter(request, "state")?;
    let is_known = state::is_of_browser(&service.public_url, cookies(request), &state);
    is_known.then_some(state)
}

/// The page about an outcome.
pub(super) fn outcome(service: &Service, request: &Parts, outcome: &Outcome<'_>) -> Reply {
    let account = account(request).ok().flatten();
    let again = page::Again {
        account: account.as_deref(),
        url: request.uri.path_and_query().map_or("/", |url| url.as_str()),
    };
    let html = page::outcome(language(request), outcome, &again);
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
