//! A socket whose reads and writes end at a time limit.

use std::io::{self, Error, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;
use rustix::io::Errno;
use rustix::net::{connect, sockopt};

use crate::sys::cancel::{CancelToken, WaitError};
use crate::sys::os::{self, CONNECTING};
use crate::sys::single_flight::Flight;

/// The longest time passed to one `poll`.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) struct Socket {
    socket: TcpStream,
    pub until: Instant,
}

impl Socket {
    /// Connects to the first address of the host that accepts. The time left is shared among the
    /// addresses that are not tried yet.
    pub fn connect(host: &str, port: u16, until: Instant) -> io::Result<Socket> {
        let addresses = resolve(host, port, until)?;
        let mut last = Error::new(ErrorKind::NotFound, "the host has no address");
        for (i, address) in addresses.iter().enumerate() {
            let now = Instant::now();
            let untried = u32::try_from(addresses.len() - i).unwrap_or(1);
            let share = until.saturating_duration_since(now) / untried;
            match dial(address, now + share) {
                Ok(socket) => {
                    // Commands are sent in one write: Nagle's algorithm would only delay them.
                    let _ = socket.set_nodelay(true);
                    return Ok(Socket { socket, until });
                }
                Err(e) => last = e,
            }
        }
        Err(last)
    }
}

/// Resolves the host's name, on a thread because the system's resolver cannot be interrupted.
fn resolve(host: &str, port: u16, until: Instant) -> io::Result<Vec<SocketAddr>> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let name = host.to_owned();
    let look_up = move || {
        let found = (name.as_str(), port).to_socket_addrs();
        found
            .map(Iterator::collect::<Vec<_>>)
            .map_err(|e| e.to_string())
    };
    let lookup = Flight::start("wxlink-dns", look_up, Err("the resolver panicked".into()))?;
    match lookup.wait(until, &CancelToken::new()?) {
        Ok(Ok(addresses)) => Ok(addresses.clone()),
        Ok(Err(why)) => Err(Error::new(ErrorKind::NotFound, why.clone())),
        Err(WaitError::Failed(e)) => Err(e.into()),
        Err(WaitError::TimedOut | WaitError::Cancelled) => Err(Error::new(
            ErrorKind::TimedOut,
            "the name servers do not answer",
        )),
    }
}

fn dial(address: &SocketAddr, until: Instant) -> io::Result<TcpStream> {
    let socket = os::socket(address)?;
    match connect(&socket, address) {
        Ok(()) => {}
        Err(CONNECTING | Errno::INTR) => {
            wait(&socket, PollFlags::OUT, until)?;
            sockopt::socket_error(&socket)??;
        }
        Err(e) => return Err(e.into()),
    }
    // If no server listens on the port, the system may choose it for this very socket.
    if socket.local_addr()? == socket.peer_addr()? {
        return Err(ErrorKind::ConnectionRefused.into());
    }
    Ok(socket)
}

fn wait(socket: &TcpStream, flags: PollFlags, until: Instant) -> io::Result<()> {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let slice = left.min(LONGEST);
        let timeout = Timespec {
            tv_sec: slice.as_secs() as _,
            tv_nsec: slice.subsec_nanos() as _,
        };
        match poll(
            &mut [PollFd::from_borrowed_fd(socket.as_fd(), flags)],
            Some(&timeout),
        ) {
            Ok(0) if left.is_zero() => return Err(ErrorKind::TimedOut.into()),
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) => return Ok(()),
            Err(e) => return Err(e.into()),
        }
    }
}

impl Read for Socket {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.socket.read(buf) {
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    wait(&self.socket, PollFlags::IN, self.until)?;
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                // The limit also applies to a server that never stops sending.
                Ok(n) if n > 0 && Instant::now() >= self.until => {
                    return Err(ErrorKind::TimedOut.into());
                }
                done => return done,
            }
        }
    }
}

impl Write for Socket {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        loop {
            match self.socket.write(buf) {
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    wait(&self.socket, PollFlags::OUT, self.until)?;
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
