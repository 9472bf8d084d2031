//! One connection to one host, with the ureq agent that speaks HTTP over it.
//!
//! A connection serves one attempt at a time. So the layers below ureq know whose deadlines and
//! token apply (see [`attempt_state`](super::attempt_state)), and threads share nothing but the
//! short list of idle connections.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::{ClientConnection, StreamOwned};
use ureq::http::{self, header};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

use super::attempt_state::SharedAttemptState;
use super::buffers::{GrowingBuffers, MAX_INPUT_BYTES};
use super::dns::Unresolved;
use super::proxy;
use super::request::{RawResponse, TransportConfig};
use super::stream::Stream;
use crate::config::host::Host;
use crate::config::proxy::ProxyAddress;
use crate::model::attempt::Phase;
use crate::model::failure::{CertificateProblem, Failure};
use crate::model::lang::Text;
use crate::model::message::{Message, message};
use crate::model::status::Status;
use crate::sys::cancel::CancelToken;

const HEAD_TOO_LARGE: Text = Text {
    en: "the response head is too large",
    zh: "响应头过大",
};
const INVALID_BODY: Text = Text {
    en: "the response body violates HTTP",
    zh: "响应体不符合 HTTP",
};
/// The rest of the request line after the token.
const AFTER_TOKEN: &[u8] = b" HTTP/1.1";

/// A connection. It is opened by the first request.
pub(super) struct Connection {
    agent: ureq::Agent,
    pub state: Arc<SharedAttemptState>,
    /// The index of its host among the client's API hosts.
    pub host: usize,
    pub idle_since: Instant,
}

impl Connection {
    pub fn new(
        config: &Arc<TransportConfig>,
        host: usize,
        cancel: &Arc<CancelToken>,
    ) -> Connection {
        let state = Arc::new(SharedAttemptState::new(cancel.clone()));
        // ureq only writes and parses HTTP here. The attempt state keeps the time, the connector
        // resolves names, uses the proxy and sets up TLS, and the client retries.
        let agent_config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .user_agent(ureq::config::AutoHeaderValue::None)
            .accept(ureq::config::AutoHeaderValue::None)
            .accept_encoding(ureq::config::AutoHeaderValue::None)
            .max_response_header_size(MAX_INPUT_BYTES)
            .max_idle_connections(1)
            .max_idle_connections_per_host(1)
            .max_idle_age(Duration::from_secs(24 * 3600))
            .build();
        let connector = HostConnector {
            config: config.clone(),
            state: state.clone(),
            host,
        };
        Connection {
            agent: ureq::Agent::with_parts(agent_config, connector, NoResolver),
            state,
            host,
            idle_since: Instant::now(),
        }
    }

    /// Sends a request with the token appended to its target, and reads the whole response. The
    /// layers below record their failures in the attempt state; other failures follow from ureq's
    /// error.
    pub fn post(&self, request: http::Request<&[u8]>, max: u64) -> Result<RawResponse, Failure> {
        let mut received = Vec::new();
        let done = self.exchange(request, max, &mut received);
        done.map_err(|error| {
            let mut state = self.state.lock();
            let failure = match (state.failure.take(), error) {
                (Some(failure), _) => failure,
                (None, HttpError::TooLarge) => Failure::new(
                    Status::TooLarge,
                    message!(
                        "the response is larger than {max} bytes",
                        "响应超过 {max} 字节"
                    ),
                ),
                (None, _) if state.ended => Failure::new(
                    Status::ConnectionLost,
                    match state.phase {
                        Phase::Receive => Text {
                            en: "the connection ended in the middle of the response",
                            zh: "连接在响应中途结束",
                        },
                        _ => Text {
                            en: "the connection ended before the response",
                            zh: "连接在响应之前结束",
                        },
                    },
                ),
                (None, HttpError::Invalid(what)) => Failure::new(Status::BadAnswer, what),
            };
            Failure {
                received,
                ..failure
            }
        })
    }

