// SPDX-License-Identifier: Apache-2.0
/* The outbox against receivers that take, refuse, go down for an hour, or are gone: nothing lost, in each case's
 * order, in virtual time. */
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
#include "base/json.h"
#include "server/store_hooks.h"
#include "tests/unit/support/hook_scene.h"

#define HOUR_S 3600

static struct store_hook_figures figures(struct hook_scene *s)
{
    struct store_hook_figures f;
    assert_int_equal(store_hooks_figures(s->store, &f), 0);
    return f;
}

static void sweep(struct hook_scene *s, uint64_t now_us)
{
    bool more = true;
    while (more)
        assert_int_equal(store_hooks_sweep(s->store, now_us, &more), 0);
}

static void test_what_is_put_down(void **state)
{
    struct hook_scene *s = *state;
    uint64_t news = store_hooks_news(s->store);
    hook_scene_event(s, 0, "noted"); /* nobody wants it */
    assert_true(store_hooks_news(s->store) == news);
    (void)hook_scene_hook(s, "m", "");
    (void)hook_scene_hook(s, "m", ",closed,ruled,");
    (void)hook_scene_hook(s, "other", "");
    hook_scene_event(s, 0, "noted");
    assert_true(store_hooks_news(s->store) != news);
    assert_int_equal(figures(s).waiting, 1);
    hook_scene_event(s, 1, "ruled");
    assert_int_equal(figures(s).waiting, 3);
    hook_scene_event(s, 1, "rule"); /* part of a name is not the name */
    assert_int_equal(figures(s).waiting, 4);
    assert_true(figures(s).oldest_us == HOOK_T0);
}

/** With the event, or not at all. */
static void test_undone_with_its_event(void **state)
{
    struct hook_scene *s = *state;
    (void)hook_scene_hook(s, "m", "");
    assert_int_equal(store_begin(s->store), 0);
    hook_scene_event(s, 0, "noted");
    assert_int_equal(store_end(s->store, ER_IO), ER_IO);
    assert_int_equal(figures(s).waiting, 0);
    assert_int_equal(hook_scene_round(s, HOOK_T0 + HOOK_S, 200), 0);
}

static void test_the_body(void **state)
{
    struct hook_scene *s = *state;
    char first[sizeof s->body];
    (void)hook_scene_hook(s, "m", "");
    const struct store_action act = {
        .case_id = s->cases[0], .action = CASE_CANCEL, .actor = "ann", .role = ROLE_SERVICE};
    struct store_case c;
    assert_int_equal(store_case_act(s->store, &act, HOOK_T0, &c), 0);
    store_case_clear(&c);
    assert_int_equal(hook_scene_round(s, HOOK_T0 + HOOK_S, 500), 1);
    memcpy(first, s->body, sizeof first);
    const struct store_action again = {
        .case_id = s->cases[0], .action = CASE_REOPEN, .actor = "ann", .role = ROLE_SERVICE};
    assert_int_equal(store_case_act(s->store, &again, HOOK_T0 + 2 * HOOK_S, &c), 0);
    store_case_clear(&c);
    assert_int_equal(hook_scene_round(s, HOOK_T0 + 100 * HOOK_S, 200), 1);
    assert_string_equal(s->body, first); /* though the case has changed */
    json_t *o = json_loads(first, 0, NULL);
    const char *type, *at, *event_type, *hash, *id, *now;
    json_int_t seq;
    assert_int_equal(json_unpack(o, "{s:s,s:s,s:{s:{s:I,s:s,s:s},s:{s:s,s:s}}}", "type", &type,
                                 "timestamp", &at, "data", "event", "seq", &seq, "type",
                                 &event_type, "hash", &hash, "case", "id", &id, "state", &now),
                     0);
    assert_string_equal(type, "cancelled");
    assert_string_equal(event_type, "cancelled");
    assert_int_equal(seq, 2);
    assert_int_equal(strlen(hash), 64);
    assert_string_equal(id, s->cases[0].text);
    assert_string_equal(now, "cancelled");
    json_decref(o);
}

/** A receiver with hours in which it is down, and a case that it never likes. */
struct moody {
    struct hook_scene *s;
    uint64_t down_from_us, down_until_us;
    struct id never;
};

static int answer_moody(void *ctx, const struct store_delivery *d)
{
    const struct moody *m = ctx;
    if (m->s->now_us >= m->down_from_us && m->s->now_us < m->down_until_us)
        return 0;
    return strcmp(d->lane.case_id.text, m->never.text) == 0 ? 500 : 200;
}

