//! Access tokens managed by the client: where they come from, and how long they are used. For a
//! third-party platform also how accounts authorise it.

mod account_info;
mod authorization;
mod authorizer_list;
mod cache;
mod cached;
mod call_record;
#[cfg(unix)]
mod command;
mod exchanged;
mod lease;
mod lifetime;
pub(crate) mod new_tokens;
mod pacing;
mod platform;
mod platform_status;
#[cfg(unix)]
pub(crate) mod printed;
pub(crate) mod record;

pub use account_info::AccountInfo;
pub use authorization::AuthorizationUrl;
pub(crate) use authorization::KeptPush;
pub use authorizer_list::ListedAccount;
pub(crate) use cache::TokenCache;
pub(crate) use cached::Token;
pub use call_record::CallRecord;
pub(crate) use call_record::RidBody;
pub use exchanged::{Authorization, WaitingCode};
pub(crate) use platform::Platform;
pub use platform_status::{AccountState, AccountStatus, PlatformStatus};
