//! Writes the rows of a new job into its folder, sorted by account.

use std::collections::HashMap;
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufRead, BufReader, BufWriter, Write};

use super::manifest::{MANIFEST, Manifest};
use crate::error::BulkError;
use crate::folder::{Folder, ListedFile};
use crate::input::check_rows;
use crate::row::{BadRow, Row};

/// The file with the rows, sorted by account.
pub(super) const ROWS: &str = "rows.jsonl";
/// The rows in the order of the input, while they are being sorted.
const UNSORTED_ROWS: &str = "rows.unsorted";
/// How much is read and written at once (bytes).
pub(super) const BUFFER_SIZE: usize = 1 << 16;

/// Where a row is in the unsorted file. Sorts by account, and then by the order of the input.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct RowPosition {
    /// The number of its account, in the order in which accounts first appear.
    account: u32,
    offset: u64,
}

/// Writes the rows and the manifest. Accounts keep the order in which they first appear.
///
/// Uses some 60 bytes of memory for each row and 16 for each account, whatever the rows contain.
///
/// # Errors
/// Rows are invalid, or the folder cannot be written.
pub(super) fn import(
    folder: &mut Folder,
    rows: impl Iterator<Item = Result<Row, BadRow>>,
) -> Result<Manifest, BulkError> {
    let path = folder.temporary_path(ROWS);
    let failed = |e: io::Error| BulkError::file(&path, &e);
    let file = folder.create_file(ROWS).map_err(failed)?;
    let mut out = BufWriter::with_capacity(BUFFER_SIZE, file);
    // A hash identifies an account. If two share one, their rows alternate, which is harmless.
    let hasher = RandomState::new();
    let mut accounts: HashMap<u64, u32> = HashMap::new();
    let mut positions: Vec<RowPosition> = Vec::new();
    let mut offset = 0;
    let summary = check_rows(rows, |row, text| {
        let next = u32::try_from(accounts.len()).unwrap_or(u32::MAX);
        let account = *accounts
            .entry(hasher.hash_one(&row.account))
            .or_insert(next);
        positions.push(RowPosition { account, offset });
        offset += text.len() as u64;
        out.write_all(text).map_err(failed)
    })?;
    let manifest = Manifest::new(summary, accounts.len() as u64);
    let file = out.into_inner().map_err(|e| failed(e.into_error()))?;
    let rows = if positions.is_sorted() {
        file.finish()
    } else {
        drop((accounts, file));
        positions.sort_unstable();
        write_sorted(folder, &positions)
    };
    let rows = rows.map_err(failed)?;
    let path = folder.temporary_path(MANIFEST);
    let written = folder.create_file(MANIFEST).and_then(|mut file| {
        file.write_all(&serde_json::to_vec_pretty(&manifest)?)?;
        file.finish()
    });
    let written = written.map_err(|e| BulkError::file(&path, &e))?;
    folder.publish(vec![rows, written])?;
    Ok(manifest)
}

/// Rewrites the file of rows in the order of `positions`.
fn write_sorted(folder: &Folder, positions: &[RowPosition]) -> io::Result<ListedFile> {
    let unsorted = folder.temporary_path(UNSORTED_ROWS);
    fs::rename(folder.temporary_path(ROWS), &unsorted)?;
    let mut from = BufReader::new(File::open(&unsorted)?);
    let mut to = BufWriter::with_capacity(BUFFER_SIZE, folder.create_file(ROWS)?);
    let (mut line, mut here) = (Vec::new(), 0_u64);
    for RowPosition { offset, .. } in positions {
        let distance = i128::from(*offset) - i128::from(here);
        from.seek_relative(i64::try_from(distance).map_err(io::Error::other)?)?;
        line.clear();
        from.read_until(b'\n', &mut line)?;
        here = offset + line.len() as u64;
        to.write_all(&line)?;
    }
    drop(from);
    fs::remove_file(&unsorted)?;
    to.into_inner()
        .map_err(io::IntoInnerError::into_error)?
        .finish()
}
