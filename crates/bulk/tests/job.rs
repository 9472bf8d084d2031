//! Jobs against the simulator: what is posted, the outcome of each row, and what a second run does
//! not repeat.

mod common;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Mutex;

use common::{UNLIMITED, row};
use serde_json::{Value, json};
use wxlink::{Client, Lang, Options};
use wxlink_bulk::{
    BadRow, FollowConfig, FollowEnd, Follower, Job, Outcome, OverQuotaAccount, PlannedAction,
    ReadOptions, Record, ResumeMode, Row, RowDefaults, RunEnd, Runner, Severity, StopFlag,
    read_rows,
};
use wxlink_testkit::world::{Received, World, account, appid};

/// A simulator, a client for it and the folder of a job.
struct Bench {
    world: World,
    client: Client,
    dir: PathBuf,
}

impl Bench {
    fn new(name: &str, accounts: usize, apps: usize) -> Bench {
        let world = World::new(name, accounts, apps);
        Bench {
            client: world.client(),
            dir: world.dir.join("job"),
            world,
        }
    }

    fn admin(&self, method: &str, path: &str, body: Value) -> Value {
        self.world.admin(method, path, body)
    }

    fn received(&self) -> Received {
        self.world.received()
    }

    fn create_job(&self, rows: impl IntoIterator<Item = (usize, usize)>) -> Job {
        let rows = rows.into_iter().enumerate();
        Job::create(
            &self.dir,
            rows.map(|(n, (a, p))| Ok(row(n as u64 + 2, a, p))),
        )
        .unwrap()
    }

    fn run(&self, job: &Job) -> (RunEnd, Vec<Record>) {
        self.run_until(job, &StopFlag::default())
    }

    fn run_until(&self, job: &Job, stop: &StopFlag) -> (RunEnd, Vec<Record>) {
        let seen = Mutex::new(Vec::new());
        let observer = |record: &Record| seen.lock().unwrap().push(record.clone());
        let runner = Runner {
            client: &self.client,
            workers: 4,
            observer: &observer,
            stop,
        };
        let end = job.run(&runner, UNLIMITED).unwrap();
        (end, seen.into_inner().unwrap())
    }
}

fn outcomes(records: &[Record]) -> HashMap<(String, String), Outcome> {
    let of = |r: &Record| ((r.row.account.clone(), r.row.appid.clone()), r.outcome);
    records.iter().map(of).collect()
}

#[test]
fn every_row_is_posted_once_and_a_second_job_posts_nothing() {
    let bench = Bench::new("once", 30, 5);
    // The accounts alternate, so that the rows must be sorted.
    let rows: Vec<_> = (0..150).map(|n| (n * 7 % 30 + 1, n / 30 + 1)).collect();
    let job = bench.create_job(rows.clone());
    assert_eq!((job.rows(), job.accounts(), job.left()), (150, 30, 150));
    let (end, records) = bench.run(&job);
    assert_eq!(end, RunEnd::Finished);
    assert_eq!(records.len(), 150);
    assert!(records.iter().all(|r| r.outcome == Outcome::Invited));
    assert_eq!(outcomes(&records).len(), 150);
    // One list for each account, one link for each row.
    let received = bench.received();
    assert_eq!((received.links, received.lists), (150, 30));
    assert_eq!(job.tally().count(Outcome::Invited), 150);
    assert_eq!(job.tally().severity(), Severity::Waiting);

    // Nothing is left, now or after the job is resumed.
    assert_eq!(bench.run(&job), (RunEnd::Finished, vec![]));
    drop(job);
    let job = Job::open(&bench.dir, ResumeMode::Failed).unwrap();
    assert_eq!(job.left(), 0);
    assert_eq!(bench.run(&job), (RunEnd::Finished, vec![]));
    let report = job.report(Lang::En).unwrap();
    assert_eq!(report.files.len(), 1);
    assert_eq!(report.files[0].rows, 150);
    let csv = std::fs::read_to_string(&report.files[0].path).unwrap();
    assert_eq!(csv.lines().count(), 151);
    drop(job);

    // A new job of the same rows posts nothing.
    std::fs::remove_dir_all(&bench.dir).unwrap();
    let (_, records) = bench.run(&bench.create_job(rows));
    assert!(records.iter().all(|r| r.outcome == Outcome::Pending));
    let received = bench.received();
    assert_eq!((received.links, received.lists), (150, 60));
}

