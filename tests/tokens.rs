//! Tokens that nobody hands in: got from WeChat's component interfaces, kept, renewed, and never lost.

#![cfg(all(feature = "file-store", feature = "redis-store"))]

mod common;

use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use wxlink::{Client, Delivery, LinkChoices, LinkState, Options, Status};
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
    for (key, value) in set {
        options.set(key, value).unwrap();
    }
    Client::new(&options).unwrap()
}

/// A platform's client with its ticket and one account's refresh token, as in the demo world.
fn platform(sandbox: &Sandbox, set: &[(&str, &str)]) -> Client {
    let client = client(sandbox, &[&PLATFORM, set].concat());
    client.put_ticket("SANDBOX-TICKET").unwrap();
    client.put_account(ACCOUNT, "SANDBOX-REFRESH-1").unwrap();
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
    let told = admin(sandbox, "GET", "refreshes", Value::Null);
    let count = |n: &Value| n.as_u64().unwrap_or_default();
    (count(&told["component"]), count(&told["accounts"][ACCOUNT]))
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
fn threads_that_come_at_once_share_a_refresh() {
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
fn a_refresh_token_that_is_lost_or_dead_is_looked_up() {
    let sandbox = sandbox();
    let client = platform(&sandbox, &[]);
    // Never put: WeChat's list has it.
    client.account(OTHER).unwrap().get_linked(None).unwrap();
    // Put, and dead since the account authorised again.
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
    admin(
        &sandbox,
        "PUT",
        "component",
        json!({"appid": "wx0c00000000000001", "appsecret": "SANDBOX-COMPONENT-SECRET",
               "ticket": "SANDBOX-TICKET", "refresh": "strict"}),
    );
    let client = platform(&sandbox, &[]);
    for n in 1..5 {
        client.get_linked(None).unwrap();
        assert_eq!(refreshes(&sandbox).1, n);
        revoke(&sandbox, json!({"account": ACCOUNT}));
    }
    let asked = admin(&sandbox, "GET", "journal/counts", Value::Null);
    assert_eq!(
        asked["received"]["authorizer_list"].as_u64(),
        Some(0),
        "{asked}"
    );
}

#[test]
fn what_stands_in_the_way_is_said_without_secrets() {
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
        let told = format!("{error} {error:?} {}", error.trace());
        assert!(!told.contains(secret), "{told}");
    }
}

#[test]
fn a_call_that_gives_up_does_not_end_the_refresh() {
    let sandbox = sandbox();
    let client = platform(&sandbox, &[]);
    let slow = json!({"interface": "authorizer_token", "fault": {"delay_ms": 300}, "times": 1});
    admin(&sandbox, "POST", "faults", slow);
    let hasty = client
        .with(Options::new().set("timeout_ms", "50").unwrap())
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
fn an_account_named_by_an_empty_text_is_nobodys() {
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
        client.get_linked(None).unwrap().answer().attempts().len(),
        2
    );
    assert_eq!(
        client.get_linked(None).unwrap().answer().attempts().len(),
        1
    );
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
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("tokens.redb");
    let _ = std::fs::remove_file(&path);
    let store = format!("file:{}", path.display());
    let set = [("token_store", store.as_str())];
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
fn clients_with_one_redis_share_their_tokens_and_go_on_without_it() {
    let Some(mut redis) = common::redis::Redis::start() else {
        return common::skip("tokens in Redis", "redis-server");
    };
    let sandbox = sandbox();
    let url = redis.url();
    let set = [("token_store", url.as_str())];
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

    // All of them have their token refused at once: one renews it for all.
    revoke(&sandbox, json!({"account": ACCOUNT}));
    thread::scope(|scope| {
        for client in &clients {
            scope.spawn(|| client.get_linked(None).unwrap());
        }
    });
    assert_eq!(refreshes(&sandbox), (1, 2));

    redis.kill();
    clients[0].get_linked(None).unwrap();
    let late = client(&sandbox, &all).get_linked(None).unwrap_err();
    assert_eq!(late.status(), Status::NoToken);
    assert!(late.message().contains("cannot be reached"), "{late}");

    // It comes back empty: WeChat is asked for what was lost.
    redis.restart();
    first.put_ticket("SANDBOX-TICKET").unwrap();
    client(&sandbox, &all).get_linked(None).unwrap();
}

/// How many processes share a store, how many threads each has, and how often the token is revoked under them.
const CROWD: (usize, usize, u64) = (8, 4, 4);

/// Calls from threads of its own until its input ends; what the tests below start many of. To a line of input it
/// answers with one, when every thread has made a call that began after it.
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
    options.set("token_store", &store).unwrap();
    options.set("timeout_ms", "30000").unwrap();
    let client = Client::new(&options).unwrap();
    let ended = AtomicBool::new(false);
    let calls: Vec<AtomicU64> = (0..CROWD.1).map(|_| AtomicU64::new(0)).collect();
    thread::scope(|scope| {
        for calls in &calls {
            let (client, ended) = (&client, &ended);
            scope.spawn(move || {
                while !ended.load(SeqCst) {
                    if let Err(e) = client.get_linked(None) {
                        eprintln!("{e}");
                        std::process::exit(1);
                    }
                    calls.fetch_add(1, SeqCst);
                }
            });
        }
        for _ in std::io::stdin().lines() {
            for calls in &calls {
                // The first may have begun before.
                let enough = calls.load(SeqCst) + 2;
                while calls.load(SeqCst) < enough {
                    thread::yield_now();
                }
            }
            println!("{CAME_BY}");
        }
        ended.store(true, SeqCst);
    });
}

const CAME_BY: &str = "every thread came by";

struct Member {
    process: Child,
    told: std::io::Lines<std::io::BufReader<std::process::ChildStdout>>,
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
        let told = std::io::BufReader::new(process.stdout.take().unwrap());
        Member {
            process,
            told: std::io::BufRead::lines(told),
        }
    }

    fn ask(&mut self) {
        std::io::Write::write_all(self.process.stdin.as_mut().unwrap(), b"\n").unwrap();
    }

    /// Waits until every thread has made a call since it was asked.
    fn came_by(&mut self) {
        let told = self.told.by_ref().map(Result::unwrap);
        assert!(
            { told }.any(|line| line.ends_with(CAME_BY)),
            "a call failed"
        );
    }
}

