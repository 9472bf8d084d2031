//! Pushes to a third-party platform, and how accounts authorise it: nothing that is not WeChat's is
//! accepted, and nothing that WeChat sends once is lost.

#![cfg(feature = "file-store")]

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wxlink::{Client, Error, Options, PushAction, Status, WaitingCode};
use wxlink_testkit::push::{PushRequest, Pusher};
use wxlink_testkit::{scratch, vectors::vectors};

const PLATFORM: &str = "wx0c00000000000001";
const ACCOUNT: &str = "wx0a00000000000001";
const CODE: &str = "queryauthcode@@@first-code";
const OTHER_CODE: &str = "queryauthcode@@@other-code";
const REDIRECT: &str = "https://shop.example/back?a=1&b=2";

/// What the server does with one request to `api_query_auth`.
enum Fault {
    /// Closes the connection before it acts.
    LoseRequest,
    /// Acts, and closes the connection without an answer.
    LoseAnswer,
    /// Answers this and does not act.
    Answer(Value),
    /// Acts and answers with what is added to valid JSON.
    Damage,
    /// Acts, and answers after this time.
    Delay(Duration),
}

/// What WeChat knows.
#[derive(Default)]
struct State {
    /// The accounts of valid codes.
    codes: HashMap<String, String>,
    refresh_tokens: HashMap<String, String>,
    faults: VecDeque<Fault>,
    /// The requests by the last part of their path, with their bodies.
    seen: Vec<(String, Value)>,
    issued: u32,
}

/// A WeChat that authorises accounts.
struct WeChat {
    url: String,
    state: Arc<Mutex<State>>,
}

impl WeChat {
    fn start() -> WeChat {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state: Arc<Mutex<State>> = Arc::default();
        let shared = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = shared.clone();
                thread::spawn(move || while serve(&stream, &state).is_some() {});
            }
        });
        WeChat { url, state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Makes a code valid.
    fn authorize(&self, code: &str) {
        self.state().codes.insert(code.into(), ACCOUNT.into());
    }

    fn fault(&self, fault: Fault) {
        self.state().faults.push_back(fault);
    }

    /// The bodies of the requests to an endpoint.
    fn seen(&self, endpoint: &str) -> Vec<Value> {
        let state = self.state();
        let seen = state.seen.iter().filter(|(name, _)| name == endpoint);
        seen.map(|(_, body)| body.clone()).collect()
    }

    /// A client of the platform.
    fn client(&self, set: &[(&str, &str)]) -> Client {
        let mut options = Options::new();
        let usual = [
            ("base_url", self.url.as_str()),
            ("timeout_ms", "60000"),
            ("component_appid", PLATFORM),
            ("component_appsecret", "COMPONENT-SECRET"),
            ("push_token", Pusher::TOKEN),
            ("push_aes_key", Pusher::AES_KEY),
        ];
        for (key, value) in usual.iter().chain(set) {
            options.set(key, value).unwrap();
        }
        Client::new(&options).unwrap()
    }

    /// A client that has a ticket.
    fn ready(&self, set: &[(&str, &str)]) -> Client {
        let client = self.client(set);
        client.set_ticket("TICKET").unwrap();
        client
    }
}

/// Answers one request. `None` ends the connection.
fn serve(stream: &TcpStream, state: &Mutex<State>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
    let target = line.split(' ').nth(1)?;
    let path = target.split('?').next()?;
    let name = path.rsplit('/').next()?.to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let header = header.trim_end().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body: Value = serde_json::from_slice(&body).ok()?;
    let (answer, delay) = answer(&name, &body, &mut state.lock().unwrap())?;
    thread::sleep(delay);
    let length = answer.len();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{answer}");
    let mut stream = stream;
    stream.write_all(head.as_bytes()).ok()
}