#[test]
fn the_rows_of_an_account_keep_their_order() {
    let bench = Bench::new("order", 4, 9);
    let rows: Vec<_> = (0..36).map(|n| (n % 4 + 1, 9 - n / 4)).collect();
    let (_, records) = bench.run(&bench.create_job(rows.clone()));
    for a in 1..=4 {
        let of = |name: &str| *name == account(a);
        let posted: Vec<_> = records
            .iter()
            .filter(|r| of(&r.row.account))
            .map(|r| r.row.appid.clone())
            .collect();
        let asked: Vec<_> = (1..=9).rev().map(appid).collect();
        assert_eq!(posted, asked);
    }
}

#[test]
fn a_plan_posts_nothing_and_counts_what_would_be_posted() {
    let bench = Bench::new("plan", 3, 16);
    let links = json!({"subject": "s", "links": [
        {"appid": appid(1), "state": "linked"},
        {"appid": appid(2), "state": "waiting_mini_program"},
        {"appid": appid(3), "state": "waiting_official_account"},
    ]});
    bench.admin("PUT", &format!("accounts/{}", account(1)), links);
    bench.admin(
        "DELETE",
        &format!("authorizers/{}", account(3)),
        Value::Null,
    );
    let mut rows: Vec<_> = (1..=4).map(|p| (1, p)).collect();
    rows.push((1, 4));
    rows.extend((1..=15).map(|p| (2, p)));
    rows.push((3, 1));
    let job = bench.create_job(rows);
    let seen = Mutex::new(Vec::new());
    let runner = Runner {
        client: &bench.client,
        workers: 2,
        observer: &|_| {},
        stop: &StopFlag::default(),
    };
    let observer = |row: &Row, action| seen.lock().unwrap().push((row.line, action));
    let plan = job.plan(&runner, UNLIMITED, 13, &observer).unwrap();
    let counts = PlannedAction::ALL.map(|action| plan.count(action));
    assert_eq!(counts, [14, 2, 1, 2, 0, 1, 1]);
    let over_quota = OverQuotaAccount {
        account: account(2),
        posts: 15,
    };
    assert_eq!(plan.over_quota, [over_quota]);
    assert_eq!(plan.unreadable[0].account, account(3));
    assert!(
        plan.unreadable[0].message.contains("authorise"),
        "{:?}",
        plan.unreadable
    );
    assert_eq!(seen.into_inner().unwrap().len(), 21);
    assert_eq!((job.left(), bench.received().links), (21, 0));
}

#[test]
fn an_account_with_more_rows_than_a_batch_is_one_visit() {
    let bench = Bench::new("long", 1, 2);
    let path = format!("accounts/{}", account(1));
    // Without the first link: the state that a lagging list would show.
    let listed = || {
        let links = json!({"subject": "s", "links": [{"appid": appid(2), "state": "linked"}]});
        bench.admin("PUT", &path, links)
    };
    listed();
    // The first and the last row ask for the same link. More rows than a batch are in between.
    let rows = (0..1500).map(|n| (1, if n == 0 || n == 1499 { 1 } else { 2 }));
    let job = bench.create_job(rows);
    let observer = |record: &Record| {
        if record.row.line == 1000 {
            listed();
        }
    };
    // Only the job itself remembers what it posted.
    let mut options = Options::new();
    options.set("settle_ms", "0").unwrap();
    let client = bench.client.derive(&options).unwrap();
    let runner = Runner {
        client: &client,
        workers: 2,
        observer: &observer,
        stop: &StopFlag::default(),
    };
    let plan = job.plan(&runner, UNLIMITED, 0, &|_, _| {}).unwrap();
    assert_eq!(plan.count(PlannedAction::OverQuota), 1);
    assert_eq!(plan.count(PlannedAction::Duplicate), 1498);
    assert_eq!(plan.over_quota.len(), 1);
    assert_eq!(job.run(&runner, UNLIMITED).unwrap(), RunEnd::Finished);
    assert_eq!(job.tally().count(Outcome::Linked), 1498);
    assert_eq!(job.tally().count(Outcome::Invited), 1);
    assert_eq!(job.tally().count(Outcome::Pending), 1);
    assert_eq!(bench.received().links, 1);
}

