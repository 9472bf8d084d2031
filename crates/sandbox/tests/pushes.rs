//! Pushes to the platform: tickets and events, retries, broken forms, and their journal.

mod common;

use common::receiver::*;
use common::*;
use serde_json::{Value, json};
use wxlink_sandbox::{PushTrust, Sandbox, Settings};

const SECRET: &str = "SANDBOX-COMPONENT-SECRET";

fn start_push_ticket(sandbox: &Sandbox, secret: &str) -> Value {
    let body = json!({"component_appid": PLATFORM, "component_secret": secret}).to_string();
    let target = "/cgi-bin/component/api_start_push_ticket";
    send(&mut connect(sandbox), &request("POST", target, &body))
        .expect("a response")
        .json()
}

fn push_fault(sandbox: &Sandbox, fault: Value) {
    common::fault(sandbox, json!({"fault": {"push": fault}}));
}

fn own_push(sandbox: &Sandbox, body: Value) -> Value {
    admin(sandbox, "POST", "pushes", body)
}

fn ticket_of(push: &Push) -> String {
    field(&push.open().expect("valid"), "ComponentVerifyTicket").to_owned()
}

/// The value of one field in each result.
fn each(results: &[Value], name: &str) -> Vec<Value> {
    results.iter().map(|result| result[name].clone()).collect()
}

#[test]
fn tickets_are_pushed_at_the_start_and_by_the_clock() {
    let (sandbox, receiver) = (start(), Receiver::new());
    receiver.attach(&sandbox, json!({"ticket_every_s": 600}));
    let mut tickets = Vec::new();
    for _ in 0..4 {
        let push = receiver.accept_next();
        let event = push.open().unwrap();
        assert_eq!(field(&event, "AppId"), PLATFORM);
        assert_eq!(field(&event, "InfoType"), "component_verify_ticket");
        tickets.push(ticket_of(&push));
        results(&sandbox);
        let component = admin(&sandbox, "GET", "component", Value::Null);
        assert_eq!(component["ticket"], *tickets.last().unwrap());
        advance(&sandbox, 601);
    }
    // The last advance made another ticket due.
    receiver.accept_next();
    // Each ticket is pushed twice.
    assert_eq!(tickets[0], "SANDBOX-TICKET");
    assert_eq!(tickets[0], tickets[1]);
    assert_ne!(tickets[1], tickets[2]);
    assert_eq!(tickets[2], tickets[3]);
    let first = &results(&sandbox)[0];
    assert_eq!(first["result"], "success");
    assert_eq!((&first["push"], &first["try"]), (&json!(1), &json!(1)));
    assert_eq!(
        (&first["status"], &first["answer"]),
        (&json!(200), &json!("success"))
    );
}

#[test]
fn a_push_looks_like_wechats() {
    let (sandbox, receiver) = (start(), Receiver::new());
    receiver.attach(&sandbox, json!({}));
    let pushed = admin(
        &sandbox,
        "POST",
        "component/ticket",
        json!({"ticket": "a]]>&b"}),
    );
    assert_eq!(pushed["push"], 1);
    let push = receiver.accept_next();
    assert!(
        push.head.starts_with("POST /events?x=1&signature="),
        "{}",
        push.head
    );
    assert!(
        push.head.contains("Content-Type: text/xml"),
        "{}",
        push.head
    );
    let outer = String::from_utf8(push.body.clone()).unwrap();
    assert!(outer.starts_with("<xml>\n    <AppId><![CDATA[wx0c00000000000001]]></AppId>"));
    let event = push.open().unwrap();
    assert!(event.contains("<![CDATA[a]]]]><![CDATA[>&b]]>"), "{event}");
    let create_time: u64 = field(&event, "CreateTime").parse().unwrap();
    let timestamp: u64 = push.parameter("timestamp").parse().unwrap();
    assert!(timestamp.abs_diff(create_time) < 60);
}

