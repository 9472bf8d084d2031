//! A connection to the queue's Redis that all threads of a process share, and that survives
//! restarts of the server.
//!
//! A thread of its own sends all commands that wait, in one write.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use redis::{Arg, Client, Cmd, FromRedisValue, Value, cmd};
use wxlink::redis_connection::{Failure, Server, Session, read_reply};
use wxlink::{Lang, Message};

use super::scripts::{CONSUMER_GROUP, LuaScript};
use crate::error::BulkError;
use crate::lock::lock;
use crate::message::message;
use crate::stop::StopFlag;

/// How long one attempt to connect and get an answer may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// The pause before the second attempt. It doubles with each further attempt.
const FIRST_RETRY_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause between two attempts.
const MAX_RETRY_PAUSE: Duration = Duration::from_secs(2);
/// How long Redis may be unavailable before the work ends. Nothing is lost then.
const MAX_UNAVAILABLE: Duration = Duration::from_secs(600);
/// The same after a stop was requested.
const MAX_UNAVAILABLE_WHEN_STOPPING: Duration = Duration::from_secs(5);
/// The most commands in one write.
const MAX_COMMANDS_PER_WRITE: usize = 256;
/// Runs a script that Redis keeps.
const EVALSHA: &str = "EVALSHA";

/// A connection that is opened when it is needed, and again after it broke.
pub(super) struct RedisConnection {
    /// The error if the URL's server cannot be used.
    server: Result<Server, Message>,
    shared: Arc<Shared>,
}

struct Shared {
    requests: Mutex<Requests>,
    /// Notified when there is a request, or when the connection was dropped.
    work: Condvar,
}

#[derive(Default)]
struct Requests {
    waiting: Vec<Request>,
    has_thread: bool,
    /// Whether there will be no more requests.
    is_closed: bool,
}

/// A command, and the place for its reply.
#[derive(Clone)]
pub(super) struct Request {
    command: Arc<Cmd>,
    /// The script that the command runs by its hash.
    script: Option<Arc<str>>,
    place: Arc<Mutex<Place>>,
}

#[derive(Default)]
struct Place {
    reply: Option<Reply>,
    /// The thread that waits for the reply.
    thread: Option<Thread>,
}

type Reply = Result<Value, Failure>;

impl RedisConnection {
    /// Does not connect yet.
    pub fn new(client: &Client) -> RedisConnection {
        RedisConnection {
            server: Server::new(client.get_connection_info()),
            shared: Arc::new(Shared {
                requests: Mutex::default(),
                work: Condvar::new(),
            }),
        }
    }

    fn server(&self) -> Result<&Server, BulkError> {
        self.server.as_ref().map_err(|why| {
            let (en, zh) = (why.get(Lang::En), why.get(Lang::Zh));
            BulkError::usage(message!(
                "the queue cannot be used: {en}",
                "无法使用队列：{zh}"
            ))
        })
    }

    /// Runs a command, and repeats it until Redis has answered. It must be safe to repeat.
    ///
    /// # Errors
    /// Redis refused the command, or was unavailable for ten minutes.
    pub fn run<T: FromRedisValue>(&self, stop: &StopFlag, command: &Cmd) -> Result<T, BulkError> {
        self.try_run(stop, command)?.map_err(|e| self.to_error(&e))
    }

    /// The same, for callers that handle some refusals.
    ///
    /// # Errors
    /// The URL's server cannot be used at all.
    pub fn try_run<T: FromRedisValue>(
        &self,
        stop: &StopFlag,
        command: &Cmd,
    ) -> Result<Result<T, Failure>, BulkError> {
        let request = self.start(Arc::new(command.clone()), None)?;
        self.finish(stop, request)
    }

    /// Runs a script with these keys and arguments in the same way.
    ///
    /// # Errors
    /// As [`run`](RedisConnection::run).
    pub fn run_script<T: FromRedisValue>(
        &self,
        stop: &StopFlag,
        script: &LuaScript,
        key: &str,
        arguments: &[&str],
    ) -> Result<T, BulkError> {
        let request = self.start_script(script, key, arguments)?;
        self.finish(stop, request)?.map_err(|e| self.to_error(&e))
    }

