//! Reads a choice that is written as a JSON object with one key.

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde_json::Value;

/// A choice such as `{"seconds":5}`. An object with several keys, or with none, is refused with an
/// error that lists them. `serde` itself reports only a position.
pub(crate) struct OneKey<T>(pub(crate) T);

impl<'de, T: DeserializeOwned> Deserialize<'de> for OneKey<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize(deserializer).map(Self)
    }
}

/// The same for a field, as `deserialize_with`.
pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: DeserializeOwned,
    D: Deserializer<'de>,
{
    let value = Value::deserialize(deserializer)?;
    if let Value::Object(fields) = &value
        && fields.len() != 1
    {
        let keys: Vec<_> = fields.keys().map(|key| format!("`{key}`")).collect();
        let found = if keys.is_empty() {
            "none".to_owned()
        } else {
            keys.join(", ")
        };
        return Err(D::Error::custom(format!(
            "expected an object with one key, found {found}"
        )));
    }
    serde_json::from_value(value).map_err(D::Error::custom)
}
