//! A folder in which only the files that this program made are replaced or removed.
//!
//! The first file in such a folder is a list of the others, with their sizes and checksums. A file
//! that is not in the list, or was changed since, belongs to the user. New files are written under
//! names that contain the list's random id and get their final names when they are complete and in
//! the list; so whatever a killed process leaves behind is either complete or recognised.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Component, Path, PathBuf};

use fs4::{FileExt, TryLockError};
use serde::{Deserialize, Serialize};

use crate::error::BulkError;

/// The list of the files that were made here.
pub(crate) const LIST: &str = "wxlink-files.json";
/// The largest list that is read (bytes).
const MAX_LIST: u64 = 1 << 20;

/// What a folder is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Job,
    Report,
}

/// What the list says.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct List {
    made_by: MadeBy,
    version: u32,
    kind: Kind,
    /// Random: a part of the names of files that are being written.
    id: String,
    /// Whether the folder itself was made too.
    made_folder: bool,
    /// What the files are about, if files about something else are not to be replaced.
    #[serde(default)]
    about: String,
    files: Vec<Written>,
}

impl List {
    /// Whether this program can have written it. A list may come from elsewhere, with a folder that was
    /// copied: what it names is removed, so that only names in the folder itself are accepted.
    fn may_be_ours(&self) -> bool {
        let is_id = |id: &str| id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit());
        let is_name = |name: &str| {
            let mut parts = Path::new(name).components();
            let only = (parts.next(), parts.next());
            matches!(only, (Some(Component::Normal(part)), None) if part == name)
        };
        self.version == 1 && is_id(&self.id) && self.files.iter().all(|file| is_name(&file.name))
    }
}

/// Has no other value, so that a list of another program is not read as one of ours.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum MadeBy {
    #[serde(rename = "wxlink bulk")]
    Wxlink,
}

/// A complete file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Written {
    pub name: String,
    pub size: u64,
    pub crc32: u32,
}

/// What a folder holds.
pub(crate) enum Found {
    /// There is none.
    Nothing,
    /// It is empty.
    Empty,
    /// It has a list.
    Ours(Box<Folder>),
    /// It holds files of others, of which this is the first by name.
    Others(String),
}

/// A folder with a list.
pub(crate) struct Folder {
    dir: PathBuf,
    list: List,
    /// Folders above it that were made for it, the uppermost first.
    parents: Vec<PathBuf>,
}

