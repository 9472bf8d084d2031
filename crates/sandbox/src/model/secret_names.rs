//! Recognises the names of fields, parameters and headers that hold secrets.

use crate::model::escapes::Text;

/// A name that contains one of these words holds a secret. Names are compared in lower case and
/// without punctuation.
const SECRET_WORDS: &[&str] = &[
    "token",
    "secret",
    "ticket",
    "code",
    "refresh",
    "password",
    "passwd",
    "credential",
    "authorization",
    "cookie",
    "session",
    "signature",
    "apikey",
    "aeskey",
    "privatekey",
];

/// Whether a field, a parameter or a header of this name holds a secret.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let name = normalized(name.as_bytes());
    contains_secret_word(&name) || name.ends_with(b"key")
}

/// Whether a text that is not JSON contains the name of a secret, with any escapes.
pub(crate) fn mentions_secret(text: &[u8]) -> bool {
    let text = normalized(text);
    contains_secret_word(&text) || assigns_key(&text)
}

/// Whether a text gives a value to the name of a secret: `token=…`, `"ticket": …`, `<Ticket>…`.
pub(crate) fn assigns_secret(text: &[u8]) -> bool {
    if !text.iter().any(|byte| b"=:>%\\\0".contains(byte)) {
        return false;
    }
    let text = normalized(text);
    let is_assigned = |start: usize| {
        let end = text[start..]
            .iter()
            .find(|byte| !byte.is_ascii_alphanumeric());
        end.is_some_and(|byte| b"=:>".contains(byte))
    };
    assigns_key(&text) || starts_of_secret_words(&text).any(is_assigned)
}

fn contains_secret_word(text: &[u8]) -> bool {
    starts_of_secret_words(text).next().is_some()
}

/// Where one of [`SECRET_WORDS`] starts in a text.
fn starts_of_secret_words(text: &[u8]) -> impl Iterator<Item = usize> {
    let is_start = |rest: &[u8]| {
        let mut words = SECRET_WORDS.iter().map(|word| word.as_bytes());
        // Almost no letter starts a word: comparing it first saves most comparisons of slices.
        words.any(|word| rest[0] == word[0] && rest.starts_with(word))
    };
    (0..text.len()).filter(move |start| is_start(&text[*start..]))
}

fn assigns_key(text: &[u8]) -> bool {
    text.windows(4)
        .any(|window| window.starts_with(b"key") && b"=:>".contains(&window[3]))
}

/// A text in lower case, without escapes and without the characters that may be part of a name or
/// around it.
fn normalized(text: &[u8]) -> Vec<u8> {
    let mut text = Text::fully_unescaped(text).bytes;
    text.retain(|byte| !b"_-. \t\r\n\"'\\[]".contains(byte));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_recognised() {
        for name in [
            "access_token",
            "AccessToken",
            "acc%65ss_t%6Fken",
            "x-auth-token",
            "component_verify_ticket",
            "ComponentVerifyTicket",
            "appsecret",
            "authorization_code",
            "js_code",
            "pre_auth_code",
            r"tic\u006bet",
            "authorizer_refresh_token",
            "encoding_aes_key",
            "proxy-authorization",
            "set-cookie",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "appid",
            "authorizer_appid",
            "notify_users",
            "user-agent",
            "",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }
}
