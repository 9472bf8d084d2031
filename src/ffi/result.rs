//! Results.

use std::borrow::Cow;
use std::ffi::{CStr, CString, c_char};
use std::sync::OnceLock;

use libc::size_t;
use serde_json::{Value, json};

use super::guard::guard;
use super::{argument_error, text};
use crate::client::{Client, LinkProgress};
use crate::error::Error;
use crate::model::attempt::trace_json;
use crate::model::delivery::Delivery;
use crate::model::endpoint::Endpoint;
use crate::model::errcode::Class;
use crate::model::status::Status;
use crate::response::response::Response;

/// What a call resulted in.
pub(super) enum Outcome {
    Yes(Response),
    No(Error),
    Progress(LinkProgress),
    /// A ticket or an account was stored; WeChat was not called.
    Stored,
}

impl From<Result<Response, Error>> for Outcome {
    fn from(result: Result<Response, Error>) -> Outcome {
        match result {
            Ok(answer) => Outcome::Yes(answer),
            Err(e) => Outcome::No(e),
        }
    }
}

/// The result of a call.
///
/// Immutable; outlives its client. Texts got from it live as long as it does.
/// Threads: any number at the same time, but wx_result_free alone and last.
pub struct wx_result {
    outcome: Outcome,
    json: OnceLock<CString>,
    message: OnceLock<CString>,
    rid: OnceLock<CString>,
    trace: OnceLock<CString>,
    /// The JSON of our own making as a tree, where WeChat gave none.
    own_tree: OnceLock<Value>,
}

impl wx_result {
    pub(super) fn new(outcome: Outcome) -> wx_result {
        wx_result {
            outcome,
            json: OnceLock::new(),
            message: OnceLock::new(),
            rid: OnceLock::new(),
            trace: OnceLock::new(),
            own_tree: OnceLock::new(),
        }
    }

    /// The result of an answer that came some other way than through a client, such as a fuzzer's.
    #[doc(hidden)]
    pub fn of_answer(answer: Response) -> wx_result {
        wx_result::new(Outcome::Yes(answer))
    }

    pub(super) fn status(&self) -> i32 {
        match &self.outcome {
            Outcome::Yes(_) | Outcome::Stored => Status::Ok.code(),
            Outcome::No(e) => e.status().code(),
            Outcome::Progress(p) => p.status().code(),
        }
    }

    /// WeChat's answer, if the result's JSON is its body.
    fn response(&self) -> Option<&Response> {
        match &self.outcome {
            Outcome::Yes(answer) => Some(answer),
            Outcome::No(e) => e.response(),
            Outcome::Progress(_) | Outcome::Stored => None,
        }
    }

    /// The answer that decided.
    fn verdict(&self) -> Option<&Response> {
        match &self.outcome {
            Outcome::Progress(p) => p.error().and_then(Error::response),
            _ => self.response(),
        }
    }

    /// WeChat's errcode, else the status: never 0 for what did not succeed.
    pub(super) fn errcode(&self) -> i32 {
        self.verdict()
            .map_or_else(|| self.status(), Response::errcode)
    }

    pub(super) fn http_status(&self) -> i32 {
        match &self.outcome {
            Outcome::Yes(answer) => answer.http_status().into(),
            Outcome::No(e) => e.http_status().into(),
            Outcome::Progress(p) => p.attempts().last().map_or(0, |a| a.http_status).into(),
            Outcome::Stored => 0,
        }
    }

    pub(super) fn delivery(&self) -> Delivery {
        match &self.outcome {
            Outcome::Yes(_) => Delivery::Answered,
            Outcome::No(e) => e.delivery(),
            Outcome::Progress(p) => p.delivery(),
            Outcome::Stored => Delivery::NeverSent,
        }
    }

    pub(super) fn class(&self) -> Option<Class> {
        match &self.outcome {
            Outcome::Progress(p) => match p.status() {
                Status::Ok => Some(Class::Ok),
                Status::Pending => Some(Class::Pending),
                Status::Declined | Status::Vanished => Some(Class::ActionRequired),
                _ => p.error().and_then(Error::class),
            },
            Outcome::Stored => Some(Class::Ok),
            _ => self.response().and_then(Response::class),
        }
    }