/** Everything that was taken of this case, in the order of the timeline. */
static size_t in_order(const struct hook_scene *s, const struct id *case_id)
{
    uint64_t last = 0;
    size_t n = 0;
    for (size_t i = 0; i < s->got_count; i++) {
        if (strcmp(s->got[i].lane.case_id.text, case_id->text) != 0)
            continue;
        assert_true(s->got[i].seq > last);
        last = s->got[i].seq;
        n++;
    }
    return n;
}

static void test_down_for_an_hour(void **state)
{
    struct hook_scene *s = *state;
    struct moody m = {.s = s,
                      .down_from_us = HOOK_T0 + 600 * HOOK_S,
                      .down_until_us = HOOK_T0 + (600 + HOUR_S) * HOOK_S};
    struct entropy_seeded seeded;
    struct entropy e = entropy_seeded_init(&seeded, 21);
    size_t counts[HOOK_CASES] = {0}, all = 0;
    (void)hook_scene_hook(s, "m", "");
    s->answer = answer_moody;
    s->ctx = &m;
    for (unsigned t = 1; t < 3 * HOUR_S; t++) {
        s->now_us = HOOK_T0 + t * HOOK_S;
        if (t < HOUR_S && entropy_u64(&e) % 10 == 0) {
            unsigned i = (unsigned)(entropy_u64(&e) % HOOK_CASES);
            hook_scene_event(s, i, "noted");
            counts[i]++;
            all++;
        }
        (void)hook_scene_round(s, s->now_us, -1);
        if (t == 599)
            assert_true(figures(s).waiting <= 1);
    }
    for (unsigned i = 0; i < HOOK_CASES; i++)
        assert_int_equal(in_order(s, &s->cases[i]), counts[i]);
    assert_int_equal(figures(s).waiting, 0);
    /* Left alone while it is down: no more than a few attempts of each case. */
    assert_in_range(s->sent - all, HOOK_CASES, 20 * HOOK_CASES);
}

static void test_one_bad_case_holds_up_no_other(void **state)
{
    struct hook_scene *s = *state;
    struct moody m = {.s = s, .never = s->cases[0]};
    struct store_hook h = hook_scene_hook(s, "m", ""), got;
    s->answer = answer_moody;
    s->ctx = &m;
    hook_scene_event(s, 0, "noted");
    hook_scene_event(s, 0, "noted");
    for (unsigned t = 1; t < 2000; t++) {
        s->now_us = HOOK_T0 + t * HOOK_S;
        if (t % 10 == 0)
            hook_scene_event(s, 1 + t / 10 % 3, "noted");
        (void)hook_scene_round(s, s->now_us, -1);
        if (t % 10 == 9)
            assert_int_equal(figures(s).waiting, 2); /* the bad ones alone */
    }
    assert_int_equal(in_order(s, &s->cases[0]), 0);
    /* After three days its first is dead, and the next one has its turn. */
    for (unsigned t = 0; t < 80 * HOUR_S; t += 300)
        (void)hook_scene_round(s, HOOK_T0 + t * HOOK_S, -1);
    assert_int_equal(store_hook_get(s->store, "m", &h.id, &got), 0);
    assert_true(got.waiting == 0 && got.dead == 2);
}

/** A webhook nobody gets to, because its one attempt at a time goes to other cases: dead in time, all the same. */
static void test_never_reached(void **state)
{
    struct hook_scene *s = *state;
    struct store_hook h = hook_scene_hook(s, "m", ""), got;
    hook_scene_event(s, 0, "noted");
    sweep(s, HOOK_T0 + (259200 + 3599) * HOOK_S);
    assert_int_equal(figures(s).waiting, 1);
    sweep(s, HOOK_T0 + (259200 + 3601) * HOOK_S);
    assert_int_equal(store_hook_get(s->store, "m", &h.id, &got), 0);
    assert_true(got.waiting == 0 && got.dead == 1);
    assert_int_equal(hook_scene_round(s, HOOK_T0 + 300000 * HOOK_S, 200), 0);
    sweep(s, HOOK_T0 + (UINT64_C(259200) + 2592000 + 7200) * HOOK_S); /* and forgotten */
    assert_int_equal(store_hook_get(s->store, "m", &h.id, &got), 0);
    assert_int_equal(got.dead, 0);
}

