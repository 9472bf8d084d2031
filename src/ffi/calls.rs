//! The calls to WeChat.

use std::ffi::c_char;
use std::time::Duration;

use super::client::wx_client;
use super::result::{Outcome, run, wx_result};
use super::{flag, text, token};
use crate::client::{Client, LinkChoices};
use crate::error::Error;
use crate::model::endpoint::Endpoint;

/// Runs a call to an endpoint of WeChat.
///
/// # Safety
/// `client` is NULL or from `wx_client_new`; `result` is NULL or points to a pointer.
unsafe fn call(
    endpoint: Endpoint,
    client: *const wx_client,
    result: *mut *mut wx_result,
    body: impl FnOnce(&Client) -> Result<Outcome, Error>,
) -> i32 {
    // SAFETY: NULL or from wx_client_new and not freed.
    let client = unsafe { client.as_ref() }.map(|handle| &handle.client);
    // SAFETY: the caller guarantees the pointer.
    unsafe { run(Some(endpoint), client, result, body) }
}

/// Invites a mini program to be linked to an Official Account (WeChat's linkMiniprogram).
///
/// Success means that WeChat has sent the invitation. The Official Account's administrator has to
/// agree first, in a template message, then the mini program's administrator. WeChat reports their
/// answers only in the list (wx_get_linked).
///
/// The request is not retried once any byte of it has been sent (see Retries, above). Most programs
/// should use wx_ensure_linked, which calls that share a store can repeat safely after any failure.
///
///     wx_result *result = NULL;
///     int32_t status = wx_link_miniprogram(client, token, "wx0b00000000000001", 0, 1, &result);
///     if (status != WX_OK)
///         fprintf(stderr, "%s\n", wx_result_message(result));
///     wx_result_free(result);
///
/// Parameters:
///   client        from wx_client_new or wx_client_derive
///   access_token  the Official Account's access token (authorizer_access_token), 1 to 4096
///                 bytes. NULL or empty: the client uses its token source (see wx_options_set)
///   appid         the mini program's appid, 1 to 256 bytes
///   notify_users  1: WeChat messages every follower of the account; 0: it does not
///   show_profile  1: the mini program is shown on the account's page; 0: it is not
///   result        receives the result, in success and in failure
/// Returns:
///   WX_OK                 WeChat has sent the invitation
///   WX_E_API              WeChat answered another errcode: 89010 and 89035 mean that an
///                         invitation is already pending, 89015 that the mini program is already
///                         linked. All others are refusals; see wx_result_class
///   WX_E_NULL_POINTER     an argument is NULL. If it is result itself, the call returns no result
///   WX_E_NOT_UTF8         a text is not UTF-8
///   WX_E_BAD_VALUE        a text is empty, too long or contains control characters, or a flag is
///                         neither 0 nor 1
///   WX_E_RESOLVE          the host's name could not be resolved; nothing was sent
///   WX_E_CONNECT          no connection to the host; nothing was sent
///   WX_E_TLS              the TLS handshake failed; nothing was sent
///   WX_E_PROXY            the proxy did not connect to the host; nothing was sent
///   WX_E_NO_TOKEN         the token source has no valid token for the account; WeChat did nothing
///   WX_E_TIMEOUT_UNSENT   timeout_ms passed before anything was sent
///   WX_E_TIMEOUT          timeout_ms passed after the request was sent. WeChat may have acted on
///                         it: read the list before you link again
///   WX_E_CONNECTION_LOST  the connection broke after the request was sent: as WX_E_TIMEOUT
///   WX_E_BAD_ANSWER       the response is not one of WeChat's: as WX_E_TIMEOUT
///   WX_E_TOO_LARGE        the response exceeds max_response_bytes: as WX_E_TIMEOUT
///   WX_E_CANCELLED        the handle was cancelled; wx_result_delivery shows whether the request
///                         may have been sent
///   WX_E_FORKED           the client was created before a fork, and this is the child process
///   WX_E_INTERNAL         a fault in the library, or the process has no thread or file descriptor
///                         left
/// Ownership: the caller owns the result; free it with wx_result_free.
/// Threads: may be called from several threads at the same time, also on the same client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_link_miniprogram(
    client: *const wx_client,
    access_token: *const c_char,
    appid: *const c_char,
    notify_users: i32,
    show_profile: i32,
    result: *mut *mut wx_result,
) -> i32 {
    let body = |client: &Client| {
        // SAFETY: NULL or a C string, as the conventions require.
        let access_token = unsafe { token(client, access_token) }?;
        // SAFETY: as above.
        let appid = unsafe { text(appid, "appid") }?;
        let choices = LinkChoices {
            notify_users: flag(notify_users, "notify_users")?,
            show_profile: flag(show_profile, "show_profile")?,
        };
        client
            .link_miniprogram(access_token, appid, choices)
            .map(Outcome::Response)
    };
    // SAFETY: the caller guarantees both pointers.
    unsafe { call(Endpoint::Link, client, result, body) }
}

