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
//! - `locale`: the language that the environment asks for.
//! - `help`: the help in Chinese.
//! - `parse_error`: errors of the command line in Chinese.
//! - `output`: what is printed, as text or as JSON lines; styles and tables.
//! - `interrupt`: Ctrl-C, SIGTERM and SIGHUP.
//! - `systemd`: reports the state of a service.
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
mod folders;
mod help;
mod input;
mod interrupt;
mod locale;
mod message;
mod options;
mod output;
mod parse_error;
mod platform;
mod report;
mod secret;
mod settings;
mod state;
#[cfg(feature = "serve")]
mod systemd;

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::ArgMatches;
use wxlink::Lang;

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
    let parse = |lang| commands::command_line(lang).try_get_matches_from(&arguments);
    let matches = match parse(Lang::En) {
        Ok(matches) => matches,
        Err(error) => {
            let lang = settings::language_of_raw(&arguments);
            // The same error or help, in that language.
            let error = parse(lang).err().unwrap_or(error);
            return error::report_arguments(&error, &arguments, lang);
        }
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
        Run::WithCommandLine(run) => run(commands::command_line(Lang::En), &out, matches).number(),
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
    let path = matches.get_one::<PathBuf>("config").map(PathBuf::as_path);
    let settings = Config::read(path).and_then(|config| {
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