/// The answer, and after which time it is sent; `None` to close the connection.
fn answer(name: &str, body: &Value, state: &mut State) -> Option<(String, Duration)> {
    state.seen.push((name.to_owned(), body.clone()));
    let mut delay = Duration::ZERO;
    let mut after = "";
    let answer = match name {
        "api_component_token" => {
            assert_eq!(body["component_appid"], PLATFORM);
            json!({"component_access_token": "COMPONENT-TOKEN", "expires_in": 7200})
        }
        "api_query_auth" => {
            let fault = state.faults.pop_front();
            match &fault {
                Some(Fault::LoseRequest) => return None,
                Some(Fault::Answer(answer)) => return Some((answer.to_string(), delay)),
                Some(Fault::Damage) => after = "<!-- gateway -->",
                Some(Fault::Delay(time)) => delay = *time,
                _ => {}
            }
            let answer = query_auth(body["authorization_code"].as_str().unwrap(), state);
            if matches!(fault, Some(Fault::LoseAnswer)) {
                return None;
            }
            answer
        }
        "api_authorizer_token" => {
            let account = body["authorizer_appid"].as_str().unwrap();
            let current = state.refresh_tokens.get(account).map(String::as_str);
            let sent = body["authorizer_refresh_token"].as_str();
            if current == sent {
                state.issued += 1;
                json!({
                    "authorizer_access_token": format!("TOKEN-{}", state.issued),
                    "authorizer_refresh_token": sent, "expires_in": 7200,
                })
            } else {
                json!({"errcode": 61023, "errmsg": "refresh_token is invalid"})
            }
        }
        "api_get_authorizer_list" => {
            let accounts = state.refresh_tokens.iter();
            let list: Vec<_> = accounts
                .map(|(appid, token)| json!({"authorizer_appid": appid, "refresh_token": token}))
                .collect();
            json!({"total_count": list.len(), "list": list})
        }
        "api_create_preauthcode" => {
            json!({"pre_auth_code": "preauthcode@@@a+b", "expires_in": 1800})
        }
        "api_get_authorizer_info" => json!({
            "authorizer_info": {
                "nick_name": "Shop", "user_name": "gh_000000000001", "principal_name": "Company",
                "service_type_info": {"id": 2}, "account_status": 1,
            },
            "authorization_info": {
                "authorizer_appid": ACCOUNT, "authorizer_refresh_token": "refreshtoken@@@secret",
                "func_info": [{"funcscope_category": {"id": 1}}],
            },
        }),
        "wxamplinkget" => json!({"errcode": 0, "errmsg": "ok", "wxopens": {"items": []}}),
        _ => json!({"errcode": -1, "errmsg": "system error"}),
    };
    Some((answer.to_string() + after, delay))
}

fn query_auth(code: &str, state: &mut State) -> Value {
    let Some(account) = state.codes.remove(code) else {
        return json!({"errcode": 61009, "errmsg": "code is invalid"});
    };
    state.issued += 1;
    let refresh = format!("refreshtoken@@@{}", state.issued);
    state
        .refresh_tokens
        .insert(account.clone(), refresh.clone());
    json!({"authorization_info": {
        "authorizer_appid": account,
        "authorizer_access_token": format!("TOKEN-{}", state.issued),
        "expires_in": 7200,
        "authorizer_refresh_token": refresh,
        "func_info": [
            {"funcscope_category": {"id": 1}}, {"funcscope_category": {"id": 33}},
        ],
    }})
}

fn pusher() -> Pusher {
    Pusher::new(PLATFORM)
}

fn ticket(ticket: &str, time: u64) -> PushRequest {
    pusher().event(
        "component_verify_ticket",
        time,
        &[("ComponentVerifyTicket", ticket)],
    )
}

fn authorized(code: &str, time: u64) -> PushRequest {
    pusher().event(
        "authorized",
        time,
        &[
            ("AuthorizerAppid", ACCOUNT),
            ("AuthorizationCode", code),
            ("AuthorizationCodeExpiredTime", "1413196205"),
            ("PreAuthCode", "preauthcode@@@secret"),
        ],
    )
}

fn unauthorized(time: u64) -> PushRequest {
    pusher().event("unauthorized", time, &[("AuthorizerAppid", ACCOUNT)])
}

fn accept(client: &Client, push: &PushRequest) -> Result<PushAction, Error> {
    let accepted = client.accept_push(&push.query, &push.body)?;
    let shown = format!("{accepted:?} {}", accepted.json());
    // "preauthcode@@@" and the like.
    assert!(!shown.contains("@@@"), "{shown}");
    Ok(accepted.action())
}

/// Whether a call for the account gets a token.
fn can_call(client: &Client) -> bool {
    let account = client.account(ACCOUNT).unwrap();
    match account.get_linked(None) {
        Ok(_) => true,
        Err(e) => {
            assert_eq!(e.status(), Status::NoToken, "{e}");
            assert!(!e.message().contains("@@@"), "{e}");
            false
        }
    }
}

#[test]
fn a_ticket_is_stored_and_used() {
    let wechat = WeChat::start();
    let client = wechat.client(&[]);
    let url = client.authorization_url(REDIRECT, None);
    assert_eq!(url.unwrap_err().status(), Status::NoToken);
    let push = ticket("ticket@@@1", 100);
    assert_eq!(accept(&client, &push).unwrap(), PushAction::TicketStored);
    client.authorization_url(REDIRECT, None).unwrap();
    let sent = wechat.seen("api_component_token");
    assert_eq!(sent[0]["component_verify_ticket"], "ticket@@@1");
    // The same one again, and an older one that is late.
    assert_eq!(accept(&client, &push).unwrap(), PushAction::Repeated);
    let late = accept(&client, &ticket("ticket@@@0", 99));
    assert_eq!(late.unwrap(), PushAction::Outdated);
    let next = accept(&client, &ticket("ticket@@@2", 700));
    assert_eq!(next.unwrap(), PushAction::TicketStored);
}