    pub(super) fn message(&self) -> String {
        match &self.outcome {
            Outcome::Yes(_) | Outcome::Stored => String::new(),
            Outcome::No(e) => e.message(),
            Outcome::Progress(p) => p.message(),
        }
    }

    pub(super) fn rid(&self) -> &str {
        self.verdict().map_or("", Response::rid)
    }

    fn trace(&self) -> String {
        match &self.outcome {
            Outcome::Yes(answer) => answer.trace(),
            Outcome::No(e) => e.trace(),
            Outcome::Progress(p) => p.trace(),
            Outcome::Stored => trace_json("", Delivery::NeverSent, &[]),
        }
    }

    /// WeChat's body as it came, or one of our own making.
    pub(super) fn json(&self) -> Cow<'_, [u8]> {
        match self.response() {
            Some(answer) => Cow::Borrowed(answer.body()),
            None => Cow::Owned(self.own_tree().to_string().into_bytes()),
        }
    }

    pub(super) fn tree(&self) -> &Value {
        self.response()
            .map_or_else(|| self.own_tree(), Response::json)
    }

    fn own_tree(&self) -> &Value {
        self.own_tree.get_or_init(|| match &self.outcome {
            Outcome::Progress(p) => p.json(),
            Outcome::Stored => json!({"errcode": 0, "errmsg": "ok"}),
            _ => json!({"errcode": self.errcode(), "errmsg": self.message()}),
        })
    }
}

/// Runs one call and stores its result, in success and in failure. If `result` is NULL, the call is
/// not made: the outcome of a link must not get lost. An error names the endpoint, if there is one.
///
/// # Safety
/// `result` is NULL or points to a pointer.
pub(super) unsafe fn run(
    endpoint: Option<Endpoint>,
    client: Option<&Client>,
    result: *mut *mut wx_result,
    body: impl FnOnce(&Client) -> Result<Outcome, Error>,
) -> i32 {
    // SAFETY: NULL or a pointer to a pointer.
    let Some(result) = (unsafe { result.as_mut() }) else {
        return Status::NullPointer.code();
    };
    *result = std::ptr::null_mut();
    let outcome = guard(
        || Err(argument_error(Status::Internal, String::new())),
        || match client {
            Some(client) => body(client).map_err(|e| e.with_lang(client.lang())),
            None => Err(argument_error(Status::NullPointer, "client is NULL".into())),
        },
    );
    guard(
        || Status::Internal.code(),
        || {
            let finished = wx_result::new(match (outcome, endpoint) {
                (Ok(outcome), _) => outcome,
                (Err(e), Some(endpoint)) => Outcome::No(e.with_endpoint(endpoint)),
                (Err(e), None) => Outcome::No(e),
            });
            let status = finished.status();
            *result = Box::into_raw(Box::new(finished));
            status
        },
    )
}

/// A C text made at most once.
fn once(cell: &OnceLock<CString>, make: impl FnOnce() -> Vec<u8>) -> &CStr {
    cell.get_or_init(|| CString::new(make()).unwrap_or_default())
}

/// Reads one thing of a result: `none` for NULL or if something breaks.
///
/// # Safety
/// `result` is NULL or from a call, and not freed.
unsafe fn read<T: Copy>(
    result: *const wx_result,
    none: T,
    read: impl FnOnce(&wx_result) -> T,
) -> T {
    // SAFETY: the caller vouches for it.
    guard(|| none, || unsafe { result.as_ref() }.map_or(none, read))
}

/// The result as JSON.
///
/// WeChat's body byte for byte when WeChat answered; else {"errcode":...,"errmsg":...} made by
/// the library, with the status as errcode. wx_ensure_linked and wx_wait_linked have a JSON of
/// their own, which is described there.
///
/// Parameters:
///   result  from a call; NULL gives an empty text
///   len     receives the length in bytes without the NUL; may be NULL
/// Returns a text that lives as long as the result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_result_json(
    result: *const wx_result,
    len: *mut size_t,
) -> *const c_char {
    let json = |r: &wx_result| {
        let json = once(&r.json, || r.json().into_owned());
        (json.as_ptr(), json.count_bytes())
    };
    // SAFETY: the caller vouches for it.
    let (json, bytes) = unsafe { read(result, (c"".as_ptr(), 0), json) };
    // SAFETY: NULL or a place for a length.
    if let Some(len) = unsafe { len.as_mut() } {
        *len = bytes;
    }
    json
}

