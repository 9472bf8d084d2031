//! Jobs of many links. A job runs on threads of its own, which do not use Python. Results wait in a
//! short queue until Python asks for them.

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
use wxlink::{Client, Lang, Status, Text};
use wxlink_bulk::{
    BadRow, BulkError, Encoding, Field, FieldValue, Message, Plan, PlannedAction, Rate, Rates,
    ReadOptions, Record, ResumeMode, Row, RowDefaults, RunEnd, Runner, Severity, StopFlag,
    column_of, read_rows,
};

use crate::ending::{self, Inside};
use crate::errors;
use crate::handle::Handle;

/// How often a waiting call runs Python's signal handlers.
const SIGNAL_CHECK_INTERVAL: Duration = Duration::from_millis(50);
/// How many results may wait before the workers wait too. When a loop is left, the results that it
/// has not seen are these and those of rows in progress.
const MAX_WAITING_RESULTS: usize = 64;
/// How many rows are read between two runs of Python's signal handlers.
const ROWS_PER_SIGNAL_CHECK: u32 = 1024;
/// What to do after a failure before the job started.
const NOTHING_SENT: Text = Text {
    en: "Correct this and try again; nothing was sent",
    zh: "请修正后重试；未发送任何请求",
};
/// What to do after a failure during the job.
const WORK_KEPT: Text = Text {
    en: "Correct this, then resume the job (resume=True) or start it again; completed work is \
         found and not repeated",
    zh: "请修正后继续任务 (resume=True) 或重新开始；已完成的工作不会重复",
};
const COLUMNS: [&str; 4] = ["account", "appid", "notify_users", "show_profile"];

/// How a job is run, as Python passes it.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct JobSettings {
    notify_users: Option<bool>,
    show_profile: Option<bool>,
    workers: i64,
    rate: String,
    account_rate: String,
    encoding: Option<String>,
    sheet: Option<String>,
}

/// A job that is running, or will be when its first result is requested.
#[pyclass(frozen, module = "wxlink._core")]
pub struct Job {
    work: Arc<Work>,
}

/// What the job's threads share with the threads that wait for them.
struct Work {
    job: wxlink_bulk::Job,
    client: Client,
    workers: usize,
    rates: Rates,
    stop: StopFlag,
    state: Mutex<State>,
    /// Notified when the state changes.
    changed: Condvar,
    /// Declared after the job, so that it is removed after the job is dropped.
    folder: Mutex<Option<TemporaryFolder>>,
}

#[derive(Default)]
struct State {
    results: VecDeque<Record>,
    started: bool,
    /// How many of the job's threads are running.
    running: u32,
    end: Option<RunEnd>,
    failure: Option<BulkError>,
    /// Set when nothing waits for the threads any more and they end by themselves.
    abandoned: bool,
}

/// A folder that is removed when this is dropped, unless a forked child drops it.
struct TemporaryFolder {
    path: PathBuf,
    process: u32,
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        if self.process == process::id() {
            // If this fails, the system removes temporary files some day.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

impl Work {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the state changes, or until signals are to be checked.
    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let waited = self.changed.wait_timeout(state, SIGNAL_CHECK_INTERVAL);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Runs a task on a thread of its own, which `stop_and_wait` waits for.
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
                work.fail(panicked());
            }
            work.state().running -= 1;
            work.changed.notify_all();
        });
        if spawned.is_err() {
            self.state().running -= 1;
        }
        spawned.map(drop)
    }

    fn fail(&self, error: BulkError) {
        self.stop.request();
        self.state().failure.get_or_insert(error);
    }

    /// Runs the job.
    fn run(&self) {
        let runner = Runner {
            client: &self.client,
            workers: self.workers,
            observer: &|record| self.add_result(record),
            stop: &self.stop,
        };
        match self.job.run(&runner, self.rates) {
            Ok(end) => self.state().end = Some(end),
            Err(error) => self.fail(error),
        }
    }

    /// Adds a result to the queue, and waits for room if necessary.
    fn add_result(&self, record: &Record) {
        let mut state = self.state();
        while state.results.len() >= MAX_WAITING_RESULTS && !self.stop.is_requested() {
            state = self.wait(state);
        }
        state.results.push_back(record.clone());
        drop(state);
        self.changed.notify_all();
    }

    /// Takes a result from the queue, and waits a short time for one.
    fn take_result(&self) -> Taken {
        let mut state = self.state();
        if state.results.is_empty() && state.running > 0 {
            state = self.wait(state);
        }
        match state.results.pop_front() {
            Some(record) => {
                drop(state);
                self.changed.notify_all();
                Taken::Result(record)
            }
            None if state.running > 0 => Taken::NoneYet,
            None => Taken::NoneLeft,
        }
    }

    fn request_stop(&self) {
        self.stop.request();
        self.changed.notify_all();
    }
}

