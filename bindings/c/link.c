/*
 * Links one mini program to an Official Account.
 *
 *   WXLINK_ACCESS_TOKEN=... link APPID NOTIFY_USERS SHOW_PROFILE
 *
 * The token comes from the environment, because every user of the machine can see arguments.
 * WXLINK_BASE_URL, if set, replaces WeChat's address, for example by the sandbox's.
 * Exits with 0 if the mini program is linked or on its way, 1 if not, 2 after wrong arguments or
 * options.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wxlink.h"

static int usage(void)
{
    fputs("usage: WXLINK_ACCESS_TOKEN=... link APPID NOTIFY_USERS(0|1) "
          "SHOW_PROFILE(0|1)\n",
          stderr);
    return 2;
}

/* A flag decides whether followers are messaged: only 0 and 1 are valid. */
static int is_flag(const char *text)
{
    return strcmp(text, "0") == 0 || strcmp(text, "1") == 0;
}

int main(int argc, char **argv)
{
    const char *token = getenv("WXLINK_ACCESS_TOKEN");
    const char *base_url = getenv("WXLINK_BASE_URL");
    wx_options *options;
    wx_client *client = NULL;
    wx_result *result = NULL;
    int32_t status, class_;
    int on_its_way;

    if (argc != 4 || token == NULL || !is_flag(argv[2]) || !is_flag(argv[3]))
        return usage();

    options = wx_options_new();
    status = WX_OK;
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

    status = wx_link_miniprogram(client, token, argv[1], atoi(argv[2]), atoi(argv[3]), &result);
    class_ = wx_result_class(result);
    on_its_way = status == WX_OK || class_ == WX_CLASS_OK || class_ == WX_CLASS_PENDING;
    if (status == WX_OK)
        puts("The invitation is out.");
    else
        fprintf(on_its_way ? stdout : stderr, "%s\n", wx_result_message(result));

    wx_result_free(result);
    wx_client_free(client);
    return on_its_way ? 0 : 1;
}
