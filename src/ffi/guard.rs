//! Keeps panics inside the library, and quiet.

use crate::background::catch_panic;

/// Runs `body`; if it panics, returns what `on_panic` returns instead.
pub(super) fn guard<T>(on_panic: impl FnOnce() -> T, body: impl FnOnce() -> T) -> T {
    catch_panic(|| {
        #[cfg(test)]
        injected::panic_if_asked();
        body()
    })
    .unwrap_or_else(on_panic)
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
