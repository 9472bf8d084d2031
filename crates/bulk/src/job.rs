//! A job: a folder with its rows, and the journal of what became of them.

use std::collections::HashMap;
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use serde::{Deserialize, Serialize};

use crate::calendar;
use crate::error::BulkError;
use crate::folder::{self, Folder, Found, Kind, Lock};
use crate::journal::Journal;
use crate::outcome::{Outcome, Record, Tally};
use crate::row::{BadRow, Row};
use crate::sync::lock;

/// The rows, in the order of their accounts.
const ROWS: &str = "rows.jsonl";
/// What is known of all of them.
const ABOUT: &str = "job.json";
const JOURNAL: &str = "journal.jsonl";
/// Held by whoever works on it.
const LOCK: &str = "lock";
/// There while somebody works, and after they were killed.
const RUNNING: &str = "running";
/// The folder of the report.
pub(crate) const REPORT: &str = "report";
/// The rows in the order of the input, while they are being sorted.
const UNSORTED: &str = "rows.unsorted";
/// The largest description of a job that is read (bytes).
const MAX_ABOUT: u64 = 1 << 16;
/// How many bad rows an error tells of.
const TOLD: usize = 20;

/// Which of the rows that came to something are done again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reopen {
    /// Those whose quota begins anew by now.
    Due,
    /// All that did not come to an invitation or a link, but for those an administrator declined.
    Failed,
}

/// A job. While there is one that was not released, nobody else can have the same.
pub struct Job {
    dir: PathBuf,
    about: About,
    journal: Journal,
    /// By line: 0 if it is to be done, else 1 and its outcome.
    marks: Mutex<Vec<u8>>,
    tally: Tally,
    lock: Lock,
    /// Of a job that was made by this process.
    folder: Option<Folder>,
}

/// What is known of all rows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct About {
    version: u32,
    /// Of all rows as they stood in the input.
    pub crc32: u32,
    pub rows: u64,
    accounts: u64,
    /// Rows that message every follower.
    notifying: u64,
    last_line: u64,
    begun: u64,
    /// Random, so that two jobs of the same rows can be told apart.
    #[serde(default)]
    id: String,
}

impl Job {
    /// Makes a job of rows, in a folder that is not there, is empty, or holds a job that was never
    /// run. Nothing else is replaced. It does not know where the rows come from: they must not come
    /// from that folder.
    ///
    /// # Errors
    /// Rows are invalid, all of which are told; the folder holds a job or other files; it cannot be
    /// written.
    pub fn begin(
        dir: &Path,
        rows: impl Iterator<Item = Result<Row, BadRow>>,
    ) -> Result<Job, BulkError> {
        let (mut folder, lock) = prepare(dir)?;
        let made =
            import(&mut folder, rows).and_then(|about| Job::with(dir, about, lock, Reopen::Due));
        match made {
            Ok(job) => Ok(Job {
                folder: Some(folder),
                ..job
            }),
            Err(why) => {
                remove(folder, dir);
                Err(why)
            }
        }
    }

    /// Takes up a job where it was left.
    ///
    /// # Errors
    /// The folder holds none, its files do not belong together, or another process works on it.
    pub fn open(dir: &Path, reopen: Reopen) -> Result<Job, BulkError> {
        // Before it is known to be a job's folder nothing is written there.
        read_about(dir)?;
        let lock = take(dir)?;
        let about = read_about(dir)?;
        Job::with(dir, about, lock, reopen)
    }

    fn with(dir: &Path, about: About, lock: Lock, reopen: Reopen) -> Result<Job, BulkError> {
        let journal = Journal::open(&dir.join(JOURNAL))?;
        let lines = usize::try_from(about.last_line).unwrap_or(usize::MAX - 1);
        let mut marks = vec![0; lines + 1];
        if journal.is_there() {
            let mut sums = sums(dir, &about)?;
            let now = calendar::now();
            for record in journal.numbered()? {
                let (line, record) = record?;
                let row = at(&mut sums, record.row.line).map(|sum| *sum);
                if row != Some(sum_of(&text_of(&record.row))) {
                    return Err(journal.is_of_another(line));
                }
                let again = match reopen {
                    Reopen::Due => record.until.is_some_and(|until| until <= now),
                    Reopen::Failed => !matches!(
                        record.outcome,
                        Outcome::Linked | Outcome::Invited | Outcome::Pending | Outcome::Declined
                    ),
                };
                if let Some(mark) = at(&mut marks, record.row.line) {
                    *mark = if again { 0 } else { 1 + record.outcome as u8 };
                }
            }
            journal.trim()?;
        }
        let tally = Tally::default();
        for mark in marks.iter().filter(|m| **m > 0) {
            tally.add(Outcome::ALL[usize::from(mark - 1)]);
        }
        Ok(Job {
            dir: dir.to_owned(),
            about,
            journal,
            marks: Mutex::new(marks),
            tally,
            lock,
            folder: None,
        })
    }

