//! A value that one thread uses at a time, with a limit for the wait.

use std::ops::{Deref, DerefMut};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

use crate::sync::lock;

/// Lends its value to one thread after another. Unlike with a `Mutex`, a thread stops waiting at its
/// limit, however long the thread that has the value keeps it.
pub(super) struct Turn<T> {
    /// `None` while a thread has it.
    value: Mutex<Option<T>>,
    returned: Condvar,
}

/// The value, for as long as a thread uses it.
pub(super) struct Taken<'a, T> {
    turn: &'a Turn<T>,
    /// `None` only while it is being dropped.
    value: Option<T>,
}

impl<T> Turn<T> {
    pub fn new(value: T) -> Turn<T> {
        Turn {
            value: Mutex::new(Some(value)),
            returned: Condvar::new(),
        }
    }

    /// Waits for the value; `None` if `until` passes first.
    pub fn take(&self, until: Instant) -> Option<Taken<'_, T>> {
        let mut value = lock(&self.value);
        loop {
            if let Some(value) = value.take() {
                return Some(Taken {
                    turn: self,
                    value: Some(value),
                });
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            value = self
                .returned
                .wait_timeout(value, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

impl<T> Deref for Taken<'_, T> {
    type Target = T;

    #[allow(clippy::unwrap_used)]
    fn deref(&self) -> &T {
        self.value.as_ref().unwrap()
    }
}

impl<T> DerefMut for Taken<'_, T> {
    #[allow(clippy::unwrap_used)]
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().unwrap()
    }
}

impl<T> Drop for Taken<'_, T> {
    fn drop(&mut self) {
        *lock(&self.turn.value) = self.value.take();
        self.turn.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_thread_waits_for_its_turn_until_its_limit() {
        let turn = Turn::new(1);
        let soon = || Instant::now() + Duration::from_secs(60);
        let mut taken = turn.take(soon()).unwrap();
        assert!(turn.take(Instant::now()).is_none());
        *taken += 1;
        std::thread::scope(|s| {
            let waiting = s.spawn(|| *turn.take(soon()).unwrap());
            drop(taken);
            assert_eq!(waiting.join().unwrap(), 2);
        });
    }
}
