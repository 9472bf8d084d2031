//! Changes of link claims in a store that other processes share.
//!
//! One thread of the library makes them, all that wait in one step, however many calls wait for
//! them. A call whose limit passes, or that is cancelled, stops waiting; its change is still made,
//! and a claim that the call can no longer use is released.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::claim::{ClaimChange, ClaimStep, LinkKeys, Settlement};
use super::owner::LockOwner;
use super::retry::Retry;
use super::store::{Changed, Store};
use crate::sys::background::{catch_panic, spawn};
use crate::sys::cancel::{CancelToken, WaitError};
use crate::sys::lock::lock;
use crate::sys::single_flight::Flight;

/// The most changes that are made in one step. Calls get their results when it ends.
const MAX_CHANGES_PER_STEP: usize = 256;
/// How long the thread waits for another change before it ends.
const IDLE_LIFETIME: Duration = Duration::from_millis(100);
/// How long the store is tried for the end of a claim.
pub(crate) const TIME_TO_SETTLE: Duration = Duration::from_secs(5);

/// The changes of one store.
pub(crate) struct ClaimQueue(Arc<Shared>);

struct Shared {
    store: Arc<dyn Store>,
    state: Mutex<State>,
    /// Notified when there is something to do for an idle thread.
    work: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<Waiting>,
    /// The number of the next change.
    next_number: u64,
    /// Whether changes are being made.
    is_running: bool,
    /// Finished when all changes with a lower number are made.
    barriers: Vec<(u64, Arc<Flight<()>>)>,
    has_thread: bool,
    /// Whether the thread waits for `work`.
    is_idle: bool,
    /// Whether the queue was dropped: the thread ends when nothing is left.
    is_closed: bool,
}

struct Waiting {
    change: ClaimChange,
    /// Its place among all changes. That of a release is its claim's.
    number: u64,
    retry: Retry,
    /// When it is tried next.
    due: Instant,
    /// `None` if no call waits for it.
    ticket: Option<Arc<Ticket>>,
}

/// A change that a call waits for.
struct Ticket {
    place: Mutex<Place>,
    /// The call's thread.
    thread: Thread,
}

/// Where a change is that a call waits for.
enum Place {
    /// It is queued, or being made.
    Queued,
    /// The call has left.
    Left,
    Done(Changed),
}

/// A change that was queued.
pub(crate) struct Queued(Arc<Ticket>);

impl ClaimQueue {
    /// The queue of this store.
    pub fn new(store: Arc<dyn Store>) -> ClaimQueue {
        ClaimQueue(Arc::new(Shared {
            store,
            state: Mutex::default(),
            work: Condvar::new(),
        }))
    }

    /// The store.
    pub fn store(&self) -> &dyn Store {
        &*self.0.store
    }

    /// Queues a change for a call of this thread.
    ///
    /// # Errors
    /// There is no thread left.
    pub fn submit(&self, change: ClaimChange) -> io::Result<Queued> {
        let ticket = Arc::new(Ticket {
            place: Mutex::new(Place::Queued),
            thread: thread::current(),
        });
        self.0.push(change, None, Some(ticket.clone()))?;
        Ok(Queued(ticket))
    }

    /// Queues a change that no call waits for. If there is no thread left it is not made.
    pub fn submit_and_leave(&self, change: ClaimChange) {
        let _ = self.0.push(change, None, None);
    }

    /// Waits until the changes that are queued now are made. Returns `false` if the limit passes
    /// first, or if there is no file descriptor left.
    pub fn finish(&self, limit: Instant) -> bool {
        let barrier = {
            let mut state = lock(&self.0.state);
            if state.waiting.is_empty() && !state.is_running {
                return true;
            }
            let Ok(barrier) = Flight::new(()) else {
                return false;
            };
            let before = state.next_number;
            state.barriers.push((before, barrier.clone()));
            barrier
        };
        let never = CancelToken::new();
        never.is_ok_and(|never| barrier.wait(limit, &never).is_ok())
    }
}

impl Drop for ClaimQueue {
    fn drop(&mut self) {
        lock(&self.0.state).is_closed = true;
        self.0.work.notify_one();
    }
}

