//! A mutex lock that ignores poisoning.
//!
//! Every value guarded in this crate is consistent between any two statements, so a panic in one
//! thread need not make all others panic. The core has the same function in its `sync` module,
//! which it does not export; when it does, use that one.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, whether or not another thread panicked while it held the lock.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
