//! A queue in a real Redis: many workers, some of them killed, and every row ends exactly once.

mod common;

use std::collections::HashMap;
use std::process::{Child, Command};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use common::{UNLIMITED, row};
use serde_json::{Value, json};
use wxlink_bulk::{
    Arrived, BulkError, Collected, Crew, End, Outcome, Queue, Rate, Rates, Record, Standing, Stop,
    Terms, Verdict,
};
use wxlink_testkit::redis::Redis;
use wxlink_testkit::world::{World, account, appid, client};

fn redis() -> Option<Redis> {
    Redis::start("the queue")
}

fn push(queue: &Queue, rows: &[(usize, usize)], rates: Rates) -> (String, u64) {
    let rows = || {
        let rows = rows.iter().enumerate();
        Ok(rows.map(|(n, (a, p))| Ok(row(n as u64 + 2, *a, *p))))
    };
    let told = Mutex::new(vec![0]);
    let progress = |n| told.lock().unwrap().push(n);
    let done = queue.push(rows, None, rates, &Stop::default(), &progress);
    assert!(told.into_inner().unwrap().is_sorted());
    done.unwrap()
}

fn work(queue: &Queue, world: &World) -> (End, Vec<Record>) {
    work_with(queue, world, Duration::from_secs(10))
}

/// With workers that count as dead after so long a silence.
fn work_with(queue: &Queue, world: &World, silence: Duration) -> (End, Vec<Record>) {
    let seen = Mutex::new(Vec::new());
    let observer = |record: &Record| seen.lock().unwrap().push(record.clone());
    let crew = Crew {
        client: &world.client(),
        workers: 4,
        observer: &observer,
        stop: &Stop::default(),
    };
    let terms = Terms::new(silence, false, crew.client).unwrap();
    let end = queue.work(&crew, terms).unwrap();
    (end, seen.into_inner().unwrap())
}

fn results(queue: &Queue) -> Vec<Arrived> {
    let mut all = Vec::new();
    let mut keep = |arrived| -> Result<(), BulkError> {
        all.push(arrived);
        Ok(())
    };
    queue.results("0", &Stop::default(), &mut keep).unwrap();
    all
}

/// Collects the results there are, into files.
fn collect(queue: &Queue, world: &World) -> Collected {
    let dir = world.dir.join("results");
    queue
        .collect(&dir, false, &Stop::default(), &mut |_| {})
        .unwrap()
}

fn sums(standing: &Standing) -> (u64, u64, u64, u64) {
    let Standing {
        pushed,
        waiting,
        deferred,
        ..
    } = standing;
    (*pushed, *waiting, *deferred, standing.total())
}

#[test]
fn rows_are_dealt_with_in_order_and_end_once() {
    let Some(redis) = redis() else { return };
    let world = World::new("queue-order", 20, 6);
    let queue = Queue::new(&redis.url(), "q").unwrap();
    let rows: Vec<_> = (0..120).map(|n| (n % 20 + 1, 6 - n / 20)).collect();
    let (job, new) = push(&queue, &rows, UNLIMITED);
    assert_eq!(
        (new, push(&queue, &rows, UNLIMITED)),
        (120, (job.clone(), 0))
    );
    // Other rows under the same name are not taken for the same job.
    let other = || Ok((0..120).map(|n| Ok(row(n + 2, 1, 1))));
    let told = queue.push(other, Some(&job), UNLIMITED, &Stop::default(), &|_| {});
    assert!(told.unwrap_err().to_string().contains("--job"));
    let standing = queue.standing().unwrap();
    assert_eq!(sums(&standing), (120, 120, 0, 0));
    assert_eq!(standing.accounts, 20);
    assert!(!standing.is_over());
    assert!(queue.purge(&collect(&queue, &world)).is_err());

    // So long that no worker counts as dead on a busy machine: its account would be read again.
    let (end, seen) = work_with(&queue, &world, Duration::from_secs(60));
    assert_eq!((end, seen.len()), (End::Finished, 120));
    assert_eq!(world.received(), (120, 20));
    let told = results(&queue);
    assert_eq!(told.len(), 120);
    for a in 1..=20 {
        let of = told.iter().filter(|r| r.record.row.account == account(a));
        let in_order: Vec<_> = of.map(|r| r.record.row.appid.clone()).collect();
        assert_eq!(in_order, (1..=6).rev().map(appid).collect::<Vec<_>>());
    }
    assert!(
        told.iter()
            .all(|r| r.job == job && r.record.outcome == Outcome::Invited)
    );
    let standing = queue.standing().unwrap();
    assert_eq!(sums(&standing), (120, 0, 0, 120));
    assert!(
        standing.is_over() && standing.workers.is_empty(),
        "{standing:?}"
    );

    let before = collect(&queue, &world);
    push(&queue, &[(1, 1)], UNLIMITED);
    work(&queue, &world);
    let why = queue.purge(&before).unwrap_err();
    assert!(why.to_string().contains("not collected"), "{why}");
    queue.purge(&collect(&queue, &world)).unwrap();
    assert_eq!(sums(&queue.standing().unwrap()), (0, 0, 0, 0));
    assert_eq!(keys(&redis), [""; 0]);
}

