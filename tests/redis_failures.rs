//! A Redis that refuses, fails over, is no Redis, or does not reply: the store retries where that
//! helps, and reports the reason where it does not.

#![cfg(all(feature = "file-store", feature = "redis-store"))]

use std::time::{Duration, Instant};

use wxlink::{Client, Delivery, Options, Status};
use wxlink_testkit::fake_redis::{Behaviour, FakeRedis};

fn client(store: &str, timeout_ms: u32) -> Client {
    let mut options = Options::new();
    for (key, value) in [
        ("component_appid", "wx0c00000000000001"),
        ("component_appsecret", "COMPONENT-SECRET"),
        ("store", store),
        ("timeout_ms", &timeout_ms.to_string()),
    ] {
        options.set(key, value).unwrap();
    }
    Client::new(&options).unwrap()
}

fn answer(error: &str) -> Behaviour {
    Behaviour::Answer(format!("-{error}\r\n"))
}

#[test]
fn transient_failures_are_retried_on_a_new_connection() {
    let new_connection = [
        answer("READONLY You can't write against a read only replica."),
        answer("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."),
        answer("LOADING Redis is loading the dataset in memory"),
        answer("CLUSTERDOWN The cluster is down"),
        answer("ERR max number of clients reached"),
        answer(
            "ERR Error running script (call to f_1): @user_script:1: @user_script: 1: -READONLY \
             You \
             can't write against a read only replica.",
        ),
        Behaviour::Answer("HTTP/1.1 502 Bad Gateway\r\n\r\n".into()),
        Behaviour::Answer("*-7\r\n?garbage\r\n".into()),
        Behaviour::Close,
    ];
    for (n, bad) in new_connection.into_iter().enumerate() {
        // With the first command, and later on a connection that worked before.
        let later = match &bad {
            Behaviour::Answer(answer) => Behaviour::StoreOnceThen(answer.clone()),
            _ => Behaviour::Close,
        };
        for first in [bad, later] {
            let fake = FakeRedis::start(vec![first, Behaviour::Store]);
            let client = client(&fake.url(), 60_000);
            client.set_ticket("TICKET").unwrap();
            client.add_account("wx1", "REFRESH").unwrap();
            assert!(fake.connections() >= 2, "case {n}");
            assert_eq!(fake.texts().len(), 2, "case {n}");
        }
    }
}

#[test]
fn a_busy_server_is_retried_on_the_same_connection() {
    for error in [
        "BUSY Redis is busy running a script.",
        "TRYAGAIN Multiple keys request",
    ] {
        let fake = FakeRedis::start(vec![answer(error)]);
        let started = Instant::now();
        let failed = client(&fake.url(), 3000).set_ticket("TICKET").unwrap_err();
        // The last attempt is at most the longest pause before the limit.
        assert!(started.elapsed() >= Duration::from_millis(2400), "{failed}");
        // The second if the machine is so busy that the reason arrives too late.
        let ends = [Status::Store, Status::TimeoutUnsent];
        assert!(ends.contains(&failed.status()), "{failed}");
        assert_eq!(fake.connections(), 1, "{error}");
    }
}