/// The result of pushing a ticket to this URL.
fn result_of(trust: PushTrust, url: &str) -> String {
    let sandbox = Sandbox::start(Settings {
        push_trust: trust,
        ..Settings::default()
    })
    .expect("starts");
    let settings = json!({"url": url, "ticket_every_s": 0, "tries": 1, "timeout_ms": 60000});
    admin(&sandbox, "PUT", "component/push", settings);
    admin(&sandbox, "POST", "component/ticket", Value::Null);
    let results = results(&sandbox);
    assert_eq!(results.len(), 1, "{results:?}");
    results[0]["result"].as_str().expect("text").to_owned()
}

#[test]
fn pushes_over_tls_need_a_certificate_that_is_trusted() {
    // The platform's side: another simulator, whose certificates are good and bad.
    let platform = Sandbox::start(Settings {
        bad_tls: true,
        ..Settings::default()
    })
    .expect("starts");
    let success = json!({"fault": {"body": {"text": "success"}}, "always": true});
    common::fault(&platform, success);
    let https = format!("{}/events?x=1", platform.https_url());
    let ca = || PushTrust::Ca(platform.ca_pem().to_owned());
    assert_eq!(result_of(ca(), &https), "success");
    let journal = admin(&platform, "GET", "journal", Value::Null);
    let entry = &journal["entries"][0];
    assert_eq!(
        (&entry["listener"], &entry["path"], &entry["method"]),
        (&json!("https"), &json!("/events"), &json!("POST"))
    );
    let bad = [
        platform.https_expired_url(),
        platform.https_wrong_name_url(),
        platform.https_unknown_issuer_url(),
    ];
    for url in bad.map(|url| url.expect("open")) {
        assert_eq!(result_of(ca(), url), "tls_failed", "{url}");
        assert_eq!(result_of(PushTrust::All, url), "success", "{url}");
    }
    // The CA of another simulator, the system's, and no TLS.
    let other = start().ca_pem().to_owned();
    assert_eq!(result_of(PushTrust::Ca(other), &https), "tls_failed");
    assert_eq!(result_of(PushTrust::System, &https), "tls_failed");
    let plain = platform.http_url().replace("http://", "https://");
    assert_eq!(result_of(PushTrust::All, &plain), "tls_failed");
    assert_eq!(result_of(ca(), platform.http_url()), "success");
}

#[test]
fn a_ca_for_pushes_must_be_certificates() {
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for pem in ["", "text", broken] {
        let error = Sandbox::start(Settings {
            push_trust: PushTrust::Ca(pem.to_owned()),
            ..Settings::default()
        })
        .unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "{pem}");
        assert!(error.to_string().contains("the CA for pushes"), "{error}");
    }
}

#[test]
fn generated_secrets_are_reported_and_work() {
    let (sandbox, receiver) = (start(), Receiver::new());
    let body = json!({"url": receiver.url(), "ticket_every_s": 0});
    let shown = admin(&sandbox, "PUT", "component/push", body);
    assert_eq!(shown["appid"], PLATFORM);
    let settings = &shown["settings"];
    assert_eq!(settings["token"].as_str().unwrap().len(), 32);
    let key = settings["aes_key"].as_str().unwrap();
    assert_eq!(key.len(), 43);
    assert_eq!(
        admin(&sandbox, "GET", "component/push", Value::Null)["settings"],
        *settings
    );
    // The token is another one than the receiver's, which is checked first.
    admin(&sandbox, "POST", "component/ticket", Value::Null);
    assert_eq!(receiver.accept_next().open(), Err("the signature"));
    let own_token = json!({"url": receiver.url(), "token": PUSH_TOKEN, "aes_key": key,
                           "ticket_every_s": 0});
    admin(&sandbox, "PUT", "component/push", own_token);
    admin(&sandbox, "POST", "component/ticket", Value::Null);
    receiver.accept_next().open_with(key).unwrap();
}

