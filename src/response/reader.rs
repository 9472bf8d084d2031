//! A cursor over JSON that checks the syntax of what it reads. After a fault it is at the end, so
//! that every loop ends, and its values are arbitrary. After reading JSON that is not checked yet,
//! ask for the [fault](Reader::fault).

use std::borrow::Cow;
use std::convert::Infallible;
use std::ops::Range;

use serde_json::Value;

/// How deep a response may nest. WeChat's list has four levels.
pub(super) const MAX_DEPTH: u32 = 64;
/// A number without an exponent is not too large for a `f64` if it is not longer (bytes).
const MAX_SAFE_DIGITS: usize = 300;

/// A position in JSON, which is UTF-8.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    json: &'a [u8],
    at: usize,
    depth: u32,
    fault: Option<Fault>,
    has_huge_number: bool,
    has_surrogates: bool,
}

/// Why JSON cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Syntax,
    /// It nests deeper than [`MAX_DEPTH`].
    TooDeep,
}

/// Where the names of an object's fields are, with quotation marks and colon, and what they mean.
pub(super) struct FieldNames<T>(Vec<(Range<usize>, T)>);

impl<T> FieldNames<T> {
    /// No object has been read yet.
    pub fn new() -> FieldNames<T> {
        FieldNames(Vec::new())
    }
}

impl<'a> Reader<'a> {
    /// A reader at the offset `at`.
    pub fn new(json: &'a [u8], at: usize) -> Reader<'a> {
        Reader {
            json,
            at,
            depth: 0,
            fault: None,
            has_huge_number: false,
            has_surrogates: false,
        }
    }

    /// Whether a text was read or skipped that contains an escape of a surrogate, which may lack
    /// its other half.
    pub fn has_surrogates(&self) -> bool {
        self.has_surrogates
    }

    /// Whether a number was read or skipped that is too large for a `f64`. JSON parsers reject it.
    pub fn has_huge_number(&self) -> bool {
        self.has_huge_number
    }

    /// The fault in what was read or skipped.
    pub(super) fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// Reads to the end, where only white space may follow.
    pub(super) fn finish(&mut self) {
        if self.peek() != 0 || self.at < self.json.len() {
            self.fail(Fault::Syntax);
        }
    }

    /// The offset of the next value, or of the closing bracket if there is none.
    pub fn offset(&mut self) -> usize {
        self.peek();
        self.at
    }

    /// The offset after what was read.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The first byte of the next value, which is not consumed; a closing bracket if there is no
    /// value, 0 at the end.
    #[inline]
    pub fn peek(&mut self) -> u8 {
        loop {
            match self.json.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(byte) => return *byte,
                None => return 0,
            }
        }
    }

    /// If the next value is an object, calls `field` for each field, which must read or skip the
    /// value. Returns whether it is an object.
    pub fn object<E>(
        &mut self,
        mut field: impl FnMut(&[u8], &mut Self) -> Result<(), E>,
    ) -> Result<bool, E> {
        if self.peek() != b'{' {
            return Ok(false);
        }
        let mut has_more = self.open(b'}');
        while has_more {
            let (start, has_no_escapes, end) = self.key();
            if self.fault.is_some() {
                break;
            }
            if has_no_escapes {
                let key = self.json.get(start + 1..end - 1);
                field(key.unwrap_or_default(), self)?;
            } else {
                field(&self.unescaped(start, end), self)?;
            }
            has_more = self.next_or_close(b'}');
        }
        Ok(true)
    }

    /// [`object`](Self::object) for one of several objects, which mostly have the same fields in
    /// the same order. `names` holds those of the objects before; a name at the same place costs
    /// one comparison. `recognize` gets the other names, and `field` what it returned for the name.
    pub(super) fn similar_object<T: Copy, E>(
        &mut self,
        names: &mut FieldNames<T>,
        recognize: impl Fn(&[u8]) -> Result<T, E>,
        mut field: impl FnMut(T, &mut Self) -> Result<(), E>,
    ) -> Result<bool, E> {
        if self.peek() != b'{' {
            return Ok(false);
        }
        let mut has_more = self.open(b'}');
        let mut place = 0;
        while has_more {
            self.peek();
            let rest = self.json.get(self.at..).unwrap_or_default();
            let known = names.0.get(place);
            let known = known.filter(|(name, _)| {
                let name = self.json.get(name.clone()).unwrap_or_default();
                rest.starts_with(name)
            });
            let name = if let Some((name, recognized)) = known {
                self.at += name.len();
                *recognized
            } else {
                let (start, has_no_escapes, end) = self.key();
                if self.fault.is_some() {
                    break;
                }
                let recognized = if has_no_escapes {
                    let name = self.json.get(start + 1..end - 1);
                    recognize(name.unwrap_or_default())?
                } else {
                    recognize(&self.unescaped(start, end))?
                };
                names.0.truncate(place);
                names.0.push((start..self.at, recognized));
                recognized
            };
            place += 1;
            field(name, self)?;
            has_more = self.next_or_close(b'}');
        }
        Ok(true)
    }

