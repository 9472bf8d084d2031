//! The admin interface, over HTTP and in process: its errors, the state and the journal.

mod common;

use common::*;
use serde_json::{Value, json};
use wxlink_sandbox::{Sandbox, Settings};

#[test]
fn it_works_the_same_over_http_and_in_process() {
    let sandbox = start();
    let mut stream = connect(&sandbox);
    let rule = json!({"endpoint": "link", "fault": {"drop": "close"}}).to_string();
    let response = send(&mut stream, &request("POST", "/__sandbox/faults", &rule)).unwrap();
    assert_eq!((response.status, response.json()), (200, json!({"id": 1})));
    let response = send(&mut stream, &request("GET", "/__sandbox/faults", "")).unwrap();
    assert_eq!(
        response.json(),
        admin(&sandbox, "GET", "faults", Value::Null)
    );
    assert_eq!(
        response.json(),
        admin(&sandbox, "GET", "/__sandbox/faults/", Value::Null)
    );
    let response = send(&mut stream, &request("POST", "/__sandbox/faults", "{")).unwrap();
    assert_eq!(response.status, 400);
    for (field, text) in [("error", "invalid body"), ("error_zh", "请求体无效")] {
        let body = response.json();
        assert!(body[field].as_str().unwrap().contains(text), "{body}");
    }
}

#[test]
fn errors_say_what_to_do() {
    let sandbox = start();
    link(&sandbox, APPID);
    let approval = |appid: &str, by: &str| {
        let decision = "agree";
        json!({"account": ACCOUNT, "appid": appid, "by": by, "decision": decision})
    };
    for (method, path, body, status, part) in [
        (
            "GET",
            "nothing",
            json!(null),
            404,
            "Use one of: GET /__sandbox/state",
        ),
        ("GET", "", json!(null), 404, "GET /__sandbox/state"),
        ("POST", "state", json!(null), 405, "GET /__sandbox/state"),
        (
            "PUT",
            "tokens",
            json!({}),
            404,
            "PUT /__sandbox/tokens/{token}",
        ),
        ("POST", "faults", json!(null), 400, "body is empty"),
        (
            "POST",
            "faults",
            json!({"fault": "fire"}),
            400,
            "unknown variant `fire`",
        ),
        (
            "POST",
            "faults",
            json!({"fault": "hang", "on": 1}),
            400,
            "unknown field `on`",
        ),
        (
            "PUT",
            "policy",
            json!({"link": 1}),
            400,
            "unknown field `link`",
        ),
        ("PUT", "accounts/gh_1", json!({}), 400, "16 lower-case hex"),
        (
            "PUT",
            "accounts/wx0b00000000000001",
            json!({}),
            400,
            "that of a mini program",
        ),
        (
            "PUT",
            "miniprograms/wx0a00000000000001",
            json!({}),
            400,
            "that of an account",
        ),
        (
            "PUT",
            "miniprograms/wx0b00000000000001",
            json!({"name": ""}),
            400,
            "unknown field `name`",
        ),
        ("PUT", "tokens/T", json!({}), 400, "needs an `account`"),
        (
            "PUT",
            "tokens/T",
            json!({"kind": "bad"}),
            400,
            "unknown variant `bad`",
        ),
        (
            "POST",
            "approvals",
            approval("wx0b00000000000002", "mini_program"),
            409,
            "no decision is pending",
        ),
        (
            "POST",
            "approvals",
            approval(APPID, "mini_program"),
            409,
            "official_account",
        ),
        (
            "POST",
            "approvals",
            json!({"account": "wx1", "appid": APPID, "by": "mini_program", "decision": "agree"}),
            404,
            "unknown account",
        ),
        (
            "POST",
            "console_link",
            json!({"account": ACCOUNT, "appid": "wx0b0000000000ffff"}),
            404,
            "unknown mini program",
        ),
        (
            "POST",
            "clock",
            json!({"advance_s": -1}),
            400,
            "invalid body",
        ),
        (
            "POST",
            "clock",
            json!({"advance_s": u64::MAX}),
            400,
            "a hundred years",
        ),
        (
            "POST",
            "reset",
            json!({"tokens": {"T": {}}}),
            400,
            "needs an `account`",
        ),
        ("GET", "journal?last=3", json!(null), 400, "?after=SEQ"),
    ] {
        let error = sandbox.admin(method, path, &body).expect_err(path);
        assert_eq!(error.status(), status, "{method} {path}: {error}");
        assert!(error.to_string().contains(part), "{method} {path}: {error}");
    }
    // None of these requests changed anything.
    assert_eq!(statuses(&sandbox), [12]);
}

