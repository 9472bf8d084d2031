//! `wxlink wait`: waits until the administrators have decided.

use clap::{Arg, ArgMatches, Command};
use wxlink::Lang;

use crate::command::{Run, Subcommand, examples};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::ExitCode;
use crate::message::text;
use crate::{args, report};

pub(crate) const SUBCOMMAND: Subcommand = Subcommand {
    command,
    run: Run::WithSettings(run),
};

fn command(lang: Lang) -> Command {
    Command::new("wait")
        .about(text(
            lang,
            "Wait until a mini program is linked or refused",
            "等待小程序关联成功或被拒绝",
        ))
        .long_about(text(
            lang,
            "Wait until a mini program is linked or refused.\n\n\
             Reads the list at growing intervals and sends no invitation. Exits with 3 if an \
             administrator still has to act when the time is up.",
            "等待小程序关联成功或被拒绝。\n\n以逐渐加长的间隔读取列表，不发送邀\
             请。若到时仍须管理员处理，退出码为 3。",
        ))
        .arg(
            Arg::new("appid_or_gh_id")
                .value_name("APPID_OR_GH_ID")
                .required(true)
                .help(text(
                    lang,
                    "The mini program's appid, wx…, or its original ID, gh_…",
                    "小程序的 appid（wx…）或原始 ID（gh_…）",
                )),
        )
        .arg(args::wait(lang).required(true))
        .after_help(examples(
            lang,
            &[(
                text(
                    lang,
                    "wait up to two hours for both administrators",
                    "最多等待两小时，直到两位管理员都处理完毕",
                ),
                "wxlink wait wx0b00000000000001 --wait 2h --token-file token.txt",
            )],
        ))
}

fn run(context: &Context, matches: &ArgMatches) -> Result<ExitCode, CommandError> {
    let appid_or_gh_id = args::required(matches, "appid_or_gh_id");
    let client = context.client()?;
    let wait = args::wait_time(matches);
    report::waiting(context, wait);
    let progress = client.wait_linked(None, appid_or_gh_id, wait);
    Ok(report::link_progress(context, appid_or_gh_id, &progress))
}
