/* A bare socket, or OpenSSL on one: one write, and as few reads as the response allows. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifndef NO_TLS
#include <openssl/ssl.h>
#endif
#include "peer.h"

struct peer {
    int fd;
    void *tls;
    char request[4][1024], answer[1 << 20];
};

void *peer_open(const char *url, const char *ca)
{
    struct peer *p = calloc(1, sizeof *p);
    struct sockaddr_in to = {.sin_family = AF_INET};
    char address[64];
    int port, one = 1, kind;
    if (sscanf(url, "%*[a-z]://%63[0-9.]:%d", address, &port) != 2)
        exit(1);
    inet_pton(AF_INET, address, &to.sin_addr);
    to.sin_port = htons(port);
    p->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(p->fd, (struct sockaddr *)&to, sizeof to) != 0) {
        perror("connect");
        exit(1);
    }
    setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
#ifndef NO_TLS
    if (strncmp(url, "https", 5) == 0) {
        SSL_CTX *context = SSL_CTX_new(TLS_client_method());
        SSL_CTX_load_verify_locations(context, ca, NULL);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
        p->tls = SSL_new(context);
        SSL_set_fd(p->tls, p->fd);
        if (SSL_connect(p->tls) != 1)
            exit(1);
    }
#endif
    for (kind = LINK; kind <= READ50; kind++) {
        const char *body = kind == LINK ? LINK_BODY : "{}";
        const char *token = kind == LIST500 ? TOKEN500 : TOKEN50;
        snprintf(p->request[kind], sizeof p->request[kind],
                 "POST /cgi-bin/wxopen/wxamplink%s?access_token=%s HTTP/1.1\r\nHost: %s:%d\r\n"
                 "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                 kind == LINK ? "" : "get", token, address, port, strlen(body), body);
    }
    (void)ca;
    return p;
}

static long put(struct peer *p, const char *data, size_t len)
{
#ifndef NO_TLS
    if (p->tls)
        return SSL_write(p->tls, data, len);
#endif
    return send(p->fd, data, len, MSG_NOSIGNAL);
}

static long get(struct peer *p, char *data, size_t len)
{
#ifndef NO_TLS
    if (p->tls)
        return SSL_read(p->tls, data, len);
#endif
    return recv(p->fd, data, len, 0);
}

int peer_call(void *peer, enum kind kind)
{
    struct peer *p = peer;
    size_t want = 0, have = 0, searched, len = strlen(p->request[kind]);
    char *body = NULL;
    if (put(p, p->request[kind], len) != (long)len)
        return -1;
    while (want == 0 || have < want) {
        long n = get(p, p->answer + have, sizeof p->answer - 1 - have);
        if (n <= 0)
            return -1;
        have += n;
        p->answer[have] = 0;
        if (want == 0 && (body = strstr(p->answer, "\r\n\r\n")) != NULL) {
            body += 4;
            want = body - p->answer + atol(strstr(p->answer, "Content-Length:") + 15);
        }
    }
    searched = want - (body - p->answer);
    if (searched > 64)
        searched = 64;
    return memmem(body, searched, "\"errcode\":0,", 12) ? 0 : -1;
}

void peer_close(void *peer)
{
    struct peer *p = peer;
    close(p->fd);
    free(p);
}
