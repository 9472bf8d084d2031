//! A job of many links. It is done on threads of its own, which know nothing of Python; results wait in a short queue
//! until somebody asks for them.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyIterator, PyList, PyString, PyTuple};
use serde_json::Value;
use wxlink::{Client, Status};
use wxlink_bulk::{
    BadRow, BulkError, Choices, Crew, End, Finding, Rate, Rates, Record, Reopen, Row, Stop,
    Verdict, column_of, read_rows,
};

use crate::ending::{self, Inside};
use crate::{Handle, errors};

/// How often a wait has Python's signal handlers run.
const LOOK: Duration = Duration::from_millis(50);
/// How many results may wait before the workers do. What a loop that is left has not seen is at most that, and what
/// was being dealt with.
const WAITING: usize = 64;
/// How many rows are taken over before Python's signal handlers run.
const ROWS: u32 = 1024;
const NOTHING: &str = "put that right and try again; nothing was sent";
const KEPT: &str = "put that right, then go on with the job (resume=True) or begin it anew; what was done is found, \
                    and not done again";
const COLUMNS: [&str; 4] = ["account", "appid", "notify_users", "show_profile"];

/// A result's fields.
type Told = (
    u64,
    String,
    String,
    &'static str,
    i32,
    String,
    String,
    Option<u64>,
);
/// In the order of `Finding::ALL`.
type Findings = (u64, u64, u64, u64, u64, u64, u64);
/// How many rows there are of each finding, how many message followers, of how many accounts; accounts of note.
type Planned = (
    Findings,
    u64,
    u64,
    Vec<(String, u64)>,
    Vec<(String, String)>,
);

/// A job that is being done, or will be when its first result is asked for.
#[pyclass(frozen, module = "wxlink._core")]
pub struct Job {
    work: Arc<Work>,
}

/// What the threads share with those who wait for them.
struct Work {
    job: wxlink_bulk::Job,
    client: Client,
    workers: usize,
    rates: Rates,
    stop: Stop,
    state: Mutex<State>,
    news: Condvar,
    /// Goes after the job does.
    folder: Mutex<Option<Temporary>>,
}

#[derive(Default)]
struct State {
    results: VecDeque<Record>,
    begun: bool,
    /// Threads that are at work.
    running: u32,
    end: Option<End>,
    failure: Option<BulkError>,
    /// Nobody waits for the threads any more: they end by themselves.
    left: bool,
}

/// A folder that is removed when nobody uses it any more.
struct Temporary(PathBuf, u32);

