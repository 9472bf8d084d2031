//! Links of many accounts at once, and what becomes of each.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod verdict;

pub use verdict::Verdict;
