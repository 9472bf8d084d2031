//! The file store: killed creators, damaged files, files held by other processes, limits and
//! cancelling; and how odd responses of WeChat are stored.

#![cfg(all(unix, feature = "file-store"))]

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wxlink::{Client, Options, Status};
use wxlink_sandbox::{Sandbox, Settings};

const PLATFORM: &str = "wx0c00000000000001";
const ACCOUNT: &str = "wx0a00000000000001";

fn client(url: &str, store: &str, timeout_ms: u32) -> Client {
    let mut options = Options::new();
    for (key, value) in [
        ("base_url", url),
        ("component_appid", PLATFORM),
        ("component_appsecret", "SANDBOX-COMPONENT-SECRET"),
        ("account", ACCOUNT),
        ("store", store),
        ("timeout_ms", &timeout_ms.to_string()),
    ] {
        options.set(key, value).unwrap();
    }
    Client::new(&options).unwrap()
}

/// A client that only uses its store.
fn store_client(store: &str, timeout_ms: u32) -> Client {
    client("http://127.0.0.1:1", store, timeout_ms)
}

fn with_records(client: &Client) {
    client.set_ticket("SANDBOX-TICKET").unwrap();
    client.add_account(ACCOUNT, "SANDBOX-REFRESH-1").unwrap();
}

fn place(name: &str) -> (PathBuf, String) {
    let path = wxlink_testkit::scratch(name).join("tokens.redb");
    let store = format!("file:{}", path.display());
    (path, store)
}

fn sandbox() -> Sandbox {
    Sandbox::start(Settings::default()).unwrap()
}

fn fault(sandbox: &Sandbox, endpoint: &str, fault: Value, times: u32) {
    let body = json!({"endpoint": endpoint, "fault": fault, "times": times});
    sandbox.admin("POST", "faults", &body).unwrap();
}

/// How often the endpoint was called.
fn count(sandbox: &Sandbox, of: &str) -> u64 {
    let counts = sandbox.admin("GET", of, &Value::Null).unwrap();
    counts["received"]["authorizer_list"].as_u64().unwrap()
}

fn refreshes(sandbox: &Sandbox, place: &str) -> u64 {
    let counts = sandbox.admin("GET", "refreshes", &Value::Null).unwrap();
    counts.pointer(place).and_then(Value::as_u64).unwrap_or(0)
}

/// The process that the tests below start, and kill or stop.
#[test]
fn one_process() {
    let Ok(store) = std::env::var("ONE_PROCESS_STORE") else {
        return;
    };
    println!("begins");
    if std::env::var_os("ONE_PROCESS_WRITES").is_some() {
        let keeper = store_client(&store, 60_000);
        for n in 0_u64.. {
            keeper.set_ticket(&format!("TICKET-{n}")).unwrap();
            keeper
                .add_account(&format!("wx{n}"), &"R".repeat(4000))
                .unwrap();
        }
    }
    match std::env::var("ONE_PROCESS_HOLDS") {
        Ok(path) => {
            let file = fs::File::open(path).unwrap();
            rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive).unwrap();
            println!("holds");
            let _ = std::io::stdin().lines().next();
        }
        Err(_) => with_records(&store_client(&store, 60_000)),
    }
}

fn start(store: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "one_process", "--nocapture"])
        .env("ONE_PROCESS_STORE", store)
        .stdout(std::process::Stdio::piped())
        .stdin(std::process::Stdio::piped());
    command
}

/// Waits until the process has printed the word.
fn wait_for_output(child: &mut std::process::Child, word: &str) {
    use std::io::BufRead;
    let out = std::io::BufReader::new(child.stdout.as_mut().unwrap());
    let mut lines = out.lines().map(Result::unwrap);
    assert!(
        lines.any(|line| line.ends_with(word)),
        "{word} was not said"
    );
}

