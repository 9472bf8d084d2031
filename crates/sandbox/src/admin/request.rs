//! An admin request, and the reading and writing of its JSON.

use std::borrow::Cow;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::admin::error::AdminError;
use crate::model::message::{Message, message};
use crate::model::secrets::Secrets;
use crate::simulator::{Simulator, State};
use crate::wechat::query::parameter;

/// An admin request whose route is known.
pub(crate) struct AdminRequest<'a> {
    pub(crate) simulator: &'a Simulator,
    pub(crate) state: &'a mut State,
    /// The decoded value of the route's parameter; empty if the route has none.
    pub(crate) parameter: &'a str,
    pub(crate) query: &'a str,
    pub(crate) body: &'a [u8],
}

/// The JSON of the response.
pub(crate) type AdminResult = Result<Vec<u8>, AdminError>;

impl AdminRequest<'_> {
    /// Reads the body, which is required.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, AdminError> {
        if self.body.is_empty() {
            return Err(AdminError::bad_request(Message::new(
                "the body is empty. Send JSON as described in docs/sandbox.md",
                "请求体为空。请按 docs/sandbox.md 所述发送 JSON",
            )));
        }
        serde_json::from_slice(self.body).map_err(|error| {
            let error = without_quoted_text(error.to_string());
            AdminError::bad_request(message!("invalid body: {error}", "请求体无效：{error}"))
        })
    }

    /// Reads the body, which may be missing.
    pub(crate) fn json_or_default<T: DeserializeOwned + Default>(&self) -> Result<T, AdminError> {
        if self.body.is_empty() {
            Ok(T::default())
        } else {
            self.json()
        }
    }
}

/// Reads the query `after=SEQ` of a journal. Without a query it is 0.
pub(crate) fn after_parameter(query: &str) -> Result<u64, AdminError> {
    match query {
        "" => Ok(0),
        query => query
            .strip_prefix("after=")
            .and_then(|number| number.parse().ok())
            .filter(|after| *after < u64::MAX)
            .ok_or_else(|| {
                AdminError::bad_request(Message::new(
                    "invalid query: the journal takes only `?after=SEQ`",
                    "查询参数无效：日志只接受 `?after=SEQ`",
                ))
            }),
    }
}

/// Reads the only parameter that a query may have.
pub(crate) fn only_parameter<'a>(
    query: &'a str,
    name: &str,
) -> Result<Option<Cow<'a, str>>, AdminError> {
    let is_known = |pair: &str| pair.split('=').next() == Some(name);
    if query.is_empty() || !query.contains('&') && is_known(query) {
        Ok(parameter(query, name))
    } else {
        Err(AdminError::bad_request(message!(
            "invalid query: it takes only `?{name}=…`",
            "查询参数无效：只接受 `?{name}=…`"
        )))
    }
}

/// Writes the response, in which known secrets are masked.
pub(crate) fn respond_masked(mut response: Value, secrets: &Secrets) -> AdminResult {
    secrets.mask_json(&mut response);
    respond(&response)
}

/// Writes the response.
pub(crate) fn respond(response: &impl Serialize) -> AdminResult {
    serde_json::to_vec(response).map_err(|error| AdminError::new(500, error.to_string()))
}

/// Removes from an error of `serde_json` the text that it may quote: it may be a secret.
pub(crate) fn without_quoted_text(error: String) -> String {
    match (error.split_once("string \""), error.rsplit_once("\", ")) {
        (Some((before, _)), Some((_, after))) => format!("{before}string, {after}"),
        _ => error,
    }
}
