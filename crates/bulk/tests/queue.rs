//! Queues in a real Redis: with many workers, some of which are killed, every row gets exactly one
//! result.

mod common;

use std::collections::HashMap;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use common::{UNLIMITED, row};
use serde_json::{Value, json};
use wxlink::{Lang, Options};
use wxlink_bulk::{
    BulkError, Collected, Outcome, PushProgress, Pushed, Queue, QueueStatus, QueuedResult, Rate,
    Rates, ReadOptions, Record, RowDefaults, RunEnd, Runner, Severity, StopFlag, WorkerConfig,
    read_rows,
};
use wxlink_testkit::redis::Redis;
use wxlink_testkit::world::{World, account, appid, client};

fn redis() -> Option<Redis> {
    Redis::start("the queue")
}

fn connect(redis: &Redis) -> ::redis::Connection {
    let client = ::redis::Client::open(redis.url()).unwrap();
    client.get_connection().unwrap()
}

fn push(queue: &Queue, rows: &[(usize, usize)], rates: Rates) -> Pushed {
    let rows = rows.iter().enumerate();
    let rows = rows.map(|(n, (a, p))| Ok(row(n as u64 + 2, *a, *p)));
    let reported = Mutex::new(vec![0]);
    let progress = |now: PushProgress| reported.lock().unwrap().push(now.pushed);
    let done = queue.push(rows, None, rates, &StopFlag::default(), &progress);
    assert!(reported.into_inner().unwrap().is_sorted());
    done.unwrap()
}

fn work(queue: &Queue, world: &World) -> (RunEnd, Vec<Record>) {
    work_with(queue, world, Duration::from_secs(10))
}

/// The same with another lease.
fn work_with(queue: &Queue, world: &World, lease: Duration) -> (RunEnd, Vec<Record>) {
    let seen = Mutex::new(Vec::new());
    let observer = |record: &Record| seen.lock().unwrap().push(record.clone());
    let end = work_observed(queue, world, 4, lease, &observer);
    (end, seen.into_inner().unwrap())
}

/// The same with another number of workers, and what is called with each record.
fn work_observed(
    queue: &Queue,
    world: &World,
    workers: usize,
    lease: Duration,
    observer: &(dyn Fn(&Record) + Sync),
) -> RunEnd {
    let runner = Runner {
        client: &world.client(),
        workers,
        observer,
        stop: &StopFlag::default(),
    };
    let config = WorkerConfig::new(lease, false, runner.client).unwrap();
    queue.work(&runner, config).unwrap()
}

fn results(queue: &Queue) -> Vec<QueuedResult> {
    let mut all = Vec::new();
    let mut keep = |arrived| -> Result<(), BulkError> {
        all.push(arrived);
        Ok(())
    };
    queue
        .results("0", Lang::En, &StopFlag::default(), &mut keep)
        .unwrap();
    all
}

/// Collects the present results into files.
fn collect(queue: &Queue, world: &World) -> Collected {
    let dir = world.dir.join("results");
    queue
        .collect(&dir, false, Lang::En, &StopFlag::default(), &mut |_| {})
        .unwrap()
}

/// The rows that were pushed, that wait, that are deferred, and that have a result.
fn sums(status: &QueueStatus) -> (u64, u64, u64, u64) {
    let QueueStatus {
        pushed,
        waiting,
        deferred,
        ..
    } = status;
    (*pushed, *waiting, *deferred, status.total())
}

#[test]
fn rows_are_worked_off_in_order_and_get_one_result() {
    let Some(redis) = redis() else { return };
    let world = World::new("queue-order", 20, 6);
    let queue = Queue::new(&redis.url(), "q").unwrap();
    let rows: Vec<_> = (0..120).map(|n| (n % 20 + 1, 6 - n / 20)).collect();
    let Pushed { job, new_rows } = push(&queue, &rows, UNLIMITED);
    assert_eq!(new_rows, 120);
    let again = push(&queue, &rows, UNLIMITED);
    assert_eq!((again.job, again.new_rows), (job.clone(), 0));
    // Other rows under the same name are not the same job.
    let other = (0..120).map(|n| Ok(row(n + 2, 1, 1)));
    let pushed = queue.push(other, Some(&job), UNLIMITED, &StopFlag::default(), &|_| {});
    assert!(pushed.unwrap_err().to_string().contains("--job"));
    let status = queue.status().unwrap();
    assert_eq!(sums(&status), (120, 120, 0, 0));
    assert_eq!(status.accounts, 20);
    assert!(!status.is_finished());
    assert!(queue.purge(&collect(&queue, &world)).is_err());

    // The lease is long enough that no worker counts as dead on a busy machine; the account's list
    // would be read again.
    let (end, seen) = work_with(&queue, &world, Duration::from_secs(60));
    assert_eq!((end, seen.len()), (RunEnd::Finished, 120));
    let received = world.received();
    assert_eq!((received.links, received.lists), (120, 20));
    let results = results(&queue);
    assert_eq!(results.len(), 120);
    for a in 1..=20 {
        let of = results
            .iter()
            .filter(|r| r.record.row.account == account(a));
        let in_order: Vec<_> = of.map(|r| r.record.row.appid.clone()).collect();
        assert_eq!(in_order, (1..=6).rev().map(appid).collect::<Vec<_>>());
    }
    assert!(
        results
            .iter()
            .all(|r| r.job == job && r.record.outcome == Outcome::Invited)
    );
    let status = queue.status().unwrap();
    assert_eq!(sums(&status), (120, 0, 0, 120));
    assert!(
        status.is_finished() && status.workers.is_empty(),
        "{status:?}"
    );

    let before = collect(&queue, &world);
    push(&queue, &[(1, 1)], UNLIMITED);
    work(&queue, &world);
    let why = queue.purge(&before).unwrap_err();
    assert!(why.to_string().contains("not collected"), "{why}");
    queue.purge(&collect(&queue, &world)).unwrap();
    assert_eq!(sums(&queue.status().unwrap()), (0, 0, 0, 0));
    assert_eq!(keys(&redis), [""; 0]);
}

