//! Reads the fields of a list's items by path, for programs that have no JSON parser.

use std::borrow::Cow;
use std::convert::Infallible;

use super::items::{Field, Items, find_in_items};
use super::list::MiniProgram;
use super::reader::Reader;

impl Items {
    /// Finds the items in a JSON array.
    ///
    /// # Errors
    /// What cannot be used in an item.
    pub fn find_in_array(json: &[u8]) -> Result<Items, String> {
        let mut reader = Reader::new(json, 0);
        Ok(find_in_items(&mut reader)?.unwrap_or_default())
    }

    /// The array of items, of the JSON in which they were found.
    pub fn array_json<'a>(&self, json: &'a [u8]) -> &'a [u8] {
        let array = json.get(self.array.clone()).unwrap_or_default();
        if array.is_empty() { b"[]" } else { array }
    }
}

impl<'a> MiniProgram<'a> {
    /// The item at this index of the items that were found in `json`.
    pub(crate) fn new(json: &'a [u8], items: &'a Items, index: usize) -> Option<MiniProgram<'a>> {
        let offsets = items.offsets.get(index)?;
        Some(MiniProgram { json, offsets })
    }

    /// The value at a path: names of fields and indexes of arrays, joined by `/`. Within a name,
    /// `~1` stands for `/` and `~0` for `~`, as in a JSON pointer. The empty path is the whole
    /// item. All spellings of func_infos give the same value.
    pub(crate) fn at(self, path: &str) -> Option<Reader<'a>> {
        let mut steps = path.split('/').map(unescaped);
        let first = steps.next().filter(|_| !path.is_empty());
        let Some(first) = first else {
            return Some(self.reader());
        };
        let start = match Field::parse(first.as_bytes()) {
            Some(field) => self.field(field),
            None => self.reader().child(&first),
        };
        steps.try_fold(start?, |value, step| value.child(&step))
    }

    /// The value of a known field if it is a text or a number, as UTF-8.
    pub(crate) fn scalar(self, field: Field) -> Option<Cow<'a, [u8]>> {
        let mut value = self.field(field)?;
        match value.peek() {
            b'"' => value.text_bytes(),
            b'-' | b'0'..=b'9' => Some(value.raw().as_bytes().into()),
            _ => None,
        }
    }
}

impl<'a> Reader<'a> {
    /// The number of items if the next value is an array.
    pub fn array_len(mut self) -> Option<usize> {
        let mut len = 0;
        let Ok(is_array) = self.array(|item| -> Result<(), Infallible> {
            len += 1;
            item.skip();
            Ok(())
        });
        is_array.then_some(len)
    }
}

/// A step of a path without its escapes.
fn unescaped(step: &str) -> Cow<'_, str> {
    if step.contains('~') {
        Cow::Owned(step.replace("~1", "/").replace("~0", "~"))
    } else {
        Cow::Borrowed(step)
    }
}
