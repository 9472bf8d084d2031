//! WeChat's entry hosts, as the option `base_url` names them.

use std::net::IpAddr;

use ureq::http::Uri;

/// An entry host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Host {
    pub tls: bool,
    /// Its name or literal address, without brackets.
    pub name: String,
    pub port: u16,
    /// `scheme://host[:port]`.
    pub origin: String,
    /// `host[:port]`, for people.
    pub shown: String,
}

pub(super) fn parse_hosts(value: &str) -> Result<Vec<Host>, String> {
    let hosts = value
        .split(',')
        .map(|url| parse_host(url.trim()))
        .collect::<Result<Vec<_>, _>>()?;
    if hosts.len() > 16 {
        return Err("takes at most 16 hosts".into());
    }
    Ok(hosts)
}

fn parse_host(url: &str) -> Result<Host, String> {
    let takes = || {
        "takes URLs such as https://api.weixin.qq.com, separated by commas, without a path"
            .to_owned()
    };
    let uri: Uri = url.parse().map_err(|_| takes())?;
    let authority = uri.authority().ok_or_else(takes)?;
    let bare = authority.as_str()
        == url
            .split_once("://")
            .map_or("", |(_, r)| r.trim_end_matches('/'));
    if !bare || authority.as_str().contains('@') {
        return Err(takes());
    }
    let name = unbracketed(authority.host()).to_ascii_lowercase();
    let tls = match uri.scheme_str() {
        Some("https") => true,
        Some("http") if is_loopback(&name) => false,
        Some("http") => return Err("takes plain http only to loopback; use https".into()),
        _ => return Err(takes()),
    };
    if rustls::pki_types::ServerName::try_from(name.as_str()).is_err() {
        return Err("has a host that is neither a DNS name nor an address".into());
    }
    let port = match authority.port() {
        Some(port) => Some(port.as_u16()).filter(|p| *p != 0),
        // A port that is none, as in "host:" and "host:65536", is passed over by the parser.
        None if authority.as_str().len() > authority.host().len() => None,
        None => Some(if tls { 443 } else { 80 }),
    };
    let port = port.ok_or_else(takes)?;
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

fn unbracketed(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_taken_apart() {
        let o = parse_hosts("https://API2.weixin.qq.com:8443/, http://[::1]:80,http://127.0.0.9")
            .unwrap();
        assert_eq!(o[0].origin, "https://api2.weixin.qq.com:8443");
        assert_eq!((o[0].port, o[0].tls), (8443, true));
        assert_eq!(
            (o[1].name.as_str(), o[1].shown.as_str()),
            ("::1", "[::1]:80")
        );
        assert_eq!((o[2].port, o[2].tls), (80, false));
    }
}
