//! A minimal HTTP client and helpers that the tests share.
//!
//! The client shows every byte of a response, which ordinary clients do not.
#![allow(dead_code, reason = "every test file uses only a part")]

pub mod receiver;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use wxlink_sandbox::{Policy, Sandbox, Settings};

pub const ACCOUNT: &str = "wx0a00000000000001";
pub const TOKEN: &str = "SANDBOX-TOKEN";
pub const APPID: &str = "wx0b00000000000001";

/// How long a test waits for a response: longer than it takes, even on a busy machine.
pub const TIMEOUT: Duration = Duration::from_secs(60);

pub fn start() -> Sandbox {
    Sandbox::start(Settings::default()).expect("starts")
}

pub fn start_with(policy: Value) -> Sandbox {
    let policy: Policy = serde_json::from_value(policy).expect("a policy");
    Sandbox::start(Settings {
        policy,
        ..Settings::default()
    })
    .expect("starts")
}

pub fn host(url: &str) -> &str {
    url.split_once("://").expect("a URL").1
}

pub fn connect(sandbox: &Sandbox) -> TcpStream {
    let stream = TcpStream::connect(host(sandbox.http_url())).expect("connects");
    stream.set_read_timeout(Some(TIMEOUT)).expect("sets");
    stream
}

/// An HTTP request as text.
pub fn request(method: &str, target: &str, body: &str) -> String {
    format!(
        "{method} {target} HTTP/1.1\r\nHost: sandbox\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub fn target(endpoint: &str, token: &str) -> String {
    let path = match endpoint {
        "link" => "wxamplink",
        "get" => "wxamplinkget",
        "unlink" => "wxampunlink",
        other => panic!("no endpoint {other}"),
    };
    format!("/cgi-bin/wxopen/{path}?access_token={token}")
}

pub fn link_body(appid: &str) -> String {
    json!({"appid": appid, "notify_users": 0, "show_profile": 1}).to_string()
}

/// The request of an ordinary `wxamplinkget`.
pub fn get_request() -> String {
    request("POST", &target("get", TOKEN), "{}")
}

/// The request of an ordinary `wxamplink`.
pub fn link_request() -> String {
    request("POST", &target("link", TOKEN), &link_body(APPID))
}

/// What a connection brought until it ended.
pub struct Received {
    pub bytes: Vec<u8>,
    /// How it ended; `None`: in order.
    pub error: Option<io::ErrorKind>,
}

/// Sends a request over a new connection and reads until the connection ends.
pub fn exchange(sandbox: &Sandbox, request: &str) -> Received {
    let mut stream = connect(sandbox);
    stream.write_all(request.as_bytes()).expect("sends");
    read_to_end(&mut stream)
}

/// Reads until the connection ends.
pub fn read_to_end(stream: &mut impl Read) -> Received {
    let mut bytes = Vec::new();
    let mut piece = [0; 64 * 1024];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => return Received { bytes, error: None },
            Ok(read) => bytes.extend_from_slice(&piece[..read]),
            Err(error) => {
                let error = Some(error.kind());
                return Received { bytes, error };
            }
        }
    }
}

/// A parsed response.
pub struct Response {
    pub status: u16,
    /// The status line and the headers.
    pub head: String,
    pub body: Vec<u8>,
}

impl Response {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }
}

/// Parses everything that a connection brought as one response.
pub fn parse(bytes: &[u8]) -> Response {
    let end = bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .expect("a head");
    let head = String::from_utf8(bytes[..end].to_vec()).expect("text");
    Response {
        status: head[9..12].parse().expect("a status"),
        body: bytes[end + 4..].to_vec(),
        head,
    }
}

/// Sends a request and reads the response by its length, so that the connection can be used again.
pub fn send<S: Read + Write>(stream: &mut S, request: &str) -> io::Result<Response> {
    stream.write_all(request.as_bytes())?;
    stream.flush()?;
    // A larger buffer could read beyond the response.
    let mut reader = BufReader::with_capacity(1, stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "))
        .map_or(0, |length| length.parse().expect("a length"));
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Response {
        status: head[9..12].parse().expect("a status"),
        head,
        body,
    })
}

/// Calls an endpoint over a new connection.
pub fn call(sandbox: &Sandbox, endpoint: &str, token: &str, body: &str) -> Value {
    let request = request("POST", &target(endpoint, token), body);
    let response = send(&mut connect(sandbox), &request).expect("a response");
    assert_eq!(response.status, 200);
    response.json()
}

pub fn link(sandbox: &Sandbox, appid: &str) -> i64 {
    errcode(&call(sandbox, "link", TOKEN, &link_body(appid)))
}

pub fn unlink(sandbox: &Sandbox, appid: &str) -> i64 {
    let body = json!({ "appid": appid }).to_string();
    errcode(&call(sandbox, "unlink", TOKEN, &body))
}

pub fn items(sandbox: &Sandbox) -> Vec<Value> {
    let response = call(sandbox, "get", TOKEN, "{}");
    response["wxopens"]["items"]
        .as_array()
        .expect("items")
        .clone()
}

/// The statuses of the items in the list, in order.
pub fn statuses(sandbox: &Sandbox) -> Vec<i64> {
    items(sandbox)
        .iter()
        .map(|item| item["status"].as_i64().expect("a status"))
        .collect()
}

pub fn errcode(response: &Value) -> i64 {
    response["errcode"].as_i64().expect("an errcode")
}

pub fn admin(sandbox: &Sandbox, method: &str, path: &str, body: Value) -> Value {
    sandbox
        .admin(method, path, &body)
        .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
}

pub fn decide(sandbox: &Sandbox, by: &str, decision: &str) -> Value {
    let body = json!({"account": ACCOUNT, "appid": APPID, "by": by, "decision": decision});
    admin(sandbox, "POST", "approvals", body)
}

pub fn advance(sandbox: &Sandbox, seconds: u64) {
    admin(sandbox, "POST", "clock", json!({"advance_s": seconds}));
}

pub fn fault(sandbox: &Sandbox, rule: Value) {
    admin(sandbox, "POST", "faults", rule);
}
