//! The journal, errors and debug output contain no secrets, wherever a request put them.

mod common;

use std::io::Write as _;
use std::net::TcpStream;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use common::{ACCOUNT, TOKEN, admin, connect, read_to_end, request, start, target};
use serde_json::{Value, json};
use wxlink_sandbox::{Sandbox, Settings, World};

const PLATFORM: &str = "wx0c00000000000001";
const SECRET: &str = "SANDBOX-COMPONENT-SECRET";
const TICKET: &str = "SANDBOX-TICKET";
const REFRESH: &str = "SANDBOX-REFRESH-1";
/// If this many first bytes of a secret are shown, the test fails.
const HEAD: usize = 12;

/// A connection for several requests.
struct Caller(TcpStream);

impl Caller {
    fn new(sandbox: &Sandbox) -> Self {
        Self(connect(sandbox))
    }

    fn post(&mut self, target: &str, body: &str) -> Value {
        common::send(&mut self.0, &request("POST", target, body))
            .expect("a response")
            .json()
    }
}

/// Sends any bytes over a new connection and waits for its end.
fn send_bytes(sandbox: &Sandbox, head: &str, body: &[u8]) {
    let mut stream = connect(sandbox);
    write!(
        stream,
        "{head}Host: h\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )
    .expect("sends");
    stream.write_all(body).expect("sends");
    let response = read_to_end(&mut stream).bytes;
    assert!(response.starts_with(b"HTTP/1.1 "), "{head:?}");
}

/// All texts of a document, including the names of fields. Base64 is decoded.
fn texts(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::String(text) => all.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| texts(value, all)),
        Value::Object(fields) => {
            for (name, value) in fields {
                all.push(name.clone());
                match (name.as_str(), value.as_str()) {
                    ("body_base64", Some(text)) => {
                        let bytes = BASE64.decode(text).expect("base64");
                        all.push(String::from_utf8_lossy(&bytes).into_owned());
                    }
                    _ => texts(value, all),
                }
            }
        }
        _ => {}
    }
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

fn json_escaped(text: &str) -> String {
    text.encode_utf16()
        .map(|unit| format!("\\u{unit:04x}"))
        .collect()
}

/// The secret with different escapes.
fn spellings(secret: &str) -> Vec<String> {
    vec![
        secret.to_owned(),
        percent(secret),
        percent(secret).to_uppercase(),
        percent(&percent(secret)),
        json_escaped(secret),
        secret.replace('-', "%2D"),
        secret.replace('-', "\\u002d"),
    ]
}

/// Fails if the journal shows a secret, with any escapes.
#[track_caller]
fn assert_hidden(sandbox: &Sandbox, secret: &str, what: &str) {
    let journal = admin(sandbox, "GET", "journal", Value::Null);
    let mut all = Vec::new();
    texts(&journal["entries"], &mut all);
    assert!(all.len() > 1, "{what}: the journal is empty");
    for spelling in spellings(secret) {
        let spelling = spelling.to_lowercase();
        let head = &spelling[..spelling.len() * HEAD.min(secret.len()) / secret.len()];
        for text in &all {
            assert!(
                !text.to_lowercase().contains(head),
                "{what}: {head} in {text:.300}"
            );
        }
    }
}

