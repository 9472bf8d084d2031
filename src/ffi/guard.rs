//! Keeps panics inside the library, and quiet.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Whether this thread is inside a function of the C interface.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Runs `body`; if it panics, answers what `on_panic` says instead. Nothing is printed: a host's
/// stderr is not ours, and a panic's words may hold what they should not.
pub(super) fn guard<T>(on_panic: impl FnOnce() -> T, body: impl FnOnce() -> T) -> T {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |info| {
            if !INSIDE.get() {
                usual(info);
            }
        }));
    });
    let before = INSIDE.replace(true);
    let done = catch_unwind(AssertUnwindSafe(|| {
        #[cfg(test)]
        injected::panic_if_asked();
        body()
    }));
    let done = done.unwrap_or_else(|panic| {
        // Dropping what was thrown may throw again; that is left alone.
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(panic)));
        dropped.unwrap_or_else(std::mem::forget);
        on_panic()
    });
    INSIDE.set(before);
    done
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
