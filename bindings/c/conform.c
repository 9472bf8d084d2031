/*
 * Makes the calls of the shared test vectors: one request per line on stdin, one answer per line on
 * stdout. tests/conformance.rs describes the lines.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wxlink.h"

#define MAX_FIELDS 32

/* The request being answered: its verb, then key and value in turn. */
static struct {
    const char *verb;
    char *keys[MAX_FIELDS];
    char *values[MAX_FIELDS];
    int count;
} request;

static const char *given(const char *key, const char *otherwise)
{
    int i;

    for (i = 0; i < request.count; i++)
        if (strcmp(request.keys[i], key) == 0)
            return request.values[i];
    return otherwise;
}

/* Reads a line, without its end, into memory that the next call overwrites; NULL at the end. */
static char *read_line(void)
{
    static char *line;
    static size_t cap;
    size_t length = 0;
    int c;

    while ((c = getchar()) != EOF && c != '\n') {
        if (length + 2 > cap)
            line = (char *)realloc(line, cap = cap * 2 + 256);
        if (line == NULL)
            exit(1);
        line[length++] = (char)c;
    }
    if (c == EOF && length == 0)
        return NULL;
    if (line == NULL)
        line = (char *)calloc(cap = 256, 1);
    line[length] = '\0';
    return line;
}

/* Replaces every %XX by its byte, in place. */
static void decode(char *text)
{
    char *to = text;
    unsigned byte;

    while (*text != '\0') {
        if (*text == '%' && sscanf(text + 1, "%2x", &byte) == 1) {
            *to++ = (char)byte;
            text += 3;
        } else {
            *to++ = *text++;
        }
    }
    *to = '\0';
}

static void parse(char *line)
{
    char *field, *equals;

    request.verb = strtok(line, "\t");
    request.count = 0;
    while ((field = strtok(NULL, "\t")) != NULL && request.count < MAX_FIELDS) {
        equals = strchr(field, '=');
        if (equals == NULL)
            continue;
        *equals = '\0';
        decode(equals + 1);
        request.keys[request.count] = field;
        request.values[request.count++] = equals + 1;
    }
}

/* Whether the answer's line has no field yet. */
static int first;

static void put(const char *key, const char *value, size_t length)
{
    size_t i;

    printf("%s%s=", first ? "" : "\t", key);
    first = 0;
    for (i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)value[i];
        if (byte < ' ' || byte > '~' || byte == '%')
            printf("%%%02X", byte);
        else
            putchar(byte);
    }
}

static void put_text(const char *key, const char *value)
{
    put(key, value, strlen(value));
}

static void put_number(const char *key, int number)
{
    char text[16];

    sprintf(text, "%d", number);
    put_text(key, text);
}

static void put_status(int32_t status)
{
    const char *text = wx_status_text(status);

    put("status", text, strcspn(text, ": "));
}

/* Puts the value at a JSON pointer of the result, if there is one. */
static void put_value(const wx_result *result, const char *pointer, const char *key)
{
    int32_t length = wx_result_get(result, pointer, NULL, 0);
    char *text;

    if (length < 0 || (text = (char *)malloc((size_t)length + 1)) == NULL)
        return;
    wx_result_get(result, pointer, text, (size_t)length + 1);
    put(key, text, (size_t)length);
    free(text);
}

/* Puts a field of a list's item, unless it is missing or null. */
static void put_field(const wx_result *result, size_t item, const char *field)
{
    char key[96];

    if (!wx_list_has(result, item, field))
        return;
    sprintf(key, "item.%lu.%s", (unsigned long)item, field);
    put_text(key, wx_list_text(result, item, field));
}

static void put_func_infos(const wx_result *result, size_t item)
{
    static const char *const fields[] = {"id", "status", "name"};
    char path[64], key[96];
    size_t info, field, count = wx_list_size(result, item, "func_infos");

    for (info = 0; info < count; info++) {
        for (field = 0; field < 3; field++) {
            sprintf(path, "func_infos/%lu/%s", (unsigned long)info, fields[field]);
            if (!wx_list_has(result, item, path))
                continue;
            sprintf(key, "item.%lu.func_infos.%lu.%s", (unsigned long)item, (unsigned long)info,
                    fields[field]);
            put_text(key, wx_list_text(result, item, path));
        }
    }
    sprintf(key, "item.%lu.func_infos", (unsigned long)item);
    put_number(key, (int)count);
}

