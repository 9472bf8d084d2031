//! `POST /push`: WeChat's pushes. The answer `success` says that the event is kept.

use std::time::Instant;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::http::request::Parts;
use serde_json::{Value, json};
use wxlink::{AcceptedPush, PushAction, Status, Text, WaitingCode};

use crate::log;
use crate::metrics::Family;
use crate::reply::{self, Reply};
use crate::service::Service;

/// The longest name of an event in the log and the metrics.
const MAX_EVENT_BYTES: usize = 64;

pub(crate) fn respond(service: &Service, request: &Parts, body: &Bytes) -> Reply {
    let began = Instant::now();
    let query = request.uri.query().unwrap_or_default();
    match service.client.accept_push(query, body) {
        Ok(push) => {
            let mut fields = json!({
                "info_type": event_name(push.event()),
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
            service
                .metrics
                .count(Family::Pushes, event_name(push.event()));
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
    let result = forwarder.send(&event.to_string(), service.client.lang());
    let label = if result.is_ok() { "ok" } else { "failed" };
    service.metrics.count(Family::Forwarded, label);
    result
}

/// The name of an event for the log and the metrics: WeChat's, or a word for one that WeChat would
/// not use.
fn event_name(event: &str) -> &str {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    if event.len() <= MAX_EVENT_BYTES && event.bytes().all(is_plain) {
        event
    } else {
        "unreadable"
    }
}

/// Logs and counts a push that did not arrive completely.
pub(crate) fn write_incomplete(service: &Service, status: Status, message: Text) {
    let message = message.get(service.client.lang()).trim_end();
    service.metrics.count(Family::FailedPushes, status.name());
    log::write(
        "push",
        &json!({"status": status.name(), "message": message}),
    );
}

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_odd_event_has_a_plain_name() {
        let long = "x".repeat(MAX_EVENT_BYTES + 1);
        for odd in ["a\0b", "a\x1b[1m", "a b", "é", &long] {
            assert_eq!(event_name(odd), "unreadable", "{odd:?}");
        }
        for plain in ["authorized", "notify_3rd_wxa_auth", "", &long[1..]] {
            assert_eq!(event_name(plain), plain);
        }
    }
}
