//! A stateful simulator of WeChat's side of linking mini programs to Official Accounts.
//!
//! It serves WeChat's three endpoints for links, and those from which a third-party platform
//! obtains its tokens, over HTTP and HTTPS. It plays both administrators, and fails on demand in
//! every way a network can. `docs/sandbox.md` is its handbook.
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
//!
//! # Layout
//!
//! The lowest layer first. A module imports only from layers listed before it.
//!
//! | module | responsibility |
//! |---|---|
//! | `model` | accounts, mini programs, tokens, administrators and time, as plain data |
//! | `wechat` | WeChat's endpoints, and the state of its side that they read and change |
//! | `faults` | fault rules, and what they do to a request and its response |
//! | `journal` | the requests that arrived, without the secrets in them |
//! | `simulator` | all of this state behind one lock, and how a request is processed |
//! | `admin` | the admin interface, with which tests set up and inspect a simulator |
//! | `page` | the page on which an account authorises the platform, and the simulator's own: the panel |
//! | `http` | listeners, TLS certificates, the HTTP server, and raw responses |
//! | `sandbox` | the public type [`Sandbox`]: threads and addresses |
//! | `program` | the program `wxlink-sandbox` and its command line |
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod admin;
pub mod faults;
mod http;
mod journal;
mod model;
mod page;
mod program;
mod sandbox;
mod simulator;
mod wechat;

pub use admin::error::AdminError;
pub use faults::{Fault, FaultRule};
pub use http::certificates::Certificate;
pub use http::push_tls::PushTrust;
pub use model::message::Lang;
pub use model::policy::{Decision, Exceptions, Policy, Step, When};
pub use model::push::{PushSettings, RetryForm};
pub use model::world::{
    Account, AuthorizationCode, AuthorizationPage, Authorizer, Component, FuncInfo, Lifetimes,
    Limits, LinkEntry, LinkState, MiniProgram, PreAuthCode, RefreshMode, Refusal, Token, TokenKind,
    UsedCode, World,
};
pub use program::{help, program};
pub use sandbox::{Sandbox, Settings};