impl Drop for Temporary {
    fn drop(&mut self) {
        if self.1 == process::id() {
            // Whoever looks after temporary files does the rest.
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

impl Work {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for news, a little.
    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let waited = self.news.wait_timeout(state, LOOK);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Runs something on a thread of its own, which `stop` waits for.
    fn spawn(
        self: &Arc<Work>,
        mut state: MutexGuard<'_, State>,
        task: impl FnOnce(&Work) + Send + 'static,
    ) -> io::Result<()> {
        state.running += 1;
        drop(state);
        let work = self.clone();
        let thread = thread::Builder::new().name("wxlink-bulk".into());
        let spawned = thread.spawn(move || {
            if panic::catch_unwind(AssertUnwindSafe(|| task(&work))).is_err() {
                work.fail(BulkError::again("a thread failed; please report it"));
            }
            work.state().running -= 1;
            work.news.notify_all();
        });
        if spawned.is_err() {
            self.state().running -= 1;
        }
        spawned.map(drop)
    }

    fn fail(&self, why: BulkError) {
        self.stop.ask();
        self.state().failure.get_or_insert(why);
    }

    /// Does the job.
    fn run(&self) {
        let crew = Crew {
            client: &self.client,
            workers: self.workers,
            observer: &|record| self.put(record),
            stop: &self.stop,
        };
        match self.job.run(&crew, self.rates) {
            Ok(end) => self.state().end = Some(end),
            Err(why) => self.fail(why),
        }
    }

    /// Hands on a result, once there is room for it.
    fn put(&self, record: &Record) {
        let mut state = self.state();
        while state.results.len() >= WAITING && !self.stop.is_asked() {
            state = self.wait(state);
        }
        state.results.push_back(record.clone());
        drop(state);
        self.news.notify_all();
    }

    /// A result, or a little time later none; `Err` if there will be none.
    fn take(&self) -> Result<Option<Record>, ()> {
        let mut state = self.state();
        if state.results.is_empty() && state.running > 0 {
            state = self.wait(state);
        }
        match state.results.pop_front() {
            Some(record) => {
                drop(state);
                self.news.notify_all();
                Ok(Some(record))
            }
            None if state.running > 0 => Ok(None),
            None => Err(()),
        }
    }

    fn ask_for_the_end(&self) {
        self.stop.ask();
        self.news.notify_all();
    }
}

impl Job {
    /// A forked child has the job's memory and none of its threads; locks may be held for ever.
    fn here(&self, py: Python<'_>) -> PyResult<()> {
        not_forked(py, &self.work.client)
    }

    fn begin(&self, py: Python<'_>) -> PyResult<()> {
        let mut state = self.work.state();
        if mem::replace(&mut state.begun, true) || self.work.stop.is_asked() {
            return Ok(());
        }
        let spawned = self.work.spawn(state, Work::run);
        spawned.map_err(|e| raise(py, &no_thread(&e), KEPT))
    }

    /// Asks for the end and waits for it. Another signal that raises ends the waiting alone.
    fn end_it(&self, py: Python<'_>, inside: &Inside) -> PyResult<()> {
        self.work.ask_for_the_end();
        while inside.detach(py, || {
            let state = self.work.state();
            state.running > 0 && self.work.wait(state).running > 0
        }) {
            py.check_signals()
                .inspect_err(|_| self.work.state().left = true)?;
        }
        Ok(())
    }
}

#[pymethods]
impl Job {
    /// Begins a job, or takes one up, in a folder; without one, in a temporary one. `reopen`: takes up the one that is
    /// there, and whether what failed is to be done again.
    #[new]
    fn py_new(
        py: Python<'_>,
        handle: &Handle,
        rows: Option<Bound<'_, PyAny>>,
        folder: Option<PathBuf>,
        reopen: Option<bool>,
        choices: (Option<bool>, Option<bool>),
        pace: (i64, &str, &str),
    ) -> PyResult<Job> {
        let inside = Inside::enter(py);
        not_forked(py, &handle.client)?;
        let wrong = |why: &str| errors::before_call(py, Status::BadValue, why);
        if !handle.client.serves_accounts() {
            return Err(wrong(
                "the client has no source of tokens for many accounts; make it with the option token_command, or with \
                 component_appid and component_appsecret",
            ));
        }
        let (workers, rate, account_rate) = pace;
        let workers = usize::try_from(workers).ok().filter(|n| *n > 0);
        let read = |name, text| {
            Rate::parse(text).map_err(|why| wrong(&format!("{name} is {text:?}, but {why}")))
        };
        let rates = Rates {
            all: read("rate", rate)?,
            account: read("account_rate", account_rate)?,
        };
        let choices = Choices {
            notify_users: choices.0,
            show_profile: choices.1,
        };
        let workers = workers.ok_or_else(|| wrong("workers must be 1 or more"))?;
        let raised = Raised::default();
        let file = rows.as_ref().and_then(path_of);
        if let (Some(file), Some(folder), None) = (&file, &folder, reopen) {
            if is_in(file, folder) {
                return Err(wrong(&format!(
                    "{} is in {}: rows cannot come from their job's own folder; \
                     take another folder (job)",
                    file.display(),
                    folder.display()
                )));
            }
        }
        let source = rows.map(|rows| Source::of(&rows)).transpose()?;
        let (folder, temporary) = match folder {
            Some(folder) => (folder, None),
            None => {
                let made = py
                    .import("tempfile")?
                    .call_method1("mkdtemp", ("", "wxlink-bulk-"))?;
                let folder: PathBuf = made.extract()?;
                (folder.clone(), Some(Temporary(folder, process::id())))
            }
        };
        let job = inside.detach(py, || job_of(&folder, source, reopen, choices, &raised));
        if let Some(raised) = raised.take() {
            return Err(raised);
        }
        Ok(Job {
            work: Arc::new(Work {
                job: job.map_err(|e| raise(py, &e, NOTHING))?,
                client: handle.client.clone(),
                workers,
                rates,
                stop: Stop::default(),
                state: Mutex::default(),
                news: Condvar::new(),
                folder: Mutex::new(temporary),
            }),
        })
    }

    /// The next result; None at the end.
    fn next(&self, py: Python<'_>) -> PyResult<Option<Told>> {
        let inside = Inside::enter(py);
        self.here(py)?;
        self.begin(py)?;
        loop {
            match inside.detach(py, || self.work.take()) {
                Ok(Some(record)) => return Ok(Some(fields(record))),
                Ok(None) => {}
                Err(()) => return self.check(py).map(|()| None),
            }
            py.check_signals()
                .inspect_err(|_| self.work.ask_for_the_end())?;
        }
    }

    /// What would be done, found out without doing it.
    fn plan(&self, py: Python<'_>, monthly: u32) -> PyResult<Planned> {
        let inside = Inside::enter(py);
        self.here(py)?;
        let (tell, mut told) = mpsc::sync_channel(1);
        let spawned = self.work.spawn(self.work.state(), move |work| {
            let crew = Crew {
                client: &work.client,
                workers: work.workers,
                observer: &|_| {},
                stop: &work.stop,
            };
            let plan = work.job.plan(&crew, work.rates, monthly, &|_, _| {});
            // Who was interrupted does not wait for it.
            let _ = tell.send(plan);
        });
        let failed = |e: BulkError| raise(py, &e, NOTHING);
        spawned.map_err(|e| failed(no_thread(&e)))?;
        let plan = loop {
            let receiver = &mut told;
            match inside.detach(py, move || receiver.recv_timeout(LOOK)) {
                Ok(plan) => break plan.map_err(failed)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(failed(BulkError::again(
                        "the plan failed; please report it",
                    )));
                }
            }
            py.check_signals()
                .inspect_err(|_| self.work.ask_for_the_end())?;
        };
        if self.work.stop.is_asked() {
            let why = "the job was stopped, and its plan with it; go on with the job for another";
            return Err(errors::before_call(py, Status::Cancelled, why));
        }
        Ok((
            Finding::ALL.map(|f| plan.of(f)).into(),
            plan.notifying,
            plan.notified_accounts,
            plan.over_quota,
            plan.unreadable,
        ))
    }

    /// Ends the work: rows that are being dealt with come to an end, no others begin.
    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        let inside = Inside::enter(py);
        self.here(py)?;
        self.end_it(py, &inside)
    }

    /// The same, and lets the folder go.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let inside = Inside::enter(py);
        self.here(py)?;
        self.end_it(py, &inside)?;
        self.work.state().results.clear();
        self.work.job.release();
        let folder = self.work.folder.lock();
        drop(folder.unwrap_or_else(PoisonError::into_inner).take());
        Ok(())
    }

