//! What the panel, the simulator's page in a browser, is made of: its files, server-sent events,
//! and what it shows and does through the admin interface. `tests/browser` runs the page itself.

mod common;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use common::*;
use serde_json::{Value, json};
use wxlink_sandbox::{Sandbox, Settings};

const MAX_FRAME_BYTES: usize = 1 << 20;

/// An event of the stream.
#[derive(Debug)]
struct Event {
    name: String,
    id: Option<String>,
    data: Value,
}

/// A reader of the events.
struct Events(BufReader<TcpStream>);

impl Events {
    /// `after` is the id of the last event that is known.
    fn open(sandbox: &Sandbox, after: Option<&str>) -> Self {
        let header = after.map_or(String::new(), |id| format!("Last-Event-ID: {id}\r\n"));
        let request = format!("GET /__sandbox/events HTTP/1.1\r\nHost: sandbox\r\n{header}\r\n");
        let mut stream = connect(sandbox);
        stream.write_all(request.as_bytes()).unwrap();
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
        }
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(head.contains("Content-Type: text/event-stream"), "{head}");
        Self(reader)
    }

    /// The next event. `None`: the stream has ended.
    fn next(&mut self) -> Option<Event> {
        let mut event = Event {
            name: String::new(),
            id: None,
            data: Value::Null,
        };
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).ok()? == 0 {
                return None;
            }
            assert!(line.len() < MAX_FRAME_BYTES);
            // Other lines are the lengths of chunks and blank.
            if let Some(id) = line.strip_prefix("id: ") {
                event.id = Some(id.trim().to_owned());
            } else if let Some(name) = line.strip_prefix("event: ") {
                event.name = name.trim().to_owned();
            } else if let Some(data) = line.strip_prefix("data: ") {
                event.data = serde_json::from_str(data).expect("JSON");
                return Some(event);
            }
        }
    }

    /// The next event of this name, without those before it.
    fn find(&mut self, name: &str) -> Event {
        loop {
            let event = self.next().expect("an event");
            if event.name == name {
                return event;
            }
        }
    }
}

fn get(sandbox: &Sandbox, path: &str, headers: &str) -> Response {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
    send(&mut connect(sandbox), &request).unwrap()
}

#[test]
fn the_page_needs_nothing_but_its_own_origin() {
    let sandbox = start();
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/__sandbox/panel.css", "text/css; charset=utf-8"),
        ("/__sandbox/panel.js", "text/javascript; charset=utf-8"),
        ("/__sandbox/panel.svg", "image/svg+xml"),
    ] {
        let response = get(&sandbox, path, "");
        assert_eq!(response.status, 200, "{path}");
        let head = &response.head;
        assert!(head.contains(&format!("Content-Type: {kind}")), "{head}");
        assert!(
            head.contains("default-src 'none'; script-src 'self'"),
            "{head}"
        );
        assert!(!head.contains("unsafe"), "{head}");
        assert!(head.contains("X-Frame-Options: DENY"), "{head}");
        assert!(head.contains("X-Content-Type-Options: nosniff"), "{head}");
        // No address of another host, apart from the names of XML's namespaces.
        let text = response.text().replace("http://www.w3.org/2000/svg", "");
        for address in ["http://", "https://", "url(", "@import"] {
            assert!(!text.contains(address), "{path}: {address}");
        }
    }
    let page = get(&sandbox, "/", "");
    for inline in ["<style", "style=", " onclick", "javascript:"] {
        assert!(!page.text().contains(inline), "{inline}");
    }
    // The page is not a request to WeChat.
    let journal = admin(&sandbox, "GET", "journal", Value::Null);
    assert_eq!(journal["entries"], json!([]));
}

#[test]
fn pages_of_other_origins_can_link_to_the_panel_and_nothing_else() {
    let sandbox = start();
    let other = "Sec-Fetch-Site: cross-site\r\n";
    assert_eq!(get(&sandbox, "/", other).status, 200);
    for path in [
        "/__sandbox/panel.js",
        "/__sandbox/events",
        "/__sandbox/world",
    ] {
        assert_eq!(get(&sandbox, path, other).status, 403, "{path}");
        let origin = "Origin: https://evil.example\r\n";
        assert_eq!(get(&sandbox, path, origin).status, 403, "{path}");
    }
    let rebound = "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n";
    assert_eq!(send(&mut connect(&sandbox), rebound).unwrap().status, 403);
}

