//! `wxlink ensure`: a link that is there in the end, asked for once.

use std::time::Duration;

use clap::{Arg, ArgMatches, Command};
use wxlink::LinkProgress;
use wxlink_bulk::Verdict;

use crate::context::Context;
use crate::failure::Failure;
use crate::link::{appid, choices, chosen, given};
use crate::output::GOOD;
use crate::{Act, Subcommand, examples, report};

/// Nobody waits longer in one go.
const MAX_WAIT: Duration = Duration::from_secs(31 * 24 * 3600);

pub(crate) const SUBCOMMAND: Subcommand = Subcommand {
    command,
    act: Act::Settled(run),
};

fn command() -> Command {
    Command::new("ensure")
        .about("See to it that a mini program is linked: look, invite if need be, wait if asked to")
        .long_about(
            "See to it that a mini program is linked: look at the list, invite only if that shows no trace of it, and \
             wait for the administrators if asked to.\n\n\
             Safe to repeat, whatever happened before. Ends with 3 while an invitation waits for an administrator.",
        )
        .arg(appid())
        .args(choices())
        .arg(wait().default_value("0"))
        .after_help(examples(&[
            (
                "invite unless it is linked or on its way",
                "wxlink ensure wx0b00000000000001 --notify-users no --show-profile yes \\\n      --token-file token.txt",
            ),
            (
                "and wait up to two hours for both administrators",
                "wxlink ensure wx0b00000000000001 --notify-users no --show-profile yes \\\n      --wait 2h --token-file token.txt",
            ),
        ]))
}

fn run(context: &Context, matches: &ArgMatches) -> Result<Verdict, Failure> {
    let appid = given(matches, "appid");
    let client = context.client()?;
    let wait = waits(context, matches);
    let progress = client.ensure_linked(None, appid, chosen(matches), wait);
    Ok(tell(context, appid, &progress))
}

/// Says how far a link has come.
pub(crate) fn tell(context: &Context, appid: &str, progress: &LinkProgress) -> Verdict {
    let out = context.out;
    let verdict = Verdict::of_progress(progress);
    let json = report::of_appid(appid, report::progress(progress));
    out.result(&json, || match verdict {
        Verdict::Done => out.line(format_args!(
            "{GOOD}{}{GOOD:#}",
            context.told("Linked.", "已关联。")
        )),
        Verdict::Waiting => out.line(progress.message()),
        _ => out.complain(progress.message()),
    });
    verdict
}

/// How long to wait.
pub(crate) fn wait() -> Arg {
    Arg::new("wait")
        .long("wait")
        .value_name("TIME")
        .value_parser(duration)
        .help("How long to wait for the administrators: seconds, or 90s, 30m, 2h, 1d")
}

/// How long to wait; says so where somebody sits and waits.
pub(crate) fn waits(context: &Context, matches: &ArgMatches) -> Duration {
    use std::io::IsTerminal;
    let wait = matches.get_one("wait").copied().unwrap_or(Duration::ZERO);
    if !wait.is_zero() && std::io::stderr().is_terminal() {
        context.out.note(context.told(
            "Waiting for the administrators; Ctrl-C ends the waiting, not the invitation.",
            "正在等待管理员确认；按 Ctrl-C 只结束等待，邀请不受影响。",
        ));
    }
    wait
}

fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.char_indices().last() {
        Some((at, unit)) if unit.is_ascii_alphabetic() => (&text[..at], unit),
        _ => (text, 's'),
    };
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 24 * 3600,
        _ => 0,
    };
    let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    let count = number.parse::<u64>().ok().filter(|_| digits && seconds > 0);
    let wait = count
        .and_then(|count| count.checked_mul(seconds))
        .map(Duration::from_secs);
    wait.filter(|wait| *wait <= MAX_WAIT)
        .ok_or_else(|| "it takes seconds, or 90s, 30m, 2h, 1d; 31d at most".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        for (text, seconds) in [
            ("0", 0),
            ("90", 90),
            ("90s", 90),
            ("30m", 1800),
            ("2h", 7200),
            ("31d", 2_678_400),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for wrong in [
            "",
            "h",
            "-1",
            "+1",
            "1.5h",
            "2 h",
            "2x",
            "2小",
            "32d",
            "99999999999999999999d",
        ] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