static void put_items(const wx_result *result)
{
    static const char *const fields[] = {
        "status",
        "username",
        "appid",
        "source",
        "nickname",
        "selected",
        "nearby_display_status",
        "released",
        "headimg_url",
        "copy_verify_status",
        "email",
    };
    size_t item, field, count = wx_list_length(result);

    for (item = 0; item < count; item++) {
        for (field = 0; field < sizeof fields / sizeof *fields; field++)
            put_field(result, item, fields[field]);
        put_func_infos(result, item);
    }
    put_number("items", (int)count);
}

static void put_result(int32_t status, const wx_result *result)
{
    static const char *const deliveries[] = {"never sent", "unknown", "answered"};
    const char *body;
    size_t length;

    put_status(status);
    if (status == WX_OK || status == WX_E_API)
        put_number("errcode", wx_result_errcode(result));
    put_text("class", wx_class_text(wx_result_class(result), NULL, NULL));
    put_text("delivery", deliveries[wx_result_delivery(result)]);
    put_number("http_status", wx_result_http_status(result));
    put_text("rid", wx_result_rid(result));
    put_text("message", wx_result_message(result));
    body = wx_result_json(result, &length);
    put("body", body, length);
    put_value(result, "/state", "state");
    put_value(result, "/waits_for", "waits_for");
    put_value(result, "/posts", "posts");
    if (status == WX_OK && strcmp(request.verb, "get") == 0)
        put_items(result);
}

static void call(wx_client *client)
{
    const char *token = given("access_token", ""), *appid = given("appid", "");
    int32_t notify_users = atoi(given("notify_users", "0"));
    int32_t show_profile = atoi(given("show_profile", "0"));
    uint32_t wait_ms = (uint32_t)strtoul(given("wait_ms", "0"), NULL, 10);
    wx_result *result = NULL;
    int32_t status = WX_E_BAD_VALUE;

    if (strcmp(request.verb, "link") == 0)
        status = wx_link_miniprogram(client, token, appid, notify_users, show_profile, &result);
    else if (strcmp(request.verb, "get") == 0)
        status = wx_get_linked(client, token, &result);
    else if (strcmp(request.verb, "unlink") == 0)
        status = wx_unlink_miniprogram(client, token, appid, &result);
    else if (strcmp(request.verb, "ensure") == 0)
        status =
            wx_ensure_linked(client, token, appid, notify_users, show_profile, wait_ms, &result);
    else if (strcmp(request.verb, "wait") == 0)
        status = wx_wait_linked(client, token, appid, wait_ms, &result);
    else if (strcmp(request.verb, "push") == 0)
        status = wx_client_accept_push(client, given("query", ""), given("body", ""),
                                       strlen(given("body", "")), &result);
    put_result(status, result);
    wx_result_free(result);
}

static void call_with_options(void)
{
    wx_options *options = wx_options_new();
    wx_client *client = NULL;
    int32_t status = WX_OK;
    int i;

    for (i = 0; i < request.count && status == WX_OK; i++)
        if (strncmp(request.keys[i], "option.", 7) == 0)
            status = wx_options_set(options, request.keys[i] + 7, request.values[i]);
    if (status == WX_OK)
        status = wx_client_new(options, &client);
    if (status == WX_OK) {
        call(client);
    } else {
        put_status(status);
        put_text("message", wx_options_message(options));
    }
    wx_client_free(client);
    wx_options_free(options);
}

static void set_option(void)
{
    wx_options *options = wx_options_new();

    put_status(wx_options_set(options, given("key", ""), given("value", "")));
    put_text("message", wx_options_message(options));
    wx_options_free(options);
}

static void explain(void)
{
    static const char *const fields[] = {"name", "class", "meaning", "remedy"};
    int32_t errcode = atoi(given("errcode", "0"));
    const char *endpoint = given("endpoint", NULL);
    const char *text;
    int i;

    put_text("status", *wx_errcode_text(endpoint, errcode, "name", "en") ? "OK" : "NOT_FOUND");
    for (i = 0; i < 4; i++) {
        text = wx_errcode_text(endpoint, errcode, fields[i], "en");
        put_text(fields[i], text);
    }
}

int main(void)
{
    char *line;

    while ((line = read_line()) != NULL) {
        parse(line);
        if (request.verb == NULL)
            return 2;
        first = 1;
        if (strcmp(request.verb, "option") == 0)
            set_option();
        else if (strcmp(request.verb, "errcodes") == 0)
            explain();
        else
            call_with_options();
        puts("");
        fflush(stdout);
    }
    return 0;
}
