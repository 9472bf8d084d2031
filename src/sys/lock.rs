//! Locking a mutex, poisoned or not.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks the mutex, also after a panic of its holder: the data behind our locks is never left
/// half-changed.
#[cfg(not(wxlink_tsan))]
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The same for ThreadSanitizer, which reports a race in the waiting code of the precompiled
/// standard library. `try_lock` is inlined and thus instrumented.
#[cfg(wxlink_tsan)]
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    use std::sync::TryLockError;
    loop {
        match mutex.try_lock() {
            Ok(guard) => return guard,
            Err(TryLockError::Poisoned(e)) => return PoisonError::into_inner(e),
            Err(TryLockError::WouldBlock) => std::thread::yield_now(),
        }
    }
}
