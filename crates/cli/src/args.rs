//! Arguments that several subcommands share, and their values.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Arg, ArgMatches, value_parser};
use wxlink::{Lang, LinkChoices};

use crate::message::{InvalidValue, Message, text};

/// The longest time that `--wait` accepts.
const MAX_WAIT: Duration = Duration::from_secs(31 * 24 * 3600);

/// The appid of the mini program.
pub(crate) fn appid(lang: Lang) -> Arg {
    Arg::new("appid")
        .value_name("APPID")
        .required(true)
        .help(text(
            lang,
            "The mini program's appid, wx…",
            "小程序的 appid，形如 wx…",
        ))
}

/// The value of a required argument.
pub(crate) fn required<'a>(matches: &'a ArgMatches, id: &str) -> &'a str {
    matches.get_one::<String>(id).map_or("", String::as_str)
}

/// The two choices of a link. They have no defaults.
pub(crate) fn choices(lang: Lang) -> [Arg; 2] {
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
            text(
                lang,
                "Whether WeChat messages every follower of the Official Account; has no \
                 default because it cannot be undone",
                "微信是否通知公众号的全部粉丝；无法撤回，因此没有默认值",
            ),
        ),
        choice(
            "show_profile",
            "show-profile",
            text(
                lang,
                "Whether the Official Account's profile page shows the mini program; \
                 has no default",
                "公众号资料页是否展示该小程序；没有默认值",
            ),
        ),
    ]
}

/// The values of [`choices`].
pub(crate) fn link_choices(matches: &ArgMatches) -> LinkChoices {
    LinkChoices {
        notify_users: required(matches, "notify_users") == "yes",
        show_profile: required(matches, "show_profile") == "yes",
    }
}

/// Where metrics are served.
pub(crate) fn metrics(lang: Lang) -> Arg {
    Arg::new("metrics")
        .long("metrics")
        .value_name("ADDRESS:PORT")
        .value_parser(value_parser!(SocketAddr))
        .help(text(
            lang,
            "Serve /metrics for Prometheus here; port 0 takes a free one",
            "在此地址为 Prometheus 提供 /metrics；端口 0 表示任选空闲端口",
        ))
}

/// The value of [`metrics`].
pub(crate) fn metrics_address(matches: &ArgMatches) -> Option<SocketAddr> {
    matches.get_one("metrics").copied()
}

/// How long to wait for the administrators.
pub(crate) fn wait(lang: Lang) -> Arg {
    Arg::new("wait")
        .long("wait")
        .value_name("TIME")
        .value_parser(parse_duration)
        .help(text(
            lang,
            "How long to wait for the administrators: seconds, or 90s, 30m, 2h, 1d",
            "等待管理员确认的时间：秒数，或 90s、30m、2h、1d",
        ))
}

/// The value of [`wait`].
pub(crate) fn wait_time(matches: &ArgMatches) -> Duration {
    matches.get_one("wait").copied().unwrap_or(Duration::ZERO)
}

/// Reads a time: seconds, or with a unit.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, InvalidValue> {
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
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    let count = number.parse::<u64>().ok();
    let count = count.filter(|_| is_number && seconds > 0);
    let duration = count
        .and_then(|count| count.checked_mul(seconds))
        .map(Duration::from_secs);
    duration
        .filter(|duration| *duration <= MAX_WAIT)
        .ok_or_else(|| {
            InvalidValue(Message::new(
                "expected seconds, or 90s, 30m, 2h, 1d; at most 31d",
                "应为秒数，或 90s、30m、2h、1d；最长 31d",
            ))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units_and_a_limit() {
        for (text, seconds) in [
            ("0", 0),
            ("90", 90),
            ("90s", 90),
            ("30m", 1800),
            ("2h", 7200),
            ("31d", 2_678_400),
        ] {
            let expected = Some(Duration::from_secs(seconds));
            assert_eq!(parse_duration(text).ok(), expected, "{text}");
        }
        for invalid in [
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
            assert!(parse_duration(invalid).is_err(), "{invalid}");
        }
    }
}
