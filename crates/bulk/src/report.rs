//! Reports: a folder with a CSV file for each outcome, for those who must act on it.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use wxlink::Lang;

use crate::columns::REPORT_COLUMNS;
use crate::error::BulkError;
use crate::folder::{self, FileState, FileWriter, Folder, FolderKind, FolderLock, FolderState};
use crate::message::{Message, message};
use crate::outcome::{Outcome, Place, Record};
use crate::quota::format_beijing_time;
use crate::spreadsheet::{self, BYTE_ORDER_MARK, write_record};

/// How much of a file is buffered before it is written (bytes).
const WRITE_BUFFER_SIZE: usize = 1 << 16;
/// The subject of a report on a queue begins with this.
const QUEUE_SUBJECT: &str = "queue ";

/// A report that was written.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its folder.
    pub dir: PathBuf,
    /// Its files, in the order of [`Outcome::ALL`].
    pub files: Vec<ReportFile>,
}

/// A file of a report.
#[derive(Clone, Debug)]
pub struct ReportFile {
    /// The outcome of all its rows.
    pub outcome: Outcome,
    /// Where it is.
    pub path: PathBuf,
    /// How many rows it has.
    pub rows: u64,
}

/// Writes a report. Until it is finished, an earlier report stays unchanged; if it is dropped
/// before, it leaves nothing behind.
pub(crate) struct ReportWriter {
    dir: PathBuf,
    /// `None` once the report is finished.
    folder: Option<Folder>,
    /// Whether the folder's file list was created for this report.
    is_new: bool,
    /// What the report is about.
    subject: String,
    /// The language of remedies.
    lang: Lang,
    /// The names of the user's columns, and the place of each.
    other_columns: Vec<String>,
    other_places: HashMap<String, usize>,
    files: Vec<OutcomeFile>,
    /// Keeps other processes away, where folders can be locked.
    _lock: Option<FolderLock>,
}

struct OutcomeFile {
    outcome: Outcome,
    csv: csv::Writer<FileWriter>,
    rows: u64,
}

impl ReportWriter {
    /// Starts a report on a queue's results. `id` identifies the queue, also among later queues of
    /// the same name. The results of a removed queue exist nowhere else, so an earlier report on
    /// another queue is moved aside instead of replaced.
    ///
    /// # Errors
    /// See [`ReportWriter::new`].
    pub fn for_queue(
        dir: &Path,
        name: &str,
        id: &str,
        lang: Lang,
    ) -> Result<ReportWriter, BulkError> {
        ReportWriter::new(dir, format!("{QUEUE_SUBJECT}{name} {id}"), lang)
    }

    /// Starts a report in a folder that does not exist, is empty, or holds an earlier report.
    ///
    /// # Errors
    /// The folder is none of these, holds a report on something else, or cannot be written.
    pub fn new(dir: &Path, subject: String, lang: Lang) -> Result<ReportWriter, BulkError> {
        let failed = |e: io::Error| BulkError::file(dir, &e);
        let unusable = |e: io::Error| unusable_folder(dir, &e);
        let (mut folder, is_new) = match Folder::inspect(dir).map_err(unusable)? {
            FolderState::Missing | FolderState::Empty => {
                let made = Folder::create(dir, FolderKind::Report, &subject).map_err(unusable)?;
                (made, true)
            }
            FolderState::Ours(folder) if folder.kind() == FolderKind::Report => (*folder, false),
            FolderState::Ours(_) => return Err(holds_foreign_file(dir, folder::FILE_LIST)),
            FolderState::Foreign(first) => return Err(holds_foreign_file(dir, &first)),
        };
        let lock = lock_folder(dir)?;
        folder.refresh().map_err(failed)?;
        let are_queues =
            |a: &str, b: &str| a.starts_with(QUEUE_SUBJECT) && b.starts_with(QUEUE_SUBJECT);
        if folder.subject() != subject && !are_queues(folder.subject(), &subject) {
            let dir = dir.display();
            return Err(BulkError::usage(message!(
                "{dir} holds the report of another job. Choose another folder, or move the report \
                 elsewhere",
                "{dir} 中是另一个任务的报告。请换一个目录，或将该报告移走"
            )));
        }
        folder.remove_incomplete_files().map_err(failed)?;
        for outcome in Outcome::ALL {
            let name = file_name(outcome);
            if folder.file_state(&name).map_err(failed)? == FileState::Foreign {
                return Err(folder::file_in_the_way(&dir.join(name)));
            }
        }
        Ok(ReportWriter {
            dir: dir.to_owned(),
            folder: Some(folder),
            is_new,
            subject,
            lang,
            other_columns: Vec::new(),
            other_places: HashMap::new(),
            files: Vec::new(),
            _lock: lock,
        })
    }

