/*
 * Calls wx_exec as a host does that has only fixed buffers and cannot hold handles.
 *
 *   exec link|list|unlink|ensure|wait < ARGS
 *
 * Reads lines of KEY=VALUE (see wx_exec in wxlink.h) and prints the answer as lines of the same
 * form. Exits with 0 after WX_OK, 2 after wrong arguments, 1 after any other status.
 */
#include <stdio.h>
#include <string.h>

#include "wxlink.h"

static char args[8192];
static char out[262144];

int main(int argc, char **argv)
{
    static const char format[] = "format=lines\n";
    size_t args_len, out_len = 0;
    int32_t status;

    if (argc != 2) {
        fputs("usage: exec link|list|unlink|ensure|wait < ARGS\n", stderr);
        return 2;
    }
    memcpy(args, format, sizeof format - 1);
    args_len = sizeof format - 1;
    args_len += fread(args + args_len, 1, sizeof args - args_len, stdin);

    status = wx_exec(argv[1], strlen(argv[1]), args, args_len, out, sizeof out, &out_len);
    if (status == WX_E_BUFFER) {
        fprintf(stderr, "the answer needs %lu bytes\n", (unsigned long)out_len);
        return 1;
    }
    fwrite(out, 1, out_len, stdout);
    if (status == WX_OK)
        return 0;
    return status <= WX_E_NULL_POINTER && status > WX_E_RESOLVE ? 2 : 1;
}
