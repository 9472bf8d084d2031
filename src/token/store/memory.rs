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

    fn lock(&self, key: &str, at_most: Duration) -> Result<Option<Lock>, StoreError> {
        let mut locks = lock(&self.locks);
        let now = Instant::now();
        if locks.get(key).is_some_and(|(_, until)| now < *until) {
            return Ok(None);
        }
        let taken = Lock::new();
        locks.insert(key.to_owned(), (taken.0.clone(), now + at_most));
        Ok(Some(taken))
    }

    fn unlock(&self, key: &str, held: Lock) -> Result<(), StoreError> {
        let mut locks = lock(&self.locks);
        if locks.get(key).is_some_and(|(owner, _)| *owner == held.0) {
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
