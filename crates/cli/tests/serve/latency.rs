//! Measures how long pushes take until they are answered, when several instances of `wxlink serve`
//! share a store in a file.

use std::io::{Read as _, Write as _};
use std::thread;
use std::time::{Duration, Instant};

use wxlink_testkit::push::Pusher;
use wxlink_testkit::world::account;

use super::common::{sandbox, scratch};
use super::{PLATFORM, Running};

/// How many connections push to each instance at the same time.
const CONNECTIONS: usize = 2;
/// How many pushes each connection makes.
const PUSHES: usize = 100;

/// The answer to a push.
struct Answer {
    took: Duration,
    is_success: bool,
}

/// Pushes the withdrawal of an account, which only has to be stored.
fn push(instance: &Running, account: &str) -> Answer {
    let fields = [("AuthorizerAppid", account)];
    let push = Pusher::new(PLATFORM).event("unauthorized", 1_700_000_000, &fields);
    let head = format!(
        "POST /push?{} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        push.query,
        push.body.len()
    );
    let started = Instant::now();
    let mut stream = instance.connect();
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&push.body).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    Answer {
        took: started.elapsed(),
        is_success: answer.ends_with("\r\n\r\nsuccess"),
    }
}

#[test]
#[ignore = "a measurement: half a minute"]
fn latency_of_pushes_over_a_file() {
    for count in [1, 2, 4] {
        let sandbox = sandbox();
        let dir = scratch("serve-latency");
        let instances: Vec<_> = (0..count).map(|_| Running::start(&sandbox, &dir)).collect();
        let started = Instant::now();
        let mut answers: Vec<Answer> = thread::scope(|scope| {
            let threads: Vec<_> = (0..count * CONNECTIONS)
                .map(|connection| {
                    let instance = &instances[connection % count];
                    let numbers = connection * PUSHES..(connection + 1) * PUSHES;
                    scope.spawn(move || numbers.map(|n| push(instance, &account(n))).collect())
                })
                .collect();
            let joined = threads.into_iter().map(|thread| thread.join().unwrap());
            joined.flat_map(|answers: Vec<Answer>| answers).collect()
        });
        let total = started.elapsed();
        answers.sort_unstable_by_key(|answer| answer.took);
        let failed = answers.iter().filter(|answer| !answer.is_success).count();
        let at = |percent: usize| answers[(answers.len() - 1) * percent / 100].took;
        println!(
            "{count} instances, {} pushes in {total:.1?}, {failed} not kept: p50 {:.0?}, \
             p99 {:.0?}, longest {:.0?}",
            answers.len(),
            at(50),
            at(99),
            at(100)
        );
    }
}
