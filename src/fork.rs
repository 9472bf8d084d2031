//! Whether the process is still the one it was.
//!
//! A forked child shares its parent's connections, and answers would get mixed up. Asking the system who one
//! is costs a call each time; being told of forks costs nothing.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// How many forks lie between this process and the one that asked first.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// A process as it was at one time.
#[derive(Clone, Copy)]
pub(crate) struct Process(u32);

impl Process {
    /// The present one; fails if there is no memory left.
    pub fn here() -> io::Result<Process> {
        static WATCHED: OnceLock<i32> = OnceLock::new();
        match *WATCHED.get_or_init(watch) {
            0 => Ok(Process(FORKS.load(Ordering::Relaxed))),
            code => Err(io::Error::from_raw_os_error(code)),
        }
    }

    /// Whether this is another one, forked since.
    pub fn is_gone(self) -> bool {
        FORKS.load(Ordering::Relaxed) != self.0
    }
}

/// Has the child of every fork count it.
#[cfg(unix)]
#[allow(unsafe_code)]
fn watch() -> i32 {
    extern "C" fn forked() {
        FORKS.fetch_add(1, Ordering::Relaxed);
    }
    // SAFETY: what runs in the child touches one atomic, and the library stays loaded (`-z nodelete`).
    unsafe { libc::pthread_atfork(None, None, Some(forked)) }
}

/// Nothing forks here.
#[cfg(windows)]
fn watch() -> i32 {
    0
}
