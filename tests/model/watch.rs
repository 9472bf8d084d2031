//! Watches how long this machine lets threads wait. What the simulator records late because it
//! could not run is no mistake of the library.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// The pause between two looks at the clock.
const INTERVAL: Duration = Duration::from_millis(5);
/// A pause that took this much longer is a stall.
const SHORTEST_STALL: Duration = Duration::from_millis(10);

/// When stalls ended, and how long they were.
type Stalls = Vec<(Instant, Duration)>;

/// A thread that watches until this is dropped.
pub struct Watch(Arc<Mutex<Stalls>>);

impl Watch {
    pub fn start() -> Watch {
        let stalls = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::downgrade(&stalls);
        thread::spawn(move || {
            let mut before = Instant::now();
            while let Some(stalls) = shared.upgrade() {
                thread::sleep(INTERVAL);
                let now = Instant::now();
                let stall = now.duration_since(before).saturating_sub(INTERVAL);
                if stall > SHORTEST_STALL {
                    stalls.lock().unwrap().push((now, stall));
                }
                before = now;
            }
        });
        Watch(stalls)
    }

    /// The longest stall since then.
    pub fn longest_since(&self, start: Instant) -> Duration {
        let stalls = self.0.lock().unwrap();
        let recent = stalls.iter().rev().take_while(|(end, _)| *end >= start);
        recent.map(|(_, stall)| *stall).max().unwrap_or_default()
    }
}
