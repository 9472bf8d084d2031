//! `wxlink bulk follow`, and the status and the report of a job.
#![cfg(unix)]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command};

use common::*;
use serde_json::{Value, json};
use wxlink_testkit::redis::Redis;
use wxlink_testkit::world::{self, World};

/// The program, set up as the world's platform, in the world's folder.
fn platform(world: &World, arguments: &[&str]) -> Command {
    let mut command = common::platform(&world.sandbox, &world.dir, arguments);
    command
        .env("WXLINK_COMPONENT_APPSECRET", "SECRET")
        // A list that does not show an invitation any more counts soon.
        .env("WXLINK_SETTLE_MS", "100");
    command
}

/// A world with this many accounts and mini programs, and `links.csv` with a row for each pair.
fn world(name: &str, accounts: usize, apps: usize) -> World {
    let world = World::new(name, accounts, apps);
    let mut rows = "account,appid,notify_users,show_profile\n".to_owned();
    for (a, p) in (1..=accounts).flat_map(|a| (1..=apps).map(move |p| (a, p))) {
        rows += &format!("{},{},0,1\n", world::account(a), world::appid(p));
    }
    fs::write(world.dir.join("links.csv"), rows).unwrap();
    let ran = run_with(platform(&world, &["platform", "set-ticket"]), "TICKET\n");
    assert_eq!(ran.code, 0, "{}", ran.err);
    world
}

/// A world whose rows were invited by a job, in `links.csv.job`.
fn invited(name: &str, accounts: usize, apps: usize) -> World {
    let world = world(name, accounts, apps);
    let ran = run(platform(&world, &["bulk", "links.csv", "--yes"]));
    assert_eq!(ran.code, 3, "{}", ran.err);
    world
}

const FOLLOW: [&str; 6] = [
    "bulk",
    "follow",
    "links.csv.job",
    "--interval",
    "1",
    "--json",
];

fn decide(world: &World, account: usize, app: usize, by: &str, decision: &str) {
    let (account, appid) = (world::account(account), world::appid(app));
    let body = json!({"account": account, "appid": appid, "by": by, "decision": decision});
    world.admin("POST", "approvals", body);
}

fn agree(world: &World, account: usize, app: usize) {
    decide(world, account, app, "official_account", "agree");
    decide(world, account, app, "mini_program", "agree");
}

/// The decisions among lines of JSON: account, appid and outcome.
fn decisions(lines: &[Value]) -> BTreeSet<(String, String, String)> {
    let text = |line: &Value, field: &str| line[field].as_str().unwrap().to_owned();
    let decided = lines.iter().filter(|line| line["outcome"].is_string());
    decided
        .map(|l| (text(l, "account"), text(l, "appid"), text(l, "outcome")))
        .collect()
}

fn decision(account: usize, app: usize, outcome: &str) -> (String, String, String) {
    (
        world::account(account),
        world::appid(app),
        outcome.to_owned(),
    )
}

/// The rows of a file of the report, without its head.
fn report_rows(folder: &Path, outcome: &str) -> usize {
    let text = fs::read_to_string(folder.join(format!("{outcome}.csv")));
    text.map_or(0, |text| text.lines().count() - 1)
}

/// A program whose lines of JSON are read one by one. It is killed when this is dropped.
struct Following {
    process: Child,
    lines: Box<dyn Iterator<Item = Value>>,
}

impl Following {
    fn start(mut command: Command) -> Following {
        let mut process = piped(&mut command);
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let lines = lines.map_while(Result::ok);
        Following {
            process,
            lines: Box::new(lines.map(|line| serde_json::from_str(&line).unwrap())),
        }
    }

