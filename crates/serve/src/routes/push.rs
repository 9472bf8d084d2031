//! `POST /push`: WeChat's pushes. The answer `success` says that the event is kept.

use std::time::Instant;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::http::request::Parts;
use serde_json::{Value, json};
use wxlink::{AcceptedPush, PushAction, Status, WaitingCode};

use crate::log;
use crate::metrics::Family;
use crate::reply::{self, Reply};
use crate::service::Service;

pub(crate) fn respond(service: &Service, request: &Parts, body: &Bytes) -> Reply {
    let began = Instant::now();
    let query = request.uri.query().unwrap_or_default();
    match service.client.accept_push(query, body) {
        Ok(push) => {
            let mut fields = json!({
                "info_type": push.event(),
                "account": push.account(),
                "action": push.action().as_str(),
                "ms": milliseconds(began),
            });
            if !push.reason().is_empty() {
                fields["reason"] = push.reason().into();
            }
            if push.action() == PushAction::TicketStored {
                service.ticket_stored.notify_one();
            }
            if let (PushAction::CodeStored, Some(account)) = (push.action(), push.account()) {
                service.exchange_later(WaitingCode::Account(account.to_owned()));
            }
            let forwarded = forward(service, &push);
            if let Err(error) = &forwarded {
                fields["forward_error"] = Value::from(error.as_str());
            }
            log::write("push", &fields);
            if forwarded.is_err() {
                return reply::text(StatusCode::SERVICE_UNAVAILABLE, "not forwarded\n");
            }
            service.metrics.count(Family::Pushes, push.event());
            reply::text(StatusCode::OK, "success")
        }
        Err(error) => {
            let status = error.status();
            service.metrics.count(Family::FailedPushes, status.name());
            log::write(
                "push",
                &json!({"status": status.name(), "message": error.message(),
                        "ms": milliseconds(began)}),
            );
            // WeChat tries again what it does not know to be kept.
            match status {
                Status::BadPush => reply::text(StatusCode::FORBIDDEN, "not a push of WeChat\n"),
                _ => reply::text(StatusCode::SERVICE_UNAVAILABLE, "not kept\n"),
            }
        }
    }
}

/// Hands an event on that is not handled here.
fn forward(service: &Service, push: &AcceptedPush) -> Result<(), String> {
    let is_ours = push.action() != PushAction::Unhandled;
    let Some(forwarder) = service.forwarder.as_ref().filter(|_| !is_ours) else {
        return Ok(());
    };
    let event = json!({
        "event": push.event(),
        "account": push.account(),
        "create_time": push.create_time(),
        "fields": push.fields(),
    });
    let result = forwarder.send(&event.to_string());
    let label = if result.is_ok() { "ok" } else { "failed" };
    service.metrics.count(Family::Forwarded, label);
    result
}

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
