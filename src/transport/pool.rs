//! The connections of a client: takes an idle one or opens one, makes one attempt over it, and
//! keeps it for the next call.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};

use crate::config::host::Host;
use crate::config::options::{Options, Trust};
use crate::model::attempt::{Attempt, Phase};
use crate::model::delivery::Delivery;
use crate::model::endpoint::Endpoint;
use crate::model::failure::Failure;
use crate::model::message::{Message, message};
use crate::model::status::Status;
use crate::redact::{OwnedSecret, Secret};
use crate::stats::{ClientStats, Stats};
use crate::sys::cancel::CancelToken;
use crate::sys::lock::lock;

use super::connection::Connection;
use super::dns::Dns;
use super::host_health::HostHealth;
use super::request::{RawResponse, Request, RequestHeads, TransportConfig};
use super::tls;

/// How many idle connections a client keeps. Each needs a file descriptor of the calling program.
/// No fewer than the most workers of a bulk job: a burst of threads does not open new connections
/// with every call.
const MAX_IDLE_CONNECTIONS: usize = 1024;

/// How many secrets of each kind are remembered in addition to those that a call knows itself.
const MAX_REMEMBERED_SECRETS: usize = 16;

/// Is called with every attempt of a client that has ended.
pub(crate) type AttemptObserver = Box<dyn Fn(Endpoint, &Attempt) + Send + Sync>;

/// The connections of a client.
pub(crate) struct ConnectionPool {
    config: Arc<TransportConfig>,
    idle: Mutex<Vec<Connection>>,
    health: HostHealth,
    keep_alive: Duration,
    max_response_bytes: u64,
    /// What the client counts. It is here because all that counts uses the pool.
    stats: Arc<Stats>,
    observer: OnceLock<AttemptObserver>,
    /// The secrets among the options. No text may contain them.
    secrets: Vec<OwnedSecret>,
    /// The secrets of requests to and responses of the token endpoints, the latest last: a server
    /// may repeat them in its response to another call.
    remembered: Mutex<Vec<OwnedSecret>>,
}

impl ConnectionPool {
    pub fn new(options: &Options) -> Result<ConnectionPool, Message> {
        let proxy = options.proxy_settings()?;
        Ok(ConnectionPool {
            secrets: options.secrets(proxy.as_ref()),
            remembered: Mutex::default(),
            config: Arc::new(TransportConfig {
                hosts: options.hosts.clone(),
                proxy,
                tls: tls::config(
                    // The system's roots take time to read, and plain HTTP does not need them.
                    if options.hosts.iter().any(|host| host.tls) {
                        options.trust
                    } else {
                        Trust::Bundled
                    },
                    options.ca_file.as_deref(),
                )?,
                dns: Dns::new(),
                heads: request_heads(options)?,
            }),
            idle: Mutex::new(Vec::new()),
            health: HostHealth::new(options.hosts.len()),
            keep_alive: Duration::from_millis(options.keep_alive_ms.into()),
            max_response_bytes: options.max_response_bytes,
            stats: Arc::new(Stats::new()),
            observer: OnceLock::new(),
        })
    }

    /// Sets what is called with each attempt, unless it is set already.
    pub fn set_observer(&self, observer: AttemptObserver) {
        let _ = self.observer.set(observer);
    }

    /// Calls the observer with an attempt that has ended.
    pub fn observe(&self, endpoint: Endpoint, attempt: &Attempt) {
        if let Some(observer) = self.observer.get() {
            observer(endpoint, attempt);
        }
    }

    /// Counts what the client does.
    pub fn stats(&self) -> &Arc<Stats> {
        &self.stats
    }

    /// What the client has done so far.
    pub fn snapshot(&self) -> ClientStats {
        ClientStats {
            connections_idle: self.idle().len(),
            ..self.stats.snapshot()
        }
    }

    /// The API hosts, the preferred one first.
    pub fn hosts(&self) -> &[Host] {
        &self.config.hosts
    }

    /// The secrets that no text of any call may contain: those of the options, and the latest ones
    /// of the token endpoints.
    pub fn secrets(&self) -> Vec<OwnedSecret> {
        let remembered = lock(&self.remembered);
        self.secrets.iter().chain(&*remembered).cloned().collect()
    }