impl Queued {
    /// Waits for the result, on the thread that queued the change.
    ///
    /// # Errors
    /// The limit passed, or the wait was cancelled. A claim is then released when it is made.
    pub fn wait(&self, limit: Instant, cancel: &CancelToken) -> Result<Changed, WaitError> {
        let mut has_waited = false;
        loop {
            let left = limit.saturating_duration_since(Instant::now());
            // Without the lock, which the thread of all claims needs: this may run for long.
            let is_stopped = cancel.is_cancelled() || has_waited && cancel.should_stop();
            {
                let mut place = lock(&self.0.place);
                if let Place::Done(result) = &*place {
                    return Ok(result.clone());
                }
                let error = if is_stopped {
                    Some(WaitError::Cancelled)
                } else {
                    left.is_zero().then_some(WaitError::TimedOut)
                };
                if let Some(error) = error {
                    *place = Place::Left;
                    return Err(error);
                }
            }
            // A result or a cancellation wakes this thread.
            cancel.park(limit);
            has_waited = true;
        }
    }
}

impl Ticket {
    /// Passes the result to the call. Returns `false` if it has left.
    fn finish(&self, result: Changed) -> bool {
        let mut place = lock(&self.place);
        if matches!(*place, Place::Left) {
            return false;
        }
        *place = Place::Done(result);
        drop(place);
        self.thread.unpark();
        true
    }
}

impl Shared {
    fn push(
        self: &Arc<Self>,
        change: ClaimChange,
        number: Option<u64>,
        ticket: Option<Arc<Ticket>>,
    ) -> io::Result<()> {
        let mut state = lock(&self.state);
        if !state.has_thread {
            let own = self.clone();
            spawn("wxlink-claims", move || own.run())?;
            state.has_thread = true;
        }
        let number = number.unwrap_or_else(|| {
            state.next_number += 1;
            state.next_number - 1
        });
        state.waiting.push(Waiting {
            retry: Retry::new(change.limit),
            change,
            number,
            due: Instant::now(),
            ticket,
        });
        if state.is_idle {
            state.is_idle = false;
            self.work.notify_one();
        }
        Ok(())
    }

    /// Releases a claim. If that fails, it stands until it expires.
    fn release(self: &Arc<Self>, keys: Arc<LinkKeys>, owner: LockOwner, number: u64) {
        let change = ClaimChange {
            keys,
            owner,
            step: ClaimStep::Settle(Settlement::NotPosted),
            limit: Instant::now() + TIME_TO_SETTLE,
        };
        let _ = self.push(change, Some(number), None);
    }

    /// The work of the thread.
    fn run(self: &Arc<Self>) {
        while let Some(due) = self.next() {
            let changes: Vec<ClaimChange> = due.iter().map(|w| w.change.clone()).collect();
            let mut due: Vec<Option<Waiting>> = due.into_iter().map(Some).collect();
            catch_panic(|| {
                self.store.change_claims(&changes, &mut |n, result| {
                    if let Some(waiting) = due.get_mut(n).and_then(Option::take) {
                        self.finish(waiting, result);
                    }
                });
            });
            for ticket in due.into_iter().flatten().filter_map(|w| w.ticket) {
                ticket.finish(Ok(None));
            }
            lock(&self.state).end_step();
        }
    }

    /// The changes that are due. Waits for some; `None` if the thread is to end.
    fn next(&self) -> Option<Vec<Waiting>> {
        let mut state = lock(&self.state);
        let ends_at = Instant::now() + IDLE_LIFETIME;
        loop {
            let now = Instant::now();
            let due = state.take_due(now);
            if !due.is_empty() {
                return Some(due);
            }
            let first = state.waiting.iter().map(|waiting| waiting.due).min();
            if first.is_none() && (state.is_closed || now >= ends_at) {
                state.has_thread = false;
                return None;
            }
            let wake_at = first.unwrap_or(ends_at);
            state.is_idle = true;
            let left = wake_at.saturating_duration_since(now);
            let woken = self.work.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
            state.is_idle = false;
        }
    }

