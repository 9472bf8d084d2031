//! A store that cannot be used: the command reports why and exits with 4.
#![cfg(unix)]

mod common;

use std::fs;
use std::process::Command;

use common::*;
use serde_json::Value;
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
    assert_eq!((ran.code, ran.out.as_str()), (4, ""), "{}", ran.err);
    assert!(ran.err.contains(reason), "{}", ran.err);
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