#[test]
fn a_quota_puts_off_what_it_is_for_and_newer_rows_come_after() {
    let Some(redis) = redis() else { return };
    let world = World::new("queue-quota", 2, 20);
    let limits = json!({"same_subject": 100, "different_subject": 3, "monthly": 3});
    let limited = json!({"subject": "s", "limits": limits});
    world.admin("PUT", &format!("accounts/{}", account(1)), limited);
    let queue = Queue::new(&redis.url(), "q").unwrap();
    let rows: Vec<_> = (1..=5).flat_map(|p| [(1, p), (2, p)]).collect();
    push(&queue, &rows, UNLIMITED);
    let (end, seen) = work(&queue, &world);
    assert_eq!((end, seen.len()), (End::Finished, 10));
    let standing = queue.standing().unwrap();
    assert_eq!(sums(&standing), (10, 0, 2, 8));
    assert!(standing.next_due.is_some() && !standing.is_over());
    assert_eq!(world.received().0, 9);
    // Nothing is due: another worker leaves it alone, and leaves.
    assert_eq!(work(&queue, &world), (End::Finished, vec![]));

    // A month later, which Redis is made to think.
    let free = json!({"subject": "s"});
    world.admin("PUT", &format!("accounts/{}", account(1)), free);
    let mut open = ::redis::Client::open(redis.url())
        .unwrap()
        .get_connection()
        .unwrap();
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
    assert!(queue.standing().unwrap().is_over());
}

/// Every key of that Redis.
fn keys(redis: &Redis) -> Vec<String> {
    let client = ::redis::Client::open(redis.url()).unwrap();
    let mut open = client.get_connection().unwrap();
    ::redis::cmd("KEYS").arg("*").query(&mut open).unwrap()
}

/// What a worker was given by an answer that never came: an entry in its name that it knows nothing of.
const GIVEN: &str = "
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
fn a_worker_that_signs_off_takes_nothing_along() {
    let Some(redis) = redis() else { return };
    let world = World::new("queue-sign", 2, 1);
    let queue = Queue::new(&redis.url(), "q").unwrap();
    let (client, stop) = (world.client(), Stop::default());
    let mut open = ::redis::Client::open(redis.url())
        .unwrap()
        .get_connection()
        .unwrap();
    let mut row = json!(row(3, 2, 1));
    row["job"] = json!("j");
    let end = std::thread::scope(|scope| {
        let crew = Crew {
            client: &client,
            workers: 1,
            observer: &|_| {},
            stop: &stop,
        };
        let terms = Terms::new(Duration::from_secs(10), true, &client).unwrap();
        let queue = &queue;
        let work = scope.spawn(move || queue.work(&crew, terms).unwrap());
        // Until the worker has a name there.
        push(queue, &[(1, 1)], UNLIMITED);
        while queue.standing().unwrap().total() < 1 {
            std::thread::yield_now();
        }
        let given = ::redis::Script::new(GIVEN);
        let mut given = given.arg(account(2));
        let given = given.arg(row.to_string()).invoke::<u64>(&mut open);
        stop.ask();
        (work.join().unwrap(), given.unwrap())
    });
    assert_eq!(end, (End::Stopped, 1));
    let workers = queue.standing().unwrap().workers;
    assert_eq!(workers.len(), 1, "{workers:?}");
    // Whoever comes next has it when the lease is over.
    let (end, seen) = work(&queue, &world);
    assert_eq!((end, seen.len()), (End::Finished, 1));
}

