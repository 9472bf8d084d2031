//! What a client makes of servers, proxies and networks that misbehave: the status, whether
//! anything may have been sent, how often it was, and how long it took.
//!
//! The servers here are bare sockets, since they do what no HTTP server would.

mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use wxlink::{Answer, Client, Delivery, Error, LinkChoices, Options, Phase, Status};
use wxlink_sandbox::{Sandbox, Settings};

use common::scratch;

const TOKEN: &str = "WIRE-TOKEN+/=";
const ENCODED: &str = "WIRE-TOKEN%2B%2F%3D";
const YES: &str = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"errcode\":0}";
const QUIET: LinkChoices = LinkChoices {
    notify_users: false,
    show_profile: false,
};

/// A server of one's own: what it does with each connection is a closure's business.
struct Server {
    addr: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

impl Server {
    /// `serve` is given the connection and its number, from 0.
    fn new(serve: impl Fn(&mut Peer, usize) + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Server {
            addr: listener.local_addr().unwrap(),
            connections: Arc::default(),
            requests: Arc::default(),
        };
        let (connections, requests) = (server.connections.clone(), server.requests.clone());
        let serve = Arc::new(serve);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let number = connections.fetch_add(1, Ordering::SeqCst);
                let mut peer = Peer {
                    stream: stream.unwrap(),
                    requests: requests.clone(),
                };
                let serve = serve.clone();
                thread::spawn(move || serve(&mut peer, number));
            }
        });
        server
    }

    /// One that answers every request with the same bytes, and keeps connections.
    fn answering(answer: impl Into<Vec<u8>>) -> Server {
        let answer = answer.into();
        Server::new(move |peer, _| {
            while peer.request() {
                peer.say(&answer)
            }
        })
    }

    fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// One connection of a `Server`.
struct Peer {
    stream: TcpStream,
    requests: Arc<AtomicUsize>,
}

impl Peer {
    /// Reads one request whole; `false` at the end of the connection.
    fn request(&mut self) -> bool {
        let mut seen = Vec::new();
        let mut byte = [0];
        while !seen.ends_with(b"\r\n\r\n") {
            match self.stream.read(&mut byte) {
                Ok(1) => seen.push(byte[0]),
                _ => return false,
            }
        }
        let head = String::from_utf8(seen).unwrap().to_lowercase();
        let length = head.split("content-length: ").nth(1);
        let length = length.map_or(0, |l| l.lines().next().unwrap().parse().unwrap());
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        self.requests.fetch_add(1, Ordering::SeqCst);
        true
    }

