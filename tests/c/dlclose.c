/*
 * A program that loads the library, uses it and unloads it, several times. Threads that the library
 * has started must not crash the program after the library is unloaded.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wxlink.h"

/* ISO C has no conversion from an object pointer to a function pointer. POSIX intends this one. */
#define LOAD(library, function, name)                                                              \
    do {                                                                                           \
        void *symbol = dlsym(library, name);                                                       \
        if (symbol == NULL)                                                                        \
            return 2;                                                                              \
        memcpy(&function, &symbol, sizeof symbol);                                                 \
    } while (0)

static int once(const char *path)
{
    wx_options *(*options_new)(void);
    int32_t (*options_set)(wx_options *, const char *, const char *);
    void (*options_free)(wx_options *);
    int32_t (*client_new)(wx_options *, wx_client **);
    void (*client_free)(wx_client *);
    int32_t (*get_linked)(const wx_client *, const char *, wx_result **);
    void (*result_free)(wx_result *);
    wx_options *options;
    wx_client *client = NULL;
    wx_result *result = NULL;
    int32_t status;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (library == NULL)
        return 1;
    LOAD(library, options_new, "wx_options_new");
    LOAD(library, options_set, "wx_options_set");
    LOAD(library, options_free, "wx_options_free");
    LOAD(library, client_new, "wx_client_new");
    LOAD(library, client_free, "wx_client_free");
    LOAD(library, get_linked, "wx_get_linked");
    LOAD(library, result_free, "wx_result_free");

    options = options_new();
    /* The host is a name, which a thread of the library resolves. */
    options_set(options, "base_url", getenv("WXLINK_NAMED_URL"));
    client_new(options, &client);
    options_free(options);
    status = get_linked(client, getenv("WXLINK_ACCESS_TOKEN"), &result);
    result_free(result);
    client_free(client);
    dlclose(library);
    return status == WX_OK ? 0 : 3;
}

int main(int argc, char **argv)
{
    int i, code = 0;

    for (i = 0; i < 20 && code == 0; i++)
        code = once(argv[argc - 1]);
    if (code == 0)
        puts("unloaded well");
    return code;
}
