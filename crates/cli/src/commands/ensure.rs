//! `wxlink ensure`: links a mini program unless it is linked or invited already.

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
    Command::new("ensure")
        .about("Make sure that a mini program is linked: read the list, invite if necessary, wait")
        .long_about(
            "Make sure that a mini program is linked: read the list, send an invitation only if \
             the list does not contain the mini program, and with --wait wait for the \
             administrators.\n\n\
             Safe to repeat after any failure, by runs that share a store: that of the option \
             store, or else a file of this user. With --account too, an invitation that was \
             refused or has expired is not repeated.\n\n\
             Exits with 3 while an invitation is waiting for an administrator.",
        )
        .arg(args::appid())
        .args(args::choices())
        .arg(args::wait().default_value("0"))
        .after_help(examples(&[
            (
                "invite unless it is linked or invited already",
                "wxlink ensure wx0b00000000000001 --notify-users no --show-profile yes \\\n      \
                 --token-file token.txt",
            ),
            (
                "and wait up to two hours for both administrators",
                "wxlink ensure wx0b00000000000001 --notify-users no --show-profile yes \\\n      \
                 --wait 2h --token-file token.txt",
            ),
        ]))
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
