//! Chooses the API host: the preferred one, unless it failed recently.
//!
//! A host that could not be reached is skipped for 1 second, then 2, 4 and so on up to a minute.
//! After that one call tries it; if it succeeds, the host is used again.

use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::sys::lock::lock;

/// How long a host is skipped after its first failure.
const MIN_COOLDOWN: Duration = Duration::from_secs(1);
/// How long a host is skipped at most.
const MAX_COOLDOWN: Duration = Duration::from_secs(60);

/// The health of a client's hosts.
pub(crate) struct HostHealth(Mutex<Vec<State>>);

#[derive(Clone, Default)]
struct State {
    /// Consecutive failures.
    failures: u32,
    /// The host is skipped until then.
    cooldown_until: Option<Instant>,
}

impl State {
    fn cooldown(&self) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(6);
        (MIN_COOLDOWN * 2_u32.pow(doublings)).min(MAX_COOLDOWN)
    }

    fn is_cooling_down(&self, now: Instant) -> bool {
        self.cooldown_until.is_some_and(|until| now < until)
    }
}

impl HostHealth {
    pub fn new(hosts: usize) -> HostHealth {
        HostHealth(Mutex::new(vec![State::default(); hosts]))
    }

    /// The most preferred host that is neither tried yet nor skipped. If all others are skipped,
    /// the most preferred of them: a call never fails because no host is healthy.
    pub fn pick(&self, tried: &[usize], now: Instant) -> usize {
        let mut hosts = self.lock();
        let untried = || (0..hosts.len()).filter(|i| !tried.contains(i));
        let picked = untried()
            .find(|i| !hosts[*i].is_cooling_down(now))
            .or_else(|| untried().next())
            .unwrap_or(0);
        // This call tries whether the host works again; meanwhile other calls still skip it.
        let state = &mut hosts[picked];
        if state.failures > 0 && !state.is_cooling_down(now) {
            state.cooldown_until = Some(now + state.cooldown());
        }
        picked
    }

    /// Records that the host could not be reached.
    pub fn failed(&self, host: usize, now: Instant) {
        let state = &mut self.lock()[host];
        state.failures = state.failures.saturating_add(1);
        state.cooldown_until = Some(now + state.cooldown());
    }

    /// Records that the host was reached.
    pub fn reached(&self, host: usize) {
        let state = &mut self.lock()[host];
        if state.failures > 0 {
            *state = State::default();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<State>> {
        lock(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn hosts_are_tried_in_order_of_preference() {
        let (health, now) = (HostHealth::new(3), Instant::now());
        assert_eq!(health.pick(&[], now), 0);
        assert_eq!(health.pick(&[0], now), 1);
        assert_eq!(health.pick(&[0, 1], now), 2);
        assert_eq!(health.pick(&[0, 1, 2], now), 0);
    }

    #[test]
    fn a_failed_host_is_skipped_for_longer_each_time() {
        let (health, now) = (HostHealth::new(2), Instant::now());
        for (failures, pause) in (1..).zip([1, 2, 4, 8, 16, 32, 60, 60]) {
            health.failed(0, now);
            assert_eq!(health.pick(&[], now + S * pause - S / 2), 1, "{failures}");
        }
        assert_eq!(health.pick(&[], now + S * 60), 0);
    }

    #[test]
    fn one_call_tries_a_failed_host_and_it_is_back_when_that_succeeds() {
        let (health, now) = (HostHealth::new(2), Instant::now());
        health.failed(0, now);
        let later = now + S;
        assert_eq!([health.pick(&[], later), health.pick(&[], later)], [0, 1]);
        health.reached(0);
        assert_eq!([health.pick(&[], later), health.pick(&[], later)], [0, 0]);
    }

    #[test]
    fn with_all_hosts_failed_the_preferred_one_is_tried() {
        let (health, now) = (HostHealth::new(2), Instant::now());
        health.failed(0, now);
        health.failed(1, now);
        assert_eq!(health.pick(&[], now), 0);
        assert_eq!(health.pick(&[0], now), 1);
    }
}
