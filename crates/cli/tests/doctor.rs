//! The doctor finds each kind of problem.
#![cfg(unix)]

mod common;

use std::process::Command;

use common::*;
use serde_json::{Value, json};
use wxlink_sandbox::{Sandbox, Settings};

/// The exit code, and each problem: the check, and what was found with the advice.
#[track_caller]
fn examine(mut command: Command) -> (i32, Vec<(String, String)>) {
    let ran = run({
        command.arg("--json");
        command
    });
    assert_eq!(ran.err, "");
    let problems = ran.lines().into_iter().filter(|l| l["result"] == "problem");
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    let describe = |l: Value| {
        (
            text(&l["check"]),
            format!("{} {}", text(&l["found"]), text(&l["advice"])),
        )
    };
    (ran.code, problems.map(describe).collect())
}

/// Checks that the doctor finds exactly this problem.
#[track_caller]
fn problem(command: Command, code: i32, check: &str, part: &str) {
    let (exit_code, problems) = examine(command);
    let [(found, description)] = &problems[..] else {
        panic!("not one problem: {problems:?}");
    };
    assert_eq!((exit_code, &**found), (code, check), "{description}");
    assert!(description.contains(part), "{description}");
}

fn doctor(sandbox: &Sandbox, token: &str) -> Command {
    calling(sandbox, token, &["doctor"])
}

#[test]
fn no_problem_over_tls() {
    let sandbox = sandbox();
    let mut command = doctor(&sandbox, TOKEN);
    command
        .arg("--json")
        .env("WXLINK_BASE_URL", sandbox.https_url())
        .env("WXLINK_CA_FILE", sandbox.ca_file());
    let ran = run(command);
    assert_eq!((ran.code, &*ran.err), (0, ""), "{}", ran.out);
    let lines = ran.lines();
    assert!(lines.iter().all(|l| l["result"] == "ok"), "{}", ran.out);
    let checks: Vec<&str> = lines.iter().map(|l| l["check"].as_str().unwrap()).collect();
    assert_eq!(
        checks,
        [
            "configuration",
            "dns",
            "proxy",
            "connection",
            "clock",
            "token_source",
            "token",
            "whitelist",
            "authorised",
            "permission_33",
            "list",
            "store"
        ]
    );
    assert!(
        lines[3]["found"]
            .as_str()
            .unwrap()
            .starts_with(sandbox.https_url())
    );
    assert_eq!(received(&sandbox, "link") + received(&sandbox, "unlink"), 0);
}

#[test]
fn text_output_has_a_line_for_each_check_and_advice() {
    let sandbox = sandbox();
    let ran = run(doctor(&sandbox, "SANDBOX-NO-PERMISSION"));
    assert_eq!((ran.code, &*ran.err), (4, ""));
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(
        lines[0].starts_with("ok       configuration  base_url = http://"),
        "{}",
        ran.out
    );
    let at = lines
        .iter()
        .position(|l| l.starts_with("problem  permission_33 "))
        .unwrap();
    assert!(lines[at].contains("61007"), "{}", ran.out);
    let mut chinese = doctor(&sandbox, TOKEN);
    chinese.env("WXLINK_LANG", "zh");
    assert!(run(chinese).out.contains("未使用代理"));
}

#[test]
fn bad_certificates() {
    let sandbox = Sandbox::start(Settings {
        bad_tls: true,
        ..Settings::default()
    })
    .unwrap();
    for (url, advice) in [
        (sandbox.https_expired_url(), "This machine's clock shows 2"),
        (sandbox.https_wrong_name_url(), "ca_file"),
        (sandbox.https_unknown_issuer_url(), "ca_file"),
    ] {
        let set_up = |mut command: Command| {
            command
                .env("WXLINK_BASE_URL", url.unwrap())
                .env("WXLINK_CA_FILE", sandbox.ca_file());
            command
        };
        problem(set_up(doctor(&sandbox, TOKEN)), 4, "connection", advice);
        // Trying again does not help: not 5.
        let list = run(set_up(calling(&sandbox, TOKEN, &["list"])));
        assert_eq!(list.code, 4, "{}", list.err);
        assert!(list.err.contains("TLS at "), "{}", list.err);
    }
    // Without ca_file, the CA of the simulator is not trusted.
    let mut command = doctor(&sandbox, TOKEN);
    command.env("WXLINK_BASE_URL", sandbox.https_url());
    problem(command, 4, "connection", "ca_file");
}

