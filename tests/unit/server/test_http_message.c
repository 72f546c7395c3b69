// SPDX-License-Identifier: Apache-2.0
/* Requests and answers as values: queries, problems, conditions, heads. */
#include "server/http_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"

static void test_query(void **state)
{
    (void)state;
    struct http_request r = {
        .query = (char *)(uintptr_t) "a=1&b=x%20y+z&c&a=2&d=%e6%9e%97&e=%0&f=%00&g=%ff"};
    char v[16];
    assert_int_equal(http_query(&r, "a", v, sizeof v), 0);
    assert_string_equal(v, "1");
    assert_int_equal(http_query(&r, "b", v, sizeof v), 0);
    assert_string_equal(v, "x y z");
    assert_int_equal(http_query(&r, "c", v, sizeof v), 0);
    assert_string_equal(v, "");
    assert_int_equal(http_query(&r, "d", v, sizeof v), 0);
    assert_string_equal(v, "林");
    assert_int_equal(http_query(&r, "b", v, 3), ER_TRUNCATED);
    assert_int_equal(http_query(&r, "e", v, sizeof v), ER_MALFORMED);
    assert_int_equal(http_query(&r, "f", v, sizeof v), ER_MALFORMED);
    assert_int_equal(http_query(&r, "g", v, sizeof v), ER_MALFORMED);
    assert_int_equal(http_query(&r, "h", v, sizeof v), ER_NOT_FOUND);
    r.query = NULL;
    assert_int_equal(http_query(&r, "a", v, sizeof v), ER_NOT_FOUND);
}

static void test_origin(void **state)
{
    (void)state;
    static const char *const list[] = {"https://shop.example"}, *const any[] = {"*"};
    assert_true(http_origin_allowed(NULL, 0, NULL, "h"));
    assert_true(http_origin_allowed(NULL, 0, "http://h:80", "h:80"));
    assert_false(http_origin_allowed(NULL, 0, "http://h:81", "h:80"));
    assert_false(http_origin_allowed(NULL, 0, "http://h", NULL));
    assert_false(http_origin_allowed(NULL, 0, "null", "h"));
    assert_true(http_origin_allowed(list, 1, "https://shop.example", "h"));
    assert_false(http_origin_allowed(list, 1, "https://shop.example.evil", "h"));
    assert_false(http_origin_allowed(list, 1, "http://shop.example", "h"));
    assert_true(http_origin_allowed(any, 1, "https://x", "h"));
}

static char *head_of(struct http_response *r, const struct http_asked *asked,
                     struct http_slice *slice)
{
    size_t len;
    http_settle(r, asked, slice);
    char *text = http_head(r, asked, slice->len, &len);
    assert_non_null(text);
    text = realloc(text, len + 1);
    text[len] = '\0';
    return text;
}

static void test_head(void **state)
{
    (void)state;
    struct http_response r = {0};
    struct http_asked asked = {.method = HTTP_GET, .unix_us = UINT64_C(1795298400000000)};
    struct http_slice slice;
    http_body_take(&r, 200, "text/plain", strdup("hello"));
    http_header_add(&r, "x-a", "%s", "one\r\nx-evil: 1");
    (void)snprintf(r.etag, sizeof r.etag, "\"t\"");
    char *text = head_of(&r, &asked, &slice);
    assert_true(strncmp(text, "HTTP/1.1 200 OK\r\n", 17) == 0);
    assert_non_null(strstr(text, "\r\ncontent-length: 5\r\n"));
    assert_non_null(strstr(text, "\r\nx-a: onex-evil: 1\r\n"));
    assert_non_null(strstr(text, "\r\netag: \"t\"\r\n"));
    assert_non_null(strstr(text, "\r\ncache-control: no-store\r\n"));
    assert_non_null(strstr(text, "\r\ndate: Sat, 21 Nov 2026 22:00:00 GMT\r\n"));
    assert_null(strstr(text, "access-control"));
    assert_null(strstr(text, "connection: close"));
    assert_string_equal(text + strlen(text) - 4, "\r\n\r\n");
    assert_int_equal(slice.len, 5);
    free(text);

    asked.if_none_match = "\"t\"";
    asked.allowed_origin = "https://shop.example";
    asked.close = true;
    text = head_of(&r, &asked, &slice);
    assert_true(strncmp(text, "HTTP/1.1 304 Not Modified\r\n", 27) == 0);
    assert_null(strstr(text, "content-length"));
    assert_non_null(strstr(text, "\r\naccess-control-allow-origin: https://shop.example\r\n"));
    assert_non_null(strstr(text, "\r\nconnection: close\r\n"));
    assert_int_equal(slice.len, 0);
    free(text);
    http_response_clear(&r);
}

