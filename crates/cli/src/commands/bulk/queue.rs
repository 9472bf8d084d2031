//! The subcommands that share the work among machines through a queue in a Redis.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use serde_json::json;
use wxlink::Lang;
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
use crate::message::{Message, text};
use crate::output::SUCCESS;
use crate::{args, environment, options};

/// The environment variable with the queue's URL.
const QUEUE_VARIABLE: &str = "WXLINK_QUEUE";

pub(super) fn commands(lang: Lang) -> [Command; 4] {
    [
        push_command(lang),
        work_command(lang),
        status_command(lang),
        collect_command(lang),
    ]
}

fn push_command(lang: Lang) -> Command {
    let rows = RowArgs::new(lang);
    let file = rows.file.required(true);
    Command::new("push")
        .about(text(
            lang,
            "Push rows into a queue; after an interruption the same command resumes",
            "将行推入队列；中断后用同一命令继续",
        ))
        .arg(file.help(text(
            lang,
            "The rows: a CSV, JSON or XLSX file; - for standard input",
            "行：CSV、JSON 或 XLSX 文件；- 表示标准输入",
        )))
        .args([rows.notify_users, rows.show_profile])
        .args([rows.format, rows.encoding, rows.sheet])
        .args(queue_args(lang))
        .arg(Arg::new("job").long("job").value_name("NAME").help(text(
            lang,
            "The name of the job [default: made from the checksum of its rows]",
            "任务的名称 [默认：由各行的校验和生成]",
        )))
        .args(arguments::rate_args(lang))
        .after_help(examples(
            lang,
            &[(
                text(
                    lang,
                    "all workers together make no more than 200 calls per second",
                    "所有工作进程合计每秒不超过 200 次调用",
                ),
                "wxlink bulk push links.csv --queue redis://127.0.0.1 --rate 200/s",
            )],
        ))
}

fn work_command(lang: Lang) -> Command {
    Command::new("work")
        .about(text(
            lang,
            "Work for a queue until no rows are left; run it on as many machines as you like",
            "处理队列，直到没有剩余的行；可在任意多台机器上运行",
        ))
        .args(queue_args(lang))
        .arg(arguments::workers_arg(lang))
        .arg(args::metrics(lang))
        .arg(
            Arg::new("lease")
                .long("lease")
                .value_name("SECONDS")
                .value_parser(value_parser!(u64).range(5..=3600))
                .default_value("30")
                .help(text(
                    lang,
                    "After this time without a sign of life, others take over the worker's \
                     accounts, 5 to 3600 seconds; at least twice timeout_ms",
                    "工作进程超过此时间没有活动，其账号即由其他进程接管，5 至 3600 秒；\
             至少为 timeout_ms 的两倍",
                )),
        )
        .arg(
            Arg::new("stay")
                .long("stay")
                .action(ArgAction::SetTrue)
                .help(text(
                    lang,
                    "Wait for more rows when none are left",
                    "没有剩余的行时，等待新的行",
                )),
        )
        .after_help(examples(
            lang,
            &[
                (
                    text(
                        lang,
                        "until no rows are left, except those that are due another day",
                        "直到没有剩余的行（改日到期的除外）",
                    ),
                    "wxlink bulk work --queue redis://127.0.0.1",
                ),
                (
                    text(
                        lang,
                        "as a service, with metrics for Prometheus",
                        "作为服务运行，为 Prometheus 提供指标",
                    ),
                    "wxlink bulk work --queue redis://127.0.0.1 --stay --metrics 127.0.0.1:9464",
                ),
            ],
        ))
}

fn status_command(lang: Lang) -> Command {
    Command::new("status")
        .about(text(
            lang,
            "Show the status of a job or a queue",
            "查看任务或队列的状态",
        ))
        .arg(job_arg(lang).conflicts_with("queue"))
        .args(queue_args(lang))
        .after_help(examples(
            lang,
            &[
                (
                    text(
                        lang,
                        "a job, also while it is run",
                        "任务，运行期间也可查看",
                    ),
                    "wxlink bulk status links.csv.job",
                ),
                (
                    text(
                        lang,
                        "a queue: the numbers of rows, and the workers",
                        "队列：行数和工作进程",
                    ),
                    "wxlink bulk status --queue redis://127.0.0.1",
                ),
            ],
        ))
}

