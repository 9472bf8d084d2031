//! How an account authorises the platform: the calls, the page in the browser, and the events.

mod common;

use common::receiver::{PLATFORM, Receiver, between, field, results};
use common::*;
use serde_json::{Value, json};
use wxlink_sandbox::{Sandbox, Settings, World};

const SECRET: &str = "SANDBOX-COMPONENT-SECRET";
/// An account that has not authorised the platform.
const NEW_ACCOUNT: &str = "wx0a00000000000009";
const REDIRECT: &str = "http://127.0.0.1:9/back?shop=7";

fn start_with_new_account() -> Sandbox {
    let sandbox = start();
    let path = format!("accounts/{NEW_ACCOUNT}");
    admin(
        &sandbox,
        "PUT",
        &path,
        json!({"nickname": "<b>新公众号</b>"}),
    );
    sandbox
}

/// Calls a component endpoint with the token of the demo world.
fn component(sandbox: &Sandbox, name: &str, body: Value) -> Value {
    component_with(
        sandbox,
        name,
        "component_access_token=SANDBOX-COMPONENT",
        body,
    )
}

fn component_with(sandbox: &Sandbox, name: &str, query: &str, mut body: Value) -> Value {
    body["component_appid"] = PLATFORM.into();
    let target = format!("/cgi-bin/component/{name}?{query}");
    let request = request("POST", &target, &body.to_string());
    send(&mut connect(sandbox), &request)
        .expect("a response")
        .json()
}

fn pre_auth_code(sandbox: &Sandbox) -> String {
    let response = component(sandbox, "api_create_preauthcode", json!({}));
    assert_eq!(response["expires_in"], 1800, "{response}");
    text(&response, "pre_auth_code")
}

fn text(value: &Value, name: &str) -> String {
    value[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name} in {value}"))
        .to_owned()
}

fn query_auth(sandbox: &Sandbox, code: &str) -> Value {
    component(
        sandbox,
        "api_query_auth",
        json!({"authorization_code": code}),
    )
}

fn authorize(sandbox: &Sandbox, account: &str) -> String {
    let response = admin(
        sandbox,
        "POST",
        "authorizations",
        json!({"account": account}),
    );
    text(&response, "authorization_code")
}

fn info(sandbox: &Sandbox, account: &str) -> Value {
    component(
        sandbox,
        "api_get_authorizer_info",
        json!({"authorizer_appid": account}),
    )
}

/// The permission sets in an answer.
fn permission_sets(info: &Value) -> Vec<u64> {
    let sets = info["func_info"].as_array().expect("sets");
    sets.iter()
        .map(|set| set["funcscope_category"]["id"].as_u64().expect("an id"))
        .collect()
}

