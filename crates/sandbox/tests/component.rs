//! The component endpoints: tickets, tokens and refresh tokens, and when they become invalid.

mod common;

use std::time::{Duration, Instant};

use common::*;
use serde_json::{Map, Value, json};
use wxlink_sandbox::{Sandbox, Settings, World};

const PLATFORM: &str = "wx0c00000000000001";
const SECRET: &str = "SANDBOX-COMPONENT-SECRET";
const TICKET: &str = "SANDBOX-TICKET";
const REFRESH: &str = "SANDBOX-REFRESH-1";

/// Calls a component endpoint. `query` starts with `?` unless it is empty.
fn component_call(sandbox: &Sandbox, name: &str, query: &str, body: &str) -> Value {
    let target = format!("/cgi-bin/component/{name}{query}");
    let response =
        send(&mut connect(sandbox), &request("POST", &target, body)).expect("a response");
    assert_eq!(response.status, 200);
    response.json()
}

fn component_token(sandbox: &Sandbox, secret: &str, ticket: &str) -> Value {
    let body = json!({
        "component_appid": PLATFORM,
        "component_appsecret": secret,
        "component_verify_ticket": ticket,
    });
    component_call(sandbox, "api_component_token", "", &body.to_string())
}

fn refresh_body(account: &str, refresh_token: &str) -> String {
    json!({
        "component_appid": PLATFORM,
        "authorizer_appid": account,
        "authorizer_refresh_token": refresh_token,
    })
    .to_string()
}

fn refresh_with(sandbox: &Sandbox, query: &str, refresh_token: &str) -> Value {
    let body = refresh_body(ACCOUNT, refresh_token);
    component_call(sandbox, "api_authorizer_token", query, &body)
}

/// Refreshes with the token of the demo world that does not expire.
fn refresh(sandbox: &Sandbox, refresh_token: &str) -> Value {
    refresh_with(
        sandbox,
        "?component_access_token=SANDBOX-COMPONENT",
        refresh_token,
    )
}

/// Refreshes successfully. Returns the access token and the next refresh token.
fn refreshed(sandbox: &Sandbox, refresh_token: &str) -> (String, String) {
    let response = refresh(sandbox, refresh_token);
    assert_eq!(response.get("errcode"), None, "{response}");
    (
        text(&response, "authorizer_access_token"),
        text(&response, "authorizer_refresh_token"),
    )
}

fn text(response: &Value, name: &str) -> String {
    response[name].as_str().expect(name).to_owned()
}

fn get(sandbox: &Sandbox, token: &str) -> i64 {
    errcode(&call(sandbox, "get", token, "{}"))
}

fn advance(sandbox: &Sandbox, seconds: u64) {
    admin(sandbox, "POST", "clock", json!({"advance_s": seconds}));
}

fn list(sandbox: &Sandbox, offset: Value, count: Value) -> Value {
    let body = json!({"component_appid": PLATFORM, "offset": offset, "count": count});
    let query = "?access_token=SANDBOX-COMPONENT";
    component_call(sandbox, "api_get_authorizer_list", query, &body.to_string())
}

#[test]
fn from_a_ticket_to_a_link() {
    let sandbox = start();
    let response = component_token(&sandbox, SECRET, TICKET);
    assert_eq!(response["expires_in"], 7200);
    assert_eq!(
        response.as_object().unwrap().len(),
        2,
        "no errcode: {response}"
    );
    let token = text(&response, "component_access_token");
    // The documentation has used both names.
    for name in ["component_access_token", "access_token"] {
        let query = format!("?{name}={token}");
        let refresh_token = admin(
            &sandbox,
            "GET",
            &format!("authorizers/{ACCOUNT}"),
            Value::Null,
        );
        let response = refresh_with(&sandbox, &query, &text(&refresh_token, "refresh_token"));
        assert_eq!(response["expires_in"], 7200);
        assert_eq!(response.as_object().unwrap().len(), 3, "{response}");
        let issued = text(&response, "authorizer_access_token");
        assert_eq!(get(&sandbox, &issued), 0);
        let unlink = json!({ "appid": APPID }).to_string();
        assert_eq!(
            errcode(&call(&sandbox, "unlink", &issued, &unlink)),
            40013,
            "nothing is linked"
        );
    }
    // The platform's own token is refused by the endpoints for links, and an account's token by the
    // component endpoints.
    assert_eq!(get(&sandbox, &token), 48001);
    for query in [
        "?component_access_token=SANDBOX-TOKEN",
        "?access_token=SANDBOX-TOKEN",
    ] {
        assert_eq!(errcode(&refresh_with(&sandbox, query, REFRESH)), 61014);
    }
}

