//! Random names.

use std::hash::{BuildHasher, RandomState};

/// 16 random hexadecimal digits. They serve to tell names apart and are not fit for secrets.
pub(crate) fn random_id() -> String {
    let random = RandomState::new();
    format!("{:016x}", random.hash_one(std::process::id()))
}
