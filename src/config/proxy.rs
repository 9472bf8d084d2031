//! The proxy for https hosts: its URL, `NO_PROXY`, and the environment variables that set them.
//!
//! The rules are curl's, except that an ambiguous URL is refused. ureq has a parser too, but it can
//! take part of a password for the host's name and look it up, and its `NO_PROXY` differs from
//! curl's.

use std::ffi::OsString;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use percent_encoding::percent_decode_str;

use crate::model::lang::{Lang, Text};

/// The default port of a SOCKS proxy (RFC 1928).
const DEFAULT_SOCKS_PORT: u16 = 1080;
/// The longest user name and the longest password in SOCKS5, in bytes each (RFC 1929).
const MAX_SOCKS_LOGIN_BYTES: usize = 255;
/// The longest DNS name, in bytes (RFC 1035).
const MAX_DNS_NAME_BYTES: usize = 253;

/// The protocol a proxy speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProxyProtocol {
    /// HTTP `CONNECT`.
    Http,
    /// SOCKS5; the proxy resolves the host's name.
    Socks5,
}

/// A user name and a password, percent-decoded.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Login {
    pub user: String,
    pub password: String,
}

/// A proxy and how to log in to it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ProxyAddress {
    pub protocol: ProxyProtocol,
    /// A DNS name or a literal address, without brackets.
    pub host: String,
    pub port: u16,
    pub login: Option<Login>,
}

impl ProxyAddress {
    /// Parses `http://[USER:PASSWORD@]HOST:PORT`, or the same with `socks5://` or `socks5h://`.
    ///
    /// # Errors
    /// Why the URL is invalid, and what to do: two sentences without the last period. They contain
    /// no part of the URL, which may hold a password.
    pub fn parse(url: &str) -> Result<ProxyAddress, Text> {
        if let Some(why) = url.chars().find_map(forbidden) {
            return Err(why);
        }
        let (scheme, rest) = url.split_once("://").ok_or(Text {
            en: "it has no scheme. Write http://HOST:PORT or socks5://HOST:PORT",
            zh: "缺少协议。请写作 http://HOST:PORT 或 socks5://HOST:PORT",
        })?;
        let protocol = match scheme.to_ascii_lowercase().as_str() {
            "http" => ProxyProtocol::Http,
            "socks5" | "socks5h" => ProxyProtocol::Socks5,
            "https" => {
                return Err(Text {
                    en: "a proxy that is itself reached over TLS is not supported. \
                         Write http://HOST:PORT or socks5://HOST:PORT",
                    zh: "不支持通过 TLS 连接代理本身。\
                         请写作 http://HOST:PORT 或 socks5://HOST:PORT",
                });
            }
            _ => {
                return Err(Text {
                    en: "its scheme is unknown. Expected http, socks5 or socks5h",
                    zh: "协议未知。应为 http、socks5 或 socks5h",
                });
            }
        };
        let (login, host_and_port) = match rest.rsplit_once('@') {
            Some((login, _)) if login.contains('@') => {
                return Err(Text {
                    en: "it has more than one @. Write an @ in a user or password as %40",
                    zh: "含有多个 @。用户名或密码中的 @ 请写作 %40",
                });
            }
            Some((login, _)) if login.contains('/') => {
                return Err(Text {
                    en: "it has a / before the @. Write a / in a user or password as %2F",
                    zh: "@ 之前含有 /。用户名或密码中的 / 请写作 %2F",
                });
            }
            Some((login, host_and_port)) => (parse_login(login, protocol)?, host_and_port),
            None => (None, rest),
        };
        let host_and_port = host_and_port.strip_suffix('/').unwrap_or(host_and_port);
        if host_and_port.contains('/') {
            return Err(Text {
                en: "it has a path. End it after the port",
                zh: "含有路径。请在端口之后结束",
            });
        }
        let (host, port) = parse_host_and_port(host_and_port)?;
        let port = match (port, protocol) {
            (Some(port), _) => port,
            (None, ProxyProtocol::Socks5) => DEFAULT_SOCKS_PORT,
            (None, ProxyProtocol::Http) => {
                return Err(Text {
                    en: "it has no port, and programs differ in the default. Add the port",
                    zh: "缺少端口，各程序的默认端口不一致。请写明端口",
                });
            }
        };
        Ok(ProxyAddress {
            protocol,
            host,
            port,
            login,
        })
    }
}

