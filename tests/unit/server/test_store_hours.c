// SPDX-License-Identifier: Apache-2.0
/* Business hours in the store: versions, teams over merchants, removal, zones that are not known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "server/store_hours.h"

struct bench {
    struct entropy_seeded seeded;
    struct entropy entropy;
    struct store *s;
};

static int start(void **state)
{
    static struct bench b;
    b.entropy = entropy_seeded_init(&b.seeded, 7);
    assert_int_equal(store_open(&b.s, ":memory:", &b.entropy, NULL), 0);
    *state = &b;
    return 0;
}

static int stop(void **state)
{
    store_close(((struct bench *)*state)->s);
    return 0;
}

static int put(struct store *s, const char *team, const char *zone, const char *opens,
               uint64_t if_version, uint64_t *ret_version)
{
    struct store_hours h;
    bool is_new;
    const char *why = NULL;
    json_t *body = json_pack("{s:s,s:{s:[{s:s,s:s}]},s:i,s:{}}", "time_zone", zone, "weekly",
                             "monday", "opens", opens, "closes", "18:00", "version", 9, "now");
    int er = store_hours_put(s, "acme", team, body, if_version, "sue", 1000, &h, &is_new, &why);
    json_decref(body);
    assert_true(er != ER_MALFORMED || why);
    if (!er) {
        *ret_version = h.version;
        assert_null(json_object_get(h.document, "version"));
        assert_int_equal(is_new, h.version == 1 || h.version == 4);
        store_hours_clear(&h);
    }
    return er;
}

static void test_versions(void **state)
{
    struct store *s = ((struct bench *)*state)->s;
    struct store_hours h;
    uint64_t version = 0;
    assert_int_equal(store_hours_get(s, "acme", "", &h), ER_NOT_FOUND);
    assert_int_equal(put(s, "", "Asia/Shanghai", "09:00", 3, &version), ER_STALE);
    assert_int_equal(put(s, "", "Asia/Shanghai", "09:00", 0, &version), 0);
    assert_int_equal(put(s, "", "Asia/Shanghai", "10:00", 2, &version), ER_STALE);
    assert_int_equal(put(s, "", "Asia/Shanghai", "10:00", 1, &version), 0);
    assert_int_equal(version, 2);
    assert_int_equal(put(s, "", "Asia/Nowhere", "10:00", 0, &version), ER_MALFORMED);
    assert_int_equal(put(s, "", "../../etc/passwd", "10:00", 0, &version), ER_MALFORMED);
    assert_int_equal(put(s, "", "Asia/Shanghai", "x", 0, &version), ER_MALFORMED);
    assert_int_equal(store_hours_remove(s, "acme", "", 1, "sue", 1), ER_STALE);
    assert_int_equal(store_hours_remove(s, "acme", "", 2, "sue", 1), 0);
    assert_int_equal(store_hours_remove(s, "acme", "", 0, "sue", 1), ER_NOT_FOUND);
    assert_int_equal(store_hours_get(s, "acme", "", &h), ER_NOT_FOUND);
    /* nobody takes the new ones for the old ones */
    assert_int_equal(put(s, "", "Asia/Shanghai", "09:00", 0, &version), 0);
    assert_int_equal(version, 4);
}

static void count(void *ctx, const struct store_hours *h)
{
    *(unsigned *)ctx += h->document != NULL;
}

static void test_teams(void **state)
{
    struct store *s = ((struct bench *)*state)->s;
    struct hours *h;
    char pool[STORE_SHORT_BYTES], name[STORE_SHORT_BYTES];
    uint64_t version;
    unsigned n = 0;
    assert_int_equal(store_hours_for(s, "acme", "watches", &h, NULL), ER_NOT_FOUND);
    assert_int_equal(put(s, "", "Asia/Shanghai", "09:00", 0, &version), 0);
    assert_int_equal(put(s, "watches", "Asia/Shanghai", "08:00", 0, &version), 0);
    assert_int_equal(store_hours_for(s, "acme", "Watches", &h, pool), 0);
    assert_string_equal(pool, "watches");
    assert_true(hours_open(h, 1763942400 + 1800)); /* Monday 2025-11-24, 08:30 in Shanghai */
    hours_free(h);
    assert_int_equal(store_hours_for(s, "acme", "bags", &h, pool), 0);
    assert_string_equal(pool, "");
    assert_false(hours_open(h, 1763942400 + 1800));
    hours_free(h);
    assert_int_equal(store_hours_for(s, "other", "", &h, pool), ER_NOT_FOUND);
    assert_int_equal(store_hours_each(s, "acme", count, &n), 0);
    assert_int_equal(store_hours_each(s, "other", count, &n), 0);
    assert_int_equal(store_hours_each(s, NULL, count, &n), 0);
    assert_int_equal(n, 4);
    assert_int_equal(store_hours_team("", name), ER_INVALID);
    assert_int_equal(store_hours_team(NULL, name), ER_INVALID);
    char team[8];
    for (unsigned i = 2; i < LIMIT_HOURS; i++) {
        (void)snprintf(team, sizeof team, "t%u", i);
        assert_int_equal(put(s, team, "Asia/Shanghai", "08:00", 0, &version), 0);
    }
    assert_int_equal(put(s, "more", "Asia/Shanghai", "08:00", 0, &version), ER_FULL);
    assert_int_equal(put(s, "t2", "Asia/Shanghai", "07:00", 0, &version), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_versions, start, stop),
        cmocka_unit_test_setup_teardown(test_teams, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
