//! Managed tokens: fetched from WeChat's component endpoints or a program, stored, renewed, and
//! never lost.

#![cfg(all(feature = "file-store", feature = "redis-store"))]

use std::collections::BTreeSet;
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};
use wxlink::errcode::{ENTRIES, lookup};
use wxlink::{Client, Delivery, Endpoint, Lang, LinkChoices, LinkState, Options, Status};
use wxlink_sandbox::{Sandbox, Settings};

const ACCOUNT: &str = "wx0a00000000000001";
const OTHER: &str = "wx0a00000000000002";
const APPID: &str = "wx0b00000000000001";
const PLATFORM: [(&str, &str); 3] = [
    ("component_appid", "wx0c00000000000001"),
    ("component_appsecret", "SANDBOX-COMPONENT-SECRET"),
    ("account", ACCOUNT),
];
const QUIET: LinkChoices = LinkChoices {
    notify_users: false,
    show_profile: true,
};

fn client(sandbox: &Sandbox, set: &[(&str, &str)]) -> Client {
    let mut options = Options::new();
    options.set("base_url", sandbox.http_url()).unwrap();
    // A disk that is busy with other work may take many seconds to write.
    options.set("timeout_ms", "60000").unwrap();
    for (key, value) in set {
        options.set(key, value).unwrap();
    }
    Client::new(&options).unwrap()
}

/// The client of a platform with its ticket and the refresh token of one account, as in the demo
/// world.
fn platform(sandbox: &Sandbox, set: &[(&str, &str)]) -> Client {
    let client = client(sandbox, &[&PLATFORM, set].concat());
    client.set_ticket("SANDBOX-TICKET").unwrap();
    client.add_account(ACCOUNT, "SANDBOX-REFRESH-1").unwrap();
    client
}

fn sandbox() -> Sandbox {
    Sandbox::start(Settings::default()).unwrap()
}

fn admin(sandbox: &Sandbox, method: &str, path: &str, body: Value) -> Value {
    sandbox.admin(method, path, &body).unwrap()
}

/// How often the platform's token and the account's were refreshed.
fn refreshes(sandbox: &Sandbox) -> (u64, u64) {
    (
        refreshes_at(sandbox, "/component"),
        refreshes_at(sandbox, &format!("/accounts/{ACCOUNT}")),
    )
}

fn refreshes_at(sandbox: &Sandbox, place: &str) -> u64 {
    let shown = admin(sandbox, "GET", "refreshes", Value::Null);
    shown
        .pointer(place)
        .and_then(Value::as_u64)
        .unwrap_or_default()
}

/// How often the list of accounts was read to look up refresh tokens.
fn looked_up(sandbox: &Sandbox) -> u64 {
    let asked = admin(sandbox, "GET", "journal/counts", Value::Null);
    asked["received"]["authorizer_list"].as_u64().unwrap()
}

/// From now on only the last refresh token of an account is valid.
fn accept_last_refresh_token_only(sandbox: &Sandbox) {
    admin(
        sandbox,
        "PUT",
        "component",
        json!({"appid": "wx0c00000000000001", "appsecret": "SANDBOX-COMPONENT-SECRET",
               "ticket": "SANDBOX-TICKET", "refresh": "strict"}),
    );
}

fn revoke(sandbox: &Sandbox, what: Value) {
    admin(sandbox, "POST", "tokens/revoke", what);
}

#[test]
fn one_refresh_serves_all_calls() {
    let sandbox = sandbox();
    let client = platform(&sandbox, &[]);
    for _ in 0..3 {
        client.get_linked(None).unwrap();
    }
    client.link_miniprogram(None, APPID, QUIET).unwrap();
    assert_eq!(refreshes(&sandbox), (1, 1));
}

#[test]
fn reading_the_list_once_recovers_all_accounts() {
    let sandbox = sandbox();
    let client = client(&sandbox, &PLATFORM);
    client.set_ticket("SANDBOX-TICKET").unwrap();
    let walks = || {
        let counts = admin(&sandbox, "GET", "journal/counts", Value::Null);
        counts["received"]["authorizer_list"].as_u64()
    };
    for appid in [ACCOUNT, OTHER, "wx0a00000000000003"] {
        client.account(appid).unwrap().get_linked(None).unwrap();
    }
    assert_eq!(walks(), Some(1));
    // For an account that is not in the list, it is read once more.
    let stranger = client.account("wx0a00000000000099").unwrap();
    let refused = stranger.get_linked(None).unwrap_err();
    assert_eq!((refused.status(), walks()), (Status::NoToken, Some(2)));
    let account = json!({"refresh_token": "NEW"});
    admin(&sandbox, "PUT", "accounts/wx0a00000000000099", json!({}));
    admin(&sandbox, "PUT", "authorizers/wx0a00000000000099", account);
    stranger.get_linked(None).unwrap();
    assert_eq!(walks(), Some(3));
}