#[test]
fn rows_pushed_for_an_account_in_progress_are_processed_as_well() {
    let Some(redis) = redis() else { return };
    let world = World::new("queue-in-progress", 1, 2);
    let queue = Queue::new(&redis.url(), "q").unwrap();
    push(&queue, &[(1, 1)], UNLIMITED);
    let observer = |record: &Record| {
        if record.row.appid == appid(1) {
            push(&queue, &[(1, 2)], UNLIMITED);
        }
    };
    let end = work_observed(&queue, &world, 1, Duration::from_secs(60), &observer);
    assert_eq!(end, RunEnd::Finished);
    let status = queue.status().unwrap();
    assert_eq!(sums(&status), (2, 0, 0, 2));
    assert!(status.is_finished(), "{status:?}");
    assert_eq!(world.received().lists, 1);
}

#[test]
fn a_worker_renews_its_lease_while_it_works() {
    let Some(redis) = redis() else { return };
    let world = World::new("queue-renewal", 1, 3);
    let queue = Queue::new(&redis.url(), "q").unwrap();
    push(&queue, &[(1, 1), (1, 2), (1, 3)], UNLIMITED);
    let accounts = "{wxlink:q}:accounts";
    let open = Mutex::new(connect(&redis));
    let idle_times = Mutex::new(Vec::new());
    let observer = |_: &Record| {
        let mut open = open.lock().unwrap();
        let mut pending = ::redis::cmd("XPENDING");
        pending
            .arg(accounts)
            .arg("workers")
            .arg("-")
            .arg("+")
            .arg(1);
        let held: Vec<(String, String, u64, u64)> = pending.query(&mut *open).unwrap();
        let (entry, consumer, idle_ms, _) = &held[0];
        idle_times.lock().unwrap().push(*idle_ms);
        // Nothing was heard of the worker for an hour.
        let mut age = ::redis::cmd("XCLAIM");
        age.arg(accounts)
            .arg("workers")
            .arg(consumer)
            .arg(0)
            .arg(entry);
        age.arg("IDLE").arg(3_600_000).arg("JUSTID");
        let _: ::redis::Value = age.query(&mut *open).unwrap();
    };
    let end = work_observed(&queue, &world, 1, Duration::from_secs(1800), &observer);
    assert_eq!(end, RunEnd::Finished);
    let idle_times = idle_times.into_inner().unwrap();
    assert_eq!(idle_times.len(), 3);
    assert!(
        idle_times.iter().all(|ms| *ms < 1_800_000),
        "{idle_times:?}"
    );
}

#[test]
fn a_row_whose_note_took_longer_than_a_call_is_posted_in_the_same_visit() {
    let Some(redis) = redis() else { return };
    let world = World::new("queue-late-note", 1, 3);
    let queue = Queue::new(&redis.url(), "q").unwrap();
    push(&queue, &[(1, 1), (1, 2), (1, 3)], UNLIMITED);
    let last_entry = || -> Option<String> {
        let mut info = ::redis::cmd("XINFO");
        info.arg("STREAM").arg("{wxlink:q}:accounts");
        let info: HashMap<String, ::redis::Value> = info.query(&mut connect(&redis)).unwrap();
        ::redis::from_redis_value(info["last-generated-id"].clone()).unwrap()
    };
    let pushed = last_entry();
    let pause = world.client().timeout() * 4 / 3;
    std::thread::scope(|scope| {
        let observer = |record: &Record| {
            // The note for the next row waits for Redis.
            if record.row.appid == appid(1) {
                redis.pause();
                scope.spawn(|| {
                    std::thread::sleep(pause);
                    redis.resume();
                });
            }
        };
        let end = work_observed(&queue, &world, 1, Duration::from_secs(30), &observer);
        assert_eq!(end, RunEnd::Finished);
    });
    let outcomes: Vec<Outcome> = results(&queue).iter().map(|r| r.record.outcome).collect();
    assert_eq!(outcomes, [Outcome::Invited; 3]);
    let counts = world.admin("GET", "journal/counts", Value::Null);
    assert_eq!(counts["received"]["link"], 3, "{counts}");
    // The account was not backed off, which adds another entry for it.
    assert_eq!(last_entry(), pushed);
}

#[test]
fn a_used_up_quota_defers_rows_and_newer_rows_come_after_them() {
    let Some(redis) = redis() else { return };
    let world = World::new("queue-quota", 2, 20);
    let limits = json!({"same_subject": 100, "different_subject": 3, "monthly": 3});
    let limited = json!({"subject": "s", "limits": limits});
    world.admin("PUT", &format!("accounts/{}", account(1)), limited);
    let queue = Queue::new(&redis.url(), "q").unwrap();
    let rows: Vec<_> = (1..=5).flat_map(|p| [(1, p), (2, p)]).collect();
    push(&queue, &rows, UNLIMITED);
    let (end, seen) = work(&queue, &world);
    assert_eq!((end, seen.len()), (RunEnd::Finished, 10));
    let status = queue.status().unwrap();
    assert_eq!(sums(&status), (10, 0, 2, 8));
    assert!(status.next_due.is_some() && !status.is_finished());
    assert_eq!(world.received().links, 9);
    // Nothing is due: another worker does nothing and ends.
    assert_eq!(work(&queue, &world), (RunEnd::Finished, vec![]));

    // A month later: the times in Redis are changed.
    let free = json!({"subject": "s"});
    world.admin("PUT", &format!("accounts/{}", account(1)), free);
    let mut open = connect(&redis);
    let _: () = ::redis::pipe()
        .cmd("ZADD")
        .arg("{wxlink:q}:later")
        .arg(1)
        .arg(account(1))
        .cmd("HSET")
        .arg("{wxlink:q}:due")
        .arg(account(1))
        .arg(1)
        .query(&mut open)
        .unwrap();
    push(&queue, &[(1, 6)], UNLIMITED);
    let (_, seen) = work(&queue, &world);
    let apps: Vec<_> = seen.iter().map(|r| r.row.appid.clone()).collect();
    assert_eq!(apps, [4, 5, 6].map(appid));
    assert!(queue.status().unwrap().is_finished());
}

