//! A folder in which only files that this program wrote are replaced or removed.
//!
//! The file `wxlink-files.json` lists the others, with their sizes and checksums. A file that is
//! not in the list, or was changed since, belongs to the user. A new file is written under a
//! temporary name that contains the list's random id, and gets its final name when it is complete
//! and in the list. A file left behind by a killed process is therefore complete, or recognised as
//! incomplete.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Component, Path, PathBuf};

use fs4::{FileExt, TryLockError};
use serde::{Deserialize, Serialize};

use crate::error::BulkError;
use crate::message::{Message, message};
use crate::random::random_id;

/// The name of the list of the files that were written here.
pub(crate) const FILE_LIST: &str = "wxlink-files.json";
/// The largest list that is read (bytes).
const MAX_FILE_LIST_BYTES: u64 = 1 << 20;
/// How much of a file is read at once for its checksum (bytes).
const READ_BUFFER_SIZE: usize = 1 << 16;

/// The purpose of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FolderKind {
    Job,
    Report,
}

/// The list of files, as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct FileList {
    made_by: MadeBy,
    version: u32,
    kind: FolderKind,
    /// Random. It is part of the temporary names of incomplete files.
    id: String,
    /// Whether the folder itself was created with the list.
    made_folder: bool,
    /// What the files are about. Files about something else must not be replaced.
    #[serde(default)]
    subject: String,
    files: Vec<ListedFile>,
}

impl FileList {
    /// Whether this program can have written the list. A list may also come from elsewhere, in a
    /// copied folder. Files that it names are removed, so only names within the folder are
    /// accepted.
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

/// Who wrote the list. There is only one value, so the list of another program is not accepted.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum MadeBy {
    #[serde(rename = "wxlink bulk")]
    Wxlink,
}

/// A complete file in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ListedFile {
    pub name: String,
    pub size: u64,
    pub crc32: u32,
}

/// What a folder contains.
pub(crate) enum FolderState {
    /// It does not exist.
    Missing,
    /// It contains nothing.
    Empty,
    /// It has a file list of ours.
    Ours(Box<Folder>),
    /// It has files and no list of ours. This is the first file by name.
    Foreign(String),
}

/// The state of one file in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileState {
    /// It does not exist.
    Missing,
    /// It is in the list and unchanged since it was written.
    Ours,
    /// It is not in the list, was changed, or is not a regular file.
    Foreign,
}

/// A folder with a file list.
pub(crate) struct Folder {
    dir: PathBuf,
    list: FileList,
    /// The parent folders that were created with it, the topmost first.
    parents: Vec<PathBuf>,
}

