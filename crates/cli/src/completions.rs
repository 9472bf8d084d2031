//! `wxlink completions`: for shells.

use clap::{Arg, ArgMatches, Command, value_parser};
use clap_complete::{Shell, generate};
use wxlink_bulk::Verdict;

use crate::output::Output;
use crate::{Act, Subcommand, examples};

pub(crate) const SUBCOMMAND: Subcommand = Subcommand {
    command,
    act: Act::Plain(run),
};

fn command() -> Command {
    Command::new("completions")
        .about("Print what a shell needs to complete this command's arguments")
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

fn run(out: &Output, matches: &ArgMatches) -> u8 {
    let shell = matches.get_one("shell").copied().unwrap_or(Shell::Bash);
    let mut script = Vec::new();
    generate(shell, &mut crate::command(), "wxlink", &mut script);
    out.write(&script);
    Verdict::Done.code()
}