#[test]
fn reset_accepts_the_world_that_state_returns() {
    let sandbox = start();
    link(&sandbox, APPID);
    decide(&sandbox, "official_account", "agree");
    let state = admin(&sandbox, "GET", "state", Value::Null);
    let account = &state["world"]["accounts"][ACCOUNT];
    assert_eq!(account["linked_this_month"], 1);
    assert_eq!(
        account["links"],
        json!([{
            "appid": APPID,
            "state": "waiting_mini_program",
            "from_console": false,
            "selected": true,
        }])
    );

    fault(&sandbox, json!({"fault": "hang", "always": true}));
    admin(&sandbox, "POST", "clock", json!({"advance_s": 100}));
    admin(
        &sandbox,
        "PUT",
        "policy",
        json!({"unlink": {"when": "immediate"}}),
    );
    admin(&sandbox, "POST", "reset", json!({}));
    let fresh = admin(&sandbox, "GET", "state", Value::Null);
    assert_eq!(fresh["ahead_s"], 0);
    assert_eq!(fresh["faults"], 0);
    assert_eq!(fresh["policy"]["unlink"]["when"], "manual");
    assert!(statuses(&sandbox).is_empty());

    admin(&sandbox, "POST", "reset", state["world"].clone());
    assert_eq!(statuses(&sandbox), [2]);
    decide(&sandbox, "mini_program", "agree");
    assert_eq!(statuses(&sandbox), [1]);
}

#[test]
fn the_journal_shows_requests_without_secrets() {
    let sandbox = start();
    let mut stream = connect(&sandbox);
    let request = format!(
        "POST {}&x=1 HTTP/1.1\r\nHost: h\r\nUser-Agent: test/1\r\nContent-Length: 2\r\n\r\n{{}}",
        target("get", TOKEN)
    );
    send(&mut stream, &request).unwrap();
    send(&mut stream, &request.replace(TOKEN, "a-real-one")).unwrap();
    send(&mut connect(&sandbox), &request).unwrap();
    let journal = admin(&sandbox, "GET", "journal", Value::Null);
    let entries = journal["entries"].as_array().unwrap();
    assert_eq!(journal["dropped"], 0);
    let (first, second, third) = (&entries[0], &entries[1], &entries[2]);
    assert_eq!(first["seq"], 1);
    assert_eq!(first["endpoint"], "get");
    assert_eq!(first["listener"], "http");
    assert_eq!(first["path"], "/cgi-bin/wxopen/wxamplinkget");
    assert_eq!(first["query"], "access_token=SANDBOX-TOKEN&x=1");
    assert_eq!(first["headers"]["user-agent"], "test/1");
    assert_eq!(first["body"], "{}");
    assert_eq!(first["answered"], json!({"status": 200, "errcode": 0}));
    assert_eq!(second["query"], "access_token=MASKED&x=1");
    assert_eq!(second["answered"]["errcode"], 40001);
    assert_eq!(first["connection"], second["connection"]);
    assert_ne!(first["connection"], third["connection"]);
    assert!(!journal.to_string().contains("a-real-one"));

    let counts = admin(&sandbox, "GET", "journal/counts", Value::Null);
    let per_endpoint = json!({
        "link": 0, "get": 3, "unlink": 0, "component_token": 0, "authorizer_token": 0,
        "authorizer_list": 0, "start_push_ticket": 0, "pre_auth_code": 0, "query_auth": 0,
        "authorizer_info": 0, "rid": 0, "other": 0,
    });
    assert_eq!(
        counts,
        json!({"received": per_endpoint, "processed": per_endpoint, "connections": 2})
    );
    let after = admin(&sandbox, "GET", "journal?after=2", Value::Null);
    assert_eq!(after["entries"].as_array().unwrap().len(), 1);
    assert_eq!(
        admin(&sandbox, "DELETE", "journal", Value::Null),
        json!({"removed": 3})
    );
    send(&mut stream, &request).unwrap();
    let journal = admin(&sandbox, "GET", "journal", Value::Null);
    assert_eq!(journal["entries"][0]["seq"], 4);
}

