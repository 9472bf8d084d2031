//! A job: which of its rows are left, and the right to work on it.

use std::collections::HashMap;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use wxlink::Lang;

use super::import::{BUFFER_SIZE, ROWS, import};
use super::journal::{Journal, JournalEntry};
use super::manifest::{MANIFEST, Manifest};
use crate::error::BulkError;
use crate::folder::{self, FILE_LIST, Folder, FolderKind, FolderLock, FolderState};
use crate::lock::lock;
use crate::message::{Message, message};
use crate::outcome::{Outcome, Record, Tally};
use crate::posts::{PostNote, Posts};
use crate::quota::{unix_now, unix_now_ms};
use crate::row::{BadRow, Row};

const JOURNAL: &str = "journal.jsonl";
/// Locked by the process that works on the job.
const LOCK: &str = "lock";

/// The longest time that a post may be in doubt: the largest `timeout_ms` and `settle_ms`.
const LONGEST_DOUBT: Duration = Duration::from_secs(2 * 60 * 60);

/// Which rows that already have an outcome are done again when a job is resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResumeMode {
    /// Only deferred rows that are due by now. Rows without an outcome are always done.
    Pending,
    /// All rows that resulted neither in a link nor in an invitation, except those that an
    /// administrator declined.
    Failed,
}

/// The invitations that were posted for the rows.
struct Posted {
    /// How many, by line number.
    counts: Vec<u8>,
    /// Until when the last one may still take effect (Unix time, ms), by the lines of rows that
    /// have no final outcome.
    in_doubt: HashMap<u64, u64>,
}

impl Posted {
    fn note(&mut self, note: &PostNote) {
        self.count(note.row.line, note.posting);
        self.in_doubt.insert(note.row.line, note.until_ms);
    }

    fn settle(&mut self, record: &Record) {
        let line = record.row.line;
        let noted = at_line(&mut self.counts, line).map_or(0, |count| u32::from(*count));
        self.count(line, record.posts);
        // A row without a final outcome may be done again while its post can take effect.
        let is_open = matches!(record.outcome, Outcome::Deferred | Outcome::Unknown);
        if !is_open || record.posts < noted {
            self.in_doubt.remove(&line);
        }
    }

    fn count(&mut self, line: u64, posts: u32) {
        if let Some(count) = at_line(&mut self.counts, line) {
            *count = u8::try_from(posts).unwrap_or(u8::MAX);
        }
    }
}

/// A job. Until it is dropped or released, no other process can open it.
pub struct Job {
    dir: PathBuf,
    manifest: Manifest,
    journal: Journal,
    /// By line number: 0 if the row is left, otherwise 1 plus its outcome.
    marks: Mutex<Vec<u8>>,
    posted: Mutex<Posted>,
    tally: Tally,
    /// `None` if the job is only looked at.
    lock: Option<FolderLock>,
    /// If this process created the job.
    folder: Option<Folder>,
}

impl Job {
    /// Creates a job in a folder that does not exist, is empty, or holds a job that was never run.
    /// Nothing else is replaced. The rows must not come from a file in that folder.
    ///
    /// # Errors
    /// Rows are invalid (the error lists them), the folder holds another job or other files, or it
    /// cannot be written.
    pub fn create(
        dir: &Path,
        rows: impl Iterator<Item = Result<Row, BadRow>>,
    ) -> Result<Job, BulkError> {
        let NewFolder { mut folder, lock } = prepare_folder(dir)?;
        let created = import(&mut folder, rows)
            .and_then(|manifest| Job::load(dir, manifest, Some(lock), ResumeMode::Pending));
        match created {
            Ok(job) => Ok(Job {
                folder: Some(folder),
                ..job
            }),
            Err(error) => {
                remove_folder(folder, dir);
                Err(error)
            }
        }
    }

    /// Opens an existing job to resume it.
    ///
    /// # Errors
    /// The folder holds no job, its files do not belong together, or another process works on it.
    pub fn open(dir: &Path, mode: ResumeMode) -> Result<Job, BulkError> {
        // Read first, so that nothing is written into a folder that holds no job.
        Manifest::read(dir)?;
        let lock = lock_job(dir)?;
        let manifest = Manifest::read(dir)?;
        Job::load(dir, manifest, Some(lock), mode)
    }

    /// Reads a job that another process may be working on.
    pub(super) fn read(dir: &Path, manifest: Manifest) -> Result<Job, BulkError> {
        Job::load(dir, manifest, None, ResumeMode::Pending)
    }

