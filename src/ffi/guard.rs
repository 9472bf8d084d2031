//! What surrounds every entry of the C interface: panics stay inside, and quiet, and a thread is
//! not cancelled while it is inside.

use crate::sys::background::catch_panic;

/// Runs `body`; if it panics, returns what `on_panic` returns instead.
pub(super) fn guard<T>(on_panic: impl FnOnce() -> T, body: impl FnOnce() -> T) -> T {
    let _uncancelled = Uncancelled::begin();
    catch_panic(|| {
        #[cfg(test)]
        injected::panic_if_asked();
        body()
    })
    .unwrap_or_else(on_panic)
}

/// Keeps `pthread_cancel` waiting: glibc cancels a thread by unwinding its stack, and unwinding
/// through Rust ends the process. A cancellation asked for meanwhile takes effect at the thread's
/// next cancellation point after the call.
struct Uncancelled {
    /// The state to go back to.
    #[cfg(not(any(windows, target_os = "android")))]
    before: std::ffi::c_int,
}

/// Windows and Android know no such cancellation.
#[cfg(any(windows, target_os = "android"))]
impl Uncancelled {
    fn begin() -> Uncancelled {
        Uncancelled {}
    }
}

#[cfg(not(any(windows, target_os = "android")))]
mod cancellation {
    use super::Uncancelled;
    use std::ffi::c_int;

    /// `PTHREAD_CANCEL_DISABLE`.
    const DISABLE: c_int = if cfg!(target_vendor = "apple") { 0 } else { 1 };

    unsafe extern "C" {
        fn pthread_setcancelstate(state: c_int, before: *mut c_int) -> c_int;
    }

    fn set(state: c_int) -> c_int {
        let mut before = state;
        // SAFETY: `before` is there to be written; an unknown state would change nothing.
        unsafe { pthread_setcancelstate(state, &raw mut before) };
        before
    }

    impl Uncancelled {
        pub(super) fn begin() -> Uncancelled {
            Uncancelled {
                before: set(DISABLE),
            }
        }
    }

    impl Drop for Uncancelled {
        fn drop(&mut self) {
            set(self.before);
        }
    }
}

/// Lets a test make the next entry panic.
#[cfg(test)]
pub(super) mod injected {
    use std::cell::Cell;

    thread_local! {
        static NEXT: Cell<bool> = const { Cell::new(false) };
    }

    pub fn ask() {
        NEXT.set(true);
    }

    pub fn is_pending() -> bool {
        NEXT.get()
    }

    #[allow(clippy::panic)]
    pub fn panic_if_asked() {
        if NEXT.take() {
            panic!("injected: TOKEN-IN-A-PANIC");
        }
    }
}
