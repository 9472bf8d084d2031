//! Which proxy a host is reached through: a proxy's URL, `NO_PROXY`, and the variables of the
//! environment, each parsed once into a type.
//!
//! ureq can read all of these, but it takes a proxy's URL apart in a way that can send a password
//! to the name server, and its `NO_PROXY` differs from curl's. The rules here are curl's, except
//! that an ambiguous URL is refused.

use std::ffi::OsString;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use percent_encoding::percent_decode_str;

/// The port of a SOCKS proxy whose URL names none (RFC 1928).
const SOCKS_PORT: u16 = 1080;
/// The longest user and the longest password SOCKS5 can carry, in bytes (RFC 1929).
const MAX_SOCKS_LOGIN: usize = 255;

/// How to speak to a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProxyProtocol {
    /// HTTP `CONNECT`.
    Http,
    /// SOCKS5; the proxy resolves the host's name.
    Socks5,
}

/// A user and a password, percent-decoded.
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
    /// What is wrong and what to do, as `why. What to do`. Never any part of the URL, which may
    /// hold a password.
    pub fn parse(url: &str) -> Result<ProxyAddress, &'static str> {
        if let Some(why) = url.chars().find_map(forbidden) {
            return Err(why);
        }
        let (scheme, rest) = url
            .split_once("://")
            .ok_or("it has no scheme. Write http://HOST:PORT or socks5://HOST:PORT")?;
        let protocol = match scheme.to_ascii_lowercase().as_str() {
            "http" => ProxyProtocol::Http,
            "socks5" | "socks5h" => ProxyProtocol::Socks5,
            "https" => {
                return Err("a proxy that is itself reached over TLS is not supported. \
                            Write http://HOST:PORT or socks5://HOST:PORT");
            }
            _ => return Err("its scheme is unknown. Expected http, socks5 or socks5h"),
        };
        let (login, place) = match rest.rsplit_once('@') {
            Some((login, _)) if login.contains('@') => {
                return Err("it has more than one @. Write an @ in a user or password as %40");
            }
            Some((login, _)) if login.contains('/') => {
                return Err("it has a / before the @. Write a / in a user or password as %2F");
            }
            Some((login, place)) => (parse_login(login, protocol)?, place),
            None => (None, rest),
        };
        let place = place.strip_suffix('/').unwrap_or(place);
        if place.contains('/') {
            return Err("it has a path. Write no more than the host and the port");
        }
        let (host, port) = parse_place(place)?;
        let port = match (port, protocol) {
            (Some(port), _) => port,
            (None, ProxyProtocol::Socks5) => SOCKS_PORT,
            (None, ProxyProtocol::Http) => {
                return Err("it has no port, and programs disagree about the default. Write it");
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

/// `HOST:PORT`, as messages name it: never with the login.
impl fmt::Display for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Debug for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {self}", self.protocol)
    }
}

/// Why a character cannot stand in a proxy's URL as it is.
fn forbidden(c: char) -> Option<&'static str> {
    match c {
        '#' => Some("it contains a #. Write a # in a user or password as %23"),
        '?' => Some("it contains a ?. Write a ? in a user or password as %3F"),
        '\\' => Some("it contains a \\. Write a \\ in a user or password as %5C"),
        c if c.is_whitespace() => {
            Some("it contains a blank or line end. Write a blank in a user or password as %20")
        }
        c if c.is_control() => Some("it contains a control character. Remove it"),
        _ => None,
    }
}

fn parse_login(text: &str, protocol: ProxyProtocol) -> Result<Option<Login>, &'static str> {
    // A password may hold colons; a user may not.
    let (user, password) = text.split_once(':').unwrap_or((text, ""));
    let login = Login {
        user: decode(user)?,
        password: decode(password)?,
    };
    let too_long = [&login.user, &login.password]
        .iter()
        .any(|part| part.len() > MAX_SOCKS_LOGIN);
    match protocol {
        _ if text.is_empty() => Ok(None),
        ProxyProtocol::Http if login.user.contains(':') => {
            Err("its user contains a colon, which an HTTP proxy cannot be sent. Use another user")
        }
        ProxyProtocol::Socks5 if too_long => {
            Err("its user or password is longer than the 255 bytes of SOCKS5. Use a shorter one")
        }
        _ => Ok(Some(login)),
    }
}

