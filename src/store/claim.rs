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
/// The end of every key under which an outcome is remembered.
pub(super) const OUTCOME_SUFFIX: &str = ":outcome";

/// The keys of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LinkKeys {
    /// A key for each known name of the owner: the account, the token.
    claims: Vec<String>,
    /// The key under which the outcome of the last post is remembered. Tokens change too often to
    /// remember anything of theirs.
    outcome: Option<String>,
}

impl LinkKeys {
    /// The keys of the link that `link` names, for an owner with these names.
    pub fn new(link: &str, account: Option<&str>, token: Option<&str>) -> LinkKeys {
        // The braces make a Redis cluster keep all keys of a link on one node.
        let key = |kind: &str, name: &str| format!("wxlink:link:{{{link}}}:{kind}:{name}");
        let account = account.map(|name| key("account", name));
        let outcome = account.as_ref().map(|key| format!("{key}{OUTCOME_SUFFIX}"));
        let token = token.map(|name| key("token", name));
        let claims = account.into_iter().chain(token).collect();
        LinkKeys { claims, outcome }
    }

    pub(super) fn claims(&self) -> &[String] {
        &self.claims
    }

    pub(super) fn outcome(&self) -> Option<&str> {
        self.outcome.as_deref()
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
    /// The mini program is linked, or WeChat accepted its unlinking: nothing is remembered.
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

/// Takes the claim under all keys, unless another owner holds it under one of them.
pub(super) fn claim(
    entries: &mut impl Entries,
    keys: &LinkKeys,
    owner: &LockOwner,
    lasts: Duration,
) -> Claimed {
    let mut held: Option<(Option<PostedOutcome>, Duration)> = None;
    for key in &keys.claims {
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
    for key in &keys.claims {
        entries.set(key, owner.as_str(), lasts.min(LONGEST_CLAIM));
    }
    let outcome = keys.outcome().and_then(|key| entries.get(key));
    Claimed::Taken {
        earlier: outcome.map(|(text, _)| PostedOutcome::parse(&text)),
    }
}

/// Ends the owner's claim. A claim that another owner has taken since is left alone.
pub(super) fn settle(
    entries: &mut impl Entries,
    keys: &LinkKeys,
    owner: &LockOwner,
    settlement: Settlement,
) {
    for key in &keys.claims {
        let current = entries.get(key).map(|(text, _)| text);
        let is_anothers = current.is_some_and(|text| parse_claim(&text).0 != owner.as_str());
        match settlement {
            _ if is_anothers => {}
            Settlement::NotPosted | Settlement::Forget => entries.remove(key),
            Settlement::Posted { outcome, stands } => {
                let text = format!("{} {}", owner.as_str(), outcome.as_str());
                entries.set(key, &text, stands.min(LONGEST_CLAIM));
            }
        }
    }
    let Some(key) = keys.outcome() else { return };
    match settlement {
        Settlement::NotPosted => {}
        Settlement::Posted { outcome, .. } => entries.set(key, outcome.as_str(), REMEMBERED),
        Settlement::Forget => entries.remove(key),
    }
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
        // A name is an account, or a token if it begins with "t".
        let keys = |names: &[&str]| {
            let find = |is_token| {
                names
                    .iter()
                    .find(|n| n.starts_with('t') == is_token)
                    .copied()
            };
            LinkKeys::new("test:wx", find(false), find(true))
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
        for names in [&["a"][..], &["t"], &["t", "b"], &["t2", "a"]] {
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

        // Nothing is remembered of a token.
        assert_eq!(claim(&["t3"], &ours, long), taken(None));
        settle(
            &["t3"],
            &ours,
            posted(PostedOutcome::Accepted, Duration::from_millis(1)),
        );
        thread::sleep(Duration::from_millis(20));
        assert_eq!(claim(&["t3"], &theirs, long), taken(None));
        settle(&["t3"], &theirs, Settlement::NotPosted);

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
