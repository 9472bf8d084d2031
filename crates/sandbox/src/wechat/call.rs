//! A call of one of WeChat's endpoints, and WeChat's response to it.

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::model::endpoint::Endpoint;
use crate::wechat::errcode::Refused;

/// The `Content-Type` that WeChat sends with its JSON.
pub(crate) const JSON_TYPE: &str = "application/json; encoding=utf-8";

/// The parts of a request that WeChat reads.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) endpoint: Endpoint,
    pub(crate) is_post: bool,
    pub(crate) query: &'a str,
    pub(crate) body: &'a [u8],
    /// How many milliseconds the list is late.
    pub(crate) list_lag_ms: u64,
}

impl Call<'_> {
    /// The JSON object that was posted.
    pub(crate) fn json(&self) -> Result<Map<String, Value>, Refused> {
        if !self.is_post {
            return Err(Refused::NotPost);
        }
        if self.body.is_empty() {
            return Err(Refused::EmptyBody);
        }
        serde_json::from_slice(self.body).map_err(|_| Refused::NotJson)
    }
}

/// WeChat's response. Its HTTP status is always 200.
pub(crate) struct ApiResponse {
    /// The errcode, if the response has one: responses with tokens do not.
    pub(crate) errcode: Option<i64>,
    pub(crate) body: Bytes,
}

/// The body of a response that consists of an errcode and its text.
pub(crate) fn error_body(errcode: i64, errmsg: &str) -> Bytes {
    #[derive(Serialize)]
    struct Body<'a> {
        errcode: i64,
        errmsg: &'a str,
    }
    // Serialising a number and a text cannot fail.
    Bytes::from(serde_json::to_vec(&Body { errcode, errmsg }).unwrap_or_default())
}
