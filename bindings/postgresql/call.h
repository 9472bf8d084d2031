/* Runs one call of the library so that the backend stays interruptible. */

#ifndef WXLINK_CALL_H
#define WXLINK_CALL_H

#include <pthread.h>

#include "wxlink.h"

typedef enum CallKind {
    CALL_LINK,
    CALL_UNLINK,
    CALL_ENSURE,
    CALL_WAIT,
    CALL_GET_LINKED,
} CallKind;

/* Texts are UTF-8. */
typedef struct Call {
    CallKind kind;
    const char *access_token; /* NULL: the client's token source */
    const char *appid;        /* for CALL_WAIT also the original id */
    int32_t notify_users;
    int32_t show_profile;
    uint32_t wait_ms;

    /* Set by call_run. */
    int32_t status;
    wx_result *result;

    /* Private to call.c. */
    wx_client *handle;
    pthread_t thread;
    bool is_running;
    int end_fds[2];
} Call;

/* PostgreSQL puts what a module exports into one namespace with all other modules. */
#pragma GCC visibility push(hidden)

/*
 * Makes the call on the client of this backend, for one account. Returns when it has ended.
 *
 * Raises an error if it cannot be started, and if the statement is cancelled or the backend is to
 * end; the library's call has then been cancelled. call_end must follow in any case.
 */
extern void call_run(Call *call, const char *account);

/* Cancels the call if it still runs, and frees what it holds. May be called again. */
extern void call_end(Call *call);

/* SQL's name of the function that makes the call. */
extern const char *call_name(CallKind kind);

/* The name of a status, such as TIMEOUT. */
extern char *status_name(int32_t status);

#pragma GCC visibility pop

#endif
