//! Connections to a Redis or Valkey server, for the store and for the queue of `wxlink-bulk`.
//!
//! The `redis` crate encodes commands and parses replies. The socket is our own, because that crate
//! accepts none and does not respect a call's time limit: its name lookups have no limit, and its
//! socket may get one of the descriptors 0 to 2, which belong to the calling program.

mod failure;
mod socket;

use std::io::{self, Read, Write};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use redis::{
    Cmd, ConnectionAddr, ConnectionInfo, ConnectionLike, FromRedisValue, Parser, RedisError,
    RedisResult, Value, cmd,
};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::config::options::Trust;
use crate::config::store_url::redis_connection_info;
use crate::model::lang::Text;
use crate::model::message::{Message, message};
use crate::transport::tls;

pub use failure::Failure;
use failure::Kind;
use socket::Socket;

/// The minimum time for one attempt, if the call has that much left.
pub(super) const MIN_ATTEMPT: Duration = Duration::from_millis(250);
/// The largest reply (bytes).
const MAX_REPLY_BYTES: u64 = 64 << 20;
const INVALID_TLS_NAME: Text = Text {
    en: "the host's name cannot stand in a certificate",
    zh: "该主机名不能出现在证书中",
};

/// A server, as a URL describes it.
#[derive(Clone)]
pub struct Server {
    host: String,
    port: u16,
    tls: Option<Arc<ClientConfig>>,
    db: i64,
    username: Option<String>,
    password: Option<String>,
}

impl Server {
    /// Reads `redis://[USER:PASSWORD@]HOST[:PORT][/DB]`, or `rediss://…` for TLS. Nothing is
    /// connected; the system's trusted certificates are read for the first `rediss://`.
    ///
    /// `None` if the URL is invalid or the trusted certificates cannot be read.
    pub fn parse(url: &str) -> Option<Server> {
        Server::new(&redis_connection_info(url)?).ok()
    }

    /// The server that the `redis` crate has read from a URL.
    ///
    /// # Errors
    /// It is not reached by TCP, or by TLS with verification; or the trusted certificates cannot be
    /// read.
    pub fn new(info: &ConnectionInfo) -> Result<Server, Message> {
        let (host, port, tls) = match info.addr() {
            ConnectionAddr::Tcp(host, port) => (host, *port, None),
            ConnectionAddr::TcpTls {
                host,
                port,
                insecure: false,
                ..
            } => (host, *port, Some(tls_config()?)),
            _ => {
                return Err(message!(
                    "Redis must be reached by TCP, and its certificate must be verified",
                    "Redis 必须通过 TCP 连接，且不能关闭证书校验"
                ));
            }
        };
        let about = info.redis_settings();
        Ok(Server {
            host: host.clone(),
            port,
            tls,
            db: about.db(),
            username: about.username().map(str::to_owned),
            password: about.password().map(str::to_owned),
        })
    }

    /// Its host and port, for messages.
    pub fn shown(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// Trusts the roots that a client with `trust=system` trusts. They are read once in a process.
fn tls_config() -> Result<Arc<ClientConfig>, Message> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(config.clone());
    }
    let config = tls::config(Trust::System, None)?;
    Ok(CONFIG.get_or_init(|| config).clone())
}

/// A server and the connection to it, which is opened when it is needed and replaced when it is no
/// longer usable.
pub struct Session {
    server: Server,
    connection: Option<Connection>,
}

impl Session {
    /// Nothing is connected yet.
    pub fn new(server: Server) -> Session {
        Session {
            server,
            connection: None,
        }
    }

    /// Its server.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Runs `work` on the connection; `work` may run twice. If a kept connection turns out to be
    /// closed, or to lead to a server that is no longer the primary, it is replaced immediately:
    /// the name is resolved again and `work` runs on the new connection. Ends soon after `until`.
    ///
    /// # Errors
    /// The server cannot be reached, refuses, or is not a Redis. [`Failure::may_pass`] shows
    /// whether to try again.
    pub fn attempt<T>(
        &mut self,
        until: Instant,
        work: impl Fn(&mut Connection) -> RedisResult<T>,
    ) -> Result<T, Failure> {
        if let Some(mut kept) = self.connection.take() {
            kept.set_limit(until);
            match work(&mut kept) {
                Ok(done) => {
                    self.connection = Some(kept);
                    return Ok(done);
                }
                Err(e) => {
                    let failure = kept.failure(&e);
                    if !failure.ends_connection() {
                        self.connection = Some(kept);
                        return Err(failure);
                    }
                    if Instant::now() >= until {
                        return Err(failure);
                    }
                }
            }
        }
        match self.on_new_connection(until, &work) {
            // The reply may have been damaged in transit.
            Err(e) if e.is_invalid_reply() => self.on_new_connection(until, &work),
            done => done,
        }
    }

