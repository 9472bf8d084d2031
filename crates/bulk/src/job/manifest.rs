//! The manifest of a job (`job.json`): what is known about all its rows.

use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::BulkError;
use crate::folder;
use crate::input::RowSummary;
use crate::message::message;
use crate::quota::unix_now;
use crate::random::random_id;

/// The name of the file.
pub(super) const MANIFEST: &str = "job.json";
/// The largest manifest that is read (bytes). Almost all of it are the names of columns.
const MAX_MANIFEST_BYTES: u64 = 1 << 23;
/// The version of the format.
const VERSION: u32 = 1;

/// What is known about all rows of a job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    version: u32,
    /// The checksum of all rows, in the order of the input.
    pub crc32: u32,
    pub rows: u64,
    pub accounts: u64,
    /// Rows that message every follower of their account.
    pub notifying: u64,
    /// The largest line number of a row.
    pub last_line: u64,
    /// The names of the other columns, in the order in which they first appear.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_columns: Vec<String>,
    /// When the job was created (Unix time, s).
    created_at: u64,
    /// Random, so that two jobs with the same rows can be distinguished.
    #[serde(default)]
    id: String,
}

impl Manifest {
    /// The manifest of a new job.
    pub fn new(summary: RowSummary, accounts: u64) -> Manifest {
        Manifest {
            version: VERSION,
            crc32: summary.crc32,
            rows: summary.rows,
            accounts,
            notifying: summary.notifying,
            last_line: summary.last_line,
            other_columns: summary.other_columns,
            created_at: unix_now(),
            id: random_id(),
        }
    }

    /// Reads the manifest in a folder.
    ///
    /// # Errors
    /// There is none, it is invalid, or a later version of wxlink wrote it.
    pub fn read(dir: &Path) -> Result<Manifest, BulkError> {
        let path = dir.join(MANIFEST);
        let mut text = Vec::new();
        let opened = folder::open(&path);
        let read = opened.and_then(|file| file.take(MAX_MANIFEST_BYTES).read_to_end(&mut text));
        let dir = dir.display();
        read.map_err(|e| match e.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => BulkError::usage(message!(
                "{dir} holds no job to resume",
                "{dir} 中没有可以继续的任务"
            )),
            _ => BulkError::file(&path, &e),
        })?;
        let path = path.display();
        let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| {
            BulkError::usage(message!(
                "{path} does not describe a job: {error}",
                "{path} 不是任务描述文件：{error}"
            ))
        })?;
        if manifest.version != VERSION {
            return Err(BulkError::usage(message!(
                "{dir} holds a job of a later version of wxlink. Resume it with that version",
                "{dir} 中的任务由更高版本的 wxlink 创建。请用该版本继续"
            )));
        }
        Ok(manifest)
    }

    /// Identifies the job among all others.
    pub fn identity(&self) -> String {
        let Manifest {
            crc32,
            created_at,
            id,
            ..
        } = self;
        format!("job {crc32:08x} {created_at} {id}")
    }

    /// How many entries an array that is indexed by line number needs.
    pub fn line_slots(&self) -> usize {
        usize::try_from(self.last_line).unwrap_or(usize::MAX - 1) + 1
    }
}
