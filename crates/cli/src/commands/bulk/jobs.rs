//! `wxlink bulk status` and `wxlink bulk report` of a job in a folder. Another process may work on
//! it at the same time.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command, value_parser};
use serde_json::{Map, json};
use wxlink::Lang;
use wxlink_bulk::{JobView, Place};

use super::output;
use crate::command::examples;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::ExitCode;
use crate::message::text;

/// The folder of a job, instead of a queue.
pub(super) fn job_arg(lang: Lang) -> Arg {
    Arg::new("job_folder")
        .value_name("JOB")
        .value_parser(value_parser!(PathBuf))
        .help(text(
            lang,
            "The folder of a job; without it, the queue",
            "任务的目录；不指定则使用队列",
        ))
}

/// The value of [`job_arg`].
pub(super) fn job_folder(matches: &ArgMatches) -> Option<&Path> {
    matches
        .get_one::<PathBuf>("job_folder")
        .map(PathBuf::as_path)
}

pub(super) fn report_command(lang: Lang) -> Command {
    Command::new("report")
        .about(text(
            lang,
            "Write the report of a job again: a CSV file for each outcome",
            "重新写出任务的报告：每种结果一个 CSV 文件",
        ))
        .arg(
            job_arg(lang)
                .required(true)
                .help(text(lang, "The folder of the job", "任务的目录")),
        )
        .after_help(examples(
            lang,
            &[(
                text(lang, "also while the job is run", "任务运行期间也可使用"),
                "wxlink bulk report links.csv.job",
            )],
        ))
}

pub(super) fn report(context: &Context, matches: &ArgMatches) -> Result<ExitCode, CommandError> {
    let job = JobView::read(job_folder(matches).unwrap_or(Path::new("")))?;
    let report = job.report(context.out.lang())?;
    output::print_summary(context, Place::Job, job.tally(), job.left(), Some(&report));
    Ok(ExitCode::Done)
}

pub(super) fn status(context: &Context, dir: &Path) -> Result<ExitCode, CommandError> {
    let job = JobView::read(dir)?;
    let outcomes = job.tally().counts();
    let outcomes = outcomes.map(|count| (count.outcome.word().to_owned(), json!(count.rows)));
    let line = json!({"status": {
        "job": dir.display().to_string(),
        "rows": job.rows(),
        "accounts": job.accounts(),
        "outcomes": outcomes.collect::<Map<_, _>>(),
        "left": job.left(),
    }});
    let out = context.out;
    if out.is_json() {
        out.line(line);
    } else {
        output::print_summary(context, Place::Job, job.tally(), job.left(), None);
    }
    Ok(ExitCode::Done)
}
