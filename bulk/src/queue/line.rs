//! A connection to the queue's Redis that outlives its restarts.

use std::time::{Duration, Instant};

use redis::{Client, Connection, ErrorKind, FromRedisValue, RedisError};

use crate::engine::Stop;
use crate::error::BulkError;

/// How long it may take to connect, and to answer.
const LIMIT: Duration = Duration::from_secs(5);
/// The pauses between two tries grow from the first to the last of these.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));
/// How long Redis may be away before the work is given up; it is all still there.
const PATIENCE: Duration = Duration::from_secs(600);
/// The same for those who are asked to stop.
const HURRY: Duration = Duration::from_secs(5);

/// A connection, opened when it is needed and again when it broke.
pub struct Line {
    client: Client,
    connection: Option<Connection>,
}

impl Line {
    pub fn new(client: &Client) -> Line {
        Line {
            client: client.clone(),
            connection: None,
        }
    }

    /// Does something that may be done twice, until Redis has answered.
    pub fn ask<T: FromRedisValue>(
        &mut self,
        stop: &Stop,
        work: impl Fn(&mut Connection) -> Result<T, RedisError>,
    ) -> Result<T, BulkError> {
        let started = Instant::now();
        let mut pause = PAUSES.0;
        loop {
            let why = match self.attempt(&work) {
                Ok(done) => return Ok(done),
                Err(why) if !may_pass(&why) => return Err(wrong(&why)),
                Err(why) => why,
            };
            let patience = if stop.is_asked() { HURRY } else { PATIENCE };
            if started.elapsed() >= patience {
                return Err(wrong(&why));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    fn attempt<T>(
        &mut self,
        work: impl Fn(&mut Connection) -> Result<T, RedisError>,
    ) -> Result<T, RedisError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let connection = self.client.get_connection_with_timeout(LIMIT)?;
                connection.set_read_timeout(Some(LIMIT))?;
                connection.set_write_timeout(Some(LIMIT))?;
                connection
            }
        };
        let done = work(&mut connection);
        // After half an answer the next one would be taken for the rest of it.
        if !done
            .as_ref()
            .is_err_and(|e| e.is_io_error() || e.is_unrecoverable_error())
        {
            self.connection = Some(connection);
        }
        done
    }
}

/// Whether it is a matter of Redis being away, or not up yet.
fn may_pass(error: &RedisError) -> bool {
    if error.kind() == ErrorKind::AuthenticationFailed {
        return false;
    }
    error.is_io_error()
        || error.is_unrecoverable_error()
        || matches!(
            error.code(),
            // The fourth: the stream went while we waited at it.
            Some(
                "LOADING"
                    | "READONLY"
                    | "TRYAGAIN"
                    | "UNBLOCKED"
                    | "MASTERDOWN"
                    | "BUSY"
                    | "CLUSTERDOWN"
            )
        )
}

/// What went wrong, of which kind and no more: the words of others might hold a password.
pub fn wrong(error: &RedisError) -> BulkError {
    if may_pass(error) {
        let why = "the queue's Redis cannot be reached; what was done is kept, try again";
        return BulkError::again(format!("{why} ({})", error.category()));
    }
    let code = error.code().unwrap_or_default();
    let hint = match (error.kind(), code) {
        (ErrorKind::AuthenticationFailed, _) | (_, "NOAUTH" | "WRONGPASS") => {
            "; see to its user and password"
        }
        (_, "NOGROUP") => "; the queue is gone: it was purged, or Redis was emptied",
        (_, "OOM") => "; give it more memory (maxmemory), and no eviction",
        (_, "MISCONF") => "; it cannot write its data to disk",
        (_, "NOPERM") => "; its user may not do all that a queue needs",
        _ => "; it is to be Redis 6.2 or newer, or Valkey",
    };
    BulkError::usage(format!(
        "the queue's Redis refuses ({}){hint}",
        if code.is_empty() {
            error.category()
        } else {
            code
        }
    ))
}