#[test]
fn a_damaged_ticket_or_code_does_not_replace_a_good_one() {
    let wechat = WeChat::start();
    let client = wechat.client(&[]);
    assert_eq!(
        accept(&client, &ticket("GOOD", 100)).unwrap(),
        PushAction::TicketStored
    );
    for damaged in ["TIC KET", "TIC\nKET", "TICKET\u{200b}", "null"] {
        for push in [ticket(damaged, 101), authorized(damaged, 101)] {
            let error = accept(&client, &push).unwrap_err();
            assert_eq!(error.status(), Status::BadPush, "{damaged:?}");
            assert!(
                !error.message().contains(damaged) || damaged == "null",
                "{error}"
            );
        }
    }
    assert_eq!(
        accept(&client, &ticket("GOOD", 102)).unwrap(),
        PushAction::Repeated
    );
}

#[test]
fn an_authorized_account_needs_no_refresh_token() {
    let wechat = WeChat::start();
    let store = format!(
        "file:{}",
        scratch("push-authorized").join("store").display()
    );
    let client = wechat.ready(&[("store", &store)]);
    assert!(!can_call(&client));
    wechat.authorize(CODE);
    let push = authorized(CODE, 100);
    assert_eq!(accept(&client, &push).unwrap(), PushAction::AccountAdded);
    assert!(can_call(&client));
    // In another process, which uses the same store.
    assert!(can_call(&wechat.client(&[("store", &store)])));
    // A code is sent once, however often the push comes.
    for _ in 0..3 {
        assert_eq!(accept(&client, &push).unwrap(), PushAction::Repeated);
    }
    assert_eq!(wechat.seen("api_query_auth").len(), 1);
    assert_eq!(wechat.seen("api_authorizer_token").len(), 0);
    // The account changes what the platform may do.
    wechat.authorize(OTHER_CODE);
    let changed = accept(&client, &authorized(OTHER_CODE, 200));
    assert_eq!(changed.unwrap(), PushAction::AccountAdded);
    assert!(can_call(&client));
}

#[test]
fn a_code_that_could_not_be_exchanged_is_exchanged_later() {
    for fault in [
        || Fault::Answer(json!({"errcode": -1, "errmsg": "system error"})),
        || Fault::Answer(json!({"errcode": 45009, "errmsg": "reach max api daily quota limit"})),
        || Fault::LoseRequest,
    ] {
        let wechat = WeChat::start();
        let folder = scratch("push-later");
        let store = format!("file:{}", folder.join("store").display());
        let set = [("store", store.as_str()), ("max_retries", "0")];
        wechat.authorize(CODE);
        wechat.fault(fault());
        wechat.fault(fault());
        let first = wechat.ready(&set);
        let push = authorized(CODE, 100);
        let accepted = first.accept_push(&push.query, &push.body).unwrap();
        assert_eq!(accepted.action(), PushAction::CodeStored);
        assert!(!accepted.reason().is_empty());
        assert!(!accepted.reason().contains("@@@"), "{}", accepted.reason());
        drop(first);
        // As after a restart.
        let second = wechat.client(&set);
        assert!(!can_call(&second));
        assert!(can_call(&second));
        assert_eq!(wechat.seen("api_query_auth").len(), 3);
    }
}

#[test]
fn a_code_that_another_process_has_stored_is_found_until_it_is_exchanged_or_invalid() {
    let wechat = WeChat::start();
    let folder = scratch("push-waiting");
    let store = format!("file:{}", folder.join("store").display());
    let set = [("store", store.as_str()), ("max_retries", "0")];
    let stored = |code: &str, time: u64| {
        wechat.authorize(code);
        // An account that has a token is tried twice.
        wechat.fault(Fault::LoseRequest);
        wechat.fault(Fault::LoseRequest);
        let push = accept(&wechat.ready(&set), &authorized(code, time));
        assert_eq!(push.unwrap(), PushAction::CodeStored);
        wechat.state().faults.clear();
    };
    stored(CODE, 100);
    let other = wechat.client(&set);
    let waiting = || Vec::from_iter(other.waiting_codes().unwrap());
    let code = WaitingCode::Account(ACCOUNT.into());
    assert_eq!(waiting(), std::slice::from_ref(&code));
    let finished = other.finish_authorization(&code).unwrap();
    assert_eq!(finished.action, PushAction::AccountAdded);
    assert_eq!(waiting(), []);
    // Twice, and in the end withdrawn.
    stored("queryauthcode@@@second", 101);
    stored("queryauthcode@@@third", 102);
    assert_eq!(waiting(), [code]);
    let removed = accept(&other, &unauthorized(103)).unwrap();
    assert_eq!(removed, PushAction::AccountRemoved);
    assert_eq!(waiting(), []);
}

/// What a client does with a redirect, and then without the browser.
fn finish_redirect(client: &Client) -> PushAction {
    let waiting = client.waiting_codes().unwrap();
    assert_eq!(Vec::from_iter(waiting), [WaitingCode::redirect(CODE)]);
    let finished = client.finish_authorization(&WaitingCode::redirect(CODE));
    finished.unwrap().action
}

