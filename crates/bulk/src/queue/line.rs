//! A connection to the queue's Redis that outlives its restarts.

use std::time::{Duration, Instant};

use redis::{Client, FromRedisValue, RedisError};
use wxlink::redis_connection::{Connection, Failure, Server, Session};

use crate::engine::Stop;
use crate::error::BulkError;

/// How long it may take to connect and to answer.
const LIMIT: Duration = Duration::from_secs(5);
/// The pauses between two tries grow from the first to the last of these.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));
/// How long Redis may be away before the work is given up; it is all still there.
const PATIENCE: Duration = Duration::from_secs(600);
/// The same for those who are asked to stop.
const HURRY: Duration = Duration::from_secs(5);

/// A connection, opened when it is needed and again when it broke.
pub struct Line {
    /// `None` if the URL names no server that can be used.
    session: Option<Session>,
}

impl Line {
    /// Nothing is connected yet.
    pub fn new(client: &Client) -> Line {
        Line {
            session: Server::new(client.get_connection_info()).map(Session::new),
        }
    }

    /// Does something that may be done twice, until Redis has answered.
    pub fn ask<T: FromRedisValue>(
        &mut self,
        stop: &Stop,
        work: impl Fn(&mut Connection) -> Result<T, RedisError>,
    ) -> Result<T, BulkError> {
        let Some(session) = &mut self.session else {
            return Err(BulkError::usage(
                "the queue's Redis must be reached by TCP, with a certificate that is verified",
            ));
        };
        let started = Instant::now();
        let mut pause = PAUSES.0;
        loop {
            let failure = match session.attempt(Instant::now() + LIMIT, &work) {
                Ok(done) => return Ok(done),
                Err(failure) => failure,
            };
            let patience = if stop.is_asked() { HURRY } else { PATIENCE };
            if !failure.may_pass() || started.elapsed() >= patience {
                return Err(wrong(session.server(), &failure));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(PAUSES.1);
        }
    }
}

/// What went wrong, and what to do about it.
fn wrong(server: &Server, failure: &Failure) -> BulkError {
    let why = format!("the queue's Redis at {} {failure}", server.shown());
    match failure.may_pass() {
        true => BulkError::again(format!("{why}. What was done is kept")),
        false => BulkError::usage(why),
    }
}
