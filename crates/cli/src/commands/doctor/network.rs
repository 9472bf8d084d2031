//! The checks that need no token of an account: DNS, proxy, connections, and the clock.

use std::net::{IpAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use wxlink::{CertificateProblem, Class, Error, Lang, Phase, Status};
use wxlink_bulk::format_beijing_time;

use super::check::{CheckResult, Doctor};
use crate::error::CommandError;
use crate::exit::ExitCode;
use crate::options;

/// A token that belongs to no account. WeChat's refusal shows that WeChat was reached, and its rid
/// shows WeChat's time.
const INVALID_TOKEN: &str = "wxlink-doctor-has-no-token";
/// How far this machine's clock may be from WeChat's.
const MAX_CLOCK_DIFFERENCE: Duration = Duration::from_secs(300);
/// The environment variables that `proxy = env` reads; each also in lower case.
const PROXY_VARIABLES: [&str; 3] = ["HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];

impl Doctor<'_> {
    /// The URLs of WeChat's API hosts.
    fn api_hosts(&self) -> Vec<String> {
        let urls = self.context.settings.redacted("base_url");
        urls.split(',').map(|url| url.trim().to_owned()).collect()
    }

    /// Whether the names of the API hosts resolve.
    pub fn check_dns(&mut self) {
        for url in self.api_hosts() {
            let result = self.check_name(&url);
            self.report("dns", result);
        }
    }

    fn check_name(&self, url: &str) -> CheckResult {
        let name = host_name(url);
        if name.parse::<IpAddr>().is_ok() {
            let address = self.text("an IP address", "IP 地址");
            return CheckResult::Ok {
                found: format!("{name}: {address}"),
            };
        }
        let why = match self.resolve(name) {
            Ok(addresses) => {
                return CheckResult::Ok {
                    found: format!("{name}: {}", addresses.join(", ")),
                };
            }
            Err(why) => why,
        };
        // Plain HTTP never uses a proxy.
        let uses_proxy = url.starts_with("https://");
        if uses_proxy && self.context.settings.redacted("proxy") != "none" {
            let proxy = self.text("the proxy resolves it", "由代理解析");
            return CheckResult::Skipped {
                reason: format!("{name}: {why}; {proxy}"),
            };
        }
        CheckResult::Problem {
            exit_code: ExitCode::Retry,
            found: format!("{name}: {why}"),
            advice: Status::Resolve.text(self.context.out.lang()).to_owned(),
        }
    }

    /// Resolves a name with the system's resolver, within the time limit of a call.
    fn resolve(&self, name: &str) -> Result<Vec<String>, String> {
        let limit = self.context.settings.redacted("timeout_ms");
        let limit = Duration::from_millis(limit.parse().unwrap_or_default());
        let (sender, receiver) = mpsc::channel();
        let query = (name.to_owned(), 443);
        // The resolver cannot be cancelled; after the limit its thread is left alone.
        std::thread::spawn(move || sender.send(query.to_socket_addrs()));
        let addresses = receiver.recv_timeout(limit).map_err(|_| {
            let ms = limit.as_millis();
            match self.context.out.lang() {
                Lang::En => format!("no answer within {ms} ms"),
                Lang::Zh => format!("{ms} 毫秒内没有解析结果"),
            }
        })?;
        let addresses = addresses.map_err(|error| error.to_string())?;
        let mut addresses: Vec<String> = addresses.map(|a| a.ip().to_string()).collect();
        addresses.dedup();
        Ok(addresses)
    }

    /// Which proxy is used.
    pub fn check_proxy(&mut self) {
        let found = match &*self.context.settings.redacted("proxy") {
            "none" => self.text("not used", "未使用代理"),
            "env" => {
                let names = PROXY_VARIABLES.map(|name| [name.to_lowercase(), name.to_owned()]);
                let describe = |name: String| {
                    let value = std::env::var(&name).ok()?;
                    Some(format!("{name} = {}", options::redact("proxy", &value)))
                };
                let set: Vec<String> = names.into_iter().flatten().filter_map(describe).collect();
                format!("env: {}", set.join(", "))
            }
            url => url.to_owned(),
        };
        self.report("proxy", CheckResult::Ok { found });
    }

    /// Calls each API host with an invalid token. Returns WeChat's refusals, one for each host
    /// that responded. If the options do not allow a connection, none does: all of these checks
    /// fail with the reason.
    pub fn check_connections(&mut self) -> Result<Vec<Error>, CommandError> {
        let mut responses = Vec::new();
        for url in self.api_hosts() {
            let mut options = self.context.settings.options().clone();
            options.set("base_url", &url)?.set("max_retries", "0")?;
            let client = self.context.client_with(&options);
            let result = match client.and_then(|client| client.get_linked(INVALID_TOKEN)) {
                Ok(_) => CheckResult::Ok { found: url },
                Err(error) => {
                    let result = self.connection_result(&url, &error);
                    responses.extend(error.errcode().map(|_| error));
                    result
                }
            };
            self.report("connection", result);
        }
        Ok(responses)
    }

    /// The result of a call to one host. Any errcode shows that WeChat was reached.
    fn connection_result(&self, url: &str, error: &Error) -> CheckResult {
        let last = error.attempts().last();
        let Some(code) = error.errcode() else {
            return CheckResult::Problem {
                exit_code: error.into(),
                found: error.message(),
                advice: self.connection_advice(error),
            };
        };
        let ms = last.map_or(0, |attempt| attempt.ms);
        let note = match error.class() {
            Some(Class::Token) => self.text(
                ", the expected response to an invalid token",
                "，对无效令牌的正常应答",
            ),
            _ => String::new(),
        };
        let found = match self.context.out.lang() {
            Lang::En => format!("{url}: {ms} ms, errcode {code}{note}"),
            Lang::Zh => format!("{url}：{ms} 毫秒，错误码 {code}{note}"),
        };
        CheckResult::Ok { found }
    }

    /// What to do about a call without a response.
    fn connection_advice(&self, error: &Error) -> String {
        match error.certificate_problem() {
            Some(CertificateProblem::Expired | CertificateProblem::NotValidYet) => {
                return self.clock_advice();
            }
            Some(CertificateProblem::Untrusted) | None => {}
        }
        match error.attempts().last().map(|attempt| attempt.phase) {
            _ if error.status() == Status::Proxy => self.text(
                "Correct the option proxy or the environment variable it is read from, or start \
                 the proxy.",
                "请更正选项 proxy 或其来源的环境变量，或启动该代理。",
            ),
            Some(Phase::Connect) => self.text(
                "Check whether a firewall blocks this machine or requires a proxy (option proxy).",
                "请检查防火墙是否拦截了本机；若必须经由代理，请设置选项 proxy。",
            ),
            Some(Phase::Tls) => self.text(
                "If a gateway of your own intercepts TLS, trust its CA with the option ca_file.",
                "若贵方网关会解密 TLS 流量，请用选项 ca_file 信任其 CA。",
            ),
            _ => String::new(),
        }
    }

    /// What to do about a certificate that is not valid by this machine's clock. Which of the two
    /// is wrong is known only to a person.
    fn clock_advice(&self) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = format_beijing_time(now.unwrap_or_default().as_secs());
        match self.context.out.lang() {
            Lang::En => format!(
                "This machine's clock shows {now} in Beijing. If that is wrong, synchronise the \
                 clock with a time server. If it is right, the host's certificate is invalid, or \
                 that of a gateway that intercepts TLS."
            ),
            Lang::Zh => format!(
                "本机时钟显示北京时间 {now}。若不正确，请用时间服务器校准；\
                 若正确，则该主机（或解密 TLS 流量的网关）的证书无效。"
            ),
        }
    }

    /// Compares this machine's clock with the time in WeChat's rid.
    pub fn check_clock(&mut self, responses: &[Error]) {
        let here = SystemTime::now().duration_since(UNIX_EPOCH);
        let here = here.unwrap_or_default();
        let wechat = responses.iter().find_map(|error| time_in_rid(error.rid()));
        let result = match wechat {
            None => CheckResult::Skipped {
                reason: self.text("no response contained the time", "没有应答给出时间"),
            },
            Some(wechat) => self.clock_result(here, wechat),
        };
        self.report("clock", result);
    }

    fn clock_result(&self, here: Duration, wechat: Duration) -> CheckResult {
        let difference = here.abs_diff(wechat);
        if difference <= MAX_CLOCK_DIFFERENCE {
            return CheckResult::Ok {
                found: self.text("agrees with WeChat's", "与微信一致"),
            };
        }
        let seconds = difference.as_secs();
        let found = match (self.context.out.lang(), here > wechat) {
            (Lang::En, true) => format!("{seconds} s ahead of WeChat's"),
            (Lang::En, false) => format!("{seconds} s behind WeChat's"),
            (Lang::Zh, true) => format!("比微信快 {seconds} 秒"),
            (Lang::Zh, false) => format!("比微信慢 {seconds} 秒"),
        };
        CheckResult::Problem {
            exit_code: ExitCode::Refused,
            found,
            advice: self.text(
                "Synchronise this machine's clock with a time server: certificates and tokens \
                 depend on it.",
                "请用时间服务器校准本机时钟：证书和令牌都依赖它。",
            ),
        }
    }
}

