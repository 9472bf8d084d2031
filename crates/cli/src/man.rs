//! `wxlink man`: the manual pages.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};
use clap_mangen::{Man, generate_to};
use wxlink_bulk::Verdict;

use crate::output::Output;
use crate::{Act, Subcommand, examples};

pub(crate) const SUBCOMMAND: Subcommand = Subcommand {
    command,
    act: Act::Plain(run),
};

fn command() -> Command {
    Command::new("man")
        .about("Print the manual page, or write one for each subcommand into a folder")
        .arg(
            Arg::new("dir")
                .value_name("DIR")
                .value_parser(value_parser!(PathBuf))
                .help("The folder; without one, the page wxlink(1) goes to stdout"),
        )
        .after_help(examples(&[
            ("read it", "wxlink man > wxlink.1 && man -l wxlink.1"),
            ("write all of them", "mkdir -p man && wxlink man man"),
        ]))
}

fn run(out: &Output, matches: &ArgMatches) -> u8 {
    let written = match matches.get_one::<PathBuf>("dir") {
        Some(dir) => generate_to(crate::command(), dir),
        None => {
            let mut page = Vec::new();
            let rendered = Man::new(crate::command()).render(&mut page);
            out.write(&page);
            rendered
        }
    };
    match written {
        Ok(()) => Verdict::Done.code(),
        Err(error) => {
            out.complain(format_args!("the pages cannot be written: {error}"));
            Verdict::Usage.code()
        }
    }
}
