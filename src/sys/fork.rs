//! Fork detection.
//!
//! A forked child shares its parent's connections, so responses could go to the wrong process.
//! `getpid` would cost a system call per check. Instead a mark in memory becomes 0 in every child:
//! the kernel clears the mark's page (`MADV_WIPEONFORK`) however the child was created, `_Fork` and
//! a bare `clone` included; and a `pthread_atfork` handler clears it where the kernel does not know
//! that advice. A child of `vfork` shares its parent's memory and must not call the library.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

/// The mark before its page is mapped, and on systems that clear no page in children.
static UNCLEARED: AtomicU32 = AtomicU32::new(0);
/// Where the mark is. It stays valid: a page, once mapped, is never unmapped.
static MARK: AtomicPtr<AtomicU32> = AtomicPtr::new((&raw const UNCLEARED).cast_mut());
/// The next process's mark. A child continues its parent's count, so that no process has the mark
/// of an ancestor.
static NEXT: AtomicU32 = AtomicU32::new(1);

/// Remembers the process it was created in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct ForkGuard(u32);

impl ForkGuard {
    /// A guard of this process.
    ///
    /// # Errors
    /// The process has no memory left.
    pub fn new() -> io::Result<ForkGuard> {
        match installed() {
            0 => Ok(ForkGuard::of_this_process()),
            code => Err(io::Error::from_raw_os_error(code)),
        }
    }

    /// A guard of this process, which has another one already.
    pub fn of_this_process() -> ForkGuard {
        installed();
        loop {
            match mark().load(Ordering::Relaxed) {
                0 => {
                    let new = NEXT.fetch_add(1, Ordering::Relaxed).max(1);
                    // Another thread may have been first.
                    let _ = mark().compare_exchange(0, new, Ordering::Relaxed, Ordering::Relaxed);
                }
                found => return ForkGuard(found),
            }
        }
    }

    /// Whether this process is a child, forked after the guard was created.
    pub fn in_child(self) -> bool {
        mark().load(Ordering::Relaxed) != self.0
    }
}

#[allow(unsafe_code)]
fn mark() -> &'static AtomicU32 {
    // SAFETY: it points to a static or to a page that stays mapped, aligned and initialized.
    unsafe { &*MARK.load(Ordering::Acquire) }
}

/// Arranges once that the mark is cleared in every child. Returns 0 or an errno.
fn installed() -> i32 {
    static CODE: OnceLock<i32> = OnceLock::new();
    *CODE.get_or_init(install_atfork)
}

/// Arranges that the mark is cleared in every child. Returns 0 or an errno.
#[cfg(unix)]
#[allow(unsafe_code)]
fn install_atfork() -> i32 {
    extern "C" fn forked() {
        mark().store(0, Ordering::Relaxed);
    }
    #[cfg(target_os = "linux")]
    use_cleared_page();
    // SAFETY: what runs in the child touches atomics, and the library stays loaded (`-z nodelete`).
    unsafe { libc::pthread_atfork(None, None, Some(forked)) }
}

/// Moves the mark to a page that the kernel clears in children. If that fails it stays where it is.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn use_cleared_page() {
    use std::ptr::null_mut;
    /// As small as a mapping can be: the kernel rounds it up to a page.
    const SIZE: usize = size_of::<AtomicU32>();
    let (access, kind) = (
        libc::PROT_READ | libc::PROT_WRITE,
        libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
    );
    // SAFETY: a new mapping at an address that the kernel chooses; it replaces no other.
    let page = unsafe { libc::mmap(null_mut(), SIZE, access, kind, -1, 0) };
    if page == libc::MAP_FAILED {
        return;
    }
    // SAFETY: the mapping is ours.
    match unsafe { libc::madvise(page, SIZE, libc::MADV_WIPEONFORK) } {
        0 => MARK.store(page.cast(), Ordering::Release),
        // SAFETY: as above; nothing points to it yet. An older kernel does not know the advice.
        _ => drop(unsafe { libc::munmap(page, SIZE) }),
    }
}

/// Windows has no fork.
#[cfg(windows)]
fn install_atfork() -> i32 {
    0
}
