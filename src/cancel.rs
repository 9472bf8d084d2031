//! Ending calls from another thread.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::BorrowedFd;
use rustix::io::Errno;

use crate::sys::Bell;

/// How often a wait asks its watch.
const ASK: Duration = Duration::from_millis(50);

/// The longest wait that every system takes in one piece: some count milliseconds in 32 bits.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Asked while a call waits: whether to end it.
type Watch = Box<dyn Fn() -> bool + Send + Sync>;

/// A bell that, once rung, ends every wait of its handle, present and future.
pub(crate) struct Cancel {
    rung: AtomicBool,
    bell: Bell,
    watch: Option<Watch>,
}

/// Why a wait ended without what it waited for.
pub(crate) enum Stop {
    TimedOut,
    Cancelled,
    Failed(Errno),
}

impl Cancel {
    pub fn new() -> io::Result<Cancel> {
        Ok(Cancel {
            rung: AtomicBool::new(false),
            bell: Bell::new()?,
            watch: None,
        })
    }

    /// The same with a watch that waits ask, every 50 ms and when a signal interrupts them. It ends the
    /// wait that asked and no other.
    pub fn watched(mut self, watch: Watch) -> Cancel {
        self.watch = Some(watch);
        self
    }

    /// Ends all waits, now and from now on.
    pub fn ring(&self) {
        self.rung.store(true, Ordering::Release);
        self.bell.ring();
    }

    pub fn is_rung(&self) -> bool {
        self.rung.load(Ordering::Acquire)
    }

    /// Whether a wait that cannot use the bell should end.
    pub fn is_over(&self) -> bool {
        self.is_rung() || self.watch.as_ref().is_some_and(|watch| watch())
    }

    /// Waits until `fd` is ready.
    pub fn wait_for(
        &self,
        fd: BorrowedFd<'_>,
        flags: PollFlags,
        limit: Instant,
    ) -> Result<(), Stop> {
        let mut fds = [
            PollFd::from_borrowed_fd(self.bell.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(fd, flags),
        ];
        self.wait(&mut fds, limit)
    }

    /// Waits for the time to pass: `Ok` when it has.
    pub fn pause(&self, until: Instant) -> Result<(), Stop> {
        let mut bell = [PollFd::from_borrowed_fd(self.bell.as_fd(), PollFlags::IN)];
        match self.wait(&mut bell, until) {
            Err(Stop::TimedOut) => Ok(()),
            other => other,
        }
    }

    /// Waits on the bell, which is first, and what else there is.
    fn wait(&self, fds: &mut [PollFd<'_>], limit: Instant) -> Result<(), Stop> {
        loop {
            let left = limit.saturating_duration_since(Instant::now());
            let slice = left.min(if self.watch.is_some() { ASK } else { LONGEST });
            let timeout = Timespec {
                tv_sec: slice.as_secs() as _,
                tv_nsec: slice.subsec_nanos() as _,
            };
            // Also with no time left: what is ready already is no matter of time.
            match poll(fds, Some(&timeout)) {
                Ok(_) if !fds[0].revents().is_empty() => return Err(Stop::Cancelled),
                Ok(0) if left.is_zero() => return Err(Stop::TimedOut),
                Ok(0) | Err(Errno::INTR) if self.is_over() => return Err(Stop::Cancelled),
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => return Ok(()),
                Err(e) => return Err(Stop::Failed(e)),
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
    fn a_watch_ends_the_wait_that_asked_it_and_no_later_one() {
        let asked = std::sync::atomic::AtomicU32::new(0);
        let watch = move || asked.fetch_add(1, Ordering::Relaxed) == 1;
        let cancel = Cancel::new().unwrap().watched(Box::new(watch));
        let started = Instant::now();
        assert!(cancel.pause(started + Duration::from_secs(60)).is_err());
        assert!(started.elapsed() >= ASK && !cancel.is_rung());
        assert!(cancel.pause(Instant::now() + ASK * 2).is_ok());
    }

    #[test]
    fn a_pause_ends_with_its_time_or_the_bell() {
        let cancel = Arc::new(Cancel::new().unwrap());
        let started = Instant::now();
        assert!(cancel.pause(started + Duration::from_millis(20)).is_ok());
        assert!(started.elapsed() >= Duration::from_millis(20));
        let ringer = cancel.clone();
        let waiting = std::thread::spawn(move || {
            cancel
                .pause(Instant::now() + Duration::from_secs(60))
                .is_err()
                && cancel.is_rung()
        });
        ringer.ring();
        assert!(waiting.join().unwrap());
        assert!(started.elapsed() < Duration::from_secs(30));
    }
}
