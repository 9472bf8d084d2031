//! The journal of a job, only ever appended to: a line for each record, and one for each post that
//! is about to be made.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::import::BUFFER_SIZE;
use serde::{Deserialize, Serialize};

use crate::columns::OtherCells;
use crate::error::BulkError;
use crate::folder;
use crate::lock::lock;
use crate::message::message;
use crate::outcome::{Outcome, Record};
use crate::posts::PostNote;
use crate::quota::{month_number, unix_now};
use crate::row::Row;

/// How often the journal is synced to disk. A power failure loses at most the records of this time;
/// a killed process loses none.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);

/// How every line begins.
const LINE_START: &[u8] = b"{\"line\":";

/// A line of the journal.
pub(super) struct JournalLine {
    pub number: u64,
    pub entry: JournalEntry,
}

/// What a line contains.
#[derive(Deserialize)]
#[serde(try_from = "Fields")]
pub(super) enum JournalEntry {
    Record(Record),
    Note(PostNote),
}

/// The fields of a [`Record`] or of a [`PostNote`], with those of its row. Reading them as one
/// struct is four times as fast as with `flatten` and `untagged`, which buffer every field.
#[derive(Deserialize)]
struct Fields {
    line: u64,
    account: String,
    appid: String,
    notify_users: bool,
    show_profile: bool,
    #[serde(default)]
    other: OtherCells,
    outcome: Option<Outcome>,
    #[serde(default)]
    errcode: i32,
    #[serde(default)]
    rid: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    posts: u32,
    until: Option<u64>,
    at: Option<u64>,
    posting: Option<u32>,
    until_ms: Option<u64>,
}

impl TryFrom<Fields> for JournalEntry {
    type Error = &'static str;

    fn try_from(fields: Fields) -> Result<JournalEntry, Self::Error> {
        let row = Row {
            line: fields.line,
            account: fields.account,
            appid: fields.appid,
            notify_users: fields.notify_users,
            show_profile: fields.show_profile,
            other: fields.other,
        };
        match fields {
            Fields {
                outcome: Some(outcome),
                at: Some(at),
                ..
            } => Ok(JournalEntry::Record(Record {
                row,
                outcome,
                errcode: fields.errcode,
                rid: fields.rid,
                message: fields.message,
                posts: fields.posts,
                until: fields.until,
                at,
            })),
            Fields {
                posting: Some(posting),
                until_ms: Some(until_ms),
                ..
            } => Ok(JournalEntry::Note(PostNote {
                row,
                posting,
                until_ms,
            })),
            _ => Err("neither a record nor a note"),
        }
    }
}

/// The journal of a job.
pub(super) struct Journal {
    path: PathBuf,
    /// `None` until the job is run for the first time.
    file: Mutex<Option<OpenFile>>,
}

struct OpenFile {
    file: File,
    /// This process alone appends to it.
    length: u64,
    synced_at: Instant,
}

impl Journal {
    /// Opens the journal for appending, if it exists.
    pub fn open(path: &Path) -> Result<Journal, BulkError> {
        let failed = |e: io::Error| BulkError::file(path, &e);
        let file = match folder::regular_file(path).map_err(failed)? {
            Some(_) => Some(folder::open_to_append(path).map_err(failed)?),
            None => None,
        };
        Ok(Journal {
            path: path.to_owned(),
            file: Mutex::new(file.map(OpenFile::new).transpose().map_err(failed)?),
        })
    }

    /// Whether it exists, which means that the job was run.
    pub fn exists(&self) -> bool {
        lock(&self.file).is_some()
    }

    /// Creates it if it does not exist.
    pub fn create(&self) -> Result<(), BulkError> {
        let mut file = lock(&self.file);
        if file.is_none() {
            let created = folder::create_new_file(&self.path).map_err(|e| match e.kind() {
                io::ErrorKind::AlreadyExists => folder::file_in_the_way(&self.path),
                _ => BulkError::file(&self.path, &e),
            });
            let opened = OpenFile::new(created?).map_err(|e| BulkError::file(&self.path, &e));
            *file = Some(opened?);
        }
        Ok(())
    }

    /// Removes an incomplete last line.
    pub fn remove_incomplete_line(&self) -> Result<(), BulkError> {
        let failed = |e: io::Error| BulkError::file(&self.path, &e);
        if let Some(open) = &mut *lock(&self.file) {
            open.length = length_of_complete_lines(&mut open.file).map_err(failed)?;
            open.cut().map_err(failed)?;
        }
        Ok(())
    }

    /// Appends a record or a note. When this returns, it survives the end of this process.
    pub fn append(&self, entry: &impl Serialize) -> Result<(), BulkError> {
        let failed = |e: io::Error| BulkError::file(&self.path, &e);
        let mut line = serde_json::to_vec(entry).map_err(|e| failed(e.into()))?;
        line.push(b'\n');
        let mut guard = lock(&self.file);
        let Some(open) = &mut *guard else {
            return Err(failed(io::ErrorKind::NotFound.into()));
        };
        if let Err(e) = open.file.write_all(&line) {
            // A full disk may take half a line; the next record would become its end.
            let _ = open.cut();
            return Err(failed(e));
        }
        open.length += line.len() as u64;
        if open.synced_at.elapsed() >= SYNC_INTERVAL {
            open.synced_at = Instant::now();
            // Other workers append while this one waits for the disk.
            let file = open.file.try_clone().map_err(failed)?;
            drop(guard);
            file.sync_data().map_err(failed)?;
        }
        Ok(())
    }

