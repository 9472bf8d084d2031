//! Link claims: who may post an invitation now, and what became of earlier ones.
//!
//! An invitation may take effect long after its request seemed to fail, and the list may show it
//! late. So a call claims the mini program before it posts, and the claim stands for a while after
//! the post. A claim has one or two names (the account and the token) and is taken under both in
//! one atomic step.
//!
//! The stores in memory and in a file run [`claim`] and [`settle`] on their entries. Redis runs the
//! same steps as scripts. `fulfils_the_contract` checks all three.

use std::time::Duration;

use super::store::LockOwner;

/// How long the outcome of a post is remembered.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// The longest duration of a claim. One that lasts longer was written by a wrong clock.
pub(super) const LONGEST_CLAIM: Duration = Duration::from_secs(3 * 60 * 60);
/// The suffix of the key under which the outcome of the last post is remembered.
pub(super) const POSTED_SUFFIX: &str = ":posted";

/// The outcome of a post, as the stores keep it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PostedOutcome {
    /// WeChat accepted the invitation, or answered that one exists.
    Accepted,
    /// There was no usable response, or WeChat answered -1: it may have acted.
    Unknown,
}

impl PostedOutcome {
    /// The text that stores keep.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            PostedOutcome::Accepted => "accepted",
            PostedOutcome::Unknown => "unknown",
        }
    }

    /// Reads the text of a store. One that a later version wrote may mean anything.
    pub(super) fn parse(text: &str) -> PostedOutcome {
        if text == "accepted" {
            PostedOutcome::Accepted
        } else {
            PostedOutcome::Unknown
        }
    }
}

/// The answer to a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claimed {
    /// The caller holds the claim and may post.
    Taken {
        /// The outcome of the last post, if one is remembered.
        earlier: Option<PostedOutcome>,
    },
    /// Another call holds the claim.
    Held {
        /// The outcome of its post; `None` if it has not finished.
        outcome: Option<PostedOutcome>,
        /// How long the claim stands.
        left: Duration,
    },
}

/// The end of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settlement {
    /// Nothing was sent, or WeChat refused the invitation: the claim is removed.
    NotPosted,
    /// WeChat may have received the post: the claim stands for `stands` from now on, for everybody,
    /// and the outcome is remembered.
    Posted {
        outcome: PostedOutcome,
        stands: Duration,
    },
    /// The mini program is linked, or WeChat accepted that it be unlinked: nothing is remembered.
    Forget,
}

/// Texts by key that expire, within one atomic step.
pub(super) trait Entries {
    /// The text at the key and how long it stands; `None` if there is none or it has expired.
    fn get(&mut self, key: &str) -> Option<(String, Duration)>;
    /// Writes a text that expires after `lasts`.
    fn set(&mut self, key: &str, text: &str, lasts: Duration);
    /// Removes a text, if there is one.
    fn remove(&mut self, key: &str);
}

/// Takes the claim under all `keys`, unless another owner holds it under one of them.
pub(super) fn claim(
    entries: &mut impl Entries,
    keys: &[String],
    owner: &LockOwner,
    lasts: Duration,
) -> Claimed {
    let mut held: Option<(Option<PostedOutcome>, Duration)> = None;
    for key in keys {
        let Some((text, left)) = entries.get(key).filter(|(text, _)| text != owner.as_str()) else {
            continue;
        };
        let (_, outcome) = parse_claim(&text);
        if held.is_none_or(|(_, longest)| longest < left) {
            held = Some((outcome, left));
        }
    }
    if let Some((outcome, left)) = held {
        return Claimed::Held { outcome, left };
    }
    let mut earlier = None;
    for key in keys {
        entries.set(key, owner.as_str(), lasts.min(LONGEST_CLAIM));
        let posted = entries.get(&posted_key(key));
        earlier = earlier.or(posted.map(|(text, _)| PostedOutcome::parse(&text)));
    }
    Claimed::Taken { earlier }
}

/// Ends the owner's claim. A claim that another owner has taken since is left alone.
pub(super) fn settle(
    entries: &mut impl Entries,
    keys: &[String],
    owner: &LockOwner,
    settlement: Settlement,
) {
    for key in keys {
        let current = entries.get(key).map(|(text, _)| text);
        let is_anothers = current.is_some_and(|text| parse_claim(&text).0 != owner.as_str());
        match settlement {
            Settlement::NotPosted if is_anothers => {}
            Settlement::NotPosted => entries.remove(key),
            Settlement::Posted { outcome, stands } => {
                if !is_anothers && !stands.is_zero() {
                    let text = format!("{} {}", owner.as_str(), outcome.as_str());
                    entries.set(key, &text, stands.min(LONGEST_CLAIM));
                }
                entries.set(&posted_key(key), outcome.as_str(), REMEMBERED);
            }
            Settlement::Forget => {
                if !is_anothers {
                    entries.remove(key);
                }
                entries.remove(&posted_key(key));
            }
        }
    }
}