#[test]
fn the_code_of_a_redirect_is_stored_until_it_is_exchanged_or_refused() {
    let wechat = WeChat::start();
    let folder = scratch("push-redirect");
    let store = format!("file:{}", folder.join("store").display());
    let set = [("store", store.as_str()), ("max_retries", "0")];
    let busy = || Fault::Answer(json!({"errcode": -1, "errmsg": "system error"}));
    for fault in [Fault::LoseRequest, busy()] {
        wechat.authorize(CODE);
        wechat.fault(fault);
        let error = wechat.ready(&set).accept_authorization(CODE).unwrap_err();
        assert!(!error.is_code_refused(), "{error}");
        assert!(!format!("{error} {error:?}").contains("@@@"), "{error:?}");
        // Another process finishes it, after a failure more.
        let other = wechat.client(&set);
        wechat.fault(busy());
        assert_eq!(finish_redirect(&other), PushAction::CodeStored);
        assert_eq!(finish_redirect(&other), PushAction::AccountAdded);
        assert!(other.waiting_codes().unwrap().is_empty() && can_call(&other));
        std::fs::remove_file(folder.join("store")).unwrap();
    }
    // The answer was lost: WeChat has the account's refresh token, and refuses the code.
    wechat.authorize(CODE);
    wechat.fault(Fault::LoseAnswer);
    let client = wechat.ready(&set);
    client.accept_authorization(CODE).unwrap_err();
    assert_eq!(finish_redirect(&client), PushAction::CodeRefused);
    assert!(client.waiting_codes().unwrap().is_empty() && can_call(&client));
}

#[test]
fn an_event_takes_the_code_of_a_redirect_over() {
    for is_same in [true, false] {
        let wechat = WeChat::start();
        let client = wechat.ready(&[("max_retries", "0")]);
        let of_event = if is_same { CODE } else { OTHER_CODE };
        wechat.authorize(CODE);
        wechat.authorize(of_event);
        wechat.fault(Fault::LoseRequest);
        client.accept_authorization(CODE).unwrap_err();
        let added = accept(&client, &authorized(of_event, 100)).unwrap();
        assert_eq!(added, PushAction::AccountAdded);
        if !is_same {
            assert_eq!(finish_redirect(&client), PushAction::AccountAdded);
        }
        assert!(client.waiting_codes().unwrap().is_empty() && can_call(&client));
        let exchanges = wechat.seen("api_query_auth").len();
        assert_eq!(exchanges, if is_same { 2 } else { 3 });
    }
}

#[test]
fn a_later_withdrawal_counts_more_than_the_stored_code_of_a_redirect() {
    let wechat = WeChat::start();
    let client = wechat.ready(&[("max_retries", "0")]);
    wechat.authorize(CODE);
    wechat.fault(Fault::LoseRequest);
    client.accept_authorization(CODE).unwrap_err();
    let removed = accept(&client, &unauthorized(4_000_000_000)).unwrap();
    assert_eq!(removed, PushAction::AccountRemoved);
    assert_eq!(finish_redirect(&client), PushAction::AccountAdded);
    let withdrawn = client.account_status(ACCOUNT).unwrap().state;
    assert_eq!(withdrawn, wxlink::AccountState::Withdrawn);
}

#[test]
fn a_redirect_that_cannot_be_stored_can_be_repeated() {
    let wechat = WeChat::start();
    let folder = scratch("push-redirect-away");
    let path = folder.join("store");
    let store = format!("file:{}", path.display());
    let client = wechat.client(&[("store", &store)]);
    wechat.authorize(CODE);
    std::fs::write(&path, b"damaged").unwrap();
    let error = client.accept_authorization(CODE).unwrap_err();
    assert_eq!(error.status(), Status::Store, "{error}");
    assert!(wechat.seen("api_query_auth").is_empty());
    std::fs::remove_file(&path).unwrap();
    client.set_ticket("TICKET").unwrap();
    client.accept_authorization(CODE).unwrap();
    assert!(can_call(&client));
}

#[test]
fn a_repeated_push_exchanges_the_code_that_an_earlier_one_stored() {
    let wechat = WeChat::start();
    let client = wechat.ready(&[]);
    wechat.authorize(CODE);
    wechat.fault(Fault::Answer(
        json!({"errcode": -1, "errmsg": "system error"}),
    ));
    let push = authorized(CODE, 100);
    assert_eq!(accept(&client, &push).unwrap(), PushAction::CodeStored);
    assert_eq!(accept(&client, &push).unwrap(), PushAction::AccountAdded);
    assert!(can_call(&client));
}

#[test]
fn a_lost_answer_loses_no_account() {
    for fault in [Fault::LoseAnswer, Fault::Damage] {
        let wechat = WeChat::start();
        let client = wechat.ready(&[]);
        wechat.authorize(CODE);
        let is_lost = matches!(fault, Fault::LoseAnswer);
        wechat.fault(fault);
        let push = authorized(CODE, 100);
        assert_eq!(accept(&client, &push).unwrap(), PushAction::AccountAdded);
        assert!(can_call(&client));
        // Without the answer, the list of accounts has the refresh token.
        assert_eq!(
            wechat.seen("api_get_authorizer_list").len(),
            usize::from(is_lost)
        );
    }
}

