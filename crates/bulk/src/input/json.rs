//! Parses JSON and refuses duplicate keys, because it would be a guess which of the values counts.

use std::collections::HashSet;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::field::{Field, fields_of};

/// Why a text is no JSON.
#[derive(Debug)]
pub(super) struct JsonError {
    /// The line of the text, from 1, and its column.
    pub line: u64,
    pub column: usize,
    pub why: String,
}

/// Parses a text that is exactly one document, and returns its fields if it is an object.
///
/// # Errors
/// The text is not JSON, an object has a duplicate key, or text follows the document.
pub(super) fn parse(text: &str) -> Result<Option<Vec<Field>>, JsonError> {
    let mut from = serde_json::Deserializer::from_str(text);
    let checked = Unique.deserialize(&mut from).and_then(|()| from.end());
    match checked {
        Ok(()) => Ok(fields_of(text)),
        Err(error) => {
            let why = error.to_string();
            let place = format!(" at line {} column {}", error.line(), error.column());
            Err(JsonError {
                line: error.line() as u64,
                column: error.column(),
                why: why.strip_suffix(&place).unwrap_or(&why).to_owned(),
            })
        }
    }
}

/// The first character outside of strings that is not ASCII, which JSON does not have there. It may
/// be invisible.
pub(crate) fn foreign_char(text: &str) -> Option<char> {
    let (mut is_in_string, mut is_escaped) = (false, false);
    text.chars().find(|c| {
        match c {
            '"' if !is_escaped => is_in_string = !is_in_string,
            '\\' if is_in_string && !is_escaped => {
                is_escaped = true;
                return false;
            }
            _ => {}
        }
        is_escaped = false;
        !is_in_string && !c.is_ascii()
    })
}

/// Checks a value whose objects must have unique keys.
struct Unique;

impl<'de> DeserializeSeed<'de> for Unique {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Unique)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let mut keys = HashSet::new();
        while let Some(key) = fields.next_key::<String>()? {
            fields.next_value_seed(Unique)?;
            if keys.contains(&key) {
                return Err(de::Error::custom(format_args!("duplicate key {key:?}")));
            }
            keys.insert(key);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicate_keys_are_refused_in_every_spelling_and_depth() {
        for text in [
            r#"{"a":0,"a":1}"#,
            r#"{"a":0,"\u0061":0}"#,
            r#"{"b":[{"a":0,"c":{},"a":0}]}"#,
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!((error.line, &*error.why), (1, r#"duplicate key "a""#));
            assert!(error.column > 1, "{error:?}");
        }
        assert_eq!(parse(r#"{"a":{"a":0}}"#).unwrap().unwrap().len(), 1);
        for text in [r#"[{"a":0},{"a":-1.5e3}]"#, "\"é\"", "null"] {
            assert_eq!(parse(text).unwrap(), None);
        }
        for text in ["{} {}", "{}{}", "{}1", "{\"a\":", "", "{\"a\":\"\\ud800\"}"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
