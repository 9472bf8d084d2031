//! WeChat's calls.

use std::ffi::c_char;
use std::time::Duration;

use super::client::wx_client;
use super::guard::guard;
use super::result::{Outcome, wx_result};
use super::{flag, text, token, wrong};
use crate::client::{Client, LinkChoices};
use crate::error::Error;
use crate::model::endpoint::Endpoint;
use crate::model::status::Status;

/// Runs one call and hands its result over, whatever it is. Without a place for the result nothing
/// is done: nobody loses the outcome of a link.
///
/// # Safety
/// `client` is NULL or from `wx_client_new`; `result` is NULL or a place for a pointer.
unsafe fn call(
    endpoint: Endpoint,
    client: *const wx_client,
    result: *mut *mut wx_result,
    body: impl FnOnce(&Client) -> Result<Outcome, Error>,
) -> i32 {
    // SAFETY: NULL or a place for a pointer.
    let Some(result) = (unsafe { result.as_mut() }) else {
        return Status::NullPointer.code();
    };
    *result = std::ptr::null_mut();
    let outcome = guard(
        || Err(wrong(Status::Internal, String::new())),
        || {
            // SAFETY: NULL or from wx_client_new and not freed.
            match unsafe { client.as_ref() } {
                Some(client) => body(&client.client).map_err(|e| e.with_lang(client.client.lang())),
                None => Err(wrong(Status::NullPointer, "client is NULL".into())),
            }
        },
    );
    guard(
        || Status::Internal.code(),
        || {
            let made = wx_result::new(match outcome {
                Ok(done) => done,
                Err(e) => Outcome::No(e.with_endpoint(endpoint)),
            });
            let status = made.status();
            *result = Box::into_raw(Box::new(made));
            status
        },
    )
}

/// Invites a mini program to be linked to an Official Account (WeChat's linkMiniprogram).
///
/// A yes means that the invitation is out. The Official Account's administrator agrees in a
/// template message, then the mini program's administrator; only the list tells when. Posts once:
/// it is repeated by itself only if nothing was sent.
///
///     wx_result *result = NULL;
///     int32_t status = wx_link_miniprogram(client, token, "wx0b00000000000001", 0, 1, &result);
///     if (status != WX_OK)
///         fprintf(stderr, "%s\n", wx_result_message(result));
///     wx_result_free(result);
///
/// Parameters:
///   client        from wx_client_new or wx_client_derive
///   access_token  the Official Account's authorizer_access_token, at most 4096 bytes; NULL or
///                 empty if the client's options name a source of tokens
///   appid         the mini program's appid, at most 256 bytes
///   notify_users  1: WeChat messages every follower of the account; 0: it does not
///   show_profile  1: the mini program is shown in the account's page; 0: it is not
///   result        receives the result, in success and in failure
/// Returns:
///   WX_OK                 the invitation is out
///   WX_E_API              WeChat answered another errcode: 89010 and 89035 mean that an
///                         invitation is out already, 89015 that it is linked; the rest are refusals
///   WX_E_NULL_POINTER     an argument is NULL; if it is result, there is no result
///   WX_E_NOT_UTF8         a text is not UTF-8
///   WX_E_BAD_VALUE        a text is empty, too long or holds control characters, or a flag is
///                         neither 0 nor 1
///   WX_E_RESOLVE, WX_E_CONNECT, WX_E_TLS, WX_E_PROXY, WX_E_TIMEOUT_UNSENT, WX_E_NO_TOKEN
///                         nothing was sent
///   WX_E_TIMEOUT, WX_E_CONNECTION_LOST, WX_E_BAD_ANSWER, WX_E_TOO_LARGE
///                         WeChat may have acted: read the list before you link again
///   WX_E_CANCELLED        the handle was cancelled; wx_result_delivery says whether anything was sent
///   WX_E_FORKED           the client was made before a fork: make one in the child
///   WX_E_INTERNAL         a fault in the library
/// Ownership: the result is yours; free it with wx_result_free.
/// Threads: any number at once.
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
        // SAFETY: NULL or a C string, as the conventions ask.
        let access_token = unsafe { token(client, access_token) }?;
        // SAFETY: as above.
        let appid = unsafe { text(appid, "appid") }?;
        let choices = LinkChoices {
            notify_users: flag(notify_users, "notify_users")?,
            show_profile: flag(show_profile, "show_profile")?,
        };
        client
            .link_miniprogram(access_token, appid, choices)
            .map(Outcome::Yes)
    };
    // SAFETY: the caller vouches for both pointers.
    unsafe { call(Endpoint::Link, client, result, body) }
}

