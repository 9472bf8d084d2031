//! A running simulator: its settings, threads and addresses, and how it stops.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use serde_json::Value;
use tokio::sync::watch;

use crate::admin::error::AdminError;
use crate::admin::routes;
use crate::http::ca_file::CaFile;
use crate::http::certificates::{Certificate, CertificateAuthority};
use crate::http::push_client::send_pushes;
use crate::http::push_tls::{PushTls, PushTrust};
use crate::http::server::{ListenSocket, Server, serve};
use crate::model::message::message;
use crate::model::policy::Policy;
use crate::model::world::World;
use crate::simulator::Simulator;

/// How to run a simulator. The defaults are for tests: loopback, free ports, the demo world, and
/// decisions by hand.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The IP address to listen on.
    pub listen: IpAddr,
    /// The port for HTTP. 0: any free port.
    pub port: u16,
    /// The port for HTTPS. 0: any free port.
    pub tls_port: u16,
    /// How many threads serve requests. 0 is treated as 1.
    pub workers: usize,
    /// How many requests the journal holds at most.
    pub journal: usize,
    /// What exists on WeChat's side.
    pub world: World,
    /// How the administrators decide.
    pub policy: Policy,
    /// The kind of certificate for HTTPS.
    pub certificate: Certificate,
    /// Whether to open three more HTTPS listeners, each with a bad certificate.
    pub bad_tls: bool,
    /// Names for which the certificate is valid, besides loopback's. The simulator is also a proxy
    /// to itself for them.
    pub tls_names: Vec<String>,
    /// Whether there are certificates with RSA too, for clients that do not accept ECDSA. The CA
    /// file then has two CAs. Their keys take a moment to generate.
    pub rsa: bool,
    /// Which certificates are accepted when events are pushed to an `https` URL.
    pub push_trust: PushTrust,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            tls_port: 0,
            workers: 1,
            journal: 10_000,
            world: World::demo(),
            policy: Policy::default(),
            certificate: Certificate::Valid,
            bad_tls: false,
            tls_names: Vec::new(),
            rsa: false,
            push_trust: PushTrust::System,
        }
    }
}

/// A running simulator. Dropping it stops it, closes its connections and removes its CA file.
pub struct Sandbox {
    simulator: Arc<Simulator>,
    stop: watch::Sender<bool>,
    workers: Vec<JoinHandle<()>>,
    ca_file: CaFile,
    ca_pem: String,
    http_url: String,
    https_url: String,
    bad_urls: Option<BadUrls>,
}

/// The addresses of the listeners with bad certificates.
struct BadUrls {
    expired: String,
    wrong_name: String,
    unknown_issuer: String,
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Sandbox")
            .field("http_url", &self.http_url)
            .field("https_url", &self.https_url)
            .finish_non_exhaustive()
    }
}

impl Sandbox {
    /// Starts a simulator. It accepts connections as soon as this returns.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if the world, the policy or the CA for pushes is invalid. Other kinds if a
    /// port cannot be listened on, a certificate cannot be generated, or the CA file cannot be
    /// written.
    pub fn start(settings: Settings) -> io::Result<Self> {
        settings
            .world
            .check()
            .and_then(|()| settings.policy.check())
            .map_err(|message| io::Error::new(io::ErrorKind::InvalidInput, message))?;
        settings.push_trust.check()?;
        let authority = CertificateAuthority::new(settings.rsa)?;
        let listen = settings.listen;
        let names = &settings.tls_names;
        let acceptor = |certificate| authority.acceptor(certificate, listen, names).map(Some);
        let http = bind(listen, settings.port)?;
        let https = bind(listen, settings.tls_port)?;
        let http_url = url("http", &http)?;
        let https_url = url("https", &https)?;
        let (http_address, https_address) = (reachable(&http)?, reachable(&https)?);
        let mut sockets = vec![
            ListenSocket {
                listener: http,
                tls: None,
            },
            ListenSocket {
                listener: https,
                tls: acceptor(settings.certificate)?,
            },
        ];
        let mut bad_urls = None;
        if settings.bad_tls {
            let mut open = |certificate| {
                let listener = bind(listen, 0)?;
                let url = url("https", &listener)?;
                let tls = acceptor(certificate)?;
                sockets.push(ListenSocket { listener, tls });
                io::Result::Ok(url)
            };
            bad_urls = Some(BadUrls {
                expired: open(Certificate::Expired)?,
                wrong_name: open(Certificate::WrongName)?,
                unknown_issuer: open(Certificate::UnknownIssuer)?,
            });
        }

        let (stop, stopped) = watch::channel(false);
        let mut sandbox = Self {
            simulator: Arc::new(Simulator::new(
                settings.world,
                settings.policy,
                settings.journal,
            )),
            stop,
            workers: Vec::new(),
            ca_file: CaFile::write(authority.pem())?,
            ca_pem: authority.pem().to_owned(),
            http_url,
            https_url,
            bad_urls,
        };
        let server = Arc::new(Server {
            simulator: sandbox.simulator.clone(),
            names: settings.tls_names,
            http: http_address,
            https: https_address,
        });
        // All workers accept from the same sockets. If one fails to start, dropping `sandbox` stops
        // those that have started.
        for number in 0..settings.workers.max(1) {
            let sockets = sockets
                .iter()
                .map(|socket| {
                    Ok(ListenSocket {
                        listener: socket.listener.try_clone()?,
                        tls: socket.tls.clone(),
                    })
                })
                .collect::<io::Result<Vec<_>>>()?;
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_io()
                .enable_time()
                .build()?;
            let serving = serve(server.clone(), sockets, stopped.clone());
            // One worker is enough for pushes.
            let pushing = (number == 0).then(|| {
                let tls = PushTls::new(settings.push_trust.clone());
                send_pushes(sandbox.simulator.clone(), Arc::new(tls))
            });
            let worker = std::thread::Builder::new()
                .name(format!("sandbox-{number}"))
                // When the thread ends, its runtime is dropped, and its connections with it. An
                // error means that the runtime could not use a socket; this worker ends then.
                .spawn(move || {
                    if let Some(pushing) = pushing {
                        runtime.spawn(pushing);
                    }
                    drop(runtime.block_on(serving));
                })?;
            sandbox.workers.push(worker);
        }
        Ok(sandbox)
    }

