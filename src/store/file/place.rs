//! The store's file in the file system: created completely or not at all, opened without following
//! links, accessible to its owner only, and open in one process at a time. Processes take turns.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

#[cfg(unix)]
use crate::model::lang::Lang;
use crate::model::lang::Text;
use crate::model::message::{Message, message};

/// The first and the longest pause between two attempts to lock the file. The pause doubles.
const FIRST_LOCK_PAUSE: Duration = Duration::from_micros(200);
const MAX_LOCK_PAUSE: Duration = Duration::from_millis(5);
/// How long a process waits for its turn to lock the file. Then it competes with the one whose turn
/// it is, which may have been stopped.
const MAX_TURN_WAIT: Duration = Duration::from_millis(500);

/// The first bytes of a redb file.
pub(super) const MAGIC: [u8; 9] = *b"redb\x1A\x0A\xA9\x0D\x0A";

/// Why the file cannot be used.
#[derive(Debug)]
pub(super) enum Unavailable {
    /// Another process had it open until the limit passed.
    InUse,
    /// It is not a store, or not safe to use. The text follows "the store PATH".
    Refused(Message),
    /// The operating system's error, and what failed.
    Failed(Text, io::Error),
}

pub(super) const NOT_CREATED: Text = Text {
    en: "could not be created",
    zh: "无法创建",
};
const NOT_OPENED: Text = Text {
    en: "could not be opened",
    zh: "无法打开",
};
const NOT_A_FILE: Text = Text {
    en: "is not a regular file. Give the path of a file",
    zh: "不是普通文件。请指定一个文件的路径",
};

/// Opens the file and locks it against other processes; `None` if it does not exist.
pub(super) fn open(path: &Path, until: Instant) -> Result<Option<File>, Unavailable> {
    match open_locked(path, until, sys::open) {
        Ok(file) => {
            remove_second_name(&file, path);
            Ok(Some(file))
        }
        Err(Unavailable::Failed(_, e)) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// Opens a file and locks it, when it is this process's turn.
fn open_locked(
    path: &Path,
    until: Instant,
    open: fn(&Path) -> Result<File, Unavailable>,
) -> Result<File, Unavailable> {
    let started = Instant::now();
    let mut pause = FIRST_LOCK_PAUSE;
    loop {
        let file = match open(path) {
            Ok(file) => file,
            Err(Unavailable::InUse) => {
                wait(&mut pause, until)?;
                continue;
            }
            Err(e) => return Err(e),
        };
        let mut turn = None;
        // It may be removed or replaced before it is locked.
        while sys::is_at(&file, path) {
            turn = turn.or_else(|| Turn::take(&file));
            let may_lock = turn.is_some() || started.elapsed() > MAX_TURN_WAIT;
            if may_lock && sys::lock(&file)? {
                drop(turn);
                if sys::is_at(&file, path) {
                    return Ok(file);
                }
                break;
            }
            wait(&mut pause, until)?;
        }
    }
}

/// The right to lock the file next, which one process at a time has. Without it, a process that
/// uses the file again and again would lock it before others notice that it is free.
struct Turn<'a>(&'a File);

impl Turn<'_> {
    /// Takes the turn unless another process has it.
    fn take(file: &File) -> Option<Turn<'_>> {
        sys::take_turn(file).then_some(Turn(file))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        sys::end_turn(self.0);
    }
}

/// Creates the file and has `fill` write its content, unless another process is faster. The file
/// gets its name when it is complete.
pub(super) fn create(
    path: &Path,
    until: Instant,
    fill: impl FnOnce(File) -> Result<(), Unavailable>,
) -> Result<(), Unavailable> {
    let new = new_name(path);
    let file = open_locked(&new, until, sys::create)?;
    sys::check_is_left_over(&file, &new, path)?;
    // Only the process that holds this lock creates the store. Content that a killed process left
    // in the new file is discarded.
    let done = match fs::symlink_metadata(path) {
        Ok(_) => Ok(()),
        Err(_) => fill_and_rename(&file, &new, path, fill),
    };
    let _ = fs::remove_file(&new);
    sys::unlock(&file);
    done
}

