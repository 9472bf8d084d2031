//! The link claims of a client: who may post an invitation now.
//!
//! A claim is taken in this process's memory first, which all clients share, and then in the store
//! that the client shares with other processes, if it has one. The memory also covers a store that
//! loses claims. Accesses to the shared store run on a thread of the library, so that a call's
//! limit and its cancellation hold.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::config::host::Host;
use crate::store::{
    ClaimChange, ClaimQueue, ClaimStep, Claimed, HashedKeys, LinkKeys, LinkName, LockOwner,
    PostedOutcome, ProcessClaims, Settlement, Store, StoreError, TIME_TO_SETTLE, realm,
};
use crate::sys::cancel::{CancelToken, WaitError};
use crate::sys::single_flight::GRACE;

/// How long a call waits for that. It has its result already.
const MAX_SETTLE_WAIT: Duration = Duration::from_secs(1);

/// The claims of a client and the handles derived from it.
pub(super) struct LinkClaims {
    realm: String,
    /// The changes in the store that other processes use as well.
    shared: Option<ClaimQueue>,
    /// The owner of what is recorded without a claim.
    recorder: LockOwner,
}

/// A held claim. It has to be [settled](LinkClaims::settle); until then it stands.
pub(super) struct Claim {
    keys: Keys,
    owner: LockOwner,
}

/// The keys of a link: in this process's memory, and in the shared store if there is one.
#[derive(Clone)]
pub(super) struct Keys {
    here: HashedKeys,
    shared: Option<Arc<LinkKeys>>,
}

/// The outcome of an attempt to claim a link.
pub(super) enum Attempt {
    /// The caller may post. The outcome of the last post is remembered.
    Taken(Claim, Option<PostedOutcome>),
    /// Another call posts or has posted; `None`: its outcome is not known yet.
    Held {
        outcome: Option<PostedOutcome>,
        left: Duration,
    },
}

/// How long a call waits until the end of a claim is stored.
pub(super) struct SettleWait<'a> {
    pub limit: Instant,
    pub cancel: &'a CancelToken,
}

/// Why a claim could not be taken.
pub(super) enum ClaimError {
    Cancelled,
    /// The store cannot be used.
    Store(StoreError),
    /// The process has no thread or no file descriptor left.
    System(String),
}

impl LinkClaims {
    /// Claims of links at these hosts.
    pub fn new(hosts: &[Host], shared: Option<Arc<dyn Store>>) -> LinkClaims {
        LinkClaims {
            realm: realm(hosts),
            shared: shared.map(ClaimQueue::new),
            recorder: LockOwner::new(),
        }
    }

    /// The keys of a link.
    pub fn keys(&self, account: Option<&str>, token: Option<&str>, appid: &str) -> Keys {
        let link = LinkName {
            realm: &self.realm,
            account,
            token,
            appid,
        };
        let here = ProcessClaims::get().keys(&link);
        match &self.shared {
            None => Keys { here, shared: None },
            // The shared store alone remembers outcomes, because other processes may forget them.
            Some(_) => Keys {
                here: here.without_outcome(),
                shared: Some(LinkKeys::new(&link).into()),
            },
        }
    }

    /// Claims the link for `lasts`. Ends soon after `limit`.
    pub fn take(
        &self,
        keys: Keys,
        lasts: Duration,
        limit: Instant,
        cancel: &CancelToken,
    ) -> Result<Attempt, ClaimError> {
        let claim = Claim {
            keys,
            owner: LockOwner::new(),
        };
        let here = ProcessClaims::get().claim(&claim.keys.here, &claim.owner, lasts);
        let remembered = match here {
            Ok(Claimed::Held { outcome, left }) => return Ok(Attempt::Held { outcome, left }),
            Ok(Claimed::Taken { earlier }) => earlier,
            // The shared store has the claim, too.
            Err(_) if self.shared.is_some() => None,
            Err(full) => return Err(ClaimError::Store(full)),
        };
        let (Some(queue), Some(keys)) = (&self.shared, &claim.keys.shared) else {
            return Ok(Attempt::Taken(claim, remembered));
        };
        let change = ClaimChange {
            keys: keys.clone(),
            owner: claim.owner,
            step: ClaimStep::Claim { lasts },
            limit,
        };
        match take_in(queue, change, cancel) {
            Ok(Claimed::Taken { earlier }) => Ok(Attempt::Taken(claim, earlier.or(remembered))),
            Ok(Claimed::Held { outcome, left }) => {
                settle_here(&claim, Settlement::NotPosted);
                Ok(Attempt::Held { outcome, left })
            }
            Err(e) => {
                settle_here(&claim, Settlement::NotPosted);
                Err(e)
            }
        }
    }

