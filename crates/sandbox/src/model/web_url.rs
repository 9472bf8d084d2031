//! The parts of an `http` or `https` URL that the simulator looks at.

use crate::model::message::Message;

/// A URL with a host, and without user information.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WebUrl<'a> {
    pub(crate) is_https: bool,
    /// Host and port as written.
    pub(crate) authority: &'a str,
    /// In brackets if it is an IPv6 address.
    pub(crate) host: &'a str,
    pub(crate) port: Option<u16>,
    /// Path, query and fragment as written. May be empty.
    pub(crate) target: &'a str,
}

impl<'a> WebUrl<'a> {
    /// Reads an absolute URL. The error describes what is wrong and does not quote the URL, which
    /// may contain secrets.
    pub(crate) fn parse(url: &'a str) -> Result<Self, Message> {
        // A browser reads a backslash as a slash, so that `http://a\\@b` would have another host.
        if !url.bytes().all(|byte| byte.is_ascii_graphic()) || url.contains('\\') {
            return Err(Message::new(
                "it must be ASCII without spaces and backslashes",
                "只能含有 ASCII 字符，且没有空格和反斜杠",
            ));
        }
        let no_scheme = || {
            Message::new(
                "it has no `http://` or `https://`",
                "没有 `http://` 或 `https://`",
            )
        };
        let (scheme, rest) = url.split_once("://").ok_or_else(no_scheme)?;
        let is_https = match &*scheme.to_ascii_lowercase() {
            "http" => false,
            "https" => true,
            _ => return Err(no_scheme()),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        if authority.contains('@') {
            return Err(Message::new(
                "a user name in it is not allowed",
                "不能含有用户名",
            ));
        }
        let (host, port) =
            split_port(authority).ok_or_else(|| Message::new("its port is invalid", "端口无效"))?;
        if host.is_empty() || (host.contains(':') && !is_bracketed(host)) {
            return Err(Message::new("its host is invalid", "主机名无效"));
        }
        Ok(Self {
            is_https,
            authority,
            host,
            port,
            target,
        })
    }

    /// The port, or that of the scheme.
    pub(crate) fn port_or_default(&self) -> u16 {
        self.port.unwrap_or(if self.is_https { 443 } else { 80 })
    }
}

fn is_bracketed(host: &str) -> bool {
    host.starts_with('[') && host.ends_with(']')
}

/// Splits `host:port`. `None`: the port is invalid.
pub(crate) fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    match authority.rsplit_once(':') {
        Some((host, _)) if host.starts_with('[') && !host.ends_with(']') => Some((authority, None)),
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some((host, Some(port.parse().ok()?)))
        }
        Some(_) => None,
        None => Some((authority, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_urls() {
        let url = WebUrl::parse("https://Example.com:8443/a?b#c").unwrap();
        assert!(url.is_https);
        assert_eq!((url.host, url.port), ("Example.com", Some(8443)));
        assert_eq!(url.target, "/a?b#c");
        let url = WebUrl::parse("HTTP://[::1]?x").unwrap();
        assert_eq!((url.host, url.port_or_default()), ("[::1]", 80));
        assert_eq!(url.target, "?x");
        let url = WebUrl::parse("http://[::1]:81").unwrap();
        assert_eq!((url.host, url.port), ("[::1]", Some(81)));
        for wrong in [
            "",
            "example.com",
            "/a",
            "javascript://a",
            "http://",
            "http://:80",
            "http://a:b/",
            "http://a:99999/",
            "http://good@evil/",
            "http://evil\\@good/",
            "http://a b/",
            "http://a\r\nb/",
            "http://::1/",
        ] {
            assert!(WebUrl::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