/// All keys of the Redis.
fn keys(redis: &Redis) -> Vec<String> {
    let mut open = connect(redis);
    ::redis::cmd("KEYS").arg("*").query(&mut open).unwrap()
}

/// Gives a worker an entry that it does not know of, as when the answer with the entry is lost.
const GIVE_UNKNOWN_ENTRY: &str = "
local accounts = '{wxlink:q}:accounts'
local name = redis.call('XINFO', 'CONSUMERS', accounts, 'workers')[1]
if not name then return 0 end
redis.call('SADD', '{wxlink:q}:active', ARGV[1])
redis.call('RPUSH', '{wxlink:q}:rows:' .. ARGV[1], ARGV[2])
redis.call('XADD', accounts, '*', 'account', ARGV[1])
redis.call('XREADGROUP', 'GROUP', 'workers', name[2], 'COUNT', 1, 'STREAMS', accounts, '>')
return 1
";

#[test]
fn a_worker_that_ends_loses_no_account() {
    let Some(redis) = redis() else { return };
    let world = World::new("queue-sign", 2, 1);
    let queue = Queue::new(&redis.url(), "q").unwrap();
    let (client, stop) = (world.client(), StopFlag::default());
    let mut open = connect(&redis);
    let mut row = json!(row(3, 2, 1));
    row["job"] = json!("j");
    let end = std::thread::scope(|scope| {
        let runner = Runner {
            client: &client,
            workers: 1,
            observer: &|_| {},
            stop: &stop,
        };
        let config = WorkerConfig::new(Duration::from_secs(10), true, &client).unwrap();
        let queue = &queue;
        let work = scope.spawn(move || queue.work(&runner, config).unwrap());
        // Until the worker is a consumer of the stream.
        push(queue, &[(1, 1)], UNLIMITED);
        while queue.status().unwrap().total() < 1 {
            std::thread::yield_now();
        }
        let given = ::redis::Script::new(GIVE_UNKNOWN_ENTRY);
        let mut given = given.arg(account(2));
        let given = given.arg(row.to_string()).invoke::<u64>(&mut open);
        stop.request();
        (work.join().unwrap(), given.unwrap())
    });
    assert_eq!(end, (RunEnd::Stopped, 1));
    let workers = queue.status().unwrap().workers;
    assert_eq!(workers.len(), 1, "{workers:?}");
    // The next worker gets the account when the lease ends.
    let (end, seen) = work(&queue, &world);
    assert_eq!((end, seen.len()), (RunEnd::Finished, 1));
}

#[test]
fn deferred_rows_wait_for_their_quota_and_others_do_not() {
    let Some(redis) = redis() else { return };
    let world = World::new("queue-kind", 1, 3);
    let queue = Queue::new(&redis.url(), "q").unwrap();
    for code in [89016, -1] {
        let fault = json!({"endpoint": "link", "fault": {"errcode": {"code": code}}});
        world.admin("POST", "faults", fault);
    }
    // The first row's quota is used up. The second does not get through, so the account is leased
    // again for it.
    push(&queue, &[(1, 1), (1, 2)], UNLIMITED);
    let (end, _) = work(&queue, &world);
    assert_eq!((end, world.received().links), (RunEnd::Finished, 3));
    assert_eq!(sums(&queue.status().unwrap()), (2, 0, 1, 1));
    // A newer row does not wait until the next month.
    push(&queue, &[(1, 3)], UNLIMITED);
    let (end, seen) = work(&queue, &world);
    assert_eq!(
        (end, seen.len(), world.received().links),
        (RunEnd::Finished, 1, 4)
    );
    let status = queue.status().unwrap();
    assert_eq!(sums(&status), (3, 0, 1, 2));
    assert!(status.next_due.is_some(), "{status:?}");
}

#[test]
fn accounts_of_dead_workers_are_found_behind_those_of_living_ones() {
    let Some(redis) = redis() else { return };
    let world = World::new("queue-dead", 40, 1);
    let queue = Queue::new(&redis.url(), "q").unwrap();
    push(
        &queue,
        &(1..=40).map(|a| (a, 1)).collect::<Vec<_>>(),
        UNLIMITED,
    );
    let mut open = connect(&redis);
    let accounts = "{wxlink:q}:accounts";
    type Stream = (String, Vec<(String, Vec<String>)>);
    let mut take = |who: &str, n: u32| -> Vec<Stream> {
        let mut read = ::redis::cmd("XREADGROUP");
        read.arg("GROUP")
            .arg("workers")
            .arg(who)
            .arg("COUNT")
            .arg(n);
        read.arg("STREAMS").arg(accounts).arg(">");
        read.query(&mut open).unwrap()
    };
    take("living", 39);
    let dead = take("dead", 1).remove(0).1.remove(0);
    let mut age = ::redis::cmd("XCLAIM");
    age.arg(accounts)
        .arg("workers")
        .arg("dead")
        .arg(0)
        .arg(&dead.0);
    let _: ::redis::Value = age.arg("IDLE").arg(60_000).query(&mut open).unwrap();

    let (stop, seen) = (StopFlag::default(), Mutex::new(Vec::new()));
    let observer = |record: &Record| {
        seen.lock().unwrap().push(record.row.account.clone());
        stop.request();
    };
    let runner = Runner {
        client: &world.client(),
        workers: 1,
        observer: &observer,
        stop: &stop,
    };
    let config = WorkerConfig::new(Duration::from_secs(10), false, runner.client).unwrap();
    assert_eq!(queue.work(&runner, config).unwrap(), RunEnd::Stopped);
    assert_eq!(*seen.lock().unwrap(), [dead.1[1].clone()]);
}

