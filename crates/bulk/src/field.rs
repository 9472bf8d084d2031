//! The fields of a JSON object in their order, each with the text in which its value is written.

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

/// The fields of a valid JSON object; `None` if the text is another valid JSON value. Numbers keep
/// all their digits, which a parsed number would lose.
pub(crate) fn fields_of(text: &str) -> Option<Vec<Field>> {
    let inner = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    let (mut depth, mut is_in_string, mut is_escaped) = (0_usize, false, false);
    let (mut start, mut colon) = (0, None);
    let mut fields = Vec::new();
    // A comma after the last field ends it like the others.
    let bytes = inner.bytes().enumerate().chain([(inner.len(), b',')]);
    for (at, byte) in bytes {
        if is_in_string {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => is_in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => is_in_string = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b':' if depth == 0 => colon = Some(at),
            b',' if depth == 0 => {
                if let Some(colon) = colon.take() {
                    fields.push(Field {
                        name: serde_json::from_str(inner[start..colon].trim()).ok()?,
                        value: FieldValue::from_json(inner[colon + 1..at].trim()),
                    });
                }
                start = at + 1;
            }
            _ => {}
        }
    }
    Some(fields)
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
