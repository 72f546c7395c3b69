// SPDX-License-Identifier: Apache-2.0
/* The HTTP server on a port of its own and a thread of its own, and clients who say to it byte for byte what a
 * test wants said. */
#ifndef LOUPE_TESTS_UNIT_SUPPORT_HTTP_BENCH_H
#define LOUPE_TESTS_UNIT_SUPPORT_HTTP_BENCH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "server/http.h"

/** Answers a request on the server's thread: as *ret says, or not at all where that has no status. */
typedef void http_bench_answer(void *ctx, const struct http_request *r, struct http_response *ret);

struct http_bench {
    struct http *http;
    http_bench_answer *answer;
    void *ctx;
    pthread_t thread;
    atomic_bool stop;
    atomic_uint requests; /* that were handed over */
};

/** `b` stays where it is until http_bench_stop. */
void http_bench_start(struct http_bench *b, http_bench_answer *answer, void *ctx);
/** Ends the thread and frees the server. */
void http_bench_stop(struct http_bench *b, struct http_counters *ret_counters);

/** A connection, for http_bench_say and _hear; close() it. */
int http_bench_connect(const struct http_bench *b);
void http_bench_say(int fd, const char *text, size_t len);
/** All that comes until the server closes the connection, or until `end` (NULL: none) has come; NUL-terminated,
 *  to free(). Fails the test when neither happens in ten seconds. */
char *http_bench_hear(int fd, const char *end, size_t *ret_len);
/** One request, which should end its connection, and all of the answer; to free(). */
char *http_bench_ask(const struct http_bench *b, const char *request, size_t *ret_len);

#endif
