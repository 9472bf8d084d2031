//! What the tests share: a plain-spoken HTTP client that hides nothing.
#![allow(dead_code, reason = "not every test file needs all of it")]

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use wxlink_sandbox::{Policy, Sandbox, Settings};

pub const ACCOUNT: &str = "wx0a00000000000001";
pub const TOKEN: &str = "SANDBOX-TOKEN";
pub const APPID: &str = "wx0b00000000000001";

/// Longer than anything here should take, even on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

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
    stream.set_read_timeout(Some(PATIENCE)).expect("sets");
    stream
}

/// A request as bytes.
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

/// Sends a request over a connection of its own and returns all that comes until it ends.
pub fn exchange(sandbox: &Sandbox, request: &str) -> (Vec<u8>, Option<io::ErrorKind>) {
    let mut stream = connect(sandbox);
    stream.write_all(request.as_bytes()).expect("sends");
    drain(&mut stream)
}

/// All that comes until the connection ends, and how it ended if not in order.
pub fn drain(stream: &mut impl Read) -> (Vec<u8>, Option<io::ErrorKind>) {
    let mut bytes = Vec::new();
    let mut piece = [0; 64 * 1024];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => return (bytes, None),
            Ok(read) => bytes.extend_from_slice(&piece[..read]),
            Err(error) => return (bytes, Some(error.kind())),
        }
    }
}

/// An answer taken apart.
pub struct Answer {
    pub status: u16,
    /// Status line and headers.
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }
}

/// Takes apart all that came over a connection.
pub fn parse(bytes: &[u8]) -> Answer {
    let end = bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .expect("a head");
    let head = String::from_utf8(bytes[..end].to_vec()).expect("text");
    Answer {
        status: head[9..12].parse().expect("a status"),
        body: bytes[end + 4..].to_vec(),
        head,
    }
}

/// Sends a request and reads its answer by its length, as a client with a pool would.
pub fn over<S: Read + Write>(stream: &mut S, request: &str) -> io::Result<Answer> {
    stream.write_all(request.as_bytes())?;
    stream.flush()?;
    // One byte at a time would do as well: nothing after the answer may be swallowed.
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
    Ok(Answer {
        status: head[9..12].parse().expect("a status"),
        head,
        body,
    })
}

/// One call over a connection of its own.
pub fn call(sandbox: &Sandbox, endpoint: &str, token: &str, body: &str) -> Value {
    let request = request("POST", &target(endpoint, token), body);
    let answer = over(&mut connect(sandbox), &request).expect("an answer");
    assert_eq!(answer.status, 200);
    answer.json()
}

pub fn link(sandbox: &Sandbox, appid: &str) -> i64 {
    errcode(&call(sandbox, "link", TOKEN, &link_body(appid)))
}

pub fn unlink(sandbox: &Sandbox, appid: &str) -> i64 {
    let body = json!({ "appid": appid }).to_string();
    errcode(&call(sandbox, "unlink", TOKEN, &body))
}

pub fn items(sandbox: &Sandbox) -> Vec<Value> {
    let answer = call(sandbox, "get", TOKEN, "{}");
    answer["wxopens"]["items"]
        .as_array()
        .expect("items")
        .clone()
}

/// The statuses in the list, in order.
pub fn statuses(sandbox: &Sandbox) -> Vec<i64> {
    items(sandbox)
        .iter()
        .map(|item| item["status"].as_i64().expect("a status"))
        .collect()
}

pub fn errcode(answer: &Value) -> i64 {
    answer["errcode"].as_i64().expect("a code")
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

pub fn fault(sandbox: &Sandbox, rule: Value) {
    admin(sandbox, "POST", "faults", rule);
}
