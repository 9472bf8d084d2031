//! What became of the rows, appended line by line and never changed.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::calendar;
use crate::error::BulkError;
use crate::outcome::{Outcome, Record};
use crate::sync::lock;

/// A power failure loses at most what was found in so long; being killed loses nothing.
const SYNC: Duration = Duration::from_secs(1);

pub(crate) struct Journal {
    path: PathBuf,
    file: Mutex<(File, Instant)>,
}

impl Journal {
    /// Opens it to append, making it if it is not there. A last line that was cut off goes.
    pub fn open(path: &Path) -> Result<Journal, BulkError> {
        let told = |e: io::Error| BulkError::file(path, &e);
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .map_err(told)?;
        let whole = whole_lines(&mut file).map_err(told)?;
        file.set_len(whole).map_err(told)?;
        Ok(Journal {
            path: path.to_owned(),
            file: Mutex::new((file, Instant::now())),
        })
    }

    /// Appends. When this returns, the record outlives this process.
    pub fn append(&self, record: &Record) -> Result<(), BulkError> {
        let told = |e: io::Error| BulkError::file(&self.path, &e);
        let mut line = serde_json::to_vec(record).map_err(|e| told(e.into()))?;
        line.push(b'\n');
        let mut file = lock(&self.file);
        let whole = file.0.metadata().map_err(told)?.len();
        if let Err(e) = file.0.write_all(&line) {
            // On a full disk half a line may be there; another's would become its end.
            let _ = file.0.set_len(whole);
            return Err(told(e));
        }
        if file.1.elapsed() >= SYNC {
            file.1 = Instant::now();
            let synced = file.0.try_clone().map_err(told)?;
            drop(file);
            synced.sync_data().map_err(told)?;
        }
        Ok(())
    }

    /// Sees to it that all of it outlives a power failure.
    pub fn sync(&self) -> Result<(), BulkError> {
        let file = lock(&self.file);
        file.0
            .sync_data()
            .map_err(|e| BulkError::file(&self.path, &e))
    }

    /// Every record, the oldest first. Lines that are none are passed over, for a power failure may leave some among
    /// the last: their rows are done again, which begins with a look at the list.
    pub fn records(
        &self,
    ) -> Result<impl Iterator<Item = Result<Record, BulkError>> + '_, BulkError> {
        let file = File::open(&self.path).map_err(|e| BulkError::file(&self.path, &e))?;
        let lines = BufReader::with_capacity(1 << 16, file).split(b'\n');
        Ok(lines.filter_map(|line| match line {
            Ok(line) => serde_json::from_slice(&line).ok().map(Ok),
            Err(e) => Some(Err(BulkError::file(&self.path, &e))),
        }))
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