static struct http_response file_response(void)
{
    struct http_response r = {.status = 200, .content_type = "video/webm", .file_size = 10};
    assert_int_equal(file_open(&r.file, NULL, "/dev/null"), 0);
    (void)snprintf(r.etag, sizeof r.etag, "\"f\"");
    return r;
}

static void test_file_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *range, *if_range;
        int status;
        uint64_t first, len;
    } rows[] = {
        {NULL, NULL, 200, 0, 10},          {"bytes=2-4", NULL, 206, 2, 3},
        {"bytes=2-4", "\"f\"", 206, 2, 3}, {"bytes=2-4", "\"g\"", 200, 0, 10},
        {"junk", NULL, 200, 0, 10},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http_response r = file_response();
        struct http_asked asked = {
            .method = HTTP_GET, .range = rows[i].range, .if_range = rows[i].if_range};
        struct http_slice slice;
        http_settle(&r, &asked, &slice);
        assert_int_equal(r.status, rows[i].status);
        assert_int_equal(slice.first, rows[i].first);
        assert_int_equal(slice.len, rows[i].len);
        http_response_clear(&r);
    }
    struct http_response r = file_response();
    struct http_asked asked = {.method = HTTP_GET, .range = "bytes=10-"};
    struct http_slice slice;
    http_settle(&r, &asked, &slice);
    assert_int_equal(r.status, 416);
    assert_int_equal(r.file_size, 0);
    assert_null(r.file); /* it was closed */
    http_response_clear(&r);
}

/** As many headers as there may be, of whatever length: all of them whole, or no answer at all. */
static void test_a_head_never_grows_too_long(void **state)
{
    (void)state;
    const struct http_asked asked = {.method = HTTP_GET};
    char value[2000];
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    struct http_response r = {.status = 200};
    for (int i = 0; i < HTTP_HEADERS_MAX; i++) {
        size_t len = 0;
        char *text = http_head(&r, &asked, 0, &len);
        assert_int_equal(text != NULL, i <= 8); /* of 16 KiB */
        if (text)
            assert_memory_equal(text + len - 4, "\r\n\r\n", 4);
        free(text);
        http_header_add(&r, "x-long", "%s", value);
    }
    http_response_clear(&r);
}

static size_t read_nothing(void *ctx, uint64_t at, void *ret_bytes, size_t size)
{
    (void)ctx;
    (void)at;
    (void)ret_bytes;
    (void)size;
    return 0;
}

static void count_freed(void *ctx)
{
    ++*(int *)ctx;
}

/** What is made as it is read has no ranges, and is let go where it is not wanted. */
static void test_a_source_is_answered_whole(void **state)
{
    (void)state;
    int freed = 0;
    const struct http_source source = {.read = read_nothing, .free = count_freed, .ctx = &freed};
    struct http_response r = {.status = 200, .file_size = 10, .source = source, .etag = "\"s\""};
    struct http_asked asked = {.method = HTTP_GET, .range = "bytes=2-4"};
    struct http_slice slice;
    http_settle(&r, &asked, &slice);
    assert_int_equal(r.status, 200);
    assert_int_equal(slice.len, 10);
    assert_int_equal(r.header_count, 0);
    asked.if_none_match = "\"s\"";
    http_settle(&r, &asked, &slice);
    assert_int_equal(r.status, 304);
    assert_int_equal(freed, 1);
    http_response_clear(&r);
    r = (struct http_response){.status = 200, .file_size = 10, .source = source};
    http_problem(&r, 500, NULL);
    http_response_clear(&r);
    assert_int_equal(freed, 2);
}

static void test_problems(void **state)
{
    (void)state;
    struct http_response r = {0};
    http_problem(&r, 404, "no such case");
    assert_string_equal(r.content_type, "application/problem+json");
    assert_non_null(strstr(r.body, "\"status\":404"));
    assert_non_null(strstr(r.body, "no such case"));
    static const struct {
        int er, status;
    } rows[] = {{ER_NOT_FOUND, 404}, {ER_DENIED, 403},   {ER_CONFLICT, 409},
                {ER_FULL, 503},      {ER_IO, 503},       {ER_MALFORMED, 400},
                {ER_STALE, 412},     {ER_INTERNAL, 500}, {ER_UNAUTHENTIC, 401}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        http_response_clear(&r);
        http_problem_er(&r, rows[i].er, NULL);
        assert_int_equal(r.status, rows[i].status);
    }
    http_response_clear(&r);
    for (int i = 0; i < HTTP_HEADERS_MAX + 5; i++)
        http_header_add(&r, "x", "%d", i);
    assert_int_equal(r.header_count, HTTP_HEADERS_MAX);
    http_response_clear(&r);
    assert_int_equal(r.header_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_query),
        cmocka_unit_test(test_origin),
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_file_ranges),
        cmocka_unit_test(test_a_head_never_grows_too_long),
        cmocka_unit_test(test_a_source_is_answered_whole),
        cmocka_unit_test(test_problems),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
