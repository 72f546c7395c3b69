// SPDX-License-Identifier: Apache-2.0
/* Chat text and history. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "signaling/chat.h"

static void test_clean(void **state)
{
    (void)state;
    char out[CHAT_TEXT_BYTES];
    static const struct {
        const char *in, *out;
    } cases[] = {{"  hello\n ", "hello"},
                 {"a\nb\tc", "a\nb\tc"},
                 {"a\x07\x1b[31mb\r\n", "a[31mb"},
                 {"\xe2\x80\xae"
                  "gpj.exe",
                  "gpj.exe"},                        /* U+202E */
                 {"\xe2\x81\xa6x\xe2\x81\xa9", "x"}, /* U+2066, U+2069 */
                 {"\xef\xbb\xbfx", "x"},             /* U+FEFF */
                 {"\xc2\x85y", "y"},                 /* U+0085 */
                 {"\xe6\x9d\xaf\xe5\xad\x90", "\xe6\x9d\xaf\xe5\xad\x90"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(chat_clean(cases[i].in, out), 0);
        assert_string_equal(out, cases[i].out);
    }
    assert_int_equal(chat_clean(" \n\x07", out), ER_INVALID);
    assert_int_equal(chat_clean("", out), ER_INVALID);
    assert_int_equal(chat_clean("\xff", out), ER_INVALID);
    static char most[LIMIT_CHAT_BYTES + 2];
    memset(most, 'x', LIMIT_CHAT_BYTES + 1);
    assert_int_equal(chat_clean(most, out), ER_INVALID);
    most[LIMIT_CHAT_BYTES] = '\0';
    assert_int_equal(chat_clean(most, out), 0);
}

static void test_history(void **state)
{
    (void)state;
    static struct chat c;
    for (int i = 0; i < CHAT_HISTORY + 5; i++) {
        json_t *message = json_integer(i);
        chat_add(&c, message);
        json_decref(message);
    }
    json_t *list = chat_history(&c);
    assert_int_equal(json_array_size(list), CHAT_HISTORY);
    for (size_t i = 0; i < CHAT_HISTORY; i++)
        assert_int_equal(json_integer_value(json_array_get(list, i)), i + 5);
    json_decref(list);
    chat_clear(&c);
    list = chat_history(&c);
    assert_int_equal(json_array_size(list), 0);
    json_decref(list);
}

/** Line feeds take two bytes in JSON: the worst there is. */
static void test_history_fits_an_outbox(void **state)
{
    (void)state;
    static struct chat c;
    static char text[CHAT_TEXT_BYTES];
    memset(text, '\n', LIMIT_CHAT_BYTES);
    for (int i = 0; i < CHAT_HISTORY; i++) {
        json_t *message = json_pack("{s:s,s:i}", "text", text, "number", i);
        chat_add(&c, message);
        json_decref(message);
    }
    json_t *list = chat_history(&c);
    size_t count = json_array_size(list);
    assert_true(json_dumpb(list, NULL, 0, JSON_COMPACT) < LIMIT_OUTBOX_BYTES / 2);
    assert_in_range(count, 16, CHAT_HISTORY - 1);
    json_t *newest = json_array_get(list, count - 1);
    assert_int_equal(json_integer_value(json_object_get(newest, "number")), CHAT_HISTORY - 1);
    json_decref(list);
    chat_clear(&c);
    assert_int_equal(c.bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_clean), cmocka_unit_test(test_history),
                                       cmocka_unit_test(test_history_fits_an_outbox)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
