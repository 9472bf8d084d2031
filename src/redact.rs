//! Takes secrets out of every text that leaves the library: messages, details, traces and errmsgs.
//!
//! A secret is found in the ways other programs write it: as it is, percent-encoded (once or more
//! often), form-encoded, with JSON's escapes or HTML's entities, in whatever mixture, and in capitals or
//! small letters. It is not found in base64 or other encodings, nor if it is cut into pieces.
//! The raw body of an answer to one of the linking calls is not touched.

use std::borrow::Cow;
use std::sync::Arc;

/// Secrets shorter than this are found only as a whole word and in their own capitals and small
/// letters: no real one is so short, and a password `a` must not make every message unreadable.
const SHORT: usize = 8;

/// The most backslashes in a row that are read as one escape, and the most times that a character is
/// read as percent-encoded. More layers of encoding occur only in a text that is made to be slow to
/// search.
const MAX_BACKSLASHES: usize = 8;
const MAX_PERCENT_LAYERS: usize = 8;

/// The longest text that is shown, in bytes. WeChat's errmsgs have a few hundred; a longer text is cut
/// off, so that a server cannot make a call search for longer than its time limit.
const MAX_TEXT: usize = 16 * 1024;

/// The name a secret is replaced by, in brackets, and its value.
pub(crate) type Secret<'a> = (&'static str, &'a str);

/// The same, kept beyond a call.
pub(crate) type OwnedSecret = (&'static str, Arc<str>);

/// All secrets known to a call. Has no `Debug`.
#[derive(Clone, Default)]
pub(crate) struct Secrets<'a>(Vec<Secret<'a>>);

impl<'a> Secrets<'a> {
    /// Those of the list that are not empty: an empty secret replaces nothing.
    pub fn new(secrets: impl IntoIterator<Item = Secret<'a>>) -> Secrets<'a> {
        let known = |(_, value): &Secret<'_>| !value.is_empty();
        Secrets(secrets.into_iter().filter(known).collect())
    }

    /// The text with each secret replaced by its name, such as `[access_token]`. Where secrets
    /// overlap or one contains another, all of it goes and the longest is named.
    ///
    /// A text of more than 16 KiB is cut off there and ends with `…`.
    pub fn clean<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if text.len() <= MAX_TEXT {
            return self.clean_whole(text);
        }
        // More is searched than is shown: a secret must not be cut off before it is found.
        let searched = self.clean_whole(head(text, 4 * MAX_TEXT));
        Cow::Owned(format!("{}…", head(&searched, MAX_TEXT)))
    }

    fn clean_whole<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut found = self.places(text);
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        found.sort_unstable_by_key(|place| place.start);
        let mut cleaned = String::with_capacity(text.len());
        let mut rest = 0;
        let mut places = found.into_iter().peekable();
        while let Some(mut place) = places.next() {
            let mut longest = place.end - place.start;
            while let Some(next) = places.next_if(|next| next.start < place.end) {
                if next.end - next.start > longest {
                    longest = next.end - next.start;
                    place.name = next.name;
                }
                place.end = place.end.max(next.end);
            }
            cleaned += &text[rest..place.start];
            cleaned += "[";
            cleaned += place.name;
            cleaned += "]";
            rest = place.end;
        }
        cleaned += &text[rest..];
        Cow::Owned(cleaned)
    }

    /// Where the secrets are in the text.
    fn places(&self, text: &str) -> Vec<Place> {
        let mut found = Vec::new();
        for &(name, secret) in &self.0 {
            let mut search = Search {
                text: text.as_bytes(),
                whole_word: secret.len() < SHORT,
                ends: Vec::new(),
                next_ends: Vec::new(),
            };
            let first = secret.as_bytes()[0];
            for start in 0..text.len() {
                if !search.may_start(start, first) {
                    continue;
                }
                if let Some(end) = search.secret_at(start, secret.as_bytes()) {
                    found.push(Place { name, start, end });
                }
            }
        }
        found
    }
}

/// The text's beginning, of at most so many bytes.
fn head(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A secret in a text, as a range of bytes.
struct Place {
    name: &'static str,
    start: usize,
    end: usize,
}

/// The search for one secret. Both vectors hold the ends of the ways to read the secret's first
/// bytes; they are kept here for their memory.
struct Search<'t> {
    text: &'t [u8],
    whole_word: bool,
    ends: Vec<usize>,
    next_ends: Vec<usize>,
}