impl Folder {
    /// Finds out what a folder contains, without changing anything.
    ///
    /// # Errors
    /// The path is not a folder, or the folder cannot be read.
    pub fn inspect(dir: &Path) -> io::Result<FolderState> {
        let dir = &normalized_path(dir);
        match fs::symlink_metadata(dir) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(FolderState::Missing),
            Err(e) => return Err(e),
            Ok(_) => {}
        }
        if !fs::metadata(dir)?.is_dir() {
            return Err(io::Error::new(
                ErrorKind::NotADirectory,
                Message::new("not a folder", "不是目录"),
            ));
        }
        let names = file_names(dir)?;
        let Some(first) = names.first() else {
            return Ok(FolderState::Empty);
        };
        let listed = |list| {
            Ok(FolderState::Ours(Box::new(Folder {
                dir: dir.to_owned(),
                list,
                parents: Vec::new(),
            })))
        };
        if let Some(list) = read_list(dir)? {
            return listed(list);
        }
        // An empty list alone: a process was killed after it created the list and before it wrote
        // it.
        let list = regular_file(&dir.join(FILE_LIST)).unwrap_or_default();
        let is_empty = list.is_some_and(|file| file.len() == 0);
        if is_empty && names.len() == 1 {
            return Ok(FolderState::Empty);
        }
        Ok(FolderState::Foreign(first.to_string_lossy().into_owned()))
    }

    /// Creates the folder's file list, and the folder if it is missing.
    ///
    /// # Errors
    /// It cannot be created, or another process created a list at the same time.
    pub fn create(dir: &Path, kind: FolderKind, subject: &str) -> io::Result<Folder> {
        let dir = &normalized_path(dir);
        let CreatedFolders {
            parents,
            folder: made_folder,
        } = create_folders(dir)?;
        let folder = Folder {
            dir: dir.to_owned(),
            list: FileList {
                made_by: MadeBy::Wxlink,
                version: 1,
                kind,
                id: random_id(),
                made_folder,
                subject: subject.to_owned(),
                files: Vec::new(),
            },
            parents,
        };
        let path = dir.join(FILE_LIST);
        let text = folder.list_json()?;
        if regular_file(&path)?.is_some_and(|file| file.len() == 0) {
            fs::remove_file(&path)?;
        }
        let made = create_new_file(&path).and_then(|mut file| {
            let written = file.write_all(&text).and_then(|()| file.sync_all());
            written.inspect_err(|_| {
                // The disk may be full. If the list stays, empty, the folder still counts as empty.
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

    /// What the folder is for.
    pub fn kind(&self) -> FolderKind {
        self.list.kind
    }

    /// What its files are about.
    pub fn subject(&self) -> &str {
        &self.list.subject
    }

    /// Reads the list again. To be called once the folder is locked, because another process may
    /// have changed the list before.
    ///
    /// # Errors
    /// The list cannot be read, or another process removed it.
    pub fn refresh(&mut self) -> io::Result<()> {
        self.list = read_list(&self.dir)?.ok_or(ErrorKind::NotFound)?;
        Ok(())
    }

    /// The path of a file while it is incomplete.
    pub fn temporary_path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.{}.new", self.list.id))
    }

    fn is_temporary_name(&self, name: &str) -> bool {
        name.ends_with(&format!(".{}.new", self.list.id))
    }

    /// Creates a file under its temporary name.
    ///
    /// # Errors
    /// It cannot be created, or it exists because two processes use the folder at the same time.
    pub fn create_file(&self, name: &str) -> io::Result<FileWriter> {
        Ok(FileWriter {
            file: create_new_file(&self.temporary_path(name))?,
            listed: ListedFile {
                name: name.to_owned(),
                size: 0,
                crc32: 0,
            },
            checksum: crc32fast::Hasher::new(),
        })
    }

    /// Removes the incomplete files of a killed process.
    ///
    /// # Errors
    /// The folder cannot be read, or a file cannot be removed.
    pub fn remove_incomplete_files(&self) -> io::Result<()> {
        for name in file_names(&self.dir)? {
            if name.to_str().is_some_and(|n| self.is_temporary_name(n)) {
                fs::remove_file(self.dir.join(name))?;
            }
        }
        Ok(())
    }

    /// Whether a file is one of the list and unchanged since it was written.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn file_state(&self, name: &str) -> io::Result<FileState> {
        let path = self.dir.join(name);
        let Some(found) = metadata(&path)? else {
            return Ok(FileState::Missing);
        };
        let mut listed = self.list.files.iter().filter(|file| file.name == name);
        if !found.is_file() || !listed.clone().any(|file| file.size == found.len()) {
            return Ok(FileState::Foreign);
        }
        let (mut file, mut checksum) = (open(&path)?, crc32fast::Hasher::new());
        let mut block = vec![0; READ_BUFFER_SIZE];
        loop {
            match file.read(&mut block)? {
                0 => break,
                n => checksum.update(&block[..n]),
            }
        }
        let crc32 = checksum.finalize();
        if listed.any(|file| file.size == found.len() && file.crc32 == crc32) {
            Ok(FileState::Ours)
        } else {
            Ok(FileState::Foreign)
        }
    }

    /// The first file by name that is neither ours nor one of `expected`.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn first_foreign_file(&self, expected: &[&str]) -> io::Result<Option<String>> {
        for name in file_names(&self.dir)? {
            let known = name.to_str().is_some_and(|name| {
                name == FILE_LIST || expected.contains(&name) || self.is_temporary_name(name)
            });
            let name = name.to_string_lossy();
            if !known && self.file_state(&name)? != FileState::Ours {
                return Ok(Some(name.into_owned()));
            }
        }
        Ok(None)
    }

    /// Gives complete files their final names. Files of the list with the same names are replaced.
    ///
    /// # Errors
    /// A foreign file has one of the names, or a file cannot be renamed.
    pub fn publish(&mut self, files: Vec<ListedFile>) -> Result<(), BulkError> {
        for file in &files {
            let state = self.file_state(&file.name);
            if state.map_err(|e| self.failed(&e))? == FileState::Foreign {
                return Err(file_in_the_way(&self.dir.join(&file.name)));
            }
        }
        // Until the renaming is done, the list has both the old and the new entry of a name.
        // Whenever the process is killed, the file with that name is therefore a known one.
        let mut all = self.list.files.clone();
        all.retain(|old| !files.contains(old));
        all.extend(files.iter().cloned());
        self.list.files = all;
        let renamed = self.write_list().and_then(|()| {
            for file in &files {
                fs::rename(self.temporary_path(&file.name), self.dir.join(&file.name))?;
            }
            let is_new = |old: &ListedFile| files.iter().any(|f| f.name == old.name);
            self.list
                .files
                .retain(|old| !is_new(old) || files.contains(old));
            self.write_list()?;
            sync_folder(&self.dir)
        });
        renamed.map_err(|e| self.failed(&e))
    }

    /// Removes the files of the list except these. Changed files stay.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub fn remove_all_except(&mut self, names: &[String]) -> io::Result<()> {
        let (keep, remove): (Vec<_>, Vec<_>) = std::mem::take(&mut self.list.files)
            .into_iter()
            .partition(|file| names.contains(&file.name));
        self.list.files = remove;
        let old: Vec<String> = self.list.files.iter().map(|f| f.name.clone()).collect();
        let removed = old
            .iter()
            .try_for_each(|name| match self.file_state(name)? {
                FileState::Ours => fs::remove_file(self.dir.join(name)),
                FileState::Missing | FileState::Foreign => Ok(()),
            });
        if removed.is_ok() {
            self.list.files.clear();
        }
        self.list.files.extend(keep);
        removed?;
        self.write_list()
    }

    /// Moves the files of the list into a new folder `earlier-…` and changes the list's subject.
    ///
    /// # Errors
    /// A file cannot be moved. Files that were moved before stay there.
    pub fn move_files_aside(&mut self, subject: &str) -> io::Result<()> {
        let names: Vec<String> = self.list.files.iter().map(|f| f.name.clone()).collect();
        let aside = self.dir.join(format!("earlier-{}", self.list.id));
        for name in names {
            if self.file_state(&name)? != FileState::Ours {
                continue;
            }
            match fs::create_dir(&aside) {
                Err(e) if e.kind() != ErrorKind::AlreadyExists => return Err(e),
                _ => {}
            }
            let to = aside.join(&name);
            if metadata(&to)?.is_some() {
                return Err(ErrorKind::AlreadyExists.into());
            }
            fs::rename(self.dir.join(&name), to)?;
        }
        self.list.files.clear();
        subject.clone_into(&mut self.list.subject);
        self.write_list()
    }

    /// Removes the files of the list, incomplete files and the list; then the folder, if it was
    /// created with the list and is empty.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub fn remove(mut self) -> io::Result<()> {
        self.remove_incomplete_files()?;
        self.remove_all_except(&[])?;
        fs::remove_file(self.dir.join(FILE_LIST))?;
        self.remove_folders();
        Ok(())
    }

    fn remove_folders(&self) {
        if self.list.made_folder && fs::remove_dir(&self.dir).is_ok() {
            for parent in self.parents.iter().rev() {
                // It is not empty.
                if fs::remove_dir(parent).is_err() {
                    break;
                }
            }
        }
    }

    fn list_json(&self) -> io::Result<Vec<u8>> {
        Ok(serde_json::to_vec_pretty(&self.list)?)
    }

    /// Replaces the stored list atomically. Its id stays the same, so that incomplete files are
    /// still recognised.
    fn write_list(&self) -> io::Result<()> {
        let path = self.temporary_path(FILE_LIST);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let mut file = create_new_file(&path)?;
        let written = file
            .write_all(&self.list_json()?)
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&path, self.dir.join(FILE_LIST)));
        written.inspect_err(|_| {
            let _ = fs::remove_file(&path);
        })
    }

    fn failed(&self, error: &io::Error) -> BulkError {
        BulkError::file(&self.dir, error)
    }
}

