//! A store in a Redis or Valkey server, for many machines.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use redis::{Cmd, ConnectionInfo, RedisResult, Value, cmd};

use super::claim::{
    ClaimChange, ClaimStep, Claimed, LONGEST_CLAIM, LinkKeys, LinkNote, PostedOutcome, REMEMBERED,
    Settlement,
};
use super::key::hexadecimal;
use super::owner::LockOwner;
use super::redis_connection::{
    Connection, Failure, MIN_ATTEMPT, Server, Session, attempt_limit, read_reply,
};
use super::store::{Changed, LONGEST_LOCK, Store, StoreError};
use super::timed_mutex::{TimedMutex, TimedMutexGuard};
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
/// that of the outcome. Returns 1 and the earlier outcome, or 0, the claim with the longest time
/// left and that time (ms; -1 if it does not expire).
///
/// Nearly all links are unclaimed: keys are read only if one of them exists.
const CLAIM: &str = "
    local n, i = tonumber(ARGV[1]), 1
    while i <= n and redis.call('SET', KEYS[i], ARGV[2], 'PX', ARGV[3], 'NX') do i = i + 1 end
    if i <= n then
      local held, left = nil, -2
      for k = i, n do
        local text = redis.pcall('GET', KEYS[k])
        if text and text ~= ARGV[2] then
          local ms = redis.call('PTTL', KEYS[k])
          if ms > left then held, left = text, ms end
        end
      end
      if held then
        for k = 1, i - 1 do redis.call('DEL', KEYS[k]) end
        return held.err and held or {0, held, left}
      end
      for k = i, n do redis.call('SET', KEYS[k], ARGV[2], 'PX', ARGV[3]) end
    end
    local outcome = KEYS[n + 1]
    return {1, outcome and redis.call('GET', outcome) or '', 0}";
/// Ends the claims of the owner ARGV[2] under the first ARGV[1] of KEYS. ARGV[3] is "not posted",
/// "linked", "unlinked", or the outcome of the post; ARGV[4] and ARGV[5] are the times for which a
/// claim still stands and its outcome is remembered (ms).
const SETTLE: &str = "
    local n, owner, what = tonumber(ARGV[1]), ARGV[2], ARGV[3]
    local note = owner .. ' ' .. what
    for i = 1, n do
      local text = redis.call('GET', KEYS[i])
      local ours = text == owner or text and string.match(text, '^[^ ]*') == owner
      if what == 'not posted' then
        if ours then redis.call('DEL', KEYS[i]) end
      elseif what == 'unlinked' then
        if ours or text and string.match(text, ' accepted$') then redis.call('DEL', KEYS[i]) end
      elseif what == 'linked' then
        if ours then redis.call('SET', KEYS[i], owner .. ' accepted', 'PX', ARGV[4]) end
      else
        local ms = ARGV[4]
        if text and not ours then ms = math.max(tonumber(ms), redis.call('PTTL', KEYS[i])) end
        redis.call('SET', KEYS[i], note, 'PX', ms)
      end
    end
    local outcome = KEYS[n + 1]
    if outcome and (what == 'linked' or what == 'unlinked') then redis.call('DEL', outcome)
    elseif outcome and what ~= 'not posted' then
      redis.call('SET', outcome, what, 'PX', ARGV[5])
    end
    return {1, '', 0}";
/// How long a change of a claim waits until a replica has it, so that a fail-over does not lose it.
const REPLICA_WAIT: Duration = Duration::from_millis(200);
/// How often a server without a replica is asked whether it has one.
const REPLICA_CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// How long no change waits for a replica that was late.
const LATE_REPLICA_PAUSE: Duration = Duration::from_secs(10);
/// The prefix of all keys, and the prefix of the keys of locks. No key of a text has the second.
const PREFIX: &str = "wxlink:";
const LOCK_PREFIX: &str = "wxlink:lock:";

/// The most connections of a store. Another one is opened only while the others are in use.
const MAX_SESSIONS: usize = 4;

pub(super) struct Redis {
    subject: Message,
    sessions: [TimedMutex<Session>; MAX_SESSIONS],
    /// The session that the next access waits for if all are in use.
    next_session: AtomicUsize,
    /// When the last access found the server unavailable, and why.
    failed: Mutex<Option<(Instant, StoreError)>>,
    replica: Mutex<Replica>,
}

/// Whether the server has a replica, as far as is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Replica {
    /// It had none at that time; `None` if that is not known yet.
    None(Option<Instant>),
    Present,
    /// It did not have the last change in time. Until then no change waits for it.
    Late(Instant),
}

