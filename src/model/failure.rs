//! [`Failure`]: why one attempt failed.

use crate::model::status::Status;

/// Why an attempt failed. It has no `Debug`, because the received bytes may contain secrets.
#[derive(Clone)]
pub(crate) struct Failure {
    pub status: Status,
    /// A clause for messages. `retry` removes secrets from it.
    pub detail: String,
    /// What was received of the response's body, although it was not read as a response. Only for
    /// endpoints whose responses contain tokens: what can be read of those must not be lost.
    pub received: Vec<u8>,
}

impl Failure {
    pub fn new(status: Status, detail: impl Into<String>) -> Failure {
        Failure {
            status,
            detail: detail.into(),
            received: Vec::new(),
        }
    }
}
