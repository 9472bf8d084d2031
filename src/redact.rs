//! Removes secrets from every text that the library makes: messages, details, traces and errmsgs.
//!
//! A secret is recognised if it is unchanged, percent-encoded (also several times), form-encoded,
//! or written with JSON escapes or HTML entities, in any mixture and in upper or lower case. It is
//! not recognised in base64 or other encodings, nor in pieces. The body of a response of a linking
//! endpoint is passed on unchanged.

use std::borrow::Cow;
use std::sync::Arc;

/// Secrets shorter than this, in bytes, are recognised only as a whole word and in their own case.
/// No real secret is so short, and a password `a` must not make every message unreadable.
const SHORT_SECRET_BYTES: usize = 8;

/// The most backslashes in a row that are read as one escape, and the most times that a character
/// is decoded from percent-encoding. Text with more layers is made to slow the search down.
const MAX_BACKSLASHES: usize = 8;
const MAX_PERCENT_LAYERS: usize = 8;

/// The longest text that is returned, in bytes. WeChat's errmsgs have a few hundred. A longer text
/// is truncated, so that a server cannot make the search take longer than the call's time limit.
const MAX_TEXT_BYTES: usize = 16 * 1024;

/// The name that replaces a secret, and the secret.
pub(crate) type Secret<'a> = (&'static str, &'a str);

/// A [`Secret`] that is kept after the call.
pub(crate) type OwnedSecret = (&'static str, Arc<str>);

/// All secrets that a call knows. It has no `Debug`, so that it cannot be printed.
#[derive(Clone, Default)]
pub(crate) struct Secrets<'a>(Vec<Secret<'a>>);

impl<'a> Secrets<'a> {
    /// Empty secrets are ignored.
    pub fn new(secrets: impl IntoIterator<Item = Secret<'a>>) -> Secrets<'a> {
        let is_set = |(_, value): &Secret<'_>| !value.is_empty();
        Secrets(secrets.into_iter().filter(is_set).collect())
    }

    /// Replaces each secret in the text by its name, such as `[access_token]`. Secrets that overlap
    /// are replaced together, by the name of the longest.
    ///
    /// A text of more than 16 KiB is truncated and ends with `…`.
    pub fn clean<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if text.len() <= MAX_TEXT_BYTES {
            return self.replace_in(text);
        }
        // Search more than is returned, so that a secret is replaced before the text is truncated.
        let cleaned = self.replace_in(truncated(text, 4 * MAX_TEXT_BYTES));
        Cow::Owned(format!("{}…", truncated(&cleaned, MAX_TEXT_BYTES)))
    }

    fn replace_in<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut found = self.find_in(text);
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        found.sort_unstable_by_key(|m| m.start);
        let mut cleaned = String::with_capacity(text.len());
        let mut copied = 0;
        let mut matches = found.into_iter().peekable();
        while let Some(mut current) = matches.next() {
            let mut longest = current.end - current.start;
            while let Some(next) = matches.next_if(|next| next.start < current.end) {
                if next.end - next.start > longest {
                    longest = next.end - next.start;
                    current.name = next.name;
                }
                current.end = current.end.max(next.end);
            }
            cleaned += &text[copied..current.start];
            cleaned += "[";
            cleaned += current.name;
            cleaned += "]";
            copied = current.end;
        }
        cleaned += &text[copied..];
        Cow::Owned(cleaned)
    }

    /// All occurrences of the secrets in the text.
    fn find_in(&self, text: &str) -> Vec<Match> {
        let mut found = Vec::new();
        for &(name, secret) in &self.0 {
            let mut search = Search {
                text: text.as_bytes(),
                whole_word: secret.len() < SHORT_SECRET_BYTES,
                ends: Vec::new(),
                next_ends: Vec::new(),
            };
            let first = secret.as_bytes()[0];
            for start in 0..text.len() {
                if !search.may_start(start, first) {
                    continue;
                }
                if let Some(end) = search.secret_at(start, secret.as_bytes()) {
                    found.push(Match { name, start, end });
                }
            }
        }
        found
    }
}

