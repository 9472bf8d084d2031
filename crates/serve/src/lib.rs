//! A small HTTP service for a third-party platform, behind the platform's own HTTPS front. It
//! receives the pushes that WeChat makes to the platform's authorisation event URL, and sends
//! merchants to WeChat's authorisation page and receives them afterwards.
//!
//! # Layout
//!
//! The lowest layer first. A module imports only from layers listed before it.
//!
//! - `settings`: where the service listens, its public URL, where it forwards events to.
//! - `log`: one line of JSON for each event.
//! - `metrics`: counters, in Prometheus' text format.
//! - `counts`: how many accounts and tokens there are.
//! - `signature`: signs what is forwarded.
//! - `forward`: hands decrypted events on.
//! - `page`: the HTML pages.
//! - `reply`: responses and their headers.
//! - `state`: ties a browser's way back from WeChat to its way there.
//! - `service`: what all requests share.
//! - `accounts`: counts accounts and tokens now and then.
//! - `routes`: one module for each path.
//! - `server`: accepts connections and ends them in an orderly way.
#![forbid(unsafe_code)]

mod accounts;
mod counts;
mod forward;
mod log;
mod metrics;
mod page;
mod reply;
mod routes;
mod server;
mod service;
mod settings;
mod signature;
mod state;

pub use server::Server;
pub use settings::{Forward, PublicUrl, Settings, SettingsError};
