//! `wxlink bulk follow`: follows the invitations of a job or a queue until the administrators have
//! decided.

use std::path::Path;
use std::time::Duration;

use clap::{Arg, ArgMatches, Command};
use serde::Serialize;
use wxlink::{Client, Error, Lang};
use wxlink_bulk::{
    FollowConfig, FollowEnd, Follower, Job, Outcome, Place, Queue, QueuedResult, Record,
    ResumeMode, StopFlag, Tally,
};

use super::arguments;
use super::jobs::{job_arg, job_folder};
use super::queue::{into_arg, into_folder, open_queue, queue_args};
use super::{TokensFor, client, output, stop_on_interrupt};
use crate::args;
use crate::command::examples;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::ExitCode;
use crate::message::{Message, text};

/// The shortest time between two lists of an account.
const MIN_INTERVAL: Duration = Duration::from_secs(1);

pub(super) fn command(lang: Lang) -> Command {
    let time = |id, default, help| {
        Arg::new(id)
            .long(id)
            .value_name("TIME")
            .value_parser(args::parse_duration)
            .default_value(default)
            .help(help)
    };
    Command::new("follow")
        .about(text(
            lang,
            "Follow the invitations of a job or a queue until the administrators \
             have decided",
            "跟踪任务或队列的邀请，直到管理员作出决定",
        ))
        .long_about(text(
            lang,
            "Follow the invitations of a job or a queue until the administrators \
             have decided.\n\n\
             The list of each account is read at growing intervals, once for all \
             its invitations. A row that is linked, refused or no longer in the \
             list gets this outcome, and is printed; --json prints a line for each. \
             The report is kept up to date. Nothing is posted. After any \
             interruption the same command continues; an invitation that was being \
             decided at that moment may be printed again.",
            "跟踪任务或队列的邀请，直到管理员作出决定。\n\n\
             以逐渐加长的间隔读取每个账号的列表，一次查清其全部邀请。某行关联成功、\
             被拒绝或不再出现在列表中时，记录并输出该结果；加上 --json 则每个结果一\
             行。报告随之更新。不发送任何邀请。无论因何中断，用同一命令即可继续；中\
             断时正在决定的邀请可能再次输出。",
        ))
        .arg(job_arg(lang).conflicts_with("queue"))
        .args(queue_args(lang))
        .arg(into_arg(lang))
        .arg(time(
            "interval",
            "1m",
            text(
                lang,
                "The time between two lists of an account. It doubles each time, and \
                 starts again when the list has changed",
                "对同一账号两次读取列表的间隔。每次加倍；列表有变化后重新开始",
            ),
        ))
        .arg(time(
            "max-interval",
            "1h",
            text(
                lang,
                "The longest time between two lists of an account",
                "对同一账号两次读取列表的最长间隔",
            ),
        ))
        .arg(args::wait(lang).help(text(
            lang,
            "How long to follow: seconds, or 90s, 30m, 2h, 1d [default: until all \
             is decided]",
            "跟踪的时间：秒数，或 90s、30m、2h、1d [默认：直到全部有结果]",
        )))
        .args(arguments::rate_args(lang))
        .arg(arguments::workers_arg(lang))
        .after_help(examples(
            lang,
            &[
                (
                    text(
                        lang,
                        "a job in a folder, for at most a week",
                        "目录中的任务，最多一周",
                    ),
                    "wxlink bulk follow links.csv.job --wait 7d",
                ),
                (
                    text(lang, "a queue, for a program", "队列，供程序使用"),
                    "wxlink bulk follow --queue redis://127.0.0.1 --json",
                ),
            ],
        ))
}

pub(super) fn run(context: &Context, matches: &ArgMatches) -> Result<ExitCode, CommandError> {
    match job_folder(matches) {
        Some(dir) => follow_job(context, dir, matches),
        None => {
            let queue = open_queue(matches)?;
            follow_queue(context, &queue, &into_folder(matches), matches)
        }
    }
}

