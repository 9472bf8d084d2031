//! The end of a job: a file for each outcome, for those who have to act.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::calendar;
use crate::error::BulkError;
use crate::folder::{self, Folder, Found, Kind, Lock, Writer};
use crate::job::{Job, REPORT};
use crate::outcome::{Outcome, Record};

/// How much of a file is written at once (bytes).
const BUFFER: usize = 1 << 16;
/// What the files of a queue's results are about begins with this.
const QUEUE: &str = "queue ";

/// Where the files of a report are.
#[derive(Clone, Debug)]
pub struct Report {
    /// The folder.
    pub dir: PathBuf,
    /// Each outcome that there is, its file, and how many rows are in it.
    pub files: Vec<(Outcome, PathBuf, u64)>,
}

impl Job {
    /// Writes a CSV for each outcome, from the journal, into the folder `report` of the job's. It
    /// replaces an earlier report of the job, and nothing else.
    ///
    /// # Errors
    /// The files cannot be written, or files that are none of the job's are in the way.
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
        let mut files = self.files()?;
        for (nth, record) in self.journal().records()?.enumerate() {
            let record = record?;
            let line = usize::try_from(record.row.line).unwrap_or(usize::MAX);
            if last.get(line).is_some_and(|last| *last as usize == nth) {
                files.put(&record)?;
            }
        }
        files.end()
    }

    /// Sees whether a report could be written, so that it need not fail after the work.
    ///
    /// # Errors
    /// Files that are none of the job's are in the way, or the folder cannot be written.
    pub fn check_report(&self) -> Result<(), BulkError> {
        self.files().map(drop)
    }

    fn files(&self) -> Result<Files, BulkError> {
        Files::begin(&self.dir().join(REPORT), self.identity())
    }
}

/// A report that is being written, from wherever its records come. Until its end an earlier one
/// stays as it is.
pub(crate) struct Files {
    dir: PathBuf,
    /// There until the end.
    folder: Option<Folder>,
    /// Whether the folder's list was made for this report.
    is_new: bool,
    /// What the report is about.
    about: String,
    open: Vec<Part>,
    /// Keeps other processes away.
    _lock: Option<Lock>,
}

struct Part {
    outcome: Outcome,
    csv: csv::Writer<Writer>,
    rows: u64,
}

impl Files {
    /// Begins a report of a queue's results. `id` tells the queue from others, also from later ones
    /// of its name, whose results would be nowhere else: an earlier report about another queue is
    /// set aside and not replaced.
    ///
    /// # Errors
    /// See [`Files::begin`].
    pub fn of_a_queue(dir: &Path, name: &str, id: &str) -> Result<Files, BulkError> {
        Files::begin(dir, format!("{QUEUE}{name} {id}"))
    }

    /// Begins a report in a folder that is not there, is empty, or holds an earlier report.
    ///
    /// # Errors
    /// The folder is none of these, or cannot be written.
    fn begin(dir: &Path, about: String) -> Result<Files, BulkError> {
        let told = |e: io::Error| BulkError::file(dir, &e);
        let no_folder = |e: io::Error| {
            let what = format!("hold results: {e}; take another folder");
            folder::does_not_serve(dir, &e, &what)
        };
        let (mut folder, is_new) = match Folder::look(dir).map_err(no_folder)? {
            Found::Nothing | Found::Empty => {
                let made = Folder::create(dir, Kind::Report, &about).map_err(no_folder)?;
                (made, true)
            }
            Found::Ours(folder) if folder.kind() == Kind::Report => (*folder, false),
            Found::Ours(_) => return Err(holds_others(dir, folder::LIST)),
            Found::Others(first) => return Err(holds_others(dir, &first)),
        };
        let lock = take(dir)?;
        folder.refresh().map_err(told)?;
        if folder.about() != about
            && !(folder.about().starts_with(QUEUE) && about.starts_with(QUEUE))
        {
            return Err(BulkError::usage(format!(
                "{} holds the report of something else; take another folder, or move it elsewhere",
                dir.display()
            )));
        }
        folder.abandon_all().map_err(told)?;
        for outcome in Outcome::ALL {
            if folder.is_own(&name(outcome)).map_err(told)? == Some(false) {
                return Err(folder::in_the_way(&dir.join(name(outcome))));
            }
        }
        Ok(Files {
            dir: dir.to_owned(),
            folder: Some(folder),
            is_new,
            about,
            open: Vec::new(),
            _lock: lock,
        })
    }