    fn load(
        dir: &Path,
        manifest: Manifest,
        lock: Option<FolderLock>,
        mode: ResumeMode,
    ) -> Result<Job, BulkError> {
        let journal = Journal::open(&dir.join(JOURNAL))?;
        let mut marks = vec![0; manifest.line_slots()];
        let mut posted = Posted {
            counts: vec![0; manifest.line_slots()],
            in_doubt: HashMap::new(),
        };
        if journal.exists() {
            let mut checksums = row_checksums(dir, &manifest)?;
            let now = unix_now();
            for line in journal.lines()? {
                let line = line?;
                let row = match &line.entry {
                    JournalEntry::Record(record) => &record.row,
                    JournalEntry::Note(note) => &note.row,
                };
                let checksum = at_line(&mut checksums, row.line).map(|sum| *sum);
                if checksum != Some(checksum_of(&row.to_json_line())) {
                    return Err(journal.foreign_line(line.number));
                }
                let Some(mark) = at_line(&mut marks, row.line) else {
                    continue;
                };
                match &line.entry {
                    JournalEntry::Record(record) => {
                        posted.settle(record);
                        *mark = if is_done_again(record, mode, now) {
                            0
                        } else {
                            1 + record.outcome as u8
                        };
                    }
                    JournalEntry::Note(note) => {
                        posted.note(note);
                        *mark = 0;
                    }
                }
            }
            if lock.is_some() {
                journal.remove_incomplete_line()?;
            }
        }
        let tally = Tally::default();
        for mark in marks.iter().filter(|m| **m > 0) {
            tally.add(Outcome::ALL[usize::from(mark - 1)]);
        }
        Ok(Job {
            dir: dir.to_owned(),
            manifest,
            journal,
            marks: Mutex::new(marks),
            posted: Mutex::new(posted),
            tally,
            lock,
            folder: None,
        })
    }

    /// Removes the job if this process created it and it was not run. Other files in its folder
    /// stay, and then so does the folder.
    pub fn discard(self) {
        if let (Some(folder), false) = (self.folder, self.journal.exists()) {
            remove_folder(folder, &self.dir);
        }
    }

    /// Lets other processes open the job. No work may be done on it here afterwards; its numbers
    /// stay available.
    pub fn release(&self) {
        if let Some(lock) = &self.lock {
            lock.release();
        }
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// How many rows it has.
    pub fn rows(&self) -> u64 {
        self.manifest.rows
    }

    /// How many accounts its rows are for.
    pub fn accounts(&self) -> u64 {
        self.manifest.accounts
    }

    /// How many of its rows message every follower of their account.
    pub fn notifying(&self) -> u64 {
        self.manifest.notifying
    }

    /// Its rows with an outcome, by outcome.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// How many of its rows are left.
    pub fn left(&self) -> u64 {
        self.manifest.rows.saturating_sub(self.tally.total())
    }

    /// Whether these are exactly the rows of the job.
    pub fn has_rows(&self, rows: impl Iterator<Item = Result<Row, BadRow>>) -> bool {
        let mut checksum = crc32fast::Hasher::new();
        for row in rows {
            match row {
                Ok(row) => checksum.update(&row.to_json_line()),
                Err(_) => return false,
            }
        }
        checksum.finalize() == self.manifest.crc32
    }

    /// The rows that are left, sorted by account.
    pub(super) fn rows_left(
        &self,
    ) -> Result<impl Iterator<Item = Result<Row, BulkError>> + Send + '_, BulkError> {
        let path = self.dir.join(ROWS);
        let file = folder::open(&path).map_err(|e| BulkError::file(&path, &e))?;
        let lines = BufReader::with_capacity(BUFFER_SIZE, file).split(b'\n');
        let rows = lines.map(move |line| {
            let line = line.map_err(|e| BulkError::file(&path, &e))?;
            serde_json::from_slice::<Row>(&line)
                .map_err(|e| BulkError::usage(format!("{}: {e}", path.display())))
        });
        Ok(rows.filter(|row| match row {
            Ok(row) => at_line(&mut self.marks(), row.line).is_none_or(|mark| *mark == 0),
            Err(_) => true,
        }))
    }

