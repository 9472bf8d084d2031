//! Link claims: who may post an invitation now, and what became of earlier ones.
//!
//! An invitation may take effect long after its request seemed to fail, and the list may show it
//! late. So a call claims the mini program before it posts, and the claim stands for a while after
//! the post. A claim has one or two names (the account and the token) and is taken under both in
//! one atomic step.
//!
//! The stores in memory and in a file run [`claim`] and [`settle`] on their entries. Redis runs the
//! same steps as scripts. `contract.rs` checks all three.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::key::{encoded, sha256};
use super::owner::LockOwner;

/// How long the outcome of a post is remembered.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// The longest duration of a claim.
pub(crate) const LONGEST_CLAIM: Duration = Duration::from_secs(3 * 60 * 60);
/// What names a link.
#[derive(Clone, Copy)]
pub(crate) struct LinkName<'a> {
    /// See [`realm`](super::realm).
    pub realm: &'a str,
    /// The Official Account, if it is known.
    pub account: Option<&'a str>,
    /// Its access token, if it is known. Other processes may know only one of the two.
    pub token: Option<&'a str>,
    /// The mini program.
    pub appid: &'a str,
}

/// The keys of a link in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LinkKeys<K = String> {
    /// A key for each known name of the owner: the account, the token.
    pub(crate) claims: Vec<K>,
    /// The key under which the outcome of the last post is remembered. Tokens change too often to
    /// remember anything of theirs.
    pub(crate) outcome: Option<K>,
}

impl LinkKeys {
    /// The keys of a store that other processes use as well. They contain no token.
    pub fn new(link: &LinkName<'_>) -> LinkKeys {
        // The braces make a Redis cluster keep all keys of a link on one node.
        let tag = format!("{{{}:{}}}", encoded(link.realm), encoded(link.appid));
        let account = link.account.map(encoded);
        let account = account.map(|account| format!("wxlink:link:{tag}:account:{account}"));
        let token = link.token.map(sha256);
        let token = token.map(|digest| format!("wxlink:link:{tag}:token:{digest}"));
        LinkKeys {
            outcome: account.as_ref().map(|key| format!("{key}:outcome")),
            claims: account.into_iter().chain(token).collect(),
        }
    }
}

impl<K> LinkKeys<K> {
    /// The same keys for a store that is not to remember the outcome.
    pub fn without_outcome(self) -> LinkKeys<K> {
        LinkKeys {
            outcome: None,
            ..self
        }
    }
}

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
        /// The outcome of the account's last post, if one is remembered.
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

/// A change of a link's claim in a store.
#[derive(Clone)]
pub(crate) struct ClaimChange {
    pub keys: Arc<LinkKeys>,
    pub owner: LockOwner,
    pub step: ClaimStep,
    /// When the access to the store ends.
    pub limit: Instant,
}

/// What a change does.
#[derive(Clone, Copy)]
pub(crate) enum ClaimStep {
    /// Claims the link for `lasts`, unless another owner holds the claim under one of its keys.
    Claim { lasts: Duration },
    /// Ends the owner's claim.
    Settle(Settlement),
}

/// The end of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settlement {
    /// Nothing was sent, or WeChat refused the invitation: the claim is removed.
    NotPosted,
    /// WeChat may have received the post: the claim stands for `stands` from now on, for every
    /// owner, and the outcome is remembered. It does not shorten a claim of another owner.
    Posted {
        outcome: PostedOutcome,
        stands: Duration,
    },
    /// The mini program is linked: the outcome is forgotten. The owner's claim stands for `stands`
    /// from now on, because other calls may have read the list before.
    Linked { stands: Duration },
    /// WeChat accepted its unlinking: the outcome is forgotten, and so is the claim of a post that
    /// WeChat accepted, also if another owner made it.
    Unlinked,
}

/// What is kept at a key: a claim, which has an outcome once its owner has posted; or the outcome
/// of the last post, which has no owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LinkNote {
    /// `None` in a claim if a later version wrote it.
    pub owner: Option<LockOwner>,
    pub outcome: Option<PostedOutcome>,
}

impl LinkNote {
    /// The text that stores keep: "OWNER", "OWNER OUTCOME" or "OUTCOME".
    #[cfg(any(feature = "file-store", test))]
    pub(super) fn text(self) -> String {
        let owner = self.owner.map(LockOwner::text);
        let outcome = self.outcome.map(|outcome| outcome.as_str().to_owned());
        let words: Vec<String> = owner.into_iter().chain(outcome).collect();
        words.join(" ")
    }

    /// Reads the text of a store.
    pub fn parse(text: &str) -> LinkNote {
        match text.split_once(' ') {
            Some((owner, outcome)) => LinkNote {
                owner: LockOwner::parse(owner),
                outcome: Some(PostedOutcome::parse(outcome)),
            },
            None => {
                let outcome = PostedOutcome::parse(text);
                LinkNote {
                    owner: LockOwner::parse(text),
                    outcome: (outcome.as_str() == text).then_some(outcome),
                }
            }
        }
    }
}

