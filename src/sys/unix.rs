//! Linux: what differs between systems. The other file beside this one has the same names.

use std::io;
use std::net::{SocketAddr, TcpStream};

use rustix::event::{EventfdFlags, eventfd};
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

/// What a socket that does not wait answers when it has begun to connect.
pub(crate) const CONNECTING: Errno = Errno::INPROGRESS;

/// The lowest descriptor the library uses: 0 to 2 belong to the host, even if it has closed them.
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
    match fd.as_raw_fd() < LOWEST_DESCRIPTOR {
        true => fcntl_dupfd_cloexec(&fd, LOWEST_DESCRIPTOR),
        false => Ok(fd),
    }
}

/// Can be waited for together with a socket: it is readable once it was rung.
pub(crate) struct Bell(OwnedFd);

impl Bell {
    pub fn new() -> io::Result<Bell> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        Ok(Bell(above_stdio(eventfd(0, flags)?)?))
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
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    moved_up(socket).map(TcpStream::from)
}