#[test]
fn requests_arrive_as_events_and_a_reader_resumes_where_it_was() {
    let sandbox = start();
    let mut events = Events::open(&sandbox, None);
    assert_eq!(events.next().unwrap().name, "reset");
    assert_eq!(events.next().unwrap().name, "state");
    link(&sandbox, APPID);
    let event = events.find("request");
    let seen = admin(&sandbox, "GET", "journal/1", Value::Null);
    for field in [
        "seq",
        "endpoint",
        "body",
        "processed",
        "answered",
        "fault",
        "latency_us",
    ] {
        assert_eq!(event.data[field], seen[field], "{field}");
    }
    assert_eq!(event.data["account"], ACCOUNT);
    assert!(event.data["latency_us"].is_number());
    assert!(event.data.get("headers").is_none() && seen.get("headers").is_some());
    events.find("state");
    drop(events);

    items(&sandbox);
    let mut events = Events::open(&sandbox, event.id.as_deref());
    assert_eq!(events.next().unwrap().data["endpoint"], "get");
    admin(&sandbox, "DELETE", "journal", Value::Null);
    assert_eq!(events.find("reset").data, json!({"dropped": 0}));
    // An id from before, or of another run, starts from the beginning.
    items(&sandbox);
    for id in [event.id.as_deref(), Some("1-1"), Some("nonsense")] {
        let mut events = Events::open(&sandbox, id);
        assert_eq!(events.next().unwrap().name, "reset");
        assert_eq!(events.next().unwrap().data["seq"], 3);
    }
}

#[test]
fn an_entry_arrives_again_when_its_request_takes_effect() {
    let sandbox = start();
    fault(
        &sandbox,
        json!({"endpoint": "link", "effect_after_ms": 3_600_000, "fault": {"status": {"code": 502}}}),
    );
    let mut events = Events::open(&sandbox, None);
    let response = send(&mut connect(&sandbox), &link_request()).unwrap();
    assert_eq!(response.status, 502);
    let event = events.find("request").data;
    assert_eq!(
        (&event["processed"], &event["fault"]["name"]),
        (&json!(false), &json!("status"))
    );
    advance(&sandbox, 3600);
    let event = events.find("request").data;
    assert_eq!(
        (&event["seq"], &event["processed"]),
        (&json!(1), &json!(true))
    );
    fault(
        &sandbox,
        json!({"endpoint": "get", "fault": {"delay_ms": 30}}),
    );
    items(&sandbox);
    // The entry may arrive twice: with the request, and with the response.
    let late = loop {
        if let Some(latency_us) = events.find("request").data["latency_us"].as_u64() {
            break latency_us;
        }
    };
    assert!(late >= 30_000, "{late}");
}

#[test]
fn a_decision_that_becomes_due_is_noted() {
    let sandbox = start_with(json!({"official_account": {"when": {"seconds": 1}}}));
    let mut events = Events::open(&sandbox, None);
    link(&sandbox, APPID);
    let waits_for = |role: &str| {
        let messages = admin(&sandbox, "GET", "messages", Value::Null);
        messages["messages"][0]["to"] == role
    };
    assert!(waits_for("official_account"));
    // No request causes the decision.
    while !waits_for("mini_program") {
        events.find("state");
    }
}

#[test]
fn a_reader_that_was_away_for_too_long_gets_what_is_left_and_how_much_it_missed() {
    let sandbox = Sandbox::start(Settings {
        journal: 3,
        ..Settings::default()
    })
    .unwrap();
    items(&sandbox);
    let id = Events::open(&sandbox, None).find("request").id;
    for _ in 0..10 {
        items(&sandbox);
    }
    let mut events = Events::open(&sandbox, id.as_deref());
    let missed = events.next().unwrap();
    assert_eq!(
        (&*missed.name, &missed.data),
        ("missed", &json!({"changes": 7}))
    );
    let seqs: Vec<_> = (0..3)
        .map(|_| events.find("request").data["seq"].clone())
        .collect();
    assert_eq!(seqs, [9, 10, 11]);
}