    /// What was received of the body is left in `received` if the response is not complete.
    fn exchange(
        &self,
        request: http::Request<&[u8]>,
        max: u64,
        received: &mut Vec<u8>,
    ) -> Result<RawResponse, HttpError> {
        let response = self
            .agent
            .run(request)
            .map_err(|e| HttpError::from_ureq(&e))?;

        let (head, body) = response.into_parts();
        let text = |name| {
            let value = head.headers.get(name)?.to_str().ok()?;
            (!value.is_empty()).then(|| value.to_owned())
        };
        if body.content_length().is_some_and(|n| n > max) {
            return Err(HttpError::TooLarge);
        }
        // With room for the announced length, one read suffices. `read_to_end` asks for the end in
        // a way of its own if there is room for less than 32 more bytes.
        received.reserve(body.content_length().map_or(0, |n| n as usize + 32));
        body.into_reader()
            .take(max + 1)
            .read_to_end(received)
            .map_err(|_| HttpError::Invalid(INVALID_BODY))?;
        if received.len() as u64 > max {
            return Err(HttpError::TooLarge);
        }
        self.state.lock().phase = Phase::Done;
        Ok(RawResponse {
            http_status: head.status.as_u16(),
            encoding: text(header::CONTENT_ENCODING).filter(|e| e != "identity"),
            location: if head.status.is_redirection() {
                text(header::LOCATION)
            } else {
                None
            },
            body: std::mem::take(received),
        })
    }
}

/// An error of ureq. Its text is not kept: it may repeat the request.
enum HttpError {
    Invalid(Text),
    TooLarge,
}

impl HttpError {
    fn from_ureq(error: &ureq::Error) -> HttpError {
        HttpError::Invalid(match error {
            ureq::Error::LargeResponseHeader(..) => HEAD_TOO_LARGE,
            ureq::Error::Io(_) => Text {
                en: "the connection failed",
                zh: "连接失败",
            },
            _ => Text {
                en: "the response is not HTTP",
                zh: "响应不是 HTTP",
            },
        })
    }
}

/// Connects to the host when ureq needs a transport.
struct HostConnector {
    config: Arc<TransportConfig>,
    state: Arc<SharedAttemptState>,
    host: usize,
}

impl Connector for HostConnector {
    type Out = ConnectionTransport;

    fn connect(
        &self,
        _: &ConnectionDetails,
        _: Option<()>,
    ) -> Result<Option<ConnectionTransport>, ureq::Error> {
        self.state.lock().reused = false;
        let connection = self.open().map_err(ureq::Error::Io)?;
        Ok(Some(ConnectionTransport {
            connection,
            state: self.state.clone(),
            buffers: GrowingBuffers::default(),
            outgoing: Vec::with_capacity(1024),
            in_call: false,
        }))
    }
}

impl HostConnector {
    fn open(&self) -> io::Result<SecureStream> {
        let host = self.host();
        if !host.tls {
            // A proxy would see the token in plain text, so it is used for https hosts only.
            return self.dial(&host.name, host.port).map(SecureStream::Plain);
        }
        let settings = self.config.proxy.as_ref();
        let Some(proxy) = settings.and_then(|settings| settings.proxy_for(&host.name)) else {
            return self.encrypt(self.dial(&host.name, host.port)?);
        };
        let stream = self
            .tunnel(proxy)
            .map_err(|e| self.state.fail_at_proxy(proxy, &e))?;
        self.encrypt(stream).inspect_err(|_| {
            self.state.add_proxy_to_failure(proxy);
        })
    }

    /// Connects to the host through the proxy.
    fn tunnel(&self, proxy: &ProxyAddress) -> io::Result<Stream> {
        let host = self.host();
        let mut stream = self.dial(&proxy.host, proxy.port)?;
        self.state.enter(Phase::Proxy);
        proxy::open_tunnel(&mut stream, proxy, &host.name, host.port)?;
        Ok(stream)
    }

