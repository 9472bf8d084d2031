//! The options of a client.

use std::ffi::{CString, c_char};
use std::ptr;

use super::guard::guard;
use super::text;
use crate::config::options::Options;
use crate::error::Error;
use crate::model::status::Status;

/// The options for creating clients: text keys with text values, checked when they are set.
///
/// Threads: may be used by one thread at a time.
pub struct wx_options {
    pub(super) options: Options,
    message: CString,
}

impl wx_options {
    /// Keeps an error's message for `wx_options_message`, and returns the error's status.
    pub(super) fn set_message(&mut self, error: &Error) -> i32 {
        self.message = CString::new(error.message()).unwrap_or_default();
        error.status().code()
    }
}

/// Creates options, all with their default values.
///
/// Returns the options, or NULL if the library failed internally.
/// Ownership: the caller owns the options; free them with wx_options_free. Clients copy them.
/// Threads: may be called from any thread.
#[unsafe(no_mangle)]
pub extern "C" fn wx_options_new() -> *mut wx_options {
    guard(ptr::null_mut, || {
        Box::into_raw(Box::new(wx_options {
            options: Options::new(),
            message: CString::default(),
        }))
    })
}

/// Sets one option. An invalid value leaves the option unchanged.
///
///     wx_options_set(options, "timeout_ms", "5000");
///
/// Parameters:
///   options  from wx_options_new
///   key      one of the keys below
///   value    the value as text; numbers in decimal
///
///   key                 default                    value
///   base_url            https://api.weixin.qq.com  1 to 16 URLs separated by commas, the preferred
///                                                  one first: https://HOST[:PORT], or
///                                                  http://HOST[:PORT] for a loopback address
///   timeout_ms          10000                      1 to 3600000 ms: limit for a whole call
///   connect_timeout_ms  3000                       1 to 3600000 ms: limit for one connection
///   max_retries         2                          0 to 10 retries of requests that were never
///                                                  sent, and of reads
///   settle_ms           90000                      0 to 3600000 ms: how long after a post no other
///                                                  one is made for the same link
///   reinvite            no                         yes: an invitation that is no longer in the
///                                                  list is repeated
///   keep_alive_ms       15000                      0 to 3600000 ms: how long an idle connection
///                                                  is kept open
///   proxy               none                       none, env, http://[USER:PASSWORD@]HOST:PORT or
///                                                  socks5://[USER:PASSWORD@]HOST:PORT
///   ca_file                                        path to a PEM file of CA certificates to trust
///                                                  in addition to the roots
///   trust               system                     the roots to trust: system or bundled
///   user_agent          wxlink/VERSION             1 to 256 printable ASCII characters
///   max_response_bytes  4194304                    1024 to 1073741824 bytes: limit for a response
///   lang                en                         the language of messages: en or zh
///   account                                        appid of the Official Account for calls
///                                                  without an access token. Its token comes from
///                                                  one of three sources:
///   access_token                                   source 1: this access token
///   token_command                                  source 2: a shell command that prints a token,
///                                                  see docs/tokens.md
///   component_appid                                source 3: the third-party platform with this
///                                                  appid
///   component_appsecret                            the platform's appsecret
///   push_token                                     the tokens that sign WeChat's pushes to the
///                                                  platform, separated by commas: the current
///                                                  one and earlier ones
///   push_aes_key                                   the keys that encrypt them (EncodingAESKey),
///                                                  likewise
///   store               memory                     where link claims and the platform's tokens
///                                                  are kept: memory, file:PATH, redis://HOST or
///                                                  rediss://HOST
///
/// Returns:
///   WX_OK              the option is set
///   WX_E_BAD_OPTION    the key is unknown or the value is invalid; wx_options_message lists
///                      the values that the option takes
///   WX_E_NULL_POINTER  an argument is NULL
///   WX_E_NOT_UTF8      key or value is not UTF-8
/// Threads: no other thread may use options during the call.
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
            // SAFETY: NULL or a C string, as the conventions require.
            let key = unsafe { text(key, "key") };
            // SAFETY: as above.
            let value = unsafe { text(value, "value") };
            let set = key.and_then(|k| Ok(options.options.set(k, value?).map(drop)?));
            match set {
                Ok(()) => Status::Ok.code(),
                Err(e) => options.set_message(&e),
            }
        },
    )
}

/// Explains the last failure of wx_options_set, wx_client_new or wx_client_derive with these
/// options, and what to do about it.
///
/// Parameters:
///   options  from wx_options_new; NULL gives an empty text
/// Returns a text; empty if nothing has failed. It contains no secret.
/// Ownership: the options own the text. It is valid until the next call with these options.
/// Threads: no other thread may use options during the call or while the text is read.
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

/// Frees options. Clients that were created with them are not affected.
///
/// Parameters:
///   options  from wx_options_new; NULL does nothing
/// Threads: no other thread may use options during the call or afterwards.
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