/// The answer to a request for a result.
enum Taken {
    Result(Record),
    /// None now, but there may be one later.
    NoneYet,
    /// There will be none.
    NoneLeft,
}

impl Job {
    /// Raises in a forked child: it has the job's memory and none of its threads, and locks may
    /// never be released.
    fn check_not_forked(&self, py: Python<'_>) -> PyResult<()> {
        check_not_forked(py, &self.work.client)
    }

    fn start(&self, py: Python<'_>) -> PyResult<()> {
        let mut state = self.work.state();
        if mem::replace(&mut state.started, true) || self.work.stop.is_requested() {
            return Ok(());
        }
        let spawned = self.work.spawn(state, Work::run);
        spawned.map_err(|e| self.raise(py, &could_not_start_thread(&e), WORK_KEPT))
    }

    /// Requests a stop and waits until the job's threads have ended. If another signal raises, only
    /// the waiting ends.
    fn stop_and_wait(&self, py: Python<'_>, inside: &Inside) -> PyResult<()> {
        self.work.request_stop();
        while inside.detach(py, || {
            let state = self.work.state();
            state.running > 0 && self.work.wait(state).running > 0
        }) {
            py.check_signals()
                .inspect_err(|_| self.work.state().abandoned = true)?;
        }
        Ok(())
    }

    fn raise(&self, py: Python<'_>, error: &BulkError, remedy: Text) -> PyErr {
        raise(py, self.work.client.lang(), error, remedy)
    }
}