    fn encrypt(&self, stream: Stream) -> io::Result<SecureStream> {
        self.state.enter(Phase::Tls);
        let session = rustls::pki_types::ServerName::try_from(self.host().name.clone())
            .map_err(|e| e.to_string())
            .and_then(|name| {
                ClientConnection::new(self.config.tls.clone(), name).map_err(|e| e.to_string())
            })
            .map_err(|e| self.state.fail(Failure::new(Status::Tls, e)))?;
        let mut tls = StreamOwned::new(session, stream);
        while tls.conn.is_handshaking() {
            tls.conn
                .complete_io(&mut tls.sock)
                .map_err(|e| self.state.fail(handshake_failure(&e)))?;
        }
        Ok(SecureStream::Tls(Box::new(tls)))
    }

    /// Connects to a host or a proxy.
    fn dial(&self, name: &str, port: u16) -> io::Result<Stream> {
        let limit = self.state.enter(Phase::Resolve);
        let cancel = self.state.lock().cancel.clone();
        let addrs = self
            .config
            .dns
            .lookup(name, port, limit, &cancel)
            .map_err(|e| {
                let failure = match e {
                    Unresolved::Refused(why) => {
                        Failure::new(Status::Resolve, format!("{name}: {why}"))
                    }
                    Unresolved::WaitFailed(error) => self.state.lock().wait_failure(error),
                };
                self.state.fail(failure)
            })?;
        if !self.host().tls {
            self.check_loopback(name, &addrs)?;
        }
        Stream::connect(&addrs, &self.state).inspect_err(|_| self.config.dns.forget(name, port))
    }

    /// Refuses an address that is not loopback: a local name may resolve to another machine, and
    /// plain HTTP would send the token there unencrypted.
    fn check_loopback(&self, name: &str, addrs: &[SocketAddr]) -> io::Result<()> {
        let Some(other) = addrs.iter().find(|addr| !addr.ip().is_loopback()) else {
            return Ok(());
        };
        let ip = other.ip();
        Err(self.state.fail(Failure::new(
            Status::Connect,
            message!(
                "{name} resolves to {ip}, but plain HTTP is allowed only to loopback. \
                 Write 127.0.0.1 or [::1] in base_url, or correct the name",
                "{name} 解析为 {ip}，而明文 HTTP 只允许用于本机。\
                 请在 base_url 中写 127.0.0.1 或 [::1]，或更正域名"
            ),
        )))
    }

    fn host(&self) -> &Host {
        &self.config.hosts[self.host]
    }
}

/// Why a handshake failed. rustls' own texts are precise and contain no secrets.
fn handshake_failure(error: &io::Error) -> Failure {
    let detail = match error
        .get_ref()
        .and_then(|e| e.downcast_ref::<rustls::Error>())
    {
        Some(e) => {
            return Failure {
                certificate: certificate_problem(e),
                ..Failure::new(Status::Tls, e.to_string())
            };
        }
        None if error.kind() == io::ErrorKind::UnexpectedEof => Message::from(Text {
            en: "the host ended the connection during the handshake",
            zh: "对方在握手期间关闭了连接",
        }),
        None => error.into(),
    };
    Failure::new(Status::Tls, detail)
}

fn certificate_problem(error: &rustls::Error) -> Option<CertificateProblem> {
    use rustls::CertificateError as Invalid;

    match error {
        rustls::Error::InvalidCertificate(why) => Some(match why {
            Invalid::Expired | Invalid::ExpiredContext { .. } => CertificateProblem::Expired,
            Invalid::NotValidYet | Invalid::NotValidYetContext { .. } => {
                CertificateProblem::NotValidYet
            }
            _ => CertificateProblem::Untrusted,
        }),
        rustls::Error::NoCertificatesPresented => Some(CertificateProblem::Untrusted),
        _ => None,
    }
}

/// Resolves nothing: the connector resolves names itself, with the call's time limit.
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

