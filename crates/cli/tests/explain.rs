//! `wxlink explain RID`: WeChat's record of a request, with the access token that it needs and
//! without the secrets in it. Every run checks that its output contains none.
#![cfg(unix)]

mod common;

use common::*;
use serde_json::{Value, json};
use wxlink_sandbox::Sandbox;

const OTHER_TOKEN: &str = "SANDBOX-TOKEN-2";

/// Requests to link a mini program that does not exist. Returns the line of the refusal.
fn refused(sandbox: &Sandbox, token: &str) -> Value {
    let arguments = [&["link", "wx0000000000000000", "--json"][..], &CHOICES].concat();
    let ran = run(calling(sandbox, token, &arguments));
    assert_eq!(ran.code, 1, "{}", ran.out);
    ran.json()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

fn explain(sandbox: &Sandbox, token: &str, arguments: &[&str]) -> ProgramOutput {
    run(calling(sandbox, token, &[&["explain"], arguments].concat()))
}

#[test]
fn a_request_of_an_account_is_shown_without_its_token() {
    let sandbox = sandbox();
    let refusal = refused(&sandbox, TOKEN);
    let rid = text(&refusal["rid"]);
    let ran = explain(&sandbox, TOKEN, &[rid, "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.out);
    let line = ran.json();
    assert_eq!(line["rid"], rid);
    assert_eq!(line["client_ip"], "127.0.0.1");
    assert!(line["invoke_time"].as_u64().unwrap() > 1_700_000_000);
    assert!(line["cost_in_ms"].is_u64());
    assert_eq!(
        line["request_url"],
        "/cgi-bin/wxopen/wxamplink?access_token=[hidden]"
    );
    let sent: Value = serde_json::from_str(text(&line["request_body"])).unwrap();
    assert_eq!(
        sent,
        json!({"appid": "wx0000000000000000", "notify_users": 0, "show_profile": 1})
    );
    let response: Value = serde_json::from_str(text(&line["response_body"])).unwrap();
    assert_eq!(response["errcode"], refusal["errcode"]);
    assert_eq!(response["errmsg"], refusal["errmsg"]);

    // The whole errmsg, for people, with the meaning of the errcode on the endpoint.
    let errmsg = text(&refusal["errmsg"]);
    assert!(errmsg.len() > rid.len(), "{errmsg}");
    let ran = explain(&sandbox, TOKEN, &[errmsg]);
    assert_eq!((ran.code, &*ran.err), (0, ""));
    let code = refusal["errcode"].to_string();
    for part in [
        rid,
        " in Beijing\n",
        "127.0.0.1",
        "access_token=[hidden]\n",
        &format!("\n{code} "),
    ] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    let ran = explain(&sandbox, TOKEN, &[errmsg, "--lang", "zh"]);
    assert!(ran.out.contains("北京时间"), "{}", ran.out);
}

#[test]
fn a_rid_that_wechat_does_not_show_is_an_error_with_advice() {
    let sandbox = sandbox();
    let rid = refused(&sandbox, TOKEN)["rid"].clone();
    let rid = text(&rid);
    let answers = |token: &str, rid: &str, errcode: i32| {
        let ran = explain(&sandbox, token, &[rid, "--json"]);
        assert_eq!(ran.code, 1, "{}", ran.out);
        let line = ran.json();
        assert_eq!(line["errcode"], errcode, "{line}");
        assert_eq!(line["class"], "invalid_request");
        assert!(text(&line["message"]).contains("rid/get"), "{line}");
    };
    answers(TOKEN, "00000000-00000000-00000000", 76001);
    answers(OTHER_TOKEN, rid, 76003);
    assert_eq!(explain(&sandbox, TOKEN, &[rid]).code, 0);
    let days = |days: u64| json!({"advance_s": days * 86_400});
    admin(&sandbox, "POST", "clock", days(6));
    assert_eq!(explain(&sandbox, TOKEN, &[rid]).code, 0);
    admin(&sandbox, "POST", "clock", days(2));
    answers(TOKEN, rid, 76001);
}

#[test]
fn a_request_of_the_platform_needs_the_platforms_token() {
    let sandbox = sandbox();
    let dir = scratch("explain-platform");
    let set_ticket = platform(&sandbox, &dir, &["platform", "set-ticket"]);
    assert_eq!(run_with(set_ticket, "SANDBOX-TICKET\n").code, 0);
    let refused_info = json!({"endpoint": "authorizer_info", "times": 1,
        "fault": {"errcode": {"code": 48001}}});
    admin(&sandbox, "POST", "faults", refused_info);
    let status = run(platform(&sandbox, &dir, &["platform", "status", "--json"]));
    let rid = status.lines()[1]["rid"].clone();
    let rid = text(&rid);
    let shown = |rid: &str, account: Option<&str>| {
        let mut command = platform(&sandbox, &dir, &["explain", rid, "--json"]);
        if let Some(account) = account {
            command.env("WXLINK_ACCOUNT", account);
        }
        let ran = run(command);
        assert_eq!((ran.code, &*ran.err), (0, ""), "{}", ran.out);
        ran.json()
    };
    // With an account, its own token is tried first.
    for account in [None, Some(ACCOUNT)] {
        let line = shown(rid, account);
        assert_eq!(
            line["request_url"],
            "/cgi-bin/component/api_get_authorizer_info?component_access_token=[hidden]"
        );
        let sent: Value = serde_json::from_str(text(&line["request_body"])).unwrap();
        assert_eq!(sent["authorizer_appid"], ACCOUNT);
    }

    // The request for the platform's own token contains its secret and its ticket.
    let other = scratch("explain-platform-secret");
    let mut set_ticket = platform(&sandbox, &other, &["platform", "set-ticket"]);
    set_ticket.env("WXLINK_COMPONENT_APPSECRET", "HUSHHUSH");
    assert_eq!(run_with(set_ticket, "SANDBOX-TICKET\n").code, 0);
    let mut status = platform(&sandbox, &other, &["platform", "status", "--json"]);
    status.env("WXLINK_COMPONENT_APPSECRET", "HUSHHUSH");
    let refusal = run(status).lines()[1].clone();
    assert_eq!(refusal["errcode"], 40125, "{refusal}");
    let line = shown(text(&refusal["rid"]), None);
    let sent: Value = serde_json::from_str(text(&line["request_body"])).unwrap();
    assert_eq!(sent["component_appid"], "wx0c00000000000001");
    assert_eq!(sent["component_appsecret"], "[hidden]");
    assert_eq!(sent["component_verify_ticket"], "[hidden]");

    // The request for the token of an account that gets none, as its user asks about it.
    let account = "wx0a00000000000002";
    let listed_only = json!({"refresh_token": "SANDBOX-LISTED", "release_test": true});
    admin(
        &sandbox,
        "PUT",
        &format!("authorizers/{account}"),
        listed_only,
    );
    let mut list = platform(&sandbox, &dir, &["list", "--json"]);
    list.env("WXLINK_ACCOUNT", account);
    let refusal = run(list).json();
    assert_eq!(refusal["errcode"], 61003, "{refusal}");
    let line = shown(text(&refusal["rid"]), Some(account));
    assert_eq!(
        line["request_url"],
        "/cgi-bin/component/api_authorizer_token?component_access_token=[hidden]"
    );
    let sent: Value = serde_json::from_str(text(&line["request_body"])).unwrap();
    assert_eq!(sent["authorizer_refresh_token"], "[hidden]");

    // An account's request, with the account's token and with that of the platform.
    let get = json!({"endpoint": "get", "times": 1, "fault": {"errcode": {"code": 61007}}});
    admin(&sandbox, "POST", "faults", get);
    let mut list = platform(&sandbox, &dir, &["list", "--json"]);
    list.env("WXLINK_ACCOUNT", ACCOUNT);
    let refusal = run(list).json();
    assert_eq!(refusal["errcode"], 61007, "{refusal}");
    let rid = text(&refusal["rid"]);
    let url = shown(rid, Some(ACCOUNT))["request_url"].clone();
    assert_eq!(url, "/cgi-bin/wxopen/wxamplinkget?access_token=[hidden]");
    let ran = run(platform(&sandbox, &dir, &["explain", rid, "--json"]));
    assert_eq!(ran.json()["errcode"], 76003);
    let ran = run(platform(&sandbox, &dir, &["explain", rid]));
    assert!(
        ran.err.contains("name it with --account APPID"),
        "{}",
        ran.err
    );
}

#[test]
fn a_rid_needs_a_source_of_tokens_and_no_endpoint() {
    let rid = "61932a5b-0e248764-42d1c1b2";
    let sandbox = sandbox();
    for arguments in [
        &["explain", rid][..],
        &["explain", rid, "--endpoint", "link"],
    ] {
        let mut command = bare(arguments);
        command.env("WXLINK_BASE_URL", sandbox.http_url());
        let ran = run(command);
        assert_eq!((ran.code, &*ran.out), (2, ""), "{}", ran.err);
    }
    assert_eq!(received(&sandbox, "rid"), 0);
    for not_a_rid in ["61932a5b-0e248764-42d1c1bg", "rid: 61932a5b"] {
        let ran = explain(&sandbox, TOKEN, &[not_a_rid]);
        assert_eq!((ran.code, &*ran.out), (2, ""), "{}", ran.err);
        assert!(ran.err.contains("rid"), "{}", ran.err);
    }
    assert_eq!(received(&sandbox, "rid"), 0);
}
