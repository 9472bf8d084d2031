//! `GET /authorized`: a merchant comes back from WeChat's page, with an authorisation code.

use hyper::http::request::Parts;
use serde_json::json;
use wxlink::{Status, WaitingCode};

use crate::log;
use crate::metrics::Family;
use crate::page::Outcome;
use crate::reply::Reply;
use crate::routes::authorize::{outcome, state_of_browser};
use crate::routes::query::parameter;
use crate::service::Service;

pub(crate) fn respond(service: &Service, request: &Parts) -> Reply {
    if state_of_browser(service, request).is_none() {
        return outcome(service, request, &Outcome::UnknownState);
    }
    match parameter(request, "auth_code") {
        Some(code) if !code.is_empty() => exchange(service, request, &code),
        _ => outcome(service, request, &Outcome::NotAuthorized),
    }
}

fn exchange(service: &Service, request: &Parts, code: &str) -> Reply {
    let authorization = match service.client.accept_authorization(code) {
        Ok(authorization) => authorization,
        Err(error) => {
            let label = error.status().name();
            service.metrics.count(Family::Authorizations, label);
            log::write_failure("authorized", &error);
            let page = match error.status() {
                Status::BadValue => Outcome::BadLink,
                Status::Store => Outcome::NotKept,
                _ if error.is_code_refused() => Outcome::Refused,
                _ => {
                    service.exchange_later(WaitingCode::redirect(code));
                    Outcome::Kept
                }
            };
            return outcome(service, request, &page);
        }
    };
    let account = authorization.account();
    // If WeChat does not list the permission sets, the first link will show it.
    let may_link = authorization.may_link().unwrap_or(true);
    let (label, page) = if may_link {
        ("may_link", Outcome::MayLink { account })
    } else {
        ("may_not_link", Outcome::MayNotLink { account })
    };
    service.metrics.count(Family::Authorizations, label);
    log::write(
        "authorized",
        &json!({"account": account, "may_link": may_link}),
    );
    outcome(service, request, &page)
}
