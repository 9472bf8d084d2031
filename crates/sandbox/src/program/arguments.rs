//! The command line of the program.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::Path;

use crate::admin::request::without_quoted_text;
use crate::http::push_tls::PushTrust;
use crate::model::message::{Lang, Message, message};
use crate::model::policy::{Policy, When};
use crate::model::push::PushSettings;
use crate::model::world::World;
use crate::sandbox::Settings;

/// What `--help` prints.
#[must_use]
pub const fn help(lang: Lang) -> &'static str {
    match lang {
        Lang::En => HELP,
        Lang::Zh => HELP_ZH,
    }
}

const HELP: &str = "\
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

const HELP_ZH: &str = "\
微信 linkMiniprogram 接口的模拟器，会保存状态。

用法：wxlink-sandbox [OPTIONS]

就绪后输出一行 JSON，含有各地址和 CA 文件；运行到收到 SIGTERM、SIGINT 或 SIGHUP，或父进程结束为止。

  --listen ADDR    监听的 IP 地址（默认：127.0.0.1）
  --port N         HTTP 端口（默认：任意空闲端口）
  --tls-port N     HTTPS 端口（默认：任意空闲端口）
  --approve HOW    管理员如何决定（默认：manual）：
                   manual      通过管理接口决定
                   immediate   立即同意
                   polls:N     列表每被读取 N 次，完成一步
                   seconds:N   每隔 N 秒，完成一步
  --world FILE     含有账号、小程序和令牌的 JSON 文件（默认：演示用的数据）
  --journal N      日志保留多少个请求（默认：10000）
  --workers N      用多少个线程处理请求（默认：1）
  --bad-tls        另外打开三个 HTTPS 端口，证书各有一种问题
  --tls-name NAME  证书所用的域名，例如 api.weixin.qq.com；可重复指定。
                   作为 HTTP 代理时，模拟器将这些域名指向自己
  --rsa            同时提供 RSA 证书，供不接受 ECDSA 的客户端使用
  --push-url URL   将 ticket 和授权事件推送到第三方平台的这个 URL
  --push-ca FILE   通过 HTTPS 推送时，只信任该 PEM 文件中的 CA（默认：系统信任的 CA）
  --push-insecure  通过 HTTPS 推送时，接受任何证书
  --open           在浏览器中打开模拟器的页面，即控制面板
  --stay           父进程结束后继续运行
  --help           显示此帮助
  --version        显示版本
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
    ) -> Result<Invocation, Message> {
        let mut settings = Settings::default();
        let (mut stay, mut open) = (false, false);
        let mut push_url: Option<String> = None;
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let text = argument.to_str().ok_or_else(|| {
                let shown = argument.to_string_lossy();
                message!(
                    "argument {shown} is not UTF-8",
                    "参数 {shown} 不是 UTF-8 编码"
                )
            })?;
            let (flag, mut inline) = match text.split_once('=') {
                Some((flag, value)) => (flag, Some(OsString::from(value))),
                None => (text, None),
            };
            let mut value = |kind: Kind| {
                inline.take().or_else(|| arguments.next()).ok_or_else(|| {
                    let Kind { en, zh } = kind;
                    message!("{flag} needs {en}", "{flag} 需要{zh}")
                })
            };
            match flag {
                "--listen" => settings.listen = parsed(flag, &value(ADDRESS)?, ADDRESS)?,
                "--port" => settings.port = parsed(flag, &value(PORT)?, PORT)?,
                "--tls-port" => settings.tls_port = parsed(flag, &value(PORT)?, PORT)?,
                "--approve" => settings.policy = Policy::all(approve(flag, &value(APPROVAL)?)?),
                "--world" => settings.world = world(Path::new(&value(FILE)?))?,
                "--journal" => settings.journal = parsed(flag, &value(NUMBER)?, NUMBER)?,
                "--workers" => {
                    let workers = parsed(flag, &value(NUMBER)?, NUMBER)?;
                    if !(1..=256).contains(&workers) {
                        return Err(message!(
                            "--workers must be 1 to 256, not {workers}",
                            "--workers 应为 1 至 256，而不是 {workers}"
                        ));
                    }
                    settings.workers = workers;
                }
                "--bad-tls" => settings.bad_tls = true,
                "--tls-name" => settings.tls_names.push(tls_name(flag, &value(NAME)?)?),
                "--push-url" => push_url = Some(parsed(flag, &value(URL)?, URL)?),
                "--push-ca" => {
                    settings.push_trust = PushTrust::Ca(push_ca(Path::new(&value(FILE)?))?);
                }
                "--push-insecure" => settings.push_trust = PushTrust::All,
                "--rsa" => settings.rsa = true,
                "--open" => open = true,
                "--stay" => stay = true,
                "--help" | "-h" => return Ok(Invocation::Help),
                "--version" | "-V" => return Ok(Invocation::Version),
                _ => return Err(message!("unknown option {flag}", "未知选项 {flag}")),
            }
            if inline.is_some() {
                return Err(message!("{flag} takes no value", "{flag} 不接受值"));
            }
        }
        if let Some(url) = push_url {
            let push = PushSettings::to_url(url);
            push.check().map_err(|Message { en, zh }| {
                let invalid = ["`push`: invalid `url`", "`push`：`url` 无效"];
                let [en, zh] = [(en, invalid[0]), (zh, invalid[1])]
                    .map(|(text, part)| text.replace(part, "--push-url"));
                Message::new(en, zh)
            })?;
            let component = settings.world.component.as_mut();
            let component = component.ok_or_else(|| {
                Message::new(
                    "--push-url needs a world with a `component`",
                    "--push-url 要求数据中有 `component`",
                )
            })?;
            component.push = Some(push);
        }
        Ok(Invocation::Run(Box::new(Self {
            settings,
            stay,
            open,
        })))
    }
}

