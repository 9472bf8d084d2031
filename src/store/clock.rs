//! A clock that all processes of a machine share and that cannot be set.

#[cfg(unix)]
pub(super) use unix::now;
#[cfg(windows)]
pub(super) use windows::now;

/// The wall clock (ms since 1970), which continues over a boot and can be set.
pub(super) fn wall_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}

/// A moment, counted from the boot of the machine.
pub(super) struct Moment {
    /// The id of the boot; empty if the system has none.
    pub boot: String,
    /// The time since the boot (ms).
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
        // Unlike the monotonic clock, this one continues while the machine is suspended.
        let now = clock_gettime(ClockId::Boottime);
        Moment {
            boot: boot.clone(),
            ms: u64::try_from(now.tv_sec).unwrap_or(0) * 1000
                + u64::try_from(now.tv_nsec).unwrap_or(0) / 1_000_000,
        }
    }
}

/// The wall clock. If it is set, a lock that becomes too long is ignored, and one that becomes too
/// short expires early, which costs a second refresh.
#[cfg(windows)]
mod windows {
    use super::Moment;

    pub fn now() -> Moment {
        Moment {
            boot: String::new(),
            ms: super::wall_ms(),
        }
    }
}
