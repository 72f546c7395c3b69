// SPDX-License-Identifier: Apache-2.0
/* Receivers of webhooks without a network. */
#include "tests/unit/support/hook_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

static void case_make(struct hook_scene *s, const char *merchant, struct id *ret)
{
    struct store_case c = {.kind = CASE_INSPECTION, .more = json_object()};
    bool repeated;
    (void)str_copy(c.merchant, sizeof c.merchant, merchant);
    (void)str_copy(c.title, sizeof c.title, "A cup");
    (void)str_copy(c.buyer, sizeof c.buyer, "lin");
    assert_int_equal(store_case_create(s->store, &c, "shop", "k", NULL, "", HOOK_T0, &repeated), 0);
    *ret = c.id;
    store_case_clear(&c);
}

int hook_scene_setup(void **state)
{
    struct hook_scene *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->entropy = entropy_seeded_init(&s->seeded, 11);
    s->now_us = HOOK_T0;
    assert_int_equal(store_open(&s->store, ":memory:", &s->entropy, NULL), 0);
    assert_int_equal(store_merchant_put(s->store, "m", NULL, HOOK_T0), 0);
    assert_int_equal(hooks_new(&s->hooks, &s->entropy), 0);
    for (unsigned i = 0; i < HOOK_CASES; i++)
        case_make(s, "m", &s->cases[i]);
    *state = s;
    return 0;
}

int hook_scene_teardown(void **state)
{
    struct hook_scene *s = *state;
    hooks_free(s->hooks);
    store_close(s->store);
    free(s->got);
    free(s);
    return 0;
}

struct store_hook hook_scene_hook(struct hook_scene *s, const char *merchant, const char *types)
{
    struct store_hook h = {0};
    (void)str_copy(h.merchant, sizeof h.merchant, merchant);
    (void)str_copy(h.url, sizeof h.url, "https://shop.example/hooks");
    (void)str_copy(h.types, sizeof h.types, types);
    assert_int_equal(store_hook_add(s->store, &h, HOOK_T0), 0);
    return h;
}

void hook_scene_event(struct hook_scene *s, unsigned of_case, const char *type)
{
    assert_int_equal(
        store_event_append(s->store, &s->cases[of_case], "ann", type, NULL, s->now_us, NULL), 0);
}

static void take(struct hook_scene *s, const struct store_delivery *d)
{
    if (s->got_count == s->got_size) {
        s->got_size = s->got_size ? s->got_size * 2 : 64;
        s->got = realloc(s->got, s->got_size * sizeof *s->got);
        assert_non_null(s->got);
    }
    s->got[s->got_count++] = *d;
}

static void post_out(void *ctx, const struct store_due *due)
{
    struct hook_scene *s = ctx;
    const struct store_delivery *d = due->delivery;
    s->sent++;
    (void)str_copy(s->body, sizeof s->body, due->body);
    (void)str_copy(s->old_secret, sizeof s->old_secret, due->hook->old_secret);
    assert_int_equal(hooks_sent(s->hooks, &d->lane), 0);
    const struct hook_answer a = {.lane = d->lane,
                                  .attempts = d->attempts,
                                  .since_us = d->since_us,
                                  .status = s->status < 0 ? s->answer(s->ctx, d) : s->status};
    struct hook_verdict v = hooks_answered(s->hooks, &a, s->now_us);
    if (v.fate == HOOK_DELIVERED)
        take(s, d);
    s->outcomes[s->outcome_count++] = (struct store_outcome){.lane = d->lane,
                                                             .delivery = d->id,
                                                             .status = a.status,
                                                             .error = "",
                                                             .sent_us = s->now_us,
                                                             .verdict = v};
}

size_t hook_scene_round(struct hook_scene *s, uint64_t now_us, int status)
{
    struct hooks_room *room;
    s->now_us = now_us;
    s->status = status;
    s->outcome_count = 0;
    assert_int_equal(hooks_room_new(&room, s->hooks, now_us), 0);
    assert_int_equal(store_hooks_due(s->store, room, now_us, post_out, s), 0);
    hooks_room_free(room);
    assert_int_equal(store_hooks_done(s->store, s->outcomes, s->outcome_count, now_us), 0);
    for (size_t i = 0; i < s->outcome_count; i++)
        hooks_settled(s->hooks, &s->outcomes[i].lane);
    return s->outcome_count;
}
