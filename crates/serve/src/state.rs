//! Ties a browser's way back from WeChat to its way there, so that no other site can make a
//! merchant's browser deliver the authorisation of another account. The state is random, in a
//! cookie and in the URL to which WeChat sends the browser back, and used once: the way back
//! deletes the cookie. No instance of the service keeps it, so that any of them can serve either
//! way.

use ring::rand::{SecureRandom as _, SystemRandom};

use crate::settings::PublicUrl;

/// How long the way may take: WeChat's pre-auth code does not live longer.
const MAX_AGE_SECONDS: u32 = 3600;
const BYTES: usize = 16;

/// 32 random hexadecimal digits; `None` if the system has no random numbers.
pub(crate) fn generate() -> Option<String> {
    let mut bytes = [0; BYTES];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

/// The cookie that keeps `state`.
pub(crate) fn cookie(public_url: &PublicUrl, state: &str) -> String {
    with_age(public_url, state, MAX_AGE_SECONDS)
}

/// The cookie that deletes it.
pub(crate) fn deleted_cookie(public_url: &PublicUrl) -> String {
    with_age(public_url, "", 0)
}

fn with_age(public_url: &PublicUrl, value: &str, seconds: u32) -> String {
    let name = name(public_url);
    let secure = if public_url.is_https() {
        "; Secure"
    } else {
        ""
    };
    format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
}

/// Whether the browser that sent these `Cookie` headers was given `state`.
pub(crate) fn is_of_browser<'a>(
    public_url: &PublicUrl,
    cookies: impl Iterator<Item = &'a str>,
    state: &str,
) -> bool {
    let name = name(public_url);
    let is_state = state.len() == 2 * BYTES && state.bytes().all(|b| b.is_ascii_hexdigit());
    let mut pairs = cookies.flat_map(|header| header.split(';'));
    is_state && pairs.any(|pair| pair.trim().split_once('=') == Some((name, state)))
}

/// The prefix makes browsers refuse the cookie from other hosts of the domain.
fn name(public_url: &PublicUrl) -> &'static str {
    if public_url.is_https() {
        "__Host-wxlink-state"
    } else {
        "wxlink-state"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_recognised_in_the_cookie_of_its_browser_only() {
        let url = PublicUrl::parse("https://link.example.com").unwrap();
        let (state, other) = (generate().unwrap(), generate().unwrap());
        assert_ne!(state, other);
        let cookie = cookie(&url, &state);
        let sent = cookie.split(';').next().unwrap();
        let is_known =
            |cookies: &[&str], state: &str| is_of_browser(&url, cookies.iter().copied(), state);
        assert!(is_known(&[sent], &state));
        assert!(is_known(&["a=b", &format!("c=d; {sent}")], &state));
        assert!(!is_known(&[sent], &other));
        assert!(!is_known(&[], &state));
        assert!(!is_known(&["__Host-wxlink-state="], ""));
        assert!(!is_known(&[&format!("x{sent}")], &state));
        assert!(!is_known(&[&format!("wxlink-state={state}")], &state));
    }
}