#[test]
fn a_ca_file_that_cannot_be_used_fails_the_connection_and_skips_what_needs_one() {
    let sandbox = sandbox();
    let folder = scratch("doctor-ca-file");
    let empty = file(&folder, "empty.pem", "");
    let missing = folder.join("missing.pem").display().to_string();
    for ca_file in [empty, missing] {
        let with_ca_file = |mut command: Command| {
            command
                .env("WXLINK_BASE_URL", sandbox.https_url())
                .env("WXLINK_CA_FILE", &ca_file);
            command
        };
        let remedy = "give a file with CA certificates in PEM";
        problem(
            with_ca_file(doctor(&sandbox, TOKEN)),
            2,
            "connection",
            remedy,
        );
        let mut command = with_ca_file(doctor(&sandbox, TOKEN));
        command.arg("--json");
        let lines = run(command).lines();
        let text = |l: &Value, field: &str| l[field].as_str().unwrap().to_owned();
        let is_skipped = |l: &&Value| l["result"] == "skipped";
        let skipped = lines.iter().filter(is_skipped);
        let skipped: Vec<String> = skipped.map(|l| text(l, "check")).collect();
        let needs_connection = [
            "clock",
            "token_source",
            "token",
            "whitelist",
            "authorised",
            "permission_33",
            "list",
        ];
        assert_eq!(skipped, needs_connection, "{lines:?}");
        let last = &lines[lines.len() - 1];
        assert_eq!(
            (&last["check"], &last["result"]),
            (&json!("store"), &json!("ok"))
        );
    }
}

#[test]
fn wechat_cannot_be_reached() {
    let sandbox = sandbox();
    let mut refused = doctor(&sandbox, TOKEN);
    refused.env("WXLINK_BASE_URL", unreachable_url());
    problem(refused, 5, "connection", "CONNECT");

    let mut one_of_two = doctor(&sandbox, TOKEN);
    one_of_two.env(
        "WXLINK_BASE_URL",
        format!("{},{}", sandbox.http_url(), unreachable_url()),
    );
    problem(one_of_two, 5, "connection", "CONNECT");

    let over_tls = || {
        let mut doctor = doctor(&sandbox, TOKEN);
        doctor
            .env("WXLINK_BASE_URL", sandbox.https_url())
            .env("WXLINK_CA_FILE", sandbox.ca_file());
        doctor
    };
    let mut proxied = over_tls();
    proxied.env("WXLINK_PROXY", unreachable_url());
    let named = format!(
        "PROXY at {}: the proxy ",
        sandbox.https_url().replace("https://", "")
    );
    problem(proxied, 5, "connection", &named);

    let mut by_environment = over_tls();
    let proxy = unreachable_url().replace("http://", "http://user:HUSHHUSH@");
    by_environment
        .arg("--json")
        .env("WXLINK_PROXY", "env")
        .env("HTTPS_PROXY", proxy);
    let ran = run(by_environment);
    assert_eq!(ran.code, 5);
    let shown = &ran.lines()[2]["found"];
    assert!(
        shown
            .as_str()
            .unwrap()
            .starts_with("env: HTTPS_PROXY = http://…@127"),
        "{shown}"
    );

    let mut unresolvable = doctor(&sandbox, TOKEN);
    unresolvable.env("WXLINK_BASE_URL", "https://nonexistent.invalid");
    let (code, problems) = examine(unresolvable);
    let checks: Vec<&str> = problems.iter().map(|(check, _)| &**check).collect();
    assert_eq!((code, &checks[..]), (5, &["dns", "connection"][..]));
    assert!(
        problems[0].1.starts_with("nonexistent.invalid: "),
        "{problems:?}"
    );
}

#[test]
fn the_token_is_refused() {
    let sandbox = sandbox();
    problem(doctor(&sandbox, "SANDBOX-REVOKED"), 4, "token", "40001");
    problem(doctor(&sandbox, "SANDBOX-EXPIRED"), 4, "token", "42001");
    problem(doctor(&sandbox, "SANDBOX-COMPONENT"), 4, "token", "48001");
    problem(
        doctor(&sandbox, "SANDBOX-NO-PERMISSION"),
        4,
        "permission_33",
        "61007",
    );
    let gone = json!({"account": ACCOUNT, "kind": "deauthorized"});
    admin(&sandbox, "PUT", "tokens/SANDBOX-GONE", gone);
    problem(doctor(&sandbox, "SANDBOX-GONE"), 4, "authorised", "61003");
}

#[test]
fn there_is_no_token() {
    let sandbox = sandbox();
    let bare_doctor = || {
        let mut command = bare(&["doctor"]);
        command.env("WXLINK_BASE_URL", sandbox.http_url());
        command
    };
    problem(bare_doctor(), 4, "token_source", "--token-file");
    let people = run(bare_doctor());
    assert!(
        people
            .out
            .contains("\n                        -> no access token"),
        "{}",
        people.out
    );
    let mut failing = bare_doctor();
    failing
        .env("WXLINK_TOKEN_COMMAND", "exit 1")
        .env("WXLINK_ACCOUNT", ACCOUNT);
    problem(failing, 4, "token_source", "token_command");
    let mut no_account = bare_doctor();
    no_account.env("WXLINK_TOKEN_COMMAND", "echo unused");
    problem(no_account, 4, "token_source", "account");
}

