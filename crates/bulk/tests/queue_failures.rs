//! Queues whose Redis refuses commands, fails over, or is not a Redis.

use std::net::SocketAddr;

use wxlink_bulk::{Queue, Severity};
use wxlink_testkit::fake_redis::{Behaviour, FakeRedis};
use wxlink_testkit::redis::Redis;

fn answer(error: &str) -> Behaviour {
    Behaviour::Answer(format!("-{error}\r\n"))
}

#[test]
fn temporary_failures_are_retried_on_a_new_connection() {
    let Some(server) = Redis::start("a queue after a fail-over") else {
        return;
    };
    let address = server.url();
    let address = address.trim_start_matches("redis://");
    let to: SocketAddr = address.split('/').next().unwrap().parse().unwrap();
    for bad in [
        answer("READONLY You can't write against a read only replica."),
        answer("MASTERDOWN Link with MASTER is down"),
        answer("LOADING Redis is loading the dataset in memory"),
        answer("CLUSTERDOWN The cluster is down"),
        answer("ERR max number of clients reached"),
        Behaviour::Answer("HTTP/1.1 502 Bad Gateway\r\n\r\n".into()),
        Behaviour::Close,
    ] {
        let fake = FakeRedis::start(vec![bad, Behaviour::Forward(to)]);
        let queue = Queue::new(&fake.url(), "failures").unwrap();
        queue.status().unwrap();
        queue.status().unwrap();
        assert_eq!(fake.connections(), 2);
    }
}

#[test]
fn every_refusal_is_explained() {
    for (error, expected) in [
        ("NOAUTH Authentication required.", "requires a password"),
        ("WRONGPASS invalid LEAK", "refuses the user or the password"),
        (
            "NOPERM this user has no permissions LEAK",
            "does not let its user",
        ),
        ("OOM command not allowed", "has no memory left"),
        (
            "MISCONF Redis is configured to save",
            "cannot write its data to disk",
        ),
        (
            "MOVED 3999 LEAK:6381",
            "does not follow cluster redirections",
        ),
        ("WRONGTYPE Operation LEAK", "another type"),
        ("ODDCODE LEAK", "(ODDCODE)"),
        ("ERR LEAK", "refuses"),
    ] {
        let fake = FakeRedis::start(vec![answer(error)]);
        let url = fake.url().replace("redis://", "redis://user:S3CRET@");
        let failed = Queue::new(&url, "failures").unwrap().status().unwrap_err();
        assert_eq!(failed.severity(), Severity::Usage, "{failed}");
        let message = failed.to_string();
        assert!(
            message.contains("the queue's Redis at 127.0.0.1:"),
            "{message}"
        );
        assert!(message.contains(expected), "{error}: {message}");
        assert!(
            !message.contains("S3CRET") && !message.contains("LEAK"),
            "{message}"
        );
    }
    let http = Behaviour::Answer("HTTP/1.1 200 OK\r\n\r\n".into());
    let fake = FakeRedis::start(vec![http]);
    let failed = Queue::new(&fake.url(), "failures").unwrap().status();
    let message = failed.unwrap_err().to_string();
    assert!(message.contains("web server"), "{message}");
}
