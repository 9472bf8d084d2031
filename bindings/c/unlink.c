/*
 * Asks to unlink a mini program from an Official Account.
 *
 *   WXLINK_ACCESS_TOKEN=... unlink APPID
 *
 * WXLINK_BASE_URL, if set, replaces WeChat's address, for example by the sandbox's.
 * Exits with 0 if the administrator has been asked, 1 if not, 2 after wrong arguments or options.
 */
#include <stdio.h>
#include <stdlib.h>

#include "wxlink.h"

int main(int argc, char **argv)
{
    const char *token = getenv("WXLINK_ACCESS_TOKEN");
    const char *base_url = getenv("WXLINK_BASE_URL");
    wx_options *options;
    wx_client *client = NULL;
    wx_result *result = NULL;
    int32_t status = WX_OK;
    int32_t class_;
    int asked;

    if (argc != 2 || token == NULL) {
        fputs("usage: WXLINK_ACCESS_TOKEN=... unlink APPID\n", stderr);
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

    status = wx_unlink_miniprogram(client, token, argv[1], &result);
    class_ = wx_result_class(result);
    asked = status == WX_OK || class_ == WX_CLASS_OK || class_ == WX_CLASS_PENDING;
    if (status == WX_OK)
        puts("The Official Account's administrator has been asked.");
    else
        fprintf(asked ? stdout : stderr, "%s\n", wx_result_message(result));

    wx_result_free(result);
    wx_client_free(client);
    return asked ? 0 : 1;
}
