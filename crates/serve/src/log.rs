//! The log: one line of JSON for each event, on stderr. It contains no secrets: requests are logged
//! without query, headers and body.

use std::io::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use wxlink::Error;

/// Writes `fields`, an object, with the time in front. Lost if stderr is closed.
pub(crate) fn write(event: &str, fields: &Value) {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = seconds.map_or(0.0, |d| d.as_secs_f64());
    let mut line = format!("{{\"time\":{seconds:.3},\"event\":{}", Value::from(event));
    for (name, value) in fields.as_object().into_iter().flatten() {
        line += &format!(",{}:{value}", Value::from(name.as_str()));
    }
    line += "}\n";
    // One call, so that lines of several threads do not mix.
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// Writes why a call failed.
pub(crate) fn write_failure(event: &str, error: &Error) {
    let status = error.status().name();
    write(
        event,
        &json!({"status": status, "message": error.message()}),
    );
}