#[test]
fn a_code_that_wechat_refuses_is_forgotten() {
    let wechat = WeChat::start();
    let client = wechat.ready(&[]);
    let push = authorized(CODE, 100);
    let accepted = client.accept_push(&push.query, &push.body).unwrap();
    assert_eq!(accepted.action(), PushAction::CodeRefused);
    assert!(accepted.reason().contains("61009"), "{}", accepted.reason());
    assert!(!can_call(&client));
    assert_eq!(wechat.seen("api_query_auth").len(), 1);
    // Another code of the account still counts.
    wechat.authorize(OTHER_CODE);
    let again = accept(&client, &authorized(OTHER_CODE, 200));
    assert_eq!(again.unwrap(), PushAction::AccountAdded);
}

#[test]
fn events_count_in_the_order_in_which_wechat_made_them() {
    let wechat = WeChat::start();
    let client = wechat.ready(&[]);
    wechat.authorize(CODE);
    let first = accept(&client, &authorized(CODE, 100));
    assert_eq!(first.unwrap(), PushAction::AccountAdded);
    let withdrawn = unauthorized(200);
    assert_eq!(
        accept(&client, &withdrawn).unwrap(),
        PushAction::AccountRemoved
    );
    wechat.state().refresh_tokens.clear();
    assert!(!can_call(&client));
    // Older events that are late, and repetitions.
    wechat.authorize(OTHER_CODE);
    let late = accept(&client, &authorized(OTHER_CODE, 150));
    assert_eq!(late.unwrap(), PushAction::Outdated);
    assert_eq!(
        accept(&client, &unauthorized(90)).unwrap(),
        PushAction::Outdated
    );
    assert_eq!(accept(&client, &withdrawn).unwrap(), PushAction::Repeated);
    assert!(!can_call(&client));
    let again = accept(&client, &authorized(OTHER_CODE, 300));
    assert_eq!(again.unwrap(), PushAction::AccountAdded);
    // The withdrawal comes once more.
    for push in [&withdrawn, &unauthorized(250)] {
        let action = accept(&client, push).unwrap();
        assert!(matches!(
            action,
            PushAction::Repeated | PushAction::Outdated
        ));
    }
    assert!(can_call(&client));
}

#[test]
fn events_of_one_second_count_by_their_arrival() {
    let wechat = WeChat::start();
    let client = wechat.client(&[]);
    for name in ["ticket@@@1", "ticket@@@2"] {
        let stored = accept(&client, &ticket(name, 100));
        assert_eq!(stored.unwrap(), PushAction::TicketStored, "{name}");
    }
    client.authorization_url(REDIRECT, None).unwrap();
    let sent = wechat.seen("api_component_token");
    assert_eq!(sent[0]["component_verify_ticket"], "ticket@@@2");

    // The account withdrew and authorised again, and the pushes overtook each other: WeChat's list
    // has the account.
    wechat.authorize(CODE);
    let added = accept(&client, &authorized(CODE, 200));
    assert_eq!(added.unwrap(), PushAction::AccountAdded);
    let removed = accept(&client, &unauthorized(200));
    assert_eq!(removed.unwrap(), PushAction::AccountRemoved);
    assert!(can_call(&client));
    assert!(!wechat.seen("api_get_authorizer_list").is_empty());

    // It authorised twice within a second.
    wechat.authorize(OTHER_CODE);
    let added = accept(&client, &authorized(OTHER_CODE, 200));
    assert_eq!(added.unwrap(), PushAction::AccountAdded);
    assert!(can_call(&client));
}

#[test]
fn a_redirect_and_a_push_may_carry_the_same_code() {
    for push_first in [true, false] {
        let wechat = WeChat::start();
        let client = wechat.ready(&[]);
        wechat.authorize(CODE);
        let push = authorized(CODE, 100);
        if push_first {
            assert_eq!(accept(&client, &push).unwrap(), PushAction::AccountAdded);
        }
        // The browser may load its page again.
        for _ in 0..2 {
            let authorization = client.accept_authorization(CODE).unwrap();
            assert_eq!(authorization.account(), ACCOUNT);
            assert_eq!(authorization.permission_sets(), Some(&[1, 33][..]));
            assert_eq!(authorization.may_link(), Some(true));
        }
        assert_eq!(accept(&client, &push).unwrap(), PushAction::Repeated);
        assert!(can_call(&client));
        assert_eq!(wechat.seen("api_query_auth").len(), 1);
    }
    // At the same time.
    let wechat = WeChat::start();
    let client = wechat.ready(&[]);
    wechat.authorize(CODE);
    wechat.fault(Fault::Delay(Duration::from_millis(300)));
    let push = authorized(CODE, 100);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                assert_eq!(
                    client.accept_authorization(CODE).unwrap().account(),
                    ACCOUNT
                );
            });
            scope.spawn(|| {
                let action = accept(&client, &push).unwrap();
                let expected = [PushAction::AccountAdded, PushAction::Repeated];
                assert!(expected.contains(&action), "{action:?}");
            });
        }
    });
    assert!(can_call(&client));
    assert_eq!(wechat.seen("api_query_auth").len(), 1);
}