/// Lists the mini programs linked to an Official Account and those on their way (WeChat's
/// getLinkMiniprogram).
///
/// An item's status is 1 linked, 2 waiting for the mini program's administrator, 3 refused by
/// them (such an item has no appid), 12 waiting for the Official Account's administrator. Every
/// field of an item is optional. Reading changes nothing, so it is repeated by itself if the
/// connection breaks.
///
///     char appid[64], pointer[64];
///     int i;
///     for (i = 0; i < 1000; i++) {
///         sprintf(pointer, "/wxopens/items/%d", i);
///         if (wx_result_get(result, pointer, NULL, 0) == WX_E_NOT_FOUND)
///             break;
///         sprintf(pointer, "/wxopens/items/%d/appid", i);
///         if (wx_result_get(result, pointer, appid, sizeof appid) >= 0)
///             puts(appid);
///     }
///
/// Parameters:
///   client        from wx_client_new or wx_client_derive
///   access_token  the Official Account's authorizer_access_token, at most 4096 bytes; NULL or
///                 empty if the client's options name a source of tokens
///   result        receives the result, in success and in failure
/// Returns: as wx_link_miniprogram. It is safe to call again after any of them.
/// Ownership: the result is yours; free it with wx_result_free.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_get_linked(
    client: *const wx_client,
    access_token: *const c_char,
    result: *mut *mut wx_result,
) -> i32 {
    let body = |client: &Client| {
        // SAFETY: NULL or a C string, as the conventions ask.
        let access_token = unsafe { token(client, access_token) }?;
        client.get_linked_raw(access_token).map(Outcome::Yes)
    };
    // SAFETY: the caller vouches for both pointers.
    unsafe { call(Endpoint::Get, client, result, body) }
}

/// Asks to unlink a mini program (WeChat's unlinkMiniprogram).
///
/// A yes means that the Official Account's administrator has been asked; the mini program stays
/// in the list until they agree. Posts once: it is repeated by itself only if nothing was sent.
///
///     status = wx_unlink_miniprogram(client, token, "wx0b00000000000001", &result);
///     if (status == WX_E_API && wx_result_errcode(result) == 89018)
///         puts("asked already, waiting for the administrator");
///     wx_result_free(result);
///
/// Parameters:
///   client        from wx_client_new or wx_client_derive
///   access_token  the Official Account's authorizer_access_token, at most 4096 bytes; NULL or
///                 empty if the client's options name a source of tokens
///   appid         the mini program's appid, at most 256 bytes
///   result        receives the result, in success and in failure
/// Returns: as wx_link_miniprogram; among the errcodes, 89018 means that the administrator has
///   been asked already.
/// Ownership: the result is yours; free it with wx_result_free.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_unlink_miniprogram(
    client: *const wx_client,
    access_token: *const c_char,
    appid: *const c_char,
    result: *mut *mut wx_result,
) -> i32 {
    let body = |client: &Client| {
        // SAFETY: NULL or a C string, as the conventions ask.
        let access_token = unsafe { token(client, access_token) }?;
        // SAFETY: as above.
        let appid = unsafe { text(appid, "appid") }?;
        client
            .unlink_miniprogram(access_token, appid)
            .map(Outcome::Yes)
    };
    // SAFETY: the caller vouches for both pointers.
    unsafe { call(Endpoint::Unlink, client, result, body) }
}