#[pymethods]
impl Job {
    /// Creates or opens a job in a folder; without a folder, in a temporary one. `resume` opens an
    /// existing job: "pending" to do what is left, "failed" to do failed rows again too.
    #[new]
    fn py_new(
        py: Python<'_>,
        handle: &Handle,
        rows: Option<Bound<'_, PyAny>>,
        folder: Option<PathBuf>,
        resume: Option<&str>,
        settings: JobSettings,
    ) -> PyResult<Job> {
        let inside = Inside::enter(py);
        check_not_forked(py, &handle.client)?;
        let lang = handle.client.lang();
        let invalid = |why: Message| errors::before_call(py, Status::BadValue, why.get(lang));
        if !handle.client.serves_accounts() {
            return Err(invalid(Message::new(
                "the client has no source of tokens for many accounts. Create it with the option \
                 token_command, or with component_appid and component_appsecret",
                "该客户端没有适用于多个账号的 access_token 来源。请设置 token_command，\
                 或 component_appid 和 component_appsecret",
            )));
        }
        let parse_rate = |name, text: &str| {
            Rate::parse(text).map_err(|why| {
                invalid(Message::new(
                    format!("invalid {name} {text:?}: {}", why.get(Lang::En)),
                    format!("{name} 的值 {text:?} 无效：{}", why.get(Lang::Zh)),
                ))
            })
        };
        let rates = Rates {
            all: parse_rate("rate", &settings.rate)?,
            account: parse_rate("account_rate", &settings.account_rate)?,
        };
        let workers = usize::try_from(settings.workers).ok().filter(|n| *n > 0);
        let workers = workers.ok_or_else(|| {
            invalid(Message::new(
                "workers must be 1 or more",
                "workers 必须大于等于 1",
            ))
        })?;
        let mode = match resume {
            None => None,
            Some("pending") => Some(ResumeMode::Pending),
            Some("failed") => Some(ResumeMode::Failed),
            Some(_) => return Err(invalid("resume must be \"pending\" or \"failed\"".into())),
        };
        let encoding = settings.encoding.map(|word| {
            Encoding::from_word(&word).ok_or_else(|| {
                let words = Encoding::WORDS.join(", ");
                invalid(Message::new(
                    format!("invalid encoding {word:?}: expected one of {words}"),
                    format!("encoding 的值 {word:?} 无效：应为 {words} 之一"),
                ))
            })
        });
        let options = ReadOptions {
            format: None,
            encoding: encoding.transpose()?,
            sheet: settings.sheet,
            defaults: RowDefaults {
                notify_users: settings.notify_users,
                show_profile: settings.show_profile,
            },
        };
        let raised = Raised::default();
        let file = rows.as_ref().and_then(path_of);
        if let (Some(file), Some(folder), None) = (&file, &folder, mode) {
            if is_in(file, folder) {
                let (file, folder) = (file.display(), folder.display());
                return Err(invalid(Message::new(
                    format!(
                        "{file} is in {folder}: rows cannot come from their job's own folder. \
                         Choose another folder (job)"
                    ),
                    format!(
                        "{file} 位于 {folder} 中：行不能来自任务自己的目录。请换一个目录 (job)"
                    ),
                )));
            }
        }
        let source = rows.map(|rows| RowSource::new(&rows)).transpose()?;
        let (folder, temporary) = match folder {
            Some(folder) => (folder, None),
            None => {
                let made = py
                    .import("tempfile")?
                    .call_method1("mkdtemp", ("", "wxlink-bulk-"))?;
                let path: PathBuf = made.extract()?;
                let temporary = TemporaryFolder {
                    path: path.clone(),
                    process: process::id(),
                };
                (path, Some(temporary))
            }
        };
        let job = inside.detach(py, || {
            let rows = source.map(|source| source.rows(&options, &raised));
            open_job(&folder, rows, mode)
        });
        if let Some(raised) = raised.take() {
            return Err(raised);
        }
        Ok(Job {
            work: Arc::new(Work {
                job: job.map_err(|e| raise(py, lang, &e, NOTHING_SENT))?,
                client: handle.client.clone(),
                workers,
                rates,
                stop: StopFlag::default(),
                state: Mutex::default(),
                changed: Condvar::new(),
                folder: Mutex::new(temporary),
            }),
        })
    }