    /// Keeps the record of a row in the journal.
    pub(super) fn record(&self, record: &Record) -> Result<(), BulkError> {
        self.journal.append(record)?;
        lock(&self.posted).settle(record);
        if let Some(mark) = at_line(&mut self.marks(), record.row.line) {
            *mark = 1 + record.outcome as u8;
        }
        self.tally.add(record.outcome);
        Ok(())
    }

    /// Keeps another record of a row that has one.
    pub(super) fn replace_record(&self, old: Outcome, record: &Record) -> Result<(), BulkError> {
        self.journal.append(record)?;
        if let Some(mark) = at_line(&mut self.marks(), record.row.line) {
            *mark = 1 + record.outcome as u8;
        }
        self.tally.replace(old, record.outcome);
        Ok(())
    }

    /// What is known of a row's invitations.
    pub(super) fn posts(&self, row: &Row) -> Posts {
        let mut posted = lock(&self.posted);
        let count = at_line(&mut posted.counts, row.line).map_or(0, |count| u32::from(*count));
        let until_ms = posted.in_doubt.get(&row.line).copied().unwrap_or_default();
        // A clock that was set back does not prolong the doubt.
        let left = Duration::from_millis(until_ms.saturating_sub(unix_now_ms()));
        Posts {
            count,
            in_doubt_for: left.min(LONGEST_DOUBT),
        }
    }

    /// Notes in the journal what is known of a row's invitations.
    pub(super) fn note_posts(&self, row: &Row, posts: Posts) -> Result<(), BulkError> {
        let in_doubt_ms = u64::try_from(posts.in_doubt_for.as_millis()).unwrap_or(u64::MAX);
        let note = PostNote {
            row: row.clone(),
            posting: posts.count,
            until_ms: unix_now_ms().saturating_add(in_doubt_ms),
        };
        self.journal.append(&note)?;
        lock(&self.posted).note(&note);
        Ok(())
    }

    pub(super) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Identifies the job among all others.
    pub(super) fn identity(&self) -> String {
        self.manifest.identity()
    }

    /// The names of the other columns of its rows.
    pub(super) fn other_columns(&self) -> &[String] {
        &self.manifest.other_columns
    }

    /// How many entries an array that is indexed by line number needs.
    pub(super) fn line_slots(&self) -> usize {
        self.manifest.line_slots()
    }

    fn marks(&self) -> MutexGuard<'_, Vec<u8>> {
        lock(&self.marks)
    }
}

fn is_done_again(record: &Record, mode: ResumeMode, now: u64) -> bool {
    match mode {
        ResumeMode::Pending => record.until.is_some_and(|until| until <= now),
        ResumeMode::Failed => !matches!(
            record.outcome,
            Outcome::Linked | Outcome::Invited | Outcome::Pending | Outcome::Declined
        ),
    }
}

/// The entry for a line number.
fn at_line<T>(by_line: &mut [T], line: u64) -> Option<&mut T> {
    by_line.get_mut(usize::try_from(line).ok()?)
}

/// A folder for a new job, locked.
struct NewFolder {
    folder: Folder,
    lock: FolderLock,
}

/// Prepares a folder for a new job. The files of a job that was never run are removed.
fn prepare_folder(dir: &Path) -> Result<NewFolder, BulkError> {
    let unusable = |e: io::Error| unusable_folder(dir, &e);
    let mut folder = match Folder::inspect(dir).map_err(unusable)? {
        FolderState::Missing | FolderState::Empty => Folder::create(dir, FolderKind::Job, "")
            .map_err(|e| match e.kind() {
                io::ErrorKind::AlreadyExists => in_use(dir),
                _ => unusable(e),
            })?,
        FolderState::Ours(folder) if folder.kind() == FolderKind::Job => *folder,
        FolderState::Ours(_) => return Err(holds_foreign_file(dir, FILE_LIST)),
        FolderState::Foreign(_) if Manifest::read(dir).is_ok() => return Err(holds_a_job(dir)),
        FolderState::Foreign(first) => return Err(holds_foreign_file(dir, &first)),
    };
    let lock = lock_job(dir)?;
    folder.refresh().map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => in_use(dir),
        _ => unusable(e),
    })?;
    if let Some(first) = folder.first_foreign_file(&[LOCK]).map_err(unusable)? {
        return Err(match Manifest::read(dir) {
            Ok(_) => holds_a_job(dir),
            Err(_) => holds_foreign_file(dir, &first),
        });
    }
    let emptied = folder
        .remove_incomplete_files()
        .and_then(|()| folder.remove_all_except(&[]));
    emptied.map_err(|e| BulkError::file(dir, &e))?;
    Ok(NewFolder { folder, lock })
}

