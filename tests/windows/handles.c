/*
 * Calls the functions of wxlink.h with handles, on one client until the operation `new`: see
 * calls.h.
 */
#include "calls.h"
#include "wxlink.h"

static wx_client *client;
static const char *access_token, *appid;
static int32_t notify_users, show_profile;
static uint32_t wait_ms;

static int is(const char *key, const char *name)
{
    return strcmp(key, name) == 0;
}

/* Reads the arguments, and makes a client with those that are options if there is none. */
static void prepare(void)
{
    wx_options *options = wx_options_new();
    char *key, *value;

    access_token = appid = NULL;
    notify_users = show_profile = -1;
    wait_ms = 0;
    for (key = strtok(arguments, "\n"); key != NULL; key = strtok(NULL, "\n")) {
        value = strchr(key, '=');
        *value++ = '\0';
        /* The reply always has lines. */
        if (is(key, "format"))
            continue;
        if (is(key, "access_token"))
            access_token = value;
        else if (is(key, "appid"))
            appid = value;
        else if (is(key, "notify_users"))
            notify_users = atoi(value);
        else if (is(key, "show_profile"))
            show_profile = atoi(value);
        else if (is(key, "wait_ms"))
            wait_ms = (uint32_t)strtoul(value, NULL, 10);
        else if (wx_options_set(options, key, value) != WX_OK)
            puts(wx_options_message(options));
    }
    if (client == NULL && wx_client_new(options, &client) != WX_OK)
        puts(wx_options_message(options));
    wx_options_free(options);
}

static int32_t call(wx_result **result)
{
    if (is(operation, "link"))
        return wx_link_miniprogram(client, access_token, appid, notify_users, show_profile, result);
    if (is(operation, "list"))
        return wx_get_linked(client, access_token, result);
    if (is(operation, "unlink"))
        return wx_unlink_miniprogram(client, access_token, appid, result);
    if (is(operation, "ensure"))
        return wx_ensure_linked(client, access_token, appid, notify_users, show_profile, wait_ms,
                                result);
    if (is(operation, "wait"))
        return wx_wait_linked(client, access_token, appid, wait_ms, result);
    fprintf(stderr, "unknown operation: %s\n", operation);
    exit(2);
}

int main(void)
{
    wx_result *result;
    int32_t status;

    use_bytes();
    while (read_request()) {
        if (is(operation, "new")) {
            wx_client_free(client);
            client = NULL;
        } else {
            prepare();
            result = NULL;
            status = call(&result);
            printf("status=%d\nerrcode=%d\nclass=%s\ndelivery=%d\n", (int)status,
                   (int)wx_result_errcode(result),
                   wx_class_text(wx_result_class(result), NULL, NULL),
                   (int)wx_result_delivery(result));
            printf("message=%s %s\n", wx_result_message(result), wx_result_trace(result));
            wx_result_free(result);
        }
        end_reply();
    }
    wx_client_free(client);
    return 0;
}
