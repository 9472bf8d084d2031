/*
 * wxlink: links WeChat mini programs to Official Accounts.
 *
 * This header is the manual. It is generated from the library's source; do not edit it.
 *
 * CONVENTIONS, which hold for every function and are not repeated:
 *
 * Texts      are NUL-terminated UTF-8. What you pass is copied; what you get is never NULL, empty
 *            where there is nothing to say.
 * Pointers   may be NULL everywhere: the function then does nothing and says so. Otherwise they
 *            must be what the function asks for.
 * Numbers    Statuses, flags and codes are int32_t; a flag is 0 or 1. Lengths and capacities are
 *            size_t, in bytes. Times are in milliseconds.
 * Returns    A function that can fail returns WX_OK (0) or a negative WX_E_..., grouped by what you
 *            may do next. Numbers are never reused. More may come: treat one you do not know like
 *            its group (-1 to -19 an argument is wrong, -20 to -39 nothing was sent, -40 to -69 the
 *            outcome is unknown).
 * Ownership  What a _new or a call hands you is yours: give it to its _free, once. Do not use
 *            free(). Freeing NULL does nothing.
 * Threads    Each type says how it may be shared. Functions keep nothing for a thread. A thread
 *            that calls needs a stack of 128 KiB (measured: 38 KiB for a call over HTTPS). One that
 *            pthread_cancel cancels meanwhile finishes its call first; asynchronous cancellation
 *            (PTHREAD_CANCEL_ASYNCHRONOUS) is not allowed in any function.
 * Time       A call ends within timeout_ms and 100 ms, name look-up included.
 * Never twice
 *            Linking can message every follower of an account. A link or unlink of which anything
 *            was sent is not posted again by itself; only wx_ensure_linked does so, after two
 *            looks at the list without a trace, and at most max_retries times.
 * Secrets    No token, password or other secret is ever in a text of the library's own making, even
 *            if a server repeats it, also percent-encoded or with escapes of JSON or HTML: a name
 *            such as [access_token] takes its place. It is not recognised in base64 or in pieces.
 * Your host  The library prints nothing, installs no signal handler, raises no SIGPIPE, reads the
 *            environment only where this header says so, and turns its own faults into
 *            WX_E_INTERNAL.
 *            Descriptors 0 to 2 are left to you, even if you have closed them; only the system's
 *            own name look-up, and the reading of certificate files in wx_client_new, may use them
 *            for a moment.
 *            Floating-point exceptions must be masked, as C leaves them (Pascal does not).
 * fork       A client made before a fork answers WX_E_FORKED in the child; make one there. On Linux
 *            that includes _Fork and clone. A child of vfork must not call the library.
 * Language   C89 with stdint.h, up to C23; C++98 up to C++23.
 */

#ifndef WXLINK_H
#define WXLINK_H

#include <stddef.h>
#include <stdint.h>

/**
 * The version of the binary interface this header describes. It only grows: functions are added,
 * never changed.
 */
#define WX_ABI_VERSION 1

/**
 * WeChat said yes.
 */
#define WX_OK 0

/**
 * A pointer that must not be NULL is NULL. (-1 to -19: an argument is wrong, nothing was sent.)
 */
#define WX_E_NULL_POINTER (-1)

/**
 * A text is not UTF-8.
 */
#define WX_E_NOT_UTF8 (-2)

/**
 * An argument is out of its range.
 */
#define WX_E_BAD_VALUE (-3)

/**
 * No such option, or a value it does not take.
 */
#define WX_E_BAD_OPTION (-4)

/**
 * The caller's buffer is too small.
 */
#define WX_E_BUFFER (-5)

/**
 * There is nothing at that place.
 */
#define WX_E_NOT_FOUND (-6)

/**
 * The host's name could not be resolved. (-20 to -39: nothing was sent, calling again is safe.)
 */
#define WX_E_RESOLVE (-20)

/**
 * No connection to the host.
 */
#define WX_E_CONNECT (-21)

