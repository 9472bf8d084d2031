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

mod answer;
mod attempt;
mod background;
mod cancel;
pub mod catalogue;
mod client;
mod ensure;
mod error;
// Its comments are the C header's: their examples are C, not doctests.
mod endpoint;
#[cfg(all(feature = "capi", not(doctest)))]
#[allow(unsafe_code)]
#[doc(hidden)]
pub mod ffi;
mod fork;
mod lang;
mod list;
mod names;
mod options;
mod post;
mod proxy_settings;
mod reader;
mod redact;
// For wxlink-bulk alone, which keeps its queue in a Redis as well.
#[cfg(feature = "redis-store")]
#[doc(hidden)]
pub mod redis_connection;
mod single_flight;
mod status;
mod sync;
#[cfg_attr(unix, path = "sys/unix.rs")]
#[cfg_attr(windows, path = "sys/windows.rs")]
mod sys;
mod token;
mod wire;

pub use answer::Answer;
pub use attempt::{Attempt, Delivery, Phase};
pub use catalogue::Class;
pub use client::{Client, LinkChoices, MAX_APPID, MAX_TOKEN};
pub use endpoint::Endpoint;
pub use ensure::{LinkProgress, LinkState};
pub use error::Error;
pub use lang::{Lang, Text};
pub use list::{FuncInfo, LinkList, LinkStatus, MiniProgram};
pub use options::{OPTIONS, OptionEntry, Options};
pub use status::{STATUSES, Status, StatusEntry};
