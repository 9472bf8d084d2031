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
use wxlink::Lang;

use crate::command::Subcommand;
use crate::message::text;
use crate::{exit, help, options};

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
    subcommands.find(|s| (s.command)(Lang::En).get_name() == name)
}

/// The definition of the whole command line, with help in this language. Completions and manual
/// pages are made from the English one.
pub(crate) fn command_line(lang: Lang) -> Command {
    let command = Command::new("wxlink")
        .version(env!("CARGO_PKG_VERSION"))
        .about(text(
            lang,
            "Links WeChat mini programs to Official Accounts",
            "将微信小程序关联到公众号",
        ))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .subcommands(SUBCOMMANDS.iter().map(|s| (s.command)(lang)))
        .after_help(exit::HELP.get(lang));
    let arguments = options::global_arguments(lang);
    match lang {
        Lang::En => command.args(arguments),
        Lang::Zh => help::in_chinese(command, arguments),
    }
}
