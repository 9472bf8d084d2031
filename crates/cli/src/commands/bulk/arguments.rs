//! The arguments of `wxlink bulk` and its subcommands, and their values.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, value_parser};
use wxlink::Lang;
use wxlink_bulk::{
    BulkError, Encoding, Format, Rate, Rates, ReadOptions, RowDefaults, Rows, read_rows,
};

use crate::message::{InvalidValue, Message, text};
use crate::{args, input};

/// The descriptors of a worker: its connection, its handle, and two for what it waits for.
const DESCRIPTORS_PER_WORKER: u64 = 4;
/// The descriptors of the rest of the process.
const OTHER_DESCRIPTORS: u64 = 200;

/// The rows and how they are written.
pub(super) struct RowArgs {
    pub file: Arg,
    pub notify_users: Arg,
    pub show_profile: Arg,
    pub format: Arg,
    pub encoding: Arg,
    pub sheet: Arg,
}

impl RowArgs {
    pub fn new(lang: Lang) -> RowArgs {
        let [notify_users, show_profile] = args::choices(lang);
        RowArgs {
            file: Arg::new("file").value_name("FILE").help(text(
                lang,
                "The rows: CSV, JSON or XLSX with account, appid, notify_users and show_profile; \
                 - reads stdin",
                "行：CSV、JSON 或 XLSX，含 account、appid、notify_users 和 show_profile；\
             - 表示标准输入",
            )),
            notify_users: notify_users.required(false).help(text(
                lang,
                "For rows that leave it empty: whether every follower of the account is messaged",
                "行中未填写时：是否通知账号的全部粉丝",
            )),
            show_profile: show_profile.required(false).help(text(
                lang,
                "For rows that leave it empty: whether the account's page shows the mini program",
                "行中未填写时：账号资料页是否展示该小程序",
            )),
            format: choice(
                "format",
                "csv|json|xlsx",
                ["csv", "json", "xlsx"],
                text(
                    lang,
                    "The format of the rows [default: detected from the start of the file]",
                    "行的格式 [默认：根据文件开头判断]",
                ),
            ),
            encoding: choice(
                "encoding",
                "utf-8|utf-16|gb18030",
                Encoding::WORDS,
                text(
                    lang,
                    "The encoding of CSV and JSON; gb18030 includes GBK [default: detected]",
                    "CSV 和 JSON 的编码；gb18030 包含 GBK [默认：自动判断]",
                ),
            ),
            sheet: Arg::new("sheet")
                .long("sheet")
                .value_name("NAME")
                .help(text(
                    lang,
                    "The sheet of an XLSX workbook [default: the first visible one]",
                    "XLSX 的工作表 [默认：第一个可见的工作表]",
                )),
        }
    }

    pub fn all(self) -> [Arg; 6] {
        [
            self.file,
            self.notify_users,
            self.show_profile,
            self.format,
            self.encoding,
            self.sheet,
        ]
    }
}

fn choice(
    id: &'static str,
    value_name: &'static str,
    values: [&'static str; 3],
    help: &'static str,
) -> Arg {
    Arg::new(id)
        .long(id)
        .value_name(value_name)
        .value_parser(PossibleValuesParser::new(values))
        .hide_possible_values(true)
        .help(help)
}

/// The arguments of a job on this machine.
pub(super) fn job_args(lang: Lang) -> [Arg; 6] {
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
            .help(text(
                lang,
                "The job's folder, for rows, journal and report [default: FILE.job]",
                "任务的目录，存放行、日志和报告 [默认：FILE.job]",
            )),
        flag(
            "dry_run",
            "dry-run",
            text(
                lang,
                "Only show what would be posted, what is linked, and which quotas are too small",
                "只显示将发送哪些邀请、哪些已关联、哪些额度不足",
            ),
        ),
        flag(
            "yes",
            "yes",
            text(
                lang,
                "Do not ask for confirmation before followers are messaged",
                "通知粉丝之前不再询问",
            ),
        ),
        flag(
            "resume",
            "resume",
            text(
                lang,
                "Continue a job: rows without a result, and deferred rows that are due",
                "继续任务：尚无结果的行，以及已到期的推迟行",
            ),
        ),
        flag(
            "retry_failed",
            "retry-failed",
            text(
                lang,
                "Continue a job, and do failed, refused and deferred rows again",
                "继续任务，并重新处理失败、被拒绝和推迟的行",
            ),
        ),
        Arg::new("monthly_links")
            .long("monthly-links")
            .value_name("N")
            .value_parser(value_parser!(u32))
            .default_value("13")
            .help(text(
                lang,
                "For the plan: how many links an account may request in a month",
                "用于计划：每个账号每月可申请的关联数",
            )),
    ]
}

fn parse_rate(text: &str) -> Result<Rate, InvalidValue> {
    Rate::parse(text).map_err(InvalidValue)
}

