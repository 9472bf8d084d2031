//! The paths of the service.

mod authorize;
mod authorized;
mod health;
mod push;
mod query;

use std::sync::Arc;

use bytes::Bytes;
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};

use crate::reply::{self, Reply};
use crate::service::Service;

pub(crate) use health::metrics_text;
pub(crate) use push::write_incomplete;

/// Responds to a request. May block.
pub(crate) fn respond(service: &Arc<Service>, request: &Parts, body: &Bytes) -> Reply {
    let is_get = matches!(request.method, Method::GET | Method::HEAD);
    match request.uri.path() {
        "/push" if request.method == Method::POST => push::respond(service, request, body),
        "/push" => reply::method_not_allowed("POST"),
        "/authorize" if is_get => authorize::show(service, request),
        "/authorize/continue" if request.method == Method::GET => {
            authorize::send_to_wechat(service, request)
        }
        "/authorized" if request.method == Method::GET => authorized::respond(service, request),
        "/healthz" if is_get => health::healthz(service),
        "/metrics" if !service.serves_metrics => {
            reply::text(StatusCode::NOT_FOUND, "no such path\n")
        }
        "/metrics" if is_get => health::metrics(service),
        "/authorize" | "/authorize/continue" | "/authorized" | "/healthz" | "/metrics" => {
            reply::method_not_allowed("GET")
        }
        _ => reply::text(StatusCode::NOT_FOUND, "no such path\n"),
    }
}
