//! What is written to stderr: with `--verbose` each attempt, with `--log-format json` as JSON.
#![cfg(unix)]

mod common;

use common::*;
use serde_json::{Value, json};

fn log_lines(ran: &ProgramOutput) -> Vec<Value> {
    let read = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
    ran.err.lines().map(read).collect()
}

#[test]
fn without_verbose_attempts_are_not_logged() {
    let sandbox = sandbox();
    let listed = run(calling(&sandbox, TOKEN, &["list"]));
    assert_eq!((listed.code, &*listed.err), (0, ""));
}

#[test]
fn each_attempt_is_a_line_with_its_host_and_outcome() {
    let sandbox = sandbox();
    let lost = json!({"endpoint": "get", "fault": {"drop": "reset"}});
    admin(&sandbox, "POST", "faults", lost);
    let host = sandbox.http_url().trim_start_matches("http://");
    let listed = run(calling(&sandbox, TOKEN, &["list", "--verbose", "--json"]));
    assert_eq!(listed.code, 0, "{}", listed.err);
    let lines: Vec<&str> = listed.err.lines().collect();
    assert_eq!(lines.len(), 2, "{}", listed.err);
    assert!(
        lines[0].starts_with(&format!(
            "getLinkMiniprogram at {host}: CONNECTION_LOST after "
        )),
        "{}",
        lines[0]
    );
    assert!(lines[1].contains(": OK after "), "{}", lines[1]);
    assert!(
        lines[1].ends_with(" ms, new connection, HTTP 200"),
        "{}",
        lines[1]
    );
    let chinese = ["list", "--verbose", "--lang", "zh"];
    let listed = run(calling(&sandbox, TOKEN, &chinese));
    let expected = format!("getLinkMiniprogram，主机 {host}：OK，用时 ");
    assert!(listed.err.starts_with(&expected), "{}", listed.err);
}

#[test]
fn with_json_every_line_of_the_log_is_json() {
    let sandbox = sandbox();
    let arguments = ["list", "--verbose", "--log-format", "json"];
    let refused = run(calling(&sandbox, "SANDBOX-EXPIRED", &arguments));
    assert_eq!(refused.code, 4);
    let lines = log_lines(&refused);
    assert_eq!(lines.len(), 2, "{}", refused.err);
    let attempt = &lines[0];
    assert_eq!(attempt["event"], "attempt");
    assert!(attempt["time"].as_f64().unwrap() > 1e9);
    for (field, value) in [
        ("endpoint", json!("get")),
        ("phase", json!("done")),
        ("outcome", json!("API")),
        ("http_status", json!(200)),
        ("reused", json!(false)),
    ] {
        assert_eq!(attempt[field], value, "{field}");
    }
    assert_eq!(lines[1]["event"], "diagnostic");
    let message = lines[1]["message"].as_str().unwrap();
    assert!(message.contains("42001"), "{message}");
    // Errors before a call, too.
    let usage = run(bare(&["list", "--log-format=json"]));
    assert_eq!(usage.code, 2);
    assert_eq!(log_lines(&usage)[0]["event"], "diagnostic");
}

#[test]
fn the_attempts_of_a_platform_are_logged_without_its_secrets() {
    let sandbox = sandbox();
    let dir = scratch("log-platform");
    let stored = run_with(
        platform(&sandbox, &dir, &["platform", "set-ticket"]),
        "SANDBOX-TICKET",
    );
    assert_eq!(stored.code, 0, "{}", stored.err);
    // Reading what ran checks that it has no secret.
    let listed = run(platform(
        &sandbox,
        &dir,
        &[
            "list",
            "--account",
            ACCOUNT,
            "--verbose",
            "--log-format",
            "json",
        ],
    ));
    assert_eq!(listed.code, 0, "{}", listed.err);
    let lines = log_lines(&listed);
    let endpoints: Vec<&str> = lines
        .iter()
        .filter_map(|l| l["endpoint"].as_str())
        .collect();
    assert_eq!(endpoints[0], "component_token");
    assert_eq!(endpoints.last(), Some(&"get"));
}
