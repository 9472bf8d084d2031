/*
 * Links a mini program and decides by the class of the result what to do after a refusal.
 *
 *   WXLINK_ACCESS_TOKEN=... refusal APPID
 *
 * WXLINK_BASE_URL, if set, replaces WeChat's address, for example by the sandbox's.
 * Exits with 0 if the mini program is linked or on its way, 1 if a person must act first, 2 after
 * wrong arguments or options, 3 if another token is needed, 4 if the call may be repeated later, 5
 * if the outcome is unknown.
 */
#include <stdio.h>
#include <stdlib.h>

#include "wxlink.h"

static int decide(int32_t status, const wx_result *result)
{
    int32_t class_ = wx_result_class(result);
    const char *message = wx_result_message(result);

    if (status == WX_OK) {
        puts("done: the invitation is out");
        return 0;
    }
    switch (class_) {
    case WX_CLASS_OK:
    case WX_CLASS_PENDING:
        printf("done: %s\n", message);
        return 0;
    case WX_CLASS_TOKEN:
        puts("token: get another access token, then call again");
        return 3;
    case WX_CLASS_BUSY:
        puts("busy: wait a little, then call again");
        return 4;
    case WX_CLASS_QUOTA:
        puts("quota: call again when it is renewed");
        return 4;
    case WX_CLASS_ACTION_REQUIRED:
    case WX_CLASS_INVALID_REQUEST:
        printf("%s: %s\n", wx_class_text(class_, NULL, NULL), message);
        return 1;
    default:
        printf("unknown: %s\n", message);
        return 5;
    }
}

int main(int argc, char **argv)
{
    const char *token = getenv("WXLINK_ACCESS_TOKEN");
    const char *base_url = getenv("WXLINK_BASE_URL");
    wx_options *options;
    wx_client *client = NULL;
    wx_result *result = NULL;
    int32_t status = WX_OK;
    int code;

    if (argc != 2 || token == NULL) {
        fputs("usage: WXLINK_ACCESS_TOKEN=... refusal APPID\n", stderr);
        return 2;
    }
    options = wx_options_new();
    if (base_url != NULL)
        status = wx_options_set(options, "base_url", base_url);
    if (status == WX_OK)
        status = wx_client_new(options, &client);
    if (status != WX_OK) {
        fprintf(stderr, "%s\n", wx_options_message(options));
        wx_options_free(options);
        return 2;
    }
    wx_options_free(options);

    status = wx_link_miniprogram(client, token, argv[1], 0, 1, &result);
    code = decide(status, result);

    wx_result_free(result);
    wx_client_free(client);
    return code;
}