#[test]
fn from_the_approval_of_the_platform_to_a_linked_mini_program() {
    let (sandbox, receiver) = (start_with_new_account(), Receiver::new());
    receiver.attach(&sandbox, json!({"stopped": true}));
    let body = json!({"component_secret": SECRET});
    let started = component_with(&sandbox, "api_start_push_ticket", "", body);
    assert_eq!(started["errmsg"], "ok");
    let event = receiver.accept_next().open().unwrap();
    let ticket = field(&event, "ComponentVerifyTicket");
    let body = json!({"component_appsecret": SECRET, "component_verify_ticket": ticket});
    let token = component_with(&sandbox, "api_component_token", "", body);
    let token = text(&token, "component_access_token");
    let query = format!("access_token={token}");
    let code = component_with(&sandbox, "api_create_preauthcode", &query, json!({}));
    let code = text(&code, "pre_auth_code");

    let consent = json!({"account": NEW_ACCOUNT, "pre_auth_code": code, "redirect_uri": REDIRECT});
    let consent = admin(&sandbox, "POST", "authorizations", consent);
    let event = receiver.accept_next().open().unwrap();
    assert_eq!(field(&event, "InfoType"), "authorized");
    assert_eq!(field(&event, "AuthorizerAppid"), NEW_ACCOUNT);
    assert_eq!(field(&event, "PreAuthCode"), code);
    let time = |name| field(&event, name).parse::<u64>().unwrap();
    assert_eq!(
        time("AuthorizationCodeExpiredTime"),
        time("CreateTime") + 3600
    );
    let code = field(&event, "AuthorizationCode");
    assert_eq!(consent["authorization_code"], code);
    assert_eq!(
        text(&consent, "redirect"),
        format!("{REDIRECT}&auth_code={code}&expires_in=3600")
    );

    // Before the first api_query_auth there is no refresh token, neither in the list nor elsewhere.
    let list = || {
        let response = component(
            &sandbox,
            "api_get_authorizer_list",
            json!({"offset": 0, "count": 9}),
        );
        let all = response["list"].as_array().unwrap().clone();
        all.into_iter()
            .find(|it| it["authorizer_appid"] == NEW_ACCOUNT)
            .unwrap()
    };
    assert_eq!(list().get("refresh_token"), None);
    let authorization = &info(&sandbox, NEW_ACCOUNT)["authorization_info"];
    assert_eq!(authorization.get("authorizer_refresh_token"), None);
    let refresh = |token: &str| {
        let body = json!({"authorizer_appid": NEW_ACCOUNT, "authorizer_refresh_token": token});
        component(&sandbox, "api_authorizer_token", body)
    };
    assert_eq!(errcode(&refresh("")), 61023);

    // The SDKs write the names with and without `api_`.
    let body = json!({"authorization_code": code});
    let queried = component_with(&sandbox, "query_auth", &query, body);
    let queried = &queried["authorization_info"];
    assert_eq!(queried["authorizer_appid"], NEW_ACCOUNT);
    assert_eq!(queried["expires_in"], 7200);
    assert!(permission_sets(queried).contains(&33));
    let refresh_token = text(queried, "authorizer_refresh_token");
    assert_eq!(list()["refresh_token"], *refresh_token);
    assert_eq!(
        errcode(&query_auth(&sandbox, code)),
        61009,
        "a code is used once"
    );
    let access_token = text(&refresh(&refresh_token), "authorizer_access_token");

    assert_eq!(
        errcode(&call(&sandbox, "link", &access_token, &link_body(APPID))),
        0
    );
    for by in ["official_account", "mini_program"] {
        let body = json!({"account": NEW_ACCOUNT, "appid": APPID, "by": by, "decision": "agree"});
        admin(&sandbox, "POST", "approvals", body);
    }
    let list = call(&sandbox, "get", &access_token, "{}");
    assert_eq!(list["wxopens"]["items"][0]["status"], 1);
    let unlink = json!({ "appid": APPID }).to_string();
    assert_eq!(
        errcode(&call(&sandbox, "unlink", &access_token, &unlink)),
        0
    );

    admin(
        &sandbox,
        "DELETE",
        &format!("authorizers/{NEW_ACCOUNT}"),
        Value::Null,
    );
    let event = receiver.accept_next().open().unwrap();
    assert_eq!(field(&event, "InfoType"), "unauthorized");
    assert_eq!(field(&event, "AuthorizerAppid"), NEW_ACCOUNT);
    assert_eq!(errcode(&call(&sandbox, "get", &access_token, "{}")), 61003);
    assert_eq!(errcode(&info(&sandbox, NEW_ACCOUNT)), 61003);
}