#[test]
fn a_killed_creator_leaves_no_file_or_an_intact_one() {
    let (path, store) = place("killed-creators");
    let (mut whole, mut none) = (0, 0);
    for n in 0..60_u32 {
        let mut child = start(&store).spawn().unwrap();
        wait_for_output(&mut child, "begins");
        // The creation takes some milliseconds; the kills are spread over all of it.
        let moment = Instant::now() + Duration::from_micros(u64::from(n) * 1000);
        while Instant::now() < moment {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        if path.exists() {
            whole += 1;
        } else {
            none += 1;
        }
        let keeper = store_client(&store, 60_000);
        with_records(&keeper);
        let left: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1, "kill {n}: {left:?}");
        fs::remove_file(&path).unwrap();
    }
    println!("{whole} whole, {none} none");
}

/// `WXLINK_KILLS` sets the number of kills.
#[test]
fn a_killed_writer_leaves_an_intact_store() {
    let kills = std::env::var("WXLINK_KILLS").map_or(40, |n| n.parse().unwrap());
    let (path, store) = place("killed-writers");
    for n in 0..kills {
        let mut child = start(&store)
            .env("ONE_PROCESS_WRITES", "1")
            .spawn()
            .unwrap();
        wait_for_output(&mut child, "begins");
        let moment = Instant::now() + Duration::from_micros(u64::from(n % 40_u32) * 1700);
        while Instant::now() < moment {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let put = store_client(&store, 60_000).set_ticket(&format!("AFTER-{n}"));
        assert!(put.is_ok(), "kill {n}: {put:?}");
        if n % 50 == 49 {
            // Keeps the file small.
            fs::remove_file(&path).unwrap();
        }
    }
}

#[test]
fn a_damaged_store_is_reported_and_not_replaced() {
    let (path, store) = place("damaged");
    with_records(&store_client(&store, 60_000));
    let whole = fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    let at = whole.windows(8).position(|w| w == b"SANDBOX-").unwrap();
    flipped[at] ^= 1;
    for bad in [&whole[..whole.len() / 2], &[], b"token=T", &flipped] {
        fs::write(&path, bad).unwrap();
        let client = store_client(&store, 60_000);
        for (failed, status) in [
            (client.set_ticket("TICKET").unwrap_err(), Status::Store),
            (client.get_linked(None).unwrap_err(), Status::NoToken),
        ] {
            assert_eq!(failed.status(), status, "{failed}");
            assert!(failed.is_store_failure());
            let message = failed.message();
            let shown = format!("the store {} is damaged: ", path.display());
            assert!(message.contains(&shown), "{message}");
            assert!(message.contains("Restore it or delete it"), "{message}");
            assert!(!failed.is_transient());
        }
        assert!(fs::read(&path).unwrap() == bad);
    }
    fs::remove_file(&path).unwrap();
    with_records(&store_client(&store, 60_000));
}

#[test]
fn a_store_held_by_a_stopped_process_ends_calls_at_their_limit() {
    let (path, store) = place("held");
    with_records(&store_client(&store, 60_000));
    let mut holder = start(&store)
        .env("ONE_PROCESS_HOLDS", &path)
        .spawn()
        .unwrap();
    wait_for_output(&mut holder, "holds");

    let started = Instant::now();
    let client = store_client(&store, 300);
    let made = started.elapsed();
    assert!(made < Duration::from_secs(20), "{made:?}");
    let failed = client.set_ticket("TICKET").unwrap_err();
    assert_eq!(failed.status(), Status::TimeoutUnsent, "{failed}");
    assert!(failed.message().contains("is in use"), "{failed}");
    let failed = client.add_account(ACCOUNT, "REFRESH").unwrap_err();
    assert_eq!(failed.status(), Status::TimeoutUnsent, "{failed}");
    let failed = client.get_linked(None).unwrap_err();
    assert!(
        [Status::TimeoutUnsent, Status::NoToken].contains(&failed.status()),
        "{failed}"
    );
    assert!(started.elapsed() < Duration::from_secs(20));

    let client = store_client(&store, 3_600_000);
    thread::scope(|s| {
        let put = s.spawn(|| client.set_ticket("TICKET").unwrap_err());
        thread::sleep(Duration::from_millis(20));
        client.cancel();
        assert_eq!(put.join().unwrap().status(), Status::Cancelled);
    });

    holder.kill().unwrap();
    holder.wait().unwrap();
    with_records(&store_client(&store, 60_000));
}

#[test]
fn absurd_lifetimes_do_no_harm() {
    let (_, store) = place("lifetimes");
    let sandbox = sandbox();
    let url = sandbox.http_url();
    with_records(&client(url, &store, 60_000));
    for lifetime in [
        "9223372036854775807",
        "18446744073709551615",
        "1e300",
        "\"9223372036854775807\"",
        "-1",
        "0",
        "\"7200\"",
        "7200.0",
        "null",
        "\"soon\"",
    ] {
        for (endpoint, answer) in [
            (
                "component_token",
                format!(
                    "\"component_access_token\":\"SANDBOX-COMPONENT\",\"expires_in\":{lifetime}"
                ),
            ),
            (
                "authorizer_token",
                format!("\"authorizer_access_token\":\"SANDBOX-TOKEN\",\"expires_in\":{lifetime}"),
            ),
        ] {
            let text = format!("{{{answer}}}");
            fault(&sandbox, endpoint, json!({"body": {"text": text}}), 1);
            let (_, store) = place("lifetimes-each");
            let first = client(url, &store, 60_000);
            with_records(&first);
            let get = |client: &Client| client.get_linked(None).map(drop);
            assert!(get(&first).is_ok(), "{lifetime}: {:?}", get(&first));
            // Another process reads what was stored.
            let second = client(url, &store, 60_000);
            assert!(get(&second).is_ok(), "{lifetime}: {:?}", get(&second));
            sandbox.admin("DELETE", "faults", &Value::Null).unwrap();
        }
    }
}

#[test]
fn a_refresh_token_is_kept_whatever_else_the_response_lacks() {
    for (answer, gets_a_token) in [
        (r#"{"authorizer_refresh_token":"SANDBOX-REFRESH-1"}"#, false),
        (
            "\u{FEFF}{\"authorizer_access_token\":\"SANDBOX-TOKEN\",\"expires_in\":\"7200\",\
             \"authorizer_refresh_token\":\"SANDBOX-REFRESH-1\"}",
            true,
        ),
        (
            r#"{"authorizer_access_token":7,"expires_in":[],
                "authorizer_refresh_token":"SANDBOX-REFRESH-1"}"#,
            false,
        ),
        (
            r#"{"authorizer_access_token":"SANDBOX-TOKEN",
                "authorizer_refresh_token":"SANDBOX-REFRESH-1"}"#,
            true,
        ),
    ] {
        let (_, store) = place("kept");
        let sandbox = sandbox();
        let client = client(sandbox.http_url(), &store, 60_000);
        client.set_ticket("SANDBOX-TICKET").unwrap();
        // WeChat accepts this one for the last time and sends the next.
        client.add_account(ACCOUNT, "OLD").unwrap();
        fault(
            &sandbox,
            "authorizer_token",
            json!({"body": {"text": answer}}),
            1,
        );
        let got = client.get_linked(None);
        assert_eq!(got.is_ok(), gets_a_token, "{answer}: {got:?}");
        // The next refresh uses it; the list is not read.
        let other = self::client(sandbox.http_url(), &store, 60_000);
        other.get_linked(None).unwrap();
        assert_eq!(count(&sandbox, "journal/counts"), 0, "{answer}");
    }
}

