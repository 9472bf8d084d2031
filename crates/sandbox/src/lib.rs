//! A stateful simulator of WeChat's side of linking mini programs to Official Accounts.
//!
//! It speaks WeChat's three endpoints and those a platform obtains its tokens through, over HTTP
//! and HTTPS, plays both administrators, and goes
//! wrong in every way a network can, on demand. `docs/sandbox.md` is its handbook.
//!
//! ```
//! use serde_json::json;
//! use wxlink_sandbox::{Policy, Sandbox, Settings, When};
//!
//! let sandbox = Sandbox::start(Settings {
//!     policy: Policy::all(When::Polls(1)),
//!     ..Settings::default()
//! })?;
//! println!("{} trusts {}", sandbox.https_url(), sandbox.ca_file().display());
//! sandbox.admin("POST", "faults", &json!({"endpoint": "link", "fault": {"drop": "reset"}}))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod admin;
mod bomb;
mod ca_file;
mod certificates;
mod clock;
mod codes;
mod component;
mod demo;
pub mod faults;
mod journal;
mod links;
mod platform;
mod policy;
mod program;
mod raw;
mod redaction;
mod registry;
mod sandbox;
mod secrets;
mod server;
mod state;
mod tokens;
mod wechat;
mod world;

pub use admin::AdminError;
pub use certificates::Certificate;
pub use faults::{Fault, FaultRule};
pub use policy::{Decision, Exceptions, Policy, Step, When};
pub use program::{HELP, program};
pub use sandbox::{Sandbox, Settings};
pub use world::{
    Account, Authorizer, Component, FuncInfo, Limits, LinkEntry, LinkState, MiniProgram, Refresh,
    Refusal, Token, TokenKind, World,
};
