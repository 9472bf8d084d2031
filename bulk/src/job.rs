//! A job: a folder with its rows, and the journal of what became of them.

use std::collections::HashMap;
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use fs4::FileExt;
use serde::{Deserialize, Serialize};

use crate::calendar;
use crate::error::BulkError;
use crate::journal::Journal;
use crate::outcome::{Outcome, Record, Tally};
use crate::row::{BadRow, Row};
use crate::sync::lock;

/// The rows, in the order of their accounts.
const ROWS: &str = "rows.jsonl";
/// What is known of all of them; written last, so that a folder without it holds nothing of worth.
const ABOUT: &str = "job.json";
const JOURNAL: &str = "journal.jsonl";
/// Held by whoever works on it.
const LOCK: &str = "lock";
/// There while somebody works, and after they were killed.
const RUNNING: &str = "running";
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
    lock: File,
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
}

impl Job {
    /// Makes a job of rows, in a folder that is not there or holds none. It does not know where they come from.
    ///
    /// # Errors
    /// Rows make no sense, all of which are told; the folder holds a job; it cannot be written.
    pub fn begin(
        dir: &Path,
        rows: impl Iterator<Item = Result<Row, BadRow>>,
    ) -> Result<Job, BulkError> {
        let told = |e: io::Error| BulkError::file(dir, &e);
        let new = !dir.exists();
        fs::create_dir_all(dir).map_err(|e| no_folder(dir, &e))?;
        let lock = take(dir)?;
        if dir.join(ABOUT).exists() {
            return Err(BulkError::usage(format!(
                "{} holds a job already; go on with it (--resume), or take another folder (--job)",
                dir.display()
            )));
        }
        let about = import(dir, rows).inspect_err(|_| {
            if new {
                // What cannot be tidied away is in nobody's way.
                let _ = fs::remove_dir_all(dir);
            }
        })?;
        let text = serde_json::to_vec_pretty(&about).map_err(|e| told(e.into()))?;
        let temporary = dir.join("job.json.new");
        File::create(&temporary)
            .and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&temporary, dir.join(ABOUT)))
            .map_err(told)?;
        Job::with(dir, about, lock, Reopen::Due)
    }

    /// Takes up a job where it was left.
    ///
    /// # Errors
    /// The folder holds none, or another process works on it.
    pub fn open(dir: &Path, reopen: Reopen) -> Result<Job, BulkError> {
        let text = fs::read(dir.join(ABOUT)).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => {
                BulkError::usage(format!("{} holds no job to go on with", dir.display()))
            }
            _ => BulkError::file(dir, &e),
        })?;
        let lock = take(dir)?;
        let about: About = serde_json::from_slice(&text)
            .map_err(|e| BulkError::usage(format!("{}: {e}", dir.join(ABOUT).display())))?;
        if about.version != 1 {
            let why = "is a job of a later version of wxlink; go on with that";
            return Err(BulkError::usage(format!("{} {why}", dir.display())));
        }
        Job::with(dir, about, lock, reopen)
    }

    fn with(dir: &Path, about: About, lock: File, reopen: Reopen) -> Result<Job, BulkError> {
        let journal = Journal::open(&dir.join(JOURNAL))?;
        let lines = usize::try_from(about.last_line).unwrap_or(usize::MAX - 1);
        let mut marks = vec![0; lines + 1];
        let now = calendar::now();
        for record in journal.records()? {
            let record = record?;
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
        })
    }

    /// Takes it away again, when nothing was done. What others keep in its folder stays, and so does the folder then.
    pub fn discard(self) {
        for name in [ABOUT, ROWS, JOURNAL, RUNNING, LOCK] {
            // What cannot be tidied away is told by whoever begins anew.
            let _ = fs::remove_file(self.dir.join(name));
        }
        let _ = fs::remove_dir(&self.dir);
    }

    /// Does something that posts. Whoever did so before and was killed may have posted what WeChat's lists do not show
    /// yet: they are given a moment.
    pub(crate) fn running<T>(
        &self,
        settle: impl FnOnce(),
        work: impl FnOnce() -> T,
    ) -> Result<T, BulkError> {
        let path = self.dir.join(RUNNING);
        if path.exists() {
            settle();
        }
        File::create(&path).map_err(|e| BulkError::file(&path, &e))?;
        let done = work();
        // If it stays, the next one waits in vain, and no longer than that.
        let _ = fs::remove_file(&path);
        Ok(done)
    }

    /// Lets others have it, now that no more work is done on it here. What is known of it can still be asked.
    pub fn release(&self) {
        // Closing the file would not do: a child forked meanwhile has it open as well.
        let _ = FileExt::unlock(&self.lock);
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
        let file = File::open(&path).map_err(|e| BulkError::file(&path, &e))?;
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

fn take(dir: &Path) -> Result<File, BulkError> {
    let path = dir.join(LOCK);
    let file = File::create(&path).map_err(|e| no_folder(dir, &e))?;
    match FileExt::try_lock(&file) {
        Ok(()) => Ok(file),
        Err(_) => Err(BulkError::usage(format!(
            "another process works on {}; wait for it, or end it",
            dir.display()
        ))),
    }
}

fn no_folder(dir: &Path, why: &io::Error) -> BulkError {
    BulkError::usage(format!(
        "{} cannot be a job's folder: {why}; take another folder (--job)",
        dir.display()
    ))
}

fn text_of(row: &Row) -> Vec<u8> {
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
        return Err(BulkError::usage(format!(
            "{bad_rows} of the rows make no sense; correct them first, nothing was done:\n  {}{more}",
            bad.join("\n  ")
        )));
    }
    if about.rows == 0 {
        return Err(BulkError::usage("there are no rows"));
    }
    about.crc32 = sum.finalize();
    Ok(about)
}

/// Writes the rows in the order of their accounts, accounts in the order they first come. Keeps some 16 bytes a row
/// and 16 an account in memory, whatever they hold.
fn import(dir: &Path, rows: impl Iterator<Item = Result<Row, BadRow>>) -> Result<About, BulkError> {
    let path = dir.join("rows.new");
    let told = |e: io::Error| BulkError::file(&path, &e);
    let mut out = BufWriter::with_capacity(1 << 16, File::create(&path).map_err(told)?);
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
    let sorted = if order.is_sorted() {
        file
    } else {
        drop(accounts);
        order.sort_unstable();
        sort(dir, &path, &order).map_err(told)?
    };
    sorted.sync_all().map_err(told)?;
    fs::rename(&path, dir.join(ROWS)).map_err(told)?;
    Ok(about)
}

/// Writes the lines anew in that order.
fn sort(dir: &Path, path: &Path, order: &[(u32, u64)]) -> io::Result<File> {
    let sorted = dir.join("rows.sorted");
    let mut from = BufReader::new(File::open(path)?);
    let mut to = BufWriter::with_capacity(1 << 16, File::create(&sorted)?);
    let (mut line, mut here) = (Vec::new(), 0_u64);
    for (_, offset) in order {
        let by = i128::from(*offset) - i128::from(here);
        from.seek_relative(i64::try_from(by).map_err(io::Error::other)?)?;
        line.clear();
        from.read_until(b'\n', &mut line)?;
        here = offset + line.len() as u64;
        to.write_all(&line)?;
    }
    fs::rename(&sorted, path)?;
    to.into_inner().map_err(io::IntoInnerError::into_error)
}
