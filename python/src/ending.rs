//! The exit of the interpreter.
//!
//! Daemon threads may outlive the interpreter. CPython ends such a thread when it takes the GIL: it
//! unwinds through Rust frames, which abort, or lets the thread access freed memory. So after the
//! exit has begun, threads that would return to Python through this module are blocked, and the
//! exit waits shortly for threads that run Python code called by this module.
//!
//! The exit also waits for running token refreshes.

use std::cell::Cell;
use std::process;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use wxlink::Client;

/// How long the exit waits for threads that run Python code called by this module.
const MAX_WAIT_FOR_THREADS: Duration = Duration::from_secs(1);
/// How long a thread is blocked. If another exit handler waits for the thread, it continues then;
/// all other threads have ended by then, with the process.
const BLOCK_DURATION: Duration = Duration::from_secs(10);
/// The time between two checks for signals while the exit waits for token refreshes.
const SIGNAL_CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// Whether the interpreter is exiting.
static ENDING: AtomicBool = AtomicBool::new(false);
/// The number of threads that run this module's code with the GIL, or are about to.
static INSIDE: AtomicUsize = AtomicUsize::new(0);
/// The process whose threads are counted. A forked child inherits the count but not the threads.
static PROCESS: AtomicU32 = AtomicU32::new(0);

thread_local! {
    /// Whether this thread runs the interpreter's exit.
    static RUNS_EXIT: Cell<bool> = const { Cell::new(false) };
}

/// While it exists, this thread runs the module's code with the GIL. A thread has at most one.
pub struct Inside(());

impl Inside {
    /// Enters, or blocks if the interpreter is exiting.
    pub fn enter(py: Python<'_>) -> Inside {
        INSIDE.fetch_add(1, Ordering::SeqCst);
        if must_block() {
            INSIDE.fetch_sub(1, Ordering::SeqCst);
            py.detach(|| {
                block();
                INSIDE.fetch_add(1, Ordering::SeqCst);
            });
        }
        Inside(())
    }

    /// Runs `wait` without the GIL.
    pub fn detach<T: Send>(&self, py: Python<'_>, wait: impl FnOnce() -> T + Send) -> T {
        py.detach(|| {
            let _back = Outside::leave();
            wait()
        })
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A thread that has released the GIL and will take it again.
struct Outside(());

impl Outside {
    fn leave() -> Outside {
        INSIDE.fetch_sub(1, Ordering::SeqCst);
        Outside(())
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        enter_again();
    }
}

/// Runs `body` with the GIL, within the closure of [`Inside::detach`].
pub fn attach<T>(body: impl FnOnce(Python<'_>) -> T) -> T {
    enter_again();
    let _inside = Inside(());
    Python::attach(body)
}

/// The same, but returns `None` if the interpreter is exiting.
pub fn try_attach<T>(body: impl FnOnce(Python<'_>) -> T) -> Option<T> {
    INSIDE.fetch_add(1, Ordering::SeqCst);
    let _inside = Inside(());
    if must_block() {
        return None;
    }
    Python::try_attach(body)
}

fn enter_again() {
    INSIDE.fetch_add(1, Ordering::SeqCst);
    if must_block() {
        INSIDE.fetch_sub(1, Ordering::SeqCst);
        block();
        INSIDE.fetch_add(1, Ordering::SeqCst);
    }
}

fn must_block() -> bool {
    // At the end of a thread its thread-locals may be destroyed already.
    ENDING.load(Ordering::SeqCst) && !RUNS_EXIT.try_with(Cell::get).unwrap_or(false)
}

fn block() {
    thread::sleep(BLOCK_DURATION);
    // SAFETY: may be called at any time.
    while unsafe { pyo3::ffi::Py_IsInitialized() } == 0 {
        thread::sleep(BLOCK_DURATION);
    }
}

/// Registers [`at_exit`] to run when the interpreter exits.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    PROCESS.store(process::id(), Ordering::Relaxed);
    let at_exit = wrap_pyfunction!(at_exit, module)?;
    let atexit = module.py().import("atexit")?;
    atexit.call_method1("register", (at_exit,)).map(drop)
}

/// Waits for running token fetches, at most for the time limit of each client, and then blocks
/// other threads from returning to Python. A signal handler that raises ends the wait.
#[pyfunction]
fn at_exit(py: Python<'_>) -> PyResult<()> {
    RUNS_EXIT.set(true);
    let fetches = finish_token_fetches(py);
    ENDING.store(true, Ordering::SeqCst);
    if PROCESS.load(Ordering::Relaxed) == process::id() {
        let until = Instant::now() + MAX_WAIT_FOR_THREADS;
        // Those threads need the GIL.
        py.detach(|| {
            while INSIDE.load(Ordering::SeqCst) > 0 && Instant::now() < until {
                thread::sleep(Duration::from_millis(1));
            }
        });
    }
    fetches
}

fn finish_token_fetches(py: Python<'_>) -> PyResult<()> {
    let started = Instant::now();
    for client in Client::registered() {
        while !py.detach(|| client.finish_token_fetches(SIGNAL_CHECK_INTERVAL))
            && started.elapsed() < client.timeout()
        {
            py.check_signals()?;
        }
    }
    Ok(())
}
