//! The platform's side of pushes: a URL that receives them, and their verification.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use aes::Aes256;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, STANDARD as BASE64};
use cbc::Decryptor;
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeDecrypt as _, KeyIvInit as _};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde_json::{Value, json};
use wxlink_sandbox::Sandbox;

use super::{TIMEOUT, admin};

pub const PUSH_TOKEN: &str = "pushtoken";
pub const KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
pub const PLATFORM: &str = "wx0c00000000000001";

/// A URL of the platform.
pub struct Receiver(TcpListener);

/// A push that arrived.
pub struct Push {
    pub target: String,
    /// The head of the request.
    pub head: String,
    pub body: Vec<u8>,
    stream: TcpStream,
}

impl Receiver {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
        listener.set_nonblocking(true).expect("sets");
        Self(listener)
    }

    pub fn url(&self) -> String {
        format!(
            "http://{}/events?x=1",
            self.0.local_addr().expect("an address")
        )
    }

    /// Sends pushes here: no tickets by themselves, and no pause before the next try. `more` are
    /// further settings.
    pub fn attach(&self, sandbox: &Sandbox, more: Value) -> Value {
        let mut settings = json!({
            "url": self.url(), "token": PUSH_TOKEN, "aes_key": KEY, "ticket_every_s": 0,
            "retry_after_ms": 0, "timeout_ms": 60000,
        });
        for (name, value) in more.as_object().expect("an object") {
            settings[name] = value.clone();
        }
        admin(sandbox, "PUT", "component/push", settings)
    }

    /// Waits for the next push.
    pub fn next(&self) -> Push {
        let mut stream = self.accept();
        stream.set_nonblocking(false).expect("sets");
        stream.set_read_timeout(Some(TIMEOUT)).expect("sets");
        let mut bytes = Vec::new();
        let mut piece = [0; 64 * 1024];
        loop {
            let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
            if let Some(end) = end {
                let head = String::from_utf8(bytes[..end].to_vec()).expect("text");
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("Content-Length: "))
                    .expect("a length");
                let length: usize = length.parse().expect("a number");
                if bytes.len() >= end + 4 + length {
                    return Push {
                        target: head.split(' ').nth(1).expect("a target").to_owned(),
                        head,
                        body: bytes[end + 4..].to_vec(),
                        stream,
                    };
                }
            }
            let read = stream.read(&mut piece).expect("reads");
            assert_ne!(read, 0, "the push ended early");
            bytes.extend_from_slice(&piece[..read]);
        }
    }

    fn accept(&self) -> TcpStream {
        let start = Instant::now();
        loop {
            match self.0.accept() {
                Ok((stream, _)) => return stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    assert!(start.elapsed() < TIMEOUT, "no push arrived");
                    std::thread::sleep(Duration::from_millis(2));
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Waits for the next push and answers `success`.
    pub fn accept_next(&self) -> Push {
        let mut push = self.next();
        push.answer("200 OK", "success");
        push
    }
}

impl Push {
    pub fn answer(&mut self, status: &str, body: &str) {
        let response = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        self.stream.write_all(response.as_bytes()).expect("answers");
    }

    pub fn parameter(&self, name: &str) -> &str {
        let (_, query) = self.target.split_once('?').expect("a query");
        query
            .split('&')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
            .unwrap_or_else(|| panic!("no {name} in {query}"))
    }

    /// The text of `Encrypt` as it stands in the document.
    fn encrypted(&self) -> String {
        let text = String::from_utf8(self.body.clone()).expect("text");
        between(&text, "<Encrypt><![CDATA[", "]]></Encrypt>").to_owned()
    }

    /// Verifies the push as a careful receiver does, and returns the event.
    pub fn open(&self) -> Result<String, &'static str> {
        self.open_with(KEY)
    }

    pub fn open_with(&self, key: &str) -> Result<String, &'static str> {
        let text = String::from_utf8(self.body.clone()).expect("text");
        if text.contains("<!DOCTYPE") {
            return Err("a document type");
        }
        let encrypted = self.encrypted();
        let encrypted = encrypted.trim();
        let signature = self.parameter("msg_signature");
        let (timestamp, nonce) = (self.parameter("timestamp"), self.parameter("nonce"));
        if signature != sha1(&[PUSH_TOKEN, timestamp, nonce, encrypted]) {
            return Err("the signature");
        }
        assert_eq!(self.parameter("encrypt_type"), "aes");
        let plain_signature = sha1(&[PUSH_TOKEN, timestamp, nonce]);
        assert_eq!(self.parameter("signature"), plain_signature);
        let mut bytes = BASE64.decode(encrypted).map_err(|_| "base64")?;
        let key = GeneralPurpose::new(
            &alphabet::STANDARD,
            NO_PAD.with_decode_allow_trailing_bits(true),
        )
        .decode(key)
        .expect("a key");
        let plain = Decryptor::<Aes256>::new_from_slices(&key, &key[..16])
            .expect("a key")
            .decrypt_padded::<NoPadding>(&mut bytes)
            .map_err(|_| "the length of the ciphertext")?;
        if plain.len() % 32 != 0 {
            return Err("the length of the ciphertext");
        }
        let count = usize::from(*plain.last().ok_or("nothing")?);
        if !(1..=32).contains(&count) {
            return Err("the padding");
        }
        let (plain, padding) = plain.split_at(plain.len() - count);
        if padding.iter().any(|byte| usize::from(*byte) != count) {
            return Err("the padding");
        }
        let length: [u8; 4] = plain[16..20].try_into().expect("four bytes");
        let length = u32::from_be_bytes(length) as usize;
        let message = plain[20..].get(..length).ok_or("the length")?;
        if &plain[20 + length..] != PLATFORM.as_bytes() {
            return Err("the appid");
        }
        let message = String::from_utf8(message.to_vec()).expect("text");
        if message.contains("<!DOCTYPE") {
            return Err("a document type");
        }
        Ok(message)
    }
}

fn sha1(parts: &[&str]) -> String {
    let mut parts = parts.to_vec();
    parts.sort_unstable();
    let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, parts.concat().as_bytes());
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

pub fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text
        .split_once(start)
        .unwrap_or_else(|| panic!("{start} in {text}"));
    rest.split_once(end).expect("an end").0
}

/// The value of a field of an event.
pub fn field<'a>(event: &'a str, name: &str) -> &'a str {
    let value = between(event, &format!("<{name}>"), &format!("</{name}>"));
    value
        .strip_prefix("<![CDATA[")
        .and_then(|value| value.strip_suffix("]]>"))
        .unwrap_or(value)
}

/// Waits until no push is pending, and returns the journal of pushes.
pub fn results(sandbox: &Sandbox) -> Vec<Value> {
    let start = Instant::now();
    loop {
        let journal = admin(sandbox, "GET", "pushes", Value::Null);
        if journal["pending"] == 0 {
            return journal["pushes"].as_array().expect("pushes").clone();
        }
        assert!(start.elapsed() < TIMEOUT, "{journal}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