#[test]
fn codes_and_tokens_live_as_long_as_set() {
    let sandbox = start_with_new_account();
    let mut platform = admin(&sandbox, "GET", "component", Value::Null);
    platform["lifetimes"] = json!({
        "pre_auth_code_s": 10, "authorization_code_s": 20, "authorizer_token_s": 30,
        "component_token_s": 40, "ticket_s": 50,
    });
    admin(&sandbox, "PUT", "component", platform);
    let code = component(&sandbox, "api_create_preauthcode", json!({}));
    assert_eq!(code["expires_in"], 10);
    let consent = |code: &Value| {
        let body = json!({"account": NEW_ACCOUNT, "pre_auth_code": code});
        sandbox.admin("POST", "authorizations", &body)
    };
    advance(&sandbox, 11);
    let error = consent(&code["pre_auth_code"]).unwrap_err();
    assert!(error.to_string().contains("has expired"), "{error}");
    let error = consent(&json!("preauthcode@@@unknown")).unwrap_err();
    assert!(error.to_string().contains("is unknown"), "{error}");
    let code = component(&sandbox, "api_create_preauthcode", json!({}));
    let first = consent(&code["pre_auth_code"]).unwrap();
    assert_eq!(first["expires_in"], 20);
    let error = consent(&code["pre_auth_code"]).unwrap_err();
    assert!(error.to_string().contains("was used"), "{error}");
    advance(&sandbox, 21);
    assert_eq!(
        errcode(&query_auth(&sandbox, &text(&first, "authorization_code"))),
        61010
    );
    let queried = query_auth(&sandbox, &authorize(&sandbox, NEW_ACCOUNT));
    let queried = &queried["authorization_info"];
    assert_eq!(queried["expires_in"], 30);
    let token = text(queried, "authorizer_access_token");
    assert_eq!(errcode(&call(&sandbox, "get", &token, "{}")), 0);
    advance(&sandbox, 31);
    assert_eq!(errcode(&call(&sandbox, "get", &token, "{}")), 42001);
    let ticket = admin(&sandbox, "POST", "component/ticket", Value::Null);
    let ask = || {
        let body = json!({"component_appsecret": SECRET,
                          "component_verify_ticket": ticket["ticket"]});
        component_with(&sandbox, "api_component_token", "", body)
    };
    assert_eq!(ask()["expires_in"], 40);
    advance(&sandbox, 51);
    assert_eq!(errcode(&ask()), 61005);
}

#[test]
fn a_used_code_is_refused_as_the_platform_is_set_up() {
    let sandbox = start_with_new_account();
    for (used_code, errcode) in [("expired", 61010), ("invalid", 61009)] {
        let mut platform = admin(&sandbox, "GET", "component", Value::Null);
        platform["used_code"] = used_code.into();
        admin(&sandbox, "PUT", "component", platform);
        let code = authorize(&sandbox, NEW_ACCOUNT);
        assert!(query_auth(&sandbox, &code)["authorization_info"].is_object());
        assert_eq!(common::errcode(&query_auth(&sandbox, &code)), errcode);
        let unknown = query_auth(&sandbox, "queryauthcode@@@no");
        assert_eq!(common::errcode(&unknown), 61009);
    }
}

#[test]
fn an_account_of_a_release_test_is_in_the_list_only() {
    let sandbox = start();
    let set_up = |release_test: bool| {
        let body = json!({"refresh_token": "RELEASE-TEST", "release_test": release_test});
        admin(&sandbox, "PUT", &format!("authorizers/{ACCOUNT}"), body);
        let body = json!({"offset": 0, "count": 10});
        let listed = component(&sandbox, "api_get_authorizer_list", body);
        let body = json!({"authorizer_appid": ACCOUNT, "authorizer_refresh_token": "RELEASE-TEST"});
        let token = component(&sandbox, "api_authorizer_token", body);
        (listed["list"][0].clone(), token)
    };
    let (listed, token) = set_up(true);
    assert_eq!(listed["authorizer_appid"], ACCOUNT);
    assert_eq!(listed["refresh_token"], "RELEASE-TEST");
    assert_eq!(errcode(&token), 61003);
    assert_eq!(errcode(&info(&sandbox, ACCOUNT)), 61003);
    // It survives a reset to the world of now.
    let world = admin(&sandbox, "GET", "state", Value::Null)["world"].clone();
    admin(&sandbox, "POST", "reset", world);
    assert_eq!(errcode(&info(&sandbox, ACCOUNT)), 61003);
    let (_, token) = set_up(false);
    assert!(token["authorizer_access_token"].is_string(), "{token}");
}