fn fill_and_rename(
    file: &File,
    new: &Path,
    path: &Path,
    fill: impl FnOnce(File) -> Result<(), Unavailable>,
) -> Result<(), Unavailable> {
    let failed = |e| Unavailable::Failed(NOT_CREATED, e);
    file.set_len(0).map_err(failed)?;
    fill(
        file.try_clone()
            .and_then(sys::above_stdio)
            .map_err(failed)?,
    )?;
    file.sync_all().map_err(failed)?;
    // A hard link, unlike a rename, never replaces a file that another program has put there.
    match fs::hard_link(new, path) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        // The file system may have no hard links. Other creators wait for our lock.
        Err(_) => fs::rename(new, path).map_err(failed)?,
    }
    sys::sync_folder(path);
    Ok(())
}

/// Removes the temporary name that a process may have left if it was killed while it created the
/// store.
fn remove_second_name(file: &File, path: &Path) {
    let new = new_name(path);
    if sys::has_several_names(file) && sys::is_at(file, &new) {
        let _ = fs::remove_file(new);
    }
}

/// The temporary name of a store that is being created.
fn new_name(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".wxlink-new");
    path.with_file_name(name)
}

fn wait(pause: &mut Duration, until: Instant) -> Result<(), Unavailable> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(Unavailable::InUse);
    }
    thread::sleep(left.min(*pause));
    *pause = (*pause * 2).min(MAX_LOCK_PAUSE);
    Ok(())
}

pub(super) use sys::{Stamp, stamp, unlock};

