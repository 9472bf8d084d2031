//! A store in memory. It exists as long as its client, except for the link claims, which all
//! clients of the process share.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use super::claim::{self, Claimed, Entries, LinkKeys, OUTCOME_SUFFIX, Settlement};
use super::owner::LockOwner;
use super::store::{LONGEST_LOCK, Store, StoreError};
use crate::model::lang::Text;
use crate::model::message::Message;
use crate::sys::lock::lock;

/// How many texts about links are kept: claims, and outcomes of posts.
const MAX_LINK_TEXTS: usize = 1 << 16;

#[derive(Default)]
pub(crate) struct Memory {
    texts: Mutex<HashMap<String, String>>,
    locks: Mutex<HashMap<String, (String, Instant)>>,
    links: Mutex<LinkTexts>,
}

impl Memory {
    /// The store for link claims that all clients of this process share.
    pub fn of_process() -> &'static Memory {
        static FIRST: OnceLock<Node> = OnceLock::new();
        let pid = std::process::id();
        let mut node = FIRST.get_or_init(|| Node::new(pid));
        // A forked child has a store of its own: its parent may have held a lock during the fork.
        while node.pid != pid {
            node = node.next.get_or_init(|| Box::new(Node::new(pid)));
        }
        &node.memory
    }
}

/// The store of one process, and those of the children that it forked.
struct Node {
    pid: u32,
    memory: Memory,
    next: OnceLock<Box<Node>>,
}

impl Node {
    fn new(pid: u32) -> Node {
        Node {
            pid,
            memory: Memory::default(),
            next: OnceLock::new(),
        }
    }
}

/// Texts about links, with the time at which they expire. A `BTreeMap`, because leak checkers take
/// what a static `HashMap` holds for lost.
#[derive(Default)]
struct LinkTexts(BTreeMap<String, (String, Instant)>);

impl LinkTexts {
    /// Makes room for another claim: removes what has expired, then the outcomes of posts that are
    /// remembered for the shortest time. Claims are never removed. Returns whether there is room.
    fn make_room(&mut self) -> bool {
        if self.0.len() < MAX_LINK_TEXTS {
            return true;
        }
        let now = Instant::now();
        self.0.retain(|_, (_, expires)| now < *expires);
        if self.0.len() >= MAX_LINK_TEXTS {
            let outcomes = self
                .0
                .iter()
                .filter(|(key, _)| key.ends_with(OUTCOME_SUFFIX));
            let mut ends: Vec<Instant> = outcomes.map(|(_, (_, expires))| *expires).collect();
            ends.sort_unstable();
            if let Some(median) = ends.get(ends.len() / 2) {
                self.0.retain(|key, (_, expires)| {
                    !key.ends_with(OUTCOME_SUFFIX) || *expires > *median
                });
            }
        }
        self.0.len() < MAX_LINK_TEXTS
    }
}

impl Entries for LinkTexts {
    fn get(&mut self, key: &str) -> Option<(String, Duration)> {
        let (text, expires) = self.0.get(key)?;
        let left = expires.saturating_duration_since(Instant::now());
        (!left.is_zero()).then(|| (text.clone(), left))
    }

    fn set(&mut self, key: &str, text: &str, lasts: Duration) {
        let expires = Instant::now() + lasts;
        self.0.insert(key.to_owned(), (text.to_owned(), expires));
    }

    fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }
}

impl Store for Memory {
    fn name(&self) -> Message {
        Message::new("the token store in memory", "内存中的令牌存储")
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
            .is_some_and(|(owner, until)| *owner != ours.as_str() && now < *until);
        if !anothers {
            locks.insert(key.to_owned(), (ours.as_str().to_owned(), now + at_most));
        }
        Ok(!anothers)
    }

    fn unlock(&self, key: &str, ours: &LockOwner, _: Instant) -> Result<(), StoreError> {
        let mut locks = lock(&self.locks);
        if locks
            .get(key)
            .is_some_and(|(owner, _)| *owner == ours.as_str())
        {
            locks.remove(key);
        }
        Ok(())
    }

    fn claim(
        &self,
        keys: &LinkKeys,
        owner: &LockOwner,
        lasts: Duration,
        _: Instant,
    ) -> Result<Claimed, StoreError> {
        let mut links = lock(&self.links);
        if !links.make_room() {
            const TOO_MANY: Text = Text {
                en: "this process links too many mini programs at the same time",
                zh: "本进程同时关联的小程序过多",
            };
            return Err(StoreError::permanent(TOO_MANY.into()));
        }
        Ok(claim::claim(&mut *links, keys, owner, lasts))
    }

    fn settle(
        &self,
        keys: &LinkKeys,
        owner: &LockOwner,
        settlement: Settlement,
        _: Instant,
    ) -> Result<(), StoreError> {
        claim::settle(&mut *lock(&self.links), keys, owner, settlement);
        Ok(())
    }
}

#[cfg(test)]
#[test]
fn it_fulfils_the_contract() {
    crate::store::contract::fulfils_the_contract(&Memory::default());
}
