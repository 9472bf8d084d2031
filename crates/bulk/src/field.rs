//! The fields of a JSON object in their order, each with the text in which its value is written.

use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A field of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: FieldValue,
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldValue {
    /// None.
    Null,
    /// A text.
    Text(String),
    /// Any other value, as JSON.
    Json(String),
}

impl FieldValue {
    /// The text in the cell of a spreadsheet.
    pub(crate) fn as_text(&self) -> &str {
        match self {
            FieldValue::Null => "",
            FieldValue::Text(text) | FieldValue::Json(text) => text,
        }
    }

    /// The value that is written like this, in valid JSON.
    fn from_json(text: &str) -> FieldValue {
        match text {
            "null" => FieldValue::Null,
            text if text.starts_with('"') => {
                FieldValue::Text(serde_json::from_str(text).unwrap_or_default())
            }
            text => FieldValue::Json(text.to_owned()),
        }
    }
}

/// The fields of a JSON object; `None` if the text is anything else. Numbers keep all their digits,
/// which a parsed number would lose.
pub(crate) fn fields_of(text: &str) -> Option<Vec<Field>> {
    struct Fields;

    impl<'de> Visitor<'de> for Fields {
        type Value = Vec<Field>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<Field>, A::Error> {
            let mut fields = Vec::new();
            while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                let value = FieldValue::from_json(value.get());
                fields.push(Field { name, value });
            }
            Ok(fields)
        }
    }

    let mut from = serde_json::Deserializer::from_str(text);
    from.deserialize_map(Fields).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_order_and_their_numbers_all_digits() {
        let text =
            r#" {"z":"a\"},\\", "\u8336" : null,"n":1.10e400,"o":{"k":[1,{"x":"]}"}]},"":7} "#;
        let field = |name: &str, value| Field {
            name: name.to_owned(),
            value,
        };
        let json = |text: &str| FieldValue::Json(text.to_owned());
        let expected = [
            field("z", FieldValue::Text("a\"},\\".to_owned())),
            field("茶", FieldValue::Null),
            field("n", json("1.10e400")),
            field("o", json(r#"{"k":[1,{"x":"]}"}]}"#)),
            field("", json("7")),
        ];
        assert_eq!(fields_of(text).unwrap(), expected);
        assert_eq!(fields_of("{ }"), Some(vec![]));
        for other in ["[{}]", "7", "\"{}\"", "null"] {
            assert_eq!(fields_of(other), None);
        }
    }
}