#[test]
fn requests_of_other_web_pages_are_refused() {
    let sandbox = start();
    let mut stream = connect(&sandbox);
    for (headers, status) in [
        (
            "Host: localhost\r\nOrigin: http://localhost\r\nSec-Fetch-Site: same-origin",
            200,
        ),
        ("Host: evil.example", 403),
        ("Host: localhost\r\nOrigin: http://evil.example", 403),
        ("Host: localhost\r\nSec-Fetch-Site: cross-site", 403),
        ("Host: localhost\r\nContent-Type: text/plain", 415),
        (
            "Host: localhost\r\nContent-Type: application/x-www-form-urlencoded",
            200,
        ),
    ] {
        let body = r#"{"fault":"hang"}"#;
        let request = format!(
            "POST /__sandbox/faults HTTP/1.1\r\n{headers}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let response = send(&mut stream, &request).unwrap();
        assert_eq!(response.status, status, "{headers}");
        let is_explained = response.json()["error"].is_string();
        assert_eq!(is_explained, status != 200, "{headers}");
    }
    let faults = admin(&sandbox, "GET", "faults", Value::Null);
    assert_eq!(faults["faults"].as_array().unwrap().len(), 2);
    admin(&sandbox, "DELETE", "faults", Value::Null);
    // WeChat's endpoints do not look at these headers.
    let call = get_request().replace("Host: sandbox", "Host: evil.example\r\nOrigin: null");
    assert_eq!(errcode(&send(&mut stream, &call).unwrap().json()), 0);
}

#[test]
fn the_date_follows_the_clock() {
    let sandbox = start();
    let year = |sandbox: &Sandbox| {
        let head = send(&mut connect(sandbox), &get_request()).unwrap().head;
        let date = head
            .lines()
            .find_map(|line| line.strip_prefix("Date: "))
            .unwrap();
        assert!(date.ends_with(" GMT"), "{date}");
        date.split(' ').nth(3).unwrap().parse::<u32>().unwrap()
    };
    let before = year(&sandbox);
    advance(&sandbox, 40 * 366 * 86_400);
    assert!((before + 40..=before + 41).contains(&year(&sandbox)));
    admin(&sandbox, "POST", "reset", Value::Null);
    assert!((before..=before + 1).contains(&year(&sandbox)));
}

#[test]
fn objects_with_two_keys_are_explained() {
    let sandbox = start();
    for (method, path, body) in [
        (
            "POST",
            "faults",
            json!({"fault": {"delay_ms": 5, "endpoint": "link"}}),
        ),
        (
            "PUT",
            "policy",
            json!({"unlink": {"when": {"polls": 1, "seconds": 2}}}),
        ),
        (
            "POST",
            "tokens/revoke",
            json!({"account": ACCOUNT, "component": true}),
        ),
    ] {
        let error = sandbox.admin(method, path, &body).unwrap_err().to_string();
        assert!(
            error.contains("expected an object with one key, found `"),
            "{error}"
        );
    }
}

#[test]
fn the_journal_is_bounded() {
    let sandbox = Sandbox::start(Settings {
        journal: 3,
        ..Settings::default()
    })
    .unwrap();
    let mut stream = connect(&sandbox);
    for _ in 0..10 {
        send(&mut stream, &get_request()).unwrap();
    }
    let journal = admin(&sandbox, "GET", "journal", Value::Null);
    assert_eq!(journal["dropped"], 7);
    assert_eq!(journal["entries"][0]["seq"], 8);
}

#[test]
fn a_list_of_five_hundred() {
    let sandbox = start();
    let appids: Vec<_> = (0..500)
        .map(|number| format!("wx0c{number:014x}"))
        .collect();
    let miniprograms: serde_json::Map<_, _> = appids
        .iter()
        .map(|appid| (appid.clone(), json!({})))
        .collect();
    let links: Vec<_> = appids
        .iter()
        .map(|appid| json!({ "appid": appid }))
        .collect();
    let world = json!({
        "accounts": {ACCOUNT: {"links": links}},
        "miniprograms": miniprograms,
        "tokens": {TOKEN: {"account": ACCOUNT}},
    });
    admin(&sandbox, "POST", "reset", world);
    assert_eq!(statuses(&sandbox), [1; 500]);
}

#[test]
fn several_simulators_with_several_workers_run_at_the_same_time() {
    let sandboxes: Vec<_> = (0..8)
        .map(|_| {
            Sandbox::start(Settings {
                workers: 3,
                ..Settings::default()
            })
            .unwrap()
        })
        .collect();
    std::thread::scope(|scope| {
        for sandbox in &sandboxes {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut stream = connect(sandbox);
                    for _ in 0..50 {
                        assert_eq!(send(&mut stream, &get_request()).unwrap().status, 200);
                    }
                });
            }
        }
    });
    for sandbox in &sandboxes {
        let counts = admin(sandbox, "GET", "journal/counts", Value::Null);
        assert_eq!(counts["received"]["get"], 200);
        assert_eq!(counts["connections"], 4);
    }
}

#[test]
fn an_invalid_world_is_refused_at_start() {
    let mut settings = Settings::default();
    settings.world.accounts.clear();
    let error = Sandbox::start(settings).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}
