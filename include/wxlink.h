/*
 * wxlink: links WeChat mini programs to Official Accounts.
 *
 * This header is the manual of the C interface. It is generated from the library's source code: do
 * not edit it.
 *
 * A program creates a client once, makes its calls on it, and frees the result of each call:
 *
 *     wx_client *client;
 *     wx_result *result;
 *     if (wx_client_new(NULL, &client) != WX_OK)
 *         return 1;
 *     if (wx_ensure_linked(client, token, "wx0b00000000000001", 0, 1, 0, &result) == WX_E_PENDING)
 *         puts(wx_result_message(result));
 *     wx_result_free(result);
 *     wx_client_free(client);
 *
 * CONVENTIONS, which apply to every function:
 *
 * Texts      Texts are NUL-terminated UTF-8. The library copies the texts you pass. A text that it
 *            returns is never NULL; it is empty if there is no value.
 * Pointers   Every pointer argument may be NULL. If a function needs the argument, it has no effect
 *            and returns WX_E_NULL_POINTER, an empty text if it returns a text, or the value that
 *            its description states. Any other pointer must be valid for what the function
 *            describes.
 * Numbers    Statuses, flags and codes are int32_t. A flag is 0 or 1. Lengths and sizes are size_t,
 *            in bytes. Times are in milliseconds.
 * Returns    A function that can fail returns WX_OK (0) or a negative status (WX_E_...). Statuses
 *            are grouped: -1 to -19 an argument is invalid; -20 to -39 nothing was sent; -40 to -69
 *            the outcome is unknown. Later versions may add statuses: treat one you do not know by
 *            its group. A number never changes its meaning.
 * Ownership  You own what a function named ..._new returns, and every result. Free it once, with
 *            its wx_..._free function and not with free(). Freeing NULL does nothing.
 * Threads    The description of each type says how threads may share it. The library keeps no
 *            thread-local state. A thread that calls it needs a stack of at least 128 KiB (a call
 *            over HTTPS was measured to use 38 KiB). If pthread_cancel cancels a thread during a
 *            call, the call is finished first. No function may be called by a thread with
 *            asynchronous cancellation (PTHREAD_CANCEL_ASYNCHRONOUS).
 * Time       A call returns within timeout_ms + 100 ms, name resolution included. The two calls
 *            that wait for administrators return within timeout_ms + wait_ms + 100 ms.
 * Retries    Linking can message every follower of an account. Once any byte of a link or unlink
 *            request has been sent, the library does not send it again, with one exception: if
 *            WeChat refuses a token of the client's own token source, it has done nothing, and the
 *            request is sent once more with another token.
 * Secrets    No text that the library makes contains an access token, a password or another secret,
 *            even if a server repeats it, percent-encoded or with JSON or HTML escapes. A name such
 *            as [access_token] replaces it. Secrets in base64 or in pieces are not recognised. The
 *            body of WeChat's response to a link, list or unlink request is returned unchanged.
 * Process    The library prints nothing, installs no signal handlers, raises no SIGPIPE and reads
 *            the environment only where this header says so. An internal fault becomes
 *            WX_E_INTERNAL.
 *            The library does not use the file descriptors 0 to 2, even if they are closed. Two
 *            exceptions may use them briefly: the system's name resolution, and reading certificate
 *            files in wx_client_new.
 *            Floating-point exceptions must be masked, as they are by default in C (but not in
 *            Pascal).
 * fork       A client that was created before a fork returns WX_E_FORKED in the child process:
 *            create a new one there. On Linux this includes _Fork and clone. A child of vfork must
 *            not call the library.
 * Language   C89 with stdint.h up to C23, and C++98 up to C++23.
 */

#ifndef WXLINK_H
#define WXLINK_H

#include <stddef.h>
#include <stdint.h>

/**
 * The version of the binary interface that this header describes. It only grows: functions are
 * added, never changed.
 */
#define WX_ABI_VERSION 1

/**
 * The release this header comes from. wx_version gives that of the library.
 */
#define WXLINK_VERSION_MAJOR 0
#define WXLINK_VERSION_MINOR 1
#define WXLINK_VERSION_PATCH 0

/* Statuses: what functions return. */
/** WeChat accepted the request. */
#define WX_OK 0

/* -1 to -19: an argument is invalid; nothing was changed. */
/** A pointer that must not be NULL is NULL. */
#define WX_E_NULL_POINTER (-1)
/** A text is not valid UTF-8. */
#define WX_E_NOT_UTF8 (-2)
/** An argument is invalid. */
#define WX_E_BAD_VALUE (-3)
/** The option does not exist, or its value is invalid. */
#define WX_E_BAD_OPTION (-4)
/** The caller's buffer is too small. */
#define WX_E_BUFFER (-5)
/** The result holds no value at that place. */
#define WX_E_NOT_FOUND (-6)
/** The push is not WeChat's, or not for this platform. */
#define WX_E_BAD_PUSH (-7)

/* -20 to -39: nothing was sent; calling again is safe. */
/** The host's name could not be resolved. */
#define WX_E_RESOLVE (-20)
/** The connection to the host failed. */
#define WX_E_CONNECT (-21)
/** The TLS handshake failed. */
#define WX_E_TLS (-22)
/** The proxy failed to connect to the host. */
#define WX_E_PROXY (-23)
/** The time limit was reached before anything was sent. */
#define WX_E_TIMEOUT_UNSENT (-24)
/** No valid access token could be fetched for the account. */
#define WX_E_NO_TOKEN (-25)
/** The store cannot be used. */
#define WX_E_STORE (-26)

/* -40 to -69: WeChat may have acted; read the list before calling again. */
/** The time limit was reached after the request was sent. */
#define WX_E_TIMEOUT (-40)
/** The connection broke after the request was sent. */
#define WX_E_CONNECTION_LOST (-41)
/** An earlier invitation may still take effect. */
#define WX_E_IN_DOUBT (-42)
/** The response is not a valid answer of WeChat. */
#define WX_E_BAD_ANSWER (-60)
/** The response is larger than max_response_bytes. */
#define WX_E_TOO_LARGE (-61)

/* Others. */
/** WeChat answered with an errcode other than 0. */
#define WX_E_API (-70)
/** An invitation was sent and waits for an administrator. */
#define WX_E_PENDING (-80)
/** The mini program's administrator refused. */
#define WX_E_DECLINED (-81)
/** The mini program is not, or no longer, in the list. */
#define WX_E_VANISHED (-82)
/** The call was cancelled. */
#define WX_E_CANCELLED (-90)
/** The client was made before a fork and used in the child. */
#define WX_E_FORKED (-91)
/** An internal error of the library. */
#define WX_E_INTERNAL (-99)

/* Classes: what to do next about an errcode. See wx_result_class. */
/** WeChat did not answer, or with an errcode that is not in the table. */
#define WX_CLASS_UNKNOWN 0
/** Done, or done before: continue. */
#define WX_CLASS_OK 1
/** Not a failure, it is in progress: wait for the administrators and read the list; do not
 * repeat the call. */
#define WX_CLASS_PENDING 2
/** Get another access token and call again, once. */
#define WX_CLASS_TOKEN 3
/** Wait and try again, a bounded number of times; read the list before repeating a link or
 * unlink. */
#define WX_CLASS_BUSY 4
/** Call again when the minute, the day or the month is over. */
#define WX_CLASS_QUOTA 5
/** An administrator or operator must act first. */
#define WX_CLASS_ACTION_REQUIRED 6
/** Correct the call; the same call would be refused again. */
#define WX_CLASS_INVALID_REQUEST 7
/** Pass on the component_verify_ticket that WeChat pushes to the platform, then call again. */
#define WX_CLASS_TICKET 8

