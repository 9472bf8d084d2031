/*
 * Makes calls over HTTPS on a thread whose stack has the given size. With "measure" instead of a
 * size, prints how many bytes of stack the calls use.
 *
 * Usage: small_stack BYTES|measure KEY=VALUE...
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wxlink.h"

#define MEASURED ((size_t)4 << 20)
#define PAINT 0xA5

static int option_count;
static char **option_texts;

static wx_client *new_client(void)
{
    wx_options *options = wx_options_new();
    wx_client *client = NULL;
    int i;

    for (i = 0; i < option_count; i++) {
        char *value = strchr(option_texts[i], '=');
        *value = '\0';
        wx_options_set(options, option_texts[i], value + 1);
        *value = '=';
    }
    if (wx_client_new(options, &client) != WX_OK)
        puts(wx_options_message(options));
    wx_options_free(options);
    return client;
}

static int failed(const char *what, int32_t status, wx_result *result)
{
    printf("%s: %ld %s\n", what, (long)status, wx_result_message(result));
    wx_result_free(result);
    return 1;
}

static int calls(void)
{
    static const char APPID[] = "wx0b00000000000001";
    const char *token = getenv("WXLINK_ACCESS_TOKEN");
    wx_client *client = new_client();
    wx_result *result = NULL;
    int32_t status;
    char text[64];

    if (client == NULL)
        return 1;
    status = wx_client_set_ticket(client, "TICKET-OF-A-PLATFORM", &result);
    if (status != WX_OK)
        return failed("set_ticket", status, result);
    wx_result_free(result);
    status = wx_ensure_linked(client, token, APPID, 0, 1, 0, &result);
    if (status != WX_E_PENDING)
        return failed("ensure", status, result);
    wx_result_free(result);
    status = wx_link_miniprogram(client, token, APPID, 0, 1, &result);
    if (status != WX_E_API || strlen(wx_result_message(result)) == 0 ||
        wx_result_trace(result) == NULL)
        return failed("link", status, result);
    wx_result_free(result);
    status = wx_get_linked(client, token, &result);
    if (status != WX_OK || strlen(wx_result_json(result, NULL)) == 0)
        return failed("list", status, result);
    wx_result_get(result, "/wxopens/items/0/status", text, sizeof text);
    wx_result_free(result);
    /* A token that WeChat refuses, so that the longest message is made. */
    status = wx_unlink_miniprogram(client, "no-token", APPID, &result);
    if (status != WX_E_API || strlen(wx_result_message(result)) == 0)
        return failed("unlink", status, result);
    wx_result_free(result);
    wx_client_free(client);
    return 0;
}

static void *on_thread(void *unused)
{
    (void)unused;
    return calls() == 0 ? &option_count : NULL;
}

int main(int argc, char **argv)
{
    int measure = strcmp(argv[1], "measure") == 0;
    unsigned char *stack = NULL;
    pthread_attr_t attributes;
    pthread_t thread;
    void *done = NULL;
    size_t untouched = 0;

    option_count = argc - 2;
    option_texts = argv + 2;
    pthread_attr_init(&attributes);
    if (measure) {
        stack = malloc(MEASURED + 65536);
        stack += 65536 - (size_t)stack % 65536;
        memset(stack, PAINT, MEASURED);
        if (pthread_attr_setstack(&attributes, stack, MEASURED) != 0)
            return 2;
    } else if (pthread_attr_setstacksize(&attributes, (size_t)atol(argv[1])) != 0) {
        return 3;
    }
    if (pthread_create(&thread, &attributes, on_thread, NULL) != 0)
        return 4;
    if (pthread_join(thread, &done) != 0 || done == NULL)
        return 5;
    if (measure) {
        while (stack[untouched] == PAINT)
            untouched++;
        printf("%lu\n", (unsigned long)(MEASURED - untouched));
    } else {
        puts("enough");
    }
    return 0;
}
