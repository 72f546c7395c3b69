// SPDX-License-Identifier: Apache-2.0
/* JSON: what is refused and why, the depth limit, typed access. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/json.h"
#include "base/limits.h"

static json_t *parsed(const char *text)
{
    json_t *value;
    assert_int_equal(json_parse(text, strlen(text), &value, NULL), 0);
    return value;
}

static void refuses_and_says_why(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *why;
    } wrong[] = {
        {"", "ends too early"},
        {"{", "ends too early"},
        {"{\"a\":1", "ends too early"},
        {"nonsense", "not JSON"},
        {"{\"a\":1,}", "not JSON"},
        {"{'a':1}", "not JSON"},
        {"{\"a\":01}", "not JSON"},
        {"{\"a\":NaN}", "not JSON"},
        {"[]", "not an object"},
        {"[{}]", "not an object"},
        {"{} {}", "bytes after the end"},
        {"{\"a\":1,\"b\":2,\"a\":3}", "a key occurs twice"},
        {"{\"a\":{\"b\":1,\"b\":1}}", "a key occurs twice"},
        {"{\"a\":\"\xff\"}", "not UTF-8"},
        {"{\"a\":\"\xed\xa0\x80\"}", "not UTF-8"},
        {"{\"a\":\"\\u0000\"}", "a NUL character"},
        {"{\"a\":9223372036854775808}",
         "a number out of range: whole numbers are within -2^63 .. 2^63 - 1"},
        {"{\"a\":1e999}", "a number out of range: whole numbers are within -2^63 .. 2^63 - 1"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        json_t *value = (json_t *)&wrong;
        const char *why = NULL;
        assert_int_equal(json_parse(wrong[i].text, strlen(wrong[i].text), &value, &why),
                         ER_MALFORMED);
        assert_null(value);
        assert_string_equal(why, wrong[i].why);
    }
    json_t *value;
    assert_int_equal(json_parse("[", 1, &value, NULL), ER_MALFORMED);
}

static void length_rules_not_the_nul(void **state)
{
    (void)state;
    json_t *value;
    assert_int_equal(json_parse("{}garbage", 2, &value, NULL), 0);
    json_decref(value);
    assert_int_equal(json_parse("{}\0", 3, &value, NULL), ER_MALFORMED);
}

/** An object with lists nested inside, `depth` in all. */
static int parse_nested(int depth, const char **ret_why)
{
    char text[4096] = "{\"\\\"[[[[\":";
    size_t len = strlen(text);
    for (int i = 1; i < depth; i++)
        text[len++] = '[';
    if (depth == 1)
        text[len++] = '1';
    for (int i = 1; i < depth; i++)
        text[len++] = ']';
    text[len++] = '}';
    json_t *value;
    int er = json_parse(text, len, &value, ret_why);
    json_decref(value);
    return er;
}

static void depth_is_bounded(void **state)
{
    (void)state;
    const char *why = NULL;
    assert_int_equal(parse_nested(1, &why), 0);
    assert_int_equal(parse_nested(LIMIT_JSON_DEPTH, &why), 0);
    assert_null(why);
    assert_int_equal(parse_nested(LIMIT_JSON_DEPTH + 1, &why), ER_MALFORMED);
    assert_string_equal(why, "nested too deeply");
    assert_int_equal(parse_nested(1900, &why), ER_MALFORMED);
    // Many, side by side, are not deep.
    char text[4096] = "{\"a\":[0";
    for (int i = 0; i < 500; i++)
        strncat(text, ",[]", sizeof text - strlen(text) - 1);
    strncat(text, "]}", sizeof text - strlen(text) - 1);
    json_decref(parsed(text));
}

static void typed_access(void **state)
{
    (void)state;
    json_t *o = parsed("{\"s\":\"text\",\"esc\":\"a\\u001bb\",\"t\":true,\"f\":false,\"i\":-5,"
                       "\"r\":1.5,\"n\":null,\"big\":9223372036854775807}");
    assert_string_equal(json_text(o, "s", 4), "text");
    assert_null(json_text(o, "s", 3));
    assert_null(json_text(o, "esc", 99));
    assert_null(json_text(o, "i", 99));
    assert_null(json_text(o, "n", 99));
    assert_null(json_text(o, "absent", 99));
    assert_null(json_text(NULL, "s", 99));
    assert_true(json_flag(o, "t", false));
    assert_false(json_flag(o, "f", true));
    assert_true(json_flag(o, "s", true));
    assert_false(json_flag(o, "absent", false));
    int64_t v = 77;
    assert_int_equal(json_int(o, "i", -5, 5, &v), 0);
    assert_int_equal(v, -5);
    assert_int_equal(json_int(o, "big", INT64_MIN, INT64_MAX, &v), 0);
    assert_true(v == INT64_MAX);
    assert_int_equal(json_int(o, "i", -4, 5, &v), ER_MALFORMED);
    assert_int_equal(json_int(o, "i", -9, -6, &v), ER_MALFORMED);
    assert_int_equal(json_int(o, "r", 0, 5, &v), ER_MALFORMED);
    assert_int_equal(json_int(o, "s", 0, 5, &v), ER_MALFORMED);
    assert_int_equal(json_int(o, "n", 0, 5, &v), ER_MALFORMED);
    assert_int_equal(json_int(o, "absent", 0, 5, &v), ER_NOT_FOUND);
    assert_true(v == INT64_MAX);
    json_decref(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_and_says_why),
        cmocka_unit_test(length_rules_not_the_nul),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(typed_access),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
