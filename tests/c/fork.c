/*
 * A fork while a client has an open connection: the child is told, makes a client of its own, and
 * the parent's client goes on as before.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wxlink.h"

static wx_client *new_client(void)
{
    wx_options *options = wx_options_new();
    wx_client *client = NULL;

    wx_options_set(options, "base_url", getenv("WXLINK_BASE_URL"));
    wx_client_new(options, &client);
    wx_options_free(options);
    return client;
}

static int32_t list(const wx_client *client, int32_t *delivery)
{
    wx_result *result = NULL;
    int32_t status = wx_get_linked(client, getenv("WXLINK_TOKEN"), &result);

    *delivery = wx_result_delivery(result);
    wx_result_free(result);
    return status;
}

static int in_child(wx_client *inherited)
{
    wx_client *own = new_client();
    int32_t delivery;

    if (list(inherited, &delivery) != WX_E_FORKED || delivery != 0)
        return 10;
    if (wx_client_put_ticket(inherited, "ticket") != WX_E_FORKED)
        return 12;
    if (wx_client_put_account(inherited, "wx1", "refresh token") != WX_E_FORKED)
        return 13;
    if (list(own, &delivery) != WX_OK)
        return 11;
    wx_client_free(own);
    wx_client_free(inherited);
    return 0;
}

int main(void)
{
    wx_client *client = new_client();
    int32_t delivery;
    int status = 0;
    pid_t child;

    if (list(client, &delivery) != WX_OK)
        return 1;
    child = fork();
    if (child == 0)
        _exit(in_child(client));
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return 2;
    if (list(client, &delivery) != WX_OK)
        return 3;
    wx_client_free(client);
    puts("forked well");
    return 0;
}