    fn on_new_connection<T>(
        &mut self,
        until: Instant,
        work: impl Fn(&mut Connection) -> RedisResult<T>,
    ) -> Result<T, Failure> {
        let mut new = Connection::open(&self.server, until)?;
        let done = work(&mut new).map_err(|e| new.failure(&e));
        if !done.as_ref().is_err_and(Failure::ends_connection) {
            self.connection = Some(new);
        }
        done
    }
}

/// The time limit of one attempt: half of the time left, so that another attempt, perhaps at
/// another server of the same name, has time as well.
pub fn attempt_limit(until: Instant) -> Instant {
    let now = Instant::now();
    let left = until.saturating_duration_since(now);
    now + (left / 2).max(MIN_ATTEMPT).min(left)
}

enum Transport {
    Plain(Socket),
    Tls(Box<StreamOwned<ClientConnection, Socket>>),
}

/// A connection, authenticated and with its database selected.
pub struct Connection {
    transport: Transport,
    parser: Parser,
    db: i64,
    /// How many more bytes the reply may have.
    allowed: u64,
    /// The first bytes the server sent, which show what kind of server it is.
    first_bytes: Vec<u8>,
    /// Why the last read or write failed. The `redis` crate reports such errors without their
    /// cause.
    io_failure: Option<Failure>,
}

impl Connection {
    fn open(server: &Server, until: Instant) -> Result<Connection, Failure> {
        let socket = Socket::connect(&server.host, server.port, until)
            .map_err(|e| Failure::io(&e, Kind::Unreachable))?;
        let transport = match &server.tls {
            None => Transport::Plain(socket),
            Some(config) => Transport::Tls(Box::new(handshake(config, &server.host, socket)?)),
        };
        let mut connection = Connection {
            transport,
            parser: Parser::new(),
            db: server.db,
            allowed: MAX_REPLY_BYTES,
            first_bytes: Vec::new(),
            io_failure: None,
        };
        connection.set_up(server)?;
        Ok(connection)
    }

    fn set_up(&mut self, server: &Server) -> Result<(), Failure> {
        if let Some(password) = &server.password {
            let mut auth = cmd("AUTH");
            if let Some(username) = &server.username {
                auth.arg(username);
            }
            self.run_setup(auth.arg(password), Kind::Login)?;
        }
        if server.db != 0 {
            self.run_setup(cmd("SELECT").arg(server.db), Kind::Database)?;
        }
        Ok(())
    }

    /// Sends a set-up command. An error without a meaning of its own is of this kind.
    fn run_setup(&mut self, command: &Cmd, kind: Kind) -> Result<(), Failure> {
        command
            .query::<Value>(self)
            .map(drop)
            .map_err(|e| self.failure(&e).or(kind))
    }