#[cfg(unix)]
mod sys {
    use super::*;
    use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};

    use rustix::fs::{FlockOperation, flock};
    use rustix::io::Errno;

    use crate::sys::byte_lock;
    pub(super) use crate::sys::os::above_stdio;

    const NOT_LOCKED: Text = Text {
        en: "could not be locked",
        zh: "无法锁定",
    };

    /// Identity, size and times of a file; they change when the file is changed.
    #[derive(PartialEq, Eq)]
    pub struct Stamp {
        device: u64,
        inode: u64,
        size: u64,
        modified_s: i64,
        modified_ns: i64,
        changed_s: i64,
        changed_ns: i64,
    }

    pub fn stamp(file: &File) -> Option<Stamp> {
        let about = file.metadata().ok()?;
        Some(Stamp {
            device: about.dev(),
            inode: about.ino(),
            size: about.size(),
            modified_s: about.mtime(),
            modified_ns: about.mtime_nsec(),
            changed_s: about.ctime(),
            changed_ns: about.ctime_nsec(),
        })
    }

    fn options() -> OpenOptions {
        let mut how = OpenOptions::new();
        // Opening a FIFO would block.
        how.read(true)
            .write(true)
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
        how
    }

    pub fn open(path: &Path) -> Result<File, Unavailable> {
        let file = options().open(path).map_err(|e| refused(path, e))?;
        checked(above_stdio(file).map_err(|e| refused(path, e))?)
    }

    /// Creates the temporary file at `path`, or opens the one that a killed process left.
    pub fn create(path: &Path) -> Result<File, Unavailable> {
        let file = options().create(true).mode(0o600).open(path);
        let file = file.and_then(above_stdio).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => Unavailable::Refused(Message::new(
                "could not be created: its folder does not exist. Create the folder",
                "无法创建：所在文件夹不存在。请先创建该文件夹",
            )),
            _ => refused(path, e),
        })?;
        checked(file)
    }

    /// Refuses a file with the temporary name, unless it is new or was left by a killed process:
    /// then it belongs to this user, has no other name than the store's, and begins like an empty
    /// redb file, whose header is written last. Another user may have created it in order to read
    /// the store, or the user may have a file of that name.
    pub fn check_is_left_over(file: &File, new: &Path, store: &Path) -> Result<(), Unavailable> {
        let about = file
            .metadata()
            .map_err(|e| Unavailable::Failed(NOT_CREATED, e))?;
        let mut head = [0; MAGIC.len()];
        let begins_as_ours = file
            .read_at(&mut head, 0)
            .is_ok_and(|n| head[..n].iter().all(|b| *b == 0) || head == MAGIC);
        let (owner, zh) = if about.uid() != rustix::process::geteuid().as_raw() {
            ("another user", "另一个用户")
        } else if !begins_as_ours || about.nlink() > 1 && !is_at(file, store) {
            ("another program", "另一个程序")
        } else {
            return Ok(());
        };
        let new = new.display();
        Err(Unavailable::Refused(message!(
            "could not be created: its temporary name {new} is taken by a file of {owner}. Move \
             that file elsewhere",
            "无法创建：其临时文件名 {new} 已被{zh}的文件占用。请将该文件移到别处"
        )))
    }

    /// Names what is at the path, if that is why it cannot be opened.
    fn refused(path: &Path, error: io::Error) -> Unavailable {
        match fs::symlink_metadata(path).map(|m| m.file_type()) {
            Ok(kind) if kind.is_symlink() => Unavailable::Refused(Message::new(
                "is a symbolic link, which is not followed. Give the path of the file itself",
                "是符号链接，wxlink 不会跟随。请指定文件本身的路径",
            )),
            Ok(kind) if !kind.is_file() => Unavailable::Refused(NOT_A_FILE.into()),
            _ => Unavailable::Failed(NOT_OPENED, error),
        }
    }

    /// Refuses anything but a regular file, and a file that others can read unless its mode can be
    /// changed.
    fn checked(file: File) -> Result<File, Unavailable> {
        let failed = |e| Unavailable::Failed(NOT_OPENED, e);
        let about = file.metadata().map_err(failed)?;
        if !about.is_file() {
            return Err(Unavailable::Refused(NOT_A_FILE.into()));
        }
        if about.mode() & 0o077 == 0 {
            return Ok(file);
        }
        let mode = about.mode() & 0o777;
        if about.uid() != rustix::process::geteuid().as_raw() {
            return Err(Unavailable::Refused(message!(
                "may be read or written by other users (mode {mode:o}), and it belongs to another \
                 user. Set its mode to 600",
                "可被其他用户读写（权限 {mode:o}），并且属于另一个用户。请将其权限改为 600"
            )));
        }
        let own = fs::Permissions::from_mode(0o600);
        file.set_permissions(own).map_err(|e| {
            let why = Message::from(e);
            let zh = why.get(Lang::Zh);
            Unavailable::Refused(message!(
                "may be read or written by other users (mode {mode:o}), and that could not be \
                 changed: {why}. Set its mode to 600",
                "可被其他用户读写（权限 {mode:o}），且无法修改：{zh}。请将其权限改为 600"
            ))
        })?;
        Ok(file)
    }

    /// Releases the lock. Closing the file is not enough if the process has forked: the child has
    /// the file open too.
    pub fn unlock(file: &File) {
        let _ = flock(file, FlockOperation::Unlock);
    }

    /// Locks the file unless another process holds the lock. Returns whether it did.
    pub fn lock(file: &File) -> Result<bool, Unavailable> {
        loop {
            return match flock(file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => Ok(true),
                Err(Errno::WOULDBLOCK) => Ok(false),
                Err(Errno::INTR) => continue,
                Err(e) => Err(Unavailable::Failed(NOT_LOCKED, e.into())),
            };
        }
    }

    /// Takes the turn, which is a lock on a byte of the file, unless another process has it. On a
    /// file system without such locks, every process has it.
    pub fn take_turn(file: &File) -> bool {
        !matches!(byte_lock::try_lock(file), Ok(false))
    }

    pub fn end_turn(file: &File) {
        byte_lock::unlock(file);
    }

    /// Whether the path still names this file.
    pub fn is_at(file: &File, path: &Path) -> bool {
        match (file.metadata(), fs::symlink_metadata(path)) {
            (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
            _ => false,
        }
    }

    pub fn has_several_names(file: &File) -> bool {
        file.metadata().is_ok_and(|m| m.nlink() > 1)
    }

    /// Makes the new name survive a power failure, as far as the file system supports it.
    pub fn sync_folder(path: &Path) {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        if let Ok(folder) = File::open(folder).and_then(above_stdio) {
            let _ = folder.sync_all();
        }
    }
}

/// Windows has no modes: the file inherits the access rights of its folder. It is opened without
/// sharing, which keeps other processes from reading and writing it meanwhile.
#[cfg(windows)]
mod sys {
    use super::*;
    use std::os::windows::fs::{FileExt, MetadataExt, OpenOptionsExt};

    const SHARING_VIOLATION: i32 = 32;
    const OPEN_REPARSE_POINT: u32 = 0x0020_0000;
    /// The file may be renamed and removed while it is open.
    const SHARE_DELETE: u32 = 4;

    /// Size and times of a file; they change when the file is changed.
    #[derive(PartialEq, Eq)]
    pub struct Stamp {
        size: u64,
        modified: u64,
        created: u64,
    }

