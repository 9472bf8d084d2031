//! The storage backend under redb. It guards against what redb does with a damaged file.
//!
//! redb trusts what it reads: a wrong length makes it allocate without bounds, a pointer back to an
//! earlier page makes it loop, and a file that was closed cleanly is not checked at all. It also
//! writes to every file it opens. So this backend
//! - checks the parts of the header that redb computes sizes from,
//! - can keep all writes in memory, so that checking changes nothing on disk,
//! - presents a file as not cleanly closed, which makes redb run its checks,
//! - limits how much is read during a check, and refuses reads beyond the end of the file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Error, ErrorKind};
use std::sync::{Arc, Mutex};

use redb::StorageBackend;

use super::place::{self, MAGIC};
use crate::model::lang::Text;
use crate::model::message::{Message, message};
use crate::sys::lock::lock;

const BLOCK: usize = 4096;
/// The offset of the flags, and their bits.
const FLAGS: usize = 9;
const PRIMARY: u8 = 1;
const RECOVERY_REQUIRED: u8 = 2;
const TWO_PHASE: u8 = 4;
/// Page size, header pages of a region, data pages of a region: what redb's defaults make of them.
const LAYOUT: (usize, [u32; 3]) = (12, [4096, 130, 1_048_576]);
/// Two records of which one is current: where each begins, and in it the version of the file
/// format, and a checksum.
///
/// The current one may be the older of the two, if a process was killed while it closed or repaired
/// the file. Both then have the same texts: what redb writes at those times is about free pages.
const SLOTS: [usize; 2] = [64, 192];
const VERSIONS: [u8; 2] = [2, 3];
const CHECKSUM: usize = 112;
const HEADER: usize = 320;

/// How the file is opened.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// To check whether it is intact. Nothing is written to the file.
    Check,
    /// To read records. Nothing is written to the file.
    Read,
    Write,
}

/// A locked file as the storage of redb. Clones share the file.
#[derive(Clone)]
pub(super) struct Backend(Arc<Mutex<State>>);

struct State {
    /// `None` after it was closed.
    file: Option<File>,
    mode: Mode,
    /// In the modes that do not write to the file: the written blocks, by number.
    written: BTreeMap<u64, Box<[u8; BLOCK]>>,
    len: u64,
    /// Whether redb has written the header; it is then presented unchanged.
    is_header_ours: bool,
    /// How many more reads are allowed.
    reads_left: u64,
    /// The operating system's error that stopped redb.
    failed: Option<Error>,
    damage: Option<Text>,
}

/// Why a header cannot be that of a store; `None` if it can.
pub(super) fn wrong_header(header: &[u8], len: u64) -> Option<Message> {
    if len == 0 {
        return Some(Message::new("it is empty", "文件为空"));
    }
    let number = |at: usize| {
        let bytes = header.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_le_bytes(bytes))
    };
    if header.len() >= MAGIC.len() && header[..MAGIC.len()] != MAGIC {
        return Some(if header[..MAGIC.len()] == [0; MAGIC.len()] {
            Message::new("its creation was interrupted", "创建过程被中断")
        } else {
            Message::new("it is not a file of wxlink's", "不是 wxlink 的文件")
        });
    }
    if header.len() < HEADER || len < BLOCK as u64 {
        return Some(message!("it ends after {len} bytes", "文件只有 {len} 字节"));
    }
    let (at, layout) = LAYOUT;
    if (0..3).any(|n| number(at + 4 * n) != Some(layout[n])) {
        return Some(Message::new("invalid header", "文件头无效"));
    }
    if SLOTS.iter().any(|slot| !VERSIONS.contains(&header[*slot])) {
        return Some(Message::new(
            "it has another version of the file format, or an invalid header",
            "文件格式的版本不同，或文件头无效",
        ));
    }
    None
}

fn is_complete(flags: u8) -> bool {
    flags & RECOVERY_REQUIRED == 0 || flags & TWO_PHASE != 0
}

/// The first bytes of the file, as many as it has.
pub(super) fn header(file: &File) -> io::Result<Vec<u8>> {
    let mut header = vec![0; HEADER];
    let read = read_at(file, &mut header, 0)?;
    header.truncate(read);
    Ok(header)
}

impl Backend {
    pub fn new(file: File, mode: Mode) -> io::Result<Backend> {
        let len = file.metadata()?.len();
        // Checking reads every page three times and the tables of the pages' owners twice.
        let pages = len / BLOCK as u64;
        Ok(Backend(Arc::new(Mutex::new(State {
            file: Some(file),
            mode,
            written: BTreeMap::new(),
            len,
            is_header_ours: false,
            reads_left: match mode {
                Mode::Check => 8 * pages + 1000,
                Mode::Read | Mode::Write => u64::MAX,
            },
            failed: None,
            damage: None,
        }))))
    }

    /// Ends every access: redb cannot read or write any more. Returns the file, still locked.
    pub fn detach(&self) -> Option<File> {
        lock(&self.0).file.take()
    }

    pub fn mode(&self) -> Mode {
        lock(&self.0).mode
    }

    /// Whether the file's current state must be whole: no process was killed while it wrote.
    pub fn is_complete(&self) -> io::Result<bool> {
        let header = self.with(|state| header(state.file()?))?;
        let flags = header.get(FLAGS).copied().unwrap_or(0);
        Ok(is_complete(flags))
    }

