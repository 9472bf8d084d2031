//! Link claims over stores that processes share: however a process ends, and however late its
//! invitation takes effect, no other process posts a second one within the settle time.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use wxlink::{Client, LinkChoices, LinkProgress, LinkState, Options, Status};
use wxlink_sandbox::{Sandbox, Settings};
use wxlink_testkit::redis::Redis;
use wxlink_testkit::{APPID, TOKEN, scratch};

const QUIET: LinkChoices = LinkChoices {
    notify_users: false,
    show_profile: true,
};

/// A time limit of calls that is not reached even if the machine stalls (ms).
const AMPLE_MS: &str = "60000";

fn client(url: &str, set: &[(&str, &str)]) -> Client {
    let mut options = Options::new();
    options.set("base_url", url).unwrap();
    options.set("timeout_ms", AMPLE_MS).unwrap();
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

fn until(mut condition: impl FnMut() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(120);
    while !condition() {
        assert!(Instant::now() < give_up, "it does not happen");
        thread::sleep(Duration::from_millis(5));
    }
}

/// The variable that holds the options of a process of [`start_process`].
const PROCESS_OPTIONS: &str = "CLAIMS_OPTIONS";
/// Precedes its result on stdout, where the test runner writes too.
const PROCESS_RESULT: &str = "RESULT ";

/// Another process that ensures the link and prints the result. It is this test program, which then
/// runs only [`one_process`].
fn start_process(url: &str, set: &[(&str, &str)]) -> Child {
    let options: HashMap<&str, &str> = set.iter().copied().chain([("base_url", url)]).collect();
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "one_process", "--nocapture"])
        .env(PROCESS_OPTIONS, json!(options).to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn one_process() {
    // Without this variable it is a test of its own, which has nothing to do.
    let Ok(options) = std::env::var(PROCESS_OPTIONS) else {
        return;
    };
    let options: HashMap<&str, &str> = serde_json::from_str(&options).unwrap();
    let set: Vec<_> = options.into_iter().collect();
    let (_, url) = set.iter().find(|(key, _)| *key == "base_url").unwrap();
    let progress = ensure(&client(url, &set));
    println!("{PROCESS_RESULT}{}", described(&progress));
}

/// The status, the number of posts and the delivery of a result.
fn described(progress: &LinkProgress) -> String {
    let (status, delivery) = (progress.status().name(), progress.delivery().as_str());
    format!("{status}, {} posts, {delivery}", progress.posts())
}

/// Waits for a process and returns its result.
fn result_of(process: Child) -> String {
    let output = process.wait_with_output().unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    let (_, result) = output.split_once(PROCESS_RESULT).expect(&output);
    result.lines().next().unwrap().to_owned()
}

/// A process is killed while its post is on the way. Until the claim ends, another process does not
/// post, also after the invitation has taken effect late.
fn a_killed_process_leaves_its_claim(store: &str) {
    let sandbox = Sandbox::start(Settings::default()).unwrap();
    let url = sandbox.http_url();
    let hour_ms = 3_600_000;
    let fault = json!({"endpoint": "link", "fault": "hang", "effect_after_ms": hour_ms});
    sandbox.admin("POST", "faults", &fault).unwrap();
    let set = [("store", store)];
    let mut process = start_process(url, &set);
    until(|| received(&sandbox) == 1);
    process.kill().unwrap();
    process.wait().unwrap();

    let another = client(url, &set);
    let progress = ensure(&another);
    let seen = (progress.status(), progress.state(), progress.posts());
    assert_eq!(
        seen,
        (Status::InDoubt, LinkState::InDoubt, 0),
        "{progress:?}"
    );
    assert!(!progress.retry_after().is_zero());

    // The post takes effect late.
    let advance = json!({"advance_s": hour_ms / 1000});
    sandbox.admin("POST", "clock", &advance).unwrap();
    let progress = ensure(&another);
    assert_eq!((progress.status(), progress.posts()), (Status::Pending, 0));
    assert_eq!(received(&sandbox), 1);
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

/// How long after its arrival a post takes effect, in `make late-effects`.
const LATE_EFFECTS_MS: [u64; 6] = [700, 1500, 3000, 5000, 8000, 11_000];
/// `make test` waits for a tenth of that.
const SCALE: u64 = 10;

/// The callers of a post that takes effect late.
#[derive(Clone, Copy)]
enum Callers<'a> {
    /// One process calls again and again.
    One,
    /// One is killed after its post, and another calls again and again.
    Two { store: &'a str, kind: &'static str },
}

/// Ensures a link whose post takes effect late, until the list shows it. Returns a line of the
/// table.
fn late_effect(fault: &Value, late_ms: u64, callers: Callers) -> String {
    let sandbox = Sandbox::start(Settings::default()).unwrap();
    let url = sandbox.http_url();
    let rule = json!({"endpoint": "link", "fault": fault, "effect_after_ms": late_ms});
    sandbox.admin("POST", "faults", &rule).unwrap();
    let (client, who) = match callers {
        Callers::One => (client(url, &[]), "one process"),
        Callers::Two { store, kind } => {
            let set = [("store", store)];
            let mut process = start_process(url, &set);
            until(|| received(&sandbox) == 1);
            process.kill().unwrap();
            process.wait().unwrap();
            (client(url, &[("store", store)]), kind)
        }
    };
    let (mut calls, mut last) = (0, None);
    until(|| {
        let progress = ensure(&client);
        let is_known = progress.state() == LinkState::AwaitingOfficialAccount;
        // The call that posted reports why its outcome is unknown, later calls that it is.
        let is_in_doubt = progress.state() == LinkState::InDoubt;
        assert!(is_known || is_in_doubt, "{progress:?}");
        calls += 1;
        last = Some(progress);
        is_known
    });
    assert_eq!(last.unwrap().status(), Status::Pending);
    let counts = sandbox
        .admin("GET", "journal/counts", &Value::Null)
        .unwrap();
    assert_eq!(
        counts["received"]["link"], 1,
        "{fault}, {late_ms} ms, {who}"
    );
    assert_eq!(
        counts["processed"]["link"], 1,
        "{fault}, {late_ms} ms, {who}"
    );
    format!("| {late_ms:>8} ms | {fault} | {who} | {calls:>5} | 1 |")
}

/// Whenever a post takes effect, it is the only one. `WXLINK_LATE_EFFECTS=1` waits for the whole
/// times and prints a table.
#[test]
fn however_late_a_post_takes_effect_there_is_one() {
    let is_long = std::env::var_os("WXLINK_LATE_EFFECTS").is_some();
    let folder = scratch("claims-late-effects");
    let redis = Redis::start("late effects with a store in Redis");
    let faults = [json!({"drop": "reset"}), json!({"status": {"code": 502}})];
    let mut lines: Vec<String> = thread::scope(|scope| {
        let mut cases = Vec::new();
        for (fault, late_ms) in faults
            .iter()
            .flat_map(|f| LATE_EFFECTS_MS.map(|ms| (f, ms)))
        {
            let late_ms = if is_long { late_ms } else { late_ms / SCALE };
            cases.push(scope.spawn(move || late_effect(fault, late_ms, Callers::One)));
            let path = folder.join(format!("store-{}", cases.len()));
            let file = format!("file:{}", path.display());
            cases.push(scope.spawn(move || {
                let kind = "two on a file, one killed";
                late_effect(fault, late_ms, Callers::Two { store: &file, kind })
            }));
            if let Some(redis) = &redis {
                cases.push(scope.spawn(move || {
                    let (store, kind) = (redis.url(), "two on a Redis, one killed");
                    late_effect(
                        fault,
                        late_ms,
                        Callers::Two {
                            store: &store,
                            kind,
                        },
                    )
                }));
            }
        }
        cases.into_iter().map(|case| case.join().unwrap()).collect()
    });
    lines.sort();
    println!("| takes effect after | the caller gets | callers | calls | posts |");
    println!("|---|---|---|---|---|\n{}", lines.join("\n"));
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
fn an_error_about_the_keys_of_a_claim_names_all_of_them() {
    let Some(redis) = Redis::start("claims with a key of another type") else {
        return;
    };
    let sandbox = Sandbox::start(Settings::default()).unwrap();
    let realm = sandbox.http_url().replace(':', "%3A").replace('/', "%2F");
    let account = wxlink_testkit::ACCOUNT;
    let of_account = format!("wxlink:link:{{{realm}:{APPID}}}:account:{account}");
    let outcome = format!("{of_account}:outcome");
    let pushed = command(&redis, &format!("LPUSH {outcome} x"));
    assert_eq!(pushed, ":1\r\n");
    // `command` uses database 0.
    let url = redis.url();
    let store = url.trim_end_matches("/3");
    let set = [
        ("store", store),
        ("account", account),
        ("timeout_ms", "20000"),
    ];
    let progress = ensure(&client(sandbox.http_url(), &set));
    assert_eq!((progress.status(), progress.posts()), (Status::Store, 0));
    let message = progress.message();
    for key in [&*format!("{of_account}, "), ":token:", &*outcome] {
        assert!(message.contains(key), "{key}: {message}");
    }
    assert!(!message.contains(TOKEN), "{message}");
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

/// Forwards connections to the simulator, and holds back what it sends from one moment on.
struct Relay {
    url: String,
    /// Reports that the moment has come.
    held: Receiver<()>,
    /// Dropping it ends the hold.
    release: SyncSender<()>,
}

/// After a client has written for the `write`-th time over the `connection`-th connection, this
/// connection is held. A request is one write.
#[derive(Clone, Copy, PartialEq)]
struct Hold {
    connection: u32,
    write: u32,
}

impl Relay {
    fn start(target: &str, hold: Hold) -> Relay {
        let (scheme, address) = target.split_once("://").unwrap();
        let address = address.trim_end_matches('/').to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let (report, held) = sync_channel(1);
        let (release, released) = sync_channel(0);
        let released = Arc::new(Mutex::new(released));
        thread::spawn(move || {
            for (connection, client) in (1..).zip(listener.incoming()) {
                let client = client.unwrap();
                let server = TcpStream::connect(&address).unwrap();
                let writes = Arc::new(AtomicU32::new(0));
                let is_held = move |writes: &AtomicU32| {
                    let write = writes.load(SeqCst);
                    hold == Hold { connection, write }
                };
                let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let (count, report) = (writes.clone(), report.clone());
                thread::spawn(move || {
                    forward(from, to, || {
                        count.fetch_add(1, SeqCst);
                        if is_held(&count) {
                            report.send(()).unwrap();
                        }
                    });
                });
                let released = released.clone();
                thread::spawn(move || {
                    forward(server, client, || {
                        if is_held(&writes) {
                            // Returns an error when the other end is dropped.
                            let _ = released.lock().unwrap().recv();
                        }
                    });
                });
            }
        });
        Relay { url, held, release }
    }
}

/// Forwards one direction of a connection. Calls `before` before each write.
fn forward(mut from: TcpStream, mut to: TcpStream, mut before: impl FnMut()) {
    let mut buffer = [0; 65536];
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        before();
        if to.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// A process is stopped between its claim and the first byte of its post, and resumed after its
/// time limit, its claim and the post of another process: it does not post.
fn a_stopped_process_does_not_post_late(sandbox: &Sandbox, url: &str, hold: Hold) {
    let path = scratch(&format!("claims-stopped-{}", hold.connection)).join("store");
    let store = format!("file:{}", path.display());
    let ca_file = sandbox.ca_file().to_str().unwrap();
    let shared = [
        ("store", store.as_str()),
        ("account", wxlink_testkit::ACCOUNT),
        ("ca_file", ca_file),
    ];
    let relay = Relay::start(url, hold);

    // The first connection. Its outcome makes the other process read the list during its claim.
    let set = [("settle_ms", "1"), ("timeout_ms", "20000")];
    let another = client(&relay.url, &[&shared[..], &set].concat());
    let busy = json!({"endpoint": "link", "fault": {"errcode": {"code": -1}}});
    sandbox.admin("POST", "faults", &busy).unwrap();
    let progress = ensure(&another);
    assert_eq!(progress.state(), LinkState::InDoubt, "{progress:?}");
    let before = received(sandbox);

    let keep_alive_ms = if url.starts_with("https") {
        "0"
    } else {
        "60000"
    };
    let set = [
        ("settle_ms", "50"),
        ("timeout_ms", "6000"),
        ("keep_alive_ms", keep_alive_ms),
    ];
    let process = start_process(&relay.url, &[&shared[..], &set].concat());
    let signal = |signal| {
        let pid = Pid::from_raw(process.id().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    };
    relay.held.recv_timeout(Duration::from_secs(60)).unwrap();
    signal(Signal::STOP);
    // Its claim lasts longer than the time in which it may post.
    until(|| ensure(&another).posts() == 1);
    assert_eq!(received(sandbox), before + 1);
    drop(relay.release);
    signal(Signal::CONT);

    assert_eq!(result_of(process), "TIMEOUT_UNSENT, 0 posts, never sent");
    assert_eq!(received(sandbox), before + 1);
}

#[test]
fn a_process_that_is_stopped_between_the_list_and_its_post_does_not_post_late() {
    let sandbox = Sandbox::start(Settings::default()).unwrap();
    let second_list = Hold {
        connection: 2,
        write: 2,
    };
    a_stopped_process_does_not_post_late(&sandbox, sandbox.http_url(), second_list);
}

#[test]
fn a_process_that_is_stopped_while_it_connects_for_its_post_does_not_post_late() {
    let sandbox = Sandbox::start(Settings::default()).unwrap();
    // After two lists, each over a connection of its own.
    let handshake = Hold {
        connection: 4,
        write: 1,
    };
    a_stopped_process_does_not_post_late(&sandbox, sandbox.https_url(), handshake);
}
