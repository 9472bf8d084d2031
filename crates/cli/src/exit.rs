//! The exit codes of the command, and which result leads to which. Scripts rely on the numbers, so
//! they never change.

use wxlink::{Error, LinkProgress, Text};
use wxlink_bulk::Severity;

/// How a run of the command ended. The number is the exit code.
///
/// Codes are ordered by their number; of several results, the doctor exits with the highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum ExitCode {
    /// The work is done, now or by an earlier run.
    Done = 0,
    /// WeChat refused the request: a person has to act first, or the request is invalid.
    Refused = 1,
    /// An argument or option is invalid; nothing was sent.
    Usage = 2,
    /// An invitation is waiting for an administrator.
    Waiting = 3,
    /// No access: the token is invalid, the IP address is not on the whitelist, or the host's
    /// certificate is not trusted.
    NoAccess = 4,
    /// Try again: a network error, an exhausted quota, or WeChat is busy.
    Retry = 5,
    /// Interrupted by a signal. The process exits with 128 plus the number of that signal:
    /// 129 (SIGHUP), 130 (SIGINT) or 143 (SIGTERM).
    Interrupted = 130,
}

/// The exit codes, for the help.
pub(crate) const HELP: Text = Text {
    en: "Exit codes: 0 done, 1 refused, 2 usage, 3 waiting for administrators, 4 token, whitelist \
         or certificate, 5 try again, 129 hung up, 130 interrupted, 143 terminated.",
    zh: "退出码：0 完成，1 被拒绝，2 用法有误，3 等待管理员确认，4 令牌、白名单或证书有问题，\n\
         5 请重试，129 终端断开，130 被中断，143 被终止。",
};

impl ExitCode {
    /// Every exit code, in ascending order.
    pub const ALL: [ExitCode; 7] = [
        ExitCode::Done,
        ExitCode::Refused,
        ExitCode::Usage,
        ExitCode::Waiting,
        ExitCode::NoAccess,
        ExitCode::Retry,
        ExitCode::Interrupted,
    ];

    /// The number that the process exits with.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// The exit code for the result of a job of many links, or of a part of one.
impl From<Severity> for ExitCode {
    fn from(severity: Severity) -> ExitCode {
        match severity {
            Severity::Done => ExitCode::Done,
            Severity::Refused => ExitCode::Refused,
            Severity::Usage => ExitCode::Usage,
            Severity::Waiting => ExitCode::Waiting,
            Severity::NoAccess => ExitCode::NoAccess,
            Severity::Retry => ExitCode::Retry,
            Severity::Interrupted => ExitCode::Interrupted,
        }
    }
}

/// The exit code for a failed call. Not every error is a failure: an errcode may also say that
/// the link exists already or that an invitation is waiting.
impl From<&Error> for ExitCode {
    fn from(error: &Error) -> ExitCode {
        Severity::from_error(error).into()
    }
}

/// The exit code for the result of `ensure` or `wait`.
impl From<&LinkProgress> for ExitCode {
    fn from(progress: &LinkProgress) -> ExitCode {
        Severity::from_progress(progress).into()
    }
}
