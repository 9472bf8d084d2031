//! A store that ends with its client.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::{Lock, Store, StoreError};
use crate::sync::lock;

#[derive(Default)]
pub(super) struct Memory {
    texts: Mutex<HashMap<String, String>>,
    locks: Mutex<HashMap<String, (String, Instant)>>,
}

impl Store for Memory {
    fn read(&self, key: &str) -> Result<Option<String>, StoreError> {
        Ok(lock(&self.texts).get(key).cloned())
    }

    fn swap(&self, key: &str, was: Option<&str>, new: &str) -> Result<bool, StoreError> {
        let mut texts = lock(&self.texts);
        let same = texts.get(key).map(String::as_str) == was;
        if same {
            texts.insert(key.to_owned(), new.to_owned());
        }
        Ok(same)
    }

    fn lock(&self, key: &str, ours: &Lock, at_most: Duration) -> Result<bool, StoreError> {
        let mut locks = lock(&self.locks);
        let now = Instant::now();
        let anothers = locks
            .get(key)
            .is_some_and(|(owner, until)| *owner != ours.0 && now < *until);
        if !anothers {
            locks.insert(key.to_owned(), (ours.0.clone(), now + at_most));
        }
        Ok(!anothers)
    }

    fn unlock(&self, key: &str, ours: &Lock) -> Result<(), StoreError> {
        let mut locks = lock(&self.locks);
        if locks.get(key).is_some_and(|(owner, _)| *owner == ours.0) {
            locks.remove(key);
        }
        Ok(())
    }
}

#[cfg(test)]
#[test]
fn it_keeps_its_word() {
    super::tests::keeps_its_word(&Memory::default());
}
