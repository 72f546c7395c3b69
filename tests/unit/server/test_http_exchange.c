// SPDX-License-Identifier: Apache-2.0
/* Requests read whole and answers written whole, as a client sees it on its socket. */
#include "server/http_exchange.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/limits.h"
#include "base/str.h"
#include "tests/unit/support/http_bench.h"
#include "tests/unit/support/scratch.h"

#define HOST "Host: loupe\r\n"
#define LAST "Connection: close\r\n\r\n"

enum { BIG = 3 * HTTP_FILE_PIECE + 777 };

struct fixture {
    struct http_bench bench;
    struct scratch scratch;
    char path[128];
    char *big; /* BIG bytes, none of them NUL */
    unsigned sources_freed;
    size_t source_ends_at;
};

/** What came, as one line. */
static void echo(const struct http_request *r, struct http_response *ret)
{
    char *text = NULL;
    const char *none = "-";
    int len = asprintf(&text, "%s|%s|%s|%s|%s|%s|%d|%zu|%.*s", http_method_name(r->method), r->path,
                       r->query ? r->query : none, r->authorization ? r->authorization : none,
                       r->content_type ? r->content_type : none,
                       r->idempotency_key ? r->idempotency_key : none, r->forwarded, r->body_len,
                       (int)(r->body_len < 50 ? r->body_len : 50), (char *)r->body);
    assert_true(len > 0);
    http_body_take(ret, 200, "text/plain", text);
}

static size_t source_read(void *ctx, uint64_t at, void *ret_bytes, size_t size)
{
    const struct fixture *f = ctx;
    size_t there = at < f->source_ends_at ? f->source_ends_at - (size_t)at : 0;
    size = size < there ? size : there;
    memcpy(ret_bytes, f->big + at, size);
    return size;
}

static void source_free(void *ctx)
{
    ((struct fixture *)ctx)->sources_freed++;
}