#[test]
fn every_refusal() {
    let sandbox = start_with_new_account();
    for (name, body, code) in [
        ("api_query_auth", json!({}), 40097),
        (
            "api_query_auth",
            json!({"authorization_code": "queryauthcode@@@no"}),
            61009,
        ),
        (
            "api_query_auth",
            json!({"authorization_code": pre_auth_code(&sandbox)}),
            61009,
        ),
        ("api_get_authorizer_info", json!({}), 40013),
        (
            "api_get_authorizer_info",
            json!({"authorizer_appid": NEW_ACCOUNT}),
            61003,
        ),
    ] {
        assert_eq!(
            errcode(&component(&sandbox, name, body.clone())),
            code,
            "{name} {body}"
        );
        for (query, code) in [
            ("", 41001),
            ("access_token=no", 40001),
            ("access_token=SANDBOX-TOKEN", 61014),
        ] {
            let response = component_with(&sandbox, name, query, body.clone());
            assert_eq!(errcode(&response), code, "{name} {query}");
        }
    }
    // A code is worth nothing once its account has withdrawn.
    let code = authorize(&sandbox, NEW_ACCOUNT);
    admin(
        &sandbox,
        "DELETE",
        &format!("authorizers/{NEW_ACCOUNT}"),
        Value::Null,
    );
    assert_eq!(errcode(&query_auth(&sandbox, &code)), 61003);
}

#[test]
fn authorising_again_rotates_the_refresh_token_and_may_take_set_33_away() {
    let (sandbox, receiver) = (start(), Receiver::new());
    receiver.attach(&sandbox, json!({}));
    let body = json!({"account": ACCOUNT, "permission": false});
    let code = text(
        &admin(&sandbox, "POST", "authorizations", body),
        "authorization_code",
    );
    let event = receiver.accept_next().open().unwrap();
    assert_eq!(field(&event, "InfoType"), "updateauthorized");
    // Until the code is used, the earlier refresh token stays the current one.
    let before = info(&sandbox, ACCOUNT)["authorization_info"].clone();
    assert_eq!(before["authorizer_refresh_token"], "SANDBOX-REFRESH-1");
    assert!(!permission_sets(&before).contains(&33));
    let queried = query_auth(&sandbox, &code);
    let token = text(&queried["authorization_info"], "authorizer_access_token");
    assert_ne!(
        queried["authorization_info"]["authorizer_refresh_token"],
        "SANDBOX-REFRESH-1"
    );
    assert_eq!(errcode(&call(&sandbox, "get", &token, "{}")), 61007);

    // If nothing changes, WeChat pushes nothing. Tests may ask for any number of events.
    let again = |events: Value| {
        let body = json!({"account": ACCOUNT, "permission": false, "events": events});
        let response = admin(&sandbox, "POST", "authorizations", body);
        response["pushes"].as_array().unwrap().len()
    };
    assert_eq!(again(Value::Null), 0);
    assert_eq!(again(json!(2)), 2);
    let events = [receiver.accept_next(), receiver.accept_next()];
    let codes = events.map(|push| field(&push.open().unwrap(), "AuthorizationCode").to_owned());
    assert_eq!(codes[0], codes[1]);
}

#[test]
fn an_accounts_profile() {
    let sandbox = start();
    let info = &info(&sandbox, ACCOUNT)["authorizer_info"];
    assert_eq!(info["nick_name"], "示例公众号");
    assert_eq!(info["user_name"], "gh_000000000001");
    assert_eq!(info["principal_name"], "示例科技有限公司");
    assert_eq!(info["service_type_info"], json!({"id": 2}));
    assert_eq!(info.get("MiniProgramInfo"), None);
}

#[test]
fn accounts_and_codes_survive_in_the_world() {
    let sandbox = start_with_new_account();
    let code = authorize(&sandbox, NEW_ACCOUNT);
    let pre_auth_code = pre_auth_code(&sandbox);
    let world = admin(&sandbox, "GET", "state", Value::Null)["world"].clone();
    admin(&sandbox, "POST", "reset", world);
    let authorization = &info(&sandbox, NEW_ACCOUNT)["authorization_info"];
    assert_eq!(authorization.get("authorizer_refresh_token"), None);
    let body = json!({"account": NEW_ACCOUNT, "pre_auth_code": pre_auth_code});
    admin(&sandbox, "POST", "authorizations", body);
    assert!(query_auth(&sandbox, &code)["authorization_info"].is_object());
    assert_eq!(errcode(&query_auth(&sandbox, &code)), 61009);

    let mut world = World::demo();
    let component = world.component.as_mut().unwrap();
    component
        .authorizers
        .as_mut()
        .unwrap()
        .values_mut()
        .for_each(|it| it.queried = false);
    let error = Sandbox::start(Settings {
        world,
        ..Settings::default()
    })
    .unwrap_err();
    assert!(error.to_string().contains("needs `queried`"), "{error}");
}