#[test]
fn every_refusal() {
    let sandbox = start();
    let token = "?component_access_token=SANDBOX-COMPONENT";
    let asked = |appid: &str, secret: Value, ticket: Value| {
        json!({"component_appid": appid, "component_appsecret": secret,
               "component_verify_ticket": ticket})
        .to_string()
    };
    let own = "api_component_token";
    let account = "api_authorizer_token";
    for (name, query, body, code, words) in [
        (own, "", String::new(), 44002, "empty post data"),
        (own, "", "nonsense".to_owned(), 47001, "data format error"),
        (own, "", "{}".to_owned(), 40013, "invalid appid"),
        (
            own,
            "",
            asked(ACCOUNT, json!(SECRET), json!(TICKET)),
            61011,
            "invalid component",
        ),
        (
            own,
            "",
            asked(PLATFORM, json!("wrong"), json!(TICKET)),
            40125,
            "invalid appsecret",
        ),
        (
            own,
            "",
            asked(PLATFORM, Value::Null, json!(TICKET)),
            41004,
            "appsecret missing",
        ),
        (
            own,
            "",
            asked(PLATFORM, json!(SECRET), Value::Null),
            61006,
            "component ticket is invalid",
        ),
        (
            account,
            "",
            refresh_body(ACCOUNT, REFRESH),
            41001,
            "access_token missing",
        ),
        (
            account,
            "?access_token=never",
            refresh_body(ACCOUNT, REFRESH),
            40001,
            "invalid credential",
        ),
        (
            account,
            "?access_token=SANDBOX-MALFORMED",
            refresh_body(ACCOUNT, REFRESH),
            40014,
            "invalid access_token",
        ),
        (account, token, "{}".to_owned(), 40013, "invalid appid"),
        (account, token, refresh_body("", REFRESH), 40013, "invalid"),
        (
            account,
            token,
            refresh_body("wx0affffffffffffff", REFRESH),
            61003,
            "component is not authorized by this account",
        ),
        (
            account,
            token,
            refresh_body(ACCOUNT, "SANDBOX-REFRESH-2"),
            61023,
            "refresh_token is invalid",
        ),
        (
            account,
            token,
            refresh_body(ACCOUNT, ""),
            61023,
            "refresh_token is invalid",
        ),
    ] {
        let response = component_call(&sandbox, name, query, &body);
        assert_eq!(errcode(&response), code, "{body}: {response}");
        assert!(text(&response, "errmsg").starts_with(words), "{response}");
    }
    let request = request("GET", "/cgi-bin/component/api_component_token", "");
    let response = send(&mut connect(&sandbox), &request).unwrap().json();
    assert_eq!(errcode(&response), 43002);
    // None of these calls counts as a refresh.
    let refreshes = admin(&sandbox, "GET", "refreshes", Value::Null);
    assert_eq!(refreshes, json!({"component": 0, "accounts": {}}));
}

