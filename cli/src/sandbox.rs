//! `wxlink sandbox`: the simulator of WeChat's side.

use std::ffi::OsString;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::output::Output;
use crate::{Act, Subcommand};

pub(crate) const SUBCOMMAND: Subcommand = Subcommand {
    command,
    act: Act::Plain(run),
};

fn command() -> Command {
    Command::new("sandbox")
        .about("Run the simulator of WeChat's side; takes the arguments of wxlink-sandbox")
        .disable_help_flag(true)
        .arg(
            Arg::new("arguments")
                .value_name("ARGUMENTS")
                .action(ArgAction::Append)
                .num_args(0..)
                .trailing_var_arg(true)
                .allow_hyphen_values(true)
                .value_parser(value_parser!(OsString))
                .help("What wxlink-sandbox takes: `wxlink sandbox --help` tells"),
        )
}

fn run(out: &Output, matches: &ArgMatches) -> u8 {
    let arguments = matches.get_many::<OsString>("arguments");
    simulate(out, arguments.into_iter().flatten().cloned().collect())
}

#[cfg(feature = "sandbox")]
fn simulate(_: &Output, arguments: Vec<OsString>) -> u8 {
    wxlink_sandbox::program(arguments)
}

/// Runs the program, which lies beside this one or in `PATH`.
#[cfg(not(feature = "sandbox"))]
fn simulate(out: &Output, arguments: Vec<OsString>) -> u8 {
    use std::process::Command;
    use wxlink_bulk::Verdict;

    let name = format!("wxlink-sandbox{}", std::env::consts::EXE_SUFFIX);
    let here = std::env::current_exe().ok();
    let beside = here.and_then(|path| Some(path.parent()?.join(&name)));
    let program = beside.filter(|path| path.is_file()).unwrap_or(name.into());
    let mut command = Command::new(program);
    command.args(arguments);
    // In this one's place, so that signals and the end of who started us reach it.
    #[cfg(unix)]
    let error = std::os::unix::process::CommandExt::exec(&mut command);
    #[cfg(not(unix))]
    let error = match command.status() {
        Ok(ended) => {
            return ended
                .code()
                .and_then(|code| u8::try_from(code).ok())
                .unwrap_or(1);
        }
        Err(error) => error,
    };
    out.complain(format_args!(
        "wxlink-sandbox cannot be run: {error}. Install it beside this program (pip install wxlink-sandbox, or \
         make install)"
    ));
    Verdict::Usage.code()
}
