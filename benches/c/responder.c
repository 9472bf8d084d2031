/* An HTTP server on loopback with fixed, immediate responses, so that the clients are measured.
 *
 *   responder LINK LIST50 LIST500 [CERTIFICATE KEY]   files: three bodies, and PEM for HTTPS
 *
 * Prints the ports of HTTP and HTTPS (0: none) when it is ready. GET /connections returns the
 * number of accepted connections. It has one thread, so that it uses one core at most, and ends
 * with its parent. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#ifndef NO_TLS
#include <openssl/ssl.h>
static SSL_CTX *context;
#endif

struct connection {
    int fd;
    int listens; /* 1: for HTTP, 2: for HTTPS */
    void *tls;
    size_t have;
    char request[8192];
};
struct answer {
    char *bytes;
    size_t len;
};

static struct answer answers[3];
static int epoll;
static long accepted;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static struct answer read_answer(const char *path)
{
    struct answer answer = {malloc(1 << 22), 0};
    static char body[1 << 21];
    FILE *file = fopen(path, "r");
    size_t len;
    if (file == NULL)
        die(path);
    len = fread(body, 1, sizeof body, file);
    fclose(file);
    answer.len = sprintf(answer.bytes,
                         "HTTP/1.1 200 OK\r\nContent-Type: application/json; encoding=utf-8\r\n"
                         "Content-Length: %zu\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n",
                         len);
    memcpy(answer.bytes + answer.len, body, len);
    answer.len += len;
    return answer;
}

static void watch(struct connection *c)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event);
}

static int listen_on_loopback(int kind)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    struct connection *c = calloc(1, sizeof *c);
    c->listens = kind;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (bind(c->fd, (struct sockaddr *)&at, len) != 0 || listen(c->fd, 1024) != 0 ||
        getsockname(c->fd, (struct sockaddr *)&at, &len) != 0)
        die("listen");
    watch(c);
    return ntohs(at.sin_port);
}

static void end(struct connection *c)
{
#ifndef NO_TLS
    if (c->tls)
        SSL_free(c->tls);
#endif
    close(c->fd);
    free(c);
}

static void welcome(struct connection *listener)
{
    int fd, one = 1;
    while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct connection *c = calloc(1, sizeof *c);
        accepted++;
        c->fd = fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
#ifndef NO_TLS
        if (listener->listens == 2) {
            c->tls = SSL_new(context);
            SSL_set_fd(c->tls, fd);
            SSL_set_accept_state(c->tls);
        }
#endif
        watch(c);
    }
}

/* Answers the bytes read, 0 if there are none now, -1 at the end. */
static long get(struct connection *c)
{
    char *to = c->request + c->have;
    size_t room = sizeof c->request - 1 - c->have;
    long n;
#ifndef NO_TLS
    if (c->tls) {
        n = SSL_read(c->tls, to, room);
        if (n > 0)
            return n;
        n = SSL_get_error(c->tls, n);
        return n == SSL_ERROR_WANT_READ || n == SSL_ERROR_WANT_WRITE ? 0 : -1;
    }
#endif
    n = recv(c->fd, to, room, 0);
    return n > 0 ? n : n < 0 && errno == EAGAIN ? 0 : -1;
}

/* Sends everything, waiting for the caller to read if need be: the callers here always do. */
static int put(struct connection *c, const char *data, size_t len)
{
    while (len > 0) {
        struct pollfd room = {.fd = c->fd, .events = POLLOUT};
        long n;
#ifndef NO_TLS
        if (c->tls) {
            n = SSL_write(c->tls, data, len);
            if (n <= 0 && SSL_get_error(c->tls, n) != SSL_ERROR_WANT_WRITE)
                return -1;
        } else
#endif
            n = send(c->fd, data, len, MSG_NOSIGNAL);
        if (n > 0) {
            data += n;
            len -= n;
        } else if (!c->tls && errno != EAGAIN)
            return -1;
        else
            poll(&room, 1, -1);
    }
    return 0;
}

static int answer(struct connection *c)
{
    char *path = strchr(c->request, ' ') + 1, text[128], body[64];
    struct answer a = answers[0];
    if (strncmp(path, "/connections", 12) == 0) {
        sprintf(body, "{\"connections\":%ld}", accepted);
        a.len =
            sprintf(text, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
        a.bytes = text;
    } else if (strncmp(path, "/cgi-bin/wxopen/wxamplinkget?access_token=", 42) == 0)
        a = answers[path[42] == 'B' ? 2 : 1];
    return put(c, a.bytes, a.len);
}

static int serve(struct connection *c)
{
    for (;;) {
        char *body, *length;
        size_t want;
        long n = get(c);
        if (n <= 0)
            return n;
        c->have += n;
        c->request[c->have] = 0;
        if ((body = strstr(c->request, "\r\n\r\n")) == NULL)
            continue;
        length = strcasestr(c->request, "\r\nContent-Length:");
        want = body + 4 - c->request + (length && length < body ? atol(length + 17) : 0);
        if (c->have < want)
            continue;
        c->have = 0; /* requests are not pipelined */
        if (answer(c) != 0)
            return -1;
        if (!c->tls)
            return 0;
    }
}

int main(int argc, char **argv)
{
    struct epoll_event events[64];
    int i, http, https = 0;
    if (argc != 4 && argc != 6)
        die("responder LINK LIST50 LIST500 [CERTIFICATE KEY]");
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    epoll = epoll_create1(0);
    for (i = 0; i < 3; i++)
        answers[i] = read_answer(argv[i + 1]);
    http = listen_on_loopback(1);
#ifndef NO_TLS
    if (argc == 6) {
        context = SSL_CTX_new(TLS_server_method());
        SSL_CTX_set_mode(context,
                         SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        if (SSL_CTX_use_certificate_chain_file(context, argv[4]) != 1 ||
            SSL_CTX_use_PrivateKey_file(context, argv[5], SSL_FILETYPE_PEM) != 1)
            die("certificate");
        https = listen_on_loopback(2);
    }
#endif
    printf("%d %d\n", http, https);
    fflush(stdout);
    for (;;) {
        int n = epoll_wait(epoll, events, 64, -1);
        for (i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if (c->listens)
                welcome(c);
            else if (serve(c) < 0)
                end(c);
        }
    }
}
