//! `GET /healthz` and `GET /metrics`.

use hyper::StatusCode;
use wxlink_metrics::gauge;

use crate::reply::{self, Reply};
use crate::service::Service;

/// Healthy means that the store can be read and written: without it, pushes are lost.
pub(crate) fn healthz(service: &Service) -> Reply {
    match service.client.check_store() {
        Ok(()) => reply::text(StatusCode::OK, "ok\n"),
        Err(_) => reply::text(
            StatusCode::SERVICE_UNAVAILABLE,
            "the store cannot be used\n",
        ),
    }
}

pub(crate) fn metrics(service: &Service) -> Reply {
    reply::metrics(metrics_text(service))
}

/// The metrics of the service and of its client.
pub(crate) fn metrics_text(service: &Service) -> String {
    let mut text = service.metrics.text();
    let status = service.client.platform_status();
    text += &gauge(
        "wxlink_store_up",
        "Whether the store can be read and written.",
        f64::from(u8::from(service.client.check_store().is_ok())),
    );
    if let Ok(status) = status {
        if let Some(age) = status.ticket_age() {
            text += &gauge(
                "wxlink_ticket_age_seconds",
                "Time since WeChat made the stored ticket; it pushes one every 10 minutes.",
                age as f64,
            );
        }
        text += &gauge(
            "wxlink_token_expires_in_seconds",
            "Remaining lifetime of the platform's access token; 0 without one.",
            status.token_expires_in() as f64,
        );
        text += &service.counts_text(status.token_expires_in() > 0);
    }
    text += &gauge(
        "wxlink_codes_waiting",
        "Authorisation codes that are stored and not exchanged.",
        service.waiting_codes() as f64,
    );
    if let Ok(stats) = service.client.stats() {
        text += &wxlink_metrics::client(&stats);
    }
    text
}
