//! What every store offers: texts by key with compare-and-swap, a lock beside each key, and link
//! claims.

use std::time::{Duration, Instant};

use super::claim::{ClaimChange, Claimed};
use super::owner::LockOwner;
use crate::model::lang::Lang;
use crate::model::message::{Message, message};

/// The longest duration of a lock. A lock that expires later was taken by a wrong clock.
pub(crate) const LONGEST_LOCK: Duration = Duration::from_secs(30);

/// Why a store cannot be used.
#[derive(Clone, Debug)]
pub(crate) struct StoreError {
    /// A text without secrets.
    pub why: Message,
    /// Whether the store may soon be available again, for example after a restart.
    pub transient: bool,
    /// Whether the access failed only because its limit passed.
    pub is_late: bool,
}

impl StoreError {
    /// An error that the next attempt would meet as well.
    pub(super) fn permanent(why: Message) -> StoreError {
        StoreError {
            why,
            transient: false,
            is_late: false,
        }
    }

    /// The thread that uses the store has not finished at the limit.
    pub fn not_responding(store: &dyn Store) -> StoreError {
        let name = store.name();
        let (en, zh) = (name.get(Lang::En), name.get(Lang::Zh));
        StoreError {
            why: message!(
                "{en} does not respond in time, or is in use by other processes",
                "{zh}未及时响应，或正被其他进程占用"
            ),
            transient: true,
            is_late: true,
        }
    }

    /// The store did not become available before the limit.
    #[cfg(any(feature = "file-store", feature = "redis-store"))]
    pub(super) fn timed_out(why: Message) -> StoreError {
        StoreError {
            why,
            transient: true,
            is_late: true,
        }
    }
}

/// A store. Every access ends soon after `until`, with an error if it is not done by then.
pub(crate) trait Store: Send + Sync {
    /// The kind and place of the store, the subject of messages.
    fn name(&self) -> Message;

    /// The text at the key.
    fn read(&self, key: &str, until: Instant) -> Result<Option<Vec<u8>>, StoreError>;

    /// Writes `new` if the key still holds `was`. Returns whether it did.
    fn swap(
        &self,
        key: &str,
        was: Option<&[u8]>,
        new: &str,
        until: Instant,
    ) -> Result<bool, StoreError>;

    /// Takes the key's lock for `at_most`, but no longer than [`LONGEST_LOCK`], unless another
    /// owner holds it. Returns whether `owner` holds the lock now. It may take the lock again, to
    /// prolong it or because the reply was lost.
    fn lock(
        &self,
        key: &str,
        owner: &LockOwner,
        at_most: Duration,
        until: Instant,
    ) -> Result<bool, StoreError>;

    /// Releases the lock if `owner` still holds it.
    fn unlock(&self, key: &str, owner: &LockOwner, until: Instant) -> Result<(), StoreError>;

    /// Changes the claim of a link under all its keys, in one atomic step. The same owner may make
    /// the same change again, because the reply was lost. Ends soon after the change's limit.
    fn change_claim(&self, change: &ClaimChange) -> Changed;

    /// Makes several changes, in their order, and calls `done` with the index and the result of
    /// each.
    fn change_claims(&self, changes: &[ClaimChange], done: &mut dyn FnMut(usize, Changed)) {
        for (n, change) in changes.iter().enumerate() {
            done(n, self.change_claim(change));
        }
    }
}

/// The result of a change: of a claim, or `None` after a claim was ended.
pub(crate) type Changed = Result<Option<Claimed>, StoreError>;