/// Sees to it that a mini program is linked to an Official Account: what callers really want.
///
/// Asks the list; posts a link if that shows no trace of the mini program; and waits for the
/// administrators, if asked to. Safe to repeat, whatever happened before: an earlier call that was
/// lost, an invitation that is out already, a link that is there. A post whose outcome got lost, or
/// that WeChat answered with -1, is looked up in the list; only two looks, both without a trace,
/// allow another post, and at most max_retries of those are made. A refusal that the list shows is
/// not argued with: to invite again, use wx_link_miniprogram.
///
///     status = wx_ensure_linked(client, token, "wx0b00000000000001", 0, 1, 60000, &result);
///     if (status == WX_E_PENDING)
///         puts(wx_result_message(result));
///     wx_result_free(result);
///
/// The result's JSON is the library's own:
///     {"errcode":0,"errmsg":"ok","state":"linked","waits_for":"","item":{...},
///      "found":"absent","posts":1}
/// state is linked, pending, declined, vanished or unknown; waits_for is official_account,
/// mini_program or empty; item is the list's, or null; found is what the list showed at first
/// (absent, or a state); posts counts the links of which WeChat may have seen something.
///
/// Parameters:
///   client        from wx_client_new or wx_client_derive
///   access_token  the Official Account's authorizer_access_token, at most 4096 bytes; NULL or
///                 empty if the client's options name a source of tokens
///   appid         the mini program's appid, at most 256 bytes
///   notify_users  1: WeChat messages every follower of the account; 0: it does not
///   show_profile  1: the mini program is shown in the account's page; 0: it is not
///   wait_ms       how long to wait for the administrators; 0 not at all. The call ends within
///                 timeout_ms and wait_ms together
///   result        receives the result, in success and in failure
/// Returns:
///   WX_OK                 it is linked
///   WX_E_PENDING          an invitation is out and waits for an administrator
///   WX_E_DECLINED         the mini program's administrator refused
///   WX_E_VANISHED         it was in the list and is there no more
///   WX_E_CANCELLED        the handle was cancelled; the message says what was done before
///   and what wx_link_miniprogram returns. After a refused token (class token) call again with
///   another one: the state so far is in the JSON, and nothing is done twice.
/// Ownership: the result is yours; free it with wx_result_free.
/// Threads: any number at once.
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
        // SAFETY: NULL or a C string, as the conventions ask.
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
    // SAFETY: the caller vouches for both pointers.
    unsafe { call(Endpoint::Link, client, result, body) }
}

/// Waits until a mini program is linked, or will not be. Posts nothing.
///
/// Looks at the list with growing pauses (2 s to 30 s, shorter if the wait is short). A look that
/// fails does not end it; a refused token does, with the state so far, so that you can go on with
/// another one.
///
///     status = wx_wait_linked(client, token, "gh_000000000001", 600000, &result);
///     printf("%s\n", wx_result_json(result, NULL));
///     wx_result_free(result);
///
/// The result's JSON is that of wx_ensure_linked.
///
/// Parameters:
///   client            from wx_client_new or wx_client_derive
///   access_token      the Official Account's authorizer_access_token, at most 4096 bytes; NULL
///                     or empty if the client's options name a source of tokens
///   appid_or_gh_id    the mini program's appid or original id, at most 256 bytes. A refused item
///                     has no appid: by that alone, a refusal from before this call looks vanished
///   wait_ms           how long to wait; 0 looks once. The call ends within timeout_ms and wait_ms
///                     together
///   result            receives the result, in success and in failure
/// Returns: as wx_ensure_linked; WX_E_VANISHED also if the list shows no trace of it.
/// Ownership: the result is yours; free it with wx_result_free.
/// Threads: any number at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_wait_linked(
    client: *const wx_client,
    access_token: *const c_char,
    appid_or_gh_id: *const c_char,
    wait_ms: u32,
    result: *mut *mut wx_result,
) -> i32 {
    let body = |client: &Client| {
        // SAFETY: NULL or a C string, as the conventions ask.
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
    // SAFETY: the caller vouches for both pointers.
    unsafe { call(Endpoint::Get, client, result, body) }
}
