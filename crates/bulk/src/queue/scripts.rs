//! What Redis does in one go. Every script that acts for a visit first sees whether it still is the visitor's, and
//! says so again: an entry that was not confirmed for a lease's time is somebody else's.
//!
//! Keys, all behind the queue's prefix: `id` tells the queue from a later one of its name,
//! `accounts` a stream of accounts to visit, `rows:ACCOUNT` and `deferred:ACCOUNT` lists of rows,
//! `active` the accounts that are in the stream or in `later` (no other account has rows), `later`
//! and `due` when accounts and deferred rows are due (ms), `tries` how often an account was put
//! off, `results` a stream, `counts`, `limits`, `jobs`, `jobs:rows` and `jobs:sums` hashes, `pace`
//! when the next call is due (µs), `paces` the same by account. [`PURGE`] has to know all of them.

/// The consumer group.
pub const GROUP: &str = "workers";

/// Answers 1 if entry ARGV[2] is ARGV[1]'s, and confirms it.
const OURS: &str = "
local P = KEYS[1]
local accounts = P .. 'accounts'
local function ours()
  -- It fails if the queue was removed meanwhile.
  local held = redis.pcall('XPENDING', accounts, 'workers', ARGV[2], ARGV[2], 1)
  if held.err or #held == 0 or held[1][2] ~= ARGV[1] then return false end
  redis.call('XCLAIM', accounts, 'workers', ARGV[1], 0, ARGV[2], 'JUSTID')
  return true
end
local function now()
  local t = redis.call('TIME')
  return t[1] * 1000000 + t[2]
end
";

/// ARGV: job, how many rows it has, their sum, the pauses between calls (µs) over all and for an
/// account, and an id for the queue if it has none. From now on the job is known, and the queue is
/// not removed before all its rows have ended. Answers how many of its rows were pushed before, or
/// -1 if it has other rows; and the queue's id.
pub const BEGIN: &str = "
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

/// ARGV: job, how many of its rows were pushed before these, the queue's id, then account and row
/// by turns. Answers how many have been by now: fewer or more than expected if another pushes the
/// same job; -1 if the queue was removed.
pub const PUSH: &str = "
local P = KEYS[1]
if redis.call('GET', P .. 'id') ~= ARGV[3] then return -1 end
local pushed = tonumber(redis.call('HGET', P .. 'jobs', ARGV[1]) or '0')
if pushed ~= tonumber(ARGV[2]) then return pushed end
local t = redis.call('TIME')
local now = t[1] * 1000 + t[2] / 1000
for i = 4, #ARGV, 2 do
  redis.call('RPUSH', P .. 'rows:' .. ARGV[i], ARGV[i + 1])
  local due = redis.call('HGET', P .. 'due', ARGV[i])
  local later = due and redis.call('ZSCORE', P .. 'later', ARGV[i])
  -- What waits for a quota keeps nothing else waiting; what is due comes before it.
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

/// Brings accounts that are due back into the stream, and their deferred rows before newer ones, if those are due: an
/// account that was put off for another reason leaves them where they are. Answers how many.
pub const DUE: &str = "
local P = KEYS[1]
local t = redis.call('TIME')
local now = t[1] * 1000 + t[2] / 1000
local due = redis.call('ZRANGEBYSCORE', P .. 'later', '-inf', now, 'LIMIT', 0, 100)
for _, account in ipairs(due) do
  local quota = redis.call('HGET', P .. 'due', account)
  if quota and tonumber(quota) <= now then
    local n = 0
    while redis.call('RPOPLPUSH', P .. 'deferred:' .. account, P .. 'rows:' .. account) do n = n + 1 end
    if n > 0 then redis.call('HINCRBY', P .. 'counts', 'deferred', -n) end
    redis.call('HDEL', P .. 'due', account)
  end
  redis.call('ZREM', P .. 'later', account)
  redis.call('XADD', P .. 'accounts', '*', 'account', account)
end
return #due
";

/// Appended to [`OURS`]. ARGV[3] and [4]: the pause between calls (µs) over all and for the account, ARGV[5] the account.
/// Answers how long to wait (µs), or -1.
const TURN: &str = "
if not ours() then return -1 end
local at = now()
local function take(pause, stored, keep)
  if pause == 0 then return 0 end
  local burst = math.max(0, 1000000 - pause)
  local due = math.max(tonumber(stored or '0'), at - burst)
  keep(due + pause)
  return math.max(0, due - at)