#[test]
fn a_reader_that_reads_nothing_slows_nothing_down() {
    let sandbox = start();
    let _silent = Events::open(&sandbox, None);
    let body = json!({"filler": "x".repeat(900)}).to_string();
    let mut stream = connect(&sandbox);
    for _ in 0..3000 {
        send(&mut stream, &request("POST", &target("get", TOKEN), &body)).unwrap();
    }
    let mut events = Events::open(&sandbox, None);
    for seq in 1..=3000 {
        assert_eq!(events.find("request").data["seq"], seq);
    }
    // Stopping ends streams, too.
    drop(sandbox);
    while events.next().is_some() {}
}

#[test]
fn events_hide_secrets_that_became_known_after_the_request() {
    let sandbox = start();
    let body = json!({"appid": APPID, "note": "LATER-KNOWN"}).to_string();
    call(&sandbox, "link", TOKEN, &body);
    let note = |event: &Event| event.data["body"].as_str().unwrap().contains("LATER-KNOWN");
    assert!(note(&Events::open(&sandbox, None).find("request")));
    let token = json!({"account": ACCOUNT});
    admin(&sandbox, "PUT", "tokens/LATER-KNOWN", token);
    assert!(!note(&Events::open(&sandbox, None).find("request")));
}

#[test]
fn administrators_get_messages_until_they_have_decided() {
    let sandbox = start();
    link(&sandbox, APPID);
    let messages = |query: &str| admin(&sandbox, "GET", &format!("messages{query}"), Value::Null);
    let mine = messages(&format!("?account={ACCOUNT}"));
    let message = &mine["messages"][0];
    assert_eq!((&mine["total"], &mine["waiting"]), (&json!(1), &json!(1)));
    assert_eq!(
        (&message["to"], &message["asks"]),
        (&json!("official_account"), &json!("link"))
    );
    assert_eq!(
        message["account"],
        json!({"appid": ACCOUNT, "nickname": "示例公众号"})
    );
    assert_eq!(
        message["miniprogram"],
        json!({"appid": APPID, "nickname": "示例小程序1"})
    );
    assert_eq!(message["decision"], Value::Null);
    decide(&sandbox, "official_account", "agree");
    decide(&sandbox, "mini_program", "refuse");
    let mine = messages(&format!("?account={ACCOUNT}"));
    let decisions = json!([
        mine["messages"][0]["decision"],
        mine["messages"][1]["decision"]
    ]);
    assert_eq!(
        (&mine["waiting"], decisions),
        (&json!(0), json!(["refuse", "agree"]))
    );
    // The third account of the demo world has three links that wait for a decision.
    assert_eq!(messages("")["waiting"], 3);
    let error = sandbox
        .admin("GET", "messages?account=wx1", &Value::Null)
        .unwrap_err();
    assert_eq!(error.status(), 404);
    // Links that are replaced take their messages with them.
    let path = "accounts/wx0a00000000000003";
    admin(&sandbox, "PUT", path, json!({"links": []}));
    assert_eq!(messages("")["waiting"], 0);
}

#[test]
fn automatic_decisions_are_in_the_messages_with_their_times() {
    let sandbox = start_with(json!({
        "official_account": {"when": {"seconds": 5}},
        "mini_program": {"when": "immediate", "decision": "refuse"},
    }));
    link(&sandbox, APPID);
    advance(&sandbox, 60);
    let query = format!("messages?account={ACCOUNT}");
    let messages = admin(&sandbox, "GET", &query, Value::Null)["messages"].clone();
    let [last, first] = [&messages[0], &messages[1]];
    assert_eq!(first["when"], json!({"seconds": 5}));
    let sent_ms = first["sent_ms"].as_u64().unwrap();
    assert_eq!(first["decided_ms"], sent_ms + 5000);
    assert_eq!(
        (&first["automatic"], &first["decision"]),
        (&json!(true), &json!("agree"))
    );
    assert_eq!(last["sent_ms"], first["decided_ms"]);
    assert_eq!(
        (&last["to"], &last["decision"]),
        (&json!("mini_program"), &json!("refuse"))
    );
}