#[test]
fn concurrent_threads_share_a_refresh() {
    let sandbox = sandbox();
    let client = platform(&sandbox, &[]);
    thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| client.get_linked(None).unwrap());
        }
    });
    assert_eq!(refreshes(&sandbox), (1, 1));
}

#[test]
fn a_refused_token_is_renewed_once_and_the_link_is_posted_once() {
    let sandbox = sandbox();
    let client = platform(&sandbox, &[]);
    client.get_linked(None).unwrap();
    revoke(&sandbox, json!({"account": ACCOUNT}));
    let answer = client.link_miniprogram(None, APPID, QUIET).unwrap();
    assert_eq!(answer.attempts().len(), 2, "{answer:?}");
    assert_eq!(refreshes(&sandbox), (1, 2));
    let progress = client.ensure_linked(None, APPID, QUIET, Duration::ZERO);
    assert_eq!(progress.state(), LinkState::AwaitingOfficialAccount);
    assert_eq!(progress.posts(), 0);
}

#[test]
fn the_platforms_token_is_renewed_when_it_is_refused() {
    let sandbox = sandbox();
    let client = platform(&sandbox, &[]);
    client.get_linked(None).unwrap();
    revoke(&sandbox, json!({"account": ACCOUNT}));
    revoke(&sandbox, json!({"component": true}));
    client.get_linked(None).unwrap();
    assert_eq!(refreshes(&sandbox), (2, 2));
}

#[test]
fn a_lost_or_invalid_refresh_token_is_looked_up() {
    let sandbox = sandbox();
    let client = platform(&sandbox, &[]);
    // Never stored: WeChat's list has it.
    client.account(OTHER).unwrap().get_linked(None).unwrap();
    // Stored, and invalid since the account authorised again.
    admin(
        &sandbox,
        "PUT",
        &format!("authorizers/{ACCOUNT}"),
        Value::Null,
    );
    client.get_linked(None).unwrap();
    assert_eq!(refreshes(&sandbox), (1, 1));
}

#[test]
fn rotated_refresh_tokens_are_kept() {
    let sandbox = sandbox();
    accept_last_refresh_token_only(&sandbox);
    let client = platform(&sandbox, &[]);
    for n in 1..5 {
        client.get_linked(None).unwrap();
        assert_eq!(refreshes(&sandbox).1, n);
        revoke(&sandbox, json!({"account": ACCOUNT}));
    }
    assert_eq!(looked_up(&sandbox), 0);
}

/// The bytes that a fault sends as the body of a response.
fn body_fault(endpoint: &str, status: u16, headers: &Value, body: &[u8]) -> Value {
    let base64 = BASE64_STANDARD.encode(body);
    json!({"endpoint": endpoint, "times": 1,
           "fault": {"body": {"base64": base64, "status": status, "headers": headers}}})
}

#[test]
fn a_new_refresh_token_is_kept_whatever_else_is_unreadable() {
    const WHOLE: &str = r#"{"authorizer_access_token":"SANDBOX-TOKEN","expires_in":"7200",
        "authorizer_refresh_token":"NEW-REFRESH-TOKEN"}"#;
    const REST: &str = r#","authorizer_refresh_token":"NEW-REFRESH-TOKEN"}"#;
    let no_headers = json!({});
    let longer = json!({"Content-Length": "4096"});
    let with = |before: &[u8]| [before, REST.as_bytes()].concat();
    // The body, its status and headers, and whether the access token can be used.
    for (body, status, headers, is_usable) in [
        (WHOLE.as_bytes().to_vec(), 200, &no_headers, true),
        (
            ["\u{feff}", WHOLE, "\0\0"].concat().into(),
            200,
            &no_headers,
            true,
        ),
        (WHOLE.as_bytes().to_vec(), 200, &longer, true),
        (WHOLE.as_bytes().to_vec(), 502, &no_headers, true),
        (
            WHOLE.replace("\"7200\"", "1e999").into(),
            200,
            &no_headers,
            true,
        ),
        (
            WHOLE.replace("\"7200\"", "NaN").into(),
            200,
            &no_headers,
            true,
        ),
        (WHOLE.replace("\"7200\"", "").into(), 200, &no_headers, true),
        (
            WHOLE.replace("\"7200\"", "\"\u{1}\"").into(),
            200,
            &no_headers,
            true,
        ),
        (
            WHOLE.replace('{', "{\"errcode\":\"ok\",").into(),
            200,
            &no_headers,
            true,
        ),
        (
            with(b"{\"authorizer_access_token\":\"\xE4\xBD\""),
            200,
            &no_headers,
            false,
        ),
        (
            with(b"{\"authorizer_access_token\":null"),
            200,
            &no_headers,
            false,
        ),
        (
            with(b"{\"authorizer_access_token\":\"two words\""),
            200,
            &no_headers,
            false,
        ),
        (WHOLE.replace('{', "[1,").into(), 200, &no_headers, true),
    ] {
        let sandbox = sandbox();
        let shown = format!("{} {status}", String::from_utf8_lossy(&body));
        let scratch = wxlink_testkit::scratch("tokens-kept");
        let file = format!("file:{}", scratch.join("store").display());
        // Given, so that only a new refresh token can follow.
        let first = client(&sandbox, &[&PLATFORM[..], &[("store", &file)]].concat());
        first.set_ticket("SANDBOX-TICKET").unwrap();
        first.add_account(ACCOUNT, "SANDBOX-REFRESH-1").unwrap();
        let account = json!({"refresh_token": "NEW-REFRESH-TOKEN"});
        admin(&sandbox, "PUT", &format!("authorizers/{ACCOUNT}"), account);
        let fault = body_fault("authorizer_token", status, headers, &body);
        admin(&sandbox, "POST", "faults", fault);
        let listed = first.get_linked(None);
        assert_eq!(listed.is_ok(), is_usable, "{shown}: {listed:?}");
        let message = listed
            .err()
            .map_or_else(String::new, |e| format!("{e} {e:?}"));
        assert!(!message.contains("NEW-REFRESH-TOKEN"), "{message}");

        revoke(&sandbox, json!({"account": ACCOUNT}));
        let second = client(&sandbox, &[&PLATFORM[..], &[("store", &file)]].concat());
        second
            .get_linked(None)
            .unwrap_or_else(|e| panic!("{shown}: {e}"));
        assert_eq!(looked_up(&sandbox), 0, "{shown}");
    }
}

