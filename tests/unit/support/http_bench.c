// SPDX-License-Identifier: Apache-2.0
/* The loop runs as it does in louped; only what is asked and answered is the test's. */
#include "tests/unit/support/http_bench.h"

#include <errno.h>
#include <libwebsockets.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include <netinet/in.h>

enum { PATIENCE_SECONDS = 10 };

static void on_request(void *ctx, struct http_request *request)
{
    struct http_bench *b = ctx;
    struct http_response response = {0};
    b->answer(b->ctx, request, &response);
    atomic_fetch_add(&b->requests, 1);
    if (response.status)
        http_reply_send(b->http, request->reply, &response);
    http_request_free(request);
}

static uint64_t on_tick(void *ctx, uint64_t now_us)
{
    struct http_bench *b = ctx;
    (void)now_us;
    if (atomic_load(&b->stop))
        http_stop(b->http);
    return UINT64_MAX;
}

/** WebSockets are somebody else's: here nobody gets that far. */
static int no_socket(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                     size_t len)
{
    (void)wsi;
    (void)reason;
    (void)user;
    (void)in;
    (void)len;
    return 0;
}

static void *run(void *ctx)
{
    struct http_bench *b = ctx;
    http_run(b->http);
    return NULL;
}

void http_bench_start(struct http_bench *b, http_bench_answer *answer, void *ctx)
{
    struct lws_protocols ws = {.name = "loupe.v1", .callback = no_socket};
    struct http_config config = {.ctx = b, .on_request = on_request, .on_tick = on_tick, .ws = &ws};
    memset(b, 0, sizeof *b);
    b->answer = answer;
    b->ctx = ctx;
    assert_int_equal(addr_parse("127.0.0.1:0", &config.address), 0);
    assert_int_equal(http_new(&b->http, &config), 0);
    assert_int_equal(pthread_create(&b->thread, NULL, run, b), 0);
}

void http_bench_stop(struct http_bench *b, struct http_counters *ret_counters)
{
    atomic_store(&b->stop, true);
    http_wake(b->http);
    assert_int_equal(pthread_join(b->thread, NULL), 0);
    if (ret_counters)
        http_read_counters(b->http, ret_counters);
    http_free(b->http);
}

int http_bench_connect(const struct http_bench *b)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(http_address(b->http).port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

/** A server that has refused need not read all. */
void http_bench_say(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        text += n;
        len -= (size_t)n;
    }
}

char *http_bench_hear(int fd, const char *end, size_t *ret_len)
{
    size_t len = 0, size = 65536;
    char *text = malloc(size);
    assert_non_null(text);
    for (;;) {
        text[len] = '\0';
        if (end && strstr(text, end))
            break;
        ssize_t n = recv(fd, text + len, size - len - 1, 0);
        if (n == 0 || (n < 0 && errno == ECONNRESET))
            break;
        if (n < 0)
            fail_msg("nothing comes any more after %zu bytes: %.300s", len, text);
        len += (size_t)n;
        if (size - len < 2) {
            size *= 2;
            text = realloc(text, size);
            assert_non_null(text);
        }
    }
    if (ret_len)
        *ret_len = len;
    return text;
}

char *http_bench_ask(const struct http_bench *b, const char *request, size_t *ret_len)
{
    int fd = http_bench_connect(b);
    http_bench_say(fd, request, strlen(request));
    char *text = http_bench_hear(fd, NULL, ret_len);
    close(fd);
    return text;
}