/// Starts the crowd on a store, revokes the token under it again and again, and kills somebody each time: nobody
/// else's call fails, and there is one refresh for each token, or two where it was killed in the middle.
fn a_crowd_shares(store: &str) {
    let sandbox = sandbox();
    platform(&sandbox, &[("token_store", store)]);
    let start = |_| Member::start(&sandbox, store);
    let mut crowd: Vec<Member> = (0..CROWD.0).map(start).collect();
    // Whoever is refused twice in a row is right to fail: all are to have seen a token before it is revoked.
    let everybody = |crowd: &mut [Member]| {
        crowd.iter_mut().for_each(Member::ask);
        crowd.iter_mut().for_each(Member::came_by);
    };
    everybody(&mut crowd);
    for round in 0..CROWD.2 {
        revoke(&sandbox, json!({"account": ACCOUNT}));
        // Now and then that is who holds the lock.
        let mut killed = crowd.remove(0);
        thread::sleep(Duration::from_millis(5 * round));
        killed.process.kill().unwrap();
        killed.process.wait().unwrap();
        crowd.push(start(0));
        everybody(&mut crowd);
    }
    for mut member in crowd {
        drop(member.process.stdin.take());
        assert!(member.process.wait().unwrap().success());
    }
    let (own, account) = refreshes(&sandbox);
    let tokens = CROWD.2 + 1;
    assert!(
        (1..=2).contains(&own),
        "{own} refreshes of the platform's token"
    );
    assert!(
        (tokens..=2 * tokens).contains(&account),
        "{account} refreshes for {tokens} tokens"
    );
}

#[test]
fn processes_share_a_file() {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("crowd.redb");
    let _ = std::fs::remove_file(&path);
    a_crowd_shares(&format!("file:{}", path.display()));
}

#[test]
fn processes_share_a_redis() {
    match common::redis::Redis::start() {
        Some(redis) => a_crowd_shares(&redis.url()),
        None => common::skip("processes that share a Redis", "redis-server"),
    }
}
