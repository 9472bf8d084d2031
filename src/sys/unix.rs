//! Linux: what differs between systems. The other file beside this one has the same names.

use std::io;
use std::net::{SocketAddr, TcpStream};

use rustix::event::{EventfdFlags, eventfd};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

/// What a socket that does not wait answers when it has begun to connect.
pub(crate) const CONNECTING: Errno = Errno::INPROGRESS;

/// Can be waited for together with a socket: it is readable once it was rung.
pub(crate) struct Bell(OwnedFd);

impl Bell {
    pub fn new() -> io::Result<Bell> {
        Ok(Bell(eventfd(
            0,
            EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK,
        )?))
    }

    pub fn ring(&self) {
        // It can only fail when it has been rung 2^64 - 1 times.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A socket for connecting to such an address, which does not wait and which no other program inherits.
pub(crate) fn socket(addr: &SocketAddr) -> Result<TcpStream, Errno> {
    let family = match addr {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    socket_with(family, SocketType::STREAM, flags, None).map(TcpStream::from)
}