/* Delivery: whether WeChat may have received the request. See wx_result_delivery. */
/** Nothing was sent: calling again cannot do anything twice. */
#define WX_DELIVERY_NEVER_SENT 0
/** The request was sent, but no answer came from WeChat: read the list before calling again. */
#define WX_DELIVERY_UNKNOWN 1
/** WeChat answered with an errcode, which is the outcome of the request. */
#define WX_DELIVERY_ANSWERED 2

/* Link status: the status of a list's item. WeChat may add more. */
/** The mini program is linked. */
#define WX_LINK_LINKED 1
/** The mini program's administrator has to agree. */
#define WX_LINK_AWAITING_MINI_PROGRAM 2
/** The mini program's administrator refused. */
#define WX_LINK_REFUSED 3
/** The Official Account's administrator has to agree. */
#define WX_LINK_AWAITING_OFFICIAL_ACCOUNT 12

/**
 * A client: calls WeChat and keeps its connections open for later calls. Create one and share it.
 *
 * Threads: may be used by several threads at the same time. wx_client_free must be the last use.
 */
typedef struct wx_client wx_client;

/**
 * The options for creating clients: text keys with text values, checked when they are set.
 *
 * Threads: may be used by one thread at a time.
 */
typedef struct wx_options wx_options;

/**
 * The result of a call. It does not change, and remains valid after its client is freed.
 *
 * Threads: may be used by several threads at the same time. wx_result_free must be the last use.
 */
typedef struct wx_result wx_result;

