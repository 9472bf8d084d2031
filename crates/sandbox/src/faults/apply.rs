//! Applies a fault to a request and to the response that the request would have had.

use std::time::Duration;

use bytes::Bytes;

use crate::faults::fault::{DropKind, Fault};
use crate::faults::gzip_bomb;
use crate::faults::plan::{PlainResponse, Plan, RequestResult, ResponseSummary};
use crate::faults::script::{Ending, Pace, Payload, Script};
use crate::wechat::call::{ApiResponse, error_body};
use crate::wechat::errcode::{RequestId, errmsg_for};

/// The header line with which a response announces that the connection ends.
const CONNECTION_CLOSE: &str = "Connection: close\r\n";

/// Applies a fault. `original` is WeChat's response; `None` if the request has not taken effect.
pub(crate) fn apply_fault(
    fault: &Fault,
    original: Option<ApiResponse>,
    rid: RequestId,
) -> RequestResult {
    let summary = original.as_ref().map(ResponseSummary::from_api);
    // A fault that changes WeChat's response always has one: see `FaultRule::phase`.
    let body = original.map(|response| response.body);
    let original_body = || body.clone().unwrap_or_default();
    let send_original = |script| RequestResult::new(Plan::TakeOver(script), summary);
    match fault {
        Fault::Errcode(errcode) => {
            let text = match &errcode.errmsg {
                Some(errmsg) => errmsg.clone(),
                None => errmsg_for(errcode.code, rid),
            };
            let response = PlainResponse::json(200, error_body(errcode.code, &text));
            let summary = ResponseSummary {
                status: 200,
                errcode: Some(errcode.code),
            };
            RequestResult::new(Plan::Respond(response), Some(summary))
        }
        Fault::DelayMs(ms) => delayed(Duration::from_millis(*ms), body, summary),
        // The list was made for this fault.
        Fault::ListLagMs(_) => {
            let response = PlainResponse::json(200, original_body());
            RequestResult::new(Plan::Respond(response), summary)
        }
        Fault::Hang => RequestResult::unreadable(Plan::Hang),
        Fault::Drop(kind) => {
            let ending = match kind {
                DropKind::Close => Ending::Abrupt,
                DropKind::Reset => Ending::Reset,
            };
            RequestResult::unreadable(Plan::TakeOver(Script::silent(ending)))
        }
        Fault::Cut(cut) => {
            let mut script = Script::response(original_body(), CONNECTION_CLOSE, Ending::Abrupt);
            script.payload.truncate(cut.bytes);
            send_original(script)
        }
        Fault::Garbage => RequestResult::unreadable(Plan::TakeOver(Script::garbage())),
        Fault::Status(page) => {
            let html = page.html.clone().unwrap_or_else(|| html_page(page.code));
            RequestResult::other(
                Plan::Respond(html_response(page.code, None, html)),
                page.code,
            )
        }
        Fault::Redirect(redirect) => {
            let location = Some(redirect.location.clone());
            let response = html_response(redirect.code, location, html_page(redirect.code));
            RequestResult::other(Plan::Respond(response), redirect.code)
        }
        Fault::Body(body) => {
            RequestResult::other(Plan::TakeOver(Script::custom(body)), body.status)
        }
        Fault::GzipBomb(size) => {
            let body = gzip_bomb::gzip(size.bytes).into();
            let headers = "Content-Encoding: gzip\r\nConnection: close\r\n";
            let script = Script::response(body, headers, Ending::Close);
            RequestResult::other(Plan::TakeOver(script), 200)
        }
        Fault::Huge(size) => generated(Payload::Huge(size.bytes)),
        Fault::Deep(depth) => generated(Payload::Deep(depth.levels)),
        Fault::Slow(slow) => {
            let mut script = Script::response(original_body(), CONNECTION_CLOSE, Ending::Close);
            script.pace = Some(Pace {
                bytes: slow.bytes,
                interval: Duration::from_millis(slow.every_ms),
            });
            send_original(script)
        }
        Fault::CloseDelimited => send_original(Script::close_delimited(original_body())),
        Fault::Bom => {
            let body = [b"\xef\xbb\xbf", &*original_body()].concat();
            let response = PlainResponse::json(200, body.into());
            RequestResult::new(Plan::Respond(response), summary)
        }
        Fault::CloseAfter => send_original(Script::response(original_body(), "", Ending::Close)),
        // These are applied when a connection is accepted or a push is sent, so no request meets
        // them.
        Fault::Push(_) | Fault::AcceptClose | Fault::TlsHang | Fault::TlsReset => {
            RequestResult::unreadable(Plan::TakeOver(Script::silent(Ending::Abrupt)))
        }
    }
}

fn delayed(
    delay: Duration,
    body: Option<Bytes>,
    summary: Option<ResponseSummary>,
) -> RequestResult {
    match body {
        Some(body) => {
            let response = PlainResponse::json(200, body);
            RequestResult::new(Plan::RespondLate(delay, response), summary)
        }
        None => RequestResult::unreadable(Plan::ProcessLate(delay)),
    }
}

fn generated(payload: Payload) -> RequestResult {
    RequestResult::other(Plan::TakeOver(Script::generated(payload)), 200)
}

fn html_response(status: u16, location: Option<String>, html: String) -> PlainResponse {
    PlainResponse {
        status,
        content_type: "text/html",
        location,
        body: html.into(),
    }
}

/// An HTML page like those of proxies.
fn html_page(code: u16) -> String {
    let reason = hyper::StatusCode::from_u16(code)
        .ok()
        .and_then(|code| code.canonical_reason())
        .unwrap_or("Error");
    format!(
        "<!DOCTYPE html>\n<html><head><title>{code} {reason}</title></head>\n\
         <body><h1>{code} {reason}</h1><p>wxlink sandbox</p></body></html>\n"
    )
}
