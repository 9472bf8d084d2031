//! Counters since the start of the service, in Prometheus' text format.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use wxlink_metrics::{escape, head};

/// The counters of a service.
#[derive(Default)]
pub(crate) struct Metrics {
    counters: Mutex<BTreeMap<Counter, u64>>,
}

/// A counter: its name, and the name and value of its label.
type Counter = (Family, String);

/// What is counted, by which label.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Family {
    /// Pushes that were accepted, by their event.
    Pushes,
    /// Pushes that were not, by the status.
    FailedPushes,
    /// Accounts that came back from WeChat's page, by the result.
    Authorizations,
    /// Events that were forwarded, by the result.
    Forwarded,
}

impl Family {
    const ALL: [Family; 4] = [
        Family::Pushes,
        Family::FailedPushes,
        Family::Authorizations,
        Family::Forwarded,
    ];

    const fn name(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Family::Pushes => (
                "wxlink_pushes_total",
                "event",
                "Pushes of WeChat that were accepted.",
            ),
            Family::FailedPushes => (
                "wxlink_failed_pushes_total",
                "status",
                "Pushes that were refused or could not be kept.",
            ),
            Family::Authorizations => (
                "wxlink_authorizations_total",
                "status",
                "Browsers that came back from WeChat's authorisation page.",
            ),
            Family::Forwarded => (
                "wxlink_forwarded_total",
                "result",
                "Events that were forwarded.",
            ),
        }
    }
}

/// The most values of a label: events are named by WeChat, and may be any.
const MAX_VALUES: usize = 64;
const OTHER: &str = "other";

impl Metrics {
    pub fn count(&self, family: Family, label: &str) {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = (family, label.to_owned());
        let values = counters.keys().filter(|(f, _)| *f == family).count();
        if values >= MAX_VALUES && !counters.contains_key(&key) {
            OTHER.clone_into(&mut key.1);
        }
        *counters.entry(key).or_default() += 1;
    }

    /// All counters, as text for Prometheus.
    pub fn text(&self) -> String {
        let counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        for family in Family::ALL {
            let (name, label, help) = family.name();
            text += &head(name, help, "counter");
            for ((_, value), count) in counters.iter().filter(|((f, _), _)| *f == family) {
                let value = escape(value);
                let _ = writeln!(text, "{name}{{{label}=\"{value}\"}} {count}");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_printed_by_label() {
        let metrics = Metrics::default();
        metrics.count(Family::Pushes, "authorized");
        metrics.count(Family::Pushes, "authorized");
        metrics.count(Family::Pushes, "a\"b\\c\nd");
        let text = metrics.text();
        assert!(text.contains("# TYPE wxlink_pushes_total counter\n"));
        assert!(text.contains("wxlink_pushes_total{event=\"authorized\"} 2\n"));
        assert!(text.contains("wxlink_pushes_total{event=\"a\\\"b\\\\c\\nd\"} 1\n"));
    }

    #[test]
    fn a_label_has_a_bounded_number_of_values() {
        let metrics = Metrics::default();
        for event in 0..1000 {
            metrics.count(Family::Pushes, &event.to_string());
        }
        let text = metrics.text();
        assert!(
            text.contains("wxlink_pushes_total{event=\"other\"} 936\n"),
            "{text}"
        );
        assert_eq!(text.matches("wxlink_pushes_total{").count(), MAX_VALUES + 1);
    }
}
