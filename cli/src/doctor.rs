//! `wxlink doctor`: what stands between here and a call that works, and what to do about it.

use std::net::{IpAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{ArgMatches, Command};
use serde_json::json;
use wxlink::{Class, Error, Phase, Status};
use wxlink_bulk::Verdict;

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{BAD, FAINT, GOOD, harmless};
use crate::settings::Setting;
use crate::{Act, Subcommand, examples};

/// No account's: the answer to it shows that WeChat was reached, and what time it is there.
const NO_TOKEN: &str = "wxlink-doctor-has-no-token";
/// How far clocks may be apart.
const DRIFT: Duration = Duration::from_secs(300);

/// What only a call with a token of the account shows, and the errcodes that tell of it.
const ACCESS: [(&str, &[i32]); 4] = [
    ("token", &[]),
    ("whitelist", &[40164, 61004]),
    ("authorised", &[61003, 61023]),
    ("permission_33", &[61007]),
];

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
    Problem(Verdict, String, String),
    Skipped(String),
}

use Found::{Fine, Problem, Skipped};

impl Doctor<'_> {
    /// Says what a check came to.
    fn found(&mut self, check: &str, found: Found) {
        let (result, style, text, advice) = match found {
            Fine(text) => ("ok", GOOD, text, String::new()),
            Skipped(text) => ("skipped", FAINT, text, String::new()),
            Problem(verdict, text, advice) => {
                self.worst = self.worst.max(verdict);
                ("problem", BAD, text, advice)
            }
        };
        let out = self.context.out;
        let line = json!({"check": check, "result": result, "found": text, "advice": advice});
        out.both(&line, || {
            let text = harmless(&text);
            out.line(format_args!("{style}{result:8}{style:#} {check:14} {text}"));
            if !advice.is_empty() {
                out.line(format_args!("{:24}-> {}", "", harmless(&advice)));
            }
        });
    }

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
        self.found("configuration", Fine(found));
    }

    /// The entry hosts, as they were set.
    fn hosts(&self) -> Vec<String> {
        let hosts = self.context.settings.shown("base_url");
        let hosts = hosts.split(',');
        hosts.map(|host| host.trim().to_owned()).collect()
    }

    fn names(&mut self) {
        let proxied = self.context.settings.shown("proxy") != "none";
        let limit: u64 = self
            .context
            .settings
            .shown("timeout_ms")
            .parse()
            .unwrap_or_default();
        for url in self.hosts() {
            let name = name_of(&url).to_owned();
            let found = match (
                name.parse::<IpAddr>(),
                resolve(&name, Duration::from_millis(limit)),
            ) {
                (Ok(_), _) => Fine(format!("{name}: {}", self.told("an address", "IP 地址"))),
                (_, Ok(addresses)) => Fine(format!("{name}: {}", addresses.join(", "))),
                (_, Err(why)) if proxied => {
                    let how = self.told(
                        "not known here; the proxy has to know it",
                        "本机无法解析，由代理解析",
                    );
                    Skipped(format!("{name}: {how} ({why})"))
                }
                (_, Err(why)) => Problem(
                    Verdict::Again,
                    format!("{name}: {why}"),
                    self.text_of(Status::Resolve),
                ),
            };
            self.found("dns", found);
        }
    }

    fn text_of(&self, status: Status) -> String {
        status.text(self.context.settings.lang()).to_owned()
    }

    fn proxy(&mut self) {
        let found = match &*self.context.settings.shown("proxy") {
            "none" => self.told("none is used", "未使用代理"),
            "env" => self.told(
                "whatever ALL_PROXY, HTTPS_PROXY, HTTP_PROXY and NO_PROXY say",
                "取自 ALL_PROXY、HTTPS_PROXY、HTTP_PROXY 和 NO_PROXY",
            ),
            url => url.to_owned(),
        };
        self.found("proxy", Fine(found));
    }

    /// Calls every entry host with a token that is none; the answers of those that gave one.
    fn connections(&mut self) -> Result<Vec<Error>, Failure> {
        let mut answered = Vec::new();
        for url in self.hosts() {
            let mut options = self.context.settings.options().clone();
            options.set("base_url", &url)?.set("max_retries", "0")?;
            let name = url
                .split_once("://")
                .map_or(&*url, |(_, rest)| rest)
                .to_owned();
            let found = match self.context.client_with(&options)?.get_linked_raw(NO_TOKEN) {
                Ok(_) => Fine(format!("{name} {}", self.told("answers", "有应答"))),
                Err(error) => match (error.errcode(), error.attempts().last()) {
                    (Some(code), last) => {
                        let ms = last.map_or(0, |attempt| attempt.ms);
                        let tls = if url.starts_with("https") {
                            " TLS,"
                        } else {
                            ""
                        };
                        answered.push(error);
                        let how = self.told(
                            "as it should to a token that is none",
                            "对无效令牌的正常应答",
                        );
                        Fine(format!("{name}:{tls} {ms} ms, errcode {code}, {how}"))
                    }
                    (None, last) => {
                        let phase = last.map_or(Phase::Resolve, |attempt| attempt.phase);
                        Problem(
                            Verdict::of_error(&error),
                            error.message(),
                            self.on_the_way(phase),
                        )
                    }
                },
            };
            self.found("connection", found);
        }
        Ok(answered)
    }

    /// What else to look at if an attempt came no further.
    fn on_the_way(&self, phase: Phase) -> String {
        match phase {
            Phase::Connect => self.told(
                "A firewall may want to know this machine, or want a proxy to be used: see the option proxy.",
                "请检查防火墙；若必须经由代理，请设置选项 proxy。",
            ),
            Phase::Tls => self.told(
                "If a gateway of your own stands in between, trust its CA with the option ca_file.",
                "若中间有贵方的网关，请用选项 ca_file 信任其 CA。",
            ),
            _ => String::new(),
        }
    }

    /// WeChat's rid begins with the time there.
    fn clock(&mut self, answered: &[Error]) {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let there = answered.iter().find_map(|error| {
            let hex = error.rid().split('-').next()?;
            Some(Duration::from_secs(u64::from_str_radix(hex, 16).ok()?))
        });
        let found = match there {
            None => Skipped(self.told("no answer told the time", "没有应答给出时间")),
            Some(there) if now.abs_diff(there) <= DRIFT => {
                Fine(self.told("the same as WeChat's", "与微信一致"))
            }
            Some(there) => {
                let apart = now.abs_diff(there).as_secs();
                let which = match now > there {
                    true => self.told("s ahead of WeChat's", "秒，快于微信"),
                    false => self.told("s behind WeChat's", "秒，慢于微信"),
                };
                let advice = self.told(
                    "Set this machine's clock by a time server: certificates and tokens go by it.",
                    "请用时间服务器校准本机时钟：证书和令牌都依赖它。",
                );
                Problem(Verdict::Refused, format!("{apart} {which}"), advice)
            }
        };
        self.found("clock", found);
    }

    /// What only a call with a token of the account shows.
    fn access(&mut self, reachable: bool) -> Result<(), Failure> {
        let settings = &self.context.settings;
        let Some(source) = settings.token_source() else {
            let why = settings.no_tokens().to_owned();
            self.found(
                "token_source",
                Problem(Verdict::Access, self.told("none", "无"), why),
            );
            self.skip(&ACCESS.map(|(check, _)| check));
            return Ok(());
        };
        let source = format!("{} ({})", source.key, source.source);
        if !reachable {
            self.skip(&["token_source"]);
            self.skip(&ACCESS.map(|(check, _)| check));
            return Ok(());
        }
        let error = match self.context.client()?.get_linked(None) {
            Ok(list) => {
                self.found("token_source", Fine(source));
                for (check, _) in ACCESS {
                    self.found(check, Fine(self.told("fine", "正常")));
                }
                let entries = self.told("entries", "项");
                self.found("list", Fine(format!("{} {entries}", list.len())));
                return Ok(());
            }
            Err(error) => error,
        };
        let verdict = Verdict::of_error(&error);
        let culprit = culprit(&error);
        match error.status() {
            Status::NoToken | Status::BadValue => {
                // Not to have a token is a matter of access here, even where an argument is missing.
                let verdict = if verdict == Verdict::Usage {
                    Verdict::Access
                } else {
                    verdict
                };
                self.found(
                    "token_source",
                    Problem(verdict, error.message(), String::new()),
                );
            }
            _ => self.found("token_source", Fine(source)),
        }
        for (check, _) in ACCESS {
            match culprit == Some(check) {
                true => {
                    let found = Problem(verdict, told_whole(&error), self.remedy(check));
                    self.found(check, found);
                }
                false => self.skip(&[check]),
            }
        }
        if culprit.is_none()
            && error.status() != Status::NoToken
            && error.status() != Status::BadValue
        {
            self.found("list", Problem(verdict, error.message(), String::new()));
        }
        Ok(())
    }

    fn skip(&mut self, checks: &[&str]) {
        for check in checks {
            let why = self.told("cannot be told before the rest is well", "须先解决其他问题");
            self.found(check, Skipped(why));
        }
    }

    fn remedy(&self, check: &str) -> String {
        match check {
            "whitelist" => self.told(
                "If requests leave through several addresses, all of them belong there.",
                "若有多个出口地址，请全部加入白名单。",
            ),
            "permission_33" => self.told(
                "The account's administrator grants it by authorising the platform anew, all sets ticked.",
                "请公众号管理员重新授权该平台并勾选该权限集。",
            ),
            _ => String::new(),
        }
    }
}