/// Writes a new file and computes its size and checksum.
pub(crate) struct FileWriter {
    file: File,
    listed: ListedFile,
    checksum: crc32fast::Hasher,
}

impl FileWriter {
    /// Syncs the file to disk, so that it survives a power failure.
    ///
    /// # Errors
    /// It cannot be synced.
    pub fn finish(mut self) -> io::Result<ListedFile> {
        self.file.sync_all()?;
        self.listed.crc32 = self.checksum.finalize();
        Ok(self.listed)
    }
}

impl Write for FileWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.checksum.update(&bytes[..n]);
        self.listed.size += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// An exclusive lock on a file or folder, held until this is dropped.
pub(crate) struct FolderLock(File);

impl FolderLock {
    /// Locks the file or folder without waiting.
    ///
    /// # Errors
    /// Another process holds the lock, or the file system does not support locks.
    pub fn acquire(file: File) -> Result<FolderLock, TryLockError> {
        FileExt::try_lock(&file)?;
        Ok(FolderLock(file))
    }

    /// Releases the lock before this is dropped.
    pub fn release(&self) {
        let _ = FileExt::unlock(&self.0);
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // Closing the file is not enough: a child that was forked meanwhile has it open too.
        self.release();
    }
}

/// Whether an error means that the disk is full, which does not make the folder itself unusable.
pub(crate) fn is_disk_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
    )
}

