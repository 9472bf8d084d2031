//! The options of a client: one table of text keys and values, checked when they are set.
//!
//! The C interface, the bindings, the command line and the documentation all read this table.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::percent_decode_str;

use super::host::{Host, parse_hosts};
use super::limits::{Limits, MAX_APPID_BYTES, MAX_TOKEN_BYTES};
use super::proxy::{NoProxy, ProxyAddress, ProxySettings};
use super::store_url::StoreUrl;
use crate::model::lang::{Lang, Text};
use crate::redact::OwnedSecret;

/// One row of the table of options.
#[derive(Debug)]
pub struct OptionEntry {
    /// The key.
    pub key: &'static str,
    /// The value it has unless it is set.
    pub default: &'static str,
    /// What it takes, with units.
    pub takes: Text,
    /// What it is for.
    pub doc: Text,
    set: Setter,
}

/// Puts a checked value in its place, or says in one clause what is wrong with it.
type Setter = fn(&mut Options, &str) -> Result<(), String>;

/// Every option.
pub static OPTIONS: &[OptionEntry] = &[
    OptionEntry {
        key: "base_url",
        default: "https://api.weixin.qq.com",
        takes: Text {
            en: "1 to 16 URLs, separated by commas: https://HOST[:PORT], or http://HOST[:PORT] on loopback",
            zh: "1 至 16 个以逗号分隔的 URL：https://HOST[:PORT]；http://HOST[:PORT] 仅限本机回环地址",
        },
        doc: Text {
            en: "WeChat's entry hosts in order of preference; what was never sent may move on to the next.",
            zh: "微信接入域名，按优先级排列；尚未发送的请求可以改用下一个。",
        },
        set: |o, v| {
            o.hosts = parse_hosts(v)?;
            Ok(())
        },
    },
    OptionEntry {
        key: "timeout_ms",
        default: "10000",
        takes: Text {
            en: "1 to 3600000 ms",
            zh: "1 至 3600000 毫秒",
        },
        doc: Text {
            en: "Time limit of a whole call: names, connections, retries and the answer included.",
            zh: "整个调用的时限，包括域名解析、建立连接、重试和读取应答。",
        },
        set: |o, v| {
            o.timeout_ms = number(v, 1, HOUR_MS)?;
            Ok(())
        },
    },
    OptionEntry {
        key: "connect_timeout_ms",
        default: "3000",
        takes: Text {
            en: "1 to 3600000 ms",
            zh: "1 至 3600000 毫秒",
        },
        doc: Text {
            en: "Time limit of one attempt to get a connection: name, TCP, proxy and TLS together.",
            zh: "单次建立连接的时限，包括域名解析、TCP、代理和 TLS。",
        },
        set: |o, v| {
            o.connect_timeout_ms = number(v, 1, HOUR_MS)?;
            Ok(())
        },
    },
    OptionEntry {
        key: "max_retries",
        default: "2",
        takes: Text {
            en: "0 to 10",
            zh: "0 至 10",
        },
        doc: Text {
            en: "How often a call tries again by itself, and only what cannot happen twice: requests never sent, and reads.",
            zh: "调用自动重试的次数；只重试不会重复生效的请求：尚未发送的请求和查询。",
        },
        set: |o, v| {
            o.max_retries = number(v, 0, 10)?;
            Ok(())
        },
    },
    OptionEntry {
        key: "keep_alive_ms",
        default: "15000",
        takes: Text {
            en: "0 to 3600000 ms; 0 opens a connection for every call",
            zh: "0 至 3600000 毫秒；0 表示每次调用都新建连接",
        },
        doc: Text {
            en: "How long an idle connection is kept for the next call.",
            zh: "空闲连接为下一次调用保留的时间。",
        },
        set: |o, v| {
            o.keep_alive_ms = number(v, 0, HOUR_MS)?;
            Ok(())
        },
    },
    OptionEntry {
        key: "proxy",
        default: "none",
        takes: Text {
            en: "none, env, http://[USER:PASSWORD@]HOST:PORT or socks5://[USER:PASSWORD@]HOST:PORT; special characters of a user or password percent-encoded",
            zh: "none、env、http://[用户:密码@]HOST:PORT 或 socks5://[用户:密码@]HOST:PORT；用户名和密码中的特殊字符须作百分号编码",
        },
        doc: Text {
            en: "The proxy for https hosts; env reads HTTPS_PROXY, else ALL_PROXY, and NO_PROXY as curl does, when the client is created. Plain http goes to loopback and never through a proxy.",
            zh: "访问 https 主机所用的代理；env 表示在创建客户端时像 curl 一样读取 HTTPS_PROXY（未设置则读取 ALL_PROXY）和 NO_PROXY。明文 http 仅用于本机回环地址，从不经过代理。",
        },
        set: |o, v| {
            o.proxy = proxy(v)?;
            Ok(())
        },
    },
    OptionEntry {
        key: "ca_file",
        default: "",
        takes: Text {
            en: "a path to a PEM file; empty for none",
            zh: "PEM 文件路径；空表示不使用",
        },
        doc: Text {
            en: "CA certificates trusted besides the roots; read when the client is made.",
            zh: "除根证书之外还信任的 CA 证书；创建客户端时读取。",
        },
        set: |o, v| {
            o.ca_file = (!v.is_empty()).then(|| v.to_owned());
            Ok(())
        },
    },
    OptionEntry {
        key: "trust",
        default: "system",
        takes: Text {
            en: "system or bundled",
            zh: "system 或 bundled",
        },
        doc: Text {
            en: "The roots: the system's, or Mozilla's as bundled with the library, which also serve where the system has none.",
            zh: "根证书来源：系统根证书，或随库附带的 Mozilla 根证书（系统没有根证书时也使用后者）。",
        },
        set: |o, v| {
            o.trust = match v {
                "system" => Trust::System,
                "bundled" => Trust::Bundled,
                _ => return Err("takes system or bundled".into()),
            };
            Ok(())
        },
    },
    OptionEntry {
        key: "user_agent",
        default: concat!("wxlink/", env!("CARGO_PKG_VERSION")),
        takes: Text {
            en: "1 to 256 printable ASCII characters",
            zh: "1 至 256 个可打印 ASCII 字符",
        },
        doc: Text {
            en: "The User-Agent header.",
            zh: "User-Agent 请求头。",
        },
        set: |o, v| {
            let printable = v.bytes().all(|b| (b' '..=b'~').contains(&b));
            if v.trim().is_empty() || v.len() > 256 || !printable {
                return Err("takes 1 to 256 printable ASCII characters".into());
            }
            o.user_agent = v.to_owned();
            Ok(())
        },
    },
    OptionEntry {
        key: "max_response_bytes",
        default: "4194304",
        takes: Text {
            en: "1024 to 1073741824 bytes",
            zh: "1024 至 1073741824 字节",
        },
        doc: Text {
            en: "The largest answer that is read.",
            zh: "允许读取的最大应答。",
        },
        set: |o, v| {
            o.max_response_bytes = number(v, 1024, 1 << 30)?.into();
            Ok(())
        },
    },
    OptionEntry {
        key: "lang",
        default: "en",
        takes: Text {
            en: "en or zh",
            zh: "en 或 zh",
        },
        doc: Text {
            en: "The language of messages and remedies.",
            zh: "提示和处理建议的语言。",
        },
        set: |o, v| {
            o.lang = Lang::from_code(v).ok_or("takes en or zh")?;
            Ok(())
        },
    },
    OptionEntry {
        key: "account",
        default: "",
        takes: Text {
            en: "an appid; empty for none",
            zh: "appid；空表示不设置",
        },
        doc: Text {
            en: "The Official Account that calls without an access_token are for; its token comes from the source that is set.",
            zh: "未传入 access_token 的调用所针对的公众号；其令牌来自所设置的来源。",
        },
        set: |o, v| {
            o.account = opaque(v, MAX_APPID_BYTES)?;
            Ok(())
        },
    },
    OptionEntry {
        key: "access_token",
        default: "",
        takes: Text {
            en: "a token; empty for none",
            zh: "令牌；空表示不设置",
        },
        doc: Text {
            en: "A source of tokens: this one, for calls without an access_token.",
            zh: "令牌来源之一：未传入 access_token 的调用使用此令牌。",
        },
        set: |o, v| {
            o.access_token = opaque(v, MAX_TOKEN_BYTES)?;
            Ok(())
        },
    },
    OptionEntry {
        key: "token_command",
        default: "",
        takes: Text {
            en: "a shell command; empty for none",
            zh: "shell 命令；空表示不设置",
        },
        doc: Text {
            en: "A source of tokens: a program that reads lines on its input (account=, refused_token=, an empty line) and prints the token alone, lines access_token= and expires_in= (s), or JSON such as WeChat's; killed after timeout_ms. See tokens.md.",
            zh: "令牌来源之一：一个程序，从标准输入按行读取（account=、refused_token=、空行），输出令牌本身、access_token= 与 expires_in=（秒）各占一行，或微信格式的 JSON；超过 timeout_ms 即被终止。参见 tokens.md。",
        },
        set: |o, v| {
            o.token_command = opaque(v, MAX_TOKEN_BYTES)?;
            Ok(())
        },
    },
    OptionEntry {
        key: "component_appid",
        default: "",
        takes: Text {
            en: "an appid; empty for none",
            zh: "appid；空表示不设置",
        },
        doc: Text {
            en: "A source of tokens: this third-party platform, which gets and renews its accounts' tokens from WeChat.",
            zh: "令牌来源之一：此第三方平台，由其向微信获取并刷新各账号的令牌。",
        },
        set: |o, v| {
            o.component_appid = opaque(v, MAX_APPID_BYTES)?;
            Ok(())
        },
    },
    OptionEntry {
        key: "component_appsecret",
        default: "",
        takes: Text {
            en: "a secret; empty for none",
            zh: "密钥；空表示不设置",
        },
        doc: Text {
            en: "The platform's appsecret.",
            zh: "该第三方平台的 appsecret。",
        },
        set: |o, v| {
            o.component_appsecret = opaque(v, MAX_TOKEN_BYTES)?;
            Ok(())
        },
    },
    OptionEntry {
        key: "store",
        default: "memory",
        takes: Text {
            en: "memory, file:PATH, redis://[USER:PASSWORD@]HOST[:PORT][/DB] or rediss://…",
            zh: "memory、file:PATH、redis://[用户:密码@]HOST[:PORT][/DB] 或 rediss://…",
        },
        doc: Text {
            en: "Where the platform's tickets and tokens are kept: for this client alone, for the processes of a machine, or for many machines.",
            zh: "该平台的 ticket 与令牌保存在何处：仅此客户端、同一台机器的各进程，或多台机器。",
        },
        set: |o, v| {
            o.store = StoreUrl::parse(v)?;
            o.store_password = password_of(v).map(str::to_owned);
            Ok(())
        },
    },
];