    fn say(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Says nothing until the other side has gone.
    fn hang(&mut self) {
        let _ = self.stream.read_to_end(&mut Vec::new());
    }
}

fn client(base_url: &str, set: &[(&str, &str)]) -> Client {
    let mut options = Options::new();
    options.set("base_url", base_url).unwrap();
    for (key, value) in set {
        options.set(key, value).unwrap();
    }
    Client::new(&options).unwrap()
}

fn link(client: &Client) -> Result<Answer, Error> {
    discreet(client.link_miniprogram(TOKEN, "wx0b00000000000001", QUIET))
}

fn list(client: &Client) -> Result<Answer, Error> {
    discreet(client.get_linked_raw(TOKEN))
}

/// Passes an outcome on, provided that the token is nowhere in it.
fn discreet(outcome: Result<Answer, Error>) -> Result<Answer, Error> {
    let words = match &outcome {
        Ok(a) => format!("{a:?}{}", a.trace()),
        Err(e) => format!("{e}{e:?}{}", e.trace()),
    };
    assert!(
        !words.contains(TOKEN) && !words.contains(ENCODED),
        "{words}"
    );
    outcome
}

/// What a failed link must look like.
fn expect(error: &Error, status: Status, delivery: Delivery, phase: Phase, attempts: usize) {
    let last = error.attempts().last().unwrap();
    let got = (
        error.status(),
        error.delivery(),
        last.phase,
        error.attempts().len(),
    );
    assert_eq!(
        got,
        (status, delivery, phase, attempts),
        "{error}\n{}",
        error.trace()
    );
    assert_eq!(last.outcome, status);
}

/// A port of this machine that refuses connections: taken, and nobody listens.
fn refused_port() -> (TcpListener, u16) {
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = held.local_addr().unwrap().port();
    // 127.0.0.2 is another address of this machine, where that port is free of listeners.
    (held, port)
}

#[test]
fn a_refused_connection_was_never_sent_and_is_tried_again() {
    let (_held, port) = refused_port();
    let client = client(&format!("http://127.0.0.2:{port}"), &[("max_retries", "2")]);
    let error = link(&client).unwrap_err();
    expect(
        &error,
        Status::Connect,
        Delivery::NeverSent,
        Phase::Connect,
        3,
    );
    assert!(error.message().contains("refused"), "{error}");
}

#[test]
fn a_name_without_an_address_was_never_sent() {
    let client = client("https://name.invalid", &[("max_retries", "0")]);
    let error = link(&client).unwrap_err();
    expect(
        &error,
        Status::Resolve,
        Delivery::NeverSent,
        Phase::Resolve,
        1,
    );
    assert!(error.message().contains("name.invalid"), "{error}");
}

#[test]
fn silence_before_sending_is_a_timeout_unsent() {
    // Connections are taken by the system and never served: the TLS handshake waits.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", silent.local_addr().unwrap());
    let set = [("connect_timeout_ms", "200"), ("max_retries", "1")];
    let started = Instant::now();
    let error = link(&client(&url, &set)).unwrap_err();
    expect(
        &error,
        Status::TimeoutUnsent,
        Delivery::NeverSent,
        Phase::Tls,
        2,
    );
    assert!(error.message().contains("connect_timeout_ms"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn silence_after_sending_is_a_timeout_and_one_post() {
    let server = Server::new(|peer, _| {
        peer.request();
        peer.hang();
    });
    for call in [link, list] {
        let client = client(&server.url(), &[("timeout_ms", "300")]);
        let started = Instant::now();
        let error = call(&client).unwrap_err();
        expect(&error, Status::Timeout, Delivery::Unknown, Phase::Wait, 1);
        let took = started.elapsed();
        assert!(
            took >= Duration::from_millis(300) && took < Duration::from_secs(5),
            "{took:?}"
        );
    }
    assert_eq!(server.requests(), 2);
}

#[test]
fn slow_bytes_end_with_the_limit() {
    let server = Server::new(|peer, _| {
        peer.request();
        for byte in YES.bytes().cycle() {
            peer.say(&[byte]);
            thread::sleep(Duration::from_millis(20));
            if peer.stream.take_error().is_err() {
                break;
            }
        }
    });
    let client = client(&server.url(), &[("timeout_ms", "300")]);
    let started = Instant::now();
    let error = link(&client).unwrap_err();
    expect(
        &error,
        Status::Timeout,
        Delivery::Unknown,
        Phase::Receive,
        1,
    );
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_connection_that_breaks_after_sending_is_unknown_and_not_posted_again() {
    let server = Server::new(|peer, _| {
        peer.request();
    });
    let error = link(&client(&server.url(), &[])).unwrap_err();
    expect(
        &error,
        Status::ConnectionLost,
        Delivery::Unknown,
        Phase::Wait,
        1,
    );
    assert_eq!(server.requests(), 1);
}

#[test]
fn a_read_that_breaks_is_read_again() {
    let server = Server::new(|peer, number| {
        while peer.request() && number > 0 {
            peer.say(YES.as_bytes());
        }
    });
    let answer = list(&client(&server.url(), &[])).unwrap();
    assert_eq!(answer.attempts().len(), 2);
    assert_eq!(answer.attempts()[0].outcome, Status::ConnectionLost);
    assert_eq!(server.requests(), 2);
}

#[test]
fn an_answer_cut_short_is_a_lost_connection() {
    let server = Server::new(|peer, _| {
        peer.request();
        peer.say(&YES.as_bytes()[..YES.len() - 3]);
    });
    let error = link(&client(&server.url(), &[])).unwrap_err();
    expect(
        &error,
        Status::ConnectionLost,
        Delivery::Unknown,
        Phase::Receive,
        1,
    );
}

#[test]
fn what_is_not_http_is_a_bad_answer() {
    for garbage in [
        "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "\0\0\0\0\0\0\0\0",
        "HTTP/1.1 abc\r\n\r\n",
    ] {
        let server = Server::answering(garbage);
        let error = link(&client(&server.url(), &[("timeout_ms", "2000")])).unwrap_err();
        assert_eq!(error.status(), Status::BadAnswer, "{garbage:?}: {error}");
        assert_eq!(
            (error.delivery(), server.requests()),
            (Delivery::Unknown, 1)
        );
    }
}

#[test]
fn a_gateways_page_is_a_bad_answer_which_only_reads_try_again() {
    let page = "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\n\r\n<html>";
    let server = Server::answering(page);
    let client = client(&server.url(), &[("max_retries", "1")]);
    let error = link(&client).unwrap_err();
    expect(&error, Status::BadAnswer, Delivery::Unknown, Phase::Done, 1);
    assert_eq!((error.http_status(), server.requests()), (502, 1));
    let error = list(&client).unwrap_err();
    expect(&error, Status::BadAnswer, Delivery::Unknown, Phase::Done, 2);
    assert_eq!(server.requests(), 3);
}

#[test]
fn redirects_are_told_and_not_followed() {
    let elsewhere = Server::answering(YES);
    for code in [301, 302, 303, 307, 308] {
        let to = format!("http://{}/x?access_token={ENCODED}", elsewhere.addr);
        let server = Server::answering(format!(
            "HTTP/1.1 {code} Moved\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"
        ));
        let error = link(&client(&server.url(), &[])).unwrap_err();
        expect(&error, Status::BadAnswer, Delivery::Unknown, Phase::Done, 1);
        assert!(error.message().contains("redirect to 127.0.0.1"), "{error}");
    }
    assert_eq!(elsewhere.requests(), 0);
}

#[test]
fn every_way_of_framing_an_answer_is_fine() {
    let framings = [
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"err\r\n8\r\ncode\":0}\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\n{\"errcode\":0}",
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"errcode\":0}",
        "HTTP/1.1 200\r\nContent-Length: 13\r\n\r\n{\"errcode\":0}",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"errcode\":0}",
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n{\"errcode\":0}",
    ];
    for framing in framings {
        let server = Server::new(move |peer, _| {
            peer.request();
            peer.say(framing.as_bytes());
        });
        let answer = link(&client(&server.url(), &[]));
        let answer = answer.unwrap_or_else(|e| panic!("{framing:?}: {e}"));
        assert_eq!(answer.body(), b"{\"errcode\":0}");
    }
}

#[test]
fn an_answer_beyond_the_limit_is_too_large_however_it_is_framed() {
    let exact = |n: usize| format!("{{\"errcode\":0,\"x\":\"{}\"}}", "x".repeat(n - 20));
    let length = |body: &str| {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let chunked = |body: &str| {
        format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
            body.len()
        )
    };
    for framed in [length, chunked] {
        let ask = |body: &str| {
            let server = Server::answering(framed(body));
            link(&client(&server.url(), &[("max_response_bytes", "2048")]))
        };
        assert_eq!(ask(&exact(2048)).unwrap().body().len(), 2048);
        let error = ask(&exact(2049)).unwrap_err();
        assert_eq!(
            (error.status(), error.delivery()),
            (Status::TooLarge, Delivery::Unknown)
        );
        assert!(error.message().contains("2048 bytes"), "{error}");
    }
    // A body that never ends is left as soon as it is too large.
    let server = Server::new(|peer, _| {
        peer.request();
        peer.say(b"HTTP/1.1 200 OK\r\n\r\n{\"x\":\"");
        while peer.stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    let error = link(&client(&server.url(), &[])).unwrap_err();
    assert_eq!(error.status(), Status::TooLarge, "{error}");
    // So is a head that never ends.
    let server = Server::new(|peer, _| {
        peer.request();
        peer.say(b"HTTP/1.1 200 OK\r\n");
        while peer
            .stream
            .write_all(b"X-Filler: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n")
            .is_ok()
        {}
    });
    let error = link(&client(&server.url(), &[])).unwrap_err();
    assert_eq!(error.status(), Status::BadAnswer, "{error}");
}

#[test]
fn connections_are_kept_and_told() {
    let server = Server::answering(YES);
    let reused = |client: &Client| link(client).unwrap().attempts()[0].reused;
    let keeping = client(&server.url(), &[]);
    assert_eq!(
        [reused(&keeping), reused(&keeping), reused(&keeping)],
        [false, true, true]
    );
    assert_eq!(server.connections(), 1);
    let closing = client(&server.url(), &[("keep_alive_ms", "0")]);
    assert_eq!([reused(&closing), reused(&closing)], [false, false]);
    assert_eq!(server.connections(), 3);
    let brief = client(&server.url(), &[("keep_alive_ms", "1")]);
    reused(&brief);
    thread::sleep(Duration::from_millis(5));
    assert!(!reused(&brief));
}

#[test]
fn a_connection_the_host_has_closed_is_not_posted_on() {
    let (closed, told) = std::sync::mpsc::channel();
    let closed = std::sync::Mutex::new(closed);
    let server = Server::new(move |peer, _| {
        peer.request();
        peer.say(YES.as_bytes());
        peer.stream.shutdown(std::net::Shutdown::Both).unwrap();
        closed.lock().unwrap().send(()).unwrap();
    });
    let client = client(&server.url(), &[("max_retries", "0")]);
    for _ in 0..3 {
        link(&client).unwrap();
        told.recv().unwrap();
    }
    assert_eq!((server.requests(), server.connections()), (3, 3));
}

#[test]
fn what_was_never_sent_moves_to_the_next_host() {
    let (_held, port) = refused_port();
    let server = Server::answering(YES);
    let urls = format!("http://127.0.0.2:{port},{}", server.url());
    let answer = link(&client(&urls, &[("max_retries", "1")])).unwrap();
    let outcomes: Vec<Status> = answer.attempts().iter().map(|a| a.outcome).collect();
    assert_eq!(outcomes, [Status::Connect, Status::Ok]);
    assert_eq!(answer.attempts()[1].host, server.addr.to_string());
}

#[test]
fn threads_share_a_client() {
    let server = Server::answering(YES);
    let client = client(&server.url(), &[]);
    thread::scope(|s| {
        for _ in 0..16 {
            s.spawn(|| {
                for _ in 0..50 {
                    link(&client).unwrap();
                }
            });
        }
    });
    assert_eq!(server.requests(), 16 * 50);
    assert!(server.connections() <= 16, "{}", server.connections());
}

fn sandbox() -> Sandbox {
    let settings = Settings {
        bad_tls: true,
        ..Settings::default()
    };
    Sandbox::start(settings).unwrap()
}

#[test]
fn tls_trusts_whom_it_is_told_to_trust() {
    let sandbox = sandbox();
    let ca_file = sandbox.ca_file().to_str().unwrap();
    let ask = |url: &str, set: &[(&str, &str)]| {
        let client = client(url, &[set, &[("max_retries", "0")]].concat());
        discreet(client.get_linked_raw("SANDBOX-TOKEN"))
    };
    let trusting = [("ca_file", ca_file)];
    let answer = ask(sandbox.https_url(), &trusting).unwrap();
    assert_eq!(answer.errcode(), 0);
    let port = sandbox.https_url().rsplit(':').next().unwrap();
    ask(&format!("https://localhost:{port}"), &trusting).unwrap();
    let bundled = [("ca_file", ca_file), ("trust", "bundled")];
    ask(sandbox.https_url(), &bundled).unwrap();

    let fails = |url: &str, set: &[(&str, &str)], says: &str| {
        let error = ask(url, set).unwrap_err();
        expect(&error, Status::Tls, Delivery::NeverSent, Phase::Tls, 1);
        assert!(error.message().contains(says), "{error}");
    };
    fails(sandbox.https_url(), &[], "UnknownIssuer");
    fails(sandbox.https_expired_url().unwrap(), &trusting, "expired");
    fails(
        sandbox.https_wrong_name_url().unwrap(),
        &trusting,
        "not valid for",
    );
    fails(
        sandbox.https_unknown_issuer_url().unwrap(),
        &trusting,
        "UnknownIssuer",
    );

    let counts = sandbox
        .admin("GET", "/__sandbox/journal/counts", &json!(null))
        .unwrap();
    assert_eq!(counts["received"]["get"], 3, "{counts}");

    // TLS spoken to a host that does not.
    let plain = Server::new(|peer, _| peer.say(YES.as_bytes()));
    fails(&format!("https://{}", plain.addr), &[], "");
}

#[test]
fn a_ca_file_without_a_usable_certificate_says_so() {
    let dir = scratch("ca-files");
    let make = |name: &str, text: &str| {
        let path = dir.join(name);
        std::fs::write(&path, text).unwrap();
        let mut options = Options::new();
        options.set("ca_file", path.to_str().unwrap()).unwrap();
        let error = Client::new(&options).err().unwrap();
        assert_eq!(error.status(), Status::BadOption);
        assert!(error.message().contains(name), "{error}");
        error.message()
    };
    assert!(make("empty.pem", "").contains("no PEM certificate"));
    assert!(make("der.pem", "\u{30}\u{82}").contains("no PEM certificate"));
    let key = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n";
    assert!(make("key.pem", key).contains("no PEM certificate"));
    let junk = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(make("junk.pem", junk).contains("none of its 1 certificates"));
    let damaged = "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n";
    assert!(make("damaged.pem", damaged).contains("damaged"));
    for (path, why) in [
        ("/nowhere/ca.pem", "/nowhere/ca.pem"),
        ("/dev/zero", "not a file"),
    ] {
        let mut options = Options::new();
        options.set("ca_file", path).unwrap();
        let error = Client::new(&options).err().unwrap();
        assert!(error.message().contains(why), "{error}");
    }
}

/// Passes bytes both ways until both sides are done.
fn relay(a: &TcpStream, b: &TcpStream) {
    let pipe = |from: &TcpStream, to: &TcpStream| {
        let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        thread::spawn(move || {
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(std::net::Shutdown::Write);
        })
    };
    let (there, back) = (pipe(a, b), pipe(b, a));
    there.join().unwrap();
    back.join().unwrap();
}

#[test]
fn an_http_proxy_is_asked_for_a_tunnel() {
    let proxy = Server::new(|peer, _| {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            peer.stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let target = head.split_whitespace().nth(1).unwrap().to_owned();
        assert!(head.starts_with("CONNECT "), "{head}");
        assert!(head.contains(&format!("Host: {target}\r\n")), "{head}");
        // "user:p@ss" in base64.
        if !head.contains("Proxy-Authorization: Basic dXNlcjpwQHNz\r\n") {
            peer.say(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
            return;
        }
        let to = TcpStream::connect(target).unwrap();
        peer.say(b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n");
        relay(&peer.stream, &to);
    });
    let server = Server::answering(YES);
    let through = |url: &str, login: &str| {
        let proxy = format!("http://{login}{}", proxy.addr);
        client(url, &[("proxy", &proxy), ("max_retries", "0")])
    };
    let good = through(&server.url(), "user:p%40ss@");
    link(&good).unwrap();
    assert!(link(&good).unwrap().attempts()[0].reused);
    assert_eq!((server.requests(), proxy.connections()), (2, 1));

    for login in ["", "user:wrong@"] {
        let error = link(&through(&server.url(), login)).unwrap_err();
        expect(&error, Status::Proxy, Delivery::NeverSent, Phase::Proxy, 1);
        assert!(error.message().contains("407"), "{error}");
        assert!(!error.message().contains("wrong"), "{error}");
    }

    // TLS goes through the tunnel end to end.
    let sandbox = sandbox();
    let ca_file = sandbox.ca_file().to_str().unwrap();
    let url = format!("http://user:p%40ss@{}", proxy.addr);
    let client = client(
        sandbox.https_url(),
        &[("proxy", &url), ("ca_file", ca_file)],
    );
    assert_eq!(client.get_linked_raw("SANDBOX-TOKEN").unwrap().errcode(), 0);
}

#[test]
fn a_socks_proxy_is_asked_for_a_connection() {
    let proxy = Server::new(|peer, _| {
        let mut read = |n: usize| {
            let mut bytes = vec![0; n];
            peer.stream.read_exact(&mut bytes).unwrap();
            bytes
        };
        let hello = read(3);
        assert_eq!(hello[..2], [5, 1]);
        let login = hello[2] == 2;
        peer.stream.write_all(&[5, hello[2]]).unwrap();
        let mut read = |n: usize| {
            let mut bytes = vec![0; n];
            peer.stream.read_exact(&mut bytes).unwrap();
            bytes
        };
        if login {
            let user = read(2)[1].into();
            let user = read(user);
            let password = read(1)[0].into();
            let password = read(password);
            let good = (user.as_slice(), password.as_slice()) == (b"user", b"p@ss");
            peer.stream.write_all(&[1, u8::from(!good)]).unwrap();
            if !good {
                return;
            }
        }
        let mut read = |n: usize| {
            let mut bytes = vec![0; n];
            peer.stream.read_exact(&mut bytes).unwrap();
            bytes
        };
        let ask = read(4);
        assert_eq!(ask[..3], [5, 1, 0]);
        let host = match ask[3] {
            1 => {
                let ip = read(4);
                format!("{}.{}.{}.{}", ip[0], ip[1], ip[2], ip[3])
            }
            3 => {
                let length = read(1)[0].into();
                String::from_utf8(read(length)).unwrap()
            }
            kind => panic!("address of kind {kind}"),
        };
        let port = read(2);
        let port = u16::from_be_bytes([port[0], port[1]]);
        match TcpStream::connect((host.as_str(), port)) {
            Ok(to) => {
                peer.say(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0]);
                relay(&peer.stream, &to);
            }
            Err(_) => peer.say(&[5, 5, 0, 1, 0, 0, 0, 0, 0, 0]),
        }
    });
    let server = Server::answering(YES);
    let through = |url: &str, login: &str| {
        let proxy = format!("socks5://{login}{}", proxy.addr);
        client(url, &[("proxy", &proxy), ("max_retries", "0")])
    };
    link(&through(&server.url(), "")).unwrap();
    link(&through(&server.url(), "user:p%40ss@")).unwrap();
    // The proxy looks names up, not we.
    let by_name = format!("http://localhost:{}", server.addr.port());
    link(&through(&by_name, "")).unwrap();
    assert_eq!(server.requests(), 3);

    let error = link(&through(&server.url(), "user:wrong@")).unwrap_err();
    expect(&error, Status::Proxy, Delivery::NeverSent, Phase::Proxy, 1);
    let (_held, port) = refused_port();
    let error = link(&through(&format!("http://127.0.0.2:{port}"), "")).unwrap_err();
    expect(&error, Status::Proxy, Delivery::NeverSent, Phase::Proxy, 1);
    assert!(error.message().contains("refused"), "{error}");
}

#[test]
fn a_proxy_that_is_not_there_or_says_nothing() {
    let (_held, port) = refused_port();
    let server = Server::answering(YES);
    let gone = format!("http://127.0.0.2:{port}");
    let error = link(&client(
        &server.url(),
        &[("proxy", &gone), ("max_retries", "0")],
    ))
    .unwrap_err();
    assert_eq!(
        (error.status(), error.delivery()),
        (Status::Connect, Delivery::NeverSent)
    );

    let silent = Server::new(|peer, _| peer.hang());
    let proxy = format!("http://{}", silent.addr);
    let set = [
        ("proxy", proxy.as_str()),
        ("max_retries", "0"),
        ("connect_timeout_ms", "200"),
    ];
    let error = link(&client(&server.url(), &set)).unwrap_err();
    expect(
        &error,
        Status::TimeoutUnsent,
        Delivery::NeverSent,
        Phase::Proxy,
        1,
    );
    assert_eq!(server.requests(), 0);
}