    pub fn put(&mut self, record: &Record) -> Result<(), BulkError> {
        let at = match self.open.iter().position(|f| f.outcome == record.outcome) {
            Some(at) => at,
            None => {
                let part = self.begin_file(record.outcome);
                self.open
                    .push(part.map_err(|e| self.failed(record.outcome, &e))?);
                self.open.len() - 1
            }
        };
        let part = &mut self.open[at];
        part.rows += 1;
        let until = record.until.map(calendar::shown).unwrap_or_default();
        let code = match record.errcode {
            0 => String::new(),
            code => code.to_string(),
        };
        let remedy = match record.message.as_str() {
            "" => record.outcome.meaning(),
            message => message,
        };
        let written = part.csv.write_record([
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
        ]);
        written.map_err(|e| self.failed(record.outcome, &io::Error::other(e)))
    }

    fn begin_file(&self, outcome: Outcome) -> io::Result<Part> {
        let folder = self.folder.as_ref().ok_or(io::ErrorKind::NotFound)?;
        let mut file = folder.begin_file(&name(outcome))?;
        // Without the mark, spreadsheets take it for another encoding.
        file.write_all("\u{feff}".as_bytes())?;
        let mut csv = csv::WriterBuilder::new()
            .buffer_capacity(BUFFER)
            .from_writer(file);
        csv.write_record([
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
        ])?;
        Ok(Part {
            outcome,
            csv,
            rows: 0,
        })
    }

    /// Completes the files, which then are on the disk for good, and removes those of an earlier
    /// report that have become pointless. Without a single record everything stays as it was.
    ///
    /// # Errors
    /// The files cannot be written; the earlier report is still there then.
    pub fn end(mut self) -> Result<Report, BulkError> {
        let told = |e: io::Error| BulkError::file(&self.dir, &e);
        let mut files = Vec::new();
        let mut written = Vec::new();
        for Part { outcome, csv, rows } in std::mem::take(&mut self.open) {
            let whole = csv.into_inner().map_err(csv::IntoInnerError::into_error);
            let whole = whole.and_then(Writer::finish);
            written.push(whole.map_err(|e| self.failed(outcome, &e))?);
            files.push((outcome, self.dir.join(name(outcome)), rows));
        }
        files.sort_by_key(|f| f.0 as usize);
        if written.is_empty() {
            // Dropping this tidies up.
            return Ok(Report {
                dir: self.dir.clone(),
                files,
            });
        }
        if let Some(mut folder) = self.folder.take() {
            let names: Vec<String> = written.iter().map(|file| file.name.clone()).collect();
            let published = match folder.about() == self.about {
                true => Ok(()),
                false => folder.set_aside(&self.about).map_err(told),
            };
            let published = published
                .and_then(|()| folder.publish(written))
                .and_then(|()| folder.keep_only(&names).map_err(told));
            if let Err(why) = published {
                self.folder = Some(folder);
                return Err(why);
            }
        }
        Ok(Report {
            dir: self.dir.clone(),
            files,
        })
    }

    fn failed(&self, outcome: Outcome, error: &io::Error) -> BulkError {
        BulkError::file(&self.dir.join(name(outcome)), error)
    }
}

impl Drop for Files {
    /// A report that did not come to its end leaves nothing behind.
    fn drop(&mut self) {
        self.open.clear();
        // What cannot be tidied away is recognised later.
        match self.folder.take() {
            Some(folder) if self.is_new => drop(folder.remove()),
            Some(folder) => drop(folder.abandon_all()),
            None => {}
        }
    }
}

/// Has the folder to this process alone.
#[cfg(unix)]
fn take(dir: &Path) -> Result<Option<Lock>, BulkError> {
    let folder = std::fs::File::open(dir).map_err(|e| BulkError::file(dir, &e))?;
    match Lock::take(folder) {
        Ok(lock) => Ok(Some(lock)),
        Err(fs4::TryLockError::WouldBlock) => Err(BulkError::usage(format!(
            "another process writes into {}; wait for it, or take another folder",
            dir.display()
        ))),
        // Some network file systems lock no folders.
        Err(_) => Ok(None),
    }
}

/// A folder cannot be locked here: two processes must not write into the same one.
#[cfg(not(unix))]
fn take(_: &Path) -> Result<Option<Lock>, BulkError> {
    Ok(None)
}

fn holds_others(dir: &Path, first: &str) -> BulkError {
    BulkError::usage(format!(
        "{} holds {first:?}, which is no part of a report; results need a new or an empty \
         folder, or that of an earlier report",
        dir.display()
    ))
}

fn name(outcome: Outcome) -> String {
    format!("{}.csv", outcome.word())
}

fn flag(yes: bool) -> &'static str {
    if yes { "1" } else { "0" }
}
