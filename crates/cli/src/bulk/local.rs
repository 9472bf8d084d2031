//! A job on this machine.

use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use clap::ArgMatches;
use wxlink_bulk::{BulkError, Job, Plan, Record, ResumeMode, Row, RunEnd, Runner, Verdict};

use super::arguments::{self, Source};
use super::progress::while_told;
use super::{client, cut_short, stop, told};
use crate::context::Context;
use crate::failure::Failure;
use crate::{input, interrupt};

pub(super) fn run(context: &Context, matches: &ArgMatches) -> Result<Verdict, Failure> {
    let asked = Asked::of(matches)?;
    let (job, new) = asked.job().map_err(|why| match interrupt::has_come() {
        true => interrupted(),
        false => why.into(),
    })?;
    let done = asked.see_through(context, &job, matches);
    if new && !matches!(done, Ok(Some(_))) {
        // Nothing was done: the same command is to begin anew.
        job.discard();
    }
    done.map(|verdict| verdict.unwrap_or(Verdict::Done))
}

struct Asked<'a> {
    source: Option<Source<'a>>,
    dir: PathBuf,
    reopen: Option<ResumeMode>,
    dry_run: bool,
    yes: bool,
    monthly: u32,
}

impl<'a> Asked<'a> {
    fn of(matches: &'a ArgMatches) -> Result<Asked<'a>, Failure> {
        let source = Source::of(matches);
        let reopen = match (matches.get_flag("retry_failed"), matches.get_flag("resume")) {
            (true, _) => Some(ResumeMode::Failed),
            (_, true) => Some(ResumeMode::Pending),
            _ => None,
        };
        let dry_run = matches.get_flag("dry_run");
        let named = matches.get_one::<PathBuf>("job").cloned();
        let dir = named.or_else(|| source.as_ref().and_then(Source::job));
        let dir = match (dir, reopen, &source) {
            // What would be done leaves nothing behind.
            (_, None, Some(_)) if dry_run => scratch(),
            (Some(dir), ..) => dir,
            (None, _, Some(_)) => {
                let why = "rows from stdin need a folder for their job: --job DIR";
                return Err(Failure::Usage(why.into()));
            }
            (None, ..) => {
                let why = "name the rows (a CSV or JSONL file, or - for stdin), or a job to go on with (--job DIR --resume)";
                return Err(Failure::Usage(why.into()));
            }
        };
        Ok(Asked {
            source,
            dir,
            reopen,
            dry_run,
            yes: matches.get_flag("yes"),
            monthly: matches.get_one("monthly").copied().unwrap_or_default(),
        })
    }

    /// The job, and whether it is new.
    fn job(&self) -> Result<(Job, bool), BulkError> {
        let Some(reopen) = self.reopen else {
            let Some(source) = &self.source else {
                let why = "name the rows: a CSV or JSONL file, or - for stdin";
                return Err(BulkError::usage(why));
            };
            if source.is_in(&self.dir) {
                return Err(BulkError::usage(format!(
                    "{} is in {}: rows cannot come from their job's own folder; \
                     take another folder (--job)",
                    source.name(),
                    self.dir.display()
                )));
            }
            return Ok((Job::create(&self.dir, source.rows()?)?, true));
        };
        let job = Job::open(&self.dir, reopen)?;
        match &self.source {
            Some(source) if source.is_there() && !job.has_rows(source.rows()?) => {
                Err(BulkError::usage(format!(
                    "{} has other rows than the job in {}; begin another with --job DIR, or leave the file's name out \
                     and go on with the rows as they were: --job {} --resume",
                    source.name(),
                    self.dir.display(),
                    self.dir.display(),
                )))
            }
            _ => Ok((job, false)),
        }
    }

    /// Plans, asks and runs. Nothing, or a failure, if it came to no running.
    fn see_through(
        &self,
        context: &Context,
        job: &Job,
        matches: &ArgMatches,
    ) -> Result<Option<Verdict>, Failure> {
        let out = context.out;
        let client = client(context, Some(job.accounts()))?;
        let stop = stop();
        let tell = |record: &Record| {
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
        if !out.is_json() {
            out.note(format_args!(
                "{} for {}, {} to be dealt with; {} with notify_users.",
                told::many(job.rows(), "row"),
                told::many(job.accounts(), "account"),
                told::number(job.left()),
                told::number(job.notifying()),
            ));
        }
        if self.reopen.is_some() {
            // Better now than after the work.
            job.check_report()?;
        }
        let must_ask = job.notifying() > 0 && job.left() > 0 && !self.yes;
        // What was planned once is not planned again, but for the question.
        let first = self.reopen.is_none() && !self.yes;
        if self.dry_run || first || must_ask {
            let plan = self.plan(context, job, &runner, matches)?;
            if stop.is_requested() {
                return Err(interrupted());
            }
            told::plan(context, job, &plan);
            if self.dry_run {
                return Ok(None);
            }
            if plan.notifying > 0 && !self.is_agreed(context, &plan)? {
                out.note("Nothing was done.");
                return Ok(None);
            }
        }
        let rates = arguments::rates(matches);
        let now = || (job.tally().total(), told::words(job.tally()));
        let end = while_told(out, "linking", job.rows(), now, || job.run(&runner, rates));
        let end = match end {
            Ok(end) => end,
            Err(why) => {
                let verdict = Failure::from(why).tell(out);
                self.advise(context, job);
                return Ok(Some(verdict));
            }
        };
        let report = job.report();
        told::summary(context, job.tally(), job.left(), report.as_ref().ok());
        Ok(Some(match report {
            Ok(_) => self.verdict(context, job, end),
            Err(why) => Failure::from(why).tell(out),
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
        let seen = AtomicU64::new(0);
        let tell = |row: &Row, finding| {
            seen.fetch_add(1, Ordering::Relaxed);
            if out.is_json() && self.dry_run {
                out.line(told::finding(row, finding));
            }
        };
        let now = || (seen.load(Ordering::Relaxed), String::new());
        let rates = arguments::rates(matches);
        while_told(out, "planning", job.left(), now, || {
            job.plan(runner, rates, self.monthly, &tell)
        })
    }

    /// Whether somebody agrees to message the followers.
    fn is_agreed(&self, context: &Context, plan: &Plan) -> Result<bool, Failure> {
        let from_stdin = self.source.as_ref().is_some_and(Source::is_stdin);
        if from_stdin || !io::stdin().is_terminal() || context.out.is_json() {
            return Err(Failure::Usage(format!(
                "every follower of {} would be messaged, for {}; say --yes if that is meant. Nothing was done",
                told::many(plan.notified_accounts, "account"),
                told::many(plan.notifying, "row"),
            )));
        }
        let _ = write!(io::stderr(), "Message them? Nothing takes it back. [y/N] ");
        let mut said = String::new();
        let read = input::stdin().and_then(|input| BufReader::new(input).read_line(&mut said));
        if interrupt::has_come() {
            // Not on the line of the question.
            context.out.note("");
            return Err(interrupted());
        }
        let yes = ["y", "yes"].contains(&said.trim().to_ascii_lowercase().as_str());
        Ok(read.is_ok() && yes)
    }

    fn verdict(&self, context: &Context, job: &Job, end: RunEnd) -> Verdict {
        match cut_short(context, end) {
            None => job.tally().severity().into(),
            Some(verdict) => {
                self.advise(context, job);
                verdict
            }
        }
    }

    /// Says how to go on.
    fn advise(&self, context: &Context, job: &Job) {
        if !context.out.is_json() {
            context.out.note(format_args!(
                "What was done is kept; go on with: wxlink bulk --job {} --resume",
                shown(job.dir())
            ));
        }
    }
}

fn interrupted() -> Failure {
    Failure::Bulk(BulkError::interrupted("interrupted; nothing was done"))
}

/// A path as a shell takes it.
fn shown(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+@:,".contains(c);
    match text.chars().all(plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// A folder that nobody else has.
fn scratch() -> PathBuf {
    use std::hash::{BuildHasher, RandomState};
    let dice = RandomState::new().hash_one(std::process::id());
    std::env::temp_dir().join(format!("wxlink-plan-{dice:016x}"))
}