#ifdef __cplusplus
extern "C" {
#endif /* __cplusplus */

/**
 * The version of the binary interface of the library that is loaded.
 *
 * Returns WX_ABI_VERSION as the library was built with it. A program built with a lower number
 * runs with it; one built with a higher number may miss functions.
 * Threads: may be called from any thread.
 */
uint32_t wx_abi_version(void);

/**
 * The version of the library that is loaded, such as "1.2.3".
 *
 * Returns a static text.
 * Threads: may be called from any thread.
 */
const char *wx_version(void);

/**
 * What a status means and what to do next, in English: "NAME: text".
 *
 * Parameters:
 *   status   what a function returned
 * Returns a static text; empty for an unknown number.
 * Threads: may be called from any thread.
 */
const char *wx_status_text(int32_t status);

/**
 * Creates options, all with their default values.
 *
 * Returns the options, or NULL if the library failed internally.
 * Ownership: the caller owns the options; free them with wx_options_free. Clients copy them.
 * Threads: may be called from any thread.
 */
wx_options *wx_options_new(void);

/**
 * Sets one option. An invalid value leaves the option unchanged.
 *
 *     wx_options_set(options, "timeout_ms", "5000");
 *
 * Parameters:
 *   options  from wx_options_new
 *   key      one of the keys below
 *   value    the value as text; numbers in decimal
 *
 *   key                 default                    value
 *   base_url            https://api.weixin.qq.com  1 to 16 URLs separated by commas, the preferred
 *                                                  one first: https://HOST[:PORT], or
 *                                                  http://HOST[:PORT] for a loopback address
 *   timeout_ms          10000                      1 to 3600000 ms: limit for a whole call
 *   connect_timeout_ms  3000                       1 to 3600000 ms: limit for one connection
 *   max_retries         2                          0 to 10 retries of requests that were never
 *                                                  sent, and of reads
 *   settle_ms           90000                      0 to 3600000 ms: how long after a post no other
 *                                                  one is made for the same link
 *   reinvite            no                         yes: an invitation that is no longer in the
 *                                                  list is repeated
 *   keep_alive_ms       15000                      0 to 3600000 ms: how long an idle connection
 *                                                  is kept open
 *   proxy               none                       none, env, http://[USER:PASSWORD@]HOST:PORT or
 *                                                  socks5://[USER:PASSWORD@]HOST:PORT
 *   ca_file                                        path to a PEM file of CA certificates to trust
 *                                                  in addition to the roots
 *   trust               system                     the roots to trust: system or bundled
 *   user_agent          wxlink/VERSION             1 to 256 printable ASCII characters
 *   max_response_bytes  4194304                    1024 to 1073741824 bytes: limit for a response
 *   lang                en                         the language of messages: en or zh
 *   account                                        appid of the Official Account for calls
 *                                                  without an access token. Its token comes from
 *                                                  one of three sources:
 *   access_token                                   source 1: this access token
 *   token_command                                  source 2: a shell command that prints a token,
 *                                                  see docs/tokens.md
 *   component_appid                                source 3: the third-party platform with this
 *                                                  appid
 *   component_appsecret                            the platform's appsecret
 *   push_token                                     the tokens that sign WeChat's pushes to the
 *                                                  platform, separated by commas: the current
 *                                                  one and earlier ones
 *   push_aes_key                                   the keys that encrypt them (EncodingAESKey),
 *                                                  likewise
 *   store               memory                     where link claims and the platform's tokens
 *                                                  are kept: memory, file:PATH, redis://HOST or
 *                                                  rediss://HOST
 *
 * Returns:
 *   WX_OK              the option is set
 *   WX_E_BAD_OPTION    the key is unknown or the value is invalid; wx_options_message lists
 *                      the values that the option takes
 *   WX_E_NULL_POINTER  an argument is NULL
 *   WX_E_NOT_UTF8      key or value is not UTF-8
 * Threads: no other thread may use options during the call.
 */
int32_t wx_options_set(wx_options *options, const char *key, const char *value);

/**
 * Explains the last failure of wx_options_set, wx_client_new or wx_client_derive with these
 * options, and what to do about it.
 *
 * Parameters:
 *   options  from wx_options_new; NULL gives an empty text
 * Returns a text; empty if nothing has failed. It contains no secret.
 * Ownership: the options own the text. It is valid until the next call with these options.
 * Threads: no other thread may use options during the call or while the text is read.
 */
const char *wx_options_message(const wx_options *options);

/**
 * Frees options. Clients that were created with them are not affected.
 *
 * Parameters:
 *   options  from wx_options_new; NULL does nothing
 * Threads: no other thread may use options during the call or afterwards.
 */
void wx_options_free(wx_options *options);

/**
 * Creates a client. Opens no connection and does not wait for the network.
 *
 * Certificate files, and the environment if the option proxy is env, are read here and never
 * again.
 *
 * Parameters:
 *   options  from wx_options_new, or NULL for the defaults. They are copied
 *   client   receives the client, or NULL on failure
 * Returns:
 *   WX_OK              the client was created
 *   WX_E_BAD_OPTION    ca_file cannot be read or contains no usable certificate, the proxy in
 *                      the environment is invalid, or options contradict each other;
 *                      wx_options_message gives the reason
 *   WX_E_NULL_POINTER  client is NULL
 *   WX_E_INTERNAL      the process has no file descriptor left
 * Ownership: the caller owns the client; free it with wx_client_free.
 * Threads: may be called from any thread. No other thread may use options at the same time.
 */
int32_t wx_client_new(wx_options *options, wx_client **client);

/**
 * Creates a handle that shares the connections and tokens of another client but is cancelled
 * separately.
 *
 * Options that are set replace the client's timeout_ms, connect_timeout_ms, max_retries, lang or
 * account; all other settings are shared. A derived handle is cheap: create one for each call that
 * must be cancellable on its own.
 *
 * Parameters:
 *   client   from wx_client_new or wx_client_derive
 *   options  from wx_options_new, or NULL to change nothing. They are copied
 *   derived  receives the handle, or NULL on failure
 * Returns:
 *   WX_OK              the handle was created
 *   WX_E_BAD_OPTION    an option was set that a derived handle cannot change, because it belongs
 *                      to the shared connections; wx_options_message names it
 *   WX_E_NULL_POINTER  client or derived is NULL
 *   WX_E_INTERNAL      the process has no file descriptor left
 * Ownership: the caller owns the handle; free it with wx_client_free, before or after the client
 *   it was derived from.
 * Threads: may be called from any thread. No other thread may use options at the same time.
 */
int32_t wx_client_derive(const wx_client *client, wx_options *options, wx_client **derived);

/**
 * Stores the component_verify_ticket of a third-party platform, which WeChat pushes to the
 * platform every 10 minutes.
 *
 * The ticket is written to the store that the option store names; the first call that needs the
 * store opens it. The call returns within timeout_ms, and within 100 ms after the handle is
 * cancelled.
 *
 *     if (wx_client_set_ticket(client, ticket, &result) != WX_OK)
 *         fprintf(stderr, "%s\n", wx_result_message(result));
 *     wx_result_free(result);
 *
 * Parameters:
 *   client  created with the options component_appid and component_appsecret, or derived from
 *           such a client
 *   ticket  the ticket as WeChat pushed it, 1 to 4096 bytes
 *   result  receives the result, in success and in failure
 * Returns:
 *   WX_OK                the ticket is stored
 *   WX_E_BAD_VALUE       the client has no component_appid, or the ticket is empty, too long or
 *                        contains control characters
 *   WX_E_STORE           the store cannot be used: it cannot be reached, refuses access, or is
 *                        damaged
 *   WX_E_TIMEOUT_UNSENT  the store did not answer in time, or another process kept it locked
 *   WX_E_CANCELLED       the handle was cancelled
 *   WX_E_FORKED          the client was created before a fork, and this is the child process
 *   WX_E_NULL_POINTER    an argument is NULL; if it is result, no result is returned
 *   WX_E_NOT_UTF8        the ticket is not UTF-8
 *   WX_E_INTERNAL        the process has no thread or file descriptor left
 * After WX_E_TIMEOUT_UNSENT or WX_E_CANCELLED the ticket may have been stored or not; it is safe
 * to call again.
 * Ownership: the caller owns the result; free it with wx_result_free.
 * Threads: may be called from several threads at the same time, also on the same client.
 */
int32_t wx_client_set_ticket(const wx_client *client, const char *ticket, wx_result **result);

/**
 * Stores the refresh token of an Official Account that authorised the third-party platform.
 *
 * From then on, calls for that account (option account) need no access token: the client fetches
 * and refreshes it.
 *
 * Parameters:
 *   client         created with the options component_appid and component_appsecret, or derived
 *                  from such a client
 *   appid          the Official Account's appid, 1 to 256 bytes
 *   refresh_token  the account's authorizer_refresh_token, 1 to 4096 bytes
 *   result         receives the result, in success and in failure
 * Returns: as wx_client_set_ticket, for the refresh token instead of the ticket.
 * Ownership: the caller owns the result; free it with wx_result_free.
 * Threads: may be called from several threads at the same time, also on the same client.
 */
int32_t wx_client_add_account(const wx_client *client,
                              const char *appid,
                              const char *refresh_token,
                              wx_result **result);

/**
 * Returns what a client has done since it was created, in numbers.
 *
 * Makes no request and does not wait. Handles that share connections share the numbers.
 *
 * The library makes the result's JSON (wx_result_json):
 *     {"errcode":0,"errmsg":"ok","since":1413192760,"endpoints":{"get":{"calls":3,
 *      "outcomes":{"OK":2,"TIMEOUT":1},"retries":1,"delivery_unknown":1,"latency":{
 *      "sum_us":10092300,"max_us":10000400,"buckets":[{"below_us":40960,"calls":1},
 *      {"below_us":53248,"calls":1},{"below_us":10485760,"calls":1}]}}},"in_doubt":0,
 *      "tokens_fetched":0,"connections":{"opened":1,"reused":3,"idle":1}}
 *   since             when the client was created, in seconds since 1970
 *   endpoints         the endpoints that were called, by their names in wx_result_trace. A call
 *                     includes the fetch of its token, its retries and their pauses. Calls with
 *                     an invalid argument are not counted
 *   outcomes          how many calls ended with each status
 *   retries           the attempts of calls after their first ones, at the same or another host
 *   delivery_unknown  the calls whose request was sent and not answered by WeChat
 *   latency           how long the calls took, in microseconds. A bucket has the calls that took
 *                     less than below_us, and not less than below_us of the bucket before it. The
 *                     limits of a bucket differ by at most an eighth. Empty buckets are left out
 *   in_doubt          the calls of wx_ensure_linked that ended in doubt
 *   tokens_fetched    the access tokens that the client fetched from its token source
 *   opened            the connections that were opened
 *   reused            the attempts that used a connection of an earlier one
 *   idle              the connections that are open now and not in use
 *
 * Parameters:
 *   client  from wx_client_new or wx_client_derive
 *   result  receives the result, in success and in failure
 * Returns:
 *   WX_OK              the numbers are in the result
 *   WX_E_FORKED        the client was created before a fork, and this is the child process
 *   WX_E_NULL_POINTER  an argument is NULL; if it is result, no result is returned
 *   WX_E_INTERNAL      a defect in the library
 * Ownership: the caller owns the result; free it with wx_result_free.
 * Threads: may be called from any thread, also while calls run on the handle.
 */
int32_t wx_client_stats(const wx_client *client, wx_result **result);

/**
 * Cancels a handle: all calls that run on it, and all later ones, return WX_E_CANCELLED.
 *
 * A running call returns within 100 ms. Other handles that share the connections are not affected.
 * To cancel a single call, run it on a handle of its own (wx_client_derive). In a process that was
 * forked after the handle was created, this does nothing.
 *
 * Parameters:
 *   client  from wx_client_new or wx_client_derive; NULL does nothing
 * Threads: may be called from any thread, also while calls run on the handle.
 */
void wx_client_cancel(const wx_client *client);

/**
 * Frees a handle. The last handle that shares connections closes them. Results stay valid.
 *
 * Parameters:
 *   client  from wx_client_new or wx_client_derive; NULL does nothing
 * Threads: no other thread may use the handle during the call or afterwards. A call that still
 *   runs on it must end first: cancel it with wx_client_cancel.
 */
void wx_client_free(wx_client *client);

/**
 * Accepts a push of WeChat's to the third-party platform: verifies and decrypts it, and stores
 * what it contains.
 *
 * Pass the request that WeChat made to the platform's authorisation event URL, unchanged. If the
 * function returns WX_OK, answer with HTTP status 200 and the body success, and nothing else. A
 * ticket is stored by then, and so is an authorisation code, which is also exchanged for the
 * account's tokens if there is time; otherwise the next call for the account does it. Repeated and
 * unknown events are accepted and change nothing. The call returns within timeout_ms, and within
 * 4 s: WeChat waits for 5 s.
 *
 *     status = wx_client_accept_push(client, query, body, body_len, &result);
 *     not_wechat = status == WX_E_BAD_PUSH || status == WX_E_NOT_UTF8;
 *     http_status = status == WX_OK ? 200 : not_wechat ? 403 : 503;
 *     answer = status == WX_OK ? "success" : "";
 *     wx_result_free(result);
 *
 * The library makes the result's JSON (wx_result_json):
 *     {"errcode":0,"errmsg":"ok","event":"authorized","account":"wx0a00000000000001",
 *      "create_time":1413192760,"action":"account_added","reason":"","fields":null}
 *   event        the push's InfoType; empty if it has none, such as a follower's message
 *   account      the appid of the account that it is about, or null
 *   create_time  when WeChat made the event, in seconds since 1970; 0 if it is not in the push
 *   action       what was done:
 *                  ticket_stored    the ticket was stored
 *                  account_added    the account's tokens were stored
 *                  code_stored      the authorisation code was stored, but could not be exchanged
 *                                   yet
 *                  code_refused     WeChat refused the code: the account has to authorise the
 *                                   platform again
 *                  account_removed  the account's tokens were removed
 *                  repeated         nothing: the push repeats an earlier one
 *                  outdated         nothing: a later event of the account is known
 *                  unhandled        nothing: the event is the caller's to handle
 *   reason       why the code was not exchanged, or empty
 *   fields       if unhandled: the decrypted fields, otherwise null. Tickets and codes are left out
 *
 * Parameters:
 *   client    created with the options component_appid, component_appsecret, push_token and
 *             push_aes_key, or derived from such a client
 *   query     the query string of the request, as it was received: do not decode it
 *   body      the body of the request, as it was received
 *   body_len  the length of body in bytes, at most 262144
 *   result    receives the result, in success and in failure
 * Returns:
 *   WX_OK                the push is accepted: answer success
 *   WX_E_BAD_PUSH        it is not a push of WeChat's to this platform: answer with HTTP 403
 *   WX_E_STORE           the store could not keep it in time: answer with HTTP 503, so that WeChat
 *                        sends it again
 *   WX_E_BAD_VALUE       an option for pushes is missing, or body_len is larger than any
 *                        object; the message gives the reason
 *   WX_E_CANCELLED       the handle was cancelled before the push was stored
 *   WX_E_FORKED          the client was created before a fork, and this is the child process
 *   WX_E_NULL_POINTER    an argument is NULL; if it is result, no result is returned
 *   WX_E_NOT_UTF8        query is not UTF-8, so that it is not WeChat's: answer with HTTP 403
 *   WX_E_INTERNAL        the process has no thread or file descriptor left
 * Ownership: the caller owns the result; free it with wx_result_free.
 * Threads: may be called from several threads at the same time, also on the same client.
 */
int32_t wx_client_accept_push(const wx_client *client,
                              const char *query,
                              const char *body,
                              size_t body_len,
                              wx_result **result);

/**
 * Makes the URLs of the pages on which an Official Account's administrator authorises the
 * third-party platform.
 *
 * Call it when the administrator clicks, not when a page is shown: the URLs contain a code that is
 * valid once and for a short time. WeChat opens its page only from a link on the domain that is
 * registered for the platform. Afterwards it redirects to redirect_uri with the parameter
 * auth_code: pass it to wx_client_accept_authorization.
 *
 * The library makes the result's JSON (wx_result_json):
 *     {"errcode":0,"errmsg":"ok","computer_url":"https://...","phone_url":"https://...",
 *      "expires_in":1800}
 *   computer_url  the page for a computer, which shows a QR code. It contains a secret code
 *   phone_url     the page for a phone, to be opened inside WeChat. It contains a secret code
 *   expires_in    how long the pages can be opened, in seconds
 *
 * Parameters:
 *   client        created with the options component_appid and component_appsecret, or derived
 *                 from such a client
 *   redirect_uri  a whole URL without blanks, 1 to 2048 bytes: https://HOST/PATH
 *   account       the appid of the account to authorise, or NULL for any Official Account
 *   result        receives the result, in success and in failure
 * Returns:
 *   WX_OK           the URLs are in the result
 *   WX_E_API        WeChat refused; wx_result_class and wx_result_message give the next step
 *   WX_E_NO_TOKEN   the platform has no access token: there is no ticket, or the store cannot be
 *                   used
 *   WX_E_BAD_VALUE  redirect_uri is not a whole URL, or the client has no component_appid
 *   otherwise as wx_get_linked
 * Ownership: the caller owns the result; free it with wx_result_free.
 * Threads: may be called from several threads at the same time, also on the same client.
 */
int32_t wx_client_authorization_url(const wx_client *client,
                                    const char *redirect_uri,
                                    const char *account,
                                    wx_result **result);

/**
 * Exchanges the authorisation code of a redirect for the account's tokens and stores them.
 *
 * The same code may be passed again, and may be that of a push: it is exchanged once, and
 * remembered for an hour. It is stored before anything else, so that wxlink serve with the same
 * store exchanges it later if this call cannot.
 *
 * The library makes the result's JSON (wx_result_json):
 *     {"errcode":0,"errmsg":"ok","account":"wx0a00000000000001","permission_sets":[1,33],
 *      "may_link":true}
 *   account          the appid of the account that authorised the platform
 *   permission_sets  the numbers of the permission sets that it granted, or null if not known
 *   may_link         whether set 33 is among them, which linking needs, or null if not known
 *
 * Parameters:
 *   client  created with the options component_appid and component_appsecret, or derived from such
 *           a client
 *   code    the parameter auth_code of the redirect, decoded, 1 to 1024 bytes
 *   result  receives the result, in success and in failure
 * Returns:
 *   WX_OK           the account's tokens are stored
 *   WX_E_API        WeChat refused. After the errcodes 61009 and 61010 the account has to authorise
 *                   the platform again
 *   WX_E_STORE      the store could not keep the code in time
 *   WX_E_NO_TOKEN   the platform has no access token: there is no ticket, or the store cannot be
 *                   used
 *   WX_E_BAD_VALUE  the code is empty or too long, or the client has no component_appid
 *   otherwise as wx_get_linked. After a failure without an answer from WeChat, call again with the
 *   same code.
 * Ownership: the caller owns the result; free it with wx_result_free.
 * Threads: may be called from several threads at the same time, also on the same client.
 */
int32_t wx_client_accept_authorization(const wx_client *client,
                                       const char *code,
                                       wx_result **result);

/**
 * Describes an account that has authorised the third-party platform.
 *
 * The library makes the result's JSON (wx_result_json):
 *     {"errcode":0,"errmsg":"ok","account":"wx0a00000000000001","name":"...",
 *      "gh_id":"gh_000000000001","subject":"...","kind":"official_account","service_type":2,
 *      "status":"normal","permission_sets":[1,33],"may_link":true}
 *   name             the account's name
 *   gh_id            its original id
 *   subject          the registered person or organisation. Individuals all have the same
 *   kind             official_account or mini_program
 *   service_type     WeChat's number for the kind of account, or null
 *   status           normal, closed, banned, warned, frozen or unknown
 *   permission_sets, may_link
 *                    as wx_client_accept_authorization
 *
 * Parameters:
 *   client   created with the options component_appid and component_appsecret, or derived from
 *            such a client
 *   account  the account's appid, 1 to 256 bytes
 *   result   receives the result, in success and in failure
 * Returns: as wx_client_authorization_url, for the account instead of redirect_uri.
 * Ownership: the caller owns the result; free it with wx_result_free.
 * Threads: may be called from several threads at the same time, also on the same client.
 */
int32_t wx_client_account_info(const wx_client *client, const char *account, wx_result **result);

/**
 * Invites a mini program to be linked to an Official Account (WeChat's linkMiniprogram).
 *
 * Success means that WeChat has sent the invitation. The Official Account's administrator has to
 * agree first, in a template message, then the mini program's administrator. WeChat reports their
 * answers only in the list (wx_get_linked).
 *
 * The request is not retried once any byte of it has been sent (see Retries, above). Most programs
 * should use wx_ensure_linked, which calls that share a store can repeat safely after any failure.
 *
 *     wx_result *result = NULL;
 *     int32_t status = wx_link_miniprogram(client, token, "wx0b00000000000001", 0, 1, &result);
 *     if (status != WX_OK)
 *         fprintf(stderr, "%s\n", wx_result_message(result));
 *     wx_result_free(result);
 *
 * Parameters:
 *   client        from wx_client_new or wx_client_derive
 *   access_token  the Official Account's access token (authorizer_access_token), 1 to 4096
 *                 bytes. NULL or empty: the client uses its token source (see wx_options_set)
 *   appid         the mini program's appid, 1 to 256 bytes
 *   notify_users  1: WeChat messages every follower of the account; 0: it does not
 *   show_profile  1: the mini program is shown on the account's page; 0: it is not
 *   result        receives the result, in success and in failure
 * Returns:
 *   WX_OK                 WeChat has sent the invitation
 *   WX_E_API              WeChat answered another errcode: 89010 and 89035 mean that an
 *                         invitation is already pending, 89015 that the mini program is already
 *                         linked. All others are refusals; see wx_result_class
 *   WX_E_NULL_POINTER     an argument is NULL. If it is result itself, the call returns no result
 *   WX_E_NOT_UTF8         a text is not UTF-8
 *   WX_E_BAD_VALUE        a text is empty, too long or contains control characters, or a flag is
 *                         neither 0 nor 1
 *   WX_E_RESOLVE          the host's name could not be resolved; nothing was sent
 *   WX_E_CONNECT          no connection to the host; nothing was sent
 *   WX_E_TLS              the TLS handshake failed; nothing was sent
 *   WX_E_PROXY            the proxy did not connect to the host; nothing was sent
 *   WX_E_NO_TOKEN         the token source has no valid token for the account; WeChat did nothing
 *   WX_E_TIMEOUT_UNSENT   timeout_ms passed before anything was sent
 *   WX_E_TIMEOUT          timeout_ms passed after the request was sent. WeChat may have acted on
 *                         it: read the list before you link again
 *   WX_E_CONNECTION_LOST  the connection broke after the request was sent: as WX_E_TIMEOUT
 *   WX_E_BAD_ANSWER       the response is not one of WeChat's: as WX_E_TIMEOUT
 *   WX_E_TOO_LARGE        the response exceeds max_response_bytes: as WX_E_TIMEOUT
 *   WX_E_CANCELLED        the handle was cancelled; wx_result_delivery shows whether the request
 *                         may have been sent
 *   WX_E_FORKED           the client was created before a fork, and this is the child process
 *   WX_E_INTERNAL         a fault in the library, or the process has no thread or file descriptor
 *                         left
 * Ownership: the caller owns the result; free it with wx_result_free.
 * Threads: may be called from several threads at the same time, also on the same client.
 */
int32_t wx_link_miniprogram(const wx_client *client,
                            const char *access_token,
                            const char *appid,
                            int32_t notify_users,
                            int32_t show_profile,
                            wx_result **result);

/**
 * Lists the mini programs that are linked to an Official Account, and the pending and refused
 * invitations (WeChat's getLinkMiniprogram).
 *
 * The status of an item is 1 if it is linked, 2 if it waits for the mini program's administrator,
 * 12 if it waits for the Official Account's administrator, and 3 if the mini program's
 * administrator refused; a refused item has no appid. Every field of an item is optional. Reading
 * changes nothing, so the request is retried if the connection breaks.
 *
 *     size_t i;
 *     wx_result *result = NULL;
 *     int32_t status = wx_get_linked(client, token, &result);
 *     for (i = 0; i < wx_list_length(result); i++)
 *         puts(wx_list_text(result, i, "appid"));
 *     wx_result_free(result);
 *
 * Parameters:
 *   client        from wx_client_new or wx_client_derive
 *   access_token  the Official Account's access token (authorizer_access_token), 1 to 4096
 *                 bytes. NULL or empty: the client uses its token source (see wx_options_set)
 *   result        receives the result, in success and in failure
 * Returns: WX_OK if WeChat returned a valid list, see wx_list_length. WX_E_BAD_ANSWER if it is
 *   damaged or malformed: the message names the place. Otherwise as wx_link_miniprogram. It is
 *   safe to call again after any failure.
 * Ownership: the caller owns the result; free it with wx_result_free.
 * Threads: may be called from several threads at the same time, also on the same client.
 */
int32_t wx_get_linked(const wx_client *client, const char *access_token, wx_result **result);

/**
 * Requests that a mini program be unlinked from an Official Account (WeChat's
 * unlinkMiniprogram).
 *
 * Success means that WeChat has asked the Official Account's administrator. The mini program
 * stays in the list until they agree. The request is not retried once any byte of it has been sent
 * (see Retries, above).
 *
 *     status = wx_unlink_miniprogram(client, token, "wx0b00000000000001", &result);
 *     if (status == WX_E_API && wx_result_errcode(result) == 89018)
 *         puts("already requested, waiting for the administrator");
 *     wx_result_free(result);
 *
 * Parameters:
 *   client        from wx_client_new or wx_client_derive
 *   access_token  the Official Account's access token (authorizer_access_token), 1 to 4096
 *                 bytes. NULL or empty: the client uses its token source (see wx_options_set)
 *   appid         the mini program's appid, 1 to 256 bytes
 *   result        receives the result, in success and in failure
 * Returns: WX_OK if WeChat has asked the administrator, otherwise as wx_link_miniprogram. With
 *   WX_E_API, the errcode 89018 means that the administrator was already asked. If the outcome is
 *   unknown, the list does not show whether they were asked, only whether they agreed.
 * Ownership: the caller owns the result; free it with wx_result_free.
 * Threads: may be called from several threads at the same time, also on the same client.
 */
int32_t wx_unlink_miniprogram(const wx_client *client,
                              const char *access_token,
                              const char *appid,
                              wx_result **result);

/**
 * Makes sure that a mini program is linked to an Official Account, or at least invited.
 *
 * This is the function most programs want. It reads the list, posts an invitation only if the mini
 * program is not in it, and can then wait for the administrators. Calls that share a store (option
 * store; the default is this process's memory) can repeat it safely: after a failure, while an
 * invitation is pending, and when the mini program is already linked.
 *
 * One call posts at most once. For settle_ms after a post, no call that shares the store (option
 * store) posts another invitation for the same mini program and the same account or token, because
 * the first may take effect late. With the option account, invitations are remembered for 90 days:
 * one that WeChat accepted and that is no longer in the list is not repeated unless the option
 * reinvite is set. If the list shows that the administrator refused, the function does not post;
 * to invite again, use wx_link_miniprogram.
 *
 *     status = wx_ensure_linked(client, token, "wx0b00000000000001", 0, 1, 60000, &result);
 *     if (status == WX_E_PENDING)
 *         puts(wx_result_message(result));
 *     wx_result_free(result);
 *
 * The library makes the result's JSON (wx_result_json):
 *     {"errcode":0,"errmsg":"ok","state":"linked","waits_for":"","item":{...},
 *      "found":"absent","posts":1,"retry_after_ms":0}
 *   state      linked, pending, declined, vanished, in_doubt or unknown
 *   waits_for  who has to act: official_account, mini_program, or empty
 *   item       the mini program's item in the list, or null
 *   found      what the first read of the list showed: absent, or a state
 *   posts      how many times a link was posted that WeChat may have received
 *   retry_after_ms
 *              if in_doubt: how long an earlier invitation may still take effect
 *
 * Parameters:
 *   client        from wx_client_new or wx_client_derive
 *   access_token  the Official Account's access token (authorizer_access_token), 1 to 4096
 *                 bytes. NULL or empty: the client uses its token source (see wx_options_set)
 *   appid         the mini program's appid, 1 to 256 bytes
 *   notify_users  1: WeChat messages every follower of the account; 0: it does not
 *   show_profile  1: the mini program is shown on the account's page; 0: it is not
 *   wait_ms       how long to wait for the administrators, in milliseconds; 0: do not wait. The
 *                 call returns within timeout_ms + wait_ms
 *   result        receives the result, in success and in failure
 * Returns:
 *   WX_OK                 the mini program is linked
 *   WX_E_PENDING          an invitation is pending; an administrator has to act
 *   WX_E_DECLINED         the mini program's administrator refused
 *   WX_E_VANISHED         the mini program was in the list, or was invited earlier, and is not
 *                         there any more
 *   WX_E_IN_DOUBT         an earlier invitation may still take effect, so nothing was posted: call
 *                         again after retry_after_ms
 *   WX_E_STORE            the store of link claims cannot be used, so nothing was posted
 *   WX_E_CANCELLED        the handle was cancelled; the message lists what had been done by then
 *   otherwise as wx_link_miniprogram. If WeChat refused the access token (class token), call
 *   again with a new one: nothing is done twice.
 * Ownership: the caller owns the result; free it with wx_result_free.
 * Threads: may be called from several threads at the same time, also on the same client.
 */
int32_t wx_ensure_linked(const wx_client *client,
                         const char *access_token,
                         const char *appid,
                         int32_t notify_users,
                         int32_t show_profile,
                         uint32_t wait_ms,
                         wx_result **result);

/**
 * Waits until a mini program is linked or its administrator has refused. Posts nothing.
 *
 * The function reads the list repeatedly, with pauses that grow from 2 s to 30 s (shorter if the
 * wait is short). A read that fails does not end the wait, unless reading again would fail in the
 * same way: WeChat answers with an errcode of the class token (call again with a new token),
 * action_required or invalid_request, an argument is invalid, the handle is cancelled or forked,
 * or the library failed internally.
 *
 *     status = wx_wait_linked(client, token, "gh_000000000001", 600000, &result);
 *     printf("%s\n", wx_result_json(result, NULL));
 *     wx_result_free(result);
 *
 * The result's JSON has the form that wx_ensure_linked describes.
 *
 * Parameters:
 *   client            from wx_client_new or wx_client_derive
 *   access_token      the Official Account's access token (authorizer_access_token), 1 to 4096
 *                     bytes. NULL or empty: the client uses its token source (see
 *                     wx_options_set)
 *   appid_or_gh_id    the mini program's appid or original id (gh_...), 1 to 256 bytes. Prefer
 *                     the original id: a refused item has no appid, so that an earlier refusal
 *                     looks like WX_E_VANISHED if only the appid is known
 *   wait_ms           how long to wait, in milliseconds; 0: read the list once. The call returns
 *                     within timeout_ms + wait_ms
 *   result            receives the result, in success and in failure
 * Returns: as wx_ensure_linked. WX_E_VANISHED also means that the mini program was never in the
 *   list.
 * Ownership: the caller owns the result; free it with wx_result_free.
 * Threads: may be called from several threads at the same time, also on the same client.
 */
int32_t wx_wait_linked(const wx_client *client,
                       const char *access_token,
                       const char *appid_or_gh_id,
                       uint32_t wait_ms,
                       wx_result **result);

/**
 * The result as JSON.
 *
 * If WeChat answered, this is the body of its response, byte for byte. WeChat sends lists with
 * texts that JSON parsers reject, and even NULs; wx_list_json is valid JSON. If WeChat did not
 * answer, the library makes the JSON:
 * {"errcode":...,"errmsg":...}, with the status as errcode. The results of wx_ensure_linked,
 * wx_wait_linked and the functions for the accounts of a platform have the JSON that their
 * functions describe.
 *
 * Parameters:
 *   result  from a call; NULL gives an empty text
 *   len     receives the length in bytes without the NUL; may be NULL
 * Returns a text.
 * Ownership: the result owns the text. It is valid until the result is freed.
 * Threads: may be called from any thread.
 */
const char *wx_result_json(const wx_result *result, size_t *len);

/**
 * WeChat's errcode; 0 means success.
 *
 * Parameters:
 *   result  from a call; NULL gives WX_E_NULL_POINTER
 * Returns WeChat's errcode if WeChat answered, otherwise the call's status, so that it is 0 only
 *   if the call succeeded. WeChat has an errcode -1 too, so check the status first: the errcode is
 *   WeChat's if the status is WX_OK or WX_E_API.
 * Threads: may be called from any thread.
 */
int32_t wx_result_errcode(const wx_result *result);

/**
 * What to do next about WeChat's errcode.
 *
 *     puts(wx_class_text(wx_result_class(result), NULL, NULL));
 *
 * Parameters:
 *   result  from a call; NULL gives WX_CLASS_UNKNOWN
 * Returns WX_CLASS_OK, WX_CLASS_PENDING and so on, or WX_CLASS_UNKNOWN (0) if WeChat did not
 *   answer, or answered with an errcode that is not in the table. Later versions may add classes.
 * Threads: may be called from any thread.
 */
int32_t wx_result_class(const wx_result *result);

/**
 * The HTTP status of the last response. It is 200 also if WeChat refuses a request.
 *
 * Parameters:
 *   result  from a call; NULL gives 0
 * Returns 100 to 599, or 0 if there was no response.
 * Threads: may be called from any thread.
 */
int32_t wx_result_http_status(const wx_result *result);

/**
 * Whether WeChat may have received the request.
 *
 * Parameters:
 *   result  from a call; NULL gives WX_DELIVERY_NEVER_SENT
 * Returns WX_DELIVERY_NEVER_SENT, WX_DELIVERY_UNKNOWN or WX_DELIVERY_ANSWERED.
 * Threads: may be called from any thread.
 */
int32_t wx_result_delivery(const wx_result *result);

/**
 * What happened and what to do about it, for people, in the language of the client.
 *
 * Parameters:
 *   result  from a call; NULL gives an empty text
 * Returns a text; empty after a success. It contains no secret.
 * Ownership: the result owns the text. It is valid until the result is freed.
 * Threads: may be called from any thread.
 */
const char *wx_result_message(const wx_result *result);

/**
 * WeChat's id of the request (rid), which its support and its rid query ask for.
 *
 * Parameters:
 *   result  from a call; NULL gives an empty text
 * Returns a text; empty if WeChat returned no rid.
 * Ownership: the result owns the text. It is valid until the result is freed.
 * Threads: may be called from any thread.
 */
const char *wx_result_rid(const wx_result *result);

/**
 * The attempts of the call, as JSON for logs and support.
 *
 *     {"endpoint":"link","delivery":"answered","attempts":[{"host":"api.weixin.qq.com",
 *      "phase":"done","ms":41,"outcome":"OK","http_status":200,"reused":false}]}
 *
 * phase is the last one that the attempt reached: resolve, connect, proxy, tls, send, wait,
 * receive, done. "repaired":true is added if the body was almost JSON and was read with
 * replacements: control characters, bytes that are not UTF-8, halves of surrogate pairs, or NULs
 * after its end.
 *
 * Parameters:
 *   result  from a call; NULL gives an empty text
 * Returns a text. It contains no secret.
 * Ownership: the result owns the text. It is valid until the result is freed.
 * Threads: may be called from any thread.
 */
const char *wx_result_trace(const wx_result *result);

/**
 * Copies one value out of the result's JSON, so that you need no JSON parser. For the items of a
 * list, use wx_list_text and its siblings.
 *
 * Parameters:
 *   result   from a call
 *   pointer  a JSON pointer (RFC 6901) such as "/wxopens/items/0/appid"; "" is the whole JSON
 *   buf      receives the value and a NUL: the text of a string, otherwise the value's JSON. NULL
 *            with cap 0 only returns the length. A string that contains a NUL is copied whole
 *   cap      the size of buf in bytes
 * Returns the value's length in bytes without the NUL (0 or more), or:
 *   WX_E_NOT_FOUND     there is no value at the pointer; every field of a list may be missing
 *   WX_E_BUFFER        the value does not fit; buf contains an empty text
 *   WX_E_BAD_VALUE     pointer is not a JSON pointer
 *   WX_E_NULL_POINTER  result or pointer is NULL, or buf is NULL and cap is not 0
 *   WX_E_NOT_UTF8      pointer is not UTF-8
 * Threads: may be called from any thread.
 */
int32_t wx_result_get(const wx_result *result, const char *pointer, char *buf, size_t cap);

/**
 * Frees a result and the texts obtained from it.
 *
 * Parameters:
 *   result  from a call; NULL does nothing
 * Threads: no other thread may use the result during the call or afterwards.
 */
void wx_result_free(wx_result *result);

/**
 * The number of items in the list that a call returned.
 *
 * wx_get_linked returns WX_OK only for a list that these functions can read: every item is an
 * object, its appid and username are undamaged texts and its status is a whole number, if they are
 * there. The result of wx_ensure_linked or wx_wait_linked is a list of one item, or of none if
 * WeChat's list did not show the mini program. All other results are lists without items.
 *
 * WeChat sends names that are cut within a character or contain control characters. Such a text is
 * returned with U+FFFD in place of what cannot be read.
 *
 *     size_t i;
 *     for (i = 0; i < wx_list_length(result); i++)
 *         if (wx_list_number(result, i, "status", 0) == WX_LINK_LINKED)
 *             printf("%s %s\n", wx_list_text(result, i, "appid"),
 *                    wx_list_text(result, i, "nickname"));
 *
 * Parameters:
 *   result  from a call; NULL gives 0
 * Returns the number of items.
 * Threads: may be called from any thread.
 */
size_t wx_list_length(const wx_result *result);

/**
 * A field of a list's item, as text.
 *
 * Parameters:
 *   result  from a call
 *   index   which item, from 0
 *   field   WeChat's name of a field, such as "appid", or a path of names and array indexes, such
 *           as "func_infos/0/name". In a path, ~1 stands for a / within a name, and ~0 for ~.
 *           func_infos also finds what WeChat calls func_info or func_News. "" is the whole item
 * Returns the text of a string, otherwise the value's JSON, such as the digits of a number; an
 *   empty text if the field is missing or null, if there is no such item, or if an argument is
 *   NULL. A NUL in a string is returned as U+FFFD.
 * Ownership: the result owns the text. It is valid until the result is freed.
 * Threads: may be called from any thread.
 */
const char *wx_list_text(const wx_result *result, size_t index, const char *field);

/**
 * A field of a list's item, as a number.
 *
 * Parameters:
 *   result      from a call
 *   index       which item, from 0
 *   field       as for wx_list_text
 *   if_missing  what to return if there is no number
 * Returns the number, also if WeChat sends its digits in a string. if_missing if the field is
 *   missing, null, not a whole number, or outside of the range of int32_t (wx_list_text returns
 *   its digits), if there is no such item, or if result or field is NULL.
 * Threads: may be called from any thread.
 */
int32_t wx_list_number(const wx_result *result,
                       size_t index,
                       const char *field,
                       int32_t if_missing);

/**
 * Whether a list's item has a field.
 *
 * Parameters:
 *   result  from a call
 *   index   which item, from 0
 *   field   as for wx_list_text
 * Returns 1 if the field has a value other than null; 0 if it is missing or null, if there is no
 *   such item, or if result or field is NULL.
 * Threads: may be called from any thread.
 */
int32_t wx_list_has(const wx_result *result, size_t index, const char *field);

/**
 * The number of entries in an array of a list's item, such as func_infos.
 *
 *     size_t i;
 *     char path[64];
 *     for (i = 0; i < wx_list_size(result, 0, "func_infos"); i++) {
 *         sprintf(path, "func_infos/%lu/name", (unsigned long)i);
 *         puts(wx_list_text(result, 0, path));
 *     }
 *
 * Parameters:
 *   result  from a call
 *   index   which item, from 0
 *   field   as for wx_list_text
 * Returns the number of entries; 0 if the field is missing or not an array, if there is no such
 *   item, or if result or field is NULL.
 * Threads: may be called from any thread.
 */
size_t wx_list_size(const wx_result *result, size_t index, const char *field);

/**
 * The items of the list as a JSON array that every JSON parser accepts. The body that
 * wx_result_json returns may be damaged; here, what cannot be read is replaced by U+FFFD.
 *
 * Parameters:
 *   result  from a call; NULL gives "[]"
 *   len     receives the length in bytes without the NUL; may be NULL
 * Returns the array; "[]" if there are no items.
 * Ownership: the result owns the text. It is valid until the result is freed.
 * Threads: may be called from any thread.
 */
const char *wx_list_json(const wx_result *result, size_t *len);

/**
 * All that is known about WeChat's errcodes, as a JSON array.
 *
 *     [{"errcode":89010,"endpoint":"","name":"LINK_MESSAGE_SENT","class":"pending",
 *       "errmsg":"link message has sent","official":true,
 *       "meaning":{"en":"...","zh":"..."},"remedy":{"en":"...","zh":"..."}}, ...]
 *
 * endpoint is that of wx_errcode_text, or empty for a row that holds for every endpoint without a
 * row of its own. class is the name that wx_class_text gives.
 *
 * Returns a static text.
 * Threads: may be called from any thread.
 */
const char *wx_catalogue_json(void);

/**
 * One field of what is known about an errcode.
 *
 *     puts(wx_errcode_text("link", 89010, "remedy", "en"));
 *
 * Parameters:
 *   endpoint  the endpoint that answered: link, get or unlink, or for a platform component_token,
 *             authorizer_token, authorizer_list, create_preauthcode, query_auth or
 *             authorizer_info, or rid for rid/get; NULL for none in particular
 *   errcode   what WeChat answered
 *   field     name, class (its name), meaning, remedy or errmsg (as WeChat sends it)
 *   lang      en or zh, for meaning and remedy; NULL for en
 * Returns a static text; empty if the errcode is unknown, or an argument is not one of these.
 * Threads: may be called from any thread.
 */
const char *wx_errcode_text(const char *endpoint,
                            int32_t errcode,
                            const char *field,
                            const char *lang);

/**
 * The name of a class, or what to do next.
 *
 *     puts(wx_class_text(WX_CLASS_ACTION_REQUIRED, NULL, NULL));      action_required
 *     puts(wx_class_text(WX_CLASS_ACTION_REQUIRED, "advice", "en"));
 *
 * Parameters:
 *   class_  WX_CLASS_..., from wx_result_class
 *   field   name (such as action_required, in every language), or advice (one sentence); NULL for
 *           name
 *   lang    en or zh, for advice; NULL for en
 * Returns a static text; empty for WX_CLASS_UNKNOWN or an unknown number, or if an argument is not
 * one of these.
 * Threads: may be called from any thread.
 */
const char *wx_class_text(int32_t class_, const char *field, const char *lang);

/**
 * Makes one call from start to finish, for languages that cannot hold handles (COBOL, PL/SQL).
 * All buffers belong to the caller and have explicit lengths; nothing is kept between calls. For
 * Visual Basic and other languages on Windows see wx_stdcall_exec_utf16.
 *
 * Every call opens a new connection. A program that makes many calls should use a client instead.
 *
 *     01 OP      PIC X(4)    VALUE "list".
 *     01 ARGS    PIC X(600).
 *     01 OUT     PIC X(65536).
 *     STRING "access_token=" TOKEN X"0A" "format=lines" DELIMITED BY SIZE INTO ARGS.
 *     CALL "wx_exec" USING BY REFERENCE OP BY VALUE 4 BY REFERENCE ARGS BY VALUE 600
 *         BY REFERENCE OUT BY VALUE 65536 BY REFERENCE OUT-LEN RETURNING STATUS-CODE.
 *
 * Parameters:
 *   op        the call to make: link, list, unlink, ensure or wait; for a third-party platform
 *             push (wx_client_accept_push), url (wx_client_authorization_url), code
 *             (wx_client_accept_authorization) or info (wx_client_account_info), with a file or
 *             Redis store. Trailing spaces are ignored
 *   op_len    the length of op in bytes
 *   args      the arguments: UTF-8 lines KEY=VALUE that end with LF or CRLF. Spaces and NULs
 *             around keys and values are ignored. The keys are
 *               access_token  the Official Account's access token. Required, unless a token source
 *                             is set: token_command, or component_appid with a file or Redis
 *                             store, which holds the ticket and the accounts that another program
 *                             stored with wx_client_set_ticket and wx_client_add_account
 *               appid         the mini program's appid; for wait also its original id. Required
 *                             for all calls but list, push, url and code. For url and info: the
 *                             account's appid
 *               notify_users  0 or 1. Required for link and ensure
 *               show_profile  0 or 1. Required for link and ensure
 *               wait_ms       for ensure and wait: how long to wait, in milliseconds; default 0
 *               query, body_base64
 *                             for push: the query string of WeChat's request, and its body in
 *                             base64. Required
 *               redirect_uri  for url. Required
 *               code          for code: auth_code of the redirect. Required
 *               format        the format of out: json (the default) or lines
 *             and all keys of wx_options_set
 *   args_len  the length of args in bytes
 *   out       receives the result, followed by a NUL if there is room
 *               json   the text that wx_result_json returns, but always valid JSON: what cannot
 *                      be read in WeChat's body is replaced by U+FFFD
 *               lines  the lines status=, errcode=, class=, delivery=, http_status=, rid= and
 *                      message=, then one line for each value in the JSON: its JSON pointer, =,
 *                      and the value. Control characters are replaced by spaces. For example
 *                      /wxopens/items/0/appid=wx0b00000000000001
 *   cap       the size of out in bytes; at least 512 for link, unlink and ensure
 *   out_len   receives the length of the result in bytes without the NUL; after WX_E_BUFFER, the
 *             size that out needs
 * Returns: as the function for the call, such as wx_ensure_linked for ensure, or
 *   WX_E_BUFFER        out is too small. For link, unlink and ensure: cap is less than 512 and
 *                      nothing was sent. For the others: call again with a larger buffer
 *   WX_E_BAD_VALUE     op is unknown, a line is not KEY=VALUE, or an argument is missing or
 *                      invalid
 *   WX_E_BAD_OPTION    a key is unknown, or an option does not take the value
 *   WX_E_NULL_POINTER  out_len is NULL, or another pointer is NULL and its length is not 0
 * After a failure, out contains the message, unless out is NULL or too small. If the result of
 * link, unlink or ensure does not fit into out, out receives a shorter one: the errcode, and for
 * ensure also state, waits_for, posts and retry_after_ms.
 * Ownership: the library keeps none of the buffers.
 * Threads: may be called from several threads at the same time, each with its own buffers.
 */
int32_t wx_exec(const char *op,
                size_t op_len,
                const char *args,
                size_t args_len,
                char *out,
                size_t cap,
                size_t *out_len);

#if defined(_WIN32)
/**
 * wx_exec for languages on Windows that declare the functions of a DLL as stdcall, and whose texts
 * are bytes. Lengths are 32-bit numbers.
 *
 * Parameters:
 *   op        as for wx_exec
 *   op_len    the length of op in bytes
 *   args      as for wx_exec, in UTF-8
 *   args_len  the length of args in bytes
 *   out       as for wx_exec
 *   cap       the size of out in bytes
 *   out_len   as for wx_exec
 * Returns: as wx_exec. Floating-point exceptions need not be masked: they are during the call.
 * Ownership: the library keeps none of the buffers.
 * Threads: may be called from several threads at the same time, each with its own buffers.
 */
int32_t __stdcall wx_stdcall_exec(const char *op,
                                  int32_t op_len,
                                  const char *args,
                                  int32_t args_len,
                                  char *out,
                                  int32_t cap,
                                  int32_t *out_len);
#endif

#if defined(_WIN32)
/**
 * wx_exec for languages on Windows that declare the functions of a DLL as stdcall, and whose texts
 * are UTF-16: Visual Basic, VBA, Delphi (WideString), PowerBuilder since version 10. Lengths are
 * 32-bit numbers and count units of UTF-16, as Len does in these languages.
 *
 *     Answer = String$(65536, vbNullChar)
 *     Status = wx_stdcall_exec_utf16(StrPtr("list"), 4, StrPtr(Arguments), Len(Arguments), _
 *                                    StrPtr(Answer), Len(Answer), Length)
 *     Answer = Left$(Answer, Length)
 *
 * Parameters:
 *   op        as for wx_exec
 *   op_len    the length of op in units
 *   args      as for wx_exec, in UTF-16
 *   args_len  the length of args in units
 *   out       as for wx_exec, in UTF-16
 *   cap       the size of out in units; at least 512 for link, unlink and ensure
 *   out_len   as for wx_exec, in units
 * Returns: as wx_exec, with WX_E_NOT_UTF8 for a text that is not UTF-16. Floating-point exceptions
 *   need not be masked: they are during the call.
 * Ownership: the library keeps none of the buffers.
 * Threads: may be called from several threads at the same time, each with its own buffers.
 */
int32_t __stdcall wx_stdcall_exec_utf16(const uint16_t *op,
                                        int32_t op_len,
                                        const uint16_t *args,
                                        int32_t args_len,
                                        uint16_t *out,
                                        int32_t cap,
                                        int32_t *out_len);
#endif

#ifdef __cplusplus
} /* extern "C" */
#endif /* __cplusplus */

#endif  /* WXLINK_H */