/**
 * The TLS handshake failed.
 */
#define WX_E_TLS (-22)

/**
 * The proxy did not connect us.
 */
#define WX_E_PROXY (-23)

/**
 * Time ran out before anything was sent.
 */
#define WX_E_TIMEOUT_UNSENT (-24)

/**
 * No access token could be had for the account; its endpoint was not called.
 */
#define WX_E_NO_TOKEN (-25)

/**
 * Time ran out after sending. (-40 to -59: the outcome is unknown, read the list before you
 * link again.)
 */
#define WX_E_TIMEOUT (-40)

/**
 * The connection broke after sending.
 */
#define WX_E_CONNECTION_LOST (-41)

/**
 * What came back is not an answer of WeChat's. (-60 to -69: the outcome is unknown as well.)
 */
#define WX_E_BAD_ANSWER (-60)

/**
 * The answer is larger than max_response_bytes.
 */
#define WX_E_TOO_LARGE (-61)

/**
 * WeChat answered with an errcode other than 0: see wx_result_errcode and wx_result_class.
 */
#define WX_E_API (-70)

/**
 * An invitation is out and waits for an administrator. (-80 to -89: what wx_ensure_linked and
 * wx_wait_linked found.)
 */
#define WX_E_PENDING (-80)

/**
 * The mini program's administrator refused.
 */
#define WX_E_DECLINED (-81)

/**
 * The mini program is not in the list (any more).
 */
#define WX_E_VANISHED (-82)

/**
 * The handle was cancelled; wx_result_delivery says whether anything was sent.
 */
#define WX_E_CANCELLED (-90)

/**
 * The client was made before a fork and used in the child.
 */
#define WX_E_FORKED (-91)

/**
 * A fault in the library itself; the handles stay usable.
 */
#define WX_E_INTERNAL (-99)

/**
 * Calls WeChat; keeps connections for the calls to come. Make one and share it.
 *
 * Threads: any number at once, but wx_client_free alone and last.
 */
typedef struct wx_client wx_client;

/**
 * Settings for a client: text keys with text values, checked when they are set.
 *
 * Threads: one at a time.
 */
typedef struct wx_options wx_options;

/**
 * What became of a call.
 *
 * Immutable; outlives its client. Texts got from it live as long as it does.
 * Threads: any number at once, but wx_result_free alone and last.
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
 * Threads: any.
 */
uint32_t wx_abi_version(void);

/**
 * The version of the library that is loaded, such as "1.2.3".
 *
 * Returns a static text.
 * Threads: any.
 */
const char *wx_version(void);

/**
 * What a status means and what to do next, in English, beginning with its name.
 *
 * Parameters:
 *   status   what a function returned
 * Returns a static text; empty for a number that is no status.
 * Threads: any.
 */
const char *wx_status_text(int32_t status);

/**
 * Makes options, every value at its default.
 *
 * Returns the options, or NULL if there is no memory.
 * Ownership: yours; free it with wx_options_free. Clients take copies.
 * Threads: any.
 */
wx_options *wx_options_new(void);