    /// Takes it away again, if this process made it and it was not run. What others keep in its
    /// folder stays, and so does the folder then.
    pub fn discard(self) {
        if let (Some(folder), false) = (self.folder, self.journal.is_there()) {
            remove(folder, &self.dir);
        }
    }

    /// Does something that posts. Whoever did so before and was killed may have posted what WeChat's lists do not show
    /// yet: they are given a moment.
    pub(crate) fn running<T>(
        &self,
        settle: impl FnOnce(),
        work: impl FnOnce() -> T,
    ) -> Result<T, BulkError> {
        let path = self.dir.join(RUNNING);
        let told = |e: io::Error| BulkError::file(&path, &e);
        // From now on the job is not replaced by another.
        self.journal.begin()?;
        match folder::regular(&path).map_err(told)? {
            Some(found) if found.len() > 0 => return Err(folder::in_the_way(&path)),
            Some(_) => settle(),
            None => drop(folder::create_new(&path).map_err(told)?),
        }
        let done = work();
        // If it stays, the next one waits in vain, and no longer than that.
        let _ = fs::remove_file(&path);
        Ok(done)
    }

    /// Lets others have it, now that no more work is done on it here. What is known of it can still be asked.
    pub fn release(&self) {
        self.lock.release();
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// How many rows it has.
    pub fn rows(&self) -> u64 {
        self.about.rows
    }

    /// How many accounts they are for.
    pub fn accounts(&self) -> u64 {
        self.about.accounts
    }

    /// How many of them message every follower of their account.
    pub fn notifying(&self) -> u64 {
        self.about.notifying
    }

    /// What they have come to so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// How many are still to be done, now.
    pub fn left(&self) -> u64 {
        self.about.rows.saturating_sub(self.tally.total())
    }

    /// Whether these are its rows.
    pub fn is_of(&self, rows: impl Iterator<Item = Result<Row, BadRow>>) -> bool {
        let mut sum = crc32fast::Hasher::new();
        for row in rows {
            match row {
                Ok(row) => sum.update(&text_of(&row)),
                Err(_) => return false,
            }
        }
        sum.finalize() == self.about.crc32
    }

    /// Those of its rows that are to be done, in the order of their accounts.
    pub(crate) fn open_rows(
        &self,
    ) -> Result<impl Iterator<Item = Result<Row, BulkError>> + Send + '_, BulkError> {
        let path = self.dir.join(ROWS);
        let file = folder::open(&path).map_err(|e| BulkError::file(&path, &e))?;
        let lines = BufReader::with_capacity(1 << 16, file).split(b'\n');
        let rows = lines.map(move |line| {
            let line = line.map_err(|e| BulkError::file(&path, &e))?;
            serde_json::from_slice::<Row>(&line)
                .map_err(|e| BulkError::usage(format!("{}: {e}", path.display())))
        });
        Ok(rows.filter(|row| match row {
            Ok(row) => at(&mut self.marks(), row.line).is_none_or(|mark| *mark == 0),
            Err(_) => true,
        }))
    }

    /// Keeps what became of a row, for good.
    pub(crate) fn record(&self, record: &Record) -> Result<(), BulkError> {
        self.journal.append(record)?;
        if let Some(mark) = at(&mut self.marks(), record.row.line) {
            *mark = 1 + record.outcome as u8;
        }
        self.tally.add(record.outcome);
        Ok(())
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// What tells it from other jobs.
    pub(crate) fn identity(&self) -> String {
        let About {
            crc32, begun, id, ..
        } = &self.about;
        format!("job {crc32:08x} {begun} {id}")
    }

    /// The last line of its input.
    pub(crate) fn last_line(&self) -> u64 {
        self.about.last_line
    }

    fn marks(&self) -> MutexGuard<'_, Vec<u8>> {
        lock(&self.marks)
    }
}

/// What stands at a line.
fn at<T>(by_line: &mut [T], line: u64) -> Option<&mut T> {
    by_line.get_mut(usize::try_from(line).ok()?)
}