impl Folder {
    /// Looks at a folder, which changes nothing.
    ///
    /// # Errors
    /// It is no folder, or cannot be read.
    pub fn look(dir: &Path) -> io::Result<Found> {
        let dir = &plain_path(dir);
        match fs::symlink_metadata(dir) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(e) => return Err(e),
            Ok(_) => {}
        }
        if !fs::metadata(dir)?.is_dir() {
            return Err(io::Error::new(ErrorKind::NotADirectory, "it is no folder"));
        }
        let names = names(dir)?;
        let Some(first) = names.first() else {
            return Ok(Found::Empty);
        };
        let listed = |list| {
            Ok(Found::Ours(Box::new(Folder {
                dir: dir.to_owned(),
                list,
                parents: Vec::new(),
            })))
        };
        if let Some(list) = read_list(dir)? {
            return listed(list);
        }
        // Where a process was killed before it wrote the list that it had just created, nothing
        // else is there.
        let list = regular(&dir.join(LIST)).unwrap_or_default();
        let is_empty = list.is_some_and(|file| file.len() == 0);
        if is_empty && names.len() == 1 {
            return Ok(Found::Empty);
        }
        Ok(Found::Others(first.to_string_lossy().into_owned()))
    }

    /// Makes the folder if it is not there, and its list.
    ///
    /// # Errors
    /// It cannot be made; another process made a list there meanwhile.
    pub fn create(dir: &Path, kind: Kind, about: &str) -> io::Result<Folder> {
        let dir = &plain_path(dir);
        let (parents, made_folder) = make(dir)?;
        let folder = Folder {
            dir: dir.to_owned(),
            list: List {
                made_by: MadeBy::Wxlink,
                version: 1,
                kind,
                id: random(),
                made_folder,
                about: about.to_owned(),
                files: Vec::new(),
            },
            parents,
        };
        let path = dir.join(LIST);
        let text = folder.text()?;
        if regular(&path)?.is_some_and(|file| file.len() == 0) {
            fs::remove_file(&path)?;
        }
        let made = create_new(&path).and_then(|mut file| {
            let written = file.write_all(&text).and_then(|()| file.sync_all());
            written.inspect_err(|_| {
                // On a full disk; an empty list in an empty folder is in nobody's way.
                let _ = fs::remove_file(&path);
            })
        });
        if let Err(e) = made {
            if e.kind() != ErrorKind::AlreadyExists {
                folder.remove_folders();
            }
            return Err(e);
        }
        Ok(folder)
    }

    pub fn kind(&self) -> Kind {
        self.list.kind
    }

    /// What its files are about.
    pub fn about(&self) -> &str {
        &self.list.about
    }

    /// Reads the list again, for another process may have changed it before this one had the folder
    /// to itself.
    pub fn refresh(&mut self) -> io::Result<()> {
        self.list = read_list(&self.dir)?.ok_or(ErrorKind::NotFound)?;
        Ok(())
    }

    /// The name of a file while it is being written.
    pub fn temporary(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.{}.new", self.list.id))
    }

    fn is_temporary(&self, name: &str) -> bool {
        name.ends_with(&format!(".{}.new", self.list.id))
    }

    /// Begins a file, under its temporary name.
    ///
    /// # Errors
    /// It cannot be created, or it is there: two processes use the folder at once.
    pub fn begin_file(&self, name: &str) -> io::Result<Writer> {
        Ok(Writer {
            file: create_new(&self.temporary(name))?,
            written: Written {
                name: name.to_owned(),
                size: 0,
                crc32: 0,
            },
            sum: crc32fast::Hasher::new(),
        })
    }

    /// Removes what a killed process had begun.
    ///
    /// # Errors
    /// The folder cannot be read, or a file not be removed.
    pub fn abandon_all(&self) -> io::Result<()> {
        for name in names(&self.dir)? {
            if name.to_str().is_some_and(|name| self.is_temporary(name)) {
                fs::remove_file(self.dir.join(name))?;
            }
        }
        Ok(())
    }

    /// Whether this is a file of the list that nobody has changed. `None` if there is none of that
    /// name.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn is_own(&self, name: &str) -> io::Result<Option<bool>> {
        let path = self.dir.join(name);
        let Some(found) = entry(&path)? else {
            return Ok(None);
        };
        let mut listed = self.list.files.iter().filter(|file| file.name == name);
        if !found.is_file() || !listed.clone().any(|file| file.size == found.len()) {
            return Ok(Some(false));
        }
        let (mut file, mut sum) = (open(&path)?, crc32fast::Hasher::new());
        let mut block = vec![0; 1 << 16];
        loop {
            match file.read(&mut block)? {
                0 => break,
                n => sum.update(&block[..n]),
            }
        }
        let sum = sum.finalize();
        Ok(Some(
            listed.any(|file| file.size == found.len() && file.crc32 == sum),
        ))
    }

    /// The first file, by name, that is not of the list, and none of `others`.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn first_of_others(&self, others: &[&str]) -> io::Result<Option<String>> {
        for name in names(&self.dir)? {
            let known = name.to_str().is_some_and(|name| {
                name == LIST || others.contains(&name) || self.is_temporary(name)
            });
            let shown = name.to_string_lossy();
            if !known && self.is_own(&shown)? != Some(true) {
                return Ok(Some(shown.into_owned()));
            }
        }
        Ok(None)
    }

    /// Gives complete files their names. Files of the list that have the same names are replaced.
    ///
    /// # Errors
    /// A file that is not of the list has one of the names; the system refuses.
    pub fn publish(&mut self, files: Vec<Written>) -> Result<(), BulkError> {
        for file in &files {
            if self.is_own(&file.name).map_err(|e| self.failed(&e))? == Some(false) {
                return Err(in_the_way(&self.dir.join(&file.name)));
            }
        }
        // First into the list: a file that has its name is in it, whenever the process is killed.
        let mut all = self.list.files.clone();
        all.retain(|old| !files.contains(old));
        all.extend(files.iter().cloned());
        self.list.files = all;
        let renamed = self.write_list().and_then(|()| {
            for file in &files {
                fs::rename(self.temporary(&file.name), self.dir.join(&file.name))?;
            }
            let is_new = |old: &Written| files.iter().any(|f| f.name == old.name);
            self.list
                .files
                .retain(|old| !is_new(old) || files.contains(old));
            self.write_list()?;
            sync_folder(&self.dir)
        });
        renamed.map_err(|e| self.failed(&e))
    }

    /// Removes the files of the list that are not among these.
    ///
    /// # Errors
    /// One cannot be removed. Those that were changed stay.
    pub fn keep_only(&mut self, names: &[String]) -> io::Result<()> {
        let (keep, remove): (Vec<_>, Vec<_>) = std::mem::take(&mut self.list.files)
            .into_iter()
            .partition(|file| names.contains(&file.name));
        self.list.files = remove;
        let old: Vec<String> = self.list.files.iter().map(|f| f.name.clone()).collect();
        let removed = old.iter().try_for_each(|name| match self.is_own(name)? {
            Some(true) => fs::remove_file(self.dir.join(name)),
            _ => Ok(()),
        });
        if removed.is_ok() {
            self.list.files.clear();
        }
        self.list.files.extend(keep);
        removed?;
        self.write_list()
    }

    /// Moves the files of the list into a folder of their own, and has the list be about something
    /// else.
    ///
    /// # Errors
    /// The system refuses. What was moved by then stays there.
    pub fn set_aside(&mut self, about: &str) -> io::Result<()> {
        let names: Vec<String> = self.list.files.iter().map(|f| f.name.clone()).collect();
        let aside = self.dir.join(format!("earlier-{}", self.list.id));
        for name in names {
            if self.is_own(&name)? != Some(true) {
                continue;
            }
            match fs::create_dir(&aside) {
                Err(e) if e.kind() != ErrorKind::AlreadyExists => return Err(e),
                _ => {}
            }
            let to = aside.join(&name);
            if entry(&to)?.is_some() {
                return Err(ErrorKind::AlreadyExists.into());
            }
            fs::rename(self.dir.join(&name), to)?;
        }
        self.list.files.clear();
        about.clone_into(&mut self.list.about);
        self.write_list()
    }

    /// Removes the files of the list and what was begun, and the list; then the folder, if it was
    /// made with it and nothing else is there.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub fn remove(mut self) -> io::Result<()> {
        self.abandon_all()?;
        self.keep_only(&[])?;
        fs::remove_file(self.dir.join(LIST))?;
        self.remove_folders();
        Ok(())
    }

    fn remove_folders(&self) {
        if self.list.made_folder && fs::remove_dir(&self.dir).is_ok() {
            for parent in self.parents.iter().rev() {
                // It is not empty: others use it.
                if fs::remove_dir(parent).is_err() {
                    break;
                }
            }
        }
    }

    fn text(&self) -> io::Result<Vec<u8>> {
        Ok(serde_json::to_vec_pretty(&self.list)?)
    }

    /// Replaces the list, in one step. The id stays: what was begun under it is still recognised.
    fn write_list(&self) -> io::Result<()> {
        let path = self.temporary(LIST);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let mut file = create_new(&path)?;
        let written = file
            .write_all(&self.text()?)
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&path, self.dir.join(LIST)));
        written.inspect_err(|_| {
            let _ = fs::remove_file(&path);
        })
    }

    fn failed(&self, error: &io::Error) -> BulkError {
        BulkError::file(&self.dir, error)
    }
}

