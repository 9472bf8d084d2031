//! Writes scripted responses to a connection, and ends connections in the way a fault asks for.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::faults::script::{Ending, Payload, Script};
use crate::wechat::call::JSON_TYPE;

const HUGE_START: &[u8] = br#"{"errcode":0,"errmsg":"ok","padding":""#;
const HUGE_END: &[u8] = br#""}"#;
const DEEP_START: &[u8] = br#"{"errcode":0,"errmsg":"ok","deep":"#;
const DEEP_END: &[u8] = b"}";
/// How many bytes of a generated body are written at a time.
const FILL_BYTES: usize = 64 * 1024;

/// A connection, with TLS or without.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// The TCP connection that carries it.
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

/// Carries out a script. Write errors are ignored: they mean that the client has
/// disconnected.
pub(crate) async fn perform(script: Script, mut stream: impl Transport) {
    let is_written = write_script(&script, &mut stream).await.is_ok();
    end(script.ending, stream, is_written).await;
}

/// Ends a connection. `is_usable` is false after a write error.
pub(crate) async fn end(ending: Ending, mut stream: impl Transport, is_usable: bool) {
    match ending {
        Ending::Close if is_usable => {
            let _ = stream.shutdown().await;
        }
        Ending::Close | Ending::Abrupt => {}
        Ending::Reset => {
            // With a linger time of zero, closing sends RST.
            let _ = stream.tcp().set_zero_linger();
        }
    }
}

async fn write_script(script: &Script, stream: &mut impl Transport) -> io::Result<()> {
    match &script.payload {
        Payload::Bytes(body) => {
            let response = [script.head.as_bytes(), body].concat();
            match &script.pace {
                // One write, as a server does.
                None => stream.write_all(&response).await?,
                Some(pace) => {
                    for (index, piece) in response.chunks(pace.bytes).enumerate() {
                        if index > 0 {
                            tokio::time::sleep(pace.interval).await;
                        }
                        stream.write_all(piece).await?;
                        stream.flush().await?;
                    }
                }
            }
        }
        Payload::Huge(bytes) => {
            let padding = bytes - (HUGE_START.len() + HUGE_END.len()) as u64;
            write_head(stream, *bytes).await?;
            stream.write_all(HUGE_START).await?;
            fill(stream, b'x', padding).await?;
            stream.write_all(HUGE_END).await?;
        }
        Payload::Deep(levels) => {
            let levels = levels.max(&1);
            let length = DEEP_START.len() + 2 * levels + DEEP_END.len();
            write_head(stream, length as u64).await?;
            stream.write_all(DEEP_START).await?;
            fill(stream, b'[', *levels as u64).await?;
            fill(stream, b']', *levels as u64).await?;
            stream.write_all(DEEP_END).await?;
        }
    }
    stream.flush().await
}

async fn write_head(stream: &mut impl Transport, length: u64) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {JSON_TYPE}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await
}

/// Writes the same byte `count` times.
async fn fill(stream: &mut impl Transport, byte: u8, mut count: u64) -> io::Result<()> {
    let piece = [byte; FILL_BYTES];
    while count > 0 {
        let length = count.min(FILL_BYTES as u64) as usize;
        stream.write_all(&piece[..length]).await?;
        count -= length as u64;
    }
    Ok(())
}
