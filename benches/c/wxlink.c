/* wxlink by its C interface with default options: checks the JSON and reads the errcode. */
#include "wxlink.h"
#include "peer.h"
#include <stdio.h>
#include <stdlib.h>

void *peer_open(const char *url, const char *ca)
{
    wx_options *options = wx_options_new();
    wx_client *client = NULL;
    if (wx_options_set(options, "base_url", url) != WX_OK ||
        (ca && wx_options_set(options, "ca_file", ca) != WX_OK) ||
        wx_client_new(options, &client) != WX_OK) {
        fprintf(stderr, "%s\n", wx_options_message(options));
        exit(1);
    }
    wx_options_free(options);
    return client;
}

/* The number of items that have an appid, a status and a nickname. */
static int items(const wx_result *result)
{
    size_t i, n = wx_list_length(result);
    int complete = 0;
    for (i = 0; i < n; i++)
        complete += *wx_list_text(result, i, "appid") != 0 &&
                    wx_list_number(result, i, "status", 0) == WX_LINK_LINKED &&
                    *wx_list_text(result, i, "nickname") != 0;
    return complete;
}

int peer_call(void *peer, enum kind kind)
{
    wx_result *result = NULL;
    int32_t status;
    if (kind == LINK)
        status = wx_link_miniprogram(peer, TOKEN50, "wx0b00000000000001", 0, 1, &result);
    else if (kind == ENSURE)
        status = wx_ensure_linked(peer, TOKEN50, "wx0000000000000001", 0, 1, 0, &result);
    else
        status = wx_get_linked(peer, kind == LIST500 ? TOKEN500 : TOKEN50, &result);
    if (status == WX_OK)
        status = kind == READ50 ? items(result) != 50 : wx_result_errcode(result);
    else
        fprintf(stderr, "%s\n", wx_result_message(result));
    wx_result_free(result);
    return status;
}

void peer_close(void *peer)
{
    wx_client_free(peer);
}
