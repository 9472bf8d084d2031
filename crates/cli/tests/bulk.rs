//! `wxlink bulk`: the plan and the confirmation, jobs that are killed and resumed, and queues.
#![cfg(unix)]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use common::*;
use serde_json::{Value, json};
use wxlink_testkit::redis::Redis;
use wxlink_testkit::world::{self, World};

/// The program, set up as the world's platform, in the world's folder.
fn platform(world: &World, arguments: &[&str]) -> Command {
    let mut command = bare(arguments);
    command
        .current_dir(&world.dir)
        .env("WXLINK_BASE_URL", world.sandbox.http_url())
        .env("WXLINK_COMPONENT_APPID", "wx0c00000000000001")
        .env("WXLINK_COMPONENT_APPSECRET", "HUSHHUSH")
        .env("WXLINK_STORE", store(world))
        .env("WXLINK_SETTLE_MS", "500");
    command
}

fn store(world: &World) -> String {
    format!("file:{}/tokens", world.dir.display())
}

/// A world with this many accounts and mini programs, and `links.csv` with a row for each pair.
fn world(name: &str, accounts: usize, apps: usize, notify: u8) -> World {
    let world = World::new(name, accounts, apps);
    let authorizers: serde_json::Map<_, _> = (1..=accounts)
        .map(|n| (world::account(n), json!({"refresh_token": format!("R{n}")})))
        .collect();
    let component = json!({
        "appid": "wx0c00000000000001",
        "appsecret": "HUSHHUSH",
        "ticket": "TICKET",
        "authorizers": authorizers,
    });
    world.admin("PUT", "component", component);
    let mut rows = "account,appid,notify_users,show_profile\n".to_owned();
    for p in 1..=apps {
        for a in 1..=accounts {
            rows += &format!("{},{},{notify},1\n", world::account(a), world::appid(p));
        }
    }
    fs::write(world.dir.join("links.csv"), rows).unwrap();
    let ran = run_with(platform(&world, &["platform", "set-ticket"]), "TICKET\n");
    assert_eq!(ran.code, 0, "{}", ran.err);
    world
}

fn processed(world: &World) -> u64 {
    let counts = world.admin("GET", "journal/counts", Value::Null);
    counts["processed"]["link"].as_u64().unwrap()
}

/// How many rows have a record in the job's journal.
fn journal(world: &World) -> usize {
    let path = world.dir.join("links.csv.job/journal.jsonl");
    let is_record = |line: &&str| line.contains("\"outcome\"");
    fs::read_to_string(path).map_or(0, |text| text.lines().filter(is_record).count())
}

const FAST: [&str; 4] = ["--rate", "off", "--account-rate", "off"];

#[test]
fn followers_are_not_messaged_without_confirmation() {
    let world = world("cli-ask", 2, 2, 1);
    let planned = run(platform(
        &world,
        &["bulk", "links.csv", "--dry-run", "--json"],
    ));
    assert_eq!(planned.code, 0, "{}", planned.err);
    let lines = planned.lines();
    assert_eq!(lines.len(), 5);
    assert!(lines[..4].iter().all(|l| l["action"] == "post"));
    assert_eq!(lines[4]["plan"]["actions"]["post"], 4);
    assert_eq!(lines[4]["plan"]["notified_accounts"], 2);

    // Without a terminal, the command cannot ask for confirmation.
    let refused = run(platform(&world, &["bulk", "links.csv"]));
    assert_eq!((refused.code, processed(&world)), (2, 0));
    assert!(refused.err.contains("--yes"), "{}", refused.err);
    assert!(!world.dir.join("links.csv.job").exists());

    // Files that were in the job's folder before stay there when the job is discarded.
    let folder = world.dir.join("mine");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("kept"), "").unwrap();
    let refused = run(platform(&world, &["bulk", "links.csv", "--job", "mine"]));
    assert_eq!(refused.code, 2);
    let left: Vec<_> = fs::read_dir(&folder).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(folder.join("kept").exists());

    let arguments = [&["bulk", "links.csv", "--yes", "--json"][..], &FAST].concat();
    let done = run(platform(&world, &arguments));
    assert_eq!((done.code, processed(&world)), (3, 4), "{}", done.err);
    let lines = done.lines();
    assert!(lines[..4].iter().all(|l| l["outcome"] == "invited"));
    assert_eq!(lines[4]["summary"]["outcomes"], json!({"invited": 4}));
    let again = run(platform(&world, &arguments));
    assert_eq!(again.code, 2);
    assert!(
        again.json()["message"]
            .as_str()
            .unwrap()
            .contains("--resume")
    );
}

