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
pub(crate) fn catch_panic<T>(body: impl FnOnce() -> T) -> Option<T> {
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
/// blocks all signals, so that the calling program's signal handlers never run on it.
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

/// Runs `start` with all signals blocked in this thread. A thread that it starts inherits that.
#[cfg(unix)]
#[allow(unsafe_code)]
fn with_signals_blocked<T>(start: impl FnOnce() -> T) -> T {
    let mut all = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: both sets are valid for writing; sigfillset initialises the first, and
    // pthread_sigmask the second if it returns 0.
    let blocked = unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr()) == 0
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
        let sigterm_and_sigusr1 = (1 << 14) | (1 << 9);
        assert_eq!(
            blocked.recv().unwrap() & sigterm_and_sigusr1,
            sigterm_and_sigusr1
        );
        assert_eq!(mask_of_this_thread(), before);
    }
}
