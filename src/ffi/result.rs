//! `wx_result`: the outcome of a call, and the functions that read it.

use std::borrow::Cow;
use std::ffi::{CStr, CString, c_char};
use std::sync::OnceLock;

use libc::size_t;
use serde_json::{Value, json};

use super::guard::guard;
use super::list_texts::ListTexts;
use super::result_items::ResultItems;
use super::{argument_error, text};
use crate::client::{Client, LinkProgress};
use crate::error::Error;
use crate::model::attempt::trace_json;
use crate::model::delivery::Delivery;
use crate::model::endpoint::Endpoint;
use crate::model::errcode::Class;
use crate::model::status::Status;
use crate::response::items::Items;
use crate::response::response::Response;

/// The outcome of a call.
pub(super) enum Outcome {
    /// WeChat's response, with errcode 0.
    Response(Response),
    Error(Error),
    /// What ensure or wait found and did.
    Progress(LinkProgress),
    /// The library makes the JSON of a success, because WeChat's response contains secrets, or
    /// WeChat was not asked.
    Own {
        json: Value,
        delivery: Delivery,
    },
}

impl Outcome {
    /// A ticket or an account was stored; WeChat was not called.
    pub fn stored() -> Outcome {
        Outcome::kept(json!({"errcode": 0, "errmsg": "ok"}))
    }

    /// A push was accepted.
    pub fn kept(json: Value) -> Outcome {
        Outcome::Own {
            json,
            delivery: Delivery::NeverSent,
        }
    }

    /// WeChat answered, and the library makes the JSON.
    pub fn answered(json: Value) -> Outcome {
        Outcome::Own {
            json,
            delivery: Delivery::Answered,
        }
    }
}

impl From<Result<Response, Error>> for Outcome {
    fn from(result: Result<Response, Error>) -> Outcome {
        match result {
            Ok(response) => Outcome::Response(response),
            Err(e) => Outcome::Error(e),
        }
    }
}

/// The result of a call. It does not change, and remains valid after its client is freed.
///
/// Threads: may be used by several threads at the same time. wx_result_free must be the last use.
pub struct wx_result {
    outcome: Outcome,
    /// The JSON and a NUL. A damaged body may contain NULs as well.
    json: OnceLock<Vec<u8>>,
    message: OnceLock<CString>,
    rid: OnceLock<CString>,
    trace: OnceLock<CString>,
    /// The JSON that the library makes if WeChat's body is not the result's JSON.
    own_json: OnceLock<Value>,
    /// The list as JSON, and a NUL.
    pub(super) list_json: OnceLock<Vec<u8>>,
    /// In a box, because most results are not lists.
    list_texts: OnceLock<Box<ListTexts>>,
    /// The list of ensure and wait.
    own_list: OnceLock<OwnList>,
}

/// A list that is not WeChat's response: the item that ensure or wait found.
struct OwnList {
    json: Vec<u8>,
    items: Items,
}

impl OwnList {
    fn new(item: Option<&Value>) -> OwnList {
        let json = item.map_or("[]".into(), |item| format!("[{item}]"));
        let json = json.into_bytes();
        let items = Items::find_in_array(&json).unwrap_or_default();
        OwnList { json, items }
    }
}

impl wx_result {
    pub(super) fn new(outcome: Outcome) -> wx_result {
        wx_result {
            outcome,
            json: OnceLock::new(),
            message: OnceLock::new(),
            rid: OnceLock::new(),
            trace: OnceLock::new(),
            own_json: OnceLock::new(),
            list_json: OnceLock::new(),
            list_texts: OnceLock::new(),
            own_list: OnceLock::new(),
        }
    }

    /// The result of a response that did not come through a client, for fuzzers.
    #[doc(hidden)]
    pub fn from_response(response: Response) -> wx_result {
        wx_result::new(Outcome::Response(response))
    }

    pub(super) fn status(&self) -> i32 {
        match &self.outcome {
            Outcome::Response(_) | Outcome::Own { .. } => Status::Ok.code(),
            Outcome::Error(e) => e.status().code(),
            Outcome::Progress(p) => p.status().code(),
        }
    }

    /// WeChat's response, if the result's JSON is its body.
    fn response(&self) -> Option<&Response> {
        match &self.outcome {
            Outcome::Response(response) => Some(response),
            Outcome::Error(e) => e.response(),
            Outcome::Progress(_) | Outcome::Own { .. } => None,
        }
    }

    /// WeChat's response that decided the outcome.
    fn deciding_response(&self) -> Option<&Response> {
        match &self.outcome {
            Outcome::Progress(p) => p.error().and_then(Error::response),
            _ => self.response(),
        }
    }

