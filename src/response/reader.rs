//! Finds its way in JSON that is known to be JSON, as every answer is: nothing is checked again, so it
//! takes little more than finding the ends of texts. What is no JSON is read as anything, but to its end.

use std::borrow::Cow;

use serde_json::Value;

use super::json::parse;

/// A place in it.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    json: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// At that place.
    pub fn new(json: &'a [u8], at: usize) -> Reader<'a> {
        Reader { json, at }
    }

    /// Where the next value begins, or where what it is in ends.
    pub fn place(&mut self) -> usize {
        self.next();
        self.at
    }

    /// What the next value begins with; a closing bracket if there is none, 0 at the end.
    pub fn next(&mut self) -> u8 {
        loop {
            match self.json.get(self.at) {
                // Separators say nothing that is not known: they count as white space.
                Some(b',' | b':' | b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(byte) => return *byte,
                None => return 0,
            }
        }
    }

    /// Goes into the next value if it is an object: has each field read or skipped.
    pub fn object<E>(
        &mut self,
        mut field: impl FnMut(&str, &mut Self) -> Result<(), E>,
    ) -> Result<bool, E> {
        let is_one = self.next() == b'{';
        if is_one {
            self.at += 1;
            while self.next() == b'"' {
                let key = self.string();
                self.next();
                field(&key, self)?;
            }
            self.at += 1;
        }
        Ok(is_one)
    }

    /// Goes into the next value if it is an array: has each item read or skipped.
    pub fn array<E>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<bool, E> {
        let is_one = self.next() == b'[';
        if is_one {
            self.at += 1;
            while !matches!(self.next(), b']' | b'}' | 0) {
                item(self)?;
            }
            self.at += 1;
        }
        Ok(is_one)
    }

    /// Reads the next value if it is a text.
    pub fn text(&mut self) -> Option<Cow<'a, str>> {
        (self.next() == b'"').then(|| self.string())
    }

    /// Reads the next value if it is a number, or one in a text.
    pub fn number(&mut self) -> Option<i64> {
        match self.next() {
            b'"' => self.string().parse().ok(),
            _ => self.raw().parse().ok(),
        }
    }

    /// Reads the next value, whatever it is. A number that no type can hold is null.
    pub fn value(&mut self) -> Value {
        parse(self.raw()).unwrap_or_default()
    }

    /// Goes past the next value.
    pub fn skip(&mut self) {
        match self.next() {
            b'"' => drop(self.past_string()),
            b'{' | b'[' => self.past_brackets(),
            _ => {
                let ends = |b: &u8| matches!(b, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t');
                let rest = self.json.get(self.at..).unwrap_or_default();
                // At least one byte: there is always an end.
                self.at += rest.iter().position(ends).unwrap_or(rest.len()).max(1);
            }
        }
    }

    /// The next value as it is written.
    fn raw(&mut self) -> &'a str {
        let start = self.place();
        self.skip();
        self.slice(start, self.at)
    }

    /// The next value, which is a text.
    fn string(&mut self) -> Cow<'a, str> {
        let start = self.at;
        match self.past_string() {
            true => Cow::Borrowed(self.slice(start + 1, self.at - 1)),
            false => parse(self.slice(start, self.at)).unwrap_or_default(),
        }
    }

    fn slice(&self, start: usize, end: usize) -> &'a str {
        let bytes = self.json.get(start..end).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    /// Whether it has no escapes.
    fn past_string(&mut self) -> bool {
        let mut plain = true;
        self.at += 1;
        loop {
            self.at += before_special(self.json.get(self.at..).unwrap_or_default());
            if self.json.get(self.at) != Some(&b'\\') {
                self.at += 1;
                return plain;
            }
            plain = false;
            self.at += 2;
        }
    }

    fn past_brackets(&mut self) {
        let mut depth = 0_usize;
        loop {
            match self.next() {
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

/// How many bytes there are before the first quotation mark or backslash: eight are looked at at once.
fn before_special(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    // The lowest bit it sets is that of the first byte which is the wanted one.
    let found = |word: u64, wanted: u8| {
        let zero = word ^ (ONES * u64::from(wanted));
        zero.wrapping_sub(ONES) & !zero & (ONES << 7)
    };
    let words = bytes.chunks_exact(8);
    let rest = words.remainder();
    for (i, word) in words.enumerate() {
        let word = u64::from_le_bytes(word.try_into().unwrap_or_default());
        let special = found(word, b'"') | found(word, b'\\');
        if special != 0 {
            return i * 8 + special.trailing_zeros() as usize / 8;
        }
    }
    let special = rest.iter().position(|b| matches!(b, b'"' | b'\\'));
    bytes.len() - rest.len() + special.unwrap_or(rest.len())
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

    /// The next value, put together from its parts.
    fn walk(from: &mut Reader<'_>) -> Value {
        let (mut fields, mut items) = (serde_json::Map::new(), Vec::new());
        let field = |key: &str, value: &mut Reader<'_>| -> Result<(), String> {
            fields.insert(key.to_owned(), walk(value));
            Ok(())
        };
        if from.object(field) == Ok(true) {
            return Value::Object(fields);
        }
        let item = |item: &mut Reader<'_>| -> Result<(), String> {
            items.push(walk(item));
            Ok(())
        };
        match from.array(item) == Ok(true) {
            true => Value::Array(items),
            false => from.value(),
        }
    }

    proptest! {
        #[test]
        fn what_is_json_is_read_as_others_read_it(value in any_value(), pretty in any::<bool>()) {
            let json = if pretty { format!(" {value:#}\r\n") } else { value.to_string() };
            prop_assert_eq!(&walk(&mut Reader::new(json.as_bytes(), 0)), &value);
            let mut reader = Reader::new(json.as_bytes(), 0);
            reader.skip();
            prop_assert_eq!(reader.next(), 0);
        }

        #[test]
        fn what_is_no_json_is_read_to_its_end(bytes in "[\"\\\\{}\\[\\],:0a ]{0,40}") {
            let mut reader = Reader::new(bytes.as_bytes(), 0);
            while reader.next() != 0 {
                walk(&mut reader);
            }
        }
    }

    #[test]
    fn texts_of_every_length_end_where_they_end() {
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
