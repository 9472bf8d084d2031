//! Host names to addresses, within a time limit and without asking twice.
//!
//! The system's resolver can only be waited for, so it runs on a thread of its own: one for each
//! name being looked up, however many calls wait for it. A call whose time is up leaves; the thread
//! ends when the system answers. What it learnt is kept for a minute.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::cancel::{Cancel, Stop};
use crate::sync::lock;

/// How long an address is believed. WeChat asks to use names and to notice changes.
const KEEP: Duration = Duration::from_secs(60);

/// How often a call that waits for the resolver looks whether it was cancelled.
const LOOK: Duration = Duration::from_millis(20);

/// Why there is no address.
pub(crate) enum Unresolved {
    /// The resolver said so, in these words.
    Refused(String),
    /// It said nothing until the wait was over.
    Stopped(Stop),
}

enum Answer {
    /// A thread is asking.
    Awaited,
    Known {
        addrs: Arc<[SocketAddr]>,
        until: Instant,
    },
    Failed {
        why: String,
        at: Instant,
    },
}

/// The addresses known, shared by all connections of a client.
pub(crate) struct Dns {
    /// By host and port. Only hosts named in the options are ever asked for, so it stays small.
    answers: Mutex<HashMap<(String, u16), Answer>>,
    news: Condvar,
}

impl Dns {
    pub fn new() -> Arc<Dns> {
        Arc::new(Dns {
            answers: Mutex::new(HashMap::new()),
            news: Condvar::new(),
        })
    }

    /// The addresses of `host`, which may be a literal address.
    pub fn lookup(
        self: &Arc<Dns>,
        host: &str,
        port: u16,
        limit: Instant,
        cancel: &Cancel,
    ) -> Result<Arc<[SocketAddr]>, Unresolved> {
        if let Ok(ip) = host.parse::<IpAddr>() {
            return Ok(Arc::new([SocketAddr::new(ip, port)]));
        }
        let started = Instant::now();
        let key = (host.to_owned(), port);
        let mut answers = self.lock();
        loop {
            let now = Instant::now();
            match answers.get(&key) {
                Some(Answer::Known { addrs, until }) if now < *until => return Ok(addrs.clone()),
                // Older failures are not news: only what was found since we asked counts.
                Some(Answer::Failed { why, at }) if started <= *at => {
                    return Err(Unresolved::Refused(why.clone()));
                }
                Some(Answer::Awaited) => {}
                _ => {
                    answers.insert(key.clone(), Answer::Awaited);
                    if let Err(why) = self.ask(key.clone()) {
                        answers.remove(&key);
                        return Err(Unresolved::Refused(why));
                    }
                }
            }
            let left = limit.saturating_duration_since(now);
            if left.is_zero() {
                return Err(Unresolved::Stopped(Stop::TimedOut));
            }
            if cancel.is_over() {
                return Err(Unresolved::Stopped(Stop::Cancelled));
            }
            answers = self
                .news
                .wait_timeout(answers, left.min(LOOK))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Forgets what is known of `host`, since connecting there failed.
    pub fn forget(&self, host: &str, port: u16) {
        let key = (host.to_owned(), port);
        let mut answers = self.lock();
        if matches!(answers.get(&key), Some(Answer::Known { .. })) {
            answers.remove(&key);
        }
    }

    /// Starts the thread that asks the system and tells everyone who waits.
    fn ask(self: &Arc<Dns>, key: (String, u16)) -> Result<(), String> {
        let dns = self.clone();
        thread::Builder::new()
            .name("wxlink-dns".into())
            .spawn(move || {
                let found = (key.0.as_str(), key.1).to_socket_addrs();
                let now = Instant::now();
                let answer = match found.map(|a| a.collect::<Vec<_>>()) {
                    Ok(addrs) if addrs.is_empty() => Answer::Failed {
                        why: "the name has no address".into(),
                        at: now,
                    },
                    Ok(addrs) => Answer::Known {
                        addrs: addrs.into(),
                        until: now + KEEP,
                    },
                    Err(e) => Answer::Failed {
                        why: e.to_string(),
                        at: now,
                    },
                };
                dns.lock().insert(key, answer);
                dns.news.notify_all();
            })
            .map(drop)
            .map_err(|e| format!("no thread to look the name up: {e}"))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(String, u16), Answer>> {
        lock(&self.answers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    fn never() -> Cancel {
        Cancel::new().unwrap()
    }

    #[test]
    fn literal_addresses_need_no_resolver() {
        let dns = Dns::new();
        for host in ["127.0.0.1", "::1"] {
            let addrs = dns
                .lookup(host, 443, Instant::now(), &never())
                .ok()
                .unwrap();
            assert_eq!(addrs[0].port(), 443);
        }
        assert!(dns.lock().is_empty());
    }

    #[test]
    fn an_answer_is_kept_until_forgotten() {
        let dns = Dns::new();
        assert!(dns.lookup("localhost", 80, soon(), &never()).is_ok());
        // Known: no time is needed any more.
        assert!(
            dns.lookup("localhost", 80, Instant::now(), &never())
                .is_ok()
        );
        dns.forget("localhost", 80);
        assert!(dns.lock().is_empty());
    }

    #[test]
    fn a_name_that_cannot_exist_is_refused() {
        let dns = Dns::new();
        let answer = dns.lookup("name.invalid", 80, soon(), &never());
        assert!(matches!(answer, Err(Unresolved::Refused(_))));
    }

    #[test]
    fn time_up_is_told_from_refused() {
        let dns = Dns::new();
        let answer = dns.lookup("localhost", 81, Instant::now(), &never());
        assert!(matches!(answer, Err(Unresolved::Stopped(Stop::TimedOut))));
    }

    #[test]
    fn many_callers_share_one_question() {
        let dns = Dns::new();
        thread::scope(|s| {
            for _ in 0..16 {
                s.spawn(|| assert!(dns.lookup("localhost", 82, soon(), &never()).is_ok()));
            }
        });
        assert_eq!(dns.lock().len(), 1);
    }
}
