//! One connection to one host, with the ureq agent that speaks HTTP over it.
//!
//! A lane serves one call at a time. That is what lets the layers below ureq know whose limits and
//! token they work with (see [`scope`](super::scope)), and what keeps threads out of each other's
//! way: they share no pool but the short list of idle lanes.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::{ClientConnection, StreamOwned};
use ureq::http::{self, header};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport,
};

use super::call_state::SharedCallState;
use super::dns::Unresolved;
use super::proxy;
use super::request::{RawResponse, TransportConfig};
use super::stream::Stream;
use crate::config::host::Host;
use crate::config::proxy::ProxyAddress;
use crate::model::attempt::Phase;
use crate::model::failure::Failure;
use crate::model::status::Status;
use crate::sys::cancel::CancelToken;

/// The largest head of an answer, and what is read at once of its body (bytes).
const INPUT: usize = 32 * 1024;
/// Room for the request as ureq writes it, without the token (bytes).
const OUTPUT: usize = 8 * 1024;
/// What follows the token in the request line.
const AFTER_TOKEN: &[u8] = b" HTTP/1.1\r\n";

/// A connection, open or yet to be opened.
pub(super) struct Connection {
    agent: ureq::Agent,
    pub scope: Arc<SharedCallState>,
    /// Which of the client's hosts it leads to.
    pub host: usize,
    pub idle_since: Instant,
}

impl Connection {
    pub fn new(setup: &Arc<TransportConfig>, host: usize, cancel: &Arc<CancelToken>) -> Connection {
        let scope = Arc::new(SharedCallState::new(cancel.clone()));
        // Everything ureq would do beyond speaking HTTP is off: the scope has the clock, the
        // connector the addresses, the proxy and the trust, and the client the retries.
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .user_agent(setup.user_agent.as_str())
            .accept("application/json")
            .accept_encoding(ureq::config::AutoHeaderValue::None)
            .max_response_header_size(INPUT)
            .max_idle_connections(1)
            .max_idle_connections_per_host(1)
            .max_idle_age(Duration::from_secs(24 * 3600))
            .build();
        let connector = HostConnector {
            setup: setup.clone(),
            scope: scope.clone(),
            host,
        };
        Connection {
            agent: ureq::Agent::with_parts(config, connector, NoResolver),
            scope,
            host,
            idle_since: Instant::now(),
        }
    }

    /// Posts `body` to `target`, the token at its end, and reads the answer whole. Failures the layers below saw themselves
    /// are in the scope; the rest is told from what ureq makes of the answer.
    pub fn post(
        &self,
        origin: &str,
        target: &str,
        body: &[u8],
        max: u64,
    ) -> Result<RawResponse, Failure> {
        self.exchange(origin, target, body, max).map_err(|fault| {
            let mut scope = self.scope.lock();
            match (scope.failure.take(), fault) {
                (Some(failure), _) => failure,
                (None, Fault::TooLarge) => Failure::new(
                    Status::TooLarge,
                    format!("the answer is larger than {max} bytes"),
                ),
                (None, _) if scope.ended => Failure::new(
                    Status::ConnectionLost,
                    match scope.phase {
                        Phase::Receive => "the connection ended in the middle of the answer",
                        _ => "the connection ended before the answer",
                    },
                ),
                (None, Fault::Http(what)) => Failure::new(Status::BadAnswer, what),
            }
        })
    }

    fn exchange(
        &self,
        origin: &str,
        target: &str,
        body: &[u8],
        max: u64,
    ) -> Result<RawResponse, Fault> {
        let request = http::Request::post(format!("{origin}{target}"))
            .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
            .body(body)
            .map_err(|_| Fault::Http("the request cannot be written as HTTP"))?;
        let response = self.agent.run(request).map_err(Fault::of)?;

        let (head, body) = response.into_parts();
        let text = |name| {
            let value = head.headers.get(name)?.to_str().ok()?;
            (!value.is_empty()).then(|| value.to_owned())
        };
        if body.content_length().is_some_and(|n| n > max) {
            return Err(Fault::TooLarge);
        }
        // Its announced length, where there is one, is got in one go.
        let mut bytes = Vec::with_capacity(body.content_length().map_or(0, |n| n as usize + 1));
        body.into_with_config()
            .limit(u64::MAX)
            .reader()
            .take(max + 1)
            .read_to_end(&mut bytes)
            .map_err(|_| Fault::Http("the answer's body breaks the rules of HTTP"))?;
        if bytes.len() as u64 > max {
            return Err(Fault::TooLarge);
        }
        self.scope.lock().phase = Phase::Done;
        Ok(RawResponse {
            http_status: head.status.as_u16(),
            encoding: text(header::CONTENT_ENCODING).filter(|e| e != "identity"),
            location: text(header::LOCATION),
            body: bytes,
        })
    }
}

