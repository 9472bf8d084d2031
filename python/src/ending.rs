//! The end of the interpreter, which daemon threads may outlive. CPython ends such a thread where
//! it takes the GIL, by an unwinding that Rust's frames turn into an abort, or lets it touch memory
//! that is gone. So from the interpreter's exit on, threads that would come back to Python through
//! this module stay where they are, and the exit waits a moment for those that are in between.
//!
//! Also at exit: access tokens that are being renewed are waited for.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::process;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use wxlink::Client;

/// How long the exit waits for threads that run Python code called by this module.
const IN_BETWEEN: Duration = Duration::from_secs(1);
/// How long a thread stays away from Python. One that is waited for by an exit handler of somebody
/// else goes on then; all others are gone by then, with the process.
const AWAY: Duration = Duration::from_secs(10);
/// Between two looks at what is waited for.
const LOOK: Duration = Duration::from_millis(50);

/// Whether the interpreter is about to end.
static ENDING: AtomicBool = AtomicBool::new(false);
/// How many threads run this module's code with the GIL, or are about to.
static INSIDE: AtomicUsize = AtomicUsize::new(0);
/// The process whose threads are counted: a forked child has the count and not the threads.
static PROCESS: AtomicU32 = AtomicU32::new(0);

thread_local! {
    /// Whether this is the thread that ends the interpreter.
    static ENDS_IT: Cell<bool> = const { Cell::new(false) };
}

/// A thread runs this module's code with the GIL. One at a time for each thread.
pub struct Inside(());

impl Inside {
    /// Enters, or stays away if the interpreter is ending.
    pub fn enter(py: Python<'_>) -> Inside {
        INSIDE.fetch_add(1, Ordering::SeqCst);
        if must_stay_away() {
            INSIDE.fetch_sub(1, Ordering::SeqCst);
            py.detach(|| {
                stay_away();
                INSIDE.fetch_add(1, Ordering::SeqCst);
            });
        }
        Inside(())
    }

    /// Runs something that may wait, without the GIL.
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

/// A thread that gave the GIL back, and will ask for it again.
struct Outside(());

impl Outside {
    fn leave() -> Outside {
        INSIDE.fetch_sub(1, Ordering::SeqCst);
        Outside(())
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        come_back();
    }
}

/// Runs something with the GIL, in the midst of what [`Inside::detach`] runs.
pub fn attach<T>(body: impl FnOnce(Python<'_>) -> T) -> T {
    come_back();
    let _inside = Inside(());
    Python::attach(body)
}

/// The same, or nothing if the interpreter is ending.
pub fn try_attach<T>(body: impl FnOnce(Python<'_>) -> T) -> Option<T> {
    INSIDE.fetch_add(1, Ordering::SeqCst);
    let _inside = Inside(());
    if must_stay_away() {
        return None;
    }
    Python::try_attach(body)
}

fn come_back() {
    INSIDE.fetch_add(1, Ordering::SeqCst);
    if must_stay_away() {
        INSIDE.fetch_sub(1, Ordering::SeqCst);
        stay_away();
        INSIDE.fetch_add(1, Ordering::SeqCst);
    }
}

fn must_stay_away() -> bool {
    // Thread-locals may be gone at a thread's end.
    ENDING.load(Ordering::SeqCst) && !ENDS_IT.try_with(Cell::get).unwrap_or(false)
}

fn stay_away() {
    thread::sleep(AWAY);
    // SAFETY: may be called at any time.
    while unsafe { pyo3::ffi::Py_IsInitialized() } == 0 {
        thread::sleep(AWAY);
    }
}

/// The clients whose token fetches the exit waits for. Locked with the GIL alone, so that no fork
/// finds it locked.
static CLIENTS: Mutex<Clients> = Mutex::new(Clients {
    held: BTreeMap::new(),
    left: Vec::new(),
});

struct Clients {
    /// Those of handles, by a number of each handle.
    held: BTreeMap<u64, Client>,
    /// Those without a handle that were still fetching a token when the handle went.
    left: Vec<Client>,
}

fn clients() -> MutexGuard<'static, Clients> {
    let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    clients.left.retain(|client| !is_idle(client));
    clients
}

fn is_idle(client: &Client) -> bool {
    client.finish_token_fetches(Duration::ZERO)
}

/// A client whose token fetches the exit waits for, as long as there are any.
pub struct Registered(u64);

impl Registered {
    /// Nothing for a client that fetches no tokens.
    pub fn new(_py: Python<'_>, client: &Client) -> Option<Registered> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        client.serves_accounts().then(|| {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            clients().held.insert(number, client.clone());
            Registered(number)
        })
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut clients = clients();
        let held = clients.held.remove(&self.0);
        clients.left.extend(held.filter(|client| !is_idle(client)));
    }
}

/// Has [`at_exit`] run when the interpreter exits.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    PROCESS.store(process::id(), Ordering::Relaxed);
    let at_exit = wrap_pyfunction!(at_exit, module)?;
    let atexit = module.py().import("atexit")?;
    atexit.call_method1("register", (at_exit,)).map(drop)
}

/// Waits for token fetches that are under way, each client's for its time limit at most, and keeps
/// other threads out of Python from then on. A signal's handler that raises ends the waiting.
#[pyfunction]
fn at_exit(py: Python<'_>) -> PyResult<()> {
    ENDS_IT.set(true);
    let fetches = finish_token_fetches(py);
    ENDING.store(true, Ordering::SeqCst);
    if PROCESS.load(Ordering::Relaxed) == process::id() {
        let until = Instant::now() + IN_BETWEEN;
        // Who is in between needs the GIL.
        py.detach(|| {
            while INSIDE.load(Ordering::SeqCst) > 0 && Instant::now() < until {
                thread::sleep(Duration::from_millis(1));
            }
        });
    }
    fetches
}

fn finish_token_fetches(py: Python<'_>) -> PyResult<()> {
    let fetching: Vec<Client> = {
        let clients = clients();
        clients
            .held
            .values()
            .chain(&clients.left)
            .cloned()
            .collect()
    };
    let begun = Instant::now();
    for client in fetching {
        while !py.detach(|| client.finish_token_fetches(LOOK)) && begun.elapsed() < client.timeout()
        {
            py.check_signals()?;
        }
    }
    Ok(())
}
