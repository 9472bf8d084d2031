//! A cancelled handle ends its running call within 100 ms in every phase, and other handles are not
//! affected.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use wxlink::{Client, Delivery, Error, LinkChoices, Options, Phase, Status};

const CHOICES: LinkChoices = LinkChoices {
    notify_users: false,
    show_profile: false,
};
/// The promise is 100 ms. The rest is for a machine that is busy with other tests; without the
/// cancellation, the calls would take a minute.
const SOON: Duration = Duration::from_secs(10);

/// A server that accepts one connection and passes it to `serve`, with a function that `serve`
/// calls when the client's call has reached the phase under test.
fn server(serve: impl FnOnce(TcpStream, &dyn Fn()) + Send + 'static) -> (String, Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    let (sender, reached) = channel();
    thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        serve(stream, &|| sender.send(()).unwrap());
    });
    (addr, reached)
}

fn read_request(stream: &mut TcpStream) {
    let mut buf = [0; 4096];
    let mut seen = Vec::new();
    while !seen.ends_with(b"}") {
        let n = stream.read(&mut buf).unwrap();
        seen.extend_from_slice(&buf[..n]);
    }
}

fn hold(mut stream: TcpStream) {
    let _ = stream.read_to_end(&mut Vec::new());
}

fn client(base_url: &str, set: &[(&str, &str)]) -> Client {
    let mut options = Options::new();
    options.set("base_url", base_url).unwrap();
    options.set("timeout_ms", "60000").unwrap();
    options.set("connect_timeout_ms", "60000").unwrap();
    for (key, value) in set {
        options.set(key, value).unwrap();
    }
    Client::new(&options).unwrap()
}

/// Starts a link, cancels it after a message from `reached`, and returns its error.
fn cancelled(client: &Client, reached: &Receiver<()>) -> Error {
    let handle = client.derive(&Options::new()).unwrap();
    thread::scope(|s| {
        let call = s.spawn(|| {
            let error = handle
                .link_miniprogram("TOKEN", "wx1", CHOICES)
                .unwrap_err();
            (error, Instant::now())
        });
        reached.recv().unwrap();
        let cancelled_at = Instant::now();
        handle.cancel();
        let (error, ended) = call.join().unwrap();
        assert!(
            ended.saturating_duration_since(cancelled_at) < SOON,
            "{:?}",
            ended - cancelled_at
        );
        assert_eq!(error.status(), Status::Cancelled, "{error}");
        error
    })
}

#[track_caller]
fn expect(error: &Error, delivery: Delivery, phase: Phase) {
    let last = error.attempts().last().unwrap();
    assert_eq!(
        (error.delivery(), last.phase),
        (delivery, phase),
        "{}",
        error.trace()
    );
    assert_eq!(error.attempts().len(), 1);
}

#[test]
fn in_the_tls_handshake() {
    let (addr, reached) = server(|mut stream, signal| {
        // The ClientHello has arrived.
        stream.read_exact(&mut [0; 5]).unwrap();
        signal();
        hold(stream);
    });
    let error = cancelled(&client(&format!("https://{addr}"), &[]), &reached);
    expect(&error, Delivery::NeverSent, Phase::Tls);
}

#[test]
fn in_a_proxys_handshake() {
    let (addr, reached) = server(|mut stream, signal| {
        stream.read_exact(&mut [0; 8]).unwrap();
        signal();
        hold(stream);
    });
    let proxy = format!("http://{addr}");
    let client = client("https://api.weixin.qq.com", &[("proxy", &proxy)]);
    let error = cancelled(&client, &reached);
    expect(&error, Delivery::NeverSent, Phase::Proxy);
    let awaited = format!("waiting for a response of the proxy {addr}");
    assert!(error.trace().contains(&awaited), "{}", error.trace());
}

#[test]
fn waiting_for_the_answer() {
    let (addr, reached) = server(|mut stream, signal| {
        read_request(&mut stream);
        signal();
        hold(stream);
    });
    let error = cancelled(&client(&format!("http://{addr}"), &[]), &reached);
    expect(&error, Delivery::Unknown, Phase::Wait);
}