/// A file that is being written.
pub(crate) struct Writer {
    file: File,
    written: Written,
    sum: crc32fast::Hasher,
}

impl Writer {
    /// Sees to it that it outlives a power failure.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn finish(mut self) -> io::Result<Written> {
        self.file.sync_all()?;
        self.written.crc32 = self.sum.finalize();
        Ok(self.written)
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.sum.update(&bytes[..n]);
        self.written.size += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A file or folder that this process has to itself, for as long as this lives.
pub(crate) struct Lock(File);

impl Lock {
    /// Locks it, without waiting.
    ///
    /// # Errors
    /// Another process has it, or the file system locks nothing.
    pub fn take(file: File) -> Result<Lock, TryLockError> {
        match FileExt::try_lock(&file) {
            Ok(()) => Ok(Lock(file)),
            Err(why) => Err(why),
        }
    }

    /// Lets others have it.
    pub fn release(&self) {
        let _ = FileExt::unlock(&self.0);
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file would not do: a child forked meanwhile has it open as well.
        self.release();
    }
}

/// Says that a folder does not serve: as `what`, and what to take instead.
pub(crate) fn does_not_serve(dir: &Path, error: &io::Error, what: &str) -> BulkError {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            BulkError::file(dir, error)
        }
        _ => BulkError::usage(format!("{} cannot {what}", dir.display())),
    }
}

