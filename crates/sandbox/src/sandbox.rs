//! A running sandbox: its threads, its addresses and its end.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use serde_json::Value;
use tokio::sync::watch;

use crate::admin::{self, AdminError};
use crate::ca_file::CaFile;
use crate::certificates::{Authority, Certificate};
use crate::policy::Policy;
use crate::server::{Door, serve};
use crate::state::Shared;
use crate::world::World;

/// How to run a sandbox. The default suits tests: loopback, free ports, the demo world, decisions by
/// hand.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address to listen on.
    pub listen: IpAddr,
    /// The port for HTTP; 0: any free one.
    pub port: u16,
    /// The port for HTTPS; 0: any free one.
    pub tls_port: u16,
    /// Threads that serve requests; at least one.
    pub workers: usize,
    /// How many requests the journal holds.
    pub journal: usize,
    /// What exists.
    pub world: World,
    /// How the administrators decide.
    pub policy: Policy,
    /// What is wrong with the HTTPS certificate, if anything.
    pub certificate: Certificate,
    /// Whether to open three more HTTPS listeners, each with a bad certificate.
    pub bad_tls: bool,
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
        }
    }
}

/// A running sandbox. It stops when dropped; its connections and its CA file go with it.
pub struct Sandbox {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    workers: Vec<JoinHandle<()>>,
    ca_file: CaFile,
    ca_pem: String,
    http_url: String,
    https_url: String,
    /// Expired, wrong name, unknown issuer.
    bad_urls: Option<[String; 3]>,
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
    /// Starts a sandbox; once this returns it can be called.
    ///
    /// # Errors
    ///
    /// An address that cannot be listened on, an unsound world or policy (`InvalidInput`), a CA file
    /// that cannot be written.
    pub fn start(settings: Settings) -> io::Result<Self> {
        settings
            .world
            .check()
            .and_then(|()| settings.policy.check())
            .map_err(|message| io::Error::new(io::ErrorKind::InvalidInput, message))?;
        let authority = Authority::new()?;
        let listen = settings.listen;
        let acceptor = |certificate| authority.acceptor(certificate, listen).map(Some);
        let http = bind(listen, settings.port)?;
        let https = bind(listen, settings.tls_port)?;
        let http_url = url("http", &http)?;
        let https_url = url("https", &https)?;
        let mut doors = vec![(http, None), (https, acceptor(settings.certificate)?)];
        let mut bad_urls = None;
        if settings.bad_tls {
            let mut open = |certificate| {
                let listener = bind(listen, 0)?;
                let url = url("https", &listener)?;
                doors.push((listener, acceptor(certificate)?));
                io::Result::Ok(url)
            };
            bad_urls = Some([
                open(Certificate::Expired)?,
                open(Certificate::WrongName)?,
                open(Certificate::UnknownIssuer)?,
            ]);
        }

        let (stop, stopped) = watch::channel(false);
        let mut sandbox = Self {
            shared: Arc::new(Shared::new(
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
        // Each worker accepts for itself, from the same sockets. Should one fail to start, dropping
        // the sandbox stops those before it.
        for number in 0..settings.workers.max(1) {
            let doors = doors
                .iter()
                .map(|(listener, tls)| {
                    Ok(Door {
                        listener: listener.try_clone()?,
                        tls: tls.clone(),
                    })
                })
                .collect::<io::Result<Vec<_>>>()?;
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_io()
                .enable_time()
                .build()?;
            let serving = serve(sandbox.shared.clone(), doors, stopped.clone());
            let worker = std::thread::Builder::new()
                .name(format!("sandbox-{number}"))
                // With the runtime go its tasks, and with them the connections. The only error is a
                // socket that the system takes back, which ends this worker.
                .spawn(move || drop(runtime.block_on(serving)))?;
            sandbox.workers.push(worker);
        }
        Ok(sandbox)
    }

    /// Where it speaks HTTP, without a slash at the end.
    pub fn http_url(&self) -> &str {
        &self.http_url
    }

    /// Where it speaks HTTPS, without a slash at the end.
    pub fn https_url(&self) -> &str {
        &self.https_url
    }

    /// Where its certificate has expired, if [`Settings::bad_tls`] is set.
    pub fn https_expired_url(&self) -> Option<&str> {
        self.bad_urls.as_ref().map(|urls| &*urls[0])
    }

    /// Where its certificate is another host's, if [`Settings::bad_tls`] is set.
    pub fn https_wrong_name_url(&self) -> Option<&str> {
        self.bad_urls.as_ref().map(|urls| &*urls[1])
    }

    /// Where its certificate is from a CA nobody knows, if [`Settings::bad_tls`] is set.
    pub fn https_unknown_issuer_url(&self) -> Option<&str> {
        self.bad_urls.as_ref().map(|urls| &*urls[2])
    }

    /// A PEM file with the CA to trust; it is gone when the sandbox is.
    pub fn ca_file(&self) -> &Path {
        self.ca_file.path()
    }

    /// The CA to trust, as PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// An admin request, as `docs/sandbox.md` describes them, without the way over HTTP: `path` is
    /// what follows `/__sandbox/`, `Value::Null` stands for no body.
    ///
    /// # Errors
    ///
    /// What HTTP would answer with a 4xx status.
    pub fn admin(&self, method: &str, path: &str, body: &Value) -> Result<Value, AdminError> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let body = match body {
            Value::Null => Vec::new(),
            body => body.to_string().into_bytes(),
        };
        let answer = admin::handle(&self.shared, method, path, query, &body)?;
        Ok(serde_json::from_slice(&answer).unwrap_or_default())
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        for worker in self.workers.drain(..) {
            // A worker that panicked has stopped too.
            let _ = worker.join();
        }
    }
}

fn bind(address: IpAddr, port: u16) -> io::Result<TcpListener> {
    let address = SocketAddr::new(address, port);
    let listener = TcpListener::bind(address).map_err(|error| {
        io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
    })?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// The address to call a listener by: one that listens everywhere is called on loopback.
fn url(scheme: &str, listener: &TcpListener) -> io::Result<String> {
    let mut address = listener.local_addr()?;
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        });
    }
    Ok(format!("{scheme}://{address}"))
}
