//! What became of the rows, appended line by line and never changed.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::calendar;
use crate::error::BulkError;
use crate::folder;
use crate::outcome::{Outcome, Record};
use crate::sync::lock;

/// A power failure loses at most what was found in so long; being killed loses nothing.
const SYNC: Duration = Duration::from_secs(1);

/// What every record begins with.
const START: &[u8] = b"{\"line\":";

pub(crate) struct Journal {
    path: PathBuf,
    /// None until the work on its job begins.
    file: Mutex<Option<Open>>,
}

struct Open {
    file: File,
    synced: Instant,
}

impl Journal {
    /// Opens it to append, if it is there.
    pub fn open(path: &Path) -> Result<Journal, BulkError> {
        let told = |e: io::Error| BulkError::file(path, &e);
        let file = match folder::regular(path).map_err(told)? {
            Some(_) => Some(folder::open_to_append(path).map_err(told)?),
            None => None,
        };
        Ok(Journal {
            path: path.to_owned(),
            file: Mutex::new(file.map(Open::new)),
        })
    }

    /// Whether there is one: the work on its job has begun.
    pub fn is_there(&self) -> bool {
        lock(&self.file).is_some()
    }

    /// Makes it, if it is not there.
    pub fn begin(&self) -> Result<(), BulkError> {
        let mut file = lock(&self.file);
        if file.is_none() {
            let new = folder::create_new(&self.path);
            let new = new.map_err(|e| match e.kind() {
                io::ErrorKind::AlreadyExists => folder::in_the_way(&self.path),
                _ => BulkError::file(&self.path, &e),
            });
            *file = Some(Open::new(new?));
        }
        Ok(())
    }

    /// Takes away a last line that was cut off.
    pub fn trim(&self) -> Result<(), BulkError> {
        let told = |e: io::Error| BulkError::file(&self.path, &e);
        if let Some(open) = &mut *lock(&self.file) {
            let whole = whole_lines(&mut open.file).map_err(told)?;
            open.file.set_len(whole).map_err(told)?;
        }
        Ok(())
    }

    /// Appends. When this returns, the record outlives this process.
    pub fn append(&self, record: &Record) -> Result<(), BulkError> {
        let told = |e: io::Error| BulkError::file(&self.path, &e);
        let mut line = serde_json::to_vec(record).map_err(|e| told(e.into()))?;
        line.push(b'\n');
        let mut held = lock(&self.file);
        let Some(open) = &mut *held else {
            return Err(told(io::ErrorKind::NotFound.into()));
        };
        let whole = open.file.metadata().map_err(told)?.len();
        if let Err(e) = open.file.write_all(&line) {
            // On a full disk half a line may be there; another's would become its end.
            let _ = open.file.set_len(whole);
            return Err(told(e));
        }
        if open.synced.elapsed() >= SYNC {
            open.synced = Instant::now();
            let synced = open.file.try_clone().map_err(told)?;
            drop(held);
            synced.sync_data().map_err(told)?;
        }
        Ok(())
    }

    /// Sees to it that all of it outlives a power failure.
    pub fn sync(&self) -> Result<(), BulkError> {
        let held = lock(&self.file);
        let synced = held.as_ref().map_or(Ok(()), |open| open.file.sync_data());
        synced.map_err(|e| BulkError::file(&self.path, &e))
    }

    /// Every record, the oldest first. Lines that were cut off or left blank by a power failure are
    /// passed over: their rows are done again, which begins with a look at the list.
    ///
    /// # Errors
    /// It cannot be read, or holds lines of something else.
    pub fn records(
        &self,
    ) -> Result<impl Iterator<Item = Result<Record, BulkError>> + '_, BulkError> {
        let records = self.numbered()?;
        Ok(records.map(|record| record.map(|(_, record)| record)))
    }

    /// Every record, with the line it is in.
    ///
    /// # Errors
    /// See [`Journal::records`].
    pub fn numbered(
        &self,
    ) -> Result<impl Iterator<Item = Result<(u64, Record), BulkError>> + '_, BulkError> {
        let told = |e: io::Error| BulkError::file(&self.path, &e);
        let file = match self.is_there() {
            true => Some(folder::open(&self.path).map_err(told)?),
            false => None,
        };
        let lines = file.map(|file| BufReader::with_capacity(1 << 16, file).split(b'\n'));
        let lines = (1..).zip(lines.into_iter().flatten());
        Ok(lines.filter_map(move |(number, line)| {
            let line: Vec<u8> = match line {
                Ok(line) => line,
                Err(e) => return Some(Err(told(e))),
            };
            match serde_json::from_slice(&line) {
                Ok(record) => Some(Ok((number, record))),
                Err(_) if is_torn(&line) => None,
                Err(_) => Some(Err(self.is_of_another(number))),
            }
        }))
    }

    /// Says that a line is no record of this job.
    pub fn is_of_another(&self, line: u64) -> BulkError {
        BulkError::usage(format!(
            "{}, line {line}: it is no record of a row of this job; move the file \
             elsewhere, or put the job's own journal there",
            self.path.display()
        ))
    }

    /// How many invitations it tells of that were posted this month, by account.
    pub fn invited_this_month(&self) -> Result<HashMap<String, u32>, BulkError> {
        let month = calendar::month(calendar::now());
        let mut invited = HashMap::new();
        for record in self.records()? {
            let record = record?;
            if record.outcome == Outcome::Invited && calendar::month(record.at) == month {
                *invited.entry(record.row.account).or_default() += 1;
            }
        }
        Ok(invited)
    }
}

impl Open {
    fn new(file: File) -> Open {
        Open {
            file,
            synced: Instant::now(),
        }
    }
}

/// Whether a line may be what is left of a record.
fn is_torn(line: &[u8]) -> bool {
    line.contains(&0) || line.starts_with(START) || START.starts_with(line)
}

/// How many bytes there are up to the end of the last whole line.
fn whole_lines(file: &mut File) -> io::Result<u64> {
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