    /// Syncs it to disk, so that all records survive a power failure.
    pub fn sync(&self) -> Result<(), BulkError> {
        let guard = lock(&self.file);
        let synced = guard.as_ref().map_or(Ok(()), |open| open.file.sync_data());
        synced.map_err(|e| BulkError::file(&self.path, &e))
    }

    /// All records, the oldest first. Lines that a power failure truncated or left blank are
    /// skipped: their rows are done again, which starts with a look at the list.
    ///
    /// # Errors
    /// It cannot be read, or contains lines that are no records.
    pub fn records(
        &self,
    ) -> Result<impl Iterator<Item = Result<Record, BulkError>> + '_, BulkError> {
        let lines = self.lines()?;
        Ok(lines.filter_map(|line| match line {
            Ok(line) => match line.entry {
                JournalEntry::Record(record) => Some(Ok(record)),
                JournalEntry::Note(_) => None,
            },
            Err(e) => Some(Err(e)),
        }))
    }

    /// All records and notes, with the lines that they are on.
    ///
    /// # Errors
    /// See [`Journal::records`].
    pub fn lines(
        &self,
    ) -> Result<impl Iterator<Item = Result<JournalLine, BulkError>> + '_, BulkError> {
        let failed = |e: io::Error| BulkError::file(&self.path, &e);
        let file = if self.exists() {
            Some(folder::open(&self.path).map_err(failed)?)
        } else {
            None
        };
        let lines = file.map(|file| BufReader::with_capacity(BUFFER_SIZE, file).split(b'\n'));
        let lines = (1..).zip(lines.into_iter().flatten());
        Ok(lines.filter_map(move |(number, line)| {
            let line: Vec<u8> = match line {
                Ok(line) => line,
                Err(e) => return Some(Err(failed(e))),
            };
            match serde_json::from_slice(&line) {
                Ok(entry) => Some(Ok(JournalLine { number, entry })),
                Err(_) if may_be_torn(&line) => None,
                Err(_) => Some(Err(self.foreign_line(number))),
            }
        }))
    }

    /// The error for a line that is not a record of this job.
    pub fn foreign_line(&self, number: u64) -> BulkError {
        let path = self.path.display();
        BulkError::usage(message!(
            "{path}, line {number}: not a record of a row of this job. Move the file elsewhere, \
             or restore the job's own journal",
            "{path} 第 {number} 行：不是本任务的记录。请将该文件移走，或恢复本任务自己的日志"
        ))
    }

    /// How many invitations this job posted in the current month, by account.
    pub fn invited_this_month(&self) -> Result<HashMap<String, u32>, BulkError> {
        let this_month = month_number(unix_now());
        let mut invited = HashMap::new();
        for record in self.records()? {
            let record = record?;
            if record.outcome == Outcome::Invited && month_number(record.at) == this_month {
                *invited.entry(record.row.account).or_default() += 1;
            }
        }
        Ok(invited)
    }
}

impl OpenFile {
    fn new(file: File) -> io::Result<OpenFile> {
        Ok(OpenFile {
            length: file.metadata()?.len(),
            file,
            synced_at: Instant::now(),
        })
    }

    /// Removes what was written after the last complete line.
    fn cut(&mut self) -> io::Result<()> {
        let cut = self.file.set_len(self.length);
        if cut.is_err() {
            self.length = self.file.metadata()?.len();
        }
        cut
    }
}

/// Whether a line may be what a power failure left of a record.
fn may_be_torn(line: &[u8]) -> bool {
    line.contains(&0) || line.starts_with(LINE_START) || LINE_START.starts_with(line)
}

/// The number of bytes up to the end of the last complete line.
fn length_of_complete_lines(file: &mut File) -> io::Result<u64> {
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut block = [0; 4096];
    while end > 0 {
        let start = end.saturating_sub(block.len() as u64);
        let block = &mut block[..usize::try_from(end - start).unwrap_or_default()];
        file.seek(SeekFrom::Start(start))?;
        io::Read::read_exact(file, block)?;
        if let Some(at) = block.iter().rposition(|b| *b == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_with_all_fields() {
        let row = Row {
            line: 7,
            account: "wx1".into(),
            appid: "wx2".into(),
            notify_users: true,
            show_profile: false,
            other: serde_json::from_str(r#"{"shop":"A"}"#).unwrap(),
        };
        let record = Record {
            row: row.clone(),
            outcome: Outcome::Deferred,
            errcode: 45009,
            rid: "rid".into(),
            message: "why".into(),
            posts: 2,
            until: Some(3),
            at: 4,
        };
        let entry = |text: String| serde_json::from_str(&text);
        let read = entry(serde_json::to_string(&record).unwrap()).unwrap();
        assert!(matches!(read, JournalEntry::Record(read) if read == record));
        let note = PostNote {
            row,
            posting: 5,
            until_ms: 6,
        };
        let text = serde_json::to_string(&note).unwrap();
        let read = entry(text.clone()).unwrap();
        let JournalEntry::Note(PostNote {
            row,
            posting,
            until_ms,
        }) = read
        else {
            panic!("{text} is a note");
        };
        assert_eq!(row, note.row);
        assert_eq!((posting, until_ms), (note.posting, note.until_ms));
        assert!(entry(text.replace("posting", "other_field")).is_err());
    }
}