    /// Passes the result of an attempt to the call that waits, or queues the change again if the
    /// store may soon be available.
    fn finish(self: &Arc<Self>, mut waiting: Waiting, result: Changed) {
        let result = match result {
            Err(error) if error.transient => match waiting.retry.next_try(error) {
                Ok(due) => {
                    waiting.due = due;
                    lock(&self.state).waiting.push(waiting);
                    return;
                }
                Err(error) => Err(error),
            },
            result => result,
        };
        let Waiting {
            change,
            number,
            ticket,
            ..
        } = waiting;
        let Some(ticket) = ticket else { return };
        // After an error the store may have the claim: its reply may have been lost.
        let is_unknown = result.as_ref().is_err_and(|e| e.transient);
        let was_passed = ticket.finish(result);
        if (is_unknown || !was_passed) && matches!(change.step, ClaimStep::Claim { .. }) {
            self.release(change.keys, change.owner, number);
        }
    }
}

impl State {
    /// Takes the first changes that are due, at most [`MAX_CHANGES_PER_STEP`].
    fn take_due(&mut self, now: Instant) -> Vec<Waiting> {
        let mut due = Vec::new();
        for waiting in std::mem::take(&mut self.waiting) {
            if waiting.due <= now && due.len() < MAX_CHANGES_PER_STEP {
                due.push(waiting);
            } else {
                self.waiting.push(waiting);
            }
        }
        self.is_running = !due.is_empty();
        due
    }