/// A kind of values of options.
#[derive(Clone, Copy)]
struct Kind {
    en: &'static str,
    zh: &'static str,
}

const ADDRESS: Kind = Kind {
    en: "an IP address",
    zh: " IP 地址",
};
const PORT: Kind = Kind {
    en: "a port, 0 to 65535",
    zh: "端口，0 至 65535",
};
const NUMBER: Kind = Kind {
    en: "a number",
    zh: "数字",
};
const FILE: Kind = Kind {
    en: "a file",
    zh: "文件",
};
const NAME: Kind = Kind {
    en: "a name such as api.weixin.qq.com",
    zh: "域名，例如 api.weixin.qq.com",
};
const URL: Kind = Kind {
    en: "a URL",
    zh: " URL",
};
const APPROVAL: Kind = Kind {
    en: "manual, immediate, polls:N or seconds:N",
    zh: " manual、immediate、polls:N 或 seconds:N",
};

/// The error for a value that is not of this kind.
fn invalid_value(flag: &str, value: &str, Kind { en, zh }: Kind) -> Message {
    message!(
        "{flag} must be {en}, not {value}",
        "{flag} 应为{zh}，而不是 {value}"
    )
}

/// Parses the value of an option.
fn parsed<T: std::str::FromStr>(flag: &str, value: &OsStr, kind: Kind) -> Result<T, Message> {
    value
        .to_str()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| invalid_value(flag, &value.to_string_lossy(), kind))
}

/// Parses the value of `--approve`.
fn approve(flag: &str, value: &OsStr) -> Result<When, Message> {
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
    when.ok_or_else(|| invalid_value(flag, &text, APPROVAL))
}

/// Parses the value of `--tls-name`.
fn tls_name(flag: &str, value: &OsStr) -> Result<String, Message> {
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
        Err(invalid_value(flag, &text, NAME))
    }
}

/// Reads the file of `--push-ca`.
fn push_ca(path: &Path) -> Result<String, Message> {
    fs::read_to_string(path).map_err(|error| could_not_read("--push-ca", path, &error))
}

/// Reads the file of `--world`.
fn world(path: &Path) -> Result<World, Message> {
    let text = fs::read(path).map_err(|error| could_not_read("--world", path, &error))?;
    serde_json::from_slice(&text).map_err(|error| {
        let error = without_quoted_text(error.to_string());
        let path = path.display();
        message!(
            "--world: {path} is invalid: {error}",
            "--world：{path} 无效：{error}"
        )
    })
}

fn could_not_read(flag: &str, path: &Path, error: &io::Error) -> Message {
    let path = path.display();
    message!(
        "{flag}: could not read {path}: {error}",
        "{flag}：无法读取 {path}：{error}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Invocation, Message> {
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
            assert!(error.en.contains(part), "{text}: {error}");
            let is_chinese = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
            assert!(error.zh.contains(is_chinese), "{text}: {}", error.zh);
        }
        assert!(matches!(parse("--help"), Ok(Invocation::Help)));
        assert!(matches!(parse("-V"), Ok(Invocation::Version)));
    }

    #[test]
    fn the_help_lists_the_same_options_in_both_languages() {
        let options = |lang| {
            let lines = help(lang).lines();
            let options = lines.filter(|line| line.starts_with("  --"));
            let names = options.map(|line| line[..18].trim_end());
            names.collect::<Vec<_>>()
        };
        assert_eq!(options(Lang::Zh), options(Lang::En));
        assert!(options(Lang::En).len() > 15);
    }
}
