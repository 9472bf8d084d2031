//! `wxlink put`: what a third-party platform is given by WeChat, into its token store.

use clap::{ArgMatches, Command};
use serde_json::json;
use wxlink_bulk::Verdict;

use crate::context::Context;
use crate::failure::Failure;
use crate::link::{appid, given};
use crate::output::GOOD;
use crate::{Act, Subcommand, examples, settings};

pub(crate) const SUBCOMMAND: Subcommand = Subcommand {
    command,
    act: Act::Settled(run),
};

fn command() -> Command {
    Command::new("put")
        .about("Keep what WeChat gives a third-party platform: its ticket, an account's refresh token")
        .long_about(
            "Keep what WeChat gives a third-party platform (component_appid) in its token_store, from where all who \
             share that take it. The secret is read from stdin, one line.",
        )
        .subcommand_required(true)
        .subcommand(
            Command::new("ticket")
                .about("The component_verify_ticket that WeChat pushes every 10 minutes")
                .after_help(examples(&[("from a file", "wxlink put ticket < ticket.txt")])),
        )
        .subcommand(
            Command::new("account")
                .about("The refresh token an account gives when it authorises the platform")
                .arg(appid().help("The account's appid, wx…"))
                .after_help(examples(&[(
                    "from a file",
                    "wxlink put account wx0a00000000000001 < refresh-token.txt",
                )])),
        )
        .after_help(examples(&[("from a file", "wxlink put ticket < ticket.txt")]))
}

fn run(context: &Context, matches: &ArgMatches) -> Result<Verdict, Failure> {
    let client = context.client()?;
    let secret = settings::secret_of_stdin()?;
    match matches.subcommand() {
        Some(("account", matches)) => client.put_account(given(matches, "appid"), &secret)?,
        _ => client.put_ticket(&secret)?,
    }
    let out = context.out;
    out.result(&json!({"status": "OK"}), || {
        out.line(format_args!(
            "{GOOD}{}{GOOD:#}",
            context.told("Kept.", "已保存。")
        ));
    });
    Ok(Verdict::Done)
}