/// One secret of every kind: given and generated, valid, used and replaced.
fn every_secret(sandbox: &Sandbox) -> Vec<String> {
    let component = json!({
        "appid": PLATFORM, "appsecret": SECRET, "ticket": TICKET, "refresh": "strict",
        "earlier_tickets": {"AN-EARLIER-TICKET": 0},
    });
    admin(sandbox, "PUT", "component", component);
    let mut caller = Caller::new(sandbox);
    let text = |value: &Value, name: &str| value[name].as_str().expect("a text").to_owned();
    let path = "/cgi-bin/component/api_component_token";
    let body = json!({"component_appid": PLATFORM, "component_appsecret": SECRET,
                      "component_verify_ticket": TICKET});
    let platform = text(
        &caller.post(path, &body.to_string()),
        "component_access_token",
    );
    let path = format!("/cgi-bin/component/api_authorizer_token?component_access_token={platform}");
    let mut refresh = REFRESH.to_owned();
    let mut secrets = vec![platform, SECRET.to_owned(), TICKET.to_owned()];
    for _ in 0..2 {
        let body = json!({"component_appid": PLATFORM, "authorizer_appid": ACCOUNT,
                          "authorizer_refresh_token": refresh});
        let response = caller.post(&path, &body.to_string());
        secrets.push(std::mem::replace(
            &mut refresh,
            text(&response, "authorizer_refresh_token"),
        ));
        secrets.push(text(&response, "authorizer_access_token"));
    }
    let pushed = admin(sandbox, "POST", "component/ticket", Value::Null);
    secrets.extend([refresh, text(&pushed, "ticket")]);
    let push = json!({"url": "http://127.0.0.1:1/", "ticket_every_s": 0});
    let push = admin(sandbox, "PUT", "component/push", push);
    let consent = admin(
        sandbox,
        "POST",
        "authorizations",
        json!({"account": ACCOUNT}),
    );
    let codes = admin(sandbox, "GET", "component", Value::Null);
    let codes = codes["pre_auth_codes"].as_object().expect("codes");
    secrets.extend(codes.keys().cloned());
    secrets.extend([
        text(&consent, "authorization_code"),
        text(&push["settings"], "token"),
        text(&push["settings"], "aes_key"),
    ]);
    secrets.extend(["AN-EARLIER-TICKET", "SANDBOX-COMPONENT", TOKEN].map(String::from));
    secrets
}

