//! A job on this machine.

use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use clap::ArgMatches;
use wxlink_bulk::{
    BulkError, Job, Place, Plan, PlannedAction, Record, ResumeMode, Row, RunEnd, Runner,
};

use super::arguments::{self, RowFile};
use super::progress::{Progress, show_progress};
use super::{TokensFor, client, output, report_early_end, stop_on_interrupt};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::ExitCode;
use crate::message::Message;
use crate::{input, interrupt};

pub(super) fn run(context: &Context, matches: &ArgMatches) -> Result<ExitCode, CommandError> {
    let request = JobRequest::from_matches(matches)?;
    let job = request.open_job().map_err(|error| {
        if interrupt::is_interrupted() {
            interrupted_before_start()
        } else {
            error.into()
        }
    })?;
    let result = request.execute(context, &job, matches);
    let was_run = matches!(result, Ok(Execution::Run(_)));
    if request.mode.is_none() && !was_run {
        // The same command must be able to create the job again.
        job.discard();
    }
    Ok(match result? {
        Execution::Run(code) => code,
        Execution::NotRun => ExitCode::Done,
    })
}

/// What the command line asks for.
struct JobRequest<'a> {
    rows: Option<RowFile<'a>>,
    dir: PathBuf,
    /// `None` for a new job.
    mode: Option<ResumeMode>,
    dry_run: bool,
    yes: bool,
    monthly_links: u32,
}

/// Whether the job was run.
enum Execution {
    Run(ExitCode),
    /// It was only planned, or the user did not confirm.
    NotRun,
}