#[test]
fn a_worker_that_stays_outlives_the_removal_of_its_queue() {
    let Some(redis) = redis() else { return };
    let world = World::new("queue-purge", 3, 1);
    let queue = Queue::new(&redis.url(), "q").unwrap();
    let (client, stop) = (world.client(), StopFlag::default());
    push(&queue, &[(1, 1)], UNLIMITED);
    let end = std::thread::scope(|scope| {
        let (queue, client, stop) = (&queue, &client, &stop);
        let work = scope.spawn(move || {
            let runner = Runner {
                client,
                workers: 2,
                observer: &|_| {},
                stop,
            };
            let config = WorkerConfig::new(Duration::from_secs(10), true, client).unwrap();
            queue.work(&runner, config)
        });
        for a in 2..=3 {
            while !work.is_finished() && queue.status().unwrap().total() < 1 {
                std::thread::yield_now();
            }
            let _ = queue.purge(&collect(queue, &world));
            push(queue, &[(a, 1)], UNLIMITED);
        }
        while !work.is_finished() && queue.status().unwrap().total() < 1 {
            std::thread::yield_now();
        }
        stop.request();
        work.join().unwrap()
    });
    assert_eq!(end.unwrap(), RunEnd::Stopped);
    assert_eq!(world.received().links, 3);
}

#[test]
fn rates_hold_for_all_workers_together() {
    let Some(redis) = redis() else { return };
    let world = World::new("queue-rate", 8, 2);
    let queue = Queue::new(&redis.url(), "q").unwrap();
    let rows: Vec<_> = (1..=8).flat_map(|a| [(a, 1), (a, 2)]).collect();
    let rates = Rates {
        all: Rate::parse("10/s").unwrap(),
        account: Rate::UNLIMITED,
    };
    push(&queue, &rows, rates);
    let started = Instant::now();
    let seen: usize = std::thread::scope(|scope| {
        let work = || work(&queue, &world).1.len();
        let workers: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|w| w.join().unwrap()).sum()
    });
    // 8 lists and 16 links, of which the calls of one second may come in a burst.
    assert!(
        started.elapsed() >= Duration::from_millis(1300),
        "{:?}",
        started.elapsed()
    );
    assert_eq!((seen, world.received().links), (16, 16));
}

#[test]
fn a_result_does_not_wait_for_the_next_call() {
    let Some(redis) = redis() else { return };
    let world = World::new("queue-waits", 1, 2);
    let queue = Queue::new(&redis.url(), "q").unwrap();
    let rates = Rates {
        all: Rate::UNLIMITED,
        account: Rate::parse("1000/s").unwrap(),
    };
    push(&queue, &[(1, 1), (1, 2)], rates);
    // After the first row the rates let the account wait until the year 2100.
    let next_call = "4102444800000000";
    let observer = |_: &Record| {
        tamper(
            &redis,
            &["ZADD", "{wxlink:q}:next_calls", next_call, &account(1)],
        );
    };
    let runner = Runner {
        client: &world.client(),
        workers: 1,
        observer: &observer,
        stop: &StopFlag::default(),
    };
    let config = WorkerConfig::new(Duration::from_secs(60), false, runner.client).unwrap();
    std::thread::scope(|scope| {
        let worker = scope.spawn(|| queue.work(&runner, config).unwrap());
        let deadline = Instant::now() + Duration::from_secs(60);
        while results(&queue).is_empty() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
        let results_before_the_stop = results(&queue).len();
        runner.stop.request();
        assert_eq!(worker.join().unwrap(), RunEnd::Stopped);
        assert_eq!(results_before_the_stop, 1);
    });
    assert_eq!(world.received().links, 1);
}

#[test]
fn invalid_urls_names_and_leases_are_refused() {
    for (url, name) in [
        ("http://127.0.0.1", "q"),
        ("redis://127.0.0.1:x", "q"),
        ("redis://127.0.0.1", ""),
        ("redis://127.0.0.1", "a b"),
        ("redis://127.0.0.1", "{q}"),
    ] {
        assert!(Queue::new(url, name).is_err(), "{url} {name}");
    }
    let secret = "redis://user:PASSWORD@127.0.0.1:1/0";
    let error = Queue::new(secret, "q").unwrap().status().unwrap_err();
    assert!(!error.to_string().contains("PASSWORD"), "{error}");
    assert!(error.to_string().contains("cannot be reached"), "{error}");
    // The lease must be at least twice the client's time limit.
    let client = client("http://127.0.0.1:1", "memory");
    let lease = |s| WorkerConfig::new(Duration::from_secs(s), false, &client).is_ok();
    assert_eq!((lease(5), lease(6)), (false, true));
}

/// Replaces the queue by one with a single row and its result, which `Queue::purge` may remove.
/// Other keys stay.
fn finished_queue(open: &mut ::redis::Connection, nth: usize) {
    let mut result = json!(row(2, 1, 1));
    result["job"] = json!("earlier");
    result["outcome"] = json!("invited");
    result["at"] = json!(1);
    let key = |name: &str| format!("{{wxlink:q}}:{name}");
    let rows = [1, 2].map(|a| key(&format!("rows:{}", account(a))));
    let names = ["id", "accounts", "results", "counts", "active"].map(key);
    let jobs = ["jobs", "jobs:rows", "jobs:sums"].map(key);
    let names = [&names[..], &jobs, &rows].concat();
    let _: () = ::redis::pipe()
        .cmd("DEL")
        .arg(&names)
        .cmd("SET")
        .arg(key("id"))
        .arg(format!("id-{nth}"))
        .cmd("HSET")
        .arg(key("counts"))
        .arg(&["pushed", "1", "invited", "1"])
        .cmd("HSET")
        .arg(key("jobs"))
        .arg(&["earlier", "1"])
        .cmd("HSET")
        .arg(key("jobs:rows"))
        .arg(&["earlier", "1"])
        .cmd("XADD")
        .arg(key("results"))
        .arg(&["*", "result", &result.to_string()])
        .query(open)
        .unwrap();
}