const HOUR_MS: u32 = 3_600_000;

/// Which roots to trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    System,
    Bundled,
}

/// The value of the option `proxy`.
#[derive(Clone)]
enum ProxyChoice {
    None,
    Env,
    Url(ProxyAddress),
}

/// An option that could not be set. Converts into an [`Error`](crate::Error) with
/// [`Status::BadOption`](crate::Status::BadOption).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionError {
    pub(crate) why: String,
    pub(crate) lang: Lang,
}

impl fmt::Display for OptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for OptionError {}

/// The options a client is created with.
///
/// Not shared between threads while it is being set; a client takes a copy.
#[derive(Clone)]
pub struct Options {
    pub(crate) hosts: Vec<Host>,
    pub(crate) timeout_ms: u32,
    pub(crate) connect_timeout_ms: u32,
    pub(crate) max_retries: u32,
    pub(crate) keep_alive_ms: u32,
    proxy: ProxyChoice,
    pub(crate) ca_file: Option<String>,
    pub(crate) trust: Trust,
    pub(crate) user_agent: String,
    pub(crate) max_response_bytes: u64,
    pub(crate) lang: Lang,
    pub(crate) account: Option<String>,
    pub(crate) access_token: Option<String>,
    pub(crate) token_command: Option<String>,
    pub(crate) component_appid: Option<String>,
    pub(crate) component_appsecret: Option<String>,
    pub(crate) store: StoreUrl,
    /// The password in the store's URL, as it is written there.
    store_password: Option<String>,
    /// The keys that were set, which is not the same as having another value than the default.
    set: Vec<&'static str>,
}