// ---- rid/get

fn rid_get(sandbox: &Sandbox, token: &str, rid: &str) -> Value {
    let target = format!("/cgi-bin/openapi/rid/get?access_token={token}");
    let body = json!({ "rid": rid }).to_string();
    send(&mut connect(sandbox), &request("POST", &target, &body))
        .expect("a response")
        .json()
}

fn rid_of(response: &Value) -> String {
    text(response, "errmsg")
        .rsplit_once("rid: ")
        .expect("a rid")
        .1
        .to_owned()
}

#[test]
fn a_refused_call_is_shown_again_to_its_owner() {
    let sandbox = start();
    let refused = call(&sandbox, "link", TOKEN, r#"{"appid":"gh_1"}"#);
    let rid = rid_of(&refused);
    let shown = rid_get(&sandbox, TOKEN, &rid);
    assert_eq!(errcode(&shown), 0);
    let shown = &shown["request"];
    assert_eq!(shown["request_body"], r#"{"appid":"gh_1"}"#);
    assert_eq!(
        shown["request_url"],
        format!("/cgi-bin/wxopen/wxamplink?access_token={TOKEN}")
    );
    assert_eq!(text(shown, "response_body"), refused.to_string());

    for (token, rid, code) in [
        ("SANDBOX-TOKEN-2", &*rid, 76003),
        ("SANDBOX-COMPONENT", &*rid, 76003),
        (TOKEN, "0badcafe-00000000-00000000", 76001),
        (TOKEN, "nonsense", 76002),
        ("", &*rid, 41001),
        ("SANDBOX-EXPIRED", &*rid, 42001),
        ("unknown", &*rid, 40001),
    ] {
        assert_eq!(
            errcode(&rid_get(&sandbox, token, rid)),
            code,
            "{token} {rid}"
        );
    }
    advance(&sandbox, 7 * 86_400);
    assert_eq!(errcode(&rid_get(&sandbox, TOKEN, &rid)), 76001);

    // The platform's own calls are the platform's, also those without a token.
    let body = json!({"component_appsecret": "no", "component_verify_ticket": "no"});
    let refused = component_with(&sandbox, "api_component_token", "", body);
    let rid = rid_of(&refused);
    assert_eq!(errcode(&rid_get(&sandbox, "SANDBOX-COMPONENT", &rid)), 0);
    assert_eq!(errcode(&rid_get(&sandbox, TOKEN, &rid)), 76003);
    // A fault's errcode has a rid too.
    fault(
        &sandbox,
        json!({"endpoint": "get", "fault": {"errcode": {"code": -1}}}),
    );
    let rid = rid_of(&call(&sandbox, "get", TOKEN, "{}"));
    assert_eq!(errcode(&rid_get(&sandbox, TOKEN, &rid)), 0);
}

// ---- The page

struct Browser<'a> {
    sandbox: &'a Sandbox,
    query: String,
}

impl<'a> Browser<'a> {
    fn new(sandbox: &'a Sandbox, more: &str) -> Self {
        let code = pre_auth_code(sandbox).replace('@', "%40");
        let redirect = REDIRECT
            .replace(':', "%3A")
            .replace('/', "%2F")
            .replace('?', "%3F");
        Self {
            sandbox,
            query: format!(
                "component_appid={PLATFORM}&pre_auth_code={code}&redirect_uri={redirect}{more}"
            ),
        }
    }

    fn target(&self) -> String {
        format!("/cgi-bin/componentloginpage?{}", self.query)
    }

    /// Opens the page through a link on this page; empty: without one.
    fn open(&self, referer: &str) -> Response {
        let referer = match referer {
            "" => String::new(),
            url => format!("Referer: {url}\r\nSec-Fetch-Site: cross-site\r\n"),
        };
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: localhost\r\n{referer}\r\n",
            self.target()
        );
        send(&mut connect(self.sandbox), &request).expect("a response")
    }

    fn decide(&self, form: &str, origin: &str) -> Response {
        let request = format!(
            "POST {} HTTP/1.1\r\nHost: localhost\r\nOrigin: {origin}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            self.target(),
            form.len()
        );
        send(&mut connect(self.sandbox), &request).expect("a response")
    }

    fn approve(&self, more: &str) -> Response {
        let form = format!("account={NEW_ACCOUNT}&permission=1&decision=approve{more}");
        self.decide(&form, "http://localhost")
    }
}

