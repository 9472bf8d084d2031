//! The client: WeChat's three calls, and the repeatable operations `ensure_linked` and
//! `wait_linked` on top of them.

mod authorization;
mod call;
mod call_record;
mod claims;
#[allow(clippy::module_inception)]
mod client;
mod ensure;
mod id_aliases;
mod link_tracker;
mod progress;
mod registered;

pub use authorization::{AcceptedPush, FinishedCode, PushAction};
pub use client::{Client, LinkChoices};
pub use progress::{LinkProgress, LinkState};
pub use registered::ClientRegistration;