#[test]
fn a_withdrawn_account_may_authorise_again_by_a_redirect() {
    let wechat = WeChat::start();
    let client = wechat.ready(&[]);
    let withdrawn = unauthorized(200);
    assert_eq!(
        accept(&client, &withdrawn).unwrap(),
        PushAction::AccountRemoved
    );
    wechat.authorize(CODE);
    client.accept_authorization(CODE).unwrap();
    assert!(can_call(&client));
    assert_eq!(accept(&client, &withdrawn).unwrap(), PushAction::Repeated);
    assert!(can_call(&client));
}

#[test]
fn an_unusable_code_of_a_redirect_is_an_error() {
    let wechat = WeChat::start();
    let client = wechat.ready(&[]);
    let error = client.accept_authorization(CODE).unwrap_err();
    assert_eq!(
        (error.status(), error.errcode()),
        (Status::Api, Some(61009))
    );
    assert!(!error.message().contains("@@@"), "{error}");
    for code in ["", " ", "a\nb", &"x".repeat(2000)] {
        let error = client.accept_authorization(code).unwrap_err();
        assert_eq!(error.status(), Status::BadValue, "{code:?}");
    }
}

#[test]
fn wechat_gets_its_answer_in_time_while_an_exchange_hangs() {
    let wechat = WeChat::start();
    let client = wechat.ready(&[]);
    wechat.authorize(CODE);
    wechat.fault(Fault::Delay(Duration::from_secs(8)));
    let started = Instant::now();
    let push = authorized(CODE, 100);
    let accepted = client.accept_push(&push.query, &push.body).unwrap();
    assert_eq!(accepted.action(), PushAction::CodeStored);
    // The request was sent.
    assert!(
        !accepted.reason().contains("before anything was sent"),
        "{}",
        accepted.reason()
    );
    assert!(
        accepted.reason().contains("continues"),
        "{}",
        accepted.reason()
    );
    assert!(started.elapsed() < Duration::from_secs(8));
    // The exchange goes on, and its tokens are stored.
    assert!(client.finish_token_fetches(Duration::from_secs(60)));
    assert!(can_call(&client));
    assert_eq!(wechat.seen("api_query_auth").len(), 1);
}

#[test]
fn a_push_that_could_not_be_stored_is_not_accepted() {
    let wechat = WeChat::start();
    let client = wechat.client(&[("store", "file:/nonexistent/folder/store")]);
    for push in [
        ticket("ticket@@@1", 1),
        authorized(CODE, 1),
        unauthorized(1),
    ] {
        let error = accept(&client, &push).unwrap_err();
        assert_eq!(error.status(), Status::Store, "{error}");
        assert!(!error.message().contains("@@@"), "{error}");
    }
    assert!(wechat.seen("api_query_auth").is_empty());
    client.cancel();
    let error = accept(&client, &ticket("ticket@@@1", 1)).unwrap_err();
    assert_eq!(error.status(), Status::Cancelled);
}

#[test]
fn events_for_the_caller_are_passed_on() {
    let client = WeChat::start().client(&[]);
    let push = pusher().event(
        "notify_third_fasteregister",
        7,
        &[
            ("appid", "wx0d00000000000001"),
            ("status", "0"),
            ("auth_code", "queryauthcode@@@x"),
        ],
    );
    let accepted = client.accept_push(&push.query, &push.body).unwrap();
    assert_eq!(accepted.action(), PushAction::Unhandled);
    let json = accepted.json();
    assert_eq!(json["event"], "notify_third_fasteregister");
    assert_eq!(json["account"], "wx0d00000000000001");
    assert_eq!(json["create_time"], 7);
    assert_eq!(json["fields"]["status"], "0");
    assert!(!json.to_string().contains("@@@"), "{json}");
}

#[test]
fn the_urls_are_those_of_wechats_pages() {
    let wechat = WeChat::start();
    let client = wechat.ready(&[]);
    let url = client.authorization_url(REDIRECT, None).unwrap();
    let query = "component_appid=wx0c00000000000001&pre_auth_code=preauthcode%40%40%40a%2Bb\
                 &redirect_uri=https%3A%2F%2Fshop.example%2Fback%3Fa%3D1%26b%3D2";
    let base = &wechat.url;
    assert_eq!(
        url.computer(),
        format!("{base}/cgi-bin/componentloginpage?{query}&auth_type=1")
    );
    let one = client.authorization_url(REDIRECT, Some(ACCOUNT)).unwrap();
    assert_eq!(
        one.phone(),
        format!(
            "{base}/wxaopen/safe/bindcomponent?action=bindcomponent&no_scan=1&{query}\
             &biz_appid={ACCOUNT}#wechat_redirect"
        )
    );
    assert_eq!(one.expires_in(), 1800);
    assert!(!format!("{one:?}").contains("preauthcode"));
    // Each has a code of its own.
    assert_eq!(wechat.seen("api_create_preauthcode").len(), 2);
    for bad in [
        "",
        "shop.example/back",
        "ftp://shop.example",
        "https://",
        "https:///x",
        "https://a b/",
        "https://a/\u{3000}",
        "/x",
    ] {
        let error = client.authorization_url(bad, None).unwrap_err();
        assert_eq!(error.status(), Status::BadValue, "{bad}");
    }
}

