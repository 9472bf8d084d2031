//! `GET /authorized`: a merchant comes back from WeChat's page, with an authorisation code.

use hyper::StatusCode;
use hyper::http::request::Parts;
use serde_json::json;
use wxlink::Class;

use crate::log;
use crate::metrics::Family;
use crate::page::Outcome;
use crate::reply::{self, Reply};
use crate::routes::authorize::outcome;
use crate::routes::query::{cookies, parameter};
use crate::service::Service;
use crate::state;

pub(crate) fn respond(service: &Service, request: &Parts) -> Reply {
    let state = parameter(request, "state").unwrap_or_default();
    if !state::is_of_browser(&service.public_url, cookies(request), &state) {
        return outcome(
            service,
            request,
            StatusCode::FORBIDDEN,
            &Outcome::UnknownState,
        );
    }
    let mut reply = match parameter(request, "auth_code") {
        Some(code) if !code.is_empty() => exchange(service, request, &code),
        _ => outcome(service, request, StatusCode::OK, &Outcome::NotAuthorized),
    };
    reply::set_cookie(&mut reply, &state::deleted_cookie(&service.public_url));
    reply
}

fn exchange(service: &Service, request: &Parts, code: &str) -> Reply {
    match service.client.accept_authorization(code) {
        Ok(authorization) => {
            let account = authorization.account();
            // If WeChat does not list the permission sets, the first link will show it.
            let may_link = authorization.may_link().unwrap_or(true);
            let label = if may_link { "may_link" } else { "may_not_link" };
            service.metrics.count(Family::Authorizations, label);
            log::write(
                "authorized",
                &json!({"account": account, "may_link": may_link}),
            );
            let page = if may_link {
                Outcome::MayLink { account }
            } else {
                Outcome::MayNotLink { account }
            };
            outcome(service, request, StatusCode::OK, &page)
        }
        Err(error) => {
            let status = error.status().name();
            service.metrics.count(Family::Authorizations, status);
            log::write(
                "authorized",
                &json!({"status": status, "message": error.message()}),
            );
            match error.class() {
                Some(Class::ActionRequired | Class::InvalidRequest) => {
                    outcome(service, request, StatusCode::BAD_GATEWAY, &Outcome::Refused)
                }
                _ => {
                    let busy = StatusCode::SERVICE_UNAVAILABLE;
                    outcome(service, request, busy, &Outcome::Unavailable)
                }
            }
        }
    }
}
