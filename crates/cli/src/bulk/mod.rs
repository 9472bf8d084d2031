//! `wxlink bulk`: many links for many accounts, on this machine, or through a queue on many.

mod arguments;
mod local;
mod progress;
mod queue;
mod told;

use clap::{ArgMatches, Command};
use wxlink::Client;
use wxlink_bulk::{RunEnd, StopFlag, Verdict};

use crate::context::Context;
use crate::failure::Failure;
use crate::{Act, Subcommand, examples, interrupt};

pub(crate) const SUBCOMMAND: Subcommand = Subcommand {
    command,
    act: Act::Settled(run),
};

fn command() -> Command {
    Command::new("bulk")
        .about("Make many links for many accounts: plan, ask, run, go on after any interruption")
        .long_about(
            "Make many links for many accounts.\n\n\
             The rows name an account and an appid each, and with notify_users and show_profile what a link needs; CSV \
             with a line of column names, or an object of JSON a line. The tokens come from a source for many accounts \
             (component_appid or token_command).\n\n\
             Each account's list is read first, and only what that shows no trace of is posted. What becomes of each \
             row is kept in a folder, the job, from which --resume goes on after any interruption: nothing is lost, and \
             nothing is posted twice.",
        )
        .args_conflicts_with_subcommands(true)
        .subcommand_negates_reqs(true)
        .args(arguments::of_rows())
        .args(arguments::of_a_job())
        .args(arguments::of_rates())
        .args(arguments::of_a_crew())
        .subcommands(queue::commands())
        .after_help(examples(&[
            ("say what would be done, and do nothing", "wxlink bulk links.csv --dry-run"),
            ("do it; asks before followers are messaged", "wxlink bulk links.csv"),
            ("go on after an interruption, or when a quota begins anew", "wxlink bulk links.csv --resume"),
            ("do again what failed, too", "wxlink bulk links.csv --retry-failed"),
            (
                "one mini program for the accounts of a list; read their names from stdin",
                "(echo account,appid; sed 's/$/,wx0b00000000000002/' accounts.txt) | \\\n      \
                 wxlink bulk - --job more.job --notify-users no --show-profile yes",
            ),
        ]))
}

fn run(context: &Context, matches: &ArgMatches) -> Result<Verdict, Failure> {
    match matches.subcommand() {
        Some((name, matches)) => queue::run(context, name, matches),
        None => local::run(context, matches),
    }
}

/// A client that has tokens for many accounts. An interrupt does not end its calls: rows come to their end.
fn client(context: &Context, accounts: Option<u64>) -> Result<Client, Failure> {
    let settings = &context.settings;
    if !settings.names_tokens() {
        return Err(Failure::Usage(settings.no_tokens().to_owned()));
    }
    let client = context.client_for_long(settings.options())?;
    match client.serves_accounts() || accounts == Some(1) {
        true => Ok(client),
        false => {
            Err(Failure::Usage(
                context
                    .told(
                        "an access token serves one account, and these rows are for more; set component_appid, or a \
                         token_command that prints a token for each account",
                        "一个 access_token 只适用于一个账号，而这些行涉及多个账号；请设置 component_appid 或 token_command",
                    )
                    .to_owned(),
            ))
        }
    }
}

/// Ends the work at an interrupt.
fn stop() -> StopFlag {
    let stop = StopFlag::default();
    let flag = stop.clone();
    interrupt::call_back(move || flag.request());
    stop
}

/// Says why the work ended before all was done, and what that comes to; nothing if it was.
fn cut_short(context: &Context, end: RunEnd) -> Option<Verdict> {
    let why = |what: &str| {
        context.out.complain(format_args!(
            "{what}; `wxlink doctor` says what is in the way"
        ));
    };
    match end {
        RunEnd::Finished => None,
        RunEnd::Stopped => Some(Verdict::Interrupted),
        RunEnd::Outage => {
            why("nothing gets through any more");
            Some(Verdict::Again)
        }
        RunEnd::NoAccess => {
            why("one account after the other lets nobody in");
            Some(Verdict::Access)
        }
    }
}