#[test]
fn tokens_expire_by_the_clock() {
    let sandbox = start();
    let (first, next) = refreshed(&sandbox, REFRESH);
    advance(&sandbox, 7100);
    assert_eq!(get(&sandbox, &first), 0);
    advance(&sandbox, 101);
    assert_eq!(get(&sandbox, &first), 42001);
    // An expired token is refused with 40001 once a newer one exists. A valid one remains valid for
    // five minutes.
    let (second, next) = refreshed(&sandbox, &next);
    assert_eq!(get(&sandbox, &first), 40001);
    let (third, _) = refreshed(&sandbox, &next);
    advance(&sandbox, 290);
    assert_eq!(get(&sandbox, &second), 0);
    advance(&sandbox, 11);
    assert_eq!(get(&sandbox, &second), 40001);
    assert_eq!(get(&sandbox, &third), 0);
    // A token added by hand does not expire.
    assert_eq!(get(&sandbox, TOKEN), 0);

    let own = || {
        text(
            &component_token(&sandbox, SECRET, TICKET),
            "component_access_token",
        )
    };
    let code = |token: &str| {
        let query = format!("?component_access_token={token}");
        errcode(&refresh_with(&sandbox, &query, "wrong"))
    };
    let first = own();
    let second = own();
    advance(&sandbox, 290);
    assert_eq!((code(&first), code(&second)), (61023, 61023));
    advance(&sandbox, 11);
    assert_eq!((code(&first), code(&second)), (40001, 61023));
    advance(&sandbox, 7000);
    assert_eq!(code(&second), 42001);
}

#[test]
fn tickets_are_valid_for_twelve_hours() {
    let sandbox = start();
    let code = |ticket: &str| component_token(&sandbox, SECRET, ticket)["errcode"].clone();
    advance(&sandbox, 6 * 3600);
    let pushed = admin(&sandbox, "POST", "component/ticket", Value::Null);
    let pushed = text(&pushed, "ticket");
    assert_ne!(pushed, TICKET);
    // The earlier ticket keeps its time.
    advance(&sandbox, 6 * 3600 - 10);
    assert_eq!((code(TICKET), code(&pushed)), (Value::Null, Value::Null));
    advance(&sandbox, 11);
    assert_eq!((code(TICKET), code(&pushed)), (json!(61005), Value::Null));
    advance(&sandbox, 6 * 3600);
    assert_eq!(code(&pushed), 61005);
    assert_eq!(code("never-pushed"), 61006);
    let mine = json!({"ticket": "MINE"});
    assert_eq!(
        admin(&sandbox, "POST", "component/ticket", mine.clone()),
        mine
    );
    assert_eq!(code("MINE"), Value::Null);
    // Replacing the platform removes its tickets and keeps its accounts.
    let platform = json!({"appid": PLATFORM, "appsecret": "other", "ticket": "OTHER"});
    admin(&sandbox, "PUT", "component", platform);
    assert_eq!(code("OTHER"), 40125);
    let response = component_token(&sandbox, "other", "MINE");
    assert_eq!(errcode(&response), 61006);
    assert_eq!(
        component_token(&sandbox, "other", "OTHER")["expires_in"],
        7200
    );
    assert_eq!(list(&sandbox, json!(0), json!(1))["total_count"], 4);
}

#[test]
fn refresh_tokens_rotate() {
    let sandbox = start();
    let (_, second) = refreshed(&sandbox, REFRESH);
    assert_ne!(second, REFRESH);
    // If the response was lost, or another machine was faster, the old one can still be used for a
    // while.
    let (_, third) = refreshed(&sandbox, REFRESH);
    advance(&sandbox, 290);
    assert_ne!(refreshed(&sandbox, &second).1, third);
    advance(&sandbox, 11);
    assert_eq!(errcode(&refresh(&sandbox, REFRESH)), 61023);
    assert_eq!(errcode(&refresh(&sandbox, &second)), 61023);
    // The list has the current refresh token.
    let response = list(&sandbox, json!(0), json!(500));
    assert_eq!(response["list"][0]["authorizer_appid"], ACCOUNT);
    refreshed(&sandbox, &text(&response["list"][0], "refresh_token"));

    for (mode, same, old) in [("strict", false, 61023), ("stable", true, 0)] {
        let sandbox = start();
        let platform =
            json!({"appid": PLATFORM, "appsecret": SECRET, "ticket": TICKET, "refresh": mode});
        admin(&sandbox, "PUT", "component", platform);
        let (_, next) = refreshed(&sandbox, REFRESH);
        assert_eq!(next == REFRESH, same, "{mode}");
        let response = refresh(&sandbox, REFRESH);
        assert_eq!(response["errcode"].as_i64().unwrap_or(0), old, "{mode}");
        refreshed(&sandbox, &next);
    }
}

