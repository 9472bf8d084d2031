//! A lock on a byte of a file, beside the lock on the whole file (`flock`). Each is independent of
//! the other.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;

/// The byte that is locked. No file is that long.
const BYTE: i64 = 1 << 62;

/// Locks the byte, unless it is locked through another opening of the file. Returns whether it is
/// locked. The lock ends when the last descriptor of this opening is closed.
///
/// # Errors
/// The file system has no such locks, or no more of them.
pub(crate) fn try_lock(file: &File) -> io::Result<bool> {
    match set(file, libc::F_WRLCK) {
        Ok(()) => Ok(true),
        Err(e) if matches!(e.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => Ok(false),
        Err(e) => Err(e),
    }
}

/// Unlocks the byte.
pub(crate) fn unlock(file: &File) {
    let _ = set(file, libc::F_UNLCK);
}

#[allow(unsafe_code)]
fn set(file: &File, kind: libc::c_int) -> io::Result<()> {
    // SAFETY: all fields are numbers, for which zero is valid. Unused ones must be zero.
    let mut lock: libc::flock64 = unsafe { std::mem::zeroed() };
    lock.l_type = kind as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock.l_start = BYTE;
    lock.l_len = 1;
    // SAFETY: the descriptor is open, and the command reads one lock.
    match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const lock) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
