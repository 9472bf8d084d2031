//! The waker, sockets and privileges on Unix. `windows.rs` defines the same names.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{EventfdFlags, eventfd};
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use rustix::io::{Errno, fcntl_dupfd_cloexec, ioctl_fionbio};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with,
};

/// The error of a non-blocking socket whose connect has started.
pub(crate) const CONNECTING: Errno = Errno::INPROGRESS;

/// The lowest descriptor the library uses: 0 to 2 belong to the calling program, even if it has
/// closed them.
const LOWEST_DESCRIPTOR: i32 = 3;

/// Moves a descriptor that was just created out of the range 0 to 2.
///
/// A host that runs with its standard streams closed may still print to them. If a socket or file
/// of the library had such a number, that output would go into a connection or a store. Everything
/// that creates a descriptor passes it through here before it is connected, written to or shared
/// with another process. `T` is an `OwnedFd`, a `File`, a `TcpStream` or the like; the result
/// refers to the same open file and has the close-on-exec flag.
///
/// # Errors
/// `EMFILE` if the process has no descriptor left; the one given is closed.
pub(crate) fn above_stdio<T: Into<OwnedFd> + From<OwnedFd>>(created: T) -> io::Result<T> {
    Ok(T::from(moved_up(created.into())?))
}

fn moved_up(fd: OwnedFd) -> Result<OwnedFd, Errno> {
    if fd.as_raw_fd() < LOWEST_DESCRIPTOR {
        fcntl_dupfd_cloexec(&fd, LOWEST_DESCRIPTOR)
    } else {
        Ok(fd)
    }
}

/// A descriptor that becomes readable when [`wake`](Waker::wake) is called, to be polled together
/// with a socket.
pub(crate) struct Waker(OwnedFd);

impl Waker {
    pub fn new() -> io::Result<Waker> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        Ok(Waker(above_stdio(eventfd(0, flags)?)?))
    }

    pub fn wake(&self) {
        // Fails only after 2^64 - 1 calls.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A non-blocking TCP socket for connecting to the address. Other programs do not inherit it.
pub(crate) fn socket(addr: &SocketAddr) -> Result<TcpStream, Errno> {
    let family = match addr {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    moved_up(socket).map(TcpStream::from)
}

/// A connected TCP socket. Only [`receive_blocking`](Socket::receive_blocking) blocks.
pub(crate) struct Socket {
    stream: Arc<TcpStream>,
    /// The socket's SO_RCVTIMEO: how long a receive blocks at most.
    blocks_for: Option<Duration>,
}

impl Socket {
    /// Whether [`receive_blocking`](Socket::receive_blocking) exists.
    pub const CAN_BLOCK: bool = true;

    pub fn new(connected: TcpStream) -> io::Result<Socket> {
        ioctl_fionbio(&connected, false)?;
        Ok(Socket {
            stream: Arc::new(connected),
            blocks_for: None,
        })
    }

    pub fn stream(&self) -> &Arc<TcpStream> {
        &self.stream
    }

    /// Receives what has arrived.
    pub fn receive(&self, buf: &mut [u8]) -> io::Result<usize> {
        Ok(recv(&self.stream, buf, RecvFlags::DONTWAIT)?.0)
    }

    /// Receives what has arrived and leaves it in the socket.
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        Ok(recv(&self.stream, buf, RecvFlags::DONTWAIT | RecvFlags::PEEK)?.0)
    }

    /// Waits until something arrives, and receives it; `WouldBlock` if nothing does in that time. A
    /// signal interrupts it.
    pub fn receive_blocking(&mut self, buf: &mut [u8], time: Duration) -> io::Result<usize> {
        if self.blocks_for != Some(time) {
            set_socket_timeout(&self.stream, Timeout::Recv, Some(time))?;
            self.blocks_for = Some(time);
        }
        Ok(recv(&self.stream, buf, RecvFlags::empty())?.0)
    }

    /// Sends as much as the socket accepts.
    pub fn send(&self, buf: &[u8]) -> io::Result<usize> {
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        Ok(send(&self.stream, buf, flags)?)
    }
}

/// Whether the process has more rights than the user who started it (set-user-id, set-group-id or
/// capabilities of its file), who set its environment.
#[allow(unsafe_code)]
pub(crate) fn is_set_id_program() -> bool {
    // SAFETY: getauxval only reads what the kernel passed to the process.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}
