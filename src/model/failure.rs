//! Why one attempt failed.

use crate::model::status::Status;

/// Why an attempt failed, in words that never hold a secret.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub status: Status,
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
