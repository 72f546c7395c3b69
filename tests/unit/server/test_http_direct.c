// SPDX-License-Identifier: Apache-2.0
/* Upgrades that are refused are answered by a whole problem, and the connection ends. */
#include "server/http_direct.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support/http_bench.h"

#define UPGRADE "Host: loupe\r\nConnection: Upgrade\r\nUpgrade: "
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define V13 "Sec-WebSocket-Version: 13\r\n"
#define NAME "Sec-WebSocket-Protocol: loupe.v1\r\n"

static void never(void *ctx, const struct http_request *r, struct http_response *ret)
{
    (void)ctx;
    (void)r;
    http_problem(ret, 500, "it should not have come here");
}

static void test_refuses_with_a_problem(void **state)
{
    static const struct {
        const char *request;
        int status;
    } rows[] = {
        {"GET / HTTP/1.1\r\n" UPGRADE "h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n", 426},
        {"GET /ws HTTP/1.1\r\n" UPGRADE "websocket\r\nSec-WebSocket-Version: 8\r\n" KEY NAME "\r\n",
         426},
        {"GET /other HTTP/1.1\r\n" UPGRADE "websocket\r\n" V13 KEY NAME "\r\n", 404},
        {"GET /ws HTTP/1.1\r\n" UPGRADE "websocket\r\n" V13 KEY
         "Sec-WebSocket-Protocol: chat\r\n\r\n",
         400},
        {"GET /ws HTTP/1.1\r\n" UPGRADE "websocket\r\n" V13 "Sec-WebSocket-Key: a\r\n" NAME "\r\n",
         400},
        {"GET /ws HTTP/1.1\r\n" UPGRADE "websocket\r\n" V13 KEY NAME
         "Origin: https://evil.example\r\n\r\n",
         403},
    };
    struct http_bench bench;
    struct http_counters counters;
    (void)state;
    http_bench_start(&bench, never, NULL);
    const size_t count = sizeof rows / sizeof *rows;
    for (size_t i = 0; i < count; i++) {
        size_t len;
        char start[32], length[48], *text = http_bench_ask(&bench, rows[i].request, &len);
        (void)snprintf(start, sizeof start, "HTTP/1.1 %d ", rows[i].status);
        if (strncmp(text, start, strlen(start)) != 0)
            fail_msg("row %zu is answered %.60s", i, text);
        const char *body = strstr(text, "\r\n\r\n");
        assert_non_null(body);
        (void)snprintf(length, sizeof length, "\r\ncontent-length: %zu\r\n", strlen(body + 4));
        assert_non_null(strstr(text, length));
        assert_non_null(strstr(text, "\r\ncontent-type: application/problem+json\r\n"));
        assert_non_null(strstr(text, "\r\nconnection: close\r\n"));
        bool says_what = strstr(text, "\r\nupgrade: websocket\r\n") &&
                         strstr(text, "\r\nsec-websocket-version: 13\r\n");
        assert_int_equal(says_what, rows[i].status == 426); /* RFC 9110, 15.5.22 */
        free(text);
    }
    http_bench_stop(&bench, &counters);
    assert_int_equal(counters.refused_upgrades, count);
    assert_int_equal(atomic_load(&bench.requests), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_refuses_with_a_problem)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