static void test_gone(void **state)
{
    struct hook_scene *s = *state;
    struct store_hook h = hook_scene_hook(s, "m", ""), other = hook_scene_hook(s, "m", ""), got;
    for (unsigned i = 0; i < 3; i++)
        hook_scene_event(s, 0, "noted");
    struct store_delivery first;
    int64_t number = store_delivery_get(s->store, &h.id, 1, &first) ? 2 : 1;
    const struct store_outcome o = {.lane = {.hook = h.id, .case_id = s->cases[0]},
                                    .delivery = number,
                                    .status = 410,
                                    .error = "",
                                    .sent_us = HOOK_T0 + HOOK_S,
                                    .verdict = {.fate = HOOK_GONE}};
    assert_int_equal(store_hooks_done(s->store, &o, 1, HOOK_T0 + HOOK_S), 0);
    assert_int_equal(store_hook_get(s->store, "m", &h.id, &got), 0);
    assert_false(got.enabled);
    assert_string_equal(got.why, "gone");
    hook_scene_event(s, 1, "noted"); /* not for it */
    sweep(s, HOOK_T0 + HOOK_S);
    assert_int_equal(store_hook_get(s->store, "m", &h.id, &got), 0);
    assert_true(got.waiting == 0 && got.dead == 3);
    assert_int_equal(store_hook_get(s->store, "m", &other.id, &got), 0);
    assert_true(got.enabled && got.waiting == 4);
}

/** The answer of the old address comes when the webhook has moved on. */
static void test_gone_from_where_it_was(void **state)
{
    struct hook_scene *s = *state;
    struct store_hook h = hook_scene_hook(s, "m", ""), got;
    hook_scene_event(s, 0, "noted");
    const struct store_outcome o = {.lane = {.hook = h.id, .case_id = s->cases[0]},
                                    .delivery = 1,
                                    .status = 410,
                                    .error = "",
                                    .sent_us = HOOK_T0 + HOOK_S,
                                    .verdict = {.fate = HOOK_GONE}};
    (void)str_copy(h.url, sizeof h.url, "https://elsewhere.example/");
    assert_int_equal(store_hook_change(s->store, &h, HOOK_T0 + 2 * HOOK_S), 0);
    assert_int_equal(store_hooks_done(s->store, &o, 1, HOOK_T0 + 3 * HOOK_S), 0);
    assert_int_equal(store_hook_get(s->store, "m", &h.id, &got), 0);
    assert_true(got.enabled && got.waiting == 1 && got.dead == 0);
    assert_int_equal(hook_scene_round(s, HOOK_T0 + 4 * HOOK_S, 200), 1); /* to the new one */
    assert_int_equal(s->got_count, 1);
}

static void test_removed(void **state)
{
    struct hook_scene *s = *state;
    struct store_hook h = hook_scene_hook(s, "m", "");
    hook_scene_event(s, 0, "noted");
    assert_int_equal(store_hook_remove(s->store, &h, HOOK_T0), 0);
    assert_int_equal(hook_scene_round(s, HOOK_T0 + HOOK_S, 200), 0);
    sweep(s, HOOK_T0 + HOOK_S);
    assert_int_equal(figures(s).waiting, 0);
    assert_true(figures(s).oldest_us == 0);
}

static void test_the_old_secret_ends(void **state)
{
    struct hook_scene *s = *state;
    struct store_hook h = hook_scene_hook(s, "m", "");
    assert_int_equal(store_hook_rotate(s->store, &h, 10 * HOOK_S, HOOK_T0), 0);
    hook_scene_event(s, 0, "noted");
    hook_scene_event(s, 0, "noted");
    assert_int_equal(hook_scene_round(s, HOOK_T0 + HOOK_S, 200), 1);
    assert_string_equal(s->old_secret, h.old_secret);
    assert_int_equal(hook_scene_round(s, HOOK_T0 + 10 * HOOK_S, 200), 1);
    assert_string_equal(s->old_secret, "");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, hook_scene_setup, hook_scene_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_put_down),
        TEST(test_undone_with_its_event),
        TEST(test_the_body),
        TEST(test_down_for_an_hour),
        TEST(test_one_bad_case_holds_up_no_other),
        TEST(test_never_reached),
        TEST(test_gone),
        TEST(test_gone_from_where_it_was),
        TEST(test_removed),
        TEST(test_the_old_secret_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
