//! `wxlink wait`: waits until the administrators have decided.

use clap::{Arg, ArgMatches, Command};

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
    Command::new("wait")
        .about("Wait until a mini program is linked or refused")
        .long_about(
            "Wait until a mini program is linked or refused.\n\n\
             Reads the list at growing intervals and sends no invitation. Exits with 3 if an \
             administrator still has to act when the time is up.",
        )
        .arg(
            Arg::new("appid_or_gh_id")
                .value_name("APPID_OR_GH_ID")
                .required(true)
                .help("The mini program's appid, wx…, or its original ID, gh_…"),
        )
        .arg(args::wait().required(true))
        .after_help(examples(&[(
            "wait up to two hours for both administrators",
            "wxlink wait wx0b00000000000001 --wait 2h --token-file token.txt",
        )]))
}

fn run(context: &Context, matches: &ArgMatches) -> Result<ExitCode, CommandError> {
    let appid_or_gh_id = args::required(matches, "appid_or_gh_id");
    let client = context.client()?;
    let wait = args::wait_time(matches);
    report::waiting(context, wait);
    let progress = client.wait_linked(None, appid_or_gh_id, wait);
    Ok(report::link_progress(context, appid_or_gh_id, &progress))
}
