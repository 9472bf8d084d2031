//! Requests to stop: Ctrl-C (SIGINT), SIGTERM and SIGHUP.
//!
//! The first signal is passed to the work in progress; a second one ends the process immediately.
//! A signal that was ignored when the process started (by `nohup`, or for a background job of a
//! shell) stays ignored.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, Once, PoisonError};

use crate::exit::ExitCode;

type Hook = Box<dyn Fn() + Send>;

static HOOKS: Mutex<Vec<Hook>> = Mutex::new(Vec::new());
static INSTALLED: Once = Once::new();
/// 128 plus the number of the first signal; 0 if there was none.
static SIGNAL_EXIT_CODE: AtomicU8 = AtomicU8::new(0);

/// Calls `hook` at the first signal, on the thread that receives signals, or immediately if there
/// has been a signal already.
pub(crate) fn on_interrupt(hook: impl Fn() + Send + 'static) {
    // If the thread cannot be started, signals keep their default action and end the process.
    INSTALLED.call_once(|| drop(install_handler()));
    let mut hooks = HOOKS.lock().unwrap_or_else(PoisonError::into_inner);
    if is_interrupted() {
        hook();
    } else {
        hooks.push(Box::new(hook));
    }
}

/// Whether there has been a signal.
pub(crate) fn is_interrupted() -> bool {
    SIGNAL_EXIT_CODE.load(Ordering::Acquire) != 0
}

/// The exit code of the process for a run that ended with `code`. An interrupted run exits with 128
/// plus the number of the signal, as if the signal had killed the process.
pub(crate) fn process_exit_code(code: ExitCode) -> u8 {
    match SIGNAL_EXIT_CODE.load(Ordering::Acquire) {
        signal if signal != 0 && code == ExitCode::Interrupted => signal,
        _ => code.number(),
    }
}

/// Handles a signal whose exit code is `code`.
fn handle_signal(code: u8) {
    let first = SIGNAL_EXIT_CODE.compare_exchange(0, code, Ordering::AcqRel, Ordering::Acquire);
    if first.is_err() {
        exit_immediately(code);
    }
    let mut hooks = HOOKS.lock().unwrap_or_else(PoisonError::into_inner);
    for hook in hooks.drain(..) {
        hook();
    }
}

#[cfg(unix)]
fn install_handler() -> std::io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    let signals = [SIGINT, SIGTERM, SIGHUP].into_iter();
    let mut signals = Signals::new(signals.filter(|signal| !is_ignored(*signal)))?;
    let thread = std::thread::Builder::new().name("wxlink-signals".into());
    thread.spawn(move || {
        for signal in signals.forever() {
            let code = u8::try_from(128 + signal);
            handle_signal(code.unwrap_or(ExitCode::Interrupted.number()));
        }
    })?;
    Ok(())
}

/// Whether the process was started with this signal ignored.
#[cfg(unix)]
#[allow(unsafe_code)]
fn is_ignored(signal: i32) -> bool {
    // SAFETY: a sigaction of zeros is a valid one.
    let mut current: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: a null pointer changes nothing; the current action is written to a valid sigaction.
    let result = unsafe { libc::sigaction(signal, std::ptr::null(), &raw mut current) };
    result == 0 && current.sa_sigaction == libc::SIG_IGN
}

/// Ends the process without running exit handlers: another thread may hold a lock they need.
#[cfg(unix)]
fn exit_immediately(code: u8) -> ! {
    signal_hook::low_level::exit(code.into())
}

#[cfg(not(unix))]
fn install_handler() -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(|| handle_signal(ExitCode::Interrupted.number()))
}

#[cfg(not(unix))]
fn exit_immediately(code: u8) -> ! {
    std::process::exit(code.into())
}