#[test]
fn a_push_is_tried_three_times_until_the_answer_is_success() {
    let (sandbox, receiver) = (start(), Receiver::new());
    receiver.attach(&sandbox, json!({}));
    own_push(
        &sandbox,
        json!({"info_type": "unauthorized", "fields": {"AuthorizerAppid": ACCOUNT}}),
    );
    let mut nonces = Vec::new();
    for (status, body) in [
        ("200 OK", "success\n"),
        ("500 Oops", "success"),
        ("200 OK", "success"),
    ] {
        let mut push = receiver.next();
        assert_eq!(field(&push.open().unwrap(), "AuthorizerAppid"), ACCOUNT);
        nonces.push(push.parameter("nonce").to_owned());
        push.answer(status, body);
    }
    let all = results(&sandbox);
    assert_eq!(
        each(&all, "result"),
        ["wrong_answer", "wrong_answer", "success"]
    );
    assert_eq!(each(&all, "try"), [1, 2, 3]);
    assert_eq!(each(&all, "push"), [1, 1, 1]);
    assert_eq!(each(&all, "status"), [200, 500, 200]);
    assert_eq!(each(&all, "nonce"), *nonces);
    assert!(nonces[0] != nonces[1] && nonces[1] != nonces[2]);

    // On demand, a retry is the same byte for byte, and no more than the given tries are made.
    admin(&sandbox, "DELETE", "pushes", Value::Null);
    receiver.attach(&sandbox, json!({"retry": "same", "tries": 2}));
    own_push(&sandbox, json!({"info_type": "x"}));
    let mut first = receiver.next();
    first.answer("200 OK", "no");
    let mut second = receiver.next();
    second.answer("200 OK", "no");
    assert_eq!((first.target, first.body), (second.target, second.body));
    assert_eq!(
        each(&results(&sandbox), "result"),
        ["wrong_answer", "wrong_answer"]
    );
}

#[test]
fn lost_and_late_answers_have_results_of_their_own() {
    let (sandbox, receiver) = (start(), Receiver::new());
    receiver.attach(&sandbox, json!({"tries": 1}));
    own_push(&sandbox, json!({"info_type": "x"}));
    drop(receiver.next());
    results(&sandbox);
    // The system accepts this connection, and the receiver does not read from it.
    let silent = Receiver::new();
    silent.attach(&sandbox, json!({"tries": 1, "timeout_ms": 50}));
    own_push(&sandbox, json!({"info_type": "x"}));
    results(&sandbox);
    let nowhere = {
        let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", gone.local_addr().unwrap())
    };
    receiver.attach(&sandbox, json!({"tries": 1, "url": nowhere}));
    own_push(&sandbox, json!({"info_type": "x"}));
    let all = results(&sandbox);
    assert_eq!(
        each(&all, "result"),
        ["connection_lost", "timeout", "no_connection"]
    );
}

#[test]
fn broken_forms_are_refused_and_unusual_ones_accepted() {
    let (sandbox, receiver) = (start(), Receiver::new());
    receiver.attach(&sandbox, json!({"tries": 1}));
    for (fault, problem) in [
        ("wrong_appid", "the appid"),
        ("wrong_signature", "the signature"),
        ("padding_0", "the padding"),
        ("padding_33", "the padding"),
        ("padding_mixed", "the padding"),
        ("length_too_large", "the length"),
        ("length_negative", "the length"),
        ("space_for_plus", "the signature"),
        ("doctype", "a document type"),
        ("inner_doctype", "a document type"),
    ] {
        push_fault(&sandbox, json!(fault));
        own_push(&sandbox, json!({"info_type": "x"}));
        assert_eq!(receiver.accept_next().open(), Err(problem), "{fault}");
    }
    push_fault(&sandbox, json!("wrong_key"));
    own_push(&sandbox, json!({"info_type": "x"}));
    assert!(receiver.accept_next().open().is_err());
    for (fault, expected) in [
        ("blanks_around_encrypt", "</xml>"),
        ("cdata_numbers", "<CreateTime><![CDATA["),
        ("unclosed_xml", "</InfoType>\n<xml>"),
        (
            "unknown_info_type",
            "<InfoType><![CDATA[notify_sandbox_unknown]]></InfoType>",
        ),
        ("bom", "</xml>"),
        ("large_body", "</xml>"),
    ] {
        push_fault(&sandbox, json!(fault));
        own_push(&sandbox, json!({"info_type": "x"}));
        let push = receiver.accept_next();
        let event = push.open().unwrap();
        assert!(event.contains(expected), "{fault}: {event}");
        assert_eq!(push.body.starts_with(b"\xef\xbb\xbf"), fault == "bom");
        assert_eq!(push.body.len() > 1 << 20, fault == "large_body");
    }
    let all = results(&sandbox);
    assert_eq!(all[0]["fault"]["name"], "push");
    // Without a rule, the next push is in order again.
    own_push(&sandbox, json!({"info_type": "x"}));
    receiver.accept_next().open().unwrap();
}