#[test]
fn what_waits_for_a_quota_is_not_asked_for_before_and_keeps_nothing_waiting() {
    let Some(redis) = redis() else { return };
    let world = World::new("queue-kind", 1, 3);
    let queue = Queue::new(&redis.url(), "q").unwrap();
    for code in [89016, -1] {
        let fault = json!({"endpoint": "link", "fault": {"errcode": {"code": code}}});
        world.admin("POST", "faults", fault);
    }
    // The first row's quota is used up; the second does not get through, and the account is visited again for it.
    push(&queue, &[(1, 1), (1, 2)], UNLIMITED);
    let (end, _) = work(&queue, &world);
    assert_eq!((end, world.received().0), (End::Finished, 3));
    assert_eq!(sums(&queue.standing().unwrap()), (2, 0, 1, 1));
    // A newer row does not wait for a month.
    push(&queue, &[(1, 3)], UNLIMITED);
    let (end, seen) = work(&queue, &world);
    assert_eq!((end, seen.len(), world.received().0), (End::Finished, 1, 4));
    let standing = queue.standing().unwrap();
    assert_eq!(sums(&standing), (3, 0, 1, 2));
    assert!(standing.next_due.is_some(), "{standing:?}");
}

#[test]
fn the_dead_are_found_behind_the_living() {
    let Some(redis) = redis() else { return };
    let world = World::new("queue-dead", 40, 1);
    let queue = Queue::new(&redis.url(), "q").unwrap();
    push(
        &queue,
        &(1..=40).map(|a| (a, 1)).collect::<Vec<_>>(),
        UNLIMITED,
    );
    let mut open = ::redis::Client::open(redis.url())
        .unwrap()
        .get_connection()
        .unwrap();
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

    let (stop, seen) = (Stop::default(), Mutex::new(Vec::new()));
    let observer = |record: &Record| {
        seen.lock().unwrap().push(record.row.account.clone());
        stop.ask();
    };
    let crew = Crew {
        client: &world.client(),
        workers: 1,
        observer: &observer,
        stop: &stop,
    };
    let terms = Terms::new(Duration::from_secs(10), false, crew.client).unwrap();
    assert_eq!(queue.work(&crew, terms).unwrap(), End::Stopped);
    assert_eq!(*seen.lock().unwrap(), [dead.1[1].clone()]);
}

#[test]
fn a_worker_that_stays_outlives_the_removal_of_its_queue() {
    let Some(redis) = redis() else { return };
    let world = World::new("queue-purge", 3, 1);
    let queue = Queue::new(&redis.url(), "q").unwrap();
    let (client, stop) = (world.client(), Stop::default());
    push(&queue, &[(1, 1)], UNLIMITED);
    let end = std::thread::scope(|scope| {
        let (queue, client, stop) = (&queue, &client, &stop);
        let work = scope.spawn(move || {
            let crew = Crew {
                client,
                workers: 2,
                observer: &|_| {},
                stop,
            };
            let terms = Terms::new(Duration::from_secs(10), true, client).unwrap();
            queue.work(&crew, terms)
        });
        for a in 2..=3 {
            while !work.is_finished() && queue.standing().unwrap().total() < 1 {
                std::thread::yield_now();
            }
            let _ = queue.purge(&collect(queue, &world));
            push(queue, &[(a, 1)], UNLIMITED);
        }
        while !work.is_finished() && queue.standing().unwrap().total() < 1 {
            std::thread::yield_now();
        }
        stop.ask();
        work.join().unwrap()
    });
    assert_eq!(end.unwrap(), End::Stopped);
    assert_eq!(world.received().0, 3);
}

