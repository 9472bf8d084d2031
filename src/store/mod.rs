//! What survives a process: in memory, in a file that processes share, or in a Redis that machines
//! share.
//!
//! A store keeps texts by key and does not know what they mean. Each key has a lock beside it,
//! which expires if its holder is killed. Link claims (`claim.rs`) decide who may post. Every
//! access ends at its limit. Accesses block, so they run on threads of the library and not on the
//! caller's.

pub(crate) mod claim;
pub(crate) mod claim_queue;
#[cfg(feature = "file-store")]
pub(crate) mod clock;
#[cfg(test)]
mod contract;
#[cfg(feature = "file-store")]
mod file;
pub(crate) mod key;
mod memory;
mod owner;
mod process_claims;
#[cfg(feature = "redis-store")]
mod redis;
#[cfg(feature = "redis-store")]
pub mod redis_connection;
pub(crate) mod retry;
#[allow(clippy::module_inception)]
mod store;
#[cfg(any(feature = "file-store", feature = "redis-store"))]
mod timed_mutex;

use std::sync::Arc;

use crate::config::store_url::StoreUrl;
use crate::model::message::Message;

pub(crate) use claim::{
    ClaimChange, ClaimStep, Claimed, LinkKeys, LinkName, PostedOutcome, Settlement,
};
pub(crate) use claim_queue::{ClaimQueue, TIME_TO_SETTLE};
pub(crate) use key::realm;
pub(crate) use owner::LockOwner;
pub(crate) use process_claims::{HashedKeys, ProcessClaims};
#[cfg(test)]
pub(crate) use store::Changed;
pub(crate) use store::{Store, StoreError};

/// The store at this URL. Nothing is opened or connected before the first access.
///
/// # Errors
/// TLS cannot be set up for `rediss://`.
pub(crate) fn open(url: &StoreUrl) -> Result<Arc<dyn Store>, Message> {
    Ok(match url {
        StoreUrl::Memory => Arc::new(memory::Memory::default()),
        #[cfg(feature = "file-store")]
        StoreUrl::File(path) => Arc::new(file::File::new(path)),
        #[cfg(feature = "redis-store")]
        StoreUrl::Redis(info) => Arc::new(redis::Redis::new(info)?),
    })
}
