//! The threads that calls run on.
//!
//! A call blocks its thread, so it must not run on libuv's threads: there are four of them, and
//! the functions of `fs`, `dns` and `crypto` use them too. A pool belongs to a client and those
//! derived from it. It starts threads when calls need them, up to a limit; further calls wait in
//! a queue. A thread without work ends after a while.

use std::collections::{HashMap, VecDeque};
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{io, iter, mem, ptr, thread};

use wxlink::{Client, Error, Options, catch_panic};

/// How long a thread without work is kept.
const IDLE_LIMIT: Duration = Duration::from_secs(10);

/// The number of a call, which JavaScript chooses.
pub type CallId = i64;

/// Whether a handle was closed, and which handle it was derived from.
#[derive(Default)]
pub struct Lineage {
    is_closed: AtomicBool,
    parent: Option<Arc<Lineage>>,
}

impl Lineage {
    /// The lineage of a handle that is derived from the one with this lineage.
    pub fn derived_from(parent: &Arc<Lineage>) -> Lineage {
        Lineage {
            is_closed: AtomicBool::new(false),
            parent: Some(parent.clone()),
        }
    }

    /// Whether the handle, or one of those that it was derived from, was closed.
    pub fn is_closed(&self) -> bool {
        self.generations()
            .any(|handle| handle.is_closed.load(Ordering::Acquire))
    }

    /// Whether it is the lineage of this handle, or of one that was derived from it at any depth.
    fn is_or_descends_from(&self, other: &Lineage) -> bool {
        self.generations().any(|handle| ptr::eq(handle, other))
    }

    /// The handle, its parent, and so on.
    fn generations(&self) -> impl Iterator<Item = &Lineage> {
        iter::successors(Some(self), |handle| handle.parent.as_deref())
    }
}

impl Drop for Lineage {
    /// Drops the ancestors in a loop: a recursion could be too deep for the stack.
    fn drop(&mut self) {
        let mut parent = self.parent.take();
        while let Some(mut handle) = parent.and_then(Arc::into_inner) {
            parent = handle.parent.take();
        }
    }
}

/// Makes a call with its own handle, which cancels it alone, or takes the reason why it cannot be
/// made. Does not panic.
pub type Call = Box<dyn FnOnce(Result<Client, Refused>) + Send>;

/// Why a call was not made.
pub enum Refused {
    /// The core could not create a handle for it.
    Error(Error),
    /// The system could not start a thread for it.
    NoThread(io::Error),
}

/// A pool as its handles own it: it is closed with the last handle. A pending call keeps its
/// handle, so there are calls then only if a worker thread of Node is terminated.
pub struct SharedPool(Arc<Pool>);

impl SharedPool {
    /// A pool without threads.
    pub fn new(max_threads: usize) -> SharedPool {
        SharedPool(Arc::new(Pool {
            state: Mutex::default(),
            changed: Condvar::new(),
            max_threads: max_threads.max(1),
        }))
    }
}

impl Deref for SharedPool {
    type Target = Arc<Pool>;

    fn deref(&self) -> &Arc<Pool> {
        &self.0
    }
}

impl Drop for SharedPool {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// The threads of a client and those derived from it.
pub struct Pool {
    state: Mutex<State>,
    /// There is a call to make, or the pool was closed.
    changed: Condvar,
    max_threads: usize,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Queued>,
    /// Calls that were cancelled before they started.
    cancelled: Vec<Queued>,
    running: HashMap<CallId, Running>,
    threads: usize,
    idle_threads: usize,
    /// Whether a thread ends the cancelled calls.
    is_sweeping: bool,
    /// Whether later calls are cancelled too.
    is_closed: bool,
}

impl State {
    /// Whether a thread without work waits for some.
    fn expects_calls(&self) -> bool {
        self.waiting.is_empty() && !self.is_closed
    }
}

struct Queued {
    id: CallId,
    handle: Arc<Lineage>,
    client: Client,
    call: Call,
}

struct Running {
    handle: Arc<Lineage>,
    client: Client,
}

impl Pool {
    /// Makes a call as soon as a thread is free.
    pub fn submit(self: &Arc<Self>, id: CallId, handle: &Arc<Lineage>, client: Client, call: Call) {
        let queued = Queued {
            id,
            handle: handle.clone(),
            client,
            call,
        };
        let mut state = self.lock();
        if state.is_closed || handle.is_closed() {
            state.cancelled.push(queued);
            drop(state);
            return self.end_cancelled();
        }
        state.waiting.push_back(queued);
        if state.waiting.len() <= state.idle_threads || state.threads >= self.max_threads {
            self.changed.notify_one();
            return;
        }
        state.threads += 1;
        drop(state);
        let pool = self.clone();
        if let Err(e) = spawn(move || pool.work()) {
            let mut state = self.lock();
            state.threads -= 1;
            // The other threads make the call later. Without any, it fails.
            let last = if state.threads == 0 {
                state.waiting.pop_back()
            } else {
                None
            };
            drop(state);
            if let Some(queued) = last {
                (queued.call)(Err(Refused::NoThread(e)));
            }
        }
    }

