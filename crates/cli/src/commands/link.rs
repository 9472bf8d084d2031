//! `wxlink link`: invites a mini program, with one request.

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
    Command::new("link")
        .about(text(
            lang,
            "Invite a mini program to be linked to the Official Account",
            "邀请小程序与公众号关联",
        ))
        .long_about(text(
            lang,
            "Invite a mini program to be linked to the Official Account.\n\n\
             Sends one request without reading the list first. Success means that the invitation \
             is out: the Official Account's administrator must agree, then the mini program's. \
             `wxlink ensure` reads the list first, and is safe to repeat by runs that share a \
             store.",
            "邀请小程序与公众号关联。\n\n只发送一次请求，不先读取列表。成功表示\
             邀请已发出：须先由公众号管理员同意，再由小程序管理员同意。`wxlink ensure` 会\
             先读取列表，使用同一存储时可以放心重复运行。",
        ))
        .arg(args::appid(lang))
        .args(args::choices(lang))
        .after_help(examples(
            lang,
            &[
                (
                    text(
                        lang,
                        "invite without messaging the followers",
                        "邀请，但不通知粉丝",
                    ),
                    "wxlink link wx0b00000000000001 --notify-users no --show-profile yes \\\n      \
                 --token-file token.txt",
                ),
                (
                    text(lang, "the same, for a program", "同上，供程序使用"),
                    "wxlink link wx0b00000000000002 --notify-users no --show-profile yes \\\n      \
                 --token-file token.txt --json",
                ),
            ],
        ))
}

fn run(context: &Context, matches: &ArgMatches) -> Result<ExitCode, CommandError> {
    let appid = args::required(matches, "appid");
    let choices = args::link_choices(matches);
    let result = context
        .posting_client()?
        .link_miniprogram(None, appid, choices);
    let success = context.text(
        "The invitation is out. The Official Account's administrator must agree, then the mini \
         program's; `wxlink list` shows the state.",
        "关联邀请已发出。需先由公众号管理员同意，再由小程序管理员同意；可用 wxlink list 查看进展。",
    );
    Ok(report::call(context, appid, result, success))
}
