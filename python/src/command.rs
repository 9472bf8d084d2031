//! Runs the command within Python, in the environment that a program expects at its start.

use std::ffi::OsString;

use pyo3::prelude::*;

use crate::ending::Inside;

/// Runs the command with these arguments, of which the first is its own path. Returns the exit
/// code.
#[pyfunction]
pub fn command(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    Inside::enter(py).detach(py, || {
        #[cfg(unix)]
        {
            restore_interrupts();
            open_closed_standard_streams();
        }
        wxlink_cli::main(arguments)
    })
}

/// Removes Python's handler of Ctrl-C, which would take effect only when the command returns; the
/// command has its own. If interrupts are ignored, as in the background, they stay ignored.
#[cfg(unix)]
fn restore_interrupts() {
    // SAFETY: both dispositions are the system's own, and run no code of ours.
    unsafe {
        if libc::signal(libc::SIGINT, libc::SIG_DFL) == libc::SIG_IGN {
            libc::signal(libc::SIGINT, libc::SIG_IGN);
        }
    }
}

/// Opens /dev/null for each closed standard stream, as Rust programs do at their start. Otherwise
/// the next opened file could get the number of a standard stream, and results would be written to
/// it.
#[cfg(unix)]
fn open_closed_standard_streams() {
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