#[test]
fn in_the_middle_of_the_answer() {
    let (addr, reached) = server(|mut stream, signal| {
        read_request(&mut stream);
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{")
            .unwrap();
        signal();
        // The client keeps reading single bytes.
        while stream.write_all(b" ").is_ok() {
            thread::sleep(Duration::from_millis(1));
        }
    });
    let error = cancelled(&client(&format!("http://{addr}"), &[]), &reached);
    assert_eq!(error.delivery(), Delivery::Unknown);
    assert!(
        error.attempts()[0].phase >= Phase::Wait,
        "{}",
        error.trace()
    );
}

/// The host accepts no more connections, because its queue is full.
#[test]
fn connecting() {
    let full = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = full.local_addr().unwrap();
    // Fill the queue until a connection times out.
    let mut waiting = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&addr, Duration::from_millis(200)) {
        waiting.push(stream);
        assert!(waiting.len() < 10_000, "the queue does not fill");
    }
    let client = client(&format!("http://{addr}"), &[]);
    let (sender, reached) = channel();
    sender.send(()).unwrap();
    let error = cancelled(&client, &reached);
    assert_eq!(error.delivery(), Delivery::NeverSent);
    // If the call was cancelled before it started, it made no attempt.
    assert!(error.attempts().iter().all(|a| a.phase == Phase::Connect));
}

#[test]
fn between_retries() {
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = held.local_addr().unwrap().port();
    let client = client(
        &format!("http://127.0.0.2:{port}"),
        &[("max_retries", "10")],
    );
    let handle = client.derive(&Options::new()).unwrap();
    thread::scope(|s| {
        let call = s.spawn(|| {
            handle
                .link_miniprogram("TOKEN", "wx1", CHOICES)
                .unwrap_err()
        });
        // The pauses between ten retries add up to many seconds.
        thread::sleep(Duration::from_millis(250));
        let cancelled_at = Instant::now();
        handle.cancel();
        let error = call.join().unwrap();
        assert!(cancelled_at.elapsed() < SOON);
        assert_eq!(error.delivery(), Delivery::NeverSent);
        assert!(error.attempts().len() < 8, "{}", error.trace());
    });
}

#[test]
fn other_handles_are_not_cancelled() {
    let (addr, reached) = server(|mut stream, signal| {
        read_request(&mut stream);
        signal();
        // Responds only after the other handle was cancelled.
        thread::sleep(Duration::from_millis(100));
        let yes = b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"errcode\":0}";
        stream.write_all(yes).unwrap();
    });
    let base = client(&format!("http://{addr}"), &[]);
    let other = base.derive(&Options::new()).unwrap();
    thread::scope(|s| {
        let call = s.spawn(|| base.link_miniprogram("TOKEN", "wx1", CHOICES));
        reached.recv().unwrap();
        other.cancel();
        assert_eq!(call.join().unwrap().unwrap().errcode(), 0);
    });
    let error = other.link_miniprogram("TOKEN", "wx1", CHOICES).unwrap_err();
    assert_eq!(
        (error.status(), error.attempts().len()),
        (Status::Cancelled, 0)
    );
}

#[test]
fn a_derived_handle_has_its_own_limits() {
    let (addr, reached) = server(|mut stream, signal| {
        read_request(&mut stream);
        signal();
        hold(stream);
    });
    let mut options = Options::new();
    options.set("timeout_ms", "100").unwrap();
    options.set("lang", "zh").unwrap();
    let handle = client(&format!("http://{addr}"), &[])
        .derive(&options)
        .unwrap();
    let started = Instant::now();
    let error = handle.get_linked("T".repeat(8).as_str()).unwrap_err();
    assert_eq!(error.status(), Status::Timeout, "{error}");
    assert!(error.message().contains("超时"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(10));
    reached.recv().unwrap();
}