    pub fn stamp(file: &File) -> Option<Stamp> {
        let about = file.metadata().ok()?;
        Some(Stamp {
            size: about.file_size(),
            modified: about.last_write_time(),
            created: about.creation_time(),
        })
    }

    fn opened(how: &mut OpenOptions, path: &Path) -> Result<File, Unavailable> {
        how.read(true)
            .write(true)
            .share_mode(SHARE_DELETE)
            .custom_flags(OPEN_REPARSE_POINT);
        match how.open(path) {
            Err(e) if e.raw_os_error() == Some(SHARING_VIOLATION) => Err(Unavailable::InUse),
            Err(e) => Err(Unavailable::Failed(NOT_OPENED, e)),
            Ok(file) if file.metadata().is_ok_and(|m| m.is_file()) => Ok(file),
            Ok(_) => Err(Unavailable::Refused(NOT_A_FILE.into())),
        }
    }

    pub fn open(path: &Path) -> Result<File, Unavailable> {
        opened(&mut OpenOptions::new(), path)
    }

    pub fn create(path: &Path) -> Result<File, Unavailable> {
        opened(OpenOptions::new().create(true), path)
    }

    /// Refuses a file with the temporary name, unless it is new or was left by a killed process.
    pub fn check_is_left_over(file: &File, new: &Path, _store: &Path) -> Result<(), Unavailable> {
        let mut head = [0; MAGIC.len()];
        match file.seek_read(&mut head, 0) {
            Ok(n) if head[..n].iter().all(|b| *b == 0) || head == MAGIC => Ok(()),
            _ => {
                let new = new.display();
                Err(Unavailable::Refused(message!(
                    "could not be created: its temporary name {new} is taken by a file of another \
                     program. Move that file elsewhere",
                    "无法创建：其临时文件名 {new} 已被另一个程序的文件占用。请将该文件移到别处"
                )))
            }
        }
    }

    pub(super) use crate::sys::os::above_stdio;

    pub fn unlock(_: &File) {}

    pub fn lock(_: &File) -> Result<bool, Unavailable> {
        Ok(true)
    }

    pub fn take_turn(_: &File) -> bool {
        true
    }

    pub fn end_turn(_: &File) {}

    /// Windows offers no identity of a file here; a store is always opened under one name.
    pub fn is_at(_: &File, _: &Path) -> bool {
        true
    }

    pub fn has_several_names(_: &File) -> bool {
        false
    }

    pub fn sync_folder(_: &Path) {}
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn new_file(name: &str) -> PathBuf {
        let name = format!("wxlink-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        sys::create(&path).unwrap();
        path
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn a_process_that_waits_is_next_though_another_opens_the_file_again_and_again() {
        const ROUNDS: usize = 20;
        let path = new_file("turns");
        let mut is_next = 0;
        for _ in 0..ROUNDS {
            let held = open(&path, soon()).unwrap().unwrap();
            let (opened, order) = mpsc::channel();
            thread::scope(|scope| {
                let waited = opened.clone();
                let path = &path;
                scope.spawn(move || {
                    let file = open(path, soon()).unwrap().unwrap();
                    waited.send("waited").unwrap();
                    unlock(&file);
                });
                let other = sys::open(path).unwrap();
                while Turn::take(&other).is_some() {
                    thread::sleep(Duration::from_millis(1));
                }
                unlock(&held);
                let file = open(path, soon()).unwrap().unwrap();
                opened.send("came later").unwrap();
                unlock(&file);
            });
            is_next += usize::from(order.recv() == Ok("waited"));
        }
        fs::remove_file(&path).unwrap();
        // On a busy machine a thread may be late for its turn.
        assert!(is_next > ROUNDS / 2, "{is_next}");
    }

    #[test]
    fn a_process_that_is_stopped_in_its_turn_delays_others_only() {
        let path = new_file("stopped");
        let stopped = sys::open(&path).unwrap();
        let turn = Turn::take(&stopped).unwrap();
        let started = Instant::now();
        let file = open(&path, soon()).unwrap().unwrap();
        assert!(started.elapsed() >= MAX_TURN_WAIT);
        unlock(&file);
        drop((turn, file));
        let other = sys::open(&path).unwrap();
        assert!(Turn::take(&other).is_some());
        fs::remove_file(&path).unwrap();
    }
}
