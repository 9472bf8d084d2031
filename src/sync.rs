//! Taking locks.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Takes a lock, whatever became of its last holder: what we keep behind locks is never half changed.
#[cfg(not(wxlink_tsan))]
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The same where ThreadSanitizer looks on. Waiting happens in std's compiled code, which it cannot
/// see into and takes for a race; trying is compiled along with ours.
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
