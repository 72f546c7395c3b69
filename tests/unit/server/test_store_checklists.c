// SPDX-License-Identifier: Apache-2.0
/* A merchant's checklists over those that come with the program: versions, choice, and what is kept by its hash. */
#include "server/store_checklists.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "server/store_sql.h"

static int setup(void **state)
{
    static struct entropy_seeded seed;
    struct entropy entropy = entropy_seeded_init(&seed, 1);
    return store_open((struct store **)state, ":memory:", &entropy, NULL);
}

static int teardown(void **state)
{
    store_close(*state);
    return 0;
}

static json_t *body_of(const char *category, const char *brand, const char *title)
{
    json_t *brands = brand ? json_pack("[s]", brand) : json_array();
    return json_pack("{s:{s:s},s:[s],s:o,s:[{s:s,s:{s:s}}]}", "name", "en", title, "categories",
                     category, "brands", brands, "points", "id", "logo", "title", "en", title);
}

static int put(struct store *s, const char *merchant, const char *id, json_t *body,
               unsigned *ret_version, bool *ret_new)
{
    struct store_checklist c;
    const char *why;
    int er = store_checklist_put(s, merchant, id, body, "shop", 5, &c, ret_new, &why);
    *ret_version = er ? 0 : c.version;
    json_decref(body);
    if (!er)
        store_checklist_clear(&c);
    return er;
}

/** "id version" of what is chosen, or "". */
static const char *chosen(struct store *s, const char *merchant, const char *category,
                          const char *brand)
{
    static char text[64];
    struct store_checklist c;
    text[0] = '\0';
    if (store_checklist_choose(s, merchant, category, brand, &c))
        return text;
    (void)snprintf(text, sizeof text, "%s %u%s", c.id, c.version, c.shipped ? " shipped" : "");
    store_checklist_clear(&c);
    return text;
}

static void count(void *ctx, const struct store_checklist *c)
{
    json_t *ids = ctx;
    assert_null(json_object_get(ids, c->id)); /* each once, in order */
    (void)json_object_set_new(ids, c->id, json_integer(c->version));
}

static size_t counted(struct store *s, const char *merchant)
{
    json_t *ids = json_object();
    assert_int_equal(store_checklists_each(s, merchant, count, ids), 0);
    size_t n = json_object_size(ids);
    json_decref(ids);
    return n;
}

static void test_versions(void **state)
{
    struct store *s = *state;
    unsigned version;
    bool is_new;
    size_t shipped = checklist_shipped_count();
    assert_int_equal(counted(s, "a"), shipped);
    assert_int_equal(put(s, "a", "handbag", body_of("handbag", NULL, "One"), &version, &is_new), 0);
    assert_int_equal(version, 2); /* it comes with the program as 1 */
    assert_int_equal(put(s, "a", "handbag", body_of("handbag", NULL, "One"), &version, &is_new), 0);
    assert_int_equal(version, 2);
    assert_false(is_new);
    assert_int_equal(put(s, "a", "handbag", body_of("handbag", NULL, "Two"), &version, &is_new), 0);
    assert_int_equal(version, 3);
    assert_true(is_new);
    assert_int_equal(put(s, "a", "hats", body_of("hat", NULL, "Hats"), &version, &is_new), 0);
    assert_int_equal(version, 1);
    assert_int_equal(counted(s, "a"), shipped + 1);
    assert_int_equal(counted(s, "b"), shipped); /* another merchant's are not seen */
    assert_int_equal(put(s, "a", "Bad", body_of("x", NULL, "x"), &version, &is_new), ER_MALFORMED);
    assert_int_equal(put(s, "a", "x", json_object(), &version, &is_new), ER_MALFORMED);

    struct store_checklist c;
    assert_int_equal(store_checklist_get(s, "a", "handbag", 2, &c), 0);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(c.document, "name"), "en")), "One");
    store_checklist_clear(&c);
    assert_int_equal(store_checklist_get(s, "a", "handbag", 1, &c), 0);
    assert_true(c.shipped);
    store_checklist_clear(&c);
    assert_int_equal(store_checklist_get(s, "a", "handbag", 9, &c), ER_NOT_FOUND);
    assert_int_equal(store_checklist_get(s, "b", "hats", 0, &c), ER_NOT_FOUND);
}

static void test_what_is_taken_back(void **state)
{
    struct store *s = *state;
    unsigned version;
    bool is_new;
    assert_int_equal(store_checklist_retire(s, "a", "handbag", "shop", 6), ER_NOT_FOUND);
    assert_int_equal(put(s, "a", "handbag", body_of("handbag", NULL, "One"), &version, &is_new), 0);
    assert_int_equal(put(s, "a", "hats", body_of("hat", NULL, "Hats"), &version, &is_new), 0);
    assert_int_equal(store_checklist_retire(s, "a", "handbag", "shop", 6), 0);
    assert_int_equal(store_checklist_retire(s, "a", "handbag", "shop", 6), ER_NOT_FOUND);
    assert_int_equal(store_checklist_retire(s, "a", "hats", "shop", 6), 0);
    assert_string_equal(chosen(s, "a", "handbag", NULL), "handbag 1 shipped");
    assert_string_equal(chosen(s, "a", "hat", NULL), "");
    assert_int_equal(counted(s, "a"), checklist_shipped_count());
    assert_int_equal(put(s, "a", "hats", body_of("hat", NULL, "Hats"), &version, &is_new), 0);
    assert_int_equal(version, 3); /* no number is given twice */
}

static void test_which_one_fits(void **state)
{
    struct store *s = *state;
    unsigned version;
    bool is_new;
    assert_string_equal(chosen(s, "a", "Watch", "Helvetia"), "watch 1 shipped");
    assert_string_equal(chosen(s, "a", NULL, NULL), "");
    assert_int_equal(put(s, "a", "aaa", body_of("watch", NULL, "Ours"), &version, &is_new), 0);
    assert_string_equal(chosen(s, "a", "watch", "Helvetia"), "aaa 1");
    assert_int_equal(put(s, "a", "zzz", body_of("watch", "helvetia", "Of it"), &version, &is_new),
                     0);
    assert_string_equal(chosen(s, "a", "watch", "Helvetia"), "zzz 1");
    assert_string_equal(chosen(s, "a", "watch", "Other"), "aaa 1");
    assert_string_equal(chosen(s, "b", "watch", "Helvetia"), "watch 1 shipped");
}

static void test_kept_by_hash_for_good(void **state)
{
    struct store *s = *state;
    struct store_checklist c;
    json_t *kept;
    assert_int_equal(store_checklist_get(s, "a", "phone", 0, &c), 0);
    assert_int_equal(store_checklist_kept(s, c.sha256, &kept), ER_NOT_FOUND);
    assert_int_equal(store_checklist_keep(s, &c), 0);
    assert_int_equal(store_checklist_keep(s, &c), 0);
    assert_int_equal(store_checklist_kept(s, c.sha256, &kept), 0);
    assert_true(json_equal(kept, c.document));
    json_decref(kept);
    store_checklist_clear(&c);
    assert_int_equal(sql_run(s, NULL, "DELETE FROM checklists_kept", ""), ER_CONFLICT);
    assert_int_equal(sql_run(s, NULL, "UPDATE checklists_kept SET document = '{}'", ""),
                     ER_CONFLICT);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_versions),
        TEST(test_what_is_taken_back),
        TEST(test_which_one_fits),
        TEST(test_kept_by_hash_for_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
