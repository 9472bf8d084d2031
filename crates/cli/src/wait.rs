//! `wxlink wait`: until the administrators have decided.

use clap::{Arg, ArgMatches, Command};
use wxlink_bulk::Verdict;

use crate::context::Context;
use crate::ensure::{tell, wait, waits};
use crate::failure::Failure;
use crate::link::given;
use crate::{Act, Subcommand, examples};

pub(crate) const SUBCOMMAND: Subcommand = Subcommand {
    command,
    act: Act::Settled(run),
};

fn command() -> Command {
    Command::new("wait")
        .about("Wait until a mini program is linked, or will not be")
        .long_about(
            "Wait until a mini program is linked, or will not be.\n\n\
             Looks at the list with growing pauses, and invites nobody. Ends with 3 if an administrator still has to \
             act when the time is up.",
        )
        .arg(
            Arg::new("appid")
                .value_name("APPID_OR_GH")
                .required(true)
                .help("The mini program's appid, wx…, or its original id, gh_…"),
        )
        .arg(wait().required(true))
        .after_help(examples(&[(
            "wait up to two hours for both administrators",
            "wxlink wait wx0b00000000000001 --wait 2h --token-file token.txt",
        )]))
}

fn run(context: &Context, matches: &ArgMatches) -> Result<Verdict, Failure> {
    let appid = given(matches, "appid");
    let client = context.client()?;
    let progress = client.wait_linked(None, appid, waits(context, matches));
    Ok(tell(context, appid, &progress))
}