/**
 * Sets one option.
 *
 * Parameters:
 *   options  from wx_options_new
 *   key      one of these
 *   value    its value as text, numbers in decimal
 *
 *   key                 default                    takes
 *   base_url            https://api.weixin.qq.com  1 to 16 URLs separated by commas, in order of
 *                                                  preference: https://HOST[:PORT], or http:// on
 *                                                  loopback only
 *   timeout_ms          10000                      1 to 3600000 ms for a whole call
 *   connect_timeout_ms  3000                       1 to 3600000 ms for one connection
 *   max_retries         2                          0 to 10, only of what cannot happen twice
 *   keep_alive_ms       15000                      0 to 3600000 ms an idle connection is kept
 *   proxy               none                       none, env, http://... or socks5://...
 *   ca_file                                        PEM file of CA certificates trusted besides
 *                                                  the roots
 *   trust               system                     system or bundled
 *   user_agent          wxlink/VERSION             1 to 256 printable ASCII characters
 *   max_response_bytes  4194304                    1024 to 1073741824 bytes
 *   lang                en                         en or zh: the language of messages
 *   account                                        the appid of the account that calls without an
 *                                                  access_token are for; they have their tokens
 *                                                  from one of three sources:
 *   access_token                                   1. this one
 *   token_command                                  2. a program, see docs/tokens.md
 *   component_appid                                3. the third-party platform of this appid,
 *   component_appsecret                            with its secret and
 *   store               memory                     memory, file:PATH, redis:// or rediss://
 *
 * Returns:
 *   WX_OK
 *   WX_E_BAD_OPTION    no such key, or a value it does not take; the option keeps its value
 *   WX_E_NULL_POINTER  an argument is NULL
 *   WX_E_NOT_UTF8      key or value is not UTF-8
 * wx_options_message then says what to do.
 */
int32_t wx_options_set(wx_options *options, const char *key, const char *value);

/**
 * Why the last wx_options_set or wx_client_new with these options failed, and what to do.
 *
 * Parameters:
 *   options  from wx_options_new; NULL gives an empty text
 * Returns a text, empty if nothing failed yet. It lives until the next call with these options.
 */
const char *wx_options_message(const wx_options *options);

/**
 * Frees options. Clients made with them stay as they are.
 *
 * Parameters:
 *   options  from wx_options_new; NULL is fine
 */
void wx_options_free(wx_options *options);

/**
 * Makes a client. Nothing is connected yet.
 *
 * Certificates are read, and the environment is looked at (option proxy = env), here and never
 * again.
 *
 * Parameters:
 *   options  from wx_options_new, or NULL for the defaults; copied
 *   client   receives the client, NULL if there is none
 * Returns:
 *   WX_OK
 *   WX_E_BAD_OPTION    ca_file cannot be read or holds no usable certificate, or the proxy in
 *                      the environment is invalid; see wx_options_message
 *   WX_E_NULL_POINTER  client is NULL
 *   WX_E_INTERNAL      the process has no file descriptor left
 * Ownership: yours; free it with wx_client_free.
 * Threads: any; options one at a time.
 */
int32_t wx_client_new(wx_options *options, wx_client **client);

/**
 * Makes a handle on the same connections, with its own cancellation and, where the options set them,
 * its own timeout_ms, connect_timeout_ms, max_retries, lang and account. Cheap: make one for each call that
 * somebody may want to end.
 *
 * Parameters:
 *   client   from wx_client_new or wx_client_derive
 *   options  from wx_options_new, or NULL to change nothing; copied
 *   derived  receives the handle, NULL if there is none
 * Returns:
 *   WX_OK
 *   WX_E_BAD_OPTION    the options set something that is a matter of the connections; see
 *                      wx_options_message
 *   WX_E_NULL_POINTER  client or derived is NULL
 *   WX_E_INTERNAL      the process has no file descriptor left
 * Ownership: yours; free it with wx_client_free, before or after the client it comes from.
 * Threads: any; options one at a time.
 */
int32_t wx_client_derive(const wx_client *client,
                         wx_options *options,
                         wx_client **derived);

/**
 * Keeps the component_verify_ticket that WeChat pushes to a third-party platform every 10 minutes.
 *
 * Ends within timeout_ms, and within 100 ms when the handle is cancelled. The store that the option
 * store names is opened by the first call that needs it.
 *
 * Parameters:
 *   client  made with the options component_appid and component_appsecret, or derived from such
 *   ticket  as pushed, at most 4096 bytes
 * Returns:
 *   WX_OK
 *   WX_E_BAD_VALUE       the client is no platform's, or the ticket is empty, too long or holds
 *                        control characters
 *   WX_E_NO_TOKEN        the store cannot be used: it refuses, cannot be reached, or is damaged
 *   WX_E_TIMEOUT_UNSENT  the store did not answer in time, or another process kept it open
 *   WX_E_CANCELLED       the handle was cancelled
 *   WX_E_FORKED          the client was made before a fork and used in the child
 *   WX_E_NULL_POINTER    an argument is NULL
 *   WX_E_NOT_UTF8        the ticket is not UTF-8
 *   WX_E_INTERNAL        the process has no thread or file descriptor left
 * After WX_E_TIMEOUT_UNSENT and WX_E_CANCELLED the ticket may still be kept. It is safe to call again.
 * Threads: any number at once.
 */