/// The time at the start of a rid of WeChat's: three groups of eight hexadecimal digits, the first
/// of which is the Unix time. `None` for a rid of another form.
fn time_in_rid(rid: &str) -> Option<Duration> {
    let is_group = |group: &str| group.len() == 8 && group.bytes().all(|b| b.is_ascii_hexdigit());
    let groups: Vec<&str> = rid.split('-').collect();
    let is_rid = groups.len() == 3 && groups.iter().all(|group| is_group(group));
    let seconds = is_rid.then(|| u64::from_str_radix(groups[0], 16).ok())??;
    Some(Duration::from_secs(seconds))
}

/// The host name or IP address in a URL.
fn host_name(url: &str) -> &str {
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
    fn only_a_rid_of_wechats_form_has_a_time() {
        let time = |rid| time_in_rid(rid).map(|time| time.as_secs());
        assert_eq!(time("61932a5b-0e248764-42d1c1b2"), Some(0x6193_2a5b));
        for rid in [
            "",
            "a-b-c",
            "61932a5b",
            "61932a5b-0e248764",
            "61932a5b-0e248764-42d1c1b2-00000000",
            "+1932a5b-0e248764-42d1c1b2",
            "61932a5b-0e248764-42d1c1bg",
            "061932a5b-0e248764-42d1c1b2",
        ] {
            assert_eq!(time(rid), None, "{rid}");
        }
    }

    #[test]
    fn host_names_are_extracted_from_urls() {
        for (url, name) in [
            ("https://api.weixin.qq.com", "api.weixin.qq.com"),
            ("https://api.weixin.qq.com:8443/", "api.weixin.qq.com"),
            ("http://[::1]:80", "::1"),
            ("http://127.0.0.1:8080", "127.0.0.1"),
        ] {
            assert_eq!(host_name(url), name);
        }
    }
}
