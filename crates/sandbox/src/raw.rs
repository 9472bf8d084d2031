//! Answers written past the HTTP server, byte by byte, and the ways a connection can end.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::bomb;
use crate::faults;
use crate::state::JSON;

/// A connection as the faults see it.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// The TCP connection at its bottom.
    fn tcp(&self) -> &TcpStream;
}

impl Transport for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Transport for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// How a connection ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// In order: with TLS's farewell where there is TLS, then FIN.
    Close,
    /// With FIN alone, as when a process dies.
    Abrupt,
    /// With RST.
    Reset,
}

/// What follows the head.
pub(crate) enum Payload {
    Bytes(Bytes),
    /// JSON with a text in it that makes it this long.
    Huge(u64),
    /// JSON with this many arrays inside each other.
    Deep(usize),
    /// Gzip that unpacks to this many bytes.
    GzipBomb(u64),
}

impl Payload {
    pub(crate) fn truncate(&mut self, length: usize) {
        if let Self::Bytes(bytes) = self {
            bytes.truncate(length);
        }
    }
}

/// What to do with a connection that was taken over.
pub(crate) struct Script {
    head: String,
    pub(crate) payload: Payload,
    /// So many bytes at a time, with so much time between.
    pub(crate) pace: Option<(usize, Duration)>,
    ending: Ending,
}

const HUGE_START: &[u8] = br#"{"errcode":0,"errmsg":"ok","padding":""#;
const HUGE_END: &[u8] = br#""}"#;
const DEEP_START: &[u8] = br#"{"errcode":0,"errmsg":"ok","deep":"#;
const PIECE: usize = 64 * 1024;

impl Script {
    /// Says nothing.
    pub(crate) fn silent(ending: Ending) -> Self {
        Self {
            head: String::new(),
            payload: Payload::Bytes(Bytes::new()),
            pace: None,
            ending,
        }
    }

    /// Says something that is not HTTP.
    pub(crate) fn garbage() -> Self {
        const GARBAGE: &[u8] =
            b"\x00\x16\xfe\xffThis is not the HTTP you are looking for\r\n\r\n\x80\x81";
        Self {
            payload: Payload::Bytes(Bytes::from_static(GARBAGE)),
            ..Self::silent(Ending::Close)
        }
    }

    /// An answer in order, with these header lines besides the usual ones.
    pub(crate) fn answer(body: Bytes, headers: &str, ending: Ending) -> Self {
        Self {
            head: format!(
                "HTTP/1.1 200 OK\r\nContent-Type: {JSON}\r\nContent-Length: {}\r\n{headers}\r\n",
                body.len()
            ),
            payload: Payload::Bytes(body),
            ..Self::silent(ending)
        }
    }

    /// An answer without a length.
    pub(crate) fn close_delimited(body: Bytes) -> Self {
        Self {
            head: format!("HTTP/1.1 200 OK\r\nContent-Type: {JSON}\r\nConnection: close\r\n\r\n"),
            payload: Payload::Bytes(body),
            ..Self::silent(Ending::Close)
        }
    }

    /// An answer whose payload makes its own head.
    pub(crate) fn of(payload: Payload) -> Self {
        Self {
            payload,
            ..Self::silent(Ending::Close)
        }
    }

