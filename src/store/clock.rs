//! A clock that all processes of a machine share and that cannot be set.

use super::claim::REMEMBERED;

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
pub(crate) struct Moment {
    /// The id of the boot; empty if the system has none.
    pub boot: String,
    /// The time since the boot (ms).
    pub ms: u64,
}

/// When a text was written to a file, and for how long.
pub(crate) struct Written<'a> {
    /// [`Moment::boot`], [`Moment::ms`] and [`wall_ms`] when it was written.
    pub boot: &'a str,
    pub boot_ms: u64,
    pub wall_ms: u64,
    pub lasts_ms: u64,
}

/// How long a text still stands.
pub(crate) struct TimeLeft {
    pub ms: u64,
    /// Whether this boot's clock knows it.
    pub is_this_boot: bool,
}

impl Written<'_> {
    /// How long the text still stands. After another boot only the wall clock knows, which may have
    /// been set: it then stands for at most the time that it was written for.
    pub fn left(&self, now: &Moment, wall_ms: u64) -> TimeLeft {
        let is_this_boot = self.boot == now.boot && !self.boot.is_empty() && self.boot_ms <= now.ms;
        let age = if is_this_boot {
            now.ms - self.boot_ms
        } else {
            wall_ms.saturating_sub(self.wall_ms)
        };
        let longest = u64::try_from(REMEMBERED.as_millis()).unwrap_or(u64::MAX);
        TimeLeft {
            ms: self.lasts_ms.min(longest).saturating_sub(age),
            is_this_boot,
        }
    }
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
