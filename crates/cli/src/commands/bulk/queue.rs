//! The subcommands that share the work among machines through a queue in a Redis.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use serde_json::json;
use wxlink_bulk::{
    Place, PushProgress, Pushed, Queue, QueuedResult, Record, Runner, Tally, WorkerConfig,
};

use super::arguments::{self, RowArgs, RowFile};
use super::jobs::job_arg;
use super::metrics;
use super::progress::{Progress, show_progress};
use super::{TokensFor, client, output, report_early_end, stop_on_interrupt};
use crate::command::examples;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::ExitCode;
use crate::message::Message;
use crate::output::SUCCESS;
use crate::{args, environment, options};

/// The environment variable with the queue's URL.
const QUEUE_VARIABLE: &str = "WXLINK_QUEUE";

pub(super) fn commands() -> [Command; 4] {
    [
        push_command(),
        work_command(),
        status_command(),
        collect_command(),
    ]
}

fn push_command() -> Command {
    let rows = RowArgs::new();
    let file = rows.file.required(true);
    Command::new("push")
        .about("Push rows into a queue; after an interruption the same command resumes")
        .arg(file.help("The rows: a CSV, JSON or XLSX file; - for standard input"))
        .args([rows.notify_users, rows.show_profile])
        .args([rows.format, rows.encoding, rows.sheet])
        .args(queue_args())
        .arg(
            Arg::new("job")
                .long("job")
                .value_name("NAME")
                .help("The name of the job [default: made from the checksum of its rows]"),
        )
        .args(arguments::rate_args())
        .after_help(examples(&[(
            "all workers together make no more than 200 calls per second",
            "wxlink bulk push links.csv --queue redis://127.0.0.1 --rate 200/s",
        )]))
}

fn work_command() -> Command {
    Command::new("work")
        .about("Work for a queue until no rows are left; run it on as many machines as you like")
        .args(queue_args())
        .arg(arguments::workers_arg())
        .arg(args::metrics())
        .arg(
            Arg::new("lease")
                .long("lease")
                .value_name("SECONDS")
                .value_parser(value_parser!(u64).range(5..=3600))
                .default_value("30")
                .help(
                    "After this time without a sign of life, others take over the worker's \
                     accounts; at least twice timeout_ms",
                ),
        )
        .arg(
            Arg::new("stay")
                .long("stay")
                .action(ArgAction::SetTrue)
                .help("Wait for more rows when none are left"),
        )
        .after_help(examples(&[
            (
                "until no rows are left, except those that are due another day",
                "wxlink bulk work --queue redis://127.0.0.1",
            ),
            (
                "as a service, with metrics for Prometheus",
                "wxlink bulk work --queue redis://127.0.0.1 --stay --metrics 127.0.0.1:9464",
            ),
        ]))
}

fn status_command() -> Command {
    Command::new("status")
        .about("Show the status of a job or a queue")
        .arg(job_arg().conflicts_with("queue"))
        .args(queue_args())
        .after_help(examples(&[
            (
                "a job, also while it is run",
                "wxlink bulk status links.csv.job",
            ),
            (
                "a queue: the numbers of rows, and the workers",
                "wxlink bulk status --queue redis://127.0.0.1",
            ),
        ]))
}

fn collect_command() -> Command {
    Command::new("collect")
        .about("Write the results into a CSV file for each outcome; --json prints each as a line")
        .args(queue_args())
        .arg(into_arg())
        .arg(
            Arg::new("follow")
                .long("follow")
                .action(ArgAction::SetTrue)
                .help("Wait until every row has a result"),
        )
        .arg(
            Arg::new("purge")
                .long("purge")
                .action(ArgAction::SetTrue)
                .help("Then remove the queue, if every row has a result"),
        )
        .after_help(examples(&[
            (
                "print results as they arrive, for a program",
                "wxlink bulk collect --queue redis://127.0.0.1 --follow --json",
            ),
            (
                "at the end",
                "wxlink bulk collect --queue redis://127.0.0.1 --purge",
            ),
        ]))
}

/// The folder for the results of a queue.
pub(super) fn into_arg() -> Arg {
    Arg::new("into")
        .long("into")
        .value_name("DIR")
        .value_parser(value_parser!(PathBuf))
        .help(
            "The folder for the files of a queue: a new one, or that of an earlier collect \
             [default: NAME.results]",
        )
}

/// The value of [`into_arg`].
pub(super) fn into_folder(matches: &ArgMatches) -> PathBuf {
    let into = matches.get_one::<PathBuf>("into").cloned();
    into.unwrap_or_else(|| PathBuf::from(format!("{}.results", args::required(matches, "name"))))
}

pub(super) fn queue_args() -> [Arg; 2] {
    [
        Arg::new("queue").long("queue").value_name("URL").help(
            "The queue's Redis (6.2 or newer) or Valkey: redis://HOST[:PORT][/DB] or rediss://…; \
             a URL with a password belongs into WXLINK_QUEUE [default: WXLINK_QUEUE]",
        ),
        Arg::new("name")
            .long("name")
            .value_name("NAME")
            .default_value("bulk")
            .help("The name of the queue"),
    ]
}