/// The options that are a matter of one handle; the others are one of its connections.
const OF_A_HANDLE: [&str; 5] = [
    "timeout_ms",
    "connect_timeout_ms",
    "max_retries",
    "lang",
    "account",
];

impl Default for Options {
    fn default() -> Options {
        Options::new()
    }
}

impl Options {
    /// Options with every value at its default.
    pub fn new() -> Options {
        let mut options = Options {
            hosts: Vec::new(),
            timeout_ms: 0,
            connect_timeout_ms: 0,
            max_retries: 0,
            keep_alive_ms: 0,
            proxy: ProxyChoice::None,
            ca_file: None,
            trust: Trust::System,
            user_agent: String::new(),
            max_response_bytes: 0,
            lang: Lang::En,
            account: None,
            access_token: None,
            token_command: None,
            component_appid: None,
            component_appsecret: None,
            store: StoreUrl::Memory,
            store_password: None,
            set: Vec::new(),
        };
        for entry in OPTIONS {
            let set = (entry.set)(&mut options, entry.default);
            debug_assert!(set.is_ok(), "the default of {}", entry.key);
        }
        options
    }

    /// Sets one option. An invalid value leaves it unchanged.
    ///
    /// # Errors
    /// The key is unknown, or the value is out of its range. The message says what the option takes
    /// and never repeats the value, which may hold a password.
    pub fn set(&mut self, key: &str, value: &str) -> Result<&mut Options, OptionError> {
        let lang = self.lang;
        let Some(entry) = OPTIONS.iter().find(|e| e.key == key) else {
            let keys: Vec<&str> = OPTIONS.iter().map(|e| e.key).collect();
            let why = format!("unknown option; expected one of {}", keys.join(", "));
            return Err(OptionError { why, lang });
        };
        (entry.set)(self, value).map_err(|why| OptionError {
            why: format!("option {key} {why}"),
            lang,
        })?;
        if !self.set.contains(&entry.key) {
            self.set.push(entry.key);
        }
        Ok(self)
    }

