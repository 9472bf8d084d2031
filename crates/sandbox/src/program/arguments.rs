//! The command line.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;

use crate::admin::without_text;
use crate::{Policy, Settings, When, World};

/// What `--help` prints.
pub const HELP: &str = "\
A stateful simulator of WeChat's linkMiniprogram endpoints.

Usage: wxlink-sandbox [OPTIONS]

Prints one line of JSON with its addresses and its CA file when ready, and serves until it gets
SIGTERM or SIGINT or whoever started it is gone.

  --listen ADDR    the IP address to listen on (127.0.0.1)
  --port N         the port for HTTP (0: any free one)
  --tls-port N     the port for HTTPS (0: any free one)
  --approve HOW    how the administrators decide (manual):
                   manual      when told to through the admin interface
                   immediate   at once
                   polls:N     each step after the list has been read N times
                   seconds:N   each step after N seconds
  --world FILE     a JSON document of accounts, mini programs and tokens (the demo world)
  --journal N      how many requests to remember (10000)
  --workers N      threads that serve requests (1)
  --bad-tls        open three more HTTPS ports, each with a bad certificate
  --stay           go on when whoever started it is gone
  --help           print this
  --version        print the version
";

/// What the user wants.
#[derive(Debug)]
pub(crate) enum Wish {
    Run(Box<Arguments>),
    Help,
    Version,
}

/// How to run.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) settings: Settings,
    /// Whether to outlive the parent.
    pub(crate) stay: bool,
}

impl Arguments {
    pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Wish, String> {
        let mut settings = Settings::default();
        let mut stay = false;
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let text = argument
                .to_str()
                .ok_or_else(|| format!("{} is not text", argument.to_string_lossy()))?;
            let (flag, mut inline) = match text.split_once('=') {
                Some((flag, value)) => (flag, Some(OsString::from(value))),
                None => (text, None),
            };
            let mut value = |what: &str| {
                inline
                    .take()
                    .or_else(|| arguments.next())
                    .ok_or_else(|| format!("{flag} needs {what} after it"))
            };
            match flag {
                "--listen" => {
                    settings.listen = parsed(flag, &value("an IP address")?, "an IP address")?;
                }
                "--port" => settings.port = parsed(flag, &value("a port")?, "a port, 0 to 65535")?,
                "--tls-port" => {
                    settings.tls_port = parsed(flag, &value("a port")?, "a port, 0 to 65535")?;
                }
                "--approve" => settings.policy = Policy::all(approve(&value(HOW)?)?),
                "--world" => settings.world = world(Path::new(&value("a file")?))?,
                "--journal" => settings.journal = parsed(flag, &value("a number")?, "a number")?,
                "--workers" => {
                    let workers = parsed(flag, &value("a number")?, "a number")?;
                    if !(1..=256).contains(&workers) {
                        return Err(format!("--workers takes 1 to 256, not {workers}"));
                    }
                    settings.workers = workers;
                }
                "--bad-tls" => settings.bad_tls = true,
                "--stay" => stay = true,
                "--help" | "-h" => return Ok(Wish::Help),
                "--version" | "-V" => return Ok(Wish::Version),
                _ => return Err(format!("there is no option {flag}")),
            }
            if inline.is_some() {
                return Err(format!("{flag} takes no value"));
            }
        }
        Ok(Wish::Run(Box::new(Self { settings, stay })))
    }
}

const HOW: &str = "manual, immediate, polls:N or seconds:N";

fn parsed<T: std::str::FromStr>(flag: &str, value: &OsStr, what: &str) -> Result<T, String> {
    value
        .to_str()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| format!("{flag} takes {what}, not {}", value.to_string_lossy()))
}

fn approve(value: &OsStr) -> Result<When, String> {
    let text = value.to_string_lossy();
    let when = match &*text {
        "manual" => Some(When::Manual),
        "immediate" => Some(When::Immediate),
        other => match other.split_once(':') {
            Some(("polls", number)) => number.parse().ok().map(When::Polls),
            Some(("seconds", number)) => number.parse().ok().map(When::Seconds),
            _ => None,
        },
    };
    when.ok_or_else(|| format!("--approve takes {HOW}, not {text}"))
}

fn world(path: &Path) -> Result<World, String> {
    let text = fs::read(path)
        .map_err(|error| format!("--world: cannot read {}: {error}", path.display()))?;
    serde_json::from_slice(&text).map_err(|error| {
        // The text that an error quotes may be a secret.
        let error = without_text(error.to_string());
        format!("--world: {} does not fit: {error}", path.display())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Wish, String> {
        Arguments::parse(text.split_whitespace().map(OsString::from))
    }

    #[test]
    fn all_flags_have_their_effect() {
        let Ok(Wish::Run(arguments)) = parse(
            "--listen ::1 --port 80 --tls-port=443 --approve polls:3 --journal 5 --workers 2 --bad-tls --stay",
        ) else {
            panic!("refused");
        };
        let settings = arguments.settings;
        assert_eq!(settings.listen.to_string(), "::1");
        assert_eq!((settings.port, settings.tls_port), (80, 443));
        assert_eq!(settings.policy, Policy::all(When::Polls(3)));
        assert_eq!((settings.journal, settings.workers), (5, 2));
        assert!(settings.bad_tls && arguments.stay);
    }

    #[test]
    fn mistakes_say_what_to_do() {
        for (text, part) in [
            ("--prot 1", "there is no option --prot"),
            ("extra", "there is no option extra"),
            ("--port", "--port needs a port"),
            ("--port 70000", "0 to 65535, not 70000"),
            ("--listen localhost", "an IP address, not localhost"),
            ("--approve later", "manual, immediate, polls:N"),
            ("--approve polls:x", "manual, immediate, polls:N"),
            ("--workers 0", "1 to 256"),
            ("--stay=yes", "takes no value"),
            ("--world /nowhere/at/all", "cannot read /nowhere/at/all"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
        assert!(matches!(parse("--help"), Ok(Wish::Help)));
        assert!(matches!(parse("-V"), Ok(Wish::Version)));
    }
}
