//! `wxlink sandbox`: the simulator of WeChat's side.

use std::ffi::{OsStr, OsString};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::output::Output;
use crate::{Act, Subcommand};

pub(crate) const SUBCOMMAND: Subcommand = Subcommand {
    command,
    act: Act::Program(run),
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

fn run(called: &OsStr, out: &Output, matches: &ArgMatches) -> u8 {
    let arguments = matches.get_many::<OsString>("arguments");
    let arguments = arguments.into_iter().flatten().cloned().collect();
    simulate(called, out, arguments)
}

#[cfg(feature = "sandbox")]
fn simulate(_: &OsStr, _: &Output, arguments: Vec<OsString>) -> u8 {
    wxlink_sandbox::program(arguments)
}

/// Runs the program, which lies beside this one or in `PATH`.
#[cfg(not(feature = "sandbox"))]
fn simulate(called: &OsStr, out: &Output, arguments: Vec<OsString>) -> u8 {
    use std::path::{Path, PathBuf};
    use std::process::Command;
    use wxlink_bulk::Verdict;

    let name = format!("wxlink-sandbox{}", std::env::consts::EXE_SUFFIX);
    // Under an interpreter the executable is that; the way it was called tells more.
    let places = [Some(PathBuf::from(called)), std::env::current_exe().ok()];
    let folders = places.iter().flatten().filter_map(|path| path.parent());
    let program = folders
        .filter(|folder| *folder != Path::new(""))
        .map(|folder| folder.join(&name))
        .find(|path| path.is_file())
        .unwrap_or(name.into());
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
        "wxlink-sandbox cannot be run: {error}. Get it with: pip install wxlink-sandbox"
    ));
    Verdict::Usage.code()
}
