//! Clients.

use std::ffi::c_char;
use std::ptr;

use super::guard::guard;
use super::options::wx_options;
use super::result::{Outcome, run, wx_result};
use super::text;
use crate::client::Client;
use crate::config::options::Options;
use crate::error::Error;
use crate::model::status::Status;

/// A client: calls WeChat and keeps its connections open for later calls. Create one and share it.
///
/// Threads: may be used by several threads at the same time. wx_client_free must be the last use.
pub struct wx_client {
    pub(super) client: Client,
}

/// Creates a client. Opens no connection and does not wait for the network.
///
/// Certificate files, and the environment if the option proxy is env, are read here and never
/// again.
///
/// Parameters:
///   options  from wx_options_new, or NULL for the defaults. They are copied
///   client   receives the client, or NULL on failure
/// Returns:
///   WX_OK              the client was created
///   WX_E_BAD_OPTION    ca_file cannot be read or contains no usable certificate, the proxy in
///                      the environment is invalid, or options contradict each other;
///                      wx_options_message gives the reason
///   WX_E_NULL_POINTER  client is NULL
///   WX_E_INTERNAL      the process has no file descriptor left
/// Ownership: the caller owns the client; free it with wx_client_free.
/// Threads: may be called from any thread. No other thread may use options at the same time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_client_new(
    options: *mut wx_options,
    client: *mut *mut wx_client,
) -> i32 {
    guard(
        || Status::Internal.code(),
        || {
            // SAFETY: NULL or a pointer to a pointer.
            let Some(client) = (unsafe { client.as_mut() }) else {
                return Status::NullPointer.code();
            };
            *client = ptr::null_mut();
            // SAFETY: NULL or from wx_options_new, and not in use elsewhere.
            let options = unsafe { options.as_mut() };
            let created = match &options {
                Some(o) => Client::new(&o.options),
                None => Client::new(&Options::new()),
            };
            return_handle(created, client, options)
        },
    )
}

/// Creates a handle that shares the connections and tokens of another client but is cancelled
/// separately.
///
/// Options that are set replace the client's timeout_ms, connect_timeout_ms, max_retries, lang or
/// account; all other settings are shared. A derived handle is cheap: create one for each call that
/// must be cancellable on its own.
///
/// Parameters:
///   client   from wx_client_new or wx_client_derive
///   options  from wx_options_new, or NULL to change nothing. They are copied
///   derived  receives the handle, or NULL on failure
/// Returns:
///   WX_OK              the handle was created
///   WX_E_BAD_OPTION    an option was set that a derived handle cannot change, because it belongs
///                      to the shared connections; wx_options_message names it
///   WX_E_NULL_POINTER  client or derived is NULL
///   WX_E_INTERNAL      the process has no file descriptor left
/// Ownership: the caller owns the handle; free it with wx_client_free, before or after the client
///   it was derived from.
/// Threads: may be called from any thread. No other thread may use options at the same time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_client_derive(
    client: *const wx_client,
    options: *mut wx_options,
    derived: *mut *mut wx_client,
) -> i32 {
    guard(
        || Status::Internal.code(),
        || {
            // SAFETY: NULL or a pointer to a pointer.
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
            let created = match &options {
                Some(o) => base.client.derive(&o.options),
                None => base.client.derive(&Options::new()),
            };
            return_handle(created, derived, options)
        },
    )
}

/// Stores the component_verify_ticket of a third-party platform, which WeChat pushes to the
/// platform every 10 minutes.
///
/// The ticket is written to the store that the option store names; the first call that needs the
/// store opens it. The call returns within timeout_ms, and within 100 ms after the handle is
/// cancelled.
///
///     if (wx_client_set_ticket(client, ticket, &result) != WX_OK)
///         fprintf(stderr, "%s\n", wx_result_message(result));
///     wx_result_free(result);
///
/// Parameters:
///   client  created with the options component_appid and component_appsecret, or derived from
///           such a client
///   ticket  the ticket as WeChat pushed it, 1 to 4096 bytes
///   result  receives the result, in success and in failure
/// Returns:
///   WX_OK                the ticket is stored
///   WX_E_BAD_VALUE       the client has no component_appid, or the ticket is empty, too long or
///                        contains control characters
///   WX_E_STORE           the store cannot be used: it cannot be reached, refuses access, or is
///                        damaged
///   WX_E_TIMEOUT_UNSENT  the store did not answer in time, or another process kept it locked
///   WX_E_CANCELLED       the handle was cancelled
///   WX_E_FORKED          the client was created before a fork, and this is the child process
///   WX_E_NULL_POINTER    an argument is NULL; if it is result, no result is returned
///   WX_E_NOT_UTF8        the ticket is not UTF-8
///   WX_E_INTERNAL        the process has no thread or file descriptor left
/// After WX_E_TIMEOUT_UNSENT or WX_E_CANCELLED the ticket may have been stored or not; it is safe
/// to call again.
/// Ownership: the caller owns the result; free it with wx_result_free.
/// Threads: may be called from several threads at the same time, also on the same client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_client_set_ticket(
    client: *const wx_client,
    ticket: *const c_char,
    result: *mut *mut wx_result,
) -> i32 {
    let body = |client: &Client| {
        // SAFETY: NULL or a C string, as the conventions require.
        client.set_ticket(unsafe { text(ticket, "ticket") }?)?;
        Ok(Outcome::stored())
    };
    // SAFETY: NULL or from wx_client_new and not freed.
    let client = unsafe { client.as_ref() }.map(|handle| &handle.client);
    // SAFETY: the caller guarantees the pointer.
    unsafe { run(None, client, result, body) }
}

