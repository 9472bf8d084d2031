//! Requests to end: Ctrl-C, SIGTERM and SIGHUP. The first one is passed to the work that runs; a
//! second one ends the program at once. Signals that were ignored when the program started, as
//! `nohup` and a shell's background jobs have them, stay ignored.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, Once, PoisonError};

use wxlink_bulk::Verdict;

type Hook = Box<dyn Fn() + Send>;

static HOOKS: Mutex<Vec<Hook>> = Mutex::new(Vec::new());
static INSTALLED: Once = Once::new();
/// The exit code of the first signal; 0 before it.
static CODE: AtomicU8 = AtomicU8::new(0);

/// Calls `hook` on a thread of its own at the first signal, or now if there was one.
pub(crate) fn call_back(hook: impl Fn() + Send + 'static) {
    // Without a thread for signals they keep their default: the program ends.
    INSTALLED.call_once(|| drop(listen()));
    let mut hooks = HOOKS.lock().unwrap_or_else(PoisonError::into_inner);
    match has_come() {
        true => hook(),
        false => hooks.push(Box::new(hook)),
    }
}

/// Whether there was a signal.
pub(crate) fn has_come() -> bool {
    CODE.load(Ordering::Acquire) != 0
}

/// The exit code of a run that came to `verdict`: an interrupted one ends with 128 and the signal's
/// number, as a program does that the signal kills.
pub(crate) fn exit_code(verdict: Verdict) -> u8 {
    match CODE.load(Ordering::Acquire) {
        code if code != 0 && verdict == Verdict::Interrupted => code,
        _ => verdict.code(),
    }
}

/// A signal came whose exit code is `code`.
fn received(code: u8) {
    let first = CODE.compare_exchange(0, code, Ordering::AcqRel, Ordering::Acquire);
    if first.is_err() {
        exit_at_once(code);
    }
    let mut hooks = HOOKS.lock().unwrap_or_else(PoisonError::into_inner);
    for hook in hooks.drain(..) {
        hook();
    }
}

#[cfg(unix)]
fn listen() -> std::io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    let wanted = [SIGINT, SIGTERM, SIGHUP].into_iter();
    let mut signals = Signals::new(wanted.filter(|signal| !is_ignored(*signal)))?;
    let thread = std::thread::Builder::new().name("wxlink-signals".into());
    thread.spawn(move || {
        for signal in signals.forever() {
            received(u8::try_from(128 + signal).unwrap_or(Verdict::Interrupted.code()));
        }
    })?;
    Ok(())
}

/// Whether the program was started with the signal ignored.
#[cfg(unix)]
#[allow(unsafe_code)]
fn is_ignored(signal: i32) -> bool {
    // SAFETY: a sigaction of zeros is a valid one.
    let mut now: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: changes nothing, and writes what is set now to a place of the right type.
    let asked = unsafe { libc::sigaction(signal, std::ptr::null(), &raw mut now) };
    asked == 0 && now.sa_sigaction == libc::SIG_IGN
}

/// Ends the program without waiting for anything: other threads may be stuck.
#[cfg(unix)]
fn exit_at_once(code: u8) -> ! {
    signal_hook::low_level::exit(code.into())
}

#[cfg(not(unix))]
fn listen() -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(|| received(Verdict::Interrupted.code()))
}

#[cfg(not(unix))]
fn exit_at_once(code: u8) -> ! {
    std::process::exit(code.into())
}