#[test]
fn a_push_during_a_removal_either_succeeds_or_fails() {
    let Some(redis) = redis() else { return };
    let world = World::new("queue-race", 2, 1);
    let mut open = connect(&redis);
    // The Redis holds other data too.
    let mut others = ::redis::cmd("MSET");
    for n in 0..60_000 {
        others.arg(format!("other:{n}")).arg(n);
    }
    let _: () = others.query(&mut open).unwrap();

    let (mut removed, mut failed) = (0, 0);
    for nth in 0..200 {
        finished_queue(&mut open, nth);
        let queue = Queue::new(&redis.url(), "q").unwrap();
        // More rows than one step pushes, for two accounts.
        let rows = (0..700_usize).map(|n| Ok(row(n as u64 + 2, n % 2 + 1, 1)));
        let dir = world.dir.join(format!("results-{nth}"));
        let collect = || queue.collect(&dir, false, Lang::En, &StopFlag::default(), &mut |_| {});
        // So that the queue is removed at different moments of the push.
        let before = (nth % 2 == 0).then(collect);
        let collected = || before.unwrap_or_else(collect);
        let (pushed, purged) = std::thread::scope(|scope| {
            let url = redis.url();
            let push = scope.spawn(move || {
                let queue = Queue::new(&url, "q").unwrap();
                queue.push(rows, None, UNLIMITED, &StopFlag::default(), &|_| {})
            });
            let purged = collected().and_then(|collected| queue.purge(&collected));
            (push.join().unwrap(), purged)
        });
        removed += u32::from(purged.is_ok());
        let status = queue.status().unwrap();
        let lists: u64 = [1, 2]
            .map(|a| -> u64 {
                let list = format!("{{wxlink:q}}:rows:{}", account(a));
                ::redis::cmd("LLEN").arg(list).query(&mut open).unwrap()
            })
            .iter()
            .sum();
        match pushed {
            Ok(Pushed { new_rows, .. }) => {
                assert_eq!(
                    (new_rows, status.waiting, lists),
                    (700, 700, 700),
                    "{nth}: {status:?}"
                );
                assert_eq!(
                    (status.accounts, status.jobs.last().unwrap().pushed),
                    (2, 700)
                );
            }
            Err(why) => {
                assert_eq!(why.severity(), Severity::Retry, "{why}");
                failed += 1;
            }
        }
    }
    eprintln!("200 tries: {removed} removals, {failed} pushes failed");
    // The rows of the last push, if it succeeded, are processed like all others.
    let queue = Queue::new(&redis.url(), "q").unwrap();
    let waiting = queue.status().unwrap().waiting;
    let (end, seen) = work(&queue, &world);
    assert_eq!((end, seen.len() as u64), (RunEnd::Finished, waiting));
}

#[test]
fn the_removal_of_a_queue_ends_pushes_and_collections() {
    let Some(redis) = redis() else { return };
    let world = World::new("queue-middle", 2, 1);
    let remove = || {
        let mut open = connect(&redis);
        let _: () = ::redis::cmd("FLUSHDB").query(&mut open).unwrap();
    };
    let queue = Queue::new(&redis.url(), "q").unwrap();
    // The queue cannot be purged during a push. If it is removed in another way, the push fails.
    let rows = (0..700_usize).map(|n| Ok(row(n as u64 + 2, n % 2 + 1, 1)));
    let tried = Mutex::new(None);
    let progress = |now: PushProgress| {
        if now.pushed == 500 {
            let queue = Queue::new(&redis.url(), "q").unwrap();
            *tried.lock().unwrap() = Some(queue.purge(&collect(&queue, &world)));
            remove();
        }
    };
    let why = queue
        .push(rows, None, UNLIMITED, &StopFlag::default(), &progress)
        .unwrap_err();
    assert!(why.to_string().contains("removed while"), "{why}");
    assert_eq!(why.severity(), Severity::Retry);
    let tried = tried.into_inner().unwrap().unwrap().unwrap_err();
    assert!(
        tried.to_string().contains("some rows have no result"),
        "{tried}"
    );
    assert_eq!(keys(&redis), [""; 0]);

    // A collection during the removal writes no report, and an earlier report stays.
    let mut open = connect(&redis);
    finished_queue(&mut open, 1);
    let before = collect(&queue, &world);
    let csv = std::fs::read(&before.report.files[0].path).unwrap();
    let dir = world.dir.join("results");
    let why = queue
        .collect(&dir, false, Lang::En, &StopFlag::default(), &mut |_| {
            remove();
        })
        .unwrap_err();
    assert!(why.to_string().contains("removed while"), "{why}");
    assert_eq!(std::fs::read(&before.report.files[0].path).unwrap(), csv);
    // An empty queue does not replace it, and a later queue moves it aside.
    assert_eq!(collect(&queue, &world).results, 0);
    assert_eq!(std::fs::read(&before.report.files[0].path).unwrap(), csv);
    finished_queue(&mut open, 2);
    collect(&queue, &world);
    let earlier = std::fs::read_dir(&dir).unwrap().map(|e| e.unwrap().path());
    let earlier: Vec<_> = earlier.filter(|path| path.is_dir()).collect();
    assert_eq!(earlier.len(), 1, "{earlier:?}");
    assert_eq!(std::fs::read(earlier[0].join("invited.csv")).unwrap(), csv);

    // Two processes cannot write into the same folder.
    let mut inner = None;
    queue
        .collect(&dir, false, Lang::En, &StopFlag::default(), &mut |_| {
            let queue = Queue::new(&redis.url(), "q").unwrap();
            inner = Some(queue.collect(&dir, false, Lang::En, &StopFlag::default(), &mut |_| {}));
        })
        .unwrap();
    assert!(
        inner
            .unwrap()
            .unwrap_err()
            .to_string()
            .contains("another process writes")
    );
}