fn decode(text: &str) -> Result<String, &'static str> {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('%') {
        let digits = after.get(..2).unwrap_or_default();
        if digits.len() != 2 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err("it has a % without two hexadecimal digits. \
                        Write a % in a user or password as %25");
        }
        rest = &after[2..];
    }
    let decoded = percent_decode_str(text)
        .decode_utf8()
        .map_err(|_| "its user or password is not UTF-8. Use another one")?;
    match decoded.chars().any(char::is_control) {
        true => Err("its user or password contains a control character. Use another one"),
        false => Ok(decoded.into_owned()),
    }
}

fn parse_place(place: &str) -> Result<(String, Option<u16>), &'static str> {
    let (host, port) = match place.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(Some((ip, after))) => {
            let ip: Ipv6Addr = ip
                .parse()
                .map_err(|_| "what its brackets hold is not an IPv6 address. Correct it")?;
            let port = match after.is_empty() {
                true => None,
                false => Some(after.strip_prefix(':').unwrap_or_default()),
            };
            (ip.to_string(), port)
        }
        Some(None) => return Err("it has a [ without a ]. Write an IPv6 address as [ADDRESS]"),
        None => {
            let (host, port) = match place.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (place, None),
            };
            if port.is_some_and(|port| port.contains(':')) {
                return Err("it has more than one colon after the login. \
                            Write an IPv6 address as [ADDRESS], and : in a user or password as %3A");
            }
            check_name(host)?;
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

const BAD_PORT: &str = "its port is invalid. Expected a number from 1 to 65535";

fn check_name(host: &str) -> Result<(), &'static str> {
    let usual = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    if host.is_empty() {
        return Err("it has no host. Write http://HOST:PORT or socks5://HOST:PORT");
    }
    if host.len() > 253 || host.starts_with(['.', '-']) || !host.bytes().all(usual) {
        return Err("its host is neither a DNS name nor an address. \
                    Write a name with other characters in its xn-- form");
    }
    // The system would read 127.1 or 2130706433 as an address, and other programs differently.
    let numeric = host.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    match numeric && host.parse::<Ipv4Addr>().is_err() {
        true => Err("its host is an incomplete IPv4 address. Write all four numbers"),
        false => Ok(()),
    }
}

/// The hosts that are reached directly, as `NO_PROXY` lists them.
///
/// Read as curl reads it: a name stands for itself and all names below it; an address for itself,
/// with `/BITS` for a network; `*` alone for every host. Leading and trailing dots, blanks and
/// capitals do not matter, and blanks separate entries as commas do. IdAliases are not resolved, and an
/// entry with a port matches nothing. IPv6 addresses are compared as addresses, as in newer
/// versions of curl, and may stand in brackets.
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

    /// Whether the host, a name or a literal address without brackets, is reached directly.
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

/// Whether the address is the one of the entry, or in its network.
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
        // As in curl, no bits are all bits.
        0 => differing == 0,
        bits if bits > width => false,
        bits => differing.checked_shr(width - bits).unwrap_or(0) == 0,
    }
}

/// A proxy and the hosts that are reached without it.
#[derive(Clone, Debug)]
pub(crate) struct ProxySettings {
    pub proxy: ProxyAddress,
    pub no_proxy: NoProxy,
}

/// The variables that name the proxy for https URLs, the first that is set and not empty wins.
/// `HTTP_PROXY` is for http URLs, which never go through a proxy here.
const PROXY_VARIABLES: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
const NO_PROXY_VARIABLES: [&str; 2] = ["no_proxy", "NO_PROXY"];

