//! A cursor over JSON that has already been validated. It checks nothing again, so that skipping a
//! value costs little more than finding the ends of its strings. With invalid JSON its values are
//! arbitrary, but it always reaches the end.

use std::borrow::Cow;
use std::convert::Infallible;

use serde_json::Value;

/// A number without an exponent is not too large for a `f64` if it is not longer (bytes).
const MAX_SAFE_DIGITS: usize = 300;

/// A position in JSON.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    json: &'a [u8],
    at: usize,
    has_huge_number: bool,
    has_surrogates: bool,
}

impl<'a> Reader<'a> {
    /// A reader at the offset `at`.
    pub fn new(json: &'a [u8], at: usize) -> Reader<'a> {
        Reader {
            json,
            at,
            has_huge_number: false,
            has_surrogates: false,
        }
    }

    /// Whether a text was read or skipped that contains an escape of a surrogate. serde_json does
    /// not check those of values that it ignores.
    pub fn has_surrogates(&self) -> bool {
        self.has_surrogates
    }

    /// Whether a number was read or skipped that is too large for a `f64`. JSON parsers reject it.
    pub fn has_huge_number(&self) -> bool {
        self.has_huge_number
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
    pub fn peek(&mut self) -> u8 {
        loop {
            match self.json.get(self.at) {
                // In valid JSON, separators can be skipped like white space.
                Some(b',' | b':' | b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
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
        let is_object = self.peek() == b'{';
        if is_object {
            self.at += 1;
            while self.peek() == b'"' {
                let start = self.at;
                let has_no_escapes = self.skip_string();
                let end = self.at;
                self.peek();
                if has_no_escapes {
                    let key = self.json.get(start + 1..end - 1);
                    field(key.unwrap_or_default(), self)?;
                } else {
                    field(&self.unescaped(start, end), self)?;
                }
            }
            self.at += 1;
        }
        Ok(is_object)
    }

    /// If the next value is an array, calls `item` for each item, which must read or skip it.
    /// Returns whether it is an array.
    pub fn array<E>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<bool, E> {
        let is_array = self.peek() == b'[';
        if is_array {
            self.at += 1;
            while !matches!(self.peek(), b']' | b'}' | 0) {
                item(self)?;
            }
            self.at += 1;
        }
        Ok(is_array)
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

    /// Skips a number, `true`, `false` or `null`. Skips at least one byte, so that every loop over
    /// invalid JSON ends.
    fn skip_scalar(&mut self) {
        let is_end = |b: &u8| matches!(b, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t');
        let start = self.at;
        self.at += 1;
        while self.json.get(self.at).is_some_and(|byte| !is_end(byte)) {
            self.at += 1;
        }
        let scalar = self.json.get(start..self.at).unwrap_or_default();
        if scalar.len() > MAX_SAFE_DIGITS || scalar.iter().any(u8::is_ascii_alphabetic) {
            self.has_huge_number |= is_huge(scalar);
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
    fn skip_string(&mut self) -> bool {
        self.at = next_special(self.json, self.at + 1);
        let has_no_escapes = self.json.get(self.at) != Some(&b'\\');
        if !has_no_escapes {
            self.skip_escapes();
        }
        self.at += 1;
        has_no_escapes
    }

    /// Skips the rest of a string, from an escape to the closing quotation mark. A function of its
    /// own, so that strings without escapes are skipped faster.
    #[inline(never)]
    fn skip_escapes(&mut self) {
        while self.json.get(self.at) == Some(&b'\\') {
            let escape = self.json.get(self.at + 1..).unwrap_or_default();
            self.has_surrogates |= matches!(escape, [b'u', b'd' | b'D', ..]);
            self.at = next_special(self.json, self.at + 2);
        }
    }

    /// Skips an object or array. A function of its own, so that other values are skipped faster.
    #[inline(never)]
    fn skip_brackets(&mut self) {
        let mut depth = 0_usize;
        loop {
            match self.peek() {
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                0 => return,
                _ => {
                    self.skip();
                    continue;
                }
            }
            self.at += 1;
            if depth == 0 {
                return;
            }
        }
    }
}

/// Whether a number is too large for a `f64`. "true" and the like are not numbers.
fn is_huge(number: &[u8]) -> bool {
    let text = std::str::from_utf8(number).unwrap_or_default();
    text.parse().is_ok_and(f64::is_infinite)
}

/// The offset of the first quotation mark or backslash at or after `at`, or the end. Compares eight
/// bytes at a time.
fn next_special(json: &[u8], mut at: usize) -> usize {
    const ONES: u64 = u64::MAX / 255;
    // The usual test for a zero byte in a word ("determine if a word has a zero byte" in the Bit
    // Twiddling Hacks), on the word xor `wanted`: a byte that equals `wanted` sets its highest bit
    // in the result. Bytes after the first such byte may be set wrongly, so only the lowest counts.
    let found = |word: u64, wanted: u8| {
        let zero = word ^ (ONES * u64::from(wanted));
        zero.wrapping_sub(ONES) & !zero & (ONES << 7)
    };
    while let Some(word) = json.get(at..).and_then(<[u8]>::first_chunk) {
        let word = u64::from_le_bytes(*word);
        let special = found(word, b'"') | found(word, b'\\');
        if special != 0 {
            return at + special.trailing_zeros() as usize / 8;
        }
        at += size_of_val(&word);
    }
    let rest = json.get(at..).unwrap_or_default();
    let special = rest.iter().position(|b| matches!(b, b'"' | b'\\'));
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

    proptest! {
        #[test]
        fn the_values_are_those_of_serde_json(value in any_value(), pretty in any::<bool>()) {
            let json = if pretty { format!(" {value:#}\r\n") } else { value.to_string() };
            prop_assert_eq!(&walk(&mut Reader::new(json.as_bytes(), 0)), &value);
            let mut reader = Reader::new(json.as_bytes(), 0);
            reader.skip();
            prop_assert_eq!(reader.peek(), 0);
        }

        #[test]
        fn invalid_json_is_read_to_its_end(bytes in "[\"\\\\{}\\[\\],:0a ]{0,40}") {
            let mut reader = Reader::new(bytes.as_bytes(), 0);
            while reader.peek() != 0 {
                walk(&mut reader);
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
