//! The command line of the program.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;

use crate::admin::request::without_quoted_text;
use crate::http::push_tls::PushTrust;
use crate::model::policy::{Policy, When};
use crate::model::push::PushSettings;
use crate::model::world::World;
use crate::sandbox::Settings;

/// What `--help` prints.
pub const HELP: &str = "\
A stateful simulator of WeChat's linkMiniprogram endpoints.

Usage: wxlink-sandbox [OPTIONS]

Prints one line of JSON with its addresses and its CA file when it is ready. Runs until it receives
SIGTERM, SIGINT or SIGHUP, or until its parent process ends.

  --listen ADDR    the IP address to listen on (default: 127.0.0.1)
  --port N         the port for HTTP (default: any free port)
  --tls-port N     the port for HTTPS (default: any free port)
  --approve HOW    how the administrators decide (default: manual):
                   manual      through the admin interface
                   immediate   immediately
                   polls:N     each step after the list has been read N times
                   seconds:N   each step after N seconds
  --world FILE     a JSON document of accounts, mini programs and tokens (default: the demo world)
  --journal N      how many requests to keep in the journal (default: 10000)
  --workers N      how many threads serve requests (default: 1)
  --bad-tls        open three more HTTPS ports, each with a bad certificate
  --tls-name NAME  a name such as api.weixin.qq.com that the certificate is for; may be repeated.
                   As an HTTP proxy, the simulator leads to itself for these names
  --rsa            have certificates with RSA too, for clients that do not accept ECDSA
  --push-url URL   push tickets and authorisations to this URL of the platform
  --push-ca FILE   trust only the CAs in this PEM file when pushing over HTTPS (default: those of
                   the system)
  --push-insecure  accept every certificate when pushing over HTTPS
  --open           open the panel, the simulator's page, in the browser
  --stay           keep running when the parent process ends
  --help           print this help
  --version        print the version
";

/// What the program was started for.
#[derive(Debug)]
pub(crate) enum Invocation {
    Run(Box<Arguments>),
    Help,
    Version,
}

/// The arguments of a run.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) settings: Settings,
    /// Whether to keep running when the parent process ends.
    pub(crate) stay: bool,
    /// Whether to open the panel in the browser.
    pub(crate) open: bool,
}

impl Arguments {
    pub(crate) fn parse(
        arguments: impl IntoIterator<Item = OsString>,
    ) -> Result<Invocation, String> {
        let mut settings = Settings::default();
        let (mut stay, mut open) = (false, false);
        let mut push_url: Option<String> = None;
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let text = argument
                .to_str()
                .ok_or_else(|| format!("argument {} is not UTF-8", argument.to_string_lossy()))?;
            let (flag, mut inline) = match text.split_once('=') {
                Some((flag, value)) => (flag, Some(OsString::from(value))),
                None => (text, None),
            };
            let mut value = |what: &str| {
                inline
                    .take()
                    .or_else(|| arguments.next())
                    .ok_or_else(|| format!("{flag} needs {what}"))
            };
            match flag {
                "--listen" => {
                    settings.listen = parsed(flag, &value("an IP address")?, "an IP address")?;
                }
                "--port" => settings.port = parsed(flag, &value("a port")?, "a port, 0 to 65535")?,
                "--tls-port" => {
                    settings.tls_port = parsed(flag, &value("a port")?, "a port, 0 to 65535")?;
                }
                "--approve" => settings.policy = Policy::all(approve(&value(APPROVE_VALUES)?)?),
                "--world" => settings.world = world(Path::new(&value("a file")?))?,
                "--journal" => settings.journal = parsed(flag, &value("a number")?, "a number")?,
                "--workers" => {
                    let workers = parsed(flag, &value("a number")?, "a number")?;
                    if !(1..=256).contains(&workers) {
                        return Err(format!("--workers must be 1 to 256, not {workers}"));
                    }
                    settings.workers = workers;
                }
                "--bad-tls" => settings.bad_tls = true,
                "--tls-name" => settings.tls_names.push(tls_name(&value("a name")?)?),
                "--push-url" => push_url = Some(parsed(flag, &value("a URL")?, "a URL")?),
                "--push-ca" => {
                    settings.push_trust = PushTrust::Ca(push_ca(Path::new(&value("a file")?))?);
                }
                "--push-insecure" => settings.push_trust = PushTrust::All,
                "--rsa" => settings.rsa = true,
                "--open" => open = true,
                "--stay" => stay = true,
                "--help" | "-h" => return Ok(Invocation::Help),
                "--version" | "-V" => return Ok(Invocation::Version),
                _ => return Err(format!("unknown option {flag}")),
            }
            if inline.is_some() {
                return Err(format!("{flag} takes no value"));
            }
        }
        if let Some(url) = push_url {
            let push = PushSettings::to_url(url);
            push.check()
                .map_err(|error| error.replace("`push`: invalid `url`", "--push-url"))?;
            let component = settings.world.component.as_mut();
            let component = component.ok_or("--push-url needs a world with a `component`")?;
            component.push = Some(push);
        }
        Ok(Invocation::Run(Box::new(Self {
            settings,
            stay,
            open,
        })))
    }
}

