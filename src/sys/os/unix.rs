//! The waker, sockets and privileges on Unix. `windows.rs` defines the same names.

use std::io;
use std::net::{SocketAddr, TcpStream};
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

/// How long [`receive_blocking`] blocks at most.
pub(crate) const BLOCKING_RECEIVE: Option<Duration> = Some(Duration::from_millis(250));

/// Prepares a connected socket for [`receive_blocking`]; the other functions still do not block.
pub(crate) fn prepare_receive(socket: &TcpStream) -> io::Result<()> {
    set_socket_timeout(socket, Timeout::Recv, BLOCKING_RECEIVE)?;
    Ok(ioctl_fionbio(socket, false)?)
}

/// Receives what has arrived, without blocking.
pub(crate) fn receive(socket: &TcpStream, buf: &mut [u8]) -> io::Result<usize> {
    Ok(recv(socket, buf, RecvFlags::DONTWAIT)?.0)
}

/// Waits until something arrives and receives it. `WouldBlock` if nothing does for the time of
/// [`BLOCKING_RECEIVE`].
pub(crate) fn receive_blocking(socket: &TcpStream, buf: &mut [u8]) -> io::Result<usize> {
    Ok(recv(socket, buf, RecvFlags::empty())?.0)
}

/// Receives what has arrived, without blocking and without removing it.
pub(crate) fn peek(socket: &TcpStream, buf: &mut [u8]) -> io::Result<usize> {
    Ok(recv(socket, buf, RecvFlags::DONTWAIT | RecvFlags::PEEK)?.0)
}

/// Sends as much as the socket accepts without blocking.
pub(crate) fn transmit(socket: &TcpStream, buf: &[u8]) -> io::Result<usize> {
    Ok(send(
        socket,
        buf,
        SendFlags::DONTWAIT | SendFlags::NOSIGNAL,
    )?)
}

/// Whether the process has more rights than the user who started it (set-user-id, set-group-id or
/// capabilities of its file), who set its environment.
#[allow(unsafe_code)]
pub(crate) fn is_set_id_program() -> bool {
    // SAFETY: getauxval only reads what the kernel passed to the process.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}