#[test]
fn a_purge_removes_all_keys() {
    let Some(redis) = redis() else { return };
    let world = World::new("queue-keys", 3, 2);
    let queue = Queue::new(&redis.url(), "q").unwrap();
    let rates = Rates {
        all: Rate::parse("1000/s").unwrap(),
        account: Rate::parse("100/s").unwrap(),
    };
    push(&queue, &[(1, 1), (2, 1), (3, 1), (3, 2)], rates);
    work(&queue, &world);
    assert!(
        keys(&redis).contains(&"{wxlink:q}:next_calls".to_owned()),
        "{:?}",
        keys(&redis)
    );
    queue.purge(&collect(&queue, &world)).unwrap();
    assert_eq!(keys(&redis), [""; 0]);
    // Reading the status creates no keys, and a second purge succeeds.
    queue.status().unwrap();
    queue.purge(&collect(&queue, &world)).unwrap();
    assert_eq!(keys(&redis), [""; 0]);
}

/// Runs a command at the queue's Redis, as another program may do.
fn tamper(redis: &Redis, command: &[&str]) {
    let mut open = connect(redis);
    let (name, arguments) = command.split_first().unwrap();
    let _: ::redis::Value = ::redis::cmd(name).arg(arguments).query(&mut open).unwrap();
}

#[test]
fn what_another_program_damages_costs_its_row_and_not_the_workers() {
    let Some(redis) = redis() else { return };
    let world = World::new("queue-damage", 4, 3);
    let queue = Queue::new(&redis.url(), "q").unwrap();
    let key = |name: &str, a| format!("{{wxlink:q}}:{name}:{}", account(a));
    let stream = "{wxlink:q}:accounts";
    push(
        &queue,
        &[(1, 1), (1, 2), (1, 3), (2, 1), (3, 1), (4, 1)],
        UNLIMITED,
    );
    // The first and the last row of an account, and an account whose rows are no list.
    let damaged = r#"{"job":"j","line":7,"show_profile":true,"other":{"z":"茶","a":1.10}}"#;
    tamper(&redis, &["LSET", &key("rows", 1), "0", damaged]);
    tamper(&redis, &["LSET", &key("rows", 1), "2", "\u{1}"]);
    tamper(&redis, &["SET", &key("rows", 2), "mine"]);
    // Entries of the stream that name no account, or one that has no rows.
    tamper(&redis, &["XADD", stream, "*", "other", "x"]);
    tamper(
        &redis,
        &["XADD", stream, "*", "account", "wx1", "more", "x"],
    );
    tamper(&redis, &["XADD", stream, "*", "account", ""]);
    tamper(&redis, &["XADD", stream, "*", "account", &account(4)]);

    let (end, seen) = work(&queue, &world);
    assert_eq!(end, RunEnd::Finished);
    assert_eq!(seen.len(), 3, "{seen:?}");
    let status = queue.status().unwrap();
    assert_eq!(
        (sums(&status), status.accounts),
        ((6, 0, 0, 6), 0),
        "{status:?}"
    );
    let results = results(&queue);
    let failed: Vec<_> = results
        .iter()
        .filter(|r| r.record.outcome == Outcome::Failed)
        .collect();
    assert_eq!((results.len(), failed.len()), (6, 3));
    let of = |a| {
        let found = failed
            .iter()
            .filter(move |r| r.record.row.account == account(a));
        found.collect::<Vec<_>>()
    };
    assert_eq!((of(1).len(), of(2).len()), (2, 1));
    assert_eq!((of(1)[0].job.as_str(), of(1)[0].record.row.line), ("j", 7));
    // What can be read is kept: above all the user's own columns.
    let kept = &of(1)[0].record.row;
    assert_eq!((kept.notify_users, kept.show_profile), (false, true));
    let other: Vec<_> = kept.other.iter().map(|c| (&*c.name, &*c.text)).collect();
    assert_eq!(other, [("z", "茶"), ("a", "1.10")]);
    assert!(
        of(1)[1].record.message.contains("invalid row"),
        "{:?}",
        of(1)[1]
    );
    let why = &of(2)[0].record.message;
    assert!(
        why.contains(&key("rows", 2)) && why.contains("Delete it"),
        "{why}"
    );
    // A push to that account changes nothing and is explained; the other program's value stays.
    let rows = [row(2, 3, 2), row(3, 2, 2)].map(Ok).into_iter();
    let refused = queue.push(rows, None, UNLIMITED, &StopFlag::default(), &|_| {});
    let why = refused.unwrap_err().to_string();
    assert!(why.contains("another type"), "{why}");
    assert_eq!(sums(&queue.status().unwrap()), (6, 0, 0, 6));
    tamper(&redis, &["DEL", &key("rows", 2)]);
    push(&queue, &[(3, 2), (2, 2)], UNLIMITED);
    assert_eq!(work(&queue, &world).1.len(), 2);

    // A damaged result is reported as one, and so is a damaged decision.
    tamper(&redis, &["XADD", "{wxlink:q}:results", "*", "result", "{"]);
    tamper(&redis, &["HSET", "{wxlink:q}:decisions", "j:7", "{"]);
    let collected = collect(&queue, &world);
    assert_eq!(collected.results, 9);
    let unknown = std::fs::read_to_string(world.dir.join("results/unknown.csv")).unwrap();
    assert!(unknown.contains("an invalid result"), "{unknown}");
    assert!(unknown.contains("an invalid decision, j:7"), "{unknown}");
    let dir = world.dir.join("chinese");
    let stop = StopFlag::default();
    queue
        .collect(&dir, false, Lang::Zh, &stop, &mut |_| {})
        .unwrap();
    let unknown = std::fs::read_to_string(dir.join("unknown.csv")).unwrap();
    assert!(unknown.contains("队列中有无效的结果"), "{unknown}");
    assert!(unknown.contains("队列中有无效的决定 j:7"), "{unknown}");
    queue.purge(&collected).unwrap();
    assert_eq!(keys(&redis), [""; 0]);
}