    /// The next result as a dictionary; None at the end.
    fn next<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let inside = Inside::enter(py);
        self.check_not_forked(py)?;
        self.start(py)?;
        loop {
            match inside.detach(py, || self.work.take_result()) {
                Taken::Result(record) => return record_fields(py, &record).map(Some),
                Taken::NoneYet => {}
                Taken::NoneLeft => return self.check(py).map(|()| None),
            }
            py.check_signals()
                .inspect_err(|_| self.work.request_stop())?;
        }
    }

    /// What the job would do, found out without posting anything, as a dictionary.
    fn plan<'py>(&self, py: Python<'py>, monthly_links: u32) -> PyResult<Bound<'py, PyDict>> {
        let inside = Inside::enter(py);
        self.check_not_forked(py)?;
        let (sender, mut receiver) = mpsc::sync_channel(1);
        let spawned = self.work.spawn(self.work.state(), move |work| {
            let runner = Runner {
                client: &work.client,
                workers: work.workers,
                observer: &|_| {},
                stop: &work.stop,
            };
            let plan = work
                .job
                .plan(&runner, work.rates, monthly_links, &|_, _| {});
            // After an interrupt nothing waits for the plan.
            let _ = sender.send(plan);
        });
        let failed = |e: BulkError| self.raise(py, &e, NOTHING_SENT);
        spawned.map_err(|e| failed(could_not_start_thread(&e)))?;
        let plan = loop {
            let receiver = &mut receiver;
            match inside.detach(py, move || receiver.recv_timeout(SIGNAL_CHECK_INTERVAL)) {
                Ok(plan) => break plan.map_err(failed)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(failed(panicked())),
            }
            py.check_signals()
                .inspect_err(|_| self.work.request_stop())?;
        };
        if self.work.stop.is_requested() {
            let why = Text {
                en: "the job was stopped, and its plan with it. Resume the job for another plan",
                zh: "任务已停止，计划也随之停止。继续任务即可重新计划",
            };
            let why = why.get(self.work.client.lang());
            return Err(errors::before_call(py, Status::Cancelled, why));
        }
        plan_fields(py, &plan)
    }

    /// Stops the work: rows in progress are completed, no others are started.
    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        let inside = Inside::enter(py);
        self.check_not_forked(py)?;
        self.stop_and_wait(py, &inside)
    }

    /// Stops the work, discards waiting results, and releases the folder.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let inside = Inside::enter(py);
        self.check_not_forked(py)?;
        self.stop_and_wait(py, &inside)?;
        self.work.state().results.clear();
        self.work.job.release();
        let folder = self.work.folder.lock();
        drop(folder.unwrap_or_else(PoisonError::into_inner).take());
        Ok(())
    }

    /// Raises the failure of the work, once.
    fn check(&self, py: Python<'_>) -> PyResult<()> {
        let _inside = Inside::enter(py);
        self.check_not_forked(py)?;
        let failure = self.work.state().failure.take();
        failure.map_or(Ok(()), |e| Err(self.raise(py, &e, WORK_KEPT)))
    }

    /// Writes a CSV file for each outcome and returns their folder.
    fn report(&self, py: Python<'_>) -> PyResult<PathBuf> {
        let inside = Inside::enter(py);
        self.check_not_forked(py)?;
        let report = inside.detach(py, || self.work.job.report(self.work.client.lang()));
        report
            .map(|r| r.dir)
            .map_err(|e| self.raise(py, &e, WORK_KEPT))
    }

    /// How many rows have each outcome.
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counts = PyDict::new(py);
        for count in self.work.job.tally().counts() {
            counts.set_item(count.outcome.word(), count.rows)?;
        }
        Ok(counts)
    }

    /// How many rows have an outcome.
    #[getter]
    fn done(&self) -> u64 {
        self.work.job.tally().total()
    }

    /// How many rows there are.
    #[getter]
    fn rows(&self) -> u64 {
        self.work.job.rows()
    }

    /// How many rows are left.
    #[getter]
    fn left(&self) -> u64 {
        self.work.job.left()
    }

    #[getter]
    fn dir(&self) -> &Path {
        self.work.job.dir()
    }

    /// How the work ended; None if it has not.
    #[getter]
    fn end(&self, py: Python<'_>) -> PyResult<Option<&'static str>> {
        let _inside = Inside::enter(py);
        self.check_not_forked(py)?;
        Ok(self.work.state().end.map(|end| match end {
            RunEnd::Finished => "finished",
            RunEnd::Stopped => "stopped",
            RunEnd::Outage => "outage",
            RunEnd::NoAccess => "no_access",
        }))
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if self.work.client.is_forked() {
            return;
        }
        self.work.request_stop();
        let wait = || {
            let mut state = self.work.state();
            while state.running > 0 && !state.abandoned {
                state = self.work.wait(state);
            }
        };
        // Python's other threads may run meanwhile. While Python itself ends, it cannot be attached
        // to, and there are none.
        if Python::try_attach(|py| Inside::enter(py).detach(py, wait)).is_none() {
            wait();
        }
    }
}

