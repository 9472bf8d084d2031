//! `wxlink doctor`: checks everything that a call needs, one thing after the other, and shows how
//! to fix each problem.

mod account;
mod check;
mod network;
mod store;

use clap::{ArgMatches, Command};

use self::check::{CheckResult, Doctor};
use crate::command::{Run, Subcommand, examples};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::ExitCode;
use crate::settings::Setting;

pub(crate) const SUBCOMMAND: Subcommand = Subcommand {
    command,
    run: Run::WithSettings(run),
};

fn command() -> Command {
    Command::new("doctor")
        .about("Check everything that a call needs, and show how to fix each problem")
        .long_about(
            "Check everything that a call needs: DNS, proxy, TLS, clock, the source of tokens, the \
             kind of token, the IP whitelist, the account's authorisation and permission set 33, and \
             the store in which runs find what earlier ones posted. Shows how to fix each problem.\n\n\
             Calls WeChat with an invalid token, which shows whether WeChat can be reached, then \
             reads the account's list. Changes nothing.",
        )
        .after_help(examples(&[
            ("one account", "wxlink doctor --token-file token.txt"),
            (
                "a line of JSON for each check",
                "wxlink doctor --token-file token.txt --json",
            ),
        ]))
}

fn run(context: &Context, _: &ArgMatches) -> Result<ExitCode, CommandError> {
    let mut doctor = Doctor {
        context,
        exit_code: ExitCode::Done,
    };
    doctor.report("configuration", configuration(context));
    doctor.check_dns();
    doctor.check_proxy();
    let responses = doctor.check_connections()?;
    doctor.check_clock(&responses);
    doctor.check_account(!responses.is_empty())?;
    doctor.check_store();
    Ok(doctor.exit_code)
}

/// Which options are set, and where.
fn configuration(context: &Context) -> CheckResult {
    let describe = |s: &Setting| format!("{} = {} ({})", s.key, s.redacted(), s.source);
    let set: Vec<String> = context.settings.set().iter().map(describe).collect();
    let found = if set.is_empty() {
        let text = context.text(
            "all options have their default values",
            "全部选项均为默认值",
        );
        text.to_owned()
    } else {
        set.join(", ")
    };
    CheckResult::Ok { found }
}