fn location(response: &Response) -> &str {
    assert_eq!(response.status, 302, "{}", response.head);
    let start = response.head.find("Location: ").expect("a location") + 10;
    response.head[start..].lines().next().expect("a line")
}

#[test]
fn the_page_offers_the_accounts_and_redirects_with_a_code() {
    let sandbox = start_with_new_account();
    let browser = Browser::new(&sandbox, "&auth_type=1");
    let page = browser.open("http://127.0.0.1:8000/shops");
    assert_eq!(page.status, 200);
    let html = page.text();
    assert!(html.contains("示例公众号 (wx0a00000000000001)"), "{html}");
    assert!(
        html.contains("&lt;b&gt;新公众号&lt;/b&gt; (wx0a00000000000009)"),
        "{html}"
    );
    assert!(
        html.contains("action=\"/cgi-bin/componentloginpage?component_appid="),
        "{html}"
    );
    assert!(!html.contains("<script"), "{html}");
    assert!(page.head.contains("default-src 'none'"), "{}", page.head);

    let redirected = browser.approve("&redirect=1");
    let location = location(&redirected);
    let code = between(location, "&auth_code=", "&expires_in=3600");
    assert!(location.starts_with(REDIRECT), "{location}");
    let queried = query_auth(&sandbox, code);
    assert_eq!(
        queried["authorization_info"]["authorizer_appid"],
        NEW_ACCOUNT
    );
    // The code for the page was used.
    let again = browser.open("http://127.0.0.1/");
    assert_eq!(again.status, 400);
    assert!(
        again.text().contains("预授权码已被使用"),
        "{}",
        again.text()
    );
}

#[test]
fn the_event_comes_before_or_after_the_redirect_or_not_at_all() {
    let (sandbox, receiver) = (start_with_new_account(), Receiver::new());
    receiver.attach(&sandbox, json!({}));
    // Before: the redirect waits for the answer.
    let browser = Browser::new(&sandbox, "");
    let redirected = std::thread::scope(|scope| {
        let redirected = scope.spawn(|| browser.approve("&redirect=1&event=before"));
        let mut push = receiver.next();
        assert!(!redirected.is_finished());
        push.answer("200 OK", "success");
        assert_eq!(field(&push.open().unwrap(), "InfoType"), "authorized");
        redirected.join().unwrap()
    });
    location(&redirected);
    // After: by the clock.
    let browser = Browser::new(&sandbox, "");
    location(&browser.approve("&redirect=1&event=after&times=1"));
    let journal = admin(&sandbox, "GET", "pushes", Value::Null);
    assert_eq!(journal["pushes"].as_array().unwrap().len(), 1);
    advance(&sandbox, 4);
    let event = receiver.accept_next().open().unwrap();
    assert_eq!(field(&event, "InfoType"), "updateauthorized");
    // Not at all, and without a redirect: the administrator closes the window.
    let browser = Browser::new(&sandbox, "");
    let done = browser.approve("&event=none&times=1");
    assert_eq!(done.status, 200);
    assert!(done.text().contains("已授权"), "{}", done.text());
    assert_eq!(results(&sandbox).len(), 2);
}

#[test]
fn set_33_can_be_left_out_and_the_authorisation_refused() {
    let sandbox = start_with_new_account();
    let form = format!("account={NEW_ACCOUNT}&decision=approve");
    Browser::new(&sandbox, "").decide(&form, "http://localhost");
    let granted = info(&sandbox, NEW_ACCOUNT)["authorization_info"].clone();
    assert!(!permission_sets(&granted).contains(&33));

    let sandbox = start_with_new_account();
    let browser = Browser::new(&sandbox, "");
    let refused = browser.decide("decision=refuse&redirect=1", "http://localhost");
    assert_eq!(refused.status, 200);
    assert!(refused.text().contains("已拒绝"), "{}", refused.text());
    assert_eq!(errcode(&info(&sandbox, NEW_ACCOUNT)), 61003);
    assert_eq!(browser.open("http://localhost/").status, 400);
}

