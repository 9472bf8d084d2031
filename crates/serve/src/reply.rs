//! Responses and the headers that all of them have.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION,
    REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use hyper::{Response, StatusCode};
use wxlink_metrics::CONTENT_TYPE as CONTENT_TYPE_OF_METRICS;

pub(crate) type Reply = Response<Full<Bytes>>;

const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// Plain text, without a newline at the end: WeChat accepts `success` and nothing more.
pub(crate) fn text(status: StatusCode, body: &'static str) -> Reply {
    reply(status, TEXT, Bytes::from_static(body.as_bytes()))
}

pub(crate) fn metrics(body: String) -> Reply {
    reply(StatusCode::OK, CONTENT_TYPE_OF_METRICS, body.into())
}

/// A page whose only style sheet has this hash, as in `sha256-…`.
pub(crate) fn page(status: StatusCode, html: String, style_hash: &str) -> Reply {
    let mut reply = reply(status, HTML, html.into());
    let policy = format!(
        "default-src 'none'; style-src '{style_hash}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    set(&mut reply, CONTENT_SECURITY_POLICY, &policy);
    reply
}

/// Sends the browser to another page.
pub(crate) fn redirect(url: &str) -> Reply {
    let mut reply = reply(StatusCode::SEE_OTHER, TEXT, Bytes::new());
    set(&mut reply, LOCATION, url);
    reply
}

pub(crate) fn method_not_allowed(allowed: &'static str) -> Reply {
    let mut reply = text(
        StatusCode::METHOD_NOT_ALLOWED,
        "this path has other methods\n",
    );
    set(&mut reply, ALLOW, allowed);
    reply
}

pub(crate) fn set_cookie(reply: &mut Reply, cookie: &str) {
    set(reply, SET_COOKIE, cookie);
}

fn reply(status: StatusCode, content_type: &'static str, body: Bytes) -> Reply {
    let mut reply = Response::new(Full::new(body));
    *reply.status_mut() = status;
    set(&mut reply, CONTENT_TYPE, content_type);
    set(&mut reply, CACHE_CONTROL, "no-store");
    set(&mut reply, X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(&mut reply, X_FRAME_OPTIONS, "DENY");
    // WeChat checks the host of the page that a merchant comes from, and nothing else of its URL.
    set(&mut reply, REFERRER_POLICY, "origin");
    reply
}

/// Sets a header. A value that no header can have is left out.
fn set(reply: &mut Reply, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        reply.headers_mut().insert(name, value);
    }
}
