//! Starts a Redis server for one test, on loopback, and stops it when the test ends.
//!
//! The port is reserved by a bound socket for as long as the [`Redis`] lives, also while the
//! server is down: no other program is given the port, a connection to a stopped server is always
//! refused, and a restart finds the port free. The server is ready once it answers `PING` and
//! reports the process id of the child that was started here.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::environment::skip;

/// How long a server may take to start, even on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long one answer may take while the server starts.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// The pause between two attempts to reach a server that starts.
const RETRY_INTERVAL: Duration = Duration::from_millis(5);

/// A Redis server for one test.
pub struct Redis {
    server: Child,
    reservation: Reservation,
    /// Where the server keeps its data, if it keeps any.
    folder: Option<PathBuf>,
    /// Where a server that keeps no data puts its files all the same: a replica's first copy.
    scratch: PathBuf,
}

impl Redis {
    /// Starts a server that keeps nothing on disk. If redis-server is not installed, reports that
    /// this part of the tests is skipped and returns `None` (in CI: panics). Panics if the server
    /// does not start.
    pub fn start(part: &str) -> Option<Redis> {
        Redis::start_in(None, part)
    }

    /// Starts a server that writes every change to this folder before it answers. Otherwise
    /// like [`Redis::start`].
    pub fn start_keeping(folder: &Path, part: &str) -> Option<Redis> {
        Redis::start_in(Some(folder), part)
    }

    fn start_in(folder: Option<&Path>, part: &str) -> Option<Redis> {
        let reservation = Reservation::new().expect("a port on 127.0.0.1");
        let name = format!(
            "wxlink-redis-{}-{}",
            std::process::id(),
            reservation.address.port()
        );
        let scratch = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&scratch).expect("a folder for Redis");
        let Some(server) = spawn(reservation.address, folder, &scratch) else {
            let _ = std::fs::remove_dir_all(&scratch);
            skip(part, "redis-server");
            return None;
        };
        Some(Redis {
            server,
            reservation,
            folder: folder.map(Into::into),
            scratch,
        })
    }

    /// The URL of its database 3.
    pub fn url(&self) -> String {
        format!("redis://{}/3", self.reservation.address)
    }

    /// Kills the server and waits until it is gone.
    pub fn kill(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }

    /// Kills the server and starts it again at the same port, with the data it kept.
    pub fn restart(&mut self) {
        self.kill();
        let address = self.reservation.address;
        self.server = spawn(address, self.folder.as_deref(), &self.scratch)
            .expect("redis-server is still installed");
    }

    /// Stops the process: it accepts connections and answers nothing until [`Redis::resume`].
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Resumes the process after [`Redis::pause`].
    pub fn resume(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let line = format!("kill -{name} {}", self.server.id());
        let status = Command::new("sh").args(["-c", &line]).status();
        assert!(status.is_ok_and(|s| s.success()), "{line}");
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.scratch);
    }
}

/// A port that is bound and not listened on. The system gives such a port to no other socket,
/// neither to a listener on port 0 nor to an outgoing connection; redis-server, which names it,
/// may listen on it because both sockets allow the address to be reused.
struct Reservation {
    address: SocketAddr,
    _socket: Socket,
}

impl Reservation {
    fn new() -> io::Result<Reservation> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        let address = socket.local_addr()?.as_socket().expect("an IPv4 address");
        Ok(Reservation {
            address,
            _socket: socket,
        })
    }
}

/// Starts a server at this address and waits until it is ready. `None` if redis-server is not
/// installed.
fn spawn(address: SocketAddr, folder: Option<&Path>, scratch: &Path) -> Option<Child> {
    let mut command = Command::new("redis-server");
    command
        .args(["--bind", "127.0.0.1"])
        .args(["--port", &address.port().to_string()])
        .args(["--save", ""])
        .arg("--dir")
        .arg(folder.unwrap_or(scratch));
    if folder.is_some() {
        command.args(["--appendonly", "yes", "--appendfsync", "always"]);
    }
    let spawned = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut server = match spawned {
        Ok(server) => server,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => panic!("could not start redis-server: {error}"),
    };
    let ready = wait_until_ready(&mut server, address);
    let mut log = server.stdout.take().expect("a piped stdout");
    if let Err(problem) = ready {
        let _ = server.kill();
        let _ = server.wait();
        let mut text = String::new();
        let _ = log.read_to_string(&mut text);
        panic!("redis-server at {address} is not ready: {problem}. Its log:\n{text}");
    }
    // A full pipe would block the server.
    std::thread::spawn(move || io::copy(&mut log, &mut io::sink()));
    Some(server)
}

fn wait_until_ready(server: &mut Child, address: SocketAddr) -> Result<(), String> {
    let limit = Instant::now() + START_LIMIT;
    loop {
        if let Some(status) = server.try_wait().map_err(|error| error.to_string())? {
            return Err(format!("it ended ({status})"));
        }
        let problem = match reported_process_id(address) {
            Ok(id) if id == server.id() => return Ok(()),
            Ok(id) => return Err(format!("process {id} answers in its place")),
            Err(error) => error,
        };
        if Instant::now() > limit {
            return Err(format!("no answer within {START_LIMIT:?}: {problem}"));
        }
        std::thread::sleep(RETRY_INTERVAL);
    }
}

/// The process id of the server at this address, which also answers `PING`. An error while it
/// does not listen yet or loads its data.
fn reported_process_id(address: SocketAddr) -> io::Result<u32> {
    let stream = TcpStream::connect(address)?;
    if stream.local_addr()? == stream.peer_addr()? {
        return Err(io::Error::other("the connection leads to itself"));
    }
    stream.set_read_timeout(Some(ANSWER_LIMIT))?;
    stream.set_write_timeout(Some(ANSWER_LIMIT))?;
    let mut stream = BufReader::new(stream);

    let pong = answer(&mut stream, "PING")?;
    if pong != "+PONG" {
        return Err(io::Error::other(format!("PING was answered {pong:?}")));
    }
    let head = answer(&mut stream, "INFO server")?;
    let length = head.strip_prefix('$').and_then(|n| n.parse::<u64>().ok());
    let length = length.ok_or_else(|| io::Error::other(format!("INFO was answered {head:?}")))?;
    let mut info = String::new();
    stream.take(length).read_to_string(&mut info)?;
    info.lines()
        .find_map(|line| line.strip_prefix("process_id:")?.parse().ok())
        .ok_or_else(|| io::Error::other("INFO names no process_id"))
}

/// Sends a command and reads the first line of its answer.
fn answer(stream: &mut BufReader<TcpStream>, command: &str) -> io::Result<String> {
    stream
        .get_mut()
        .write_all(format!("{command}\r\n").as_bytes())?;
    let mut line = String::new();
    stream.read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}
