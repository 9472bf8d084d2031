//! A third-party platform's pushes, and how accounts authorise it.

use std::ffi::c_char;

use libc::size_t;

use super::client::wx_client;
use super::result::{Outcome, run, wx_result};
use super::{bytes_of_length, text};
use crate::client::Client;

/// Accepts a push of WeChat's to the third-party platform: verifies and decrypts it, and stores
/// what it contains.
///
/// Pass the request that WeChat made to the platform's authorisation event URL, unchanged. If the
/// function returns WX_OK, answer with HTTP status 200 and the body success, and nothing else. A
/// ticket is stored by then, and so is an authorisation code, which is also exchanged for the
/// account's tokens if there is time; otherwise the next call for the account does it. Repeated and
/// unknown events are accepted and change nothing. The call returns within timeout_ms, and within
/// 4 s: WeChat waits for 5 s.
///
///     status = wx_client_accept_push(client, query, body, body_len, &result);
///     not_wechat = status == WX_E_BAD_PUSH || status == WX_E_NOT_UTF8;
///     http_status = status == WX_OK ? 200 : not_wechat ? 403 : 503;
///     answer = status == WX_OK ? "success" : "";
///     wx_result_free(result);
///
/// The library makes the result's JSON (wx_result_json):
///     {"errcode":0,"errmsg":"ok","event":"authorized","account":"wx0a00000000000001",
///      "create_time":1413192760,"action":"account_added","reason":"","fields":null}
///   event        the push's InfoType; empty if it has none, such as a follower's message
///   account      the appid of the account that it is about, or null
///   create_time  when WeChat made the event, in seconds since 1970; 0 if it is not in the push
///   action       what was done:
///                  ticket_stored    the ticket was stored
///                  account_added    the account's tokens were stored
///                  code_stored      the authorisation code was stored, but could not be exchanged
///                                   yet
///                  code_refused     WeChat refused the code: the account has to authorise the
///                                   platform again
///                  account_removed  the account's tokens were removed
///                  repeated         nothing: the push repeats an earlier one
///                  outdated         nothing: a later event of the account is known
///                  unhandled        nothing: the event is the caller's to handle
///   reason       why the code was not exchanged, or empty
///   fields       if unhandled: the decrypted fields, otherwise null. Tickets and codes are left out
///
/// Parameters:
///   client    created with the options component_appid, component_appsecret, push_token and
///             push_aes_key, or derived from such a client
///   query     the query string of the request, as it was received: do not decode it
///   body      the body of the request, as it was received
///   body_len  the length of body in bytes, at most 262144
///   result    receives the result, in success and in failure
/// Returns:
///   WX_OK                the push is accepted: answer success
///   WX_E_BAD_PUSH        it is not a push of WeChat's to this platform: answer with HTTP 403
///   WX_E_STORE           the store could not keep it in time: answer with HTTP 503, so that WeChat
///                        sends it again
///   WX_E_BAD_VALUE       an option for pushes is missing, or body_len is larger than any
///                        object; the message gives the reason
///   WX_E_CANCELLED       the handle was cancelled before the push was stored
///   WX_E_FORKED          the client was created before a fork, and this is the child process
///   WX_E_NULL_POINTER    an argument is NULL; if it is result, no result is returned
///   WX_E_NOT_UTF8        query is not UTF-8, so that it is not WeChat's: answer with HTTP 403
///   WX_E_INTERNAL        the process has no thread or file descriptor left
/// Ownership: the caller owns the result; free it with wx_result_free.
/// Threads: may be called from several threads at the same time, also on the same client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_client_accept_push(
    client: *const wx_client,
    query: *const c_char,
    body: *const c_char,
    body_len: size_t,
    result: *mut *mut wx_result,
) -> i32 {
    let accept = |client: &Client| {
        // SAFETY: NULL or a C string, as the conventions require.
        let query = unsafe { text(query, "query") }?;
        // SAFETY: the caller guarantees body_len bytes at body.
        let body = unsafe { bytes_of_length(body, body_len, "body") }?;
        let push = client.accept_push(query, body)?;
        Ok(Outcome::kept(push.json()))
    };
    // SAFETY: NULL or from wx_client_new and not freed.
    let client = unsafe { client.as_ref() }.map(|handle| &handle.client);
    // SAFETY: the caller guarantees the pointer.
    unsafe { run(None, client, result, accept) }
}

