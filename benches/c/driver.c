/* Runs one peer with its arguments, or with each line of its input:
 *
 *   PROGRAM URL CA|- [COMMAND COUNT]
 *
 *   link|list50|list500|read50|ensure N
 *                           N calls one after the other; prints ns per call
 *   shared|separate N       64 threads, N calls each, on one client or on one each; ns per call
 *   bursts N                N times 64 calls at once on one client; prints 0
 *   resident N              prints the resident memory of the process (bytes)
 */
#define _GNU_SOURCE
#include "measure.h"
#include "peer.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS 64

static const char *url, *ca;
static pthread_barrier_t barrier;
static long count;

static void calls(void *peer, enum kind kind, long n)
{
    while (n-- > 0)
        if (peer_call(peer, kind) != 0)
            die("a call failed");
}

static void *steadily(void *peer)
{
    calls(peer, LINK, 1);
    pthread_barrier_wait(&barrier);
    calls(peer, LINK, count);
    pthread_barrier_wait(&barrier);
    return NULL;
}

static void *in_bursts(void *peer)
{
    long n = count;
    pthread_barrier_wait(&barrier);
    while (n-- > 0) {
        calls(peer, LINK, 1);
        pthread_barrier_wait(&barrier);
    }
    pthread_barrier_wait(&barrier);
    return NULL;
}

static double threads(void *(*body)(void *), void **peers)
{
    pthread_t thread[THREADS];
    double start;
    int i;
    pthread_barrier_init(&barrier, NULL, body == steadily ? THREADS + 1 : THREADS);
    for (i = 0; i < THREADS; i++)
        if (pthread_create(&thread[i], NULL, body, peers[i]) != 0)
            die("no thread");
    if (body == steadily) {
        pthread_barrier_wait(&barrier);
        start = now();
        pthread_barrier_wait(&barrier);
        start = now() - start;
    } else
        start = 0;
    for (i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    pthread_barrier_destroy(&barrier);
    return start / THREADS / count;
}

static double resident(void)
{
    long pages;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1)
        die("no /proc/self/statm");
    fclose(file);
    return (double)pages * sysconf(_SC_PAGESIZE);
}

static double run(const char *command)
{
    static void *one, *separate[THREADS];
    void *same[THREADS];
    double start;
    int i;
    enum kind kind = LINK;
    if (strcmp(command, "list50") == 0)
        kind = LIST50;
    if (strcmp(command, "list500") == 0)
        kind = LIST500;
    if (strcmp(command, "read50") == 0)
        kind = READ50;
    if (strcmp(command, "ensure") == 0)
        kind = ENSURE;
    if (strcmp(command, "resident") == 0)
        return resident();
    if (strcmp(command, "separate") == 0) {
        for (i = 0; i < THREADS; i++)
            if (separate[i] == NULL)
                separate[i] = peer_open(url, ca);
        return threads(steadily, separate);
    }
    if (one == NULL)
        one = peer_open(url, ca);
    if (strcmp(command, "shared") == 0 || strcmp(command, "bursts") == 0) {
        for (i = 0; i < THREADS; i++)
            same[i] = one;
        return threads(*command == 's' ? steadily : in_bursts, same);
    }
    start = now();
    calls(one, kind, count);
    return (now() - start) / count;
}

int main(int argc, char **argv)
{
    char line[64], command[32];
    if (argc != 3 && argc != 5)
        die("usage: PROGRAM URL CA|- [COMMAND COUNT]");
    url = argv[1];
    ca = strcmp(argv[2], "-") == 0 ? NULL : argv[2];
    if (argc == 5) {
        count = atol(argv[4]);
        printf("%.0f\n", run(argv[3]));
        return 0;
    }
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (sscanf(line, "%31s %ld", command, &count) != 2 || count < 1)
            die("no such command");
        printf("%.0f\n", run(command));
        fflush(stdout);
    }
    return 0;
}
