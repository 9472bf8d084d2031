//! Numbers in Prometheus' text format, and a small HTTP listener that serves them.
//!
//! # Layout
//!
//! The lowest layer first. A module imports only from layers listed before it.
//!
//! - `text`: the format.
//! - `client`: the statistics of a client in it.
//! - `listener`: serves it at `/metrics`.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod client;
mod listener;
mod text;

pub use client::client;
pub use listener::Listener;
pub use text::{CONTENT_TYPE, escape, gauge, gauges, head};