/// A file of rows, and what the command reports about it.
struct Refused {
    file: Vec<u8>,
    message: &'static str,
}

#[test]
fn rows_that_spreadsheets_damaged_are_refused_before_anything_is_sent() {
    let world = world("cli-rows", 1, 1, 0);
    let head = "account,appid,notify_users,show_profile\n";
    let (account, appid) = (world::account(1), world::appid(1));
    let good = format!("{account},{appid},0,1\n");
    let refused = |file: String, message| Refused {
        file: file.into_bytes(),
        message,
    };
    let with_mark = format!("\u{feff}{head}{good}");
    let files = [
        refused(
            format!("{head}{good}{account},{appid}\u{200b},0,1\n"),
            "line 3: appid contains U+200B (zero-width space)",
        ),
        refused(
            format!("{head}{good}=\"{account}\",{appid},0,1\n"),
            "line 3: account contains \"=\" (U+003D",
        ),
        refused(
            format!("sep=;\n{head}{good}")
                .replace(',', ";")
                .replace(";0;", ";０;"),
            "line 3: invalid notify_users \"０\"",
        ),
        refused(
            format!("[{{\"account\":\"{account}\"}}]"),
            "line 1: missing appid",
        ),
        Refused {
            file: with_mark
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .chain(*b"\0\xd8x\0")
                .collect(),
            message: "line 3: invalid UTF-16",
        },
        Refused {
            file: [head.as_bytes(), good.as_bytes(), b"caf\xe9,b,0,1\n"].concat(),
            message: "line 3: neither UTF-8 nor GBK",
        },
    ];
    for Refused { file, message } in files {
        fs::write(world.dir.join("links.csv"), file).unwrap();
        for dry_run in [&["--dry-run"][..], &["--yes"]] {
            let arguments = [&["bulk", "links.csv"][..], dry_run].concat();
            let ran = run(platform(&world, &arguments));
            assert_eq!(ran.code, 2, "{message}: {}", ran.err);
            assert!(ran.err.contains(message), "{message}: {}", ran.err);
            assert!(!world.dir.join("links.csv.job").exists(), "{message}");
        }
    }
    let received = world.admin("GET", "journal/counts", Value::Null);
    assert_eq!(received["received"]["get"], 0, "{received}");
    assert_eq!(received["received"]["link"], 0, "{received}");
}

#[test]
fn a_job_whose_journal_cannot_be_written_is_kept() {
    let world = world("cli-full", 1, 100, 0);
    world.admin(
        "PUT",
        &format!("accounts/{}", world::account(1)),
        json!({"subject": "s",
        "limits": {"same_subject": 1000, "different_subject": 1000, "monthly": 1000}}),
    );
    world.admin("PUT", "tokens/TOKEN", json!({"account": world::account(1)}));
    // Limits the size of every file: the rows fit, but not the results of all of them.
    let limited =
        "trap '' XFSZ; ulimit -f 24; exec \"$0\" bulk links.csv --rate off --account-rate off";
    let mut command = Command::new("sh");
    command
        .args(["-c", limited, PROGRAM])
        .current_dir(&world.dir)
        .env_clear()
        .env("WXLINK_BASE_URL", world.sandbox.http_url())
        .env("WXLINK_TOKEN_COMMAND", "echo TOKEN");
    let full = run(command);
    assert_eq!(full.code, 5, "{}", full.err);
    assert!(
        full.err.contains("journal.jsonl") && full.err.contains("--resume"),
        "{}",
        full.err
    );
    assert!(journal(&world) > 0);
    let resumed = run(platform(
        &world,
        &[&["bulk", "links.csv", "--resume"][..], &FAST].concat(),
    ));
    assert_eq!(
        (resumed.code, processed(&world)),
        (3, 100),
        "{}",
        resumed.err
    );
}

