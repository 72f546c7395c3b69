// SPDX-License-Identifier: Apache-2.0
/* What has had its time goes by itself, in virtual time; what is held waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "server/calls_impl.h"
#include "tests/unit/support/buried.h"

#define DAY_MS UINT64_C(86400000)

static void keep_for(struct buried *b, enum keep_kind kind, uint64_t seconds)
{
    assert_int_equal(store_retention_set(b->w.store, "default", kind, seconds, "sue", 1, NULL), 0);
}

/** In strides: nothing happens in most of a day. */
static void days(struct buried *b, unsigned count)
{
    for (unsigned i = 0; i < 24 * count; i++) {
        b->w.now_us += DAY_MS / 24 * 1000 - 2000000;
        world_pass(&b->w, 2000);
    }
}

static void it_goes_when_its_time_is_over(void **state)
{
    struct buried *b = *state;
    struct id part = buried_part(b, &b->clip);
    keep_for(b, KEEP_CLIP, 30 * DAY_MS / 1000);
    days(b, 29);
    assert_false(buried_is_gone(b, &b->clip));
    days(b, 2);
    assert_true(buried_is_gone(b, &b->clip));
    assert_int_equal(buried_files(b, &b->clip), 0);
    assert_false(buried_is_gone(b, &part)); /* of another kind */
    assert_int_equal(world_events(&b->w, &b->c.id, "clip_deleted"), 1);
    struct store_tombstone t;
    assert_int_equal(store_tombstone_get(b->w.store, &b->clip, &t), 0);
    assert_true(t.cleared);
    assert_non_null(strstr(t.document, "\"cause\":\"retention\""));
    assert_non_null(strstr(t.document, "\"deleted_by\":\"system\""));
    assert_true(buried_verifies(b, t.document, NULL));
    free(t.document);
    struct calls_gauges n;
    calls_read_gauges(b->w.calls, &n);
    assert_int_equal(n.deleted, 1);
    assert_int_equal(n.deleted_due, 1);
    assert_int_equal(n.deletions_failed, 0);
}

static void a_hold_beats_it(void **state)
{
    struct buried *b = *state;
    struct store_hold h = {.case_id = b->c.id, .object = "clip", .reason = "r", .placed_by = "p"};
    h.of = b->clip;
    assert_int_equal(store_hold_place(b->w.store, &h, 1), 0);
    keep_for(b, KEEP_CLIP, 1);
    days(b, 3);
    assert_false(buried_is_gone(b, &b->clip));
    assert_true(buried_files(b, &b->clip) > 0);
    assert_int_equal(store_hold_lift(b->w.store, &h.id, "p", true, "over", 1, &h), 0);
    world_pass(&b->w, 61000);
    assert_true(buried_is_gone(b, &b->clip));
}

static void it_is_looked_for_at_once_when_asked(void **state)
{
    struct buried *b = *state;
    world_pass(&b->w, 5000);
    keep_for(b, KEEP_CLIP, 1);
    world_pass(&b->w, 2000);
    assert_false(buried_is_gone(b, &b->clip)); /* the round before was over */
    calls_sweep_soon(b->w.calls);
    world_pass(&b->w, 100);
    assert_true(buried_is_gone(b, &b->clip));
}

/** It was found, and then the period was set anew: that holds. */
static void a_longer_period_comes_in_time(void **state)
{
    struct buried *b = *state;
    calls_delete_due(b->w.calls, KEPT_CLIP, &b->clip);
    world_settle(&b->w);
    assert_false(buried_is_gone(b, &b->clip));
    assert_true(buried_files(b, &b->clip) > 0);
    keep_for(b, KEEP_CLIP, 1);
    world_pass(&b->w, 61000);
    assert_true(buried_is_gone(b, &b->clip));
}

/** However many are due, a step deletes a bounded number, and the round gets through. */
static void many_go_in_steps(void **state)
{
    struct buried *b = *state;
    enum { MANY = 3 * LIMIT_SWEEP_BATCH + 1 };
    for (unsigned i = 1; i < MANY; i++)
        (void)buried_clip(b);
    world_pass(&b->w, 5000);
    keep_for(b, KEEP_CLIP, 1);
    calls_sweep_soon(b->w.calls);
    world_pass(&b->w, 1);
    size_t first = world_events(&b->w, &b->c.id, "clip_deleted");
    assert_true(first > 0 && first <= LIMIT_SWEEP_BATCH);
    world_pass(&b->w, 10000);
    assert_int_equal(world_events(&b->w, &b->c.id, "clip_deleted"), MANY);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, buried_setup, buried_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_goes_when_its_time_is_over),
        TEST(a_hold_beats_it),
        TEST(it_is_looked_for_at_once_when_asked),
        TEST(a_longer_period_comes_in_time),
        TEST(many_go_in_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
