//! WeChat's JSON: checked for encoding and depth, and repaired if it contains a lone surrogate.
//!
//! WeChat cuts nicknames at a fixed length. A cut within an emoji leaves an escape for one half of
//! a surrogate pair, which JSON parsers reject, although the rest of the list is valid.

use serde::de::DeserializeOwned;

/// How deep a response may nest. WeChat's list has four levels.
const MAX_DEPTH: usize = 64;

/// Parses JSON that may contain lone surrogates.
pub(crate) fn parse<T: DeserializeOwned>(json: &str) -> Option<T> {
    let parsed = serde_json::from_str(json).ok();
    parsed.or_else(|| serde_json::from_str(&replace_lone_surrogates(json)?).ok())
}

/// The body as text, without a byte order mark.
///
/// # Errors
/// What the body is if it is not UTF-8, does not start an object, or nests too deep.
pub(super) fn json_text(body: &[u8]) -> Result<&str, String> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let text =
        simdutf8::basic::from_utf8(body).map_err(|_| "bytes that are not UTF-8".to_owned())?;
    match text.trim_start().as_bytes().first() {
        Some(b'{') => {}
        Some(_) => return Err("something that is not a JSON object".into()),
        None => return Err("an empty body".into()),
    }
    if may_be_deep(body) && depth(body) > MAX_DEPTH {
        return Err(format!("JSON nested deeper than {MAX_DEPTH}"));
    }
    Ok(text)
}

/// Whether the brackets could nest deeper than `MAX_DEPTH`, if those in strings counted too.
/// Counting them block by block takes a tenth of the time of [`depth`].
fn may_be_deep(json: &[u8]) -> bool {
    const BRACE_BIT: u8 = 0x20; // `{` and `[` differ in this bit, and so do `}` and `]`.
    let mut depth = 0;
    json.chunks(64).any(|block| {
        // Compilers vectorise this sum of bytes, which cannot overflow within a block.
        let count = |bracket| -> u8 {
            block
                .iter()
                .map(|b| u8::from(b & !BRACE_BIT == bracket))
                .sum()
        };
        let opened = depth + usize::from(count(b'['));
        depth = opened.saturating_sub(count(b']').into());
        opened > MAX_DEPTH
    })
}

/// How deep the brackets nest, without those in strings.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for &byte in json {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Replaces escapes of lone surrogates by U+FFFD. `None` if the text contains no surrogates.
pub(super) fn replace_lone_surrogates(text: &str) -> Option<String> {
    if !["\\ud", "\\uD"].iter().any(|prefix| text.contains(prefix)) {
        return None;
    }
    let code_unit = |at: usize| {
        let digits = text.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    let mut repaired = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(length) = text[at..].find('\\') {
        let escape = at + length;
        repaired += &text[at..escape];
        let (escape_len, is_valid) = match (code_unit(escape), code_unit(escape + 6)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => (12, true),
            (Some(0xD800..=0xDFFF), _) => (6, false),
            // Another escape. Skip its character too, which may be a backslash.
            _ => (
                1 + text[escape + 1..].chars().next().map_or(0, char::len_utf8),
                true,
            ),
        };
        repaired += if is_valid {
            &text[escape..escape + escape_len]
        } else {
            "\\ufffd"
        };
        at = escape + escape_len;
    }
    repaired += &text[at..];
    Some(repaired)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_outside_strings() {
        assert_eq!(depth(br#"{"a":[{"b":"[[[\"[[\\"}]}"#), 3);
        assert_eq!(depth(b"]]]{}"), 1);
    }

    #[test]
    fn the_quick_check_finds_deep_nesting() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(!may_be_deep(nested(32).as_bytes()) && may_be_deep(nested(65).as_bytes()));
        assert!(!may_be_deep(
            br#"{"items":[{"a":[]}]}"#.repeat(1000).as_slice()
        ));
        assert!(may_be_deep("\"[\",".repeat(65).as_bytes()));
    }
}