/// Notes by key that expire, within one atomic step.
pub(crate) trait Entries {
    type Key;

    /// The note at the key and the time until it expires; `None` for a key without a valid note.
    fn get(&mut self, key: &Self::Key) -> Option<(LinkNote, Duration)>;
    /// Writes a note that expires after `lasts`.
    fn set(&mut self, key: &Self::Key, note: LinkNote, lasts: Duration);
    /// Removes a note, if there is one.
    fn remove(&mut self, key: &Self::Key);
}

/// Makes a change. `None` after a claim was ended.
#[cfg(feature = "file-store")]
pub(super) fn change<E: Entries>(
    entries: &mut E,
    keys: &LinkKeys<E::Key>,
    owner: &LockOwner,
    step: ClaimStep,
) -> Option<Claimed> {
    match step {
        ClaimStep::Claim { lasts } => Some(claim(entries, keys, owner, lasts)),
        ClaimStep::Settle(settlement) => {
            settle(entries, keys, owner, settlement);
            None
        }
    }
}

/// Takes the claim under all keys, unless another owner holds it under one of them.
pub(crate) fn claim<E: Entries>(
    entries: &mut E,
    keys: &LinkKeys<E::Key>,
    owner: &LockOwner,
    lasts: Duration,
) -> Claimed {
    let ours = LinkNote {
        owner: Some(*owner),
        outcome: None,
    };
    let mut held: Option<(Option<PostedOutcome>, Duration)> = None;
    for key in &keys.claims {
        let Some((note, left)) = entries.get(key).filter(|(note, _)| *note != ours) else {
            continue;
        };
        if held.is_none_or(|(_, longest)| longest < left) {
            held = Some((note.outcome, left));
        }
    }
    if let Some((outcome, left)) = held {
        return Claimed::Held { outcome, left };
    }
    for key in &keys.claims {
        entries.set(key, ours, lasts.min(LONGEST_CLAIM));
    }
    let earlier = keys.outcome.as_ref().and_then(|key| entries.get(key));
    Claimed::Taken {
        earlier: earlier.map(|(note, _)| note.outcome.unwrap_or(PostedOutcome::Unknown)),
    }
}

/// Ends the owner's claim, or records what happened without one.
pub(crate) fn settle<E: Entries>(
    entries: &mut E,
    keys: &LinkKeys<E::Key>,
    owner: &LockOwner,
    settlement: Settlement,
) {
    for key in &keys.claims {
        let current = entries.get(key);
        let is_ours = current.is_some_and(|(note, _)| note.owner == Some(*owner));
        let is_accepted =
            current.is_some_and(|(note, _)| note.outcome == Some(PostedOutcome::Accepted));
        let posted = |outcome| LinkNote {
            owner: Some(*owner),
            outcome: Some(outcome),
        };
        match settlement {
            Settlement::NotPosted if is_ours => entries.remove(key),
            Settlement::Unlinked if is_ours || is_accepted => entries.remove(key),
            Settlement::Linked { stands } if is_ours => {
                let note = posted(PostedOutcome::Accepted);
                entries.set(key, note, stands.min(LONGEST_CLAIM));
            }
            Settlement::NotPosted | Settlement::Linked { .. } | Settlement::Unlinked => {}
            Settlement::Posted { outcome, stands } => {
                let anothers = current.filter(|_| !is_ours).map(|(_, left)| left);
                let stands = anothers.map_or(stands, |left| stands.max(left));
                entries.set(key, posted(outcome), stands.min(LONGEST_CLAIM));
            }
        }
    }
    let Some(key) = &keys.outcome else { return };
    match settlement {
        Settlement::NotPosted => {}
        Settlement::Posted { outcome, .. } => {
            let note = LinkNote {
                owner: None,
                outcome: Some(outcome),
            };
            entries.set(key, note, REMEMBERED);
        }
        Settlement::Linked { .. } | Settlement::Unlinked => entries.remove(key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stores_keep_is_read_again() {
        let owner = Some(LockOwner::new());
        for outcome in [
            None,
            Some(PostedOutcome::Accepted),
            Some(PostedOutcome::Unknown),
        ] {
            for owner in [owner, None] {
                let note = LinkNote { owner, outcome };
                assert_eq!(LinkNote::parse(&note.text()), note, "{}", note.text());
            }
        }
    }

    #[test]
    fn what_another_version_wrote_has_no_owner_and_is_not_accepted() {
        for text in [
            "0",
            "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
            "later words",
            "later",
        ] {
            let note = LinkNote::parse(text);
            assert_eq!(note.owner, None, "{text}");
            assert_ne!(note.outcome, Some(PostedOutcome::Accepted), "{text}");
        }
    }
}
