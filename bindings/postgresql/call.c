/*
 * Runs one call of the library so that the backend stays interruptible.
 *
 * A backend has one thread, whose signal handlers only set flags: a cancel request, a time limit, a
 * shutdown or the request of another backend takes effect when the thread looks at these flags
 * (CHECK_FOR_INTERRUPTS). A call that blocks that thread would delay all of them. So the call runs
 * on a thread of its own, which touches nothing of PostgreSQL, and the backend's thread waits for
 * its end or for an interrupt, whichever is first.
 */

#include "postgres.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "storage/latch.h"

#include "call.h"
#include "client.h"
#include "text.h"

/* The stack of the thread of a call, in bytes: eight times what the library needs. */
#define STACK_SIZE (1024 * 1024)

/* The call that runs now, for the end of the backend. */
static Call *current;

const char *call_name(CallKind kind)
{
    switch (kind) {
    case CALL_LINK:
        return "wxlink.link_miniprogram";
    case CALL_UNLINK:
        return "wxlink.unlink_miniprogram";
    case CALL_ENSURE:
        return "wxlink.ensure_linked";
    case CALL_WAIT:
        return "wxlink.wait_linked";
    case CALL_GET_LINKED:
        return "wxlink.get_linked";
    }
    pg_unreachable();
}

char *status_name(int32_t status)
{
    const char *text = wx_status_text(status);
    const char *end = strchr(text, ':');

    return end != NULL ? pnstrdup(text, end - text) : psprintf("%d", status);
}

/* On the thread of the call, where nothing of PostgreSQL may be called. */
static void *run(void *argument)
{
    Call *call = argument;

    switch (call->kind) {
    case CALL_LINK:
        call->status = wx_link_miniprogram(call->handle, call->access_token, call->appid,
                                           call->notify_users, call->show_profile, &call->result);
        break;
    case CALL_UNLINK:
        call->status =
            wx_unlink_miniprogram(call->handle, call->access_token, call->appid, &call->result);
        break;
    case CALL_ENSURE:
        call->status =
            wx_ensure_linked(call->handle, call->access_token, call->appid, call->notify_users,
                             call->show_profile, call->wait_ms, &call->result);
        break;
    case CALL_WAIT:
        call->status = wx_wait_linked(call->handle, call->access_token, call->appid, call->wait_ms,
                                      &call->result);
        break;
    case CALL_GET_LINKED:
        call->status = wx_get_linked(call->handle, call->access_token, &call->result);
        break;
    }
    /* The other end becomes readable. */
    close(call->end_fds[1]);
    return NULL;
}

/*
 * Starts the thread with all signals blocked, so that the backend's handlers, which are not written
 * for threads, run on the backend's thread only.
 */
static int start_thread(Call *call)
{
    /* The kernel sends these to the thread whose instruction failed. */
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
    pthread_attr_t attributes;
    sigset_t blocked;
    sigset_t before;
    int error;
    size_t i;

    sigfillset(&blocked);
    for (i = 0; i < lengthof(faults); i++)
        sigdelset(&blocked, faults[i]);
    error = pthread_attr_init(&attributes);
    if (error != 0)
        return error;
    error = pthread_attr_setstacksize(&attributes, STACK_SIZE);
    if (error == 0) {
        pthread_sigmask(SIG_SETMASK, &blocked, &before);
        error = pthread_create(&call->thread, &attributes, run, call);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    pthread_attr_destroy(&attributes);
    return error;
}

/* Makes the handle that is cancelled with this call alone. */
static wx_client *derive(const char *account)
{
    wx_client *client = client_of_backend();
    wx_client *handle = NULL;
    wx_options *options = wx_options_new();
    int32_t status = wx_options_set(options, "account", account);
    char *message;

    if (status == WX_OK)
        status = wx_client_derive(client, options, &handle);
    message = pstrdup(wx_options_message(options));
    wx_options_free(options);
    if (status == WX_OK)
        return handle;
    if (message[0] == '\0')
        message = pstrdup(wx_status_text(status));
    ereport(ERROR,
            errcode(status == WX_E_BAD_OPTION || status == WX_E_NOT_UTF8
                        ? ERRCODE_INVALID_PARAMETER_VALUE
                        : ERRCODE_INSUFFICIENT_RESOURCES),
            errmsg("%s", message));
}

/* The end of the backend, which does not unwind the stack. */
static void at_exit(int code, Datum argument)
{
    if (current != NULL)
        call_end(current);
    client_free();
}

static void start(Call *call, const char *account)
{
    static bool is_registered = false;
    int error;

    if (!is_registered) {
        on_proc_exit(at_exit, 0);
        is_registered = true;
    }
    call->handle = derive(account);
    if (pipe2(call->end_fds, O_CLOEXEC) != 0)
        ereport(ERROR, errcode_for_file_access(), errmsg("could not create a pipe: %m"));
    error = start_thread(call);
    if (error != 0) {
        close(call->end_fds[0]);
        close(call->end_fds[1]);
        errno = error;
        ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_RESOURCES),
                errmsg("could not create a thread: %m"));
    }
    call->is_running = true;
}

static void wait_for_end(Call *call)
{
    int events;

    do {
        /*
         * An interrupt that ends the statement cancels the call, and is served when the call has
         * ended, within 100 ms: its error can then show what the call had done. All other
         * interrupts are served while the call runs.
         */
        if (QueryCancelPending || ProcDiePending)
            wx_client_cancel(call->handle);
        else
            CHECK_FOR_INTERRUPTS();
        events = WaitLatchOrSocket(MyLatch, WL_LATCH_SET | WL_SOCKET_READABLE | WL_EXIT_ON_PM_DEATH,
                                   call->end_fds[0], -1, PG_WAIT_EXTENSION);
        if (events & WL_LATCH_SET)
            ResetLatch(MyLatch);
    } while (!(events & WL_SOCKET_READABLE));
}

/* Joins the thread, which has ended or ends soon. */
static void join(Call *call)
{
    if (!call->is_running)
        return;
    pthread_join(call->thread, NULL);
    close(call->end_fds[0]);
    call->is_running = false;
}

static void add_context(void *argument)
{
    errcontext("%s", (const char *)argument);
}

/* Serves interrupts. An error that cancels the statement shows what the call had done. */
static void serve_interrupts(const Call *call)
{
    ErrorContextCallback context;
    const char *message;

    if (!INTERRUPTS_PENDING_CONDITION())
        return;
    message = text_from_utf8(wx_result_message(call->result));
    context.callback = add_context;
    context.arg = psprintf("%s ended with %s%s%s", call_name(call->kind), status_name(call->status),
                           message[0] != '\0' ? ": " : "", message);
    context.previous = error_context_stack;
    error_context_stack = &context;
    CHECK_FOR_INTERRUPTS();
    error_context_stack = context.previous;
}

void call_run(Call *call, const char *account)
{
    /* A statement that is cancelled already sends nothing. */
    CHECK_FOR_INTERRUPTS();
    start(call, account);
    current = call;
    wait_for_end(call);
    join(call);
    serve_interrupts(call);
}

void call_end(Call *call)
{
    if (call->is_running)
        wx_client_cancel(call->handle);
    join(call);
    current = NULL;
    wx_result_free(call->result);
    call->result = NULL;
    wx_client_free(call->handle);
    call->handle = NULL;
}
