//! A clock that all processes of a machine share and that nobody can set.

#[cfg(unix)]
pub(super) use unix::now;
#[cfg(windows)]
pub(super) use windows::now;

/// A moment since the machine was started.
pub(super) struct Moment {
    /// Which start of the machine that was; empty if the system does not tell.
    pub boot: String,
    /// How long ago (ms).
    pub ms: u64,
}

#[cfg(unix)]
mod unix {
    use super::Moment;
    use std::sync::OnceLock;

    use rustix::time::{ClockId, clock_gettime};

    pub fn now() -> Moment {
        static BOOT: OnceLock<String> = OnceLock::new();
        let boot = BOOT.get_or_init(|| {
            let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
            id.map(|id| id.trim().to_owned()).unwrap_or_default()
        });
        // Unlike the monotonic clock this one goes on while the machine is suspended.
        let now = clock_gettime(ClockId::Boottime);
        Moment {
            boot: boot.clone(),
            ms: u64::try_from(now.tv_sec).unwrap_or(0) * 1000
                + u64::try_from(now.tv_nsec).unwrap_or(0) / 1_000_000,
        }
    }
}

/// The wall clock: a lock that it makes too long is ignored, and one that it makes too short ends
/// early, which costs a second refresh.
#[cfg(windows)]
mod windows {
    use super::Moment;
    use std::time::{SystemTime, UNIX_EPOCH};

    pub fn now() -> Moment {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Moment {
            boot: String::new(),
            ms: since.map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX)),
        }
    }
}
