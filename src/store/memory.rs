//! A store in memory. It exists as long as its client.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::claim::{ClaimChange, ClaimStep, LinkKeys};
use super::owner::LockOwner;
use super::process_claims::{HashedKeys, ProcessClaims};
use super::store::{Changed, LONGEST_LOCK, Store, StoreError};
use crate::model::message::Message;
use crate::sys::lock::lock;

#[derive(Default)]
pub(super) struct Memory {
    texts: Mutex<HashMap<String, String>>,
    locks: Mutex<HashMap<String, (LockOwner, Instant)>>,
    claims: ProcessClaims,
}

impl Memory {
    fn hashed(&self, keys: &LinkKeys) -> HashedKeys {
        let hash = |key: &String| self.claims.hash(key.as_bytes());
        LinkKeys {
            claims: keys.claims.iter().map(hash).collect(),
            outcome: keys.outcome.as_ref().map(hash),
        }
    }
}

impl Store for Memory {
    fn name(&self) -> Message {
        Message::new("the store in memory", "内存存储")
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
        ours: &LockOwner,
        at_most: Duration,
        _: Instant,
    ) -> Result<bool, StoreError> {
        let at_most = at_most.min(LONGEST_LOCK);
        let mut locks = lock(&self.locks);
        let now = Instant::now();
        let anothers = locks
            .get(key)
            .is_some_and(|(owner, until)| owner != ours && now < *until);
        if !anothers {
            locks.insert(key.to_owned(), (*ours, now + at_most));
        }
        Ok(!anothers)
    }

    fn unlock(&self, key: &str, ours: &LockOwner, _: Instant) -> Result<(), StoreError> {
        let mut locks = lock(&self.locks);
        if locks.get(key).is_some_and(|(owner, _)| owner == ours) {
            locks.remove(key);
        }
        Ok(())
    }

    fn change_claim(&self, change: &ClaimChange) -> Changed {
        let (keys, owner) = (self.hashed(&change.keys), &change.owner);
        match change.step {
            ClaimStep::Claim { lasts } => self.claims.claim(&keys, owner, lasts).map(Some),
            ClaimStep::Settle(settlement) => {
                self.claims.settle(&keys, owner, settlement);
                Ok(None)
            }
        }
    }
}

#[cfg(test)]
#[test]
fn it_fulfils_the_contract() {
    crate::store::contract::fulfils_the_contract(&Memory::default());
}