pub(super) fn run(
    context: &Context,
    name: &str,
    matches: &ArgMatches,
) -> Result<ExitCode, CommandError> {
    let queue = open_queue(matches)?;
    match name {
        "push" => push(context, &queue, matches),
        "work" => work(context, &queue, matches),
        "status" => {
            output::print_status(context.out, &queue.status()?);
            Ok(ExitCode::Done)
        }
        _ => collect(context, &queue, matches),
    }
}

pub(super) fn open_queue(matches: &ArgMatches) -> Result<Queue, CommandError> {
    let flag = matches.get_one::<String>("queue");
    if flag.is_some_and(|url| options::contains_password("store", url)) {
        return Err(CommandError::usage(Message::new(
            format!(
                "--queue contains a password, which other users of this machine could read. Put \
                 the URL into {QUEUE_VARIABLE}"
            ),
            format!(
                "--queue 含有密码，本机其他用户可能读到。请将该 URL 放入环境变量 {QUEUE_VARIABLE}"
            ),
        )));
    }
    let url = match flag {
        Some(url) => Some(url.clone()),
        None => environment::variable(QUEUE_VARIABLE)?,
    };
    let Some(url) = url else {
        return Err(CommandError::usage(Message::new(
            format!("missing URL of the queue: set --queue redis://HOST, or {QUEUE_VARIABLE}"),
            format!("缺少队列的 URL：请设置 --queue redis://HOST 或 {QUEUE_VARIABLE}"),
        )));
    };
    Ok(Queue::new(&url, args::required(matches, "name"))?)
}

fn push(context: &Context, queue: &Queue, matches: &ArgMatches) -> Result<ExitCode, CommandError> {
    let out = context.out;
    let Some(file) = RowFile::from_matches(matches) else {
        return Err(CommandError::usage(Message::new(
            "missing the file of rows",
            "缺少行文件",
        )));
    };
    let rows = file.rows()?;
    let job = matches.get_one::<String>("job").map(String::as_str);
    let stop = stop_on_interrupt();
    let rates = arguments::rates(matches);
    let (done, all) = (AtomicU64::new(0), AtomicU64::new(0));
    let progress = || Progress {
        done: done.load(Ordering::Relaxed),
        rows: all.load(Ordering::Relaxed),
        summary: String::new(),
    };
    let name = context.text("pushing", "推送");
    let pushed = show_progress(out, name, progress, || {
        let set_progress = |progress: PushProgress| {
            done.store(progress.pushed, Ordering::Relaxed);
            all.store(progress.rows, Ordering::Relaxed);
        };
        queue.push(rows, job, rates, &stop, &set_progress)
    });
    let Pushed { job, new_rows } = pushed?;
    out.result(&json!({"job": job, "pushed": new_rows}), || {
        let (rows, number) = (output::count(new_rows, "row"), output::number(new_rows));
        let line = Message::new(
            format!("{SUCCESS}{rows} pushed{SUCCESS:#}, as job {job}."),
            format!("{SUCCESS}已推送 {number} 行{SUCCESS:#}，任务名为 {job}。"),
        );
        out.line(line.get(out.lang()));
    });
    Ok(ExitCode::Done)
}

fn work(context: &Context, queue: &Queue, matches: &ArgMatches) -> Result<ExitCode, CommandError> {
    let out = context.out;
    let client = client(context, TokensFor::ManyAccounts)?;
    let stop = stop_on_interrupt();
    let lease = arguments::seconds(matches, "lease");
    let config = WorkerConfig::new(lease, matches.get_flag("stay"), &client)?;
    let tally = Arc::new(Tally::default());
    let _metrics = match args::metrics_address(matches) {
        Some(address) => Some(metrics::serve(
            context,
            address,
            &client,
            &tally,
            open_queue(matches)?,
        )?),
        None => None,
    };
    let observer = |record: &Record| {
        tally.add(record.outcome);
        if out.is_json() {
            out.line(output::json_line(record));
        }
    };
    let runner = Runner {
        client: &client,
        workers: arguments::workers(matches),
        observer: &observer,
        stop: &stop,
    };
    let waiting = queue.status()?.waiting;
    let progress = || Progress {
        done: tally.total(),
        rows: waiting,
        summary: output::one_line_summary(&tally),
    };
    let name = context.text("linking", "关联");
    let work = || queue.work(&runner, config);
    let end = show_progress(out, name, progress, work)?;
    output::print_summary(context, Place::Queue, &tally, 0, None);
    Ok(report_early_end(context, end).unwrap_or(ExitCode::Done))
}

fn collect(
    context: &Context,
    queue: &Queue,
    matches: &ArgMatches,
) -> Result<ExitCode, CommandError> {
    let out = context.out;
    let stop = stop_on_interrupt();
    let into = into_folder(matches);
    let follow = matches.get_flag("follow");
    let tally = Tally::default();
    let mut observer = |result: &QueuedResult| {
        tally.add(result.record.outcome);
        if out.is_json() {
            out.line(output::json_line(result));
        }
    };
    let collected = queue.collect(&into, follow, out.lang(), &stop, &mut observer)?;
    let status = queue.status()?;
    let left = status.waiting + status.deferred;
    let report = Some(&collected.report);
    output::print_summary(context, Place::Queue, &tally, left, report);
    if stop.is_requested() {
        return Ok(ExitCode::Interrupted);
    }
    if matches.get_flag("purge") {
        queue.purge(&collected)?;
    }
    if status.is_finished() {
        Ok(tally.severity().into())
    } else {
        Ok(ExitCode::Retry)
    }
}