    /// WeChat's errcode, otherwise the status: 0 only if the call succeeded.
    pub(super) fn errcode(&self) -> i32 {
        self.deciding_response()
            .map_or_else(|| self.status(), Response::errcode)
    }

    pub(super) fn http_status(&self) -> i32 {
        match &self.outcome {
            Outcome::Response(response) => response.http_status().into(),
            Outcome::Error(e) => e.http_status().into(),
            Outcome::Progress(p) => p.attempts().last().map_or(0, |a| a.http_status).into(),
            // The response is not kept.
            Outcome::Own { delivery, .. } => match delivery {
                Delivery::Answered => 200,
                _ => 0,
            },
        }
    }

    pub(super) fn delivery(&self) -> Delivery {
        match &self.outcome {
            Outcome::Response(_) => Delivery::Answered,
            Outcome::Error(e) => e.delivery(),
            Outcome::Progress(p) => p.delivery(),
            Outcome::Own { delivery, .. } => *delivery,
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
            Outcome::Own { .. } => Some(Class::Ok),
            _ => self.response().and_then(Response::class),
        }
    }

    pub(super) fn message(&self) -> String {
        match &self.outcome {
            Outcome::Response(_) | Outcome::Own { .. } => String::new(),
            Outcome::Error(e) => e.message(),
            Outcome::Progress(p) => p.message(),
        }
    }

    pub(super) fn rid(&self) -> &str {
        self.deciding_response().map_or("", Response::rid)
    }

    fn trace(&self) -> String {
        match &self.outcome {
            Outcome::Response(response) => response.trace(),
            Outcome::Error(e) => e.trace(),
            Outcome::Progress(p) => p.trace(),
            Outcome::Own { delivery, .. } => trace_json("", *delivery, &[]),
        }
    }

    /// WeChat's body, unchanged, or the JSON that the library makes.
    pub(super) fn json(&self) -> Cow<'_, [u8]> {
        match self.response() {
            Some(response) => Cow::Borrowed(response.body()),
            None => Cow::Owned(self.own_json().to_string().into_bytes()),
        }
    }

    /// [`json`](Self::json), with everything replaced that is not valid JSON.
    pub(super) fn valid_json(&self) -> Cow<'_, [u8]> {
        match self.response() {
            Some(response) => Cow::Borrowed(response.valid_json()),
            None => self.json(),
        }
    }

    /// [`valid_json`](Self::valid_json), parsed.
    pub(super) fn tree(&self) -> &Value {
        self.response()
            .map_or_else(|| self.own_json(), Response::json)
    }

    pub(super) fn items(&self) -> ResultItems<'_> {
        static NONE: Items = Items::EMPTY;
        match &self.outcome {
            Outcome::Response(response) => {
                ResultItems::new(response.valid_json(), response.items().unwrap_or(&NONE))
            }
            Outcome::Progress(progress) => {
                let own = self.own_list.get_or_init(|| OwnList::new(progress.item()));
                ResultItems::new(&own.json, &own.items)
            }
            Outcome::Error(_) | Outcome::Own { .. } => ResultItems::new(b"", &NONE),
        }
    }

    pub(super) fn list_texts(&self) -> &ListTexts {
        self.list_texts.get_or_init(Box::default)
    }

    fn own_json(&self) -> &Value {
        self.own_json.get_or_init(|| match &self.outcome {
            Outcome::Progress(p) => p.json(),
            Outcome::Own { json, .. } => json.clone(),
            _ => json!({"errcode": self.errcode(), "errmsg": self.message()}),
        })
    }
}

/// Runs one call and stores its result, in success and in failure. If `result` is NULL, the call is
/// not made, because the caller could not learn its outcome. An error names the endpoint, if there
/// is one.
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
                (Err(e), Some(endpoint)) => Outcome::Error(e.with_endpoint(endpoint)),
                (Err(e), None) => Outcome::Error(e),
            });
            let status = finished.status();
            *result = Box::into_raw(Box::new(finished));
            status
        },
    )
}

/// The C text in `cell`, which `make` fills at the first use.
fn text_once(cell: &OnceLock<CString>, make: impl FnOnce() -> Vec<u8>) -> &CStr {
    cell.get_or_init(|| CString::new(make()).unwrap_or_default())
}

/// Reads one value of a result. Returns `default` if the result is NULL, or `read` panics.
///
/// # Safety
/// `result` is NULL or from a call, and not freed.
pub(super) unsafe fn read<T: Copy>(
    result: *const wx_result,
    default: T,
    read: impl FnOnce(&wx_result) -> T,
) -> T {
    // SAFETY: the caller guarantees it.
    guard(
        || default,
        || unsafe { result.as_ref() }.map_or(default, read),
    )
}