#[test]
fn a_component_token_that_expired_is_renewed() {
    for code in [42006, 42001, 40001, 40014, 40094] {
        let (_, store) = place("expired");
        let sandbox = sandbox();
        let client = client(sandbox.http_url(), &store, 60_000);
        with_records(&client);
        client.get_linked(None).unwrap();
        let account = json!({"account": ACCOUNT});
        sandbox.admin("POST", "tokens/revoke", &account).unwrap();
        let errcode = json!({"errcode": {"code": code}});
        fault(&sandbox, "authorizer_token", errcode, 1);
        let got = client.get_linked(None);
        assert!(got.is_ok(), "{code}: {got:?}");
        assert_eq!(refreshes(&sandbox, "/component"), 2, "{code}");
    }
}

/// The refresh takes longer than half of the limit: its lock is prolonged, and the other processes
/// find the token in the store.
#[test]
fn a_slow_refresh_is_made_once() {
    let (_, store) = place("slow");
    let sandbox = sandbox();
    let clients: Vec<Client> = (0..3)
        .map(|_| client(sandbox.http_url(), &store, 8000))
        .collect();
    with_records(&clients[0]);
    let slow = json!({"delay_ms": 4500});
    fault(&sandbox, "authorizer_token", slow, 9);
    thread::scope(|s| {
        for client in &clients {
            s.spawn(|| client.get_linked(None).unwrap());
        }
    });
    assert_eq!(refreshes(&sandbox, &format!("/accounts/{ACCOUNT}")), 1);
    assert_eq!(refreshes(&sandbox, "/component"), 1);
}

