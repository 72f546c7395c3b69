// SPDX-License-Identifier: Apache-2.0
/* Logs put together: later words hold, holes part lines, what is not asked for is left out. */
#include "server/seen_lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/limits.h"
#include "tests/unit/support/seen_make.h"

#define T 1795298400u
#define US UINT64_C(1000000)

static void add(struct seen *s, const char *viewer, uint32_t first, uint32_t count,
                uint16_t arrived)
{
    uint8_t log[512];
    size_t len = seen_make(log, sizeof log, viewer, "buyer", first, count, arrived);
    assert_int_equal(seen_add(s, log, len), 0);
}

static json_int_t number(const json_t *item, const char *column, size_t at)
{
    return json_integer_value(json_array_get(json_object_get(item, column), at));
}

static void later_words_hold_and_holes_part(void **state)
{
    (void)state;
    struct seen *s;
    assert_int_equal(seen_new(&s, T * US + 300000, (T + 10) * US), 0);
    add(s, "agent", T - 5, 10, 30); /* five of them before */
    add(s, "agent", T + 3, 2, 10);
    add(s, "agent", T + 7, 20, SEENLOG_UNKNOWN);
    json_t *items = seen_json(s);
    assert_int_equal(json_array_size(items), 2);
    const json_t *first = json_array_get(items, 0), *then = json_array_get(items, 1);
    assert_string_equal(json_string_value(json_object_get(first, "viewer")), "agent");
    assert_string_equal(json_string_value(json_object_get(first, "publisher")), "buyer");
    assert_string_equal(json_string_value(json_object_get(first, "kind")), "video");
    assert_int_equal(json_integer_value(json_object_get(first, "from_ms")), -300);
    assert_int_equal(json_array_size(json_object_get(first, "arrived")), 5);
    assert_int_equal(number(first, "arrived", 2), 30);
    assert_int_equal(number(first, "arrived", 3), 10);
    assert_int_equal(number(first, "frozen_ms", 4), 500);
    assert_int_equal(number(first, "lost", 4), 1);
    const json_t *layers = json_object_get(first, "layers");
    assert_int_equal(json_array_size(layers), 1);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(layers, 0), "width")), 640);
    assert_int_equal(json_integer_value(json_object_get(then, "from_ms")), 6700);
    assert_int_equal(json_array_size(json_object_get(then, "sent")), 3);
    assert_true(json_is_null(json_array_get(json_object_get(then, "arrived"), 0)));
    json_decref(items);
    seen_free(s);
}

static void there_is_an_end_to_lines_and_seconds(void **state)
{
    (void)state;
    struct seen *s;
    char name[16];
    assert_int_equal(seen_new(&s, (T + 1) * US, T * US), ER_INVALID);
    assert_int_equal(seen_new(&s, T * US, (T + 100000) * US), 0);
    for (unsigned i = 0; i < SEEN_LINES + 20; i++) {
        (void)snprintf(name, sizeof name, "v%u", i);
        add(s, name, T + LIMIT_CLIP_SECONDS - 1, 30, 30);
    }
    json_t *items = seen_json(s);
    assert_int_equal(json_array_size(items), SEEN_LINES);
    const json_t *sent = json_object_get(json_array_get(items, 0), "sent");
    assert_int_equal(json_array_size(sent), 3);
    json_decref(items);
    seen_free(s);
}

static void what_is_no_log_is_told(void **state)
{
    (void)state;
    struct seen *s;
    uint8_t log[512];
    uint32_t from, to;
    size_t len = seen_make(log, sizeof log, "agent", "buyer", T, 3, 30);
    assert_int_equal(seen_span(log, len, &from, &to), 0);
    assert_int_equal(from, T);
    assert_int_equal(to, T + 3);
    assert_int_equal(seen_span(log, 1, &from, &to), ER_MALFORMED);
    assert_int_equal(seen_span(log, len - 1, &from, &to), ER_MALFORMED);
    assert_int_equal(seen_new(&s, T * US, (T + 10) * US), 0);
    assert_int_equal(seen_add(s, log, len - 1), ER_MALFORMED);
    log[0] = 9;
    assert_int_equal(seen_add(s, log, len), ER_MALFORMED);
    json_t *items = seen_json(s);
    assert_int_equal(json_array_size(items), 0);
    json_decref(items);
    seen_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(later_words_hold_and_holes_part),
        cmocka_unit_test(there_is_an_end_to_lines_and_seconds),
        cmocka_unit_test(what_is_no_log_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
