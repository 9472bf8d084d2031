//! The subcommands, and the command line they form together.

mod bulk;
mod completions;
mod doctor;
mod ensure;
mod explain;
mod link;
mod list;
mod man;
mod platform;
mod sandbox;
#[cfg(feature = "serve")]
mod serve;
mod unlink;
mod wait;

use clap::Command;

use crate::command::Subcommand;
use crate::{exit, options};

/// All subcommands, in the order of the help.
const SUBCOMMANDS: &[Subcommand] = &[
    link::SUBCOMMAND,
    list::SUBCOMMAND,
    unlink::SUBCOMMAND,
    ensure::SUBCOMMAND,
    wait::SUBCOMMAND,
    explain::SUBCOMMAND,
    bulk::SUBCOMMAND,
    platform::SUBCOMMAND,
    #[cfg(feature = "serve")]
    serve::SUBCOMMAND,
    doctor::SUBCOMMAND,
    sandbox::SUBCOMMAND,
    completions::SUBCOMMAND,
    man::SUBCOMMAND,
];

/// The subcommand of that name.
pub(crate) fn find(name: &str) -> Option<&'static Subcommand> {
    let mut subcommands = SUBCOMMANDS.iter();
    subcommands.find(|s| (s.command)().get_name() == name)
}

/// The definition of the whole command line; help, completions and manual pages are made from it.
pub(crate) fn command_line() -> Command {
    Command::new("wxlink")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Links WeChat mini programs to Official Accounts")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .args(options::global_arguments())
        .subcommands(SUBCOMMANDS.iter().map(|s| (s.command)()))
        .after_help(exit::HELP)
}
