// SPDX-License-Identifier: Apache-2.0
/* Webhooks in the database: each merchant's own, bounded, with their secrets, and deliveries once more. */
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
#include "server/store_hooks.h"
#include "tests/unit/support/hook_scene.h"

static void count(void *ctx, const struct store_hook *h)
{
    (void)h;
    ++*(size_t *)ctx;
}

static void test_of_each_merchant(void **state)
{
    struct hook_scene *s = *state;
    struct store_hook a = hook_scene_hook(s, "m", ""), got;
    size_t n = 0;
    assert_int_equal(store_hook_get(s->store, "m", &a.id, &got), 0);
    assert_string_equal(got.url, a.url);
    assert_string_equal(got.secret, a.secret);
    assert_true(got.enabled);
    assert_int_equal(store_hook_get(s->store, "other", &a.id, &got), ER_NOT_FOUND);
    assert_int_equal(store_hook_get(s->store, NULL, &a.id, &got), 0);
    for (int i = 1; i < LIMIT_HOOKS; i++)
        (void)hook_scene_hook(s, "m", "");
    struct store_hook more = {.merchant = "m", .url = "https://x.example/"};
    assert_int_equal(store_hook_add(s->store, &more, HOOK_T0), ER_FULL);
    (void)hook_scene_hook(s, "other", "");
    assert_int_equal(store_hooks_list(s->store, "m", count, &n), 0);
    assert_int_equal(n, LIMIT_HOOKS);
    assert_int_equal(store_hook_remove(s->store, &a, HOOK_T0), 0);
    assert_int_equal(store_hook_remove(s->store, &a, HOOK_T0), ER_NOT_FOUND);
    assert_int_equal(store_hook_get(s->store, "m", &a.id, &got), ER_NOT_FOUND);
    assert_int_equal(store_hook_change(s->store, &a, HOOK_T0), ER_NOT_FOUND);
    assert_int_equal(store_hook_add(s->store, &more, HOOK_T0), 0);
}

static void test_rotation(void **state)
{
    struct hook_scene *s = *state;
    struct store_hook a = hook_scene_hook(s, "m", ""), got;
    char first[HOOK_SECRET_BYTES];
    memcpy(first, a.secret, sizeof first);
    assert_int_equal(store_hook_rotate(s->store, &a, 100 * HOOK_S, HOOK_T0), 0);
    assert_int_equal(store_hook_get(s->store, "m", &a.id, &got), 0);
    assert_string_equal(got.old_secret, first);
    assert_string_not_equal(got.secret, first);
    assert_true(got.old_until_us == HOOK_T0 + 100 * HOOK_S);
    assert_int_equal(store_hook_rotate(s->store, &a, 0, HOOK_T0), 0); /* at once */
    assert_int_equal(store_hook_get(s->store, "m", &a.id, &got), 0);
    assert_string_equal(got.old_secret, "");
}

struct list {
    struct store_delivery d[40];
    size_t count;
};

static void keep(void *ctx, const struct store_delivery *d)
{
    struct list *l = ctx;
    assert_true(l->count < 40);
    l->d[l->count++] = *d;
}

static struct list listed(struct hook_scene *s, const struct store_hook *h,
                          enum delivery_state state, int64_t before, size_t limit)
{
    struct list l = {.count = 0};
    assert_int_equal(store_deliveries_list(s->store, &h->id, state, before, limit, keep, &l), 0);
    return l;
}

static void test_lists(void **state)
{
    struct hook_scene *s = *state;
    struct store_hook a = hook_scene_hook(s, "m", ""), b = hook_scene_hook(s, "m", ",noted,");
    for (int i = 0; i < 6; i++)
        hook_scene_event(s, 0, i % 2 ? "noted" : "other");
    hook_scene_round(s, HOOK_T0 + HOOK_S, 200); /* the first of each */
    struct list l = listed(s, &a, DELIVERY_STATES, 0, 40);
    assert_int_equal(l.count, 6);
    assert_int_equal(l.d[0].seq, l.d[5].seq + 5); /* newest first */
    assert_int_equal(l.d[5].state, DELIVERY_DELIVERED);
    assert_int_equal(l.d[5].status, 200);
    assert_int_equal(listed(s, &a, DELIVERY_DELIVERED, 0, 40).count, 1);
    assert_int_equal(listed(s, &a, DELIVERY_WAITING, 0, 40).count, 5);
    assert_int_equal(listed(s, &a, DELIVERY_DEAD, 0, 40).count, 0);
    assert_int_equal(listed(s, &b, DELIVERY_STATES, 0, 40).count, 3);
    struct list page = listed(s, &a, DELIVERY_STATES, l.d[1].id, 2);
    assert_int_equal(page.count, 2);
    assert_true(page.d[0].id == l.d[2].id && page.d[1].id == l.d[3].id);
    struct store_delivery d;
    assert_int_equal(store_delivery_get(s->store, &a.id, l.d[0].id, &d), 0);
    assert_int_equal(store_delivery_get(s->store, &b.id, l.d[0].id, &d), ER_NOT_FOUND);
    char name[HOOK_ID_BYTES], expected[HOOK_ID_BYTES];
    store_delivery_name(&d, name);
    (void)snprintf(expected, sizeof expected, "evt_%s_%llu", s->cases[0].text,
                   (unsigned long long)d.seq);
    assert_string_equal(name, expected);
}

