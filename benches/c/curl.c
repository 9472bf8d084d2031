/* libcurl: one handle with time limits. A file of its own reads the errcode. */
#define _GNU_SOURCE
#include "peer.h"
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct peer {
    CURL *handle;
    struct curl_slist *headers;
    void *parser;
    char *url, *body;
    size_t len, cap;
};

static size_t take(char *data, size_t size, size_t n, void *to)
{
    struct peer *p = to;
    size *= n;
    if (p->len + size + PADDING > p->cap) {
        p->cap = 2 * (p->len + size + PADDING);
        p->body = realloc(p->body, p->cap);
    }
    memcpy(p->body + p->len, data, size);
    p->len += size;
    return size;
}

void *peer_open(const char *url, const char *ca)
{
    struct peer *p = calloc(1, sizeof *p);
    p->handle = curl_easy_init();
    p->url = strdup(url);
    p->parser = parser_new();
    p->headers = curl_slist_append(NULL, "Content-Type: application/json");
    curl_easy_setopt(p->handle, CURLOPT_HTTPHEADER, p->headers);
    curl_easy_setopt(p->handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(p->handle, CURLOPT_TIMEOUT_MS, 10000L);
    curl_easy_setopt(p->handle, CURLOPT_CONNECTTIMEOUT_MS, 3000L);
    curl_easy_setopt(p->handle, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(p->handle, CURLOPT_WRITEDATA, p);
    if (ca)
        curl_easy_setopt(p->handle, CURLOPT_CAINFO, ca);
    return p;
}

int peer_call(void *peer, enum kind kind)
{
    struct peer *p = peer;
    char url[512];
    CURLcode code;
    snprintf(url, sizeof url, "%s/cgi-bin/wxopen/wxamplink%s?access_token=%s", p->url,
             kind == LINK ? "" : "get", kind == LIST500 ? TOKEN500 : TOKEN50);
    curl_easy_setopt(p->handle, CURLOPT_URL, url);
    curl_easy_setopt(p->handle, CURLOPT_POSTFIELDS, kind == LINK ? LINK_BODY : "{}");
    p->len = 0;
    code = curl_easy_perform(p->handle);
    if (code != CURLE_OK) {
        fprintf(stderr, "%s\n", curl_easy_strerror(code));
        return -1;
    }
    if (kind == READ50)
        return parser_items(p->parser, p->body, p->len) == 50 ? 0 : -1;
    return parser_errcode(p->parser, p->body, p->len);
}

void peer_close(void *peer)
{
    struct peer *p = peer;
    curl_easy_cleanup(p->handle);
    curl_slist_free_all(p->headers);
    parser_free(p->parser);
    free(p->url);
    free(p->body);
    free(p);
}
