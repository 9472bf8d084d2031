//! Why a job cannot go on.

use std::fmt;
use std::io;
use std::path::Path;

use crate::verdict::Verdict;

/// Why a job cannot begin or go on, and what to do about it. Of single rows their records tell.
#[derive(Debug)]
pub struct BulkError {
    verdict: Verdict,
    message: String,
}

impl BulkError {
    /// The caller's mistake: nothing was done.
    pub fn usage(message: impl Into<String>) -> BulkError {
        BulkError {
            verdict: Verdict::Usage,
            message: message.into(),
        }
    }

    /// What may pass: what was done is kept, and the same call goes on from there.
    pub fn again(message: impl Into<String>) -> BulkError {
        BulkError {
            verdict: Verdict::Again,
            message: message.into(),
        }
    }

    /// Somebody asked for the end.
    pub fn interrupted(message: impl Into<String>) -> BulkError {
        BulkError {
            verdict: Verdict::Interrupted,
            message: message.into(),
        }
    }

    /// A file of the job cannot be used.
    pub(crate) fn file(path: &Path, error: &io::Error) -> BulkError {
        BulkError::again(format!("{}: {error}", path.display()))
    }

    /// The exit code for it.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }
}

impl fmt::Display for BulkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for BulkError {}

impl From<wxlink::Error> for BulkError {
    fn from(error: wxlink::Error) -> BulkError {
        BulkError {
            verdict: Verdict::of_error(&error),
            message: error.message(),
        }
    }
}