#[test]
fn accounts_withdraw_and_authorise_again() {
    let sandbox = start();
    let path = format!("authorizers/{ACCOUNT}");
    let (issued, next) = refreshed(&sandbox, REFRESH);
    admin(&sandbox, "DELETE", &path, Value::Null);
    assert_eq!(errcode(&refresh(&sandbox, &next)), 61003);
    assert_eq!(
        (get(&sandbox, &issued), get(&sandbox, TOKEN)),
        (61003, 61003)
    );
    assert_eq!(list(&sandbox, json!(0), json!(500))["total_count"], 3);
    let error = sandbox.admin("DELETE", &path, &Value::Null).unwrap_err();
    assert_eq!(error.status(), 404);
    assert!(error.to_string().contains("PUT"), "{error}");

    // Authorising again gives another refresh token. The old tokens stay invalid.
    let response = admin(&sandbox, "PUT", &path, json!({}));
    let again = text(&response, "refresh_token");
    assert_ne!(again, next);
    assert_eq!(errcode(&refresh(&sandbox, &next)), 61023);
    assert_eq!(get(&sandbox, &issued), 61003);
    let (issued, next) = refreshed(&sandbox, &again);
    assert_eq!(get(&sandbox, &issued), 0);

    // Without permission set 33, tokens are issued but refused by the endpoints for links.
    let refused = json!({"refresh_token": "MINE", "permission": false});
    let response = admin(&sandbox, "PUT", &path, refused);
    assert_eq!(response, json!({"refresh_token": "MINE"}));
    assert_eq!(errcode(&refresh(&sandbox, &next)), 61023);
    let (new, _) = refreshed(&sandbox, "MINE");
    assert_eq!(
        (get(&sandbox, &issued), get(&sandbox, &new)),
        (61007, 61007)
    );
}

#[test]
fn tokens_can_be_revoked() {
    let sandbox = start();
    let (first, next) = refreshed(&sandbox, REFRESH);
    let (second, next) = refreshed(&sandbox, &next);
    let body = json!({"account": ACCOUNT});
    let response = admin(&sandbox, "POST", "tokens/revoke", body.clone());
    assert_eq!(response, json!({"revoked": 3}), "one was added by hand");
    for token in [&first, &second, TOKEN] {
        assert_eq!(get(&sandbox, token), 40001);
    }
    assert_eq!(get(&sandbox, "SANDBOX-TOKEN-2"), 0);
    let response = admin(&sandbox, "POST", "tokens/revoke", body);
    assert_eq!(response, json!({"revoked": 0}));
    let (third, next) = refreshed(&sandbox, &next);
    assert_eq!((get(&sandbox, &first), get(&sandbox, &third)), (40001, 0));

    let body = json!({"component": true});
    let response = admin(&sandbox, "POST", "tokens/revoke", body);
    assert_eq!(response, json!({"revoked": 1}));
    assert_eq!(errcode(&refresh(&sandbox, &next)), 40001);
}