/// The result as JSON.
///
/// If WeChat answered, this is the body of its response, byte for byte. WeChat sends lists with
/// texts that JSON parsers reject, and even NULs; wx_list_json is valid JSON. If WeChat did not
/// answer, the library makes the JSON:
/// {"errcode":...,"errmsg":...}, with the status as errcode. The results of wx_ensure_linked,
/// wx_wait_linked and the functions for the accounts of a platform have the JSON that their
/// functions describe.
///
/// Parameters:
///   result  from a call; NULL gives an empty text
///   len     receives the length in bytes without the NUL; may be NULL
/// Returns a text.
/// Ownership: the result owns the text. It is valid until the result is freed.
/// Threads: may be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_result_json(
    result: *const wx_result,
    len: *mut size_t,
) -> *const c_char {
    let json = |r: &wx_result| {
        let json = r.json.get_or_init(|| [&*r.json(), b"\0"].concat());
        (json.as_ptr().cast(), json.len().saturating_sub(1))
    };
    // SAFETY: the caller guarantees it.
    let (json, bytes) = unsafe { read(result, (c"".as_ptr(), 0), json) };
    // SAFETY: NULL or a pointer to a length.
    if let Some(len) = unsafe { len.as_mut() } {
        *len = bytes;
    }
    json
}

/// WeChat's errcode; 0 means success.
///
/// Parameters:
///   result  from a call; NULL gives WX_E_NULL_POINTER
/// Returns WeChat's errcode if WeChat answered, otherwise the call's status, so that it is 0 only
///   if the call succeeded. WeChat has an errcode -1 too, so check the status first: the errcode is
///   WeChat's if the status is WX_OK or WX_E_API.
/// Threads: may be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_result_errcode(result: *const wx_result) -> i32 {
    // SAFETY: the caller guarantees it.
    unsafe { read(result, Status::NullPointer.code(), wx_result::errcode) }
}

/// What to do next about WeChat's errcode.
///
///     puts(wx_class_text(wx_result_class(result), NULL, NULL));
///
/// Parameters:
///   result  from a call; NULL gives WX_CLASS_UNKNOWN
/// Returns WX_CLASS_OK, WX_CLASS_PENDING and so on, or WX_CLASS_UNKNOWN (0) if WeChat did not
///   answer, or answered with an errcode that is not in the table. Later versions may add classes.
/// Threads: may be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_result_class(result: *const wx_result) -> i32 {
    // SAFETY: the caller guarantees it.
    unsafe { read(result, 0, |r| r.class().map_or(0, Class::code)) }
}

/// The HTTP status of the last response. It is 200 also if WeChat refuses a request.
///
/// Parameters:
///   result  from a call; NULL gives 0
/// Returns 100 to 599, or 0 if there was no response.
/// Threads: may be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_result_http_status(result: *const wx_result) -> i32 {
    // SAFETY: the caller guarantees it.
    unsafe { read(result, 0, wx_result::http_status) }
}

/// Whether WeChat may have received the request.
///
/// Parameters:
///   result  from a call; NULL gives WX_DELIVERY_NEVER_SENT
/// Returns WX_DELIVERY_NEVER_SENT, WX_DELIVERY_UNKNOWN or WX_DELIVERY_ANSWERED.
/// Threads: may be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_result_delivery(result: *const wx_result) -> i32 {
    // SAFETY: the caller guarantees it.
    unsafe { read(result, 0, |r| r.delivery().code()) }
}

/// What happened and what to do about it, for people, in the language of the client.
///
/// Parameters:
///   result  from a call; NULL gives an empty text
/// Returns a text; empty after a success. It contains no secret.
/// Ownership: the result owns the text. It is valid until the result is freed.
/// Threads: may be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_result_message(result: *const wx_result) -> *const c_char {
    let message = |r: &wx_result| text_once(&r.message, || r.message().into_bytes()).as_ptr();
    // SAFETY: the caller guarantees it.
    unsafe { read(result, c"".as_ptr(), message) }
}

/// WeChat's id of the request (rid), which its support and its rid query ask for.
///
/// Parameters:
///   result  from a call; NULL gives an empty text
/// Returns a text; empty if WeChat returned no rid.
/// Ownership: the result owns the text. It is valid until the result is freed.
/// Threads: may be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_result_rid(result: *const wx_result) -> *const c_char {
    let rid = |r: &wx_result| text_once(&r.rid, || r.rid().as_bytes().to_vec()).as_ptr();
    // SAFETY: the caller guarantees it.
    unsafe { read(result, c"".as_ptr(), rid) }
}

