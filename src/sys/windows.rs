//! Windows: what differs between systems. The other file beside this one has the same names.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};

use rustix::fd::{AsFd, BorrowedFd};
use rustix::io::{Errno, ioctl_fionbio};
use rustix::net::{AddressFamily, SocketType};

/// What a socket that does not wait answers when it has begun to connect.
pub(crate) const CONNECTING: Errno = Errno::WOULDBLOCK;

/// Nothing to do: handles and sockets of Windows never have the numbers of the standard streams.
#[allow(dead_code)] // What uses it is for Unix.
pub(crate) fn above_stdio<T>(created: T) -> io::Result<T> {
    Ok(created)
}

/// Can be waited for together with a socket: it is readable once it was rung. Only sockets can be waited for
/// in that way here, so it is one, which talks to itself and listens to nobody else.
pub(crate) struct Bell(UdpSocket);

impl Bell {
    pub fn new() -> io::Result<Bell> {
        // std also starts Winsock, which `socket` below relies upon.
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.connect(socket.local_addr()?)?;
        socket.set_nonblocking(true)?;
        Ok(Bell(socket))
    }

    pub fn ring(&self) {
        // It can only fail when so much was sent already that there is no room for more.
        let _ = self.0.send(&[1]);
    }

    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A socket for connecting to such an address, which does not wait.
pub(crate) fn socket(addr: &SocketAddr) -> Result<TcpStream, Errno> {
    let family = match addr {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let socket = rustix::net::socket(family, SocketType::STREAM, None)?;
    ioctl_fionbio(&socket, true)?;
    Ok(TcpStream::from(socket))
}
