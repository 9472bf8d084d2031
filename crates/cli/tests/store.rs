//! The store of the command: what runs share, and what is reported if it cannot be used.
#![cfg(unix)]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use common::*;
use serde_json::{Value, json};
use wxlink_sandbox::Sandbox;

fn platform(sandbox: &Sandbox, store: &str, arguments: &[&str]) -> Command {
    let mut command = bare(arguments);
    command
        .env("WXLINK_BASE_URL", sandbox.http_url())
        .env("WXLINK_COMPONENT_APPID", "wx0c00000000000001")
        .env("WXLINK_COMPONENT_APPSECRET", "SANDBOX-COMPONENT-SECRET")
        .env("WXLINK_ACCOUNT", ACCOUNT)
        .env("WXLINK_STORE", store);
    command
}

/// Checks that `platform set-ticket` and `list` report that the store cannot be used, and why.
#[track_caller]
fn refused(sandbox: &Sandbox, store: &str, reason: &str) {
    let set_ticket = ["platform", "set-ticket"];
    let ran = run_with(platform(sandbox, store, &set_ticket), "SANDBOX-TICKET\n");
    assert_eq!((ran.code, ran.out.as_str()), (5, ""), "{}", ran.err);
    assert!(ran.err.contains(reason), "{}", ran.err);
    assert!(ran.err.contains("STORE") && !ran.err.contains("TOKEN"));
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    let ran = run(platform(sandbox, store, &["list"]));
    assert_eq!((ran.code, ran.out.as_str()), (4, ""), "{}", ran.err);
    assert!(ran.err.contains(reason), "{}", ran.err);
    let ran = run(platform(sandbox, store, &["list", "--json"]));
    let line = ran.json();
    assert_eq!((ran.code, &line["status"]), (4, &Value::from("NO_TOKEN")));
    assert!(line["message"].as_str().unwrap().contains(reason), "{line}");
}

#[test]
fn a_damaged_store_is_reported_and_not_changed() {
    let sandbox = sandbox();
    let path = scratch("damaged-store").join("tokens");
    let store = format!("file:{}", path.display());
    let arguments = ["platform", "set-ticket"];
    let set_ticket = |ticket: &str| run_with(platform(&sandbox, &store, &arguments), ticket);
    assert_eq!(set_ticket("SANDBOX-TICKET\n").code, 0);
    assert_eq!(run(platform(&sandbox, &store, &["list"])).code, 0);
    let whole = fs::read(&path).unwrap();
    for len in [0, 1, 100, 4096, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..len]).unwrap();
        refused(&sandbox, &store, "is damaged: ");
        assert!(fs::read(&path).unwrap() == whole[..len]);
    }
    let reason = format!("the store {} is damaged: ", path.display());
    refused(&sandbox, &store, &reason);
    fs::remove_file(&path).unwrap();
    assert_eq!(set_ticket("SANDBOX-TICKET\n").code, 0);
    assert_eq!(run(platform(&sandbox, &store, &["list"])).code, 0);
}

#[test]
fn an_unsafe_store_path_is_refused() {
    let sandbox = sandbox();
    let dir = scratch("unsafe-store");
    let store = |name: &str| format!("file:{}", dir.join(name).display());
    std::os::unix::fs::symlink(dir.join("elsewhere"), dir.join("link")).unwrap();
    refused(&sandbox, &store("link"), "symbolic link");
    assert!(!dir.join("elsewhere").exists());
    refused(&sandbox, &store(""), "regular file");
    refused(&sandbox, &store("missing/tokens"), "Create the folder");
    let arguments = ["list", "--lang", "zh"];
    let chinese = run(platform(&sandbox, &store("link"), &arguments));
    assert!(chinese.err.contains("是符号链接"), "{}", chinese.err);
    assert!(!chinese.err.contains("symbolic"), "{}", chinese.err);
}