end
local function text(number) return string.format('%.0f', number) end
local all = take(tonumber(ARGV[3]), redis.call('GET', P .. 'pace'), function(due)
  redis.call('SET', P .. 'pace', text(due), 'PX', math.ceil((due - at) / 1000) + 2000)
end)
local own = take(tonumber(ARGV[4]), redis.call('ZSCORE', P .. 'paces', ARGV[5]), function(due)
  redis.call('ZADD', P .. 'paces', text(due), ARGV[5])
  -- A burst is a second at most: what was due before that is as good as not there.
  redis.call('ZREMRANGEBYSCORE', P .. 'paces', '-inf', text(at - 1000000))
end)
return math.max(all, own)
";

/// Appended to [`OURS`]. ARGV[3] the account, ARGV[4] its first row, ARGV[5] the outcome, ARGV[6] the record; of a
/// deferred row ARGV[7] is when it is due (ms), and the record the row. Answers 1, or 0 if it is not ours.
const DONE: &str = "
if not ours() then return 0 end
local rows = P .. 'rows:' .. ARGV[3]
if redis.call('LINDEX', rows, 0) ~= ARGV[4] then return 0 end
redis.call('LPOP', rows)
redis.call('HINCRBY', P .. 'counts', ARGV[5], 1)
if ARGV[7] then
  redis.call('RPUSH', P .. 'deferred:' .. ARGV[3], ARGV[4])
  local due = redis.call('HGET', P .. 'due', ARGV[3])
  if not due or tonumber(due) > tonumber(ARGV[7]) then redis.call('HSET', P .. 'due', ARGV[3], ARGV[7]) end
else
  redis.call('XADD', P .. 'results', '*', 'result', ARGV[6])
end
if ARGV[5] ~= 'failed' and ARGV[5] ~= 'unknown' then redis.call('HDEL', P .. 'tries', ARGV[3]) end
return 1
";

/// Appended to [`OURS`]. ARGV[3] the account, ARGV[4] the pause until its next visit (ms), or -1, ARGV[5] how often it
/// was put off. Answers 1, or 0.
const LEAVE: &str = "
if not ours() then return 0 end
redis.call('XACK', accounts, 'workers', ARGV[2])
redis.call('XDEL', accounts, ARGV[2])
local due = redis.call('HGET', P .. 'due', ARGV[3])
if tonumber(ARGV[4]) >= 0 then
  redis.call('HSET', P .. 'tries', ARGV[3], ARGV[5])
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

/// ARGV: a consumer. Takes its name off the list if it has nothing in hand, which it would take along: even one that
/// knows of nothing may have been given an account by an answer that was lost. Answers whether it did.
pub const FORGET: &str = "
local accounts = KEYS[1] .. 'accounts'
if #redis.call('XPENDING', accounts, 'workers', '-', '+', 1, ARGV[1]) > 0 then return 0 end
redis.call('XGROUP', 'DELCONSUMER', accounts, 'workers', ARGV[1])
return 1
";

/// Answers all that is known of a queue: its id, counts, accounts in the stream, accounts in
/// `later` and the first of them with its time, rows of the jobs, pushed rows of the jobs, workers.
pub const STANDING: &str = "
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

/// ARGV: the queue's id, and how many results were read. Removes the queue in one step, unless rows
/// are left or results were not read. Answers what is in the way: nothing, `rows` or `results`;
/// `gone` if this queue was removed before.
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
  local there = redis.call('EXISTS', P .. 'rows:' .. account, P .. 'deferred:' .. account)
  if there > 0 then return 'rows' end
end
for _, name in ipairs({
  'id', 'accounts', 'active', 'later', 'due', 'tries', 'results', 'counts', 'limits', 'jobs',
  'jobs:rows', 'jobs:sums', 'pace', 'paces',
}) do redis.call('UNLINK', P .. name) end
return ''
";

/// A script for a visit.
pub fn of_visit(what: Of) -> redis::Script {
    let body = match what {
        Of::Turn => TURN,
        Of::Done => DONE,
        Of::Leave => LEAVE,
    };
    redis::Script::new(&format!("{OURS}{body}"))
}

/// What a visitor asks for.
#[derive(Clone, Copy)]
pub enum Of {
    Turn,
    Done,
    Leave,
}