#[test]
fn refreshes_are_counted() {
    let sandbox = start();
    let (_, next) = refreshed(&sandbox, REFRESH);
    // A refresh counts even if its response is lost. A refused one does not count.
    fault(
        &sandbox,
        json!({"endpoint": "authorizer_token", "when": "after", "fault": {"drop": "reset"}}),
    );
    let target = "/cgi-bin/component/api_authorizer_token?access_token=SANDBOX-COMPONENT";
    let request = request("POST", target, &refresh_body(ACCOUNT, &next));
    let Received { bytes, .. } = exchange(&sandbox, &request);
    assert!(bytes.is_empty());
    refresh(&sandbox, "wrong");
    component_token(&sandbox, SECRET, TICKET);
    component_token(&sandbox, SECRET, "wrong");
    let refreshes = || admin(&sandbox, "GET", "refreshes", Value::Null);
    assert_eq!(
        refreshes(),
        json!({"component": 1, "accounts": {ACCOUNT: 2}})
    );
    let counts = admin(&sandbox, "GET", "journal/counts", Value::Null);
    assert_eq!(counts["processed"]["authorizer_token"], 3);
    assert_eq!(counts["processed"]["component_token"], 2);
    // A platform that is read, changed and written keeps its counts.
    let counted = refreshes();
    for _ in 0..100 {
        let component = admin(&sandbox, "GET", "component", Value::Null);
        admin(&sandbox, "PUT", "component", component);
    }
    assert_eq!(refreshes(), counted);
    admin(&sandbox, "DELETE", "refreshes", Value::Null);
    assert_eq!(refreshes(), json!({"component": 0, "accounts": {}}));
}

#[test]
fn the_list_has_pages() {
    let sandbox = start();
    let page = |offset, count| list(&sandbox, json!(offset), json!(count));
    let all = page(0, 500);
    assert_eq!(all["total_count"], 4);
    assert_eq!(all["list"].as_array().unwrap().len(), 4);
    assert_eq!(
        all["list"][0],
        json!({"authorizer_appid": ACCOUNT, "refresh_token": REFRESH, "auth_time": 1_790_000_001})
    );
    let some = page(1, 2);
    assert_eq!(some["total_count"], 4);
    assert_eq!(
        some["list"].as_array().unwrap()[..],
        all["list"].as_array().unwrap()[1..3]
    );
    assert_eq!(page(u64::MAX, 1)["list"], json!([]));
    assert_eq!(errcode(&page(0, 501)), 40170);
    assert_eq!(errcode(&list(&sandbox, json!("0"), json!(1))), 40097);
    assert_eq!(errcode(&list(&sandbox, json!(0), Value::Null)), 40097);
}

#[test]
fn faults_apply_to_component_endpoints() {
    let sandbox = start();
    for (endpoint, name) in [
        ("component_token", "api_component_token"),
        ("authorizer_token", "api_authorizer_token"),
        ("authorizer_list", "api_get_authorizer_list"),
    ] {
        for rule in [
            json!("garbage"),
            json!({"drop": "close"}),
            json!({"errcode": {"code": -1}}),
            json!({"delay_ms": 1}),
        ] {
            fault(&sandbox, json!({"endpoint": endpoint, "fault": rule}));
        }
        assert_ne!(link(&sandbox, APPID), -1, "none of these applies to `link`");
        let target = format!("/cgi-bin/component/{name}");
        let Received { bytes, .. } = exchange(&sandbox, &request("POST", &target, "{}"));
        assert!(!bytes.starts_with(b"HTTP/1.1"));
        let Received { bytes, .. } = exchange(&sandbox, &request("POST", &target, "{}"));
        assert!(bytes.is_empty());
        assert_eq!(errcode(&component_call(&sandbox, name, "", "{}")), -1);
        assert!(errcode(&component_call(&sandbox, name, "", "{}")) > 0);
    }
    let faults = admin(&sandbox, "GET", "faults", Value::Null);
    for rule in faults["faults"].as_array().unwrap() {
        assert_eq!(rule["hits"], 1, "{rule}");
    }
}

