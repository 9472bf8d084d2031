//! How much the sandbox can take: it must never be what a benchmark measures.
//!
//! `make bench` runs it, alone and optimised.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use wxlink_sandbox::{Sandbox, Settings};

const CONNECTIONS: usize = 8;
const REQUESTS: usize = 20_000;
/// Requests under way on one connection: the callers must not be the bottleneck either.
const AHEAD: usize = 16;

#[test]
#[ignore = "a figure, not a check of behaviour: see make bench"]
fn requests_per_second_of_one_worker() {
    let sandbox = Sandbox::start(Settings::default()).unwrap();
    let address = sandbox.http_url().trim_start_matches("http://");
    let request = format!(
        "POST /cgi-bin/wxopen/wxamplinkget?access_token=SANDBOX-TOKEN HTTP/1.1\r\nHost: {address}\r\n\
         Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
    );
    let batch = request.repeat(AHEAD);
    let start = Barrier::new(CONNECTIONS + 1);
    let seconds = thread::scope(|s| {
        for _ in 0..CONNECTIONS {
            s.spawn(|| {
                let mut stream = TcpStream::connect(address).unwrap();
                let answer = answer_length(&mut stream, &request);
                let mut answers = vec![0; answer * AHEAD];
                start.wait();
                for _ in 0..REQUESTS / AHEAD {
                    stream.write_all(batch.as_bytes()).unwrap();
                    stream.read_exact(&mut answers).unwrap();
                }
            });
        }
        start.wait();
        Instant::now()
    })
    .elapsed()
    .as_secs_f64();
    let rate = (CONNECTIONS * REQUESTS) as f64 / seconds;
    println!("one worker answers {rate:.0} requests/s");
    assert!(rate > 20_000.0, "{rate:.0}");
}

/// All answers to the same request are of the same length.
fn answer_length(stream: &mut TcpStream, request: &str) -> usize {
    stream.write_all(request.as_bytes()).unwrap();
    let mut buf = [0; 4096];
    let mut seen = 0;
    loop {
        seen += stream.read(&mut buf[seen..]).unwrap();
        if buf[..seen].ends_with(b"}") {
            return seen;
        }
    }
}
