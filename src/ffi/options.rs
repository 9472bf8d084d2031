//! Options.

use std::ffi::{CString, c_char};
use std::ptr;

use super::guard::guard;
use super::text;
use crate::config::options::Options;
use crate::error::Error;
use crate::model::status::Status;

/// Settings for a client: text keys with text values, checked when they are set.
///
/// Threads: one at a time.
pub struct wx_options {
    pub(super) options: Options,
    message: CString,
}

impl wx_options {
    /// Keeps the words of a failure for `wx_options_message` and answers its number.
    pub(super) fn failed(&mut self, error: &Error) -> i32 {
        self.message = CString::new(error.message()).unwrap_or_default();
        error.status().code()
    }
}

/// Makes options, every value at its default.
///
/// Returns the options, or NULL if there is no memory.
/// Ownership: yours; free it with wx_options_free. Clients take copies.
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn wx_options_new() -> *mut wx_options {
    guard(ptr::null_mut, || {
        Box::into_raw(Box::new(wx_options {
            options: Options::new(),
            message: CString::default(),
        }))
    })
}

/// Sets one option.
///
/// Parameters:
///   options  from wx_options_new
///   key      one of these
///   value    its value as text, numbers in decimal
///
///   key                 default                    takes
///   base_url            https://api.weixin.qq.com  1 to 16 URLs separated by commas, in order of
///                                                  preference: https://HOST[:PORT], or http:// on
///                                                  loopback only
///   timeout_ms          10000                      1 to 3600000 ms for a whole call
///   connect_timeout_ms  3000                       1 to 3600000 ms for one connection
///   max_retries         2                          0 to 10, only of what cannot happen twice
///   keep_alive_ms       15000                      0 to 3600000 ms an idle connection is kept
///   proxy               none                       none, env, http://... or socks5://...
///   ca_file                                        PEM file of CA certificates trusted besides
///                                                  the roots
///   trust               system                     system or bundled
///   user_agent          wxlink/VERSION             1 to 256 printable ASCII characters
///   max_response_bytes  4194304                    1024 to 1073741824 bytes
///   lang                en                         en or zh: the language of messages
///   account                                        the appid of the account that calls without an
///                                                  access_token are for; they have their tokens
///                                                  from one of three sources:
///   access_token                                   1. this one
///   token_command                                  2. a program, see docs/tokens.md
///   component_appid                                3. the third-party platform of this appid,
///   component_appsecret                            with its secret and
///   store               memory                     memory, file:PATH, redis:// or rediss://
///
/// Returns:
///   WX_OK
///   WX_E_BAD_OPTION    no such key, or a value it does not take; the option keeps its value
///   WX_E_NULL_POINTER  an argument is NULL
///   WX_E_NOT_UTF8      key or value is not UTF-8
/// wx_options_message then says what to do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_options_set(
    options: *mut wx_options,
    key: *const c_char,
    value: *const c_char,
) -> i32 {
    guard(
        || Status::Internal.code(),
        || {
            // SAFETY: NULL or from wx_options_new, and not in use elsewhere.
            let Some(options) = (unsafe { options.as_mut() }) else {
                return Status::NullPointer.code();
            };
            // SAFETY: NULL or a C string, as the conventions ask.
            let key = unsafe { text(key, "key") };
            // SAFETY: as above.
            let value = unsafe { text(value, "value") };
            let set = key.and_then(|k| Ok(options.options.set(k, value?).map(drop)?));
            match set {
                Ok(()) => Status::Ok.code(),
                Err(e) => options.failed(&e),
            }
        },
    )
}

/// Why the last wx_options_set or wx_client_new with these options failed, and what to do.
///
/// Parameters:
///   options  from wx_options_new; NULL gives an empty text
/// Returns a text, empty if nothing failed yet. It lives until the next call with these options.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_options_message(options: *const wx_options) -> *const c_char {
    guard(
        || c"".as_ptr(),
        || {
            // SAFETY: NULL or from wx_options_new.
            let options = unsafe { options.as_ref() };
            options.map_or(c"".as_ptr(), |o| o.message.as_ptr())
        },
    )
}

/// Frees options. Clients made with them stay as they are.
///
/// Parameters:
///   options  from wx_options_new; NULL is fine
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_options_free(options: *mut wx_options) {
    guard(
        || (),
        || {
            if !options.is_null() {
                // SAFETY: from wx_options_new, and freed once.
                drop(unsafe { Box::from_raw(options) });
            }
        },
    );
}
