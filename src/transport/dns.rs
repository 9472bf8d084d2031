//! Name resolution with a time limit and a cache.
//!
//! The system's resolver cannot be interrupted, so it runs on a thread of its own, one for each
//! name that is being resolved. Addresses are cached for a minute.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::sys::cancel::{CancelToken, WaitError};
use crate::sys::lock::lock;
use crate::sys::single_flight::SingleFlight;

/// How long addresses are cached. WeChat asks callers to use names and to follow changes.
const CACHE_LIFETIME: Duration = Duration::from_secs(60);

/// Why a name was not resolved.
pub(crate) enum Unresolved {
    /// The resolver's own error.
    Refused(String),
    /// The wait for the resolver ended.
    WaitFailed(WaitError),
}

/// A host and its port.
type Name = (String, u16);
/// The addresses of a name, or the resolver's error.
type Resolved = Result<Arc<[SocketAddr]>, String>;

struct Known {
    addrs: Arc<[SocketAddr]>,
    until: Instant,
}

/// The cached addresses, shared by all connections of a client.
pub(crate) struct Dns {
    /// Only hosts in the options are resolved, so the map stays small.
    known: Arc<Mutex<HashMap<Name, Known>>>,
    lookups: Arc<SingleFlight<Name, Resolved>>,
}

impl Dns {
    pub fn new() -> Dns {
        Dns {
            known: Arc::default(),
            lookups: SingleFlight::new("wxlink-dns"),
        }
    }

    /// The addresses of `host`, which may be a literal address.
    pub fn lookup(
        &self,
        host: &str,
        port: u16,
        limit: Instant,
        cancel: &CancelToken,
    ) -> Result<Arc<[SocketAddr]>, Unresolved> {
        if let Ok(ip) = host.parse::<IpAddr>() {
            return Ok(Arc::new([SocketAddr::new(ip, port)]));
        }
        let name = (host.to_owned(), port);
        let known = self.known();
        if let Some(found) = known.get(&name).filter(|k| Instant::now() < k.until) {
            return Ok(found.addrs.clone());
        }
        let (cache, asked) = (self.known.clone(), name.clone());
        let resolve = move || {
            let addrs = resolve(&asked)?;
            let until = Instant::now() + CACHE_LIFETIME;
            let found = Known {
                addrs: addrs.clone(),
                until,
            };
            lock(&cache).insert(asked, found);
            Ok(addrs)
        };
        let lookup = self
            .lookups
            .join(&name, resolve, Err("the resolver panicked".into()))
            .map_err(|e| Unresolved::Refused(format!("no thread to resolve the name: {e}")))?;
        drop(known);
        match lookup.wait(limit, cancel) {
            Ok(resolved) => resolved.clone().map_err(Unresolved::Refused),
            Err(error) => Err(Unresolved::WaitFailed(error)),
        }
    }

    /// Forgets the addresses of `host`, because a connection to them failed.
    pub fn forget(&self, host: &str, port: u16) {
        self.known().remove(&(host.to_owned(), port));
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Name, Known>> {
        lock(&self.known)
    }
}

/// Calls the system's resolver.
fn resolve((host, port): &Name) -> Resolved {
    let found = (host.as_str(), *port).to_socket_addrs();
    let addrs: Vec<_> = found.map_err(|e| e.to_string())?.collect();
    if addrs.is_empty() {
        Err("the name has no address".into())
    } else {
        Ok(addrs.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    fn never() -> CancelToken {
        CancelToken::new().unwrap()
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
        assert!(dns.known().is_empty());
    }

    #[test]
    fn addresses_are_cached_until_forgotten() {
        let dns = Dns::new();
        assert!(dns.lookup("localhost", 80, soon(), &never()).is_ok());
        // Cached: no time is needed.
        assert!(
            dns.lookup("localhost", 80, Instant::now(), &never())
                .is_ok()
        );
        dns.forget("localhost", 80);
        assert!(dns.known().is_empty());
    }

    #[test]
    fn a_name_that_cannot_exist_is_refused() {
        let dns = Dns::new();
        let answer = dns.lookup("name.invalid", 80, soon(), &never());
        assert!(matches!(answer, Err(Unresolved::Refused(_))));
    }

    #[test]
    fn a_passed_limit_differs_from_a_refused_name() {
        let dns = Dns::new();
        let answer = dns.lookup("localhost", 81, Instant::now(), &never());
        assert!(matches!(
            answer,
            Err(Unresolved::WaitFailed(WaitError::TimedOut))
        ));
    }

    #[test]
    fn many_callers_share_one_lookup() {
        let dns = Dns::new();
        std::thread::scope(|s| {
            for _ in 0..16 {
                s.spawn(|| assert!(dns.lookup("localhost", 82, soon(), &never()).is_ok()));
            }
        });
        assert_eq!(dns.known().len(), 1);
    }
}
