//! A store in a Redis or Valkey server, for many machines.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use redis::{Cmd, ConnectionInfo, ConnectionLike, RedisResult, Value, cmd, from_redis_value};

use super::claim::{
    Claimed, LONGEST_CLAIM, LinkKeys, PostedOutcome, REMEMBERED, Settlement, parse_claim,
};
use super::owner::LockOwner;
use super::redis_connection::{Connection, Failure, Server, Session, attempt_limit};
use super::store::{LONGEST_LOCK, Store, StoreError};
use super::timed_mutex::TimedMutex;
use crate::model::lang::Lang;
use crate::model::message::{Message, message};
use crate::sys::lock::lock;

/// Writes ARGV[2] if the key holds ARGV[1]; an empty ARGV[1] stands for no value.
const SWAP: &str = "if (redis.call('GET', KEYS[1]) or '') == ARGV[1] then \
                    redis.call('SET', KEYS[1], ARGV[2]) return 1 end return 0";
/// Takes the lock for the owner ARGV[1] for ARGV[2] ms, unless another owner holds it.
const LOCK: &str = "if (redis.call('GET', KEYS[1]) or ARGV[1]) ~= ARGV[1] then return 0 end \
                    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return 1";
/// Releases the lock if ARGV[1] holds it.
const UNLOCK: &str = "if redis.call('GET', KEYS[1]) == ARGV[1] then \
                      return redis.call('DEL', KEYS[1]) end return 0";
/// Claims for the owner ARGV[2] for ARGV[3] ms under the first ARGV[1] of KEYS; a further one is
/// that of the outcome. Returns the number of replicas, then 1 and the earlier outcome, or 0, the
/// claim with the longest time left and that time (ms; -1 if it does not expire).
const CLAIM: &str = "
    local n, held, left = tonumber(ARGV[1]), nil, -2
    for i = 1, n do
      local text = redis.call('GET', KEYS[i])
      if text and text ~= ARGV[2] then
        local ms = redis.call('PTTL', KEYS[i])
        if ms > left then held, left = text, ms end
      end
    end
    if held then return {0, 0, held, left} end
    local outcome = KEYS[n + 1]
    local earlier = outcome and redis.call('GET', outcome) or ''
    for i = 1, n do redis.call('SET', KEYS[i], ARGV[2], 'PX', ARGV[3]) end
    return {replicas(), 1, earlier, 0}";
/// Ends the claims of the owner ARGV[2] under the first ARGV[1] of KEYS. ARGV[3] is "not posted",
/// "linked", "unlinked", or the outcome of the post; ARGV[4] and ARGV[5] are the times for which a
/// claim still stands and its outcome is remembered (ms). Returns the number of replicas, and three
/// values without meaning.
const SETTLE: &str = "
    local n, what = tonumber(ARGV[1]), ARGV[3]
    for i = 1, n do
      local text = redis.call('GET', KEYS[i])
      local ours = text and string.match(text, '^[^ ]*') == ARGV[2]
      local accepted = text and string.match(text, ' accepted$')
      if what == 'not posted' or what == 'unlinked' then
        if ours or (what == 'unlinked' and accepted) then redis.call('DEL', KEYS[i]) end
      elseif what == 'linked' then
        if ours then redis.call('SET', KEYS[i], ARGV[2] .. ' accepted', 'PX', ARGV[4]) end
      else
        local ms = tonumber(ARGV[4])
        if text and not ours then ms = math.max(ms, redis.call('PTTL', KEYS[i])) end
        redis.call('SET', KEYS[i], ARGV[2] .. ' ' .. what, 'PX', ms)
      end
    end
    local outcome = KEYS[n + 1]
    if outcome and (what == 'linked' or what == 'unlinked') then redis.call('DEL', outcome)
    elseif outcome and what ~= 'not posted' then
      redis.call('SET', outcome, what, 'PX', ARGV[5])
    end
    return {replicas(), 1, '', 0}";
