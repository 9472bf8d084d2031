//! Parses JSON and refuses duplicate keys, because it would be a guess which of the values counts.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Parses a line that holds exactly one document.
///
/// # Errors
/// The text is not JSON, an object has a duplicate key, or text follows the document. The error
/// includes the column.
pub(crate) fn parse(text: &str) -> Result<Value, String> {
    let mut from = serde_json::Deserializer::from_str(text);
    let value = Unique.deserialize(&mut from);
    value
        .and_then(|value| from.end().map(|()| value))
        .map_err(|e| {
            let text = e.to_string();
            // The text is a single line, so its number is of no use.
            let place = format!(" at line {} column {}", e.line(), e.column());
            match text.strip_suffix(&place) {
                Some(why) => format!("{why} (column {})", e.column()),
                None => text,
            }
        })
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

/// Deserialises a value whose objects have unique keys.
struct Unique;

impl<'de> DeserializeSeed<'de> for Unique {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).map(Value::Number);
        number.ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element_seed(Unique)? {
            all.push(item);
        }
        Ok(all.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(key) = fields.next_key::<String>()? {
            let value = fields.next_value_seed(Unique)?;
            if all.contains_key(&key) {
                return Err(de::Error::custom(format_args!("duplicate key {key:?}")));
            }
            all.insert(key, value);
        }
        Ok(all.into())
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
            let why = parse(text).unwrap_err();
            assert!(why.contains(r#"duplicate key "a" (column"#), "{why}");
        }
        for text in [
            r#"{"a":{"a":0}}"#,
            r#"[{"a":0},{"a":-1.5e3}]"#,
            "\"é\"",
            "null",
        ] {
            assert_eq!(parse(text).unwrap(), text.parse::<Value>().unwrap());
        }
        for text in ["{} {}", "{}{}", "{}1", "{\"a\":", "", "{\"a\":\"\\ud800\"}"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