#[test]
fn refusals_declines_and_duplicates_are_distinguished() {
    let bench = Bench::new("kinds", 2, 4);
    let links = json!({"subject": "s", "links": [
        {"appid": appid(1), "state": "linked"},
        {"appid": appid(3), "state": "waiting_mini_program"},
    ]});
    bench.admin("PUT", &format!("accounts/{}", account(1)), links);
    bench.admin(
        "PUT",
        &format!("miniprograms/{}", appid(2)),
        json!({"subject": "s", "refuses": ["banned"]}),
    );
    bench.admin(
        "DELETE",
        &format!("authorizers/{}", account(2)),
        Value::Null,
    );
    let job = bench.create_job([(1, 1), (1, 2), (1, 3), (1, 4), (1, 4), (2, 1)]);
    let (end, records) = bench.run(&job);
    assert_eq!(end, RunEnd::Finished);
    let of: HashMap<u64, &Record> = records.iter().map(|r| (r.row.line, r)).collect();
    let found = [2, 3, 4, 5, 6, 7].map(|line| of[&line].outcome);
    use Outcome::{Invited, Linked, NoAccess, Pending, Refused};
    assert_eq!(
        found,
        [Linked, Refused, Pending, Invited, Pending, NoAccess]
    );
    assert_eq!(of[&3].errcode, 89013);
    assert!(of[&3].message.contains("ban"), "{}", of[&3].message);
    assert_eq!(bench.received().links, 2);
    assert_eq!(job.tally().severity(), Severity::NoAccess);
    let report = job.report(Lang::En).unwrap();
    assert_eq!(report.files.len(), 5);
    drop(job);

    // After an administrator has acted, the failed rows are done again, and no others.
    bench.admin(
        "PUT",
        &format!("miniprograms/{}", appid(2)),
        json!({"subject": "s"}),
    );
    let job = Job::open(&bench.dir, ResumeMode::Pending).unwrap();
    assert_eq!(job.left(), 0);
    drop(job);
    let job = Job::open(&bench.dir, ResumeMode::Failed).unwrap();
    assert_eq!(job.left(), 2);
    let (_, records) = bench.run(&job);
    assert_eq!(outcomes(&records)[&(account(1), appid(2))], Invited);
    assert_eq!(
        job.report(Lang::En)
            .unwrap()
            .files
            .iter()
            .map(|f| f.rows)
            .sum::<u64>(),
        6
    );
    assert_eq!(bench.received().links, 3);
}

#[test]
fn a_used_up_quota_defers_the_account_and_not_the_job() {
    let bench = Bench::new("quota", 2, 16);
    let rows = (1..=16).flat_map(|p| [(1, p), (2, p)]);
    bench.admin(
        "PUT",
        &format!("accounts/{}", account(1)),
        json!({"subject": "s",
        "limits": {"same_subject": 100, "different_subject": 3, "monthly": 13}}),
    );
    bench.admin(
        "PUT",
        &format!("accounts/{}", account(2)),
        json!({"subject": "s",
        "limits": {"same_subject": 100, "different_subject": 3, "monthly": 100}}),
    );
    let job = bench.create_job(rows);
    let (end, records) = bench.run(&job);
    assert_eq!(end, RunEnd::Finished);
    let deferred: Vec<_> = records
        .iter()
        .filter(|r| r.outcome == Outcome::Deferred)
        .collect();
    assert_eq!(deferred.len(), 3);
    for record in &deferred {
        assert_eq!(record.row.account, account(1));
        assert_eq!(record.errcode, 89007);
        assert!(record.until.unwrap() > record.at);
        assert!(record.message.contains("Beijing"), "{}", record.message);
    }
    // WeChat refused the first of the three; the other two were not posted.
    assert_eq!(bench.received().links, 16 + 14);
    assert_eq!(job.tally().severity(), Severity::Retry);
    drop(job);

    // They are not done before they are due...
    let job = Job::open(&bench.dir, ResumeMode::Pending).unwrap();
    assert_eq!(job.left(), 0);
    drop(job);
    // ... and are done then. The time in the journal is changed for this.
    let journal = bench.dir.join("journal.jsonl");
    let text = std::fs::read_to_string(&journal).unwrap();
    let until = format!("\"until\":{}", deferred[0].until.unwrap());
    std::fs::write(&journal, text.replace(&until, "\"until\":1")).unwrap();
    bench.admin("POST", "clock", json!({"advance_s": 32 * 86_400}));
    bench.client.set_ticket("TICKET").unwrap();
    let job = Job::open(&bench.dir, ResumeMode::Pending).unwrap();
    assert_eq!(job.left(), 3);
}

