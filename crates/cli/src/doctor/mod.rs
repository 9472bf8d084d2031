//! `wxlink doctor`: what stands between here and a call that works, and what to do about it.

mod access;
mod way;

use clap::{ArgMatches, Command};
use serde_json::json;
use wxlink_bulk::Verdict;

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{BAD, FAINT, GOOD, harmless};
use crate::settings::Setting;
use crate::{Act, Subcommand, examples};

pub(crate) const SUBCOMMAND: Subcommand = Subcommand {
    command,
    act: Act::Settled(run),
};

fn command() -> Command {
    Command::new("doctor")
        .about("Check everything between here and a call that works, and say what to do")
        .long_about(
            "Check everything between here and a call that works: names, proxy, TLS, clock, the source of tokens, the \
             token's kind, the whitelist, the authorisation and permission set 33. Says what to do about each problem.\n\n\
             Calls WeChat with a token that is none, which shows that the way is free, then reads the account's list. \
             Changes nothing.",
        )
        .after_help(examples(&[
            ("one account", "wxlink doctor --token-file token.txt"),
            ("a line of JSON for each check", "wxlink doctor --token-file token.txt --json"),
        ]))
}

fn run(context: &Context, _: &ArgMatches) -> Result<Verdict, Failure> {
    let mut doctor = Doctor {
        context,
        worst: Verdict::Done,
    };
    doctor.configuration();
    doctor.names();
    doctor.proxy();
    let answered = doctor.connections()?;
    doctor.clock(&answered);
    doctor.access(!answered.is_empty())?;
    Ok(doctor.worst)
}

struct Doctor<'a> {
    context: &'a Context<'a>,
    worst: Verdict,
}

/// What a check came to, and what was found.
enum Found {
    Fine(String),
    /// What it comes to, and what to do besides what the finding says.
    Problem(Verdict, String, String),
    Skipped(String),
}

impl Doctor<'_> {
    /// Says what a check came to.
    fn found(&mut self, check: &str, found: Found) {
        let (result, style, text, advice) = match found {
            Found::Fine(text) => ("ok", GOOD, text, String::new()),
            Found::Skipped(text) => ("skipped", FAINT, text, String::new()),
            Found::Problem(verdict, text, advice) => {
                self.worst = self.worst.max(verdict);
                ("problem", BAD, text, advice)
            }
        };
        let out = self.context.out;
        let line = json!({"check": check, "result": result, "found": text, "advice": advice});
        out.result(&line, || {
            let text = harmless(&text);
            out.line(format_args!("{style}{result:8}{style:#} {check:14} {text}"));
            if !advice.is_empty() {
                out.line(format_args!("{:24}-> {}", "", harmless(&advice)));
            }
        });
    }

    /// A text in the language of the settings.
    fn told(&self, en: &'static str, zh: &'static str) -> String {
        self.context.told(en, zh).to_owned()
    }

    /// What was set, and where.
    fn configuration(&mut self) {
        let each = |s: &Setting| format!("{} = {} ({})", s.key, s.shown(), s.source);
        let set: Vec<String> = self.context.settings.set().iter().map(each).collect();
        let found = match set.is_empty() {
            true => self.told("every option has its default", "全部选项均为默认值"),
            false => set.join(", "),
        };
        self.found("configuration", Found::Fine(found));
    }
}