    fn end_step(&mut self) {
        self.is_running = false;
        let oldest = self.waiting.iter().map(|waiting| waiting.number).min();
        self.barriers.retain(|(before, barrier)| {
            let is_left = oldest.is_some_and(|oldest| oldest < *before);
            if !is_left {
                barrier.finish(Some(()));
            }
            is_left
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::Message;
    use crate::store::StoreError;
    use crate::store::claim::{Claimed, LinkName};
    use std::sync::mpsc::{Receiver, Sender, channel};

    /// A store whose steps are made by the test: each step is announced with its number of changes,
    /// and ends when the test sends its result.
    struct Manual {
        started: Mutex<Sender<Vec<ClaimStep>>>,
        results: Mutex<Receiver<Option<Changed>>>,
    }

    impl Store for Manual {
        fn name(&self) -> Message {
            "the test's store".into()
        }

        fn read(&self, _: &str, _: Instant) -> Result<Option<Vec<u8>>, StoreError> {
            Ok(None)
        }

        fn swap(&self, _: &str, _: Option<&[u8]>, _: &str, _: Instant) -> Result<bool, StoreError> {
            Ok(false)
        }

        fn lock(
            &self,
            _: &str,
            _: &LockOwner,
            _: Duration,
            _: Instant,
        ) -> Result<bool, StoreError> {
            Ok(false)
        }

        fn unlock(&self, _: &str, _: &LockOwner, _: Instant) -> Result<(), StoreError> {
            Ok(())
        }

        fn change_claim(&self, _: &ClaimChange) -> Changed {
            Ok(None)
        }

        fn change_claims(&self, changes: &[ClaimChange], done: &mut dyn FnMut(usize, Changed)) {
            let steps = changes.iter().map(|change| change.step).collect();
            lock(&self.started).send(steps).unwrap();
            let result = lock(&self.results).recv().unwrap();
            #[allow(clippy::expect_used)]
            let result = result.expect("expected by the test");
            (0..changes.len()).for_each(|n| done(n, result.clone()));
        }
    }

    struct Test {
        queue: ClaimQueue,
        started: Receiver<Vec<ClaimStep>>,
        results: Sender<Option<Changed>>,
        never: CancelToken,
    }

    const TAKEN: Changed = Ok(Some(Claimed::Taken { earlier: None }));

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    fn claim() -> ClaimChange {
        let link = LinkName {
            realm: "test",
            account: Some("a"),
            token: None,
            appid: "wx",
        };
        ClaimChange {
            keys: LinkKeys::new(&link).into(),
            owner: LockOwner::new(),
            step: ClaimStep::Claim {
                lasts: Duration::from_secs(60),
            },
            limit: soon(),
        }
    }

    fn away() -> Changed {
        Err(StoreError {
            why: "away".into(),
            transient: true,
            is_late: false,
        })
    }

    impl Test {
        fn new() -> Test {
            let (started, results) = (channel(), channel());
            let store = Manual {
                started: Mutex::new(started.0),
                results: Mutex::new(results.1),
            };
            Test {
                queue: ClaimQueue::new(Arc::new(store)),
                started: started.1,
                results: results.0,
                never: CancelToken::new().unwrap(),
            }
        }

        fn end_step(&self, result: Changed) {
            self.results.send(Some(result)).unwrap();
        }

        fn is_taken(&self, queued: &Queued) -> bool {
            let waited = queued.wait(soon(), &self.never);
            matches!(waited, Ok(Ok(Some(Claimed::Taken { .. }))))
        }

        /// Waits for a step that releases one claim, and ends it.
        fn expect_release(&self) {
            let steps = self.started.recv().unwrap();
            let [ClaimStep::Settle(Settlement::NotPosted)] = steps[..] else {
                panic!("{} other changes", steps.len());
            };
            self.end_step(Ok(None));
        }
    }

    #[test]
    fn changes_that_wait_are_made_in_one_step() {
        let test = Test::new();
        let first = test.queue.submit(claim()).unwrap();
        assert_eq!(test.started.recv().unwrap().len(), 1);
        let others: Vec<_> = (0..3 * MAX_CHANGES_PER_STEP / 2)
            .map(|_| test.queue.submit(claim()).unwrap())
            .collect();
        assert!(!test.queue.finish(Instant::now()));
        test.end_step(TAKEN);
        assert!(test.is_taken(&first));
        for expected in [MAX_CHANGES_PER_STEP, MAX_CHANGES_PER_STEP / 2] {
            assert_eq!(test.started.recv().unwrap().len(), expected);
            test.end_step(TAKEN);
        }
        assert!(others.iter().all(|queued| test.is_taken(queued)));
        assert!(test.queue.finish(soon()));
    }

    #[test]
    fn a_claim_of_a_call_that_has_left_is_released() {
        let test = Test::new();
        let queued = test.queue.submit(claim()).unwrap();
        test.started.recv().unwrap();
        let left = queued.wait(Instant::now(), &test.never);
        assert!(matches!(left, Err(WaitError::TimedOut)));
        test.end_step(TAKEN);
        test.expect_release();
    }

    #[test]
    fn an_interrupt_check_that_takes_long_holds_up_no_other_claim() {
        let test = Test::new();
        let (entered, has_entered) = channel();
        let (leave, may_leave) = channel::<()>();
        let may_leave = Mutex::new(may_leave);
        let check = move || {
            entered.send(()).unwrap();
            lock(&may_leave).recv().is_err()
        };
        let first = test.queue.submit(claim()).unwrap();
        test.started.recv().unwrap();
        thread::scope(|scope| {
            let waiting = scope.spawn(move || {
                let never = CancelToken::new().unwrap();
                let checked = never.with_interrupt_check(Box::new(check));
                first.wait(soon(), &checked)
            });
            has_entered.recv().unwrap();
            let second = test.queue.submit(claim()).unwrap();
            test.end_step(TAKEN);
            let has_started = test.started.recv_timeout(Duration::from_secs(60));
            leave.send(()).unwrap();
            // Further checks return immediately.
            drop(leave);
            assert!(matches!(
                waiting.join().unwrap(),
                Ok(Ok(Some(Claimed::Taken { .. })))
            ));
            assert_eq!(has_started.unwrap().len(), 1);
            test.end_step(TAKEN);
            assert!(test.is_taken(&second));
        });
    }

    #[test]
    fn an_unavailable_store_is_tried_again_and_an_unknown_claim_released() {
        let test = Test::new();
        let queued = test.queue.submit(claim()).unwrap();
        for result in [away(), away(), TAKEN] {
            test.started.recv().unwrap();
            test.end_step(result);
        }
        assert!(test.is_taken(&queued));
        let limit = Instant::now();
        let late = test.queue.submit(ClaimChange { limit, ..claim() }).unwrap();
        test.started.recv().unwrap();
        test.end_step(away());
        assert!(matches!(late.wait(soon(), &test.never), Ok(Err(e)) if e.transient));
        test.expect_release();
        assert!(test.queue.finish(soon()));
    }

    #[test]
    fn a_panic_ends_the_waits_and_the_next_change_is_made() {
        let test = Test::new();
        let queued = test.queue.submit(claim()).unwrap();
        test.results.send(None).unwrap();
        assert!(matches!(queued.wait(soon(), &test.never), Ok(Ok(None))));
        test.started.recv().unwrap();
        let queued = test.queue.submit(claim()).unwrap();
        test.end_step(TAKEN);
        assert!(test.is_taken(&queued));
    }
}
