//! The command within Python: what a program finds when it starts, and then the command.

use std::ffi::OsString;

use pyo3::prelude::*;

use crate::ending::Inside;

/// Runs the command with these arguments, the way it was called first, and returns its exit code.
#[pyfunction]
pub fn command(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    Inside::enter(py).detach(py, || {
        #[cfg(unix)]
        {
            give_back_interrupts();
            fill_standard_streams();
        }
        wxlink_cli::main(arguments)
    })
}

/// Python's handler would only note a Ctrl-C until the command returns; the command has one of its own, where it
/// has something to tell. Where interrupts are ignored, as in the background, they stay so.
#[cfg(unix)]
fn give_back_interrupts() {
    // SAFETY: both dispositions are the system's own, and run no code of ours.
    unsafe {
        if libc::signal(libc::SIGINT, libc::SIG_DFL) == libc::SIG_IGN {
            libc::signal(libc::SIGINT, libc::SIG_IGN);
        }
    }
}

/// Rust's programs open what is closed of stdin, stdout and stderr, and Python's do not: the next file to be opened
/// would then be what results are written to.
#[cfg(unix)]
fn fill_standard_streams() {
    use std::fs::File;
    use std::os::fd::{AsRawFd, IntoRawFd};

    let null = || File::options().read(true).write(true).open("/dev/null");
    while let Ok(file) = null() {
        if file.as_raw_fd() > 2 {
            break;
        }
        let _ = file.into_raw_fd();
    }
}
