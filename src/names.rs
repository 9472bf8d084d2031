//! A mini program's two names: its appid and its original id (`gh_…`).
//!
//! A refused item of the list has only the latter, so a caller who knows the appid would take it for
//! absent and message the followers again.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::sync::lock;

/// How many are remembered (some 100 bytes each). Beyond, it begins anew.
const MAX: usize = 16_384;

/// The other name of each mini program whose link was followed. The two never change.
#[derive(Default)]
pub(crate) struct Names(Mutex<HashMap<String, String>>);

impl Names {
    pub fn other(&self, name: &str) -> Option<String> {
        lock(&self.0).get(name).cloned()
    }

    pub fn learn(&self, name: &str, other: &str) {
        let mut names = lock(&self.0);
        if names.get(name).is_some_and(|known| known == other) {
            return;
        }
        if names.len() >= MAX {
            names.clear();
        }
        names.insert(name.to_owned(), other.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_within_its_bound() {
        let names = Names::default();
        for n in 0..MAX + 2 {
            names.learn(&format!("wx{n}"), "gh_1");
        }
        assert_eq!(lock(&names.0).len(), 2);
        assert_eq!(names.other(&format!("wx{MAX}")).as_deref(), Some("gh_1"));
        assert_eq!(names.other("wx0"), None);
    }
}
