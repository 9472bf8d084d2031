//! Cancelling ends a running call within 100 ms whatever it is doing, and leaves other handles alone.

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
/// What is promised is 100 ms; the rest is for a machine that is busy with other tests. The calls
/// would take a minute.
const SOON: Duration = Duration::from_secs(10);

/// A server that takes one connection and does as told with it; tells when the call has come as
/// far as it should.
fn server(serve: impl FnOnce(TcpStream, &dyn Fn()) + Send + 'static) -> (String, Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    let (tell, told) = channel();
    thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        serve(stream, &|| tell.send(()).unwrap());
    });
    (addr, told)
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

/// Cancels a link once it is where it should be, and answers how it ended.
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
        let rung = Instant::now();
        handle.cancel();
        let (error, ended) = call.join().unwrap();
        assert!(
            ended.saturating_duration_since(rung) < SOON,
            "{:?}",
            ended - rung
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
    let (addr, reached) = server(|mut stream, tell| {
        // The client's hello has come.
        stream.read_exact(&mut [0; 5]).unwrap();
        tell();
        hold(stream);
    });
    let error = cancelled(&client(&format!("https://{addr}"), &[]), &reached);
    expect(&error, Delivery::NeverSent, Phase::Tls);
}

#[test]
fn in_a_proxys_handshake() {
    let (addr, reached) = server(|mut stream, tell| {
        stream.read_exact(&mut [0; 8]).unwrap();
        tell();
        hold(stream);
    });
    let proxy = format!("http://{addr}");
    let client = client("https://api.weixin.qq.com", &[("proxy", &proxy)]);
    let error = cancelled(&client, &reached);
    expect(&error, Delivery::NeverSent, Phase::Proxy);
    let awaited = format!("waiting for an answer of the proxy {addr}");
    assert!(error.trace().contains(&awaited), "{}", error.trace());
}

#[test]
fn waiting_for_the_answer() {
    let (addr, reached) = server(|mut stream, tell| {
        read_request(&mut stream);
        tell();
        hold(stream);
    });
    let error = cancelled(&client(&format!("http://{addr}"), &[]), &reached);
    expect(&error, Delivery::Unknown, Phase::Wait);
}

#[test]
fn in_the_middle_of_the_answer() {
    let (addr, reached) = server(|mut stream, tell| {
        read_request(&mut stream);
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{")
            .unwrap();
        tell();
        // A byte now and then keeps it busy.
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

/// Connects to a host that takes nobody in: its queue is full.
#[test]
fn connecting() {
    let full = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = full.local_addr().unwrap();
    // Fill the queue until a connection is not taken any more.
    let mut waiting = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&addr, Duration::from_millis(200)) {
        waiting.push(stream);
        assert!(waiting.len() < 10_000, "the queue does not fill");
    }
    let client = client(&format!("http://{addr}"), &[]);
    let (tell, reached) = channel();
    tell.send(()).unwrap();
    let error = cancelled(&client, &reached);
    assert_eq!(error.delivery(), Delivery::NeverSent);
    // Cancelled before it began, there is no attempt to speak of.
    assert!(error.attempts().iter().all(|a| a.phase == Phase::Connect));
}

#[test]
fn between_repetitions() {
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
        // The pauses of ten repetitions add up to many seconds.
        thread::sleep(Duration::from_millis(250));
        let rung = Instant::now();
        handle.cancel();
        let error = call.join().unwrap();
        assert!(rung.elapsed() < SOON);
        assert_eq!(error.delivery(), Delivery::NeverSent);
        assert!(error.attempts().len() < 8, "{}", error.trace());
    });
}

#[test]
fn one_handle_is_cancelled_and_the_other_goes_on() {
    let (addr, reached) = server(|mut stream, tell| {
        read_request(&mut stream);
        tell();
        // Answers only after the other handle was cancelled.
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
    let (addr, reached) = server(|mut stream, tell| {
        read_request(&mut stream);
        tell();
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
