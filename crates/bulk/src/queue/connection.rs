//! A connection to the queue's Redis that all threads of a process share, and that survives
//! restarts of the server.
//!
//! One thread at a time uses it. It sends the commands of all threads that wait, in one write.

use std::sync::{Arc, Mutex};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use redis::{Client, Cmd, FromRedisValue, Value, cmd};
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

/// A connection that is opened when it is needed, and again after it broke.
pub(super) struct RedisConnection {
    /// The error if the URL's server cannot be used.
    server: Result<Server, Message>,
    /// `None` until the first command.
    session: Mutex<Option<Session>>,
    shared: Mutex<Shared>,
}

#[derive(Default)]
struct Shared {
    waiting: Vec<Request>,
    /// Whether a thread uses the session.
    is_sending: bool,
}

/// The command of a thread that waits for its reply.
struct Request {
    command: Cmd,
    reply: Arc<Mutex<Option<Reply>>>,
    thread: Thread,
}

type Reply = Result<Value, Failure>;

impl RedisConnection {
    /// Does not connect yet.
    pub fn new(client: &Client) -> RedisConnection {
        RedisConnection {
            server: Server::new(client.get_connection_info()),
            session: Mutex::default(),
            shared: Mutex::default(),
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
        let server = self.server()?;
        let started = Instant::now();
        let mut pause = FIRST_RETRY_PAUSE;
        loop {
            let failure = match read_reply(self.attempt(server, command)) {
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
        }
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
        let done = self.try_script(stop, script, key, arguments)?;
        done.map_err(|e| self.to_error(&e))
    }

    /// The same, for callers that handle some refusals.
    ///
    /// # Errors
    /// The URL's server cannot be used at all.
    pub fn try_script<T: FromRedisValue>(
        &self,
        stop: &StopFlag,
        script: &LuaScript,
        key: &str,
        arguments: &[&str],
    ) -> Result<Result<T, Failure>, BulkError> {
        let command = |name, text: &str| {
            let mut command = cmd(name);
            command.arg(text).arg(1).arg(key).arg(arguments);
            command
        };
        match self.try_run(stop, &command("EVALSHA", &script.hash))? {
            Err(e) if e.code() == "NOSCRIPT" => self.try_run(stop, &command("EVAL", &script.text)),
            done => Ok(done),
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
        command.arg(&script.text).arg(1).arg(key);
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

    /// One attempt: sends the command, or waits until another thread has sent it.
    fn attempt(&self, server: &Server, command: &Cmd) -> Reply {
        let reply = Arc::new(Mutex::new(None));
        let mut shared = lock(&self.shared);
        shared.waiting.push(Request {
            command: command.clone(),
            reply: reply.clone(),
            thread: thread::current(),
        });
        loop {
            if let Some(reply) = lock(&reply).take() {
                return reply;
            }
            if shared.is_sending {
                drop(shared);
                thread::park();
            } else {
                shared.is_sending = true;
                let count = shared.waiting.len().min(MAX_COMMANDS_PER_WRITE);
                let batch = Batch {
                    connection: self,
                    requests: shared.waiting.drain(..count).collect(),
                };
                drop(shared);
                batch.send(server);
            }
            shared = lock(&self.shared);
        }
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

/// The requests that one thread sends.
struct Batch<'a> {
    connection: &'a RedisConnection,
    requests: Vec<Request>,
}

impl Batch<'_> {
    fn send(mut self, server: &Server) {
        let commands: Vec<Cmd> = self.requests.iter().map(|r| r.command.clone()).collect();
        let mut session = lock(&self.connection.session);
        let session = session.get_or_insert_with(|| Session::new(server.clone()));
        let until = Instant::now() + ATTEMPT_TIMEOUT;
        let replies = match session.attempt(until, |c| c.pipeline(&commands)) {
            Ok(replies) => replies,
            Err(failure) => vec![Err(failure); commands.len()],
        };
        for (request, reply) in self.requests.drain(..).zip(replies) {
            *lock(&request.reply) = Some(reply);
            request.thread.unpark();
        }
    }
}

impl Drop for Batch<'_> {
    /// Lets the next thread send.
    fn drop(&mut self) {
        let mut shared = lock(&self.connection.shared);
        shared.is_sending = false;
        // After a panic the requests have no replies: other threads send them again.
        shared.waiting.splice(..0, self.requests.drain(..));
        if let Some(next) = shared.waiting.first() {
            next.thread.unpark();
        }
    }
}