#[test]
fn the_platforms_token_is_read_whatever_else_is_unreadable() {
    for (body, status) in [
        (
            &br#"{"component_access_token":"PLATFORM-TOKEN","expires_in":"7200"}"#[..],
            200,
        ),
        (
            b"\xEF\xBB\xBF{\"component_access_token\":\"PLATFORM-TOKEN\"}\0",
            200,
        ),
        (
            b"{\"component_access_token\":\"PLATFORM-TOKEN\",\"x\":\"\xFF\x01\"}",
            200,
        ),
        (
            br#"{"component_access_token":"PLATFORM-TOKEN","expires_in":1e999}"#,
            200,
        ),
        (
            br#"{"component_access_token":"PLATFORM-TOKEN","expires_in":-7200}"#,
            200,
        ),
        (
            br#"{"component_access_token":"PLATFORM-TOKEN","expires_in":7200.0"#,
            200,
        ),
        (br#"{"component_access_token":" PLATFORM-TOKEN "}"#, 404),
    ] {
        let sandbox = sandbox();
        let client = platform(&sandbox, &[]);
        let fault = body_fault("component_token", status, &json!({}), body);
        admin(&sandbox, "POST", "faults", fault);
        // WeChat does not know the token and refuses it: so it was read and sent.
        client.get_linked(None).unwrap();
        assert_eq!(refreshes(&sandbox), (1, 1));
        let asked = admin(&sandbox, "GET", "journal/counts", Value::Null);
        let shown = String::from_utf8_lossy(body);
        assert_eq!(asked["received"]["authorizer_token"], 2, "{shown}");
    }
}

#[test]
fn a_refusal_stays_known_if_no_other_token_can_be_fetched() {
    let sandbox = sandbox();
    let once = wxlink_testkit::scratch("tokens-once").join("printed");
    let program = format!(
        "test ! -e {0} && touch {0} && echo STALE-TOKEN",
        once.display()
    );
    let fresh = || {
        client(
            &sandbox,
            &[("token_command", &program), ("account", ACCOUNT)],
        )
    };
    let error = fresh().link_miniprogram(None, APPID, QUIET).unwrap_err();
    assert_eq!(
        (error.status(), error.delivery()),
        (Status::NoToken, Delivery::Answered)
    );
    let attempts: Vec<_> = error.attempts().iter().map(|a| a.outcome).collect();
    assert_eq!((attempts, error.http_status()), (vec![Status::Api], 200));
    assert!(error.message().contains("40001"), "{error}");

    // In `ensure` the refused request reads the list: nothing was posted.
    std::fs::remove_file(&once).unwrap();
    let progress = fresh().ensure_linked(None, APPID, QUIET, Duration::ZERO);
    assert_eq!(progress.posts(), 0);
    assert_eq!(progress.delivery(), Delivery::Answered);
}

/// Every errcode in the table, answered to each call for a token, in both languages.
#[test]
fn the_message_of_a_refused_token_contains_the_endpoint_and_its_remedy() {
    let sandbox = sandbox();
    let mut with_text = BTreeSet::new();
    let answered: Vec<i32> = ENTRIES.iter().map(|e| e.errcode).collect();
    for endpoint in [
        Endpoint::ComponentToken,
        Endpoint::AuthorizerToken,
        Endpoint::AuthorizerList,
    ] {
        let mut codes: Vec<i32> = answered.clone();
        codes.dedup();
        codes.retain(|code| *code != 0 && lookup(endpoint, *code).is_some());
        for (code, lang) in codes
            .iter()
            .flat_map(|code| [(*code, Lang::En), (*code, Lang::Zh)])
        {
            let entry = lookup(endpoint, code).unwrap();
            let lang_code = if lang == Lang::Zh { "zh" } else { "en" };
            let client = client(&sandbox, &[&PLATFORM[..], &[("lang", lang_code)]].concat());
            client.set_ticket("SANDBOX-TICKET").unwrap();
            // Without a refresh token, the account is looked up in the list.
            let account = if endpoint == Endpoint::AuthorizerList {
                OTHER
            } else {
                client.add_account(ACCOUNT, "SANDBOX-REFRESH-1").unwrap();
                ACCOUNT
            };
            let rule = json!({"endpoint": endpoint.as_str(), "always": true,
                              "fault": {"errcode": {"code": code}}});
            admin(&sandbox, "POST", "faults", rule);
            let client = client.account(account).unwrap();
            let error = client.get_linked(None).unwrap_err();
            admin(&sandbox, "DELETE", "faults", Value::Null);

            let got = (error.status(), error.errcode(), error.class());
            let expected = (Status::NoToken, Some(code), Some(entry.class));
            assert_eq!(got, expected, "{endpoint:?}: {error}");
            let (name, on) = (entry.name, endpoint.name());
            let (meaning, remedy) = (entry.meaning.get(lang), entry.remedy.get(lang));
            let (head, other) = match lang {
                Lang::En => (
                    format!(
                        "getLinkMiniprogram: NO_TOKEN: {on}: WeChat answered {code} {name}: \
                         {meaning} {remedy}"
                    ),
                    entry.remedy.zh,
                ),
                Lang::Zh => (
                    format!(
                        "getLinkMiniprogram：NO_TOKEN：{on}：微信返回 {code} {name}：\
                         {meaning}{remedy}"
                    ),
                    entry.remedy.en,
                ),
            };
            let message = error.message();
            assert!(message.starts_with(&head), "{message}\n{head}");
            assert!(!message.contains(other), "{message}");
            // The simulator has the same texts, as far as it returns the errcode by itself.
            if !error.errmsg().trim_start().starts_with("rid: ") {
                assert!(!entry.errmsg.is_empty(), "{code}: {}", error.errmsg());
                assert!(error.errmsg().starts_with(entry.errmsg), "{code}");
                with_text.insert(code);
            }
        }
    }
    for code in [
        -1, 40001, 40013, 40014, 40097, 40125, 40170, 41001, 41004, 42001, 47001, 48001, 61003,
        61005, 61006, 61011, 61014, 61023,
    ] {
        assert!(with_text.contains(&code), "{code}");
    }
}

#[test]
fn errors_give_the_reason_without_secrets() {
    let sandbox = sandbox();
    let bare = client(&sandbox, &PLATFORM);
    let error = bare.get_linked(None).unwrap_err();
    assert_eq!(
        (error.status(), error.delivery()),
        (Status::NoToken, Delivery::NeverSent)
    );
    assert!(
        error.message().contains("component_verify_ticket"),
        "{error}"
    );

    let client = platform(&sandbox, &[]);
    admin(
        &sandbox,
        "DELETE",
        &format!("authorizers/{ACCOUNT}"),
        Value::Null,
    );
    let error = client.link_miniprogram(None, APPID, QUIET).unwrap_err();
    assert_eq!(
        (error.status(), error.delivery()),
        (Status::NoToken, Delivery::NeverSent)
    );
    assert_eq!(error.errcode(), Some(61003), "{error}");
    for secret in [
        "SANDBOX-REFRESH",
        "SANDBOX-TICKET",
        "COMPONENT-SECRET",
        "SANDBOX-ACCESS",
    ] {
        let shown = format!("{error} {error:?} {}", error.trace());
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn a_call_that_times_out_does_not_end_the_refresh() {
    let sandbox = sandbox();
    let client = platform(&sandbox, &[]);
    let slow = json!({"endpoint": "authorizer_token", "fault": {"delay_ms": 300}, "times": 1});
    admin(&sandbox, "POST", "faults", slow);
    let hasty = client
        .derive(Options::new().set("timeout_ms", "50").unwrap())
        .unwrap();
    assert_eq!(
        hasty.get_linked(None).unwrap_err().status(),
        Status::TimeoutUnsent
    );
    client.get_linked(None).unwrap();
    assert_eq!(refreshes(&sandbox), (1, 1));
}

#[test]
fn a_fixed_token_serves_every_call_without_one() {
    let sandbox = sandbox();
    let fixed = client(&sandbox, &[("access_token", "SANDBOX-TOKEN")]);
    fixed.get_linked(None).unwrap();
    fixed.get_linked("SANDBOX-TOKEN-2").unwrap();
    let refused = client(&sandbox, &[("access_token", "SANDBOX-EXPIRED")]);
    let error = refused.get_linked(None).unwrap_err();
    assert_eq!((error.errcode(), error.attempts().len()), (Some(42001), 1));
    let none = client(&sandbox, &[]);
    assert_eq!(
        none.get_linked(None).unwrap_err().status(),
        Status::BadValue
    );
}

#[test]
fn an_empty_account_is_no_account() {
    let sandbox = sandbox();
    let client = platform(&sandbox, &[]);
    let error = client.account("").unwrap().get_linked(None).unwrap_err();
    assert_eq!(error.status(), Status::BadValue, "{error}");
    client.account(ACCOUNT).unwrap().get_linked(None).unwrap();
}

#[test]
fn a_command_is_run_again_when_its_token_is_refused() {
    let sandbox = sandbox();
    let command = "read a; read r; test -n \"$r\" && echo SANDBOX-TOKEN || echo SANDBOX-EXPIRED";
    let set = [("token_command", command), ("account", ACCOUNT)];
    let client = client(&sandbox, &set);
    assert_eq!(
        client.get_linked(None).unwrap().response().attempts().len(),
        2
    );
    assert_eq!(
        client.get_linked(None).unwrap().response().attempts().len(),
        1
    );
}

/// A command that runs `line` and counts its runs in a file.
struct Counted {
    command: String,
    file: std::path::PathBuf,
}

impl Counted {
    fn new(name: &str, line: &str) -> Counted {
        let file = wxlink_testkit::scratch(name).join("runs");
        let command = format!("echo run >> '{}'; {line}", file.display());
        Counted { command, file }
    }

    fn client(&self, sandbox: &Sandbox) -> Client {
        let set = [("token_command", &*self.command), ("account", ACCOUNT)];
        client(sandbox, &set)
    }

    fn runs(&self) -> usize {
        std::fs::read_to_string(&self.file).map_or(0, |runs| runs.lines().count())
    }
}

/// How often a list of linked mini programs was read.
fn lists_read(sandbox: &Sandbox) -> u64 {
    let counts = admin(sandbox, "GET", "journal/counts", Value::Null);
    counts["received"]["get"].as_u64().unwrap_or_default()
}

#[test]
fn a_command_may_print_json_as_wechat_does() {
    let sandbox = sandbox();
    let json = r#"printf '{"access_token":"SANDBOX-TOKEN","expires_in":7200}'"#;
    let command = Counted::new("json-command", json);
    let client = command.client(&sandbox);
    client.get_linked(None).unwrap();
    client.get_linked(None).unwrap();
    assert_eq!((command.runs(), lists_read(&sandbox)), (1, 2));
}

#[test]
fn output_that_is_no_token_is_neither_sent_nor_shown() {
    let sandbox = sandbox();
    for (line, says) in [
        (
            r#"echo '{"errcode":40001,"errmsg":"SECRET"}'"#,
            "errcode 40001",
        ),
        (
            r#"echo '{"data":{"access_token":"SECRET"}}'"#,
            "inside another",
        ),
        ("echo Bearer SECRET", "Bearer"),
        ("echo '<html>SECRET</html>'", "HTML"),
        ("echo null", "null"),
        ("echo 'not found: SECRET'", "blanks"),
    ] {
        let set = [("token_command", line), ("account", ACCOUNT)];
        let error = client(&sandbox, &set).get_linked(None).unwrap_err();
        assert_eq!(error.status(), Status::NoToken, "{line}");
        let shown = format!("{error} {error:?} {}", error.trace());
        assert!(shown.contains(says) && !shown.contains("SECRET"), "{shown}");
    }
    assert_eq!(lists_read(&sandbox), 0);
}

#[test]
fn an_overflowing_lifetime_is_a_day() {
    let sandbox = sandbox();
    for seconds in ["9223372036854775807", "18446744073709551615", "1e300"] {
        let line = format!("echo access_token=SANDBOX-TOKEN; echo expires_in={seconds}");
        let command = Counted::new("endless-command", &line);
        let client = command.client(&sandbox);
        client.get_linked(None).unwrap();
        client.get_linked(None).unwrap();
        assert_eq!(command.runs(), 1);
    }
}

#[test]
fn a_token_without_a_lifetime_is_fetched_once_a_second_at_most() {
    let sandbox = sandbox();
    let line = "echo access_token=SANDBOX-TOKEN; echo expires_in=0";
    let command = Counted::new("short-command", line);
    let client = command.client(&sandbox);
    let started = std::time::Instant::now();
    while started.elapsed() < Duration::from_secs(2) {
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| client.get_linked(None).unwrap());
            }
        });
    }
    let most = started.elapsed().as_secs() as usize + 1;
    assert!(command.runs() <= most, "{} runs", command.runs());
}

