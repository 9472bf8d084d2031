//! A store in a Redis or Valkey server, for many machines.

use std::time::{Duration, Instant};

use redis::{ConnectionInfo, RedisResult, cmd};

use super::redis_connection::{Connection, Failure, Server, Session, attempt_limit};
use super::store::{LONGEST_LOCK, LockOwner, Store, StoreError};
use super::timed_mutex::TimedMutex;
use crate::model::lang::{Lang, Text};
use crate::model::message::{Message, message};

/// Writes ARGV[2] if the key holds ARGV[1]; an empty ARGV[1] stands for no value.
const SWAP: &str = "if (redis.call('GET', KEYS[1]) or '') == ARGV[1] then \
                    redis.call('SET', KEYS[1], ARGV[2]) return 1 end return 0";
/// Takes the lock for the owner ARGV[1] for ARGV[2] ms, unless another owner holds it.
const LOCK: &str = "if (redis.call('GET', KEYS[1]) or ARGV[1]) ~= ARGV[1] then return 0 end \
                    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return 1";
/// Releases the lock if ARGV[1] holds it.
const UNLOCK: &str = "if redis.call('GET', KEYS[1]) == ARGV[1] then \
                      return redis.call('DEL', KEYS[1]) end return 0";
/// The prefix of all keys, and the prefix of the keys of locks. No key of a text has the second.
const PREFIX: &str = "wxlink:";
const LOCK_PREFIX: &str = "wxlink:lock:";

pub(super) struct Redis {
    subject: Message,
    state: TimedMutex<State>,
}

struct State {
    session: Session,
    /// When the last access failed, and why.
    failed: Option<(Instant, StoreError)>,
}

impl Redis {
    /// Nothing is connected yet.
    pub fn new(info: &ConnectionInfo) -> Result<Redis, Message> {
        let no_tls = Text {
            en: "option store: TLS is not available",
            zh: "选项 store：TLS 不可用",
        };
        let server = Server::new(info).ok_or(no_tls)?;
        let shown = server.shown();
        Ok(Redis {
            subject: message!(
                "the token store, Redis at {shown},",
                "令牌存储（Redis，{shown}）"
            ),
            state: TimedMutex::new(State {
                session: Session::new(server),
                failed: None,
            }),
        })
    }

    fn with<T>(
        &self,
        key: &str,
        until: Instant,
        work: impl Fn(&mut Connection) -> RedisResult<T>,
    ) -> Result<T, StoreError> {
        let started = Instant::now();
        let Some(mut state) = self.state.lock_until(until) else {
            let (en, zh) = (self.subject.get(Lang::En), self.subject.get(Lang::Zh));
            return Err(StoreError::timed_out(message!(
                "{en} was busy with other calls until the limit. Try again",
                "{zh}在时限内一直忙于其他调用。请重试"
            )));
        };
        // If another call has just found that the server does not answer, the calls that waited for
        // it fail with the same error instead of trying one after the other.
        if let Some((_, why)) = state.failed.as_ref().filter(|(at, _)| started <= *at) {
            return Err(why.clone());
        }
        let done = state.session.attempt(attempt_limit(until), work);
        let done = done.map_err(|failure| self.error(key, &failure));
        state.failed = done.as_ref().err().map(|e| (Instant::now(), e.clone()));
        done
    }

    fn error(&self, key: &str, failure: &Failure) -> StoreError {
        let at = if failure.is_wrong_type() {
            message!(" (the key is {key})", "（键为 {key}）")
        } else {
            Message::default()
        };
        let text = |lang| {
            [
                self.subject.get(lang),
                failure.message().get(lang),
                at.get(lang),
            ]
        };
        let [subject, what, at_en] = text(Lang::En);
        StoreError {
            why: Message::new(format!("{subject} {what}{at_en}"), text(Lang::Zh).concat()),
            transient: failure.may_pass(),
            is_late: failure.is_late(),
        }
    }
}

impl Store for Redis {
    fn name(&self) -> Message {
        self.subject.clone()
    }

    fn read(&self, key: &str, until: Instant) -> Result<Option<Vec<u8>>, StoreError> {
        self.with(key, until, |c| cmd("GET").arg(key).query(c))
    }

    fn swap(
        &self,
        key: &str,
        was: Option<&[u8]>,
        new: &str,
        until: Instant,
    ) -> Result<bool, StoreError> {
        self.with(key, until, |c| {
            let mut eval = cmd("EVAL");
            eval.arg(SWAP)
                .arg(1)
                .arg(key)
                .arg(was.unwrap_or_default())
                .arg(new);
            eval.query(c)
        })
    }

    fn lock(
        &self,
        key: &str,
        ours: &LockOwner,
        at_most: Duration,
        until: Instant,
    ) -> Result<bool, StoreError> {
        let ms = u64::try_from(at_most.min(LONGEST_LOCK).as_millis()).unwrap_or(u64::MAX);
        self.with(key, until, |c| {
            cmd("EVAL")
                .arg(LOCK)
                .arg(1)
                .arg(lock_key(key))
                .arg(ours.as_str())
                .arg(ms.max(1))
                .query(c)
        })
    }

    fn unlock(&self, key: &str, ours: &LockOwner, until: Instant) -> Result<(), StoreError> {
        self.with(key, until, |c| {
            cmd("EVAL")
                .arg(UNLOCK)
                .arg(1)
                .arg(lock_key(key))
                .arg(ours.as_str())
                .query(c)
        })
    }
}

/// The key of the lock beside a text's key.
fn lock_key(key: &str) -> String {
    format!("{LOCK_PREFIX}{}", key.strip_prefix(PREFIX).unwrap_or(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::store_url::redis_connection_info;
    use std::process::{Child, Command, Stdio};
    use std::thread;

    /// A server for this test. Another program may take its port before it listens there, so the
    /// server is identified by its process id.
    struct Running(Child, u16);

    impl Running {
        fn start() -> Option<Running> {
            (0..20).find_map(|_| {
                let listener = std::net::TcpListener::bind("127.0.0.1:0").ok()?;
                let port = listener.local_addr().ok()?.port();
                drop(listener);
                let child = Command::new("redis-server")
                    .args(["--bind", "127.0.0.1", "--save", "", "--port"])
                    .arg(port.to_string())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn()
                    .ok()?;
                let mut running = Running(child, port);
                running.is_ready().then_some(running)
            })
        }

        fn is_ready(&mut self) -> bool {
            let server = Server::parse(&self.url()).unwrap();
            let mut session = Session::new(server);
            let limit = Instant::now() + Duration::from_secs(60);
            let own = format!("process_id:{}\r\n", self.0.id());
            while Instant::now() < limit && self.0.try_wait().is_ok_and(|ended| ended.is_none()) {
                let soon = Instant::now() + Duration::from_secs(5);
                let about = session.attempt(soon, |c| cmd("INFO").arg("server").query::<String>(c));
                match about {
                    Ok(about) => return about.contains(&own),
                    Err(_) => thread::sleep(Duration::from_millis(5)),
                }
            }
            false
        }

        fn url(&self) -> String {
            format!("redis://127.0.0.1:{}/3", self.1)
        }
    }

    impl Drop for Running {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    #[test]
    fn it_fulfils_the_contract() {
        match Running::start() {
            Some(server) => {
                let info = redis_connection_info(&server.url()).unwrap();
                let store = Redis::new(&info).unwrap();
                crate::store::store::tests::fulfils_the_contract(&store);
            }
            None => assert!(
                std::env::var("CI").as_deref() != Ok("true"),
                "redis-server is missing, and this is CI"
            ),
        }
    }
}
