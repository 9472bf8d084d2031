//! The same work on many machines, through a queue in a Redis.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use serde_json::json;
use wxlink_bulk::{
    OutcomeCount, Queue, QueueStatus, QueuedResult, Record, Runner, Tally, Verdict, WorkerConfig,
    WorkerStatus,
};

use super::arguments::{self, Source};
use super::progress::while_told;
use super::{client, cut_short, stop, told};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{FAINT, GOOD};
use crate::table::{Cell, Table};
use crate::{examples, settings};

/// A worker that has said nothing for so long is not shown (ms).
const SILENT: u64 = 60_000;
/// Where the queue is, unless an argument says so.
const VARIABLE: &str = "WXLINK_QUEUE";

pub(super) fn commands() -> [Command; 4] {
    let [notify, show, format] = {
        let [_, notify, show, format] = arguments::of_rows();
        [notify, show, format]
    };
    let [file, ..] = arguments::of_rows();
    [
        Command::new("push")
            .about("Put rows into a queue; again, if it was interrupted: nothing is put there twice")
            .arg(file.required(true).help("The rows: a CSV or JSONL file"))
            .args([notify, show, format])
            .args(of_a_queue())
            .arg(
                Arg::new("job")
                    .long("job")
                    .value_name("NAME")
                    .help("What to call the job; else it is named by what its rows hold, and the same rows are the same job"),
            )
            .args(arguments::of_rates())
            .after_help(examples(&[(
                "all workers together make no more than 200 calls a second",
                "wxlink bulk push links.csv --queue redis://127.0.0.1 --rate 200/s",
            )])),
        Command::new("work")
            .about("Work for a queue, on as many machines as you like, until nothing is left")
            .args(of_a_queue())
            .args(arguments::of_a_crew())
            .arg(
                Arg::new("lease")
                    .long("lease")
                    .value_name("SECONDS")
                    .value_parser(value_parser!(u64).range(5..=3600))
                    .default_value("30")
                    .help("After so long without a sign of life others take over; more than twice timeout_ms"),
            )
            .arg(
                Arg::new("stay")
                    .long("stay")
                    .action(ArgAction::SetTrue)
                    .help("Wait for more when nothing is left"),
            )
            .after_help(examples(&[
                ("until nothing is left but what is due another day", "wxlink bulk work --queue redis://127.0.0.1"),
                ("for good, as a service", "wxlink bulk work --queue redis://127.0.0.1 --stay"),
            ])),
        Command::new("status")
            .about("How a queue stands")
            .args(of_a_queue())
            .after_help(examples(&[("look", "wxlink bulk status --queue redis://127.0.0.1")])),
        Command::new("collect")
            .about("Fetch the results: a CSV per outcome, and with --json a line each")
            .args(of_a_queue())
            .arg(
                Arg::new("into")
                    .long("into")
                    .value_name("DIR")
                    .value_parser(value_parser!(PathBuf))
                    .help("Where to write the files, a new folder or an earlier one [default: NAME.results]"),
            )
            .arg(
                Arg::new("follow")
                    .long("follow")
                    .action(ArgAction::SetTrue)
                    .help("Wait for results until every row has one"),
            )
            .arg(
                Arg::new("purge")
                    .long("purge")
                    .action(ArgAction::SetTrue)
                    .help("Then remove the queue, if every row has a result"),
            )
            .after_help(examples(&[
                ("results as they come, for a program", "wxlink bulk collect --queue redis://127.0.0.1 --follow --json"),
                ("at the end", "wxlink bulk collect --queue redis://127.0.0.1 --purge"),
            ])),
    ]
}

fn of_a_queue() -> [Arg; 2] {
    [
        Arg::new("queue").long("queue").value_name("URL").help(
            "The queue's Redis, 6.2 or newer, or Valkey: redis://HOST[:PORT][/DB] or rediss://…; else WXLINK_QUEUE, \
             where a password belongs",
        ),
        Arg::new("name")
            .long("name")
            .value_name("NAME")
            .default_value("bulk")
            .help("Which of its queues"),
    ]
}

pub(super) fn run(context: &Context, name: &str, matches: &ArgMatches) -> Result<Verdict, Failure> {
    let queue = queue(matches)?;
    match name {
        "push" => push(context, &queue, matches),
        "work" => work(context, &queue, matches),
        "status" => {
            tell(context, &queue.status()?);
            Ok(Verdict::Done)
        }
        _ => collect(context, &queue, matches),
    }
}

fn queue(matches: &ArgMatches) -> Result<Queue, Failure> {
    let flag = matches.get_one::<String>("queue");
    if flag.is_some_and(|url| settings::holds_login(url)) {
        return Err(Failure::Usage(format!(
            "--queue holds a password, which everybody on the machine could read: put it into {VARIABLE}"
        )));
    }
    let url = match flag {
        Some(url) => Some(url.clone()),
        None => settings::variable(VARIABLE)?,
    };
    let Some(url) = url else {
        return Err(Failure::Usage(format!(
            "say where the queue is: --queue redis://HOST, or {VARIABLE}"
        )));
    };
    let name = matches.get_one::<String>("name").map_or("", String::as_str);
    Ok(Queue::new(&url, name)?)
}