/// Lists the mini programs that are linked to an Official Account, and the pending and refused
/// invitations (WeChat's getLinkMiniprogram).
///
/// The status of an item is 1 if it is linked, 2 if it waits for the mini program's administrator,
/// 12 if it waits for the Official Account's administrator, and 3 if the mini program's
/// administrator refused; a refused item has no appid. Every field of an item is optional. Reading
/// changes nothing, so the request is retried if the connection breaks.
///
///     size_t i;
///     wx_result *result = NULL;
///     int32_t status = wx_get_linked(client, token, &result);
///     for (i = 0; i < wx_list_length(result); i++)
///         puts(wx_list_text(result, i, "appid"));
///     wx_result_free(result);
///
/// Parameters:
///   client        from wx_client_new or wx_client_derive
///   access_token  the Official Account's access token (authorizer_access_token), 1 to 4096
///                 bytes. NULL or empty: the client uses its token source (see wx_options_set)
///   result        receives the result, in success and in failure
/// Returns: WX_OK if WeChat returned a valid list, see wx_list_length. WX_E_BAD_ANSWER if it is
///   damaged or malformed: the message names the place. Otherwise as wx_link_miniprogram. It is
///   safe to call again after any failure.
/// Ownership: the caller owns the result; free it with wx_result_free.
/// Threads: may be called from several threads at the same time, also on the same client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_get_linked(
    client: *const wx_client,
    access_token: *const c_char,
    result: *mut *mut wx_result,
) -> i32 {
    let body = |client: &Client| {
        // SAFETY: NULL or a C string, as the conventions require.
        let access_token = unsafe { token(client, access_token) }?;
        let list = client.get_linked(access_token)?;
        Ok(Outcome::Response(list.into_response()))
    };
    // SAFETY: the caller guarantees both pointers.
    unsafe { call(Endpoint::Get, client, result, body) }
}

/// Requests that a mini program be unlinked from an Official Account (WeChat's
/// unlinkMiniprogram).
///
/// Success means that WeChat has asked the Official Account's administrator. The mini program
/// stays in the list until they agree. The request is not retried once any byte of it has been sent
/// (see Retries, above).
///
///     status = wx_unlink_miniprogram(client, token, "wx0b00000000000001", &result);
///     if (status == WX_E_API && wx_result_errcode(result) == 89018)
///         puts("already requested, waiting for the administrator");
///     wx_result_free(result);
///
/// Parameters:
///   client        from wx_client_new or wx_client_derive
///   access_token  the Official Account's access token (authorizer_access_token), 1 to 4096
///                 bytes. NULL or empty: the client uses its token source (see wx_options_set)
///   appid         the mini program's appid, 1 to 256 bytes
///   result        receives the result, in success and in failure
/// Returns: WX_OK if WeChat has asked the administrator, otherwise as wx_link_miniprogram. With
///   WX_E_API, the errcode 89018 means that the administrator was already asked. If the outcome is
///   unknown, the list does not show whether they were asked, only whether they agreed.
/// Ownership: the caller owns the result; free it with wx_result_free.
/// Threads: may be called from several threads at the same time, also on the same client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_unlink_miniprogram(
    client: *const wx_client,
    access_token: *const c_char,
    appid: *const c_char,
    result: *mut *mut wx_result,
) -> i32 {
    let body = |client: &Client| {
        // SAFETY: NULL or a C string, as the conventions require.
        let access_token = unsafe { token(client, access_token) }?;
        // SAFETY: as above.
        let appid = unsafe { text(appid, "appid") }?;
        client
            .unlink_miniprogram(access_token, appid)
            .map(Outcome::Response)
    };
    // SAFETY: the caller guarantees both pointers.
    unsafe { call(Endpoint::Unlink, client, result, body) }
}

