//! The items of a result, and their texts as C strings. The texts are made at the first use and
//! live as long as the result.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char};
use std::sync::{Mutex, OnceLock, PoisonError};

use super::result_items::ResultItems;
use crate::response::items::{FIELD_COUNT, Field};

/// The texts of one result.
#[derive(Default)]
pub(super) struct ListTexts {
    /// Those of the known fields. All items' texts of a field are made when the first one is read,
    /// so that reading the others needs no lock and no memory.
    known: [OnceLock<FieldTexts>; FIELD_COUNT],
    /// All other texts, by the index of the item and the path in it.
    others: Mutex<BTreeMap<(usize, String), CString>>,
}

/// The texts and numbers of a field in all items.
struct FieldTexts {
    /// The texts, each with a NUL.
    bytes: Vec<u8>,
    /// Where the text of each item starts; `None` if its value is neither a text nor a number.
    starts: Vec<Option<usize>>,
}

impl FieldTexts {
    fn new(items: ResultItems<'_>, field: Field) -> FieldTexts {
        let mut bytes = Vec::new();
        let starts = (0..items.len()).map(|index| {
            let start = bytes.len();
            match items.get(index)?.scalar(field)? {
                // JSON has no unescaped NUL.
                Cow::Borrowed(text) => bytes.extend_from_slice(text),
                Cow::Owned(text) => {
                    let text = String::from_utf8(text).unwrap_or_default();
                    bytes.extend_from_slice(without_nuls(text.into()).as_bytes());
                }
            }
            bytes.push(0);
            Some(start)
        });
        FieldTexts {
            starts: starts.collect(),
            bytes,
        }
    }

    fn get(&self, index: usize) -> Option<*const c_char> {
        let start = (*self.starts.get(index)?)?;
        Some(self.bytes.get(start..)?.as_ptr().cast())
    }
}

impl ListTexts {
    /// The text at a path of an item; empty if the value is missing or null.
    pub fn get(&self, items: ResultItems<'_>, index: usize, path: &CStr) -> *const c_char {
        let known = Field::parse(path.to_bytes()).and_then(|field| {
            let texts = self.known.get(field as usize)?;
            texts
                .get_or_init(|| FieldTexts::new(items, field))
                .get(index)
        });
        known.unwrap_or_else(|| self.other(items, index, path))
    }

    fn other(&self, items: ResultItems<'_>, index: usize, path: &CStr) -> *const c_char {
        let empty = c"".as_ptr();
        let (Some(item), Ok(path)) = (items.get(index), path.to_str()) else {
            return empty;
        };
        let Some(mut value) = item.at(path).filter(|value| !value.is_null()) else {
            return empty;
        };
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        let text = others.entry((index, path.to_owned())).or_insert_with(|| {
            let text = value.text().unwrap_or_else(|| value.raw().into());
            CString::new(without_nuls(text).into_owned()).unwrap_or_default()
        });
        text.as_ptr()
    }
}

/// A NUL would end a C string early.
fn without_nuls(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{FFFD}"))
    } else {
        text
    }
}