    /// Cancels a call, if it has not ended.
    pub fn cancel(self: &Arc<Self>, id: CallId) {
        let mut state = self.lock();
        if let Some(running) = state.running.get(&id) {
            running.client.cancel();
            return;
        }
        let place = state.waiting.iter().rposition(|queued| queued.id == id);
        let cancelled = place.and_then(|place| state.waiting.remove(place));
        state.cancelled.extend(cancelled);
        drop(state);
        self.end_cancelled();
    }

    /// Cancels the calls of a handle and of those that were derived from it, also later ones. If
    /// the handle was not derived itself, the threads end.
    pub fn close_handle(self: &Arc<Self>, handle: &Lineage) {
        // Within the lock, so that a call is in one of the lists or finds the handle closed.
        let state = self.lock();
        handle.is_closed.store(true, Ordering::Release);
        drop(state);
        if handle.parent.is_none() {
            self.close();
        } else {
            self.cancel_where(|other| other.is_or_descends_from(handle));
        }
    }

    /// Cancels all calls, also later ones, and ends the threads.
    fn close(self: &Arc<Self>) {
        self.lock().is_closed = true;
        self.cancel_where(|_| true);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cancel_where(self: &Arc<Self>, is_chosen: impl Fn(&Lineage) -> bool) {
        let mut state = self.lock();
        for running in state.running.values() {
            if is_chosen(&running.handle) {
                running.client.cancel();
            }
        }
        let waiting = mem::take(&mut state.waiting);
        for queued in waiting {
            if is_chosen(&queued.handle) {
                state.cancelled.push(queued);
            } else {
                state.waiting.push_back(queued);
            }
        }
        drop(state);
        self.end_cancelled();
    }

    /// Ends the calls that were cancelled before they started. All threads may be busy for long, so
    /// one more does it.
    fn end_cancelled(self: &Arc<Self>) {
        let mut state = self.lock();
        if state.cancelled.is_empty() || state.is_sweeping {
            return;
        }
        state.is_sweeping = true;
        drop(state);
        let pool = self.clone();
        if spawn(move || pool.sweep()).is_err() {
            // A cancelled handle makes no request, so this does not wait.
            self.sweep();
        }
    }

    fn sweep(&self) {
        loop {
            let mut state = self.lock();
            let cancelled = mem::take(&mut state.cancelled);
            if cancelled.is_empty() {
                state.is_sweeping = false;
                return;
            }
            drop(state);
            for queued in cancelled {
                let own = own_handle(&queued.client);
                if let Ok(client) = &own {
                    client.cancel();
                }
                (queued.call)(own);
            }
        }
    }

    /// Makes calls until there are none for a while.
    fn work(&self) {
        let mut state = self.lock();
        loop {
            let Some(queued) = state.waiting.pop_front() else {
                if !state.expects_calls() {
                    break;
                }
                state.idle_threads += 1;
                let (woken, waited) = self
                    .changed
                    .wait_timeout_while(state, IDLE_LIMIT, |state| state.expects_calls())
                    .unwrap_or_else(PoisonError::into_inner);
                state = woken;
                state.idle_threads -= 1;
                if waited.timed_out() && state.waiting.is_empty() {
                    break;
                }
                continue;
            };
            // Within the lock, so that a cancellation finds the call in one of the lists.
            let own = own_handle(&queued.client);
            if let Ok(client) = &own {
                let running = Running {
                    handle: queued.handle.clone(),
                    client: client.clone(),
                };
                state.running.insert(queued.id, running);
            }
            drop(state);
            (queued.call)(own);
            drop(queued.client);
            state = self.lock();
            let ended = state.running.remove(&queued.id);
            drop(state);
            // Dropped without the lock: the last handle closes connections.
            drop(ended);
            state = self.lock();
        }
        state.threads -= 1;
    }
}

fn own_handle(client: &Client) -> Result<Client, Refused> {
    client.derive(&Options::new()).map_err(Refused::Error)
}

/// Starts a thread. A panic in it ends the thread and nothing else.
fn spawn(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let builder = thread::Builder::new().name("wxlink-call".into());
    let work = || {
        let _ = catch_panic(work);
    };
    builder.spawn(work).map(drop)
}
