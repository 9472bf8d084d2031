//! The Lua scripts, which Redis runs atomically.
//!
//! A script that acts for a lease first checks that the lease is still held, and renews it unless
//! it was renewed a short time ago: an entry that is not renewed for the time of a lease is claimed
//! by another worker.
//!
//! All keys start with the queue's prefix, which every script gets as `KEYS[1]`. [`PURGE`] must
//! remove all of them:
//!
//! - `id`: identifies the queue among all queues of its name.
//! - `accounts`: a stream of accounts to process.
//! - `rows:ACCOUNT`, `deferred:ACCOUNT`: lists of rows.
//! - `active`: the accounts that are in the stream or in `later`; no other account has rows.
//! - `later`: when accounts are due again (ms). `due`: when deferred rows of an account are (ms).
//! - `posts`: by job and line, how many invitations were posted for a row that has no result, and
//!   until when the last one is in doubt (ms).
//! - `failures`: how often in a row an account was backed off.
//! - `results`: a stream. `counts`, `limits`, `jobs`, `jobs:rows`, `jobs:sums`: hashes.
//! - `decisions`: by job and line, what the administrators decided on an invitation.
//! - `follower`: the process that follows the invitations, for the time of a lease.
//! - `next_call`: when the next call is due (µs). `next_calls`: the same by account.

use std::sync::Arc;
use std::time::Duration;

/// The consumer group of the stream of accounts.
pub const CONSUMER_GROUP: &str = "workers";

/// Starts the scripts for a lease, after a line that sets `RENEWAL_MS`. ARGV[1]: the consumer.
/// ARGV[2]: the entry of the stream.
///
/// `renew()` returns whether the consumer still holds the entry, and renews the lease if it was not
/// renewed within `RENEWAL_MS`.
const LEASE_PREAMBLE: &str = "
local P = KEYS[1]
local accounts = P .. 'accounts'
local function renew()
  -- XPENDING fails if the queue was removed.
  local held = redis.pcall('XPENDING', accounts, 'workers', ARGV[2], ARGV[2], 1)
  if held.err or #held == 0 or held[1][2] ~= ARGV[1] then return false end
  -- 0 may also mean that the clock was set back.
  if held[1][3] == 0 or held[1][3] >= RENEWAL_MS then
    redis.call('XCLAIM', accounts, 'workers', ARGV[1], 0, ARGV[2], 'JUSTID')
  end
  return true
end
local function now()
  local t = redis.call('TIME')
  return t[1] * 1000000 + t[2]
end
local function note(row, count, doubt_ms)
  local until_ms = string.format('%.0f', math.floor(now() / 1000) + doubt_ms)
  redis.call('HSET', P .. 'posts', row, count .. ' ' .. until_ms)
end
";

/// Registers a job, so that the queue is not removed before all its rows have a result.
///
/// ARGV: the job, how many rows it has, their checksum, the intervals between calls (µs) for all
/// accounts and for each, and an id for the queue if it has none. Returns how many of its rows were
/// pushed before, or -1 if the job has other rows; and the queue's id.
pub const REGISTER_JOB: &str = "
local P = KEYS[1]
local rows = redis.call('HGET', P .. 'jobs:rows', ARGV[1])
local sum = redis.call('HGET', P .. 'jobs:sums', ARGV[1])
if (rows and rows ~= ARGV[2]) or (sum and sum ~= ARGV[3]) then return {-1, ''} end
local group = redis.pcall('XGROUP', 'CREATE', P .. 'accounts', 'workers', '0', 'MKSTREAM')
if group.err and not string.find(group.err, 'BUSYGROUP', 1, true) then return group end
redis.call('SET', P .. 'id', ARGV[6], 'NX')
redis.call('HSET', P .. 'jobs:rows', ARGV[1], ARGV[2])
redis.call('HSET', P .. 'jobs:sums', ARGV[1], ARGV[3])
redis.call('HSET', P .. 'limits', 'all', ARGV[4], 'account', ARGV[5])
return {tonumber(redis.call('HGET', P .. 'jobs', ARGV[1]) or '0'), redis.call('GET', P .. 'id')}
";