#[test]
fn accounts_show_their_list_quotas_and_tokens_without_secrets() {
    let sandbox = start();
    link(&sandbox, APPID);
    admin(
        &sandbox,
        "PUT",
        "tokens/A-SECRET-OF-THE-TEST",
        json!({"account": ACCOUNT, "expires_in": 7200}),
    );
    advance(&sandbox, 60);
    let accounts = admin(&sandbox, "GET", "accounts", Value::Null);
    assert_eq!(accounts["total"], 4);
    assert_eq!(accounts["accounts"][0]["used"]["same_subject"], 1);
    assert_eq!(accounts["accounts"][2]["waiting"], 3);
    let found = admin(
        &sandbox,
        "GET",
        "accounts?contains=%E6%9C%8D%E5%8A%A1%E5%8F%B7",
        Value::Null,
    );
    assert_eq!(
        (&found["total"], &found["accounts"][0]["appid"]),
        (&json!(1), &json!("wx0a00000000000004"))
    );

    let account = admin(&sandbox, "GET", &format!("accounts/{ACCOUNT}"), Value::Null);
    assert_eq!(
        account["used"],
        json!({"same_subject": 1, "different_subject": 0, "monthly": 1})
    );
    assert_eq!(account["list"]["wxopens"]["items"], json!(items(&sandbox)));
    assert_eq!(account["entries"][0]["state"], "waiting_official_account");
    let tokens = account["tokens"].as_array().unwrap();
    // The start of the SHA-256 of `SANDBOX-TOKEN`.
    let is_demo_token = |token: &Value| token["name"] == "7b93dad7" && token["kind"] == "good";
    assert!(tokens.iter().any(is_demo_token), "{tokens:?}");
    let added = tokens.last().unwrap();
    assert_eq!(
        (&added["kind"], &added["expires_in"]),
        (&json!("good"), &json!(7140))
    );
    assert!(added["age_ms"].as_u64().unwrap() >= 60_000);
    for secret in ["SANDBOX-TOKEN", "A-SECRET"] {
        assert!(!account.to_string().contains(secret), "{account}");
    }

    let found = admin(
        &sandbox,
        "GET",
        "miniprograms?contains=wx0b000000000000e",
        Value::Null,
    );
    assert_eq!(found["total"], 8);
    assert_eq!(found["miniprograms"][0]["refuses"], json!(["banned"]));
    for path in [
        "accounts?name=1",
        "accounts?contains=a&contains=b",
        "messages?after=1",
    ] {
        let error = sandbox.admin("GET", path, &Value::Null).unwrap_err();
        assert_eq!(error.status(), 400, "{path}");
    }
}

#[test]
fn showing_an_account_is_not_a_poll() {
    let sandbox = start_with(json!({"official_account": {"when": {"polls": 1}}}));
    link(&sandbox, APPID);
    let state = || {
        let account = admin(&sandbox, "GET", &format!("accounts/{ACCOUNT}"), Value::Null);
        account["entries"][0]["state"].clone()
    };
    assert_eq!(state(), "waiting_official_account");
    assert_eq!(state(), "waiting_official_account");
    items(&sandbox);
    assert_eq!(state(), "waiting_mini_program");
}

#[test]
fn large_worlds_are_shown_in_part_with_the_number_of_all() {
    let sandbox = start();
    let appid = |number: u32| format!("wx0e{number:014x}");
    let accounts: serde_json::Map<String, Value> = (0..250)
        .map(|number| {
            let links = json!([{"appid": APPID, "state": "waiting_official_account"}]);
            (
                appid(number),
                json!({"nickname": number.to_string(), "links": links}),
            )
        })
        .collect();
    let world = json!({"accounts": accounts, "miniprograms": {APPID: {}}});
    admin(&sandbox, "POST", "reset", world);
    for (path, name) in [("accounts", "accounts"), ("messages", "messages")] {
        let shown = admin(&sandbox, "GET", path, Value::Null);
        assert_eq!(shown[name].as_array().unwrap().len(), 200);
        assert_eq!(shown["total"], 250);
    }
    let last = format!("accounts?contains={}", appid(249));
    assert_eq!(admin(&sandbox, "GET", &last, Value::Null)["total"], 1);
}

