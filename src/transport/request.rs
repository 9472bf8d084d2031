//! What goes into an attempt and what comes out of it, and what all attempts of a client share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::dns::Dns;
use crate::config::host::Host;
use crate::config::proxy::ProxySettings;
use crate::sys::cancel::CancelToken;

/// What all connections of a client have in common.
pub(super) struct TransportConfig {
    pub hosts: Vec<Host>,
    pub proxy: Option<ProxySettings>,
    pub tls: Arc<rustls::ClientConfig>,
    pub dns: Dns,
    pub user_agent: String,
}

/// An answer as it came off the wire.
pub(crate) struct RawResponse {
    pub http_status: u16,
    /// The `Content-Encoding`, if it is not the identity.
    pub encoding: Option<String>,
    pub location: Option<String>,
    pub body: Vec<u8>,
}

/// One request, ready to be written.
pub(crate) struct Request<'a> {
    /// The path and the query as far as the token.
    pub target: &'static str,
    /// The access token, percent-encoded; the end of the target.
    pub token: &'a str,
    pub body: &'a [u8],
    pub deadline: Instant,
    pub connect_timeout: Duration,
    pub cancel: &'a Arc<CancelToken>,
}
