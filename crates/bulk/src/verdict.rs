//! What a call came to, as far as whoever started a program wants to know: its exit code.

use wxlink::{Class, Error, LinkProgress, Status};

/// The errcodes that tell of the caller's rights rather than of the link: the token is of the wrong kind or the
/// account does not let us, the address is on no whitelist.
const NO_ACCESS: [i32; 8] = [40164, 41001, 42007, 48001, 61003, 61004, 61007, 61023];

/// What a call came to. The numbers are the exit codes of the command, and a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Verdict {
    /// Done, or done before.
    Done = 0,
    /// Refused: somebody has to act, or the request makes no sense to WeChat.
    Refused = 1,
    /// An argument or an option is wrong; nothing was sent.
    Usage = 2,
    /// An invitation is out and waits for an administrator.
    Waiting = 3,
    /// The credentials do not serve, or the address is on no whitelist.
    Access = 4,
    /// Try again: the network, a quota, or WeChat is busy.
    Again = 5,
    /// Interrupted.
    Interrupted = 130,
}

impl Verdict {
    /// The exit code.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// What a call that failed came to.
    pub fn of_error(error: &Error) -> Verdict {
        match (error.status(), error.class()) {
            (Status::NoToken, None) if error.is_transient() => Verdict::Again,
            (_, Some(Class::Ok)) => Verdict::Done,
            (_, Some(Class::Pending)) => Verdict::Waiting,
            (_, Some(Class::Token)) => Verdict::Access,
            (_, Some(Class::Busy | Class::Quota)) => Verdict::Again,
            (_, Some(Class::ActionRequired | Class::InvalidRequest)) => match error.errcode() {
                Some(code) if NO_ACCESS.contains(&code) => Verdict::Access,
                _ => Verdict::Refused,
            },
            (status, None) => Verdict::of_status(status),
        }
    }

    /// What a link that was ensured or waited for came to.
    pub fn of_progress(progress: &LinkProgress) -> Verdict {
        match progress.error() {
            Some(error) => Verdict::of_error(error),
            None => Verdict::of_status(progress.status()),
        }
    }

    fn of_status(status: Status) -> Verdict {
        match status {
            Status::Ok => Verdict::Done,
            Status::Pending => Verdict::Waiting,
            // An errcode nobody has described.
            Status::Api | Status::Declined | Status::Vanished => Verdict::Refused,
            Status::NullPointer
            | Status::NotUtf8
            | Status::BadValue
            | Status::BadOption
            | Status::Buffer
            | Status::NotFound => Verdict::Usage,
            Status::NoToken => Verdict::Access,
            Status::Cancelled => Verdict::Interrupted,
            Status::Resolve
            | Status::Connect
            | Status::Tls
            | Status::Proxy
            | Status::TimeoutUnsent
            | Status::Timeout
            | Status::ConnectionLost
            | Status::BadAnswer
            | Status::TooLarge
            | Status::Forked
            | Status::Internal => Verdict::Again,
        }
    }
}
