//! The tolerant reading: turns a body that is almost JSON into JSON.
//!
//! WeChat cuts nicknames at a fixed length, and copies what people typed. So a text may contain half
//! a surrogate pair, a part of a character, or a raw control character, which JSON parsers reject,
//! although the rest of the body is valid. What cannot be read becomes U+FFFD; nothing outside of
//! texts is changed, except that NULs after the body are dropped.

use std::borrow::Cow;

/// What replaces unreadable bytes.
pub(super) const REPLACEMENT: char = '\u{FFFD}';

/// The body with everything unreadable in its texts replaced. `None` if there is nothing to
/// replace. The result may still not be JSON.
pub(crate) fn repair(body: &[u8]) -> Option<String> {
    let body = without_bom(body);
    let padding = body.iter().rev().take_while(|b| is_padding(**b));
    let is_padded = padding.clone().any(|b| *b == 0);
    let end = if is_padded { padding.count() } else { 0 };
    let text = String::from_utf8_lossy(&body[..body.len() - end]);
    let mut is_damaged = is_padded || matches!(text, Cow::Owned(_));

    let mut repaired = String::with_capacity(text.len());
    let (mut rest, mut in_text) = (&*text, false);
    let is_special = |c: char, in_text| c == '"' || in_text && (c == '\\' || c < ' ');
    while let Some(at) = rest.find(|c| is_special(c, in_text)) {
        repaired += &rest[..at];
        rest = &rest[at..];
        let readable = match rest.as_bytes() {
            [b'"', ..] => {
                in_text = !in_text;
                1
            }
            [b'\\', ..] => escape_len(rest),
            _ => 0,
        };
        let skipped = if readable > 0 {
            repaired += &rest[..readable];
            readable
        } else {
            is_damaged = true;
            repaired.push(REPLACEMENT);
            if code_unit(rest, 0).is_some() { 6 } else { 1 }
        };
        rest = &rest[skipped..];
    }
    repaired += rest;
    is_damaged.then_some(repaired)
}

/// The body without a byte order mark.
pub(super) fn without_bom(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body)
}

/// Whether the text may contain escapes of surrogates. serde_json does not check those of values
/// that it skips.
pub(super) fn may_have_surrogates(json: &[u8]) -> bool {
    let mut rest = json;
    while let Some(at) = rest.iter().position(|b| *b == b'\\') {
        rest = &rest[at + 1..];
        if matches!(rest, [b'u', b'd' | b'D', ..]) {
            return true;
        }
    }
    false
}

fn is_padding(byte: u8) -> bool {
    matches!(byte, 0 | b' ' | b'\t' | b'\r' | b'\n')
}

/// The length of the escape that `text` starts with; 0 if it is not valid.
fn escape_len(text: &str) -> usize {
    match (code_unit(text, 0), text.as_bytes().get(1)) {
        (Some(0xD800..=0xDBFF), _) if is_low(code_unit(text, 6)) => 12,
        (Some(0xD800..=0xDFFF), _) => 0,
        (Some(_), _) => 6,
        (None, Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't')) => 2,
        (None, _) => 0,
    }
}

fn is_low(code_unit: Option<u16>) -> bool {
    matches!(code_unit, Some(0xDC00..=0xDFFF))
}

/// The UTF-16 code unit of the `\uXXXX` at this offset.
fn code_unit(text: &str, at: usize) -> Option<u16> {
    let digits = text.get(at..)?.strip_prefix("\\u")?.get(..4)?;
    let are_digits = digits.bytes().all(|b| b.is_ascii_hexdigit());
    u16::from_str_radix(digits, 16).ok().filter(|_| are_digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_replaced_and_nothing_else() {
        for (body, expected) in [
            (&br#"{"a":"\ud83d\ude00"}"#[..], None),
            (br#"{"a":"\uD83D"}"#, Some("{\"a\":\"\u{FFFD}\"}")),
            (
                br#"{"a":"\ude00\ud83d"}"#,
                Some("{\"a\":\"\u{FFFD}\u{FFFD}\"}"),
            ),
            (
                br#"{"a":"\ud83d\ud83d\ude00"}"#,
                Some("{\"a\":\"\u{FFFD}\\ud83d\\ude00\"}"),
            ),
            (br#"{"a":"\\ud83d\"\n"}"#, None),
            (br#"{"a":"\u12"}"#, Some("{\"a\":\"\u{FFFD}u12\"}")),
            (br#"{"a":"\u+123"}"#, Some("{\"a\":\"\u{FFFD}u+123\"}")),
            (
                b"{\"a\":\"x\ny\0\"}",
                Some("{\"a\":\"x\u{FFFD}y\u{FFFD}\"}"),
            ),
            (b"{\"a\":\"x\xE4\xBD\"}", Some("{\"a\":\"x\u{FFFD}\"}")),
            (b"{\"a\":1}\0 \0\n", Some("{\"a\":1}")),
            (b"{\"a\":1}\n ", None),
            (b"\xEF\xBB\xBF{\"a\":\"\t\"}", Some("{\"a\":\"\u{FFFD}\"}")),
            // Control characters outside of texts are not repaired: a number may be damaged.
            (b"{\"a\":\x011}", None),
            (b"{\"a\":\"\\", Some("{\"a\":\"\u{FFFD}")),
        ] {
            let shown = String::from_utf8_lossy(body);
            assert_eq!(repair(body).as_deref(), expected, "{shown}");
        }
    }

    #[test]
    fn escapes_of_surrogates_are_noticed() {
        assert!(may_have_surrogates(br#""a\n\uD83d""#));
        assert!(!may_have_surrogates(br#""a\n\u1234 ud8""#));
    }
}