#[test]
fn an_account_is_described() {
    let client = WeChat::start().ready(&[]);
    let info = client.account_info(ACCOUNT).unwrap();
    assert_eq!(
        info.json(),
        json!({
            "errcode": 0, "errmsg": "ok", "account": ACCOUNT, "name": "Shop",
            "gh_id": "gh_000000000001", "subject": "Company", "kind": "official_account",
            "service_type": 2, "status": "normal", "permission_sets": [1], "may_link": false,
        })
    );
}

#[test]
fn the_options_for_pushes_are_required() {
    let wechat = WeChat::start();
    let push = ticket("ticket@@@1", 1);
    for (option, other) in [
        ("push_token", "push_aes_key"),
        ("push_aes_key", "push_token"),
    ] {
        let error = accept(&wechat.client(&[(option, "")]), &push).unwrap_err();
        assert_eq!(error.status(), Status::BadValue);
        let missing = format!("option {option} is missing");
        assert!(error.message().contains(&missing), "{error}");
        assert!(!error.message().contains(other), "{error}");
    }
    // The previous token and key stay valid beside the new ones.
    let keys = format!("{},{}", "A".repeat(43), Pusher::AES_KEY);
    let tokens = format!("new,{}", Pusher::TOKEN);
    let both = wechat.client(&[("push_token", &tokens), ("push_aes_key", &keys)]);
    assert_eq!(accept(&both, &push).unwrap(), PushAction::TicketStored);
}

