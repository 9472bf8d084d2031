//! wxlink links WeChat mini programs to Official Accounts.
//!
//! It calls WeChat's `linkMiniprogram`, `getLinkMiniprogram` and `unlinkMiniprogram`, and builds on
//! them operations that calls which share a store can repeat safely. A link can message every
//! follower of an account. So once any byte of a link request has been sent, the request is sent
//! again only if WeChat refused the access token, or if its list does not show the invitation.
//! Every error shows whether WeChat may have received the request, and what to do next.
//!
//! # Example
//!
//! ```
//! use std::time::Duration;
//! use wxlink::{Client, LinkChoices, Options};
//!
//! # fn main() -> Result<(), wxlink::Error> {
//! # let sandbox = wxlink_sandbox::Sandbox::start(Default::default()).unwrap();
//! # let token = "SANDBOX-TOKEN";
//! let mut options = Options::new();
//! options.set("timeout_ms", "5000")?;
//! # options.set("base_url", sandbox.http_url())?;
//! let client = Client::new(&options)?;
//!
//! // Does nothing if the mini program is already linked or invited.
//! let choices = LinkChoices { notify_users: false, show_profile: true };
//! let progress = client.ensure_linked(token, "wx0b00000000000001", choices, Duration::ZERO);
//!
//! // "pending official_account": the account's administrator has to agree.
//! println!("{} {}", progress.state().as_str(), progress.state().waits_for());
//! if let Some(error) = progress.error() {
//!     eprintln!("{error}");
//! }
//! # assert_eq!(progress.state().waits_for(), "official_account");
//! # Ok(())
//! # }
//! ```
//!
//! # Main types
//!
//! - [`Client`] makes the calls: [`ensure_linked`](Client::ensure_linked),
//!   [`wait_linked`](Client::wait_linked), [`link_miniprogram`](Client::link_miniprogram),
//!   [`get_linked`](Client::get_linked) and [`unlink_miniprogram`](Client::unlink_miniprogram).
//! - For a third-party platform, it accepts WeChat's pushes
//!   ([`accept_push`](Client::accept_push)) and the authorisations of accounts
//!   ([`authorization_url`](Client::authorization_url),
//!   [`accept_authorization`](Client::accept_authorization)).
//! - [`Options`] configures a client; [`OPTIONS`] lists all options.
//! - [`LinkProgress`] is the result of `ensure_linked` and `wait_linked`, with its [`LinkState`].
//! - [`LinkList`] is WeChat's list; its items are [`MiniProgram`]s.
//! - [`Error`] has a [`Status`], a [`Delivery`] (whether WeChat may have received the request) and,
//!   if WeChat answered, an errcode and its [`Class`]. [`errcode`] is the table of errcodes.
//!
//! # Layout
//!
//! The modules form layers, the lowest first. A module imports only from layers listed before it,
//! and a test checks that (`tests/layers.rs`):
//!
//! | module | responsibility |
//! |---|---|
//! | `model` | plain data: endpoints, statuses, errcodes, attempts, languages, messages |
//! | `sys` | the operating system and threads: sockets, fork detection, cancellation, locks |
//! | `stats` | counts what a client does |
//! | `redact` | removes secrets from texts |
//! | `response` | parses response bytes: errcode, list, JSON |
//! | `config` | the options, each parsed once into a type |
//! | `push` | verifies, decrypts and reads what WeChat pushes to a platform |
//! | `transport` | one attempt: sends a request over a connection and reads the response |
//! | `error` | the error type |
//! | `retry` | one API call: attempts until WeChat answers |
//! | `store` | what outlives a process: memory, file, Redis |
//! | `token` | access tokens that the client manages |
//! | `client` | the public client, and the operations that can be repeated |
//! | `ffi` | the C interface, `include/wxlink.h` |
//! | `fuzzing` | ways into parsers for the fuzzers; not part of the interface |
//!
//! Unsafe code is confined to `sys` and `ffi`.

#![warn(missing_docs)]
#![deny(unsafe_code)]

mod client;
mod config;
mod error;
// Its doc comments become the C header: their examples are C and cannot run as doctests.
#[cfg(all(feature = "capi", not(doctest)))]
#[allow(unsafe_code)]
#[doc(hidden)]
pub mod ffi;
// Only the checks in `fuzz/` use it.
#[doc(hidden)]
pub mod fuzzing;
mod model;
mod push;
mod redact;
mod response;
mod retry;
mod stats;
mod store;
mod sys;
mod token;
mod transport;

pub use client::{
    AcceptedPush, Client, FinishedCode, LinkChoices, LinkProgress, LinkState, PushAction,
};
pub use config::limits::{MAX_APPID_BYTES, MAX_TOKEN_BYTES};
pub use config::options::{
    OPTIONS, OptionEntry, OptionError, OptionKind, Options, TokenSource, nearest_option,
};
pub use error::Error;
pub use model::attempt::{Attempt, Phase};
pub use model::delivery::{DELIVERIES, Delivery, DeliveryEntry};
pub use model::endpoint::Endpoint;
pub use model::errcode;
pub use model::errcode::Class;
pub use model::failure::CertificateProblem;
pub use model::lang::{Lang, Text};
pub use model::link_status::{LINK_STATUSES, LinkStatus, LinkStatusEntry};
pub use model::message::Message;
pub use model::status::{STATUS_GROUPS, STATUSES, Status, StatusEntry, StatusGroup};
pub use response::list::{FuncInfo, LinkList, MiniProgram};
pub use response::response::Response;
pub use stats::{Bucket, ClientStats, EndpointStats, Histogram};
pub use token::{AccountInfo, Authorization, AuthorizationUrl, PlatformStatus, WaitingCode};
// The modules of Python and Node use it.
#[doc(hidden)]
pub use client::ClientRegistration;
// The command and the service show them. The C interface does not have them.
#[doc(hidden)]
pub use token::{AccountState, AccountStatus, CallRecord, ListedAccount};
// The crate wxlink-bulk keeps its queue in Redis and uses the same connections.
#[cfg(feature = "redis-store")]
#[doc(hidden)]
pub use store::redis_connection;
// It also reads workbooks with a library that may panic on a damaged one.
#[doc(hidden)]
pub use sys::background::catch_panic;