#[test]
fn the_journal_and_errors_hide_secrets() {
    let sandbox = start();
    let token = text(
        &component_token(&sandbox, SECRET, TICKET),
        "component_access_token",
    );
    let (issued, next) = refreshed(&sandbox, REFRESH);
    component_token(&sandbox, "a-wrong-secret", TICKET);
    refresh(&sandbox, "a-wrong-refresh-token");
    refresh(&sandbox, &next);
    get(&sandbox, &issued);
    for body in [
        format!("{{\"component_appsecret\":\"{SECRET}\""),
        format!("{{\"component_appsecre\\u0074\":\"{SECRET}\"}}"),
        format!("component_verify_ticket={TICKET}"),
    ] {
        component_call(&sandbox, "api_component_token", "", &body);
    }
    let query = format!("?component_appsecret={SECRET}&component_access_token=a-real-token");
    refresh_with(&sandbox, &query, REFRESH);
    let journal = admin(&sandbox, "GET", "journal", Value::Null);
    let shown = journal.to_string();
    for secret in [
        SECRET,
        TICKET,
        REFRESH,
        &next,
        "a-wrong-secret",
        "a-wrong-refresh-token",
        "a-real-token",
    ] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
    let first = &journal["entries"][0];
    assert_eq!(first["endpoint"], "component_token");
    assert_eq!(first["answered"], json!({"status": 200, "errcode": null}));
    let body: Value = serde_json::from_str(first["body"].as_str().unwrap()).unwrap();
    assert_eq!(
        body,
        json!({"component_appid": PLATFORM, "component_appsecret": "MASKED",
               "component_verify_ticket": "MASKED"})
    );
    // The access token of an account is shown: a test may check which one was used.
    assert!(shown.contains(&issued));
    assert!(!shown.contains(&token), "it was never used");

    for (path, body) in [
        ("component", json!("a-secret-here")),
        (
            "component",
            json!({"appid": PLATFORM, "appsecret": "a-secret-here", "ticket": ""}),
        ),
        (
            "component",
            json!({"appid": PLATFORM, "appsecret": ["a-secret-here"], "ticket": "T"}),
        ),
        (
            "component",
            json!({"appid": PLATFORM, "appsecret": "S", "ticket": "T",
                   "refreshes": "a-secret-here\", "}),
        ),
        (
            "authorizers/wx0affffffffffffff",
            json!({"refresh_token": "a-secret-here"}),
        ),
    ] {
        let error = sandbox.admin("PUT", path, &body).expect_err("refused");
        assert!(!error.to_string().contains("a-secret"), "{error}");
    }
}

#[test]
fn reset_accepts_the_world_that_state_returns() {
    let sandbox = start();
    let own = text(
        &component_token(&sandbox, SECRET, TICKET),
        "component_access_token",
    );
    let (first, next) = refreshed(&sandbox, REFRESH);
    let (second, last) = refreshed(&sandbox, &next);
    admin(&sandbox, "POST", "component/ticket", json!({"ticket": "T"}));
    advance(&sandbox, 200);
    let state = admin(&sandbox, "GET", "state", Value::Null);
    admin(&sandbox, "POST", "reset", json!({}));
    assert_eq!(get(&sandbox, &first), 40001);
    refreshed(&sandbox, REFRESH);

    admin(&sandbox, "POST", "reset", state["world"].clone());
    assert_eq!((get(&sandbox, &first), get(&sandbox, &second)), (0, 0));
    let refreshes = admin(&sandbox, "GET", "refreshes", Value::Null);
    assert_eq!(refreshes, json!({"component": 1, "accounts": {ACCOUNT: 2}}));
    assert_eq!(
        component_token(&sandbox, SECRET, TICKET)["expires_in"],
        7200
    );
    // They have as much time left as before, although the reset set the clock back.
    advance(&sandbox, 101);
    assert_eq!((get(&sandbox, &first), get(&sandbox, &second)), (40001, 0));
    assert_eq!(errcode(&refresh(&sandbox, &next)), 61023);
    let query = format!("?component_access_token={own}");
    let response = refresh_with(&sandbox, &query, &last);
    assert_eq!(response["expires_in"], 7200);
    assert_eq!(component_token(&sandbox, SECRET, "T")["expires_in"], 7200);
}

