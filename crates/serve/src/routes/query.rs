//! Parameters of a URL, and headers.

use hyper::header::{ACCEPT_LANGUAGE, COOKIE, HeaderName};
use hyper::http::request::Parts;
use percent_encoding::percent_decode_str;
use wxlink::Lang;

use crate::page;

/// The first parameter of that name, decoded. `None` if it is not UTF-8.
pub(crate) fn parameter(request: &Parts, name: &str) -> Option<String> {
    let query = request.uri.query()?;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(n, _)| *n == name)?;
    let decoded = percent_decode_str(value).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

pub(crate) fn header(request: &Parts, name: HeaderName) -> Option<&str> {
    request.headers.get(name)?.to_str().ok()
}

pub(crate) fn cookies(request: &Parts) -> impl Iterator<Item = &str> {
    let cookies = request.headers.get_all(COOKIE).iter();
    cookies.filter_map(|value| value.to_str().ok())
}

/// The language of the page that responds.
pub(crate) fn language(request: &Parts) -> Lang {
    let parameter = parameter(request, "lang");
    page::language(parameter.as_deref(), header(request, ACCEPT_LANGUAGE))
}
