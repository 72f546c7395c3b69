// SPDX-License-Identifier: Apache-2.0
/* Tombstones in the place of rows: at once with the event, never of what is held or in the making. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "server/store_keep.h"

#define T0 UINT64_C(1795298400000000) /* 2026-11-21T22:00:00Z */
#define S UINT64_C(1000000)

struct scene {
    struct entropy_seeded seeded;
    struct store *store;
    struct store_case c;
    struct store_clip clip;
    char data[64];
};

static struct store_clip clip_add(struct scene *s, const char *kind)
{
    struct store_clip c = {.case_id = s->c.id, .room = s->c.room};
    (void)str_copy(c.kind, sizeof c.kind, kind);
    (void)str_copy(c.path, sizeof c.path, "/data/blobs/aa/clip");
    assert_int_equal(store_clip_add(s->store, &c, T0), 0);
    return c;
}

static void finish(struct scene *s, struct store_clip *c)
{
    c->state = CLIP_READY;
    assert_int_equal(store_clip_update(s->store, c, T0), 0);
}

static int setup(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    bool repeated;
    struct entropy e = entropy_seeded_init(&s->seeded, 3);
    assert_int_equal(store_open(&s->store, ":memory:", &e, NULL), 0);
    assert_int_equal(store_set_folder(s->store, "/data"), 0);
    s->c = (struct store_case){.kind = CASE_INSPECTION, .merchant = "m", .more = json_object()};
    (void)str_copy(s->c.buyer, sizeof s->c.buyer, "lin");
    assert_int_equal(store_merchant_put(s->store, "m", NULL, T0), 0);
    assert_int_equal(store_case_create(s->store, &s->c, "shop", "k", NULL, "", T0, &repeated), 0);
    s->clip = clip_add(s, "clip");
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;
    store_case_clear(&s->c);
    store_close(s->store);
    free(s);
    return 0;
}

static int bury_as(struct scene *s, const char *object, const struct id *id, bool due)
{
    char document[] = "{\"format\":\"loupe-tombstone/1\"}";
    struct store_tombstone t = {.id = *id, .case_id = s->c.id, .document = document, .due = due};
    (void)str_copy(t.object, sizeof t.object, object);
    (void)str_copy(t.path, sizeof t.path, "/data/blobs/aa/clip");
    json_t *told = json_pack("{s:s}", "reason", "asked");
    int er = store_bury(s->store, &t, "eve", told, T0 + S);
    json_decref(told);
    return er;
}

static int bury(struct scene *s, const char *object, const struct id *id)
{
    return bury_as(s, object, id, false);
}

static void count(void *ctx, const struct store_tombstone *t)
{
    (void)t;
    ++*(size_t *)ctx;
}

static size_t left(struct scene *s)
{
    const struct id none = {0};
    size_t n = 0;
    assert_int_equal(store_tombstones_left(s->store, &none, 10, count, &n), 0);
    return n;
}

static void keep_last(void *ctx, const struct store_event *e)
{
    (void)snprintf(ctx, 256, "%s %s %s", e->type, e->actor, e->data);
}

