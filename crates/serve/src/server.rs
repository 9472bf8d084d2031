//! Accepts connections and ends them in an orderly way.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use wxlink::{Client, Status, Text};
use wxlink_metrics::Listener;

use crate::accounts;
use crate::forward::Forwarder;
use crate::reply::{self, Reply};
use crate::routes;
use crate::service::Service;
use crate::settings::Settings;

/// The largest body of a push.
const MAX_BODY_BYTES: usize = 1 << 20;
/// How long a client may take to send a request's head, and its body.
const READ_LIMIT: Duration = Duration::from_secs(5);
/// WeChat waits for 5 s.
const PUSH_LIMIT: Duration = Duration::from_millis(4500);
const MAX_CONNECTIONS: usize = 1024;
/// How many requests are worked on at the same time. Others wait.
const MAX_WORKERS: usize = 64;
/// The pause after a connection could not be accepted, for instance for lack of file descriptors.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(20);
/// How often codes are exchanged that were stored and not exchanged.
const CODES_INTERVAL: Duration = Duration::from_secs(5);
/// How long requests may still take after a request to stop.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);

/// A service that listens.
pub struct Server {
    listener: StdListener,
    service: Arc<Service>,
    metrics: Option<Listener>,
}

impl Server {
    /// Starts to listen. `client` makes the calls; its limit should be below WeChat's 5 s.
    ///
    /// # Errors
    /// If the address cannot be listened on.
    pub fn bind(client: Client, settings: Settings) -> io::Result<Server> {
        let listener = StdListener::bind(settings.listen)?;
        listener.set_nonblocking(true)?;
        let forwarder = settings.forward.map(Forwarder::new);
        let service = Arc::new(Service::new(client, settings.public_url, forwarder));
        Ok(Server {
            listener,
            service,
            metrics: None,
        })
    }

    /// Serves `/metrics` on another address, and not any more on that of the service.
    ///
    /// # Errors
    /// If the address cannot be listened on.
    pub fn move_metrics(&mut self, address: SocketAddr) -> io::Result<()> {
        if let Some(service) = Arc::get_mut(&mut self.service) {
            service.serves_metrics = false;
        }
        let service = self.service.clone();
        let collect = move || routes::metrics_text(&service);
        self.metrics = Some(Listener::start(address, collect)?);
        Ok(())
    }

    /// The address on which `/metrics` is served, if it is another one.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(Listener::address)
    }

    /// The address on which it listens.
    ///
    /// # Errors
    /// If the system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` returns, then ends the requests in progress.
    ///
    /// # Errors
    /// If the system has no resources for the service.
    pub fn run(self, stop: impl Future<Output = ()>) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(MAX_WORKERS)
            .build()?;
        runtime.block_on(serve(self.listener, self.service, stop))?;
        runtime.shutdown_timeout(Duration::ZERO);
        Ok(())
    }
}

async fn serve(
    listener: StdListener,
    service: Arc<Service>,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let codes = tokio::spawn(exchange_codes(service.clone()));
    let counts = tokio::spawn(accounts::count_again_and_again(service.clone()));
    tokio::pin!(stop);
    loop {
        let accepted = async {
            let permit = connections.clone().acquire_owned().await;
            (listener.accept().await, permit)
        };
        let (stream, permit) = tokio::select! {
            () = &mut stop => break,
            (accepted, permit) = accepted => match accepted {
                Ok((stream, _)) => (stream, permit),
                Err(_) => {
                    sleep(ACCEPT_RETRY_DELAY).await;
                    continue;
                }
            },
        };
        let connection = graceful.watch(http(service.clone(), stream));
        tokio::spawn(async move {
            // A client that goes away ends its connection with an error.
            let _ = connection.await;
            drop(permit);
        });
    }
    drop(listener);
    codes.abort();
    counts.abort();
    // After the limit, WeChat repeats what it got no answer to.
    let _ = timeout(DRAIN_LIMIT, graceful.shutdown()).await;
    Ok(())
}

/// Serves the requests of a connection.
fn http(
    service: Arc<Service>,
    stream: TcpStream,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> + Send {
    let _ = stream.set_nodelay(true);
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(READ_LIMIT)
        .max_buf_size(32 << 10)
        .serve_connection(
            TokioIo::new(stream),
            service_fn(move |request| {
                let service = service.clone();
                async move { Ok::<_, Infallible>(respond(service, request).await) }
            }),
        )
}

async fn respond(service: Arc<Service>, request: Request<Incoming>) -> Reply {
    let (parts, body) = request.into_parts();
    let body = match timeout(READ_LIMIT, Limited::new(body, MAX_BODY_BYTES).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            return incomplete(&service, &parts, status, TOO_LARGE);
        }
        Ok(Err(_)) => {
            let status = StatusCode::BAD_REQUEST;
            return incomplete(&service, &parts, status, NOT_COMPLETE);
        }
        Err(_) => {
            let status = StatusCode::REQUEST_TIMEOUT;
            return incomplete(&service, &parts, status, LATE);
        }
    };
    let is_push = parts.method == Method::POST;
    let limit = if is_push { PUSH_LIMIT } else { Duration::MAX };
    let work = tokio::task::spawn_blocking(move || routes::respond(&service, &parts, &body));
    match timeout(limit, work).await {
        Ok(Ok(reply)) => reply,
        Ok(Err(_)) => reply::text(StatusCode::INTERNAL_SERVER_ERROR, "internal error\n"),
        Err(_) => reply::text(StatusCode::SERVICE_UNAVAILABLE, "not kept in time\n"),
    }
}

// Why a body was not read. The log is in the language of the service, the reply in English.
const TOO_LARGE: Text = Text {
    en: "the body is larger than 1 MiB\n",
    zh: "请求体超过 1 MiB\n",
};
const NOT_COMPLETE: Text = Text {
    en: "the body is not complete\n",
    zh: "请求体不完整\n",
};
const LATE: Text = Text {
    en: "the body is late\n",
    zh: "请求体没有按时到达\n",
};

/// The reply to a request whose body did not arrive completely. A push is logged and counted.
fn incomplete(service: &Service, request: &Parts, status: StatusCode, text: Text) -> Reply {
    if request.uri.path() == "/push" {
        let why = if status == StatusCode::REQUEST_TIMEOUT {
            Status::Timeout
        } else {
            Status::BadPush
        };
        routes::write_incomplete(service, why, text);
    }
    reply::text(status, text.en)
}

/// Exchanges stored codes now and then.
async fn exchange_codes(service: Arc<Service>) {
    loop {
        let service = service.clone();
        let _ = tokio::task::spawn_blocking(move || service.exchange_waiting_codes()).await;
        sleep(CODES_INTERVAL).await;
    }
}