/// What ureq stumbled over. Its own words are not kept: they may repeat what was sent.
enum Fault {
    Http(&'static str),
    TooLarge,
}

impl Fault {
    fn of(error: ureq::Error) -> Fault {
        Fault::Http(match error {
            ureq::Error::LargeResponseHeader(..) => "the answer's head is too large",
            ureq::Error::Io(_) => "the connection failed",
            _ => "the answer is not HTTP",
        })
    }
}

/// Opens the lane's connection when ureq finds none.
struct HostConnector {
    setup: Arc<TransportConfig>,
    scope: Arc<SharedCallState>,
    host: usize,
}

impl Connector for HostConnector {
    type Out = ConnectionTransport;

    fn connect(
        &self,
        _: &ConnectionDetails,
        _: Option<()>,
    ) -> Result<Option<ConnectionTransport>, ureq::Error> {
        self.scope.lock().reused = false;
        let connection = self.open().map_err(ureq::Error::Io)?;
        Ok(Some(ConnectionTransport {
            connection,
            scope: self.scope.clone(),
            buffers: LazyBuffers::new(INPUT, OUTPUT),
            outgoing: Vec::with_capacity(1024),
            in_call: false,
        }))
    }
}

impl HostConnector {
    fn open(&self) -> io::Result<SecureStream> {
        let host = self.host();
        if !host.tls {
            // A proxy would carry the token in the clear: the option is for https hosts alone.
            return self.dial(&host.name, host.port).map(SecureStream::Plain);
        }
        let settings = self.setup.proxy.as_ref();
        let Some(proxy) = settings.and_then(|settings| settings.proxy_for(&host.name)) else {
            return self.encrypt(self.dial(&host.name, host.port)?);
        };
        let stream = self
            .tunnel(proxy)
            .map_err(|e| self.scope.fail_at_proxy(proxy, &e))?;
        self.encrypt(stream).inspect_err(|_| {
            self.scope
                .add_to_failure(&format!(", through the proxy {proxy}"));
        })
    }

    /// Connects to the host through the proxy.
    fn tunnel(&self, proxy: &ProxyAddress) -> io::Result<Stream> {
        let host = self.host();
        let mut stream = self.dial(&proxy.host, proxy.port)?;
        self.scope.enter(Phase::Proxy);
        proxy::open_tunnel(&mut stream, proxy, &host.name, host.port)?;
        Ok(stream)
    }

    fn encrypt(&self, stream: Stream) -> io::Result<SecureStream> {
        self.scope.enter(Phase::Tls);
        let session = rustls::pki_types::ServerName::try_from(self.host().name.clone())
            .map_err(|e| e.to_string())
            .and_then(|name| {
                ClientConnection::new(self.setup.tls.clone(), name).map_err(|e| e.to_string())
            })
            .map_err(|e| self.scope.fail(Failure::new(Status::Tls, e)))?;
        let mut tls = StreamOwned::new(session, stream);
        while tls.conn.is_handshaking() {
            tls.conn.complete_io(&mut tls.sock).map_err(|e| {
                self.scope
                    .fail(Failure::new(Status::Tls, handshake_fault(&e)))
            })?;
        }
        Ok(SecureStream::Tls(Box::new(tls)))
    }

    /// Connects to a host or a proxy.
    fn dial(&self, name: &str, port: u16) -> io::Result<Stream> {
        let limit = self.scope.enter(Phase::Resolve);
        let cancel = self.scope.lock().cancel.clone();
        let addrs = self
            .setup
            .dns
            .lookup(name, port, limit, &cancel)
            .map_err(|e| {
                let failure = match e {
                    Unresolved::Refused(why) => {
                        Failure::new(Status::Resolve, format!("{name}: {why}"))
                    }
                    Unresolved::Stopped(stop) => self.scope.lock().stopped(stop),
                };
                self.scope.fail(failure)
            })?;
        if !self.host().tls {
            self.check_loopback(name, &addrs)?;
        }
        Stream::connect(&addrs, &self.scope).inspect_err(|_| self.setup.dns.forget(name, port))
    }

    /// Refuses an address that is not this machine's own: a name may call itself local and lead
    /// elsewhere, and plain HTTP would send the token there in the clear.
    fn check_loopback(&self, name: &str, addrs: &[SocketAddr]) -> io::Result<()> {
        let Some(other) = addrs.iter().find(|addr| !addr.ip().is_loopback()) else {
            return Ok(());
        };
        Err(self.scope.fail(Failure::new(
            Status::Connect,
            format!(
                "{name} leads to {}, and plain HTTP may only go to this machine's loopback. \
                 Write 127.0.0.1 or [::1] in base_url, or correct the name",
                other.ip()
            ),
        )))
    }

