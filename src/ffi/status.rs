//! Versions and statuses. The constants of the header are written by `build.rs` from the tables in
//! `src/model/`.

use std::ffi::{CString, c_char};
use std::sync::LazyLock;

use super::guard::guard;
use crate::model::lang::Lang;
use crate::model::status::{STATUSES, Status, StatusEntry};

/// The version of the binary interface that this header describes. It only grows: functions are
/// added, never changed.
pub const WX_ABI_VERSION: u32 = 1;

/// The version of the binary interface of the library that is loaded.
///
/// Returns WX_ABI_VERSION as the library was built with it. A program built with a lower number
/// runs with it; one built with a higher number may miss functions.
/// Threads: may be called from any thread.
#[unsafe(no_mangle)]
pub extern "C" fn wx_abi_version() -> u32 {
    guard(|| 0, || WX_ABI_VERSION)
}

/// The version of the library that is loaded, such as "1.2.3".
///
/// Returns a static text.
/// Threads: may be called from any thread.
#[unsafe(no_mangle)]
pub extern "C" fn wx_version() -> *const c_char {
    guard(
        || c"".as_ptr(),
        || concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast(),
    )
}

/// What a status means and what to do next, in English: "NAME: text".
///
/// Parameters:
///   status   what a function returned
/// Returns a static text; empty for an unknown number.
/// Threads: may be called from any thread.
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
