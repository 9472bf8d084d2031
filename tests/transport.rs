//! Servers, proxies and networks that misbehave. The tests check the status of the call, whether
//! the request may have been sent, how often it was sent, and how long the call took.
//!
//! The servers are plain sockets, because no HTTP server misbehaves in these ways.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use wxlink::{Client, Delivery, Error, LinkChoices, LinkList, Options, Phase, Response, Status};
use wxlink_sandbox::{Sandbox, Settings};

use wxlink_testkit::scratch;

const TOKEN: &str = "WIRE-TOKEN+/=";
const ENCODED: &str = "WIRE-TOKEN%2B%2F%3D";
const YES: &str = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"errcode\":0}";
const QUIET: LinkChoices = LinkChoices {
    notify_users: false,
    show_profile: false,
};

/// A server that handles each connection with a closure.
struct Server {
    addr: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

impl Server {
    /// `serve` receives each connection and its number, from 0.
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

    /// A server that answers every request with the same bytes and keeps connections open.
    fn answering(answer: impl Into<Vec<u8>>) -> Server {
        let answer = answer.into();
        Server::new(move |peer, _| {
            while peer.request() {
                peer.say(&answer);
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
    /// Reads one whole request; `false` at the end of the connection.
    fn request(&mut self) -> bool {
        self.request_line().is_some()
    }

    /// Reads one whole request, and returns its first line.
    fn request_line(&mut self) -> Option<String> {
        let mut seen = Vec::new();
        let mut byte = [0];
        while !seen.ends_with(b"\r\n\r\n") {
            match self.stream.read(&mut byte) {
                Ok(1) => seen.push(byte[0]),
                _ => return None,
            }
        }
        let seen = String::from_utf8(seen).unwrap();
        let head = seen.to_lowercase();
        let length = head.split("content-length: ").nth(1);
        let length = length.map_or(0, |l| l.lines().next().unwrap().parse().unwrap());
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        self.requests.fetch_add(1, Ordering::SeqCst);
        seen.lines().next().map(str::to_owned)
    }

    fn say(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Sends nothing until the client closes the connection.
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

fn link(client: &Client) -> Result<Response, Error> {
    without_token(client.link_miniprogram(TOKEN, "wx0b00000000000001", QUIET))
}

fn list(client: &Client) -> Result<Response, Error> {
    list_of(client, TOKEN)
}

fn list_of(client: &Client, token: &str) -> Result<Response, Error> {
    without_token(client.get_linked(token).map(LinkList::into_response))
}

/// Checks that no text of the outcome contains the token, and returns the outcome.
fn without_token(outcome: Result<Response, Error>) -> Result<Response, Error> {
    let texts = match &outcome {
        Ok(a) => format!("{a:?}{}", a.trace()),
        Err(e) => format!("{e}{e:?}{}", e.trace()),
    };
    assert!(
        !texts.contains(TOKEN) && !texts.contains(ENCODED),
        "{texts}"
    );
    outcome
}

/// Checks a failed call and its last attempt.
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

/// A port at which 127.0.0.2 refuses connections. The listener keeps other programs from taking it.
fn refused_port() -> (TcpListener, u16) {
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = held.local_addr().unwrap().port();
    // 127.0.0.2 is another loopback address, at which no program listens on this port.
    (held, port)
}

#[test]
fn a_refused_connection_is_never_sent_and_retried() {
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
fn the_reason_of_the_system_is_in_the_language_of_the_messages() {
    let (_held, port) = refused_port();
    let gone = format!("127.0.0.2:{port}");
    for (url, set, reason) in [
        (
            format!("http://{gone}"),
            vec![],
            format!("{gone}：连接被拒绝（系统错误 111）"),
        ),
        (
            "https://api.weixin.qq.com".to_owned(),
            vec![("proxy", format!("http://{gone}"))],
            format!("代理 {gone}：连接被拒绝（系统错误 111）"),
        ),
    ] {
        let mut options = vec![("lang", "zh"), ("max_retries", "0")];
        options.extend(set.iter().map(|(key, value)| (*key, value.as_str())));
        let error = link(&client(&url, &options)).unwrap_err();
        assert!(error.message().contains(&reason), "{error}");
        // The trace, which programs read, has one language.
        assert!(
            error.trace().contains("(os error 111)"),
            "{}",
            error.trace()
        );
    }
}

#[test]
fn an_unknown_name_is_never_sent() {
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
    // The system accepts the connection and nothing answers on it: the TLS handshake hangs.
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
fn a_slow_response_ends_at_the_time_limit() {
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
fn a_post_whose_connection_breaks_is_unknown_and_not_repeated() {
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
fn a_read_whose_connection_breaks_is_repeated() {
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
fn an_incomplete_response_is_a_lost_connection() {
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
fn a_response_that_is_not_http_is_a_bad_answer() {
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
fn a_gateways_error_page_is_a_bad_answer_and_only_reads_are_retried() {
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
fn redirects_are_reported_and_not_followed() {
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
fn every_framing_of_a_response_is_accepted() {
    let framings = [
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: \
         chunked\r\n\r\n5\r\n{\"err\r\n8\r\ncode\":0}\r\n0\r\n\r\n",
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
fn a_response_over_the_limit_is_too_large_in_every_framing() {
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
    // A body that never ends is abandoned when it exceeds the limit.
    let server = Server::new(|peer, _| {
        peer.request();
        peer.say(b"HTTP/1.1 200 OK\r\n\r\n{\"x\":\"");
        while peer.stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    let error = link(&client(&server.url(), &[])).unwrap_err();
    assert_eq!(error.status(), Status::TooLarge, "{error}");
    // A head that never ends is abandoned too.
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
fn the_longest_user_agent_and_token_are_sent() {
    let server = Server::answering(YES);
    let agent = "a".repeat(256);
    let client = client(&server.url(), &[("user_agent", &agent)]);
    list_of(&client, &"t".repeat(4096)).unwrap();
    assert_eq!(server.requests(), 1);
}

#[test]
fn connections_are_reused_and_traces_show_it() {
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
fn a_connection_that_the_host_has_closed_is_not_used_for_a_post() {
    let (closed, is_closed) = std::sync::mpsc::channel();
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
        is_closed.recv().unwrap();
    }
    assert_eq!((server.requests(), server.connections()), (3, 3));
}

#[test]
fn a_request_that_was_never_sent_goes_to_the_next_host() {
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
fn tls_trusts_only_the_configured_certificates() {
    let sandbox = sandbox();
    let ca_file = sandbox.ca_file().to_str().unwrap();
    let ask = |url: &str, set: &[(&str, &str)]| {
        let client = client(url, &[set, &[("max_retries", "0")]].concat());
        list_of(&client, "SANDBOX-TOKEN")
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

    // A host that does not speak TLS.
    let plain = Server::new(|peer, _| peer.say(YES.as_bytes()));
    fails(&format!("https://{}", plain.addr), &[], "");
}

#[test]
fn a_ca_file_without_a_usable_certificate_is_refused() {
    let dir = scratch("ca-files");
    let refused = |path: &Path, why: &str| {
        let path = path.to_str().unwrap();
        let mut options = Options::new();
        options.set("ca_file", path).unwrap();
        let error = Client::new(&options).err().unwrap();
        assert_eq!(error.status(), Status::BadOption);
        let text = error.message();
        assert!(text.contains(&format!("ca_file {path}: ")), "{text}");
        assert!(text.contains(why), "{why}: {text}");
        assert!(
            text.contains("give a file with CA certificates in PEM"),
            "{text}"
        );
    };
    let good = std::fs::read_to_string(sandbox().ca_file()).unwrap();
    let trusted = good.replace(" CERTIFICATE", " TRUSTED CERTIFICATE");
    let cut = good.trim_end().strip_suffix("-----END CERTIFICATE-----");
    let cut = good.clone() + cut.unwrap();
    let key = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n";
    let junk = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let damaged = "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n";
    for (name, content, why) in [
        ("empty.pem", &b""[..], "it is empty"),
        ("text.pem", b"roots", "no PEM certificate"),
        ("der.pem", &[0x30, 0x82, 1, 2], "openssl x509 -inform DER"),
        ("utf16.pem", b"\xff\xfe-\0-\0", "UTF-16"),
        ("key.pem", key.as_bytes(), "private key and no certificate"),
        ("junk.pem", junk.as_bytes(), "none of its 1 certificates"),
        (
            "damaged.pem",
            damaged.as_bytes(),
            "certificate 1 in it is damaged",
        ),
        (
            "cut.pem",
            cut.as_bytes(),
            "certificate 2 in it is damaged or cut off",
        ),
        ("trusted.pem", trusted.as_bytes(), "TRUSTED CERTIFICATE"),
    ] {
        let path = dir.join(name);
        std::fs::write(&path, content).unwrap();
        refused(&path, why);
    }
    refused(&dir, "it is a folder");
    refused(Path::new("/dev/zero"), "not a file");
    refused(Path::new("/nowhere/ca.pem"), "No such file");
}

#[test]
fn a_byte_order_mark_in_a_ca_file_is_ignored() {
    let sandbox = sandbox();
    let good = std::fs::read_to_string(sandbox.ca_file()).unwrap();
    let path = scratch("ca-file-bom").join("bom.pem");
    std::fs::write(&path, format!("\u{feff}{good}")).unwrap();
    let set = [("ca_file", path.to_str().unwrap()), ("max_retries", "0")];
    let answer = list_of(&client(sandbox.https_url(), &set), "SANDBOX-TOKEN");
    assert_eq!(answer.unwrap().errcode(), 0);
}

/// Copies bytes in both directions until both sides have finished.
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

/// A client that trusts the simulator's certificate, with further options.
fn tls_client(sandbox: &Sandbox, url: &str, set: &[(&str, &str)]) -> Client {
    let ca_file = sandbox.ca_file().to_str().unwrap();
    let trusting = [("ca_file", ca_file), ("max_retries", "0")];
    client(url, &[set, &trusting].concat())
}

/// How many requests for the list the simulator has received.
fn lists(sandbox: &Sandbox) -> u64 {
    let counts = sandbox
        .admin("GET", "/__sandbox/journal/counts", &json!(null))
        .unwrap();
    counts["received"]["get"].as_u64().unwrap_or(0)
}

/// An HTTP proxy that requires the login user:p@ss.
fn http_proxy() -> Server {
    Server::new(|peer, _| {
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
    })
}

#[test]
fn https_goes_through_an_http_proxy() {
    let (proxy, sandbox) = (http_proxy(), sandbox());
    let through = |login: &str| {
        let proxy = format!("http://{login}{}", proxy.addr);
        tls_client(&sandbox, sandbox.https_url(), &[("proxy", &proxy)])
    };
    let good = through("user:p%40ss@");
    let ask = || list_of(&good, "SANDBOX-TOKEN").unwrap();
    assert_eq!(ask().errcode(), 0);
    assert!(ask().attempts()[0].reused);
    assert_eq!((lists(&sandbox), proxy.connections()), (2, 1));

    for login in ["", "user:wrong@"] {
        let error = link(&through(login)).unwrap_err();
        expect(&error, Status::Proxy, Delivery::NeverSent, Phase::Proxy, 1);
        let named = format!("the proxy {}: ", proxy.addr);
        assert!(error.message().contains(&named), "{error}");
        assert!(error.message().contains("407"), "{error}");
        assert!(!error.message().contains("wrong"), "{error}");
    }
}

#[test]
fn https_goes_through_a_socks_proxy() {
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
    let sandbox = sandbox();
    let through = |url: &str, login: &str| {
        let proxy = format!("socks5://{login}{}", proxy.addr);
        tls_client(&sandbox, url, &[("proxy", &proxy)])
    };
    let ask = |client: &Client| list_of(client, "SANDBOX-TOKEN");
    ask(&through(sandbox.https_url(), "")).unwrap();
    ask(&through(sandbox.https_url(), "user:p%40ss@")).unwrap();
    // The proxy resolves the name, not the library.
    let port = sandbox.https_url().rsplit(':').next().unwrap();
    ask(&through(&format!("https://localhost:{port}"), "")).unwrap();
    assert_eq!(lists(&sandbox), 3);

    let error = ask(&through(sandbox.https_url(), "user:wrong@")).unwrap_err();
    expect(&error, Status::Proxy, Delivery::NeverSent, Phase::Proxy, 1);
    let (_held, port) = refused_port();
    let error = ask(&through(&format!("https://127.0.0.2:{port}"), "")).unwrap_err();
    expect(&error, Status::Proxy, Delivery::NeverSent, Phase::Proxy, 1);
    assert!(error.message().contains("refused"), "{error}");
}

#[test]
fn the_message_names_a_proxy_that_fails() {
    let host = "https://api.weixin.qq.com";
    let failed = |proxy: &str| {
        let set = [("proxy", proxy), ("max_retries", "0")];
        link(&client(host, &set)).unwrap_err()
    };
    let check = |proxy: &str, phase: Phase, shown: &str, says: &str| {
        let error = failed(proxy);
        expect(&error, Status::Proxy, Delivery::NeverSent, phase, 1);
        let message = error.message();
        assert!(
            message.contains(&format!("the proxy {shown}: ")),
            "{message}"
        );
        assert!(message.contains(says), "{message}");
        assert!(!message.contains("HUSH"), "{message}");
    };

    let (_held, port) = refused_port();
    for scheme in ["http", "socks5"] {
        let gone = format!("127.0.0.2:{port}");
        let url = format!("{scheme}://me:HUSH%23HUSH@{gone}");
        check(&url, Phase::Connect, &gone, "refused");
    }
    let nowhere = "http://me:HUSH@name.invalid:3128";
    check(nowhere, Phase::Resolve, "name.invalid:3128", "name.invalid");

    // The proxy's answer to the request for a tunnel. The message repeats no part of it.
    for (scheme, answer, says) in [
        ("http", &b""[..], "closed the connection"),
        ("http", b"HTTP/1.1 200", "closed the connection"),
        ("http", b"HTTP/1.1 403 HUSH\r\n\r\n", "403"),
        ("http", b"HTTP/1.1 407 HUSH\r\n\r\n", "407"),
        ("http", b"SSH-2.0-HUSH\r\n\r\n", "does not speak HTTP"),
        ("socks5", b"", "closed the connection"),
        ("socks5", b"\x05\xff", "another authentication method"),
        (
            "socks5",
            b"HTTP/1.1 400 HUSH\r\n\r\n",
            "does not speak SOCKS5",
        ),
        (
            "socks5",
            b"\x05\x02\x01\x01",
            "refused the user or password",
        ),
        (
            "socks5",
            b"\x05\x02\x01\x00\x05\x02\x00\x01",
            "rules forbid",
        ),
    ] {
        let proxy = Server::new(move |peer, _| {
            // Read the whole request first: otherwise closing the connection would reset it.
            let _ = peer.stream.read(&mut [0; 1024]);
            peer.say(answer);
            let _ = peer.stream.shutdown(std::net::Shutdown::Write);
            peer.hang();
        });
        let url = format!("{scheme}://me:HUSH@{}", proxy.addr);
        check(&url, Phase::Proxy, &proxy.addr.to_string(), says);
    }
}

#[test]
fn the_message_names_a_proxy_that_does_not_respond() {
    let silent = Server::new(|peer, _| peer.hang());
    for scheme in ["http", "socks5"] {
        let proxy = format!("{scheme}://{}", silent.addr);
        let set = [
            ("proxy", proxy.as_str()),
            ("max_retries", "0"),
            ("connect_timeout_ms", "200"),
        ];
        let error = link(&client("https://api.weixin.qq.com", &set)).unwrap_err();
        expect(
            &error,
            Status::TimeoutUnsent,
            Delivery::NeverSent,
            Phase::Proxy,
            1,
        );
        let awaited = format!("waiting for a response of the proxy {}", silent.addr);
        assert!(error.message().contains(&awaited), "{error}");
    }
}

/// A proxy would see the token in plain HTTP, which is meant for processes of one machine.
#[test]
fn plain_http_never_goes_through_a_proxy() {
    let server = Server::answering(YES);
    let proxy = Server::new(|peer, _| peer.hang());
    for scheme in ["http", "socks5", "socks5h"] {
        for base in ["127.0.0.1", "localhost"] {
            let url = format!("{scheme}://user:password@{}", proxy.addr);
            let base = format!("http://{base}:{}", server.addr.port());
            link(&client(&base, &[("proxy", &url)])).unwrap();
        }
    }
    assert_eq!((server.requests(), proxy.connections()), (6, 0));
}

/// Runs one of the tests `child_…` in a process of its own, with these environment variables.
fn with_environment(test: &str, variables: &[(&str, &str)]) {
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    for name in ["https", "http", "all", "no"] {
        let name = format!("{name}_proxy");
        child.env_remove(&name).env_remove(name.to_uppercase());
    }
    child.args(["--exact", "--nocapture", test]);
    child.env("WIRE_TEST", test);
    wxlink_testkit::run(child.envs(variables.iter().copied()));
}

fn is_child(test: &str) -> bool {
    std::env::var("WIRE_TEST").is_ok_and(|name| name == test)
}

#[test]
fn plain_http_ignores_the_proxy_in_the_environment() {
    let server = Server::answering(YES);
    let proxy = Server::new(|peer, _| peer.hang());
    let (url, base) = (format!("http://{}", proxy.addr), server.url());
    let all = [
        ("https_proxy", url.as_str()),
        ("HTTPS_PROXY", &url),
        ("http_proxy", &url),
        ("HTTP_PROXY", &url),
        ("all_proxy", &url),
        ("ALL_PROXY", &url),
        ("WIRE_BASE_URL", &base),
    ];
    with_environment("child_links_once", &all);
    for no_proxy in ["localhost", "*", "example.com", ""] {
        with_environment(
            "child_links_once",
            &[&all[..], &[("NO_PROXY", no_proxy)]].concat(),
        );
    }
    assert_eq!((server.requests(), proxy.connections()), (5, 0));
}

#[test]
fn child_links_once() {
    if is_child("child_links_once") {
        let base = std::env::var("WIRE_BASE_URL").unwrap();
        link(&client(&base, &[("proxy", "env")])).unwrap();
    }
}

/// The proxies do not exist, so that the error message shows which one was used.
#[test]
fn the_environment_is_read_by_curls_rules() {
    let child = "child_shows_its_proxy";
    let run = |variables: &[(&str, &str)], expected: &str| {
        with_environment(child, &[variables, &[("WIRE_EXPECTED", expected)]].concat());
    };
    let own = ("HTTPS_PROXY", "http://https.invalid:1");
    let all = ("ALL_PROXY", "socks5://all.invalid:2");
    run(&[own, all], "the proxy https.invalid:1: ");
    run(
        &[own, ("https_proxy", "lower.invalid:3")],
        "the proxy lower.invalid:3: ",
    );
    run(
        &[all, ("HTTP_PROXY", "http://http.invalid:4")],
        "the proxy all.invalid:2: ",
    );
    run(&[("HTTP_PROXY", "http://http.invalid:4")], "RESOLVE");
    run(
        &[own, ("NO_PROXY", "localhost, .Wanted.INVALID.")],
        "RESOLVE",
    );
    run(
        &[own, ("NO_PROXY", "nted.invalid")],
        "the proxy https.invalid:1: ",
    );
    run(
        &[own, ("NO_PROXY", "*"), ("no_proxy", "x")],
        "the proxy https.invalid:1: ",
    );
    run(
        &[("HTTPS_PROXY", "http://me:HUSH#HUSH@https.invalid:1")],
        "HTTPS_PROXY is invalid: it contains a #.",
    );
}

#[test]
fn child_shows_its_proxy() {
    if !is_child("child_shows_its_proxy") {
        return;
    }
    let expected = std::env::var("WIRE_EXPECTED").unwrap();
    let mut options = Options::new();
    options
        .set("base_url", "https://api.wanted.invalid")
        .unwrap();
    options.set("proxy", "env").unwrap();
    options.set("max_retries", "0").unwrap();
    let error = Client::new(&options)
        .and_then(|client| link(&client))
        .unwrap_err();
    assert!(error.message().contains(&expected), "{error}");
    assert!(!error.message().contains("HUSH"), "{error}");
}

/// The server repeats the token in every part of a response that the library makes a text from.
#[test]
fn a_token_that_the_server_repeats_is_removed() {
    let escaped = "WIRE-TOKEN+\\/=";
    let forms = [
        TOKEN,
        ENCODED,
        "wire-token%2b%2f%3d",
        "WIRE-TOKEN%252B%252F%253D",
        "WIRE-TOKEN%2B/=",
        escaped,
    ];
    let answers = forms.iter().flat_map(|form| {
        let body = format!("{{\"errcode\":40001,\"errmsg\":\"not {form} rid: 6-1-2\"}}");
        [
            format!("302 Found\r\nLocation: http://{form}/x\r\nContent-Length: 0\r\n\r\n"),
            format!("302 Found\r\nLocation: http://h.{form}.h:1/\r\nContent-Length: 0\r\n\r\n"),
            format!("302 Found\r\nLocation: {form}\r\nContent-Length: 0\r\n\r\n"),
            format!("200 OK\r\nContent-Encoding: {form}\r\nContent-Length: 0\r\n\r\n"),
            format!("200 {form}\r\nContent-Length: 4\r\n\r\n<ht>"),
            format!("200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()),
        ]
    });
    for answer in answers.collect::<Vec<_>>() {
        let server = Server::answering(format!("HTTP/1.1 {answer}"));
        let error = link(&client(&server.url(), &[("max_retries", "0")])).unwrap_err();
        let texts = [
            error.message(),
            error.trace(),
            format!("{error:?}"),
            error.errmsg().to_owned(),
            error.rid().to_owned(),
            error.hint().to_owned(),
        ];
        for text in texts {
            let text = text.to_lowercase();
            assert!(!text.contains("wire-token"), "{answer}\n{text}");
        }
        if let Some(code) = error.errcode() {
            assert_eq!((code, error.rid()), (40001, "6-1-2"));
            assert_eq!(error.errmsg(), "not [access_token] rid: 6-1-2");
            // The body is passed on unchanged.
            assert!(
                error
                    .response()
                    .unwrap()
                    .body()
                    .starts_with(b"{\"errcode\":40001,")
            );
        }
    }
}

#[test]
fn the_secrets_in_the_options_are_removed() {
    let body = r#"{"errcode":48001,"errmsg":"OPTIONS-SECRET and PROXY%23PASS and ST%4FRE-PASS"}"#;
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let server = Server::answering(answer);
    let set = [
        ("component_appid", "wx0c00000000000001"),
        ("component_appsecret", "OPTIONS-SECRET"),
        ("proxy", "http://me:PROXY%23PASS@127.0.0.1:1"),
        ("store", "redis://me:ST%4FRE-PASS@127.0.0.1:1/0"),
    ];
    let error = link(&client(&server.url(), &set)).unwrap_err();
    assert_eq!(
        error.errmsg(),
        "[component_appsecret] and [proxy_password] and [store_password]"
    );
}

/// A server of WeChat's platform endpoints. The endpoint `special` gets `answer` as its response.
fn platform_server(special: &'static str, answer: String) -> Server {
    Server::new(move |peer, _| {
        while let Some(line) = peer.request_line() {
            let body = if line.contains(special) {
                peer.say(answer.as_bytes());
                continue;
            } else if line.contains("api_component_token") {
                r#"{"component_access_token":"COMPONENT-TOKEN/1","expires_in":7200}"#
            } else {
                r#"{"authorizer_access_token":"ACCOUNT-TOKEN/1","expires_in":7200,
                    "authorizer_refresh_token":"REFRESH-TOKEN/2"}"#
            };
            let length = body.len();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
            peer.say(format!("{head}{body}").as_bytes());
        }
    })
}

/// Calls WeChat for an account of a platform.
fn list_as_platform(server: &Server, refresh_token: Option<&str>) -> Error {
    let set = [
        ("component_appid", "wx0c00000000000001"),
        ("component_appsecret", "APP-SECRET/1"),
        ("account", "wx0a00000000000001"),
        ("max_retries", "0"),
    ];
    let client = client(&server.url(), &set);
    client.set_ticket("TICKET/1@@@").unwrap();
    if let Some(token) = refresh_token {
        client.add_account("wx0a00000000000001", token).unwrap();
    }
    client.get_linked(None).unwrap_err()
}

fn json_answer(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Every secret of a platform, sent or received, in forms in which a server may repeat it.
const REPEATED: &str = "APP-SECRET/1 APP-SECRET%2F1 TICKET/1@@@ ticket%2f1%40%40%40 \
    COMPONENT-TOKEN/1 COMPONENT-TOKEN\\/1 REFRESH-TOKEN/1 REFRESH-TOKEN%252F1";

/// Parts of these secrets, none of which may remain in a text.
const PARTS: [&str; 5] = [
    "app-secret",
    "ticket/",
    "ticket%",
    "component-token",
    "refresh-token",
];

#[track_caller]
fn expect_no_secret(error: &Error, parts: &[&str]) {
    let body = error.response().map_or(&[][..], Response::body);
    for text in [
        error.message(),
        error.trace(),
        format!("{error:?}"),
        error.errmsg().to_owned(),
        String::from_utf8(body.to_vec()).unwrap(),
    ] {
        let text = text.to_lowercase();
        assert!(!parts.iter().any(|part| text.contains(part)), "{text}");
    }
}

/// The first error that a new platform meets. Its request has an empty token, which must not be
/// replaced in the message.
#[test]
fn the_refusal_of_an_appsecret_is_readable() {
    let refusal =
        r#"{"errcode":40125,"errmsg":"invalid appsecret rid: 6-1-2, requestIP: 9.8.7.6"}"#;
    let server = platform_server("api_component_token", json_answer(refusal));
    let error = list_as_platform(&server, Some("REFRESH-TOKEN/1"));
    assert_eq!(
        (error.status(), error.errcode()),
        (Status::NoToken, Some(40125))
    );
    let errmsg = "invalid appsecret rid: 6-1-2, requestIP: 9.8.7.6";
    assert_eq!(error.errmsg(), errmsg);
    assert_eq!((error.rid(), error.request_ip()), ("6-1-2", "9.8.7.6"));
    let message = error.message();
    let head = "getLinkMiniprogram: NO_TOKEN: api_component_token: WeChat answered 40125";
    assert!(message.starts_with(head), "{message}");
}

#[test]
fn secrets_that_a_token_endpoint_repeats_are_removed() {
    let refusal = format!(
        r#"{{"errcode":61023,"component_verify_ticket":"T",
            "authorizer_refresh_token":"REFRESH-TOKEN/9",
            "list":[{{"refresh_token":"REFRESH-TOKEN/8"}}],"raw":"{raw}",
            "errmsg":"{raw} REFRESH-TOKEN/9 REFRESH-TOKEN/8 rid: 6-1-2"}}"#,
        raw = REPEATED.replace('\\', "\\\\"),
    );
    // In the first one, the URL's host ends within the secret.
    let answers = [
        "302 Found\r\nLocation: http://REPEATED/x".replace("REPEATED", "REFRESH-TOKEN/1"),
        format!("302 Found\r\nLocation: http://h/{REPEATED}"),
        format!("302 Found\r\nLocation: //{REPEATED}"),
        format!("302 Found\r\nLocation: http://{REPEATED}@{REPEATED}:80"),
        format!("200 OK\r\nContent-Encoding: {REPEATED}"),
        format!("400 {REPEATED}\r\nX: {REPEATED}"),
    ];
    let answers = answers.map(|head| format!("HTTP/1.1 {head}\r\nContent-Length: 0\r\n\r\n"));
    for answer in answers.iter().cloned().chain([json_answer(&refusal)]) {
        for endpoint in [
            "api_authorizer_token",
            "api_get_authorizer_list",
            "api_component_token",
        ] {
            let server = platform_server(endpoint, answer.clone());
            // Without a refresh token, the client requests the list of accounts.
            let refresh_token =
                (endpoint != "api_get_authorizer_list").then_some("REFRESH-TOKEN/1");
            let error = list_as_platform(&server, refresh_token);
            assert_eq!(error.status(), Status::NoToken, "{error}");
            // The client does not know secrets that it has neither sent nor received.
            let known = match endpoint {
                "api_component_token" => &PARTS[..3],
                "api_get_authorizer_list" => &PARTS[..4],
                _ => &PARTS[..],
            };
            expect_no_secret(&error, known);
            if error.errcode().is_some() {
                assert_eq!(error.rid(), "6-1-2", "{error:?}");
            }
        }
    }
}

/// A server may repeat the secrets of earlier requests in its response.
#[test]
fn secrets_of_earlier_requests_are_removed() {
    let body = REPEATED.replace('\\', "\\\\");
    let body = format!(r#"{{"errcode":48001,"errmsg":"{body} ACCOUNT-TOKEN/1 REFRESH-TOKEN/2"}}"#);
    let server = platform_server("wxamplinkget", json_answer(&body));
    let error = list_as_platform(&server, Some("REFRESH-TOKEN/1"));
    assert_eq!(error.errcode(), Some(48001), "{error}");
    let shown = error.errmsg().to_lowercase();
    assert!(!PARTS.iter().any(|part| shown.contains(part)), "{shown}");
    assert!(
        shown.ends_with(" [access_token] [refresh_token]"),
        "{shown}"
    );
}
