//! wxlink links WeChat mini programs to Official Accounts: WeChat's `linkMiniprogram`,
//! `getLinkMiniprogram` and `unlinkMiniprogram`.
//!
//! ```no_run
//! use wxlink::{Client, LinkChoices, Options};
//!
//! # fn main() -> Result<(), wxlink::Error> {
//! let client = Client::new(&Options::new())?;
//! let choices = LinkChoices { notify_users: false, show_profile: true };
//! client.link_miniprogram("the account's token", "wx0b00000000000001", choices)?;
//! for item in client.get_linked("the account's token")?.items() {
//!     println!("{:?} {:?}", item.appid(), item.status());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The core is safe Rust, except for a few lines that notice forks, and knows nothing of C; the C
//! interface (`include/wxlink.h`) is a thin layer over it.

#![warn(missing_docs)]
#![deny(unsafe_code)]

mod client;
mod config;
mod error;
// Its comments are the C header's: their examples are C, not doctests.
#[cfg(all(feature = "capi", not(doctest)))]
#[allow(unsafe_code)]
#[doc(hidden)]
pub mod ffi;
mod model;
mod redact;
mod response;
mod retry;
mod store;
mod sys;
mod token;
mod transport;

pub use client::{Client, LinkChoices, LinkProgress, LinkState};
pub use config::limits::{MAX_APPID_BYTES, MAX_TOKEN_BYTES};
pub use config::options::{OPTIONS, OptionEntry, OptionError, Options};
pub use error::Error;
pub use model::attempt::{Attempt, Phase};
pub use model::delivery::Delivery;
pub use model::endpoint::Endpoint;
pub use model::errcode;
pub use model::errcode::Class;
pub use model::lang::{Lang, Text};
pub use model::status::{STATUSES, Status, StatusEntry};
pub use response::list::{FuncInfo, LinkList, LinkStatus, MiniProgram};
pub use response::response::Response;
// For the crate wxlink-bulk, which keeps its queue in a Redis too.
#[cfg(feature = "redis-store")]
#[doc(hidden)]
pub use store::redis_connection;