    /// If the next value is an array, calls `item` for each item, which must read or skip it.
    /// Returns whether it is an array.
    pub fn array<E>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<bool, E> {
        if self.peek() != b'[' {
            return Ok(false);
        }
        let mut has_more = self.open(b']');
        while has_more {
            item(self)?;
            has_more = self.next_or_close(b']');
        }
        Ok(true)
    }

    /// Skips an opening bracket. Returns whether a value follows; otherwise skips the closing one.
    fn open(&mut self, closing: u8) -> bool {
        self.at += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            self.fail(Fault::TooDeep);
            return false;
        }
        let has_more = self.peek() != closing;
        if !has_more {
            self.close();
        }
        has_more
    }

    /// After a value: skips the comma before another one, and returns `true`; or skips the closing
    /// bracket.
    #[inline]
    fn next_or_close(&mut self, closing: u8) -> bool {
        match self.peek() {
            b',' => {
                self.at += 1;
                return true;
            }
            byte if byte == closing => self.close(),
            _ => self.fail(Fault::Syntax),
        }
        false
    }

    fn close(&mut self) {
        self.at += 1;
        self.depth = self.depth.saturating_sub(1);
    }

    /// Skips the name of a field and its colon. Returns where the name starts, whether it has no
    /// escapes, and where it ends, with its quotation marks.
    #[inline]
    fn key(&mut self) -> (usize, bool, usize) {
        if self.peek() != b'"' {
            self.fail(Fault::Syntax);
            return (self.at, true, self.at);
        }
        let start = self.at;
        let has_no_escapes = self.skip_string();
        let end = self.at;
        if self.peek() == b':' {
            self.at += 1;
        } else {
            self.fail(Fault::Syntax);
        }
        (start, has_no_escapes, end)
    }

    /// Notes a fault, and moves to the end.
    #[cold]
    fn fail(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
        self.at = self.json.len();
    }

    /// The value of a field if the next value is an object, or the item at an index if it is an
    /// array. Of a field that occurs twice, the last value.
    pub fn child(mut self, step: &str) -> Option<Reader<'a>> {
        let mut found = None;
        let field = |key: &[u8], value: &mut Self| -> Result<(), Infallible> {
            if key == step.as_bytes() {
                found = Some(*value);
            }
            value.skip();
            Ok(())
        };
        let Ok(is_object) = self.object(field);
        if is_object || !is_index(step) {
            return found;
        }
        let mut left = step.parse::<usize>().ok()?;
        let item = |item: &mut Self| {
            if left == 0 {
                found = Some(*item);
                return Err(());
            }
            left -= 1;
            item.skip();
            Ok(())
        };
        // The error only ends the loop.
        let _ = self.array(item);
        found
    }

    /// Whether the next value is null.
    pub fn is_null(mut self) -> bool {
        self.peek() == b'n'
    }

    /// Reads the next value if it is a string.
    pub fn text(&mut self) -> Option<Cow<'a, str>> {
        (self.peek() == b'"').then(|| self.string())
    }

    /// Reads the next value if it is a string, as UTF-8.
    pub fn text_bytes(&mut self) -> Option<Cow<'a, [u8]>> {
        (self.peek() == b'"').then(|| self.string_bytes())
    }

    /// Reads the next value if it is a number, or a number in a string.
    pub fn number(&mut self) -> Option<i64> {
        match self.peek() {
            b'"' => self.string().parse().ok(),
            _ => self.raw().parse().ok(),
        }
    }

    /// Reads the next value. A number too large for any type is read as null.
    pub fn value(&mut self) -> Value {
        serde_json::from_str(self.raw()).unwrap_or_default()
    }

    /// Skips the next value.
    pub fn skip(&mut self) {
        match self.peek() {
            b'"' => drop(self.skip_string()),
            b'{' | b'[' => self.skip_brackets(),
            _ => self.skip_scalar(),
        }
    }

    /// Skips a number, `true`, `false` or `null`.
    fn skip_scalar(&mut self) {
        let rest = self.json.get(self.at..).unwrap_or_default();
        match rest {
            [b'-' | b'0'..=b'9', ..] => self.skip_number(),
            [b't', b'r', b'u', b'e', ..] | [b'n', b'u', b'l', b'l', ..] => self.at += 4,
            [b'f', b'a', b'l', b's', b'e', ..] => self.at += 5,
            _ => self.fail(Fault::Syntax),
        }
    }

    fn skip_number(&mut self) {
        let start = self.at;
        self.skip_byte(b'-');
        if !self.skip_byte(b'0') {
            self.skip_digits();
        }
        if self.skip_byte(b'.') {
            self.skip_digits();
        }
        let has_exponent = self.skip_byte(b'e') || self.skip_byte(b'E');
        if has_exponent {
            let _ = self.skip_byte(b'-') || self.skip_byte(b'+');
            self.skip_digits();
        }
        if has_exponent || self.at - start > MAX_SAFE_DIGITS {
            self.has_huge_number |= is_huge(self.slice(start, self.at));
        }
    }

    /// Skips one byte if it is the next one.
    #[inline]
    fn skip_byte(&mut self, byte: u8) -> bool {
        let is_next = self.json.get(self.at) == Some(&byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Skips digits, of which there is at least one.
    #[inline]
    fn skip_digits(&mut self) {
        let start = self.at;
        while self.json.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        if self.at == start {
            self.fail(Fault::Syntax);
        }
    }

    /// The JSON text of the next value.
    pub fn raw(&mut self) -> &'a str {
        let start = self.offset();
        self.skip();
        self.slice(start, self.at)
    }

    /// Reads the next value, which is a string.
    fn string(&mut self) -> Cow<'a, str> {
        match self.string_bytes() {
            Cow::Borrowed(text) => std::str::from_utf8(text).unwrap_or_default().into(),
            Cow::Owned(text) => String::from_utf8(text).unwrap_or_default().into(),
        }
    }

    /// [`string`](Self::string) as bytes.
    fn string_bytes(&mut self) -> Cow<'a, [u8]> {
        let start = self.at;
        if self.skip_string() {
            let text = self.json.get(start + 1..self.at - 1);
            Cow::Borrowed(text.unwrap_or_default())
        } else {
            Cow::Owned(self.unescaped(start, self.at))
        }
    }

    /// The text of a string with escapes.
    fn unescaped(&self, start: usize, end: usize) -> Vec<u8> {
        let text = serde_json::from_str(self.slice(start, end));
        text.map_or_else(|_| Vec::new(), String::into_bytes)
    }

    fn slice(&self, start: usize, end: usize) -> &'a str {
        let bytes = self.json.get(start..end).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    /// Skips a string, and returns whether it has no escapes.
    #[inline]
    fn skip_string(&mut self) -> bool {
        self.at = next_special(self.json, self.at + 1);
        if self.json.get(self.at) == Some(&b'"') {
            self.at += 1;
            return true;
        }
        self.skip_escapes();
        false
    }

    /// Skips the rest of a string, from an escape to the closing quotation mark. A function of its
    /// own, so that strings without escapes are skipped faster.
    #[inline(never)]
    fn skip_escapes(&mut self) {
        loop {
            let rest = self.json.get(self.at..).unwrap_or_default();
            let length = match rest {
                [b'"', ..] => {
                    self.at += 1;
                    return;
                }
                [b'\\', b'u', digits @ ..] => {
                    self.has_surrogates |= matches!(digits, [b'd' | b'D', ..]);
                    let digits = digits.first_chunk::<4>();
                    if !digits.is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit)) {
                        return self.fail(Fault::Syntax);
                    }
                    6
                }
                [
                    b'\\',
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't',
                    ..,
                ] => 2,
                // A control character, or the end.
                _ => return self.fail(Fault::Syntax),
            };
            self.at = next_special(self.json, self.at + length);
        }
    }

    /// Skips an object or array. A function of its own, so that other values are skipped faster.
    #[inline(never)]
    fn skip_brackets(&mut self) {
        let outside = self.depth;
        // A bit for each open bracket, the innermost lowest: whether it is that of an object.
        let mut objects = 0_u64;
        loop {
            let opening = self.peek();
            let is_object = opening == b'{';
            let mut has_more = if is_object || opening == b'[' {
                objects = objects << 1 | u64::from(is_object);
                self.open(closing(is_object))
            } else {
                self.skip();
                self.next_or_close(closing(objects & 1 == 1))
            };
            while !has_more {
                if self.depth == outside || self.fault.is_some() {
                    return;
                }
                objects >>= 1;
                has_more = self.next_or_close(closing(objects & 1 == 1));
            }
            if objects & 1 == 1 {
                self.key();
            }
        }
    }
}