    fn kill(mut self) -> Vec<Value> {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.lines.by_ref().collect()
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn each_list_is_read_once_more_at_the_limit() {
    let world = invited("follow-limit", 2, 1);
    let lists = || received(&world.sandbox, "get");
    let before = lists();
    let arguments = ["bulk", "follow", "links.csv.job", "--json"];
    let limit = ["--interval", "1h", "--wait", "10s"];
    let mut following = Following::start(platform(&world, &[&arguments[..], &limit].concat()));
    until(|| lists() == before + 2);
    agree(&world, 1, 1);
    agree(&world, 2, 1);
    let lines: Vec<Value> = following.lines.by_ref().collect();
    let linked = [decision(1, 1, "linked"), decision(2, 1, "linked")];
    assert_eq!(decisions(&lines), linked.into());
    assert_eq!(following.process.wait().unwrap().code(), Some(0));
    assert_eq!(lists(), before + 4);
}

#[test]
fn a_job_is_followed_until_the_administrators_have_decided() {
    let world = invited("follow", 2, 2);
    let mut following = Following::start(platform(&world, &FOLLOW));
    agree(&world, 1, 1);
    let first = following.lines.next().unwrap();
    assert_eq!(decisions(&[first]), [decision(1, 1, "linked")].into());

    decide(&world, 1, 2, "official_account", "refuse");
    decide(&world, 2, 1, "official_account", "agree");
    decide(&world, 2, 1, "mini_program", "refuse");
    let next: Vec<Value> = following.lines.by_ref().take(2).collect();
    let declined = [decision(1, 2, "declined"), decision(2, 1, "declined")];
    assert_eq!(decisions(&next), declined.into());
    for line in &next {
        assert_ne!(line["message"], "", "{line}");
    }

    // The others are not blocked by the one that works on the job.
    let status = run(platform(
        &world,
        &["bulk", "status", "links.csv.job", "--json"],
    ));
    let outcomes = json!({"linked": 1, "invited": 1, "declined": 2});
    assert_eq!(status.json()["status"]["outcomes"], outcomes);
    let resumed = ["bulk", "--job", "links.csv.job", "--resume"];
    assert_eq!(run(platform(&world, &resumed)).code, 2);

    agree(&world, 2, 2);
    let rest: Vec<Value> = following.lines.by_ref().collect();
    assert_eq!(decisions(&rest), [decision(2, 2, "linked")].into());
    let summary = &rest.last().unwrap()["summary"];
    assert_eq!(summary["outcomes"], json!({"linked": 2, "declined": 2}));
    assert_eq!(following.process.wait().unwrap().code(), Some(1));
    let report = world.dir.join("links.csv.job/report");
    let rows = ["linked", "declined", "invited"].map(|outcome| report_rows(&report, outcome));
    assert_eq!(rows, [2, 2, 0]);
    assert_eq!(world.received().links, 4);
}

#[test]
fn one_list_serves_all_invitations_of_an_account() {
    let world = invited("follow-lists", 2, 3);
    (1..=2).for_each(|account| (1..=3).for_each(|app| agree(&world, account, app)));
    let before = world.received().lists;
    let followed = run(platform(&world, &FOLLOW));
    assert_eq!(followed.code, 0, "{}", followed.err);
    assert_eq!(decisions(&followed.lines()).len(), 6);
    assert_eq!(world.received().lists - before, 2);
    // Nothing is left to follow.
    let again = run(platform(&world, &FOLLOW));
    assert_eq!((again.code, decisions(&again.lines()).len()), (0, 0));
    assert_eq!(world.received().lists - before, 2);
}

#[test]
fn no_decision_is_lost_however_often_it_is_killed() {
    let world = invited("follow-killed", 3, 4);
    let mut seen = BTreeSet::new();
    for app in 1..=4 {
        let mut following = Following::start(platform(&world, &FOLLOW));
        (1..=3).for_each(|account| agree(&world, account, app));
        // The decisions of this mini program follow, and it is killed in the midst of them.
        let first: Vec<Value> = following.lines.by_ref().take(app.min(3)).collect();
        seen.extend(decisions(&first));
        seen.extend(decisions(&following.kill()));
    }
    let last = run(platform(&world, &FOLLOW));
    assert_eq!(last.code, 0, "{}", last.err);
    seen.extend(decisions(&last.lines()));
    assert_eq!(seen.len(), 12);
    assert!(seen.iter().all(|(_, _, outcome)| outcome == "linked"));
    assert_eq!(
        report_rows(&world.dir.join("links.csv.job/report"), "linked"),
        12
    );
    assert_eq!(world.received().links, 12);
}

#[test]
fn the_time_to_follow_is_limited() {
    let world = invited("follow-limit", 1, 1);
    let arguments = [&FOLLOW[..], &["--wait", "2"]].concat();
    let followed = run(platform(&world, &arguments));
    assert_eq!(followed.code, 3, "{}", followed.err);
    assert!(
        followed.err.contains("0 decided, 1 waiting"),
        "{}",
        followed.err
    );
}

#[test]
fn an_account_that_cannot_be_read_is_reported_once_and_followed_on() {
    let world = invited("follow-unreadable", 1, 1);
    let fault = json!({"endpoint": "get", "fault": {"errcode": {"code": 48001}}, "times": 2});
    world.admin("POST", "faults", fault);
    agree(&world, 1, 1);
    let followed = run(platform(&world, &FOLLOW));
    assert_eq!(followed.code, 0, "{}", followed.err);
    let account = world::account(1);
    assert_eq!(
        followed.err.matches(&account).count(),
        1,
        "{}",
        followed.err
    );
    assert!(followed.err.contains("48001"), "{}", followed.err);
}

#[test]
fn a_jobs_status_and_report_need_no_platform() {
    let world = invited("follow-report", 2, 1);
    fs::remove_dir_all(world.dir.join("links.csv.job/report")).unwrap();
    let job = world.dir.join("links.csv.job");
    let job = job.to_str().unwrap();
    let status = run(bare(&["bulk", "status", job]));
    assert_eq!(status.code, 0, "{}", status.err);
    assert!(status.out.contains("invited"), "{}", status.out);
    let report = run(bare(&["bulk", "report", job, "--json"]));
    assert_eq!(report.code, 0, "{}", report.err);
    assert_eq!(report.json()["summary"]["outcomes"], json!({"invited": 2}));
    assert_eq!(report_rows(&Path::new(job).join("report"), "invited"), 2);
    let none = run(bare(&["bulk", "report", world.dir.to_str().unwrap()]));
    assert_eq!(none.code, 2, "{}", none.out);
}

#[test]
fn a_queue_is_followed_while_rows_are_still_processed() {
    let Some(redis) = Redis::start("following a queue") else {
        return;
    };
    let world = world("follow-queue", 2, 2);
    let url = redis.url();
    let with_queue = |arguments: &[&str]| {
        let arguments = [arguments, &["--queue", &url]].concat();
        platform(&world, &arguments)
    };
    assert_eq!(run(with_queue(&["bulk", "push", "links.csv"])).code, 0);
    let follow = with_queue(&["bulk", "follow", "--interval", "1", "--json"]);
    let mut following = Following::start(follow);
    let worked = run(with_queue(&["bulk", "work"]));
    assert_eq!(worked.code, 0, "{}", worked.err);
    agree(&world, 1, 1);
    agree(&world, 2, 2);
    decide(&world, 1, 2, "official_account", "refuse");
    let decided: Vec<Value> = following.lines.by_ref().take(3).collect();
    let expected = [
        decision(1, 1, "linked"),
        decision(1, 2, "declined"),
        decision(2, 2, "linked"),
    ];
    let expected = BTreeSet::from(expected);
    assert_eq!(decisions(&decided), expected);
    assert!(decided.iter().all(|line| line["job"].is_string()));
    // All rows have a result, and it waits for a decision. Another one does not get its place, but
    // gets it when this one is killed and silent.
    let refused = run(with_queue(&[
        "bulk", "follow", "--wait", "1", "--into", "other",
    ]));
    assert_eq!(refused.code, 2, "{}{}", refused.out, refused.err);
    assert!(
        refused.err.contains("another process follows the queue"),
        "{}",
        refused.err
    );
    drop(following.kill());
    agree(&world, 2, 1);
    let last = run(with_queue(&["bulk", "follow", "--interval", "1", "--json"]));
    assert_eq!(last.code, 1, "{}", last.err);
    // The one that was being kept when the other was killed may be printed again.
    let new = &decisions(&last.lines()) - &expected;
    assert_eq!(new, [decision(2, 1, "linked")].into());
    let status = run(with_queue(&["bulk", "status", "--json"]));
    let ended = &status.json()["ended"];
    let expected = json!([
        {"outcome": "linked", "rows": 3}, {"outcome": "declined", "rows": 1},
    ]);
    assert_eq!(ended, &expected);
    assert_eq!(report_rows(&world.dir.join("bulk.results"), "linked"), 3);

    let collected = run(with_queue(&["bulk", "collect", "--purge", "--json"]));
    assert_eq!(collected.code, 1, "{}", collected.err);
    let lines = collected.lines();
    assert_eq!(decisions(&lines).len(), 4);
    assert_eq!(
        lines.last().unwrap()["summary"]["outcomes"],
        json!({"linked": 3, "declined": 1})
    );
    let empty = run(with_queue(&["bulk", "status", "--json"]));
    assert_eq!(empty.json()["pushed"], 0);
}
