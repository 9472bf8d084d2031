//! The command `wxlink`: what the library does, for people at a terminal and for scripts.
//!
//! A module for each subcommand; around them the settings, which become the library's options, and the output.
#![deny(unsafe_code)]
#![warn(missing_docs)]

mod bulk;
mod completions;
mod config;
mod context;
mod doctor;
mod ensure;
mod explain;
mod failure;
mod input;
mod interrupt;
mod link;
mod list;
mod man;
mod output;
mod put;
mod report;
mod sandbox;
mod settings;
mod table;
mod unlink;
mod wait;

use std::ffi::{OsStr, OsString};

use clap::{ArgMatches, Command};
use wxlink_bulk::Verdict;

use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;

/// A subcommand: how it is called, and what it does.
struct Subcommand {
    command: fn() -> Command,
    act: Act,
}

/// What a subcommand needs to do its part.
enum Act {
    /// The settings, and whatever is made from them.
    Settled(fn(&Context, &ArgMatches) -> Result<Verdict, Failure>),
    /// Neither settings nor WeChat; returns the exit code.
    Plain(fn(&Output, &ArgMatches) -> u8),
    /// Another program, which may lie beside this one; also told how this one was called.
    Program(fn(&OsStr, &Output, &ArgMatches) -> u8),
}

/// All of them, in the order of the help.
const SUBCOMMANDS: &[Subcommand] = &[
    link::SUBCOMMAND,
    list::SUBCOMMAND,
    unlink::SUBCOMMAND,
    ensure::SUBCOMMAND,
    wait::SUBCOMMAND,
    explain::SUBCOMMAND,
    bulk::SUBCOMMAND,
    put::SUBCOMMAND,
    doctor::SUBCOMMAND,
    sandbox::SUBCOMMAND,
    completions::SUBCOMMAND,
    man::SUBCOMMAND,
];

const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 refused, 2 usage, 3 waiting for administrators, 4 credentials or whitelist, 5 try again, \
129 hung up, 130 interrupted, 143 terminated.";

/// Runs the command with these arguments, its name first, and returns its exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let matches = match command().try_get_matches_from(&arguments) {
        Ok(matches) => matches,
        Err(told) => return failure::of_arguments(&told, &arguments),
    };
    let Some((name, matches)) = matches.subcommand() else {
        return Verdict::Usage.code();
    };
    let Some(subcommand) = SUBCOMMANDS
        .iter()
        .find(|s| (s.command)().get_name() == name)
    else {
        return Verdict::Usage.code();
    };
    let out = Output::new(matches.get_flag("json"));
    let code = match subcommand.act {
        Act::Plain(act) => act(&out, matches),
        Act::Program(act) => {
            let called = arguments.first().map(OsString::as_os_str);
            act(called.unwrap_or_default(), &out, matches)
        }
        Act::Settled(act) => interrupt::exit_code(settled(&out, act, matches)),
    };
    out.finish(code)
}

fn settled(
    out: &Output,
    act: fn(&Context, &ArgMatches) -> Result<Verdict, Failure>,
    matches: &ArgMatches,
) -> Verdict {
    let settings = match Settings::read(matches) {
        Ok(settings) => settings,
        Err(failure) => return failure.tell(out),
    };
    for warning in settings.warnings() {
        out.complain(warning);
    }
    let context = Context::new(settings, out);
    let verdict = act(&context, matches).unwrap_or_else(|failure| failure.tell(out));
    context.finish_token_fetches();
    verdict
}

/// The whole command line, from which help, completions and manual pages are made as well.
fn command() -> Command {
    Command::new("wxlink")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Links WeChat mini programs to Official Accounts")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .args(settings::arguments())
        .subcommands(SUBCOMMANDS.iter().map(|s| (s.command)()))
        .after_help(EXIT_CODES)
}

/// What stands below a subcommand's help: what to type, and what that does.
fn examples(rows: &[(&str, &str)]) -> String {
    let mut text = "Examples:".to_owned();
    for (what, line) in rows {
        text += &format!("\n  # {what}\n  {line}");
    }
    text
}
