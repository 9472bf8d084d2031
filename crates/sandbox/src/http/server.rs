//! Accepts connections, serves HTTP with TLS or without, and hands connections over to scripts.

use std::convert::Infallible;
use std::future::pending;
use std::net::TcpListener as StdListener;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue, LOCATION};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsAcceptor;

use crate::admin::routes;
use crate::faults::fault::Fault;
use crate::faults::plan::{PlainResponse, Plan};
use crate::faults::rule::Listener;
use crate::faults::script::{Ending, Script};
use crate::http::raw::{self, Transport};
use crate::journal::record::ReceivedRequest;
use crate::simulator::{AcceptedConnection, Received, Simulator};
use crate::wechat::call::JSON_TYPE;

/// The largest body that a request may have: 16 MiB.
const MAX_BODY_BYTES: usize = 16 << 20;
/// The pause after a connection could not be accepted, for instance for lack of file descriptors.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(20);

/// A socket that listens, and the TLS settings of its connections.
pub(crate) struct ListenSocket {
    pub(crate) listener: StdListener,
    /// `None`: plain HTTP.
    pub(crate) tls: Option<TlsAcceptor>,
}

/// Serves these sockets until `stop` becomes true. Connections are tasks of the runtime and end
/// with it.
pub(crate) async fn serve(
    simulator: Arc<Simulator>,
    sockets: Vec<ListenSocket>,
    mut stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    for socket in sockets {
        let listener = TcpListener::from_std(socket.listener)?;
        tokio::spawn(accept(simulator.clone(), listener, socket.tls));
    }
    // An error means that the sender was dropped, which is a reason to stop too.
    let _ = stop.wait_for(|stop| *stop).await;
    Ok(())
}

async fn accept(simulator: Arc<Simulator>, listener: TcpListener, tls: Option<TlsAcceptor>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let _ = stream.set_nodelay(true);
                tokio::spawn(serve_connection(simulator.clone(), stream, tls.clone()));
            }
            Err(_) => tokio::time::sleep(ACCEPT_RETRY_DELAY).await,
        }
    }
}

async fn serve_connection(simulator: Arc<Simulator>, stream: TcpStream, tls: Option<TlsAcceptor>) {
    let listener = if tls.is_some() {
        Listener::Https
    } else {
        Listener::Http
    };
    let AcceptedConnection { number, fault } = simulator.accept(listener);
    if let Some(rule) = fault {
        return apply_connection_fault(&rule.fault, stream).await;
    }
    let origin = Origin {
        connection: number,
        listener,
    };
    match tls {
        None => serve_http(simulator, origin, stream).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                serve_http(simulator, origin, stream).await;
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

/// Serves the requests of a connection until it ends or a script takes it over.
async fn serve_http(simulator: Arc<Simulator>, origin: Origin, stream: impl Transport) {
    let (hand_over, mut handed_over) = mpsc::channel::<Script>(1);
    let service = service_fn(move |request| {
        let response = respond(simulator.clone(), origin, hand_over.clone(), request);
        Box::pin(async move { Ok::<_, Infallible>(response.await) })
    });
    let mut http = http1::Builder::new()
        .title_case_headers(true)
        .serve_connection(TokioIo::new(stream), service);
    let script = {
        let mut served = pin!(&mut http);
        tokio::select! {
            biased;
            _ = &mut served => return,
            script = handed_over.recv() => script,
        }
    };
    if let Some(script) = script {
        let stream = http.into_parts().io.into_inner();
        raw::perform(script, stream).await;
    }
}

/// Responds to one request. If its connection is handed over, or if it hangs, this never returns.
async fn respond(
    simulator: Arc<Simulator>,
    origin: Origin,
    hand_over: mpsc::Sender<Script>,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, MAX_BODY_BYTES).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return unreadable_body(&*error),
    };
    let path = parts.uri.path();
    let query = parts.uri.query().unwrap_or_default();
    if routes::is_admin_path(path) {
        let response = match routes::handle(&simulator, parts.method.as_str(), path, query, &body) {
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
    };
    let Received { plan, seq } = simulator.receive(&request);
    match plan {
        Plan::Respond(response) => to_http(response),
        Plan::RespondLate(delay, response) => {
            tokio::time::sleep(delay).await;
            to_http(response)
        }
        Plan::ProcessLate(delay) => {
            tokio::time::sleep(delay).await;
            to_http(simulator.process_late(&request, seq))
        }
        Plan::Hang => pending().await,
        Plan::TakeOver(script) => {
            let _ = hand_over.send(script).await;
            pending().await
        }
    }
}

fn to_http(plain: PlainResponse) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(plain.body));
    *response.status_mut() = StatusCode::from_u16(plain.status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(plain.content_type));
    let location = plain.location.map(HeaderValue::try_from);
    if let Some(Ok(location)) = location {
        headers.insert(LOCATION, location);
    }
    response
}

/// The response to a request whose body is too large or incomplete.
fn unreadable_body(error: &(dyn std::error::Error + 'static)) -> Response<Full<Bytes>> {
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
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON_TYPE));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
