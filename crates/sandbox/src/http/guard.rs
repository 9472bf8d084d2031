//! Refuses requests that a web page of another origin made a browser send.
//!
//! Such a page could otherwise change a simulator on the reader's machine, or read it after its own
//! name was made to point there (DNS rebinding).

use std::net::IpAddr;

use hyper::HeaderMap;
use hyper::header::{CONTENT_TYPE, HOST, HeaderName, ORIGIN};

use crate::model::web_url::split_port;

/// Why a request is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) message: String,
    /// Whether the reason is the page that the request comes from. A link to the authorisation page
    /// may be anywhere.
    pub(crate) is_for_origin: bool,
}

/// Checks the headers of a request. `names` are the simulator's own names besides addresses and
/// `localhost`.
pub(crate) fn check(headers: &HeaderMap, names: &[String]) -> Result<(), Refusal> {
    let text = |name: HeaderName| {
        let value = headers.get(name)?;
        // Bytes that are not text match nothing.
        Some(value.to_str().unwrap_or("?").to_ascii_lowercase())
    };
    let forbidden = |message: String, is_for_origin| {
        Err(Refusal {
            status: 403,
            message,
            is_for_origin,
        })
    };
    let host = text(HOST).unwrap_or_default();
    if !is_own_host(&host, names) {
        return forbidden(
            format!(
                "unknown host {host:?}: use an IP address or `localhost`, or start the \
                 simulator with --tls-name"
            ),
            false,
        );
    }
    if let Some(origin) = text(ORIGIN)
        && origin.split_once("://").is_none_or(|(_, own)| own != host)
    {
        return forbidden(
            format!(
                "the request comes from a web page of {origin:?}, which may not use the simulator"
            ),
            true,
        );
    }
    let site = text(HeaderName::from_static("sec-fetch-site"));
    if site.is_some_and(|site| site == "cross-site" || site == "same-site") {
        return forbidden(
            "the request comes from a web page of another origin, which may not use the simulator"
                .to_owned(),
            true,
        );
    }
    let content_type = text(CONTENT_TYPE).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if matches!(essence, "text/plain" | "multipart/form-data") {
        return Err(Refusal {
            status: 415,
            message: format!(
                "a body of type {essence} may come from a form of any web page: \
                 send application/json"
            ),
            is_for_origin: false,
        });
    }
    Ok(())
}

/// Whether no one else can own this name: it is an address, a name without a dot, which cannot be
/// registered, or a name that the simulator was given.
fn is_own_host(host: &str, names: &[String]) -> bool {
    let Some((name, _)) = split_port(host) else {
        return false;
    };
    let name = name.trim_end_matches('.');
    let address = name.trim_start_matches('[').trim_end_matches(']');
    !name.contains('.') && !name.contains('[')
        || name.ends_with(".localhost")
        || address.parse::<IpAddr>().is_ok()
        || names.iter().any(|own| own.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(headers: &[(&str, &str)]) -> u16 {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            map.insert(name, value.parse().unwrap());
        }
        match check(&map, &["api.weixin.qq.com".to_owned()]) {
            Ok(()) => 200,
            Err(refusal) => refusal.status,
        }
    }

    #[test]
    fn requests_of_other_web_pages_are_refused() {
        for host in [
            "127.0.0.1:8080",
            "[::1]:1",
            "[::1]",
            "localhost",
            "LOCALHOST:80",
            "sandbox:8080",
            "a.localhost",
            "api.weixin.qq.com",
            "192.168.0.9",
        ] {
            assert_eq!(status(&[("host", host)]), 200, "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8080",
            "127.0.0.1.evil.example",
            "[evil.example]",
        ] {
            assert_eq!(status(&[("host", host)]), 403, "{host}");
        }
        let own = ("host", "localhost:80");
        for (name, value, expected) in [
            ("origin", "http://localhost:80", 200),
            ("origin", "https://evil.example", 403),
            ("origin", "http://localhost:81", 403),
            ("origin", "null", 403),
            ("sec-fetch-site", "cross-site", 403),
            ("sec-fetch-site", "same-origin", 200),
            ("sec-fetch-site", "none", 200),
            ("content-type", "application/json", 200),
            ("content-type", "application/x-www-form-urlencoded", 200),
            ("content-type", "Text/Plain; charset=utf-8", 415),
            ("content-type", "multipart/form-data; boundary=x", 415),
        ] {
            assert_eq!(status(&[own, (name, value)]), expected, "{name}: {value}");
        }
    }
}