#[test]
fn limits_are_shared() {
    let Some(redis) = redis() else { return };
    let world = World::new("queue-rate", 8, 2);
    let queue = Queue::new(&redis.url(), "q").unwrap();
    let rows: Vec<_> = (1..=8).flat_map(|a| [(a, 1), (a, 2)]).collect();
    let rates = Rates {
        all: Rate::parse("10/s").unwrap(),
        account: Rate::NONE,
    };
    push(&queue, &rows, rates);
    let started = Instant::now();
    let seen: usize = std::thread::scope(|scope| {
        let crew = || work(&queue, &world).1.len();
        let crews: Vec<_> = (0..2).map(|_| scope.spawn(crew)).collect();
        crews.into_iter().map(|c| c.join().unwrap()).sum()
    });
    // 8 lists and 16 links, of which a second's worth may come at once.
    assert!(
        started.elapsed() >= Duration::from_millis(1300),
        "{:?}",
        started.elapsed()
    );
    assert_eq!((seen, world.received().0), (16, 16));
}

#[test]
fn what_cannot_be_is_said() {
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
    let told = Queue::new(secret, "q").unwrap().standing().unwrap_err();
    assert!(!told.to_string().contains("PASSWORD"), "{told}");
    assert!(told.to_string().contains("cannot be reached"), "{told}");
    // An answer may take as long as a lease.
    let client = client("http://127.0.0.1:1", "memory");
    let lease = |s| Terms::new(Duration::from_secs(s), false, &client).is_ok();
    assert_eq!((lease(5), lease(6)), (false, true));
}