/// The key under which the outcome of the last post is remembered.
pub(super) fn posted_key(key: &str) -> String {
    format!("{key}{POSTED_SUFFIX}")
}

/// The owner of a claim and the outcome of its post: "OWNER" or "OWNER OUTCOME".
pub(super) fn parse_claim(text: &str) -> (&str, Option<PostedOutcome>) {
    match text.split_once(' ') {
        Some((owner, outcome)) => (owner, Some(PostedOutcome::parse(outcome))),
        None => (text, None),
    }
}

/// What every store does with claims.
#[cfg(test)]
pub(super) mod tests {
    use std::thread;
    use std::time::Instant;

    use super::*;
    use crate::store::store::Store;

    pub fn fulfils_the_contract(store: &dyn Store) {
        let soon = || Instant::now() + Duration::from_secs(60);
        let keys = |names: &[&str]| -> Vec<String> {
            names
                .iter()
                .map(|name| format!("wxlink:link:{{t:wx}}:{name}"))
                .collect()
        };
        let long = Duration::from_secs(600);
        let claim = |names: &[&str], owner: &LockOwner, lasts| {
            store.claim(&keys(names), owner, lasts, soon()).unwrap()
        };
        let settle = |names: &[&str], owner: &LockOwner, settlement| {
            store
                .settle(&keys(names), owner, settlement, soon())
                .unwrap();
        };
        let taken = |earlier| Claimed::Taken { earlier };
        let held_by = |claimed: Claimed| match claimed {
            Claimed::Held { outcome, left } => {
                assert!(left > Duration::from_secs(500) && left <= long, "{left:?}");
                outcome
            }
            taken => panic!("{taken:?}"),
        };
        let posted = |outcome, stands| Settlement::Posted { outcome, stands };
        let (ours, theirs) = (LockOwner::new(), LockOwner::new());

        // A claim under two names blocks both, and another mini program not.
        assert_eq!(claim(&["a", "t"], &ours, long), taken(None));
        assert_eq!(claim(&["a", "t"], &ours, long), taken(None));
        for names in [&["a"][..], &["t"], &["t", "b"], &["b", "a"]] {
            assert_eq!(held_by(claim(names, &theirs, long)), None, "{names:?}");
        }
        assert_eq!(claim(&["b"], &theirs, long), taken(None));

        // Another owner's settlement changes nothing of ours.
        settle(&["a", "t"], &theirs, Settlement::NotPosted);
        assert_eq!(held_by(claim(&["a"], &theirs, long)), None);
        // What was not posted is free and leaves nothing behind.
        settle(&["a", "t"], &ours, Settlement::NotPosted);
        assert_eq!(claim(&["t"], &theirs, long), taken(None));
        settle(&["t"], &theirs, Settlement::NotPosted);

        // After a post the claim stands for everybody, its owner included.
        for outcome in [PostedOutcome::Accepted, PostedOutcome::Unknown] {
            let ours = LockOwner::new();
            let brief = Duration::from_millis(1);
            let mut taken_again = claim(&["p"], &ours, long);
            assert!(matches!(taken_again, Claimed::Taken { .. }));
            settle(&["p"], &ours, posted(outcome, long));
            for owner in [&ours, &theirs] {
                assert_eq!(held_by(claim(&["p"], owner, long)), Some(outcome));
            }
            // When it has expired, the outcome is still remembered.
            settle(&["p"], &ours, posted(outcome, brief));
            let give_up = soon();
            while !matches!(taken_again, Claimed::Taken { earlier: Some(_) }) {
                assert!(Instant::now() < give_up, "a claim that does not expire");
                thread::sleep(Duration::from_millis(2));
                taken_again = claim(&["p"], &theirs, long);
            }
            assert_eq!(taken_again, taken(Some(outcome)));
            // A refusal removes the claim and keeps what is remembered.
            settle(&["p"], &theirs, Settlement::NotPosted);
            assert_eq!(claim(&["p"], &ours, long), taken(Some(outcome)));
            settle(&["p"], &ours, Settlement::Forget);
            assert_eq!(claim(&["p"], &ours, long), taken(None));
            settle(&["p"], &ours, Settlement::Forget);
        }

        // A late settlement does not shorten the claim of the next owner.
        assert_eq!(claim(&["l"], &ours, Duration::from_millis(1)), taken(None));
        thread::sleep(Duration::from_millis(20));
        assert_eq!(claim(&["l"], &theirs, long), taken(None));
        settle(
            &["l"],
            &ours,
            posted(PostedOutcome::Unknown, Duration::from_millis(1)),
        );
        thread::sleep(Duration::from_millis(20));
        assert_eq!(held_by(claim(&["l"], &ours, long)), None);
        settle(&["l"], &theirs, Settlement::NotPosted);
        let remembered = taken(Some(PostedOutcome::Unknown));
        assert_eq!(claim(&["l"], &ours, long), remembered);
    }
}
