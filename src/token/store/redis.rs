//! A store in a Redis, or Valkey, for many machines.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use redis::{Client, Connection, ErrorKind, IntoConnectionInfo, RedisError, RetryMethod, cmd};

use super::{Lock, Store, StoreError};
use crate::sync::lock;

/// How long it may take to connect, and to answer.
const LIMIT: Duration = Duration::from_secs(2);

/// Writes ARGV[2] unless something else than ARGV[1] is there; nothing there is an empty text.
const SWAP: &str = "if (redis.call('GET', KEYS[1]) or '') == ARGV[1] then \
                    redis.call('SET', KEYS[1], ARGV[2]) return 1 end return 0";
/// Takes a lock for ARGV[1], unless another holds it.
const LOCK: &str = "if (redis.call('GET', KEYS[1]) or ARGV[1]) ~= ARGV[1] then return 0 end \
                    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return 1";
/// Gives a lock back if it is ARGV[1]'s.
const UNLOCK: &str = "if redis.call('GET', KEYS[1]) == ARGV[1] then \
                      return redis.call('DEL', KEYS[1]) end return 0";

/// Whether that names one.
pub(super) fn check(url: &str) -> bool {
    url.contains("://") && url.into_connection_info().is_ok()
}

pub(super) struct Redis {
    client: Client,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Opened when it is needed, and again when it broke.
    connection: Option<Connection>,
    /// What went wrong last.
    failed: Option<(Instant, StoreError)>,
}

impl Redis {
    /// Looks at the URL; whether anybody is there is seen at the first access.
    pub fn open(url: &str) -> Result<Redis, String> {
        let client = Client::open(url).map_err(|e| wrong(&e).why)?;
        Ok(Redis {
            client,
            state: Mutex::default(),
        })
    }

    fn with<T>(
        &self,
        work: impl Fn(&mut Connection) -> Result<T, RedisError>,
    ) -> Result<T, StoreError> {
        let started = Instant::now();
        let mut state = lock(&self.state);
        // Whoever waited while others found that it does not answer need not find out again, one by one.
        if let Some((_, why)) = state.failed.as_ref().filter(|(at, _)| started <= *at) {
            return Err(why.clone());
        }
        let done = self
            .work(&mut state.connection, work)
            .map_err(|e| wrong(&e));
        state.failed = done.as_ref().err().map(|e| (Instant::now(), e.clone()));
        done
    }

    fn work<T>(
        &self,
        kept: &mut Option<Connection>,
        work: impl Fn(&mut Connection) -> Result<T, RedisError>,
    ) -> Result<T, RedisError> {
        // One that was kept may have died meanwhile; everything done here may be done twice.
        if let Some(mut connection) = kept.take() {
            match work(&mut connection) {
                Err(e) if is_broken(&e) => {}
                done => {
                    *kept = Some(connection);
                    return done;
                }
            }
        }
        let mut connection = self.connect()?;
        let done = work(&mut connection);
        if !done.as_ref().is_err_and(is_broken) {
            *kept = Some(connection);
        }
        done
    }

    fn connect(&self) -> Result<Connection, RedisError> {
        let connection = self.client.get_connection_with_timeout(LIMIT)?;
        connection.set_read_timeout(Some(LIMIT))?;
        connection.set_write_timeout(Some(LIMIT))?;
        Ok(connection)
    }
}

/// Whether the connection is of no more use.
fn is_broken(error: &RedisError) -> bool {
    error.is_io_error() || error.is_unrecoverable_error()
}

/// What went wrong, of which kind and no more: the words of others might hold a password.
fn wrong(error: &RedisError) -> StoreError {
    // Just started, it reads its data first.
    let away = error.is_io_error() || error.code() == Some("LOADING");
    let what = match away {
        true => "cannot be reached, or does not answer",
        false => "refuses",
    };
    StoreError {
        why: format!("the token store, Redis, {what} ({})", error.category()),
        passing: error.kind() != ErrorKind::AuthenticationFailed
            && !matches!(error.retry_method(), RetryMethod::NoRetry),
    }
}

impl Store for Redis {
    fn read(&self, key: &str) -> Result<Option<String>, StoreError> {
        self.with(|c| cmd("GET").arg(key).query(c))
    }

    fn swap(&self, key: &str, was: Option<&str>, new: &str) -> Result<bool, StoreError> {
        self.with(|c| {
            let mut eval = cmd("EVAL");
            eval.arg(SWAP)
                .arg(1)
                .arg(key)
                .arg(was.unwrap_or_default())
                .arg(new);
            eval.query(c)
        })
    }

    fn lock(&self, key: &str, ours: &Lock, at_most: Duration) -> Result<bool, StoreError> {
        let ms = u64::try_from(at_most.as_millis())
            .unwrap_or(u64::MAX)
            .max(1);
        self.with(|c| {
            cmd("EVAL")
                .arg(LOCK)
                .arg(1)
                .arg(lock_of(key))
                .arg(&ours.0)
                .arg(ms)
                .query(c)
        })
    }

    fn unlock(&self, key: &str, ours: &Lock) -> Result<(), StoreError> {
        self.with(|c| {
            cmd("EVAL")
                .arg(UNLOCK)
                .arg(1)
                .arg(lock_of(key))
                .arg(&ours.0)
                .query(c)
        })
    }
}

fn lock_of(key: &str) -> String {
    format!("{key}:lock")
}

#[cfg(test)]
#[path = "../../../tests/common/redis.rs"]
#[allow(dead_code)]
mod server;

#[cfg(test)]
#[test]
fn it_keeps_its_word() {
    match server::Redis::start() {
        Some(server) => super::tests::keeps_its_word(&Redis::open(&server.url()).unwrap()),
        None => assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "redis-server is missing, and this is CI"
        ),
    }
}