    /// Adds secrets that no text of any call may contain.
    pub fn remember<'s>(&self, secrets: impl IntoIterator<Item = &'s Secret<'s>>) {
        let mut remembered = lock(&self.remembered);
        for (name, value) in secrets {
            let known = remembered.iter().any(|(_, other)| **other == **value);
            if known || value.is_empty() {
                continue;
            }
            // Limited for each kind, so that the tokens of many accounts do not displace the
            // platform's own.
            let same_kind = |other: &&OwnedSecret| other.0 == *name;
            if remembered.iter().filter(same_kind).count() >= MAX_REMEMBERED_SECRETS {
                let oldest = remembered.iter().position(|other| same_kind(&other));
                remembered.remove(oldest.unwrap_or(0));
            }
            remembered.push((name, Arc::from(*value)));
        }
    }

    /// The index of the host for the next attempt of a call that has tried these.
    pub fn pick_host(&self, tried: &[usize]) -> usize {
        self.health.pick(tried, Instant::now())
    }

    /// Makes one attempt at the host with that index. The outcome in the attempt's record is that
    /// of the transport; the caller changes it according to the response.
    pub fn send(
        &self,
        host: usize,
        request: &Request<'_>,
    ) -> (Result<RawResponse, Failure>, Attempt, Delivery) {
        let started = Instant::now();
        let connection = self.take(host, request.cancel, started);
        {
            let mut state = connection.state.lock();
            state.deadline = request.deadline;
            state.connect_deadline = request.deadline.min(started + request.connect_timeout);
            state.cancel = request.cancel.clone();
            request.token.clone_into(&mut state.token);
            state.phase = Phase::Resolve;
            state.sent = false;
            state.ended = false;
            state.reused = true;
            state.failure = None;
        }
        let head = self.config.heads[host].get(request.endpoint);
        let result = connection.post(head.map(|()| request.body), self.max_response_bytes);

        let (attempt, delivery) = {
            let mut state = connection.state.lock();
            state.token.clear();
            let attempt = Attempt {
                host: self.config.hosts[host].shown.clone(),
                phase: state.phase,
                ms: u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX),
                reused: state.reused,
                outcome: result.as_ref().map_or_else(|f| f.status, |_| Status::Ok),
                http_status: result.as_ref().map_or(0, |r| r.http_status),
                repaired: false,
                detail: result
                    .as_ref()
                    .err()
                    .map_or_else(String::new, |f| f.detail.to_string()),
            };
            let delivery = if state.sent {
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
            self.keep(connection);
        }
        (result, attempt, delivery)
    }

    /// The idle connection to that host that was used last, because it is the least likely to be
    /// closed; a new one if there is none.
    fn take(&self, host: usize, cancel: &Arc<CancelToken>, now: Instant) -> Connection {
        let mut idle = self.idle();
        // The connections at the front have been idle longest.
        let old = idle.partition_point(|connection| {
            now.duration_since(connection.idle_since) >= self.keep_alive
        });
        let stale: Vec<Connection> = idle.drain(..old).collect();
        let found = idle
            .iter()
            .rposition(|connection| connection.host == host)
            .map(|i| idle.remove(i));
        drop(idle);
        // Stale connections are closed after the lock is released.
        drop(stale);
        found.unwrap_or_else(|| Connection::new(&self.config, host, cancel))
    }

    fn keep(&self, mut connection: Connection) {
        if self.keep_alive.is_zero() {
            return;
        }
        connection.idle_since = Instant::now();
        let mut idle = self.idle();
        if idle.len() < MAX_IDLE_CONNECTIONS {
            idle.push(connection);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        lock(&self.idle)
    }
}

/// The heads of the requests to each host.
fn request_heads(options: &Options) -> Result<Vec<RequestHeads>, Message> {
    let heads = |host: &Host| {
        RequestHeads::new(host, &options.user_agent).ok_or_else(|| {
            let origin = &host.origin;
            message!(
                "the requests to {origin} cannot be written as HTTP",
                "无法将发往 {origin} 的请求写成 HTTP"
            )
        })
    };
    options.hosts.iter().map(heads).collect()
}