/// The error for a foreign file where one of ours belongs.
pub(crate) fn file_in_the_way(path: &Path) -> BulkError {
    let path = path.display();
    BulkError::usage(message!(
        "{path} is in the way: this job did not write it, or it was changed since. Move it \
         elsewhere",
        "{path} 占用了所需的文件名：它不是本任务写入的，或写入后被修改过。请将它移走"
    ))
}

/// Opens a file for reading. Symbolic links are not followed.
///
/// # Errors
/// It is missing, is not a regular file, or cannot be read.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    open_with(OpenOptions::new().read(true), path)
}

/// Opens a file for reading and appending. Symbolic links are not followed.
///
/// # Errors
/// See [`open`]; or the file has a second name (a hard link), under which it would change too.
pub(crate) fn open_to_append(path: &Path) -> io::Result<File> {
    let file = open_with(OpenOptions::new().read(true).append(true), path)?;
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::nlink(&file.metadata()?) > 1 {
        return Err(io::Error::other(Message::new(
            "the file has a second name (a hard link), which would change too; replace it with a \
             copy",
            "该文件有另一个名称（硬链接），也会随之改变；请换成一份副本",
        )));
    }
    Ok(file)
}

/// Creates a file. Nothing that exists is opened, not even through a symbolic link.
///
/// # Errors
/// The name exists already, or the file cannot be created.
pub(crate) fn create_new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .append(true)
        .create_new(true)
        .open(path)
}