/// WeChat's errcode; 0 means success.
///
/// Parameters:
///   result  from a call; NULL gives WX_E_NULL_POINTER
/// Returns WeChat's errcode if WeChat answered, else the call's status: never 0 for a call that did
/// not succeed. WeChat has an errcode -1 of its own, so check the status first: the errcode is
/// WeChat's if the status is WX_OK or WX_E_API.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_result_errcode(result: *const wx_result) -> i32 {
    // SAFETY: the caller vouches for it.
    unsafe { read(result, Status::NullPointer.code(), wx_result::errcode) }
}

/// What to do next about WeChat's errcode.
///
///     puts(wx_class_text(wx_result_class(result), NULL, NULL));
///
/// Parameters:
///   result  from a call; NULL gives WX_CLASS_UNKNOWN
/// Returns WX_CLASS_OK, WX_CLASS_PENDING and so on, or WX_CLASS_UNKNOWN (0) if WeChat did not
///   answer, or answered with an errcode that is not in the table. More may be added.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_result_class(result: *const wx_result) -> i32 {
    // SAFETY: the caller vouches for it.
    unsafe { read(result, 0, |r| r.class().map_or(0, Class::code)) }
}

/// The HTTP status of the last response. WeChat refuses with 200 too.
///
/// Parameters:
///   result  from a call; NULL gives 0
/// Returns 100 to 599, or 0 if there was no response.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_result_http_status(result: *const wx_result) -> i32 {
    // SAFETY: the caller vouches for it.
    unsafe { read(result, 0, wx_result::http_status) }
}

/// Whether WeChat may have received the request.
///
/// Parameters:
///   result  from a call; NULL gives WX_DELIVERY_NEVER_SENT
/// Returns WX_DELIVERY_NEVER_SENT, WX_DELIVERY_UNKNOWN or WX_DELIVERY_ANSWERED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_result_delivery(result: *const wx_result) -> i32 {
    // SAFETY: the caller vouches for it.
    unsafe { read(result, 0, |r| r.delivery().code()) }
}

/// What happened and what to do about it, for people, in the language of the client. Holds no
/// token.
///
/// Parameters:
///   result  from a call; NULL gives an empty text
/// Returns a text that lives as long as the result; empty after a success.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_result_message(result: *const wx_result) -> *const c_char {
    let message = |r: &wx_result| once(&r.message, || r.message().into_bytes()).as_ptr();
    // SAFETY: the caller vouches for it.
    unsafe { read(result, c"".as_ptr(), message) }
}

/// The id that WeChat's support and its rid query ask for.
///
/// Parameters:
///   result  from a call; NULL gives an empty text
/// Returns a text that lives as long as the result; empty if WeChat gave none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_result_rid(result: *const wx_result) -> *const c_char {
    let rid = |r: &wx_result| once(&r.rid, || r.rid().as_bytes().to_vec()).as_ptr();
    // SAFETY: the caller vouches for it.
    unsafe { read(result, c"".as_ptr(), rid) }
}

/// Every attempt, as JSON for logs and support. Holds no token.
///
///     {"endpoint":"link","delivery":"answered","attempts":[{"host":"api.weixin.qq.com",
///      "phase":"done","ms":41,"outcome":"OK","http_status":200,"reused":false}]}
///
/// phase is the last one that the attempt reached: resolve, connect, proxy, tls, send, wait,
/// receive, done.
///
/// Parameters:
///   result  from a call; NULL gives an empty text
/// Returns a text that lives as long as the result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_result_trace(result: *const wx_result) -> *const c_char {
    let trace = |r: &wx_result| once(&r.trace, || r.trace().into_bytes()).as_ptr();
    // SAFETY: the caller vouches for it.
    unsafe { read(result, c"".as_ptr(), trace) }
}