#[test]
fn the_row_of_a_torn_journal_line_is_done_again() {
    let bench = Bench::new("torn", 2, 2);
    let job = bench.create_job([(1, 1), (1, 2), (2, 1)]);
    bench.run(&job);
    drop(job);
    let journal = bench.dir.join("journal.jsonl");
    let text = std::fs::read(&journal).unwrap();
    // The last line is cut off; or a power failure left blank bytes in an earlier one.
    let cut = text[..text.len() - 5].to_vec();
    let mut void = text.clone();
    let is_record = |line: &&[u8]| line.windows(9).any(|part| part == br#""outcome""#);
    let record = text.split(|b| *b == b'\n').find(is_record).unwrap();
    let at = text.windows(record.len()).position(|part| part == record);
    void[at.unwrap()..][..50].fill(0);
    for torn in [cut, void] {
        std::fs::write(&journal, torn).unwrap();
        let job = Job::open(&bench.dir, ResumeMode::Pending).unwrap();
        assert_eq!(job.left(), 1);
        let (_, records) = bench.run(&job);
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].outcome, Outcome::Pending);
        assert_eq!(bench.received().links, 3);
        assert_eq!(job.report(Lang::En).unwrap().files.len(), 2);
    }
}

/// Another process that works on a job. It is this test program, which then runs only this.
#[test]
fn one_process() {
    // Without these variables it is a test of its own, which has nothing to do.
    let (Ok(url), Ok(dir)) = (std::env::var("JOB_URL"), std::env::var("JOB_DIR")) else {
        return;
    };
    let client = wxlink_testkit::world::client(&url, "memory");
    client.set_ticket("TICKET").unwrap();
    let job = Job::open(dir.as_ref(), ResumeMode::Pending).unwrap();
    let runner = Runner {
        client: &client,
        workers: 1,
        observer: &|_| {},
        stop: &StopFlag::default(),
    };
    let _ = job.run(&runner, UNLIMITED);
}

/// Runs the job in a process that is killed as soon as WeChat has received one more post, which
/// takes no effect yet.
fn kill_while_posting(bench: &Bench) {
    let hang = json!({"endpoint": "link", "fault": "hang", "when": "before"});
    bench.admin("POST", "faults", hang);
    let posts = bench.received().links;
    let mut process = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "one_process"])
        .env("JOB_URL", bench.world.sandbox.http_url())
        .env("JOB_DIR", &bench.dir)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while bench.received().links == posts {
        assert!(process.try_wait().unwrap().is_none(), "it ended");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    process.kill().unwrap();
    process.wait().unwrap();
}