/// The attempts of the call, as JSON for logs and support.
///
///     {"endpoint":"link","delivery":"answered","attempts":[{"host":"api.weixin.qq.com",
///      "phase":"done","ms":41,"outcome":"OK","http_status":200,"reused":false}]}
///
/// phase is the last one that the attempt reached: resolve, connect, proxy, tls, send, wait,
/// receive, done. "repaired":true is added if the body was almost JSON and was read with
/// replacements: control characters, bytes that are not UTF-8, halves of surrogate pairs, or NULs
/// after its end.
///
/// Parameters:
///   result  from a call; NULL gives an empty text
/// Returns a text. It contains no secret.
/// Ownership: the result owns the text. It is valid until the result is freed.
/// Threads: may be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_result_trace(result: *const wx_result) -> *const c_char {
    let trace = |r: &wx_result| text_once(&r.trace, || r.trace().into_bytes()).as_ptr();
    // SAFETY: the caller guarantees it.
    unsafe { read(result, c"".as_ptr(), trace) }
}

/// Copies one value out of the result's JSON, so that you need no JSON parser. For the items of a
/// list, use wx_list_text and its siblings.
///
/// Parameters:
///   result   from a call
///   pointer  a JSON pointer (RFC 6901) such as "/wxopens/items/0/appid"; "" is the whole JSON
///   buf      receives the value and a NUL: the text of a string, otherwise the value's JSON. NULL
///            with cap 0 only returns the length. A string that contains a NUL is copied whole
///   cap      the size of buf in bytes
/// Returns the value's length in bytes without the NUL (0 or more), or:
///   WX_E_NOT_FOUND     there is no value at the pointer; every field of a list may be missing
///   WX_E_BUFFER        the value does not fit; buf contains an empty text
///   WX_E_BAD_VALUE     pointer is not a JSON pointer
///   WX_E_NULL_POINTER  result or pointer is NULL, or buf is NULL and cap is not 0
///   WX_E_NOT_UTF8      pointer is not UTF-8
/// Threads: may be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_result_get(
    result: *const wx_result,
    pointer: *const c_char,
    buf: *mut c_char,
    cap: size_t,
) -> i32 {
    let get = |r: &wx_result| -> i32 {
        // SAFETY: NULL or a C string, as the conventions require.
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
        // SAFETY: the caller guarantees cap bytes at buf.
        let out = unsafe { out_bytes(buf.cast(), cap) };
        match out {
            None if cap > 0 => Status::NullPointer.code(),
            None => i32::try_from(value.len()).unwrap_or(Status::Buffer.code()),
            Some(out) => copy(value.as_bytes(), out),
        }
    };
    // SAFETY: the caller guarantees it.
    unsafe { read(result, Status::NullPointer.code(), get) }
}

/// Frees a result and the texts obtained from it.
///
/// Parameters:
///   result  from a call; NULL does nothing
/// Threads: no other thread may use the result during the call or afterwards.
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

/// The text of a string, otherwise the value's JSON.
pub(super) fn plain(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(s) => Cow::Borrowed(s),
        other => Cow::Owned(other.to_string()),
    }
}

/// Whether the text is a JSON pointer (RFC 6901): empty, or steps that begin with `/` and contain
/// `~` only as `~0` and `~1`.
fn is_pointer(text: &str) -> bool {
    let escapes_are_valid = text
        .split('~')
        .skip(1)
        .all(|rest| rest.starts_with(['0', '1']));
    (text.is_empty() || text.starts_with('/')) && escapes_are_valid
}

/// The caller's buffer; `None` if it is NULL or has no bytes.
///
/// # Safety
/// `buf` is NULL, or has `cap` bytes that are not in use elsewhere.
pub(super) unsafe fn out_bytes<'a>(buf: *mut u8, cap: size_t) -> Option<&'a mut [u8]> {
    if buf.is_null() || cap == 0 || isize::try_from(cap).is_err() {
        return None;
    }
    // The caller may never have written these bytes; a slice must be initialised.
    // SAFETY: not NULL, and the caller guarantees cap bytes.
    unsafe { buf.write_bytes(0, cap) };
    // SAFETY: as above, and just initialised.
    Some(unsafe { std::slice::from_raw_parts_mut(buf, cap) })
}

/// Copies `bytes` and a NUL, and returns the number of bytes. If they do not fit, writes an empty
/// text and returns the status.
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
