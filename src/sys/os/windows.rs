//! The waker and sockets on Windows. `unix.rs` defines the same names.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use rustix::fd::{AsFd, BorrowedFd};
use rustix::io::{Errno, ioctl_fionbio};
use rustix::net::{AddressFamily, SocketType};

/// The error of a non-blocking socket whose connect has started.
pub(crate) const CONNECTING: Errno = Errno::WOULDBLOCK;

/// Nothing to do: handles and sockets of Windows never have the numbers of the standard streams.
#[allow(dead_code)] // Used on Unix only.
pub(crate) fn above_stdio<T>(created: T) -> io::Result<T> {
    Ok(created)
}

/// A socket that becomes readable when [`wake`](Waker::wake) is called, to be polled together with
/// another socket. Windows polls sockets only, so it is a socket connected to itself.
pub(crate) struct Waker(UdpSocket);

impl Waker {
    pub fn new() -> io::Result<Waker> {
        // This also starts Winsock, which `socket` below needs.
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.connect(socket.local_addr()?)?;
        socket.set_nonblocking(true)?;
        Ok(Waker(socket))
    }

    pub fn wake(&self) {
        // Fails only if the buffer is full, and then the socket is readable already.
        let _ = self.0.send(&[1]);
    }

    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A non-blocking TCP socket for connecting to the address.
pub(crate) fn socket(addr: &SocketAddr) -> Result<TcpStream, Errno> {
    let family = match addr {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let socket = rustix::net::socket(family, SocketType::STREAM, None)?;
    ioctl_fionbio(&socket, true)?;
    Ok(TcpStream::from(socket))
}

/// A connected TCP socket. Nothing blocks: on Windows, either all functions of a socket do or none.
pub(crate) struct Socket(Arc<TcpStream>);

impl Socket {
    /// Whether [`receive_blocking`](Socket::receive_blocking) exists.
    pub const CAN_BLOCK: bool = false;

    pub fn new(connected: TcpStream) -> io::Result<Socket> {
        Ok(Socket(Arc::new(connected)))
    }

    pub fn stream(&self) -> &Arc<TcpStream> {
        &self.0
    }

    /// Receives what has arrived.
    pub fn receive(&self, buf: &mut [u8]) -> io::Result<usize> {
        (&*self.0).read(buf)
    }

    /// Receives what has arrived and leaves it in the socket.
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.peek(buf)
    }

    /// Never called: see [`CAN_BLOCK`](Socket::CAN_BLOCK).
    pub fn receive_blocking(&mut self, _: &mut [u8], _: Duration) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Sends as much as the socket accepts.
    pub fn send(&self, buf: &[u8]) -> io::Result<usize> {
        (&*self.0).write(buf)
    }
}

/// Windows has no set-id programs.
pub(crate) fn is_set_id_program() -> bool {
    false
}