/// A folder for a new job, emptied of a job that was never run, and its lock.
fn prepare(dir: &Path) -> Result<(Folder, Lock), BulkError> {
    let no_folder = |e: io::Error| no_folder(dir, &e);
    let mut folder = match Folder::look(dir).map_err(no_folder)? {
        Found::Nothing | Found::Empty => {
            Folder::create(dir, Kind::Job, "").map_err(|e| match e.kind() {
                io::ErrorKind::AlreadyExists => is_busy(dir),
                _ => no_folder(e),
            })?
        }
        Found::Ours(folder) if folder.kind() == Kind::Job => *folder,
        Found::Ours(_) => return Err(holds_others(dir, folder::LIST)),
        Found::Others(_) if read_about(dir).is_ok() => return Err(holds_a_job(dir)),
        Found::Others(first) => return Err(holds_others(dir, &first)),
    };
    let lock = take(dir)?;
    folder.refresh().map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => is_busy(dir),
        _ => no_folder(e),
    })?;
    if let Some(first) = folder.first_of_others(&[LOCK]).map_err(no_folder)? {
        return Err(match read_about(dir) {
            Ok(_) => holds_a_job(dir),
            Err(_) => holds_others(dir, &first),
        });
    }
    let emptied = folder.abandon_all().and_then(|()| folder.keep_only(&[]));
    emptied.map_err(|e| BulkError::file(dir, &e))?;
    Ok((folder, lock))
}

/// Removes what was made for a job that came to nothing.
fn remove(folder: Folder, dir: &Path) {
    let path = dir.join(LOCK);
    if folder::regular(&path).is_ok_and(|lock| lock.is_some_and(|lock| lock.len() == 0)) {
        // What cannot be tidied away is recognised when the next job begins there.
        let _ = fs::remove_file(&path);
    }
    let _ = folder.remove();
}

fn read_about(dir: &Path) -> Result<About, BulkError> {
    let path = dir.join(ABOUT);
    let mut text = Vec::new();
    let read = folder::open(&path).and_then(|file| file.take(MAX_ABOUT).read_to_end(&mut text));
    read.map_err(|e| match e.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            BulkError::usage(format!("{} holds no job to go on with", dir.display()))
        }
        _ => BulkError::file(&path, &e),
    })?;
    let about: About = serde_json::from_slice(&text)
        .map_err(|e| BulkError::usage(format!("{} describes no job: {e}", path.display())))?;
    if about.version != 1 {
        let why = "is a job of a later version of wxlink; go on with that";
        return Err(BulkError::usage(format!("{} {why}", dir.display())));
    }
    Ok(about)
}

/// A sum of each row, by line; 0 where there is none.
fn sums(dir: &Path, about: &About) -> Result<Vec<u32>, BulkError> {
    let path = dir.join(ROWS);
    let told = |e: io::Error| BulkError::file(&path, &e);
    let wrong = |why: &str| {
        BulkError::usage(format!(
            "{} does not belong to {}: {why}; put the job's own rows there, or begin another job",
            path.display(),
            dir.join(ABOUT).display()
        ))
    };
    let lines = usize::try_from(about.last_line).unwrap_or(usize::MAX - 1);
    let (mut sums, mut rows) = (vec![0; lines + 1], 0_u64);
    let file = folder::open(&path).map_err(told)?;
    for line in BufReader::with_capacity(1 << 16, file).split(b'\n') {
        let mut line = line.map_err(told)?;
        let row: Row = serde_json::from_slice(&line).map_err(|e| wrong(&e.to_string()))?;
        line.push(b'\n');
        match at(&mut sums, row.line) {
            Some(sum) if *sum == 0 => *sum = sum_of(&line),
            _ => return Err(wrong("it has other rows")),
        }
        rows += 1;
    }
    match rows == about.rows {
        true => Ok(sums),
        false => Err(wrong("it has another number of rows")),
    }
}

/// A sum that is not 0.
fn sum_of(text: &[u8]) -> u32 {
    crc32fast::hash(text).max(1)
}

/// The lock of a job's folder.
fn take(dir: &Path) -> Result<Lock, BulkError> {
    let path = dir.join(LOCK);
    let file = folder::create_new(&path).or_else(|e| match e.kind() {
        io::ErrorKind::AlreadyExists => folder::open_to_append(&path),
        _ => Err(e),
    });
    let file = file.map_err(|e| no_folder(dir, &e))?;
    Lock::take(file).map_err(|_| is_busy(dir))
}

fn is_busy(dir: &Path) -> BulkError {
    BulkError::usage(format!(
        "another process works on {}; wait for it, or end it",
        dir.display()
    ))
}

fn holds_a_job(dir: &Path) -> BulkError {
    BulkError::usage(format!(
        "{} holds a job already; go on with it (--resume), or take another folder (--job)",
        dir.display()
    ))
}

fn holds_others(dir: &Path, first: &str) -> BulkError {
    BulkError::usage(format!(
        "{} cannot be a job's folder: it holds {first:?}, which no job \
         made. A job needs a new or an empty folder; take another (--job)",
        dir.display()
    ))
}

fn no_folder(dir: &Path, why: &io::Error) -> BulkError {
    let what = format!("be a job's folder: {why}; take another folder (--job)");
    folder::does_not_serve(dir, why, &what)
}

