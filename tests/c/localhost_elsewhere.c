/*
 * A machine on which the name "localhost" has an address that is not a loopback address: no plain
 * HTTP is sent there.
 *
 * This program's getaddrinfo replaces the system's. It gives every name the address 0.0.0.0, with
 * which a connection would reach this machine although it is not a loopback address.
 *
 * Usage: localhost_elsewhere KEY=VALUE...
 */
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "wxlink.h"

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    struct addrinfo *info = calloc(1, sizeof *info);
    struct sockaddr_in *address = calloc(1, sizeof *address);

    (void)node;
    (void)service;
    (void)hints;
    address->sin_family = AF_INET;
    info->ai_family = AF_INET;
    info->ai_socktype = SOCK_STREAM;
    info->ai_addrlen = sizeof *address;
    info->ai_addr = (struct sockaddr *)address;
    *found = info;
    return 0;
}

void freeaddrinfo(struct addrinfo *info)
{
    free(info->ai_addr);
    free(info);
}

int main(int argc, char **argv)
{
    wx_options *options = wx_options_new();
    wx_client *client = NULL;
    wx_result *result = NULL;
    int32_t status;
    int i;

    for (i = 1; i < argc; i++) {
        char *value = strchr(argv[i], '=');
        *value = '\0';
        wx_options_set(options, argv[i], value + 1);
    }
    if (wx_client_new(options, &client) != WX_OK)
        return 1;
    status = wx_get_linked(client, getenv("WXLINK_ACCESS_TOKEN"), &result);
    printf("%ld %ld %s\n", (long)status, (long)wx_result_delivery(result),
           wx_result_message(result));
    wx_result_free(result);
    wx_client_free(client);
    wx_options_free(options);
    return 0;
}
