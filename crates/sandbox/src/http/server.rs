//! Accepts connections, serves HTTP with TLS or without, and hands connections over to scripts.

use std::convert::Infallible;
use std::future::pending;
use std::net::{IpAddr, SocketAddr, TcpListener as StdListener};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Either, Full, LengthLimitError, Limited};
use hyper::body::{Body, Frame, Incoming};
use hyper::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, DATE, HeaderName,
    HeaderValue, LOCATION, REFERER, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use hyper::http::uri::Authority;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsAcceptor;

use crate::admin::{events, routes};
use crate::faults::fault::Fault;
use crate::faults::plan::{PlainResponse, Plan};
use crate::faults::rule::Listener;
use crate::faults::script::{Ending, Script};
use crate::http::date::date;
use crate::http::guard;
use crate::http::raw::{self, Transport};
use crate::journal::record::ReceivedRequest;
use crate::model::web_url::WebUrl;
use crate::page::{self, PageRequest, panel};
use crate::simulator::{AcceptedConnection, Received, Simulator};
use crate::wechat::call::JSON_TYPE;

/// The largest body that a request may have: 16 MiB.
const MAX_BODY_BYTES: usize = 16 << 20;
/// The pause after a connection could not be accepted, for instance for lack of file descriptors.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(20);

/// The headers that limit what a page may do.
type PageHeaders = [(HeaderName, &'static str); 5];

/// What the authorisation page may do: show its own style, and nothing else.
const PAGE_HEADERS: PageHeaders = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (X_FRAME_OPTIONS, "DENY"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "same-origin"),
    (CACHE_CONTROL, "no-store"),
];

/// What the simulator's own page may do: load its script and style, and use the admin interface.
const PANEL_HEADERS: PageHeaders = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (X_FRAME_OPTIONS, "DENY"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (CACHE_CONTROL, "no-store"),
];

/// The header with the id of the last event that a browser got.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The body of a response.
type ResponseBody = Either<Full<Bytes>, EventStream>;

/// A body that has no end: server-sent events.
struct EventStream(mpsc::Receiver<Bytes>);

impl Body for EventStream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = self.0.poll_recv(context);
        frame.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// A socket that listens, and the TLS settings of its connections.
pub(crate) struct ListenSocket {
    pub(crate) listener: StdListener,
    /// `None`: plain HTTP.
    pub(crate) tls: Option<TlsAcceptor>,
}

/// What all connections share.
pub(crate) struct Server {
    pub(crate) simulator: Arc<Simulator>,
    /// The simulator's own names besides addresses and `localhost`.
    pub(crate) names: Vec<String>,
    /// Where it serves HTTP.
    pub(crate) http: SocketAddr,
    /// Where it serves HTTPS.
    pub(crate) https: SocketAddr,
}

/// Serves these sockets until `stop` becomes true. Connections are tasks of the runtime and end
/// with it.
pub(crate) async fn serve(
    server: Arc<Server>,
    sockets: Vec<ListenSocket>,
    mut stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    for socket in sockets {
        let listener = TcpListener::from_std(socket.listener)?;
        tokio::spawn(accept(server.clone(), listener, socket.tls));
    }
    // An error means that the sender was dropped, which is a reason to stop too.
    let _ = stop.wait_for(|stop| *stop).await;
    Ok(())
}

async fn accept(server: Arc<Server>, listener: TcpListener, tls: Option<TlsAcceptor>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let _ = stream.set_nodelay(true);
                tokio::spawn(serve_connection(server.clone(), stream, tls.clone()));
            }
            Err(_) => tokio::time::sleep(ACCEPT_RETRY_DELAY).await,
        }
    }
}

async fn serve_connection(server: Arc<Server>, stream: TcpStream, tls: Option<TlsAcceptor>) {
    let listener = if tls.is_some() {
        Listener::Https
    } else {
        Listener::Http
    };
    let AcceptedConnection { number, fault } = server.simulator.accept(listener);
    if let Some(rule) = fault {
        return apply_connection_fault(&rule.fault, stream).await;
    }
    let origin = Origin {
        connection: number,
        listener,
    };
    match tls {
        None => serve_http(server, origin, stream).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                serve_http(server, origin, stream).await;
            }
        }
    }
}

