//! Link claims: who may post an invitation now, and what became of earlier ones.
//!
//! An invitation may take effect long after its request seemed to fail, and the list may show it
//! late. So a call claims the mini program before it posts, and the claim stands for a while after
//! the post. A claim has one or two names (the account and the token) and is taken under both in
//! one atomic step.
//!
//! The stores in memory and in a file run [`claim`] and [`settle`] on their entries. Redis runs the
//! same steps as scripts. `contract.rs` checks all three.

use std::time::Duration;

use super::owner::LockOwner;

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