/// The bracket that closes an object, or an array.
fn closing(is_object: bool) -> u8 {
    if is_object { b'}' } else { b']' }
}

/// Whether a number is too large for a `f64`.
fn is_huge(number: &str) -> bool {
    number.parse().is_ok_and(f64::is_infinite)
}

/// The offset of the first quotation mark, backslash or control character at or after `at`, or the
/// end. Compares eight bytes at a time.
fn next_special(json: &[u8], mut at: usize) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGH_BITS: u64 = ONES << 7;
    // The usual test for a byte in a word that is less than `limit` ("determine if a word has a
    // byte less than n" in the Bit Twiddling Hacks): such a byte sets its highest bit in the
    // result. Bytes after the first such byte may be set wrongly, so only the lowest counts.
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word;
    let equal = |word: u64, byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    while let Some(word) = json.get(at..).and_then(<[u8]>::first_chunk) {
        let word = u64::from_le_bytes(*word);
        let special = equal(word, b'"') | equal(word, b'\\') | below(word, u64::from(b' '));
        let special = special & HIGH_BITS;
        if special != 0 {
            return at + special.trailing_zeros() as usize / 8;
        }
        at += size_of_val(&word);
    }
    let rest = json.get(at..).unwrap_or_default();
    let special = rest
        .iter()
        .position(|b| matches!(b, b'"' | b'\\' | 0..b' '));
    at + special.unwrap_or(rest.len())
}