int32_t wx_client_set_ticket(const wx_client *client,
                             const char *ticket);

/**
 * Keeps the refresh token that an Official Account gave when it authorised the platform.
 *
 * Parameters:
 *   client         made with the options component_appid and component_appsecret, or derived from
 *                  such
 *   appid          the account's
 *   refresh_token  the account's authorizer_refresh_token, at most 4096 bytes
 * Returns: as wx_client_set_ticket
 * Threads: any number at once.
 */
int32_t wx_client_add_account(const wx_client *client,
                              const char *appid,
                              const char *refresh_token);

/**
 * Ends the calls that run on this handle, and all later ones, with WX_E_CANCELLED.
 *
 * A running call ends within 100 ms, whatever it is doing. Other handles on the same connections
 * go on. To cancel one call of many, give it a handle of its own (wx_client_derive).
 *
 * Parameters:
 *   client  from wx_client_new or wx_client_derive; NULL is fine
 * Threads: any, while calls run.
 */
void wx_client_cancel(const wx_client *client);

/**
 * Frees a handle, and the idle connections with the last handle on them. Results stay.
 *
 * Parameters:
 *   client  from wx_client_new or wx_client_derive, with no call running on it; NULL is
 *           fine
 */
void wx_client_free(wx_client *client);

/**
 * Invites a mini program to be linked to an Official Account (WeChat's linkMiniprogram).
 *
 * A yes means that the invitation is out. The Official Account's administrator agrees in a
 * template message, then the mini program's administrator; only the list tells when. Posts once:
 * it is repeated by itself only if nothing was sent.
 *
 *     wx_result *result = NULL;
 *     int32_t status = wx_link_miniprogram(client, token, "wx0b00000000000001", 0, 1, &result);
 *     if (status != WX_OK)
 *         fprintf(stderr, "%s\n", wx_result_message(result));
 *     wx_result_free(result);
 *
 * Parameters:
 *   client        from wx_client_new or wx_client_derive
 *   access_token  the Official Account's authorizer_access_token, at most 4096 bytes; NULL or
 *                 empty if the client's options name a source of tokens
 *   appid         the mini program's appid, at most 256 bytes
 *   notify_users  1: WeChat messages every follower of the account; 0: it does not
 *   show_profile  1: the mini program is shown in the account's page; 0: it is not
 *   result        receives the result, in success and in failure
 * Returns:
 *   WX_OK                 the invitation is out
 *   WX_E_API              WeChat answered another errcode: 89010 and 89035 mean that an
 *                         invitation is out already, 89015 that it is linked; the rest are refusals
 *   WX_E_NULL_POINTER     an argument is NULL; if it is result, there is no result
 *   WX_E_NOT_UTF8         a text is not UTF-8
 *   WX_E_BAD_VALUE        a text is empty, too long or holds control characters, or a flag is
 *                         neither 0 nor 1
 *   WX_E_RESOLVE, WX_E_CONNECT, WX_E_TLS, WX_E_PROXY, WX_E_TIMEOUT_UNSENT, WX_E_NO_TOKEN
 *                         nothing was sent
 *   WX_E_TIMEOUT, WX_E_CONNECTION_LOST, WX_E_BAD_ANSWER, WX_E_TOO_LARGE
 *                         WeChat may have acted: read the list before you link again
 *   WX_E_CANCELLED        the handle was cancelled; wx_result_delivery says whether anything was sent
 *   WX_E_FORKED           the client was made before a fork: make one in the child
 *   WX_E_INTERNAL         a fault in the library
 * Ownership: the result is yours; free it with wx_result_free.
 * Threads: any number at once.
 */
