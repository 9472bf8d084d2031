//! Where the service listens, its public URL, and where it forwards events to.

use std::fmt;
use std::net::SocketAddr;

use wxlink::{Lang, Text};

/// The settings of a service.
pub struct Settings {
    /// The address on which it listens. It speaks plain HTTP: put it behind an HTTPS front.
    pub listen: SocketAddr,
    /// The URL under which merchants and WeChat reach it.
    pub public_url: PublicUrl,
    /// Where events go that are not handled here.
    pub forward: Option<Forward>,
}

/// Where events go that wxlink does not handle.
#[derive(Clone)]
pub struct Forward {
    /// An `http:` or `https:` URL that receives a POST for each event.
    pub url: String,
    /// The key of the signature that each POST carries.
    pub secret: String,
}

/// An `https:` URL of a host, such as `https://link.example.com`. A loopback host may have `http:`.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicUrl {
    origin: String,
    is_https: bool,
}

impl PublicUrl {
    /// Reads a URL that consists of a scheme, a host and perhaps a port.
    ///
    /// # Errors
    /// [`SettingsError`] if it has anything else, or is plain HTTP to another machine.
    pub fn parse(text: &str) -> Result<PublicUrl, SettingsError> {
        let url = text.strip_suffix('/').unwrap_or(text);
        let parts = url.split_once("://");
        let (is_https, authority) = match parts {
            Some(("https", authority)) => (true, authority),
            Some(("http", authority)) => (false, authority),
            _ => return Err(SettingsError::PUBLIC_URL),
        };
        let is_host =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
        if authority.is_empty() || !authority.chars().all(is_host) {
            return Err(SettingsError::PUBLIC_URL);
        }
        if !is_https && !is_loopback(authority) {
            return Err(SettingsError::PLAIN_HTTP);
        }
        Ok(PublicUrl {
            origin: url.to_ascii_lowercase(),
            is_https,
        })
    }

    /// Scheme, host and port, as a browser sends them in `Origin`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    pub(crate) fn is_https(&self) -> bool {
        self.is_https
    }
}

fn is_loopback(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    };
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

/// Why settings cannot be used.
#[derive(Debug, PartialEq)]
pub struct SettingsError(Text);

impl SettingsError {
    const PUBLIC_URL: SettingsError = SettingsError(Text {
        en: "the public URL consists of a scheme and a host, such as https://link.example.com",
        zh: "公开地址由协议和主机组成，例如 https://link.example.com",
    });
    const PLAIN_HTTP: SettingsError = SettingsError(Text {
        en: "the public URL must begin with https://: authorisation codes are secrets",
        zh: "公开地址必须以 https:// 开头：授权码属于机密",
    });

    /// The message in a language.
    pub fn message(&self, lang: Lang) -> &'static str {
        self.0.get(lang)
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.en)
    }
}

impl std::error::Error for SettingsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_an_origin() {
        for (text, origin) in [
            ("https://link.example.com", "https://link.example.com"),
            ("https://Link.Example.com/", "https://link.example.com"),
            (
                "https://link.example.com:8443",
                "https://link.example.com:8443",
            ),
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
            ("http://[::1]:8000", "http://[::1]:8000"),
        ] {
            assert_eq!(PublicUrl::parse(text).unwrap().origin(), origin);
        }
        for text in [
            "",
            "link.example.com",
            "https://",
            "https://a/b",
            "https://a?b",
            "https://a#b",
            "https://user@a",
            "https://a b",
            "https://a\r\nb",
            "ftp://a",
        ] {
            assert_eq!(
                PublicUrl::parse(text),
                Err(SettingsError::PUBLIC_URL),
                "{text:?}"
            );
        }
        for text in ["http://link.example.com", "http://127.0.0.1.example.com"] {
            assert_eq!(PublicUrl::parse(text), Err(SettingsError::PLAIN_HTTP));
        }
    }
}