    /// Sets the names of the user's columns, which follow the report's own. To be called before any
    /// record is added.
    pub fn set_other_columns(&mut self, names: Vec<String>) {
        self.other_places = names.iter().cloned().zip(0..).collect();
        self.other_columns = names;
    }

    /// Adds a record to the file of its outcome.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn add(&mut self, record: &Record) -> Result<(), BulkError> {
        let outcome = record.outcome;
        let index = match self.files.iter().position(|f| f.outcome == outcome) {
            Some(index) => index,
            None => {
                let file = self.create_file(outcome);
                self.files.push(file.map_err(|e| self.failed(outcome, &e))?);
                self.files.len() - 1
            }
        };
        let meaning = outcome.meaning(self.place()).get(self.lang);
        let file = &mut self.files[index];
        file.rows += 1;
        let until = record.until.map(format_beijing_time).unwrap_or_default();
        let errcode = match record.errcode {
            0 => String::new(),
            code => code.to_string(),
        };
        let remedy = match record.message.as_str() {
            "" => meaning,
            message => message,
        };
        let mut others = vec![""; self.other_columns.len()];
        for cell in record.row.other.iter() {
            if let Some(place) = self.other_places.get(&cell.name) {
                others[*place] = &cell.text;
            }
        }
        let cells = [
            &record.row.line.to_string(),
            &record.row.account,
            &record.row.appid,
            flag(record.row.notify_users),
            flag(record.row.show_profile),
            outcome.word(),
            &errcode,
            &record.rid,
            &until,
            remedy,
        ];
        let cells = cells.into_iter().chain(others).map(spreadsheet::escape);
        let written = write_record(&mut file.csv, cells);
        written.map_err(|e| self.failed(outcome, &io::Error::other(e)))
    }

    /// Where the rows were processed.
    fn place(&self) -> Place {
        if self.subject.starts_with(QUEUE_SUBJECT) {
            Place::Queue
        } else {
            Place::Job
        }
    }

    fn create_file(&self, outcome: Outcome) -> io::Result<OutcomeFile> {
        let folder = self.folder.as_ref().ok_or(io::ErrorKind::NotFound)?;
        let mut file = folder.create_file(&file_name(outcome))?;
        write!(file, "{BYTE_ORDER_MARK}")?;
        let mut csv = csv::WriterBuilder::new()
            .buffer_capacity(WRITE_BUFFER_SIZE)
            .from_writer(file);
        let names = REPORT_COLUMNS.into_iter();
        let names = names.chain(self.other_columns.iter().map(String::as_str));
        write_record(&mut csv, names.map(spreadsheet::escape))?;
        Ok(OutcomeFile {
            outcome,
            csv,
            rows: 0,
        })
    }

    /// Syncs the files to disk, gives them their names, and removes the files of an earlier report
    /// that are not replaced. Without a single record, everything stays unchanged.
    ///
    /// # Errors
    /// The files cannot be written; the earlier report still exists then.
    pub fn finish(mut self) -> Result<Report, BulkError> {
        let failed = |e: io::Error| BulkError::file(&self.dir, &e);
        let mut files = Vec::new();
        let mut written = Vec::new();
        for OutcomeFile { outcome, csv, rows } in std::mem::take(&mut self.files) {
            let flushed = csv.into_inner().map_err(csv::IntoInnerError::into_error);
            let complete = flushed.and_then(FileWriter::finish);
            written.push(complete.map_err(|e| self.failed(outcome, &e))?);
            files.push(ReportFile {
                outcome,
                path: self.dir.join(file_name(outcome)),
                rows,
            });
        }
        files.sort_by_key(|file| file.outcome as usize);
        let report = Report {
            dir: self.dir.clone(),
            files,
        };
        if written.is_empty() {
            // Dropping the writer cleans up.
            return Ok(report);
        }
        if let Some(mut folder) = self.folder.take() {
            let names: Vec<String> = written.iter().map(|file| file.name.clone()).collect();
            let moved_aside = if folder.subject() == self.subject {
                Ok(())
            } else {
                folder.move_files_aside(&self.subject).map_err(failed)
            };
            let published = moved_aside
                .and_then(|()| folder.publish(written))
                .and_then(|()| folder.remove_all_except(&names).map_err(failed));
            if let Err(error) = published {
                self.folder = Some(folder);
                return Err(error);
            }
        }
        Ok(report)
    }

    fn failed(&self, outcome: Outcome, error: &io::Error) -> BulkError {
        BulkError::file(&self.dir.join(file_name(outcome)), error)
    }
}

