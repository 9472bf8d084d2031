/*
 * A program whose standard streams are closed. The library does not use their descriptors, so that
 * the program's output cannot end up in a connection or a file of the library.
 *
 * Usage: closed_stdio KEY=VALUE... Exits with 0 on success. It cannot print.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wxlink.h"

/* Whether all three are still closed: writing to them fails. */
static int are_closed(void)
{
    int fd;

    for (fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) != -1 || errno != EBADF || write(fd, "stray", 5) != -1)
            return 0;
    return 1;
}

int main(int argc, char **argv)
{
    /* Without a token in the environment, the options set a token source. */
    const char *token = getenv("WXLINK_ACCESS_TOKEN");
    wx_options *options = wx_options_new();
    wx_client *client = NULL, *other = NULL;
    wx_result *result = NULL;
    int i;

    for (i = 0; i < 3; i++)
        close(i);
    for (i = 1; i < argc; i++) {
        char *value = strchr(argv[i], '=');
        *value = '\0';
        if (wx_options_set(options, argv[i], value + 1) != WX_OK)
            return 1;
    }
    if (wx_client_new(options, &client) != WX_OK)
        return 2;
    if (!are_closed())
        return 3;
    if (wx_client_derive(client, NULL, &other) != WX_OK || !are_closed())
        return 4;
    wx_client_set_ticket(client, "TICKET-OF-A-PLATFORM", &result);
    wx_result_free(result);
    if (!are_closed())
        return 5;
    for (i = 0; i < 2; i++) {
        if (wx_get_linked(i == 0 ? client : other, token, &result) != WX_OK)
            return 6;
        /* The connection stays open for the next call. */
        if (!are_closed())
            return 7;
        wx_result_free(result);
    }
    wx_client_free(other);
    wx_client_free(client);
    wx_options_free(options);
    return are_closed() ? 0 : 8;
}