int32_t wx_link_miniprogram(const wx_client *client,
                            const char *access_token,
                            const char *appid,
                            int32_t notify_users,
                            int32_t show_profile,
                            wx_result **result);

/**
 * Lists the mini programs linked to an Official Account and those on their way (WeChat's
 * getLinkMiniprogram).
 *
 * An item's status is 1 linked, 2 waiting for the mini program's administrator, 3 refused by
 * them (such an item has no appid), 12 waiting for the Official Account's administrator. Every
 * field of an item is optional. Reading changes nothing, so it is repeated by itself if the
 * connection breaks.
 *
 *     char appid[64], pointer[64];
 *     int i;
 *     for (i = 0; i < 1000; i++) {
 *         sprintf(pointer, "/wxopens/items/%d", i);
 *         if (wx_result_get(result, pointer, NULL, 0) == WX_E_NOT_FOUND)
 *             break;
 *         sprintf(pointer, "/wxopens/items/%d/appid", i);
 *         if (wx_result_get(result, pointer, appid, sizeof appid) >= 0)
 *             puts(appid);
 *     }
 *
 * Parameters:
 *   client        from wx_client_new or wx_client_derive
 *   access_token  the Official Account's authorizer_access_token, at most 4096 bytes; NULL or
 *                 empty if the client's options name a source of tokens
 *   result        receives the result, in success and in failure
 * Returns: as wx_link_miniprogram. It is safe to call again after any of them.
 * Ownership: the result is yours; free it with wx_result_free.
 * Threads: any number at once.
 */
int32_t wx_get_linked(const wx_client *client, const char *access_token, wx_result **result);

/**
 * Asks to unlink a mini program (WeChat's unlinkMiniprogram).
 *
 * A yes means that the Official Account's administrator has been asked; the mini program stays
 * in the list until they agree. Posts once: it is repeated by itself only if nothing was sent.
 *
 *     status = wx_unlink_miniprogram(client, token, "wx0b00000000000001", &result);
 *     if (status == WX_E_API && wx_result_errcode(result) == 89018)
 *         puts("asked already, waiting for the administrator");
 *     wx_result_free(result);
 *
 * Parameters:
 *   client        from wx_client_new or wx_client_derive
 *   access_token  the Official Account's authorizer_access_token, at most 4096 bytes; NULL or
 *                 empty if the client's options name a source of tokens
 *   appid         the mini program's appid, at most 256 bytes
 *   result        receives the result, in success and in failure
 * Returns: as wx_link_miniprogram; among the errcodes, 89018 means that the administrator has
 *   been asked already.
 * Ownership: the result is yours; free it with wx_result_free.
 * Threads: any number at once.
 */
int32_t wx_unlink_miniprogram(const wx_client *client,
                              const char *access_token,
                              const char *appid,
                              wx_result **result);

