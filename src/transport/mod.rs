//! One attempt: from a request to the bytes of its response. Connections, names, proxies, TLS and
//! time limits. Nothing here knows what the bytes mean, and nothing is repeated here.

mod attempt_state;
mod buffers;
mod connection;
mod dns;
mod host_health;
mod pool;
mod proxy;
mod request;
mod stream;
pub(crate) mod tls;

pub(crate) use pool::ConnectionPool;
pub(crate) use request::{RawResponse, Request};
