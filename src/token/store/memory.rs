//! A store that ends with its client.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::{LONGEST_LOCK, Lock, Store, StoreError};
use crate::sync::lock;

#[derive(Default)]
pub(super) struct Memory {
    texts: Mutex<HashMap<String, String>>,
    locks: Mutex<HashMap<String, (String, Instant)>>,
}

impl Store for Memory {
    fn name(&self) -> String {
        "the token store in memory".into()
    }

    fn read(&self, key: &str, _: Instant) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(lock(&self.texts)
            .get(key)
            .map(|text| text.clone().into_bytes()))
    }

    fn swap(
        &self,
        key: &str,
        was: Option<&[u8]>,
        new: &str,
        _: Instant,
    ) -> Result<bool, StoreError> {
        let mut texts = lock(&self.texts);
        let same = texts.get(key).map(String::as_bytes) == was;
        if same {
            texts.insert(key.to_owned(), new.to_owned());
        }
        Ok(same)
    }

    fn lock(
        &self,
        key: &str,
        ours: &Lock,
        at_most: Duration,
        _: Instant,
    ) -> Result<bool, StoreError> {
        let at_most = at_most.min(LONGEST_LOCK);
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

    fn unlock(&self, key: &str, ours: &Lock, _: Instant) -> Result<(), StoreError> {
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
