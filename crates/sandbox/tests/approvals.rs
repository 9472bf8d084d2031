//! Linking and unlinking, from the call to the last decision.

mod common;

use common::*;
use serde_json::json;

#[test]
fn decisions_by_hand_from_linking_to_unlinking() {
    let sandbox = start();
    assert!(statuses(&sandbox).is_empty());
    assert_eq!(link(&sandbox, APPID), 0);
    assert_eq!(statuses(&sandbox), [12]);
    assert_eq!(link(&sandbox, APPID), 89010);
    assert_eq!(
        decide(&sandbox, "official_account", "agree"),
        json!({"state": "waiting_mini_program"})
    );
    assert_eq!(statuses(&sandbox), [2]);
    assert_eq!(link(&sandbox, APPID), 89010);
    assert_eq!(
        decide(&sandbox, "mini_program", "agree"),
        json!({"state": "linked"})
    );
    assert_eq!(statuses(&sandbox), [1]);
    assert_eq!(link(&sandbox, APPID), 89015);

    assert_eq!(unlink(&sandbox, APPID), 0);
    // Nothing changes until the administrator agrees.
    assert_eq!(statuses(&sandbox), [1]);
    assert_eq!(unlink(&sandbox, APPID), 89018);
    assert_eq!(link(&sandbox, APPID), 89015);
    decide(&sandbox, "official_account", "refuse");
    assert_eq!(statuses(&sandbox), [1]);
    assert_eq!(unlink(&sandbox, APPID), 0);
    assert_eq!(
        decide(&sandbox, "official_account", "agree"),
        json!({"state": null})
    );
    assert!(statuses(&sandbox).is_empty());
    assert_eq!(unlink(&sandbox, APPID), 40013);
}

#[test]
fn the_item_shows_the_flags_of_the_call() {
    let sandbox = start();
    let body = json!({"appid": APPID, "notify_users": "1", "show_profile": "0"}).to_string();
    assert_eq!(errcode(&call(&sandbox, "link", TOKEN, &body)), 0);
    let item = &items(&sandbox)[0];
    assert_eq!(item["appid"], APPID);
    assert_eq!(item["username"], "gh_000000000001");
    assert_eq!(item["selected"], 0);
    assert_eq!(item["released"], 1);
    assert_eq!(item["nearby_display_status"], 0);
    assert_eq!(
        item["func_infos"][0],
        json!({"status": 1, "id": 1, "name": "微信认证"})
    );
}

#[test]
fn a_refused_link_can_be_requested_again() {
    let sandbox = start();
    link(&sandbox, APPID);
    decide(&sandbox, "official_account", "agree");
    decide(&sandbox, "mini_program", "refuse");
    let item = &items(&sandbox)[0];
    assert_eq!(item["status"], 3);
    assert!(item.get("appid").is_none());
    for field in [
        "username",
        "source",
        "nickname",
        "headimg_url",
        "func_infos",
    ] {
        assert!(item.get(field).is_some(), "{field}");
    }
    assert_eq!(unlink(&sandbox, APPID), 40013);
    assert_eq!(link(&sandbox, APPID), 0);
    assert_eq!(statuses(&sandbox), [12]);
}

#[test]
fn refused_and_expired_invitations_are_removed_from_the_list() {
    for (by_first, decision) in [
        ("official_account", "refuse"),
        ("official_account", "vanish"),
    ] {
        let sandbox = start();
        link(&sandbox, APPID);
        decide(&sandbox, by_first, decision);
        assert!(statuses(&sandbox).is_empty());
        assert_eq!(link(&sandbox, APPID), 0);
    }
    let sandbox = start();
    link(&sandbox, APPID);
    decide(&sandbox, "official_account", "agree");
    decide(&sandbox, "mini_program", "vanish");
    assert!(statuses(&sandbox).is_empty());
}

#[test]
fn a_link_requested_in_the_console() {
    let sandbox = start();
    let body = json!({"account": ACCOUNT, "appid": APPID});
    admin(&sandbox, "POST", "console_link", body.clone());
    assert_eq!(statuses(&sandbox), [2]);
    assert_eq!(link(&sandbox, APPID), 89035);
    let error = sandbox.admin("POST", "console_link", &body).unwrap_err();
    assert_eq!(error.status(), 409);
    decide(&sandbox, "mini_program", "agree");
    assert_eq!(link(&sandbox, APPID), 89015);
}

#[test]
fn decisions_are_made_after_polls() {
    let sandbox = start_with(json!({
        "official_account": {"when": {"polls": 1}},
        "mini_program": {"when": {"polls": 2}},
        "unlink": {"when": {"polls": 1}},
    }));
    link(&sandbox, APPID);
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.extend(statuses(&sandbox));
    }
    assert_eq!(seen, [12, 2, 2, 1, 1]);
    unlink(&sandbox, APPID);
    assert_eq!(statuses(&sandbox), [1]);
    assert!(statuses(&sandbox).is_empty());
}

#[test]
fn decisions_are_made_by_the_clock() {
    let sandbox = start_with(json!({
        "official_account": {"when": {"seconds": 3600}},
        "mini_program": {"when": {"seconds": 7200}, "decision": "refuse"},
    }));
    link(&sandbox, APPID);
    assert_eq!(statuses(&sandbox), [12]);
    admin(&sandbox, "POST", "clock", json!({"advance_s": 3600}));
    assert_eq!(statuses(&sandbox), [2]);
    admin(&sandbox, "POST", "clock", json!({"advance_s": 7200}));
    assert_eq!(statuses(&sandbox), [3]);
}

#[test]
fn decisions_are_made_immediately_with_exceptions() {
    let sandbox = start();
    admin(
        &sandbox,
        "PUT",
        "policy",
        json!({
            "official_account": {"when": "immediate"},
            "mini_program": {"when": "immediate"},
            "unlink": {"when": "immediate"},
            "miniprograms": {
                "wx0b00000000000002": {"mini_program": {"when": "immediate", "decision": "refuse"}},
                "wx0b00000000000003": {
                    "official_account": {"when": "immediate", "decision": "vanish"},
                },
                "wx0b00000000000004": {"mini_program": {}},
                "wx0b00000000000005": {"unlink": {"when": "immediate", "decision": "refuse"}},
            },
        }),
    );
    for number in 1..=5 {
        assert_eq!(link(&sandbox, &format!("wx0b{number:014x}")), 0);
    }
    assert_eq!(statuses(&sandbox), [1, 3, 2, 1]);
    assert_eq!(unlink(&sandbox, APPID), 0);
    assert_eq!(unlink(&sandbox, "wx0b00000000000005"), 0);
    assert_eq!(statuses(&sandbox), [3, 2, 1]);
}
