//! What JavaScript looks up in the core's tables.

use napi_derive::napi;
use serde_json::json;
use wxlink::{Endpoint, Lang, errcode};

use crate::handle::options;
use crate::outcome::Outcome;

/// The version of the library.
#[napi]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Checks whether an option accepts a value. Returns an outcome's JSON.
#[napi]
pub fn check_option(key: String, value: String) -> String {
    let checked = options(&[vec![key, value]]);
    Outcome::of(checked, Lang::En, |_| Outcome::value(().into())).into_json()
}

/// The key of the option that is most similar to `key`, if one is similar.
#[napi]
pub fn nearest_option(key: String) -> Option<&'static str> {
    wxlink::nearest_option(&key)
}

/// What is known of an errcode, as JSON; `None` if it is unknown.
#[napi]
pub fn explain(errcode: i32, endpoint: Option<String>, lang: String) -> Option<String> {
    let lang = Lang::from_code(&lang)?;
    let entry = match endpoint {
        Some(word) => errcode::lookup(Endpoint::parse(&word)?, errcode)?,
        None => errcode::general(errcode)?,
    };
    let known = json!({
        "name": entry.name,
        "errorClass": entry.class.as_str(),
        "meaning": entry.meaning.get(lang),
        "remedy": entry.remedy.get(lang),
    });
    Some(known.to_string())
}
