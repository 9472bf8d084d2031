//! `wxlink completions`: prints a completion script for a shell.

use clap::{Arg, ArgMatches, Command, value_parser};
use clap_complete::{Shell, generate};

use crate::command::{Run, Subcommand, examples};
use crate::exit::ExitCode;
use crate::output::Output;

pub(crate) const SUBCOMMAND: Subcommand = Subcommand {
    command,
    run: Run::WithCommandLine(run),
};

fn command() -> Command {
    Command::new("completions")
        .about("Print a script that completes this command's arguments in a shell")
        .arg(
            Arg::new("shell")
                .value_name("SHELL")
                .required(true)
                .value_parser(value_parser!(Shell))
                .help("The shell"),
        )
        .after_help(examples(&[(
            "for bash, in this session",
            "eval \"$(wxlink completions bash)\"",
        )]))
}

fn run(mut command_line: Command, out: &Output, matches: &ArgMatches) -> ExitCode {
    let shell = matches.get_one("shell").copied().unwrap_or(Shell::Bash);
    let mut script = Vec::new();
    generate(shell, &mut command_line, "wxlink", &mut script);
    out.write(&script);
    ExitCode::Done
}
