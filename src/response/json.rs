//! Checks the encoding and depth of WeChat's JSON.

use super::repair::without_bom;

/// How deep a response may nest. WeChat's list has four levels.
const MAX_DEPTH: usize = 64;

/// The body as text, without a byte order mark.
///
/// # Errors
/// What the body is if it is not UTF-8, does not start an object, or nests too deep.
pub(super) fn json_text(body: &[u8]) -> Result<&str, String> {
    let body = without_bom(body);
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