/**
 * Sees to it that a mini program is linked to an Official Account: what callers really want.
 *
 * Asks the list; posts a link if that shows no trace of the mini program; and waits for the
 * administrators, if asked to. Safe to repeat, whatever happened before: an earlier call that was
 * lost, an invitation that is out already, a link that is there. A post whose outcome got lost, or
 * that WeChat answered with -1, is looked up in the list; only two looks, both without a trace,
 * allow another post, and at most max_retries of those are made. A refusal that the list shows is
 * not argued with: to invite again, use wx_link_miniprogram.
 *
 *     status = wx_ensure_linked(client, token, "wx0b00000000000001", 0, 1, 60000, &result);
 *     if (status == WX_E_PENDING)
 *         puts(wx_result_message(result));
 *     wx_result_free(result);
 *
 * The result's JSON is the library's own:
 *     {"errcode":0,"errmsg":"ok","state":"linked","waits_for":"","item":{...},
 *      "found":"absent","posts":1}
 * state is linked, pending, declined, vanished or unknown; waits_for is official_account,
 * mini_program or empty; item is the list's, or null; found is what the list showed at first
 * (absent, or a state); posts counts the links of which WeChat may have seen something.
 *
 * Parameters:
 *   client        from wx_client_new or wx_client_derive
 *   access_token  the Official Account's authorizer_access_token, at most 4096 bytes; NULL or
 *                 empty if the client's options name a source of tokens
 *   appid         the mini program's appid, at most 256 bytes
 *   notify_users  1: WeChat messages every follower of the account; 0: it does not
 *   show_profile  1: the mini program is shown in the account's page; 0: it is not
 *   wait_ms       how long to wait for the administrators; 0 not at all. The call ends within
 *                 timeout_ms and wait_ms together
 *   result        receives the result, in success and in failure
 * Returns:
 *   WX_OK                 it is linked
 *   WX_E_PENDING          an invitation is out and waits for an administrator
 *   WX_E_DECLINED         the mini program's administrator refused
 *   WX_E_VANISHED         it was in the list and is there no more
 *   WX_E_CANCELLED        the handle was cancelled; the message says what was done before
 *   and what wx_link_miniprogram returns. After a refused token (class token) call again with
 *   another one: the state so far is in the JSON, and nothing is done twice.
 * Ownership: the result is yours; free it with wx_result_free.
 * Threads: any number at once.
 */
int32_t wx_ensure_linked(const wx_client *client,
                         const char *access_token,
                         const char *appid,
                         int32_t notify_users,
                         int32_t show_profile,
                         uint32_t wait_ms,
                         wx_result **result);

/**
 * Waits until a mini program is linked, or will not be. Posts nothing.
 *
 * Looks at the list with growing pauses (2 s to 30 s, shorter if the wait is short). A look that
 * fails does not end it; a refused token does, with the state so far, so that you can go on with
 * another one.
 *
 *     status = wx_wait_linked(client, token, "gh_000000000001", 600000, &result);
 *     printf("%s\n", wx_result_json(result, NULL));
 *     wx_result_free(result);
 *
 * The result's JSON is that of wx_ensure_linked.
 *
 * Parameters:
 *   client            from wx_client_new or wx_client_derive
 *   access_token      the Official Account's authorizer_access_token, at most 4096 bytes; NULL
 *                     or empty if the client's options name a source of tokens
 *   appid_or_gh_id    the mini program's appid or original id, at most 256 bytes. A refused item
 *                     has no appid: by that alone, a refusal from before this call looks vanished
 *   wait_ms           how long to wait; 0 looks once. The call ends within timeout_ms and wait_ms
 *                     together
 *   result            receives the result, in success and in failure
 * Returns: as wx_ensure_linked; WX_E_VANISHED also if the list shows no trace of it.
 * Ownership: the result is yours; free it with wx_result_free.
 * Threads: any number at once.
 */
int32_t wx_wait_linked(const wx_client *client,
                       const char *access_token,
                       const char *appid_or_gh_id,
                       uint32_t wait_ms,
                       wx_result **result);

/**
 * The answer as JSON.
 *
 * WeChat's body byte for byte when WeChat answered; else {"errcode":...,"errmsg":...} made by
 * the library, with the status as errcode. What wx_ensure_linked and wx_wait_linked give is told
 * there.
 *
 * Parameters:
 *   result  from a call; NULL gives an empty text
 *   len     receives the length in bytes without the NUL; may be NULL
 * Returns a text that lives as long as the result.
 */
const char *wx_result_json(const wx_result *result, size_t *len);

/**
 * WeChat's errcode: 0 is a yes.
 *
 * Parameters:
 *   result  from a call; NULL gives WX_E_NULL_POINTER
 * Returns the errcode of the answer that decided, else the call's status: never 0 for a call that did
 * not succeed. WeChat has a -1 of its own, so look at the status first: WX_E_API says that
 * the errcode is WeChat's.
 */
