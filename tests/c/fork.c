/*
 * A fork while a client has an open connection, or none. In the child, calls on that client fail,
 * and a new client works; in the parent, the client still works, though the child cancels it. The
 * same holds for children that pthread_atfork does not notice: those of _Fork and of clone.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wxlink.h"

#if defined(__GLIBC__) && defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 34)
#define HAS_FORK_WITHOUT_HANDLERS
#endif
#endif

/* The ways to make a child. */
static pid_t make_child(int way)
{
    switch (way) {
    case 0:
        return fork();
    case 1:
        return (pid_t)syscall(SYS_clone, (long)SIGCHLD, 0L, 0L, 0L, 0L);
    default:
#ifdef HAS_FORK_WITHOUT_HANDLERS
        return _Fork();
#else
        return fork();
#endif
    }
}

static wx_client *new_client(const char *keep_alive_ms)
{
    wx_options *options = wx_options_new();
    wx_client *client = NULL;

    wx_options_set(options, "base_url", getenv("WXLINK_BASE_URL"));
    wx_options_set(options, "keep_alive_ms", keep_alive_ms);
    wx_client_new(options, &client);
    wx_options_free(options);
    return client;
}

static int32_t list(const wx_client *client, int32_t *delivery)
{
    wx_result *result = NULL;
    int32_t status = wx_get_linked(client, getenv("WXLINK_ACCESS_TOKEN"), &result);

    *delivery = wx_result_delivery(result);
    wx_result_free(result);
    return status;
}

static int in_child(wx_client *inherited, int depth);

/* Creates a child that inherits the client. Returns 0 if its checks succeed. */
static int child_of(wx_client *client, int way, int depth)
{
    int status = 0;
    pid_t child = make_child(way);

    if (child == 0)
        _exit(in_child(client, depth));
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return 20;
    return WEXITSTATUS(status);
}

static int in_child(wx_client *inherited, int depth)
{
    wx_client *own = new_client("60000");
    wx_result *result = NULL;
    int32_t delivery;
    int way, code;

    if (list(inherited, &delivery) != WX_E_FORKED || delivery != 0)
        return 10;
    if (wx_client_set_ticket(inherited, "ticket", &result) != WX_E_FORKED)
        return 12;
    wx_result_free(result);
    if (wx_client_add_account(inherited, "wx1", "refresh-token", &result) != WX_E_FORKED)
        return 13;
    wx_result_free(result);
    if (wx_client_stats(inherited, &result) != WX_E_FORKED)
        return 14;
    wx_result_free(result);
    if (list(own, &delivery) != WX_OK)
        return 11;
    /* The child's child can use neither of the two clients. */
    for (way = 0; depth > 0 && way < 3; way++) {
        code = child_of(own, way, depth - 1);
        if (code != 0)
            return code;
    }
    if (list(inherited, &delivery) != WX_E_FORKED || list(own, &delivery) != WX_OK)
        return 12;
    /* The parent's next calls work: cancelling wakes the threads that connect or wait. */
    wx_client_cancel(inherited);
    wx_client_free(own);
    wx_client_free(inherited);
    return 0;
}

/* Returns 0 if a client survives children of all kinds. */
static int with_children(wx_client *client)
{
    int32_t delivery;
    int way, code;

    if (list(client, &delivery) != WX_OK)
        return 1;
    for (way = 0; way < 3; way++) {
        code = child_of(client, way, 1);
        if (code != 0)
            return code;
        if (list(client, &delivery) != WX_OK)
            return 3;
    }
    wx_client_free(client);
    return 0;
}

int main(void)
{
    int code = with_children(new_client("60000"));

    /* A client that connects for each call. */
    if (code == 0)
        code = with_children(new_client("0"));
    if (code == 0)
        puts("forked well");
    return code;
}
