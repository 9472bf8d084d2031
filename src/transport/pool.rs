//! From a request to the bytes of its answer: connections, names, proxies, TLS and time limits.
//!
//! Nothing in here knows what the bytes mean. An exchange is one attempt; whether to make another
//! is for the client to say.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::config::host::Host;
use crate::config::options::{Options, Trust};
use crate::model::attempt::{Attempt, Phase};
use crate::model::delivery::Delivery;
use crate::model::failure::Failure;
use crate::model::status::Status;
use crate::redact::{OwnedSecret, Secret};
use crate::sys::cancel::CancelToken;
use crate::sys::lock::lock;

use super::connection::Connection;
use super::dns::Dns;
use super::host_health::HostHealth;
use super::request::{RawResponse, Request, TransportConfig};
use super::tls;

/// How many idle connections a client keeps. Each costs the host a descriptor, so there is a bound;
/// it is high enough that a burst of threads does not open new ones call after call.
const MAX_IDLE: usize = 128;

/// How many secrets of a kind are remembered besides those a call itself knows.
const MAX_REMEMBERED: usize = 16;

/// The connections of a client.
pub(crate) struct ConnectionPool {
    setup: Arc<TransportConfig>,
    idle: Mutex<Vec<Connection>>,
    health: HostHealth,
    keep_alive: Duration,
    max_response_bytes: u64,
    /// Those of the options, which no text may repeat.
    secrets: Vec<OwnedSecret>,
    /// Those the token endpoints were sent or sent, the latest last: a server may repeat them in
    /// its answer to another call.
    remembered: Mutex<Vec<OwnedSecret>>,
}

impl ConnectionPool {
    pub fn new(options: &Options) -> Result<ConnectionPool, String> {
        let proxy = options.proxy_settings()?;
        Ok(ConnectionPool {
            secrets: options.secrets(proxy.as_ref()),
            remembered: Mutex::default(),
            setup: Arc::new(TransportConfig {
                hosts: options.hosts.clone(),
                proxy,
                tls: tls::config(
                    // Plain HTTP goes to loopback only: nobody waits for roots that are not used.
                    match options.hosts.iter().any(|host| host.tls) {
                        true => options.trust,
                        false => Trust::Bundled,
                    },
                    options.ca_file.as_deref(),
                )?,
                dns: Dns::new(),
                user_agent: options.user_agent.clone(),
            }),
            idle: Mutex::new(Vec::new()),
            health: HostHealth::new(options.hosts.len()),
            keep_alive: Duration::from_millis(options.keep_alive_ms.into()),
            max_response_bytes: options.max_response_bytes,
        })
    }

    /// The entry hosts, most preferred first.
    pub fn hosts(&self) -> &[Host] {
        &self.setup.hosts
    }

    /// The secrets that every call of the client knows: those of the options, and the latest ones
    /// of the token endpoints.
    pub fn secrets(&self) -> Vec<OwnedSecret> {
        let remembered = lock(&self.remembered);
        self.secrets.iter().chain(&*remembered).cloned().collect()
    }

    /// Adds to the secrets that every call knows.
    pub fn remember<'s>(&self, secrets: impl IntoIterator<Item = &'s Secret<'s>>) {
        let mut remembered = lock(&self.remembered);
        for (name, value) in secrets {
            let known = remembered.iter().any(|(_, other)| **other == **value);
            if known || value.is_empty() {
                continue;
            }
            // Of each kind, lest the tokens of many accounts displace the platform's own.
            let same_kind = |other: &&OwnedSecret| other.0 == *name;
            if remembered.iter().filter(same_kind).count() >= MAX_REMEMBERED {
                let oldest = remembered.iter().position(|other| same_kind(&other));
                remembered.remove(oldest.unwrap_or(0));
            }
            remembered.push((name, Arc::from(*value)));
        }
    }

    /// The host for the next attempt of a call that has tried those.
    pub fn pick_host(&self, tried: &[usize]) -> usize {
        self.health.pick(tried, Instant::now())
    }

    /// Makes one attempt at the host of that index. The record's outcome is the exchange's; what
    /// the answer means may change it.
    pub fn exchange(
        &self,
        host: usize,
        ask: &Request<'_>,
    ) -> (Result<RawResponse, Failure>, Attempt, Delivery) {
        let started = Instant::now();
        let lane = self.take_lane(host, ask.cancel);
        {
            let mut scope = lane.scope.lock();
            scope.deadline = ask.deadline;
            scope.connect_deadline = ask.deadline.min(started + ask.connect_timeout);
            scope.cancel = ask.cancel.clone();
            ask.token.clone_into(&mut scope.token);
            scope.phase = Phase::Resolve;
            scope.sent = false;
            scope.ended = false;
            scope.reused = true;
            scope.failure = None;
        }
        let origin = &self.setup.hosts[host].origin;
        let result = lane.post(origin, ask.target, ask.body, self.max_response_bytes);

        let (attempt, delivery) = {
            let mut scope = lane.scope.lock();
            scope.token.clear();
            let attempt = Attempt {
                host: self.setup.hosts[host].shown.clone(),
                phase: scope.phase,
                ms: u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX),
                reused: scope.reused,
                outcome: result.as_ref().map_or_else(|f| f.status, |_| Status::Ok),
                http_status: result.as_ref().map_or(0, |r| r.http_status),
                detail: result
                    .as_ref()
                    .err()
                    .map_or_else(String::new, |f| f.detail.clone()),
            };
            let delivery = if scope.sent {
                Delivery::Unknown
            } else {
                Delivery::NeverSent
            };
            (attempt, delivery)
        };
        match delivery {
            Delivery::NeverSent if attempt.outcome != Status::Cancelled => {
                self.health.failed(host, Instant::now());
            }
            Delivery::NeverSent => {}
            _ => self.health.reached(host),
        }
        if result.is_ok() {
            self.keep_lane(lane);
        }
        (result, attempt, delivery)
    }

    /// The lane used last to that host, since it is the least likely to have gone stale.
    fn take_lane(&self, host: usize, cancel: &Arc<CancelToken>) -> Connection {
        let mut idle = self.idle();
        let now = Instant::now();
        // Those at the front have been idle longest.
        let old = idle.partition_point(|l| now.duration_since(l.idle_since) >= self.keep_alive);
        let stale: Vec<Connection> = idle.drain(..old).collect();
        let found = idle
            .iter()
            .rposition(|l| l.host == host)
            .map(|i| idle.remove(i));
        drop(idle);
        // Closing sockets is nobody's reason to wait for the lock.
        drop(stale);
        found.unwrap_or_else(|| Connection::new(&self.setup, host, cancel))
    }

    fn keep_lane(&self, mut lane: Connection) {
        if self.keep_alive.is_zero() {
            return;
        }
        lane.idle_since = Instant::now();
        let mut idle = self.idle();
        if idle.len() < MAX_IDLE {
            idle.push(lane);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        lock(&self.idle)
    }
}
