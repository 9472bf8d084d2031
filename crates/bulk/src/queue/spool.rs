//! The checked rows of a push. The input is read once, which may be a pipe; a job's name and the
//! check of its rows need all of them before the first one is pushed.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::PathBuf;

use crate::error::BulkError;
use crate::folder;
use crate::input::{RowSummary, check_rows};
use crate::random::random_id;
use crate::row::{BadRow, Row};

/// Rows in a temporary file that has no name any more. It disappears with this process.
pub(super) struct SpooledRows {
    /// For messages.
    path: PathBuf,
    file: File,
    summary: RowSummary,
}

impl SpooledRows {
    /// Reads and checks all rows.
    ///
    /// # Errors
    /// Rows are invalid (the error lists them), or the file cannot be written.
    pub fn check(
        rows: impl Iterator<Item = Result<Row, BadRow>>,
    ) -> Result<SpooledRows, BulkError> {
        let path = std::env::temp_dir().join(format!("wxlink-rows-{}", random_id()));
        let failed = |e: io::Error| BulkError::file(&path, &e);
        let file = folder::create_new_file(&path).map_err(failed)?;
        fs::remove_file(&path).map_err(failed)?;
        let mut out = BufWriter::new(file);
        let summary = check_rows(rows, |_, line| out.write_all(line).map_err(failed))?;
        let file = out.into_inner().map_err(|e| failed(e.into_error()))?;
        Ok(SpooledRows {
            path,
            file,
            summary,
        })
    }

    pub fn summary(&self) -> &RowSummary {
        &self.summary
    }

    /// The rows, in the order of the input.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn rows(&self) -> Result<impl Iterator<Item = Result<Row, BulkError>>, BulkError> {
        let failed = |e: io::Error| BulkError::file(&self.path, &e);
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        Ok(BufReader::new(file).split(b'\n').map(move |line| {
            let row = line.and_then(|line| Ok(serde_json::from_slice(&line)?));
            row.map_err(failed)
        }))
    }
}
