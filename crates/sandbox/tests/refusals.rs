//! Every reason for which WeChat refuses a call.

mod common;

use std::time::{SystemTime, UNIX_EPOCH};

use common::*;
use serde_json::{Value, json};
use wxlink_sandbox::{Policy, Sandbox, Settings, When};

fn rid_time(errmsg: &str) -> u64 {
    let rid = errmsg.rsplit("rid: ").next().expect("a rid");
    let groups: Vec<_> = rid.split('-').collect();
    assert_eq!(groups.len(), 3, "{errmsg}");
    assert!(groups.iter().all(|group| group.len() == 8), "{errmsg}");
    u64::from_str_radix(groups[0], 16).expect("hex")
}

#[test]
fn every_kind_of_token() {
    let sandbox = start();
    for (token, code, text) in [
        ("SANDBOX-EXPIRED", 42001, "access_token expired"),
        ("SANDBOX-REVOKED", 40001, "invalid credential"),
        ("NEVER-HEARD-OF", 40001, "invalid credential"),
        ("SANDBOX-MALFORMED", 40014, "invalid access_token"),
        ("SANDBOX-COMPONENT", 48001, "api unauthorized"),
        (
            "SANDBOX-NO-PERMISSION",
            61007,
            "api is unauthorized to component",
        ),
        ("", 41001, "access_token missing"),
    ] {
        for endpoint in ["link", "get", "unlink"] {
            let response = call(&sandbox, endpoint, token, &link_body(APPID));
            assert_eq!(errcode(&response), code, "{token}");
            let errmsg = response["errmsg"].as_str().unwrap();
            assert!(errmsg.starts_with(text), "{errmsg}");
            let now = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap()
                .as_secs();
            assert!(rid_time(errmsg).abs_diff(now) < 60, "{errmsg}");
        }
    }
    for token in ["SANDBOX-TOKEN", "SANDBOX%2DTOKEN", "SANDBOX-TOKEN-2"] {
        assert_eq!(errcode(&call(&sandbox, "get", token, "{}")), 0);
    }
    // A token can be changed, and a new one added.
    let expired = json!({"account": ACCOUNT, "kind": "expired"});
    admin(&sandbox, "PUT", "tokens/SANDBOX-TOKEN", expired);
    admin(&sandbox, "PUT", "tokens/a%2Fb", json!({"account": ACCOUNT}));
    assert_eq!(errcode(&call(&sandbox, "get", TOKEN, "{}")), 42001);
    assert_eq!(errcode(&call(&sandbox, "get", "a/b", "{}")), 0);
}

#[test]
fn every_invalid_request() {
    let sandbox = start();
    let flags = |notify: Value, show: Value| {
        json!({"appid": APPID, "notify_users": notify, "show_profile": show}).to_string()
    };
    for (endpoint, body, code) in [
        ("link", String::new(), 44002),
        ("get", String::new(), 44002),
        ("get", "nonsense".to_owned(), 47001),
        ("get", "[]".to_owned(), 47001),
        ("link", "{}".to_owned(), 40013),
        ("unlink", "{}".to_owned(), 40013),
        ("link", link_body("wx12"), 40013),
        ("link", link_body("wx0bffffffffffffff"), 40013),
        ("unlink", link_body("wx0bffffffffffffff"), 40013),
        ("link", link_body("gh_000000000001"), 40166),
        ("unlink", link_body("gh_000000000001"), 40166),
        ("link", json!({"appid": 5}).to_string(), 40013),
        ("link", json!({"appid": APPID}).to_string(), 40097),
        ("link", flags(json!(2), json!(0)), 40097),
        ("link", flags(json!(0), json!("yes")), 40097),
        ("link", flags(json!(true), json!(0)), 40097),
        ("link", flags(json!(null), json!(0)), 40097),
        // A service account, and the account itself.
        ("link", link_body("wx0a00000000000004"), -1),
        ("link", link_body(ACCOUNT), -1),
    ] {
        let response = call(&sandbox, endpoint, TOKEN, &body);
        assert_eq!(errcode(&response), code, "{endpoint} {body}");
    }
    let get = request("GET", &target("get", TOKEN), "");
    let response = send(&mut connect(&sandbox), &get).unwrap();
    assert_eq!(errcode(&response.json()), 43002);
    assert!(
        response
            .head
            .contains("Content-Type: application/json; encoding=utf-8"),
        "{}",
        response.head
    );
    let elsewhere = request("POST", "/cgi-bin/else?access_token=SANDBOX-TOKEN", "{}");
    let response = send(&mut connect(&sandbox), &elsewhere).unwrap();
    assert_eq!(errcode(&response.json()), 40066);
    assert!(statuses(&sandbox).is_empty());
}

#[test]
fn every_mini_program_that_cannot_be_linked_or_unlinked() {
    let sandbox = Sandbox::start(Settings {
        policy: Policy::all(When::Immediate),
        ..Settings::default()
    })
    .unwrap();
    for (number, on_link, on_unlink) in [
        ("e1", 89013, 40013),
        ("e2", 89008, 40013),
        ("e3", 89245, 40013),
        ("e4", 89009, 40013),
        ("e5", 1003, 40013),
        ("e6", 1005, 40013),
        ("e7", 0, 89011),
        ("e8", 0, 89012),
    ] {
        let appid = format!("wx0b000000000000{number}");
        assert_eq!(link(&sandbox, &appid), on_link, "{appid}");
        assert_eq!(unlink(&sandbox, &appid), on_unlink, "{appid}");
    }
    let nearby = items(&sandbox)
        .into_iter()
        .find(|item| item["appid"] == "wx0b000000000000e7");
    assert_eq!(nearby.unwrap()["nearby_display_status"], 1);
}

#[test]
fn quotas_by_subject() {
    let sandbox = start();
    for number in 1..=10 {
        assert_eq!(link(&sandbox, &format!("wx0b{number:014x}")), 0);
    }
    assert_eq!(link(&sandbox, "wx0b0000000000000b"), 89016);
    for number in 1..=3 {
        assert_eq!(link(&sandbox, &format!("wx0b000000000000d{number}")), 0);
    }
    assert_eq!(link(&sandbox, "wx0b000000000000d4"), 89017);
    // A refused invitation no longer counts for its subject, but the monthly quota is used up.
    admin(
        &sandbox,
        "POST",
        "approvals",
        json!({
            "account": ACCOUNT,
            "appid": "wx0b000000000000d1",
            "by": "official_account",
            "decision": "refuse",
        }),
    );
    assert_eq!(link(&sandbox, "wx0b000000000000d4"), 89007);
    admin(&sandbox, "POST", "clock", json!({"advance_s": 32 * 86_400}));
    assert_eq!(link(&sandbox, "wx0b000000000000d4"), 0);
}

#[test]
fn quotas_belong_to_the_account() {
    let sandbox = start();
    admin(
        &sandbox,
        "PUT",
        "accounts/wx0a00000000000001",
        json!({"limits": {"same_subject": 500, "monthly": 1}}),
    );
    assert_eq!(link(&sandbox, APPID), 0);
    assert_eq!(link(&sandbox, "wx0b00000000000002"), 89007);
    admin(
        &sandbox,
        "PUT",
        "accounts/wx0a00000000000001",
        json!({"subject": "别的公司", "limits": {"different_subject": 1}}),
    );
    // The link stays, but counts as one of another subject now.
    assert_eq!(statuses(&sandbox), [12]);
    assert_eq!(link(&sandbox, "wx0b00000000000002"), 89017);
}
