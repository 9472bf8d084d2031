//! Link claims over stores that processes share: however a process ends, and however late its
//! invitation takes effect, no other process posts a second one within the settle time.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wxlink::{Client, LinkChoices, LinkProgress, LinkState, Options, Status};
use wxlink_sandbox::{Sandbox, Settings};
use wxlink_testkit::redis::Redis;
use wxlink_testkit::{APPID, TOKEN, scratch};

const QUIET: LinkChoices = LinkChoices {
    notify_users: false,
    show_profile: true,
};

fn client(url: &str, set: &[(&str, &str)]) -> Client {
    let mut options = Options::new();
    options.set("base_url", url).unwrap();
    for (key, value) in set {
        options.set(key, value).unwrap();
    }
    Client::new(&options).unwrap()
}

fn ensure(client: &Client) -> LinkProgress {
    client.ensure_linked(TOKEN, APPID, QUIET, Duration::ZERO)
}

/// How many links the simulator has received.
fn received(sandbox: &Sandbox) -> u64 {
    let counts = sandbox.admin("GET", "journal/counts", &Value::Null);
    counts.unwrap()["received"]["link"].as_u64().unwrap()
}

fn until(condition: impl Fn() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < give_up, "it does not happen");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Another process that ensures the link. It is this test program, which then runs only
/// [`one_process`].
fn start_process(url: &str, store: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "one_process", "--nocapture"])
        .env("CLAIMS_URL", url)
        .env("CLAIMS_STORE", store)
        .spawn()
        .unwrap()
}

#[test]
fn one_process() {
    // Without these variables it is a test of its own, which has nothing to do.
    let (Ok(url), Ok(store)) = (std::env::var("CLAIMS_URL"), std::env::var("CLAIMS_STORE")) else {
        return;
    };
    ensure(&client(&url, &[("store", &store), ("timeout_ms", "60000")]));
}

/// A process is killed while its post is on the way. Until the claim ends, another process does not
/// post, also after the invitation has taken effect late.
fn a_killed_process_leaves_its_claim(store: &str) {
    let sandbox = Sandbox::start(Settings::default()).unwrap();
    let url = sandbox.http_url();
    let fault = json!({"endpoint": "link", "fault": "hang", "when": "before"});
    sandbox.admin("POST", "faults", &fault).unwrap();
    let mut process = start_process(url, store);
    until(|| received(&sandbox) == 1);
    process.kill().unwrap();
    process.wait().unwrap();

    let set = [("store", store), ("timeout_ms", "4000")];
    let another = client(url, &set);
    let progress = ensure(&another);
    let seen = (progress.status(), progress.state(), progress.posts());
    assert_eq!(
        seen,
        (Status::InDoubt, LinkState::InDoubt, 0),
        "{progress:?}"
    );
    assert!(!progress.retry_after().is_zero());

    // What a gateway does that forwards the request late.
    let gateway = client(url, &[("settle_ms", "0")]);
    gateway.link_miniprogram(TOKEN, APPID, QUIET).unwrap();
    let progress = ensure(&another);
    assert_eq!((progress.status(), progress.posts()), (Status::Pending, 0));
    assert_eq!(received(&sandbox), 2);
}

#[test]
fn a_killed_process_leaves_its_claim_in_a_file() {
    let path = scratch("claims").join("store");
    a_killed_process_leaves_its_claim(&format!("file:{}", path.display()));
}

#[test]
fn a_killed_process_leaves_its_claim_in_redis() {
    if let Some(redis) = Redis::start("claims in Redis") {
        a_killed_process_leaves_its_claim(&redis.url());
    }
}

#[test]
fn nothing_is_posted_while_the_store_cannot_be_used() {
    let Some(mut redis) = Redis::start("claims in a Redis that is away") else {
        return;
    };
    let sandbox = Sandbox::start(Settings::default()).unwrap();
    let set = [("store", redis.url()), ("timeout_ms", "1000".into())];
    let set = set.each_ref().map(|(key, value)| (*key, value.as_str()));
    let client = client(sandbox.http_url(), &set);
    redis.kill();
    let progress = ensure(&client);
    assert_eq!(
        (progress.status(), progress.posts()),
        (Status::Store, 0),
        "{progress:?}"
    );
    assert!(
        progress.message().contains("Redis"),
        "{}",
        progress.message()
    );
    assert_eq!(received(&sandbox), 0);
    // Reading needs no store.
    client.get_linked(TOKEN).unwrap();
    redis.restart();
    until(|| ensure(&client).status() == Status::Pending);
    assert_eq!(received(&sandbox), 1);
}