impl Drop for ReportWriter {
    fn drop(&mut self) {
        self.files.clear();
        // Files that cannot be removed now are recognised and removed by the next report.
        match self.folder.take() {
            Some(folder) if self.is_new => drop(folder.remove()),
            Some(folder) => drop(folder.remove_incomplete_files()),
            None => {}
        }
    }
}

/// Locks the folder, so that two processes do not write into it at the same time.
#[cfg(unix)]
fn lock_folder(dir: &Path) -> Result<Option<FolderLock>, BulkError> {
    let folder = std::fs::File::open(dir).map_err(|e| BulkError::file(dir, &e))?;
    match FolderLock::acquire(folder) {
        Ok(lock) => Ok(Some(lock)),
        Err(fs4::TryLockError::WouldBlock) => {
            let dir = dir.display();
            Err(BulkError::usage(message!(
                "another process writes into {dir}. Wait for it, or choose another folder",
                "另一个进程正在写入 {dir}。请等待其结束，或换一个目录"
            )))
        }
        // Some network file systems cannot lock folders.
        Err(_) => Ok(None),
    }
}

/// Folders cannot be locked here: the caller must not write into one from two processes.
#[cfg(not(unix))]
fn lock_folder(_: &Path) -> Result<Option<FolderLock>, BulkError> {
    Ok(None)
}

fn unusable_folder(dir: &Path, error: &io::Error) -> BulkError {
    if folder::is_disk_full(error) {
        return BulkError::file(dir, error);
    }
    let (dir, why) = (dir.display(), Message::from(error));
    let zh = why.get(Lang::Zh);
    BulkError::usage(message!(
        "{dir} cannot hold results: {why}. Choose another folder",
        "{dir} 无法存放结果：{zh}。请换一个目录"
    ))
}

fn holds_foreign_file(dir: &Path, first: &str) -> BulkError {
    let dir = dir.display();
    BulkError::usage(message!(
        "{dir} holds {first:?}, which is not part of a report. Choose a new or empty folder, or \
         one with an earlier report",
        "{dir} 中有 {first:?}，它不属于报告。请选择新目录、空目录或存有早前报告的目录"
    ))
}

fn file_name(outcome: Outcome) -> String {
    format!("{}.csv", outcome.word())
}

fn flag(yes: bool) -> &'static str {
    if yes { "1" } else { "0" }
}
