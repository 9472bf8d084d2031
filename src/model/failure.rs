//! [`Failure`]: why one attempt failed.

use crate::model::message::Message;
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

/// Why an attempt failed. It has no `Debug`, because the received bytes may contain secrets.
#[derive(Clone)]
pub(crate) struct Failure {
    pub status: Status,
    /// If the host's certificate was not accepted.
    pub certificate: Option<CertificateProblem>,
    /// A clause for messages. `retry` removes secrets from it.
    pub detail: Message,
    /// What was received of the response's body, although it was not read as a response. Only for
    /// endpoints whose responses contain tokens: what can be read of those must not be lost.
    pub received: Vec<u8>,
}

impl Failure {
    pub fn new(status: Status, detail: impl Into<Message>) -> Failure {
        Failure {
            status,
            certificate: None,
            detail: detail.into(),
            received: Vec::new(),
        }
    }
}