/// Pushes that WeChat never makes, each with a part of the message that refuses it.
fn broken() -> Vec<(&'static str, PushRequest, &'static str)> {
    let pusher = pusher();
    let message = "<xml><InfoType>component_verify_ticket</InfoType><CreateTime>9</CreateTime>\
                   <ComponentVerifyTicket>ticket@@@broken</ComponentVerifyTicket></xml>";
    let good = pusher.push(message);
    let plain = pusher.plain(message);
    let encrypted = pusher.encrypt(&plain);
    let with = |change: fn(&str) -> String| PushRequest {
        query: change(&good.query),
        ..good.clone()
    };
    let body = |body: &str| pusher.push_body(&encrypted, body);
    let other = |change: fn(&mut Pusher)| {
        let mut other = pusher.clone();
        change(&mut other);
        other.push(message)
    };
    // Everything but the padding is right.
    let padded = |padding: &[u8]| {
        let mut message = message.to_owned();
        while (pusher.plain(&message).len() + padding.len()) % 32 != 0 {
            message.push(' ');
        }
        let bytes = [&pusher.plain(&message), padding].concat();
        pusher.push_encrypted(&pusher.encrypt_padded(&bytes))
    };
    let length = |length: u32| {
        let mut bytes = plain.clone();
        bytes[16..20].copy_from_slice(&length.to_be_bytes());
        pusher.push_encrypted(&pusher.encrypt(&bytes))
    };
    let message_of = |message: &str| pusher.push(message);
    let spaced = encrypted.replacen('+', " ", 1);
    let signature = "msg_signature does not match";
    let key = "cannot be decrypted";
    vec![
        ("no query", with(|_| String::new()), "no msg_signature"),
        (
            "only the plain signature",
            with(|q| q.split("&msg_").next().unwrap().into()),
            "no msg_",
        ),
        (
            "the plain signature in its place",
            with(|q| {
                let plain = q
                    .strip_prefix("signature=")
                    .unwrap()
                    .split('&')
                    .next()
                    .unwrap();
                format!("{}&msg_signature={plain}", q.split("&msg_").next().unwrap())
            }),
            signature,
        ),
        (
            "signature in capitals",
            with(|q| {
                let (head, signed) = q.rsplit_once('=').unwrap();
                format!("{head}={}", signed.to_uppercase())
            }),
            signature,
        ),
        (
            "signature cut",
            with(|q| q[..q.len() - 1].into()),
            signature,
        ),
        (
            "empty signature",
            with(|q| q[..q.len() - 40].into()),
            signature,
        ),
        (
            "signature twice",
            with(|q| format!("{q}&msg_signature=x")),
            "several",
        ),
        ("no nonce", with(|q| q.replace("nonce=", "n=")), "no nonce"),
        (
            "another nonce",
            with(|q| q.replace("nonce=1", "nonce=2")),
            signature,
        ),
        (
            "another timestamp",
            with(|q| q.replace("timestamp=1", "timestamp=2")),
            signature,
        ),
        (
            "an endless query",
            with(|q| q.to_owned() + &"&x=1".repeat(5000)),
            "longer",
        ),
        (
            "another token",
            other(|p| p.token = "OTHER".into()),
            signature,
        ),
        ("another key", other(|p| p.aes_key[0] ^= 1), key),
        (
            "another platform",
            other(|p| p.appid = "wx0c00000000000002".into()),
            key,
        ),
        ("no platform", other(|p| p.appid = String::new()), key),
        ("a longer appid", other(|p| p.appid += "0"), key),
        ("an empty body", body(""), "not well-formed"),
        ("JSON", body(r#"{"Encrypt":"x"}"#), "not well-formed"),
        (
            "no Encrypt",
            body("<xml><AppId>wx</AppId></xml>"),
            "no Encrypt",
        ),
        (
            "an empty Encrypt",
            body("<xml><Encrypt></Encrypt></xml>"),
            "no Encrypt",
        ),
        (
            "two of them",
            body(&format!(
                "<xml><Encrypt>{encrypted}</Encrypt><Encrypt>x</Encrypt></xml>"
            )),
            "several Encrypt",
        ),
        (
            "a DOCTYPE outside",
            body(&format!(
                "<!DOCTYPE x><xml><Encrypt>{encrypted}</Encrypt></xml>"
            )),
            "DOCTYPE",
        ),
        (
            "another Encrypt than was signed",
            body(&format!("<xml><Encrypt>{encrypted}AAAA</Encrypt></xml>")),
            signature,
        ),
        (
            "a space for a plus",
            pusher.push_encrypted(&spaced),
            "not base64",
        ),
        ("not base64", pusher.push_encrypted("!!!"), "not base64"),
        (
            "a part",
            pusher.push_encrypted(&encrypted[..encrypted.len() - 4]),
            "truncated",
        ),
        ("padding 0", padded(&[0; 32]), key),
        ("padding 33", padded(&[33; 33]), key),
        ("mixed padding", padded(&[9, 9, 9, 3, 9, 9, 9, 9, 9]), key),
        ("a length beyond the end", length(100_000), key),
        ("a negative length", length(u32::MAX), key),
        ("a length that is too short", length(3), key),
        (
            "nothing but padding",
            pusher.push_encrypted(&pusher.encrypt_padded(&[32; 32])),
            key,
        ),
        (
            "a message that is not XML",
            message_of("hello"),
            "not well-formed",
        ),
        (
            "an element that is not closed",
            message_of("<xml><a>1</xml>"),
            "not well-formed",
        ),
        (
            "a DOCTYPE inside",
            message_of(&format!("<!DOCTYPE x [<!ENTITY e 'x'>]>{message}")),
            "DOCTYPE",
        ),
        (
            "an unknown entity",
            message_of(&message.replace("broken", "&e;")),
            "not well-formed",
        ),
        (
            "a ticket without a time",
            message_of(&message.replace("<CreateTime>9</CreateTime>", "")),
            "no CreateTime",
        ),
        (
            "an event without a ticket",
            message_of(&message.replace("ComponentVerifyTicket", "Ticket")),
            "no ComponentVerifyTicket",
        ),
        (
            "a huge body",
            body(&format!("<xml>{}</xml>", " ".repeat(1 << 20))),
            "larger",
        ),
    ]
}

#[test]
fn broken_pushes_are_refused_and_change_nothing() {
    let wechat = WeChat::start();
    let client = wechat.client(&[]);
    let broken = broken();
    let names: BTreeSet<&str> = broken.iter().map(|(name, _, _)| *name).collect();
    assert!(
        names.len() == broken.len() && broken.len() >= 30,
        "{}",
        broken.len()
    );
    for (name, push, says) in &broken {
        let error = accept(&client, push).map_err(|e| {
            assert_eq!(e.status(), Status::BadPush, "{name}: {e}");
            e.message()
        });
        let message = error.expect_err(name);
        assert!(message.contains(says), "{name}: {message}");
        for secret in ["@@@", Pusher::TOKEN, Pusher::AES_KEY] {
            assert!(!message.contains(secret), "{name}: {message}");
        }
    }
    let not_utf8 = pusher().push_body("x", "");
    let error = client
        .accept_push(&not_utf8.query, b"<xml>\xff</xml>")
        .unwrap_err();
    assert_eq!(error.status(), Status::BadPush);
    // No ticket was stored.
    let error = client.authorization_url(REDIRECT, None).unwrap_err();
    assert_eq!(error.status(), Status::NoToken);
    assert!(wechat.seen("api_component_token").is_empty());
    // The good one is accepted.
    let good = accept(&client, &ticket("ticket@@@1", 9)).unwrap();
    assert_eq!(good, PushAction::TicketStored);
}

#[test]
fn published_pushes_are_accepted() {
    let file = vectors("pushes.json");
    for vector in file["vectors"].as_array().unwrap() {
        let name = vector["name"].as_str().unwrap();
        let mut options = Options::new();
        options.set("component_appsecret", "S").unwrap();
        for (key, value) in vector["options"].as_object().unwrap() {
            options.set(key, value.as_str().unwrap()).unwrap();
        }
        let client = Client::new(&options).unwrap();
        let query = vector["query"].as_str().unwrap();
        let body = vector["body"].as_str().unwrap();
        let accepted = client.accept_push(query, body.as_bytes());
        let expect = &vector["expect"];
        let status = accepted.as_ref().err().map_or(Status::Ok, Error::status);
        assert_eq!(status.name(), expect["status"], "{name}: {accepted:?}");
        if let Ok(push) = accepted {
            assert_eq!(push.json(), expect["json"], "{name}");
        }
    }
}