fn check_not_forked(py: Python<'_>, client: &Client) -> PyResult<()> {
    if !client.is_forked() {
        return Ok(());
    }
    let why = Text {
        en: "the client was created before a fork and cannot be used in the child. Create another \
             one in the child, and leave the client's jobs to the parent",
        zh: "该客户端在 fork 之前创建，不能在子进程中使用。请在子进程中另建客户端，其任务由父进程继续",
    };
    Err(errors::before_call(
        py,
        Status::Forked,
        why.get(client.lang()),
    ))
}

/// The path of an open file, if it has one.
fn path_of(file: &Bound<'_, PyAny>) -> Option<PathBuf> {
    file.hasattr("read").ok().filter(|is| *is)?;
    file.getattr("name").ok()?.extract().ok()
}

/// Whether a file is in a folder, where creating a job could replace it.
fn is_in(file: &Path, folder: &Path) -> bool {
    match (file.canonicalize(), folder.canonicalize()) {
        (Ok(file), Ok(folder)) => file.starts_with(folder),
        _ => false,
    }
}

/// Opens the job in a folder if there is a mode, else creates one.
fn open_job(
    folder: &Path,
    rows: Option<impl Iterator<Item = Result<Row, BadRow>>>,
    mode: Option<ResumeMode>,
) -> Result<wxlink_bulk::Job, BulkError> {
    let Some(mode) = mode else {
        let rows =
            rows.ok_or_else(|| BulkError::usage(Message::new("there are no rows", "没有任何行")))?;
        return wxlink_bulk::Job::create(folder, rows);
    };
    let job = wxlink_bulk::Job::open(folder, mode)?;
    if rows.is_none_or(|rows| job.has_rows(rows)) {
        return Ok(job);
    }
    let folder = folder.display();
    Err(BulkError::usage(Message::new(
        format!(
            "{folder} holds a job with other rows. Resume it without rows, or choose another \
             folder"
        ),
        format!("{folder} 中的任务包含不同的行。请不带行继续该任务，或换一个目录"),
    )))
}

/// A record as the dictionary `_ResultFields` of `_core.pyi`.
fn record_fields<'py>(py: Python<'py>, record: &Record) -> PyResult<Bound<'py, PyDict>> {
    let fields = PyDict::new(py);
    fields.set_item("line", record.row.line)?;
    fields.set_item("account", &record.row.account)?;
    fields.set_item("appid", &record.row.appid)?;
    fields.set_item("outcome", record.outcome.word())?;
    fields.set_item("errcode", record.errcode)?;
    fields.set_item("rid", &record.rid)?;
    fields.set_item("message", &record.message)?;
    fields.set_item("until", record.until)?;
    let other = PyDict::new(py);
    for cell in record.row.other.iter() {
        other.set_item(&cell.name, &cell.text)?;
    }
    fields.set_item("other", other)?;
    Ok(fields)
}

/// A plan as the dictionary `_PlanFields` of `_core.pyi`.
fn plan_fields<'py>(py: Python<'py>, plan: &Plan) -> PyResult<Bound<'py, PyDict>> {
    let fields = PyDict::new(py);
    for action in PlannedAction::ALL {
        fields.set_item(action.word(), plan.count(action))?;
    }
    fields.set_item("notifying", plan.notifying)?;
    fields.set_item("notified_accounts", plan.notified_accounts)?;
    let over_quota = plan.over_quota.iter().map(|account| {
        let fields = PyDict::new(py);
        fields.set_item("account", &account.account)?;
        fields.set_item("posts", account.posts)?;
        Ok(fields)
    });
    fields.set_item(
        "accounts_over_quota",
        over_quota.collect::<PyResult<Vec<_>>>()?,
    )?;
    let unreadable = plan.unreadable.iter().map(|account| {
        let fields = PyDict::new(py);
        fields.set_item("account", &account.account)?;
        fields.set_item("message", &account.message)?;
        Ok(fields)
    });
    fields.set_item(
        "accounts_unreadable",
        unreadable.collect::<PyResult<Vec<_>>>()?,
    )?;
    Ok(fields)
}

