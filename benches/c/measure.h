/* What the measuring programs share. Define _GNU_SOURCE before including it. */
#ifndef MEASURE_H
#define MEASURE_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Ends the program with a message. */
static void die(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}

/* The time of a clock that only moves forward (ns). */
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e9 + t.tv_nsec;
}

#endif