/// A queue with one row that has ended, and its result: `Queue::purge` may remove it. Other keys
/// stay.
fn ended(open: &mut ::redis::Connection, nth: usize) {
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
fn what_is_pushed_while_a_queue_is_removed_is_in_it_or_said_not_to_be() {
    let Some(redis) = redis() else { return };
    let world = World::new("queue-race", 2, 1);
    let client = ::redis::Client::open(redis.url()).unwrap();
    let mut open = client.get_connection().unwrap();
    // Others use the same Redis.
    let mut others = ::redis::cmd("MSET");
    for n in 0..60_000 {
        others.arg(format!("other:{n}")).arg(n);
    }
    let _: () = others.query(&mut open).unwrap();

    let (mut removed, mut failed) = (0, 0);
    for nth in 0..200 {
        ended(&mut open, nth);
        let queue = Queue::new(&redis.url(), "q").unwrap();
        // More than are pushed at once, of two accounts.
        let rows = || Ok((0..700_usize).map(|n| Ok(row(n as u64 + 2, n % 2 + 1, 1))));
        let dir = world.dir.join(format!("results-{nth}"));
        let collect = || queue.collect(&dir, false, &Stop::default(), &mut |_| {});
        // So that it is removed at different moments of the push.
        let before = (nth % 2 == 0).then(collect);
        let collected = || before.unwrap_or_else(collect);
        let (pushed, purged) = std::thread::scope(|scope| {
            let rows = &rows;
            let url = redis.url();
            let push = scope.spawn(move || {
                let queue = Queue::new(&url, "q").unwrap();
                queue.push(rows, None, UNLIMITED, &Stop::default(), &|_| {})
            });
            let purged = collected().and_then(|collected| queue.purge(&collected));
            (push.join().unwrap(), purged)
        });
        removed += u32::from(purged.is_ok());
        let standing = queue.standing().unwrap();
        let lists: u64 = [1, 2]
            .map(|a| -> u64 {
                let list = format!("{{wxlink:q}}:rows:{}", account(a));
                ::redis::cmd("LLEN").arg(list).query(&mut open).unwrap()
            })
            .iter()
            .sum();
        match pushed {
            Ok((_, new)) => {
                assert_eq!(
                    (new, standing.waiting, lists),
                    (700, 700, 700),
                    "{nth}: {standing:?}"
                );
                assert_eq!(
                    (standing.accounts, standing.jobs.last().unwrap().1),
                    (2, 700)
                );
            }
            Err(why) => {
                assert_eq!(why.verdict(), Verdict::Again, "{why}");
                failed += 1;
            }
        }
    }
    eprintln!("200 tries: {removed} removals, {failed} pushes said that they failed");
    // The last one's rows, if they are there, are worked off like any others.
    let queue = Queue::new(&redis.url(), "q").unwrap();
    let waiting = queue.standing().unwrap().waiting;
    let (end, seen) = work(&queue, &world);
    assert_eq!((end, seen.len() as u64), (End::Finished, waiting));
}

#[test]
fn a_queue_that_is_removed_in_the_middle_of_a_push_or_a_collection_ends_it() {
    let Some(redis) = redis() else { return };
    let world = World::new("queue-middle", 2, 1);
    let client = ::redis::Client::open(redis.url()).unwrap();
    let remove = || {
        let mut open = client.get_connection().unwrap();
        let _: () = ::redis::cmd("FLUSHDB").query(&mut open).unwrap();
    };
    let queue = Queue::new(&redis.url(), "q").unwrap();
    // While a push is under way, the queue is not removed; if it is all the same, the push fails.
    let rows = || Ok((0..700_usize).map(|n| Ok(row(n as u64 + 2, n % 2 + 1, 1))));
    let tried = Mutex::new(None);
    let progress = |n| {
        if n == 500 {
            let queue = Queue::new(&redis.url(), "q").unwrap();
            *tried.lock().unwrap() = Some(queue.purge(&collect(&queue, &world)));
            remove();
        }
    };
    let why = queue
        .push(rows, None, UNLIMITED, &Stop::default(), &progress)
        .unwrap_err();
    assert!(why.to_string().contains("removed while"), "{why}");
    assert_eq!(why.verdict(), Verdict::Again);
    let tried = tried.into_inner().unwrap().unwrap().unwrap_err();
    assert!(tried.to_string().contains("not all rows"), "{tried}");
    assert_eq!(keys(&redis), [""; 0]);

    // What is collected while it is removed is no report, and an earlier report stays.
    let mut open = client.get_connection().unwrap();
    ended(&mut open, 1);
    let before = collect(&queue, &world);
    let csv = std::fs::read(&before.report.files[0].1).unwrap();
    let dir = world.dir.join("results");
    let why = queue
        .collect(&dir, false, &Stop::default(), &mut |_| remove())
        .unwrap_err();
    assert!(why.to_string().contains("removed while"), "{why}");
    assert_eq!(std::fs::read(&before.report.files[0].1).unwrap(), csv);
    // Nor does an empty queue replace it, and a later one sets it aside.
    assert_eq!(collect(&queue, &world).read, 0);
    assert_eq!(std::fs::read(&before.report.files[0].1).unwrap(), csv);
    ended(&mut open, 2);
    collect(&queue, &world);
    let earlier = std::fs::read_dir(&dir).unwrap().map(|e| e.unwrap().path());
    let earlier: Vec<_> = earlier.filter(|path| path.is_dir()).collect();
    assert_eq!(earlier.len(), 1, "{earlier:?}");
    assert_eq!(std::fs::read(earlier[0].join("invited.csv")).unwrap(), csv);

    // Two at once do not write into the same folder.
    let mut inner = None;
    queue
        .collect(&dir, false, &Stop::default(), &mut |_| {
            let queue = Queue::new(&redis.url(), "q").unwrap();
            inner = Some(queue.collect(&dir, false, &Stop::default(), &mut |_| {}));
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
fn nothing_of_a_removed_queue_stays() {
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
        keys(&redis).contains(&"{wxlink:q}:paces".to_owned()),
        "{:?}",
        keys(&redis)
    );
    queue.purge(&collect(&queue, &world)).unwrap();
    assert_eq!(keys(&redis), [""; 0]);
    // Looking makes no keys, and removing it again is no mistake.
    queue.standing().unwrap();
    queue.purge(&collect(&queue, &world)).unwrap();
    assert_eq!(keys(&redis), [""; 0]);
}

#[test]
fn rows_that_change_between_the_two_readings_are_noticed() {
    let Some(redis) = redis() else { return };
    let queue = Queue::new(&redis.url(), "q").unwrap();
    for second in [
        vec![(1, 1), (1, 3)],
        vec![(1, 1)],
        vec![(1, 1), (1, 2), (1, 3)],
    ] {
        let times = std::sync::atomic::AtomicU32::new(0);
        let rows = || {
            let first = times.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
            let rows = if first {
                vec![(1, 1), (1, 2)]
            } else {
                second.clone()
            };
            let rows = rows.into_iter().enumerate();
            Ok(rows.map(|(n, (a, p))| Ok(row(n as u64 + 2, a, p))))
        };
        let told = queue.push(rows, None, UNLIMITED, &Stop::default(), &|_| {});
        assert_eq!(told.unwrap_err().verdict(), Verdict::Usage);
        let client = ::redis::Client::open(redis.url()).unwrap();
        let mut open = client.get_connection().unwrap();
        let _: () = ::redis::cmd("FLUSHDB").query(&mut open).unwrap();
    }
}

const CROWD: &str = "one_worker_of_many";
/// Accounts, mini programs, workers.
const SIZE: (usize, usize, usize) = (400, 10, 4);

/// Not a test by itself: a worker's process, when the test below starts it.
#[test]
fn one_worker_of_many() {
    let Ok(url) = std::env::var("BULK_QUEUE") else {
        return;
    };
    let queue = Queue::new(&url, "crowd").unwrap();
    let crew = Crew {
        client: &client(&std::env::var("BULK_SANDBOX").unwrap(), &url),
        workers: 4,
        observer: &|_| {},
        stop: &Stop::default(),
    };
    let terms = Terms::new(Duration::from_secs(8), false, crew.client).unwrap();
    assert_eq!(queue.work(&crew, terms).unwrap(), End::Finished);
}

fn worker(redis: &Redis, world: &World) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", CROWD, "--nocapture"])
        .env("BULK_QUEUE", redis.url())
        .env("BULK_SANDBOX", world.sandbox.http_url())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn workers_are_killed_and_redis_restarts_and_every_row_ends_once() {
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
    world.client_of(&redis.url());
    let mut crowd: Vec<Child> = (0..workers).map(|_| worker(&redis, &world)).collect();

    // A tenth of the rows after another, somebody is killed; after half of them Redis is.
    let limit = Instant::now() + Duration::from_secs(600);
    let done_by = |share: u64| {
        loop {
            let standing = queue.standing();
            match &standing {
                Ok(standing) if standing.total() >= total * share / 10 => return,
                Ok(_) => {}
                // A busy machine's Redis may take longer to answer than one look waits.
                Err(error) => assert_eq!(error.verdict(), Verdict::Again, "{error}"),
            }
            assert!(Instant::now() < limit, "{standing:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    for share in 1..=8 {
        done_by(share);
        if share == 5 {
            redis.restart();
        }
        let mut killed = crowd.remove(0);
        killed.kill().unwrap();
        killed.wait().unwrap();
        crowd.push(worker(&redis, &world));
    }
    for mut one in crowd {
        assert!(one.wait().unwrap().success());
    }

    let standing = queue.standing().unwrap();
    assert!(standing.is_over(), "{standing:?}");
    assert_eq!(sums(&standing), (total, 0, 0, total));
    let told = results(&queue);
    assert_eq!(told.len() as u64, total);
    let mut times: HashMap<u64, u32> = HashMap::new();
    for result in &told {
        *times.entry(result.record.row.line).or_default() += 1;
        // Of what was posted when its worker was killed, the list told the next one.
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