    /// Starts a script with these keys and arguments, and does not wait for it.
    ///
    /// # Errors
    /// The URL's server cannot be used at all.
    pub fn start_script(
        &self,
        script: &LuaScript,
        key: &str,
        arguments: &[&str],
    ) -> Result<Request, BulkError> {
        let length: usize = arguments.iter().map(|argument| argument.len()).sum();
        let length = EVALSHA.len() + script.hash.len() + 1 + key.len() + length;
        let mut command = Cmd::with_capacity(arguments.len() + 4, length);
        command.arg(EVALSHA).arg(&script.hash).arg(1).arg(key);
        command.arg(arguments);
        self.start(Arc::new(command), Some(script.text.clone()))
    }

    /// Waits for a command or script that was started, and repeats it until Redis has answered. It
    /// must be safe to repeat.
    ///
    /// # Errors
    /// As [`try_run`](RedisConnection::try_run).
    pub fn finish<T: FromRedisValue>(
        &self,
        stop: &StopFlag,
        mut request: Request,
    ) -> Result<Result<T, Failure>, BulkError> {
        let started = Instant::now();
        let mut pause = FIRST_RETRY_PAUSE;
        loop {
            let failure = match read_reply(request.wait()) {
                Ok(result) => return Ok(Ok(result)),
                Err(failure) => failure,
            };
            let limit = if stop.is_requested() {
                MAX_UNAVAILABLE_WHEN_STOPPING
            } else {
                MAX_UNAVAILABLE
            };
            if !failure.may_pass() || started.elapsed() >= limit {
                return Ok(Err(failure));
            }
            thread::sleep(pause);
            pause = (pause * 2).min(MAX_RETRY_PAUSE);
            request = self.start(request.command, request.script)?;
        }
    }

    /// Runs a script without arguments once, for at most `limit`. It has a connection of its own,
    /// so that it waits for no other thread.
    ///
    /// # Errors
    /// Redis refused the command, or is unavailable.
    pub fn run_script_once<T: FromRedisValue>(
        &self,
        limit: Duration,
        script: &LuaScript,
        key: &str,
    ) -> Result<T, BulkError> {
        let mut command = cmd("EVAL");
        command.arg(&*script.text).arg(1).arg(key);
        let mut session = Session::new(self.server()?.clone());
        let done = session.attempt(Instant::now() + limit, |c| command.query(c));
        done.map_err(|failure| self.to_error(&failure))
    }

    /// Creates the stream of accounts and its consumer group, if they do not exist.
    ///
    /// # Errors
    /// As [`run`](RedisConnection::run).
    pub fn create_consumer_group(&self, stop: &StopFlag, accounts: &str) -> Result<(), BulkError> {
        let mut create = cmd("XGROUP");
        create.arg("CREATE").arg(accounts).arg(CONSUMER_GROUP);
        create.arg("0").arg("MKSTREAM");
        match self.try_run::<Value>(stop, &create)? {
            Err(e) if e.code() != "BUSYGROUP" => Err(self.to_error(&e)),
            _ => Ok(()),
        }
    }

    /// Runs a command of the consumer group. If the queue was removed, creates the group again and
    /// returns an empty result.
    ///
    /// # Errors
    /// As [`run`](RedisConnection::run).
    pub fn run_in_group<T: FromRedisValue + Default>(
        &self,
        stop: &StopFlag,
        command: &Cmd,
        accounts: &str,
    ) -> Result<T, BulkError> {
        match self.try_run(stop, command)? {
            Err(e) if e.code() == "NOGROUP" => {
                self.create_consumer_group(stop, accounts)?;
                Ok(T::default())
            }
            done => done.map_err(|e| self.to_error(&e)),
        }
    }

    /// Has the command sent by the connection's thread.
    fn start(&self, command: Arc<Cmd>, script: Option<Arc<str>>) -> Result<Request, BulkError> {
        let server = self.server()?;
        let request = Request {
            command,
            script,
            place: Arc::default(),
        };
        let mut requests = lock(&self.shared.requests);
        if !requests.has_thread {
            let (shared, session) = (self.shared.clone(), Session::new(server.clone()));
            let thread = thread::Builder::new().name("wxlink-queue".to_owned());
            requests.has_thread = thread.spawn(move || shared.send_all(session)).is_ok();
        }
        if requests.has_thread {
            requests.waiting.push(request.clone());
            self.shared.work.notify_one();
        } else {
            // There are too many threads: this one sends its command itself.
            drop(requests);
            let mut session = Session::new(server.clone());
            send(&mut session, std::slice::from_ref(&request));
        }
        Ok(request)
    }

