//! Sends pushes to the platform's URL.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Request;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, USER_AGENT};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::http::push_tls::PushTls;
use crate::journal::pushes::{MAX_ANSWER_BYTES, PushAnswer, PushResult};
use crate::model::web_url::WebUrl;
use crate::simulator::{NextPush, PushAttempt, Simulator};

/// The largest answer that is read.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// The only right answer.
const SUCCESS: &[u8] = b"success";

/// Sends pushes when they are due, for as long as the simulator runs. Each one has a task of its
/// own, so that a slow answer delays no other push.
pub(crate) async fn send_pushes(simulator: Arc<Simulator>, tls: Arc<PushTls>) {
    loop {
        match simulator.next_push() {
            NextPush::Send(attempt) => {
                tokio::spawn(send(simulator.clone(), tls.clone(), *attempt));
            }
            NextPush::Wait(delay) => {
                tokio::select! {
                    () = tokio::time::sleep(delay) => {}
                    () = simulator.push_woken() => {}
                }
            }
            NextPush::WaitForWake => simulator.push_woken().await,
        }
    }
}

async fn send(simulator: Arc<Simulator>, tls: Arc<PushTls>, attempt: PushAttempt) {
    let limit = Duration::from_millis(attempt.timeout_ms);
    let answer = tokio::time::timeout(limit, exchange(&attempt, &tls))
        .await
        .unwrap_or(PushAnswer::none(PushResult::Timeout));
    simulator.finish_push(attempt, answer);
}

/// Sends the request over a connection of its own and reads the answer.
async fn exchange(attempt: &PushAttempt, tls: &PushTls) -> PushAnswer {
    let Ok(url) = WebUrl::parse(&attempt.url) else {
        return PushAnswer::none(PushResult::NoConnection);
    };
    let host = url.host.trim_matches(['[', ']']);
    let Ok(stream) = TcpStream::connect((host, url.port_or_default())).await else {
        return PushAnswer::none(PushResult::NoConnection);
    };
    if !url.is_https {
        return exchange_over(stream, &url, attempt).await;
    }
    let failed = PushAnswer::none(PushResult::TlsFailed);
    let (Some(connector), Ok(name)) = (tls.connector(), ServerName::try_from(host.to_owned()))
    else {
        return failed;
    };
    match connector.connect(name, stream).await {
        Ok(stream) => exchange_over(stream, &url, attempt).await,
        Err(_) => failed,
    }
}

async fn exchange_over(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    url: &WebUrl<'_>,
    attempt: &PushAttempt,
) -> PushAnswer {
    let lost = PushAnswer::none(PushResult::ConnectionLost);
    let Ok((mut sender, connection)) = http1::Builder::new()
        .title_case_headers(true)
        .handshake(TokioIo::new(stream))
        .await
    else {
        return lost;
    };
    let request = Request::post(target(url, &attempt.request.query))
        .header(HOST, url.authority)
        .header(USER_AGENT, "Mozilla/4.0")
        .header(CONTENT_TYPE, "text/xml")
        .header(CONNECTION, "close")
        .body(Full::new(Bytes::from(attempt.request.body.clone())));
    let Ok(request) = request else {
        return lost;
    };
    let answer = async {
        let response = sender.send_request(request).await.ok()?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), MAX_BODY_BYTES);
        let body = body.collect().await.ok()?.to_bytes();
        Some(judge(status, &body))
    };
    let mut answer = std::pin::pin!(answer);
    // The answer is complete once the connection has ended.
    let answer = tokio::select! {
        biased;
        answer = &mut answer => answer,
        _ = connection => answer.await,
    };
    answer.unwrap_or(lost)
}

/// The target of the request: the URL's own, with the parameters of the push.
fn target(url: &WebUrl, query: &str) -> String {
    let path = if url.target.starts_with('/') { "" } else { "/" };
    let separator = if url.target.contains('?') { '&' } else { '?' };
    format!("{path}{}{separator}{query}", url.target)
}

fn judge(status: u16, body: &[u8]) -> PushAnswer {
    let is_success = status == 200 && body == SUCCESS;
    let start = &body[..body.len().min(MAX_ANSWER_BYTES)];
    PushAnswer {
        result: if is_success {
            PushResult::Success
        } else {
            PushResult::WrongAnswer
        },
        status: Some(status),
        text: Some(String::from_utf8_lossy(start).into_owned()),
    }
}
