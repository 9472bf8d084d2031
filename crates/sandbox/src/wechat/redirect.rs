//! Where the authorisation page sends the browser.

use crate::model::message::{Message, message};
use crate::model::web_url::WebUrl;
use crate::wechat::platform::Consent;

/// Checks that a `redirect_uri` is absolute and on one of the domains.
pub(crate) fn check(uri: &str, domains: &[String]) -> Result<(), Message> {
    let url = WebUrl::parse(uri)?;
    if is_registered(url.host, domains) {
        Ok(())
    } else {
        let domains = domains.join(", ");
        Err(message!(
            "its host is not one of {domains}",
            "主机名不在 {domains} 之中"
        ))
    }
}

/// Whether a host is one of the domains.
pub(crate) fn is_registered(host: &str, domains: &[String]) -> bool {
    domains
        .iter()
        .any(|domain| domain.eq_ignore_ascii_case(host))
}

/// Adds the code to a `redirect_uri`. Its own parameters and its fragment stay.
pub(crate) fn with_code(uri: &str, consent: &Consent) -> String {
    let (before, fragment) = match uri.split_once('#') {
        Some((before, fragment)) => (before, format!("#{fragment}")),
        None => (uri, String::new()),
    };
    let separator = match before.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    let Consent {
        authorization_code,
        expires_in,
        ..
    } = consent;
    format!("{before}{separator}auth_code={authorization_code}&expires_in={expires_in}{fragment}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_follows_the_parameters() {
        let consent = Consent {
            authorization_code: "C".to_owned(),
            expires_in: 3600,
            is_update: false,
        };
        for (uri, expected) in [
            ("http://a/b", "http://a/b?auth_code=C&expires_in=3600"),
            ("http://a?", "http://a?auth_code=C&expires_in=3600"),
            (
                "http://a/?x=1#top",
                "http://a/?x=1&auth_code=C&expires_in=3600#top",
            ),
        ] {
            assert_eq!(with_code(uri, &consent), expected);
        }
    }

    #[test]
    fn only_registered_hosts_are_accepted() {
        let domains = ["shop.example".to_owned(), "[::1]".to_owned()];
        for uri in [
            "https://Shop.example/x",
            "http://shop.example:8080",
            "http://[::1]:1/",
        ] {
            assert_eq!(check(uri, &domains), Ok(()), "{uri}");
        }
        for uri in [
            "https://shop.example.evil/",
            "https://evil/shop.example",
            "https://shop.example@evil/",
            "https://sub.shop.example/",
            "shop.example/x",
            "javascript://shop.example/%0aalert(1)",
        ] {
            assert!(check(uri, &domains).is_err(), "{uri}");
        }
    }
}
