//! A mini program's two ids: its appid and its original id (`gh_…`).
//!
//! A refused item of WeChat's list has only the original id. A caller who knows only the appid would
//! not find the item and would invite again.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::sys::lock::lock;

/// How many ids are remembered (about 100 bytes each). When the map is full it is emptied.
const MAX_ALIASES: usize = 16_384;

/// Maps each id to the other id of the same mini program. The two never change.
#[derive(Default)]
pub(crate) struct IdAliases(Mutex<HashMap<String, String>>);

impl IdAliases {
    pub fn get(&self, id: &str) -> Option<String> {
        lock(&self.0).get(id).cloned()
    }

    pub fn insert(&self, id: &str, alias: &str) {
        let mut aliases = lock(&self.0);
        if aliases.get(id).is_some_and(|known| known == alias) {
            return;
        }
        if aliases.len() >= MAX_ALIASES {
            aliases.clear();
        }
        aliases.insert(id.to_owned(), alias.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_aliases_is_bounded() {
        let aliases = IdAliases::default();
        for n in 0..MAX_ALIASES + 2 {
            aliases.insert(&format!("wx{n}"), "gh_1");
        }
        assert_eq!(lock(&aliases.0).len(), 2);
        let last = aliases.get(&format!("wx{MAX_ALIASES}"));
        assert_eq!(last.as_deref(), Some("gh_1"));
        assert_eq!(aliases.get("wx0"), None);
    }
}
