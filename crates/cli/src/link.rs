//! `wxlink link`: invites a mini program.

use clap::{Arg, ArgMatches, Command};
use wxlink::LinkChoices;
use wxlink_bulk::Verdict;

use crate::context::Context;
use crate::failure::Failure;
use crate::output::GOOD;
use crate::{Act, Subcommand, examples, report};

pub(crate) const SUBCOMMAND: Subcommand = Subcommand {
    command,
    act: Act::Settled(run),
};

fn command() -> Command {
    Command::new("link")
        .about("Invite a mini program to be linked to the Official Account")
        .long_about(
            "Invite a mini program to be linked to the Official Account.\n\n\
             Posts once, whatever the list says. A yes means that the invitation is out: the Official Account's \
             administrator must agree, then the mini program's. `wxlink ensure` looks first, and is safe to repeat.",
        )
        .arg(appid())
        .args(choices())
        .after_help(examples(&[
            (
                "invite; nobody's followers are told",
                "wxlink link wx0b00000000000001 --notify-users no --show-profile yes \\\n      --token-file token.txt",
            ),
            (
                "the same, for a program",
                "wxlink link wx0b00000000000002 --notify-users no --show-profile yes \\\n      --token-file token.txt --json",
            ),
        ]))
}

fn run(context: &Context, matches: &ArgMatches) -> Result<Verdict, Failure> {
    let appid = given(matches, "appid");
    let answer = context
        .client()?
        .link_miniprogram(None, appid, chosen(matches));
    let yes = context.told(
        "The invitation is out. The Official Account's administrator must agree, then the mini program's; \
         the list tells when they have.",
        "关联邀请已发出。需先由公众号管理员同意，再由小程序管理员同意；进展见列表。",
    );
    Ok(tell(context, appid, answer, yes))
}

/// Says what became of one call about one mini program.
pub(crate) fn tell(
    context: &Context,
    appid: &str,
    answer: Result<wxlink::Response, wxlink::Error>,
    yes: &str,
) -> Verdict {
    let out = context.out;
    match answer {
        Ok(answer) => {
            let json = report::of_appid(appid, report::answer(&answer));
            out.result(&json, || out.line(format_args!("{GOOD}{yes}{GOOD:#}")));
            Verdict::Done
        }
        Err(error) => {
            let verdict = Verdict::of_error(&error);
            let json = report::of_appid(appid, report::error(&error));
            out.result(&json, || match verdict {
                // Not failures: done before, or on its way.
                Verdict::Done | Verdict::Waiting => out.line(&error),
                _ => out.complain(&error),
            });
            verdict
        }
    }
}

/// The mini program's appid.
pub(crate) fn appid() -> Arg {
    Arg::new("appid")
        .value_name("APPID")
        .required(true)
        .help("The mini program's appid, wx…")
}

/// The choices of a link. They have no defaults.
pub(crate) fn choices() -> [Arg; 2] {
    let choice = |id, long, help| {
        Arg::new(id)
            .long(long)
            .value_name("yes|no")
            .value_parser(["yes", "no"])
            .hide_possible_values(true)
            .required(true)
            .help(help)
    };
    [
        choice(
            "notify_users",
            "notify-users",
            "Whether WeChat messages every follower of the Official Account; has no default, for it cannot be undone",
        ),
        choice(
            "show_profile",
            "show-profile",
            "Whether the mini program is shown in the Official Account's page; has no default either",
        ),
    ]
}

pub(crate) fn chosen(matches: &ArgMatches) -> LinkChoices {
    LinkChoices {
        notify_users: given(matches, "notify_users") == "yes",
        show_profile: given(matches, "show_profile") == "yes",
    }
}

/// A required argument.
pub(crate) fn given<'a>(matches: &'a ArgMatches, id: &str) -> &'a str {
    matches.get_one::<String>(id).map_or("", String::as_str)
}
