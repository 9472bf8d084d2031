//! Who holds a lock or a claim.

use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU128;

/// The owner of a lock or a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LockOwner(NonZeroU128);

impl LockOwner {
    /// An owner that no other process has.
    pub fn new() -> LockOwner {
        let part = || u128::from(RandomState::new().hash_one(std::process::id()));
        LockOwner(NonZeroU128::new(part() << 64 | part()).unwrap_or(NonZeroU128::MIN))
    }

    /// The text that stores keep for the owner.
    pub(super) fn text(self) -> String {
        format!("{:032x}", self.0)
    }

    /// Reads the text of a store; `None` if this version wrote no such text.
    pub(super) fn parse(text: &str) -> Option<LockOwner> {
        let owner = LockOwner(NonZeroU128::new(u128::from_str_radix(text, 16).ok()?)?);
        (owner.text() == text).then_some(owner)
    }
}