#[test]
fn the_address_is_not_on_the_whitelist() {
    for (code, errmsg) in [
        (
            40164,
            "invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist",
        ),
        (
            61004,
            "access clientip is not registered requestIP: 203.0.113.7",
        ),
        (
            45035,
            "access clientip is not registered, not in ip-white-list, client ip 203.0.113.7",
        ),
    ] {
        let sandbox = sandbox();
        fault(
            &sandbox,
            json!({"errcode": {"code": code, "errmsg": errmsg}}),
        );
        problem(doctor(&sandbox, TOKEN), 4, "whitelist", "203.0.113.7");
        let list = run(calling(&sandbox, TOKEN, &["list"]));
        assert!(
            list.err.contains("saw the address 203.0.113.7"),
            "{}",
            list.err
        );
        // A platform's first call is the one for its own token.
        let dir = scratch(&format!("doctor-whitelist-{code}"));
        let set = platform(&sandbox, &dir, &["platform", "set-ticket"]);
        assert_eq!(run_with(set, "SANDBOX-TICKET\n").code, 0);
        let mut command = platform(&sandbox, &dir, &["doctor"]);
        command.env("WXLINK_ACCOUNT", ACCOUNT);
        problem(command, 4, "whitelist", "203.0.113.7");
    }
}

#[test]
fn the_clock_is_wrong() {
    let sandbox = sandbox();
    admin(&sandbox, "POST", "clock", json!({"advance_s": 200}));
    assert_eq!(examine(doctor(&sandbox, TOKEN)), (0, vec![]));
    admin(&sandbox, "POST", "clock", json!({"advance_s": 3400}));
    problem(doctor(&sandbox, TOKEN), 1, "clock", "behind WeChat's");
}

#[test]
fn wechat_is_busy() {
    let sandbox = sandbox();
    fault(&sandbox, json!({"errcode": {"code": -1}}));
    problem(doctor(&sandbox, TOKEN), 5, "list", "SYSTEM_BUSY");
}

/// The line of the check `store`.
fn store_check(mut command: Command) -> (i32, Value) {
    command.arg("--json");
    let ran = run(command);
    assert_eq!(ran.err, "");
    let line = ran.lines().into_iter().find(|l| l["check"] == "store");
    (ran.code, line.unwrap())
}

#[test]
fn the_store_of_claims_is_shown() {
    let sandbox = sandbox();
    let state = scratch("doctor-store");
    let store = state.join("wxlink/store");
    let in_state = |arguments: &[&str]| {
        let mut command = calling(&sandbox, TOKEN, arguments);
        command.env("XDG_STATE_HOME", &state);
        command
    };
    let found = |ending: &str| (0, format!("file:{}{ending}", store.display()));
    let check = |command| {
        let (code, line) = store_check(command);
        (code, line["found"].as_str().unwrap().to_owned())
    };
    let new = found(", which the first run that posts creates");
    assert_eq!(check(in_state(&["doctor"])), new);
    assert!(!state.join("wxlink").exists());

    let ensure = [&["ensure", APPID], &CHOICES[..]].concat();
    assert_eq!(run(in_state(&ensure)).code, 3);
    let old = found(", can be read and written");
    assert_eq!(check(in_state(&["doctor"])), old);
    let mut chinese = in_state(&["doctor"]);
    chinese.env("WXLINK_LANG", "zh");
    assert_eq!(check(chinese), found("，可读写"));

    let mut set = in_state(&["doctor"]);
    set.env("WXLINK_STORE", "redis://user:HUSHHUSH@127.0.0.1:1/0");
    let shown = "redis://…@127.0.0.1:1/0 (WXLINK_STORE)";
    assert_eq!(check(set), (0, shown.to_owned()));
}

#[test]
fn there_is_no_store_of_claims() {
    let sandbox = sandbox();
    let folder = scratch("doctor-no-store");
    let file = file(&folder, "file", "");
    std::fs::create_dir_all(folder.join("taken/wxlink/store")).unwrap();
    let taken = folder.join("taken").display().to_string();
    for (state, reason) in [
        (None, "neither XDG_STATE_HOME nor HOME"),
        (Some(&*file), "not a directory"),
        (Some(&*taken), "wxlink/store: not a regular file"),
    ] {
        let mut command = doctor(&sandbox, TOKEN);
        command.env_remove("XDG_STATE_HOME").env_remove("HOME");
        if let Some(state) = state {
            command.env("XDG_STATE_HOME", state);
        }
        problem(command, 1, "store", reason);
    }
    let mut command = doctor(&sandbox, TOKEN);
    command.env("XDG_STATE_HOME", &file);
    let (_, line) = store_check(command);
    let advice = line["advice"].as_str().unwrap();
    assert!(advice.contains("may repeat them"), "{advice}");
}

#[test]
fn an_interrupt_ends_the_doctor() {
    let sandbox = sandbox();
    fault(&sandbox, json!("hang"));
    let ready = || received(&sandbox, "get") > 0;
    let arguments = ["doctor", "--timeout-ms", "3600000", "--json"];
    let ran = interrupted(calling(&sandbox, TOKEN, &arguments), "INT", ready);
    assert_eq!(ran.code, 130);
}
