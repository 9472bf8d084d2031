//! `wxlink sandbox`: runs the simulator of WeChat.

use std::ffi::{OsStr, OsString};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use wxlink::Lang;

use crate::command::{Run, Subcommand};
use crate::message::text;
use crate::output::Output;

pub(crate) const SUBCOMMAND: Subcommand = Subcommand {
    command,
    run: Run::OtherProgram(run),
};

fn command(lang: Lang) -> Command {
    Command::new("sandbox")
        .about(text(
            lang,
            "Run the simulator of WeChat; takes the arguments of wxlink-sandbox",
            "运行微信模拟器；参数与 wxlink-sandbox 相同",
        ))
        .disable_help_flag(true)
        .arg(
            Arg::new("arguments")
                .value_name("ARGUMENTS")
                .action(ArgAction::Append)
                .num_args(0..)
                .trailing_var_arg(true)
                .allow_hyphen_values(true)
                .value_parser(value_parser!(OsString))
                .help(text(
                    lang,
                    "The arguments of wxlink-sandbox; `wxlink sandbox --help` lists them",
                    "wxlink-sandbox 的参数；`wxlink sandbox --help` 会列出它们",
                )),
        )
}

fn run(program: &OsStr, out: &Output, matches: &ArgMatches) -> u8 {
    let arguments = matches.get_many::<OsString>("arguments");
    let arguments = arguments.into_iter().flatten().cloned().collect();
    run_simulator(program, out, arguments)
}

#[cfg(feature = "sandbox")]
fn run_simulator(_: &OsStr, out: &Output, arguments: Vec<OsString>) -> u8 {
    let lang = match out.lang() {
        Lang::En => wxlink_sandbox::Lang::En,
        Lang::Zh => wxlink_sandbox::Lang::Zh,
    };
    wxlink_sandbox::program(arguments, lang)
}

/// Runs the program `wxlink-sandbox`, which is in the folder of this one or in `PATH`.
#[cfg(not(feature = "sandbox"))]
fn run_simulator(program: &OsStr, out: &Output, arguments: Vec<OsString>) -> u8 {
    use std::path::{Path, PathBuf};
    use std::process::Command;

    use crate::exit::ExitCode;
    use crate::message::Message;
    use crate::options;

    let name = format!("wxlink-sandbox{}", std::env::consts::EXE_SUFFIX);
    // In the Python package, the executable is the interpreter, and only the path by which the
    // command was started leads to the folder of installed programs.
    let paths = [Some(PathBuf::from(program)), std::env::current_exe().ok()];
    let folders = paths.iter().flatten().filter_map(|path| path.parent());
    let simulator = folders
        .filter(|folder| *folder != Path::new(""))
        .map(|folder| folder.join(&name))
        .find(|path| path.is_file())
        .unwrap_or(name.into());
    let mut command = Command::new(simulator);
    command.args(arguments);
    command.env(options::variable_name("lang"), out.text("en", "zh"));
    // It replaces this process, so that signals sent to this process reach it.
    #[cfg(unix)]
    let error = std::os::unix::process::CommandExt::exec(&mut command);
    #[cfg(not(unix))]
    let error = match command.status() {
        Ok(status) => {
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            return code.unwrap_or(1);
        }
        Err(error) => error,
    };
    let why = Message::from(error);
    let (en, zh) = (why.get(Lang::En), why.get(Lang::Zh));
    let why = Message::new(
        format!("could not run wxlink-sandbox: {en}. Install it with: pip install wxlink-sandbox"),
        format!("无法运行 wxlink-sandbox：{zh}。请执行以下命令安装：pip install wxlink-sandbox"),
    );
    out.diagnostic(why.get(out.lang()));
    ExitCode::Usage.number()
}