#[test]
fn a_store_that_hangs_costs_no_more_than_the_time_limit() {
    let Some(redis) = Redis::start("claims in a Redis that hangs") else {
        return;
    };
    let sandbox = Sandbox::start(Settings::default()).unwrap();
    let set = [("store", redis.url()), ("timeout_ms", "1500".into())];
    let set = set.each_ref().map(|(key, value)| (*key, value.as_str()));
    let client = client(sandbox.http_url(), &set);
    redis.pause();
    let started = Instant::now();
    let progress = ensure(&client);
    let took = started.elapsed();
    redis.resume();
    assert_eq!((progress.status(), progress.posts()), (Status::Store, 0));
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert_eq!(received(&sandbox), 0);
}

/// Sends a command to a Redis and returns the first line of its reply.
fn command(redis: &Redis, line: &str) -> String {
    let url = redis.url();
    let address = url
        .trim_start_matches("redis://")
        .split('/')
        .next()
        .unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(format!("{line}\r\n").as_bytes()).unwrap();
    let mut reply = String::new();
    BufReader::new(stream).read_line(&mut reply).unwrap();
    reply
}

#[test]
fn a_replica_that_hangs_delays_claims_and_breaks_none() {
    let (Some(primary), Some(replica)) = (
        Redis::start("claims in a Redis with a replica"),
        Redis::start("claims in a Redis with a replica"),
    ) else {
        return;
    };
    let url = primary.url();
    let port = url
        .trim_start_matches("redis://127.0.0.1:")
        .split('/')
        .next()
        .unwrap();
    let answer = command(&replica, &format!("REPLICAOF 127.0.0.1 {port}"));
    assert!(answer.starts_with("+OK"), "{answer}");
    // WAIT counts the replicas that have all changes.
    until(|| {
        command(&primary, "SET x 1").starts_with('+') && command(&primary, "WAIT 1 100") == ":1\r\n"
    });

    let sandbox = Sandbox::start(Settings::default()).unwrap();
    let client = client(
        sandbox.http_url(),
        &[("store", &url), ("timeout_ms", "20000")],
    );
    let invite = |appid: &str| {
        let progress = client.ensure_linked(TOKEN, appid, QUIET, Duration::ZERO);
        let seen = (progress.status(), progress.posts());
        assert_eq!(seen, (Status::Pending, 1), "{progress:?}");
    };
    invite("wx0b00000000000001");
    replica.pause();
    // Two changes each, of which the first wait for the replica.
    invite("wx0b00000000000002");
    invite("wx0b00000000000003");
    replica.resume();
    let progress = ensure(&client);
    assert_eq!((progress.status(), progress.posts()), (Status::Pending, 0));
    assert_eq!(received(&sandbox), 3);
}

#[test]
fn three_runs_against_three_refusals_post_once() {
    let path = scratch("claims-cron").join("store");
    let store = format!("file:{}", path.display());
    let sandbox = Sandbox::start(Settings::default()).unwrap();
    let set = [
        ("store", store.as_str()),
        ("settle_ms", "1"),
        ("account", wxlink_testkit::ACCOUNT),
    ];
    for run in 0..3 {
        // Each run is a new client, as from cron.
        let progress = ensure(&client(sandbox.http_url(), &set));
        let expected = if run == 0 {
            Status::Pending
        } else {
            Status::Vanished
        };
        assert_eq!(progress.status(), expected, "{progress:?}");
        let refuse = json!({"account": wxlink_testkit::ACCOUNT, "appid": APPID,
                            "by": "official_account", "decision": "vanish"});
        // Fails if there is nothing to refuse.
        let _ = sandbox.admin("POST", "approvals", &refuse);
    }
    assert_eq!(received(&sandbox), 1);
}
