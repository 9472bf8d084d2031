//! Access tokens managed by the client: where they come from, and how long they are used.

mod authorizer_list;
mod cache;
mod cached;
#[cfg(unix)]
mod command;
mod lease;
mod lifetime;
pub(crate) mod new_tokens;
mod pacing;
mod platform;
#[cfg(unix)]
pub(crate) mod printed;
pub(crate) mod record;

pub(crate) use cache::TokenCache;
pub(crate) use cached::Token;
pub(crate) use platform::Platform;
