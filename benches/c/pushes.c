/* Accepts pushes one after the other, as a third-party platform, and prints ns per push:
 *
 *   PROGRAM STORE AES_KEY ACTION COUNT QUERY BODY [QUERY BODY]
 *
 * COUNT is the number of pushes. Two pushes take turns. ACTION is what is done with the last one.
 */
#define _GNU_SOURCE
#include "measure.h"
#include "wxlink.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static wx_client *client;

static void set(wx_options *options, const char *key, const char *value)
{
    if (wx_options_set(options, key, value) != WX_OK)
        die(wx_options_message(options));
}

/* Accepts a push, and checks what was done with it unless action is NULL. */
static void accept_push(char **push, const char *action)
{
    wx_result *result = NULL;
    char done[32] = "";
    if (wx_client_accept_push(client, push[0], push[1], strlen(push[1]), &result) != WX_OK)
        die(wx_result_message(result));
    if (action != NULL) {
        wx_result_get(result, "/action", done, sizeof done);
        if (strcmp(done, action) != 0)
            die(done);
    }
    wx_result_free(result);
}

int main(int argc, char **argv)
{
    wx_options *options = wx_options_new();
    long i, count;
    double start;
    if (argc != 7 && argc != 9)
        die("usage: PROGRAM STORE AES_KEY ACTION COUNT QUERY BODY [QUERY BODY]");
    count = atol(argv[4]);
    set(options, "component_appid", "wx0c00000000000001");
    set(options, "component_appsecret", "SECRET");
    set(options, "push_token", "TOKEN");
    set(options, "push_aes_key", argv[2]);
    set(options, "store", argv[1]);
    if (wx_client_new(options, &client) != WX_OK)
        die(wx_options_message(options));
    wx_options_free(options);
    /* The store has a ticket from the start. */
    accept_push(argv + argc - 2, NULL);
    start = now();
    for (i = 1; i <= count; i++)
        accept_push(argc == 9 && i % 2 == 0 ? argv + 7 : argv + 5, i == count ? argv[3] : NULL);
    printf("%.0f\n", (now() - start) / count);
    wx_client_free(client);
    return 0;
}