    /// The base URL for HTTP, without a trailing slash.
    pub fn http_url(&self) -> &str {
        &self.http_url
    }

    /// The base URL for HTTPS, without a trailing slash.
    pub fn https_url(&self) -> &str {
        &self.https_url
    }

    /// The base URL of the listener with an expired certificate. `None` without
    /// [`Settings::bad_tls`].
    pub fn https_expired_url(&self) -> Option<&str> {
        self.bad_urls.as_ref().map(|urls| &*urls.expired)
    }

    /// The base URL of the listener with a certificate for another host. `None` without
    /// [`Settings::bad_tls`].
    pub fn https_wrong_name_url(&self) -> Option<&str> {
        self.bad_urls.as_ref().map(|urls| &*urls.wrong_name)
    }

    /// The base URL of the listener with a certificate from an unknown CA. `None` without
    /// [`Settings::bad_tls`].
    pub fn https_unknown_issuer_url(&self) -> Option<&str> {
        self.bad_urls.as_ref().map(|urls| &*urls.unknown_issuer)
    }

    /// A PEM file with the CA to trust. It is removed when the simulator stops.
    pub fn ca_file(&self) -> &Path {
        self.ca_file.path()
    }

    /// The CA to trust, as PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Where events are pushed, with the token and the key that the platform needs. `None`:
    /// nowhere.
    pub(crate) fn push_settings(&self) -> Option<Value> {
        self.admin("GET", "component/push", &Value::Null).ok()
    }

    /// Carries out an admin request without HTTP. `docs/sandbox.md` describes the requests: `path`
    /// is what follows `/__sandbox/`, and `Value::Null` stands for no body.
    ///
    /// # Errors
    ///
    /// Where the response over HTTP has a 4xx status.
    pub fn admin(&self, method: &str, path: &str, body: &Value) -> Result<Value, AdminError> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let body = match body {
            Value::Null => Vec::new(),
            body => body.to_string().into_bytes(),
        };
        let response = routes::handle(&self.simulator, method, path, query, &body)?;
        Ok(serde_json::from_slice(&response).unwrap_or_default())
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        for worker in self.workers.drain(..) {
            // An error means that the worker has panicked, and so has stopped too.
            let _ = worker.join();
        }
    }
}

/// Listens on a port. For port 0 it is a free one that, if possible, no earlier simulator of this
/// process had: clients remember by the address what they have posted, and would take the new
/// simulator for the earlier one.
fn bind(address: IpAddr, port: u16) -> io::Result<TcpListener> {
    const MAX_TRIES: u32 = 16;
    static HAD: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let address = SocketAddr::new(address, port);
    let mut tries = 0;
    loop {
        let listener = TcpListener::bind(address).map_err(|error| {
            let message = message!(
                "could not listen on {address}: {error}",
                "无法监听 {address}：{error}"
            );
            io::Error::new(error.kind(), message)
        })?;
        let bound = listener.local_addr()?.port();
        let is_new = HAD
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(bound);
        tries += 1;
        if is_new || port != 0 || tries == MAX_TRIES {
            listener.set_nonblocking(true)?;
            return Ok(listener);
        }
    }
}

/// The base URL of a listener.
fn url(scheme: &str, listener: &TcpListener) -> io::Result<String> {
    Ok(format!("{scheme}://{}", reachable(listener)?))
}

/// The address of a listener. One that listens on all addresses is reached through loopback.
fn reachable(listener: &TcpListener) -> io::Result<SocketAddr> {
    let mut address = listener.local_addr()?;
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        });
    }
    Ok(address)
}
