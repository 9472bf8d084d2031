//! A store in a Redis, or Valkey, for many machines.

use std::sync::Mutex;
use std::time::Duration;

use redis::{Client, Connection, IntoConnectionInfo, RedisError, cmd};

use super::{Lock, Store, StoreError};
use crate::sync::lock;

/// How long it may take to connect, and to answer.
const LIMIT: Duration = Duration::from_secs(2);

/// Writes ARGV[2] unless something else than ARGV[1] is there; nothing there is an empty text.
const SWAP: &str = "if (redis.call('GET', KEYS[1]) or '') == ARGV[1] then \
                    redis.call('SET', KEYS[1], ARGV[2]) return 1 end return 0";
/// Gives a lock back if it is ARGV[1]'s.
const UNLOCK: &str = "if redis.call('GET', KEYS[1]) == ARGV[1] then \
                      return redis.call('DEL', KEYS[1]) end return 0";

/// Whether that names one.
pub(super) fn check(url: &str) -> bool {
    url.contains("://") && url.into_connection_info().is_ok()
}

pub(super) struct Redis {
    client: Client,
    /// Opened when it is needed, and again when it broke.
    connection: Mutex<Option<Connection>>,
}

impl Redis {
    /// Looks at the URL; whether anybody is there is seen at the first access.
    pub fn open(url: &str) -> Result<Redis, String> {
        let client = Client::open(url).map_err(|e| wrong(&e))?;
        Ok(Redis {
            client,
            connection: Mutex::new(None),
        })
    }

    fn with<T>(
        &self,
        work: impl Fn(&mut Connection) -> Result<T, RedisError>,
    ) -> Result<T, StoreError> {
        let mut kept = lock(&self.connection);
        // One that was kept may have died meanwhile; everything done here may be done twice.
        if let Some(connection) = kept.as_mut() {
            match work(connection) {
                Err(e) if e.is_io_error() => *kept = None,
                done => return done.map_err(|e| wrong(&e)),
            }
        }
        let mut connection = self.connect().map_err(|e| wrong(&e))?;
        let done = work(&mut connection).map_err(|e| wrong(&e))?;
        *kept = Some(connection);
        Ok(done)
    }

    fn connect(&self) -> Result<Connection, RedisError> {
        let connection = self.client.get_connection_with_timeout(LIMIT)?;
        connection.set_read_timeout(Some(LIMIT))?;
        connection.set_write_timeout(Some(LIMIT))?;
        Ok(connection)
    }
}

/// What went wrong, of which kind and no more: the words of others might hold a password.
fn wrong(error: &RedisError) -> StoreError {
    // Just started, it reads its data first.
    let away = error.is_io_error() || error.code() == Some("LOADING");
    let what = match away {
        true => "cannot be reached, or does not answer",
        false => "refuses",
    };
    format!("the token store, Redis, {what} ({})", error.category())
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

    fn lock(&self, key: &str, at_most: Duration) -> Result<Option<Lock>, StoreError> {
        let taken = Lock::new();
        let done: Option<String> = self.with(|c| {
            let mut set = cmd("SET");
            set.arg(lock_of(key)).arg(&taken.0).arg("NX").arg("PX");
            set.arg(
                u64::try_from(at_most.as_millis())
                    .unwrap_or(u64::MAX)
                    .max(1),
            );
            set.query(c)
        })?;
        Ok(done.map(|_| taken))
    }

    fn unlock(&self, key: &str, held: Lock) -> Result<(), StoreError> {
        self.with(|c| {
            cmd("EVAL")
                .arg(UNLOCK)
                .arg(1)
                .arg(lock_of(key))
                .arg(&held.0)
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