static void answer(void *ctx, const struct http_request *r, struct http_response *ret)
{
    struct fixture *f = ctx;
    if (strcmp(r->path, "/never") == 0)
        return;
    if (strcmp(r->path, "/memory") == 0) {
        http_body_take(ret, 200, "text/plain", strdup(f->big));
    } else if (strcmp(r->path, "/file") == 0) {
        ret->status = 200;
        ret->content_type = "video/webm";
        ret->file_size = BIG;
        (void)snprintf(ret->etag, sizeof ret->etag, "\"f\"");
        if (file_open(&ret->file, NULL, f->path) < 0)
            abort();
    } else if (strcmp(r->path, "/source") == 0) {
        ret->status = 200;
        ret->content_type = "application/zip";
        ret->file_size = BIG;
        ret->source = (struct http_source){.read = source_read, .free = source_free, .ctx = f};
    } else {
        echo(r, ret);
    }
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    scratch_make(&f->scratch);
    f->big = malloc(BIG + 1);
    for (size_t i = 0; i < BIG; i++)
        f->big[i] = (char)('!' + i * 2654435761u / 65536 % 90);
    f->big[BIG] = '\0';
    f->source_ends_at = BIG;
    scratch_write(&f->scratch, "file", (const uint8_t *)f->big, BIG);
    (void)str_copy(f->path, sizeof f->path, scratch_path(&f->scratch, "file"));
    http_bench_start(&f->bench, answer, f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    http_bench_stop(&f->bench, NULL);
    scratch_remove(&f->scratch);
    free(f->big);
    free(f);
    return 0;
}

static const char *body_of(const char *text)
{
    const char *gap = strstr(text, "\r\n\r\n");
    return gap ? gap + 4 : "";
}

static void expect_echo(struct fixture *f, const char *request, const char *expected)
{
    char *text = http_bench_ask(&f->bench, request, NULL);
    assert_string_equal(body_of(text), expected);
    free(text);
}

static void expect_status(struct fixture *f, const char *request, int status)
{
    unsigned before = atomic_load(&f->bench.requests);
    char *text = http_bench_ask(&f->bench, request, NULL), start[32];
    (void)snprintf(start, sizeof start, "HTTP/1.1 %d ", status);
    if (strncmp(text, start, strlen(start)) != 0)
        fail_msg("%.60s.. is answered %.60s", request, text);
    assert_non_null(strstr(text, "\r\nconnection: close\r\n"));
    assert_non_null(strstr(text, "\r\ncontent-type: application/problem+json\r\n"));
    assert_int_equal(atomic_load(&f->bench.requests), before); /* nobody else heard of it */
    free(text);
}

static void test_reads_a_request_whole(void **state)
{
    struct fixture *f = *state;
    expect_echo(f, "GET /a%20b?x=1%262&y=%e6%9e%97&z HTTP/1.1\r\n" HOST LAST,
                "GET|/a b|x=1%262&y=%e6%9e%97&z|-|-|-|0|0|");
    expect_echo(f,
                "POST /p HTTP/1.1\r\n" HOST "Authorization: Bearer t\r\nContent-Type: text/x\r\n"
                "Idempotency-Key: k-1\r\nContent-Length: 5\r\n" LAST "hello",
                "POST|/p|-|Bearer t|text/x|k-1|0|5|hello");
    expect_echo(f, "GET /f HTTP/1.1\r\n" HOST "X-Forwarded-For: 10.1.1.1\r\n" LAST,
                "GET|/f|-|-|-|-|1|0|");
    expect_echo(f, "GET /f HTTP/1.1\r\n" HOST "Forwarded: for=10.1.1.1\r\n" LAST,
                "GET|/f|-|-|-|-|1|0|");
}

/** A byte at a time, head and body. */
static void test_waits_for_all_of_it(void **state)
{
    static const char request[] = "PUT /slow HTTP/1.1\r\n" HOST "Content-Length: 4\r\n" LAST "body";
    struct fixture *f = *state;
    int fd = http_bench_connect(&f->bench);
    for (const char *at = request; *at; at++)
        http_bench_say(fd, at, 1);
    char *text = http_bench_hear(fd, NULL, NULL);
    assert_string_equal(body_of(text), "PUT|/slow|-|-|-|-|0|4|body");
    free(text);
    close(fd);
}

static void test_refuses_what_cannot_be_read(void **state)
{
    struct fixture *f = *state;
    expect_status(f, "GET / HTTP/1.1\r\n\r\n", 400); /* no Host */
    expect_status(f, "GET /%ff HTTP/1.1\r\n" HOST "\r\n", 400);
    expect_status(f, "POST / HTTP/1.1\r\n" HOST "Content-Length: five\r\n\r\n", 400);
    expect_status(f, "POST / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n", 400);
    expect_status(f, "POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999\r\n\r\n",
                  400);
    expect_status(f, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411);
    expect_status(f, "POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999\r\n\r\n", 413);
}

static void test_the_path_of_websocket_needs_an_upgrade(void **state)
{
    struct fixture *f = *state;
    char *text = http_bench_ask(&f->bench, "GET /ws HTTP/1.1\r\n" HOST LAST, NULL);
    assert_memory_equal(text, "HTTP/1.1 426 ", 13);
    assert_non_null(strstr(text, "\r\nupgrade: websocket\r\n"));
    free(text);
    assert_int_equal(atomic_load(&f->bench.requests), 0);
}

/** The largest body there may be, and one more, which is read and dropped so that the answer arrives. */
static void test_bounds_bodies(void **state)
{
    struct fixture *f = *state;
    char *body = malloc(LIMIT_HTTP_BODY + 1), head[128], expected[64];
    memset(body, 'x', LIMIT_HTTP_BODY + 1);
    for (size_t more = 0; more < 2; more++) {
        size_t len = LIMIT_HTTP_BODY + more;
        int fd = http_bench_connect(&f->bench);
        int n = snprintf(head, sizeof head,
                         "POST / HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n" LAST, len);
        http_bench_say(fd, head, (size_t)n);
        http_bench_say(fd, body, len);
        char *text = http_bench_hear(fd, NULL, NULL);
        (void)snprintf(expected, sizeof expected, "POST|/|-|-|-|-|0|%zu|xxx", len);
        assert_int_equal(strncmp(text, "HTTP/1.1 413 ", 13) == 0, more == 1);
        assert_int_equal(strncmp(body_of(text), expected, strlen(expected)) == 0, more == 0);
        free(text);
        close(fd);
    }
    assert_int_equal(atomic_load(&f->bench.requests), 1);
    free(body);
}

static void test_says_go_on_to_who_waits_for_it(void **state)
{
    static const char head[] = "POST /e HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n"
                               "Content-Length: 2\r\n" LAST;
    struct fixture *f = *state;
    int fd = http_bench_connect(&f->bench);
    http_bench_say(fd, head, strlen(head));
    char *text = http_bench_hear(fd, "\r\n\r\n", NULL);
    assert_string_equal(text, "HTTP/1.1 100 Continue\r\n\r\n");
    free(text);
    assert_int_equal(atomic_load(&f->bench.requests), 0);
    http_bench_say(fd, "{}", 2);
    text = http_bench_hear(fd, NULL, NULL);
    assert_string_equal(body_of(text), "POST|/e|-|-|-|-|0|2|{}");
    free(text);
    close(fd);
    text = http_bench_ask(&f->bench,
                          "POST /e HTTP/1.1\r\n" HOST
                          "Expect: 100-continue\r\nContent-Length: 2000000\r\n\r\n",
                          NULL);
    assert_memory_equal(text, "HTTP/1.1 413 ", 13); /* and no 100 before it */
    free(text);
}

static void expect_big(struct fixture *f, const char *path, size_t from, size_t len)
{
    char request[200];
    size_t all;
    (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n" HOST "%s%zu-%zu\r\n" LAST, path,
                   len < BIG ? "Range: bytes=" : "X-None: ", from, from + len - 1);
    char *text = http_bench_ask(&f->bench, request, &all);
    const char *body = body_of(text);
    assert_memory_equal(text, len < BIG ? "HTTP/1.1 206 " : "HTTP/1.1 200 ", 13);
    assert_int_equal(all - (size_t)(body - text), len);
    assert_memory_equal(body, f->big + from, len);
    free(text);
}

static void test_writes_what_is_longer_than_a_piece(void **state)
{
    struct fixture *f = *state;
    expect_big(f, "/memory", 0, BIG);
    expect_big(f, "/file", 0, BIG);
    expect_big(f, "/file", 1, 1);
    expect_big(f, "/file", HTTP_FILE_PIECE - 1, HTTP_FILE_PIECE + 2);
    expect_big(f, "/file", BIG - 3, 3);
    expect_big(f, "/source", 0, BIG);
}

static void test_a_head_has_no_body(void **state)
{
    struct fixture *f = *state;
    static const char *const paths[] = {"/memory", "/file", "/source"};
    for (size_t i = 0; i < 3; i++) {
        char request[100], length[40];
        (void)snprintf(request, sizeof request, "HEAD %s HTTP/1.1\r\n" HOST LAST, paths[i]);
        (void)snprintf(length, sizeof length, "\r\ncontent-length: %d\r\n", BIG);
        char *text = http_bench_ask(&f->bench, request, NULL);
        assert_non_null(strstr(text, length));
        assert_string_equal(body_of(text), "");
        free(text);
    }
}

/** Only by closing can the server say that there is less than it promised. */
static void test_what_became_shorter_ends_the_connection(void **state)
{
    struct fixture *f = *state;
    static const char *const paths[] = {"/file", "/source"};
    size_t end = HTTP_FILE_PIECE + 5, all;
    assert_int_equal(truncate(f->path, (off_t)end), 0);
    f->source_ends_at = end;
    for (size_t i = 0; i < 2; i++) {
        char request[100];
        (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n" HOST "\r\n", paths[i]);
        char *text = http_bench_ask(&f->bench, request, &all); /* which ends, unasked */
        assert_int_equal(all - (size_t)(body_of(text) - text), end);
        free(text);
    }
}

/** Before the answer, in the middle of one, and with one that never comes: nothing is left of them. */
static void test_clients_may_go_at_any_time(void **state)
{
    struct fixture *f = *state;
    static const char *const paths[] = {"/never", "/memory", "/file", "/source"};
    for (size_t i = 0; i < 40; i++) {
        char request[100];
        (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n" HOST "\r\n", paths[i % 4]);
        int fd = http_bench_connect(&f->bench);
        http_bench_say(fd, request, strlen(request));
        if (i % 4)
            free(http_bench_hear(fd, "HTTP/1.1 200 ", NULL));
        else if (i % 8)
            (void)shutdown(fd, SHUT_WR);
        close(fd);
    }
    expect_echo(f, "GET /on HTTP/1.1\r\n" HOST LAST, "GET|/on|-|-|-|-|0|0|");
    http_bench_stop(&f->bench, NULL);
    assert_int_equal(f->sources_freed, 10);
    http_bench_start(&f->bench, answer, f);
}

/** One after the other on one connection, which stays. */
static void test_a_connection_takes_more_requests(void **state)
{
    static const char request[] = "GET /again HTTP/1.1\r\n" HOST "\r\n";
    struct fixture *f = *state;
    int fd = http_bench_connect(&f->bench);
    for (int i = 0; i < 5; i++) {
        http_bench_say(fd, request, strlen(request));
        char *text = http_bench_hear(fd, "GET|/again|-|-|-|-|0|0|", NULL);
        assert_memory_equal(text, "HTTP/1.1 200 ", 13);
        free(text);
    }
    close(fd);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_reads_a_request_whole),
        TEST(test_waits_for_all_of_it),
        TEST(test_refuses_what_cannot_be_read),
        TEST(test_the_path_of_websocket_needs_an_upgrade),
        TEST(test_bounds_bodies),
        TEST(test_says_go_on_to_who_waits_for_it),
        TEST(test_writes_what_is_longer_than_a_piece),
        TEST(test_a_head_has_no_body),
        TEST(test_what_became_shorter_ends_the_connection),
        TEST(test_clients_may_go_at_any_time),
        TEST(test_a_connection_takes_more_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
