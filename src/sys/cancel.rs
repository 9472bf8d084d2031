//! Waiting with a time limit, and ending such waits from another thread.

use std::collections::BTreeMap;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd};
use rustix::io::Errno;

use crate::sys::lock::lock;
use crate::sys::os::{Socket, Waker};

/// How often a wait runs its interrupt check.
const INTERRUPT_CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// How long a receive without an interrupt check blocks before it looks at its limit again.
const MAX_BLOCKING: Duration = Duration::from_millis(250);

/// The longest time passed to one `poll`: some systems count milliseconds in 32 bits.
const MAX_POLL: Duration = Duration::from_secs(24 * 60 * 60);

/// Returns whether the wait that runs it should end.
type InterruptCheck = Box<dyn Fn() -> bool + Send + Sync>;

/// Once cancelled, ends every wait on it, present and future.
pub(crate) struct CancelToken {
    cancelled: AtomicBool,
    waker: Waker,
    /// The threads that block without polling the waker, by an address in the stack of each.
    blocked: Mutex<BTreeMap<usize, Blocked>>,
    interrupt_check: Option<InterruptCheck>,
}

/// How to wake a thread that blocks without polling the waker.
enum Blocked {
    /// It receives from this socket.
    Receiving(Arc<TcpStream>),
    Parked(Thread),
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
            blocked: Mutex::default(),
            interrupt_check: None,
        })
    }

    /// Adds a check that every wait runs every 50 ms, and unless it parks also when a signal
    /// interrupts it. It ends the wait that runs it and no other.
    pub fn with_interrupt_check(mut self, check: InterruptCheck) -> CancelToken {
        self.interrupt_check = Some(check);
        self
    }

    /// Ends all waits, present and future.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        self.waker.wake();
        for blocked in lock(&self.blocked).values() {
            match blocked {
                Blocked::Receiving(socket) => drop(socket.shutdown(Shutdown::Both)),
                Blocked::Parked(thread) => thread.unpark(),
            }
        }
    }

    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Whether a wait should end that does not poll the waker. Runs the interrupt check, which may
    /// take long: the caller must hold no lock.
    pub fn should_stop(&self) -> bool {
        self.is_cancelled() || self.interrupt_check.as_ref().is_some_and(|check| check())
    }

    /// How long a thread may wait without a look at the interrupt check, if there is one.
    fn longest_wait(&self, time: Duration) -> Duration {
        match self.interrupt_check {
            Some(_) => time.min(INTERRUPT_CHECK_INTERVAL),
            None => time,
        }
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

    /// Waits until something arrives on a socket, and receives it. If the call is cancelled, the
    /// socket may be shut down.
    ///
    /// The thread blocks in the receive itself where the system allows that: threads that poll the
    /// same waker contend for it, which costs them more than the rest of the wait.
    pub fn receive(
        &self,
        socket: &mut Socket,
        buf: &mut [u8],
        limit: Instant,
    ) -> Result<io::Result<usize>, WaitError> {
        let longest = self.longest_wait(MAX_BLOCKING);
        loop {
            let left = limit.saturating_duration_since(Instant::now());
            let received = if Socket::CAN_BLOCK && longest <= left {
                self.receive_blocking(socket, buf, longest)?
            } else {
                self.wait_for(socket.stream().as_fd(), PollFlags::IN, limit)?;
                socket.receive(buf)
            };
            match received {
                Err(e) if is_transient(&e) => {}
                done => return Ok(done),
            }
            if self.should_stop() {
                return Err(WaitError::Cancelled);
            }
        }
    }

    /// Receives with a system call that blocks, which [`cancel`](CancelToken::cancel) ends.
    fn receive_blocking(
        &self,
        socket: &mut Socket,
        buf: &mut [u8],
        longest: Duration,
    ) -> Result<io::Result<usize>, WaitError> {
        let blocked = Blocked::Receiving(socket.stream().clone());
        match self.block(blocked, || socket.receive_blocking(buf, longest)) {
            // If it is cancelled by now, the socket may be shut down, whatever was received.
            Some(received) if !self.is_cancelled() => Ok(received),
            _ => Err(WaitError::Cancelled),
        }
    }

    /// Parks this thread until another one unparks it, the time has passed or the wait is
    /// cancelled. It may also return early, so the caller checks what it waits for in a loop.
    pub fn park(&self, until: Instant) {
        let left = until.saturating_duration_since(Instant::now());
        let blocked = Blocked::Parked(thread::current());
        self.block(blocked, || thread::park_timeout(self.longest_wait(left)));
    }

    /// Runs what blocks this thread, which [`cancel`](CancelToken::cancel) then wakes. `None` if it
    /// is cancelled already.
    fn block<T>(&self, blocked: Blocked, wait: impl FnOnce() -> T) -> Option<T> {
        let in_stack = 0_u8;
        let key = (&raw const in_stack).addr();
        lock(&self.blocked).insert(key, blocked);
        // A cancellation from now on finds the thread.
        let done = (!self.is_cancelled()).then(wait);
        lock(&self.blocked).remove(&key);
        done
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
            let slice = self.longest_wait(left.min(MAX_POLL));
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

/// Whether the same system call may succeed later.
pub(crate) fn is_transient(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::TcpListener;

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

    /// A socket, and the one it is connected to.
    fn connected() -> (Socket, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        socket.set_nonblocking(true).unwrap();
        (Socket::new(socket).unwrap(), listener.accept().unwrap().0)
    }

    fn in_seconds(seconds: u64) -> Instant {
        Instant::now() + Duration::from_secs(seconds)
    }

    #[test]
    fn a_receive_gets_what_arrives_however_late() {
        let (mut socket, mut peer) = connected();
        let cancel = CancelToken::new().unwrap();
        let mut buf = [0; 8];
        // Nothing arrives for longer than one system call blocks.
        let sender = thread::spawn(move || {
            thread::sleep(Duration::from_millis(600));
            peer.write_all(b"late").unwrap();
            peer
        });
        let received = cancel.receive(&mut socket, &mut buf, in_seconds(60));
        assert!(matches!(received, Ok(Ok(4))) && buf.starts_with(b"late"));
        let mut peer = sender.join().unwrap();
        // What has arrived is received even if no time is left, and so is the end of the stream.
        peer.write_all(b"xy").unwrap();
        drop(peer);
        let received = cancel.receive(&mut socket, &mut buf[..1], in_seconds(60));
        assert!(matches!(received, Ok(Ok(1))));
        for expected in [1, 0] {
            let received = cancel.receive(&mut socket, &mut buf, Instant::now());
            assert!(matches!(received, Ok(Ok(n)) if n == expected));
        }
        assert!(lock(&cancel.blocked).is_empty());
    }

    #[test]
    fn an_interrupt_check_ends_a_receive() {
        let (mut socket, mut peer) = connected();
        let stops = Arc::new(AtomicBool::new(false));
        let check = Box::new({
            let stops = stops.clone();
            move || stops.load(Ordering::Relaxed)
        });
        let cancel = CancelToken::new().unwrap().with_interrupt_check(check);
        peer.write_all(b"x").unwrap();
        let received = cancel.receive(&mut socket, &mut [0], in_seconds(60));
        assert!(matches!(received, Ok(Ok(1))));
        let started = Instant::now();
        stops.store(true, Ordering::Relaxed);
        let received = cancel.receive(&mut socket, &mut [0], in_seconds(60));
        assert!(matches!(received, Err(WaitError::Cancelled)));
        assert!(started.elapsed() < Duration::from_secs(30));
        // The next wait without a check blocks as long as it may again.
        let other = CancelToken::new().unwrap();
        stops.store(false, Ordering::Relaxed);
        peer.write_all(b"x").unwrap();
        let received = other.receive(&mut socket, &mut [0], in_seconds(60));
        assert!(matches!(received, Ok(Ok(1))) && !cancel.is_cancelled());
    }

    #[test]
    fn a_receive_ends_with_its_limit() {
        let (mut socket, _peer) = connected();
        let cancel = CancelToken::new().unwrap();
        // Shorter and longer than one system call blocks.
        for limit in [Duration::from_millis(20), Duration::from_millis(400)] {
            let started = Instant::now();
            let received = cancel.receive(&mut socket, &mut [0], started + limit);
            assert!(matches!(received, Err(WaitError::TimedOut)));
            assert!(started.elapsed() >= limit);
        }
    }

    #[test]
    fn cancelling_ends_the_receives_of_all_threads() {
        let cancel = Arc::new(CancelToken::new().unwrap());
        let started = Instant::now();
        let (threads, peers): (Vec<_>, Vec<_>) = (0..8)
            .map(|_| {
                let (mut socket, peer) = connected();
                let cancel = cancel.clone();
                let receive = move || {
                    let received = cancel.receive(&mut socket, &mut [0], in_seconds(60));
                    matches!(received, Err(WaitError::Cancelled))
                };
                (thread::spawn(receive), peer)
            })
            .unzip();
        // Some threads block already, others have not started.
        while Socket::CAN_BLOCK && lock(&cancel.blocked).is_empty() {
            thread::yield_now();
        }
        cancel.cancel();
        for thread in threads {
            assert!(thread.join().unwrap());
        }
        assert!(started.elapsed() < Duration::from_secs(30));
        drop(peers);
        // So does a receive that starts later, even if something has arrived: the next one would
        // find a socket that is shut down.
        let (mut socket, mut peer) = connected();
        peer.write_all(b"x").unwrap();
        let received = cancel.receive(&mut socket, &mut [0], in_seconds(60));
        assert!(matches!(received, Err(WaitError::Cancelled)));
        assert!(lock(&cancel.blocked).is_empty());
    }

    #[test]
    fn a_parked_thread_is_woken_by_its_result_or_by_the_cancellation() {
        let cancel = Arc::new(CancelToken::new().unwrap());
        let started = Instant::now();
        let is_ready = Arc::new(AtomicBool::new(false));
        let park = |is_done: Box<dyn Fn() -> bool + Send>| {
            let cancel = cancel.clone();
            thread::spawn(move || {
                while !is_done() {
                    cancel.park(in_seconds(60));
                }
            })
        };
        let waits_for_result = park(Box::new({
            let is_ready = is_ready.clone();
            move || is_ready.load(Ordering::Acquire)
        }));
        is_ready.store(true, Ordering::Release);
        waits_for_result.thread().unpark();
        waits_for_result.join().unwrap();
        let waits_for_end = park(Box::new({
            let cancel = cancel.clone();
            move || cancel.is_cancelled()
        }));
        while lock(&cancel.blocked).is_empty() {
            thread::yield_now();
        }
        cancel.cancel();
        waits_for_end.join().unwrap();
        // A wait that starts later does not park.
        cancel.park(in_seconds(60));
        assert!(started.elapsed() < Duration::from_secs(30));
        assert!(lock(&cancel.blocked).is_empty());
    }

    #[test]
    fn a_pause_ends_with_its_time_or_when_cancelled() {
        let cancel = Arc::new(CancelToken::new().unwrap());
        let started = Instant::now();
        assert!(cancel.pause(started + Duration::from_millis(20)).is_ok());
        assert!(started.elapsed() >= Duration::from_millis(20));
        let token = cancel.clone();
        let waiting = thread::spawn(move || {
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