/// The start of the text, of at most `max_bytes`, without cutting a character.
fn truncated(text: &str, max_bytes: usize) -> &str {
    let mut end = text.len().min(max_bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// An occurrence of a secret in a text, as a range of bytes.
struct Match {
    name: &'static str,
    start: usize,
    end: usize,
}

/// The search for one secret. A byte can be written in several ways, so that a part of the secret
/// can end at several offsets: `ends` are those of the bytes read so far, `next_ends` those with
/// the next byte. Both are fields so that their memory is reused.
struct Search<'t> {
    text: &'t [u8],
    whole_word: bool,
    ends: Vec<usize>,
    next_ends: Vec<usize>,
}

impl Search<'_> {
    /// Whether the secret's first byte may be written at this offset. Of several backslashes in a
    /// row, only the last one starts an escape, unless the secret starts with a backslash.
    fn may_start(&self, at: usize, first: u8) -> bool {
        match self.text[at] {
            b'%' | b'&' => true,
            b'\\' => first == b'\\' || self.text.get(at + 1) != Some(&b'\\'),
            b'+' => matches!(first, b'+' | b' '),
            byte => byte.eq_ignore_ascii_case(&first),
        }
    }

    /// The end of the secret that starts at `start`; the last one if there are several.
    fn secret_at(&mut self, start: usize, secret: &[u8]) -> Option<usize> {
        if self.whole_word && is_word(self.before(start)) {
            return None;
        }
        self.ends.clear();
        self.ends.push(start);
        for &byte in secret {
            self.next_ends.clear();
            for i in 0..self.ends.len() {
                self.read_byte(self.ends[i], byte);
            }
            if self.next_ends.is_empty() {
                return None;
            }
            self.next_ends.sort_unstable();
            self.next_ends.dedup();
            std::mem::swap(&mut self.ends, &mut self.next_ends);
        }
        let fits = |end: &&usize| !self.whole_word || !is_word(self.text.get(**end).copied());
        self.ends.iter().filter(fits).max().copied()
    }

    /// Adds the ends of all the ways in which `byte` is written at the offset `at`.
    fn read_byte(&mut self, at: usize, byte: u8) {
        let Some(&first) = self.text.get(at) else {
            return;
        };
        if self.is_same(first, byte) || (byte == b' ' && first == b'+') {
            self.next_ends.push(at + 1);
        }
        if first == b'%' {
            // `%2B`, or `%252B` if it was encoded twice.
            let mut digits = at + 1;
            for _ in 0..MAX_PERCENT_LAYERS {
                match hex(self.text, digits, 2) {
                    Some(code) if self.is_same_code(code, byte) => self.next_ends.push(digits + 2),
                    _ => {}
                }
                match self.text.get(digits..digits + 2) {
                    Some(b"25") => digits += 2,
                    _ => break,
                }
            }
        }
        if first == b'&' {
            if let Some((code, length)) = entity(&self.text[at + 1..]) {
                if self.is_same_code(code, byte) {
                    self.next_ends.push(at + 1 + length);
                }
            }
        }
        if first == b'\\' {
            // `\/`, `\\`, `\u002b`, and the same with more backslashes.
            let run = self.text[at..].iter().take(MAX_BACKSLASHES);
            let run = run.take_while(|b| **b == b'\\');
            let after = at + run.count();
            match (byte, self.text.get(after)) {
                (b'\\', _) => self.next_ends.extend(at + 2..=after),
                (_, Some(&c)) if self.is_same(c, byte) => self.next_ends.push(after + 1),
                _ => {}
            }
            if self.text.get(after).is_some_and(|c| *c == b'u') {
                match hex(self.text, after + 1, 4) {
                    Some(code) if self.is_same_code(code, byte) => self.next_ends.push(after + 5),
                    _ => {}
                }
            }
        }
    }

    fn is_same_code(&self, code: u32, byte: u8) -> bool {
        u8::try_from(code).is_ok_and(|code| self.is_same(code, byte))
    }

    fn is_same(&self, found: u8, byte: u8) -> bool {
        found == byte || !self.whole_word && found.eq_ignore_ascii_case(&byte)
    }

    /// The byte before the offset `at`, decoded if it is percent-encoded.
    fn before(&self, at: usize) -> Option<u8> {
        let encoded = at.checked_sub(3).filter(|from| self.text[*from] == b'%');
        let decoded = encoded.and_then(|from| hex(self.text, from + 1, 2));
        match decoded.and_then(|code| u8::try_from(code).ok()) {
            Some(byte) => Some(byte),
            None => Some(self.text[at.checked_sub(1)?]),
        }
    }
}

/// The value of the hexadecimal digits at the offset `at`.
fn hex(text: &[u8], at: usize, digits: usize) -> Option<u32> {
    let digits = text.get(at..at + digits)?;
    let number = |sum: u32, digit: &u8| Some(sum * 16 + char::from(*digit).to_digit(16)?);
    digits.iter().try_fold(0, number)
}

/// Reads an HTML entity without its `&`: `#43;`, `#x2b;`, or the name of a character that a secret
/// may contain. Returns the character's code and the entity's length.
fn entity(text: &[u8]) -> Option<(u32, usize)> {
    const NAMES: [(&str, u8); 10] = [
        ("amp", b'&'),
        ("plus", b'+'),
        ("sol", b'/'),
        ("equals", b'='),
        ("quot", b'"'),
        ("apos", b'\''),
        ("lt", b'<'),
        ("gt", b'>'),
        ("bsol", b'\\'),
        ("percnt", b'%'),
    ];
    /// The longest entity that is read, in bytes. Numbers may have leading zeros.
    const MAX_ENTITY_BYTES: usize = 12;
    let end = text
        .iter()
        .take(MAX_ENTITY_BYTES)
        .position(|b| *b == b';')?;
    let name = std::str::from_utf8(&text[..end]).ok()?;
    let code = match name.strip_prefix('#') {
        Some(number) => match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok()?,
            None => number.parse().ok()?,
        },
        None => {
            let known = NAMES.iter().find(|(known, _)| *known == name)?;
            known.1.into()
        }
    };
    Some((code, end + 1))
}

