//! Waiting with a time limit, and ending such waits from another thread.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::BorrowedFd;
use rustix::io::Errno;

use crate::sys::os::Waker;

/// How often a wait runs its interrupt check.
const INTERRUPT_CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// The longest time passed to one `poll`: some systems count milliseconds in 32 bits.
const MAX_POLL: Duration = Duration::from_secs(24 * 60 * 60);

/// Returns whether the wait that runs it should end.
type InterruptCheck = Box<dyn Fn() -> bool + Send + Sync>;

/// Once cancelled, ends every wait on it, present and future.
pub(crate) struct CancelToken {
    cancelled: AtomicBool,
    waker: Waker,
    interrupt_check: Option<InterruptCheck>,
}

/// Why a wait ended without what it waited for.
pub(crate) enum WaitError {
    TimedOut,
    Cancelled,
    Failed(Errno),
}

impl CancelToken {
    pub fn new() -> io::Result<CancelToken> {
        Ok(CancelToken {
            cancelled: AtomicBool::new(false),
            waker: Waker::new()?,
            interrupt_check: None,
        })
    }

    /// Adds a check that every wait runs, every 50 ms and when a signal interrupts the wait. It
    /// ends the wait that runs it and no other.
    pub fn with_interrupt_check(mut self, check: InterruptCheck) -> CancelToken {
        self.interrupt_check = Some(check);
        self
    }

    /// Ends all waits, present and future.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        self.waker.wake();
    }

    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Whether a wait that cannot use the waker should end.
    pub fn should_stop(&self) -> bool {
        self.is_cancelled() || self.interrupt_check.as_ref().is_some_and(|check| check())
    }

    /// Waits until `fd` is ready.
    pub fn wait_for(
        &self,
        fd: BorrowedFd<'_>,
        flags: PollFlags,
        limit: Instant,
    ) -> Result<(), WaitError> {
        let mut fds = [
            PollFd::from_borrowed_fd(self.waker.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(fd, flags),
        ];
        self.wait(&mut fds, limit)
    }

    /// Waits until the time has passed.
    pub fn pause(&self, until: Instant) -> Result<(), WaitError> {
        let mut waker = [PollFd::from_borrowed_fd(self.waker.as_fd(), PollFlags::IN)];
        match self.wait(&mut waker, until) {
            Err(WaitError::TimedOut) => Ok(()),
            other => other,
        }
    }

    /// Waits for any of the descriptors, of which the first is the waker's.
    fn wait(&self, fds: &mut [PollFd<'_>], limit: Instant) -> Result<(), WaitError> {
        loop {
            let left = limit.saturating_duration_since(Instant::now());
            let slice = left.min(if self.interrupt_check.is_some() {
                INTERRUPT_CHECK_INTERVAL
            } else {
                MAX_POLL
            });
            let timeout = Timespec {
                tv_sec: slice.as_secs() as _,
                tv_nsec: slice.subsec_nanos() as _,
            };
            // Polled even if no time is left: a descriptor may be ready already.
            match poll(fds, Some(&timeout)) {
                Ok(_) if !fds[0].revents().is_empty() => return Err(WaitError::Cancelled),
                Ok(0) if left.is_zero() => return Err(WaitError::TimedOut),
                Ok(0) | Err(Errno::INTR) if self.should_stop() => return Err(WaitError::Cancelled),
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => return Ok(()),
                Err(e) => return Err(WaitError::Failed(e)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::time::Duration;

    #[test]
    fn an_interrupt_check_ends_the_wait_that_ran_it_and_no_later_one() {
        let runs = std::sync::atomic::AtomicU32::new(0);
        let check = move || runs.fetch_add(1, Ordering::Relaxed) == 1;
        let cancel = CancelToken::new()
            .unwrap()
            .with_interrupt_check(Box::new(check));
        let started = Instant::now();
        assert!(cancel.pause(started + Duration::from_secs(60)).is_err());
        assert!(started.elapsed() >= INTERRUPT_CHECK_INTERVAL && !cancel.is_cancelled());
        assert!(
            cancel
                .pause(Instant::now() + INTERRUPT_CHECK_INTERVAL * 2)
                .is_ok()
        );
    }

    #[test]
    fn a_pause_ends_with_its_time_or_when_cancelled() {
        let cancel = Arc::new(CancelToken::new().unwrap());
        let started = Instant::now();
        assert!(cancel.pause(started + Duration::from_millis(20)).is_ok());
        assert!(started.elapsed() >= Duration::from_millis(20));
        let token = cancel.clone();
        let waiting = std::thread::spawn(move || {
            cancel
                .pause(Instant::now() + Duration::from_secs(60))
                .is_err()
                && cancel.is_cancelled()
        });
        token.cancel();
        assert!(waiting.join().unwrap());
        assert!(started.elapsed() < Duration::from_secs(30));
    }
}