/// Resumes the job, repeatedly until its deferred rows are due and done.
fn resume_until_done(bench: &Bench) -> Vec<Record> {
    loop {
        let job = Job::open(&bench.dir, ResumeMode::Pending).unwrap();
        let (_, records) = bench.run(&job);
        if job.left() == 0 && job.tally().count(Outcome::Deferred) == 0 {
            return records;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[test]
fn a_post_of_a_killed_job_is_not_repeated_while_it_may_take_effect() {
    let bench = Bench::new("killed-post", 1, 2);
    drop(bench.create_job([(1, 1), (1, 2)]));
    kill_while_posting(&bench);
    let job = Job::open(&bench.dir, ResumeMode::Pending).unwrap();
    let (_, records) = bench.run(&job);
    let found = outcomes(&records);
    assert_eq!(found[&(account(1), appid(1))], Outcome::Deferred);
    assert_eq!(found[&(account(1), appid(2))], Outcome::Invited);
    assert_eq!(bench.received().links, 2);
    assert_eq!(records[0].posts, 1);
    assert!(records[0].until > Some(records[0].at), "{records:?}");
    drop(job);
    // The list shows that it took effect.
    let gateway = bench.client.account(&account(1)).unwrap();
    let choices = row(2, 1, 1).choices();
    gateway.link_miniprogram(None, &appid(1), choices).unwrap();
    let records = resume_until_done(&bench);
    assert_eq!(records[0].outcome, Outcome::Pending);
    assert_eq!(bench.received().links, 3);
}

#[test]
fn doing_failed_rows_again_repeats_no_post_that_may_take_effect() {
    let bench = Bench::new("doubt-again", 1, 1);
    drop(bench.create_job([(1, 1)]));
    kill_while_posting(&bench);
    for mode in [ResumeMode::Failed, ResumeMode::Pending, ResumeMode::Failed] {
        let job = Job::open(&bench.dir, mode).unwrap();
        for record in bench.run(&job).1 {
            assert_eq!((record.outcome, record.posts), (Outcome::Deferred, 1));
            let reason = "an earlier invitation of this row may still take effect";
            assert!(record.message.starts_with(reason), "{record:?}");
        }
    }
    assert_eq!(bench.received().links, 1);
}

#[test]
fn a_row_is_posted_three_times_at_most_over_all_runs() {
    let bench = Bench::new("three-posts", 1, 1);
    drop(bench.create_job([(1, 1)]));
    kill_while_posting(&bench);
    let busy = json!({"endpoint": "link", "always": true, "fault": {"errcode": {"code": -1}}});
    bench.admin("POST", "faults", busy);
    let records = resume_until_done(&bench);
    let given_up = &records[0];
    assert_eq!((given_up.outcome, given_up.posts), (Outcome::Unknown, 3));
    assert!(
        given_up.message.contains("not posted again"),
        "{given_up:?}"
    );
    assert_eq!(bench.received().links, 3);
    let job = Job::open(&bench.dir, ResumeMode::Failed).unwrap();
    assert_eq!(job.left(), 1);
    let (_, records) = bench.run(&job);
    assert_eq!(
        (records[0].outcome, records[0].posts),
        (Outcome::Unknown, 3)
    );
    assert_eq!(bench.received().links, 3);
}

#[test]
fn a_stopped_job_keeps_its_records() {
    let bench = Bench::new("stop", 50, 2);
    let job = bench.create_job((1..=50).flat_map(|a| [(a, 1), (a, 2)]));
    let stop = StopFlag::default();
    let requested = stop.clone();
    let seen = std::sync::atomic::AtomicUsize::new(0);
    let observer = |_: &Record| {
        if seen.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 20 {
            requested.request();
        }
    };
    let runner = Runner {
        client: &bench.client,
        workers: 2,
        observer: &observer,
        stop: &stop,
    };
    assert_eq!(job.run(&runner, UNLIMITED).unwrap(), RunEnd::Stopped);
    let done = job.tally().total();
    assert!((20..100).contains(&done), "{done}");
    // Only one process may open a job.
    let taken = Job::open(&bench.dir, ResumeMode::Pending).err().unwrap();
    assert_eq!(taken.severity(), Severity::Usage);
    job.release();
    let before = job;
    let job = Job::open(&bench.dir, ResumeMode::Pending).unwrap();
    assert_eq!(before.tally().total(), done);
    assert_eq!(job.left(), 100 - done);
    bench.run(&job);
    assert_eq!(job.tally().count(Outcome::Invited), 100);
    assert_eq!(bench.received().links, 100);
}

#[test]
fn after_a_lost_answer_nothing_is_posted_twice() {
    let bench = Bench::new("lost", 4, 3);
    bench.admin(
        "POST",
        "faults",
        json!({"endpoint": "link", "times": 3, "when": "after", "fault": {"drop": "reset"}}),
    );
    let job = bench.create_job((1..=4).flat_map(|a| (1..=3).map(move |p| (a, p))));
    let (end, records) = bench.run(&job);
    assert_eq!(end, RunEnd::Finished);
    assert!(
        records.iter().all(|r| r.outcome == Outcome::Invited),
        "{records:?}"
    );
    let counts = bench.admin("GET", "journal/counts", Value::Null);
    assert_eq!(counts["processed"]["link"], 12);
}

#[test]
fn when_all_accounts_deny_access_the_run_ends() {
    let bench = Bench::new("denied", 60, 1);
    bench.admin(
        "POST",
        "faults",
        json!({"endpoint": "get", "always": true, "fault": {"errcode": {"code": 61004}}}),
    );
    let job = bench.create_job((1..=60).map(|a| (a, 1)));
    let (end, records) = bench.run(&job);
    assert_eq!(end, RunEnd::NoAccess);
    assert!(records.iter().all(|r| r.outcome == Outcome::NoAccess));
    assert!((20..40).contains(&records.len()), "{}", records.len());
    assert_eq!(bench.received().links, 0);
}

#[test]
fn one_account_that_denies_links_does_not_end_the_run() {
    let bench = Bench::new("one-denied", 2, 30);
    let fault = json!({"endpoint": "link", "times": 25, "fault": {"errcode": {"code": 48001}}});
    bench.admin("POST", "faults", fault);
    let job = bench.create_job((1..=25).map(|p| (1, p)));
    let (end, records) = bench.run(&job);
    assert_eq!((end, records.len()), (RunEnd::Finished, 25));
    assert!(records.iter().all(|r| r.outcome == Outcome::NoAccess));
}

#[test]
fn the_quota_of_a_minute_is_waited_for() {
    let bench = Bench::new("minute", 1, 1);
    bench.admin(
        "POST",
        "faults",
        json!({"endpoint": "link", "times": 1, "fault": {"errcode": {"code": 45011}}}),
    );
    let job = bench.create_job([(1, 1)]);
    let stop = StopFlag::default();
    let (requested, received) = (stop.clone(), || bench.received().links);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while received() == 0 {
                std::thread::yield_now();
            }
            requested.request();
        });
        let (end, records) = bench.run_until(&job, &stop);
        // The row did not fail: it is left.
        assert_eq!((end, records), (RunEnd::Stopped, vec![]));
    });
    assert_eq!((received(), job.left()), (1, 1));
}