/// Stores the refresh token of an Official Account that authorised the third-party platform.
///
/// From then on, calls for that account (option account) need no access token: the client fetches
/// and refreshes it.
///
/// Parameters:
///   client         created with the options component_appid and component_appsecret, or derived
///                  from such a client
///   appid          the Official Account's appid, 1 to 256 bytes
///   refresh_token  the account's authorizer_refresh_token, 1 to 4096 bytes
///   result         receives the result, in success and in failure
/// Returns: as wx_client_set_ticket, for the refresh token instead of the ticket.
/// Ownership: the caller owns the result; free it with wx_result_free.
/// Threads: may be called from several threads at the same time, also on the same client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_client_add_account(
    client: *const wx_client,
    appid: *const c_char,
    refresh_token: *const c_char,
    result: *mut *mut wx_result,
) -> i32 {
    let body = |client: &Client| {
        // SAFETY: NULL or a C string, as the conventions require.
        let appid = unsafe { text(appid, "appid") }?;
        // SAFETY: as above.
        client.add_account(appid, unsafe { text(refresh_token, "refresh_token") }?)?;
        Ok(Outcome::stored())
    };
    // SAFETY: NULL or from wx_client_new and not freed.
    let client = unsafe { client.as_ref() }.map(|handle| &handle.client);
    // SAFETY: the caller guarantees the pointer.
    unsafe { run(None, client, result, body) }
}

/// Returns what a client has done since it was created, in numbers.
///
/// Makes no request and does not wait. Handles that share connections share the numbers.
///
/// The library makes the result's JSON (wx_result_json):
///     {"errcode":0,"errmsg":"ok","since":1413192760,"endpoints":{"get":{"calls":3,
///      "outcomes":{"OK":2,"TIMEOUT":1},"retries":1,"delivery_unknown":1,"latency":{
///      "sum_us":10092300,"max_us":10000400,"buckets":[{"below_us":40960,"calls":1},
///      {"below_us":53248,"calls":1},{"below_us":10485760,"calls":1}]}}},"in_doubt":0,
///      "tokens_fetched":0,"connections":{"opened":1,"reused":3,"idle":1}}
///   since             when the client was created, in seconds since 1970
///   endpoints         the endpoints that were called, by their names in wx_result_trace. A call
///                     includes the fetch of its token, its retries and their pauses. Calls with
///                     an invalid argument are not counted
///   outcomes          how many calls ended with each status
///   retries           the attempts of calls after their first ones, at the same or another host
///   delivery_unknown  the calls whose request was sent and not answered by WeChat
///   latency           how long the calls took, in microseconds. A bucket has the calls that took
///                     less than below_us, and not less than below_us of the bucket before it. The
///                     limits of a bucket differ by at most an eighth. Empty buckets are left out
///   in_doubt          the calls of wx_ensure_linked that ended in doubt
///   tokens_fetched    the access tokens that the client fetched from its token source
///   opened            the connections that were opened
///   reused            the attempts that used a connection of an earlier one
///   idle              the connections that are open now and not in use
///
/// Parameters:
///   client  from wx_client_new or wx_client_derive
///   result  receives the result, in success and in failure
/// Returns:
///   WX_OK              the numbers are in the result
///   WX_E_FORKED        the client was created before a fork, and this is the child process
///   WX_E_NULL_POINTER  an argument is NULL; if it is result, no result is returned
///   WX_E_INTERNAL      a defect in the library
/// Ownership: the caller owns the result; free it with wx_result_free.
/// Threads: may be called from any thread, also while calls run on the handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_client_stats(
    client: *const wx_client,
    result: *mut *mut wx_result,
) -> i32 {
    let body = |client: &Client| Ok(Outcome::kept(client.stats()?.json()));
    // SAFETY: NULL or from wx_client_new and not freed.
    let client = unsafe { client.as_ref() }.map(|handle| &handle.client);
    // SAFETY: the caller guarantees the pointer.
    unsafe { run(None, client, result, body) }
}

/// Cancels a handle: all calls that run on it, and all later ones, return WX_E_CANCELLED.
///
/// A running call returns within 100 ms. Other handles that share the connections are not affected.
/// To cancel a single call, run it on a handle of its own (wx_client_derive). In a process that was
/// forked after the handle was created, this does nothing.
///
/// Parameters:
///   client  from wx_client_new or wx_client_derive; NULL does nothing
/// Threads: may be called from any thread, also while calls run on the handle.
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

/// Stores a new handle in `place`, or the reason for the failure in `options`.
fn return_handle(
    created: Result<Client, Error>,
    place: &mut *mut wx_client,
    options: Option<&mut wx_options>,
) -> i32 {
    match created {
        Ok(client) => {
            *place = Box::into_raw(Box::new(wx_client { client }));
            Status::Ok.code()
        }
        Err(e) => options.map_or(e.status().code(), |o| o.set_message(&e)),
    }
}

/// Frees a handle. The last handle that shares connections closes them. Results stay valid.
///
/// Parameters:
///   client  from wx_client_new or wx_client_derive; NULL does nothing
/// Threads: no other thread may use the handle during the call or afterwards. A call that still
///   runs on it must end first: cancel it with wx_client_cancel.
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
