//! Clients.

use std::ffi::c_char;
use std::ptr;

use super::guard::guard;
use super::options::wx_options;
use super::text;
use crate::client::Client;
use crate::config::options::Options;
use crate::error::Error;
use crate::model::status::Status;

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
///                      the environment is invalid; see wx_options_message
///   WX_E_NULL_POINTER  client is NULL
///   WX_E_INTERNAL      the process has no file descriptor left
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
            hand_over(made, client, options)
        },
    )
}

/// Makes a handle on the same connections, with its own cancellation and, where the options set them,
/// its own timeout_ms, connect_timeout_ms, max_retries, lang and account. Cheap: make one for each call that
/// somebody may want to end.
///
/// Parameters:
///   client   from wx_client_new or wx_client_derive
///   options  from wx_options_new, or NULL to change nothing; copied
///   derived  receives the handle, NULL if there is none
/// Returns:
///   WX_OK
///   WX_E_BAD_OPTION    the options set something that is a matter of the connections; see
///                      wx_options_message
///   WX_E_NULL_POINTER  client or derived is NULL
///   WX_E_INTERNAL      the process has no file descriptor left
/// Ownership: yours; free it with wx_client_free, before or after the client it comes from.
/// Threads: any; options one at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_client_derive(
    client: *const wx_client,
    options: *mut wx_options,
    derived: *mut *mut wx_client,
) -> i32 {
    guard(
        || Status::Internal.code(),
        || {
            // SAFETY: NULL or a place for a pointer.
            let Some(derived) = (unsafe { derived.as_mut() }) else {
                return Status::NullPointer.code();
            };
            *derived = ptr::null_mut();
            // SAFETY: NULL or from wx_client_new and not freed.
            let Some(base) = (unsafe { client.as_ref() }) else {
                return Status::NullPointer.code();
            };
            // SAFETY: NULL or from wx_options_new, and not in use elsewhere.
            let options = unsafe { options.as_mut() };
            let made = match &options {
                Some(o) => base.client.derive(&o.options),
                None => base.client.derive(&Options::new()),
            };
            hand_over(made, derived, options)
        },
    )
}

/// Keeps the component_verify_ticket that WeChat pushes to a third-party platform every 10 minutes.
///
/// Ends within timeout_ms, and within 100 ms when the handle is cancelled. The store that the option
/// store names is opened by the first call that needs it.
///
/// Parameters:
///   client  made with the options component_appid and component_appsecret, or derived from such
///   ticket  as pushed, at most 4096 bytes
/// Returns:
///   WX_OK
///   WX_E_BAD_VALUE       the client is no platform's, or the ticket is empty, too long or holds
///                        control characters
///   WX_E_NO_TOKEN        the store cannot be used: it refuses, cannot be reached, or is damaged
///   WX_E_TIMEOUT_UNSENT  the store did not answer in time, or another process kept it open
///   WX_E_CANCELLED       the handle was cancelled
///   WX_E_FORKED          the client was made before a fork and used in the child
///   WX_E_NULL_POINTER    an argument is NULL
///   WX_E_NOT_UTF8        the ticket is not UTF-8
///   WX_E_INTERNAL        the process has no thread or file descriptor left
/// After WX_E_TIMEOUT_UNSENT and WX_E_CANCELLED the ticket may still be kept. It is safe to call again.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_client_set_ticket(
    client: *const wx_client,
    ticket: *const c_char,
) -> i32 {
    put(client, |client| {
        // SAFETY: NULL or a C string, as the conventions ask.
        client.set_ticket(unsafe { text(ticket, "ticket") }?)
    })
}

/// Keeps the refresh token that an Official Account gave when it authorised the platform.
///
/// Parameters:
///   client         made with the options component_appid and component_appsecret, or derived from
///                  such
///   appid          the account's
///   refresh_token  the account's authorizer_refresh_token, at most 4096 bytes
/// Returns: as wx_client_set_ticket
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_client_add_account(
    client: *const wx_client,
    appid: *const c_char,
    refresh_token: *const c_char,
) -> i32 {
    put(client, |client| {
        // SAFETY: NULL or a C string, as the conventions ask.
        let appid = unsafe { text(appid, "appid") }?;
        // SAFETY: as above.
        client.add_account(appid, unsafe { text(refresh_token, "refresh_token") }?)
    })
}

fn put(client: *const wx_client, put: impl FnOnce(&Client) -> Result<(), Error>) -> i32 {
    guard(
        || Status::Internal.code(),
        || {
            // SAFETY: NULL or from wx_client_new and not freed.
            match unsafe { client.as_ref() } {
                Some(client) => put(&client.client).map_or_else(|e| e.status().code(), |()| 0),
                None => Status::NullPointer.code(),
            }
        },
    )
}

/// Ends the calls that run on this handle, and all later ones, with WX_E_CANCELLED.
///
/// A running call ends within 100 ms, whatever it is doing. Other handles on the same connections
/// go on. To cancel one call of many, give it a handle of its own (wx_client_derive).
///
/// Parameters:
///   client  from wx_client_new or wx_client_derive; NULL is fine
/// Threads: any, while calls run.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_client_cancel(client: *const wx_client) {
    guard(
        || (),
        || {
            // SAFETY: NULL or from wx_client_new and not freed.
            if let Some(client) = unsafe { client.as_ref() } {
                client.client.cancel();
            }
        },
    );
}

/// Hands a handle over, or says why there is none.
fn hand_over(
    made: Result<Client, Error>,
    place: &mut *mut wx_client,
    options: Option<&mut wx_options>,
) -> i32 {
    match made {
        Ok(made) => {
            *place = Box::into_raw(Box::new(wx_client { client: made }));
            Status::Ok.code()
        }
        Err(e) => options.map_or(e.status().code(), |o| o.failed(&e)),
    }
}

/// Frees a handle, and the idle connections with the last handle on them. Results stay.
///
/// Parameters:
///   client  from wx_client_new or wx_client_derive, with no call running on it; NULL is
///           fine
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
