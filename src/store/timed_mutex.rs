//! A value that one thread uses at a time, with a limit for the wait.

use std::ops::{Deref, DerefMut};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

use crate::sys::lock::lock;

/// Lends its value to one thread after another. Unlike with a `Mutex`, a thread stops waiting at its
/// limit, however long the thread that has the value keeps it.
pub(super) struct TimedMutex<T> {
    shared: Mutex<Shared<T>>,
    returned: Condvar,
}

struct Shared<T> {
    /// `None` while a thread has it.
    value: Option<T>,
    /// How many threads wait for it.
    waiting: usize,
}

/// The value, for as long as a thread uses it.
pub(super) struct TimedMutexGuard<'a, T> {
    turn: &'a TimedMutex<T>,
    /// `None` only while it is being given back.
    value: Option<T>,
}

impl<T> TimedMutex<T> {
    pub fn new(value: T) -> TimedMutex<T> {
        TimedMutex {
            shared: Mutex::new(Shared {
                value: Some(value),
                waiting: 0,
            }),
            returned: Condvar::new(),
        }
    }

    /// Waits for the value; `None` if `until` passes first.
    pub fn take(&self, until: Instant) -> Option<TimedMutexGuard<'_, T>> {
        let mut shared = lock(&self.shared);
        shared.waiting += 1;
        loop {
            // Before the time: a value that was handed to those who wait is never left behind.
            let value = shared.value.take();
            let left = until.saturating_duration_since(Instant::now());
            if value.is_some() || left.is_zero() {
                shared.waiting -= 1;
                return value.map(|value| TimedMutexGuard {
                    turn: self,
                    value: Some(value),
                });
            }
            shared = self
                .returned
                .wait_timeout(shared, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

impl<'a, T> TimedMutexGuard<'a, T> {
    /// Gives the value back if a thread waits for it, which then surely takes it.
    ///
    /// # Errors
    /// The value still, if no thread waits.
    pub fn hand_over(mut self) -> Result<(), TimedMutexGuard<'a, T>> {
        let mut shared = lock(&self.turn.shared);
        if shared.waiting == 0 {
            drop(shared);
            return Err(self);
        }
        shared.value = self.value.take();
        drop(shared);
        self.turn.returned.notify_one();
        Ok(())
    }
}

impl<T> Deref for TimedMutexGuard<'_, T> {
    type Target = T;

    #[allow(clippy::unwrap_used)]
    fn deref(&self) -> &T {
        self.value.as_ref().unwrap()
    }
}

impl<T> DerefMut for TimedMutexGuard<'_, T> {
    #[allow(clippy::unwrap_used)]
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().unwrap()
    }
}

impl<T> Drop for TimedMutexGuard<'_, T> {
    fn drop(&mut self) {
        if let Some(value) = self.value.take() {
            lock(&self.turn.shared).value = Some(value);
            self.turn.returned.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_thread_waits_for_its_turn_until_its_limit() {
        let turn = TimedMutex::new(1);
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

    #[test]
    fn a_value_is_handed_only_to_a_thread_that_takes_it() {
        const THREADS: usize = 8;
        // Whether the value was handed over, and so has to be taken by a thread that waited.
        let turn = TimedMutex::new(false);
        std::thread::scope(|s| {
            for n in 0..THREADS {
                let turn = &turn;
                s.spawn(move || {
                    for _ in 0..2000 {
                        let until = Instant::now() + Duration::from_micros(n as u64 * 20);
                        let Some(mut taken) = turn.take(until) else {
                            continue;
                        };
                        *taken = true;
                        if let Err(mut kept) = taken.hand_over() {
                            *kept = false;
                        }
                    }
                });
            }
        });
        assert!(!*turn.take(Instant::now()).unwrap());
    }
}
