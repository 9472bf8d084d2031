//! Clients.

use std::ptr;

use super::guard::guard;
use super::options::wx_options;
use crate::client::Client;
use crate::options::Options;
use crate::status::Status;

/// Calls WeChat; keeps connections for the calls to come. Make one and share it.
///
/// Threads: any number at once, but wx_client_free alone and last.
pub struct wx_client {
    pub(super) client: Client,
}

/// Makes a client. Nothing is connected yet.
///
/// Certificates are read, and the environment is looked at (option proxy = env), here and never
/// again.
///
/// Parameters:
///   options  from wx_options_new, or NULL for the defaults; copied
///   client   receives the client, NULL if there is none
/// Returns:
///   WX_OK
///   WX_E_BAD_OPTION    ca_file cannot be read or holds no usable certificate, or the proxy in
///                      the environment is no http or socks5 URL; see wx_options_message
///   WX_E_NULL_POINTER  client is NULL
/// Ownership: yours; free it with wx_client_free.
/// Threads: any; options one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_client_new(
    options: *mut wx_options,
    client: *mut *mut wx_client,
) -> i32 {
    guard(
        || Status::Internal.code(),
        || {
            // SAFETY: NULL or a place for a pointer.
            let Some(client) = (unsafe { client.as_mut() }) else {
                return Status::NullPointer.code();
            };
            *client = ptr::null_mut();
            // SAFETY: NULL or from wx_options_new, and not in use elsewhere.
            let options = unsafe { options.as_mut() };
            let made = match &options {
                Some(o) => Client::new(&o.options),
                None => Client::new(&Options::new()),
            };
            match made {
                Ok(made) => {
                    *client = Box::into_raw(Box::new(wx_client { client: made }));
                    Status::Ok.code()
                }
                Err(e) => options.map_or(e.status().code(), |o| o.failed(&e)),
            }
        },
    )
}

/// Frees a client and closes its idle connections. Results received from it stay.
///
/// Parameters:
///   client  from wx_client_new, with no call running; NULL is fine
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_client_free(client: *mut wx_client) {
    guard(
        || (),
        || {
            if !client.is_null() {
                // SAFETY: from wx_client_new, and freed once.
                drop(unsafe { Box::from_raw(client) });
            }
        },
    );
}
