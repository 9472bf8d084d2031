//! The link claims of this process, which all its clients share.
//!
//! They need no shared store, and they cover one that loses claims. Every link costs a claim, so
//! the keys are hashes and not texts.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use super::claim::{
    self, Claimed, Entries, LONGEST_CLAIM, LinkKeys, LinkName, LinkNote, PostedOutcome, Settlement,
};
use super::owner::LockOwner;
use super::store::StoreError;
use crate::model::lang::Text;
use crate::sys::fork::ForkGuard;
use crate::sys::lock::lock;

/// How many notes about links are kept (about 70 bytes each): claims, and outcomes of posts.
const MAX_NOTES: usize = 1 << 18;

/// How much room is made at once, if enough has expired or is an outcome. Otherwise all notes are
/// looked through at most this often.
const MIN_ROOM: usize = MAX_NOTES / 16;
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// The keys of a link: hashes with 128 bits of a secret, so that two links never share one.
pub(crate) type HashedKeys = LinkKeys<u128>;

#[derive(Default)]
pub(crate) struct ProcessClaims {
    hashers: [RandomState; 2],
    notes: Mutex<Notes>,
}

/// The claims of one process, and those of the children that it forked.
struct Node {
    process: ForkGuard,
    claims: ProcessClaims,
    next: OnceLock<Box<Node>>,
}

impl ProcessClaims {
    /// Those of this process.
    pub fn get() -> &'static ProcessClaims {
        static FIRST: OnceLock<Node> = OnceLock::new();
        let process = ForkGuard::of_this_process();
        let mut node = FIRST.get_or_init(|| Node::new(process));
        // A forked child has claims of its own: its parent may have held the lock during the fork.
        while node.process != process {
            node = node.next.get_or_init(|| Box::new(Node::new(process)));
        }
        &node.claims
    }

    /// The keys of a link.
    pub fn keys(&self, link: &LinkName<'_>) -> HashedKeys {
        // A byte that no text contains separates the parts.
        let hash = |kind: &str, name: &str| {
            let parts = [link.realm, link.appid, kind, name].map(str::as_bytes);
            self.hash(&parts.join(&u8::MAX))
        };
        let account = link.account.map(|account| hash("account", account));
        let token = link.token.map(|token| hash("token", token));
        LinkKeys {
            outcome: link.account.map(|account| hash("outcome", account)),
            claims: account.into_iter().chain(token).collect(),
        }
    }

    pub(super) fn hash(&self, bytes: &[u8]) -> u128 {
        let half = |hasher: &RandomState| {
            let mut hasher = hasher.build_hasher();
            hasher.write(bytes);
            u128::from(hasher.finish())
        };
        half(&self.hashers[0]) << 64 | half(&self.hashers[1])
    }

    /// Takes a claim, unless another owner holds it under one of the keys.
    pub fn claim(
        &self,
        keys: &HashedKeys,
        owner: &LockOwner,
        lasts: Duration,
    ) -> Result<Claimed, StoreError> {
        let mut notes = lock(&self.notes);
        if !notes.make_room() {
            const TOO_MANY: Text = Text {
                en: "this process links too many mini programs at the same time",
                zh: "本进程同时关联的小程序过多",
            };
            return Err(StoreError::permanent(TOO_MANY.into()));
        }
        Ok(claim::claim(&mut *notes, keys, owner, lasts))
    }

    /// Ends the owner's claim.
    pub fn settle(&self, keys: &HashedKeys, owner: &LockOwner, settlement: Settlement) {
        claim::settle(&mut *lock(&self.notes), keys, owner, settlement);
    }
}

impl Node {
    fn new(process: ForkGuard) -> Node {
        Node {
            process,
            claims: ProcessClaims::default(),
            next: OnceLock::new(),
        }
    }
}

/// Notes about links. A `BTreeMap`, because leak checkers take what a static `HashMap` holds for
/// lost.
struct Notes {
    entries: BTreeMap<u128, Entry>,
    last_sweep: Option<Sweep>,
    /// When the times of the entries begin.
    started: Instant,
}

/// When notes were removed last, and how many were added since then.
struct Sweep {
    at: Instant,
    added: usize,
}

/// A [`LinkNote`] with its end. There are many, so it is as small as possible.
struct Entry {
    owner: Option<LockOwner>,
    outcome: Option<PostedOutcome>,
    is_claim: bool,
    /// The time of its end (µs).
    expires: u64,
}

const _: () = assert!(size_of::<Entry>() <= 32);

impl Default for Notes {
    fn default() -> Notes {
        Notes {
            entries: BTreeMap::new(),
            last_sweep: None,
            started: Instant::now(),
        }
    }
}

impl Notes {
    /// The time (µs), as in [`Entry::expires`].
    fn now(&self) -> u64 {
        micros(self.started.elapsed())
    }