#[test]
fn a_key_that_changes_is_kept_as_the_previous_one() {
    let (sandbox, receiver) = (start(), Receiver::new());
    let other = "0123456789012345678901234567890123456789012";
    receiver.attach(&sandbox, json!({"aes_key": other}));
    receiver.attach(&sandbox, json!({}));
    push_fault(&sandbox, json!("previous_key"));
    for key in [other, KEY] {
        own_push(&sandbox, json!({"info_type": "x"}));
        receiver.accept_next().open_with(key).unwrap();
    }
}

#[test]
fn pushes_are_repeated_late_or_lost_on_demand() {
    let (sandbox, receiver) = (start(), Receiver::new());
    receiver.attach(&sandbox, json!({}));
    push_fault(&sandbox, json!("repeat"));
    own_push(&sandbox, json!({"info_type": "x"}));
    let (first, second) = (receiver.accept_next(), receiver.accept_next());
    assert_eq!((&first.target, &first.body), (&second.target, &second.body));
    assert_eq!(each(&results(&sandbox), "result"), ["success", "success"]);

    // The same later, by its number.
    own_push(&sandbox, json!({"repeat": 1}));
    assert_eq!(receiver.accept_next().body, first.body);
    let error = sandbox
        .admin("POST", "pushes", &json!({"repeat": 99}))
        .unwrap_err();
    assert_eq!(error.status(), 404);

    push_fault(&sandbox, json!("lost"));
    own_push(&sandbox, json!({"info_type": "lost"}));
    push_fault(&sandbox, json!({"late_s": 3600}));
    let late = own_push(&sandbox, json!({"info_type": "late"}));
    own_push(&sandbox, json!({"info_type": "in_time"}));
    let push = receiver.accept_next();
    assert_eq!(field(&push.open().unwrap(), "InfoType"), "in_time");
    advance(&sandbox, 3601);
    let push = receiver.accept_next();
    assert_eq!(field(&push.open().unwrap(), "InfoType"), "late");
    let all = results(&sandbox);
    assert_eq!(all.last().unwrap()["push"], late["push"]);
    assert!(
        all.iter()
            .any(|it| it["info_type"] == "lost" && it["result"] == "not_sent")
    );
}

#[test]
fn tickets_stop_after_failures_until_they_are_started() {
    let (sandbox, receiver) = (start(), Receiver::new());
    let more = json!({"ticket_every_s": 600, "tries": 1, "stop_after_failures": 2});
    receiver.attach(&sandbox, more);
    for _ in 0..2 {
        receiver.next().answer("200 OK", "<html>");
        results(&sandbox);
        advance(&sandbox, 601);
    }
    let shown = admin(&sandbox, "GET", "component/push", Value::Null);
    assert_eq!(shown["settings"]["stopped"], true);
    assert_eq!(
        (&shown["failures"], &shown["next_ticket_in_ms"]),
        (&json!(2), &Value::Null)
    );
    for (secret, code) in [("", 41004), ("wrong", 40125)] {
        assert_eq!(errcode(&start_push_ticket(&sandbox, secret)), code);
    }
    assert_eq!(
        start_push_ticket(&sandbox, SECRET),
        json!({"errcode": 0, "errmsg": "ok"})
    );
    ticket_of(&receiver.accept_next());
    results(&sandbox);
    let again = start_push_ticket(&sandbox, SECRET);
    assert_eq!(again, json!({"errcode": 0, "errmsg": "in a normal state"}));
    ticket_of(&receiver.accept_next());
}

