// SPDX-License-Identifier: Apache-2.0
/* The listening side and the loop. What goes over a connection is test_http_exchange's. */
#include "server/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/support/http_bench.h"

struct ticking {
    struct http *http;
    unsigned count;
};

/** Due at once, each time: by when libwebsockets looks, the moment has passed. */
static uint64_t tick(void *ctx, uint64_t now_us)
{
    struct ticking *t = ctx;
    if (++t->count == 300)
        http_stop(t->http);
    return now_us + 1;
}

static void test_what_is_due_waits_for_nothing_else(void **state)
{
    (void)state;
    struct ticking t = {0};
    struct http_config config = {.ctx = &t, .on_tick = tick};
    assert_int_equal(addr_parse("127.0.0.1:0", &config.address), 0);
    assert_int_equal(http_new(&t.http, &config), 0);
    (void)alarm(20); /* it would be for ever */
    http_run(t.http);
    (void)alarm(0);
    assert_int_equal(t.count, 300);
    http_free(t.http);
}

static void say_path(void *ctx, const struct http_request *r, struct http_response *ret)
{
    (void)ctx;
    http_body_take(ret, r->path[1] == '4' ? 404 : 200, "text/plain", strdup(r->path));
}

static void test_counts_what_it_answers(void **state)
{
    (void)state;
    struct http_bench b;
    struct http_counters counters;
    http_bench_start(&b, say_path, NULL);
    for (int i = 0; i < 5; i++) {
        static const char *const lines[] = {"GET /2 HTTP/1.0\r\n\r\n", "GET /4 HTTP/1.0\r\n\r\n"};
        size_t len;
        char *text = http_bench_ask(&b, lines[i % 2], &len);
        assert_int_equal(strncmp(text, i % 2 ? "HTTP/1.1 404 " : "HTTP/1.1 200 ", 13), 0);
        free(text);
    }
    http_bench_stop(&b, &counters);
    assert_int_equal(counters.requests, 5);
    assert_int_equal(counters.responses[2], 3);
    assert_int_equal(counters.responses[4], 2);
    assert_int_equal(counters.connections_total, 5);
    assert_int_equal(counters.bad_requests, 0);
    assert_true(counters.bytes_out > 500);
}

/** Who asked has gone, or nobody ever did. */
static void test_answers_to_nobody_are_let_go(void **state)
{
    (void)state;
    struct http *h;
    struct http_config config = {0};
    assert_int_equal(addr_parse("127.0.0.1:0", &config.address), 0);
    assert_int_equal(http_new(&h, &config), 0);
    const struct http_reply none[] = {{0}, {1}, {UINT64_MAX}};
    for (size_t i = 0; i < 3; i++) {
        struct http_response r = {0};
        http_body_take(&r, 200, "text/plain", strdup("for nobody"));
        http_reply_send(h, none[i], &r);
        assert_null(r.body);
    }
    http_free(h);
    http_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_due_waits_for_nothing_else),
        cmocka_unit_test(test_counts_what_it_answers),
        cmocka_unit_test(test_answers_to_nobody_are_let_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