/// `HOST:PORT`, as messages show it, without the login.
impl fmt::Display for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Debug for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {self}", self.protocol)
    }
}

/// Why a character must not occur unencoded in a proxy's URL; `None` if it may.
fn forbidden(c: char) -> Option<Text> {
    match c {
        '#' => Some(Text {
            en: "it contains a #. Write a # in a user or password as %23",
            zh: "含有 #。用户名或密码中的 # 请写作 %23",
        }),
        '?' => Some(Text {
            en: "it contains a ?. Write a ? in a user or password as %3F",
            zh: "含有 ?。用户名或密码中的 ? 请写作 %3F",
        }),
        '\\' => Some(Text {
            en: "it contains a \\. Write a \\ in a user or password as %5C",
            zh: "含有 \\。用户名或密码中的 \\ 请写作 %5C",
        }),
        c if c.is_whitespace() => Some(Text {
            en: "it contains a space or line end. Write a space in a user or password as %20",
            zh: "含有空格或换行符。用户名或密码中的空格请写作 %20",
        }),
        c if c.is_control() => Some(Text {
            en: "it contains a control character. Remove it",
            zh: "含有控制字符。请将其删除",
        }),
        _ => None,
    }
}

fn parse_login(text: &str, protocol: ProxyProtocol) -> Result<Option<Login>, Text> {
    // The first colon separates them: a password may contain colons.
    let (user, password) = text.split_once(':').unwrap_or((text, ""));
    let login = Login {
        user: decode(user)?,
        password: decode(password)?,
    };
    let too_long = [&login.user, &login.password]
        .iter()
        .any(|part| part.len() > MAX_SOCKS_LOGIN_BYTES);
    match protocol {
        _ if text.is_empty() => Ok(None),
        ProxyProtocol::Http if login.user.contains(':') => Err(Text {
            en: "its user contains a colon, which HTTP authentication does not allow. \
                 Use another user",
            zh: "用户名含有冒号，HTTP 认证不允许。请更换用户名",
        }),
        ProxyProtocol::Socks5 if too_long => Err(Text {
            en: "its user or password is longer than 255 bytes, the limit of SOCKS5. \
                 Use a shorter one",
            zh: "用户名或密码超过 SOCKS5 允许的 255 字节。请缩短",
        }),
        _ => Ok(Some(login)),
    }
}

fn decode(text: &str) -> Result<String, Text> {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('%') {
        let digits = after.get(..2).unwrap_or_default();
        if digits.len() != 2 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(Text {
                en: "it has a % without two hexadecimal digits. \
                     Write a % in a user or password as %25",
                zh: "% 之后不是两位十六进制数字。用户名或密码中的 % 请写作 %25",
            });
        }
        rest = &after[2..];
    }
    let decoded = percent_decode_str(text).decode_utf8().map_err(|_| Text {
        en: "its user or password is not UTF-8. Use another one",
        zh: "用户名或密码不是 UTF-8。请更换",
    })?;
    if decoded.chars().any(char::is_control) {
        return Err(Text {
            en: "its user or password contains a control character. Use another one",
            zh: "用户名或密码含有控制字符。请更换",
        });
    }
    Ok(decoded.into_owned())
}

