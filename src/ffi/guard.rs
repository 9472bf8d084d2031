//! The guard around every function of the C interface. It catches panics without printing them, and
//! delays `pthread_cancel` until the function returns.

use crate::sys::background::catch_panic;

/// Runs `body` and returns its value. If it panics, returns the value of `on_panic` instead.
pub(super) fn guard<T>(on_panic: impl FnOnce() -> T, body: impl FnOnce() -> T) -> T {
    let _disabled = CancellationDisabled::new();
    catch_panic(|| {
        #[cfg(test)]
        injected::panic_if_asked();
        body()
    })
    .unwrap_or_else(on_panic)
}

/// Disables the thread's cancellation while it exists. glibc cancels a thread by unwinding its
/// stack, and unwinding through Rust frames aborts the process. A `pthread_cancel` during the call
/// takes effect at the thread's next cancellation point after the call.
struct CancellationDisabled {
    /// The state to restore.
    #[cfg(not(any(windows, target_os = "android")))]
    previous_state: std::ffi::c_int,
}

/// Windows and Android have no thread cancellation.
#[cfg(any(windows, target_os = "android"))]
impl CancellationDisabled {
    fn new() -> CancellationDisabled {
        CancellationDisabled {}
    }
}

#[cfg(not(any(windows, target_os = "android")))]
mod cancellation {
    use super::CancellationDisabled;
    use std::ffi::c_int;

    /// The value of `PTHREAD_CANCEL_DISABLE`.
    const DISABLE: c_int = if cfg!(target_vendor = "apple") { 0 } else { 1 };

    unsafe extern "C" {
        fn pthread_setcancelstate(state: c_int, previous: *mut c_int) -> c_int;
    }

    /// Sets the thread's state and returns the previous one.
    fn set_state(state: c_int) -> c_int {
        let mut previous = state;
        // SAFETY: `previous` is valid for writing; an invalid state is refused and changes nothing.
        unsafe { pthread_setcancelstate(state, &raw mut previous) };
        previous
    }

    impl CancellationDisabled {
        pub(super) fn new() -> CancellationDisabled {
            CancellationDisabled {
                previous_state: set_state(DISABLE),
            }
        }
    }

    impl Drop for CancellationDisabled {
        fn drop(&mut self) {
            set_state(self.previous_state);
        }
    }
}

/// Lets a test make the next guarded function panic.
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
