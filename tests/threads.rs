//! Many threads on one client, some of whose calls are cancelled by others: every call gets its own
//! answer, and only what was cancelled ends cancelled. `make sanitize` runs it under
//! ThreadSanitizer.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use serde_json::json;
use wxlink::{Client, Delivery, LinkChoices, Options, Status};
use wxlink_sandbox::{Sandbox, Settings};

const THREADS: usize = 32;
const ROUNDS: usize = 60;
/// Banned: linking it changes nothing, however many threads try.
const APPID: &str = "wx0b000000000000e1";

#[test]
fn many_threads_share_a_client_and_cancel_each_other() {
    let sandbox = Sandbox::start(Settings::default()).unwrap();
    // Long enough that some calls are cancelled while they wait.
    let slow = json!({"endpoint": "unlink", "always": true, "fault": {"delay_ms": 20}});
    sandbox.admin("POST", "faults", &slow).unwrap();
    let mut options = Options::new();
    options.set("base_url", sandbox.http_url()).unwrap();
    options.set("timeout_ms", "60000").unwrap();
    let client = Client::new(&options).unwrap();
    // What is made at the first call is made now: ThreadSanitizer cannot see how std's cells are locked.
    is_refused(&client);
    let start = Barrier::new(THREADS);
    thread::scope(|s| {
        for number in 0..THREADS {
            let (client, start) = (client.clone(), &start);
            s.spawn(move || {
                start.wait();
                for round in 0..ROUNDS {
                    match (number + round) % 4 {
                        0 => lists_its_own_account(&client, number),
                        1 => is_refused(&client),
                        2 => is_cancelled(&client, Duration::from_millis((round % 8) as u64)),
                        _ => waits(&client),
                    }
                }
            });
        }
    });
    // Nobody cancelled the client itself.
    client.get_linked("SANDBOX-TOKEN").unwrap();
}

/// Nobody is given another's answer.
fn lists_its_own_account(client: &Client, number: usize) {
    let (token, items) = match number % 2 {
        0 => ("SANDBOX-TOKEN-2", 0),
        _ => ("SANDBOX-TOKEN-3", 6),
    };
    let list = client.get_linked(token).unwrap();
    assert_eq!(list.len(), items, "{token}");
}

fn is_refused(client: &Client) {
    let choices = LinkChoices {
        notify_users: false,
        show_profile: false,
    };
    let error = client
        .link_miniprogram("SANDBOX-TOKEN", APPID, choices)
        .unwrap_err();
    assert_eq!(error.errcode(), Some(89013), "{error}");
}

/// A handle of its own, cancelled by another thread after a while.
fn is_cancelled(client: &Client, after: Duration) {
    let handle = client.derive(&Options::new()).unwrap();
    thread::scope(|s| {
        let call = s.spawn(|| handle.unlink_miniprogram("SANDBOX-TOKEN", APPID));
        thread::sleep(after);
        handle.cancel();
        let error = call.join().unwrap().unwrap_err();
        match error.status() {
            Status::Cancelled => assert_ne!(error.delivery(), Delivery::Answered),
            // It was quicker: not linked.
            status => assert_eq!(
                (status, error.errcode()),
                (Status::Api, Some(40013)),
                "{error}"
            ),
        }
    });
}

/// Its neighbours are cancelled meanwhile; this one is not.
fn waits(client: &Client) {
    let error = client
        .unlink_miniprogram("SANDBOX-TOKEN", APPID)
        .unwrap_err();
    assert_eq!(error.errcode(), Some(40013), "{error}");
}
