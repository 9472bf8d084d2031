//! Why an admin request failed.

use std::fmt;

use serde_json::json;

use crate::model::message::{Message, message};
use crate::model::secrets::Secrets;

/// Why an admin request was not carried out, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminError {
    status: u16,
    message: Message,
}

impl AdminError {
    pub(crate) fn new(status: u16, message: impl Into<Message>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    /// The request is invalid.
    pub(crate) fn bad_request(message: impl Into<Message>) -> Self {
        Self::new(400, message)
    }

    /// What the request names does not exist.
    pub(crate) fn not_found(message: impl Into<Message>) -> Self {
        Self::new(404, message)
    }

    /// The present state does not allow the request.
    pub(crate) fn conflict(message: impl Into<Message>) -> Self {
        Self::new(409, message)
    }

    /// No account has this appid.
    pub(crate) fn no_account(appid: &str) -> Self {
        Self::not_found(message!(
            "unknown account {appid:?}. GET /__sandbox/state lists the accounts",
            "没有账号 {appid:?}。GET /__sandbox/state 会列出账号"
        ))
    }

    /// Masks secrets: the message may quote parts of the request.
    pub(crate) fn masked(self, secrets: &Secrets) -> Self {
        let Message { en, zh } = &self.message;
        Self {
            message: Message::new(secrets.mask_values(en), secrets.mask_values(zh)),
            ..self
        }
    }

    /// The HTTP status of the response.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The body of the response: the error, also in Chinese, for the panel.
    pub(crate) fn body(&self) -> bytes::Bytes {
        let Message { en, zh } = &self.message;
        json!({ "error": en, "error_zh": zh }).to_string().into()
    }
}

impl fmt::Display for AdminError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message.fmt(formatter)
    }
}

impl std::error::Error for AdminError {}
