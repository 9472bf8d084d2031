/*
 * The requests that handles.c and stdcall.c read from stdin, and the replies that they write.
 *
 * A request is the name of an operation of wx_exec, lines KEY=VALUE as wx_exec takes them, and a
 * line with a point. The operation `new` makes another client, where clients are kept. A reply is
 * lines NAME=VALUE, as wx_exec writes them with format=lines, and a line with a point.
 */
#ifndef CALLS_H
#define CALLS_H

#include <fcntl.h>
#include <io.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ARGS_BYTES 65536

static char operation[64];
static char arguments[MAX_ARGS_BYTES];

/* No CR is added to the lines that are written. */
static void use_bytes(void)
{
    _setmode(_fileno(stdin), _O_BINARY);
    _setmode(_fileno(stdout), _O_BINARY);
}

/* Reads a request. Returns 0 at the end of the input. */
static int read_request(void)
{
    static char line[MAX_ARGS_BYTES];
    size_t length = 0;

    if (fgets(operation, sizeof operation, stdin) == NULL)
        return 0;
    operation[strcspn(operation, "\r\n")] = '\0';
    arguments[0] = '\0';
    while (fgets(line, sizeof line, stdin) != NULL && strcmp(line, ".\n") != 0) {
        if (length + strlen(line) >= sizeof arguments) {
            fputs("the request is too long\n", stderr);
            exit(2);
        }
        strcpy(arguments + length, line);
        length += strlen(line);
    }
    return 1;
}

static void end_reply(void)
{
    puts(".");
    fflush(stdout);
}

#endif