#[test]
fn a_known_secret_is_hidden_in_every_part_of_a_request() {
    let sandbox = start();
    let mut caller = Caller::new(&sandbox);
    let link = target("link", TOKEN);
    let token = "/cgi-bin/component/api_component_token";
    for secret in every_secret(&sandbox) {
        for s in spellings(&secret) {
            let targets = [
                link.clone(),
                token.to_owned(),
                "/cgi-bin/component/api_query_auth".to_owned(),
            ];
            for target in &targets {
                for body in [
                    format!(r#"{{"appid":"wx0b00000000000001","note":"{s}"}}"#),
                    format!(r#"{{"note":"{s}","note":""}}"#),
                    format!(r#"{{"a":[[{{"b":["x{s}y"]}}]]}}"#),
                    format!(r#"{{"{s}":1}}"#),
                    format!(r#"{{"component_appid":"{s}","appid":"{s}"}}"#),
                    format!(r#"{{"x":"{{\"y\":\"{s}\"}}"}}"#),
                    format!(r#"["{s}"]"#),
                    format!(r#""{s}""#),
                    format!("note={s}&x=1"),
                    format!("<x>{s}</x>"),
                    format!(r#"{{"note":"{s}""#),
                    s.clone(),
                ] {
                    caller.post(target, &body);
                }
                let utf16: Vec<u8> = s.encode_utf16().flat_map(u16::to_le_bytes).collect();
                for body in [
                    utf16,
                    [b"\xff\xfe", s.as_bytes()].concat(),
                    [b"\xef\xbb\xbf{\"a\":\"", s.as_bytes(), b"\"}"].concat(),
                ] {
                    send_bytes(&sandbox, &format!("POST {target} HTTP/1.1\r\n"), &body);
                }
            }
            for target in [&link, token] {
                for header in [
                    format!("Authorization: Bearer {s}"),
                    format!("Cookie: {s}"),
                    format!("X-Note: {s}"),
                    format!("Referer: http://h/?x={s}"),
                    format!("User-Agent: {s}"),
                ] {
                    let head = format!("POST {target} HTTP/1.1\r\n{header}\r\n");
                    send_bytes(&sandbox, &head, b"{}");
                }
            }
            if !s.contains(['\\', '@']) {
                let and = |query: &str| format!("{link}&{query}");
                for target in [
                    and(&format!("note={s}")),
                    and(&format!("x{s}y")),
                    and(&format!("{s}=1")),
                    and(&format!("refresh_token={s}")),
                    format!("{token}?component_access_token={s}"),
                    format!("{token}?access_token={s}"),
                    format!("{token}?note={s}"),
                    format!("/cgi-bin/{s}/x"),
                ] {
                    caller.post(&target, "{}");
                }
            }
        }
        // The names of headers are shown in lower case. Some secrets are not valid names.
        if !secret.contains('@') {
            let head = format!("POST {link}&x=1 HTTP/1.1\r\n{secret}: 1\r\n");
            send_bytes(&sandbox, &head, b"{}");
            send_bytes(&sandbox, &format!("{secret} /x HTTP/1.1\r\n"), b"{}");
        }
        if secret == TOKEN {
            // It is shown as the `access_token` of the calls, and nowhere else.
            let journal = admin(&sandbox, "GET", "journal", Value::Null).to_string();
            let journal = journal.replace(&format!("access_token={TOKEN}"), "");
            assert!(!journal.contains("SANDBOX-TOK"));
        } else {
            assert_hidden(&sandbox, &secret, "journal");
        }
        admin(&sandbox, "DELETE", "journal", Value::Null);
    }
}

#[test]
fn unknown_secrets_are_hidden_by_the_names_of_their_fields() {
    let sandbox = start();
    let mut caller = Caller::new(&sandbox);
    let real = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
    for target in [
        target("link", TOKEN),
        "/cgi-bin/component/api_query_auth".to_owned(),
        "/cgi-bin/component/api_component_token".to_owned(),
        "/sns/jscode2session".to_owned(),
    ] {
        for name in [
            "authorization_code",
            "auth_code",
            "pre_auth_code",
            "code",
            "js_code",
            "ComponentVerifyTicket",
            "refreshToken",
            "appsecret",
            "encoding_aes_key",
            "password",
            "tic\\u006bet",
        ] {
            for body in [
                format!(r#"{{"{name}":"{real}"}}"#),
                format!(r#"{{"x":[{{"{name}":["{real}"]}}]}}"#),
                format!(r#"{{"x":"{name}={real}"}}"#),
                format!("{name}={real}"),
                format!("<xml><{name}>{real}</{name}></xml>"),
                format!("{{\"{name}\":\"{real}\""),
            ] {
                caller.post(&target, &body);
            }
            if !name.contains('\\') {
                let and = if target.contains('?') { '&' } else { '?' };
                caller.post(&format!("{target}{and}{name}={real}"), "{}");
                let head = format!("POST {target} HTTP/1.1\r\nX-{name}: {real}\r\n");
                send_bytes(&sandbox, &head, b"{}");
            }
        }
        assert_hidden(&sandbox, real, &target);
    }
    // At component endpoints, fields of other names are hidden too.
    admin(&sandbox, "DELETE", "journal", Value::Null);
    let path = "/cgi-bin/component/api_query_auth";
    let body = json!({"component_appid": PLATFORM, "anything": real, "offset": real,
                      real: 1, "authorizer_appid": real, "nested": {"x": real}});
    caller.post(&format!("{path}?anything={real}&{real}"), &body.to_string());
    assert_hidden(&sandbox, real, path);
    let journal = admin(&sandbox, "GET", "journal", Value::Null);
    let shown: Value =
        serde_json::from_str(journal["entries"][0]["body"].as_str().unwrap()).unwrap();
    assert_eq!(
        shown,
        json!({"component_appid": PLATFORM, "offset": "MASKED", "authorizer_appid": "MASKED"})
    );
}

#[test]
fn a_secret_that_becomes_known_later_is_hidden_too() {
    let sandbox = start();
    let mut caller = Caller::new(&sandbox);
    let link = target("link", TOKEN);
    let mut post_all = |secret: &str| {
        let body = json!({"note": secret}).to_string();
        caller.post(&format!("{link}&x={secret}"), &body);
        let head = format!("POST {link} HTTP/1.1\r\nX-Note: {secret}\r\n");
        send_bytes(&sandbox, &head, secret.as_bytes());
        caller.post(&format!("/{secret}"), "{}");
    };
    for (secret, method, path, body) in [
        (
            "LATER-1-PUSHED",
            "POST",
            "component/ticket",
            json!({"ticket": "LATER-1-PUSHED"}),
        ),
        (
            "LATER-2-REFRESH",
            "PUT",
            "authorizers/wx0a00000000000001",
            json!({"refresh_token": "LATER-2-REFRESH"}),
        ),
        (
            "LATER-3-TOKEN",
            "PUT",
            "tokens/LATER-3-TOKEN",
            json!({"account": ACCOUNT}),
        ),
        (
            "LATER-4-SECRET",
            "PUT",
            "component",
            json!({"appid": PLATFORM, "appsecret": "LATER-4-SECRET", "ticket": "T"}),
        ),
    ] {
        post_all(secret);
        let shown = admin(&sandbox, "GET", "journal", Value::Null).to_string();
        assert!(shown.contains(secret), "it is not known as a secret yet");
        admin(&sandbox, method, path, body);
        assert_hidden(&sandbox, secret, path);
    }
    // The token of the calls is still shown.
    let journal = admin(&sandbox, "GET", "journal", Value::Null);
    let first = &journal["entries"][0];
    assert_eq!(first["query"], format!("access_token={TOKEN}&x=MASKED"));
}

#[test]
fn a_truncated_body_does_not_show_the_start_of_a_secret() {
    let sandbox = start();
    let mut caller = Caller::new(&sandbox);
    let link = target("link", TOKEN);
    for before in [64 * 1024 - 20, 64 * 1024 - 10, 64 * 1024 - 2, 70_000] {
        let filler = "x".repeat(before);
        for body in [
            format!("{filler}{TICKET}{filler}"),
            format!("{filler}{}", percent(TICKET)),
            format!(r#"{{"a":"{filler}{TICKET}{filler}"}}"#),
            format!(r#"{{"a":"{filler}{}"}}"#, json_escaped(TICKET)),
        ] {
            caller.post(&link, &body);
            let journal = admin(&sandbox, "GET", "journal", Value::Null);
            let entry = journal["entries"].as_array().unwrap().last().unwrap();
            assert_eq!(entry["body_bytes"], body.len());
            let shown = entry["body"].as_str().unwrap();
            assert!(shown.len() <= 64 * 1024);
            for part in ["SAN", "%53", "u0053"] {
                assert!(!shown.contains(part), "{before}: {part}");
            }
        }
    }
}

#[test]
fn errors_rules_and_debug_output_hide_secrets() {
    let sandbox = start();
    let unknown = "a-real-token";
    for (method, path, body, secret) in [
        ("GET", format!("tokens/{unknown}"), Value::Null, unknown),
        (
            "DELETE",
            format!("tokens/{unknown}/x"),
            Value::Null,
            unknown,
        ),
        ("GET", format!("faults/{TICKET}"), Value::Null, TICKET),
        ("GET", format!("{REFRESH}/x"), Value::Null, REFRESH),
        ("GET", format!("authorizers/{TICKET}"), Value::Null, TICKET),
        (
            "POST",
            "tokens/revoke".to_owned(),
            json!({"account": TOKEN}),
            TOKEN,
        ),
        (
            "POST",
            "approvals".to_owned(),
            json!({"account": TOKEN, "appid": "x", "by": "mini_program", "decision": "agree"}),
            TOKEN,
        ),
        (
            "POST",
            "approvals".to_owned(),
            json!({"account": "x", "appid": "x", "by": TICKET, "decision": "agree"}),
            TICKET,
        ),
        ("PUT", "component".to_owned(), json!({SECRET: 1}), SECRET),
        (
            "POST",
            "reset".to_owned(),
            json!({"tokens": {unknown: {"account": "wx1"}}}),
            unknown,
        ),
    ] {
        let error = sandbox.admin(method, &path, &body).expect_err("refused");
        assert!(!error.to_string().contains(secret), "{path}: {error}");
    }
    common::fault(
        &sandbox,
        json!({"fault": {"errcode": {"code": 1, "errmsg": format!("no {TICKET}")}}}),
    );
    let faults = admin(&sandbox, "GET", "faults", Value::Null).to_string();
    assert!(faults.contains("no MASKED"), "{faults}");

    let debug = format!("{:?}", Settings::default());
    assert!(debug.contains(PLATFORM));
    assert!(!debug.contains("SANDBOX-"), "{debug}");

    let mut world = World::demo();
    let token = world.tokens.remove(TOKEN).unwrap();
    world.tokens.insert(unknown.to_owned(), token);
    world.accounts.clear();
    world.component = None;
    let settings = Settings {
        world,
        ..Settings::default()
    };
    let error = Sandbox::start(settings).expect_err("refused");
    assert!(!error.to_string().contains(unknown), "{error}");
}