/// A row as it stands in the file of rows.
pub(crate) fn text_of(row: &Row) -> Vec<u8> {
    // A row always can be written.
    let mut text = serde_json::to_vec(row).unwrap_or_default();
    text.push(b'\n');
    text
}

/// Goes through all rows, says what there is to say of all of them, and hands on each with its text.
///
/// # Errors
/// Rows make no sense, all of which are told; there are none; `each` failed.
pub(crate) fn survey(
    rows: impl Iterator<Item = Result<Row, BadRow>>,
    mut each: impl FnMut(&Row, &[u8]) -> Result<(), BulkError>,
) -> Result<About, BulkError> {
    let (mut bad, mut bad_rows) = (Vec::new(), 0_u64);
    let mut sum = crc32fast::Hasher::new();
    let mut about = About {
        version: 1,
        crc32: 0,
        rows: 0,
        accounts: 0,
        notifying: 0,
        last_line: 0,
        begun: calendar::now(),
        id: folder::random(),
    };
    for row in rows {
        let row = match row {
            Ok(row) => row,
            Err(why) => {
                bad_rows += 1;
                if bad.len() < TOLD {
                    bad.push(why.to_string());
                }
                continue;
            }
        };
        if row.line > u64::from(u32::MAX) {
            let why = "a job takes 4,294,967,295 lines; make several of it";
            return Err(BulkError::usage(why));
        }
        let text = text_of(&row);
        sum.update(&text);
        about.rows += 1;
        about.notifying += u64::from(row.notify_users);
        about.last_line = about.last_line.max(row.line);
        each(&row, &text)?;
    }
    if bad_rows > 0 {
        let more = match bad_rows.saturating_sub(bad.len() as u64) {
            0 => String::new(),
            more => format!("\n  and {more} more"),
        };
        let rows = if bad_rows == 1 { "row" } else { "rows" };
        return Err(BulkError::usage(format!(
            "{bad_rows} invalid {rows}; nothing was sent. Fix them and run again:\n  {}{more}",
            bad.join("\n  ")
        )));
    }
    if about.rows == 0 {
        return Err(BulkError::usage("there are no rows"));
    }
    about.crc32 = sum.finalize();
    Ok(about)
}

/// Writes the rows in the order of their accounts, accounts in the order they first come, and what
/// is known of them. Keeps some 16 bytes a row and 16 an account in memory, whatever they hold.
fn import(
    folder: &mut Folder,
    rows: impl Iterator<Item = Result<Row, BadRow>>,
) -> Result<About, BulkError> {
    let path = folder.temporary(ROWS);
    let told = |e: io::Error| BulkError::file(&path, &e);
    let file = folder.begin_file(ROWS).map_err(told)?;
    let mut out = BufWriter::with_capacity(1 << 16, file);
    // By a digest: two accounts that share one would be dealt with by turns, which is as right.
    let digest = RandomState::new();
    let mut accounts: HashMap<u64, u32> = HashMap::new();
    // Each row's account, and where it is.
    let mut order: Vec<(u32, u64)> = Vec::new();
    let mut offset = 0;
    let mut about = survey(rows, |row, text| {
        let next = u32::try_from(accounts.len()).unwrap_or(u32::MAX);
        let digest = digest.hash_one(&row.account);
        order.push((*accounts.entry(digest).or_insert(next), offset));
        offset += text.len() as u64;
        out.write_all(text).map_err(told)
    })?;
    about.accounts = accounts.len() as u64;
    let file = out.into_inner().map_err(|e| told(e.into_error()))?;
    let rows = if order.is_sorted() {
        file.finish()
    } else {
        drop((accounts, file));
        order.sort_unstable();
        sort(folder, &order)
    };
    let rows = rows.map_err(told)?;
    let path = folder.temporary(ABOUT);
    let described = folder.begin_file(ABOUT).and_then(|mut file| {
        file.write_all(&serde_json::to_vec_pretty(&about)?)?;
        file.finish()
    });
    let described = described.map_err(|e| BulkError::file(&path, &e))?;
    folder.publish(vec![rows, described])?;
    Ok(about)
}

/// Writes the lines anew in that order.
fn sort(folder: &Folder, order: &[(u32, u64)]) -> io::Result<folder::Written> {
    let unsorted = folder.temporary(UNSORTED);
    fs::rename(folder.temporary(ROWS), &unsorted)?;
    let mut from = BufReader::new(File::open(&unsorted)?);
    let mut to = BufWriter::with_capacity(1 << 16, folder.begin_file(ROWS)?);
    let (mut line, mut here) = (Vec::new(), 0_u64);
    for (_, offset) in order {
        let by = i128::from(*offset) - i128::from(here);
        from.seek_relative(i64::try_from(by).map_err(io::Error::other)?)?;
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
