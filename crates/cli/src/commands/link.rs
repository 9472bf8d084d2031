//! `wxlink link`: invites a mini program, with one request.

use clap::{ArgMatches, Command};

use crate::command::{Run, Subcommand, examples};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::ExitCode;
use crate::{args, report};

pub(crate) const SUBCOMMAND: Subcommand = Subcommand {
    command,
    run: Run::WithSettings(run),
};

fn command() -> Command {
    Command::new("link")
        .about("Invite a mini program to be linked to the Official Account")
        .long_about(
            "Invite a mini program to be linked to the Official Account.\n\n\
             Sends one request without reading the list first. Success means that the invitation \
             is out: the Official Account's administrator must agree, then the mini program's. \
             `wxlink ensure` reads the list first, and is safe to repeat by runs that share a \
             store.",
        )
        .arg(args::appid())
        .args(args::choices())
        .after_help(examples(&[
            (
                "invite without messaging the followers",
                "wxlink link wx0b00000000000001 --notify-users no --show-profile yes \\\n      \
                 --token-file token.txt",
            ),
            (
                "the same, for a program",
                "wxlink link wx0b00000000000002 --notify-users no --show-profile yes \\\n      \
                 --token-file token.txt --json",
            ),
        ]))
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
