//! The waker and sockets on Windows. `unix.rs` defines the same names.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
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

/// Nothing blocks in a receive: on Windows a socket blocks in all functions or in none.
pub(crate) const BLOCKING_RECEIVE: Option<Duration> = None;

pub(crate) fn prepare_receive(_: &TcpStream) -> io::Result<()> {
    Ok(())
}

/// Receives what has arrived, without blocking.
pub(crate) fn receive(mut socket: &TcpStream, buf: &mut [u8]) -> io::Result<usize> {
    socket.read(buf)
}

/// Never called, since [`BLOCKING_RECEIVE`] is `None`.
pub(crate) fn receive_blocking(socket: &TcpStream, buf: &mut [u8]) -> io::Result<usize> {
    receive(socket, buf)
}

/// Receives what has arrived, without blocking and without removing it.
pub(crate) fn peek(socket: &TcpStream, buf: &mut [u8]) -> io::Result<usize> {
    socket.peek(buf)
}

/// Sends as much as the socket accepts without blocking.
pub(crate) fn transmit(mut socket: &TcpStream, buf: &[u8]) -> io::Result<usize> {
    socket.write(buf)
}

/// Windows has no set-id programs.
pub(crate) fn is_set_id_program() -> bool {
    false
}