    /// Ends a claim. If the caller waits, waits a moment for the shared store, at most until the
    /// limit or until the call is cancelled; the access continues. If it fails, the claim stands as
    /// long as it was taken.
    pub fn settle(&self, claim: &Claim, settlement: Settlement, wait: Option<SettleWait<'_>>) {
        settle_here(claim, settlement);
        let (Some(queue), Some(keys)) = (&self.shared, &claim.keys.shared) else {
            return;
        };
        let now = Instant::now();
        let change = ClaimChange {
            keys: keys.clone(),
            owner: claim.owner,
            step: ClaimStep::Settle(settlement),
            limit: now + TIME_TO_SETTLE,
        };
        // Nothing depends on the moment at which an outcome is forgotten.
        let is_forgotten = matches!(settlement, Settlement::Linked { .. } | Settlement::Unlinked);
        let Some(wait) = wait.filter(|_| !is_forgotten) else {
            return queue.submit_and_leave(change);
        };
        if let Ok(queued) = queue.submit(change) {
            let limit = wait.limit.min(now + MAX_SETTLE_WAIT);
            let _ = queued.wait(limit, wait.cancel);
        }
    }

    /// Records what a call did that took no claim: a plain link, an unlink, or a list that shows
    /// the mini program as linked.
    pub fn record(&self, keys: Keys, settlement: Settlement, limit: Instant, cancel: &CancelToken) {
        let owner = self.recorder;
        let wait = SettleWait { limit, cancel };
        self.settle(&Claim { keys, owner }, settlement, Some(wait));
    }

    /// Waits until the running accesses to the store are finished. Returns `false` if the limit
    /// passes first.
    pub fn finish(&self, limit: Instant) -> bool {
        self.shared.as_ref().is_none_or(|queue| queue.finish(limit))
    }
}

/// Takes a claim in the shared store. Ends soon after the change's limit.
fn take_in(
    queue: &ClaimQueue,
    change: ClaimChange,
    cancel: &CancelToken,
) -> Result<Claimed, ClaimError> {
    let limit = change.limit;
    let queued = queue
        .submit(change)
        .map_err(|e| ClaimError::System(format!("no thread for the store: {e}")))?;
    // The store's own error says more than a time-out.
    match queued.wait(limit + GRACE, cancel) {
        Ok(Ok(Some(claimed))) => Ok(claimed),
        Ok(Ok(None)) => Err(ClaimError::System("the store's thread failed".into())),
        Ok(Err(e)) => Err(ClaimError::Store(e)),
        Err(WaitError::Cancelled) => Err(ClaimError::Cancelled),
        Err(WaitError::TimedOut) => {
            Err(ClaimError::Store(StoreError::not_responding(queue.store())))
        }
        Err(WaitError::Failed(e)) => Err(ClaimError::System(e.to_string())),
    }
}

/// Ends a claim in this process's memory, which cannot fail.
fn settle_here(claim: &Claim, settlement: Settlement) {
    ProcessClaims::get().settle(&claim.keys.here, &claim.owner, settlement);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::options::Options;
    use crate::store;

    #[test]
    fn keys_name_the_realm_and_contain_no_token() {
        let mut options = Options::new();
        let store = store::open(&options.store).unwrap();
        let keys = |options: &Options| {
            let claims = LinkClaims::new(&options.hosts, Some(store.clone()));
            let keys = claims.keys(Some("wxa:{1}"), Some("TOKEN"), "wx1");
            format!("{:?}", keys.shared)
        };
        let production = keys(&options);
        assert!(production.contains("wxlink:link:{production:wx1}:account:wxa%3A%7B1%7D"));
        assert!(!production.contains("TOKEN"), "{production}");
        options.set("base_url", "http://127.0.0.1:8080").unwrap();
        let simulated = keys(&options);
        assert!(
            simulated.contains("{http%3A%2F%2F127.0.0.1%3A8080:wx1}"),
            "{simulated}"
        );
    }
}