#[test]
fn invalid_rows_are_refused_before_anything_is_sent() {
    let dir = wxlink_testkit::scratch("job-of-invalid-rows").join("job");
    let bad = |line| {
        Err(BadRow {
            line,
            why: "it is bad".into(),
        })
    };
    let rows = (2..40).map(|n| if n == 5 { Ok(row(n, 1, 1)) } else { bad(n) });
    let why = Job::create(&dir, rows).err().unwrap();
    assert_eq!(why.severity(), Severity::Usage);
    let text = why.to_string();
    assert!(
        text.contains("37 invalid rows") && text.contains("line 21") && text.contains("17 more"),
        "{text}"
    );
    assert!(Job::create(&dir, std::iter::empty()).is_err());
    assert!(Job::open(&dir, ResumeMode::Pending).is_err());

    // A job can still be created in the same folder.
    let text = "account,appid,notify_users,show_profile\nwx0a,wx0b,0,1\n";
    let read = || read_rows(text.as_bytes(), &ReadOptions::default()).unwrap();
    let job = Job::create(&dir, read()).unwrap();
    assert!(job.has_rows(read()));
    assert!(!job.has_rows([Ok(row(2, 1, 1))].into_iter()));
    drop(job);
    // A job that was never run is replaced.
    let job = Job::create(&dir, [Ok(row(7, 1, 1))].into_iter()).unwrap();
    assert!(!job.has_rows(read()));
    job.discard();
    assert!(!dir.exists());
}

#[test]
fn an_account_that_always_denies_links_does_not_end_the_run() {
    let bench = Bench::new("one-denied", 1, 25);
    let rule = json!({"endpoint": "link", "always": true, "fault": {"errcode": {"code": 48001}}});
    bench.admin("POST", "faults", rule);
    let job = bench.create_job((1..=25).map(|p| (1, p)));
    let (end, records) = bench.run(&job);
    assert_eq!((end, records.len()), (RunEnd::Finished, 25));
    assert_eq!(job.tally().count(Outcome::NoAccess), 25);
}

/// The records of a CSV file of a report, without the byte-order mark.
fn read_csv(path: &std::path::Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).unwrap();
    let text = text.strip_prefix('\u{feff}').unwrap();
    let mut reader = csv::ReaderBuilder::new();
    let mut reader = reader.has_headers(false).from_reader(text.as_bytes());
    let records = reader.records().map(|record| {
        let record = record.unwrap();
        record.iter().map(str::to_owned).collect()
    });
    records.collect()
}