#[test]
fn a_killed_job_is_resumed_and_posts_nothing_twice() {
    let world = world("cli-kill", 60, 10, 0);
    let command = |more: &[&str]| {
        let mut command = platform(
            &world,
            &[&["bulk", "links.csv", "--workers", "4"][..], &FAST, more].concat(),
        );
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    for round in 0..6 {
        let more: &[&str] = if round == 0 { &[] } else { &["--resume"] };
        let target = 80 * (round + 1);
        let mut child = command(more).spawn().unwrap();
        until(|| journal(&world) >= target || child.try_wait().unwrap().is_some());
        let _ = child.kill();
        child.wait().unwrap();
    }
    let report = world.dir.join("links.csv.job/report");
    let rows =
        |name: &str| fs::read_to_string(report.join(name)).map_or(0, |t| t.lines().count() - 1);
    // A row that the killed job had claimed and not posted is deferred until its claim ends.
    let resume = || {
        let ran = run(platform(
            &world,
            &[&["bulk", "links.csv", "--resume"][..], &FAST].concat(),
        ));
        assert!(ran.code == 3 || rows("deferred.csv") > 0, "{}", ran.err);
        ran.code == 3
    };
    until(resume);
    assert_eq!(processed(&world), 600);
    assert_eq!(rows("invited.csv") + rows("pending.csv"), 600);
    assert!(rows("pending.csv") <= 6 * 4, "{}", rows("pending.csv"));
}

#[test]
fn ctrl_c_stops_a_job_that_can_be_resumed() {
    let world = world("cli-int", 40, 5, 0);
    // Slow enough that it cannot finish first, even if this process gets little time.
    let arguments = ["bulk", "links.csv", "--rate", "5/s"];
    let ran = interrupted(platform(&world, &arguments), "INT", || journal(&world) > 3);
    assert_eq!(ran.code, 130, "{}", ran.err);
    assert!(ran.err.contains("--resume"), "{}", ran.err);
    // What was posted is in the journal.
    assert_eq!(journal(&world) as u64, processed(&world));
    let arguments = [
        &["bulk", "--job", "links.csv.job", "--resume", "--json"][..],
        &FAST,
    ]
    .concat();
    let ran = run(platform(&world, &arguments));
    assert_eq!((ran.code, processed(&world)), (3, 200), "{}", ran.err);
}

#[test]
fn errors_are_reported_before_anything_is_sent() {
    let world = world("cli-bad", 2, 1, 0);
    let bad = "account,appid,notify_users,show_profile\nwx0a,,0,1\nwx0a,wx0b,2,1\n";
    fs::write(world.dir.join("bad.csv"), bad).unwrap();
    for (arguments, message) in [
        (&["bulk"][..], "name the rows"),
        (&["bulk", "nowhere.csv"], "nowhere.csv cannot be read"),
        (&["bulk", "bad.csv"], "line 3: invalid notify_users"),
        (&["bulk", "-"], "--job DIR"),
        (&["bulk", "links.csv", "--resume"], "holds no job"),
        (&["bulk", "links.csv", "--rate", "fast"], "60/m"),
        (&["bulk", "push", "links.csv"], "WXLINK_QUEUE"),
        (
            &["bulk", "status", "--queue", "redis://:HUSHHUSH@127.0.0.1"],
            "WXLINK_QUEUE",
        ),
        (
            &["bulk", "status", "--queue", "http://127.0.0.1"],
            "redis://",
        ),
        (
            &[
                "bulk",
                "work",
                "--queue",
                "redis://127.0.0.1:1",
                "--lease",
                "15",
            ],
            "twice timeout_ms",
        ),
    ] {
        let ran = run(platform(&world, arguments));
        assert_eq!(ran.code, 2, "{arguments:?} {}", ran.err);
        assert!(ran.err.contains(message), "{arguments:?} {}", ran.err);
    }
    // A token serves one account only.
    let mut command = bare(&["bulk", "links.csv"]);
    command
        .current_dir(&world.dir)
        .env("WXLINK_ACCESS_TOKEN", "T");
    let ran = run(command);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("token_command"), "{}", ran.err);
    assert_eq!(fs::read_dir(&world.dir).unwrap().count(), 3);
    assert_eq!(processed(&world), 0);
}