    /// The error for a failed command.
    pub fn to_error(&self, failure: &Failure) -> BulkError {
        let server = self.server.as_ref().map_or(String::new(), Server::shown);
        let (en, zh) = (
            failure.message().get(Lang::En),
            failure.message().get(Lang::Zh),
        );
        if failure.may_pass() {
            BulkError::retry(message!(
                "the queue's Redis at {server} {en}. Completed work is kept",
                "队列的 Redis（{server}）{zh}。已完成的工作已保存"
            ))
        } else {
            BulkError::usage(message!(
                "the queue's Redis at {server} {en}",
                "队列的 Redis（{server}）{zh}"
            ))
        }
    }
}

impl Drop for RedisConnection {
    fn drop(&mut self) {
        lock(&self.shared.requests).is_closed = true;
        self.shared.work.notify_one();
    }
}

impl Request {
    /// Waits for the reply.
    fn wait(&self) -> Reply {
        loop {
            let mut place = lock(&self.place);
            if let Some(reply) = place.reply.take() {
                return reply;
            }
            place.thread = Some(thread::current());
            drop(place);
            thread::park();
        }
    }

    fn set_reply(&self, reply: Reply) {
        let mut place = lock(&self.place);
        place.reply = Some(reply);
        let waits = place.thread.take();
        drop(place);
        if let Some(thread) = waits {
            thread.unpark();
        }
    }
}

impl Shared {
    /// The work of the thread: sends what waits, in one write each time.
    fn send_all(&self, mut session: Session) {
        while let Some(requests) = self.next() {
            send(&mut session, &requests);
        }
    }

    /// The requests that wait; `None` if there will be no more.
    fn next(&self) -> Option<Vec<Request>> {
        let mut requests = lock(&self.requests);
        while requests.waiting.is_empty() {
            if requests.is_closed {
                return None;
            }
            let woken = self.work.wait(requests);
            requests = woken.unwrap_or_else(PoisonError::into_inner);
        }
        let count = requests.waiting.len().min(MAX_COMMANDS_PER_WRITE);
        Some(requests.waiting.drain(..count).collect())
    }
}

/// Sends these commands, and sets their replies. Scripts that Redis does not know, such as after a
/// restart, are sent as well.
fn send(session: &mut Session, requests: &[Request]) {
    let replies = attempt(session, requests.iter().map(|request| &*request.command));
    let mut unknown = Vec::new();
    for (request, reply) in requests.iter().zip(replies) {
        match (&reply, &request.script) {
            (Err(failure), Some(script)) if failure.code() == "NOSCRIPT" => {
                unknown.push((request, with_text(&request.command, script)));
            }
            _ => request.set_reply(reply),
        }
    }
    if unknown.is_empty() {
        return;
    }
    let replies = attempt(session, unknown.iter().map(|(_, command)| command));
    for ((request, _), reply) in unknown.iter().zip(replies) {
        request.set_reply(reply);
    }
}

/// One attempt to send these commands. Returns the reply to each.
fn attempt<'c>(
    session: &mut Session,
    commands: impl ExactSizeIterator<Item = &'c Cmd> + Clone,
) -> Vec<Reply> {
    let until = Instant::now() + ATTEMPT_TIMEOUT;
    let attempt = || session.attempt(until, |c| c.pipeline(commands.clone()));
    let sent = catch_unwind(AssertUnwindSafe(attempt));
    let sent = sent.unwrap_or_else(|_| Err(io::Error::other("internal error").into()));
    sent.unwrap_or_else(|failure| vec![Err(failure); commands.len()])
}

/// The command that runs the script by its text, and has the same keys and arguments.
fn with_text(by_hash: &Cmd, script: &str) -> Cmd {
    let mut command = cmd("EVAL");
    command.arg(script);
    for argument in by_hash.args_iter().skip(2) {
        if let Arg::Simple(bytes) = argument {
            command.arg(bytes);
        }
    }
    command
}
