//! `wxlink ensure`: links a mini program unless it is linked or invited already.

use clap::{ArgMatches, Command};
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
    Command::new("ensure")
        .about(text(
            lang,
            "Make sure that a mini program is linked: read the list, invite if \
             necessary, wait",
            "确保小程序已关联：读取列表，必要时邀请并等待",
        ))
        .long_about(text(
            lang,
            "Make sure that a mini program is linked: read the list, send an \
             invitation only if the list does not contain the mini program, and \
             with --wait wait for the administrators.\n\n\
             Safe to repeat after any failure, by runs that share a store: that of \
             the option store, or else a file of this user. With --account too, an \
             invitation that was refused or has expired is not repeated.\n\n\
             Exits with 3 while an invitation is waiting for an administrator.",
            "确保小程序已关联：读取列表，仅当列表中没有该小程序时才发送邀请；\
             加上 --wait 则等待管理员确认。\n\n\
             使用同一存储时，失败后可以放心重复运行：存储由选项 store 指定，否则为\
             当前用户的一个文件。若同时指定 --account，已被拒绝或失效的邀请也不会重\
             新发送。\n\n\
             邀请等待管理员确认时，退出码为 3。",
        ))
        .arg(args::appid(lang))
        .args(args::choices(lang))
        .arg(args::wait(lang).default_value("0"))
        .after_help(examples(
            lang,
            &[
                (
                    text(
                        lang,
                        "invite unless it is linked or invited already",
                        "尚未关联或邀请时才发送邀请",
                    ),
                    "wxlink ensure wx0b00000000000001 --notify-users no --show-profile yes \
                     \\\n      --token-file token.txt",
                ),
                (
                    text(
                        lang,
                        "and wait up to two hours for both administrators",
                        "并最多等待两小时，直到两位管理员都处理完毕",
                    ),
                    "wxlink ensure wx0b00000000000001 --notify-users no --show-profile yes \
                     \\\n      --wait 2h --token-file token.txt",
                ),
            ],
        ))
}

fn run(context: &Context, matches: &ArgMatches) -> Result<ExitCode, CommandError> {
    let appid = args::required(matches, "appid");
    let choices = args::link_choices(matches);
    let client = context.posting_client()?;
    let wait = args::wait_time(matches);
    report::waiting(context, wait);
    let progress = client.ensure_linked(None, appid, choices, wait);
    Ok(report::link_progress(context, appid, &progress))
}
