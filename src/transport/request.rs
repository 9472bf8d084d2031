//! The request and raw response of one attempt, and the configuration that all attempts share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::dns::Dns;
use crate::config::host::Host;
use crate::config::proxy::ProxySettings;
use crate::sys::cancel::CancelToken;

/// What all connections of a client share.
pub(super) struct TransportConfig {
    pub hosts: Vec<Host>,
    pub proxy: Option<ProxySettings>,
    pub tls: Arc<rustls::ClientConfig>,
    pub dns: Dns,
    pub user_agent: String,
}

/// A response as it was received.
pub(crate) struct RawResponse {
    pub http_status: u16,
    /// The `Content-Encoding`, unless it is `identity`.
    pub encoding: Option<String>,
    pub location: Option<String>,
    pub body: Vec<u8>,
}

/// One request.
pub(crate) struct Request<'a> {
    /// The path, and the query up to the value of the token.
    pub target: &'static str,
    /// The percent-encoded access token, with which the target ends.
    pub token: &'a str,
    pub body: &'a [u8],
    pub deadline: Instant,
    pub connect_timeout: Duration,
    pub cancel: &'a Arc<CancelToken>,
}