#[test]
fn a_job_is_not_resumed_with_other_rows() {
    let world = world("cli-other", 2, 1, 0);
    let arguments = [&["bulk", "links.csv"][..], &FAST].concat();
    assert_eq!(run(platform(&world, &arguments)).code, 3);
    let path = world.dir.join("links.csv");
    let rows = fs::read_to_string(&path).unwrap();
    fs::write(&path, rows.replace(&world::account(2), &world::account(1))).unwrap();
    let ran = run(platform(&world, &["bulk", "links.csv", "--resume"]));
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("other rows"), "{}", ran.err);
    // The report of a job can be the rows of another job.
    let report = "links.csv.job/report/invited.csv";
    let again = [&["bulk", report, "--job", "again"][..], &FAST].concat();
    assert_eq!(
        (run(platform(&world, &again)).code, processed(&world)),
        (3, 2)
    );
}

#[test]
fn files_of_the_user_are_neither_replaced_nor_removed() {
    let world = world("cli-mine", 2, 1, 1);
    let mine = world.dir.join("mine");
    fs::create_dir(&mine).unwrap();
    let rows = |n: usize| {
        let (account, appid) = (world::account(n), world::appid(1));
        let row = json!({
            "account": account,
            "appid": appid,
            "notify_users": 1,
            "show_profile": 1,
            "note": n.to_string(),
        });
        format!("{row}\n")
    };
    // The rows are not sorted by account; a job would sort them.
    let text = [rows(1), rows(2), rows(1)].concat();
    fs::write(mine.join("rows.jsonl"), &text).unwrap();
    fs::write(mine.join("failed.csv"), "mine").unwrap();
    std::os::unix::fs::symlink("mine", world.dir.join("link")).unwrap();
    let (file, dot) = (
        mine.join("rows.jsonl"),
        [".", "./x/..", "../mine", "../link"],
    );
    for yes in [&[][..], &["--yes"]] {
        for job in dot {
            let arguments = [&["bulk", "rows.jsonl", "--job", job][..], yes].concat();
            let mut command = platform(&world, &arguments);
            command.current_dir(&mine);
            let ran = run(command);
            assert_eq!(ran.code, 2, "{arguments:?} {}", ran.err);
            assert!(ran.err.contains("--job"), "{arguments:?} {}", ran.err);
            assert_eq!(fs::read_to_string(&file).unwrap(), text, "{arguments:?}");
            assert_eq!(fs::read_dir(&mine).unwrap().count(), 2, "{arguments:?}");
        }
    }
    // Rows that notify users need a confirmation, so no job is created.
    let refused = run(platform(
        &world,
        &["bulk", "links.csv", "--job", "job", "--rate", "off"],
    ));
    assert_eq!((refused.code, world.dir.join("job").exists()), (2, false));
    assert_eq!(processed(&world), 0);

    let Some(redis) = Redis::start("the queue") else {
        return;
    };
    // Nor does `collect` replace or remove them.
    let push = ["bulk", "push", "../links.csv", "--queue", &redis.url()];
    let collect = ["bulk", "collect", "--queue", &redis.url(), "--into"];
    for arguments in [&push[..], &["bulk", "work", "--queue", &redis.url()]] {
        let mut command = platform(&world, arguments);
        command.current_dir(&mine);
        assert_eq!(run(command).code, 0, "{arguments:?}");
    }
    fs::rename(&file, world.dir.join("rows.jsonl")).unwrap();
    for into in [".", "./x/..", "../mine", "../link"] {
        let arguments = [&collect[..], &[into, "--purge"]].concat();
        let mut command = platform(&world, &arguments);
        command.current_dir(&mine);
        let ran = run(command);
        assert_eq!(ran.code, 2, "{arguments:?} {}", ran.err);
        let message = if into == "./x/.." {
            "cannot hold results"
        } else {
            "failed.csv"
        };
        assert!(ran.err.contains(message), "{into} {}", ran.err);
        assert_eq!(fs::read_to_string(mine.join("failed.csv")).unwrap(), "mine");
        assert_eq!(fs::read_dir(&mine).unwrap().count(), 1, "{arguments:?}");
    }
    // The queue still exists, and a second purge does not change the results of the first.
    let csv = world.dir.join("bulk.results/invited.csv");
    let mut first = Vec::new();
    for _ in 0..2 {
        let mut command = platform(&world, &collect[..4]);
        command.arg("--purge");
        let ran = run(command);
        assert!([0, 3].contains(&ran.code), "{}", ran.err);
        let now = fs::read(&csv).unwrap();
        assert!(first.is_empty() || now == first);
        first = now;
    }
    // The rows are read once, so they may come from a pipe.
    for input in ["-", "/dev/stdin"] {
        let name = format!("pipe{}", input.len());
        let push = [
            "bulk",
            "push",
            input,
            "--queue",
            &redis.url(),
            "--name",
            &name,
        ];
        let mut command = platform(&world, &push);
        command.stdin(Stdio::piped());
        let ran = run_with(command, &text);
        assert_eq!(ran.code, 0, "{input}: {}", ran.err);
    }
}

