//! Prometheus' text format.

use std::fmt::Write as _;

/// The format's media type.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A number of the present moment.
pub fn gauge(name: &str, help: &str, value: f64) -> String {
    format!("{}{name} {value}\n", head(name, help, "gauge"))
}

/// The same for each value of a label.
pub fn gauges(
    name: &str,
    help: &str,
    label: &str,
    values: impl IntoIterator<Item = (&'static str, u32)>,
) -> String {
    let mut text = head(name, help, "gauge");
    for (word, value) in values {
        let _ = writeln!(text, "{name}{{{label}=\"{word}\"}} {value}");
    }
    text
}

/// The lines before the samples of a metric. `kind` is its type: `counter`, `gauge`, `histogram`.
pub fn head(name: &str, help: &str, kind: &str) -> String {
    format!("# HELP {name} {help}\n# TYPE {name} {kind}\n")
}

/// The value of a label, which stands in quotes.
pub fn escape(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