/// Whether a byte belongs to a word. All characters beyond ASCII count as parts of words.
fn is_word(byte: Option<u8>) -> bool {
    byte.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-' || !b.is_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(secrets: &[Secret<'_>], text: &str) -> String {
        Secrets::new(secrets.iter().copied())
            .clean(text)
            .into_owned()
    }

    #[test]
    fn a_secret_is_recognised_in_every_encoding() {
        let secret = "To+Ke/N=1\\ \"%";
        for text in [
            secret,
            "to+KE/n=1\\ \"%",
            "To%2BKe%2FN%3D1%5C%20%22%25",
            "To%2bKe%2fN%3d1%5c%20%22%25",
            "To%2BKe/N%3D1\\+%22%",
            "To%252BKe%25252FN%253D1%255C+%2522%2525",
            r#"To+Ke\/N=1\\ \"%"#,
            r#"To\u002bKe\u002FN=1\u005c\u0020\u0022%"#,
            r#"To+Ke\\/N=1\\\\ \\\"%"#,
            "%54%6f%2B%4B%65%2F%4E%3D%31%5C%20%22%25",
            "To&#43;Ke&#x2F;N&equals;1&bsol;&#0032;&quot;&percnt;",
        ] {
            let shown = clean(&[("t", secret)], &format!("<{text}> and x{text}x"));
            assert_eq!(shown, "<[t]> and x[t]x", "{text}");
        }
    }

    #[test]
    fn other_text_is_unchanged() {
        let secrets = [("t", "To+Ke/N=1"), ("none", "")];
        for text in [
            "",
            "ok",
            "To+Ke/N=",
            "o+Ke/N=1",
            "To Ke/N=1",
            "%",
            "%2",
            "\\",
            "\\u00",
        ] {
            assert_eq!(clean(&secrets, text), text);
        }
        assert_eq!(clean(&[("t", "")], "invalid ticket"), "invalid ticket");
    }

    #[test]
    fn the_search_time_is_linear_even_for_hostile_text() {
        let secrets = Secrets::new([("t", "To+Ke/N=1"), ("b", "\\\\back"), ("p", "%%percent")]);
        for part in [
            "\\", "%25", "%", "\\u", "\\u005c", "%5c", "To+Ke/N=", "\\b", "T", "&#", " ",
        ] {
            let text = part.repeat(300_000 / part.len());
            let started = std::time::Instant::now();
            assert_eq!(secrets.replace_in(&text), text, "{part}");
            // A quadratic search takes minutes.
            assert!(started.elapsed().as_secs() < 60, "{part}");
        }
    }

    #[test]
    fn truncation_never_leaves_part_of_a_secret() {
        let secret = "S".repeat(4096);
        let encoded = "%53".repeat(4096);
        for before in [
            MAX_TEXT_BYTES - 3,
            MAX_TEXT_BYTES - 2,
            MAX_TEXT_BYTES - 1,
            MAX_TEXT_BYTES,
            0,
        ] {
            for written in [&secret, &encoded] {
                let text = format!(
                    "{}{written}{}",
                    "é".repeat(before / 2),
                    "x".repeat(MAX_TEXT_BYTES)
                );
                let shown = clean(&[("t", &secret)], &text);
                assert!(
                    shown.ends_with('…') && shown.len() <= MAX_TEXT_BYTES + 3,
                    "{before}"
                );
                assert!(!shown.contains("SS") && !shown.contains("%53"), "{before}");
            }
        }
        let whole = "x".repeat(MAX_TEXT_BYTES);
        assert_eq!(clean(&[], &whole), whole);
    }

    #[test]
    fn overlapping_secrets_leave_nothing_visible() {
        let secrets = [
            ("a", "AAAA-BBBB"),
            ("b", "BBBB-CCCC"),
            ("c", "AAAA-BBBB-CCCC-DDDD"),
        ];
        assert_eq!(clean(&secrets, "x AAAA-BBBB-CCCC y"), "x [a] y");
        assert_eq!(clean(&secrets, "AAAA-BBBB-CCCC-DDDD"), "[c]");
        assert_eq!(clean(&secrets, "AAAA-BBBBAAAA-BBBB"), "[a][a]");
        // A secret that overlaps itself.
        assert_eq!(clean(&[("t", "abababab")], "xababababababx"), "x[t]x");
    }

    #[test]
    fn a_short_secret_is_recognised_only_as_a_word() {
        let text = "a cat: secret=a, (a) A a_b, x%3Da%26y, a";
        let shown = "[t] cat: secret=[t], ([t]) A a_b, x%3D[t]%26y, [t]";
        assert_eq!(clean(&[("t", "a")], text), shown);
        assert_eq!(clean(&[("t", "p%d")], "q=p%25d, p%d"), "q=[t], [t]");
    }

    #[test]
    fn characters_beyond_ascii_are_not_cut() {
        assert_eq!(clean(&[("t", "密码密码")], "口令密码密码！"), "口令[t]！");
        assert_eq!(clean(&[("t", "密码密码")], "%E5%AF%86%e7%a0%81密码"), "[t]");
        assert_eq!(clean(&[("t", "é")], "café é"), "café [t]");
    }
}