#[test]
fn calls_need_no_program_and_are_refused_as_those_of_programs_are() {
    let sandbox = start();
    let make = |call: Value| admin(&sandbox, "POST", "calls", call);
    let call = |endpoint: &str| json!({"endpoint": endpoint, "account": ACCOUNT, "appid": APPID});
    let made = make(call("link"));
    assert_eq!(
        (&made["seq"], &made["answer"]["errcode"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(make(call("link"))["answer"]["errcode"], 89010);
    assert_eq!(make(call("unlink"))["answer"]["errcode"], 40013);
    let list = make(json!({"endpoint": "get", "account": ACCOUNT}));
    assert_eq!(list["answer"]["wxopens"]["items"][0]["status"], 12);
    for (kind, errcode) in [
        ("good", 0),
        ("expired", 42001),
        ("revoked", 40001),
        ("malformed", 40014),
        ("wrong_kind", 48001),
        ("component", 48001),
        ("no_permission", 61007),
        ("deauthorized", 61003),
    ] {
        let made = make(json!({"endpoint": "get", "account": ACCOUNT, "token": kind}));
        assert_eq!(made["answer"]["errcode"], errcode, "{kind}");
        assert!(!made.to_string().contains("SANDBOX-"), "{made}");
    }
    // The fourth account has no token yet.
    let made = make(json!({"endpoint": "get", "account": "wx0a00000000000004"}));
    assert_eq!(made["answer"]["errcode"], 61007);

    fault(
        &sandbox,
        json!({"endpoint": "get", "when": "after", "fault": {"drop": "reset"}}),
    );
    let made = make(json!({"endpoint": "get", "account": ACCOUNT}));
    assert_eq!(made["answer"], Value::Null);
    let entry = admin(
        &sandbox,
        "GET",
        &format!("journal/{}", made["seq"]),
        Value::Null,
    );
    assert_eq!(
        (&entry["processed"], &entry["fault"]["name"]),
        (&json!(true), &json!("drop"))
    );
    for (call, part) in [
        (
            json!({"endpoint": "link", "account": ACCOUNT}),
            "`appid` is missing",
        ),
        (
            json!({"endpoint": "get", "account": "wx1"}),
            "unknown account",
        ),
        (call("get"), "takes no `appid`"),
    ] {
        let error = sandbox.admin("POST", "calls", &call).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn a_call_that_is_delayed_takes_effect_after_the_delay() {
    let sandbox = start();
    fault(
        &sandbox,
        json!({"when": "before", "fault": {"delay_ms": 3_600_000}}),
    );
    let call = json!({"endpoint": "link", "account": ACCOUNT, "appid": APPID});
    assert_eq!(
        admin(&sandbox, "POST", "calls", call)["answer"],
        Value::Null
    );
    assert!(statuses(&sandbox).is_empty());
    advance(&sandbox, 3600);
    assert_eq!(statuses(&sandbox), [12]);
}

#[test]
fn one_fault_can_be_removed() {
    let sandbox = start();
    fault(&sandbox, json!({"endpoint": "link", "fault": "hang"}));
    fault(
        &sandbox,
        json!({"endpoint": "get", "always": true, "fault": "bom"}),
    );
    admin(&sandbox, "DELETE", "faults/1", Value::Null);
    let faults = admin(&sandbox, "GET", "faults", Value::Null);
    assert_eq!(faults["faults"].as_array().unwrap().len(), 1);
    assert_eq!(link(&sandbox, APPID), 0);
    for wrong in ["faults/1", "faults/x"] {
        let error = sandbox.admin("DELETE", wrong, &Value::Null).unwrap_err();
        assert_eq!(error.status(), 404, "{wrong}");
    }
}

#[test]
fn a_saved_world_can_be_loaded() {
    let sandbox = start();
    link(&sandbox, APPID);
    let saved = admin(&sandbox, "GET", "world", Value::Null);
    assert_eq!(saved, admin(&sandbox, "GET", "state", Value::Null)["world"]);
    decide(&sandbox, "official_account", "agree");
    admin(&sandbox, "POST", "reset", saved);
    assert_eq!(statuses(&sandbox), [12]);
}