/// Adds rows to a job.
///
/// ARGV: the job, how many of its rows were pushed before, the queue's id, then account and row
/// alternately. Returns how many rows are pushed now, which differs from what the caller expects if
/// another process pushes the same job; or -1 if the queue was removed. Fails before any change if
/// the rows of an account cannot be added.
pub const PUSH_ROWS: &str = "
local P = KEYS[1]
if redis.call('GET', P .. 'id') ~= ARGV[3] then return -1 end
local pushed = tonumber(redis.call('HGET', P .. 'jobs', ARGV[1]) or '0')
if pushed ~= tonumber(ARGV[2]) then return pushed end
for i = 4, #ARGV, 2 do redis.call('LLEN', P .. 'rows:' .. ARGV[i]) end
local t = redis.call('TIME')
local now = t[1] * 1000 + t[2] / 1000
for i = 4, #ARGV, 2 do
  redis.call('RPUSH', P .. 'rows:' .. ARGV[i], ARGV[i + 1])
  local due = redis.call('HGET', P .. 'due', ARGV[i])
  local later = due and redis.call('ZSCORE', P .. 'later', ARGV[i])
  -- New rows do not wait for the quota of deferred ones; deferred rows that are due come first.
  local quota = later and tonumber(later) == tonumber(due) and tonumber(due) > now
  if quota then redis.call('ZREM', P .. 'later', ARGV[i]) end
  if redis.call('SADD', P .. 'active', ARGV[i]) == 1 or quota then
    redis.call('XADD', P .. 'accounts', '*', 'account', ARGV[i])
  end