fn could_not_start_thread(error: &io::Error) -> BulkError {
    BulkError::retry(Message::new(
        format!("could not start a thread for the job: {error}"),
        format!("无法为任务启动线程：{error}"),
    ))
}

fn panicked() -> BulkError {
    BulkError::retry(Message::new(
        "internal error: a thread of the job panicked. Please report it",
        "内部错误：任务的线程崩溃。请反馈该问题",
    ))
}

/// The exception for a job that cannot start or continue. `remedy` is added to a temporary failure.
fn raise(py: Python<'_>, lang: Lang, error: &BulkError, remedy: Text) -> PyErr {
    // The crate's messages name the arguments of the command.
    let text = error.message(lang);
    let text = text
        .replace("(--resume)", "(resume=True)")
        .replace("(--job)", "(job)")
        .replace("--encoding gb18030", "encoding=\"gb18030\"")
        .replace("--encoding utf-16", "encoding=\"utf-16\"")
        .replace("--encoding", "encoding")
        .replace("--sheet", "sheet");
    if error.severity() == Severity::Usage {
        return errors::before_call(py, Status::BadValue, &text);
    }
    let remedy = remedy.get(lang);
    errors::before_call(py, Status::Internal, &format!("{text}. {remedy}"))
}

/// The exception that Python raised while rows were read.
#[derive(Clone, Default)]
struct Raised(Arc<Mutex<Option<PyErr>>>);

impl Raised {
    fn take(&self) -> Option<PyErr> {
        self.lock().take()
    }

    fn is_some(&self) -> bool {
        self.lock().is_some()
    }

    /// Keeps the exception, if the result is one.
    fn keep<T>(&self, result: PyResult<T>) -> Option<T> {
        result.map_err(|e| *self.lock() = Some(e)).ok()
    }

    fn lock(&self) -> MutexGuard<'_, Option<PyErr>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Rows = Box<dyn Iterator<Item = Result<Row, BadRow>>>;

/// Where rows come from.
enum RowSource {
    File(Py<PyAny>),
    Items(Py<PyIterator>),
}

impl RowSource {
    fn new(rows: &Bound<'_, PyAny>) -> PyResult<RowSource> {
        if rows.hasattr("read")? {
            Ok(RowSource::File(rows.clone().unbind()))
        } else {
            Ok(RowSource::Items(rows.try_iter()?.unbind()))
        }
    }

    /// The rows. If Python raises, the last one is invalid.
    fn rows(
        self,
        options: &ReadOptions,
        raised: &Raised,
    ) -> impl Iterator<Item = Result<Row, BadRow>> + use<> {
        let mut rows: Rows = match self {
            RowSource::Items(items) => {
                Box::new(rows_of_items(items, options.defaults, raised.clone()))
            }
            RowSource::File(file) => {
                let input = PythonFile {
                    file,
                    buffer: Vec::new(),
                    position: 0,
                    raised: raised.clone(),
                };
                read_rows(input, options).unwrap_or_else(|bad| Box::new(std::iter::once(Err(bad))))
            }
        };
        let raised = raised.clone();
        let (mut count, mut finished) = (0_u32, false);
        std::iter::from_fn(move || {
            count = (count + 1) % ROWS_PER_SIGNAL_CHECK;
            if count == 0 {
                raised.keep(ending::attach(|py| py.check_signals()));
            }
            let row = if finished { None } else { rows.next() };
            if !finished && raised.is_some() {
                finished = true;
                // The exception is raised instead of this.
                let why = "could not be read".into();
                return Some(Err(BadRow { line: 0, why }));
            }
            row
        })
    }
}

/// An open file of Python's, binary or text.
struct PythonFile {
    file: Py<PyAny>,
    buffer: Vec<u8>,
    position: usize,
    raised: Raised,
}

impl PythonFile {
    fn read_chunk(&self, length: usize) -> PyResult<Vec<u8>> {
        ending::attach(|py| {
            let chunk = self.file.bind(py).call_method1("read", (length,))?;
            match chunk.cast::<PyString>() {
                Ok(text) => Ok(text.to_cow()?.into_owned().into_bytes()),
                Err(_) => chunk.extract(),
            }
        })
    }
}

impl Read for PythonFile {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.position == self.buffer.len() {
            // After it raised, the file is not read again and seems to end.
            let chunk = (!self.raised.is_some()).then(|| self.read_chunk(into.len()));
            self.buffer = chunk.and_then(|c| self.raised.keep(c)).unwrap_or_default();
            self.position = 0;
        }
        let read = (&self.buffer[self.position..]).read(into)?;
        self.position += read;
        Ok(read)
    }
}