    /// The operating system's error that stopped redb, if there was one.
    pub fn take_failure(&self) -> Option<Error> {
        lock(&self.0).failed.take()
    }

    /// The damage that the backend itself found.
    pub fn damage(&self) -> Option<Text> {
        lock(&self.0).damage
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = lock(&self.0);
        if state.file.is_none() {
            return Err(Error::other("the file is closed"));
        }
        work(&mut state)
    }
}

impl State {
    fn file(&self) -> io::Result<&File> {
        self.file
            .as_ref()
            .ok_or_else(|| Error::other("the file is closed"))
    }

    /// Records an error of the operating system, to distinguish it from damage.
    fn noted<T>(&mut self, done: io::Result<T>) -> io::Result<T> {
        if let Err(e) = &done {
            self.failed = Some(match e.raw_os_error() {
                Some(code) => Error::from_raw_os_error(code),
                None => Error::new(e.kind(), e.to_string()),
            });
        }
        done
    }

    fn damaged<T>(&mut self, why: Text) -> io::Result<T> {
        self.damage = Some(why);
        Err(Error::new(ErrorKind::InvalidData, why.en))
    }

    fn read(&mut self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let end = offset.checked_add(len as u64);
        if end.is_none_or(|end| end > self.len) {
            return self.damaged(Text {
                en: "a part of it is missing",
                zh: "文件缺少一部分",
            });
        }
        let Some(left) = self.reads_left.checked_sub(1) else {
            return self.damaged(Text {
                en: "its pages form a circle",
                zh: "其中的页构成循环",
            });
        };
        self.reads_left = left;
        let mut bytes = vec![0; len];
        // Bytes after the end of the file are zero until they are written.
        let read = read_at(self.file()?, &mut bytes, offset);
        self.noted(read)?;
        for (number, block) in self.written.range(offset / BLOCK as u64..) {
            let begin = number * BLOCK as u64;
            if begin >= offset + len as u64 {
                break;
            }
            let from = begin.max(offset);
            let to = (begin + BLOCK as u64).min(offset + len as u64);
            bytes[(from - offset) as usize..(to - offset) as usize]
                .copy_from_slice(&block[(from - begin) as usize..(to - begin) as usize]);
        }
        if offset == 0 && len >= HEADER && !self.is_header_ours {
            self.show_as_interrupted(&mut bytes);
        }
        Ok(bytes)
    }

    /// Changes the header so that redb does not take its tables of free pages on trust. While it
    /// checks, it also has to verify every page of the current state, and may not go back to an
    /// earlier one, unless a process was killed while it wrote.
    fn show_as_interrupted(&self, header: &mut [u8]) {
        let flags = header[FLAGS];
        header[FLAGS] |= RECOVERY_REQUIRED;
        if self.mode == Mode::Check {
            header[FLAGS] &= !TWO_PHASE;
            if is_complete(flags) {
                let other = SLOTS[1 - usize::from(flags & PRIMARY)];
                header[other + CHECKSUM] ^= 0xFF;
            }
        }
    }

    fn write(&mut self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.is_header_ours |= offset == 0;
        if self.mode == Mode::Write {
            let written = write_at(self.file()?, data, offset);
            return self.noted(written);
        }
        let mut at = offset;
        let mut data = data;
        while !data.is_empty() {
            let (number, within) = (at / BLOCK as u64, (at % BLOCK as u64) as usize);
            let n = data.len().min(BLOCK - within);
            if !self.written.contains_key(&number) {
                let mut block = Box::new([0; BLOCK]);
                read_at(self.file()?, &mut block[..], number * BLOCK as u64)?;
                self.written.insert(number, block);
            }
            if let Some(block) = self.written.get_mut(&number) {
                block[within..within + n].copy_from_slice(&data[..n]);
            }
            at += n as u64;
            data = &data[n..];
        }
        Ok(())
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        if self.mode == Mode::Write {
            let set = self.file()?.set_len(len);
            self.noted(set)?;
        }
        self.written.split_off(&len.div_ceil(BLOCK as u64));
        self.len = len;
        Ok(())
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.with(|state| Ok(state.len))
    }

    fn read(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        self.with(|state| state.read(offset, len))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.with(|state| state.set_len(len))
    }

    fn sync_data(&self, _: bool) -> io::Result<()> {
        self.with(|state| match state.mode {
            Mode::Write => {
                let synced = state.file()?.sync_data();
                state.noted(synced)
            }
            Mode::Check | Mode::Read => Ok(()),
        })
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.with(|state| state.write(offset, data))
    }
}

impl std::fmt::Debug for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Backend")
    }
}

impl Drop for State {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            place::unlock(file);
        }
    }
}

/// Reads until the buffer is full or the file ends. Returns the number of bytes.
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut read = 0;
    while read < bytes.len() {
        match some_at(file, &mut bytes[read..], offset + read as u64) {
            Ok(0) => break,
            Ok(n) => read += n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(read)
}

#[cfg(unix)]
fn some_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, bytes, offset)
}

#[cfg(unix)]
fn write_at(file: &File, data: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, data, offset)
}

#[cfg(windows)]
fn some_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, bytes, offset)
}

#[cfg(windows)]
fn write_at(file: &File, data: &[u8], offset: u64) -> io::Result<()> {
    let mut written = 0;
    while written < data.len() {
        let at = offset + written as u64;
        match std::os::windows::fs::FileExt::seek_write(file, &data[written..], at) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(n) => written += n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}