#[test]
fn reading_the_list_of_accounts_ends_whatever_it_contains() {
    let one = r#"{"authorizer_appid":"wxother","refresh_token":"R"}"#;
    let full = vec![one; 500].join(",");
    for (list, most) in [
        (
            r#"{"total_count":18446744073709551615,"list":[]}"#.to_owned(),
            1,
        ),
        (r#"{"total_count":"many","list":[]}"#.to_owned(), 1),
        (r#"{"list":[null,7,{},[]]}"#.to_owned(), 1),
        (
            format!(r#"{{"total_count":18446744073709551615,"list":[{one}]}}"#),
            2,
        ),
        (format!(r#"{{"total_count":-1,"list":[{full}]}}"#), 2),
        (format!(r#"{{"total_count":0,"list":[{full}]}}"#), 2),
        (r#"{"total_count":1}"#.to_owned(), 1),
        (r#"{"total_count":1,"list":{}}"#.to_owned(), 1),
    ] {
        let (_, store) = place("endless");
        let sandbox = sandbox();
        let client = client(sandbox.http_url(), &store, 60_000);
        client.set_ticket("SANDBOX-TICKET").unwrap();
        fault(
            &sandbox,
            "authorizer_list",
            json!({"body": {"text": list}}),
            50,
        );
        let failed = client.get_linked(None).unwrap_err();
        assert_eq!(failed.status(), Status::NoToken, "{failed}");
        let shown = &list[..list.len().min(80)];
        assert!(
            count(&sandbox, "journal/counts") <= most,
            "{shown}: {failed}"
        );
    }
}

/// A limit on the size of files fails like a full disk: in the middle of a write.
#[test]
fn a_full_disk_loses_nothing_that_was_stored() {
    let (path, store) = place("full-disk");
    let limited = |blocks: u64, more: &str| {
        let line = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command
            .args(["-c", &line])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "one_process", "--nocapture"])
            .env("ONE_PROCESS_STORE", &store)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped());
        if !more.is_empty() {
            command.env(more, "1");
        }
        command.output().unwrap()
    };
    for blocks in [0, 1, 8, 100, 1000, 2000, 3000, 1_000_000] {
        let ended = limited(blocks, "");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(!said.contains("damaged"), "{blocks}: {said}");
        assert_eq!(ended.status.success(), path.exists(), "{blocks}: {said}");
        with_records(&store_client(&store, 60_000));
        let left: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1, "{blocks}: {left:?}");
        fs::remove_file(&path).unwrap();
    }
    // The store grows until the limit.
    with_records(&store_client(&store, 60_000));
    let blocks = fs::metadata(&path).unwrap().len() / 512 + 64;
    let ended = limited(blocks, "ONE_PROCESS_WRITES");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(said.contains("could not be read or written"), "{said}");
    with_records(&store_client(&store, 60_000));
}