#[test]
fn ambiguous_rows_are_refused_with_their_line() {
    let world = world("cli-rows", 3, 1, 0);
    let (a, p) = ([1, 2, 3].map(world::account), world::appid(1));
    let head = "account,appid,notify_users,show_profile,note";
    let unclosed = format!(
        "{head}\n{},{p},0,1,\"Beijing shop\n{},{p},0,1,x\n{},{p},0,1,y\n",
        a[0], a[1], a[2]
    );
    let swallowed = format!(
        "{head}\n\n{},{p},0,1,\"Beijing\n{},{p},0,1,x\"\n",
        a[0], a[1]
    );
    let twice = format!(
        "{{\"account\":\"{}\",\"appid\":\"{p}\",\
         \"notify_users\":0,\"notify_users\":1,\"show_profile\":1}}\n",
        a[0]
    );
    for (name, text, message) in [
        (
            "unclosed.csv",
            unclosed,
            "line 2: a quote is opened and never closed",
        ),
        (
            "swallowed.csv",
            swallowed,
            "line 3: a quoted cell continues on line 4",
        ),
        (
            "twice.jsonl",
            twice,
            "line 1: invalid JSON: duplicate key \"notify_users\"",
        ),
    ] {
        fs::write(world.dir.join(name), text).unwrap();
        for more in [&["--yes"][..], &["--dry-run"]] {
            let ran = run(platform(&world, &[&["bulk", name][..], more].concat()));
            assert_eq!(ran.code, 2, "{name} {}", ran.err);
            assert!(ran.err.contains(message), "{name} {}", ran.err);
        }
        assert!(!world.dir.join(format!("{name}.job")).exists());
    }
    assert_eq!(processed(&world), 0);
    // A note with a line break is not ambiguous.
    let remark = format!(
        "{head}\n{},{p},0,1,\"Beijing,\nthe shop\"\n{},{p},0,1,\n",
        a[0], a[1]
    );
    fs::write(world.dir.join("remark.csv"), remark).unwrap();
    let arguments = [&["bulk", "remark.csv", "--json"][..], &FAST].concat();
    let ran = run(platform(&world, &arguments));
    assert_eq!(ran.code, 3, "{}", ran.err);
    let mut lines: Vec<_> = ran
        .lines()
        .iter()
        .filter_map(|l| l["line"].as_u64())
        .collect();
    lines.sort_unstable();
    assert_eq!((lines, processed(&world)), (vec![2, 4], 2));
}