#[test]
fn an_account_whose_every_token_is_refused_is_fetched_ever_more_slowly() {
    let sandbox = sandbox();
    let command = Counted::new("refused-command", "echo REFUSED-$$");
    let client = command.client(&sandbox);
    let started = std::time::Instant::now();
    let mut paused = false;
    while started.elapsed() < Duration::from_secs(2) || !paused {
        let error = client.get_linked(None).unwrap_err();
        paused |= error.message().contains("next try in");
    }
    // Fetches start after 0, 1, 3, 7, … s at the earliest.
    let elapsed = started.elapsed().as_secs();
    let most = (0..60).take_while(|n| (1_u64 << n) - 1 <= elapsed).count();
    assert!(command.runs() <= most, "{} runs", command.runs());
}

#[test]
fn a_failing_command_is_run_again_only_after_a_pause() {
    let sandbox = sandbox();
    let command = Counted::new("failing-command", "exit 1");
    let client = command.client(&sandbox);
    let error = loop {
        let error = client.get_linked(None).unwrap_err();
        if error.message().contains("next try in") {
            break error;
        }
    };
    assert_eq!(error.status(), Status::NoToken);
    assert!(error.message().contains("exit status: 1"), "{error}");
    // Another account is not affected.
    let other = client.account(OTHER).unwrap();
    let error = other.get_linked(None).unwrap_err();
    assert!(!error.message().contains("next try in"), "{error}");
}

