/*
 * Calls every function of wxlink.h with valid and invalid arguments, on several threads, for
 * valgrind and the sanitizers. Needs a new simulator at WXLINK_BASE_URL. Exits with 0 on success.
 */
#define _POSIX_C_SOURCE 200112L
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wxlink.h"

#define CHECK(truth)                                                                               \
    do {                                                                                           \
        if (!(truth)) {                                                                            \
            fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #truth);                    \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static const char *token;
static wx_client *client;

static void use_list(const wx_result *result)
{
    size_t i, len = 0, count = wx_list_length(result);

    CHECK(strlen(wx_list_json(result, &len)) == len && wx_list_json(result, NULL)[0] == '[');
    for (i = 0; i < count; i++) {
        CHECK(wx_list_text(result, i, "")[0] == '{');
        CHECK(wx_list_text(result, i, "username") == wx_list_text(result, i, "username"));
        CHECK(strncmp(wx_list_text(result, i, "username"), "gh_", 3) == 0);
        CHECK(wx_list_has(result, i, "username") == 1 && wx_list_has(result, i, "none") == 0);
        CHECK(wx_list_number(result, i, "status", 0) > 0);
        CHECK(atoi(wx_list_text(result, i, "status")) == wx_list_number(result, i, "status", 0));
        CHECK((wx_list_size(result, i, "func_infos") > 0) ==
              wx_list_has(result, i, "func_infos/0/name"));
        CHECK((wx_list_text(result, i, "func_infos/0/name")[0] != '\0') ==
              wx_list_has(result, i, "func_infos/0/name"));
    }
    CHECK(wx_list_text(result, count, "appid")[0] == '\0');
    CHECK(wx_list_text(result, 0, NULL)[0] == '\0');
    CHECK(wx_list_number(result, count, "status", -7) == -7);
    CHECK(wx_list_has(result, count, "appid") == 0 && wx_list_size(result, 0, "\377") == 0);
}

static void use_result(wx_result *result, int32_t status)
{
    char buf[64];
    size_t len = 0;

    CHECK(result != NULL);
    CHECK(strlen(wx_result_json(result, &len)) == len && len > 0);
    CHECK(wx_result_json(result, NULL) == wx_result_json(result, NULL));
    CHECK((wx_result_errcode(result) == 0) == (status == WX_OK));
    CHECK(wx_result_http_status(result) >= 0);
    CHECK(wx_result_delivery(result) >= WX_DELIVERY_NEVER_SENT);
    CHECK(wx_result_delivery(result) <= WX_DELIVERY_ANSWERED);
    CHECK((wx_result_message(result)[0] == '\0') == (status == WX_OK));
    CHECK(wx_result_class(result) >= WX_CLASS_UNKNOWN);
    CHECK(wx_result_class(result) <= WX_CLASS_TICKET);
    CHECK((wx_class_text(wx_result_class(result), NULL, NULL)[0] == '\0') ==
          (wx_result_class(result) == WX_CLASS_UNKNOWN));
    CHECK(wx_result_rid(result) != NULL);
    CHECK(wx_result_trace(result)[0] == '{');
    CHECK(strstr(wx_result_trace(result), token) == NULL);
    CHECK(strstr(wx_result_message(result), token) == NULL);
    CHECK(wx_result_get(result, "/errcode", buf, sizeof buf) > 0);
    CHECK(atoi(buf) == wx_result_errcode(result));
    CHECK(wx_result_get(result, "/errcode", buf, 1) == WX_E_BUFFER);
    CHECK(wx_result_get(result, "/nothing", buf, sizeof buf) == WX_E_NOT_FOUND);
    CHECK(wx_result_get(result, "nothing", buf, sizeof buf) == WX_E_BAD_VALUE);
    CHECK(wx_result_get(result, "", NULL, 0) > 0);
    use_list(result);
    wx_result_free(result);
}

/* A platform's client fetches the tokens itself. */
static void use_tokens(void)
{
    wx_options *options = wx_options_new();
    wx_client *platform = NULL;
    wx_result *result = NULL;

    CHECK(wx_options_set(options, "base_url", getenv("WXLINK_BASE_URL")) == WX_OK);
    /* Valgrind is slow on a busy machine. */
    CHECK(wx_options_set(options, "timeout_ms", "60000") == WX_OK);
    CHECK(wx_options_set(options, "component_appid", "wx0c00000000000001") == WX_OK);
    CHECK(wx_client_new(options, &platform) == WX_E_BAD_OPTION);
    CHECK(wx_options_set(options, "component_appsecret", "SANDBOX-COMPONENT-SECRET") == WX_OK);
    CHECK(wx_options_set(options, "account", "wx0a00000000000001") == WX_OK);
    CHECK(wx_client_new(options, &platform) == WX_OK);
    wx_options_free(options);
    CHECK(wx_get_linked(platform, NULL, &result) == WX_E_NO_TOKEN);
    CHECK(wx_result_delivery(result) == WX_DELIVERY_NEVER_SENT);
    wx_result_free(result);
    CHECK(wx_client_set_ticket(platform, "", &result) == WX_E_BAD_VALUE);
    use_result(result, WX_E_BAD_VALUE);
    CHECK(wx_client_set_ticket(platform, NULL, &result) == WX_E_NULL_POINTER);
    use_result(result, WX_E_NULL_POINTER);
    CHECK(wx_client_set_ticket(NULL, "t", &result) == WX_E_NULL_POINTER);
    use_result(result, WX_E_NULL_POINTER);
    CHECK(wx_client_set_ticket(platform, "SANDBOX-TICKET", NULL) == WX_E_NULL_POINTER);
    CHECK(wx_get_linked(platform, NULL, &result) == WX_E_NO_TOKEN);
    use_result(result, WX_E_NO_TOKEN);
    CHECK(wx_client_set_ticket(platform, "SANDBOX-TICKET", &result) == WX_OK);
    CHECK(wx_result_class(result) == WX_CLASS_OK);
    use_result(result, WX_OK);
    CHECK(wx_client_add_account(platform, "wx0a00000000000001", "\377", &result) == WX_E_NOT_UTF8);
    use_result(result, WX_E_NOT_UTF8);
    CHECK(wx_client_add_account(platform, "wx0a00000000000001", "SANDBOX-REFRESH-1", &result) ==
          WX_OK);
    use_result(result, WX_OK);
    CHECK(wx_get_linked(platform, NULL, &result) == WX_OK);
    wx_result_free(result);
    CHECK(wx_get_linked(platform, "", &result) == WX_OK);
    wx_result_free(result);
    CHECK(wx_client_stats(platform, &result) == WX_OK);
    CHECK(wx_result_delivery(result) == WX_DELIVERY_NEVER_SENT);
    CHECK(wx_result_get(result, "/endpoints/get/outcomes/OK", NULL, 0) > 0);
    use_result(result, WX_OK);
    CHECK(wx_client_stats(NULL, &result) == WX_E_NULL_POINTER);
    use_result(result, WX_E_NULL_POINTER);
    CHECK(wx_client_stats(platform, NULL) == WX_E_NULL_POINTER);
    CHECK(wx_client_accept_push(platform, "", "<xml>", 5, &result) == WX_E_BAD_VALUE);
    use_result(result, WX_E_BAD_VALUE);
    CHECK(wx_client_authorization_url(platform, "shop.example", NULL, &result) == WX_E_BAD_VALUE);
    use_result(result, WX_E_BAD_VALUE);
    CHECK(wx_client_accept_authorization(platform, "", &result) == WX_E_BAD_VALUE);
    use_result(result, WX_E_BAD_VALUE);
    CHECK(wx_client_account_info(platform, "\377", &result) == WX_E_NOT_UTF8);
    use_result(result, WX_E_NOT_UTF8);
    wx_client_free(platform);
}

static void *reads(void *unused)
{
    int i;

    (void)unused;
    for (i = 0; i < 20; i++) {
        wx_result *result = NULL;
        int32_t status = wx_get_linked(client, token, &result);

        CHECK(status == WX_OK);
        use_result(result, status);
    }
    return NULL;
}

static void flat(void)
{
    char args[1024], out[4096];
    size_t len = 0;

    sprintf(args, "base_url=%.200s\naccess_token=%.200s\ntimeout_ms=60000\n",
            getenv("WXLINK_BASE_URL"), token);
    CHECK(wx_exec("list", 4, args, strlen(args), out, sizeof out, &len) == WX_OK);
    CHECK(len > 0 && out[len] == '\0');
    CHECK(wx_exec("list", 4, args, strlen(args), out, 10, &len) == WX_E_BUFFER && len > 10);
    CHECK(wx_exec("list", 4, args, strlen(args), NULL, 0, &len) == WX_E_BUFFER && len > 0);
    CHECK(wx_exec("jump", 4, args, strlen(args), out, sizeof out, &len) == WX_E_BAD_VALUE);
    CHECK(wx_exec("link", 4, args, strlen(args), out, 511, &len) == WX_E_BAD_VALUE || len == 512);
    CHECK(wx_exec(NULL, 0, NULL, 0, NULL, 0, NULL) == WX_E_NULL_POINTER);
}

int main(void)
{
    wx_options *options = wx_options_new();
    wx_result *result = NULL;
    wx_client *bad = NULL;
    pthread_t threads[4];
    int32_t status;
    int i;

    token = getenv("WXLINK_ACCESS_TOKEN");
    CHECK(token != NULL);
    CHECK(wx_abi_version() == WX_ABI_VERSION);
    CHECK(wx_version()[0] != '\0');
    CHECK(wx_status_text(WX_E_TIMEOUT)[0] == 'T');
    CHECK(wx_status_text(4711)[0] == '\0');
    CHECK(strcmp(wx_class_text(WX_CLASS_ACTION_REQUIRED, NULL, NULL), "action_required") == 0);
    CHECK(wx_class_text(WX_CLASS_TICKET, "advice", "zh")[0] != '\0');
    CHECK(wx_class_text(WX_CLASS_UNKNOWN, "name", NULL)[0] == '\0');
    CHECK(wx_catalogue_json()[0] == '[');
    CHECK(strcmp(wx_errcode_text("link", 89010, "class", NULL), "pending") == 0);
    CHECK(wx_errcode_text("link", 4711, "class", NULL)[0] == '\0');

    CHECK(options != NULL);
    CHECK(wx_options_message(options)[0] == '\0');
    CHECK(wx_options_set(options, "base_url", getenv("WXLINK_BASE_URL")) == WX_OK);
    CHECK(wx_options_set(options, "timeout_ms", "-1") == WX_E_BAD_OPTION);
    CHECK(wx_options_message(options)[0] != '\0');
    CHECK(wx_options_set(options, "timeout_ms", "60000") == WX_OK);
    CHECK(wx_options_set(options, "ca_file", "/nowhere/ca.pem") == WX_OK);
    CHECK(wx_client_new(options, &bad) == WX_E_BAD_OPTION && bad == NULL);
    CHECK(strstr(wx_options_message(options), "/nowhere/ca.pem") != NULL);
    CHECK(wx_options_set(options, "ca_file", "") == WX_OK);
    CHECK(wx_client_new(options, &client) == WX_OK);
    wx_options_free(options);

    use_tokens();
    CHECK(wx_client_set_ticket(client, "t", &result) == WX_E_BAD_VALUE);
    use_result(result, WX_E_BAD_VALUE);

    status = wx_link_miniprogram(client, token, "wx0b00000000000001", 0, 1, &result);
    CHECK(status == WX_OK || wx_result_errcode(result) == 89010);
    use_result(result, status);
    status = wx_link_miniprogram(client, token, "wx0b00000000000001", 0, 1, &result);
    CHECK(status == WX_E_API && wx_result_class(result) == WX_CLASS_PENDING);
    use_result(result, status);
    status = wx_unlink_miniprogram(client, token, "\350\223\235", &result);
    CHECK(status == WX_E_API);
    use_result(result, status);
    status = wx_link_miniprogram(client, token, "wx0b00000000000002", 7, 1, &result);
    CHECK(status == WX_E_BAD_VALUE && wx_result_delivery(result) == WX_DELIVERY_NEVER_SENT);
    use_result(result, status);
    CHECK(wx_get_linked(client, token, NULL) == WX_E_NULL_POINTER);

    for (i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, reads, NULL) == 0);
    for (i = 0; i < 4; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);

    CHECK(wx_client_derive(client, NULL, &bad) == WX_OK);
    status = wx_ensure_linked(bad, token, "wx0b00000000000001", 0, 1, 0, &result);
    CHECK(status == WX_E_PENDING && wx_result_class(result) == WX_CLASS_PENDING);
    use_result(result, status);
    status = wx_wait_linked(bad, token, "gh_000000000001", 50, &result);
    CHECK(status == WX_E_PENDING);
    use_result(result, status);
    wx_client_cancel(bad);
    status = wx_wait_linked(bad, token, "gh_000000000001", 50, &result);
    CHECK(status == WX_E_CANCELLED);
    use_result(result, status);
    wx_client_free(bad);

    /* A result outlives its client. */
    status = wx_get_linked(client, token, &result);
    CHECK(wx_list_length(result) > 0 && wx_list_length(NULL) == 0);
    wx_client_free(client);
    use_result(result, status);

    flat();
    wx_client_free(NULL);
    wx_result_free(NULL);
    wx_options_free(NULL);
    puts("all functions called");
    return 0;
}