/// Says that a file is not ours.
pub(crate) fn in_the_way(path: &Path) -> BulkError {
    BulkError::usage(format!(
        "{} is in the way: it was not made by this job, or was changed since; move it elsewhere",
        path.display()
    ))
}

/// A file that is there, opened for reading. A link is not followed.
///
/// # Errors
/// It is not there, is no plain file, or cannot be read.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    open_with(OpenOptions::new().read(true), path)
}

/// The same for reading and appending. Nor may the file have a second name, for what is appended
/// would be in both.
///
/// # Errors
/// See [`open`].
pub(crate) fn open_to_append(path: &Path) -> io::Result<File> {
    let file = open_with(OpenOptions::new().read(true).append(true), path)?;
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::nlink(&file.metadata()?) > 1 {
        let why =
            "it has a second name (a hard link), which would change too; replace it by a copy";
        return Err(io::Error::other(why));
    }
    Ok(file)
}

/// A new file. Nothing that is there is opened, not even through a link.
///
/// # Errors
/// Something of that name is there, or the system refuses.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .append(true)
        .create_new(true)
        .open(path)
}

/// What a plain file is like; `None` if nothing is there.
///
/// # Errors
/// Something else is there: a link, a folder.
pub(crate) fn regular(path: &Path) -> io::Result<Option<Metadata>> {
    match entry(path)? {
        Some(found) if !found.is_file() => Err(not_plain()),
        found => Ok(found),
    }
}

fn entry(path: &Path) -> io::Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

fn open_with(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    // Of what else may be there, opening it says less, or waits.
    regular(path)?.ok_or(ErrorKind::NotFound)?;
    let file = no_follow(options).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(not_plain()),
    }
}

fn not_plain() -> io::Error {
    io::Error::other("it is no plain file; move it elsewhere")
}

#[cfg(unix)]
fn no_follow(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    // Opening a named pipe would wait for its other end.
    options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
}

#[cfg(windows)]
fn no_follow(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::windows::fs::OpenOptionsExt;
    /// Opens the link itself, which then is no plain file.
    const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
    options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT)
}

/// The names in a folder, in order.
fn names(dir: &Path) -> io::Result<Vec<OsString>> {
    let entries = fs::read_dir(dir)?.map(|entry| Ok(entry?.file_name()));
    let mut names = entries.collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// The list in a folder; `None` if there is none that this program made.
fn read_list(dir: &Path) -> io::Result<Option<List>> {
    let file = match open(&dir.join(LIST)) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        // A link, or no file at all.
        Err(_) if entry(&dir.join(LIST))?.is_some_and(|found| !found.is_file()) => return Ok(None),
        file => file?,
    };
    let mut text = Vec::new();
    file.take(MAX_LIST).read_to_end(&mut text)?;
    let list: Option<List> = serde_json::from_slice(&text).ok();
    Ok(list.filter(List::may_be_ours))
}

/// A path without parts that say nothing, such as the last one of "x/.": such a folder cannot be
/// made or removed.
fn plain_path(dir: &Path) -> PathBuf {
    dir.components().collect()
}

/// Makes a folder and those above it. Which of these were made, and whether it was made itself.
fn make(dir: &Path) -> io::Result<(Vec<PathBuf>, bool)> {
    let mut missing: Vec<&Path> = Vec::new();
    let mut above = Some(dir);
    while let Some(path) = above.filter(|path| !path.as_os_str().is_empty()) {
        if entry(path)?.is_some() {
            break;
        }
        if path.components().next_back() == Some(Component::ParentDir) {
            let why = "a folder in its path is missing";
            return Err(io::Error::new(ErrorKind::NotFound, why));
        }
        missing.push(path);
        above = path.parent();
    }
    let mut made: Vec<PathBuf> = Vec::new();
    for path in missing.iter().rev() {
        fs::create_dir(path).inspect_err(|_| {
            for path in made.iter().rev() {
                let _ = fs::remove_dir(path);
            }
        })?;
        made.push(path.to_path_buf());
    }
    let made_itself = made.pop().is_some();
    Ok((made, made_itself))
}

/// Sees to it that names given in a folder outlive a power failure.
fn sync_folder(dir: &Path) -> io::Result<()> {
    // Elsewhere a folder cannot be opened as a file, and the system sees to it by itself.
    #[cfg(unix)]
    File::open(dir)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = dir;
    Ok(())
}

/// A text that no other process has.
pub(crate) fn random() -> String {
    let dice = RandomState::new();
    format!("{:016x}", dice.hash_one(std::process::id()))
}