impl<'a> JobRequest<'a> {
    fn from_matches(matches: &'a ArgMatches) -> Result<JobRequest<'a>, CommandError> {
        let rows = RowFile::from_matches(matches);
        let mode = if matches.get_flag("retry_failed") {
            Some(ResumeMode::Failed)
        } else if matches.get_flag("resume") {
            Some(ResumeMode::Pending)
        } else {
            None
        };
        let dry_run = matches.get_flag("dry_run");
        let named = matches.get_one::<PathBuf>("job").cloned();
        let dir = named.or_else(|| rows.as_ref().and_then(RowFile::default_job_folder));
        let dir = match (dir, mode, &rows) {
            // A dry run of a new job leaves no files behind.
            (_, None, Some(_)) if dry_run => temporary_folder(),
            (Some(dir), ..) => dir,
            (None, _, Some(_)) => {
                return Err(CommandError::usage(Message::new(
                    "rows from stdin need a folder for their job: --job DIR",
                    "从标准输入读取行时，须指定任务目录：--job DIR",
                )));
            }
            (None, ..) => {
                return Err(CommandError::usage(Message::new(
                    "name the rows (a CSV, JSON or XLSX file, or - for stdin), or a job to resume \
                     (--job DIR --resume)",
                    "请指定行（CSV、JSON 或 XLSX 文件，- 表示标准输入），\
                     或要继续的任务（--job DIR --resume）",
                )));
            }
        };
        Ok(JobRequest {
            rows,
            dir,
            mode,
            dry_run,
            yes: matches.get_flag("yes"),
            monthly_links: matches
                .get_one("monthly_links")
                .copied()
                .unwrap_or_default(),
        })
    }

    /// Creates the job, or opens the one to resume.
    fn open_job(&self) -> Result<Job, BulkError> {
        let dir = self.dir.display();
        let Some(mode) = self.mode else {
            let Some(rows) = &self.rows else {
                return Err(BulkError::usage(Message::new(
                    "name the rows: a CSV, JSON or XLSX file, or - for stdin",
                    "请指定行：CSV、JSON 或 XLSX 文件，- 表示标准输入",
                )));
            };
            if rows.is_in(&self.dir) {
                let path = rows.path();
                return Err(BulkError::usage(Message::new(
                    format!(
                        "{path} is in {dir}: rows cannot come from their job's own folder. \
                         Choose another folder (--job)"
                    ),
                    format!("{path} 位于 {dir} 中：行不能来自任务自己的目录。请换一个目录 (--job)"),
                )));
            }
            return Job::create(&self.dir, rows.rows()?);
        };
        let job = Job::open(&self.dir, mode)?;
        if let Some(rows) = &self.rows {
            if rows.exists() && !job.has_rows(rows.rows()?) {
                let path = rows.path();
                return Err(BulkError::usage(Message::new(
                    format!(
                        "{path} has other rows than the job in {dir}. Start another job with \
                         --job DIR; or leave out the file and resume the job with its own rows: \
                         --job {dir} --resume"
                    ),
                    format!(
                        "{path} 与 {dir} 中任务的行不同。请用 --job DIR 新建任务；\
                         或省略文件，按原有的行继续任务：--job {dir} --resume"
                    ),
                )));
            }
        }
        Ok(job)
    }

    /// Plans, asks and runs.
    fn execute(
        &self,
        context: &Context,
        job: &Job,
        matches: &ArgMatches,
    ) -> Result<Execution, CommandError> {
        let out = context.out;
        let client = client(context, TokensFor::accounts(job.accounts()))?;
        let stop = stop_on_interrupt();
        let observer = |record: &Record| {
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
        if !out.is_json() {
            out.note(overview(job).get(out.lang()));
        }
        let is_resumed = self.mode.is_some();
        if is_resumed {
            // Better to fail now than after the work.
            job.check_report()?;
        }
        let must_ask = job.notifying() > 0 && job.left() > 0 && !self.yes;
        // A resumed job is planned again only if the question needs the plan.
        if self.dry_run || (!is_resumed && !self.yes) || must_ask {
            let plan = self.plan(context, job, &runner, matches)?;
            if stop.is_requested() {
                return Err(interrupted_before_start());
            }
            output::print_plan(context, job, &plan);
            if self.dry_run {
                return Ok(Execution::NotRun);
            }
            if plan.notifying > 0 && !self.confirm(context, &plan)? {
                out.note(context.text("Nothing was sent.", "未发送任何请求。"));
                return Ok(Execution::NotRun);
            }
        }
        let rates = arguments::rates(matches);
        let progress = || Progress {
            done: job.tally().total(),
            rows: job.rows(),
            summary: output::one_line_summary(out, job.tally()),
        };
        let name = context.text("linking", "关联");
        let run = || job.run(&runner, rates);
        let end = match show_progress(out, name, progress, run) {
            Ok(end) => end,
            Err(error) => {
                let code = CommandError::from(error).report(out);
                advise_to_resume(context, job);
                return Ok(Execution::Run(code));
            }
        };
        let report = job.report(out.lang());
        let written = report.as_ref().ok();
        output::print_summary(context, Place::Job, job.tally(), job.left(), written);
        Ok(Execution::Run(match report {
            Ok(_) => exit_code(context, job, end),
            Err(error) => CommandError::from(error).report(out),
        }))
    }

    fn plan(
        &self,
        context: &Context,
        job: &Job,
        runner: &Runner<'_>,
        matches: &ArgMatches,
    ) -> Result<Plan, BulkError> {
        let out = context.out;
        let planned = AtomicU64::new(0);
        let observer = |row: &Row, action: PlannedAction| {
            planned.fetch_add(1, Ordering::Relaxed);
            if out.is_json() && self.dry_run {
                out.line(output::planned_row(row, action));
            }
        };
        let progress = || Progress {
            done: planned.load(Ordering::Relaxed),
            rows: job.left(),
            summary: String::new(),
        };
        let rates = arguments::rates(matches);
        let name = context.text("planning", "计划");
        show_progress(out, name, progress, || {
            job.plan(runner, rates, self.monthly_links, &observer)
        })
    }

    /// Asks whether the followers may be messaged. Without a terminal, that is an error.
    fn confirm(&self, context: &Context, plan: &Plan) -> Result<bool, CommandError> {
        let reads_stdin = self.rows.as_ref().is_some_and(RowFile::is_stdin);
        if reads_stdin || !io::stdin().is_terminal() || context.out.is_json() {
            let (accounts, rows) = (plan.notified_accounts, plan.notifying);
            return Err(CommandError::usage(Message::new(
                format!(
                    "every follower of {} would be messaged, for {}; nothing was sent. Add --yes \
                     to confirm",
                    output::count(accounts, "account"),
                    output::count(rows, "row"),
                ),
                format!(
                    "将向 {accounts} 个账号的全部粉丝发送通知，涉及 {rows} 行；未发送任何请求。\
                     如确认发送，请加 --yes"
                ),
            )));
        }
        let question = context.text(
            "Message them? This cannot be undone. [y/N] ",
            "确认发送通知？此操作无法撤销。[y/N] ",
        );
        let _ = write!(io::stderr(), "{question}");
        let mut answer = String::new();
        let read = input::stdin().and_then(|input| BufReader::new(input).read_line(&mut answer));
        if interrupt::is_interrupted() {
            // Ends the line of the question.
            context.out.note("");
            return Err(interrupted_before_start());
        }
        let is_yes = ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str());
        Ok(read.is_ok() && is_yes)
    }
}

fn overview(job: &Job) -> Message {
    let (rows, accounts, left, notifying) =
        (job.rows(), job.accounts(), job.left(), job.notifying());
    Message::new(
        format!(
            "{} for {}, {} left; {} with notify_users.",
            output::count(rows, "row"),
            output::count(accounts, "account"),
            output::number(left),
            output::number(notifying),
        ),
        format!(
            "共 {rows} 行，{accounts} 个账号；剩余 {left} 行；其中 notify_users 为是的有 {notifying} 行。"
        ),
    )
}

fn exit_code(context: &Context, job: &Job, end: RunEnd) -> ExitCode {
    match report_early_end(context, end) {
        None => job.tally().severity().into(),
        Some(code) => {
            advise_to_resume(context, job);
            code
        }
    }
}

/// Prints the command that continues the job.
fn advise_to_resume(context: &Context, job: &Job) {
    let out = context.out;
    if out.is_json() {
        return;
    }
    let dir = quote_for_shell(job.dir());
    let advice = Message::new(
        format!("Completed work is kept. Continue with: wxlink bulk --job {dir} --resume"),
        format!("已完成的工作已保存。继续请运行：wxlink bulk --job {dir} --resume"),
    );
    out.note(advice.get(out.lang()));
}

fn interrupted_before_start() -> CommandError {
    CommandError::Bulk(BulkError::interrupted(Message::new(
        "interrupted; nothing was sent",
        "已中断；未发送任何请求",
    )))
}

/// A path as a shell reads it.
fn quote_for_shell(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+@:,".contains(c);
    if text.chars().all(is_plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// A path for a temporary folder. It does not exist yet.
fn temporary_folder() -> PathBuf {
    let random = RandomState::new().hash_one(std::process::id());
    std::env::temp_dir().join(format!("wxlink-plan-{random:016x}"))
}