/// The limits on calls.
pub(super) fn rate_args(lang: Lang) -> [Arg; 2] {
    let rate = |id, long, default, help| {
        Arg::new(id)
            .long(long)
            .value_name("RATE")
            .value_parser(parse_rate)
            .default_value(default)
            .help(help)
    };
    [
        rate(
            "rate",
            "rate",
            "100/s",
            text(
                lang,
                "The most calls for all accounts together: 100/s, 60/m, 1000/h, 5000/d, or off",
                "所有账号合计的调用上限：100/s、60/m、1000/h、5000/d，或 off 表示不\
             限",
            ),
        ),
        rate(
            "account_rate",
            "account-rate",
            "5/s",
            text(
                lang,
                "The most calls for each account",
                "每个账号的调用上限",
            ),
        ),
    ]
}

pub(super) fn workers_arg(lang: Lang) -> Arg {
    Arg::new("workers")
        .long("workers")
        .value_name("N")
        .value_parser(value_parser!(u16).range(1..=1024))
        .default_value("16")
        .help(text(
            lang,
            "How many accounts are processed at the same time, 1 to 1024",
            "同时处理的账号数，1 至 1024",
        ))
}

pub(super) fn rates(matches: &ArgMatches) -> Rates {
    let rate = |id| matches.get_one(id).copied().unwrap_or(Rate::UNLIMITED);
    Rates {
        all: rate("rate"),
        account: rate("account_rate"),
    }
}

/// How many accounts are processed at the same time. The process may then open as many descriptors
/// as that takes.
pub(super) fn workers(matches: &ArgMatches) -> usize {
    let workers = matches.get_one::<u16>("workers").copied().unwrap_or(1);
    raise_descriptor_limit(u64::from(workers) * DESCRIPTORS_PER_WORKER + OTHER_DESCRIPTORS);
    usize::from(workers)
}

/// Raises the soft limit on open descriptors, as far as the hard limit allows.
#[cfg(unix)]
fn raise_descriptor_limit(needed: u64) {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < needed) {
        limit.current = Some(limit.maximum.map_or(needed, |maximum| maximum.min(needed)));
        // If this fails, calls fail when they need another descriptor.
        let _ = setrlimit(Resource::Nofile, limit);
    }
}

/// Windows has no such limit.
#[cfg(windows)]
fn raise_descriptor_limit(_: u64) {}

/// The value of an argument in seconds.
pub(super) fn seconds(matches: &ArgMatches, id: &str) -> Duration {
    Duration::from_secs(matches.get_one(id).copied().unwrap_or_default())
}

/// The file of rows that a command line names.
pub(super) struct RowFile<'a> {
    path: &'a str,
    options: ReadOptions,
}

impl<'a> RowFile<'a> {
    pub fn from_matches(matches: &'a ArgMatches) -> Option<RowFile<'a>> {
        let path = matches.get_one::<String>("file")?;
        let choice = |id| matches.get_one::<String>(id).map(|choice| choice == "yes");
        let text = |id| matches.get_one::<String>(id).map(String::as_str);
        let format = text("format").map(|format| match format {
            "csv" => Format::Csv,
            "json" => Format::Json,
            _ => Format::Xlsx,
        });
        let encoding = text("encoding").and_then(Encoding::from_word);
        Some(RowFile {
            path,
            options: ReadOptions {
                format,
                encoding,
                sheet: text("sheet").map(str::to_owned),
                defaults: RowDefaults {
                    notify_users: choice("notify_users"),
                    show_profile: choice("show_profile"),
                },
            },
        })
    }

    pub fn is_stdin(&self) -> bool {
        self.path == "-"
    }

    pub fn path(&self) -> &str {
        self.path
    }

    /// The default folder of its job.
    pub fn default_job_folder(&self) -> Option<PathBuf> {
        (!self.is_stdin()).then(|| PathBuf::from(format!("{}.job", self.path)))
    }

    pub fn exists(&self) -> bool {
        !self.is_stdin() && Path::new(self.path).exists()
    }

    /// Whether it is in that folder, where creating a job could replace it.
    pub fn is_in(&self, dir: &Path) -> bool {
        match (fs::canonicalize(self.path), fs::canonicalize(dir)) {
            (Ok(file), Ok(dir)) => !self.is_stdin() && file.starts_with(dir),
            _ => false,
        }
    }

    /// Reads the rows from the start.
    pub fn rows(&self) -> Result<Rows, BulkError> {
        let path = self.path;
        let opened = if self.is_stdin() {
            input::stdin()
        } else {
            input::open(Path::new(path))
        };
        let input = opened.map_err(|error| {
            let (en, zh) = (format!("{path} cannot be read"), format!("无法读取 {path}"));
            BulkError::usage(Message::from(error).after(en, zh))
        })?;
        read_rows(input, &self.options).map_err(|bad| {
            let why = bad.message();
            BulkError::usage(Message::new(
                format!("{path}, {}", why.get(Lang::En)),
                format!("{path}，{}", why.get(Lang::Zh)),
            ))
        })
    }
}
