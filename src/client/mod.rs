//! The client: WeChat's calls, and the idempotent verbs over them.

mod call;
#[allow(clippy::module_inception)]
mod client;
mod ensure;
mod id_aliases;

pub use client::{Client, LinkChoices};
pub use ensure::{LinkProgress, LinkState};