#[test]
fn an_invitation_for_one_account_offers_only_this_one() {
    let sandbox = start_with_new_account();
    let browser = Browser::new(&sandbox, &format!("&biz_appid={ACCOUNT}"));
    let page = browser.open("http://localhost/");
    assert_eq!(page.text().matches("<option value=\"wx").count(), 1);
    browser.approve("");
    assert_eq!(errcode(&info(&sandbox, NEW_ACCOUNT)), 61003);
    let unknown = Browser::new(&sandbox, "&biz_appid=wx0affffffffffffff");
    assert_eq!(unknown.open("http://localhost/").status, 400);
}

#[test]
fn the_page_checks_where_it_was_opened_and_where_it_leads() {
    let sandbox = start_with_new_account();
    let browser = Browser::new(&sandbox, "");
    for referer in [
        "",
        "http://evil.example/",
        "http://localhost.evil.example/",
        "nonsense",
    ] {
        let page = browser.open(referer);
        assert_eq!(page.status, 400, "{referer}");
        assert!(page.text().contains("登记的域名"), "{}", page.text());
    }
    let mut platform = admin(&sandbox, "GET", "component", Value::Null);
    platform["authorization_page"] = json!({"check_referer": false});
    admin(&sandbox, "PUT", "component", platform.clone());
    assert_eq!(browser.open("").status, 200);
    for evil in [
        "http%3A%2F%2Fevil.example%2F",
        "http%3A%2F%2Flocalhost%40evil.example%2F",
        "http%3A%2F%2Fevil.example%5C%40localhost%2F",
        "javascript%3A%2F%2Flocalhost%2F%250aalert(1)",
        "%2Fback",
        "",
    ] {
        let evil = Browser {
            sandbox: &sandbox,
            query: browser
                .query
                .replace("http%3A%2F%2F127.0.0.1%3A9%2Fback%3Fshop=7", evil),
        };
        assert_ne!(evil.query, browser.query);
        assert_eq!(evil.open("http://localhost/").status, 400);
        assert_eq!(evil.approve("&redirect=1").status, 400);
    }
    platform["authorization_page"] = json!({"domains": ["shop.example"]});
    admin(&sandbox, "PUT", "component", platform.clone());
    assert_eq!(browser.open("http://localhost/").status, 400);
    platform["authorization_page"] = json!({"domains": ["http://shop.example"]});
    assert!(sandbox.admin("PUT", "component", &platform).is_err());
    // None of this used the code or authorised anything.
    assert_eq!(errcode(&info(&sandbox, NEW_ACCOUNT)), 61003);
}

#[test]
fn a_decision_from_another_web_page_is_refused() {
    let sandbox = start_with_new_account();
    let browser = Browser::new(&sandbox, "");
    let form = format!("account={NEW_ACCOUNT}&decision=approve");
    for origin in ["http://evil.example", "null", "http://localhost:1"] {
        assert_eq!(browser.decide(&form, origin).status, 403, "{origin}");
    }
    assert_eq!(errcode(&info(&sandbox, NEW_ACCOUNT)), 61003);
    assert_eq!(browser.decide(&form, "http://localhost").status, 200);
    assert_eq!(
        info(&sandbox, NEW_ACCOUNT)["authorization_info"]["authorizer_appid"],
        NEW_ACCOUNT
    );
}

#[test]
fn the_page_escapes_what_it_is_given() {
    let sandbox = start_with_new_account();
    let browser = Browser::new(&sandbox, "&x='onfocus='alert(1)");
    let page = browser.open("http://localhost/");
    assert_eq!(page.status, 200);
    let html = page.text();
    assert!(
        html.contains("&amp;x=&#39;onfocus=&#39;alert(1)\""),
        "{html}"
    );
}