/// Whether a text is the index of an array's item: digits without a leading zero.
fn is_index(text: &str) -> bool {
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_number && (text == "0" || !text.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    use super::*;

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[\"\\\\a-c\\[\\]{},: \u{e9}\u{1F600}\n]{0,20}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map("[\"\\\\a-z]{0,12}", inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    /// Reads the next value field by field and item by item.
    fn walk(from: &mut Reader<'_>) -> Value {
        let (mut fields, mut items) = (serde_json::Map::new(), Vec::new());
        let field = |key: &[u8], value: &mut Reader<'_>| -> Result<(), String> {
            fields.insert(String::from_utf8_lossy(key).into(), walk(value));
            Ok(())
        };
        if from.object(field) == Ok(true) {
            return Value::Object(fields);
        }
        let item = |item: &mut Reader<'_>| -> Result<(), String> {
            items.push(walk(item));
            Ok(())
        };
        if from.array(item) == Ok(true) {
            Value::Array(items)
        } else {
            from.value()
        }
    }

    const NAMES: &[&str] = &["\"a\":", "\"bc\" :", "\"\\u00e9\":", "\"def\": ", "\"\":"];
    const PARTS: &[&str] = &[
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        " ",
        "\"a\"",
        "\"\\u00e9\\n\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\t\"",
        "\"",
        "0",
        "01",
        "-",
        "-0.5",
        "1.",
        ".5",
        "1e",
        "1E+5",
        "+1",
        "true",
        "false",
        "null",
        "nul",
        "é",
    ];

    /// Whether a text is a value in JSON, read with `read`.
    fn is_json(text: &str, read: impl FnOnce(&mut Reader<'_>)) -> bool {
        let mut reader = Reader::new(text.as_bytes(), 0);
        read(&mut reader);
        reader.finish();
        reader.fault().is_none()
    }

    proptest! {
        #[test]
        fn the_values_are_those_of_serde_json(value in any_value(), pretty in any::<bool>()) {
            let json = if pretty { format!(" {value:#}\r\n") } else { value.to_string() };
            prop_assert_eq!(&walk(&mut Reader::new(json.as_bytes(), 0)), &value);
            let mut reader = Reader::new(json.as_bytes(), 0);
            reader.skip();
            prop_assert_eq!(reader.peek(), 0);
        }

        /// Objects with the same fields, with others, and in another order.
        #[test]
        fn similar_objects_are_read_like_others(
            value in any_value(),
            objects in prop::collection::vec(prop::sample::subsequence(NAMES, 0..5), 0..5),
        ) {
            let objects: Vec<String> = { objects.iter() }
                .map(|names| {
                    let fields = names.iter().map(|name| format!("{name}{value}"));
                    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
                })
                .collect();
            let json = format!("[{}]", objects.join(","));
            let read = |json: &str, is_similar: bool| {
                let mut seen = Vec::new();
                let mut names = FieldNames::new();
                let mut reader = Reader::new(json.as_bytes(), 0);
                let Ok(_) = reader.array(|item| -> Result<(), Infallible> {
                    let mut note = |length: usize, value: &mut Reader<'_>| {
                        seen.push((length, value.value()));
                        Ok(())
                    };
                    if is_similar {
                        item.similar_object(&mut names, |name| Ok(name.len()), note).map(drop)
                    } else {
                        item.object(|name, value| note(name.len(), value)).map(drop)
                    }
                });
                reader.finish();
                (seen, reader.fault())
            };
            prop_assert_eq!(read(&json, true), read(&json, false));
            let half = (0..=json.len() / 2).rev().find(|at| json.is_char_boundary(*at));
            let cut = &json[..half.unwrap_or(0)];
            prop_assert_eq!(read(cut, true).1, read(cut, false).1);
        }

        /// Parts of JSON in any order, of which some are valid, and valid JSON with one byte
        /// changed or the rest cut off.
        #[test]
        fn what_is_json_is_decided_like_serde_json_does(
            parts in prop::collection::vec(prop::sample::select(PARTS), 0..12),
            value in any_value(),
            at in any::<prop::sample::Index>(),
            byte in prop::sample::select(&b"\"\\{}[],:0-.eEun a\x01\x1f"[..]),
        ) {
            let whole = value.to_string();
            let mut changed = whole.clone().into_bytes();
            let index = at.index(changed.len());
            changed[index] = byte;
            let cut = whole.as_bytes()[..index].to_vec();
            for json in [parts.concat().into_bytes(), changed, cut] {
                let Ok(text) = std::str::from_utf8(&json) else { continue };
                let expected = serde_json::from_str::<IgnoredAny>(text).is_ok();
                prop_assert_eq!(is_json(text, |reader| reader.skip()), expected, "{} skipped", text);
                let walked = is_json(text, |reader| drop(walk(reader)));
                prop_assert_eq!(walked, expected, "{} walked", text);
            }
        }
    }

    #[test]
    fn escapes_of_surrogates_and_huge_numbers_are_noticed() {
        let read = |json: &str| {
            let mut reader = Reader::new(json.as_bytes(), 0);
            reader.skip();
            (reader.has_surrogates(), reader.has_huge_number())
        };
        assert_eq!(read(r#"{"a":["b\n\uD83D"]}"#), (true, false));
        assert_eq!(read(r#"{"\ud83d\ude00":1e400}"#), (true, true));
        assert_eq!(read(r#"{"\u1234 ud8":[true,1e4,-0.5E-7]}"#), (false, false));
    }

    #[test]
    fn only_brackets_outside_of_strings_nest() {
        let nested = |levels: usize, inner: &str| {
            let arrays = "[".repeat(levels / 2);
            let objects = "{\"a\":".repeat(levels - levels / 2);
            let closed = "}".repeat(levels - levels / 2) + &"]".repeat(levels / 2);
            format!("{arrays}{objects}{inner}{closed}")
        };
        let fault_of = |json: &str| {
            let mut reader = Reader::new(json.as_bytes(), 0);
            reader.skip();
            reader.finish();
            let mut walked = Reader::new(json.as_bytes(), 0);
            walk(&mut walked);
            walked.finish();
            assert_eq!(reader.fault(), walked.fault(), "{json}");
            reader.fault()
        };
        let most = MAX_DEPTH as usize;
        assert_eq!(fault_of(&nested(most, "\"[[{{\\\"[[\"")), None);
        assert_eq!(fault_of(&nested(most - 1, "[],[]")), Some(Fault::Syntax));
        assert_eq!(fault_of(&nested(most + 1, "1")), Some(Fault::TooDeep));
        let siblings = format!("[{}]", vec![nested(most - 1, "{}"); 3].join(","));
        assert_eq!(fault_of(&siblings), Some(Fault::TooDeep));
        let siblings = format!("[{}]", vec![nested(most - 2, "{}"); 3].join(","));
        assert_eq!(fault_of(&siblings), None);
    }

    #[test]
    fn strings_of_every_length_are_skipped_exactly() {
        for length in 0..40 {
            let text = "x".repeat(length);
            for json in [format!("\"{text}\"1"), format!("\"{text}\\\\\"1")] {
                let mut reader = Reader::new(json.as_bytes(), 0);
                assert_eq!(
                    reader.text().map(|t| t.trim_end_matches('\\').len()),
                    Some(length)
                );
                assert_eq!(reader.number(), Some(1));
            }
        }
    }
}