#[test]
fn a_command_that_closes_its_output_and_continues_is_killed_at_the_limit() {
    let sandbox = sandbox();
    let set = [
        (
            "token_command",
            "echo SANDBOX-TOKEN; exec >/dev/null; sleep 1000",
        ),
        ("account", ACCOUNT),
        ("timeout_ms", "300"),
    ];
    let client = client(&sandbox, &set);
    let started = std::time::Instant::now();
    client.get_linked(None).unwrap_err();
    assert!(client.finish_token_fetches(Duration::from_secs(60)));
    assert!(started.elapsed() < Duration::from_secs(50));
}

#[test]
fn a_new_refresh_token_ends_the_pause_after_a_failure() {
    let sandbox = sandbox();
    let client = client(&sandbox, &PLATFORM);
    let until_paused = || {
        while !{ client.get_linked(None).unwrap_err().message() }.contains("next try in") {}
    };
    until_paused();
    client.set_ticket("SANDBOX-TICKET").unwrap();
    client.get_linked(None).unwrap();
}

#[test]
fn an_abandoned_fetch_can_be_awaited() {
    let sandbox = sandbox();
    let client = platform(&sandbox, &[]);
    assert!(client.finish_token_fetches(Duration::ZERO));
    let slow = json!({"endpoint": "authorizer_token", "fault": {"delay_ms": 300}, "times": 1});
    admin(&sandbox, "POST", "faults", slow);
    let hasty = client
        .derive(Options::new().set("timeout_ms", "50").unwrap())
        .unwrap();
    let left = hasty.get_linked(None).unwrap_err();
    assert_eq!(left.status(), Status::TimeoutUnsent);
    hasty.cancel();
    // Also with an overflowing limit.
    assert!(hasty.finish_token_fetches(Duration::MAX));
    assert_eq!(refreshes(&sandbox), (1, 1));
    client.get_linked(None).unwrap();
    assert_eq!(refreshes(&sandbox), (1, 1));
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    let wrong = |set: &[(&str, &str)]| {
        let mut options = Options::new();
        for (key, value) in set {
            options.set(key, value).unwrap();
        }
        Client::new(&options).err().map(|e| e.status())
    };
    let two = [("access_token", "T"), ("token_command", "c")];
    assert_eq!(wrong(&two), Some(Status::BadOption));
    assert_eq!(wrong(&PLATFORM[..1]), Some(Status::BadOption));
    assert_eq!(wrong(&PLATFORM[1..]), Some(Status::BadOption));
    assert_eq!(wrong(&PLATFORM), None);
}

