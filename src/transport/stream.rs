//! A socket whose reads and writes end at the call's time limit.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Instant;

use rustix::event::PollFlags;
use rustix::fd::AsFd;
use rustix::io::Errno;
use rustix::net::{connect, sockopt};

use super::attempt_state::SharedAttemptState;
use crate::model::attempt::Phase;
use crate::model::failure::Failure;
use crate::model::lang::Text;
use crate::model::message::Message;
use crate::model::status::Status;
use crate::sys::cancel::{CancelToken, WaitError, is_transient};
use crate::sys::os::{self, CONNECTING, Socket};

/// A connected socket whose waits end at the limit in the attempt's state.
pub(crate) struct Stream {
    socket: Socket,
    state: Arc<SharedAttemptState>,
}

impl Stream {
    /// Connects to the first address that accepts. The time left is shared among the addresses that
    /// are not tried yet, so that one unresponsive address leaves time for the next.
    pub fn connect(addrs: &[SocketAddr], state: &Arc<SharedAttemptState>) -> io::Result<Stream> {
        let limit = state.enter(Phase::Connect);
        let cancel = state.lock().cancel.clone();
        let mut last = Failure::new(
            Status::Resolve,
            Text {
                en: "the host has no address",
                zh: "主机没有地址",
            },
        );
        for (i, addr) in addrs.iter().enumerate() {
            let now = Instant::now();
            let untried = u32::try_from(addrs.len() - i).unwrap_or(1);
            let share = limit.saturating_duration_since(now) / untried;
            match dial(addr, now + share, &cancel) {
                Ok(socket) => {
                    // Requests are sent in one write: Nagle's algorithm would only delay them.
                    let _ = socket.set_nodelay(true);
                    return Ok(Stream {
                        socket: Socket::new(socket)?,
                        state: state.clone(),
                    });
                }
                Err(WaitError::Failed(e)) => {
                    let why = Message::from(io::Error::from(e)).after(addr, addr);
                    last = Failure::new(Status::Connect, why);
                }
                Err(WaitError::TimedOut) => last = state.lock().wait_failure(WaitError::TimedOut),
                Err(WaitError::Cancelled) => {
                    last = state.lock().wait_failure(WaitError::Cancelled);
                    break;
                }
            }
        }
        Err(state.fail(last))
    }

    /// Whether an idle connection can be used: it is open and has received nothing.
    pub fn is_quiet(&self) -> bool {
        let peeked = self.socket.peek(&mut [0]);
        matches!(peeked, Err(e) if e.kind() == io::ErrorKind::WouldBlock)
    }

    /// Checks that the limit has not passed. A process may be stopped after it has decided to post,
    /// and a socket that accepts bytes is never waited for.
    ///
    /// # Errors
    /// The limit passed.
    fn check_limit(&self) -> io::Result<()> {
        let failure = {
            let state = self.state.lock();
            if Instant::now() < state.phase_deadline() {
                return Ok(());
            }
            state.wait_failure(WaitError::TimedOut)
        };
        Err(self.state.fail(failure))
    }
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        // The response takes time: waiting first saves a system call that would find nothing.
        if self.state.lock().phase != Phase::Wait {
            match self.socket.receive(buf) {
                Err(e) if is_transient(&e) => {}
                done => return done,
            }
        }
        wait(&self.state, |cancel, limit| {
            cancel.receive(&mut self.socket, buf, limit)
        })?
    }
}

impl Write for Stream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        loop {
            self.check_limit()?;
            match self.socket.send(buf) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    let fd = self.socket.stream().as_fd();
                    wait(&self.state, |cancel, limit| {
                        cancel.wait_for(fd, PollFlags::OUT, limit)
                    })?;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Ok(n) => {
                    let mut state = self.state.lock();
                    state.sent |= n > 0 && state.phase >= Phase::Send;
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

/// Runs a wait with the limit of the phase.
///
/// # Errors
/// The limit passed or the call was cancelled.
fn wait<T>(
    state: &SharedAttemptState,
    wait: impl FnOnce(&CancelToken, Instant) -> Result<T, WaitError>,
) -> io::Result<T> {
    let (limit, cancel) = {
        let state = state.lock();
        (state.phase_deadline(), state.cancel.clone())
    };
    wait(&cancel, limit).map_err(|stop| {
        let failure = state.lock().wait_failure(stop);
        state.fail(failure)
    })
}

/// Opens one connection by `limit`.
fn dial(addr: &SocketAddr, limit: Instant, cancel: &CancelToken) -> Result<TcpStream, WaitError> {
    let socket = os::socket(addr).map_err(WaitError::Failed)?;
    match connect(&socket, addr) {
        Ok(()) => return Ok(socket),
        Err(CONNECTING | Errno::INTR) => {}
        Err(e) => return Err(WaitError::Failed(e)),
    }
    cancel.wait_for(socket.as_fd(), PollFlags::OUT, limit)?;
    match sockopt::socket_error(&socket) {
        Ok(Ok(())) => Ok(socket),
        Ok(Err(e)) | Err(e) => Err(WaitError::Failed(e)),
    }
}
