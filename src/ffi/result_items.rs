//! The items of a result, and the JSON in which they are.

use crate::response::items::Items;
use crate::response::list::MiniProgram;

#[derive(Clone, Copy)]
pub(super) struct ResultItems<'a> {
    json: &'a [u8],
    items: &'a Items,
}

impl<'a> ResultItems<'a> {
    pub fn new(json: &'a [u8], items: &'a Items) -> ResultItems<'a> {
        ResultItems { json, items }
    }

    pub fn len(self) -> usize {
        self.items.len()
    }

    pub fn get(self, index: usize) -> Option<MiniProgram<'a>> {
        MiniProgram::new(self.json, self.items, index)
    }

    pub fn array_json(self) -> &'a [u8] {
        self.items.array_json(self.json)
    }
}