/// Applies a fault to a new connection.
async fn apply_connection_fault(fault: &Fault, mut stream: TcpStream) {
    match fault {
        Fault::TlsHang => {
            // Read and discard until the client gives up.
            let mut scratch = [0; 4096];
            while matches!(stream.read(&mut scratch).await, Ok(read) if read > 0) {}
        }
        Fault::TlsReset => {
            // Once the handshake has started, the client cannot mistake the reset for a refused
            // connection.
            let mut scratch = [0; 4096];
            let _ = stream.read(&mut scratch).await;
            raw::end(Ending::Reset, stream, true).await;
        }
        _ => {}
    }
}

/// The connection that a request came from.
#[derive(Clone, Copy)]
struct Origin {
    connection: u64,
    listener: Listener,
}

/// What takes over a connection from the HTTP server.
enum TakeOver {
    Script(Script),
    /// A tunnel to this address, as a proxy opens it.
    Tunnel(SocketAddr),
}

/// Serves the requests of a connection until it ends or is taken over.
async fn serve_http(server: Arc<Server>, origin: Origin, stream: impl Transport) {
    let (hand_over, mut handed_over) = mpsc::channel::<TakeOver>(1);
    let service = service_fn(move |request| {
        let response = respond(server.clone(), origin, hand_over.clone(), request);
        Box::pin(async move { Ok::<_, Infallible>(response.await) })
    });
    let mut http = http1::Builder::new()
        .title_case_headers(true)
        .serve_connection(TokioIo::new(stream), service);
    let taken = {
        let mut served = pin!(&mut http);
        tokio::select! {
            biased;
            _ = &mut served => return,
            taken = handed_over.recv() => taken,
        }
    };
    let parts = http.into_parts();
    let stream = parts.io.into_inner();
    match taken {
        Some(TakeOver::Script(script)) => raw::perform(script, stream).await,
        Some(TakeOver::Tunnel(address)) => tunnel(stream, address, &parts.read_buf).await,
        None => {}
    }
}

/// Connects a client to an address of this simulator. `start` are bytes that it has sent already.
async fn tunnel(mut stream: impl Transport, address: SocketAddr, start: &[u8]) {
    const OPEN: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";
    const FAILED: &[u8] = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n";
    // An error means that one of the two sides has gone, which ends the other one too.
    let Ok(mut target) = TcpStream::connect(address).await else {
        let _ = stream.write_all(FAILED).await;
        return;
    };
    let _ = target.set_nodelay(true);
    if stream.write_all(OPEN).await.is_ok() && target.write_all(start).await.is_ok() {
        let _ = tokio::io::copy_bidirectional(&mut stream, &mut target).await;
    }
}

impl Server {
    /// The address to which a tunnel to this host leads. `None`: it is refused.
    fn tunnel_address(&self, authority: &Authority) -> Option<SocketAddr> {
        let host = authority.host().trim_matches(['[', ']']);
        let port = authority.port_u16()?;
        let own_port = |address: SocketAddr| port == address.port();
        if self
            .names
            .iter()
            .any(|name| name.eq_ignore_ascii_case(host))
        {
            let is_http = port == 80 || own_port(self.http);
            return Some(if is_http { self.http } else { self.https });
        }
        let is_loopback = host.eq_ignore_ascii_case("localhost")
            || host
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback() || address == self.http.ip());
        let own = [self.http, self.https].into_iter();
        is_loopback.then(|| own.into_iter().find(|address| own_port(*address)))?
    }
}

/// The host of the page that a browser came from.
fn referer_host(headers: &HeaderMap) -> Option<&str> {
    let referer = headers.get(REFERER)?.to_str().ok()?;
    WebUrl::parse(referer).ok().map(|url| url.host)
}

