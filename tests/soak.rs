//! Many calls, one in twenty of which goes wrong: memory, descriptors and threads stay as they were.
//!
//! `WXLINK_SOAK_CALLS=100000` runs the long form. Alone in its process, since it counts what the
//! process holds.

use std::fs;
use std::thread;

use serde_json::{Value, json};
use wxlink::{Client, LinkChoices, Options};
use wxlink_sandbox::{Sandbox, Settings};

const THREADS: usize = 8;

/// What the process holds: resident memory (KiB), descriptors, threads.
fn held() -> (u64, usize, usize) {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
    let rss = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    let count = |dir: &str| fs::read_dir(dir).unwrap().count();
    (rss, count("/proc/self/fd"), count("/proc/self/task"))
}

fn calls(client: &Client, number: usize) -> usize {
    let choices = LinkChoices {
        notify_users: false,
        show_profile: false,
    };
    let share = number / THREADS;
    thread::scope(|s| {
        let worker = |worker: usize| {
            move || {
                (0..share)
                    .filter(|i| {
                        // Now and then a handle of its own, cancelled or not.
                        if i % 50 == worker {
                            let handle = client.derive(&Options::new()).unwrap();
                            if i % 100 == worker {
                                handle.cancel();
                            }
                            return handle.get_linked("SANDBOX-TOKEN-3").is_err();
                        }
                        match i % 3 {
                            0 => client.get_linked("SANDBOX-TOKEN-3").is_err(),
                            1 => client.unlink_miniprogram("SANDBOX-TOKEN", "wx1").is_err(),
                            _ => client
                                .link_miniprogram("SANDBOX-TOKEN", "wx1", choices)
                                .is_err(),
                        }
                    })
                    .count()
            }
        };
        let workers: Vec<_> = (0..THREADS).map(|w| s.spawn(worker(w))).collect();
        workers.into_iter().map(|w| w.join().unwrap()).sum()
    })
}

#[test]
fn nothing_grows() {
    let total = std::env::var("WXLINK_SOAK_CALLS").map_or(8_000, |n| n.parse().unwrap());
    let sandbox = Sandbox::start(Settings {
        journal: 100,
        ..Settings::default()
    })
    .unwrap();
    for (seed, fault) in (1..).zip([
        json!({"drop": "close"}),
        json!({"drop": "reset"}),
        json!("garbage"),
        json!({"status": {"code": 502}}),
        json!({"cut": {"bytes": 5}}),
    ]) {
        let rule = json!({"endpoint": "*", "fault": fault, "probability": 0.01, "seed": seed});
        sandbox.admin("POST", "faults", &rule).unwrap();
    }
    let mut options = Options::new();
    options.set("base_url", sandbox.http_url()).unwrap();
    let client = Client::new(&options).unwrap();

    // The first part brings everything to its working size.
    let failed = calls(&client, total / 4);
    assert!(
        failed > total / 4 / 3,
        "the other two thirds fail by design: {failed}"
    );
    let (rss, fds, tasks) = held();
    calls(&client, total);
    let (rss_after, fds_after, tasks_after) = held();
    // A resolver or worker may come or go; connections move within the pool's bound.
    assert!(
        tasks_after <= tasks + 1,
        "{tasks} threads became {tasks_after}"
    );
    assert!(
        fds_after <= fds + 2 * THREADS,
        "{fds} descriptors became {fds_after}"
    );
    assert!(
        rss_after <= rss + rss / 4 + 4096,
        "{rss} KiB became {rss_after} KiB"
    );

    let faults = sandbox.admin("GET", "faults", &Value::Null).unwrap();
    let hits: u64 = faults["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["hits"].as_u64().unwrap())
        .sum();
    assert!(hits > total as u64 / 50, "only {hits} faults struck");
}
