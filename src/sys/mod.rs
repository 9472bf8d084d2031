//! What the operating system provides: waiting and cancelling, descriptors, forks, locks and
//! background threads.

pub(crate) mod background;
#[cfg(all(unix, feature = "file-store"))]
pub(crate) mod byte_lock;
pub(crate) mod cancel;
pub(crate) mod fork;
pub(crate) mod lock;
#[cfg_attr(unix, path = "os/unix.rs")]
#[cfg_attr(windows, path = "os/windows.rs")]
pub(crate) mod os;
#[cfg(unix)]
pub(crate) mod process;
pub(crate) mod single_flight;