    /// Whether they name a source of tokens.
    #[cfg(feature = "capi")]
    pub(crate) fn names_tokens(&self) -> bool {
        let named = [
            &self.access_token,
            &self.token_command,
            &self.component_appid,
        ];
        named.into_iter().any(Option::is_some)
    }

    /// The limits as they stand.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            timeout: Duration::from_millis(self.timeout_ms.into()),
            connect_timeout: Duration::from_millis(self.connect_timeout_ms.into()),
            max_retries: self.max_retries,
            lang: self.lang,
        }
    }

    /// The limits that were set, over those of another handle.
    pub(crate) fn limits_over(&self, base: Limits) -> Result<Limits, String> {
        let own = self.limits();
        let mut limits = base;
        for key in &self.set {
            match *key {
                "timeout_ms" => limits.timeout = own.timeout,
                "connect_timeout_ms" => limits.connect_timeout = own.connect_timeout,
                "max_retries" => limits.max_retries = own.max_retries,
                "lang" => limits.lang = own.lang,
                "account" => {}
                key => {
                    let may = OF_A_HANDLE.join(", ");
                    return Err(format!(
                        "option {key} cannot be changed on a derived client, because it shares its \
                         connections; only {may} can"
                    ));
                }
            }
        }
        Ok(limits)
    }

    /// The account that was set, else the base handle's. An explicitly empty account clears it: if it
    /// were inherited, a blank cell in a caller's table would silently act on the wrong account.
    pub(crate) fn account_over(&self, base: Option<&Arc<str>>) -> Option<Arc<str>> {
        match self.set.contains(&"account") {
            true => self.account.as_deref().map(Arc::from),
            false => base.cloned(),
        }
    }

    /// The secrets among the values, with the names they are replaced by in texts.
    pub(crate) fn secrets(&self, proxy: Option<&ProxySettings>) -> Vec<OwnedSecret> {
        let login = proxy.and_then(|settings| settings.proxy.login.clone());
        let store = self.store_password.as_deref();
        let decoded = store.map(|text| percent_decode_str(text).decode_utf8_lossy().into_owned());
        let secrets = [
            ("access_token", self.access_token.clone()),
            ("component_appsecret", self.component_appsecret.clone()),
            ("proxy_password", login.map(|login| login.password)),
            ("store_password", store.map(str::to_owned)),
            ("store_password", decoded),
        ];
        let known = |(name, value): (_, Option<String>)| Some((name, Arc::from(value?)));
        secrets.into_iter().filter_map(known).collect()
    }

    /// The proxy to use. Reads the environment if the option says so and a host can use a proxy.
    ///
    /// # Errors
    /// IdAliases the variable of the environment that is invalid.
    pub(crate) fn proxy_settings(&self) -> Result<Option<ProxySettings>, String> {
        match &self.proxy {
            ProxyChoice::Url(proxy) => Ok(Some(ProxySettings {
                proxy: proxy.clone(),
                no_proxy: NoProxy::default(),
            })),
            ProxyChoice::Env if self.hosts.iter().any(|host| host.tls) => {
                ProxySettings::from_environment(|name| std::env::var_os(name))
                    .map_err(|why| format!("option proxy is env, and {why}"))
            }
            ProxyChoice::Env | ProxyChoice::None => Ok(None),
        }
    }
}

