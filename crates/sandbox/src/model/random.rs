//! Pseudorandom numbers, and the secrets generated from them.

use std::hash::{BuildHasher as _, RandomState};

/// A pseudorandom number for a counter (splitmix64). The same counter gives the same number in
/// every run.
pub(crate) fn mix(counter: u64) -> u64 {
    let mut z = counter
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Generates tokens, tickets and refresh tokens. They differ from each other, and from those of
/// other runs.
pub(crate) struct TokenGenerator {
    seed: u64,
    counter: u64,
}

impl TokenGenerator {
    pub(crate) fn new() -> Self {
        Self {
            // The standard library has no other source of random numbers than its hasher's keys.
            seed: RandomState::new().hash_one(0),
            counter: 0,
        }
    }

    /// A new number.
    pub(crate) fn number(&mut self) -> u64 {
        self.counter += 1;
        mix(self.seed.wrapping_add(self.counter))
    }

    /// So many letters and digits.
    pub(crate) fn letters(&mut self, count: usize) -> String {
        const LETTERS: &[u8; 62] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        (0..count)
            .map(|_| char::from(LETTERS[(self.number() % 62) as usize]))
            .collect()
    }

    /// A new token: the prefix, then `groups` times 16 hex digits.
    pub(crate) fn generate(&mut self, prefix: &str, groups: usize) -> String {
        let mut token = prefix.to_owned();
        for _ in 0..groups {
            token += &format!("{:016x}", self.number());
        }
        token
    }
}
