//! The arguments, and what they come to.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, value_parser};
use wxlink_bulk::{BadRow, BulkError, Format, Rate, Rates, Row, RowDefaults, read_rows};

use crate::{input, link};

pub(super) type AllRows = Box<dyn Iterator<Item = Result<Row, BadRow>>>;

pub(super) fn of_rows() -> [Arg; 4] {
    let [notify, show] = link::choices();
    [
        Arg::new("file")
            .value_name("FILE")
            .help("The rows, CSV or JSONL, columns account, appid, notify_users, show_profile; - is stdin"),
        notify
            .required(false)
            .help("For rows that do not say: whether every follower of the account is messaged"),
        show.required(false)
            .help("For rows that do not say: whether the account's page shows the mini program"),
        Arg::new("format")
            .long("format")
            .value_name("csv|jsonl")
            .value_parser(PossibleValuesParser::new(["csv", "jsonl"]))
            .hide_possible_values(true)
            .help("How the rows are written; else the file's name or first character tells"),
    ]
}

pub(super) fn of_a_job() -> [Arg; 6] {
    let flag = |id, long, help| {
        Arg::new(id)
            .long(long)
            .action(ArgAction::SetTrue)
            .help(help)
    };
    [
        Arg::new("job")
            .long("job")
            .value_name("DIR")
            .value_parser(value_parser!(PathBuf))
            .help("The job's folder: rows, journal and report [default: FILE.job]"),
        flag(
            "dry_run",
            "dry-run",
            "Only say what would be posted, what is linked already, and whose quota would not do",
        ),
        flag("yes", "yes", "Do not ask before followers are messaged"),
        flag(
            "resume",
            "resume",
            "Go on with the job: rows that have come to nothing yet, and those whose quota begins anew",
        ),
        flag(
            "retry_failed",
            "retry-failed",
            "Go on with the job, and do again what failed or was refused or deferred",
        ),
        Arg::new("monthly")
            .long("monthly-links")
            .value_name("N")
            .value_parser(value_parser!(u32))
            .default_value("13")
            .help("How many links an account may ask for in a month, for the plan; WeChat decides"),
    ]
}

pub(super) fn of_rates() -> [Arg; 2] {
    let rate = |id, long, default, help| {
        Arg::new(id)
            .long(long)
            .value_name("RATE")
            .value_parser(Rate::parse)
            .default_value(default)
            .help(help)
    };
    [
        rate(
            "rate",
            "rate",
            "100/s",
            "The most calls over all accounts: 100/s, 60/m, 1000/h, 5000/d, or off",
        ),
        rate(
            "account_rate",
            "account-rate",
            "5/s",
            "The most calls for each account",
        ),
    ]
}

pub(super) fn of_a_crew() -> [Arg; 1] {
    [Arg::new("workers")
        .long("workers")
        .value_name("N")
        .value_parser(value_parser!(u16).range(1..=1024))
        .default_value("16")
        .help("How many accounts are dealt with at once")]
}

pub(super) fn rates(matches: &ArgMatches) -> Rates {
    let rate = |id| matches.get_one(id).copied().unwrap_or(Rate::UNLIMITED);
    Rates {
        all: rate("rate"),
        account: rate("account_rate"),
    }
}

pub(super) fn workers(matches: &ArgMatches) -> usize {
    matches
        .get_one::<u16>("workers")
        .map_or(1, |n| usize::from(*n))
}

/// The rows a command line names.
pub(super) struct Source<'a> {
    file: &'a str,
    format: Option<Format>,
    choices: RowDefaults,
}

impl<'a> Source<'a> {
    pub fn of(matches: &'a ArgMatches) -> Option<Source<'a>> {
        let file = matches.get_one::<String>("file")?;
        let choice = |id| matches.get_one::<String>(id).map(|said| said == "yes");
        let format = match matches.get_one::<String>("format").map(String::as_str) {
            Some("csv") => Some(Format::Csv),
            Some(_) => Some(Format::Jsonl),
            None => None,
        };
        Some(Source {
            file,
            format,
            choices: RowDefaults {
                notify_users: choice("notify_users"),
                show_profile: choice("show_profile"),
            },
        })
    }

    pub fn is_stdin(&self) -> bool {
        self.file == "-"
    }

    pub fn name(&self) -> &str {
        self.file
    }

    /// Where its job is, unless another place is named.
    pub fn job(&self) -> Option<PathBuf> {
        (!self.is_stdin()).then(|| PathBuf::from(format!("{}.job", self.file)))
    }

    pub fn is_there(&self) -> bool {
        !self.is_stdin() && Path::new(self.file).exists()
    }

    /// Whether it has the same rows when it is read again, which a pipe has not. A file that is not
    /// there counts: that is found out when it is read.
    pub fn is_read_twice(&self) -> bool {
        !self.is_stdin() && fs::metadata(self.file).map_or(true, |file| file.is_file())
    }

    /// Whether it is a file of that folder: a job that is made there might replace it.
    pub fn is_in(&self, dir: &Path) -> bool {
        match (fs::canonicalize(self.file), fs::canonicalize(dir)) {
            (Ok(file), Ok(dir)) => !self.is_stdin() && file.starts_with(dir),
            _ => false,
        }
    }

    /// How many there are, good or bad.
    pub fn count(&self) -> Result<u64, BulkError> {
        Ok(self.rows()?.count() as u64)
    }

    /// Reads them from the beginning.
    pub fn rows(&self) -> Result<AllRows, BulkError> {
        let input = match self.is_stdin() {
            true => input::stdin(),
            false => input::open(Path::new(self.file)),
        };
        let input =
            input.map_err(|e| BulkError::usage(format!("{} cannot be read: {e}", self.file)))?;
        read_rows(input, self.format, self.choices)
            .map_err(|bad| BulkError::usage(format!("{}, {bad}", self.file)))
    }
}

/// Seconds.
pub(super) fn seconds(matches: &ArgMatches, id: &str) -> Duration {
    Duration::from_secs(matches.get_one(id).copied().unwrap_or_default())
}