/// Precedes the scripts that change claims. A user may lack the permission for INFO.
const COUNT_REPLICAS: &str = "
    local function replicas()
      local info = redis.pcall('INFO', 'replication')
      if type(info) ~= 'string' then return 0 end
      return tonumber(string.match(info, 'connected_slaves:(%d+)') or '0')
    end";
/// How long a change of a claim waits until a replica has it, so that a fail-over does not lose it.
const REPLICA_WAIT: Duration = Duration::from_millis(200);
/// How long no change waits for a replica that was late.
const LATE_REPLICA_PAUSE: Duration = Duration::from_secs(10);
/// The prefix of all keys, and the prefix of the keys of locks. No key of a text has the second.
const PREFIX: &str = "wxlink:";
const LOCK_PREFIX: &str = "wxlink:lock:";

pub(super) struct Redis {
    subject: Message,
    state: TimedMutex<State>,
    replica: Mutex<Replica>,
}

/// Whether the server has a replica, as far as is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Replica {
    None,
    Present,
    /// It did not have the last change in time. Until then no change waits for it.
    Late(Instant),
}

impl Replica {
    /// Whether a change has to find out.
    fn is_unknown(self) -> bool {
        match self {
            Replica::None => true,
            Replica::Present => false,
            Replica::Late(until) => Instant::now() >= until,
        }
    }
}

struct State {
    session: Session,
    /// When the last access failed, and why.
    failed: Option<(Instant, StoreError)>,
}

impl Redis {
    /// Nothing is connected yet.
    pub fn new(info: &ConnectionInfo) -> Result<Redis, Message> {
        let server = Server::new(info).map_err(|why| {
            let (en, zh) = (why.get(Lang::En), why.get(Lang::Zh));
            message!("option store: {en}", "选项 store：{zh}")
        })?;
        let shown = server.shown();
        Ok(Redis {
            subject: message!("the store, Redis at {shown},", "存储（Redis，{shown}）"),
            state: TimedMutex::new(State {
                session: Session::new(server),
                failed: None,
            }),
            replica: Mutex::new(Replica::None),
        })
    }

    fn with<T>(
        &self,
        keys: &[&str],
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
        let done = done.map_err(|failure| self.error(keys, &failure));
        state.failed = done.as_ref().err().map(|e| (Instant::now(), e.clone()));
        done
    }

    /// Runs a script that changes claims. If the server has a replica, waits until that has the
    /// change.
    fn change_claims(
        &self,
        script: &str,
        keys: &LinkKeys,
        arguments: &[&str],
        until: Instant,
    ) -> Result<ScriptResult, StoreError> {
        let mut eval = cmd("EVAL");
        let claims = &keys.claims;
        eval.arg(format!("{COUNT_REPLICAS}{script}"));
        eval.arg(claims.len() + usize::from(keys.outcome.is_some()));
        eval.arg(claims).arg(&keys.outcome);
        eval.arg(claims.len()).arg(arguments);
        let left = attempt_limit(until).saturating_duration_since(Instant::now());
        let mut wait = cmd("WAIT");
        wait.arg(1).arg(millis(REPLICA_WAIT.min(left / 2)));
        let named: Vec<&str> = claims
            .iter()
            .chain(&keys.outcome)
            .map(String::as_str)
            .collect();
        self.with(&named, until, |c| {
            // A server that is known to have a replica gets both commands in one round trip.
            let replica = *lock(&self.replica);
            let commands = [&eval, &wait].map(Cmd::get_packed_command);
            let mut answers = if replica == Replica::Present {
                c.req_packed_commands(&commands.concat(), 0, 2)?
            } else {
                c.req_packed_commands(&commands[0], 0, 1)?
            };
            // The change is made, whatever WAIT answers; but its answer has to be read.
            let mut waited = (answers.len() > 1).then(|| answers.pop()).flatten();
            let answer = answers.pop().unwrap_or(Value::Nil);
            let result: ScriptResult = from_redis_value(answer.extract_error()?)?;
            if result.0 > 0 && replica.is_unknown() {
                waited = c.req_packed_commands(&commands[1], 0, 1)?.pop();
            }
            *lock(&self.replica) = match waited {
                _ if result.0 == 0 => Replica::None,
                Some(Value::Int(0)) => Replica::Late(Instant::now() + LATE_REPLICA_PAUSE),
                Some(_) => Replica::Present,
                None => replica,
            };
            Ok(result)
        })
    }