    /// Raises what the work failed with, once.
    fn check(&self, py: Python<'_>) -> PyResult<()> {
        let _inside = Inside::enter(py);
        self.here(py)?;
        let failure = self.work.state().failure.take();
        failure.map_or(Ok(()), |why| Err(raise(py, &why, KEPT)))
    }

    /// Writes a CSV for each outcome; the folder they are in.
    fn report(&self, py: Python<'_>) -> PyResult<PathBuf> {
        let inside = Inside::enter(py);
        self.here(py)?;
        let report = inside.detach(py, || self.work.job.report());
        report.map(|r| r.dir).map_err(|e| raise(py, &e, KEPT))
    }

    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counts = PyDict::new(py);
        for (outcome, number) in self.work.job.tally().counts() {
            counts.set_item(outcome.word(), number)?;
        }
        Ok(counts)
    }

    /// How many rows have come to something, and how many there are.
    fn done(&self) -> (u64, u64) {
        (self.work.job.tally().total(), self.work.job.rows())
    }

    #[getter]
    fn left(&self) -> u64 {
        self.work.job.left()
    }

    #[getter]
    fn dir(&self) -> &Path {
        self.work.job.dir()
    }

    #[getter]
    fn end(&self, py: Python<'_>) -> PyResult<Option<&'static str>> {
        let _inside = Inside::enter(py);
        self.here(py)?;
        Ok(self.work.state().end.map(|end| match end {
            End::Finished => "finished",
            End::Stopped => "stopped",
            End::Outage => "outage",
            End::NoAccess => "no_access",
        }))
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if self.work.client.is_forked() {
            return;
        }
        self.work.ask_for_the_end();
        let wait = || {
            let mut state = self.work.state();
            while state.running > 0 && !state.left {
                state = self.work.wait(state);
            }
        };
        // Other threads of Python need not wait for ours; if Python itself is ending there are none.
        if Python::try_attach(|py| Inside::enter(py).detach(py, wait)).is_none() {
            wait();
        }
    }
}

