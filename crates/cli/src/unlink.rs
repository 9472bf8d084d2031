//! `wxlink unlink`: asks for the end of a link.

use clap::{ArgMatches, Command};
use wxlink_bulk::Verdict;

use crate::context::Context;
use crate::failure::Failure;
use crate::link::{appid, given, tell};
use crate::{Act, Subcommand, examples};

pub(crate) const SUBCOMMAND: Subcommand = Subcommand {
    command,
    act: Act::Settled(run),
};

fn command() -> Command {
    Command::new("unlink")
        .about("Ask to unlink a mini program from the Official Account")
        .long_about(
            "Ask to unlink a mini program from the Official Account.\n\n\
             A yes means that the Official Account's administrator has been asked; the mini program stays in the \
             list until they agree.",
        )
        .arg(appid())
        .after_help(examples(&[(
            "ask for the end of a link",
            "wxlink unlink wx0b00000000000001 --token-file token.txt",
        )]))
}

fn run(context: &Context, matches: &ArgMatches) -> Result<Verdict, Failure> {
    let appid = given(matches, "appid");
    let answer = context.client()?.unlink_miniprogram(None, appid);
    let yes = context.told(
        "The Official Account's administrator has been asked; the mini program stays in the list until they agree.",
        "已请求公众号管理员确认；在其同意之前，小程序仍在列表中。",
    );
    Ok(tell(context, appid, answer, yes))
}