impl Search<'_> {
    /// Whether the secret's first byte can be written there. Of several backslashes in a row only the
    /// last one begins an escape, unless the secret begins with one.
    fn may_start(&self, at: usize, first: u8) -> bool {
        match self.text[at] {
            b'%' | b'&' => true,
            b'\\' => first == b'\\' || self.text.get(at + 1) != Some(&b'\\'),
            b'+' => matches!(first, b'+' | b' '),
            byte => byte.eq_ignore_ascii_case(&first),
        }
    }

    /// The end of the secret that starts there, if one does; of several the farthest.
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

    /// Adds the ends of all ways in which the byte stands at that place.
    fn read_byte(&mut self, at: usize, byte: u8) {
        let Some(&first) = self.text.get(at) else {
            return;
        };
        if self.is_same(first, byte) || (byte == b' ' && first == b'+') {
            self.next_ends.push(at + 1);
        }
        if first == b'%' {
            // `%2B`, and `%252B` where it was encoded twice.
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

    /// The byte before that place, decoded if it is percent-encoded.
    fn before(&self, at: usize) -> Option<u8> {
        let encoded = at.checked_sub(3).filter(|from| self.text[*from] == b'%');
        let decoded = encoded.and_then(|from| hex(self.text, from + 1, 2));
        match decoded.and_then(|code| u8::try_from(code).ok()) {
            Some(byte) => Some(byte),
            None => Some(self.text[at.checked_sub(1)?]),
        }
    }
}

/// The number that so many hexadecimal digits stand for.
fn hex(text: &[u8], at: usize, digits: usize) -> Option<u32> {
    let digits = text.get(at..at + digits)?;
    let number = |sum: u32, digit: &u8| Some(sum * 16 + char::from(*digit).to_digit(16)?);
    digits.iter().try_fold(0, number)
}

/// The character that an HTML entity without its `&` stands for, and the entity's length:
/// `#43;`, `#x2b;` and the names of those that a secret may hold.
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
    /// With zeros in front, the longest that is read.
    const LONGEST: usize = 12;
    let end = text.iter().take(LONGEST).position(|b| *b == b';')?;
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

/// Whether a byte belongs to a word; all characters beyond ASCII do.
fn is_word(byte: Option<u8>) -> bool {
    byte.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-' || !b.is_ascii())
}

/// The secrets that an answer of a token endpoint holds, by WeChat's names of their fields.
pub(crate) fn received(json: &serde_json::Value) -> Vec<Secret<'_>> {
    use serde_json::Value;
    // Fields, and the names that stand for their values.
    const NAMES: [(&str, &str); 9] = [
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
    let mut found = Vec::new();
    // Not by recursion: a host's stack may be small.
    let mut left = vec![json];
    while let Some(value) = left.pop() {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    let name = NAMES
                        .iter()
                        .find(|(field, _)| key.eq_ignore_ascii_case(field));
                    match (name, value) {
                        (Some((_, name)), Value::String(text)) => {
                            found.push((*name, text.as_str()))
                        }
                        _ => left.push(value),
                    }
                }
            }
            Value::Array(items) => left.extend(items),
            _ => {}
        }
    }
    found
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
    fn a_secret_is_found_however_it_is_written() {
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
    fn other_text_is_left_as_it_is() {
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
    fn a_text_made_to_be_slow_is_searched_in_one_pass() {
        let secrets = Secrets::new([("t", "To+Ke/N=1"), ("b", "\\\\back"), ("p", "%%percent")]);
        for part in [
            "\\", "%25", "%", "\\u", "\\u005c", "%5c", "To+Ke/N=", "\\b", "T", "&#", " ",
        ] {
            let text = part.repeat(300_000 / part.len());
            let started = std::time::Instant::now();
            assert_eq!(secrets.clean_whole(&text), text, "{part}");
            // A search that is quadratic takes minutes.
            assert!(started.elapsed().as_secs() < 60, "{part}");
        }
    }

    #[test]
    fn a_long_text_is_cut_off_and_no_secret_with_it() {
        let secret = "S".repeat(4096);
        let encoded = "%53".repeat(4096);
        for before in [MAX_TEXT - 3, MAX_TEXT - 2, MAX_TEXT - 1, MAX_TEXT, 0] {
            for written in [&secret, &encoded] {
                let text = format!(
                    "{}{written}{}",
                    "é".repeat(before / 2),
                    "x".repeat(MAX_TEXT)
                );
                let shown = clean(&[("t", &secret)], &text);
                assert!(
                    shown.ends_with('…') && shown.len() <= MAX_TEXT + 3,
                    "{before}"
                );
                assert!(!shown.contains("SS") && !shown.contains("%53"), "{before}");
            }
        }
        let whole = "x".repeat(MAX_TEXT);
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
    fn a_short_secret_is_found_as_a_word() {
        let text = "a cat: secret=a, (a) A a_b, x%3Da%26y, a";
        let shown = "[t] cat: secret=[t], ([t]) A a_b, x%3D[t]%26y, [t]";
        assert_eq!(clean(&[("t", "a")], text), shown);
        assert_eq!(clean(&[("t", "p%d")], "q=p%25d, p%d"), "q=[t], [t]");
    }

    #[test]
    fn characters_beyond_ascii_stay_whole() {
        assert_eq!(clean(&[("t", "密码密码")], "口令密码密码！"), "口令[t]！");
        assert_eq!(clean(&[("t", "密码密码")], "%E5%AF%86%e7%a0%81密码"), "[t]");
        assert_eq!(clean(&[("t", "é")], "café é"), "café [t]");
    }

    #[test]
    fn what_an_answer_holds_is_known_by_its_field() {
        let json = serde_json::json!({
            "list": [{"refresh_token": "R1", "appid": "wx1"}, {"Refresh_Token": "R2"}],
            "a": {"component_access_token": "C"}, "errmsg": "R1", "access_token": {"x": 1},
        });
        let mut found = received(&json);
        found.sort_unstable();
        let expected = [("component_access_token", "C"), ("refresh_token", "R1")];
        assert_eq!(found[..2], expected);
        assert_eq!(found[2..], [("refresh_token", "R2")]);
    }
}
