//! The exit codes of the command, until it has its own. Remove this file then.

use wxlink::{Error, LinkProgress};

use crate::error::BulkError;
use crate::severity::Severity;

/// See [`Severity`]; the numbers are exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
#[repr(u8)]
pub enum Verdict {
    Done = 0,
    Refused = 1,
    Usage = 2,
    Waiting = 3,
    Access = 4,
    Again = 5,
    Interrupted = 130,
}

#[allow(missing_docs)]
impl Verdict {
    pub const fn code(self) -> u8 {
        self as u8
    }

    pub fn of_error(error: &Error) -> Verdict {
        Severity::from_error(error).into()
    }

    pub fn of_progress(progress: &LinkProgress) -> Verdict {
        Severity::from_progress(progress).into()
    }
}

impl From<Severity> for Verdict {
    fn from(severity: Severity) -> Verdict {
        match severity {
            Severity::Done => Verdict::Done,
            Severity::Waiting => Verdict::Waiting,
            Severity::Retry => Verdict::Again,
            Severity::Refused => Verdict::Refused,
            Severity::NoAccess => Verdict::Access,
            Severity::Usage => Verdict::Usage,
            Severity::Interrupted => Verdict::Interrupted,
        }
    }
}

#[allow(missing_docs)]
impl BulkError {
    pub fn verdict(&self) -> Verdict {
        self.severity().into()
    }
}
