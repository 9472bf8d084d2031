//! Responses written byte by byte, past the HTTP server, and the ways in which a connection ends.
//!
//! A script only describes what is written; `http::raw` writes it.

use std::time::Duration;

use bytes::Bytes;

use crate::faults::fault::CustomBody;
use crate::wechat::call::JSON_TYPE;

/// How a connection ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// In order: with TLS's `close_notify` if the connection uses TLS, then FIN.
    Close,
    /// With FIN but without `close_notify`, as when a process dies.
    Abrupt,
    /// With RST.
    Reset,
}

/// What follows the head.
pub(crate) enum Payload {
    Bytes(Bytes),
    /// The head, and JSON of this many bytes.
    Huge(u64),
    /// The head, and JSON with this many nested arrays.
    Deep(usize),
}

impl Payload {
    pub(crate) fn truncate(&mut self, length: usize) {
        if let Self::Bytes(bytes) = self {
            bytes.truncate(length);
        }
    }
}

/// How fast a response is written.
pub(crate) struct Pace {
    /// How many bytes are written at a time.
    pub(crate) bytes: usize,
    /// The pause before the next bytes.
    pub(crate) interval: Duration,
}

/// What is written to a connection that was taken from the HTTP server.
pub(crate) struct Script {
    pub(crate) head: String,
    pub(crate) payload: Payload,
    /// `None`: as fast as possible.
    pub(crate) pace: Option<Pace>,
    pub(crate) ending: Ending,
}

impl Script {
    /// Writes nothing.
    pub(crate) fn silent(ending: Ending) -> Self {
        Self {
            head: String::new(),
            payload: Payload::Bytes(Bytes::new()),
            pace: None,
            ending,
        }
    }

    /// Writes bytes that are not HTTP.
    pub(crate) fn garbage() -> Self {
        const GARBAGE: &[u8] = b"\x00\x16\xfe\xffThese bytes are not HTTP\r\n\r\n\x80\x81";
        Self {
            payload: Payload::Bytes(Bytes::from_static(GARBAGE)),
            ..Self::silent(Ending::Close)
        }
    }

    /// A valid response. `headers` are complete header lines, added to the usual ones.
    pub(crate) fn response(body: Bytes, headers: &str, ending: Ending) -> Self {
        let length = body.len();
        Self {
            head: format!(
                "HTTP/1.1 200 OK\r\nContent-Type: {JSON_TYPE}\r\nContent-Length: {length}\r\n\
                 {headers}\r\n"
            ),
            payload: Payload::Bytes(body),
            ..Self::silent(ending)
        }
    }

    /// A response without a length: it ends with the connection.
    pub(crate) fn close_delimited(body: Bytes) -> Self {
        Self {
            head: format!(
                "HTTP/1.1 200 OK\r\nContent-Type: {JSON_TYPE}\r\nConnection: close\r\n\r\n"
            ),
            payload: Payload::Bytes(body),
            ..Self::silent(Ending::Close)
        }
    }

    /// A response that is generated while it is written, head included.
    pub(crate) fn generated(payload: Payload) -> Self {
        Self {
            payload,
            ..Self::silent(Ending::Close)
        }
    }

    /// A response as a test describes it.
    pub(crate) fn custom(body: &CustomBody) -> Self {
        let bytes = body.bytes();
        let reason = hyper::StatusCode::from_u16(body.status)
            .ok()
            .and_then(|status| status.canonical_reason())
            .unwrap_or("");
        let version = if body.http10 { "1.0" } else { "1.1" };
        let mut head = format!("HTTP/{version} {} {reason}\r\n", body.status);
        let usual = [
            ("Content-Type", JSON_TYPE.to_owned()),
            ("Connection", "close".to_owned()),
            if body.chunked {
                ("Transfer-Encoding", "chunked".to_owned())
            } else {
                ("Content-Length", bytes.len().to_string())
            },
        ];
        for (name, value) in usual {
            let mut given = body.headers.keys();
            if !given.any(|given| given.eq_ignore_ascii_case(name)) {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        for (name, value) in &body.headers {
            if let Some(value) = value {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        head.push_str("\r\n");
        let payload = if body.chunked { chunked(&bytes) } else { bytes };
        Self {
            head,
            payload: Payload::Bytes(payload.into()),
            ..Self::silent(Ending::Close)
        }
    }
}

/// A body in chunks: two at least if it has two bytes, so that a client that reads only the first
/// chunk fails.
fn chunked(body: &[u8]) -> Vec<u8> {
    let size = body.len().div_ceil(2).clamp(1, 4096);
    let mut out = Vec::with_capacity(body.len() + 64);
    for chunk in body.chunks(size) {
        out.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        out.extend_from_slice(chunk);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"0\r\n\r\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunked_body_has_at_least_two_chunks() {
        assert_eq!(chunked(b"abc"), b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n");
        assert_eq!(chunked(b""), b"0\r\n\r\n");
    }

    #[test]
    fn usual_headers_can_be_replaced_and_omitted() {
        let body: CustomBody = serde_json::from_str(
            r#"{"text": "hi", "http10": true,
                "headers": {"content-type": "text/plain", "CONNECTION": null, "X-A": "b"}}"#,
        )
        .unwrap();
        assert_eq!(
            Script::custom(&body).head,
            "HTTP/1.0 200 OK\r\nContent-Length: 2\r\nX-A: b\r\ncontent-type: text/plain\r\n\r\n"
        );
    }
}
