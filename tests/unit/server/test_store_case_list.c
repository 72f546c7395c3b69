// SPDX-License-Identifier: Apache-2.0
/* Finding cases: by words, tags, states and kinds together, page by page, never another merchant's, and never by looking at
 * more than a bounded number for one page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "server/case_facts.h"
#include "server/store_case_impl.h"
#include "server/store_record.h"

#define T0 UINT64_C(1790000000000000)

struct bench {
    struct entropy_seeded random;
    struct entropy entropy;
    struct store *s;
    uint64_t now_us;
};

static struct id add(struct bench *b, const char *merchant, const char *title, enum case_kind kind)
{
    struct store_case c = {.kind = kind};
    bool repeated;
    (void)str_copy(c.merchant, sizeof c.merchant, merchant);
    (void)str_copy(c.title, sizeof c.title, title);
    (void)str_copy(c.buyer, sizeof c.buyer, "lin");
    (void)str_copy(c.buyer_name, sizeof c.buyer_name, "Lin");
    b->now_us += 1000;
    assert_int_equal(store_case_create(b->s, &c, "shop", "k", NULL, NULL, b->now_us, &repeated), 0);
    store_case_clear(&c);
    return c.id;
}

static void tag(struct bench *b, const struct id *id, const char *word)
{
    json_t *tags = json_pack("[s]", word);
    assert_int_equal(store_tags_change(b->s, id, "ann", tags, NULL, b->now_us), 0);
    json_decref(tags);
}

static void act(struct bench *b, const struct id *id, enum case_action action)
{
    struct store_case after;
    const struct store_action a = {
        .case_id = *id, .action = action, .actor = "ann", .role = ROLE_COUNT};
    assert_int_equal(store_case_act(b->s, &a, b->now_us, &after), 0);
    store_case_clear(&after);
}

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->now_us = T0;
    b->entropy = entropy_seeded_init(&b->random, 3);
    assert_int_equal(store_open(&b->s, ":memory:", &b->entropy, NULL), 0);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    store_close(b->s);
    free(b);
    return 0;
}

static void note(void *ctx, const struct store_case *c)
{
    char *text = ctx;
    (void)snprintf(text + strlen(text), 200 - strlen(text), "%s;", c->title);
}

/** The titles of all pages, newest first. */
static void lists(struct bench *b, struct store_case_filter f, const char *want)
{
    char text[200] = "";
    struct id next;
    if (!f.merchant)
        f.merchant = "m";
    for (int pages = 0;; pages++) {
        assert_int_equal(store_cases_list(b->s, &f, note, text, &next), 0);
        if (!id_is_set(&next))
            break;
        assert_true(pages < 10);
        f.before = next;
    }
    assert_string_equal(text, want);
}

static void test_every_way(void **state)
{
    struct bench *b = *state;
    const struct id cup = add(b, "m", "Red cup", CASE_INSPECTION);
    const struct id coat = add(b, "m", "Red coat", CASE_INSPECTION);
    const struct id bag = add(b, "m", "Red bag", CASE_AUTHENTICATION);
    (void)add(b, "n", "Red hat", CASE_INSPECTION);
    tag(b, &cup, "vip");
    tag(b, &bag, "vip");
    act(b, &bag, CASE_PROPOSE);
    act(b, &coat, CASE_PROPOSE);
    act(b, &coat, CASE_DISPUTE);
    act(b, &cup, CASE_WAIT);
    for (size_t limit = 1; limit < 4; limit++) { /* however long a page is */
        lists(b, (struct store_case_filter){.limit = limit}, "Red bag;Red coat;Red cup;");
        lists(b, (struct store_case_filter){.limit = limit, .text = "red"},
              "Red bag;Red coat;Red cup;");
        lists(b, (struct store_case_filter){.limit = limit, .text = "red c"}, "");
        lists(b, (struct store_case_filter){.limit = limit, .text = "co"}, "Red coat;");
        lists(b, (struct store_case_filter){.limit = limit, .tag = "vip"}, "Red bag;Red cup;");
        lists(b, (struct store_case_filter){.limit = limit, .tag = "vip", .text = "cup"},
              "Red cup;");
        lists(b, (struct store_case_filter){.limit = limit, .tag = "none"}, "");
        lists(b, (struct store_case_filter){.limit = limit, .disputed = true}, "Red coat;");
        lists(b, (struct store_case_filter){.limit = limit, .disputed = true, .text = "bag"}, "");
        lists(b,
              (struct store_case_filter){.limit = limit, .by_state = true, .state = CASE_WAITING},
              "Red cup;");
        lists(b,
              (struct store_case_filter){
                  .limit = limit, .by_state = true, .state = CASE_PROPOSED, .text = "red"},
              "Red bag;");
        lists(b,
              (struct store_case_filter){
                  .limit = limit, .by_kind = true, .kind = CASE_INSPECTION, .text = "red"},
              "Red coat;Red cup;");
        lists(b, (struct store_case_filter){.limit = limit, .only = coat}, "Red coat;");
        lists(b, (struct store_case_filter){.limit = limit, .only = coat, .text = "bag"}, "");
        lists(b, (struct store_case_filter){.limit = limit, .merchant = "n", .text = "red"},
              "Red hat;");
        lists(b, (struct store_case_filter){.limit = limit, .merchant = "n", .tag = "vip"}, "");
        lists(b, (struct store_case_filter){.limit = limit, .merchant = "x"}, "");
        lists(b, (struct store_case_filter){.limit = limit, .text = "*\"'"}, "");
    }
    char text[200] = "";
    const struct store_case_filter live = {.by_state = true, .state = CASE_WAITING};
    assert_int_equal(store_cases_list(b->s, &live, note, text, NULL), 0); /* of any merchant */
    const struct store_case_filter any = {.limit = 10};
    assert_int_equal(store_cases_list(b->s, &any, note, text, NULL), 0);
    assert_string_equal(text, "Red cup;Red hat;Red bag;Red coat;Red cup;");
}

