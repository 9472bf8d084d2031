//! Reading the query part of a URL.

use std::borrow::Cow;

/// The decoded value of the first parameter of this name; `None` if it is missing or empty.
pub(crate) fn parameter<'a>(query: &'a str, name: &str) -> Option<Cow<'a, str>> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
        .filter(|value| !value.is_empty())
        .map(percent_decoded)
}

/// Decodes percent escapes. A `%` that starts no valid escape is kept.
pub(crate) fn percent_decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let escape = (bytes[index] == b'%')
            .then(|| text.get(index + 1..index + 3))
            .flatten()
            // `from_str_radix` alone accepts a sign.
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(escape.unwrap_or(bytes[index]));
        index += if escape.is_some() { 3 } else { 1 };
    }
    Cow::Owned(String::from_utf8_lossy(&decoded).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_found_by_its_full_name() {
        assert_eq!(
            parameter("a=b&access_token=T%2B1&c", "access_token").as_deref(),
            Some("T+1")
        );
        assert_eq!(parameter("access_token=", "access_token"), None);
        assert_eq!(parameter("", "access_token"), None);
        assert_eq!(parameter("xaccess_token=1", "access_token"), None);
        assert_eq!(
            parameter("access_token=A&access_token=B", "access_token").as_deref(),
            Some("A")
        );
    }

    #[test]
    fn invalid_escapes_are_kept() {
        assert_eq!(percent_decoded("a%"), "a%");
        assert_eq!(percent_decoded("a%+1b"), "a%+1b");
        assert_eq!(percent_decoded("%zz%41"), "%zzA");
        assert_eq!(percent_decoded("%ff"), "\u{fffd}");
        assert_eq!(percent_decoded("%é%41"), "%éA");
    }
}