#[test]
fn clients_with_one_file_share_their_tokens() {
    let sandbox = sandbox();
    let path = wxlink_testkit::scratch("tokens").join("tokens.redb");
    let _ = std::fs::remove_file(&path);
    let store = format!("file:{}", path.display());
    let set = [("store", store.as_str())];
    platform(&sandbox, &set).get_linked(None).unwrap();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let client = client(&sandbox, &[&PLATFORM, set.as_slice()].concat());
                client.get_linked(None).unwrap();
            });
        }
    });
    assert_eq!(refreshes(&sandbox), (1, 1));
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&path).unwrap());
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn clients_with_one_redis_share_their_tokens_and_survive_without_it() {
    let Some(mut redis) = wxlink_testkit::redis::Redis::start("tokens in Redis") else {
        return;
    };
    let sandbox = sandbox();
    let url = redis.url();
    let set = [("store", url.as_str())];
    let all = [&PLATFORM, set.as_slice()].concat();
    let first = platform(&sandbox, &set);
    first.get_linked(None).unwrap();
    let clients: Vec<Client> = (0..8).map(|_| client(&sandbox, &all)).collect();
    thread::scope(|scope| {
        for client in &clients {
            scope.spawn(|| client.get_linked(None).unwrap());
        }
    });
    assert_eq!(refreshes(&sandbox), (1, 1));

    // The token of all of them is refused at the same time: one renews it for all.
    revoke(&sandbox, json!({"account": ACCOUNT}));
    thread::scope(|scope| {
        for client in &clients {
            scope.spawn(|| client.get_linked(None).unwrap());
        }
    });
    assert_eq!(refreshes(&sandbox), (1, 2));

    redis.kill();
    clients[0].get_linked(None).unwrap();
    let hasty = [all.as_slice(), &[("timeout_ms", "400")]].concat();
    let late = client(&sandbox, &hasty).get_linked(None).unwrap_err();
    assert_eq!(late.status(), Status::NoToken);
    assert!(late.message().contains("cannot be reached"), "{late}");

    // It restarts empty: the lost refresh tokens are looked up at WeChat.
    redis.restart();
    first.set_ticket("SANDBOX-TICKET").unwrap();
    client(&sandbox, &all).get_linked(None).unwrap();
}

