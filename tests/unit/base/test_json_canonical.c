// SPDX-License-Identifier: Apache-2.0
/* The canonical form of JSON (RFC 8785): the same text for the same value, however it was written. */
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

/** What becomes of `text`, and that it becomes nothing else when it is done again. */
static void becomes(const char *text, const char *wanted)
{
    json_t *o = parsed(text);
    char *once = json_canonical(o);
    assert_non_null(once);
    assert_string_equal(once, wanted);
    json_decref(o);
    o = parsed(once);
    char *twice = json_canonical(o);
    assert_string_equal(twice, wanted);
    json_decref(o);
    free(once);
    free(twice);
}

static void keys_stand_in_the_order_of_their_bytes(void **state)
{
    (void)state;
    becomes("{ \"b\" : [1, {\"z\":null,\"y\":true}], \"a\":\"\\u4f60\\/\" }",
            "{\"a\":\"\xe4\xbd\xa0/\",\"b\":[1,{\"y\":true,\"z\":null}]}");
    becomes("{\"a\":1,\"B\":2,\"aa\":3,\"\\u00e9\":4,\"\":5,\"a\\n\":6,\"10\":7,\"9\":8}",
            "{\"\":5,\"10\":7,\"9\":8,\"B\":2,\"a\":1,\"a\\n\":6,\"aa\":3,\"\xc3\xa9\":4}");
}

static void lists_keep_their_order(void **state)
{
    (void)state;
    becomes("{\"l\":[ 3, 1, [ ], { }, \"\", false, null, 2 ]}",
            "{\"l\":[3,1,[],{},\"\",false,null,2]}");
    becomes("{}", "{}");
}

static void numbers_have_the_fewest_digits(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"1.1", "1.1"},
        {"0.1", "0.1"},
        {"1.0", "1"},
        {"100.0", "100"},
        {"0.00001234", "0.00001234"},
        {"1.7976931348623157e308", "1.7976931348623157e+308"},
        {"-0.0", "0"},
        {"1e21", "1e+21"},
        {"-1.5e300", "-1.5e+300"},
        {"5e-324", "5e-324"},
        {"1e-6", "0.000001"},
        {"1e-7", "1e-7"},
        {"1234.5", "1234.5"},
        {"0.30000000000000004", "0.30000000000000004"},
        {"333333333.33333329", "333333333.3333333"},
        {"1e18", "1000000000000000000"},
        {"9007199254740993", "9007199254740993"},
        {"9223372036854775807", "9223372036854775807"},
        {"-9223372036854775808", "-9223372036854775808"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[96], wanted[96];
        (void)snprintf(text, sizeof text, "{\"n\":[%s]}", rows[i][0]);
        (void)snprintf(wanted, sizeof wanted, "{\"n\":[%s]}", rows[i][1]);
        becomes(text, wanted);
    }
}

/* What could not come out of the form again is refused on the way in. */
static void numbers_out_of_range_never_get_here(void **state)
{
    (void)state;
    static const char *const wide[] = {"9223372036854775808", "-9223372036854775809", "1e20",
                                       "9223372036854775808.0", "1e999"};
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++) {
        char text[96];
        const char *why = NULL;
        json_t *o;
        (void)snprintf(text, sizeof text, "{\"n\":{\"m\":[%s]}}", wide[i]);
        assert_int_equal(json_parse(text, strlen(text), &o, &why), ER_MALFORMED);
        assert_non_null(strstr(why, "a number out of range"));
    }
}

static void texts_are_escaped_as_little_as_may_be(void **state)
{
    (void)state;
    becomes("{\"t\":\"\\u001F\\n\\\"\\u007f/\"}", "{\"t\":\"\\u001f\\n\\\"\x7f/\"}");
    becomes("{\"t\":\"\\b\\t\\f\\r\\\\\\u0001\\u000b\"}",
            "{\"t\":\"\\b\\t\\f\\r\\\\\\u0001\\u000b\"}");
    becomes("{\"t\":\"\\ud83d\\ude00\"}", "{\"t\":\"\xf0\x9f\x98\x80\"}");
}

/* Such a number is refused on the way in, but RFC 8785 says how it is written. */
static void the_largest_without_an_exponent(void **state)
{
    (void)state;
    json_t *o = json_real(1e20);
    char *text = json_canonical(o);
    assert_string_equal(text, "100000000000000000000");
    free(text);
    json_decref(o);
}

/* json_parse() lets no NUL through, but what the server makes itself might hold one. */
static void nothing_ends_a_text_early(void **state)
{
    (void)state;
    json_t *o = json_pack("{s:s%}", "t", "a\0b", (size_t)3);
    char *text = json_canonical(o);
    assert_string_equal(text, "{\"t\":\"a\\u0000b\"}");
    free(text);
    json_decref(o);
}

static void as_deep_as_may_come(void **state)
{
    (void)state;
    char text[LIMIT_JSON_DEPTH * 8] = "";
    size_t len = 0;
    for (int i = 0; i < LIMIT_JSON_DEPTH - 1; i++, len += 5)
        memcpy(text + len, "{\"a\":", 5);
    memcpy(text + len, "{}", 2);
    len += 2;
    for (int i = 0; i < LIMIT_JSON_DEPTH - 1; i++)
        text[len++] = '}';
    becomes(text, text);
}

static void nothing_has_no_form(void **state)
{
    (void)state;
    assert_null(json_canonical(NULL));
}

static void a_member_can_be_put_in_later(void **state)
{
    (void)state;
    json_t *o = json_pack("{s:i,s:{s:i},s:i}", "key", 1, "seal", "a", 2, "timestamp", 3);
    static const char *const names[] = {"map", "signature"}, *const first[] = {"a"};
    size_t at[2];
    char *text = json_canonical_but(o, names, 2, at), whole[100];
    assert_string_equal(text, "{\"key\":1,\"seal\":{\"a\":2},\"timestamp\":3}");
    (void)snprintf(whole, sizeof whole, "%.*s,\"map\":[4]%.*s,\"signature\":true%s", (int)at[0],
                   text, (int)(at[1] - at[0]), text + at[0], text + at[1]);
    free(text);
    assert_null(json_canonical_but(o, first, 1, at)); /* nothing stands before it */
    assert_int_equal(json_object_set_new(o, "signature", json_true()), 0);
    assert_null(json_canonical_but(o, names, 2, at));
    assert_int_equal(json_object_set_new(o, "map", json_pack("[i]", 4)), 0);
    text = json_canonical(o);
    assert_string_equal(text, whole);
    free(text);
    json_decref(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_stand_in_the_order_of_their_bytes),
        cmocka_unit_test(lists_keep_their_order),
        cmocka_unit_test(numbers_have_the_fewest_digits),
        cmocka_unit_test(numbers_out_of_range_never_get_here),
        cmocka_unit_test(the_largest_without_an_exponent),
        cmocka_unit_test(texts_are_escaped_as_little_as_may_be),
        cmocka_unit_test(nothing_ends_a_text_early),
        cmocka_unit_test(as_deep_as_may_come),
        cmocka_unit_test(a_member_can_be_put_in_later),
        cmocka_unit_test(nothing_has_no_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