/// The transport that ureq writes to and reads from.
struct ConnectionTransport {
    connection: SecureStream,
    state: Arc<SharedAttemptState>,
    buffers: GrowingBuffers,
    /// What ureq has written and is not sent yet. A request is sent in one write.
    outgoing: Vec<u8>,
    /// Whether a request was sent and ureq has not asked yet whether the connection is still open.
    in_call: bool,
}

impl ConnectionTransport {
    fn send(&mut self) -> io::Result<()> {
        self.state.enter(Phase::Send);
        {
            let state = self.state.lock();
            insert_token(&mut self.outgoing, &state.token);
        }
        self.in_call = true;
        let sent = match &mut self.connection {
            SecureStream::Plain(stream) => stream.write_all(&self.outgoing),
            SecureStream::Tls(tls) => tls.write_all(&self.outgoing).and_then(|()| tls.flush()),
        };
        // It contains the token.
        self.outgoing.fill(0);
        self.outgoing.clear();
        sent.map_err(|e| self.broken(&e))?;
        self.state.enter(Phase::Wait);
        Ok(())
    }

    /// Records that the connection broke, unless a more precise failure is recorded already.
    fn broken(&self, error: &io::Error) -> io::Error {
        let sent = self.state.lock().sent;
        let status = if sent {
            Status::ConnectionLost
        } else {
            Status::Connect
        };
        self.state.fail(Failure::new(status, error.kind()))
    }
}

/// Inserts the token into the request line. ureq never sees the token, because it logs whole URLs.
fn insert_token(request: &mut Vec<u8>, token: &str) {
    let line_end = request.iter().position(|byte| *byte == b'\r');
    let line = line_end.and_then(|at| request[..at].strip_suffix(AFTER_TOKEN));
    if let Some(at) = line.map(<[u8]>::len) {
        let end = request.len();
        request.resize(end + token.len(), 0);
        request.copy_within(at..end, at + token.len());
        request[at..at + token.len()].copy_from_slice(token.as_bytes());
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
            let failure = Failure::new(Status::BadAnswer, HEAD_TOO_LARGE);
            return Err(self.state.fail(failure).into());
        }
        let read = match &mut self.connection {
            SecureStream::Plain(stream) => stream.read(space),
            SecureStream::Tls(tls) => tls.read(space),
        };
        match read {
            // End of stream. ureq knows whether the response was complete.
            Ok(0) => {
                self.state.lock().ended = true;
                Ok(false)
            }
            Ok(n) => {
                self.buffers.input_appended(n);
                self.state.lock().phase = Phase::Receive;
                Ok(true)
            }
            // The peer closed TLS without a close_notify alert.
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                self.state.lock().ended = true;
                Ok(false)
            }
            Err(e) => Err(self.broken(&e).into()),
        }
    }

    fn is_open(&mut self) -> bool {
        // ureq asks at the end of a call, when reading has shown it already, and before the next
        // call.
        if std::mem::take(&mut self.in_call) {
            return !self.state.lock().ended;
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
    fn a_certificate_that_the_clock_makes_invalid_is_distinguished_from_an_untrusted_one() {
        use rustls::CertificateError as Invalid;
        use rustls::pki_types::UnixTime;

        let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(1));
        let expired = Invalid::ExpiredContext {
            time,
            not_after: time,
        };
        let not_valid_yet = Invalid::NotValidYetContext {
            time,
            not_before: time,
        };
        for (why, expected) in [
            (expired, CertificateProblem::Expired),
            (not_valid_yet, CertificateProblem::NotValidYet),
            (Invalid::UnknownIssuer, CertificateProblem::Untrusted),
            (Invalid::NotValidForName, CertificateProblem::Untrusted),
        ] {
            let error = io::Error::other(rustls::Error::InvalidCertificate(why));
            assert_eq!(handshake_failure(&error).certificate, Some(expected));
        }
        let ended = io::Error::from(io::ErrorKind::UnexpectedEof);
        assert_eq!(handshake_failure(&ended).certificate, None);
    }

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
