//! Versions and statuses.

use std::ffi::{CString, c_char};
use std::sync::LazyLock;

use super::guard::guard;
use crate::model::lang::Lang;
use crate::model::status::{STATUSES, Status, StatusEntry};

/// The version of the binary interface this header describes. It only grows: functions are added,
/// never changed.
pub const WX_ABI_VERSION: u32 = 1;

/// WeChat said yes.
pub const WX_OK: i32 = 0;

/// A pointer that must not be NULL is NULL. (-1 to -19: an argument is wrong, nothing was sent.)
pub const WX_E_NULL_POINTER: i32 = -1;
/// A text is not UTF-8.
pub const WX_E_NOT_UTF8: i32 = -2;
/// An argument is out of its range.
pub const WX_E_BAD_VALUE: i32 = -3;
/// No such option, or a value it does not take.
pub const WX_E_BAD_OPTION: i32 = -4;
/// The caller's buffer is too small.
pub const WX_E_BUFFER: i32 = -5;
/// There is nothing at that place.
pub const WX_E_NOT_FOUND: i32 = -6;

/// The host's name could not be resolved. (-20 to -39: nothing was sent, calling again is safe.)
pub const WX_E_RESOLVE: i32 = -20;
/// No connection to the host.
pub const WX_E_CONNECT: i32 = -21;
/// The TLS handshake failed.
pub const WX_E_TLS: i32 = -22;
/// The proxy did not connect us.
pub const WX_E_PROXY: i32 = -23;
/// Time ran out before anything was sent.
pub const WX_E_TIMEOUT_UNSENT: i32 = -24;
/// No access token could be had for the account; its endpoint was not called.
pub const WX_E_NO_TOKEN: i32 = -25;

/// Time ran out after sending. (-40 to -59: the outcome is unknown, read the list before you
/// link again.)
pub const WX_E_TIMEOUT: i32 = -40;
/// The connection broke after sending.
pub const WX_E_CONNECTION_LOST: i32 = -41;

/// What came back is not an answer of WeChat's. (-60 to -69: the outcome is unknown as well.)
pub const WX_E_BAD_ANSWER: i32 = -60;
/// The answer is larger than max_response_bytes.
pub const WX_E_TOO_LARGE: i32 = -61;

/// WeChat answered with an errcode other than 0: see wx_result_errcode and wx_result_class.
pub const WX_E_API: i32 = -70;

/// An invitation is out and waits for an administrator. (-80 to -89: what wx_ensure_linked and
/// wx_wait_linked found.)
pub const WX_E_PENDING: i32 = -80;
/// The mini program's administrator refused.
pub const WX_E_DECLINED: i32 = -81;
/// The mini program is not in the list (any more).
pub const WX_E_VANISHED: i32 = -82;

/// The handle was cancelled; wx_result_delivery says whether anything was sent.
pub const WX_E_CANCELLED: i32 = -90;
/// The client was made before a fork and used in the child.
pub const WX_E_FORKED: i32 = -91;

/// A fault in the library itself; the handles stay usable.
pub const WX_E_INTERNAL: i32 = -99;

/// The version of the binary interface of the library that is loaded.
///
/// Returns WX_ABI_VERSION as the library was built with it. A program built with a lower number
/// runs with it; one built with a higher number may miss functions.
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn wx_abi_version() -> u32 {
    guard(|| 0, || WX_ABI_VERSION)
}

/// The version of the library that is loaded, such as "1.2.3".
///
/// Returns a static text.
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn wx_version() -> *const c_char {
    guard(
        || c"".as_ptr(),
        || concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast(),
    )
}

/// What a status means and what to do next, in English, beginning with its name.
///
/// Parameters:
///   status   what a function returned
/// Returns a static text; empty for a number that is no status.
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn wx_status_text(status: i32) -> *const c_char {
    static TEXTS: LazyLock<Vec<(Status, CString)>> = LazyLock::new(|| {
        let line = |e: &StatusEntry| format!("{}: {}", e.name, e.text.get(Lang::En));
        STATUSES
            .iter()
            .map(|e| (e.status, CString::new(line(e)).unwrap_or_default()))
            .collect()
    });
    guard(
        || c"".as_ptr(),
        || {
            TEXTS
                .iter()
                .find(|(s, _)| s.code() == status)
                .map_or(c"".as_ptr(), |(_, text)| text.as_ptr())
        },
    )
}