    /// An answer made to measure.
    pub(crate) fn made_to_measure(body: &faults::Body) -> Self {
        let bytes = body.bytes();
        let reason = hyper::StatusCode::from_u16(body.status)
            .ok()
            .and_then(|status| status.canonical_reason())
            .unwrap_or("");
        let version = if body.http10 { "1.0" } else { "1.1" };
        let mut head = format!("HTTP/{version} {} {reason}\r\n", body.status);
        let usual = [
            Some(("Content-Type", JSON.to_owned())),
            Some(("Connection", "close".to_owned())),
            Some(if body.chunked {
                ("Transfer-Encoding", "chunked".to_owned())
            } else {
                ("Content-Length", bytes.len().to_string())
            }),
        ];
        for (name, value) in usual.into_iter().flatten() {
            if !body
                .headers
                .keys()
                .any(|own| own.eq_ignore_ascii_case(name))
            {
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

/// A body in chunks: at least two where it has two bytes, so that nobody reads just one.
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

/// Carries out a script. A client that goes away meanwhile is none of our concern.
pub(crate) async fn perform(script: Script, mut stream: impl Transport) {
    let said = say(&script, &mut stream).await;
    end(script.ending, stream, said.is_ok()).await;
}

/// Ends a connection.
pub(crate) async fn end(ending: Ending, mut stream: impl Transport, healthy: bool) {
    match ending {
        Ending::Close if healthy => {
            let _ = stream.shutdown().await;
        }
        Ending::Close | Ending::Abrupt => {}
        Ending::Reset => {
            // With no time to linger, closing sends RST.
            let _ = stream.tcp().set_zero_linger();
        }
    }
}

async fn say(script: &Script, stream: &mut impl Transport) -> io::Result<()> {
    if let Some((bytes, every)) = script.pace {
        let Payload::Bytes(payload) = &script.payload else {
            return Ok(());
        };
        let all = [script.head.as_bytes(), payload].concat();
        for (index, piece) in all.chunks(bytes).enumerate() {
            if index > 0 {
                tokio::time::sleep(every).await;
            }
            stream.write_all(piece).await?;
            stream.flush().await?;
        }
        return Ok(());
    }
    match &script.payload {
        Payload::Bytes(bytes) => {
            // In one piece where it fits, as a server would.
            stream
                .write_all(&[script.head.as_bytes(), bytes].concat())
                .await?;
        }
        Payload::Huge(bytes) => {
            head(stream, *bytes, "").await?;
            stream.write_all(HUGE_START).await?;
            fill(
                stream,
                b'x',
                bytes - (HUGE_START.len() + HUGE_END.len()) as u64,
            )
            .await?;
            stream.write_all(HUGE_END).await?;
        }
        Payload::Deep(levels) => {
            let levels = *levels as u64;
            head(stream, DEEP_START.len() as u64 + 2 * levels.max(1) + 1, "").await?;
            stream.write_all(DEEP_START).await?;
            fill(stream, b'[', levels.max(1)).await?;
            fill(stream, b']', levels.max(1)).await?;
            stream.write_all(b"}").await?;
        }
        Payload::GzipBomb(bytes) => {
            let bomb = bomb::gzip(*bytes);
            head(stream, bomb.len() as u64, "Content-Encoding: gzip\r\n").await?;
            stream.write_all(&bomb).await?;
        }
    }
    stream.flush().await
}

async fn head(stream: &mut impl Transport, length: u64, headers: &str) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {JSON}\r\nContent-Length: {length}\r\n{headers}Connection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await
}

async fn fill(stream: &mut impl Transport, byte: u8, mut count: u64) -> io::Result<()> {
    let piece = [byte; PIECE];
    while count > 0 {
        let now = count.min(PIECE as u64) as usize;
        stream.write_all(&piece[..now]).await?;
        count -= now as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_at_least_two() {
        assert_eq!(chunked(b"abc"), b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n");
        assert_eq!(chunked(b""), b"0\r\n\r\n");
    }

    #[test]
    fn usual_headers_can_be_replaced_and_left_out() {
        let body: faults::Body = serde_json::from_str(
            r#"{"text":"hi","http10":true,"headers":{"content-type":"text/plain","CONNECTION":null,"X-A":"b"}}"#,
        )
        .unwrap();
        assert_eq!(
            Script::made_to_measure(&body).head,
            "HTTP/1.0 200 OK\r\nContent-Length: 2\r\nX-A: b\r\ncontent-type: text/plain\r\n\r\n"
        );
    }
}