#[test]
fn the_user_s_columns_are_in_the_report_in_their_order() {
    let bench = Bench::new("own-columns", 3, 2);
    let options = ReadOptions {
        defaults: RowDefaults {
            notify_users: Some(false),
            show_profile: Some(true),
        },
        ..ReadOptions::default()
    };
    let create = |text: String| {
        let rows = read_rows(std::io::Cursor::new(text), &options).unwrap();
        Job::create(&bench.dir, rows).unwrap()
    };
    // The accounts alternate, so that the rows must be sorted.
    let rows: Vec<(usize, &str)> = vec![(2, "=1+1"), (1, "茶, \"x\"\ny"), (2, ""), (3, "-7")];
    let mut text = "备注,account,Line,appid,空\n".to_owned();
    for (n, (a, note)) in rows.iter().enumerate() {
        let note = note.replace('"', "\"\"");
        text += &format!("\"{note}\",{},{n},{},\n", account(*a), appid(n / 2 + 1));
    }
    let job = create(text);
    // They survive the end of the process.
    drop(job);
    let job = Job::open(&bench.dir, ResumeMode::Pending).unwrap();
    bench.run(&job);
    drop(job);
    let job = Job::open(&bench.dir, ResumeMode::Failed).unwrap();
    assert_eq!(job.left(), 0);
    let report = job.report(Lang::En).unwrap();
    let path = &report.files[0].path;
    let mut records = read_csv(path);
    let header = records.remove(0);
    assert_eq!(header[..2], ["line", "account"]);
    assert_eq!(header[10..], ["备注", "Line (2)", "空"]);
    let mut found: Vec<&[String]> = records.iter().map(|record| &record[10..]).collect();
    found.sort_by(|a, b| a[1].cmp(&b[1]));
    let expected = [
        ["'=1+1", "0", ""],
        ["茶, \"x\"\ny", "1", ""],
        ["", "2", ""],
        ["'-7", "3", ""],
    ];
    assert_eq!(found, expected);

    // The report is the input of another job, whose report has the same columns.
    let text = std::fs::read_to_string(path).unwrap();
    drop(job);
    std::fs::remove_dir_all(&bench.dir).unwrap();
    let job = create(text);
    bench.run(&job);
    let report = job.report(Lang::En).unwrap();
    let again = read_csv(&report.files[0].path);
    assert_eq!(again[0], header);
    let mut again: Vec<_> = again[1..].iter().map(|record| &record[10..]).collect();
    again.sort_by(|a, b| a[1].cmp(&b[1]));
    assert_eq!(again, expected);
}

#[test]
fn fields_of_json_become_columns_in_the_order_in_which_they_appear() {
    let bench = Bench::new("own-fields", 2, 2);
    let row = |a: usize, more: &str| {
        let (account, appid) = (account(a), appid(1));
        format!(
            "{{{more}\"account\":\"{account}\",\"appid\":\"{appid}\",\"notify_users\":0,\
             \"show_profile\":1}}\n"
        )
    };
    let text =
        row(2, "\"z\":{\"k\":[1, 2.50]},") + &row(1, "\"a\":12345678901234567890123,\"z\":1,");
    let rows = read_rows(std::io::Cursor::new(text), &ReadOptions::default()).unwrap();
    let job = Job::create(&bench.dir, rows).unwrap();
    let (_, records) = bench.run(&job);
    let report = job.report(Lang::En).unwrap();
    let mut rows = read_csv(&report.files[0].path);
    assert_eq!(rows.remove(0)[10..], ["z", "a"]);
    rows.sort_by(|a, b| a[0].cmp(&b[0]));
    assert_eq!(rows[0][10..], ["{\"k\":[1, 2.50]}", ""]);
    assert_eq!(rows[1][10..], ["1", "12345678901234567890123"]);
    // A record is the input of another job, too.
    let records: String = records
        .iter()
        .map(|r| json!(r).to_string() + "\n")
        .collect();
    let rows = read_rows(std::io::Cursor::new(records), &ReadOptions::default()).unwrap();
    let others = rows.map(|row| json!(row.unwrap().other));
    let mut others: Vec<Value> = others.collect();
    others.sort_by_key(|other| other.to_string());
    let expected = [
        json!({"a": "12345678901234567890123", "z": "1"}),
        json!({"z": "{\"k\":[1, 2.50]}"}),
    ];
    assert_eq!(others, expected);
}