fn rows_of_items(
    items: Py<PyIterator>,
    defaults: RowDefaults,
    raised: Raised,
) -> impl Iterator<Item = Result<Row, BadRow>> {
    let mut line = 0;
    std::iter::from_fn(move || {
        line += 1;
        let row = ending::attach(|py| -> PyResult<_> {
            let Some(item) = items.bind(py).clone().next().transpose()? else {
                return Ok(None);
            };
            Ok(Some(match fields_of(&item)? {
                Some(fields) => Row::from_fields(line, fields, defaults),
                None => Err(BadRow::not_an_object(line)),
            }))
        });
        raised.keep(row).flatten()
    })
}

/// The fields of a mapping or a sequence; `None` if the item is neither.
fn fields_of(item: &Bound<'_, PyAny>) -> PyResult<Option<Vec<Field>>> {
    let mut fields = Vec::new();
    if item.is_instance_of::<PyTuple>() || item.is_instance_of::<PyList>() {
        if item.len()? > COLUMNS.len() {
            return Ok(None);
        }
        for (name, value) in COLUMNS.into_iter().zip(item.try_iter()?) {
            fields.push(field(name.to_owned(), &value?)?);
        }
    } else if is_mapping(item)? {
        for key in item.try_iter()? {
            let key = key?;
            // Keys keep their spelling, so that two for the same column are refused later.
            if let Ok(name) = key.extract::<String>() {
                fields.push(field(name, &item.get_item(&key)?)?);
            }
        }
    } else {
        return Ok(None);
    }
    Ok(Some(fields))
}

/// A field with a value of Python's.
fn field(name: String, value: &Bound<'_, PyAny>) -> PyResult<Field> {
    let column = column_of(&name);
    let value = if let Ok(text) = value.extract::<String>() {
        FieldValue::Text(text)
    } else if value.is_none() || matches!(column, Some("account" | "appid")) {
        // For a missing appid, some libraries give a number such as NaN.
        FieldValue::Null
    } else if column.is_none() && (value.is_instance_of::<PyDict>() || is_list(value)) {
        FieldValue::Json(json_of(value)?)
    } else {
        // Some libraries have booleans and numbers of their own.
        FieldValue::Text(value.str()?.to_cow()?.into_owned())
    };
    Ok(Field { name, value })
}

fn is_list(value: &Bound<'_, PyAny>) -> bool {
    value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>()
}

/// A collection as JSON. Values that JSON does not have are texts.
fn json_of(value: &Bound<'_, PyAny>) -> PyResult<String> {
    let py = value.py();
    let options = PyDict::new(py);
    options.set_item("ensure_ascii", false)?;
    options.set_item("default", py.get_type::<PyString>())?;
    let dumps = py.import("json")?.getattr("dumps")?;
    dumps.call((value,), Some(&options))?.extract()
}

/// Whether an object is a mapping. PyO3's cast is not used, because it discards an exception that a
/// signal handler raises meanwhile.
fn is_mapping(item: &Bound<'_, PyAny>) -> PyResult<bool> {
    static MAPPING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let mapping = MAPPING.import(item.py(), "collections.abc", "Mapping")?;
    Ok(item.is_instance_of::<PyDict>() || item.is_instance(mapping)?)
}