/// The values of `--approve`.
const APPROVE_VALUES: &str = "manual, immediate, polls:N or seconds:N";

/// Parses the value of an option. `what` describes the valid values.
fn parsed<T: std::str::FromStr>(flag: &str, value: &OsStr, what: &str) -> Result<T, String> {
    value
        .to_str()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| format!("{flag} must be {what}, not {}", value.to_string_lossy()))
}

/// Parses the value of `--approve`.
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
    when.ok_or_else(|| format!("--approve must be {APPROVE_VALUES}, not {text}"))
}

/// Parses the value of `--tls-name`.
fn tls_name(value: &OsStr) -> Result<String, String> {
    let text = value.to_string_lossy().to_ascii_lowercase();
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if text.split('.').all(is_label) {
        Ok(text)
    } else {
        Err(format!(
            "--tls-name must be a name such as api.weixin.qq.com, not {text}"
        ))
    }
}

/// Reads the file of `--push-ca`.
fn push_ca(path: &Path) -> Result<String, String> {
    fs::read_to_string(path)
        .map_err(|error| format!("--push-ca: could not read {}: {error}", path.display()))
}

/// Reads the file of `--world`.
fn world(path: &Path) -> Result<World, String> {
    let text = fs::read(path)
        .map_err(|error| format!("--world: could not read {}: {error}", path.display()))?;
    serde_json::from_slice(&text).map_err(|error| {
        let error = without_quoted_text(error.to_string());
        format!("--world: {} is invalid: {error}", path.display())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Invocation, String> {
        Arguments::parse(text.split_whitespace().map(OsString::from))
    }

    #[test]
    fn every_option_is_read() {
        let Ok(Invocation::Run(arguments)) = parse(
            "--listen ::1 --port 80 --tls-port=443 --approve polls:3 --journal 5 --workers 2 \
             --bad-tls --rsa --stay --open --tls-name API.weixin.qq.com --tls-name mp.weixin.qq.com \
             --push-url https://127.0.0.1:9/events --push-insecure",
        ) else {
            panic!("refused");
        };
        let settings = arguments.settings;
        assert_eq!(settings.listen.to_string(), "::1");
        assert_eq!((settings.port, settings.tls_port), (80, 443));
        assert_eq!(settings.policy, Policy::all(When::Polls(3)));
        assert_eq!((settings.journal, settings.workers), (5, 2));
        assert!(settings.bad_tls && settings.rsa && arguments.stay && arguments.open);
        assert_eq!(
            settings.tls_names,
            ["api.weixin.qq.com", "mp.weixin.qq.com"]
        );
        let push = settings.world.component.unwrap().push.unwrap();
        assert_eq!(push.url, "https://127.0.0.1:9/events");
        assert_eq!(settings.push_trust, PushTrust::All);
    }

    #[test]
    fn errors_say_what_to_do() {
        for (text, part) in [
            ("--prot 1", "unknown option --prot"),
            ("extra", "unknown option extra"),
            ("--port", "--port needs a port"),
            ("--port 70000", "0 to 65535, not 70000"),
            ("--listen localhost", "an IP address, not localhost"),
            ("--approve later", "manual, immediate, polls:N"),
            ("--approve polls:x", "manual, immediate, polls:N"),
            ("--workers 0", "1 to 256"),
            ("--tls-name a_b.com", "a name such as"),
            ("--push-url localhost", "--push-url: it has no `http://`"),
            (
                "--push-ca /nowhere/at/all",
                "could not read /nowhere/at/all",
            ),
            ("--stay=yes", "takes no value"),
            ("--world /nowhere/at/all", "could not read /nowhere/at/all"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
        assert!(matches!(parse("--help"), Ok(Invocation::Help)));
        assert!(matches!(parse("-V"), Ok(Invocation::Version)));
    }
}