static void test_in_place_of_the_row(void **state)
{
    struct scene *s = *state;
    struct store_clip c;
    struct store_tombstone t;
    char last[256], expected[256];
    uint64_t bad;
    size_t n = 0;
    assert_int_equal(store_tombstone_get(s->store, &s->clip.id, &t), ER_NOT_FOUND);
    finish(s, &s->clip);
    assert_int_equal(bury(s, "clip", &s->clip.id), 0);
    assert_int_equal(store_clip_get(s->store, &s->clip.id, &c), ER_NOT_FOUND);
    assert_int_equal(store_tombstone_get(s->store, &s->clip.id, &t), 0);
    assert_string_equal(t.path, "/data/blobs/aa/clip");
    assert_string_equal(t.document, "{\"format\":\"loupe-tombstone/1\"}");
    assert_false(t.cleared);
    free(t.document);
    assert_int_equal(store_events_list(s->store, &s->c.id, 0, 100, keep_last, last), 0);
    (void)snprintf(expected, sizeof expected,
                   "clip_deleted eve {\"clip\":\"%s\",\"reason\":\"asked\"}", s->clip.id.text);
    assert_string_equal(last, expected);
    assert_int_equal(store_chain_verify(s->store, &s->c.id, &bad), 0);
    assert_int_equal(left(s), 1);
    assert_int_equal(store_tombstone_cleared(s->store, &s->clip.id), 0);
    assert_int_equal(left(s), 0);
    assert_int_equal(store_tombstones_of_case(s->store, &s->c.id, count, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(bury(s, "clip", &s->clip.id), ER_NOT_FOUND); /* twice */
}

static void test_a_still(void **state)
{
    struct scene *s = *state;
    struct store_still still = {.case_id = s->c.id,
                                .room = s->c.room,
                                .kind = "photo",
                                .path = "/data/blobs/aa/still",
                                .facts = "{}",
                                .taken_by = "ann"};
    assert_int_equal(store_still_add(s->store, &still, T0), 0);
    assert_int_equal(bury(s, "still", &still.id), ER_NOT_FOUND); /* not taken yet */
    assert_int_equal(store_still_finish(s->store, &still, T0), 0);
    assert_int_equal(bury(s, "still", &still.id), 0);
    assert_int_equal(store_still_get(s->store, &still.id, &still), ER_NOT_FOUND);
}

static void test_what_is_in_the_way(void **state)
{
    struct scene *s = *state;
    struct store_tombstone t;
    struct store_hold h = {.case_id = s->c.id, .object = "case", .reason = "r", .placed_by = "p"};
    assert_int_equal(bury(s, "clip", &s->clip.id), ER_NOT_FOUND); /* recording */
    finish(s, &s->clip);
    assert_int_equal(store_hold_place(s->store, &h, T0), 0);
    assert_int_equal(bury(s, "clip", &s->clip.id), ER_CONFLICT);
    assert_int_equal(store_tombstone_get(s->store, &s->clip.id, &t), ER_NOT_FOUND);
    assert_int_equal(store_hold_lift(s->store, &h.id, "p", true, "over", T0, &h), 0);
    assert_int_equal(bury(s, "clip", &s->clip.id), 0);
}

/** Whoever sets a period anew is believed, also about what was found to be due under the old one. */
static void test_not_if_its_time_is_not_over_any_more(void **state)
{
    struct scene *s = *state;
    static const uint64_t periods[] = {0, 2, 1}; /* it is a second old */
    finish(s, &s->clip);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(store_retention_set(s->store, "m", KEEP_CLIP, periods[i], "sue", T0, NULL), 0);
        assert_int_equal(bury_as(s, "clip", &s->clip.id, true), i < 2 ? ER_CONFLICT : 0);
    }
}

static void test_not_while_a_part_is_made(void **state)
{
    struct scene *s = *state;
    struct id parts[2];
    size_t n;
    finish(s, &s->clip);
    struct store_clip part = clip_add(s, "trim");
    json_t *data = json_pack("{s:s,s:s}", "clip", part.id.text, "of", s->clip.id.text);
    assert_int_equal(store_event_append(s->store, &s->c.id, "ann", "clip_trimmed", data, T0, NULL),
                     0);
    json_decref(data);
    assert_int_equal(store_parts_of(s->store, &s->c.id, &s->clip.id, parts, 2, &n), ER_CONFLICT);
    assert_int_equal(bury(s, "clip", &s->clip.id), ER_CONFLICT);
    finish(s, &part);
    assert_int_equal(store_parts_of(s->store, &s->c.id, &s->clip.id, parts, 2, &n), 0);
    assert_int_equal(n, 1);
    assert_string_equal(parts[0].text, part.id.text);
    assert_int_equal(bury(s, "clip", &s->clip.id), 0); /* the part stays */
    struct store_clip there;
    assert_int_equal(store_clip_get(s->store, &part.id, &there), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_in_place_of_the_row),      TEST(test_a_still),
        TEST(test_what_is_in_the_way),       TEST(test_not_if_its_time_is_not_over_any_more),
        TEST(test_not_while_a_part_is_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