/// Copies one value out of the result's JSON, so that you need no JSON parser.
///
/// Parameters:
///   result   from a call
///   pointer  a JSON pointer (RFC 6901) such as "/wxopens/items/0/appid"; "" is the whole
///   buf      receives the value: a string's text, else the JSON of it, with a NUL at the end.
///            NULL with cap 0 only measures. A string that holds a NUL itself is copied whole
///   cap      bytes in buf
/// Returns the value's length in bytes without the NUL (0 or more), or:
///   WX_E_NOT_FOUND     nothing there; fields of a list may be missing
///   WX_E_BUFFER        it does not fit; buf holds an empty text
///   WX_E_BAD_VALUE     not a JSON pointer
///   WX_E_NULL_POINTER  result or pointer is NULL, or buf is NULL and cap is not 0
///   WX_E_NOT_UTF8      pointer is not UTF-8
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_result_get(
    result: *const wx_result,
    pointer: *const c_char,
    buf: *mut c_char,
    cap: size_t,
) -> i32 {
    let get = |r: &wx_result| -> i32 {
        // SAFETY: NULL or a C string, as the conventions ask.
        let pointer = match unsafe { text(pointer, "pointer") } {
            Ok(pointer) => pointer,
            Err(e) => return e.status().code(),
        };
        if !is_pointer(pointer) {
            return Status::BadValue.code();
        }
        let Some(value) = r.tree().pointer(pointer) else {
            return Status::NotFound.code();
        };
        let value = plain(value);
        // SAFETY: the caller vouches for cap bytes at buf.
        let out = unsafe { out_bytes(buf.cast(), cap) };
        match out {
            None if cap > 0 => Status::NullPointer.code(),
            None => i32::try_from(value.len()).unwrap_or(Status::Buffer.code()),
            Some(out) => copy(value.as_bytes(), out),
        }
    };
    // SAFETY: the caller vouches for it.
    unsafe { read(result, Status::NullPointer.code(), get) }
}

/// Frees a result and every text got from it.
///
/// Parameters:
///   result  from a call; NULL does nothing
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_result_free(result: *mut wx_result) {
    guard(
        || (),
        || {
            if !result.is_null() {
                // SAFETY: from a call, and freed once.
                drop(unsafe { Box::from_raw(result) });
            }
        },
    );
}

/// A value without the trappings of JSON: a string's text, else its JSON.
pub(super) fn plain(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(s) => Cow::Borrowed(s),
        other => Cow::Owned(other.to_string()),
    }
}

/// Whether RFC 6901 allows it: nothing, or steps that begin with `/`, with `~` only in `~0`, `~1`.
fn is_pointer(text: &str) -> bool {
    let escapes_hold = text
        .split('~')
        .skip(1)
        .all(|rest| rest.starts_with(['0', '1']));
    (text.is_empty() || text.starts_with('/')) && escapes_hold
}

/// The caller's buffer; `None` if it is NULL or holds nothing.
///
/// # Safety
/// `buf` is NULL or `cap` bytes that are not in use elsewhere.
pub(super) unsafe fn out_bytes<'a>(buf: *mut u8, cap: size_t) -> Option<&'a mut [u8]> {
    if buf.is_null() || cap == 0 || isize::try_from(cap).is_err() {
        return None;
    }
    // A length counts bytes that may never have been written: they are set before they are read.
    // SAFETY: not NULL, and the caller vouches for cap bytes.
    unsafe { buf.write_bytes(0, cap) };
    // SAFETY: as above, and just initialised.
    Some(unsafe { std::slice::from_raw_parts_mut(buf, cap) })
}

/// Copies `bytes` and a NUL; if they do not fit, the buffer holds an empty text.
fn copy(bytes: &[u8], out: &mut [u8]) -> i32 {
    let written = i32::try_from(bytes.len()).ok();
    match (written, out.split_at_mut_checked(bytes.len())) {
        (Some(written), Some((place, [nul, ..]))) => {
            place.copy_from_slice(bytes);
            *nul = 0;
            written
        }
        _ => {
            if let [first, ..] = out {
                *first = 0;
            }
            Status::Buffer.code()
        }
    }
}
