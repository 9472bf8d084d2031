//! The statistics of a client in Prometheus' text format.

use std::fmt::Write as _;
use std::time::Duration;

use wxlink::{ClientStats, EndpointStats, Histogram};

use crate::text::{gauge, head};

/// The limits of the buckets are powers of two of a microsecond, from 1 ms to 34 s, and one and a
/// half times these. They are limits of the client's own buckets too.
const BUCKET_LIMITS_LOG2_US: std::ops::RangeInclusive<u32> = 10..=25;

/// All numbers of a client, as text for Prometheus.
pub fn client(stats: &ClientStats) -> String {
    let endpoints = &stats.endpoints;
    let mut text = gauge(
        "wxlink_client_start_time_seconds",
        "When the client was created, in seconds since 1970.",
        stats.since as f64,
    );
    let name = "wxlink_calls_total";
    text += &head(name, "Calls of WeChat by endpoint and outcome.", "counter");
    for endpoint in endpoints {
        for (outcome, calls) in &endpoint.outcomes {
            let (word, outcome) = (endpoint.endpoint.as_str(), outcome.name());
            let labels = format!("{{endpoint=\"{word}\",outcome=\"{outcome}\"}}");
            let _ = writeln!(text, "{name}{labels} {calls}");
        }
    }
    let mut by_endpoint = |name: &str, help: &str, number: fn(&EndpointStats) -> u64| {
        text += &head(name, help, "counter");
        for endpoint in endpoints {
            let (word, number) = (endpoint.endpoint.as_str(), number(endpoint));
            let _ = writeln!(text, "{name}{{endpoint=\"{word}\"}} {number}");
        }
    };
    by_endpoint(
        "wxlink_retries_total",
        "Attempts after the first ones of their calls.",
        |e| e.retries,
    );
    by_endpoint(
        "wxlink_delivery_unknown_total",
        "Calls that were sent and not answered by WeChat.",
        |e| e.delivery_unknown,
    );
    let name = "wxlink_call_duration_seconds";
    text += &head(
        name,
        "How long calls took, with their retries.",
        "histogram",
    );
    for endpoint in endpoints {
        histogram(
            &mut text,
            name,
            endpoint.endpoint.as_str(),
            &endpoint.latency,
        );
    }
    let mut counter = |name: &str, help: &str, number: u64| {
        let _ = writeln!(text, "{}{name} {number}", head(name, help, "counter"));
    };
    counter(
        "wxlink_in_doubt_total",
        "Calls that ended while an invitation was in doubt.",
        stats.in_doubt,
    );
    counter(
        "wxlink_tokens_fetched_total",
        "Access tokens that were fetched from the token source.",
        stats.tokens_fetched,
    );
    counter(
        "wxlink_connections_opened_total",
        "Connections that were opened.",
        stats.connections_opened,
    );
    counter(
        "wxlink_connections_reused_total",
        "Attempts that used a connection of an earlier one.",
        stats.connections_reused,
    );
    text += &gauge(
        "wxlink_connections_idle",
        "Connections that are open and not in use.",
        stats.connections_idle as f64,
    );
    text
}

fn histogram(text: &mut String, name: &str, endpoint: &str, latency: &Histogram) {
    let limits = BUCKET_LIMITS_LOG2_US.flat_map(|log2| [1 << log2, 3 << (log2 - 1)]);
    for limit in limits.map(Duration::from_micros) {
        let below = latency.buckets().take_while(|bucket| bucket.below <= limit);
        let (seconds, calls) = (limit.as_secs_f64(), below.map(|b| b.count).sum::<u64>());
        let labels = format!("{{endpoint=\"{endpoint}\",le=\"{seconds}\"}}");
        let _ = writeln!(text, "{name}_bucket{labels} {calls}");
    }
    let (sum, calls) = (latency.sum().as_secs_f64(), latency.count());
    let _ = writeln!(
        text,
        "{name}_bucket{{endpoint=\"{endpoint}\",le=\"+Inf\"}} {calls}\n\
         {name}_sum{{endpoint=\"{endpoint}\"}} {sum}\n\
         {name}_count{{endpoint=\"{endpoint}\"}} {calls}"
    );
}