/// The message of a call that must fail immediately, although its limit is an hour.
fn refusal(behaviour: Behaviour) -> String {
    let fake = FakeRedis::start(vec![behaviour]);
    let url = fake.url().replace("redis://", "redis://user:S3CRET@");
    let failed = client(&url, 3_600_000).set_ticket("TICKET").unwrap_err();
    assert_eq!(failed.status(), Status::Store);
    assert_eq!(failed.delivery(), Delivery::NeverSent);
    assert!(!failed.is_transient(), "{failed}");
    let shown = format!("{failed} {failed:?} {}", failed.trace());
    for secret in ["S3CRET", "COMPONENT-SECRET", "TICKET", "LEAK"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let server = fake.url().replace("redis://", "Redis at ");
    assert!(failed.message().contains(&server), "{failed}");
    failed.message()
}

#[test]
fn every_refusal_says_what_is_wrong() {
    for (error, says) in [
        ("NOAUTH Authentication required.", "requires a password"),
        (
            "WRONGPASS invalid username-password pair LEAK",
            "refuses the user or the password",
        ),
        ("ERR invalid password", "refuses the login"),
        (
            "NOPERM this user has no permissions LEAK",
            "does not let its user",
        ),
        (
            "OOM command not allowed when used memory > 'maxmemory'.",
            "has no memory left",
        ),
        (
            "MISCONF Redis is configured to save RDB snapshots",
            "cannot write its data to disk",
        ),
        ("NOSCRIPT No matching script.", "lost a script"),
        ("WRONGTYPE Operation against a key LEAK", "another type"),
        (
            "MOVED 3999 LEAK:6381",
            "does not follow cluster redirections",
        ),
        ("ASK 3999 LEAK:6381", "does not follow cluster redirections"),
        (
            "CROSSSLOT Keys in request don't hash to the same slot",
            "cluster",
        ),
        (
            "DENIED Redis is running in protected mode LEAK",
            "protected mode",
        ),
        ("ODDCODE LEAK", "(ODDCODE)"),
        ("LEAK: what is this", "an unknown error"),
        ("", "an unknown error"),
    ] {
        let message = refusal(answer(error));
        assert!(message.contains(says), "{error}: {message}");
    }
    // The reply to a command after the login.
    for (error, says) in [
        (
            "ERR unknown command 'EVAL', with args beginning with: 'LEAK'",
            "Redis 6.2",
        ),
        ("ERR LEAK", "(ERR)"),
        ("WRONGTYPE Operation LEAK", ":wx0c00000000000001"),
    ] {
        let fails = Behaviour::StoreOnceThen(format!("-{error}\r\n"));
        let message = refusal(fails);
        assert!(message.contains(says), "{error}: {message}");
    }
    let http = "HTTP/1.1 400 Bad Request\r\nContent-Length: 4\r\n\r\nLEAK";
    let message = refusal(Behaviour::Answer(http.into()));
    assert!(message.contains("web server"), "{message}");
    let message = refusal(Behaviour::Answer("\u{15}\u{3}\u{1}\0\u{2}\u{2}\n".into()));
    assert!(message.contains("rediss://"), "{message}");
    for odd in [
        "LEAK\r\n",
        ":x\r\n",
        "*1000000000000\r\n:x\r\n",
        "$-9x\r\n",
        "*2\r\n:1\r\n:2\r\n",
    ] {
        let message = refusal(Behaviour::Answer(odd.into()));
        assert!(message.contains("answer"), "{odd}: {message}");
    }
}

#[test]
fn a_server_without_tls_is_named() {
    let fake = FakeRedis::start(vec![Behaviour::Greet("-ERR Protocol error\r\n".into())]);
    let url = fake.url().replace("redis://", "rediss://");
    let failed = client(&url, 60_000).set_ticket("TICKET").unwrap_err();
    assert!(failed.message().contains("does not speak TLS"), "{failed}");
    assert!(!failed.is_transient(), "{failed}");
}

#[test]
fn storing_ends_at_the_limit_and_when_cancelled() {
    let silent = || FakeRedis::start(vec![Behaviour::Silent]);
    let fake = silent();
    let started = Instant::now();
    let failed = client(&fake.url(), 400).set_ticket("TICKET").unwrap_err();
    assert_eq!(failed.status(), Status::TimeoutUnsent, "{failed}");
    assert!(
        failed.message().contains("does not answer in time"),
        "{failed}"
    );
    let elapsed = started.elapsed();
    assert!(elapsed >= Duration::from_millis(400), "{elapsed:?}");
    assert!(elapsed < Duration::from_secs(20), "{elapsed:?}");

    let fake = silent();
    let client = client(&fake.url(), 3_600_000);
    std::thread::scope(|s| {
        let put = s.spawn(|| client.add_account("wx1", "REFRESH").unwrap_err());
        while fake.connections() == 0 {
            std::thread::yield_now();
        }
        client.cancel();
        assert_eq!(put.join().unwrap().status(), Status::Cancelled);
    });
    assert_eq!(
        client.set_ticket("T").unwrap_err().status(),
        Status::Cancelled
    );
}

#[test]
fn an_endless_reply_is_given_up() {
    // An endless bulk string would be read for ever.
    let fake = FakeRedis::start(vec![Behaviour::Answer(format!(
        "$99999999999\r\n{}",
        "x".repeat(1 << 20)
    ))]);
    let failed = client(&fake.url(), 500).set_ticket("TICKET").unwrap_err();
    assert_eq!(failed.status(), Status::TimeoutUnsent, "{failed}");
}

#[test]
fn creating_a_client_opens_no_connection() {
    let fake = FakeRedis::start(vec![Behaviour::Store]);
    let client = client(&fake.url(), 1000);
    assert_eq!(fake.connections(), 0);
    drop(client);
}

#[test]
fn a_record_that_cannot_be_read_is_named_and_replaced() {
    let fake = FakeRedis::start(vec![Behaviour::Store]);
    client(&fake.url(), 5000).set_ticket("TICKET").unwrap();
    let texts = fake.texts();
    let key = texts.keys().find(|key| key.contains("wxlink:platform:"));
    let key = key.unwrap().as_str();
    for bad in [
        b"not JSON".as_slice(),
        b"{\"grant\":7}",
        b"\xFF\xFE\0",
        b"[]",
        b"{\"grant\":\"G\"",
    ] {
        fake.put(key, bad);
        let mut options = Options::new();
        options.set("account", "wx1").unwrap();
        let client = client(&fake.url(), 5000);
        let failed = client
            .derive(&options)
            .unwrap()
            .get_linked(None)
            .unwrap_err();
        assert!(failed.message().contains(key), "{failed}");
        client.set_ticket("TICKET").unwrap();
        assert!(fake.texts()[key].contains("TICKET"));
    }
}

/// Ids are opaque: whatever they are, two records or locks never share a key.
#[test]
fn no_two_records_share_a_key() {
    let fake = FakeRedis::start(vec![Behaviour::Store]);
    let platforms = ["a", "a:b", "lock", "platform", "account", "a%3Ab"];
    let accounts = [
        "b:c",
        "c",
        "lock",
        "lock:a",
        "b",
        ":",
        "%3A",
        "account:a",
        "d\u{e9}",
    ];
    let mut options = Options::new();
    options
        .set("component_appsecret", "S")
        .unwrap()
        .set("store", &fake.url())
        .unwrap();
    for platform in platforms {
        options.set("component_appid", platform).unwrap();
        let client = Client::new(&options).unwrap();
        client.set_ticket(&format!("ticket-of-{platform}")).unwrap();
        for account in accounts {
            let token = format!("token-{}-{platform}", account.len());
            client.add_account(account, &token).unwrap();
        }
    }
    let texts = fake.texts();
    assert_eq!(texts.len(), platforms.len() * (accounts.len() + 1));
    for key in texts.keys() {
        assert!(key.starts_with("wxlink:"), "{key}");
        assert!(!key.starts_with("wxlink:lock:"), "{key}");
    }
}

/// Run by the next test: a host that has closed its standard streams.
#[cfg(unix)]
#[test]
fn a_program_without_standard_streams() {
    let Ok(url) = std::env::var("HOST_WITHOUT_STREAMS") else {
        return;
    };
    for fd in 0..3 {
        // SAFETY: the process does not use them after this.
        unsafe { libc::close(fd) };
    }
    let client = client(&url, 60_000);
    let put = client.set_ticket("TICKET").is_ok();
    // The connection is kept for the next access.
    let taken = (0..3).any(|fd| std::fs::read_link(format!("/proc/self/fd/{fd}")).is_ok());
    std::process::exit(if put && !taken { 77 } else { 1 });
}

#[cfg(target_os = "linux")]
#[test]
fn the_connection_never_has_the_number_of_a_standard_stream() {
    let fake = FakeRedis::start(vec![Behaviour::Store]);
    for url in [
        fake.url(),
        fake.url().replace("127.0.0.1", "localhost"),
        format!(
            "file:{}",
            wxlink_testkit::scratch("no-streams")
                .join("tokens")
                .display()
        ),
    ] {
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "a_program_without_standard_streams",
                "--nocapture",
            ])
            .env("HOST_WITHOUT_STREAMS", &url)
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(77), "{url}");
    }
}
