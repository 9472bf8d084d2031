//! Ties a browser's way back from WeChat to its way there, so that no other site can make a
//! merchant's browser deliver the authorisation of another account. The state is random, in a
//! cookie and in the URL to which WeChat sends the browser back, and they are compared. All tabs of
//! a browser share it, and a page can be loaded again, until the cookie ends after an hour. No
//! instance of the service keeps it, so that any of them can serve either way.

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
    let name = name(public_url);
    let secure = if public_url.is_https() {
        "; Secure"
    } else {
        ""
    };
    format!("{name}={state}; Path=/; Max-Age={MAX_AGE_SECONDS}; HttpOnly; SameSite=Lax{secure}")
}

/// The state that the browser that sent these `Cookie` headers was given.
pub(crate) fn of_browser<'a>(
    public_url: &PublicUrl,
    cookies: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let name = name(public_url);
    let mut pairs = cookies.flat_map(|header| header.split(';'));
    pairs.find_map(|pair| {
        let (found, state) = pair.trim().split_once('=')?;
        (found == name && is_state(state)).then_some(state)
    })
}

fn is_state(text: &str) -> bool {
    text.len() == 2 * BYTES && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Whether the browser that sent these `Cookie` headers was given `state`.
pub(crate) fn is_of_browser<'a>(
    public_url: &PublicUrl,
    cookies: impl Iterator<Item = &'a str>,
    state: &str,
) -> bool {
    let name = name(public_url);
    let mut pairs = cookies.flat_map(|header| header.split(';'));
    is_state(state) && pairs.any(|pair| pair.trim().split_once('=') == Some((name, state)))
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
        let of = |cookies: &[&'static str]| of_browser(&url, cookies.iter().copied());
        assert_eq!(of(&["a=b", "__Host-wxlink-state=x"]), None);
        let state = "__Host-wxlink-state=0123456789abcdef0123456789abcdef";
        assert_eq!(of(&["a=b", state]), state.split('=').nth(1));
    }
}