fn collect_command(lang: Lang) -> Command {
    Command::new("collect")
        .about(text(
            lang,
            "Write the results into a CSV file for each outcome; --json prints each as a line",
            "将结果写入 CSV，每种结果一个文件；--json 则每个结果一行",
        ))
        .args(queue_args(lang))
        .arg(into_arg(lang))
        .arg(
            Arg::new("follow")
                .long("follow")
                .action(ArgAction::SetTrue)
                .help(text(
                    lang,
                    "Wait until every row has a result",
                    "等待每一行都有结果",
                )),
        )
        .arg(
            Arg::new("purge")
                .long("purge")
                .action(ArgAction::SetTrue)
                .help(text(
                    lang,
                    "Then remove the queue, if every row has a result",
                    "之后若每一行都有结果，则删除队列",
                )),
        )
        .after_help(examples(
            lang,
            &[
                (
                    text(
                        lang,
                        "print results as they arrive, for a program",
                        "结果到达时立即输出，供程序使用",
                    ),
                    "wxlink bulk collect --queue redis://127.0.0.1 --follow --json",
                ),
                (
                    text(lang, "at the end", "结束时"),
                    "wxlink bulk collect --queue redis://127.0.0.1 --purge",
                ),
            ],
        ))
}

/// The folder for the results of a queue.
pub(super) fn into_arg(lang: Lang) -> Arg {
    Arg::new("into")
        .long("into")
        .value_name("DIR")
        .value_parser(value_parser!(PathBuf))
        .help(text(
            lang,
            "The folder for the files of a queue: a new one, or that of an earlier collect \
             [default: NAME.results]",
            "队列文件的目录：新目录，或此前 collect 所用的目录 [默认：NAME.results]",
        ))
}

/// The value of [`into_arg`].
pub(super) fn into_folder(matches: &ArgMatches) -> PathBuf {
    let into = matches.get_one::<PathBuf>("into").cloned();
    into.unwrap_or_else(|| PathBuf::from(format!("{}.results", args::required(matches, "name"))))
}

pub(super) fn queue_args(lang: Lang) -> [Arg; 2] {
    [
        Arg::new("queue").long("queue").value_name("URL").help(text(
            lang,
            "The queue's Redis (6.2 or newer) or Valkey: redis://HOST[:PORT][/DB] or rediss://…; \
             a URL with a password belongs into WXLINK_QUEUE [default: WXLINK_QUEUE]",
            "队列所在的 Redis（6.2 或更新）或 Valkey：redis://HOST[:PORT][/DB] 或 rediss://…；\
             含密码的 URL 应放入 WXLINK_QUEUE [默认：WXLINK_QUEUE]",
        )),
        Arg::new("name")
            .long("name")
            .value_name("NAME")
            .default_value("bulk")
            .help(text(lang, "The name of the queue", "队列的名称")),
    ]
}

pub(super) fn run(
    context: &Context,
    name: &str,
    matches: &ArgMatches,
) -> Result<ExitCode, CommandError> {
    let queue = Arc::new(open_queue(matches)?);
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

fn work(
    context: &Context,
    queue: &Arc<Queue>,
    matches: &ArgMatches,
) -> Result<ExitCode, CommandError> {
    let out = context.out;
    let client = client(context, TokensFor::ManyAccounts)?;
    let stop = stop_on_interrupt();
    let lease = arguments::seconds(matches, "lease");
    let config = WorkerConfig::new(lease, matches.get_flag("stay"), &client)?;
    let tally = Arc::new(Tally::default());
    let _metrics = match args::metrics_address(matches) {
        Some(address) => Some(metrics::serve(context, address, &client, &tally, queue)?),
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
        summary: output::one_line_summary(out, &tally),
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