/// Responds to one request. If its connection is handed over, or if it hangs, this never returns.
async fn respond(
    server: Arc<Server>,
    origin: Origin,
    hand_over: mpsc::Sender<TakeOver>,
    request: Request<Incoming>,
) -> Response<ResponseBody> {
    let simulator = &server.simulator;
    let to_http = |plain| to_http(plain, simulator.now_ms());
    let (parts, body) = request.into_parts();
    if parts.method == Method::CONNECT {
        let authority = parts.uri.authority();
        let Some(address) = authority.and_then(|authority| server.tunnel_address(authority)) else {
            let message = "this proxy leads only to the simulator: start it with --tls-name";
            return to_http(refused(403, message));
        };
        let _ = hand_over.send(TakeOver::Tunnel(address)).await;
        return pending().await;
    }
    let body = match Limited::new(body, MAX_BODY_BYTES).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return unreadable_body(&*error),
    };
    let path = parts.uri.path();
    let query = parts.uri.query().unwrap_or_default();
    let is_page = page::is_page_path(path);
    let is_get = parts.method == Method::GET;
    let file = panel::file(path).filter(|_| is_get);
    if is_page || file.is_some() || routes::is_admin_path(path) {
        // The link to a page may be on a page of another origin.
        let is_link = (is_page || path == panel::PATH) && is_get;
        if let Err(refusal) = guard::check(&parts.headers, &server.names)
            && !(is_link && refusal.is_for_origin)
        {
            return to_http(refused(refusal.status, &refusal.message));
        }
    }
    if is_page {
        let request = PageRequest {
            is_post: parts.method == Method::POST,
            path,
            query,
            referer_host: referer_host(&parts.headers),
            body: &body,
        };
        let response = to_http(page::respond(simulator, request).await);
        return with_headers(response, PAGE_HEADERS);
    }
    if let Some(file) = file {
        let response = to_http(PlainResponse {
            status: 200,
            content_type: file.content_type,
            location: None,
            body: Bytes::from_static(file.text.as_bytes()),
        });
        return with_headers(response, PANEL_HEADERS);
    }
    if path == events::PATH && is_get {
        let last_event_id = parts.headers.get(LAST_EVENT_ID);
        let last_event_id = last_event_id.and_then(|id| id.to_str().ok());
        return match events::Reader::new(query, last_event_id) {
            Ok(reader) => event_stream(&server, reader),
            Err(error) => to_http(PlainResponse::json(error.status(), error.body())),
        };
    }
    if routes::is_admin_path(path) {
        let response = match routes::handle(simulator, parts.method.as_str(), path, query, &body) {
            Ok(json) => PlainResponse::json(200, json.into()),
            Err(error) => PlainResponse::json(error.status(), error.body()),
        };
        return to_http(response);
    }
    let request = ReceivedRequest {
        connection: origin.connection,
        listener: origin.listener,
        method: parts.method,
        path: path.to_owned(),
        query: query.to_owned(),
        headers: parts.headers,
        body,
        arrived: Instant::now(),
    };
    let Received { plan, seq } = simulator.receive(&request);
    match plan {
        Plan::Respond(response) => to_http(response),
        Plan::RespondLate(delay, response) => {
            tokio::time::sleep(delay).await;
            simulator.responded_late(&request, seq);
            to_http(response)
        }
        Plan::ProcessLate(delay) => {
            tokio::time::sleep(delay).await;
            let response = simulator.process_late(&request, seq);
            simulator.responded_late(&request, seq);
            to_http(response)
        }
        Plan::Hang => pending().await,
        Plan::TakeOver(script) => {
            let _ = hand_over.send(TakeOver::Script(script)).await;
            pending().await
        }
    }
}

fn with_headers(
    mut response: Response<ResponseBody>,
    headers: PageHeaders,
) -> Response<ResponseBody> {
    for (name, value) in headers {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

/// Responds with events until the client or the simulator ends the connection.
fn event_stream(server: &Server, reader: events::Reader) -> Response<ResponseBody> {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(events::send(server.simulator.clone(), reader, sender));
    let mut response = Response::new(Either::Right(EventStream(receiver)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The response to a request that is refused before it is processed.
fn refused(status: u16, message: &str) -> PlainResponse {
    let body = serde_json::json!({ "error": message });
    PlainResponse::json(status, body.to_string().into())
}

fn to_http(plain: PlainResponse, now_ms: u64) -> Response<ResponseBody> {
    let mut response = Response::new(Either::Left(Full::new(plain.body)));
    *response.status_mut() = StatusCode::from_u16(plain.status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(plain.content_type));
    if let Some(date) = date(now_ms) {
        headers.insert(DATE, date);
    }
    let location = plain.location.map(HeaderValue::try_from);
    if let Some(Ok(location)) = location {
        headers.insert(LOCATION, location);
    }
    response
}

/// The response to a request whose body is too large or incomplete.
fn unreadable_body(error: &(dyn std::error::Error + 'static)) -> Response<ResponseBody> {
    let (status, text) = if error.is::<LengthLimitError>() {
        (
            StatusCode::PAYLOAD_TOO_LARGE,
            "{\"error\":\"the body is larger than 16 MiB\"}",
        )
    } else {
        (
            StatusCode::BAD_REQUEST,
            "{\"error\":\"the body could not be read\"}",
        )
    };
    let mut response = Response::new(Either::Left(Full::new(Bytes::from_static(text.as_bytes()))));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON_TYPE));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
