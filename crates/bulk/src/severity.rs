//! How serious the result of a call is for the person who started the work.

use wxlink::{Class, Error, LinkProgress, Status};

/// The errcodes that are about the caller's access and not about the link: the token is of the
/// wrong kind, the account has not authorised the caller, or the address is on no whitelist.
const NO_ACCESS_ERRCODES: [i32; 15] = [
    40164, 41001, 42007, 45035, 48001, 61003, 61004, 61007, 61011, 61014, 61015, 61016, 61017,
    61028, 61029,
];

/// How serious a result is, from the least to the most: the most serious one stands for many.
///
/// A program that needs exit codes maps these to its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Done, now or earlier.
    Done,
    /// An invitation is waiting for an administrator.
    Waiting,
    /// A temporary problem: the network, a quota, or WeChat is busy. Try again.
    Retry,
    /// Refused by WeChat: a person must act first, or the request is invalid.
    Refused,
    /// The credentials do not work, the address is on no whitelist, or the host's certificate is
    /// not trusted.
    NoAccess,
    /// An argument or option is invalid; nothing was sent.
    Usage,
    /// Interrupted by a request to stop.
    Interrupted,
}

impl Severity {
    /// The severity of a failed call.
    pub fn from_error(error: &Error) -> Severity {
        if error.certificate_problem().is_some() {
            return Severity::NoAccess;
        }
        match (error.status(), error.class()) {
            (Status::NoToken, None) if error.is_transient() => Severity::Retry,
            (_, Some(Class::Ok)) => Severity::Done,
            (_, Some(Class::Pending)) => Severity::Waiting,
            (_, Some(Class::Token | Class::Ticket)) => Severity::NoAccess,
            (_, Some(Class::Busy | Class::Quota)) => Severity::Retry,
            (Status::NoToken, Some(Class::ActionRequired | Class::InvalidRequest)) => {
                Severity::NoAccess
            }
            (_, Some(Class::ActionRequired | Class::InvalidRequest)) => match error.errcode() {
                Some(code) if NO_ACCESS_ERRCODES.contains(&code) => Severity::NoAccess,
                _ => Severity::Refused,
            },
            (status, None) => Severity::from_status(status),
        }
    }

    /// The severity of the result of `ensure_linked` or `wait_linked`.
    pub fn from_progress(progress: &LinkProgress) -> Severity {
        match progress.error() {
            Some(error) => Severity::from_error(error),
            None => Severity::from_status(progress.status()),
        }
    }

    fn from_status(status: Status) -> Severity {
        match status {
            Status::Ok => Severity::Done,
            Status::Pending => Severity::Waiting,
            // `Api` without a class is an errcode that the table does not contain.
            Status::Api | Status::Declined | Status::Vanished => Severity::Refused,
            Status::NullPointer
            | Status::NotUtf8
            | Status::BadValue
            | Status::BadOption
            | Status::Buffer
            | Status::NotFound
            | Status::BadPush => Severity::Usage,
            Status::NoToken => Severity::NoAccess,
            Status::Cancelled => Severity::Interrupted,
            Status::Resolve
            | Status::Connect
            | Status::Tls
            | Status::Proxy
            | Status::TimeoutUnsent
            | Status::Store
            | Status::InDoubt
            | Status::Timeout
            | Status::ConnectionLost
            | Status::BadAnswer
            | Status::TooLarge
            | Status::Forked
            | Status::Internal => Severity::Retry,
        }
    }
}