int32_t wx_result_errcode(const wx_result *result);

/**
 * What to do about WeChat's errcode, in one word.
 *
 * Parameters:
 *   result  from a call; NULL gives an empty text
 * Returns a static text:
 *   ok       done, or done before
 *   pending  on its way: wait for the administrators, do not link again
 *   token    get another access token and call again, once
 *   busy     wait a little and call again
 *   quota    call again when the minute, day or month is over
 *   human    an administrator or operator must act first
 *   caller   correct the call
 *   (empty)  WeChat did not answer, or with a code nobody has described
 */
const char *wx_result_class(const wx_result *result);

/**
 * The HTTP status of the last answer. WeChat's refusals come with 200 too.
 *
 * Parameters:
 *   result  from a call; NULL gives 0
 * Returns 100 to 599, or 0 if there was no answer.
 */
int32_t wx_result_http_status(const wx_result *result);

/**
 * Whether WeChat may have seen the request.
 *
 * Parameters:
 *   result  from a call; NULL gives 0
 * Returns:
 *   0  never sent: calling again cannot do anything twice
 *   1  unknown: it was sent and no verdict came back, so read the list before you link again
 *   2  answered: the errcode is WeChat's verdict
 */
int32_t wx_result_delivery(const wx_result *result);

/**
 * What happened and what to do about it, for people, in the language of the client. Holds no
 * token.
 *
 * Parameters:
 *   result  from a call; NULL gives an empty text
 * Returns a text that lives as long as the result; empty after a success.
 */
const char *wx_result_message(const wx_result *result);

/**
 * The id that WeChat's support and its rid query ask for.
 *
 * Parameters:
 *   result  from a call; NULL gives an empty text
 * Returns a text that lives as long as the result; empty if WeChat gave none.
 */
const char *wx_result_rid(const wx_result *result);

/**
 * Everything that was tried, as JSON for logs and support. Holds no token.
 *
 *     {"endpoint":"link","delivery":"answered","attempts":[{"host":"api.weixin.qq.com",
 *      "phase":"done","ms":41,"outcome":"OK","http_status":200,"reused":false}]}
 *
 * phase is how far the attempt came: resolve, connect, proxy, tls, send, wait, receive, done.
 *
 * Parameters:
 *   result  from a call; NULL gives an empty text
 * Returns a text that lives as long as the result.
 */
const char *wx_result_trace(const wx_result *result);

/**
 * Copies one value out of the result's JSON, so that you need no JSON parser.
 *
 * Parameters:
 *   result   from a call
 *   pointer  a JSON pointer (RFC 6901) such as "/wxopens/items/0/appid"; "" is the whole
 *   buf      receives the value: a string's text, else the JSON of it, with a NUL at the end.
 *            NULL with cap 0 only measures. A string that holds a NUL itself is copied whole
 *   cap      bytes in buf
 * Returns the value's length in bytes without the NUL (0 or more), or:
 *   WX_E_NOT_FOUND     nothing there; fields of a list may be missing
 *   WX_E_BUFFER        it does not fit; buf holds an empty text
 *   WX_E_BAD_VALUE     not a JSON pointer
 *   WX_E_NULL_POINTER  result or pointer is NULL, or buf is NULL and cap is not 0
 *   WX_E_NOT_UTF8      pointer is not UTF-8
 */
int32_t wx_result_get(const wx_result *result, const char *pointer, char *buf, size_t cap);

/**
 * Frees a result and every text got from it.
 *
 * Parameters:
 *   result  from a call; NULL is fine
 */
void wx_result_free(wx_result *result);

/**
 * All that is known about WeChat's errcodes, as a JSON array.
 *
 *     [{"errcode":89010,"endpoint":"","name":"LINK_MESSAGE_SENT","class":"pending",
 *       "wire":"link message has sent","official":true,
 *       "meaning":{"en":"...","zh":"..."},"remedy":{"en":"...","zh":"..."}}, ...]
 *
 * endpoint is link, get or unlink, or empty for a row that holds for every endpoint without a
 * row of its own. class is explained at wx_result_class.
 *
 * Returns a static text.
 * Threads: any.
 */
