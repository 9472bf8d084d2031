//! [`Failure`]: why one attempt failed.

use crate::model::status::Status;

/// Why an attempt failed.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub status: Status,
    /// A clause for messages. `retry` removes secrets from it.
    pub detail: String,
}

impl Failure {
    pub fn new(status: Status, detail: impl Into<String>) -> Failure {
        Failure {
            status,
            detail: detail.into(),
        }
    }
}