/// Removes the files of a job that was not run.
fn remove_folder(folder: Folder, dir: &Path) {
    // Files that cannot be removed are recognised when the next job is created there.
    let path = dir.join(LOCK);
    if folder::regular_file(&path).is_ok_and(|lock| lock.is_some_and(|lock| lock.len() == 0)) {
        let _ = fs::remove_file(&path);
    }
    let _ = folder.remove();
}

/// The checksum of each row by line number; 0 where there is no row.
fn row_checksums(dir: &Path, manifest: &Manifest) -> Result<Vec<u32>, BulkError> {
    let path = dir.join(ROWS);
    let failed = |e: io::Error| BulkError::file(&path, &e);
    let mismatch = |why: Message| {
        let (path, manifest_path) = (path.display(), dir.join(MANIFEST));
        let manifest_path = manifest_path.display();
        let (en, zh) = (why.get(Lang::En), why.get(Lang::Zh));
        BulkError::usage(message!(
            "{path} does not belong to {manifest_path}: {en}. Restore the job's own rows, or \
             start another job",
            "{path} 与 {manifest_path} 不匹配：{zh}。请恢复本任务自己的行，或新建任务"
        ))
    };
    let mut checksums = vec![0; manifest.line_slots()];
    let mut rows = 0_u64;
    let file = folder::open(&path).map_err(failed)?;
    for line in BufReader::with_capacity(BUFFER_SIZE, file).split(b'\n') {
        let mut line = line.map_err(failed)?;
        let row: Row = serde_json::from_slice(&line).map_err(|e| mismatch(e.to_string().into()))?;
        line.push(b'\n');
        match at_line(&mut checksums, row.line) {
            Some(checksum) if *checksum == 0 => *checksum = checksum_of(&line),
            _ => return Err(mismatch(message!("unexpected rows", "行不一致"))),
        }
        rows += 1;
    }
    if rows != manifest.rows {
        let expected = manifest.rows;
        return Err(mismatch(message!(
            "{rows} rows instead of {expected}",
            "应有 {expected} 行，实有 {rows} 行"
        )));
    }
    Ok(checksums)
}

/// A checksum that is never 0.
fn checksum_of(text: &[u8]) -> u32 {
    crc32fast::hash(text).max(1)
}

/// Locks a job's folder for this process.
fn lock_job(dir: &Path) -> Result<FolderLock, BulkError> {
    let path = dir.join(LOCK);
    let file = folder::create_new_file(&path).or_else(|e| match e.kind() {
        io::ErrorKind::AlreadyExists => folder::open_to_append(&path),
        _ => Err(e),
    });
    let file = file.map_err(|e| unusable_folder(dir, &e))?;
    FolderLock::acquire(file).map_err(|_| in_use(dir))
}

fn in_use(dir: &Path) -> BulkError {
    let dir = dir.display();
    BulkError::usage(message!(
        "another process works on {dir}. Wait for it, or stop it",
        "另一个进程正在处理 {dir}。请等待其结束，或将其停止"
    ))
}

fn holds_a_job(dir: &Path) -> BulkError {
    let dir = dir.display();
    BulkError::usage(message!(
        "{dir} already holds a job. Resume it (--resume), or choose another folder (--job)",
        "{dir} 中已有任务。请继续该任务 (--resume)，或换一个目录 (--job)"
    ))
}

fn holds_foreign_file(dir: &Path, first: &str) -> BulkError {
    let dir = dir.display();
    BulkError::usage(message!(
        "{dir} cannot be a job's folder: it holds {first:?}, which no job wrote. A job needs a new \
         or empty folder; choose another (--job)",
        "{dir} 不能用作任务目录：其中有 {first:?}，它不是任务写入的。\
         任务需要新目录或空目录，请另选一个 (--job)"
    ))
}

fn unusable_folder(dir: &Path, error: &io::Error) -> BulkError {
    if folder::is_disk_full(error) {
        return BulkError::file(dir, error);
    }
    let (dir, why) = (dir.display(), Message::from(error));
    let zh = why.get(Lang::Zh);
    BulkError::usage(message!(
        "{dir} cannot be a job's folder: {why}. Choose another folder (--job)",
        "{dir} 不能用作任务目录：{zh}。请换一个目录 (--job)"
    ))
}