#[test]
fn invalid_settings_are_refused() {
    let sandbox = start();
    for (body, part) in [
        (json!({"url": "localhost:80"}), "it has no `http://`"),
        (json!({"url": "ftp://a/"}), "it has no `http://`"),
        (json!({"url": "https://a/#x"}), "no fragment"),
        (
            json!({"url": "http://a/", "aes_key": "short"}),
            "43 letters",
        ),
        (
            json!({"url": "http://a/", "token": "a b"}),
            "letters and digits",
        ),
        (json!({"url": "http://a/", "tries": 0}), "1 to 10"),
        (json!({"url": "http://a/", "timeout_ms": 0}), "1 to 60000"),
        (json!({"url": "http://a/", "secret": 1}), "unknown field"),
    ] {
        let error = sandbox.admin("PUT", "component/push", &body).unwrap_err();
        assert_eq!(error.status(), 400);
        assert!(error.to_string().contains(part), "{error}");
    }
    for path in ["component/push", "pushes"] {
        let method = if path == "pushes" { "POST" } else { "GET" };
        let error = sandbox
            .admin(method, path, &json!({"info_type": "x"}))
            .unwrap_err();
        assert_eq!(error.status(), 404, "{error}");
    }
    let bad_name = json!({"info_type": "x", "fields": {"a><b": 1}});
    let receiver = Receiver::new();
    receiver.attach(&sandbox, json!({}));
    let error = sandbox.admin("POST", "pushes", &bad_name).unwrap_err();
    assert!(error.to_string().contains("invalid name"), "{error}");
    admin(&sandbox, "DELETE", "component/push", Value::Null);
    assert!(
        sandbox
            .admin("GET", "component/push", &Value::Null)
            .is_err()
    );
}

#[test]
fn a_reset_forgets_pushes_and_restores_the_settings() {
    let (sandbox, receiver) = (start(), Receiver::new());
    receiver.attach(&sandbox, json!({}));
    own_push(&sandbox, json!({"info_type": "x", "after_s": 1000}));
    own_push(&sandbox, json!({"info_type": "y"}));
    let mut in_flight = receiver.next();
    let world = admin(&sandbox, "GET", "state", Value::Null)["world"].clone();
    assert_eq!(world["component"]["push"]["url"], receiver.url());
    admin(&sandbox, "POST", "reset", world);
    in_flight.answer("200 OK", "success");
    own_push(&sandbox, json!({"info_type": "z"}));
    assert_eq!(
        field(&receiver.accept_next().open().unwrap(), "InfoType"),
        "z"
    );
    let all = results(&sandbox);
    assert_eq!(each(&all, "info_type"), ["z"]);
    admin(&sandbox, "POST", "reset", Value::Null);
    assert!(
        sandbox
            .admin("GET", "component/push", &Value::Null)
            .is_err()
    );
}

#[test]
fn the_journal_of_pushes_masks_secrets() {
    let (sandbox, receiver) = (start(), Receiver::new());
    receiver.attach(&sandbox, json!({"tries": 1}));
    let ticket = admin(&sandbox, "POST", "component/ticket", Value::Null);
    let ticket = ticket["ticket"].as_str().unwrap();
    for secret in [ticket, KEY, PUSH_TOKEN, "SANDBOX-REFRESH-1"] {
        own_push(&sandbox, json!({"info_type": "x"}));
        receiver
            .next()
            .answer("200 OK", &format!("error: {secret}!"));
    }
    // The ticket's own push is the first.
    receiver.accept_next();
    let all = json!(results(&sandbox)).to_string();
    for secret in [ticket, KEY, PUSH_TOKEN, "SANDBOX-REFRESH-1"] {
        assert!(!all.contains(secret), "{all}");
    }
    assert!(all.contains("error: MASKED!"), "{all}");
}