/// The metadata of a regular file; `None` if the path does not exist.
///
/// # Errors
/// The path is something else, such as a symbolic link or a folder.
pub(crate) fn regular_file(path: &Path) -> io::Result<Option<Metadata>> {
    match metadata(path)? {
        Some(found) if !found.is_file() => Err(not_a_regular_file()),
        found => Ok(found),
    }
}

/// The metadata of a path, symbolic links not followed; `None` if it does not exist.
fn metadata(path: &Path) -> io::Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

fn open_with(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    // Checked before opening, because opening anything else gives a worse error, or blocks.
    regular_file(path)?.ok_or(ErrorKind::NotFound)?;
    let file = no_follow(options).open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(not_a_regular_file())
    }
}

fn not_a_regular_file() -> io::Error {
    let (en, zh) = (
        "not a regular file; move it elsewhere",
        "不是普通文件，请将它移走",
    );
    io::Error::other(Message::new(en, zh))
}

#[cfg(unix)]
fn no_follow(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    // Without O_NONBLOCK, opening a named pipe would wait for its other end.
    options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
}

#[cfg(windows)]
fn no_follow(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::windows::fs::OpenOptionsExt;
    /// Opens the link itself, which is then not a regular file.
    const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
    options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT)
}

/// The names of the files in a folder, sorted.
fn file_names(dir: &Path) -> io::Result<Vec<OsString>> {
    let entries = fs::read_dir(dir)?.map(|entry| Ok(entry?.file_name()));
    let mut names = entries.collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// Reads the list of a folder; `None` if there is none that this program wrote.
fn read_list(dir: &Path) -> io::Result<Option<FileList>> {
    let file = match open(&dir.join(FILE_LIST)) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        // A symbolic link, a folder or the like.
        Err(_) if metadata(&dir.join(FILE_LIST))?.is_some_and(|found| !found.is_file()) => {
            return Ok(None);
        }
        file => file?,
    };
    let mut text = Vec::new();
    file.take(MAX_FILE_LIST_BYTES).read_to_end(&mut text)?;
    let list: Option<FileList> = serde_json::from_slice(&text).ok();
    Ok(list.filter(FileList::may_be_ours))
}

/// A path without redundant parts: a folder `x/.` can be neither created nor removed.
fn normalized_path(dir: &Path) -> PathBuf {
    dir.components().collect()
}

/// The folders that [`create_folders`] created.
struct CreatedFolders {
    /// Parent folders, the topmost first.
    parents: Vec<PathBuf>,
    /// Whether the folder itself was created.
    folder: bool,
}

/// Creates a folder and its missing parents.
fn create_folders(dir: &Path) -> io::Result<CreatedFolders> {
    let mut missing: Vec<&Path> = Vec::new();
    let mut next = Some(dir);
    while let Some(path) = next.filter(|path| !path.as_os_str().is_empty()) {
        if metadata(path)?.is_some() {
            break;
        }
        if path.components().next_back() == Some(Component::ParentDir) {
            let why = Message::new("a parent folder is missing", "缺少上级目录");
            return Err(io::Error::new(ErrorKind::NotFound, why));
        }
        missing.push(path);
        next = path.parent();
    }
    let mut created: Vec<PathBuf> = Vec::new();
    for path in missing.iter().rev() {
        fs::create_dir(path).inspect_err(|_| {
            for path in created.iter().rev() {
                let _ = fs::remove_dir(path);
            }
        })?;
        created.push(path.to_path_buf());
    }
    let folder = created.pop().is_some();
    Ok(CreatedFolders {
        parents: created,
        folder,
    })
}

/// Syncs a folder, so that the names of its files survive a power failure.
fn sync_folder(dir: &Path) -> io::Result<()> {
    // Other systems cannot open a folder as a file, and sync names themselves.
    #[cfg(unix)]
    File::open(dir)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = dir;
    Ok(())
}
