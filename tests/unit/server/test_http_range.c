// SPDX-License-Identifier: Apache-2.0
/* Ranges and entity tags. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "server/http_range.h"

static void range_is(const char *text, uint64_t size, int er, uint64_t first, uint64_t len)
{
    struct http_slice s = {0, 0};
    assert_int_equal(http_range_parse(text, size, &s), er);
    if (er == 0) {
        assert_int_equal(s.first, first);
        assert_int_equal(s.len, len);
    }
}

static void test_ranges(void **state)
{
    (void)state;
    range_is("bytes=0-0", 10, 0, 0, 1);
    range_is("bytes=0-", 10, 0, 0, 10);
    range_is("bytes=3-5", 10, 0, 3, 3);
    range_is("bytes=9-100", 10, 0, 9, 1);
    range_is("bytes=9-10", 10, 0, 9, 1);
    range_is("bytes=-3", 10, 0, 7, 3);
    range_is("bytes=-30", 10, 0, 0, 10);
    range_is(" Bytes = 1-2 ", 10, 0, 1, 2);
    range_is("bytes=10-12, 2-3", 10, 0, 2, 2);
    range_is("bytes=1-2,4-5", 10, 0, 1, 2);
    range_is("bytes=10-", 10, ER_NOT_FOUND, 0, 0);
    range_is("bytes=-0", 10, ER_NOT_FOUND, 0, 0);
    range_is("bytes=0-0", 0, ER_NOT_FOUND, 0, 0);
    range_is("bytes=-1", 0, ER_NOT_FOUND, 0, 0);
    static const char *const bad[] = {"",
                                      "bytes",
                                      "bytes=",
                                      "bytes=-",
                                      "bytes=5-3",
                                      "bytes=a-b",
                                      "lines=1-2",
                                      "bytes=1-2-3",
                                      "bytes=1",
                                      "bytes=--1",
                                      "bytes=0x1-2",
                                      "bytes=1-2,",
                                      "bytes=99999999999999999999999-"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        range_is(bad[i], 10, ER_MALFORMED, 0, 0);
}

static void test_tags(void **state)
{
    (void)state;
    assert_true(http_etag_listed("*", "", false));
    assert_true(http_etag_listed("\"a\"", "\"a\"", true));
    assert_true(http_etag_listed("\"b\" , \"a\"", "\"a\"", true));
    assert_true(http_etag_listed("W/\"a\"", "\"a\"", false));
    assert_false(http_etag_listed("W/\"a\"", "\"a\"", true));
    assert_true(http_etag_listed("\"a\"", "W/\"a\"", false));
    assert_false(http_etag_listed("\"a\"", "W/\"a\"", true));
    assert_false(http_etag_listed("\"ab\"", "\"a\"", false));
    assert_false(http_etag_listed("", "\"a\"", false));
    assert_false(http_etag_listed("\"a\"", "", false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ranges), cmocka_unit_test(test_tags)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