fn parse_host_and_port(text: &str) -> Result<(String, Option<u16>), Text> {
    let (host, port) = match text.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(Some((ip, after))) => {
            let ip: Ipv6Addr = ip.parse().map_err(|_| Text {
                en: "the text in its brackets is not an IPv6 address. Correct it",
                zh: "方括号中不是 IPv6 地址。请改正",
            })?;
            let port = if after.is_empty() {
                None
            } else {
                Some(after.strip_prefix(':').unwrap_or_default())
            };
            (ip.to_string(), port)
        }
        Some(None) => {
            return Err(Text {
                en: "it has a [ without a ]. Write an IPv6 address as [ADDRESS]",
                zh: "有 [ 而没有 ]。IPv6 地址请写作 [地址]",
            });
        }
        None => {
            let (host, port) = match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            };
            if port.is_some_and(|port| port.contains(':')) {
                return Err(Text {
                    en: "it has more than one colon after the login. Write an IPv6 address as \
                         [ADDRESS], and a : in a user or password as %3A",
                    zh: "登录信息之后有多个冒号。IPv6 地址请写作 [地址]，\
                         用户名或密码中的 : 请写作 %3A",
                });
            }
            check_host_name(host)?;
            (host.to_ascii_lowercase(), port)
        }
    };
    match port {
        None => Ok((host, None)),
        Some(digits) if !digits.bytes().all(|b| b.is_ascii_digit()) => Err(BAD_PORT),
        Some(digits) => match digits.parse::<u16>() {
            Ok(port) if port != 0 => Ok((host, Some(port))),
            _ => Err(BAD_PORT),
        },
    }
}

const BAD_PORT: Text = Text {
    en: "its port is invalid. Expected a number from 1 to 65535",
    zh: "端口无效。应为 1 至 65535 的整数",
};

fn check_host_name(host: &str) -> Result<(), Text> {
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    if host.is_empty() {
        return Err(Text {
            en: "it has no host. Write http://HOST:PORT or socks5://HOST:PORT",
            zh: "缺少主机。请写作 http://HOST:PORT 或 socks5://HOST:PORT",
        });
    }
    let is_valid = host.len() <= MAX_DNS_NAME_BYTES
        && !host.starts_with(['.', '-'])
        && host.bytes().all(is_allowed);
    if !is_valid {
        return Err(Text {
            en: "its host is neither a DNS name nor an address. \
                 Write a name with other characters in its xn-- form",
            zh: "主机既不是域名也不是 IP 地址。含其他字符的域名请使用 xn-- 形式",
        });
    }
    // getaddrinfo accepts 127.1 and 2130706433 as addresses; other programs read them differently.
    let is_numeric = host.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if is_numeric && host.parse::<Ipv4Addr>().is_err() {
        return Err(Text {
            en: "its host is an incomplete IPv4 address. Write all four numbers",
            zh: "主机是不完整的 IPv4 地址。请写出全部四段",
        });
    }
    Ok(())
}

/// The hosts that are reached without the proxy, as `NO_PROXY` lists them.
///
/// The rules are curl's. A name matches itself and all names below it. An address matches itself,
/// or a network if `/BITS` follows it. `*` alone matches every host. Commas and spaces separate
/// entries. Leading and trailing dots and letter case are ignored. Names are not resolved, and an
/// entry with a port matches nothing. IPv6 addresses may be in brackets, and are compared as
/// addresses, as in newer versions of curl.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NoProxy {
    all: bool,
    entries: Vec<String>,
}

impl NoProxy {
    pub fn parse(list: &str) -> NoProxy {
        let entries = list.split(|c: char| c == ',' || c.is_whitespace());
        NoProxy {
            all: list.trim() == "*",
            entries: entries
                .map(|entry| entry.trim_matches('.').to_ascii_lowercase())
                .filter(|entry| !entry.is_empty())
                .collect(),
        }
    }

    /// Whether a host is reached without the proxy. `host` is a name, or a literal address without
    /// brackets.
    pub fn contains(&self, host: &str) -> bool {
        if self.all {
            return true;
        }
        let matches: &dyn Fn(&str) -> bool = match host.parse::<IpAddr>() {
            Ok(ip) => &move |entry| is_in_network(ip, entry),
            Err(_) => {
                let host = host.trim_end_matches('.').to_ascii_lowercase();
                &move |entry| {
                    let above = host.strip_suffix(entry);
                    above.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
                }
            }
        };
        self.entries.iter().any(|entry| matches(entry))
    }
}

