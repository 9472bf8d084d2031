//! Listening, TLS, HTTP, and handing a connection over to a fault.

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

use crate::admin;
use crate::faults::{Fault, Listener};
use crate::journal::Received;
use crate::raw::{self, Ending, Script, Transport};
use crate::state::{Answer, JSON, Plan, Shared};

/// The largest body a request may have.
const LARGEST_BODY: usize = 16 << 20;
/// How long to wait when no more connections can be accepted: files have run out.
const BREATHER: Duration = Duration::from_millis(20);

/// A bound address and what is spoken there.
pub(crate) struct Door {
    pub(crate) listener: StdListener,
    /// `None`: plain HTTP.
    pub(crate) tls: Option<TlsAcceptor>,
}

/// Serves the doors until told to stop; all connections end with it.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    doors: Vec<Door>,
    mut stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    for door in doors {
        let listener = TcpListener::from_std(door.listener)?;
        tokio::spawn(accept(shared.clone(), listener, door.tls));
    }
    // An error means that whoever could tell us to stop is gone.
    let _ = stop.wait_for(|stop| *stop).await;
    Ok(())
}

async fn accept(shared: Arc<Shared>, listener: TcpListener, tls: Option<TlsAcceptor>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let _ = stream.set_nodelay(true);
                tokio::spawn(connection(shared.clone(), stream, tls.clone()));
            }
            Err(_) => tokio::time::sleep(BREATHER).await,
        }
    }
}

async fn connection(shared: Arc<Shared>, stream: TcpStream, tls: Option<TlsAcceptor>) {
    let listener = if tls.is_some() {
        Listener::Https
    } else {
        Listener::Http
    };
    let (number, struck) = shared.connected(listener);
    if let Some(rule) = struck {
        return strike(&rule.fault, stream).await;
    }
    let origin = Origin {
        connection: number,
        listener,
    };
    match tls {
        None => speak(shared, origin, stream).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                speak(shared, origin, stream).await;
            }
        }
    }
}

/// Lets a connection fault have its way.
async fn strike(fault: &Fault, mut stream: TcpStream) {
    match fault {
        Fault::TlsHang => {
            // Swallow whatever comes until the client gives up.
            let mut scratch = [0; 4096];
            while matches!(stream.read(&mut scratch).await, Ok(read) if read > 0) {}
        }
        Fault::TlsReset => {
            // The client has begun its handshake: it does not take this for a refused connection.
            let mut scratch = [0; 4096];
            let _ = stream.read(&mut scratch).await;
            raw::end(Ending::Reset, stream, true).await;
        }
        _ => {}
    }
}

/// Where a request came in.
#[derive(Clone, Copy)]
struct Origin {
    connection: u64,
    listener: Listener,
}

async fn speak(shared: Arc<Shared>, origin: Origin, stream: impl Transport) {
    let (hand_over, mut handed_over) = mpsc::channel::<Script>(1);
    let service = service_fn(move |request| {
        let answering = answer(shared.clone(), origin, hand_over.clone(), request);
        Box::pin(async move { Ok::<_, Infallible>(answering.await) })
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

/// Answers one request, or hands its connection over and waits for the end.
async fn answer(
    shared: Arc<Shared>,
    origin: Origin,
    hand_over: mpsc::Sender<Script>,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, LARGEST_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return unreadable(&*error),
    };
    let path = parts.uri.path();
    let query = parts.uri.query().unwrap_or_default();
    if admin::owns(path) {
        let answer = match admin::handle(&shared, parts.method.as_str(), path, query, &body) {
            Ok(json) => Answer::json(200, json.into()),
            Err(error) => Answer::json(error.status(), error.body()),
        };
        return respond(answer);
    }
    let received = Received {
        connection: origin.connection,
        listener: origin.listener,
        method: parts.method,
        path: path.to_owned(),
        query: query.to_owned(),
        headers: parts.headers,
        body,
    };
    match shared.receive(&received) {
        Plan::Answer(answer) => respond(answer),
        Plan::Late(delay, answer) => {
            tokio::time::sleep(delay).await;
            respond(answer)
        }
        Plan::ProcessLate(delay, seq) => {
            tokio::time::sleep(delay).await;
            respond(shared.process_late(&received, seq))
        }
        Plan::Hang => pending().await,
        Plan::TakeOver(script) => {
            let _ = hand_over.send(script).await;
            pending().await
        }
    }
}

fn respond(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    if let Some(location) = answer
        .location
        .and_then(|to| HeaderValue::try_from(to).ok())
    {
        headers.insert(LOCATION, location);
    }
    response
}

/// The answer to a request whose body does not arrive in one piece.
fn unreadable(error: &(dyn std::error::Error + 'static)) -> Response<Full<Bytes>> {
    let (status, text) = if error.is::<LengthLimitError>() {
        (
            StatusCode::PAYLOAD_TOO_LARGE,
            "{\"error\":\"the body is too large\"}",
        )
    } else {
        (
            StatusCode::BAD_REQUEST,
            "{\"error\":\"the body is broken\"}",
        )
    };
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
