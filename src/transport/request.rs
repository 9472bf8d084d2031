//! The request and raw response of one attempt, and what all attempts share: the configuration, and
//! the head of each request.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ureq::http::{self, HeaderValue, header};

use super::dns::Dns;
use crate::config::host::Host;
use crate::config::proxy::ProxySettings;
use crate::model::endpoint::Endpoint;
use crate::sys::cancel::CancelToken;

/// What all connections of a client share.
pub(super) struct TransportConfig {
    pub hosts: Vec<Host>,
    pub proxy: Option<ProxySettings>,
    pub tls: Arc<rustls::ClientConfig>,
    pub dns: Dns,
    /// For each host.
    pub heads: Vec<RequestHeads>,
}

/// The heads of the requests to a host. They are made once, because making one takes longer than
/// all checks of a call.
pub(super) struct RequestHeads([http::Request<()>; Endpoint::ALL.len()]);

impl RequestHeads {
    /// `None` if one of them cannot be written as HTTP.
    pub fn new(host: &Host, user_agent: &str) -> Option<RequestHeads> {
        let usual_port = if host.tls { ":443" } else { ":80" };
        let authority = host.shown.strip_suffix(usual_port).unwrap_or(&host.shown);
        let values = [
            (header::HOST, HeaderValue::from_str(authority).ok()?),
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json; charset=utf-8"),
            ),
            (header::ACCEPT, HeaderValue::from_static("application/json")),
            (header::USER_AGENT, HeaderValue::from_str(user_agent).ok()?),
        ];
        let mut heads = Endpoint::ALL.map(|_| http::Request::new(()));
        for (endpoint, head) in Endpoint::ALL.into_iter().zip(&mut heads) {
            *head.method_mut() = http::Method::POST;
            *head.uri_mut() = format!("{}{}", host.origin, endpoint.target())
                .parse()
                .ok()?;
            head.headers_mut().extend(values.clone());
        }
        Some(RequestHeads(heads))
    }

    /// The head of a request to an endpoint, without the access token.
    pub fn get(&self, endpoint: Endpoint) -> http::Request<()> {
        self.0[endpoint as usize].clone()
    }
}

/// A response as it was received.
pub(crate) struct RawResponse {
    pub http_status: u16,
    /// The `Content-Encoding`, unless it is `identity`.
    pub encoding: Option<String>,
    /// The `Location` of a redirect.
    pub location: Option<String>,
    pub body: Vec<u8>,
}

/// One request.
pub(crate) struct Request<'a> {
    pub endpoint: Endpoint,
    /// The percent-encoded access token, with which the request's target ends.
    pub token: &'a str,
    pub body: &'a [u8],
    pub deadline: Instant,
    pub connect_timeout: Duration,
    pub cancel: &'a Arc<CancelToken>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::options::Options;

    #[test]
    fn each_endpoint_has_its_head_and_the_host_is_named_without_its_usual_port() {
        let mut options = Options::new();
        let urls = "https://a.example:443,https://a.example:8443,http://127.0.0.1:80,http://[::1]";
        options.set("base_url", urls).unwrap();
        let named = ["a.example", "a.example:8443", "127.0.0.1", "[::1]"];
        for (host, named) in options.hosts.iter().zip(named) {
            let heads = RequestHeads::new(host, "agent/1").unwrap();
            for endpoint in Endpoint::ALL {
                let head = heads.get(endpoint);
                let target = head.uri().path_and_query().unwrap();
                assert_eq!(target.as_str(), endpoint.target());
                assert_eq!(head.headers()[header::HOST], named);
                assert_eq!(head.headers()[header::USER_AGENT], "agent/1");
            }
        }
    }
}
