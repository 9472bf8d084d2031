//! The error of jobs and queues.

use std::fmt;
use std::io;
use std::path::Path;

use wxlink::Lang;

use crate::message::Message;
use crate::severity::Severity;

/// Why a job or a queue could not start or continue, and what to do about it. The problems of
/// single rows are in their records.
#[derive(Debug)]
pub struct BulkError {
    severity: Severity,
    message: Message,
}

impl BulkError {
    /// An error by the caller: nothing was sent.
    pub fn usage(message: impl Into<Message>) -> BulkError {
        BulkError {
            severity: Severity::Usage,
            message: message.into(),
        }
    }

    /// A temporary failure: completed work is kept, and the same call resumes from there.
    pub fn retry(message: impl Into<Message>) -> BulkError {
        BulkError {
            severity: Severity::Retry,
            message: message.into(),
        }
    }

    /// The caller requested a stop.
    pub fn interrupted(message: impl Into<Message>) -> BulkError {
        BulkError {
            severity: Severity::Interrupted,
            message: message.into(),
        }
    }

    /// A file of the job cannot be read or written.
    pub(crate) fn file(path: &Path, error: &io::Error) -> BulkError {
        BulkError::retry(Message::from(error).after(path.display(), path.display()))
    }

    /// How serious it is.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// What failed, why, and what to do, in `lang`.
    pub fn message(&self, lang: Lang) -> &str {
        self.message.get(lang)
    }
}

impl fmt::Display for BulkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message.fmt(f)
    }
}

impl std::error::Error for BulkError {}

impl From<wxlink::Error> for BulkError {
    fn from(error: wxlink::Error) -> BulkError {
        BulkError {
            severity: Severity::from_error(&error),
            message: error.message().into(),
        }
    }
}