static void test_found_by_what_it_says_now(void **state)
{
    struct bench *b = *state;
    struct store_case before, after;
    const struct id cup = add(b, "m", "Red cup", CASE_INSPECTION);
    (void)add(b, "m", "Red mug", CASE_INSPECTION);
    json_t *patch = json_pack("{s:s}", "title", "Blue cup"), *changes = NULL;
    assert_int_equal(store_case_get(b->s, &cup, &before), 0);
    assert_null(case_facts_diff(&before, patch, &changes));
    const struct store_change c = {.case_id = cup, .actor = "ann", .changes = changes};
    assert_int_equal(store_case_change(b->s, &c, b->now_us, &after), 0);
    lists(b, (struct store_case_filter){.text = "red"}, "Red mug;");
    lists(b, (struct store_case_filter){.text = "blue"}, "Blue cup;");
    lists(b, (struct store_case_filter){.text = "cup"}, "Blue cup;");
    store_case_clear(&before);
    store_case_clear(&after);
    json_decref(changes);
    json_decref(patch);
}

static void test_older_databases_are_indexed(void **state)
{
    struct bench *b = *state;
    (void)add(b, "m", "Red cup", CASE_INSPECTION);
    (void)add(b, "m", "Red mug", CASE_INSPECTION);
    assert_int_equal(sqlite3_exec(b->s->db,
                                  "INSERT INTO case_index(case_index) VALUES('delete-all');"
                                  "DELETE FROM case_texts;"
                                  "DELETE FROM settings WHERE name = 'case_words'",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    lists(b, (struct store_case_filter){.text = "red"}, "");
    assert_int_equal(store_case_index_all(b->s), 0);
    lists(b, (struct store_case_filter){.text = "red"}, "Red mug;Red cup;");
    assert_int_equal(store_case_index_all(b->s), 0); /* once */
    lists(b, (struct store_case_filter){.text = "red"}, "Red mug;Red cup;");
}

static void test_long_words_and_single_letters(void **state)
{
    struct bench *b = *state;
    (void)add(b, "m", "Authentifizierungsdienst", CASE_INSPECTION);
    (void)add(b, "m", "Authentifizierungsstelle", CASE_INSPECTION);
    (void)add(b, "m", "\xe5\xbc\x80\xe8\xa3\x82", CASE_INSPECTION); /* 开裂 */
    lists(b, (struct store_case_filter){.text = "authentif"},
          "Authentifizierungsstelle;Authentifizierungsdienst;");
    lists(b, (struct store_case_filter){.text = "authentifizierungsst"},
          "Authentifizierungsstelle;");
    lists(b, (struct store_case_filter){.text = "authentifizierungsstellen"}, "");
    lists(b, (struct store_case_filter){.text = "\xe8\xa3\x82"}, "\xe5\xbc\x80\xe8\xa3\x82;");
    lists(b, (struct store_case_filter){.text = "\xe5\xbc\x80"}, "\xe5\xbc\x80\xe8\xa3\x82;");
    lists(b, (struct store_case_filter){.text = "a"}, "");
}

static void test_a_page_looks_at_so_many(void **state)
{
    struct bench *b = *state;
    char text[200] = "";
    struct id next;
    assert_int_equal(store_begin(b->s), 0);
    (void)add(b, "m", "Red first", CASE_LIVE);
    for (int i = 0; i < 4100; i++)
        (void)add(b, "m", "Red", CASE_INSPECTION);
    assert_int_equal(store_end(b->s, 0), 0);
    struct store_case_filter f = {
        .merchant = "m", .text = "red", .by_kind = true, .kind = CASE_LIVE, .limit = 5};
    assert_int_equal(store_cases_list(b->s, &f, note, text, &next), 0);
    assert_string_equal(text, "");
    assert_true(id_is_set(&next));
    lists(b, f, "Red first;");
    f.text = NULL;
    lists(b, f, "Red first;");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_every_way),
        TEST(test_found_by_what_it_says_now),
        TEST(test_older_databases_are_indexed),
        TEST(test_long_words_and_single_letters),
        TEST(test_a_page_looks_at_so_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