end
local n = (#ARGV - 3) / 2
redis.call('HINCRBY', P .. 'counts', 'pushed', n)
return redis.call('HINCRBY', P .. 'jobs', ARGV[1], n)
";

/// Returns accounts that are due to the stream, at most 100, and puts their deferred rows before
/// newer ones. Deferred rows that are not due stay deferred, even if the account was also backed
/// off. Returns how many accounts.
const RETURN_DUE_ACCOUNTS: &str = "
local P = KEYS[1]
local t = redis.call('TIME')
local now = t[1] * 1000 + t[2] / 1000
local due = redis.call('ZRANGEBYSCORE', P .. 'later', '-inf', now, 'LIMIT', 0, 100)
for _, account in ipairs(due) do
  local quota = redis.call('HGET', P .. 'due', account)
  if quota and tonumber(quota) <= now then
    local n = 0
    local deferred, rows = P .. 'deferred:' .. account, P .. 'rows:' .. account
    -- An error means that another program replaced one of the lists: its rows are lost.
    local moved = redis.pcall('RPOPLPUSH', deferred, rows)
    while moved and not moved.err do
      n = n + 1
      moved = redis.pcall('RPOPLPUSH', deferred, rows)
    end
    if n > 0 then redis.call('HINCRBY', P .. 'counts', 'deferred', -n) end
    redis.call('HDEL', P .. 'due', account)
  end
  redis.call('ZREM', P .. 'later', account)
  redis.call('XADD', P .. 'accounts', '*', 'account', account)
end
return #due
";

/// Reserves the next call. ARGV[3], ARGV[4]: the intervals between calls (µs) for all accounts and
/// for this one. ARGV[5]: the account. Returns how long to wait (µs), or -1 if the lease was lost.
const RESERVE_CALL: &str = "
if not renew() then return -1 end
local at = now()
local function reserve(interval, stored, keep)
  if interval == 0 then return 0 end
  local burst = math.max(0, 1000000 - interval)
  local due = math.max(tonumber(stored or '0'), at - burst)
  keep(due + interval)
  return math.max(0, due - at)
end
local function text(number) return string.format('%.0f', number) end
local all = reserve(tonumber(ARGV[3]), redis.call('GET', P .. 'next_call'), function(due)
  redis.call('SET', P .. 'next_call', text(due), 'PX', math.ceil((due - at) / 1000) + 2000)
end)
local stored = redis.call('ZSCORE', P .. 'next_calls', ARGV[5])
local own = reserve(tonumber(ARGV[4]), stored, function(due)
  redis.call('ZADD', P .. 'next_calls', text(due), ARGV[5])
  -- A burst is at most one second, so older entries have no effect.
  redis.call('ZREMRANGEBYSCORE', P .. 'next_calls', '-inf', text(at - 1000000))
end)
return math.max(all, own)
";

/// Notes the invitations for a row. ARGV[3]: the row's field in `posts`. ARGV[4]: how many.
/// ARGV[5]: how long the last one is in doubt (ms). Returns 1, or 0 if the lease was lost.
const NOTE_POSTS: &str = "
if not renew() then return 0 end
note(ARGV[3], ARGV[4], ARGV[5])
return 1
";

/// Returns two numbers for each row: how many invitations were posted, and how long the last one is
/// in doubt (ms). ARGV: the rows' fields in `posts`.
const READ_POSTS: &str = "
local P = KEYS[1]
local t = redis.call('TIME')
local now = t[1] * 1000 + t[2] / 1000
local posts = {}
for i, value in ipairs(redis.call('HMGET', P .. 'posts', unpack(ARGV))) do
  local count, until_ms = string.match(value or '0 0', '(%d+) (%d+)')
  posts[2 * i - 1] = tonumber(count)
  posts[2 * i] = math.ceil(math.max(0, until_ms - now))
end
return posts
";

/// Records the first row of the account. ARGV[3]: the account. ARGV[4]: the row. ARGV[5]: the
/// outcome. ARGV[6]: the result. ARGV[7]: the row's field in `posts`, and ARGV[8] the invitations.
/// ARGV[9]: when a deferred row is due (ms), or empty; such a row gets no result yet. ARGV[10]: 1
/// if the account's failures are to be forgotten. ARGV[11] to ARGV[13]: what to note for the next
/// row, as for [`NOTE_POSTS`], if anything. Returns 1, or 0 if the lease was lost or the row was
/// recorded before. A repetition finds its note and returns 1, because a note that is not followed
/// by a post would count as one.
///
/// The row leaves the list in the last step: if another program replaced a key, nothing is lost.
const RECORD_ROW: &str = "
if not renew() then return 0 end
local rows = P .. 'rows:' .. ARGV[3]
if redis.call('LINDEX', rows, 0) ~= ARGV[4] then
  local noted = ARGV[11] and redis.call('HGET', P .. 'posts', ARGV[11])
  return noted and string.match(noted, '%d+') == ARGV[12] and 1 or 0
end
if ARGV[9] ~= '' then
  redis.call('RPUSH', P .. 'deferred:' .. ARGV[3], ARGV[4])
  if ARGV[8] == '0' then redis.call('HDEL', P .. 'posts', ARGV[7])
  else redis.call('HSET', P .. 'posts', ARGV[7], ARGV[8] .. ' 0') end
  local due = redis.call('HGET', P .. 'due', ARGV[3])
  if not due or tonumber(due) > tonumber(ARGV[9]) then
    redis.call('HSET', P .. 'due', ARGV[3], ARGV[9])
  end
else
  redis.call('XADD', P .. 'results', '*', 'result', ARGV[6])
  redis.call('HDEL', P .. 'posts', ARGV[7])
end
if ARGV[10] == '1' then redis.call('HDEL', P .. 'failures', ARGV[3]) end
redis.call('HINCRBY', P .. 'counts', ARGV[5], 1)
redis.call('LPOP', rows)
if ARGV[11] then note(ARGV[11], ARGV[12], ARGV[13]) end
return 1
";

/// Ends a lease whose account's list of rows cannot be read, because another program replaced it.
/// ARGV[3]: the account. ARGV[4]: a result, which stands for one of its rows. Returns 1, or 0 if
/// the lease was lost.
const SET_ASIDE: &str = "
if not renew() then return 0 end
redis.call('XADD', P .. 'results', '*', 'result', ARGV[4])
redis.call('HINCRBY', P .. 'counts', 'failed', 1)
redis.call('XACK', accounts, 'workers', ARGV[2])
redis.call('XDEL', accounts, ARGV[2])
redis.call('HDEL', P .. 'failures', ARGV[3])
redis.call('SREM', P .. 'active', ARGV[3])
return 1
";

/// Removes an entry that names no account. ARGV: the entry.
const REMOVE_ENTRY: &str = "
local accounts = KEYS[1] .. 'accounts'
redis.call('XACK', accounts, 'workers', ARGV[1])
return redis.call('XDEL', accounts, ARGV[1])
";

/// Ends a lease. ARGV[3]: the account. ARGV[4]: the pause until it is leased again (ms), or -1.
/// ARGV[5]: how often in a row it was backed off. Returns 1, or 0 if the lease was lost.
const RELEASE: &str = "
if not renew() then return 0 end
redis.call('XACK', accounts, 'workers', ARGV[2])
redis.call('XDEL', accounts, ARGV[2])
local due = redis.call('HGET', P .. 'due', ARGV[3])
if tonumber(ARGV[4]) >= 0 then
  redis.call('HSET', P .. 'failures', ARGV[3], ARGV[5])
  redis.call('ZADD', P .. 'later', math.floor(now() / 1000) + ARGV[4], ARGV[3])
elseif redis.call('EXISTS', P .. 'rows:' .. ARGV[3]) == 1 then
  redis.call('XADD', accounts, '*', 'account', ARGV[3])
elseif due then
  redis.call('ZADD', P .. 'later', due, ARGV[3])
else
  redis.call('SREM', P .. 'active', ARGV[3])
end
return 1
";

/// Removes a consumer, unless it holds an entry, which would be lost. A consumer that knows of no
/// entry may still hold one, if the answer that gave it was lost. ARGV: the consumer. Returns 1, or
/// 0 if it holds one.
pub const REMOVE_CONSUMER: &str = "
local accounts = KEYS[1] .. 'accounts'
if #redis.call('XPENDING', accounts, 'workers', '-', '+', 1, ARGV[1]) > 0 then return 0 end
redis.call('XGROUP', 'DELCONSUMER', accounts, 'workers', ARGV[1])
return 1
";

/// Returns the status of a queue, in the order of `StatusReply`.
pub const STATUS: &str = "
local P = KEYS[1]
local workers = redis.pcall('XINFO', 'CONSUMERS', P .. 'accounts', 'workers')
if workers.err then workers = {} end
return {
  redis.call('GET', P .. 'id') or '',
  redis.call('HGETALL', P .. 'counts'),
  redis.call('XLEN', P .. 'accounts'),
  redis.call('ZCARD', P .. 'later'),
  redis.call('ZRANGE', P .. 'later', 0, 0, 'WITHSCORES'),
  redis.call('HGETALL', P .. 'jobs:rows'),
  redis.call('HGETALL', P .. 'jobs'),
  workers,
}
";

/// Removes the queue, unless rows are left or results were not read. ARGV: the queue's id, and how
/// many results were read. Returns the obstacle, `rows` or `results`; an empty text if the queue
/// was removed; `gone` if it had been removed before.
pub const PURGE: &str = "
local P = KEYS[1]
if (redis.call('GET', P .. 'id') or '') ~= ARGV[1] then return 'gone' end
local ended, counts = 0, redis.call('HGETALL', P .. 'counts')
local of = {pushed = 0, deferred = 0}
for i = 1, #counts, 2 do
  local n = tonumber(counts[i + 1])
  if of[counts[i]] then of[counts[i]] = n else ended = ended + n end
end
local results = math.max(ended, redis.call('XLEN', P .. 'results'))
if results > tonumber(ARGV[2]) then return 'results' end
if of.pushed > ended or of.deferred > 0 then return 'rows' end
local jobs = redis.call('HGETALL', P .. 'jobs:rows')
for i = 1, #jobs, 2 do
  if redis.call('HGET', P .. 'jobs', jobs[i]) ~= jobs[i + 1] then return 'rows' end
end
for _, account in ipairs(redis.call('SMEMBERS', P .. 'active')) do
  local left = redis.call('EXISTS', P .. 'rows:' .. account, P .. 'deferred:' .. account)
  if left > 0 then return 'rows' end
end
for _, name in ipairs({
  'id', 'accounts', 'active', 'later', 'due', 'failures', 'results', 'counts', 'limits', 'jobs',
  'jobs:rows', 'jobs:sums', 'next_call', 'next_calls', 'posts', 'decisions', 'follower',
}) do redis.call('UNLINK', P .. name) end
return ''
";

/// Takes or renews the place of the queue's follower. ARGV: the follower, and for how long (ms).
/// Returns 1, or 0 if another one has it.
pub const RENEW_FOLLOWER: &str = "
local key = KEYS[1] .. 'follower'
local current = redis.call('GET', key)
if current and current ~= ARGV[1] then return 0 end
redis.call('SET', key, ARGV[1], 'PX', ARGV[2])
return 1
";

/// Gives up the place of the queue's follower. ARGV: the follower.
pub const RELEASE_FOLLOWER: &str = "
local key = KEYS[1] .. 'follower'
if redis.call('GET', key) == ARGV[1] then redis.call('DEL', key) end
return true
";

/// Keeps a decision, and counts the row under its new outcome. ARGV: the follower, for how long it
/// renews its place (ms), the queue's id, the row's field in `decisions`, the decision, the old and
/// the new outcome. Returns 1; 0 if the row was decided before; -1 if the queue was removed; -2 if
/// another follower took the place.
pub const DECIDE: &str = "
local P = KEYS[1]
if (redis.call('GET', P .. 'id') or '') ~= ARGV[3] then return -1 end
local current = redis.call('GET', P .. 'follower')
if current and current ~= ARGV[1] then return -2 end
redis.call('SET', P .. 'follower', ARGV[1], 'PX', ARGV[2])
if redis.call('HSETNX', P .. 'decisions', ARGV[4], ARGV[5]) == 0 then return 0 end
redis.call('HINCRBY', P .. 'counts', ARGV[6], -1)
redis.call('HINCRBY', P .. 'counts', ARGV[7], 1)
return 1
";

/// The scripts of workers.
pub struct WorkerScripts {
    pub reserve_call: LuaScript,
    pub note_posts: LuaScript,
    pub read_posts: LuaScript,
    pub record_row: LuaScript,
    pub set_aside: LuaScript,
    pub release: LuaScript,
    pub return_due_accounts: LuaScript,
    pub remove_entry: LuaScript,
}

impl WorkerScripts {
    /// `renewal`: how long after a renewal of a lease the scripts do not renew it again.
    pub fn new(renewal: Duration) -> WorkerScripts {
        let start = format!("local RENEWAL_MS = {}{LEASE_PREAMBLE}", renewal.as_millis());
        let of_lease = |body: &str| LuaScript::new(&format!("{start}{body}"));
        WorkerScripts {
            reserve_call: of_lease(RESERVE_CALL),
            note_posts: of_lease(NOTE_POSTS),
            read_posts: LuaScript::new(READ_POSTS),
            record_row: of_lease(RECORD_ROW),
            set_aside: of_lease(SET_ASIDE),
            release: of_lease(RELEASE),
            return_due_accounts: LuaScript::new(RETURN_DUE_ACCOUNTS),
            remove_entry: LuaScript::new(REMOVE_ENTRY),
        }
    }
}

/// A script that Redis runs atomically.
pub struct LuaScript {
    pub text: Arc<str>,
    /// The name under which Redis keeps it.
    pub hash: String,
}

impl LuaScript {
    pub fn new(text: &str) -> LuaScript {
        LuaScript {
            text: text.into(),
            hash: redis::Script::new(text).get_hash().to_owned(),
        }
    }
}