    /// Makes room for another claim: removes what has expired, then the outcomes of posts that are
    /// remembered for the shortest time. Claims are never removed. Returns whether there is room.
    fn make_room(&mut self) -> bool {
        if self.entries.len() < MAX_NOTES {
            return true;
        }
        // Looking through all notes for each claim would be slow while they are full of claims.
        let is_swept = self
            .last_sweep
            .as_ref()
            .is_some_and(|last| last.added < MIN_ROOM && last.at.elapsed() < SWEEP_INTERVAL);
        if is_swept {
            return false;
        }
        self.sweep();
        self.entries.len() < MAX_NOTES
    }

    fn sweep(&mut self) {
        let now = self.now();
        self.last_sweep = Some(Sweep {
            at: Instant::now(),
            added: 0,
        });
        self.entries.retain(|_, entry| now < entry.expires);
        if self.entries.len() > MAX_NOTES - MIN_ROOM {
            let outcomes = self.entries.values().filter(|entry| !entry.is_claim);
            let mut ends: Vec<u64> = outcomes.map(|entry| entry.expires).collect();
            ends.sort_unstable();
            let removed = (ends.len() / 2).max(MIN_ROOM);
            let kept_after = ends.get(removed).or(ends.last()).copied();
            self.entries
                .retain(|_, entry| entry.is_claim || Some(entry.expires) > kept_after);
        }
    }
}

impl Entries for Notes {
    type Key = u128;

    fn get(&mut self, key: &u128) -> Option<(LinkNote, Duration)> {
        let entry = self.entries.get(key)?;
        let left = entry.expires.checked_sub(self.now()).filter(|us| *us > 0)?;
        let note = LinkNote {
            owner: entry.owner,
            outcome: entry.outcome,
        };
        Some((note, Duration::from_micros(left)))
    }

    fn set(&mut self, key: &u128, note: LinkNote, lasts: Duration) {
        // Without room, the outcome of a plain link is not recorded. Claims have made room.
        if !self.entries.contains_key(key) && !self.make_room() {
            return;
        }
        let entry = Entry {
            owner: note.owner,
            outcome: note.outcome,
            expires: self.now().saturating_add(micros(lasts)),
            is_claim: lasts <= LONGEST_CLAIM,
        };
        self.entries.insert(*key, entry);
        if let Some(last) = &mut self.last_sweep {
            last.added += 1;
        }
    }

    fn remove(&mut self, key: &u128) {
        self.entries.remove(key);
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(n: usize) -> String {
        format!("wx{n}")
    }

    fn name<'a>(appid: &'a str, account: Option<&'a str>) -> LinkName<'a> {
        LinkName {
            realm: "test",
            account,
            token: None,
            appid,
        }
    }

    #[test]
    fn outcomes_make_room_for_claims_and_claims_do_not() {
        let claims = ProcessClaims::default();
        let owner = LockOwner::new();
        let long = Duration::from_secs(3600);
        let take = |n| {
            let appid = link(n);
            let keys = claims.keys(&name(&appid, Some("a")));
            (claims.claim(&keys, &owner, long), keys)
        };
        let outcome = PostedOutcome::Accepted;
        let stands = Duration::from_millis(1);
        for n in 0..MAX_NOTES {
            let (taken, keys) = take(n);
            assert!(taken.is_ok(), "{n}");
            claims.settle(&keys, &owner, Settlement::Posted { outcome, stands });
        }
        assert!(lock(&claims.notes).entries.len() <= MAX_NOTES);
        // The most recent outcomes are remembered, when their claims have ended.
        std::thread::sleep(Duration::from_millis(5));
        let (taken, _) = take(MAX_NOTES - 1);
        let earlier = Some(outcome);
        assert_eq!(taken.unwrap(), Claimed::Taken { earlier });

        let full = (MAX_NOTES..3 * MAX_NOTES).find(|n| take(*n).0.is_err());
        assert!(full.is_some(), "claims are limited");
        // Refusals are fast: not every one of them looks through all notes.
        let sweeps = |n: usize| {
            assert!(take(n).0.is_err());
            lock(&claims.notes).last_sweep.as_ref().map(|last| last.at)
        };
        let mut swept: Vec<_> = (3 * MAX_NOTES..).take(10_000).map(sweeps).collect();
        swept.dedup();
        let seconds = swept.last().unwrap().unwrap() - swept[0].unwrap();
        assert!(
            swept.len() as u64 <= 1 + seconds.as_secs(),
            "{}",
            swept.len()
        );
        let another = LockOwner::new();
        let keys = claims.keys(&name(&link(MAX_NOTES), Some("a")));
        let held = claim::claim(&mut *lock(&claims.notes), &keys, &another, long);
        assert!(matches!(held, Claimed::Held { .. }), "{held:?}");
    }
}
