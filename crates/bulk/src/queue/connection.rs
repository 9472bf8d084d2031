//! A connection to the queue's Redis that survives restarts of the server.

use std::time::{Duration, Instant};

use redis::{Client, FromRedisValue, RedisError, cmd};
use wxlink::redis_connection::{Connection, Failure, Server, Session};
use wxlink::{Lang, Message};

use super::scripts::CONSUMER_GROUP;
use crate::error::BulkError;
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

/// A connection that is opened when it is needed, and again after it broke.
pub(super) struct RedisConnection {
    /// The error if the URL's server cannot be used.
    session: Result<Session, Message>,
}

impl RedisConnection {
    /// Does not connect yet.
    pub fn new(client: &Client) -> RedisConnection {
        RedisConnection {
            session: Server::new(client.get_connection_info()).map(Session::new),
        }
    }

    fn session(&mut self) -> Result<&mut Session, BulkError> {
        self.session.as_mut().map_err(|why| {
            let (en, zh) = (why.get(Lang::En), why.get(Lang::Zh));
            BulkError::usage(message!(
                "the queue cannot be used: {en}",
                "无法使用队列：{zh}"
            ))
        })
    }

    /// Runs commands once, for at most `limit`.
    ///
    /// # Errors
    /// Redis refused the commands, or is unavailable.
    pub fn run_once<T: FromRedisValue>(
        &mut self,
        limit: Duration,
        commands: impl Fn(&mut Connection) -> Result<T, RedisError>,
    ) -> Result<T, BulkError> {
        let session = self.session()?;
        let done = session.attempt(Instant::now() + limit, &commands);
        done.map_err(|failure| to_error(session.server(), &failure))
    }

    /// Runs commands, and repeats them until Redis has answered. They must be safe to repeat.
    ///
    /// # Errors
    /// Redis refused the commands, or was unavailable for ten minutes.
    pub fn run<T: FromRedisValue>(
        &mut self,
        stop: &StopFlag,
        commands: impl Fn(&mut Connection) -> Result<T, RedisError>,
    ) -> Result<T, BulkError> {
        let session = self.session()?;
        let started = Instant::now();
        let mut pause = FIRST_RETRY_PAUSE;
        loop {
            let failure = match session.attempt(Instant::now() + ATTEMPT_TIMEOUT, &commands) {
                Ok(result) => return Ok(result),
                Err(failure) => failure,
            };
            let limit = if stop.is_requested() {
                MAX_UNAVAILABLE_WHEN_STOPPING
            } else {
                MAX_UNAVAILABLE
            };
            if !failure.may_pass() || started.elapsed() >= limit {
                return Err(to_error(session.server(), &failure));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(MAX_RETRY_PAUSE);
        }
    }
}

fn to_error(server: &Server, failure: &Failure) -> BulkError {
    let server = server.shown();
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

/// Creates the stream of accounts and its consumer group, if they do not exist.
pub(super) fn create_consumer_group(
    connection: &mut Connection,
    accounts: &str,
) -> Result<(), RedisError> {
    let mut create = cmd("XGROUP");
    create.arg("CREATE").arg(accounts).arg(CONSUMER_GROUP);
    match create.arg("0").arg("MKSTREAM").query::<()>(connection) {
        Err(e) if e.code() == Some("BUSYGROUP") => Ok(()),
        result => result,
    }
}

/// If the queue was removed, creates its consumer group again and returns an empty result.
pub(super) fn recreate_if_removed<T: Default>(
    result: Result<T, RedisError>,
    connection: &mut Connection,
    accounts: &str,
) -> Result<T, RedisError> {
    match result {
        Err(e) if e.code() == Some("NOGROUP") => {
            create_consumer_group(connection, accounts).map(|()| T::default())
        }
        result => result,
    }
}
