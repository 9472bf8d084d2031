//! The library's own threads, and catching panics without printing to the process's stderr.

use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;
use std::thread;

thread_local! {
    /// Whether this thread runs code whose panics are caught here and not printed.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs `body` and returns its value, or `None` if it panicked. Nothing is printed: stderr belongs
/// to the calling program, and a panic's message may hold a secret.
pub fn catch_panic<T>(body: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |info| {
            if !QUIET.get() {
                usual(info);
            }
        }));
    });
    let before = QUIET.replace(true);
    let done = catch_unwind(AssertUnwindSafe(body));
    let done = done.map_err(|panic| {
        // Dropping the panic's payload may panic again; such a payload is leaked.
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(panic)));
        dropped.unwrap_or_else(std::mem::forget);
    });
    QUIET.set(before);
    done.ok()
}

/// Starts a thread that runs `work`. A panic in it ends the thread and nothing else. The thread
/// blocks the signals that are sent to a process, so that the calling program's handlers never run
/// on it. Signals that its own faults raise, like SIGSEGV, stay unblocked.
///
/// # Errors
/// The system has no thread left.
pub(crate) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let builder = thread::Builder::new().name(name.into());
    with_signals_blocked(|| {
        builder.spawn(|| {
            let _ = catch_panic(work);
        })
    })
    .map(drop)
}

/// The signals that the kernel sends to the thread whose instruction failed. If one of them is
/// blocked, the process dies without a run of its handler, which may write a crash report.
#[cfg(unix)]
const FAULT_SIGNALS: [libc::c_int; 6] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGTRAP,
    libc::SIGSYS,
];

/// Runs `start` with all signals but [`FAULT_SIGNALS`] blocked in this thread. A thread that it
/// starts inherits that.
#[cfg(unix)]
#[allow(unsafe_code)]
fn with_signals_blocked<T>(start: impl FnOnce() -> T) -> T {
    let mut set = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: both sets are valid for writing; sigfillset initialises the first before sigdelset
    // changes it, and pthread_sigmask the second if it returns 0.
    let blocked = unsafe {
        libc::sigfillset(set.as_mut_ptr());
        for signal in FAULT_SIGNALS {
            libc::sigdelset(set.as_mut_ptr(), signal);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, set.as_ptr(), before.as_mut_ptr()) == 0
    };
    let started = start();
    if blocked {
        // SAFETY: `before` was initialised, since the call above returned 0.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut()) };
    }
    started
}

/// Windows has no signals to block.
#[cfg(windows)]
fn with_signals_blocked<T>(start: impl FnOnce() -> T) -> T {
    start()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn a_panic_is_caught_and_a_value_returned() {
        #[allow(clippy::panic)]
        let panicked = catch_panic(|| -> u8 { panic!("expected by the test") });
        assert_eq!(panicked, None);
        assert_eq!(catch_panic(|| 7), Some(7));
    }

    #[cfg(unix)]
    #[test]
    fn threads_of_the_library_block_signals_and_their_starter_does_not() {
        let (send, blocked) = mpsc::channel();
        let mask_of_this_thread = || {
            let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
            let mask = status.lines().find_map(|l| l.strip_prefix("SigBlk:"));
            u64::from_str_radix(mask.unwrap().trim(), 16).unwrap()
        };
        let before = mask_of_this_thread();
        spawn("wxlink-test", move || {
            send.send(mask_of_this_thread()).unwrap();
        })
        .unwrap();
        let mask = blocked.recv().unwrap();
        let is_blocked = |signal: i32| mask & (1 << (signal - 1)) != 0;
        for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGUSR1, libc::SIGALRM] {
            assert!(is_blocked(signal), "{signal} in {mask:x}");
        }
        for signal in FAULT_SIGNALS {
            assert!(!is_blocked(signal), "{signal} in {mask:x}");
        }
        assert_eq!(mask_of_this_thread(), before);
    }
}