/// The processes that share a store, the threads of each, and the number of rounds in which tokens
/// are revoked.
const CROWD: (usize, usize, usize) = (8, 4, 6);
const ACCOUNTS: [&str; 2] = [ACCOUNT, OTHER];

/// A process of the crowd: its threads make calls until its input ends. It replies to a line of
/// input when every thread has made a call that started after that line.
#[test]
fn one_process_of_many() {
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
    let (Ok(url), Ok(store)) = (std::env::var("TOKENS_URL"), std::env::var("TOKENS_STORE")) else {
        return;
    };
    let mut options = Options::new();
    for (key, value) in PLATFORM {
        options.set(key, value).unwrap();
    }
    options.set("base_url", &url).unwrap();
    options.set("store", &store).unwrap();
    // A disk that is busy with other work may take many seconds to write.
    options.set("timeout_ms", "120000").unwrap();
    let client = Client::new(&options).unwrap();
    let ended = AtomicBool::new(false);
    let calls: Vec<AtomicU64> = (0..CROWD.1).map(|_| AtomicU64::new(0)).collect();
    thread::scope(|scope| {
        for (calls, account) in calls.iter().zip(ACCOUNTS.into_iter().cycle()) {
            let (client, ended) = (client.account(account).unwrap(), &ended);
            scope.spawn(move || {
                while !ended.load(SeqCst) {
                    if let Err(e) = client.get_linked(None) {
                        eprintln!("{e} {}", e.trace());
                        std::process::exit(1);
                    }
                    calls.fetch_add(1, SeqCst);
                    // The processes are to wait for each other, not for the processor.
                    sleep_at_random(50);
                }
            });
        }
        for _ in std::io::stdin().lines() {
            for calls in &calls {
                // The first call may have started before.
                let enough = calls.load(SeqCst) + 2;
                while calls.load(SeqCst) < enough {
                    thread::sleep(Duration::from_millis(1));
                }
            }
            println!("{ALL_CALLED}");
        }
        ended.store(true, SeqCst);
    });
}

const ALL_CALLED: &str = "every thread has called";

struct Member {
    process: Child,
    output: std::io::Lines<std::io::BufReader<std::process::ChildStdout>>,
}