impl ProxySettings {
    /// What the environment asks for. `variable` looks a variable up.
    ///
    /// # Errors
    /// IdAliases the variable that is invalid, and why; never its value.
    pub fn from_environment(
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
        let mut url = url.map_err(|_| format!("{name} is invalid: it is not UTF-8. Correct it"))?;
        if !url.contains("://") {
            url.insert_str(0, "http://");
        }
        let proxy = ProxyAddress::parse(&url).map_err(|why| format!("{name} is invalid: {why}"))?;
        let no_proxy = match first(&NO_PROXY_VARIABLES) {
            None => NoProxy::default(),
            Some((_, Ok(list))) => NoProxy::parse(&list),
            Some((name, Err(_))) => {
                return Err(format!("{name} is invalid: it is not UTF-8. Correct it"));
            }
        };
        Ok(Some(ProxySettings { proxy, no_proxy }))
    }

    /// The proxy to reach an https host through.
    pub fn proxy_for(&self, host: &str) -> Option<&ProxyAddress> {
        (!self.no_proxy.contains(host)).then_some(&self.proxy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> ProxyAddress {
        ProxyAddress::parse(url).unwrap_or_else(|why| panic!("{url}: {why}"))
    }

    #[test]
    fn a_url_is_taken_apart() {
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
    fn an_ambiguous_url_is_refused_and_never_repeated() {
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
            assert!(!why.contains("SECRET"), "{url}: {why}");
        }
        let long = "x".repeat(256);
        assert!(ProxyAddress::parse(&format!("socks5://u:{long}@h:1")).is_err());
        assert!(ProxyAddress::parse(&format!("http://u:{long}@h:1")).is_ok());
    }

    /// The same as curl 7.88.1, except that it compares IPv6 addresses as texts.
    #[test]
    fn no_proxy_is_read_as_curl_reads_it() {
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
        // A host's own trailing dot does not matter either.
        assert!(NoProxy::parse("qq.com").contains("api.weixin.qq.com."));
        // curl compares the last bits of an IPv6 network the wrong way round.
        assert!(NoProxy::parse("fd00::/12").contains("fd0f::1"));
        assert!(!NoProxy::parse("fd00::/12").contains("fd1f::1"));
    }

    fn chosen(set: &[(&str, &str)]) -> Result<Option<ProxySettings>, String> {
        ProxySettings::from_environment(|name| {
            let found = set.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| value.into())
        })
    }

    #[test]
    fn the_variables_of_the_environment_have_an_order() {
        let all = [
            ("https_proxy", "http://a:1"),
            ("HTTPS_PROXY", "http://b:1"),
            ("all_proxy", "http://c:1"),
            ("ALL_PROXY", "http://d:1"),
        ];
        for (first, (_, url)) in all.iter().enumerate() {
            let found = chosen(&all[first..]).unwrap().unwrap();
            assert_eq!(format!("http://{}", found.proxy), *url);
        }
        // An empty variable is as good as none, and HTTP_PROXY is for other URLs.
        let set = [
            ("https_proxy", ""),
            ("HTTPS_PROXY", "b:1"),
            ("HTTP_PROXY", "http://x:1"),
        ];
        assert_eq!(chosen(&set).unwrap().unwrap().proxy.to_string(), "b:1");
        assert!(chosen(&set[2..]).unwrap().is_none());

        let set = [
            ("no_proxy", "qq.com"),
            ("NO_PROXY", "*"),
            ("ALL_PROXY", "socks5://d"),
        ];
        let found = chosen(&set).unwrap().unwrap();
        assert!(found.proxy_for("api.weixin.qq.com").is_none());
        assert!(found.proxy_for("weixin.com").is_some());
        assert!(
            chosen(&set[1..])
                .unwrap()
                .unwrap()
                .proxy_for("weixin.com")
                .is_none()
        );
    }

    #[test]
    fn an_invalid_variable_is_named_and_not_repeated() {
        let why = chosen(&[("ALL_PROXY", "http://me:SECRET#@h:1")]).unwrap_err();
        assert!(
            why.starts_with("ALL_PROXY is invalid: it contains a #. "),
            "{why}"
        );
        assert!(!why.contains("SECRET"), "{why}");
    }
}
