//! What a subcommand consists of: its arguments, and the function that runs it.

use std::ffi::OsStr;

use clap::{ArgMatches, Command};
use wxlink::Lang;

use crate::context::Context;
use crate::error::CommandError;
use crate::exit::ExitCode;
use crate::message::text;
use crate::output::Output;

/// A subcommand.
pub(crate) struct Subcommand {
    /// Its name, arguments and help, in a language.
    pub command: fn(Lang) -> Command,
    pub run: Run,
}

/// How a subcommand is run, by what it needs.
pub(crate) enum Run {
    /// With the settings, from which it can make clients.
    WithSettings(fn(&Context, &ArgMatches) -> Result<ExitCode, CommandError>),
    /// With the definition of the whole command line, in English. Neither reads settings nor calls
    /// WeChat.
    WithCommandLine(fn(Command, &Output, &ArgMatches) -> ExitCode),
    /// As another program; gets the path by which this one was started, and returns the exit code
    /// of the other one.
    OtherProgram(fn(&OsStr, &Output, &ArgMatches) -> u8),
}

/// The last part of a subcommand's help: for each example its purpose and the line for a shell.
pub(crate) fn examples(lang: Lang, examples: &[(&str, &str)]) -> String {
    let mut text = text(lang, "Examples:", "示例:").to_owned();
    for (purpose, line) in examples {
        text += &format!("\n  # {purpose}\n  {line}");
    }
    text
}
