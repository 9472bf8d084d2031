//! How many requests a simulator serves in a second. Benchmarks of the library need it to be much
//! faster than the library.
//!
//! `make bench` runs it in an optimised build, without other tests.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use wxlink_sandbox::{Sandbox, Settings};

const CONNECTIONS: usize = 8;
const REQUESTS: usize = 20_000;
/// How many requests are sent before their responses are read, so that the client is not the
/// bottleneck.
const BATCH: usize = 16;

#[test]
#[ignore = "a measurement: run it with make bench"]
fn requests_per_second_of_one_worker() {
    let sandbox = Sandbox::start(Settings::default()).unwrap();
    let address = sandbox.http_url().trim_start_matches("http://");
    let request = format!(
        "POST /cgi-bin/wxopen/wxamplinkget?access_token=SANDBOX-TOKEN HTTP/1.1\r\n\
         Host: {address}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
    );
    let batch = request.repeat(BATCH);
    let start = Barrier::new(CONNECTIONS + 1);
    let seconds = thread::scope(|s| {
        for _ in 0..CONNECTIONS {
            s.spawn(|| {
                let mut stream = TcpStream::connect(address).unwrap();
                let length = response_length(&mut stream, &request);
                let mut responses = vec![0; length * BATCH];
                start.wait();
                for _ in 0..REQUESTS / BATCH {
                    stream.write_all(batch.as_bytes()).unwrap();
                    stream.read_exact(&mut responses).unwrap();
                }
            });
        }
        start.wait();
        Instant::now()
    })
    .elapsed()
    .as_secs_f64();
    let rate = (CONNECTIONS * REQUESTS) as f64 / seconds;
    println!("one worker serves {rate:.0} requests/s");
    assert!(rate > 20_000.0, "{rate:.0}");
}

/// The length of the response. All responses to the same request have the same length.
fn response_length(stream: &mut TcpStream, request: &str) -> usize {
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