#[test]
fn remedies_in_the_report_are_in_the_user_s_language() {
    let bench = Bench::new("language", 1, 1);
    let job = bench.create_job([(1, 1)]);
    bench.run(&job);
    for (lang, expected) in [
        (Lang::En, "invited now; the administrators must agree"),
        (Lang::Zh, "本次已发出邀请，等待管理员同意"),
    ] {
        let report = job.report(lang).unwrap();
        assert_eq!(read_csv(&report.files[0].path)[1][9], expected);
    }
}

#[test]
fn a_row_without_other_columns_is_stored_without_them() {
    let bench = Bench::new("no-columns", 1, 1);
    let job = bench.create_job([(1, 1)]);
    bench.run(&job);
    for file in ["rows.jsonl", "journal.jsonl", "job.json"] {
        let text = std::fs::read_to_string(bench.dir.join(file)).unwrap();
        assert!(!text.contains("other"), "{file}: {text}");
    }
}

#[test]
fn a_link_of_an_unknown_status_is_reported_with_its_number() {
    let bench = Bench::new("unknown-status", 1, 1);
    let item = json!({"appid": appid(1), "status": 7, "nickname": "n"});
    let body = json!({"errcode": 0, "errmsg": "ok", "wxopens": {"items": [item]}});
    let fault = json!({"body": {"text": body.to_string()}});
    let rule = json!({"endpoint": "get", "always": true, "fault": fault});
    bench.admin("POST", "faults", rule);
    let (_, records) = bench.run(&bench.create_job([(1, 1)]));
    assert_eq!(records[0].outcome, Outcome::Pending);
    let message = &records[0].message;
    assert!(message.contains("the unknown status 7"), "{message}");
    assert_eq!(bench.received().links, 0);
}

/// How often the threads with this name have waited; `None` if one of them has ended meanwhile.
#[cfg(target_os = "linux")]
fn waits(name: &str) -> Option<Vec<u64>> {
    let mut all = Vec::new();
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        let task = task.unwrap().path();
        let status = std::fs::read_to_string(task.join("status")).ok()?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.map(|value| value.trim().to_owned())
        };
        if field("Name:")?.starts_with(name) {
            all.push(field("voluntary_ctxt_switches:")?.parse().ok()?);
        }
    }
    Some(all)
}

#[cfg(target_os = "linux")]
#[test]
fn a_follower_that_waits_does_nothing_until_it_is_stopped() {
    use std::time::{Duration, Instant};

    const WORKERS: usize = 8;
    let bench = Bench::new("idle", 3, 1);
    let job = bench.create_job([(1, 1), (2, 1), (3, 1)]);
    bench.run(&job);
    let lists = bench.received().lists;
    let stop = StopFlag::default();
    let hour = Duration::from_secs(3600);
    let follower = Follower {
        client: &bench.client,
        workers: WORKERS,
        config: FollowConfig {
            rates: UNLIMITED,
            interval: hour,
            max_interval: hour,
            limit: None,
        },
        on_error: &|account, error| panic!("{account}: {error}"),
        stop: &stop,
    };
    let end = std::thread::scope(|scope| {
        let following = scope.spawn(|| job.follow(&follower, &|_| {}));
        // When each list has been read, all threads rest.
        let limit = Instant::now() + Duration::from_secs(120);
        let mut before = None;
        loop {
            let now = waits("wxlink-follow");
            let has_read = bench.received().lists == lists + 3;
            if has_read && now.as_ref().is_some_and(|n| n.len() == WORKERS) && now == before {
                break;
            }
            assert!(Instant::now() < limit, "they do not rest: {now:?}");
            before = now;
            std::thread::sleep(Duration::from_millis(300));
        }
        stop.request();
        following.join().unwrap().unwrap()
    });
    assert_eq!(
        end,
        FollowEnd {
            decided: 0,
            open: 3
        }
    );
}