#[test]
fn accounts_move_to_workers_that_join_and_from_workers_that_leave() {
    let Some(redis) = redis() else { return };
    let world = World::new("queue-rebalance", 40, 2);
    let queue = Queue::new(&redis.url(), "q").unwrap();
    let rows: Vec<_> = (0..80).map(|n| (n % 40 + 1, n / 40 + 1)).collect();
    push(&queue, &rows, UNLIMITED);
    let client = world.client();
    // Longer than the test: nothing moves because a lease expired.
    let lease = Duration::from_secs(600);
    let config = WorkerConfig::new(lease, false, &client).unwrap();
    let (first_stop, stop) = (StopFlag::default(), StopFlag::default());
    let done = [const { AtomicU64::new(0) }; 2];
    let (has_joined, joined) = (Mutex::new(false), Condvar::new());
    let work = |nth: usize, stop: &StopFlag| {
        let observer = |_: &Record| {
            done[nth].fetch_add(1, Ordering::Relaxed);
            let mut has_joined = has_joined.lock().unwrap();
            if nth == 1 {
                // The first process is to leave.
                first_stop.request();
                *has_joined = true;
                joined.notify_all();
            }
            // The first process holds its accounts until the second one has some.
            while !*has_joined {
                has_joined = joined.wait(has_joined).unwrap();
            }
        };
        let runner = Runner {
            client: &client,
            workers: 16,
            observer: &observer,
            stop,
        };
        let queue = Queue::new(&redis.url(), "q").unwrap();
        queue.work(&runner, config).unwrap()
    };
    std::thread::scope(|scope| {
        let first = scope.spawn(|| work(0, &first_stop));
        while queue
            .status()
            .unwrap()
            .workers
            .iter()
            .all(|w| w.accounts == 0)
        {
            std::thread::yield_now();
        }
        let second = scope.spawn(|| work(1, &stop));
        assert_eq!(first.join().unwrap(), RunEnd::Stopped);
        // It takes nothing along.
        assert!(queue.status().unwrap().workers.len() <= 1);
        assert_eq!(second.join().unwrap(), RunEnd::Finished);
    });
    let done = done.map(AtomicU64::into_inner);
    assert_eq!(done[0] + done[1], 80, "{done:?}");
    assert!(done[1] > 0, "{done:?}");
    assert_eq!(world.received().links, 80);
}

/// The test below that is a worker's process.
const WORKER_PROCESS: &str = "one_worker_of_many";
/// Accounts, mini programs, workers.
const SIZE: (usize, usize, usize) = (400, 10, 4);

/// Does nothing by itself. The test below starts it as a worker's process.
#[test]
fn one_worker_of_many() {
    let Ok(url) = std::env::var("BULK_QUEUE") else {
        return;
    };
    let queue = Queue::new(&url, &std::env::var("BULK_NAME").unwrap()).unwrap();
    let mut settle = Options::new();
    let settle_ms = std::env::var("BULK_SETTLE_MS").unwrap();
    settle.set("settle_ms", &settle_ms).unwrap();
    let client = client(&std::env::var("BULK_SANDBOX").unwrap(), &url);
    let runner = Runner {
        client: &client.derive(&settle).unwrap(),
        workers: 4,
        observer: &|_| {},
        stop: &StopFlag::default(),
    };
    let config = WorkerConfig::new(Duration::from_secs(8), false, runner.client).unwrap();
    assert_eq!(queue.work(&runner, config).unwrap(), RunEnd::Finished);
}