    /// Sends commands in one write and reads the reply to each, or why the server refused it. The
    /// refusal of one does not affect the others.
    ///
    /// # Errors
    /// The connection can no longer be used. The server may have run some of the commands.
    pub fn pipeline<'c>(
        &mut self,
        commands: impl IntoIterator<Item = &'c Cmd>,
    ) -> RedisResult<Vec<Result<Value, Failure>>> {
        let mut packed = Vec::new();
        let mut count = 0;
        for command in commands {
            command.write_packed_command(&mut packed);
            count += 1;
        }
        self.send(&packed)?;
        let mut replies = Vec::with_capacity(count);
        let mut ending = None;
        for _ in 0..count {
            replies.push(self.receive()?.extract_error().map_err(|e| {
                let failure = self.failure(&e);
                if failure.ends_connection() {
                    ending = Some(e);
                }
                failure
            }));
        }
        ending.map_or(Ok(replies), Err)
    }

    /// Ends every following read and write at `until`.
    fn set_limit(&mut self, until: Instant) {
        match &mut self.transport {
            Transport::Plain(socket) => socket.until = until,
            Transport::Tls(stream) => stream.sock.until = until,
        }
    }

    /// What an error of a command on this connection means.
    fn failure(&self, error: &RedisError) -> Failure {
        Failure::from_error(error, &self.first_bytes, self.io_failure.clone())
    }

    fn send(&mut self, command: &[u8]) -> RedisResult<()> {
        self.allowed = MAX_REPLY_BYTES;
        self.io_failure = None;
        let sent = match &mut self.transport {
            Transport::Plain(socket) => socket.write_all(command),
            Transport::Tls(stream) => stream.write_all(command).and_then(|()| stream.flush()),
        };
        sent.map_err(|e| {
            self.io_failure = Some(Failure::io(&e, Kind::Unreachable));
            RedisError::from(e)
        })
    }

    fn receive(&mut self) -> RedisResult<Value> {
        let mut reader = Reader {
            transport: &mut self.transport,
            allowed: &mut self.allowed,
            first_bytes: &mut self.first_bytes,
            io_failure: &mut self.io_failure,
        };
        self.parser.parse_value(&mut reader)
    }
}

/// Reads a reply of [`Connection::pipeline`].
///
/// # Errors
/// The server refused the command, or the reply has another type.
pub fn read_reply<T: FromRedisValue>(reply: Result<Value, Failure>) -> Result<T, Failure> {
    redis::from_redis_value(reply?).map_err(|e| Failure::from_error(&e.into(), &[], None))
}

fn handshake(
    config: &Arc<ClientConfig>,
    host: &str,
    socket: Socket,
) -> Result<StreamOwned<ClientConnection, Socket>, Failure> {
    let name = ServerName::try_from(host.to_owned()).map_err(|_| Failure::tls(INVALID_TLS_NAME))?;
    let tls =
        ClientConnection::new(config.clone(), name).map_err(|e| Failure::tls(e.to_string()))?;
    let mut stream = StreamOwned::new(tls, socket);
    while stream.conn.is_handshaking() {
        stream
            .conn
            .complete_io(&mut stream.sock)
            .map_err(|e| Failure::io(&e, Kind::Unreachable))?;
    }
    Ok(stream)
}

/// Reads a reply, up to the allowed size.
struct Reader<'a> {
    transport: &'a mut Transport,
    allowed: &'a mut u64,
    first_bytes: &'a mut Vec<u8>,
    io_failure: &'a mut Option<Failure>,
}

impl Read for Reader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.read_some(buf)
            .inspect_err(|e| *self.io_failure = Some(Failure::io(e, Kind::Unreachable)))
    }
}

impl Reader<'_> {
    fn read_some(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if *self.allowed == 0 && !buf.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a reply that is too large",
            ));
        }
        let most = usize::try_from(*self.allowed).unwrap_or(usize::MAX);
        let most = most.min(buf.len());
        let n = match self.transport {
            Transport::Plain(socket) => socket.read(&mut buf[..most])?,
            Transport::Tls(stream) => stream.read(&mut buf[..most])?,
        };
        *self.allowed -= n as u64;
        if self.first_bytes.len() < 5 {
            self.first_bytes.extend(buf[..n].iter().take(5));
        }
        Ok(n)
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command(&mut self, command: &[u8]) -> RedisResult<Value> {
        self.send(command)?;
        self.receive()
    }

    fn req_packed_commands(
        &mut self,
        commands: &[u8],
        offset: usize,
        count: usize,
    ) -> RedisResult<Vec<Value>> {
        self.send(commands)?;
        let mut answers = Vec::new();
        for n in 0..offset + count {
            let answer = self.receive()?;
            if n >= offset {
                answers.push(answer);
            }
        }
        Ok(answers)
    }

    fn get_db(&self) -> i64 {
        self.db
    }

    fn check_connection(&mut self) -> bool {
        cmd("PING").query::<String>(self).is_ok()
    }

    fn is_open(&self) -> bool {
        true
    }
}