fn not_forked(py: Python<'_>, client: &Client) -> PyResult<()> {
    if !client.is_forked() {
        return Ok(());
    }
    let why = "the client was made before a fork and is used in the child; make another one there, and leave its jobs \
               to the parent";
    Err(errors::before_call(py, Status::Forked, why))
}

/// Where an open file is, if it says so.
fn path_of(file: &Bound<'_, PyAny>) -> Option<PathBuf> {
    file.hasattr("read").ok().filter(|is| *is)?;
    file.getattr("name").ok()?.extract().ok()
}

/// Whether a file is in a folder: a job that is made there might replace it.
fn is_in(file: &Path, folder: &Path) -> bool {
    match (file.canonicalize(), folder.canonicalize()) {
        (Ok(file), Ok(folder)) => file.starts_with(folder),
        _ => false,
    }
}

fn job_of(
    folder: &Path,
    source: Option<Source>,
    reopen: Option<bool>,
    choices: Choices,
    raised: &Raised,
) -> Result<wxlink_bulk::Job, BulkError> {
    let rows = source.map(|source| source.rows(choices, raised));
    match (reopen, rows) {
        (None, Some(rows)) => wxlink_bulk::Job::begin(folder, rows),
        (None, None) => Err(BulkError::usage("there are no rows to begin a job with")),
        (Some(failed), rows) => {
            let reopen = if failed { Reopen::Failed } else { Reopen::Due };
            let job = wxlink_bulk::Job::open(folder, reopen)?;
            if rows.is_none_or(|rows| job.is_of(rows)) {
                return Ok(job);
            }
            let why =
                "holds a job of other rows; go on with it without any, or take another folder";
            Err(BulkError::usage(format!("{} {why}", folder.display())))
        }
    }
}

fn fields(record: Record) -> Told {
    let (row, outcome) = (record.row, record.outcome.word());
    let (errcode, rid, message) = (record.errcode, record.rid, record.message);
    (
        row.line,
        row.account,
        row.appid,
        outcome,
        errcode,
        rid,
        message,
        record.until,
    )
}

fn no_thread(error: &io::Error) -> BulkError {
    BulkError::again(format!("no thread for the job: {error}"))
}

/// The exception for a job that cannot begin or go on. `remedy`: what else there is to say if that may pass.
fn raise(py: Python<'_>, error: &BulkError, remedy: &str) -> PyErr {
    // The engine names the command's arguments.
    let text = error.to_string();
    let text = text
        .replace("(--resume)", "(resume=True)")
        .replace("(--job)", "(job)");
    if error.verdict() == Verdict::Usage {
        return errors::before_call(py, Status::BadValue, &text);
    }
    errors::before_call(py, Status::Internal, &format!("{text}: {remedy}"))
}

/// What Python raised while rows were read.
#[derive(Clone, Default)]
struct Raised(Arc<Mutex<Option<PyErr>>>);

impl Raised {
    fn take(&self) -> Option<PyErr> {
        self.lock().take()
    }

    fn is_there(&self) -> bool {
        self.lock().is_some()
    }

    fn keep<T>(&self, done: PyResult<T>) -> Option<T> {
        done.map_err(|e| *self.lock() = Some(e)).ok()
    }

    fn lock(&self) -> MutexGuard<'_, Option<PyErr>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Rows = Box<dyn Iterator<Item = Result<Row, BadRow>>>;

/// Where rows come from.
enum Source {
    File(Py<PyAny>),
    Items(Py<PyIterator>),
}

impl Source {
    fn of(rows: &Bound<'_, PyAny>) -> PyResult<Source> {
        match rows.hasattr("read")? {
            true => Ok(Source::File(rows.clone().unbind())),
            false => Ok(Source::Items(rows.try_iter()?.unbind())),
        }
    }