fn worker(redis: &Redis, world: &World, queue: &str, settle_ms: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", WORKER_PROCESS, "--nocapture"])
        .env("BULK_QUEUE", redis.url())
        .env("BULK_NAME", queue)
        .env("BULK_SETTLE_MS", settle_ms)
        .env("BULK_SANDBOX", world.sandbox.http_url())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_post_of_a_killed_worker_is_in_doubt_and_a_row_is_posted_three_times_at_most() {
    let Some(redis) = redis() else { return };
    let world = World::new("queue-posts", 1, 1);
    let queue = Queue::new(&redis.url(), "q").unwrap();
    push(&queue, &[(1, 1)], UNLIMITED);
    world.client_with_store(&redis.url());
    let hang = json!({"endpoint": "link", "fault": "hang", "when": "before"});
    world.admin("POST", "faults", hang);
    // The account is leased again after eight seconds.
    let mut killed = worker(&redis, &world, "q", "20000");
    while world.received().links == 0 {
        assert!(killed.try_wait().unwrap().is_none(), "it ended");
        std::thread::sleep(Duration::from_millis(5));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    let busy = json!({"endpoint": "link", "always": true, "fault": {"errcode": {"code": -1}}});
    world.admin("POST", "faults", busy);
    // The worker shares no store with the killed one: the queue knows of its post.
    let (_, records) = work(&queue, &world);
    assert_eq!(records[0].outcome, Outcome::Deferred, "{records:?}");
    assert_eq!(records[0].posts, 1);
    while results(&queue).is_empty() {
        work(&queue, &world);
    }
    let results = results(&queue);
    let record = &results[0].record;
    assert_eq!((record.outcome, record.posts), (Outcome::Unknown, 3));
    assert_eq!(world.received().links, 3);
    queue.purge(&collect(&queue, &world)).unwrap();
    let left = keys(&redis);
    assert!(
        left.iter().all(|key| !key.contains("{wxlink:q}")),
        "{left:?}"
    );
}

#[test]
fn a_deferred_row_for_which_nothing_was_posted_leaves_no_note_of_a_post() {
    let Some(redis) = redis() else { return };
    let world = World::new("queue-note", 1, 1);
    let queue = Queue::new(&redis.url(), "q").unwrap();
    push(&queue, &[(1, 1)], UNLIMITED);
    // Another client has posted the invitation, and its claim stands.
    let mut options = Options::new();
    options.set("settle_ms", "3600000").unwrap();
    options.set("account", &account(1)).unwrap();
    let another = world.client().derive(&options).unwrap();
    let lost = json!({"endpoint": "link", "fault": {"drop": "reset"}, "when": "before"});
    world.admin("POST", "faults", lost);
    let row = row(2, 1, 1);
    another
        .link_miniprogram(None, &row.appid, row.choices())
        .unwrap_err();

    let (_, records) = work(&queue, &world);
    let [record] = &records[..] else {
        panic!("{records:?}");
    };
    assert_eq!((record.outcome, record.posts), (Outcome::Deferred, 0));
    assert_eq!(world.received().links, 1);
    assert_eq!(sums(&queue.status().unwrap()), (1, 0, 1, 0));
    let left = keys(&redis);
    assert!(!left.contains(&"{wxlink:q}:posts".to_owned()), "{left:?}");
}

#[test]
fn every_row_gets_one_result_though_workers_and_redis_are_killed() {
    let (accounts, apps, workers) = SIZE;
    let world = World::new("queue-crowd", accounts, apps);
    if redis().is_none() {
        return;
    }
    let mut redis = Redis::start_keeping(&world.dir, "a queue that is restarted").unwrap();
    let queue = Queue::new(&redis.url(), "crowd").unwrap();
    let rows: Vec<_> = (0..accounts * apps)
        .map(|n| (n % accounts + 1, n / accounts + 1))
        .collect();
    let total = rows.len() as u64;
    push(&queue, &rows, UNLIMITED);
    world.client_with_store(&redis.url());
    let start = |redis: &Redis| worker(redis, &world, "crowd", "500");
    let mut workers_running: Vec<Child> = (0..workers).map(|_| start(&redis)).collect();

    // After each tenth of the rows a worker is killed, and after half of them Redis is.
    let limit = Instant::now() + Duration::from_secs(600);
    let done_by = |share: u64| {
        loop {
            let status = queue.status();
            match &status {
                Ok(status) if status.total() >= total * share / 10 => return,
                Ok(_) => {}
                // On a busy machine, Redis may take longer to answer than `status` waits.
                Err(error) => assert_eq!(error.severity(), Severity::Retry, "{error}"),
            }
            assert!(Instant::now() < limit, "{status:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    for share in 1..=8 {
        done_by(share);
        if share == 5 {
            redis.restart();
        }
        let mut killed = workers_running.remove(0);
        killed.kill().unwrap();
        killed.wait().unwrap();
        workers_running.push(start(&redis));
    }
    for mut one in workers_running {
        assert!(one.wait().unwrap().success());
    }

    let status = queue.status().unwrap();
    assert!(status.is_finished(), "{status:?}");
    assert_eq!(sums(&status), (total, 0, 0, total));
    let results = results(&queue);
    assert_eq!(results.len() as u64, total);
    let mut times: HashMap<u64, u32> = HashMap::new();
    for result in &results {
        *times.entry(result.record.row.line).or_default() += 1;
        // If a worker was killed after a post, the next one found it in the list.
        assert!(
            matches!(result.record.outcome, Outcome::Invited | Outcome::Pending),
            "{result:?}"
        );
    }
    assert_eq!(times.len() as u64, total);
    assert!(times.values().all(|n| *n == 1));
    let counts = world.admin("GET", "journal/counts", Value::Null);
    assert_eq!(counts["processed"]["link"], total, "{counts}");
}

#[test]
fn the_user_s_columns_pass_through_a_queue() {
    let Some(redis) = redis() else { return };
    let world = World::new("queue-columns", 2, 2);
    let queue = Queue::new(&redis.url(), "q").unwrap();
    let options = ReadOptions {
        defaults: RowDefaults {
            notify_users: Some(false),
            show_profile: Some(true),
        },
        ..ReadOptions::default()
    };
    let push = |text: &str| {
        let rows = read_rows(std::io::Cursor::new(text.to_owned()), &options).unwrap();
        let stop = StopFlag::default();
        queue.push(rows, None, UNLIMITED, &stop, &|_| {}).unwrap();
        // Each job's results enter the stream before those of the next one.
        work(&queue, &world);
    };
    let (a, p) = (account(1), [appid(1), appid(2)]);
    push(&format!(
        "备注,account,appid,note\n=1,{a},{},茶\n,{a},{},\n",
        p[0], p[1]
    ));
    let a = account(2);
    push(&format!(
        "{{\"extra\":[1],\"note\":\"n\",\"account\":\"{a}\",\"appid\":\"{}\"}}\n",
        p[0]
    ));
    let collected = collect(&queue, &world);
    assert_eq!(collected.results, 3);
    let text = std::fs::read_to_string(&collected.report.files[0].path).unwrap();
    let ends: Vec<_> = text
        .lines()
        .map(|line| line.rsplitn(4, ',').collect::<Vec<_>>())
        .map(|cells| [cells[2], cells[1], cells[0]].map(str::to_owned))
        .collect();
    let expected = [
        ["备注", "note", "extra"],
        ["'=1", "茶", ""],
        ["", "", ""],
        ["", "n", "[1]"],
    ];
    assert_eq!(ends, expected, "{text}");
    queue.purge(&collected).unwrap();
}
