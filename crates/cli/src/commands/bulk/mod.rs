//! `wxlink bulk`: many links for many accounts, on this machine or through a queue.
//!
//! - `arguments`: the arguments and their values.
//! - `progress`: shows the progress.
//! - `output`: prints plans, summaries and the status of queues.
//! - `jobs`: status and report of a job. `follow`: follows invitations.
//! - `metrics`: what a worker serves to Prometheus.
//! - `local`: a job on this machine. `queue`: the subcommands for a queue.
//! - `template`: writes an empty file of rows.

mod arguments;
mod follow;
mod jobs;
mod local;
mod metrics;
mod output;
mod progress;
mod queue;
mod template;

use clap::{ArgMatches, Command};
use wxlink::Lang;
use wxlink_bulk::{RunEnd, StopFlag};

use crate::command::{Run, Subcommand, examples};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::ExitCode;
use crate::interrupt;
use crate::message::{Message, text};
use arguments::RowArgs;

pub(crate) const SUBCOMMAND: Subcommand = Subcommand {
    command,
    run: Run::WithSettings(run),
};

fn command(lang: Lang) -> Command {
    Command::new("bulk")
        .about(text(
            lang,
            "Link many mini programs to many accounts: plan, ask, run, resume",
            "为多个账号批量关联小程序：计划、确认、运行、继续",
        ))
        .long_about(text(
            lang,
            "Link many mini programs to many accounts.\n\n\
             The rows name an account and an appid each, and contain notify_users and \
             show_profile. They are CSV or XLSX with a line of column names, or JSON. The tokens \
             come from a source for many accounts (component_appid or token_command).\n\n\
             The list of each account is read first, and only links that it does not show are \
             posted. The result of each row is kept in a folder, the job. After any interruption \
             --resume continues from there: nothing is lost, and nothing is posted twice.",
            "为多个账号批量关联小程序。\n\n每行写明账号 (account) 和小程序 (appid)，\
             以及 notify_users 和 show_profile。可用带有列名行的 CSV 或 XLSX，或 JSON。\
             令牌须来自适用于多个账号的来源（component_appid 或 token_command）。\
             \n\n先读取每个账号的列表，只为列表中没有的小程序发送邀请。每行的结\
             果都保存在任务的目录中。无论因何中断，都可用 --resume 从断点继续：\
             不会丢失，也不会重复发送。",
        ))
        .args_conflicts_with_subcommands(true)
        .subcommand_negates_reqs(true)
        .args(RowArgs::new(lang).all())
        .args(arguments::job_args(lang))
        .args(arguments::rate_args(lang))
        .arg(arguments::workers_arg(lang))
        .subcommand(template::command(lang))
        .subcommands(queue::commands(lang))
        .subcommands([follow::command(lang), jobs::report_command(lang)])
        .after_help(examples(
            lang,
            &[
                (
                    text(
                        lang,
                        "show what would be done, and do nothing",
                        "只显示将要做什么，不实际执行",
                    ),
                    "wxlink bulk links.csv --dry-run",
                ),
                (
                    text(
                        lang,
                        "run; asks before followers are messaged",
                        "运行；通知粉丝之前会先询问",
                    ),
                    "wxlink bulk links.csv",
                ),
                (
                    text(
                        lang,
                        "continue after an interruption, or after a quota was reset",
                        "中断之后，或额度恢复之后继续",
                    ),
                    "wxlink bulk links.csv --resume",
                ),
                (
                    text(
                        lang,
                        "continue, and do failed rows again",
                        "继续，并重新处理失败的行",
                    ),
                    "wxlink bulk links.csv --retry-failed",
                ),
                (
                    text(
                        lang,
                        "one mini program for all accounts of a list; the rows come from stdin",
                        "为名单中的所有账号关联同一个小程序；行来自标准输入",
                    ),
                    "(echo account,appid; sed 's/$/,wx0b00000000000002/' accounts.txt) | \\\n      \
                 wxlink bulk - --job more.job --notify-users no --show-profile yes",
                ),
            ],
        ))
}

fn run(context: &Context, matches: &ArgMatches) -> Result<ExitCode, CommandError> {
    match matches.subcommand() {
        Some(("follow", matches)) => follow::run(context, matches),
        Some(("report", matches)) => jobs::report(context, matches),
        Some(("status", matches)) => match jobs::job_folder(matches) {
            Some(dir) => jobs::status(context, dir),
            None => queue::run(context, "status", matches),
        },
        Some(("template", matches)) => template::run(context, matches),
        Some((name, matches)) => queue::run(context, name, matches),
        None => local::run(context, matches),
    }
}

/// The source of tokens that a client needs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TokensFor {
    /// A token that serves one account is enough.
    OneAccount,
    ManyAccounts,
}

impl TokensFor {
    /// What a job for this many accounts needs.
    const fn accounts(accounts: u64) -> TokensFor {
        if accounts == 1 {
            TokensFor::OneAccount
        } else {
            TokensFor::ManyAccounts
        }
    }
}

/// A client with a source of tokens. An interrupt does not cancel its calls, so that rows in
/// progress are completed.
fn client(context: &Context, tokens_for: TokensFor) -> Result<wxlink::Client, CommandError> {
    let settings = &context.settings;
    if !settings.has_token_source() {
        return Err(CommandError::usage(settings.no_token_source()));
    }
    let client = context.uncancelled_client(&context.posting_options()?)?;
    if client.serves_accounts() || tokens_for == TokensFor::OneAccount {
        return Ok(client);
    }
    Err(CommandError::usage(Message::new(
        "an access token serves one account, and these rows are for several. Set \
         component_appid, or a token_command that prints a token for each account",
        "一个 access_token 只适用于一个账号，而这些行涉及多个账号。\
         请设置 component_appid，或能为每个账号输出 access_token 的 token_command",
    )))
}

/// A flag that an interrupt sets.
fn stop_on_interrupt() -> StopFlag {
    let stop = StopFlag::default();
    let flag = stop.clone();
    interrupt::on_interrupt(move || flag.request());
    stop
}

/// If the run ended early, reports why and returns the exit code.
fn report_early_end(context: &Context, end: RunEnd) -> Option<ExitCode> {
    let report = |message: &str| context.out.diagnostic(message);
    match end {
        RunEnd::Finished => None,
        RunEnd::Stopped => Some(ExitCode::Interrupted),
        RunEnd::Outage => {
            report(context.text(
                "no call gets through any more. Run `wxlink doctor` to find the cause",
                "请求已无法送达。请运行 `wxlink doctor` 查找原因",
            ));
            Some(ExitCode::Retry)
        }
        RunEnd::NoAccess => {
            report(context.text(
                "20 accounts in a row denied access. Run `wxlink doctor` to find the cause",
                "连续 20 个账号拒绝访问。请运行 `wxlink doctor` 查找原因",
            ));
            Some(ExitCode::NoAccess)
        }
    }
}
