//! Who holds a lock or a claim.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

/// The owner of a lock or a claim.
#[derive(Clone)]
pub(crate) struct LockOwner(Arc<str>);

impl LockOwner {
    /// An owner that no other process has.
    pub fn new() -> LockOwner {
        let part = || RandomState::new().hash_one(std::process::id());
        LockOwner(format!("{:016x}{:016x}", part(), part()).into())
    }

    /// The text that stores keep for the owner.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}
