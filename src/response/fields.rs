//! Finds fields by their names in a body that may not be JSON: truncated, with bytes that are not
//! UTF-8, or with anything else wrong beside the field. For responses that contain tokens: what can
//! be read of them must not be lost, and must not be shown.

use std::borrow::Cow;

use crate::redact::Secret;

/// The fields of the token endpoints that contain a secret, and the names that replace their values
/// in texts.
const SECRETS: [(&str, &str); 9] = [
    ("access_token", "access_token"),
    ("component_access_token", "component_access_token"),
    ("authorizer_access_token", "access_token"),
    ("authorizer_refresh_token", "refresh_token"),
    ("refresh_token", "refresh_token"),
    ("component_verify_ticket", "component_verify_ticket"),
    ("component_appsecret", "component_appsecret"),
    ("pre_auth_code", "pre_auth_code"),
    ("authorization_code", "authorization_code"),
];

/// The values of all fields with this name, in the order of the body and at any depth: the JSON of
/// a text with its quotes, or of a number or word. Objects, arrays and values that are cut off are
/// left out.
pub(crate) fn values<'a>(body: &'a [u8], name: &str) -> impl Iterator<Item = &'a [u8]> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            at += body[at..].iter().position(|b| *b == b'"')? + 1;
            let rest = &body[at..];
            // A quote within a text is written `\"`, so that a name within a text does not match.
            let is_name = rest
                .get(..name.len())
                .is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes()))
                && rest.get(name.len()) == Some(&b'"');
            if !is_name {
                continue;
            }
            let after = rest[name.len() + 1..].trim_ascii_start();
            if let Some(value) = after.strip_prefix(b":") {
                if let Some(value) = scalar(value.trim_ascii_start()) {
                    return Some(value);
                }
            }
        }
    })
}

/// The text, number or word that `json` starts with.
fn scalar(json: &[u8]) -> Option<&[u8]> {
    let end = if json.first() == Some(&b'"') {
        let mut is_escaped = false;
        let closing = json[1..].iter().position(|b| {
            let is_closing = *b == b'"' && !is_escaped;
            is_escaped = *b == b'\\' && !is_escaped;
            is_closing
        });
        closing? + 2
    } else {
        json.iter()
            .position(|b| b",}]\"".contains(b) || b.is_ascii_whitespace())?
    };
    Some(&json[..end])
}

/// The values of all fields with this name that are texts.
pub(crate) fn texts<'a>(body: &'a [u8], name: &str) -> impl Iterator<Item = Cow<'a, str>> {
    values(body, name).filter_map(|value| {
        let inner = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        match std::str::from_utf8(inner) {
            Ok(plain) if !inner.contains(&b'\\') => Some(Cow::Borrowed(plain)),
            _ => serde_json::from_slice(value).ok().map(Cow::Owned),
        }
    })
}

/// The secrets in a response of a token endpoint.
pub(crate) fn received_secrets(body: &[u8]) -> Vec<(&'static str, Cow<'_, str>)> {
    let found =
        |(field, shown): (&'static str, &'static str)| texts(body, field).map(move |v| (shown, v));
    SECRETS.into_iter().flat_map(found).collect()
}

/// The same secrets, borrowed.
pub(crate) fn borrowed<'a>(found: &'a [(&'static str, Cow<'a, str>)]) -> Vec<Secret<'a>> {
    found
        .iter()
        .map(|(name, value)| (*name, &**value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_whatever_is_wrong_beside_them() {
        for (body, expected) in [
            (&br#"{"t":"T"}"#[..], "T"),
            (b"\xEF\xBB\xBF{\"T\" : \"T\"}\0\0", "T"),
            (b"{\"n\":\"\xE4\xBD\x01\",\"t\":\"T\"}", "T"),
            (br#"{"n":"a"b","t":"T","#, "T"),
            (br#"{"n":1e999,,"t":"T\/\u0040"}"#, "T/@"),
            (br#"{"data":{"t":"T","e":["#, "T"),
            (br#"{"t":"T","t":"U"}"#, "T U"),
            (br#"{"t":{"x":1},"t":"U"}"#, "U"),
            // Values that are cut off, in another text, or of another type.
            (br#"{"t":"T"#, ""),
            (br#"{"t":"T\""#, ""),
            (br#"{"t""#, ""),
            (br#"{"t"#, ""),
            (br#"{"n":"\"t\":\"T\""}"#, ""),
            (br#"{"n":"t","x":"t"}"#, ""),
            (br#"{"t":7,"t":null}"#, ""),
            (br#"{"xt":"T"}"#, ""),
            (b"{\"t\":\"\xFF\"}", ""),
        ] {
            let found: Vec<_> = texts(body, "t").collect();
            assert_eq!(
                found.join(" "),
                expected,
                "{}",
                String::from_utf8_lossy(body)
            );
        }
        let numbers: Vec<_> = values(br#"{"n":7200,"n": "72" ,"n":7.5}"#, "n").collect();
        assert_eq!(numbers, [&b"7200"[..], br#""72""#, b"7.5"]);
        // The rest of a number may be missing.
        assert_eq!(values(br#"{"n":72"#, "n").count(), 0);
    }

    #[test]
    fn secrets_are_found_at_any_depth() {
        let body = br#"{"list":[{"refresh_token":"R1"},{"Refresh_Token":"R2"}],"n":"N"}"#;
        let found = received_secrets(body);
        let found = borrowed(&found);
        assert_eq!(found, [("refresh_token", "R1"), ("refresh_token", "R2")]);
    }
}