#[test]
fn a_world_without_a_platform_refuses_component_calls() {
    let mut world = World::demo();
    world.component = None;
    let sandbox = Sandbox::start(Settings {
        world,
        ..Settings::default()
    })
    .unwrap();
    assert_eq!(errcode(&component_token(&sandbox, SECRET, TICKET)), 61011);
    assert_eq!(errcode(&refresh(&sandbox, REFRESH)), 61011);
    assert_eq!(get(&sandbox, TOKEN), 0);
    for (method, path) in [
        ("GET", "component"),
        ("POST", "component/ticket"),
        ("PUT", "authorizers/wx0a00000000000001"),
        ("GET", "refreshes"),
    ] {
        let error = sandbox.admin(method, path, &Value::Null).unwrap_err();
        assert_eq!(error.status(), 404);
        assert!(error.to_string().contains("PUT /__sandbox/component"));
    }
    for (method, path, body, status) in [
        ("POST", "tokens/revoke", json!({"account": "wx1"}), 404),
        ("POST", "tokens/revoke", json!({}), 400),
        ("PUT", "authorizers", json!({}), 404),
        ("POST", "authorizers/wx1", json!({}), 405),
        ("PUT", "component", json!({"appid": PLATFORM}), 400),
        (
            "PUT",
            "component",
            json!({"appid": ACCOUNT, "appsecret": "S", "ticket": "T"}),
            400,
        ),
        (
            "PUT",
            "tokens/T",
            json!({"account": ACCOUNT, "kind": "component"}),
            400,
        ),
    ] {
        let error = sandbox.admin(method, path, &body).expect_err(path);
        assert_eq!(error.status(), status, "{method} {path}: {error}");
    }
}

#[test]
fn ten_thousand_accounts_in_one_request() {
    let sandbox = start();
    let appid = |number: usize| format!("wx0a{number:014x}");
    let accounts: Map<_, _> = (0..10_000).map(|n| (appid(n), json!({}))).collect();
    let authorizers: Map<_, _> = (0..10_000)
        .map(|n| (appid(n), json!({"refresh_token": format!("R-{n}")})))
        .collect();
    let world = json!({
        "accounts": accounts,
        "tokens": {"SANDBOX-COMPONENT": {"kind": "component"}},
        "component": {"appid": PLATFORM, "appsecret": SECRET, "ticket": TICKET,
                      "authorizers": authorizers},
    });
    let body = world.to_string();
    let mut stream = connect(&sandbox);
    let since = Instant::now();
    let response = send(&mut stream, &request("POST", "/__sandbox/reset", &body)).unwrap();
    let took = since.elapsed();
    assert_eq!(response.status, 200);
    // An unoptimised build needs a tenth of this. The test fails if the time grows with the square
    // of the number of accounts.
    assert!(took < Duration::from_secs(10), "{took:?}");

    let last = list(&sandbox, json!(9_999), json!(500));
    assert_eq!(last["total_count"], 10_000);
    assert_eq!(last["list"][0]["refresh_token"], "R-9999");
    let target = "/cgi-bin/component/api_authorizer_token?component_access_token=SANDBOX-COMPONENT";
    let since = Instant::now();
    for n in 0..1000 {
        let body = refresh_body(&appid(n), &format!("R-{n}"));
        let response = send(&mut stream, &request("POST", target, &body)).unwrap();
        assert_eq!(response.json()["expires_in"], 7200);
    }
    println!("reset {took:?}, a thousand refreshes {:?}", since.elapsed());
    let refreshes = admin(&sandbox, "GET", "refreshes", Value::Null);
    assert_eq!(refreshes["accounts"].as_object().unwrap().len(), 1000);
}