    fn error(&self, keys: &[&str], failure: &Failure) -> StoreError {
        let at = match keys {
            _ if !failure.is_wrong_type() => Message::default(),
            [key] => message!(" (the key is {key})", "（键为 {key}）"),
            _ => {
                let (en, zh) = (keys.join(", "), keys.join("、"));
                message!(" (one of the keys {en})", "（键为以下之一：{zh}）")
            }
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
        self.with(&[key], until, |c| cmd("GET").arg(key).query(c))
    }

    fn swap(
        &self,
        key: &str,
        was: Option<&[u8]>,
        new: &str,
        until: Instant,
    ) -> Result<bool, StoreError> {
        self.with(&[key], until, |c| {
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
        let ms = millis(at_most.min(LONGEST_LOCK));
        self.with(&[key], until, |c| {
            cmd("EVAL")
                .arg(LOCK)
                .arg(1)
                .arg(lock_key(key))
                .arg(ours.as_str())
                .arg(ms)
                .query(c)
        })
    }

    fn unlock(&self, key: &str, ours: &LockOwner, until: Instant) -> Result<(), StoreError> {
        self.with(&[key], until, |c| {
            cmd("EVAL")
                .arg(UNLOCK)
                .arg(1)
                .arg(lock_key(key))
                .arg(ours.as_str())
                .query(c)
        })
    }

    fn claim(
        &self,
        keys: &LinkKeys,
        owner: &LockOwner,
        lasts: Duration,
        until: Instant,
    ) -> Result<Claimed, StoreError> {
        let lasts = millis(lasts.min(LONGEST_CLAIM)).to_string();
        let arguments = [owner.as_str(), &lasts];
        let (_, is_taken, text, left) = self.change_claims(CLAIM, keys, &arguments, until)?;
        Ok(if is_taken == 1 {
            let earlier = (!text.is_empty()).then(|| PostedOutcome::parse(&text));
            Claimed::Taken { earlier }
        } else {
            let (_, outcome) = parse_claim(&text);
            let left = u64::try_from(left).map_or(LONGEST_CLAIM, Duration::from_millis);
            let left = left.min(LONGEST_CLAIM);
            Claimed::Held { outcome, left }
        })
    }

    fn settle(
        &self,
        keys: &LinkKeys,
        owner: &LockOwner,
        settlement: Settlement,
        until: Instant,
    ) -> Result<(), StoreError> {
        let (what, stands) = match settlement {
            Settlement::NotPosted => ("not posted", Duration::ZERO),
            Settlement::Linked { stands } => ("linked", stands),
            Settlement::Unlinked => ("unlinked", Duration::ZERO),
            Settlement::Posted { outcome, stands } => (outcome.as_str(), stands),
        };
        let stands = millis(stands.min(LONGEST_CLAIM)).to_string();
        let remembered = millis(REMEMBERED).to_string();
        let arguments = [owner.as_str(), what, &stands, &remembered];
        self.change_claims(SETTLE, keys, &arguments, until)?;
        Ok(())
    }
}

/// What the scripts that change claims return.
type ScriptResult = (i64, i64, String, i64);

/// A time in ms, at least 1: Redis refuses to let a key expire at once.
fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1)
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
                crate::store::contract::fulfils_the_contract(&store);
            }
            None => assert!(
                std::env::var("CI").as_deref() != Ok("true"),
                "redis-server is missing, and this is CI"
            ),
        }
    }
}
