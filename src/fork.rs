//! Whether the process is still the one a client was created in.
//!
//! A forked child shares its parent's connections, and answers would get mixed up. Asking the
//! system for the process's id would cost a call each time. Instead a mark in memory is reset to 0
//! in every child: by the kernel, which clears the mark's page (`MADV_WIPEONFORK`) whatever way the
//! child was made, `_Fork` and a bare `clone` included; and by `pthread_atfork`, for systems without
//! that advice. A child made by `vfork` shares its parent's memory and must not call the library.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

/// The mark until there is a page for it, and where no page is cleared in children.
static UNCLEARED: AtomicU32 = AtomicU32::new(0);
/// Where the mark is. It stays valid: a page, once mapped, is never unmapped.
static MARK: AtomicPtr<AtomicU32> = AtomicPtr::new((&raw const UNCLEARED).cast_mut());
/// The next process's mark. A child's copy goes on from its parent's, so that no process has the
/// mark of one it descends from.
static NEXT: AtomicU32 = AtomicU32::new(1);

/// A process, as long as it lasts.
#[derive(Clone, Copy)]
pub(crate) struct Process(u32);

impl Process {
    /// The present one; fails if there is no memory left.
    pub fn here() -> io::Result<Process> {
        static WATCHED: OnceLock<i32> = OnceLock::new();
        let code = *WATCHED.get_or_init(watch);
        if code != 0 {
            return Err(io::Error::from_raw_os_error(code));
        }
        loop {
            match mark().load(Ordering::Relaxed) {
                0 => {
                    let new = NEXT.fetch_add(1, Ordering::Relaxed).max(1);
                    // Another thread may have been first.
                    let _ = mark().compare_exchange(0, new, Ordering::Relaxed, Ordering::Relaxed);
                }
                found => return Ok(Process(found)),
            }
        }
    }

    /// Whether this is another one, forked since.
    pub fn is_gone(self) -> bool {
        mark().load(Ordering::Relaxed) != self.0
    }
}

#[allow(unsafe_code)]
fn mark() -> &'static AtomicU32 {
    // SAFETY: it points to a static or to a page that stays mapped, aligned and initialized.
    unsafe { &*MARK.load(Ordering::Acquire) }
}

/// Has the mark cleared in every child. Returns an errno, 0 if it worked.
#[cfg(unix)]
#[allow(unsafe_code)]
fn watch() -> i32 {
    extern "C" fn forked() {
        mark().store(0, Ordering::Relaxed);
    }
    #[cfg(target_os = "linux")]
    use_cleared_page();
    // SAFETY: what runs in the child touches atomics, and the library stays loaded (`-z nodelete`).
    unsafe { libc::pthread_atfork(None, None, Some(forked)) }
}

/// Moves the mark to a page that the kernel clears in children; without one it stays where it is.
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
    // SAFETY: a new mapping where the kernel likes, of nobody else's memory.
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

/// Nothing forks here.
#[cfg(windows)]
fn watch() -> i32 {
    0
}