/// Which of the checks an error tells of.
fn culprit(error: &Error) -> Option<&'static str> {
    let code = error.errcode()?;
    let named = ACCESS.iter().find(|(_, codes)| codes.contains(&code));
    let of_token = || {
        let refused = error.class() == Some(Class::Token);
        (refused || Verdict::of_error(error) == Verdict::Access).then_some("token")
    };
    // Without a token to refuse it is its source that is refused.
    let had_token = error.status() != Status::NoToken;
    named
        .map(|(check, _)| *check)
        .or_else(|| of_token().filter(|_| had_token))
}

/// The message, and the address WeChat saw: its own words have it where the answer does not say.
fn told_whole(error: &Error) -> String {
    match (error.request_ip(), error.errcode()) {
        ("", Some(40164 | 61004)) => format!("{} [{}]", error.message(), error.errmsg()),
        ("", _) => error.message(),
        (ip, _) => format!("{} [{ip}]", error.message()),
    }
}

/// The name or address of a URL's host.
fn name_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.trim_end_matches('/');
    match host.strip_prefix('[').and_then(|v6| v6.split_once(']')) {
        Some((v6, _)) => v6,
        None => host.split(':').next().unwrap_or_default(),
    }
}

/// Asks the system's resolver, for so long at most.
fn resolve(name: &str, limit: Duration) -> Result<Vec<String>, String> {
    let (tell, told) = mpsc::channel();
    let asked = (name.to_owned(), 443);
    std::thread::spawn(move || tell.send(asked.to_socket_addrs()));
    match told.recv_timeout(limit) {
        Ok(Ok(found)) => {
            let mut addresses: Vec<String> = found.map(|a| a.ip().to_string()).collect();
            addresses.dedup();
            Ok(addresses)
        }
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer in {} ms", limit.as_millis())),
    }
}