fn follow_job(
    context: &Context,
    dir: &Path,
    matches: &ArgMatches,
) -> Result<ExitCode, CommandError> {
    let job = Job::open(dir, ResumeMode::Pending)?;
    job.check_report()?;
    let client = client(context, TokensFor::accounts(job.accounts()))?;
    let stop = stop_on_interrupt();
    let open = job.tally().count(Outcome::Invited) + job.tally().count(Outcome::Pending);
    context.out.note(announcement(open).get(context.out.lang()));
    let on_error = |account: &str, error: &Error| print_error(context, account, error);
    let follower = follower(&client, &on_error, &stop, matches);
    let end = job.follow(&follower, &|decision| {
        print_decision(context, decision, decision);
    })?;
    let report = job.report(context.out.lang())?;
    output::print_summary(context, Place::Job, job.tally(), job.left(), Some(&report));
    Ok(exit_code(context, end, &stop, job.tally()))
}

fn follow_queue(
    context: &Context,
    queue: &Queue,
    into: &Path,
    matches: &ArgMatches,
) -> Result<ExitCode, CommandError> {
    let client = client(context, TokensFor::ManyAccounts)?;
    let stop = stop_on_interrupt();
    let on_error = |account: &str, error: &Error| print_error(context, account, error);
    let follower = follower(&client, &on_error, &stop, matches);
    let end = queue.follow(&follower, into, &|decided: &QueuedResult| {
        print_decision(context, decided, &decided.record);
    })?;
    let tally = Tally::default();
    let mut count = |result: &QueuedResult| tally.add(result.record.outcome);
    let collected = queue.collect(into, false, context.out.lang(), &stop, &mut count)?;
    let status = queue.status()?;
    let left = status.waiting + status.deferred;
    output::print_summary(context, Place::Queue, &tally, left, Some(&collected.report));
    Ok(exit_code(context, end, &stop, &tally))
}

fn follower<'a>(
    client: &'a Client,
    on_error: &'a (dyn Fn(&str, &Error) + Sync),
    stop: &'a StopFlag,
    matches: &ArgMatches,
) -> Follower<'a> {
    let time = |id| matches.get_one::<Duration>(id).copied();
    let interval = time("interval").unwrap_or_default().max(MIN_INTERVAL);
    Follower {
        client,
        workers: arguments::workers(matches),
        config: FollowConfig {
            rates: arguments::rates(matches),
            interval,
            max_interval: time("max-interval").unwrap_or_default().max(interval),
            limit: time("wait"),
        },
        on_error,
        stop,
    }
}

fn announcement(open: u64) -> Message {
    let invitations = output::count(open, "invitation");
    Message::new(
        format!("Following {invitations}; Ctrl-C stops, and withdraws nothing."),
        format!("正在跟踪 {open} 个邀请；按 Ctrl-C 停止，不会撤回邀请。"),
    )
}

/// Prints a decision: for programs as `json`.
fn print_decision(context: &Context, json: &impl Serialize, decision: &Record) {
    let out = context.out;
    if out.is_json() {
        out.line(output::json_line(json));
    } else {
        let Record { row, outcome, .. } = decision;
        let name = outcome.name().get(out.lang());
        let (account, appid) = (&row.account, &row.appid);
        out.line(format_args!("{name}  {account}  {appid}"));
    }
}

fn print_error(context: &Context, account: &str, error: &Error) {
    context.out.diagnostic(format_args!("{account}: {error}"));
}

fn exit_code(context: &Context, end: FollowEnd, stop: &StopFlag, tally: &Tally) -> ExitCode {
    let FollowEnd { decided, open } = end;
    let line = Message::new(
        format!("{decided} decided, {open} waiting for an administrator."),
        format!("已决定 {decided} 个，等待管理员确认 {open} 个。"),
    );
    context.out.note(line.get(context.out.lang()));
    if stop.is_requested() {
        return ExitCode::Interrupted;
    }
    tally.severity().into()
}
