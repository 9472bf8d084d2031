//! The command `wxlink`: the library's calls for people at a terminal and for scripts.
//!
//! The binary and the Python package both call [`main`].
//!
//! # Layout
//!
//! The lowest layer first. A module imports only from layers listed before it.
//!
//! - `exit`: the exit codes.
//! - `message`: a text in every language.
//! - `output`: what is printed, as text or as JSON lines; styles and tables.
//! - `interrupt`: Ctrl-C, SIGTERM and SIGHUP.
//! - `input`: reads from stdin and pipes that a signal can interrupt.
//! - `options`: flag, variable and config key of each of the library's options; secrets.
//! - `error`: why a subcommand failed.
//! - `environment`: environment variables.
//! - `secret`: a secret from a file or stdin.
//! - `config`: the config file.
//! - `settings`: flags, environment and config file combined.
//! - `state`: where later runs find what this one did, if no store is set.
//! - `context`: what a subcommand works with.
//! - `platform`: the settings of commands that keep what WeChat gives a platform.
//! - `args`: arguments that several subcommands share.
//! - `report`: results that several subcommands share.
//! - `command`: what a subcommand consists of.
//! - `commands`: the subcommands, one file or folder each. They do not import from each other.
//!
//! A new subcommand is a file or folder in `commands` that defines a `SUBCOMMAND`, and an entry in
//! `commands::SUBCOMMANDS`. Help, completions and manual pages follow from it.
#![deny(unsafe_code)]
#![warn(missing_docs)]

mod args;
mod command;
mod commands;
mod config;
mod context;
mod environment;
mod error;
mod exit;
mod input;
mod interrupt;
mod message;
mod options;
mod output;
mod platform;
mod report;
mod secret;
mod settings;
mod state;

use std::ffi::{OsStr, OsString};

use clap::ArgMatches;

use crate::command::Run;
use crate::config::Config;
use crate::context::Context;
use crate::error::CommandError;
use crate::output::{Log, Output};
use crate::settings::Settings;

pub use crate::exit::ExitCode;

/// Runs the command with these arguments, of which the first is the name of the program, and
/// returns the exit code of the process. To be called once in a process: it handles signals.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let matches = match commands::command_line().try_get_matches_from(&arguments) {
        Ok(matches) => matches,
        Err(error) => return error::report_arguments(&error, &arguments),
    };
    let subcommand = matches.subcommand();
    let found = subcommand.and_then(|(name, matches)| Some((commands::find(name)?, matches)));
    let Some((subcommand, matches)) = found else {
        return ExitCode::Usage.number();
    };
    let lang = settings::language(matches, None);
    let mut out = Output::new(matches.get_flag("json"), lang);
    out.set_log(Log::from_matches(matches));
    let code = match subcommand.run {
        Run::WithCommandLine(run) => run(commands::command_line(), &out, matches).number(),
        Run::OtherProgram(run) => {
            let program = arguments
                .first()
                .map_or(OsStr::new(""), OsString::as_os_str);
            run(program, &out, matches)
        }
        Run::WithSettings(run) => {
            let code = run_with_settings(&mut out, run, matches);
            interrupt::process_exit_code(code)
        }
    };
    out.finish(code)
}

fn run_with_settings(
    out: &mut Output,
    run: fn(&Context, &ArgMatches) -> Result<ExitCode, CommandError>,
    matches: &ArgMatches,
) -> ExitCode {
    let settings = Config::read(matches).and_then(|config| {
        out.set_lang(settings::language(matches, config.as_ref()));
        Settings::read(matches, config.as_ref())
    });
    let settings = match settings {
        Ok(settings) => settings,
        Err(error) => return error.report(out),
    };
    for warning in settings.warnings() {
        out.diagnostic(warning.get(out.lang()));
    }
    let context = Context::new(settings, out);
    let code = run(&context, matches).unwrap_or_else(|error| error.report(out));
    context.finish_token_fetches();
    code
}
