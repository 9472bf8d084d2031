//! JSON as WeChat sends it: checked for encoding and depth, and repaired where an escape holds half a
//! character.

use serde::de::DeserializeOwned;

/// How deep an answer may nest. WeChat's list nests four deep.
const MAX_DEPTH: usize = 64;

/// Reads JSON that may hold half characters.
pub(crate) fn parse<T: DeserializeOwned>(json: &str) -> Option<T> {
    let parsed = serde_json::from_str(json).ok();
    parsed.or_else(|| serde_json::from_str(&whole_characters(json)?).ok())
}

/// The bytes as text: UTF-8 without its mark, and an object as far as can be seen.
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

/// Whether the brackets, those in strings too, could nest deeper than `MAX_DEPTH`. Counting them block by
/// block takes a tenth of the time of looking at each.
fn may_be_deep(json: &[u8]) -> bool {
    const CASE: u8 = 0x20; // What `{` and `[` differ in, and `}` and `]`.
    let mut depth = 0;
    json.chunks(64).any(|block| {
        // A sum of bytes, which cannot overflow within a block, is what compilers make fast.
        let count = |bracket| -> u8 { block.iter().map(|b| u8::from(b & !CASE == bracket)).sum() };
        let opened = depth + usize::from(count(b'['));
        depth = opened.saturating_sub(count(b']').into());
        opened > MAX_DEPTH
    })
}

/// How deep the brackets nest, those in strings not counted.
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

/// Puts U+FFFD for escapes that are half a character: a nickname cut off within an emoji ends so, and
/// no parser takes it, though the rest of the list is in order. `None` if there are none to be seen.
pub(super) fn whole_characters(text: &str) -> Option<String> {
    if !["\\ud", "\\uD"].iter().any(|half| text.contains(half)) {
        return None;
    }
    let unit = |at: usize| {
        let digits = text.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    let mut whole = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(length) = text[at..].find('\\') {
        let escape = at + length;
        whole += &text[at..escape];
        let (taken, good) = match (unit(escape), unit(escape + 6)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => (12, true),
            (Some(0xD800..=0xDFFF), _) => (6, false),
            // The escaped character too, lest its backslash be taken for an escape's.
            _ => (
                1 + text[escape + 1..].chars().next().map_or(0, char::len_utf8),
                true,
            ),
        };
        whole += if good {
            &text[escape..escape + taken]
        } else {
            "\\ufffd"
        };
        at = escape + taken;
    }
    whole += &text[at..];
    Some(whole)
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
    fn only_what_may_be_deep_is_looked_at_closely() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(!may_be_deep(nested(32).as_bytes()) && may_be_deep(nested(65).as_bytes()));
        assert!(!may_be_deep(
            br#"{"items":[{"a":[]}]}"#.repeat(1000).as_slice()
        ));
        assert!(may_be_deep("\"[\",".repeat(65).as_bytes()));
    }
}
