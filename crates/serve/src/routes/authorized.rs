//! `GET /authorized`: a merchant comes back from WeChat's page, with an authorisation code.

use hyper::http::request::Parts;
use serde_json::json;
use wxlink::Class;

use crate::log;
use crate::metrics::Family;
use crate::page::Outcome;
use crate::reply::{self, Reply};
use crate::routes::authorize::{outcome, state_of_browser};
use crate::routes::query::parameter;
use crate::service::Service;
use crate::state;

pub(crate) fn respond(service: &Service, request: &Parts) -> Reply {
    if state_of_browser(service, request).is_none() {
        return outcome(service, request, &Outcome::UnknownState);
    }
    let mut reply = match parameter(request, "auth_code") {
        Some(code) if !code.is_empty() => exchange(service, request, &code),
        _ => outcome(service, request, &Outcome::NotAuthorized),
    };
    reply::set_cookie(&mut reply, &state::deleted_cookie(&service.public_url));
    reply
}

fn exchange(service: &Service, request: &Parts, code: &str) -> Reply {
    let authorization = match service.client.accept_authorization(code) {
        Ok(authorization) => authorization,
        Err(error) => {
            let label = error.status().name();
            service.metrics.count(Family::Authorizations, label);
            log::write_failure("authorized", &error);
            let is_refused = matches!(
                error.class(),
                Some(Class::ActionRequired | Class::InvalidRequest)
            );
            let page = if is_refused {
                Outcome::Refused
            } else {
                Outcome::Unavailable
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