/// Makes the URLs of the pages on which an Official Account's administrator authorises the
/// third-party platform.
///
/// Call it when the administrator clicks, not when a page is shown: the URLs contain a code that is
/// valid once and for a short time. WeChat opens its page only from a link on the domain that is
/// registered for the platform. Afterwards it redirects to redirect_uri with the parameter
/// auth_code: pass it to wx_client_accept_authorization.
///
/// The library makes the result's JSON (wx_result_json):
///     {"errcode":0,"errmsg":"ok","computer_url":"https://...","phone_url":"https://...",
///      "expires_in":1800}
///   computer_url  the page for a computer, which shows a QR code. It contains a secret code
///   phone_url     the page for a phone, to be opened inside WeChat. It contains a secret code
///   expires_in    how long the pages can be opened, in seconds
///
/// Parameters:
///   client        created with the options component_appid and component_appsecret, or derived
///                 from such a client
///   redirect_uri  a whole URL without blanks, 1 to 2048 bytes: https://HOST/PATH
///   account       the appid of the account to authorise, or NULL for any Official Account
///   result        receives the result, in success and in failure
/// Returns:
///   WX_OK           the URLs are in the result
///   WX_E_API        WeChat refused; wx_result_class and wx_result_message give the next step
///   WX_E_NO_TOKEN   the platform has no access token: there is no ticket, or the store cannot be
///                   used
///   WX_E_BAD_VALUE  redirect_uri is not a whole URL, or the client has no component_appid
///   otherwise as wx_get_linked
/// Ownership: the caller owns the result; free it with wx_result_free.
/// Threads: may be called from several threads at the same time, also on the same client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_client_authorization_url(
    client: *const wx_client,
    redirect_uri: *const c_char,
    account: *const c_char,
    result: *mut *mut wx_result,
) -> i32 {
    let body = |client: &Client| {
        // SAFETY: NULL or a C string, as the conventions require.
        let redirect_uri = unsafe { text(redirect_uri, "redirect_uri") }?;
        let account = if account.is_null() {
            None
        } else {
            // SAFETY: as above.
            Some(unsafe { text(account, "account") }?)
        };
        let url = client.authorization_url(redirect_uri, account)?;
        Ok(Outcome::answered(url.json()))
    };
    // SAFETY: NULL or from wx_client_new and not freed.
    let client = unsafe { client.as_ref() }.map(|handle| &handle.client);
    // SAFETY: the caller guarantees the pointer.
    unsafe { run(None, client, result, body) }
}

/// Exchanges the authorisation code of a redirect for the account's tokens and stores them.
///
/// The same code may be passed again, and may be that of a push: it is exchanged once, and
/// remembered for an hour. It is stored before anything else, so that wxlink serve with the same
/// store exchanges it later if this call cannot.
///
/// The library makes the result's JSON (wx_result_json):
///     {"errcode":0,"errmsg":"ok","account":"wx0a00000000000001","permission_sets":[1,33],
///      "may_link":true}
///   account          the appid of the account that authorised the platform
///   permission_sets  the numbers of the permission sets that it granted, or null if not known
///   may_link         whether set 33 is among them, which linking needs, or null if not known
///
/// Parameters:
///   client  created with the options component_appid and component_appsecret, or derived from such
///           a client
///   code    the parameter auth_code of the redirect, decoded, 1 to 1024 bytes
///   result  receives the result, in success and in failure
/// Returns:
///   WX_OK           the account's tokens are stored
///   WX_E_API        WeChat refused. After the errcodes 61009 and 61010 the account has to authorise
///                   the platform again
///   WX_E_STORE      the store could not keep the code in time
///   WX_E_NO_TOKEN   the platform has no access token: there is no ticket, or the store cannot be
///                   used
///   WX_E_BAD_VALUE  the code is empty or too long, or the client has no component_appid
///   otherwise as wx_get_linked. After a failure without an answer from WeChat, call again with the
///   same code.
/// Ownership: the caller owns the result; free it with wx_result_free.
/// Threads: may be called from several threads at the same time, also on the same client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_client_accept_authorization(
    client: *const wx_client,
    code: *const c_char,
    result: *mut *mut wx_result,
) -> i32 {
    let body = |client: &Client| {
        // SAFETY: NULL or a C string, as the conventions require.
        let authorization = client.accept_authorization(unsafe { text(code, "code") }?)?;
        Ok(Outcome::answered(authorization.json()))
    };
    // SAFETY: NULL or from wx_client_new and not freed.
    let client = unsafe { client.as_ref() }.map(|handle| &handle.client);
    // SAFETY: the caller guarantees the pointer.
    unsafe { run(None, client, result, body) }
}

/// Describes an account that has authorised the third-party platform.
///
/// The library makes the result's JSON (wx_result_json):
///     {"errcode":0,"errmsg":"ok","account":"wx0a00000000000001","name":"...",
///      "gh_id":"gh_000000000001","subject":"...","kind":"official_account","service_type":2,
///      "status":"normal","permission_sets":[1,33],"may_link":true}
///   name             the account's name
///   gh_id            its original id
///   subject          the registered person or organisation. Individuals all have the same
///   kind             official_account or mini_program
///   service_type     WeChat's number for the kind of account, or null
///   status           normal, closed, banned, warned, frozen or unknown
///   permission_sets, may_link
///                    as wx_client_accept_authorization
///
/// Parameters:
///   client   created with the options component_appid and component_appsecret, or derived from
///            such a client
///   account  the account's appid, 1 to 256 bytes
///   result   receives the result, in success and in failure
/// Returns: as wx_client_authorization_url, for the account instead of redirect_uri.
/// Ownership: the caller owns the result; free it with wx_result_free.
/// Threads: may be called from several threads at the same time, also on the same client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wx_client_account_info(
    client: *const wx_client,
    account: *const c_char,
    result: *mut *mut wx_result,
) -> i32 {
    let body = |client: &Client| {
        // SAFETY: NULL or a C string, as the conventions require.
        let info = client.account_info(unsafe { text(account, "account") }?)?;
        Ok(Outcome::answered(info.json()))
    };
    // SAFETY: NULL or from wx_client_new and not freed.
    let client = unsafe { client.as_ref() }.map(|handle| &handle.client);
    // SAFETY: the caller guarantees the pointer.
    unsafe { run(None, client, result, body) }
}