#[test]
fn a_job_that_was_not_created_completely_is_replaced() {
    let world = world("cli-half", 3, 40, 1);
    // Limits the size of every file to half a kilobyte, as on a full disk.
    let limited = "trap '' XFSZ; ulimit -f 1; exec \"$0\" bulk links.csv --yes";
    let mut command = platform(&world, &[]);
    let mut full = Command::new("sh");
    full.args(["-c", limited, PROGRAM])
        .current_dir(&world.dir)
        .env_clear();
    for (name, value) in command.get_envs() {
        full.env(name, value.unwrap_or_default());
    }
    let ran = run(full);
    assert_eq!(ran.code, 5, "{}", ran.err);
    assert!(!world.dir.join("links.csv.job").exists(), "{}", ran.err);

    // Killed while it plans, before the confirmation; the rows are changed before the next run.
    for round in 0..2 {
        command = platform(&world, &["bulk", "links.csv", "--rate", "1/s"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let made = || world.dir.join("links.csv.job/job.json").exists();
        let received = || {
            let counts = world.admin("GET", "journal/counts", Value::Null);
            counts["received"]["get"].as_u64().unwrap()
        };
        until(|| (made() && received() > round) || child.try_wait().unwrap().is_some());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(made());
        let path = world.dir.join("links.csv");
        let rows = fs::read_to_string(&path).unwrap();
        fs::write(&path, &rows[..rows.trim_end().rfind('\n').unwrap()]).unwrap();
    }
    let arguments = [&["bulk", "links.csv", "--yes"][..], &FAST].concat();
    let ran = run(platform(&world, &arguments));
    assert_ne!(ran.code, 2, "{}", ran.err);
    assert_eq!(journal(&world), 118, "{}", ran.err);
    // A job that has run is not replaced.
    assert_eq!(run(platform(&world, &arguments)).code, 2);
}

/// The examples in a subcommand's help, with the URL of this Redis.
fn examples(subcommand: &str, redis: &Redis) -> Vec<Vec<String>> {
    let help = run(bare(&["bulk", subcommand, "--help"])).out;
    let (_, examples) = help.split_once("\nExamples:\n").unwrap();
    let lines = examples.lines().map(str::trim);
    let commands = lines.filter(|line| line.starts_with("wxlink ") && line.contains("redis://"));
    let words = |line: &str| {
        let line = line.replace("redis://127.0.0.1", &redis.url());
        let line = line.replace("127.0.0.1:9464", "127.0.0.1:0");
        line.split(' ').skip(1).map(Into::into).collect()
    };
    commands.map(words).collect()
}

#[test]
fn a_queue_is_filled_worked_off_and_collected() {
    let Some(redis) = Redis::start("the queue") else {
        return;
    };
    let world = world("cli-queue", 6, 4, 0);
    let ran_all = |subcommand| {
        let run_one = |arguments: Vec<String>| {
            let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
            // With --stay it would not exit.
            let words = words
                .into_iter()
                .filter(|w| *w != "--stay")
                .collect::<Vec<_>>();
            run(platform(&world, &words))
        };
        examples(subcommand, &redis)
            .into_iter()
            .map(run_one)
            .collect::<Vec<ProgramOutput>>()
    };
    let [pushed] = &ran_all("push")[..] else {
        panic!()
    };
    assert_eq!(pushed.code, 0, "{}", pushed.err);
    assert!(pushed.out.contains("24 rows pushed"), "{}", pushed.out);
    let again = run(platform(
        &world,
        &[
            "bulk",
            "push",
            "links.csv",
            "--queue",
            &redis.url(),
            "--json",
        ],
    ));
    assert_eq!(again.json()["pushed"], 0);
    let status = &ran_all("status")[0].out;
    assert!(status.contains("24    waiting for a worker"), "{status}");
    let unfinished = run(platform(
        &world,
        &["bulk", "collect", "--queue", &redis.url()],
    ));
    assert_eq!(unfinished.code, 5, "{}", unfinished.err);

    for ran in ran_all("work") {
        assert_eq!(ran.code, 0, "{}", ran.err);
    }
    assert_eq!(processed(&world), 24);
    let collected = ran_all("collect");
    assert_eq!(collected.len(), 2);
    assert_eq!(collected[0].code, 3, "{}", collected[0].err);
    let lines = collected[0].lines();
    assert_eq!(lines.len(), 25);
    assert!(
        lines[..24]
            .iter()
            .all(|l| l["outcome"] == "invited" && l["job"].is_string())
    );
    let file = fs::read_to_string(world.dir.join("bulk.results/invited.csv")).unwrap();
    assert_eq!(file.lines().count(), 25);
    // The second example removed the queue.
    let status = run(platform(
        &world,
        &["bulk", "status", "--queue", &redis.url(), "--json"],
    ));
    assert_eq!(status.json()["pushed"], 0);
    assert!(Path::new(&world.dir).join("links.csv").exists());
}

#[test]
fn outcomes_of_a_queue_are_described_as_a_queue_treats_them() {
    let Some(redis) = Redis::start("the queue") else {
        return;
    };
    let world = world("cli-queue-words", 1, 1, 0);
    let (account, url) = (world::account(1), redis.url());
    let limits = json!({"same_subject": 100, "different_subject": 3, "monthly": 0});
    let limited = json!({"subject": "s", "limits": limits});
    world.admin("PUT", &format!("accounts/{account}"), limited);
    let ran = |subcommand, more: &[&str]| {
        let arguments = [&["bulk", subcommand, "--queue", &url][..], more].concat();
        run(platform(&world, &arguments))
    };
    let pushed = ran("push", &["links.csv"]);
    assert!(pushed.out.contains("1 row pushed"), "{}", pushed.out);
    for (subcommand, code, expected) in [
        ("work", 0, "workers do it when it is due"),
        ("status", 0, "an invitation is in doubt; the first are due"),
        ("collect", 5, "deferred rows when they are due"),
    ] {
        let ran = ran(subcommand, &[]);
        assert_eq!(ran.code, code, "{subcommand}: {}", ran.err);
        let text = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(expected), "{subcommand}: {text}");
        // These are for jobs.
        for option in ["--resume", "--retry-failed"] {
            assert!(!text.contains(option), "{subcommand}: {text}");
        }
    }
}

#[test]
fn the_user_s_columns_are_in_the_report_and_in_json() {
    let world = world("cli-columns", 1, 1, 0);
    let (account, appid) = (world::account(1), world::appid(1));
    let rows =
        format!("备注,account,appid,notify_users,show_profile,id\n=1,{account},{appid},0,1,007\n");
    fs::write(world.dir.join("links.csv"), rows).unwrap();
    let planned = run(platform(
        &world,
        &["bulk", "links.csv", "--dry-run", "--json"],
    ));
    let other = json!({"备注": "=1", "id": "007"});
    assert_eq!(planned.lines()[0]["other"], other);
    let arguments = [&["bulk", "links.csv", "--yes", "--json"][..], &FAST].concat();
    let done = run(platform(&world, &arguments));
    assert_eq!(done.lines()[0]["other"], other);
    assert!(done.out.contains(r#""other":{"备注":"=1","id":"007"}"#));
    let report = world.dir.join("links.csv.job/report/invited.csv");
    let report = fs::read_to_string(report).unwrap();
    let mut lines = report.lines();
    assert!(lines.next().unwrap().ends_with(",remedy,备注,id"));
    assert!(lines.next().unwrap().ends_with(",'=1,007"));
    // What the command printed is the input of another job.
    fs::write(world.dir.join("again.jsonl"), done.lines()[0].to_string()).unwrap();
    let again = [&["bulk", "again.jsonl", "--json"][..], &FAST].concat();
    let again = run(platform(&world, &again));
    let result = again
        .lines()
        .into_iter()
        .find(|line| line["outcome"].is_string());
    assert_eq!(result.unwrap()["other"], other, "{}", again.err);
}

#[test]
fn a_template_is_filled_in_and_read_and_replaces_no_file() {
    let world = world("cli-template", 1, 1, 0);
    let (account, appid) = (world::account(1), world::appid(1));
    for (lang, header) in [
        ("en", "account,appid,notify_users,show_profile"),
        ("zh", "公众号appid,小程序appid,通知粉丝,展示小程序"),
    ] {
        let name = format!("{lang}.csv");
        let arguments = ["bulk", "template", "--lang", lang, &name];
        let made = run(platform(&world, &arguments));
        assert_eq!((made.code, &*made.err), (0, ""));
        let path = world.dir.join(&name);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, format!("\u{feff}{header}\r\n"));
        // The empty template is no error of the reader, but has no rows.
        let empty = run(platform(&world, &["bulk", &name, "--dry-run"]));
        assert_eq!(empty.code, 2);
        assert!(empty.err.contains("no rows"), "{}", empty.err);
        fs::write(&path, format!("{text}{account},{appid},否,1\r\n")).unwrap();
        let filled = fs::read(&path).unwrap();
        let again = run(platform(&world, &arguments));
        assert_eq!(again.code, 2, "{}", again.err);
        assert_eq!(fs::read(&path).unwrap(), filled);
        let planned = run(platform(&world, &["bulk", &name, "--dry-run", "--json"]));
        assert_eq!(planned.lines()[0]["action"], "post", "{}", planned.err);
    }
    // Without a name, links.csv is written, which exists here.
    let default = run(platform(&world, &["bulk", "template"]));
    assert_eq!(default.code, 2);
    assert!(default.err.contains("links.csv exists"), "{}", default.err);
    // A workbook: the command reads what it wrote, and does not replace it.
    let arguments = ["bulk", "template", "--lang", "zh", "关联.XLSX"];
    let made = run(platform(&world, &arguments));
    assert_eq!((made.code, &*made.err), (0, ""));
    assert_eq!(run(platform(&world, &arguments)).code, 2);
    let empty = run(platform(&world, &["bulk", "关联.XLSX", "--dry-run"]));
    assert_eq!(empty.code, 2);
    assert!(empty.err.contains("no rows"), "{}", empty.err);
    for (name, expected) in [
        ("links.ods", "a template is CSV or XLSX"),
        ("no/links.csv", "written"),
    ] {
        let refused = run(platform(&world, &["bulk", "template", name]));
        assert_eq!(refused.code, 2);
        assert!(refused.err.contains(expected), "{}", refused.err);
    }
}

#[test]
fn workbooks_and_gbk_are_read_and_errors_name_the_sheet() {
    let world = world("cli-workbook", 1, 2, 0);
    let inputs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bulk/tests/inputs");
    fs::copy(inputs.join("links.xlsx"), world.dir.join("links.xlsx")).unwrap();
    let plan = |file: &str, more: &[&str]| {
        let arguments = [&["bulk", file, "--dry-run", "--json"][..], more].concat();
        run(platform(&world, &arguments))
    };
    let planned = plan("links.xlsx", &[]);
    let lines = planned.lines();
    assert_eq!(lines.len(), 3, "{}", planned.err);
    assert_eq!(
        (&lines[0]["line"], &lines[1]["line"]),
        (&json!(3), &json!(6))
    );
    assert_eq!(lines[0]["other"]["日期"], "2026-11-26");
    for (sheet, expected) in [
        (
            "Wrong",
            "line 2: appid contains \"#\" (U+0023) as its character 1",
        ),
        ("Other", "links.xlsx, line 1: missing column account"),
        ("Third", "the workbook has no sheet \"Third\""),
    ] {
        let refused = plan("links.xlsx", &["--sheet", sheet]);
        assert_eq!(refused.code, 2);
        let line = refused.json();
        let message = line["message"].as_str().unwrap();
        assert!(message.contains(expected), "{message}");
    }
    // 公众号,小程序,通知粉丝,展示 and 备注 in GBK.
    let head =
        b"\xb9\xab\xd6\xda\xba\xc5,\xd0\xa1\xb3\xcc\xd0\xf2,\xcd\xa8\xd6\xaa\xb7\xdb\xcb\xbf,\
                 \xd5\xb9\xca\xbe,\xb1\xb8\xd7\xa2\n";
    let row = format!("{},{},0,1,", world::account(1), world::appid(1));
    let file = [head, row.as_bytes(), b"\xb2\xe8\n"].concat();
    fs::write(world.dir.join("gbk.csv"), file).unwrap();
    for more in [&[][..], &["--encoding", "gb18030", "--format", "csv"]] {
        let planned = plan("gbk.csv", more);
        assert_eq!(
            planned.lines()[0]["other"],
            json!({"备注": "茶"}),
            "{}",
            planned.err
        );
    }
    let refused = plan("gbk.csv", &["--encoding", "utf-8"]);
    let line = refused.json();
    let message = line["message"].as_str().unwrap();
    assert!(message.contains("--encoding gb18030"), "{message}");
}
