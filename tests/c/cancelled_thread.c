/*
 * pthread_cancel cancels a thread while it waits in a call. The call is finished, and the thread
 * ends at its next cancellation point after the call.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wxlink.h"

static wx_client *client;
static int32_t status = 1;

static void *call(void *unused)
{
    wx_result *result = NULL;

    (void)unused;
    status = wx_link_miniprogram(client, "TOKEN", "wx0b00000000000001", 0, 0, &result);
    wx_result_free(result);
    pthread_testcancel();
    return NULL;
}

/* Accepts a connection and reads a request whose body is a JSON object. */
static int take_request(int listener)
{
    char text[4096];
    size_t length = 0;
    int connection = accept(listener, NULL, NULL);

    while (length == 0 || text[length - 1] != '}') {
        ssize_t more = read(connection, text + length, sizeof text - length);
        if (more <= 0)
            return -1;
        length += (size_t)more;
    }
    return connection;
}

static int answer(int connection, const char *text)
{
    return write(connection, text, strlen(text)) == (ssize_t)strlen(text);
}

/* Makes one call, and cancels its thread during the call if asked to. Returns an exit code. */
static int one(int listener, int cancelled)
{
    void *ended = NULL;
    pthread_t thread;
    int connection;

    status = 1;
    if (pthread_create(&thread, NULL, call, NULL) != 0)
        return 10;
    connection = take_request(listener);
    if (connection < 0)
        return 11;
    if (cancelled && pthread_cancel(thread) != 0)
        return 12;
    /* In two pieces, so that the thread waits and reads more than once after the cancellation. */
    if (!answer(connection, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 13\r\n"))
        return 13;
    if (!answer(connection, "\r\n{\"errcode\":0}"))
        return 14;
    if (pthread_join(thread, &ended) != 0)
        return 15;
    close(connection);
    if (status != WX_OK)
        return 16;
    return (ended == PTHREAD_CANCELED) == cancelled ? 0 : 17;
}

int main(void)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    wx_options *options = wx_options_new();
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    char url[64];
    int i, code;

    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, 8) != 0)
        return 1;
    if (getsockname(listener, (struct sockaddr *)&address, &length) != 0)
        return 2;
    sprintf(url, "http://127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
    wx_options_set(options, "base_url", url);
    wx_options_set(options, "timeout_ms", "60000");
    if (wx_client_new(options, &client) != WX_OK)
        return 3;
    for (i = 0; i < 20; i++) {
        code = one(listener, i % 2 == 0);
        if (code != 0)
            return code;
    }
    wx_client_free(client);
    wx_options_free(options);
    puts("finished");
    return 0;
}