impl Replica {
    /// Whether a change has to find out.
    fn is_unknown(self) -> bool {
        match self {
            Replica::None(asked) => asked.is_none_or(|at| at.elapsed() >= REPLICA_CHECK_INTERVAL),
            Replica::Present => false,
            Replica::Late(until) => Instant::now() >= until,
        }
    }
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
            sessions: std::array::from_fn(|_| TimedMutex::new(Session::new(server.clone()))),
            next_session: AtomicUsize::new(0),
            failed: Mutex::default(),
            replica: Mutex::new(Replica::None(None)),
        })
    }

    fn with<T>(
        &self,
        keys: &[&str],
        until: Instant,
        work: impl Fn(&mut Connection) -> RedisResult<T>,
    ) -> Result<T, StoreError> {
        let started = Instant::now();
        let Some(mut session) = self.session(until) else {
            let (en, zh) = (self.subject.get(Lang::En), self.subject.get(Lang::Zh));
            return Err(StoreError::timed_out(message!(
                "{en} was busy with other calls until the limit. Try again",
                "{zh}在时限内一直忙于其他调用。请重试"
            )));
        };
        // If another call has just found that the server does not answer, the calls that waited for
        // it fail with the same error instead of trying one after the other.
        if let Some((_, why)) = lock(&self.failed).as_ref().filter(|(at, _)| started <= *at) {
            return Err(why.clone());
        }
        let done = session.attempt(attempt_limit(until), work);
        let done = done.map_err(|failure| self.error(keys, &failure));
        let failed = done.as_ref().err().filter(|why| why.transient);
        *lock(&self.failed) = failed.map(|why| (Instant::now(), why.clone()));
        done
    }

    /// The first session that is not in use, or another one as soon as it is returned; `None` if
    /// `until` passes first.
    fn session(&self, until: Instant) -> Option<TimedMutexGuard<'_, Session>> {
        let now = Instant::now();
        let unused = self.sessions.iter().find_map(|s| s.lock_until(now));
        unused.or_else(|| {
            let next = self.next_session.fetch_add(1, Ordering::Relaxed);
            self.sessions[next % MAX_SESSIONS].lock_until(until)
        })
    }

    /// Makes changes of claims in one round trip. If the server has a replica, waits until that has
    /// them.
    fn run_changes(
        &self,
        changes: &[ClaimChange],
        until: Instant,
    ) -> Result<Vec<Result<Value, Failure>>, StoreError> {
        let replica = *lock(&self.replica);
        let left = attempt_limit(until).saturating_duration_since(Instant::now());
        let mut wait = cmd("WAIT");
        wait.arg(1).arg(millis(REPLICA_WAIT.min(left / 2)));
        let mut commands = commands_of(changes);
        if replica == Replica::Present {
            commands.push(wait.clone());
        } else if replica.is_unknown() {
            let mut info = cmd("INFO");
            commands.push(info.arg("replication").clone());
        }
        let keys: Vec<&str> = changes.iter().flat_map(keys_of).collect();
        self.with(&keys, until, |c| {
            let mut replies = c.pipeline(&commands)?;
            // The changes are made, whatever the replies about the replica are.
            let last = replies.split_off(changes.len()).pop();
            *lock(&self.replica) = match last {
                None => replica,
                Some(waited) if replica == Replica::Present => after_wait(Some(waited)),
                Some(info) if !has_replica(&info) => Replica::None(Some(Instant::now())),
                Some(_) => after_wait(c.pipeline([&wait])?.pop()),
            };
            Ok(replies)
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

/// The commands that make the changes. A script's text is sent once.
fn commands_of(changes: &[ClaimChange]) -> Vec<Cmd> {
    let mut sent: Vec<(&str, String)> = Vec::new();
    let commands = changes.iter().map(|change| {
        let script = match change.step {
            ClaimStep::Claim { .. } => CLAIM,
            ClaimStep::Settle(_) => SETTLE,
        };
        let mut command = match sent.iter().find(|(text, _)| *text == script) {
            Some((_, sha1)) => {
                let mut command = cmd("EVALSHA");
                command.arg(sha1);
                command
            }
            None => {
                sent.push((script, sha1(script)));
                let mut command = cmd("EVAL");
                command.arg(script);
                command
            }
        };
        let keys = keys_of(change);
        command.arg(keys.len()).arg(&keys);
        command.arg(change.keys.claims.len());
        command.arg(change.owner.text());
        match change.step {
            ClaimStep::Claim { lasts } => command.arg(in_claim(lasts)),
            ClaimStep::Settle(settlement) => {
                let (what, stands) = match settlement {
                    Settlement::NotPosted => ("not posted", Duration::ZERO),
                    Settlement::Linked { stands } => ("linked", stands),
                    Settlement::Unlinked => ("unlinked", Duration::ZERO),
                    Settlement::Posted { outcome, stands } => (outcome.as_str(), stands),
                };
                let remembered = millis(REMEMBERED);
                command.arg(what).arg(in_claim(stands)).arg(remembered)
            }
        };
        command
    });
    commands.collect()
}

/// The time (ms) for which a claim stands.
fn in_claim(time: Duration) -> u64 {
    millis(time.min(LONGEST_CLAIM))
}

/// The keys of a change.
fn keys_of(change: &ClaimChange) -> Vec<&str> {
    let LinkKeys { claims, outcome } = &*change.keys;
    claims.iter().chain(outcome).map(String::as_str).collect()
}

/// Whether the reply to INFO shows a replica. A user may lack the permission for it.
fn has_replica(info: &Result<Value, Failure>) -> bool {
    let text = read_reply::<String>(info.clone()).unwrap_or_default();
    let count = text
        .lines()
        .find_map(|line| line.strip_prefix("connected_slaves:"));
    count.is_some_and(|count| count.trim() != "0")
}

/// What the reply to WAIT shows.
fn after_wait(waited: Option<Result<Value, Failure>>) -> Replica {
    match waited {
        Some(Ok(Value::Int(0))) => Replica::Late(Instant::now() + LATE_REPLICA_PAUSE),
        _ => Replica::Present,
    }
}

/// The name under which a server keeps a script.
fn sha1(script: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, script.as_bytes());
    hexadecimal(digest.as_ref())
}

/// What a change's script returned.
fn result_of(
    change: &ClaimChange,
    reply: Result<Value, Failure>,
) -> Result<Option<Claimed>, Failure> {
    let (is_taken, text, left): (i64, String, i64) = read_reply(reply)?;
    Ok(match change.step {
        ClaimStep::Settle(_) => None,
        ClaimStep::Claim { .. } if is_taken == 1 => {
            let earlier = (!text.is_empty()).then(|| PostedOutcome::parse(&text));
            Some(Claimed::Taken { earlier })
        }
        ClaimStep::Claim { .. } => {
            let outcome = LinkNote::parse(&text).outcome;
            let left = u64::try_from(left).map_or(LONGEST_CLAIM, Duration::from_millis);
            let left = left.min(LONGEST_CLAIM);
            Some(Claimed::Held { outcome, left })
        }
    })
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
                .arg(ours.text())
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
                .arg(ours.text())
                .query(c)
        })
    }

    fn change_claim(&self, change: &ClaimChange) -> Changed {
        let mut changed = Ok(None);
        self.change_claims(std::slice::from_ref(change), &mut |_, result| {
            changed = result;
        });
        changed
    }

    fn change_claims(&self, changes: &[ClaimChange], done: &mut dyn FnMut(usize, Changed)) {
        // The first limit ends the attempt for all: changes with more time left are tried again. A
        // change that is late ends no attempt, since its call does not wait for it any longer.
        let now = Instant::now();
        let limits = changes
            .iter()
            .map(|change| change.limit)
            .filter(|limit| *limit > now);
        let until = limits.min().unwrap_or(now).max(now + MIN_ATTEMPT);
        match self.run_changes(changes, until) {
            Ok(replies) => {
                for (n, (change, reply)) in changes.iter().zip(replies).enumerate() {
                    let result = result_of(change, reply);
                    done(n, result.map_err(|e| self.error(&keys_of(change), &e)));
                }
            }
            Err(why) => (0..changes.len()).for_each(|n| done(n, Err(why.clone()))),
        }
    }
}

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

        /// The URL of a user who has only the permissions for commands that docs/tokens.md names,
        /// and of another database. The contract has other keys.
        fn url_of_limited_user(&self) -> String {
            let mut session = Session::new(Server::parse(&self.url()).unwrap());
            let soon = Instant::now() + Duration::from_secs(60);
            let rules = "on >password ~* +select +get +eval +evalsha +set +pttl +del";
            let made = session.attempt(soon, |c| {
                let mut user = cmd("ACL");
                user.arg("SETUSER").arg("limited");
                user.arg(rules.split(' ').collect::<Vec<_>>());
                user.query::<()>(c)
            });
            assert!(made.is_ok());
            format!("redis://limited:password@127.0.0.1:{}/4", self.1)
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
                for url in [server.url(), server.url_of_limited_user()] {
                    let info = redis_connection_info(&url).unwrap();
                    let store = Redis::new(&info).unwrap();
                    crate::store::contract::fulfils_the_contract(&store);
                }
            }
            None => assert!(
                std::env::var("CI").as_deref() != Ok("true"),
                "redis-server is missing, and this is CI"
            ),
        }
    }
}
