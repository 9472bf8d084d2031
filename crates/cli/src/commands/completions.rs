//! `wxlink completions`: prints a completion script for a shell.

use clap::{Arg, ArgMatches, Command, value_parser};
use clap_complete::{Shell, generate};
use wxlink::Lang;

use crate::command::{Run, Subcommand, examples};
use crate::exit::ExitCode;
use crate::message::text;
use crate::output::Output;

pub(crate) const SUBCOMMAND: Subcommand = Subcommand {
    command,
    run: Run::WithCommandLine(run),
};

fn command(lang: Lang) -> Command {
    Command::new("completions")
        .about(text(
            lang,
            "Print a script that completes this command's arguments in a shell",
            "输出在 shell 中补全本命令参数的脚本",
        ))
        .arg(
            Arg::new("shell")
                .value_name("SHELL")
                .required(true)
                .value_parser(value_parser!(Shell))
                .help(text(lang, "The shell", "shell 的名称")),
        )
        .after_help(examples(
            lang,
            &[(
                text(lang, "for bash, in this session", "用于当前会话的 bash"),
                "eval \"$(wxlink completions bash)\"",
            )],
        ))
}

fn run(mut command_line: Command, out: &Output, matches: &ArgMatches) -> ExitCode {
    let shell = matches.get_one("shell").copied().unwrap_or(Shell::Bash);
    let mut script = Vec::new();
    generate(shell, &mut command_line, "wxlink", &mut script);
    out.write(&script);
    ExitCode::Done
}
