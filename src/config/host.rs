//! WeChat's API hosts: the parser of the option `base_url`.

use std::net::IpAddr;

use ureq::http::Uri;

use crate::model::lang::{Lang, Text};

/// A host that serves WeChat's API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Host {
    /// Whether it is reached over HTTPS.
    pub tls: bool,
    /// A DNS name or a literal address, without brackets.
    pub name: String,
    pub port: u16,
    /// `scheme://host[:port]`.
    pub origin: String,
    /// `host[:port]`, as messages and traces show it.
    pub shown: String,
}

impl Host {
    /// Whether it is this machine, so that it can only be a simulator.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.name)
    }
}

const MAX_HOSTS: usize = 16;

/// Parses URLs separated by commas.
///
/// # Errors
/// A clause that follows "option base_url", in the language `lang`.
pub(super) fn parse_hosts(value: &str, lang: Lang) -> Result<Vec<Host>, String> {
    let hosts = value
        .split(',')
        .map(|url| parse_host(url.trim()).map_err(|why| why.get(lang).to_owned()))
        .collect::<Result<Vec<_>, _>>()?;
    if hosts.len() > MAX_HOSTS {
        return Err(match lang {
            Lang::En => format!("takes at most {MAX_HOSTS} URLs"),
            Lang::Zh => format!("最多接受 {MAX_HOSTS} 个 URL"),
        });
    }
    Ok(hosts)
}

fn parse_host(url: &str) -> Result<Host, Text> {
    const INVALID: Text = Text {
        en: "takes URLs such as https://api.weixin.qq.com, separated by commas, without a path",
        zh: "应为 https://api.weixin.qq.com 这样的 URL，不带路径，多个 URL 以逗号分隔",
    };
    let uri: Uri = url.parse().map_err(|_| INVALID)?;
    let authority = uri.authority().ok_or(INVALID)?;
    let has_only_authority = authority.as_str()
        == url
            .split_once("://")
            .map_or("", |(_, rest)| rest.trim_end_matches('/'));
    if !has_only_authority || authority.as_str().contains('@') {
        return Err(INVALID);
    }
    let name = without_brackets(authority.host()).to_ascii_lowercase();
    let tls = match uri.scheme_str() {
        Some("https") => true,
        Some("http") if is_loopback(&name) => false,
        Some("http") => {
            return Err(Text {
                en: "takes plain http only for loopback addresses; use https",
                zh: "仅对本机回环地址接受明文 http，请使用 https",
            });
        }
        _ => return Err(INVALID),
    };
    if rustls::pki_types::ServerName::try_from(name.as_str()).is_err() {
        return Err(Text {
            en: "contains a host that is neither a DNS name nor an address",
            zh: "含有既不是域名也不是 IP 地址的主机",
        });
    }
    let port = match authority.port() {
        Some(port) => Some(port.as_u16()).filter(|p| *p != 0),
        // The URI parser ignores an invalid port, as in "host:" and "host:65536".
        None if authority.as_str().len() > authority.host().len() => None,
        None => Some(if tls { 443 } else { 80 }),
    };
    let port = port.ok_or(INVALID)?;
    let shown = authority.as_str().to_ascii_lowercase();
    Ok(Host {
        origin: format!("{}://{shown}", if tls { "https" } else { "http" }),
        tls,
        name,
        port,
        shown,
    })
}

fn is_loopback(name: &str) -> bool {
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn without_brackets(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_parsed_into_hosts() {
        let urls = "https://API2.weixin.qq.com:8443/, http://[::1]:80,http://127.0.0.9";
        let o = parse_hosts(urls, Lang::En).unwrap();
        assert_eq!(o[0].origin, "https://api2.weixin.qq.com:8443");
        assert_eq!((o[0].port, o[0].tls), (8443, true));
        assert_eq!(
            (o[1].name.as_str(), o[1].shown.as_str()),
            ("::1", "[::1]:80")
        );
        assert_eq!((o[2].port, o[2].tls), (80, false));
    }
}