const char *wx_catalogue_json(void);

/**
 * One thing that is known about an errcode.
 *
 *     puts(wx_errcode_text("link", 89010, "remedy", "en"));
 *
 * Parameters:
 *   api      link, get or unlink: the endpoint that answered; NULL for none in particular
 *   errcode  what WeChat answered
 *   field    name, class, meaning, remedy or wire (WeChat's own words)
 *   lang     en or zh, for meaning and remedy; NULL for en
 * Returns a static text; empty if nothing is known, or an argument is not one of these.
 * Threads: any.
 */
const char *wx_errcode_text(const char *api, int32_t errcode, const char *field, const char *lang);

/**
 * One call from start to end, for hosts that cannot hold handles (COBOL, PL/SQL, Visual Basic):
 * the caller's buffers, explicit lengths, nothing kept between calls.
 *
 * Every call connects anew; a program that makes many should use a client.
 *
 *     01 OP      PIC X(4)    VALUE "list".
 *     01 ARGS    PIC X(600).
 *     01 OUT     PIC X(65536).
 *     STRING "access_token=" TOKEN X"0A" "format=lines" DELIMITED BY SIZE INTO ARGS.
 *     CALL "wx_exec" USING BY REFERENCE OP BY VALUE 4 BY REFERENCE ARGS BY VALUE 600
 *         BY REFERENCE OUT BY VALUE 65536 BY REFERENCE OUT-LEN RETURNING STATUS-CODE.
 *
 * Parameters:
 *   op        link, list, unlink, ensure or wait; spaces at its end do not count
 *   op_len    bytes in op
 *   args      lines of KEY=VALUE, UTF-8, ended by LF or CRLF; spaces and NULs around keys and
 *             values do not count. Keys:
 *               access_token  always, unless other keys name a source of tokens: token_command, or
 *                             component_appid with a store that processes share, where
 *                             somebody with a client puts the ticket and the accounts
 *               appid         all but list (for wait also an original id)
 *               notify_users  link, ensure: 0 or 1
 *               show_profile  link, ensure: 0 or 1
 *               wait_ms       ensure, wait: how long to wait, 0 if left out
 *               format        json (the default) or lines, see out
 *               and every key of wx_options_set
 *   args_len  bytes in args
 *   out       receives, with a NUL at the end if there is room,
 *               json:  what wx_result_json gives
 *               lines: status=, errcode=, class=, delivery=, http_status=, rid=, message=, then
 *                      one line for each value of the JSON: its JSON pointer, = and the text,
 *                      control characters turned to spaces. For example
 *                      /wxopens/items/0/appid=wx0b00000000000001
 *   cap       bytes in out; at least 512 for link, unlink and ensure
 *   out_len   receives the length of the text, without the NUL; after WX_E_BUFFER the room it
 *             needs
 * Returns: as the functions for the calls, and
 *   WX_E_BUFFER        out is too small: for link, unlink and ensure nothing was sent, and list and
 *                      wait can be repeated. What those that post answer and does not fit after
 *                      all is cut down to its errcode (and of ensure state, waits_for and
 *                      posts), never lost
 *   WX_E_BAD_VALUE     no such op, a line that is not KEY=VALUE, or an argument missing
 *   WX_E_BAD_OPTION    a key that is no argument and no option, or a value an option does not take
 *   WX_E_NULL_POINTER  a pointer is NULL whose length is not 0, or out_len is NULL
 * out says what to do.
 * Threads: any number at once, each with its own buffers.
 */
int32_t wx_exec(const char *op,
                size_t op_len,
                const char *args,
                size_t args_len,
                char *out,
                size_t cap,
                size_t *out_len);

#ifdef __cplusplus
} /* extern "C" */
#endif /* __cplusplus */

#endif  /* WXLINK_H */