fn push(context: &Context, queue: &Queue, matches: &ArgMatches) -> Result<Verdict, Failure> {
    let out = context.out;
    let Some(source) = Source::of(matches).filter(Source::is_read_twice) else {
        let why = "rows are read twice, first to check them: name a file, not a pipe";
        return Err(Failure::Usage(why.into()));
    };
    let job = matches.get_one::<String>("job").map(String::as_str);
    let stop = stop();
    let rates = arguments::rates(matches);
    let pushed = AtomicU64::new(0);
    let rows = || source.rows();
    let now = || (pushed.load(Ordering::Relaxed), String::new());
    let pushed_job = while_told(out, "pushing", source.count()?, now, || {
        queue.push(rows, job, rates, &stop, &|n| {
            pushed.store(n, Ordering::Relaxed)
        })
    })?;
    let json = json!({"job": pushed_job.job, "pushed": pushed_job.new_rows});
    out.result(&json, || {
        let (rows, job) = (told::number(pushed_job.new_rows), &pushed_job.job);
        out.line(format_args!(
            "{GOOD}{rows} rows pushed{GOOD:#}, as job {job}."
        ));
    });
    Ok(Verdict::Done)
}

fn work(context: &Context, queue: &Queue, matches: &ArgMatches) -> Result<Verdict, Failure> {
    let out = context.out;
    let client = client(context, None)?;
    let stop = stop();
    let lease = arguments::seconds(matches, "lease");
    let config = WorkerConfig::new(lease, matches.get_flag("stay"), &client)?;
    let tally = Tally::default();
    let tell = |record: &Record| {
        tally.add(record.outcome);
        if out.is_json() {
            out.line(told::record(record));
        }
    };
    let runner = Runner {
        client: &client,
        workers: arguments::workers(matches),
        observer: &tell,
        stop: &stop,
    };
    let all = queue.status()?.waiting;
    let now = || (tally.total(), told::words(&tally));
    let end = while_told(out, "linking", all, now, || queue.work(&runner, config))?;
    told::summary(context, &tally, 0, None);
    Ok(cut_short(context, end).unwrap_or(Verdict::Done))
}

fn collect(context: &Context, queue: &Queue, matches: &ArgMatches) -> Result<Verdict, Failure> {
    let out = context.out;
    let stop = stop();
    let name = matches.get_one::<String>("name").map_or("", String::as_str);
    let into = matches.get_one::<PathBuf>("into").cloned();
    let into = into.unwrap_or_else(|| PathBuf::from(format!("{name}.results")));
    let follow = matches.get_flag("follow");
    let tally = Tally::default();
    let mut tell = |result: &QueuedResult| {
        tally.add(result.record.outcome);
        if out.is_json() {
            out.line(json!(result));
        }
    };
    let collected = queue.collect(&into, follow, &stop, &mut tell)?;
    let status = queue.status()?;
    told::summary(
        context,
        &tally,
        status.waiting + status.deferred,
        Some(&collected.report),
    );
    if stop.is_requested() {
        return Ok(Verdict::Interrupted);
    }
    if matches.get_flag("purge") {
        queue.purge(&collected)?;
    }
    Ok(match status.is_finished() {
        true => tally.severity().into(),
        false => Verdict::Again,
    })
}

fn tell(context: &Context, status: &QueueStatus) {
    let out = context.out;
    out.result(&json!(status), || {
        let mut table = Table::new(["ROWS", "STATE"]);
        let mut row = |n: u64, what: &str| {
            if n > 0 {
                table.row([Cell::from(&*told::number(n)), Cell::from(what)]);
            }
        };
        row(status.pushed, "pushed");
        row(status.waiting, "wait for a worker, or are being dealt with");
        let due = status.next_due.map(wxlink_bulk::format_beijing_time);
        let due = due.map_or_else(String::new, |due| {
            format!("; the first are due at {due} in Beijing")
        });
        row(
            status.deferred,
            &format!("deferred, their quota is used up{due}"),
        );
        for OutcomeCount { outcome, rows } in &status.ended {
            row(
                *rows,
                &format!("{}: {}", outcome.word(), outcome.meaning().en),
            );
        }
        out.table(&table);
        for job in status.jobs.iter().filter(|job| job.pushed < job.rows) {
            let (pushed, rows) = (told::number(job.pushed), told::number(job.rows));
            let job = &job.job;
            out.line(format_args!(
                "job {job} is not all there: {pushed} of {rows} rows; push it again"
            ));
        }
        let mut workers = Table::new(["WORKER", "ACCOUNTS", "SILENT FOR"]);
        let alive = |w: &&WorkerStatus| w.silent_ms < SILENT || w.accounts > 0;
        for worker in status.workers.iter().filter(alive) {
            let silent = format!(
                "{:.1} s",
                Duration::from_millis(worker.silent_ms).as_secs_f64()
            );
            let cells = [&worker.name, &told::number(worker.accounts), &silent];
            workers.row(cells.map(|text| Cell::new(text, FAINT)));
        }
        out.table(&workers);
    });
}