static void test_once_more(void **state)
{
    struct hook_scene *s = *state;
    struct store_hook a = hook_scene_hook(s, "m", ""), got;
    for (int i = 0; i < 3; i++)
        hook_scene_event(s, 0, "noted");
    for (int i = 1; i <= 3; i++)
        hook_scene_round(s, HOOK_T0 + i * HOOK_S, 200);
    assert_int_equal(s->got_count, 3);
    struct list l = listed(s, &a, DELIVERY_DELIVERED, 0, 40);
    assert_int_equal(l.count, 3);
    assert_int_equal(store_hook_replay(s->store, &a.id, l.d[1].id, HOOK_T0 + 9 * HOOK_S), 0);
    assert_int_equal(store_hook_get(s->store, "m", &a.id, &got), 0);
    assert_int_equal(got.waiting, 1);
    hook_scene_round(s, HOOK_T0 + 10 * HOOK_S, 200);
    assert_int_equal(s->got_count, 4);
    assert_int_equal(s->got[3].seq, l.d[1].seq);
    assert_int_equal(store_hook_replay(s->store, &a.id, 999, HOOK_T0), ER_NOT_FOUND);
    /* A case's whole timeline, in its order; what was opened before there was a webhook, too. */
    uint64_t n, last;
    assert_int_equal(
        store_hook_replay_case(s->store, &a, &s->cases[0], 0, HOOK_T0 + 20 * HOOK_S, &n, &last), 0);
    assert_int_equal(n, 4);
    assert_int_equal(last, 4);
    for (int i = 0; i < 5; i++)
        hook_scene_round(s, HOOK_T0 + (21 + i) * HOOK_S, 200);
    assert_int_equal(s->got_count, 8);
    for (uint64_t i = 0; i < 4; i++)
        assert_int_equal(s->got[4 + i].seq, i + 1);
    struct store_hook theirs = hook_scene_hook(s, "other", "");
    assert_int_equal(store_hook_replay_case(s->store, &theirs, &s->cases[0], 0, HOOK_T0, &n, &last),
                     0);
    assert_int_equal(n, 0);
}

static void test_the_dead_once_more(void **state)
{
    struct hook_scene *s = *state;
    struct store_hook a = hook_scene_hook(s, "m", ""), got;
    uint64_t n;
    hook_scene_event(s, 0, "noted");
    hook_scene_round(s, HOOK_T0 + 259201 * HOOK_S, 500); /* too late, and failed */
    assert_int_equal(store_hook_get(s->store, "m", &a.id, &got), 0);
    assert_true(got.waiting == 0 && got.dead == 1);
    assert_int_equal(store_hook_replay_dead(s->store, &a.id, HOOK_T0 + 259300 * HOOK_S, &n), 0);
    assert_int_equal(n, 1);
    hook_scene_round(s, HOOK_T0 + 259400 * HOOK_S, 200);
    assert_int_equal(store_hook_get(s->store, "m", &a.id, &got), 0);
    assert_true(got.waiting == 0 && got.dead == 0);
    assert_int_equal(s->got_count, 1);
}

static void test_a_test(void **state)
{
    struct hook_scene *s = *state;
    struct store_hook a = hook_scene_hook(s, "m", ",closed,");
    struct store_delivery d;
    assert_int_equal(store_hook_test(s->store, &a, HOOK_T0, &d), 0);
    assert_int_equal(store_hook_test(s->store, &a, HOOK_T0, &d), ER_FULL);
    assert_string_equal(d.type, "webhook_test");
    hook_scene_round(s, HOOK_T0 + HOOK_S, 500);
    assert_int_equal(store_delivery_get(s->store, &a.id, d.id, &d), 0);
    assert_int_equal(d.state, DELIVERY_DEAD); /* no second attempt */
    assert_int_equal(d.status, 500);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, hook_scene_setup, hook_scene_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_of_each_merchant), TEST(test_rotation),           TEST(test_lists),
        TEST(test_once_more),        TEST(test_the_dead_once_more), TEST(test_a_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