    fn host(&self) -> &Host {
        &self.setup.hosts[self.host]
    }
}

/// A handshake's failure in words; rustls' own are precise and know no secrets.
fn handshake_fault(error: &io::Error) -> String {
    match error
        .get_ref()
        .and_then(|e| e.downcast_ref::<rustls::Error>())
    {
        Some(e) => e.to_string(),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the host ended the connection during the handshake".into()
        }
        None => error.to_string(),
    }
}

/// Addresses are found where the connection is made; a connection in hand needs none.
#[derive(Debug)]
struct NoResolver;

impl Resolver for NoResolver {
    fn resolve(
        &self,
        _: &ureq::http::Uri,
        _: &ureq::config::Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        Ok(self.empty())
    }
}

enum SecureStream {
    Plain(Stream),
    Tls(Box<StreamOwned<ClientConnection, Stream>>),
}

/// What ureq writes to and reads from.
struct ConnectionTransport {
    connection: SecureStream,
    scope: Arc<SharedCallState>,
    buffers: LazyBuffers,
    /// What ureq has written and is not sent yet: a request leaves in one piece.
    outgoing: Vec<u8>,
    /// Whether a request was sent whose end ureq has not asked about yet.
    in_call: bool,
}

impl ConnectionTransport {
    fn send(&mut self) -> io::Result<()> {
        self.scope.enter(Phase::Send);
        {
            let scope = self.scope.lock();
            insert_token(&mut self.outgoing, &scope.token);
        }
        self.in_call = true;
        let sent = match &mut self.connection {
            SecureStream::Plain(stream) => stream.write_all(&self.outgoing),
            SecureStream::Tls(tls) => tls.write_all(&self.outgoing).and_then(|()| tls.flush()),
        };
        // The token is in it.
        self.outgoing.fill(0);
        self.outgoing.clear();
        sent.map_err(|e| self.broken(&e))?;
        self.scope.enter(Phase::Wait);
        Ok(())
    }

    /// Records that the connection broke, unless something more precise is recorded already.
    fn broken(&self, error: &io::Error) -> io::Error {
        let sent = self.scope.lock().sent;
        let status = if sent {
            Status::ConnectionLost
        } else {
            Status::Connect
        };
        self.scope
            .fail(Failure::new(status, error.kind().to_string()))
    }
}

/// Puts the token into the request line. ureq never sees it, since ureq logs whole URLs.
fn insert_token(request: &mut Vec<u8>, token: &str) {
    let mut places = request.windows(AFTER_TOKEN.len());
    if let Some(at) = places.position(|w| w == AFTER_TOKEN) {
        request.splice(at..at, token.bytes());
    }
}

impl Transport for ConnectionTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        self.outgoing
            .extend_from_slice(&self.buffers.output()[..amount]);
        Ok(())
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        if !self.outgoing.is_empty() {
            self.send()?;
        }
        let space = self.buffers.input_append_buf();
        if space.is_empty() {
            let failure = Failure::new(Status::BadAnswer, "the answer's head is too large");
            return Err(self.scope.fail(failure).into());
        }
        let read = match &mut self.connection {
            SecureStream::Plain(stream) => stream.read(space),
            SecureStream::Tls(tls) => tls.read(space),
        };
        match read {
            // Whether that is the end of the answer or the end of hope is ureq's to say.
            Ok(0) => {
                self.scope.lock().ended = true;
                Ok(false)
            }
            Ok(n) => {
                self.buffers.input_appended(n);
                self.scope.lock().phase = Phase::Receive;
                Ok(true)
            }
            // TLS cut off without a word of farewell.
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                self.scope.lock().ended = true;
                Ok(false)
            }
            Err(e) => Err(self.broken(&e).into()),
        }
    }

    fn is_open(&mut self) -> bool {
        // ureq asks twice: at the end of a call, when reading told us already, and before the next.
        if std::mem::take(&mut self.in_call) {
            return !self.scope.lock().ended;
        }
        match &self.connection {
            SecureStream::Plain(stream) => stream.is_quiet(),
            SecureStream::Tls(tls) => tls.sock.is_quiet(),
        }
    }

    fn is_tls(&self) -> bool {
        matches!(self.connection, SecureStream::Tls(_))
    }
}

impl fmt::Debug for HostConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostConnector")
    }
}

impl fmt::Debug for ConnectionTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConnectionTransport")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_goes_into_the_request_line_only() {
        let mut request = b"POST /p?access_token= HTTP/1.1\r\n\r\n HTTP/1.1\r\n".to_vec();
        insert_token(&mut request, "a%2Bb");
        assert_eq!(
            request,
            b"POST /p?access_token=a%2Bb HTTP/1.1\r\n\r\n HTTP/1.1\r\n"
        );
    }
}