/// Whether `ip` is the address of the entry, or in its network.
fn is_in_network(ip: IpAddr, entry: &str) -> bool {
    let (network, bits) = match entry.split_once('/') {
        Some((network, bits)) if !bits.is_empty() && bits.bytes().all(|b| b.is_ascii_digit()) => {
            (network, bits.parse::<u32>().unwrap_or(u32::MAX))
        }
        Some(_) => return false,
        None => (entry, 0),
    };
    let bare = network
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(network);
    let (differing, width) = match (ip, bare.parse()) {
        (IpAddr::V4(ip), Ok(IpAddr::V4(network))) => {
            (u128::from(ip.to_bits() ^ network.to_bits()), 32)
        }
        (IpAddr::V6(ip), Ok(IpAddr::V6(network))) => (ip.to_bits() ^ network.to_bits(), 128),
        _ => return false,
    };
    match bits {
        // As in curl, /0 means the same as no /BITS: the whole address must match.
        0 => differing == 0,
        bits if bits > width => false,
        bits => differing.checked_shr(width - bits).unwrap_or(0) == 0,
    }
}

/// A proxy, and the hosts that are reached without it.
#[derive(Clone, Debug)]
pub(crate) struct ProxySettings {
    pub proxy: ProxyAddress,
    pub no_proxy: NoProxy,
}

/// The variables that name the proxy for https URLs. The first one that is set and not empty
/// counts.
/// `HTTP_PROXY` is for http URLs, for which this library uses no proxy.
const PROXY_VARIABLES: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
const NO_PROXY_VARIABLES: [&str; 2] = ["no_proxy", "NO_PROXY"];

const NOT_UTF8: Text = Text {
    en: "it is not UTF-8. Correct it",
    zh: "不是 UTF-8。请改正",
};

