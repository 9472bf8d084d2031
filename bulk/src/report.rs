//! The end of a job: a file for each outcome, for those who have to act.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::calendar;
use crate::error::BulkError;
use crate::job::Job;
use crate::outcome::{Outcome, Record};

/// Where the files of a report are.
#[derive(Clone, Debug)]
pub struct Report {
    /// The folder.
    pub dir: PathBuf,
    /// Each outcome that there is, its file, and how many rows are in it.
    pub files: Vec<(Outcome, PathBuf, u64)>,
}

impl Job {
    /// Writes a CSV for each outcome, from the journal, into the folder `report` of the job's. What was there goes.
    ///
    /// # Errors
    /// The files cannot be written.
    pub fn report(&self) -> Result<Report, BulkError> {
        // Of a row that was done again the last record counts.
        let lines = usize::try_from(self.last_line()).unwrap_or(usize::MAX - 1);
        let mut last: Vec<u32> = vec![0; lines + 1];
        for (nth, record) in self.journal().records()?.enumerate() {
            let line = usize::try_from(record?.row.line).unwrap_or(usize::MAX);
            if let Some(last) = last.get_mut(line) {
                *last = u32::try_from(nth).unwrap_or(u32::MAX);
            }
        }
        let mut files = Files::begin(&self.dir().join("report"))?;
        for (nth, record) in self.journal().records()?.enumerate() {
            let record = record?;
            let line = usize::try_from(record.row.line).unwrap_or(usize::MAX);
            if last.get(line).is_some_and(|last| *last as usize == nth) {
                files.put(&record)?;
            }
        }
        files.end()
    }
}

/// A report that is being written, from wherever its records come.
pub(crate) struct Files {
    dir: PathBuf,
    open: Vec<(Outcome, PathBuf, csv::Writer<BufWriter<File>>, u64)>,
}

impl Files {
    pub fn begin(dir: &Path) -> Result<Files, BulkError> {
        let told = |e: io::Error| BulkError::file(dir, &e);
        fs::create_dir_all(dir).map_err(told)?;
        for outcome in Outcome::ALL {
            match fs::remove_file(dir.join(name(outcome))) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(told(e)),
                _ => {}
            }
        }
        Ok(Files {
            dir: dir.to_owned(),
            open: Vec::new(),
        })
    }

    pub fn put(&mut self, record: &Record) -> Result<(), BulkError> {
        let at = match self.open.iter().position(|f| f.0 == record.outcome) {
            Some(at) => at,
            None => {
                let path = self.dir.join(name(record.outcome));
                let mut file = File::create(&path)
                    .map(BufWriter::new)
                    .map_err(|e| BulkError::file(&path, &e))?;
                // Without the mark, spreadsheets take it for another encoding.
                let marked = file.write_all("\u{feff}".as_bytes());
                let mut csv = csv::Writer::from_writer(file);
                let named = csv.write_record([
                    "line",
                    "account",
                    "appid",
                    "notify_users",
                    "show_profile",
                    "outcome",
                    "errcode",
                    "rid",
                    "due_in_beijing",
                    "remedy",
                ]);
                marked
                    .and_then(|()| named.map_err(io::Error::other))
                    .map_err(|e| BulkError::file(&path, &e))?;
                self.open.push((record.outcome, path, csv, 0));
                self.open.len() - 1
            }
        };
        let (_, path, csv, count) = &mut self.open[at];
        *count += 1;
        let until = record.until.map(calendar::shown).unwrap_or_default();
        let code = match record.errcode {
            0 => String::new(),
            code => code.to_string(),
        };
        let remedy = match record.message.as_str() {
            "" => record.outcome.meaning(),
            message => message,
        };
        csv.write_record([
            &record.row.line.to_string(),
            &record.row.account,
            &record.row.appid,
            flag(record.row.notify_users),
            flag(record.row.show_profile),
            record.outcome.word(),
            &code,
            &record.rid,
            &until,
            remedy,
        ])
        .map_err(|e| BulkError::file(path, &io::Error::other(e)))
    }

    pub fn end(self) -> Result<Report, BulkError> {
        let mut files = Vec::new();
        for (outcome, path, mut csv, count) in self.open {
            csv.flush().map_err(|e| BulkError::file(&path, &e))?;
            files.push((outcome, path, count));
        }
        files.sort_by_key(|f| f.0 as usize);
        Ok(Report {
            dir: self.dir,
            files,
        })
    }
}

fn name(outcome: Outcome) -> String {
    format!("{}.csv", outcome.word())
}

fn flag(yes: bool) -> &'static str {
    if yes { "1" } else { "0" }
}
