//! `wxlink bulk status` and `wxlink bulk report` of a job in a folder. Another process may work on
//! it at the same time.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command, value_parser};
use serde_json::{Map, json};
use wxlink_bulk::{JobView, Place};

use super::output;
use crate::command::examples;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::ExitCode;

/// The folder of a job, instead of a queue.
pub(super) fn job_arg() -> Arg {
    Arg::new("job_folder")
        .value_name("JOB")
        .value_parser(value_parser!(PathBuf))
        .help("The folder of a job; without it, the queue")
}

/// The value of [`job_arg`].
pub(super) fn job_folder(matches: &ArgMatches) -> Option<&Path> {
    matches
        .get_one::<PathBuf>("job_folder")
        .map(PathBuf::as_path)
}

pub(super) fn report_command() -> Command {
    Command::new("report")
        .about("Write the report of a job again: a CSV file for each outcome")
        .arg(job_arg().required(true).help("The folder of the job"))
        .after_help(examples(&[(
            "also while the job is run",
            "wxlink bulk report links.csv.job",
        )]))
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