impl ProxySettings {
    /// Reads the environment through `variable`, which returns the value of a variable.
    ///
    /// # Errors
    /// Which variable is invalid, and why, in the language `lang` and without the value.
    pub fn from_environment(
        lang: Lang,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Option<ProxySettings>, String> {
        let first = |names: &[&'static str]| {
            names.iter().find_map(|name| {
                let value = variable(name).filter(|value| !value.is_empty())?;
                Some((*name, value.into_string()))
            })
        };
        let Some((name, url)) = first(&PROXY_VARIABLES) else {
            return Ok(None);
        };
        let invalid = |name: &str, why: Text| match lang {
            Lang::En => format!("{name} is invalid: {}", why.en),
            Lang::Zh => format!("{name} 无效：{}", why.zh),
        };
        let mut url = url.map_err(|_| invalid(name, NOT_UTF8))?;
        if !url.contains("://") {
            url.insert_str(0, "http://");
        }
        let proxy = ProxyAddress::parse(&url).map_err(|why| invalid(name, why))?;
        let no_proxy = match first(&NO_PROXY_VARIABLES) {
            None => NoProxy::default(),
            Some((_, Ok(list))) => NoProxy::parse(&list),
            Some((name, Err(_))) => return Err(invalid(name, NOT_UTF8)),
        };
        Ok(Some(ProxySettings { proxy, no_proxy }))
    }

    /// The proxy for an https host; `None` if `NO_PROXY` lists the host.
    pub fn proxy_for(&self, host: &str) -> Option<&ProxyAddress> {
        (!self.no_proxy.contains(host)).then_some(&self.proxy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> ProxyAddress {
        ProxyAddress::parse(url).unwrap_or_else(|why| panic!("{url}: {why:?}"))
    }

    #[test]
    fn a_url_is_parsed() {
        for (url, shown, login) in [
            ("http://proxy:3128", "proxy:3128", None),
            ("HTTP://Proxy_1.local:3128/", "proxy_1.local:3128", None),
            ("socks5h://proxy", "proxy:1080", None),
            ("socks5://[::1]", "[::1]:1080", None),
            ("http://@10.0.0.1:8080", "10.0.0.1:8080", None),
            (
                "http://user@[fd00::1]:80",
                "[fd00::1]:80",
                Some(("user", "")),
            ),
            ("http://u:p%40%23:w%25@h:1", "h:1", Some(("u", "p@#:w%"))),
            ("socks5://u%3A:p@h:1", "h:1", Some(("u:", "p"))),
        ] {
            let proxy = parsed(url);
            assert_eq!(proxy.to_string(), shown, "{url}");
            let got = proxy.login.as_ref();
            let got = got.map(|l| (l.user.as_str(), l.password.as_str()));
            assert_eq!(got, login, "{url}");
        }
    }

    #[test]
    fn an_ambiguous_url_is_refused_and_not_in_the_message() {
        for url in [
            "http://SECRET:SECRET#SECRET@proxy:3128",
            "http://SECRET:#SECRET@proxy:3128",
            "http://SECRET:SECRET?SECRET@proxy:3128",
            "http://SECRET:SECRET/SECRET@proxy:3128",
            "http://SECRET:SECRET\\SECRET@proxy:3128",
            "http://SECRET:SECRET@SECRET@proxy:3128",
            "http://SECRET:SECRET SECRET@proxy:3128",
            "http://SECRET:SECRET%SECRET@proxy:3128",
            "http://SECRET:SECRET%2@proxy:3128",
            "http://SECRET:SECRET%00@proxy:3128",
            "http://SECRET:SECRET%0d%0a@proxy:3128",
            "http://SECRET:SECRET%ff@proxy:3128",
            "http://SECRET%3A:SECRET@proxy:3128",
            "http://SECRET:SECRET",
            "http://SECRET:SECRET@",
            "http://SECRET:SECRET@proxy",
            "http://SECRET:SECRET@proxy:",
            "http://SECRET:SECRET@proxy:+80",
            "http://SECRET:SECRET@proxy:0",
            "http://SECRET:SECRET@proxy:65536",
            "http://SECRET:SECRET@proxy:3128/path",
            "http://SECRET:SECRET@proxy:3128//",
            "http://SECRET:SECRET@::1:3128",
            "http://SECRET:SECRET@[::1:3128",
            "http://SECRET:SECRET@[::1]3128",
            "http://SECRET:SECRET@[fe80::1%25eth0]:3128",
            "http://SECRET:SECRET@127.1:3128",
            "http://SECRET:SECRET@2130706433:3128",
            "http://SECRET:SECRET@.proxy:3128",
            "http://SECRET:SECRET@pro!xy:3128",
            "http://SECRET:SECRET@pr\u{f6}xy:3128",
            "https://SECRET:SECRET@proxy:3128",
            "socks4://SECRET:SECRET@proxy:3128",
            "SECRET:SECRET://proxy:3128",
            "SECRET:SECRET@proxy:3128",
            "",
        ] {
            let why = ProxyAddress::parse(url).expect_err(url);
            for why in [why.en, why.zh] {
                assert!(!why.contains("SECRET"), "{url}: {why}");
            }
        }
        let long = "x".repeat(256);
        assert!(ProxyAddress::parse(&format!("socks5://u:{long}@h:1")).is_err());
        assert!(ProxyAddress::parse(&format!("http://u:{long}@h:1")).is_ok());
    }

    /// The results are those of curl 7.88.1, except that curl compares IPv6 addresses as text.
    #[test]
    fn no_proxy_follows_curls_rules() {
        let host = "api.weixin.qq.com";
        for (list, host, direct) in [
            ("api.weixin.qq.com", host, true),
            ("weixin.qq.com", host, true),
            (".weixin.qq.com", host, true),
            ("qq.com.", host, true),
            (".api.weixin.qq.com", host, true),
            ("API.Weixin.QQ.com", host, true),
            ("com", host, true),
            ("xin.qq.com", host, false),
            ("weixin.qq", host, false),
            ("*.weixin.qq.com", host, false),
            ("a.api.weixin.qq.com", host, false),
            ("localhost, weixin.qq.com", host, true),
            ("localhost ,weixin.qq.com", host, true),
            (" weixin.qq.com ", host, true),
            ("\tweixin.qq.com", host, true),
            (",,weixin.qq.com", host, true),
            ("localhost weixin.qq.com", host, true),
            ("*", host, true),
            ("localhost,*", host, false),
            ("**", host, false),
            ("", host, false),
            (".", host, false),
            (",", host, false),
            ("https://api.weixin.qq.com", host, false),
            ("api.weixin.qq.com:443", host, false),
            ("weixin.qq.com/8", host, false),
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1:443", "10.0.0.1", false),
            ("10.0.0.0/8", "10.9.9.9", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.1/32", "10.0.0.1", true),
            ("10.0.0.1/33", "10.0.0.1", false),
            ("10.0.0.0/0", "10.0.0.1", false),
            ("10.0.0.1/0", "10.0.0.1", true),
            ("0.0.1", "10.0.0.1", false),
            ("10.", "10.0.0.1", false),
            ("10.0.0.0/8", "api.weixin.qq.com", false),
            ("fd00::1", "fd00::1", true),
            ("FD00:0::1", "fd00::1", true),
            ("fd00::/16", "fd00::1", true),
            ("fd00::/16", "fd01::1", false),
            ("[fd00::1]", "fd00::1", true),
            ("[fd00::]/16", "fd00::1", true),
            ("::/0", "fd00::1", false),
            ("*", "fd00::1", true),
        ] {
            assert_eq!(
                NoProxy::parse(list).contains(host),
                direct,
                "{list:?} {host}"
            );
        }
        // A trailing dot of the host is ignored too.
        assert!(NoProxy::parse("qq.com").contains("api.weixin.qq.com."));
        // Unlike here, curl compares the wrong bits of a network's last, incomplete byte.
        assert!(NoProxy::parse("fd00::/12").contains("fd0f::1"));
        assert!(!NoProxy::parse("fd00::/12").contains("fd1f::1"));
    }

    fn from_variables(set: &[(&str, &str)]) -> Result<Option<ProxySettings>, String> {
        ProxySettings::from_environment(Lang::En, |name| {
            let found = set.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| value.into())
        })
    }

    #[test]
    fn the_first_variable_that_is_set_counts() {
        let all = [
            ("https_proxy", "http://a:1"),
            ("HTTPS_PROXY", "http://b:1"),
            ("all_proxy", "http://c:1"),
            ("ALL_PROXY", "http://d:1"),
        ];
        for (first, (_, url)) in all.iter().enumerate() {
            let found = from_variables(&all[first..]).unwrap().unwrap();
            assert_eq!(format!("http://{}", found.proxy), *url);
        }
        // An empty variable counts as unset, and HTTP_PROXY is for http URLs only.
        let set = [
            ("https_proxy", ""),
            ("HTTPS_PROXY", "b:1"),
            ("HTTP_PROXY", "http://x:1"),
        ];
        assert_eq!(
            from_variables(&set).unwrap().unwrap().proxy.to_string(),
            "b:1"
        );
        assert!(from_variables(&set[2..]).unwrap().is_none());

        let set = [
            ("no_proxy", "qq.com"),
            ("NO_PROXY", "*"),
            ("ALL_PROXY", "socks5://d"),
        ];
        let found = from_variables(&set).unwrap().unwrap();
        assert!(found.proxy_for("api.weixin.qq.com").is_none());
        assert!(found.proxy_for("weixin.com").is_some());
        assert!(
            from_variables(&set[1..])
                .unwrap()
                .unwrap()
                .proxy_for("weixin.com")
                .is_none()
        );
    }

    #[test]
    fn the_message_names_an_invalid_variable_without_its_value() {
        let why = from_variables(&[("ALL_PROXY", "http://me:SECRET#@h:1")]).unwrap_err();
        assert!(
            why.starts_with("ALL_PROXY is invalid: it contains a #. "),
            "{why}"
        );
        assert!(!why.contains("SECRET"), "{why}");
    }
}
