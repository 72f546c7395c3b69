// SPDX-License-Identifier: Apache-2.0
/* Words: what a case is found by, in which scripts, and that whatever is typed is looked for as words alone. */
#include "server/case_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "server/store.h"

static struct store_case a_case(const char *title)
{
    struct store_case c = {.number = "C-2026-000012", .buyer = "u/77", .buyer_name = "Lin Yuè"};
    (void)str_copy(c.title, sizeof c.title, title);
    c.more = json_pack("{s:s,s:s,s:{s:s}}", "brand", "Loom", "reason", "broken", "order", "number",
                       "TB-9001");
    assert_non_null(c.more);
    return c;
}

static void test_words(void **state)
{
    (void)state;
    char words[CASE_WORDS_BYTES];
    struct store_case c = a_case("A Cracked CUP, ÉTÉ; iPhone15\xe6\x89\x8b\xe6\x9c\xba\xe5\xa3\xb3"
                                 " \xef\xbc\xa1\xef\xbc\x91");
    case_words(&c, words);
    assert_string_equal(words, " c2026000012 000012 12 a cracked cup été iphone15 "
                               "\xe6\x89\x8b\xe6\x9c\xba \xe6\x9c\xba\xe5\xa3\xb3 \xe5\xa3\xb3"
                               " a1 lin yuè u 77 tb 9001 loom broken ");
    store_case_clear(&c);
}

static bool finds(const char *query, const char *title)
{
    char words[CASE_WORDS_BYTES];
    struct case_query q;
    struct store_case c = a_case(title);
    case_words(&c, words);
    case_query_read(&q, query);
    store_case_clear(&c);
    return case_query_fits(&q, words);
}

static void test_finds(void **state)
{
    (void)state;
    static const char *const good[] = {
        "crack",  "CUP",     "cup cra", "été",  "ÉTÉ",     "12",         "000012", "C-2026-000012",
        "c-2026", "C-2026-", "lin yuè", "loom", "tb-9001", "9001",       "77",     "a",
        "u",      "cup!",    "\"cup\"", "cup*", "broken",  "C-2026-000",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!finds(good[i], "A cracked cup, été"))
            fail_msg("%s", good[i]);
    static const char *const bad[] = {"racked", "mug",    "cup mug",  "",  "  ",
                                      "!*\"",   "C-2025", "C-2026-1", "l", "2026"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (finds(bad[i], "A cracked cup, été"))
            fail_msg("%s", bad[i]);
    /* 茶杯开裂 */
    const char *title = "\xe8\x8c\xb6\xe6\x9d\xaf\xe5\xbc\x80\xe8\xa3\x82";
    assert_true(finds("\xe8\x8c\xb6", title));                         /* 茶 */
    assert_true(finds("\xe8\xa3\x82", title));                         /* 裂 */
    assert_true(finds("\xe6\x9d\xaf\xe5\xbc\x80", title));             /* 杯开 */
    assert_true(finds("\xe6\x9d\xaf\xe5\xbc\x80\xe8\xa3\x82", title)); /* 杯开裂 */
    assert_true(finds(title, title));
    assert_false(finds("\xe8\x8c\xb6\xe5\xbc\x80", title));             /* 茶开 */
    assert_false(finds("\xe8\x8c\xb6\xe6\x9d\xaf\xe8\xa3\x82", title)); /* 茶杯裂 */
    assert_true(finds("\xe8\xa3\x82 \xe8\x8c\xb6\xe6\x9d\xaf", title));
}

static void match_is(const char *query, const char *more, const char *want)
{
    struct case_query q;
    char match[CASE_MATCH_BYTES];
    case_query_read(&q, query);
    case_query_match(&q, more, match);
    assert_string_equal(match, want);
}

static void test_what_is_asked_of_the_index(void **state)
{
    (void)state;
    match_is("cup", NULL, "\"cup\"* ");
    match_is("A cup", "m1", "\"m1\" \"a\" \"cup\"* ");
    match_is("C-2026-12", NULL, "\"c202612\"* ");
    match_is("\" OR words:x*) NEAR(a", "m1", "\"m1\" \"or\"* \"words\"* \"x\" \"near\"* \"a\" ");
    match_is("\xe6\x9d\xaf\xe5\xbc\x80\xe8\xa3\x82", NULL,
             "\"\xe6\x9d\xaf\xe5\xbc\x80\" \"\xe5\xbc\x80\xe8\xa3\x82\" ");
    match_is("\xe6\x9d\xaf", NULL, "\"\xe6\x9d\xaf\"* ");
    /* How words begin is in the index for so many letters, whatever bytes they take. */
    match_is("authentifizierung", NULL, "\"authentifizierun\"* ");
    match_is("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
             "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9x",
             NULL,
             "\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
             "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\"* ");
}

static void test_bounds(void **state)
{
    (void)state;
    char text[4000], words[CASE_WORDS_BYTES], match[CASE_MATCH_BYTES];
    struct case_query q;
    for (size_t i = 0; i + 3 < sizeof text; i += 3)
        memcpy(text + i, i % 2 ? "ab " : "\xe8\x8c\xb6", 3);
    text[sizeof text - 1] = '\0';
    memset(text + sizeof text - 4, ' ', 3);
    case_query_read(&q, text);
    assert_true(q.count <= CASE_QUERY_TERMS);
    case_query_match(&q, "m1", match);
    assert_true(strlen(match) < sizeof match);
    memset(text, 'x', sizeof text - 1);
    case_query_read(&q, text);
    assert_int_equal(q.count, 0);
    struct store_case c = a_case("t");
    (void)json_object_set_new(c.more, "reason", json_string(text));
    (void)json_object_set_new(c.more, "brand", json_string("last"));
    case_words(&c, words);
    assert_true(strlen(words) < sizeof words);
    assert_non_null(strstr(words, " last "));
    assert_null(strstr(words, "xx"));
    store_case_clear(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_finds),
        cmocka_unit_test(test_what_is_asked_of_the_index),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