impl Member {
    fn start(sandbox: &Sandbox, store: &str) -> Member {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "one_process_of_many", "--nocapture"])
            .env("TOKENS_URL", sandbox.http_url())
            .env("TOKENS_STORE", store)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let output = std::io::BufReader::new(process.stdout.take().unwrap());
        Member {
            process,
            output: std::io::BufRead::lines(output),
        }
    }

    fn ask(&mut self) {
        std::io::Write::write_all(self.process.stdin.as_mut().unwrap(), b"\n").unwrap();
    }

    /// Waits until every thread has made a call since [`ask`](Member::ask).
    fn wait_for_calls(&mut self) {
        let output = self.output.by_ref().map(Result::unwrap);
        assert!(
            { output }.any(|line| line.ends_with(ALL_CALLED)),
            "a call failed"
        );
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn random(below: u64) -> u64 {
    use std::hash::BuildHasher;
    std::hash::RandomState::new().hash_one(()) % below
}

/// Sleeps for a random time, so that the next action meets any state.
fn sleep_at_random(below_ms: u64) {
    thread::sleep(Duration::from_millis(random(below_ms)));
}

/// Starts the crowd on a store. In each round, at random moments, tokens are revoked, a process is
/// killed and the store is disturbed. No call of a surviving process fails; each token is refreshed
/// once, or twice if a process was killed meanwhile; and a refresh token is lost only with a killed
/// process.
fn a_crowd_shares(store: &str, mut disturb: impl FnMut(usize) + Send) {
    let sandbox = sandbox();
    accept_last_refresh_token_only(&sandbox);
    // Slow refreshes, so that much happens during one.
    let slow = json!({"endpoint": "authorizer_token", "fault": {"delay_ms": 150}, "always": true});
    admin(&sandbox, "POST", "faults", slow);
    platform(&sandbox, &[("store", store)])
        .add_account(OTHER, "SANDBOX-REFRESH-2")
        .unwrap();
    let start = |_| Member::start(&sandbox, store);
    let mut crowd: Vec<Member> = (0..CROWD.0).map(start).collect();
    // A call that is refused twice in a row fails rightly, so all threads must have used a token
    // before it is revoked.
    let all_have_called = |crowd: &mut [Member]| {
        crowd.iter_mut().for_each(Member::ask);
        crowd.iter_mut().for_each(Member::wait_for_calls);
    };
    let refreshed = || ACCOUNTS.map(|a| refreshes_at(&sandbox, &format!("/accounts/{a}")));
    all_have_called(&mut crowd);
    assert_eq!(refreshed(), [1, 1]);
    let mut own = 1;
    for round in 0..CROWD.2 {
        let before = refreshed();
        // One account's token, or the other's, or both.
        let revoked = [[true, false], [false, true], [true, true]][random(3) as usize];
        let killed = crowd.remove(0);
        thread::scope(|scope| {
            let disturbed = scope.spawn(|| disturb(round));
            sleep_at_random(100);
            if random(2) == 0 {
                revoke(&sandbox, json!({"component": true}));
                own += 1;
            }
            for (account, _) in ACCOUNTS.iter().zip(revoked).filter(|(_, revoked)| *revoked) {
                revoke(&sandbox, json!({"account": account}));
            }
            // Sometimes the killed process holds the lock.
            sleep_at_random(100);
            drop(killed);
            crowd.push(start(0));
            disturbed.join().unwrap();
        });
        all_have_called(&mut crowd);
        for ((before, after), revoked) in before.into_iter().zip(refreshed()).zip(revoked) {
            let least = u64::from(revoked);
            assert!(
                (least..=2 * least).contains(&(after - before)),
                "{} refreshes for {least} tokens, in round {round}",
                after - before
            );
        }
    }
    for mut member in crowd {
        drop(member.process.stdin.take());
        assert!(member.process.wait().unwrap().success());
    }
    let owns = refreshes_at(&sandbox, "/component");
    assert!(
        (1..=2 * own).contains(&owns),
        "{owns} refreshes of {own} tokens of the platform's"
    );
    let lost = looked_up(&sandbox);
    assert!(
        lost <= CROWD.2 as u64,
        "{lost} refresh tokens lost, and {} members",
        CROWD.2
    );

    // At the end a new client can use what the store holds.
    let heir = client(
        &sandbox,
        &[&PLATFORM, [("store", store)].as_slice()].concat(),
    );
    for account in ACCOUNTS {
        revoke(&sandbox, json!({"account": account}));
        heir.account(account).unwrap().get_linked(None).unwrap();
    }
    assert_eq!(looked_up(&sandbox), lost, "the store has no refresh token");
}

#[test]
fn processes_share_a_file() {
    let path = wxlink_testkit::scratch("crowd").join("crowd.redb");
    let _ = std::fs::remove_file(&path);
    a_crowd_shares(&format!("file:{}", path.display()), |_| {});
}

/// The Redis is paused, then killed and restarted, and so on.
#[test]
fn processes_share_a_redis_with_outages() {
    let folder = wxlink_testkit::scratch("crowd-redis");
    let Some(mut redis) =
        wxlink_testkit::redis::Redis::start_keeping(&folder, "processes that share a Redis")
    else {
        return;
    };
    a_crowd_shares(&redis.url(), |round| {
        sleep_at_random(100);
        if round % 2 == 0 {
            redis.pause();
            // Two seconds for a reply; some connections are dropped and opened again meanwhile.
            sleep_at_random(2500);
            redis.resume();
        } else {
            redis.kill();
            sleep_at_random(600);
            redis.restart();
        }
    });
}
