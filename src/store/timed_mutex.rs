//! A mutex with a time limit for waiting.

use std::ops::{Deref, DerefMut};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

use crate::sys::lock::lock;

/// A value that one thread uses at a time. Unlike with a `Mutex`, a waiting thread stops at its
/// limit, however long another thread holds the value.
pub(super) struct TimedMutex<T> {
    shared: Mutex<Shared<T>>,
    returned: Condvar,
}

struct Shared<T> {
    /// `None` while a thread holds it.
    value: Option<T>,
    /// The number of waiting threads.
    waiting: usize,
}

/// The value while a thread holds it.
pub(super) struct TimedMutexGuard<'a, T> {
    mutex: &'a TimedMutex<T>,
    /// `None` only while it is being returned.
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
    pub fn lock_until(&self, until: Instant) -> Option<TimedMutexGuard<'_, T>> {
        let mut shared = lock(&self.shared);
        shared.waiting += 1;
        loop {
            // Checked before the time: a value that was passed to the waiting threads is always
            // taken.
            let value = shared.value.take();
            let left = until.saturating_duration_since(Instant::now());
            if value.is_some() || left.is_zero() {
                shared.waiting -= 1;
                return value.map(|value| TimedMutexGuard {
                    mutex: self,
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
    /// Passes the value to a waiting thread, which is certain to take it.
    ///
    /// # Errors
    /// Returns the guard if no thread waits.
    #[cfg(any(feature = "file-store", test))]
    pub fn pass_on(mut self) -> Result<(), TimedMutexGuard<'a, T>> {
        let mut shared = lock(&self.mutex.shared);
        if shared.waiting == 0 {
            drop(shared);
            return Err(self);
        }
        shared.value = self.value.take();
        drop(shared);
        self.mutex.returned.notify_one();
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
            let mut shared = lock(&self.mutex.shared);
            shared.value = Some(value);
            let is_awaited = shared.waiting > 0;
            drop(shared);
            if is_awaited {
                self.mutex.returned.notify_one();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_thread_waits_until_its_limit() {
        let mutex = TimedMutex::new(1);
        let soon = || Instant::now() + Duration::from_secs(60);
        let mut taken = mutex.lock_until(soon()).unwrap();
        assert!(mutex.lock_until(Instant::now()).is_none());
        *taken += 1;
        std::thread::scope(|s| {
            let waiting = s.spawn(|| *mutex.lock_until(soon()).unwrap());
            drop(taken);
            assert_eq!(waiting.join().unwrap(), 2);
        });
    }

    #[test]
    fn a_value_is_passed_only_to_a_thread_that_takes_it() {
        const THREADS: usize = 8;
        // True while the value is passed on, so that a waiting thread has to take it.
        let mutex = TimedMutex::new(false);
        std::thread::scope(|s| {
            for n in 0..THREADS {
                let mutex = &mutex;
                s.spawn(move || {
                    for _ in 0..2000 {
                        let until = Instant::now() + Duration::from_micros(n as u64 * 20);
                        let Some(mut taken) = mutex.lock_until(until) else {
                            continue;
                        };
                        *taken = true;
                        if let Err(mut kept) = taken.pass_on() {
                            *kept = false;
                        }
                    }
                });
            }
        });
        assert!(!*mutex.lock_until(Instant::now()).unwrap());
    }
}