/// The password of a URL, as it is written there.
fn password_of(url: &str) -> Option<&str> {
    let (login, _) = url.split_once("://")?.1.rsplit_once('@')?;
    login.split_once(':').map(|(_, password)| password)
}

/// A text that is WeChat's matter; `None` if it is empty.
fn opaque(value: &str, max: usize) -> Result<Option<String>, String> {
    match value.len() > max || value.chars().any(char::is_control) {
        true => Err(format!(
            "takes at most {max} bytes without control characters"
        )),
        false => Ok((!value.is_empty()).then(|| value.to_owned())),
    }
}

fn number(value: &str, min: u32, max: u32) -> Result<u32, String> {
    let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    match value.parse::<u32>() {
        Ok(n) if digits && (min..=max).contains(&n) => Ok(n),
        _ => Err(format!("takes a whole number from {min} to {max}")),
    }
}

fn proxy(value: &str) -> Result<ProxyChoice, String> {
    match value {
        "none" => Ok(ProxyChoice::None),
        "env" => Ok(ProxyChoice::Env),
        "" => Err("is empty. Expected none, env, or a URL such as http://proxy:3128".into()),
        url => ProxyAddress::parse(url)
            .map(ProxyChoice::Url)
            .map_err(|why| format!("is invalid: {why}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_stand_in_their_ranges() {
        for entry in OPTIONS {
            assert!(
                (entry.set)(&mut Options::new(), entry.default).is_ok(),
                "{}",
                entry.key
            );
        }
        let o = Options::new();
        assert_eq!(o.hosts[0].origin, "https://api.weixin.qq.com");
        assert_eq!(
            (o.timeout_ms, o.connect_timeout_ms, o.max_retries),
            (10_000, 3_000, 2)
        );
        assert_eq!((o.keep_alive_ms, o.max_response_bytes), (15_000, 4 << 20));
    }

    #[test]
    fn a_proxys_password_is_never_repeated() {
        let mut o = Options::new();
        for bad in [
            "ftp://u:SECRET@h:1",
            "socks5://u:SECRET@",
            "http://u:SECRET@h:1/path",
        ] {
            let message = o.set("proxy", bad).err().unwrap().to_string();
            assert!(!message.contains("SECRET"), "{message}");
        }
    }

    #[test]
    fn a_refused_value_changes_nothing() {
        let mut o = Options::new();
        assert!(o.set("timeout_ms", "0").is_err());
        assert_eq!(o.timeout_ms, 10_000);
    }
}
