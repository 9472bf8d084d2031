//! Serves the metrics at `/metrics`, over HTTP/1.1 without keep-alive. A slow or broken client
//! costs a thread for a few seconds, and never the work that is measured.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::text::CONTENT_TYPE;

/// How many requests are served at the same time. Further connections are closed.
const MAX_CONNECTIONS: usize = 16;
/// How long a client may take to send its request, and to take the response.
const CLIENT_LIMIT: Duration = Duration::from_secs(5);
/// The longest head of a request.
const MAX_HEAD_BYTES: usize = 8 << 10;
/// The pause after a connection could not be accepted, because the process has no file descriptor
/// left for instance.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(20);

/// Makes the metrics.
type Collector = dyn Fn() -> String + Send + Sync;

/// A listener on a thread of its own. It ends when it is dropped.
pub struct Listener {
    address: SocketAddr,
    is_stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Starts to listen. `collect` makes the metrics for each request, and may block.
    ///
    /// # Errors
    /// The address cannot be listened on, or no thread can be started.
    pub fn start(
        address: SocketAddr,
        collect: impl Fn() -> String + Send + Sync + 'static,
    ) -> io::Result<Listener> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let is_stopped = Arc::new(AtomicBool::new(false));
        let stop = is_stopped.clone();
        let thread = thread::Builder::new().name("wxlink-metrics".into());
        let thread = thread.spawn(move || accept(&listener, &stop, &Arc::new(collect)))?;
        Ok(Listener {
            address,
            is_stopped,
            thread: Some(thread),
        })
    }

    /// The address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::Release);
        // Wakes the thread. An address of all interfaces is reached at loopback.
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                SocketAddr::V4(_) => [127, 0, 0, 1].into(),
                SocketAddr::V6(_) => [0, 0, 0, 0, 0, 0, 0, 1].into(),
            });
        }
        let woken = TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok();
        if let Some(thread) = self.thread.take().filter(|_| woken) {
            let _ = thread.join();
        }
    }
}

fn accept<C>(listener: &TcpListener, is_stopped: &AtomicBool, collect: &Arc<C>)
where
    C: Fn() -> String + Send + Sync + 'static,
{
    loop {
        let accepted = listener.accept();
        if is_stopped.load(Ordering::Acquire) {
            return;
        }
        let Ok((stream, _)) = accepted else {
            thread::sleep(ACCEPT_RETRY_DELAY);
            continue;
        };
        // Each thread that serves a request holds one reference.
        if Arc::strong_count(collect) > MAX_CONNECTIONS {
            continue;
        }
        let collect = collect.clone();
        let thread = thread::Builder::new().name("wxlink-scrape".into());
        // Without a thread, the connection is closed.
        let _ = thread.spawn(move || {
            // A client that goes away misses its response.
            let _ = respond(stream, &*collect);
        });
    }
}

/// Reads one request, writes the response and closes the connection.
fn respond(mut stream: TcpStream, collect: &Collector) -> io::Result<()> {
    let until = Instant::now() + CLIENT_LIMIT;
    let mut head = Vec::new();
    while !head.windows(4).any(|w| w == b"\r\n\r\n") {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || head.len() > MAX_HEAD_BYTES {
            return Ok(());
        }
        stream.set_read_timeout(Some(left))?;
        let mut part = [0; 1024];
        match stream.read(&mut part)? {
            0 => return Ok(()),
            n => head.extend_from_slice(&part[..n]),
        }
    }
    let request = String::from_utf8_lossy(&head);
    let mut words = request.split_ascii_whitespace();
    let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let path = target.split('?').next().unwrap_or("");
    let (status, body) = match (method, path) {
        ("GET" | "HEAD", "/metrics") => ("200 OK", collect()),
        (_, "/metrics") => ("405 Method Not Allowed\r\nAllow: GET", String::new()),
        _ => ("404 Not Found", "no such path\n".to_owned()),
    };
    let length = body.len();
    let mut response = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {length}\r\n\
         Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    );
    if method != "HEAD" {
        response += &body;
    }
    stream.set_write_timeout(Some(CLIENT_LIMIT))?;
    stream.write_all(response.as_bytes())?;
    stream.shutdown(Shutdown::Write)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: ([u8; 4], u16) = ([127, 0, 0, 1], 0);

    fn send(listener: &Listener, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(listener.address()).unwrap();
        stream.write_all(request).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    }

    #[test]
    fn metrics_are_made_for_each_request() {
        let count = Arc::new(std::sync::atomic::AtomicU32::new(0));
        let counter = count.clone();
        let collect = move || format!("n {}\n", counter.fetch_add(1, Ordering::SeqCst));
        let listener = Listener::start(ANY.into(), collect).unwrap();
        for n in 0..3 {
            let response = send(&listener, b"GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\n\r\n");
            assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
            assert!(response.contains(CONTENT_TYPE), "{response}");
            assert!(
                response.ends_with(&format!("\r\n\r\nn {n}\n")),
                "{response}"
            );
        }
        let head = send(&listener, b"HEAD /metrics HTTP/1.1\r\n\r\n");
        assert!(
            head.contains("Content-Length: 4\r\n") && head.ends_with("\r\n\r\n"),
            "{head}"
        );
        let made = count.load(Ordering::SeqCst);
        let other = send(&listener, b"GET / HTTP/1.1\r\n\r\n");
        assert!(other.starts_with("HTTP/1.1 404 "), "{other}");
        let post = send(&listener, b"POST /metrics HTTP/1.1\r\n\r\n");
        assert!(post.starts_with("HTTP/1.1 405 "), "{post}");
        assert!(post.contains("\r\nAllow: GET\r\n"), "{post}");
        assert_eq!(count.load(Ordering::SeqCst), made);
    }

    #[test]
    fn a_client_that_sends_nothing_does_not_block_others() {
        let listener = Listener::start(ANY.into(), || "n 1\n".into()).unwrap();
        let silent = TcpStream::connect(listener.address()).unwrap();
        let response = send(&listener, b"GET /metrics HTTP/1.1\r\n\r\n");
        assert!(response.ends_with("n 1\n"), "{response}");
        drop(silent);
    }

    #[test]
    fn an_endless_request_is_not_read_to_the_end() {
        let listener = Listener::start(ANY.into(), || "n 1\n".into()).unwrap();
        let mut stream = TcpStream::connect(listener.address()).unwrap();
        let started = Instant::now();
        // The connection is closed, at the latest after the limit of a client.
        while stream.write_all(&[b'a'; 4096]).is_ok() {
            assert!(started.elapsed() < Duration::from_secs(60));
        }
    }

    #[test]
    fn a_dropped_listener_frees_its_address() {
        let listener = Listener::start(ANY.into(), String::new).unwrap();
        let address = listener.address();
        drop(listener);
        drop(TcpListener::bind(address).unwrap());
    }
}