/// Makes sure that a mini program is linked to an Official Account, or at least invited.
///
/// This is the function most programs want. It reads the list, posts an invitation only if the mini
/// program is not in it, and can then wait for the administrators. Calls that share a store (option
/// store; the default is this process's memory) can repeat it safely: after a failure, while an
/// invitation is pending, and when the mini program is already linked.
///
/// One call posts at most once. For settle_ms after a post, no call that shares the store (option
/// store) posts another invitation for the same mini program and the same account or token, because
/// the first may take effect late. With the option account, invitations are remembered for 90 days:
/// one that WeChat accepted and that is no longer in the list is not repeated unless the option
/// reinvite is set. If the list shows that the administrator refused, the function does not post;
/// to invite again, use wx_link_miniprogram.
///
///     status = wx_ensure_linked(client, token, "wx0b00000000000001", 0, 1, 60000, &result);
///     if (status == WX_E_PENDING)
///         puts(wx_result_message(result));
///     wx_result_free(result);
///
/// The library makes the result's JSON (wx_result_json):
///     {"errcode":0,"errmsg":"ok","state":"linked","waits_for":"","item":{...},
///      "found":"absent","posts":1,"retry_after_ms":0}
///   state      linked, pending, declined, vanished, in_doubt or unknown
///   waits_for  who has to act: official_account, mini_program, or empty
///   item       the mini program's item in the list, or null
///   found      what the first read of the list showed: absent, or a state
///   posts      how many times a link was posted that WeChat may have received
///   retry_after_ms
///              if in_doubt: how long an earlier invitation may still take effect
///
/// Parameters:
///   client        from wx_client_new or wx_client_derive
///   access_token  the Official Account's access token (authorizer_access_token), 1 to 4096
///                 bytes. NULL or empty: the client uses its token source (see wx_options_set)
///   appid         the mini program's appid, 1 to 256 bytes
///   notify_users  1: WeChat messages every follower of the account; 0: it does not
///   show_profile  1: the mini program is shown on the account's page; 0: it is not
///   wait_ms       how long to wait for the administrators, in milliseconds; 0: do not wait. The
///                 call returns within timeout_ms + wait_ms
///   result        receives the result, in success and in failure
/// Returns:
///   WX_OK                 the mini program is linked
///   WX_E_PENDING          an invitation is pending; an administrator has to act
///   WX_E_DECLINED         the mini program's administrator refused
///   WX_E_VANISHED         the mini program was in the list, or was invited earlier, and is not
///                         there any more
///   WX_E_IN_DOUBT         an earlier invitation may still take effect, so nothing was posted: call
///                         again after retry_after_ms
///   WX_E_STORE            the store of link claims cannot be used, so nothing was posted
///   WX_E_CANCELLED        the handle was cancelled; the message lists what had been done by then
///   otherwise as wx_link_miniprogram. If WeChat refused the access token (class token), call
///   again with a new one: nothing is done twice.
/// Ownership: the caller owns the result; free it with wx_result_free.
/// Threads: may be called from several threads at the same time, also on the same client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_ensure_linked(
    client: *const wx_client,
    access_token: *const c_char,
    appid: *const c_char,
    notify_users: i32,
    show_profile: i32,
    wait_ms: u32,
    result: *mut *mut wx_result,
) -> i32 {
    let body = |client: &Client| {
        // SAFETY: NULL or a C string, as the conventions require.
        let access_token = unsafe { token(client, access_token) }?;
        // SAFETY: as above.
        let appid = unsafe { text(appid, "appid") }?;
        let choices = LinkChoices {
            notify_users: flag(notify_users, "notify_users")?,
            show_profile: flag(show_profile, "show_profile")?,
        };
        let wait = Duration::from_millis(wait_ms.into());
        Ok(Outcome::Progress(client.ensure_linked(
            access_token,
            appid,
            choices,
            wait,
        )))
    };
    // SAFETY: the caller guarantees both pointers.
    unsafe { call(Endpoint::Link, client, result, body) }
}

/// Waits until a mini program is linked or its administrator has refused. Posts nothing.
///
/// The function reads the list repeatedly, with pauses that grow from 2 s to 30 s (shorter if the
/// wait is short). A read that fails does not end the wait, unless reading again would fail in the
/// same way: WeChat answers with an errcode of the class token (call again with a new token),
/// action_required or invalid_request, an argument is invalid, the handle is cancelled or forked,
/// or the library failed internally.
///
///     status = wx_wait_linked(client, token, "gh_000000000001", 600000, &result);
///     printf("%s\n", wx_result_json(result, NULL));
///     wx_result_free(result);
///
/// The result's JSON has the form that wx_ensure_linked describes.
///
/// Parameters:
///   client            from wx_client_new or wx_client_derive
///   access_token      the Official Account's access token (authorizer_access_token), 1 to 4096
///                     bytes. NULL or empty: the client uses its token source (see
///                     wx_options_set)
///   appid_or_gh_id    the mini program's appid or original id (gh_...), 1 to 256 bytes. Prefer
///                     the original id: a refused item has no appid, so that an earlier refusal
///                     looks like WX_E_VANISHED if only the appid is known
///   wait_ms           how long to wait, in milliseconds; 0: read the list once. The call returns
///                     within timeout_ms + wait_ms
///   result            receives the result, in success and in failure
/// Returns: as wx_ensure_linked. WX_E_VANISHED also means that the mini program was never in the
///   list.
/// Ownership: the caller owns the result; free it with wx_result_free.
/// Threads: may be called from several threads at the same time, also on the same client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_wait_linked(
    client: *const wx_client,
    access_token: *const c_char,
    appid_or_gh_id: *const c_char,
    wait_ms: u32,
    result: *mut *mut wx_result,
) -> i32 {
    let body = |client: &Client| {
        // SAFETY: NULL or a C string, as the conventions require.
        let access_token = unsafe { token(client, access_token) }?;
        // SAFETY: as above.
        let id = unsafe { text(appid_or_gh_id, "appid_or_gh_id") }?;
        let wait = Duration::from_millis(wait_ms.into());
        Ok(Outcome::Progress(client.wait_linked(
            access_token,
            id,
            wait,
        )))
    };
    // SAFETY: the caller guarantees both pointers.
    unsafe { call(Endpoint::Get, client, result, body) }
}
