//! The texts of a list as C strings. They are made at the first use and live as long as the result.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char};
use std::sync::{Mutex, PoisonError};

use crate::response::items::{Field, Items};
use crate::response::list::MiniProgram;

/// The texts of one result.
pub(super) struct ListTexts {
    /// A copy of the list's JSON in which each text and number of a known field is unescaped and
    /// ends with a NUL. No text is longer than its JSON, and a closing quotation mark, comma or
    /// bracket makes room for the NUL. Reading a text thus needs no lock and no memory of its own.
    known: Vec<u8>,
    /// All other texts, by the index of the item and the path in it.
    others: Mutex<BTreeMap<(usize, String), CString>>,
}

impl ListTexts {
    pub fn new(json: &[u8], items: &Items) -> ListTexts {
        let mut known = json.to_vec();
        known.push(0);
        for index in 0..items.len() {
            let item = MiniProgram::new(json, items, index);
            for (at, text) in item.iter().flat_map(|item| item.scalars()) {
                let text = without_nuls(text);
                let Some(place) = known.get_mut(at..) else {
                    continue;
                };
                if let Some((place, [nul, ..])) = place.split_at_mut_checked(text.len()) {
                    place.copy_from_slice(text.as_bytes());
                    *nul = 0;
                }
            }
        }
        ListTexts {
            known,
            others: Mutex::default(),
        }
    }

    /// The text at a path of an item; empty if the value is missing or null.
    pub fn get(&self, item: MiniProgram<'_>, index: usize, path: &CStr) -> *const c_char {
        let known = Field::parse(path.to_bytes()).and_then(|field| item.scalar_at(field));
        match known {
            Some(at) => self.known.get(at..).unwrap_or(b"\0").as_ptr().cast(),
            None => self.other(item, index, path),
        }
    }

    fn other(&self, item: MiniProgram<'_>, index: usize, path: &CStr) -> *const c_char {
        let empty = c"".as_ptr();
        let Ok(path) = path.to_str() else {
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