/// A run of `ensure` from cron, with nothing but a token and the account.
fn ensure(sandbox: &Sandbox, state: &Path, more: &[&str]) -> ProgramOutput {
    let arguments = [
        &["ensure", APPID, "--json", "--account", ACCOUNT],
        &CHOICES[..],
        more,
    ];
    let mut command = calling(sandbox, TOKEN, &arguments.concat());
    command.env("XDG_STATE_HOME", state);
    command.env("WXLINK_SETTLE_MS", "1");
    run(command)
}

#[test]
fn runs_without_a_store_remember_invitations_and_three_refusals_get_one_post() {
    let sandbox = sandbox();
    let state = scratch("state");
    let policy = json!({"official_account": {"when": {"polls": 1}, "decision": "refuse"}});
    sandbox.admin("PUT", "policy", &policy).unwrap();
    for posts in [1, 0, 0] {
        let ran = ensure(&sandbox, &state, &["--wait", "5s"]);
        let line = ran.json();
        assert_eq!((ran.code, &line["posts"]), (1, &json!(posts)), "{line}");
    }
    let counts = sandbox
        .admin("GET", "journal/counts", &Value::Null)
        .unwrap();
    assert_eq!(counts["received"]["link"], 1);
    let store = state.join("wxlink/store");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&store), mode(&state.join("wxlink"))), (0o600, 0o700));
    // On request it is repeated.
    let again = ensure(&sandbox, &state, &["--reinvite", "yes"]).json();
    assert_eq!(again["posts"], 1, "{again}");
}

#[test]
fn rows_and_single_links_share_the_default_store() {
    let sandbox = sandbox();
    let dir = scratch("shared-state");
    let rows = file(
        &dir,
        "rows.csv",
        &format!("account,appid,notify_users,show_profile\n{ACCOUNT},{APPID},0,1\n"),
    );
    let late =
        json!({"endpoint": "link", "effect_after_ms": 3_600_000, "fault": {"drop": "reset"}});
    sandbox.admin("POST", "faults", &late).unwrap();
    let bulk = |job: &str| {
        let job = dir.join(job);
        let arguments = ["bulk", &*rows, "--json", "--job", job.to_str().unwrap()];
        let mut command = calling(&sandbox, TOKEN, &arguments);
        command.env("XDG_STATE_HOME", &dir);
        command.env("WXLINK_ACCOUNT", ACCOUNT);
        run(command)
    };
    bulk("first");
    bulk("second");
    let arguments = [
        &["ensure", APPID, "--json", "--account", ACCOUNT],
        &CHOICES[..],
    ];
    let mut command = calling(&sandbox, TOKEN, &arguments.concat());
    command.env("XDG_STATE_HOME", &dir);
    let line = run(command).json();
    assert_eq!(line["status"], "IN_DOUBT", "{line}");
    let counts = sandbox.admin("GET", "journal/counts", &Value::Null);
    assert_eq!(counts.unwrap()["received"]["link"], 1);
}

#[test]
fn without_a_folder_for_state_a_run_warns_and_works() {
    let sandbox = sandbox();
    let file = file(&scratch("no-state"), "file", "");
    let arguments = [&["ensure", APPID][..], &CHOICES[..]].concat();
    for home in [None, Some("relative"), Some(&*file)] {
        let mut command = calling(&sandbox, TOKEN, &arguments);
        command.env_remove("XDG_STATE_HOME").env_remove("HOME");
        if let Some(home) = home {
            command.env("XDG_STATE_HOME", home);
        }
        let ran = run(command);
        assert_eq!(ran.code, 3, "{}", ran.err);
        assert!(ran.err.contains("warning: "), "{}", ran.err);
        assert!(ran.err.contains("the option store"), "{}", ran.err);
    }
    // A store that is set is used.
    let mut command = calling(&sandbox, TOKEN, &arguments);
    command
        .env_remove("XDG_STATE_HOME")
        .env("WXLINK_STORE", "memory");
    assert!(!run(command).err.contains("warning"));
}
