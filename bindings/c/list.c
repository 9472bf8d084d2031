/*
 * Lists the mini programs linked to an Official Account, and those on their way.
 *
 *   WXLINK_ACCESS_TOKEN=... list
 *
 * WXLINK_BASE_URL, if set, replaces WeChat's address, for example by the sandbox's.
 * Exits with 0, 1 if the list could not be read, 2 after wrong arguments or options.
 */
#include <stdio.h>
#include <stdlib.h>

#include "wxlink.h"

/* One field of one item, or "-" if it is missing or null, which every field may be. */
static const char *field(const wx_result *list, size_t item, const char *name)
{
    return wx_list_has(list, item, name) ? wx_list_text(list, item, name) : "-";
}

static const char *status_text(const wx_result *list, size_t item)
{
    switch (wx_list_number(list, item, "status", 0)) {
    case WX_LINK_LINKED:
        return "linked";
    case WX_LINK_AWAITING_MINI_PROGRAM:
        return "waiting for the mini program's administrator";
    case WX_LINK_REFUSED:
        return "refused by the mini program's administrator";
    case WX_LINK_AWAITING_OFFICIAL_ACCOUNT:
        return "waiting for the Official Account's administrator";
    default:
        return field(list, item, "status");
    }
}

static void print_table(const wx_result *list)
{
    size_t item, count = wx_list_length(list);

    printf("  %-18s  %-18s  %-48s  %s\n", "APPID", "ORIGINAL ID", "STATUS", "NAME");
    for (item = 0; item < count; item++)
        printf("  %-18s  %-18s  %-48s  %s\n", field(list, item, "appid"),
               field(list, item, "username"), status_text(list, item),
               field(list, item, "nickname"));
    if (count == 0)
        puts("  (none)");
}

int main(void)
{
    const char *token = getenv("WXLINK_ACCESS_TOKEN");
    const char *base_url = getenv("WXLINK_BASE_URL");
    wx_options *options;
    wx_client *client = NULL;
    wx_result *result = NULL;
    int32_t status = WX_OK;

    if (token == NULL) {
        fputs("usage: WXLINK_ACCESS_TOKEN=... list\n", stderr);
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

    status = wx_get_linked(client, token, &result);
    if (status == WX_OK)
        print_table(result);
    else
        fprintf(stderr, "%s\n", wx_result_message(result));

    wx_result_free(result);
    wx_client_free(client);
    return status == WX_OK ? 0 : 1;
}
