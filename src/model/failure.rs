//! [`Failure`]: why one attempt failed.

use crate::model::status::Status;

/// Why the certificate of an API host was not accepted. The same call fails again until a person
/// has acted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateProblem {
    /// By this machine's clock, it has expired.
    Expired,
    /// By this machine's clock, it is not valid yet.
    NotValidYet,
    /// It is for another name, its issuer is not trusted, or it is damaged.
    Untrusted,
}

/// Why an attempt failed.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub status: Status,
    /// If the host's certificate was not accepted.
    pub certificate: Option<CertificateProblem>,
    /// A clause for messages. `retry` removes secrets from it.
    pub detail: String,
}

impl Failure {
    pub fn new(status: Status, detail: impl Into<String>) -> Failure {
        Failure {
            status,
            certificate: None,
            detail: detail.into(),
        }
    }
}