    /// The rows. Ends with a bad one if Python raises.
    fn rows(self, choices: Choices, raised: &Raised) -> impl Iterator<Item = Result<Row, BadRow>> {
        let mut rows: Rows = match self {
            Source::Items(items) => Box::new(rows_of_items(items, choices, raised.clone())),
            Source::File(file) => {
                let input = File {
                    file,
                    text: Vec::new(),
                    at: 0,
                    raised: raised.clone(),
                };
                read_rows(input, None, choices)
                    .unwrap_or_else(|bad| Box::new(std::iter::once(Err(bad))))
            }
        };
        let raised = raised.clone();
        let (mut read, mut over) = (0_u32, false);
        std::iter::from_fn(move || {
            read = (read + 1) % ROWS;
            if read == 0 {
                raised.keep(ending::attach(|py| py.check_signals()));
            }
            let row = if over { None } else { rows.next() };
            if !over && raised.is_there() {
                over = true;
                let why = "it could not be read".into();
                return Some(Err(BadRow { line: 0, why }));
            }
            row
        })
    }
}

/// An open file of Python's, binary or text.
struct File {
    file: Py<PyAny>,
    text: Vec<u8>,
    at: usize,
    raised: Raised,
}

impl File {
    fn chunk(&self, length: usize) -> PyResult<Vec<u8>> {
        ending::attach(|py| {
            let chunk = self.file.bind(py).call_method1("read", (length,))?;
            match chunk.cast::<PyString>() {
                Ok(text) => Ok(text.to_cow()?.into_owned().into_bytes()),
                Err(_) => chunk.extract(),
            }
        })
    }
}

impl Read for File {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at == self.text.len() {
            // Once it has raised it is not asked again: its end will do.
            let chunk = (!self.raised.is_there()).then(|| self.chunk(into.len()));
            self.text = chunk.and_then(|c| self.raised.keep(c)).unwrap_or_default();
            self.at = 0;
        }
        let read = (&self.text[self.at..]).read(into)?;
        self.at += read;
        Ok(read)
    }
}

fn rows_of_items(
    items: Py<PyIterator>,
    choices: Choices,
    raised: Raised,
) -> impl Iterator<Item = Result<Row, BadRow>> {
    let mut line = 0;
    std::iter::from_fn(move || {
        line += 1;
        let row = ending::attach(|py| -> PyResult<_> {
            let Some(item) = items.bind(py).clone().next().transpose()? else {
                return Ok(None);
            };
            Ok(Some(Row::of_json(line, &columns(&item)?, choices)))
        });
        raised.keep(row).flatten()
    })
}

/// What a mapping, or values in their order, have in the columns; nothing if it is neither.
fn columns(item: &Bound<'_, PyAny>) -> PyResult<Value> {
    let mut columns = serde_json::Map::new();
    let mut put = |name: &str, key: &str, found: Bound<'_, PyAny>| -> PyResult<()> {
        let value = match found.extract::<String>() {
            Ok(text) => Value::String(text),
            // Where an appid is missing there may be a number that is none.
            Err(_) if found.is_none() || matches!(name, "account" | "appid") => Value::Null,
            // Other libraries have booleans and numbers of their own.
            Err(_) => Value::String(found.str()?.to_cow()?.into_owned()),
        };
        columns.insert(key.to_owned(), value);
        Ok(())
    };
    if item.is_instance_of::<PyTuple>() || item.is_instance_of::<PyList>() {
        if item.len()? > COLUMNS.len() {
            return Ok(Value::Null);
        }
        for (name, value) in COLUMNS.into_iter().zip(item.try_iter()?) {
            put(name, name, value?)?;
        }
    } else if is_mapping(item)? {
        for key in item.try_iter()? {
            let key = key?;
            // Keys that mean the same are refused later: which one counts would be a guess.
            if let Ok(name) = key.extract::<String>() {
                if let Some(column) = column_of(&name) {
                    put(column, &name, item.get_item(&key)?)?;
                }
            }
        }
    } else {
        return Ok(Value::Null);
    }
    Ok(Value::Object(columns))
}

/// To cast it would lose what a signal's handler raises while Python finds out.
fn is_mapping(item: &Bound<'_, PyAny>) -> PyResult<bool> {
    static MAPPING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let mapping = MAPPING.import(item.py(), "collections.abc", "Mapping")?;
    Ok(item.is_instance_of::<PyDict>() || item.is_instance(mapping)?)
}
