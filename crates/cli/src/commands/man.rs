//! `wxlink man`: prints or writes the manual pages.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};
use clap_mangen::{Man, generate_to};
use wxlink::Lang;

use crate::command::{Run, Subcommand, examples};
use crate::exit::ExitCode;
use crate::message::{Message, text};
use crate::output::Output;

pub(crate) const SUBCOMMAND: Subcommand = Subcommand {
    command,
    run: Run::WithCommandLine(run),
};

fn command(lang: Lang) -> Command {
    Command::new("man")
        .about(text(
            lang,
            "Print the manual page, or write one for each subcommand into a folder",
            "输出手册页，或将每个子命令的手册页写入目录",
        ))
        .arg(
            Arg::new("dir")
                .value_name("DIR")
                .value_parser(value_parser!(PathBuf))
                .help(text(
                    lang,
                    "The folder; without it, the page wxlink(1) is printed",
                    "目录；不指定则输出 wxlink(1)",
                )),
        )
        .after_help(examples(
            lang,
            &[
                (
                    text(lang, "read the manual page", "阅读手册页"),
                    "wxlink man > wxlink.1 && man -l wxlink.1",
                ),
                (
                    text(lang, "write all pages", "写出全部手册页"),
                    "mkdir -p man && wxlink man man",
                ),
            ],
        ))
}

fn run(command_line: Command, out: &Output, matches: &ArgMatches) -> ExitCode {
    let written = match matches.get_one::<PathBuf>("dir") {
        Some(dir) => generate_to(command_line, dir),
        None => {
            let mut page = Vec::new();
            let rendered = Man::new(command_line).render(&mut page);
            out.write(&page);
            rendered
        }
    };
    match written {
        Ok(()) => ExitCode::Done,
        Err(error) => {
            let why = Message::from(error);
            let why = why.after("could not write the manual pages", "无法写入手册页");
            out.diagnostic(why.get(out.lang()));
            ExitCode::Usage
        }
    }
}
