//! A socket whose every read and write ends with the call's time limit.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with, sockopt};

use super::scope::{Failure, SharedScope};
use crate::attempt::Phase;
use crate::status::Status;

/// A connected, non-blocking socket that waits by `poll`, never past the scope's limit.
pub(crate) struct Stream {
    socket: TcpStream,
    scope: Arc<SharedScope>,
}

impl Stream {
    /// Connects to the first address that answers; the time left is shared among those not yet tried,
    /// so that one silent address leaves time for the next.
    pub fn connect(addrs: &[SocketAddr], scope: &Arc<SharedScope>) -> io::Result<Stream> {
        let limit = scope.enter(Phase::Connect);
        let mut last = Failure::new(Status::Resolve, "the host has no address");
        for (i, addr) in addrs.iter().enumerate() {
            let now = Instant::now();
            let untried = u32::try_from(addrs.len() - i).unwrap_or(1);
            let share = limit.saturating_duration_since(now) / untried;
            match dial(addr, now + share) {
                Ok(socket) => {
                    // Requests are written whole: waiting to fill a segment only costs time.
                    let _ = socket.set_nodelay(true);
                    return Ok(Stream {
                        socket,
                        scope: scope.clone(),
                    });
                }
                Err(Errno::TIMEDOUT) => last = scope.lock().timed_out(),
                Err(e) => {
                    let why = io::Error::from(e);
                    last = Failure::new(Status::Connect, format!("{addr}: {why}"));
                }
            }
        }
        Err(scope.fail(last))
    }

    /// Whether the connection is still fit for a request: open, and silent as it should be.
    pub fn is_quiet(&self) -> bool {
        let peeked = self.socket.peek(&mut [0]);
        matches!(peeked, Err(e) if e.kind() == io::ErrorKind::WouldBlock)
    }

    /// Waits until the socket is ready or the limit has passed.
    fn wait(&self, flags: PollFlags) -> io::Result<()> {
        let limit = self.scope.lock().limit();
        match ready(&self.socket, flags, limit) {
            Ok(true) => Ok(()),
            Ok(false) => {
                let failure = self.scope.lock().timed_out();
                Err(self.scope.fail(failure))
            }
            Err(e) => Err(e.into()),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        // An answer takes a while: waiting first saves the read that would find nothing.
        if self.scope.lock().phase == Phase::Wait {
            self.wait(PollFlags::IN)?;
        }
        loop {
            match self.socket.read(buf) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => self.wait(PollFlags::IN)?,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }
}

impl Write for Stream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        loop {
            match self.socket.write(buf) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => self.wait(PollFlags::OUT)?,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Ok(n) => {
                    let mut scope = self.scope.lock();
                    scope.sent |= n > 0 && scope.phase >= Phase::Send;
                    return Ok(n);
                }
                failed => return failed,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens one connection by `limit`; `TIMEDOUT` if that passes.
fn dial(addr: &SocketAddr, limit: Instant) -> Result<TcpStream, Errno> {
    let family = match addr {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = TcpStream::from(socket_with(family, SocketType::STREAM, flags, None)?);
    match connect(&socket, addr) {
        Ok(()) => return Ok(socket),
        Err(Errno::INPROGRESS | Errno::INTR) => {}
        Err(e) => return Err(e),
    }
    if !ready(&socket, PollFlags::OUT, limit)? {
        return Err(Errno::TIMEDOUT);
    }
    sockopt::socket_error(&socket)??;
    Ok(socket)
}

/// Whether `socket` becomes ready before `limit`.
fn ready(socket: &TcpStream, flags: PollFlags, limit: Instant) -> Result<bool, Errno> {
    loop {
        let left = limit.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        let mut fds = [PollFd::from_borrowed_fd(socket.as_fd(), flags)];
        match poll(&mut fds, Some(&timespec(left))) {
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) => return Ok(true),
            Err(e) => return Err(e),
        }
    }
}

fn timespec(d: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(d.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(d.subsec_nanos()),
    }
}
