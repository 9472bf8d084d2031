//! The way to WeChat: names, proxy, connections, and what time it is there.

use std::net::{IpAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use wxlink::{Class, Error, Phase, Status};
use wxlink_bulk::Verdict;

use super::Found::{Fine, Problem, Skipped};
use super::{Doctor, Found};
use crate::failure::Failure;
use crate::settings::without_login;

/// No account's: the answer to it shows that WeChat was reached, and what time it is there.
const NO_TOKEN: &str = "wxlink-doctor-has-no-token";
/// How far clocks may be apart.
const DRIFT: Duration = Duration::from_secs(300);
/// Where the environment names the proxy for https URLs, and the hosts to reach without it.
const PROXY_VARIABLES: [&str; 3] = ["HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];

impl Doctor<'_> {
    /// The URLs of the entry hosts.
    fn hosts(&self) -> Vec<String> {
        let urls = self.context.settings.shown("base_url");
        urls.split(',').map(|url| url.trim().to_owned()).collect()
    }

    /// Whether the system knows the entry hosts' names.
    pub(super) fn names(&mut self) {
        for url in self.hosts() {
            let name = name_of(&url);
            let (found, problem) = match name.parse::<IpAddr>() {
                Ok(_) => (self.told("an address", "IP 地址"), None),
                Err(_) => match self.resolve(name) {
                    Ok(addresses) => (addresses.join(", "), None),
                    Err(why) => (why, Some(Status::Resolve)),
                },
            };
            let found = format!("{name}: {found}");
            let found = match problem {
                None => Fine(found),
                // Plain HTTP never goes through a proxy.
                Some(_)
                    if self.context.settings.shown("proxy") != "none"
                        && url.starts_with("https://") =>
                {
                    let who = self.told("the proxy has to know it", "由代理解析");
                    Skipped(format!("{found}; {who}"))
                }
                Some(status) => {
                    let advice = status.text(self.context.settings.lang());
                    Problem(Verdict::Again, found, advice.to_owned())
                }
            };
            self.found("dns", found);
        }
    }

    /// Asks the system's resolver, for as long as a call may take.
    fn resolve(&self, name: &str) -> Result<Vec<String>, String> {
        let limit = self.context.settings.shown("timeout_ms");
        let limit = Duration::from_millis(limit.parse().unwrap_or_default());
        let (tell, told) = mpsc::channel();
        let asked = (name.to_owned(), 443);
        std::thread::spawn(move || tell.send(asked.to_socket_addrs()));
        let found = told
            .recv_timeout(limit)
            .map_err(|_| format!("no answer in {} ms", limit.as_millis()))?
            .map_err(|error| error.to_string())?;
        let mut addresses: Vec<String> = found.map(|a| a.ip().to_string()).collect();
        addresses.dedup();
        Ok(addresses)
    }

    /// Which proxy is used.
    pub(super) fn proxy(&mut self) {
        let found = match &*self.context.settings.shown("proxy") {
            "none" => self.told("none is used", "未使用代理"),
            "env" => {
                let names = PROXY_VARIABLES.map(|name| [name.to_lowercase(), name.to_owned()]);
                let shown = |name: String| {
                    let value = std::env::var(&name).ok()?;
                    Some(format!("{name} = {}", without_login("proxy", &value)))
                };
                let set: Vec<String> = names.into_iter().flatten().filter_map(shown).collect();
                format!("env: {}", set.join(", "))
            }
            url => url.to_owned(),
        };
        self.found("proxy", Fine(found));
    }

    /// Calls every entry host with a token that is none; the answers of those that gave one.
    pub(super) fn connections(&mut self) -> Result<Vec<Error>, Failure> {
        let mut answered = Vec::new();
        for url in self.hosts() {
            let mut options = self.context.settings.options().clone();
            options.set("base_url", &url)?.set("max_retries", "0")?;
            let client = self.context.client_with(&options)?;
            let found = match client.get_linked_raw(NO_TOKEN) {
                Ok(_) => Fine(url),
                Err(error) => {
                    let found = self.connection(&url, &error);
                    answered.extend(error.errcode().map(|_| error));
                    found
                }
            };
            self.found("connection", found);
        }
        Ok(answered)
    }

    /// What became of a call to one host. Whatever WeChat answers, it was reached.
    fn connection(&self, url: &str, error: &Error) -> Found {
        let last = error.attempts().last();
        let Some(code) = error.errcode() else {
            let advice = match last.map(|attempt| attempt.phase) {
                _ if error.status() == Status::Proxy => self.told(
                    "Correct the option proxy, or the variable it is read from, or start the proxy.",
                    "请更正选项 proxy 或其来源的环境变量，或启动该代理。",
                ),
                Some(Phase::Connect) => self.told(
                    "A firewall may want to know this machine, or want a proxy to be used: see the option proxy.",
                    "请检查防火墙；若必须经由代理，请设置选项 proxy。",
                ),
                Some(Phase::Tls) => self.told(
                    "If a gateway of your own stands in between, trust its CA with the option ca_file.",
                    "若中间有贵方的网关，请用选项 ca_file 信任其 CA。",
                ),
                _ => String::new(),
            };
            return Problem(Verdict::of_error(error), error.message(), advice);
        };
        let ms = last.map_or(0, |attempt| attempt.ms);
        let why = match error.class() {
            Some(Class::Token) => self.told(
                ", as it should to a token that is none",
                "，对无效令牌的正常应答",
            ),
            _ => String::new(),
        };
        Fine(format!("{url}: {ms} ms, errcode {code}{why}"))
    }

    /// WeChat's rid begins with the time there.
    pub(super) fn clock(&mut self, answered: &[Error]) {
        let here = SystemTime::now().duration_since(UNIX_EPOCH);
        let here = here.unwrap_or_default();
        let there = answered.iter().find_map(|error| {
            let hex = error.rid().split('-').next()?;
            Some(Duration::from_secs(u64::from_str_radix(hex, 16).ok()?))
        });
        let found = match there {
            None => Skipped(self.told("no answer told the time", "没有应答给出时间")),
            Some(there) if here.abs_diff(there) <= DRIFT => {
                Fine(self.told("the same as WeChat's", "与微信一致"))
            }
            Some(there) => {
                let which = match here > there {
                    true => self.told("s ahead of WeChat's", "秒，快于微信"),
                    false => self.told("s behind WeChat's", "秒，慢于微信"),
                };
                let advice = self.told(
                    "Set this machine's clock by a time server: certificates and tokens go by it.",
                    "请用时间服务器校准本机时钟：证书和令牌都依赖它。",
                );
                let apart = here.abs_diff(there).as_secs();
                Problem(Verdict::Refused, format!("{apart} {which}"), advice)
            }
        };
        self.found("clock", found);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_out_of_urls() {
        for (url, name) in [
            ("https://api.weixin.qq.com", "api.weixin.qq.com"),
            ("https://api.weixin.qq.com:8443/", "api.weixin.qq.com"),
            ("http://[::1]:80", "::1"),
            ("http://127.0.0.1:8080", "127.0.0.1"),
        ] {
            assert_eq!(name_of(url), name);
        }
    }
}
