// SPDX-License-Identifier: Apache-2.0
/* Periods by merchant and kind, holds that beat them, and the round that finds what is due. */
#include "server/store_keep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "server/store_sql.h"

#define T0 UINT64_C(1795298400000000) /* 2026-11-21T22:00:00Z */
#define S UINT64_C(1000000)

struct scene {
    struct entropy_seeded seeded;
    struct store *store;
    struct store_case c, other; /* of merchants "m" and "n" */
};

static struct store_case make_case(struct scene *s, const char *merchant)
{
    struct store_case c = {.kind = CASE_INSPECTION, .more = json_object()};
    bool repeated;
    (void)str_copy(c.merchant, sizeof c.merchant, merchant);
    (void)str_copy(c.title, sizeof c.title, "cup");
    (void)str_copy(c.buyer, sizeof c.buyer, "lin");
    assert_int_equal(store_merchant_put(s->store, merchant, NULL, T0), 0);
    assert_int_equal(store_case_create(s->store, &c, "shop", "k", NULL, "", T0, &repeated), 0);
    return c;
}

static int setup(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    struct entropy e = entropy_seeded_init(&s->seeded, 3);
    assert_int_equal(store_open(&s->store, ":memory:", &e, NULL), 0);
    s->c = make_case(s, "m");
    s->other = make_case(s, "n");
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;
    store_case_clear(&s->c);
    store_case_clear(&s->other);
    store_close(s->store);
    free(s);
    return 0;
}

static struct store_clip clip_of(struct scene *s, const struct store_case *sc, const char *kind,
                                 uint64_t at_us, enum clip_state state)
{
    struct store_clip c = {.case_id = sc->id, .room = sc->room, .path = "p"};
    (void)str_copy(c.kind, sizeof c.kind, kind);
    assert_int_equal(store_clip_add(s->store, &c, at_us), 0);
    c.state = state;
    if (state != CLIP_RECORDING)
        assert_int_equal(store_clip_update(s->store, &c, at_us), 0);
    return c;
}

static struct store_still still_of(struct scene *s, const char *kind, uint64_t at_us)
{
    struct store_still still = {
        .case_id = s->c.id, .room = s->c.room, .path = "q", .facts = "{}", .taken_by = "ann"};
    (void)str_copy(still.kind, sizeof still.kind, kind);
    assert_int_equal(store_still_add(s->store, &still, at_us), 0);
    assert_int_equal(store_still_finish(s->store, &still, at_us), 0);
    return still;
}

static void keep_for(struct scene *s, const char *merchant, enum keep_kind kind, uint64_t seconds)
{
    assert_int_equal(store_retention_set(s->store, merchant, kind, seconds, "sue", T0, NULL), 0);
}

/** All that is due, in a whole round. */
static size_t due(struct scene *s, uint64_t now_us, struct id *ret, size_t size)
{
    struct store_round round = {0};
    size_t count = 0, n;
    for (bool end = false; !end; count += n) {
        assert_true(count + 2 <= size);
        assert_int_equal(store_due(s->store, &round, now_us, ret + count, 2, &n, &end), 0);
    }
    return count;
}

static size_t due_at(struct scene *s, uint64_t seconds)
{
    struct id ids[64];
    return due(s, T0 + seconds * S, ids, 64);
}

static void test_periods_by_merchant_and_kind(void **state)
{
    struct scene *s = *state;
    struct id ids[64];
    struct store_retention r;
    struct store_clip clip = clip_of(s, &s->c, "clip", T0, CLIP_READY);
    (void)clip_of(s, &s->c, "trim", T0, CLIP_READY);
    struct store_clip foreign = clip_of(s, &s->other, "clip", T0 + S, CLIP_FAILED);
    struct store_still photo = still_of(s, "photo", T0 + S);
    (void)still_of(s, "still", T0);
    assert_int_equal(due_at(s, LIMIT_RETENTION_SECONDS), 0); /* nobody said anything: for ever */
    keep_for(s, "m", KEEP_CLIP, 100);
    keep_for(s, "m", KEEP_PHOTO, 10);
    keep_for(s, "n", KEEP_CLIP, 49);
    assert_int_equal(store_retention_get(s->store, "m", &r), 0);
    assert_int_equal(r.seconds[KEEP_CLIP], 100);
    assert_int_equal(r.seconds[KEEP_TRIM], 0);
    assert_int_equal(due_at(s, 10), 0);
    assert_int_equal(due(s, T0 + 11 * S, ids, 64), 1);
    assert_string_equal(ids[0].text, photo.id.text);
    assert_int_equal(due(s, T0 + 50 * S, ids, 64), 2);
    assert_string_equal(ids[0].text, foreign.id.text);
    assert_int_equal(due(s, T0 + 100 * S, ids, 64), 3);
    assert_string_equal(ids[0].text, clip.id.text);
    keep_for(s, "m", KEEP_CLIP, 0);
    assert_int_equal(due_at(s, 1000), 2);
    assert_int_equal(store_retention_set(s->store, "m", KEEP_CLIP,
                                         LIMIT_RETENTION_SECONDS + UINT64_C(1), "sue", T0, NULL),
                     ER_INVALID);
}

struct changes {
    struct store_retention_change items[8];
    size_t count;
};

static void take_change(void *ctx, const struct store_retention_change *c)
{
    struct changes *all = ctx;
    assert_true(all->count < 8);
    all->items[all->count++] = *c;
}

static void test_changes_of_periods_are_known(void **state)
{
    struct scene *s = *state;
    struct changes all = {.count = 0};
    bool changed;
    keep_for(s, "m", KEEP_CLIP, 100);
    keep_for(s, "n", KEEP_CLIP, 7);
    keep_for(s, "m", KEEP_CLIP, 100); /* that is no change */
    assert_int_equal(store_retention_set(s->store, "m", KEEP_STILL, 0, "sue", T0 + S, &changed), 0);
    assert_false(changed);
    assert_int_equal(store_retention_set(s->store, "m", KEEP_CLIP, 0, "tom", T0 + S, &changed), 0);
    assert_true(changed);
    keep_for(s, "m", KEEP_PHOTO, 5);
    assert_int_equal(store_retention_changes(s->store, "m", 0, 8, take_change, &all), 0);
    assert_int_equal(all.count, 3);
    assert_string_equal(all.items[0].actor, "sue");
    assert_int_equal(all.items[0].from_seconds, 0);
    assert_int_equal(all.items[0].to_seconds, 100);
    assert_int_equal(all.items[1].seq, 2);
    assert_string_equal(all.items[1].actor, "tom");
    assert_int_equal(all.items[1].at_us, T0 + S);
    assert_int_equal(all.items[1].kind, KEEP_CLIP);
    assert_int_equal(all.items[1].from_seconds, 100);
    assert_int_equal(all.items[1].to_seconds, 0);
    assert_int_equal(all.items[2].kind, KEEP_PHOTO);
    all.count = 0;
    assert_int_equal(store_retention_changes(s->store, "m", 1, 1, take_change, &all), 0);
    assert_int_equal(all.count, 1);
    assert_int_equal(all.items[0].seq, 2);
}

static void test_what_is_not_finished_stays(void **state)
{
    struct scene *s = *state;
    struct store_still still = {
        .case_id = s->c.id, .room = s->c.room, .kind = "still", .path = "q", .facts = "{}"};
    keep_for(s, "m", KEEP_CLIP, 1);
    keep_for(s, "m", KEEP_STILL, 1);
    (void)clip_of(s, &s->c, "clip", T0, CLIP_RECORDING);
    assert_int_equal(store_still_add(s->store, &still, T0), 0);
    assert_int_equal(due_at(s, 1000), 0);
}

static struct store_hold hold(struct scene *s, const char *object, const struct id *of, bool firm,
                              int expected)
{
    struct store_hold h = {.case_id = s->c.id, .firm = firm, .reason = "court", .placed_by = "eve"};
    (void)str_copy(h.object, sizeof h.object, object);
    if (of)
        h.of = *of;
    assert_int_equal(store_hold_place(s->store, &h, T0), expected);
    return h;
}

static void test_a_hold_beats_a_period(void **state)
{
    struct scene *s = *state;
    struct store_hold lifted;
    struct store_keeping k;
    keep_for(s, "m", KEEP_CLIP, 1);
    keep_for(s, "m", KEEP_PHOTO, 1);
    struct store_clip a = clip_of(s, &s->c, "clip", T0, CLIP_READY);
    (void)clip_of(s, &s->c, "clip", T0, CLIP_READY);
    (void)still_of(s, "photo", T0);
    assert_int_equal(due_at(s, 9), 3);
    struct store_hold one = hold(s, "clip", &a.id, false, 0);
    assert_int_equal(due_at(s, 9), 2);
    struct store_hold all = hold(s, "case", NULL, true, 0);
    assert_int_equal(due_at(s, 9), 0);
    assert_int_equal(store_keeping_of(s->store, &s->c.id, "clip", &a.id, T0, T0, &k), 0);
    assert_true(k.held && !k.disputed);
    assert_int_equal(k.until_us, T0 + S);
    assert_int_equal(store_hold_lift(s->store, &all.id, "shop", false, "over", T0 + S, &lifted),
                     ER_DENIED);
    assert_int_equal(due_at(s, 9), 0);
    assert_int_equal(store_hold_lift(s->store, &all.id, "arb", true, "over", T0 + S, &lifted), 0);
    assert_string_equal(lifted.lifted_by, "arb");
    assert_int_equal(due_at(s, 9), 2);
    assert_int_equal(store_hold_lift(s->store, &all.id, "arb", true, "over", T0 + S, &lifted),
                     ER_CONFLICT);
    assert_int_equal(store_hold_lift(s->store, &one.id, "shop", false, "over", T0 + S, &lifted), 0);
    assert_int_equal(due_at(s, 9), 3);
}

static void test_holds_are_of_what_is_there(void **state)
{
    struct scene *s = *state;
    struct store_hold h;
    struct id none = {.text = "01hzzzzzzzzzzzzzzzzzzzzzz0"};
    struct store_clip foreign = clip_of(s, &s->other, "clip", T0, CLIP_READY);
    (void)hold(s, "clip", &none, false, ER_NOT_FOUND);
    (void)hold(s, "clip", &foreign.id, false, ER_NOT_FOUND);
    (void)hold(s, "still", &foreign.id, false, ER_NOT_FOUND);
    assert_int_equal(store_hold_lift(s->store, &none, "a", true, "b", T0, &h), ER_NOT_FOUND);
    for (unsigned i = 0; i < LIMIT_HOLDS; i++)
        (void)hold(s, "case", NULL, false, 0);
    (void)hold(s, "case", NULL, false, ER_FULL);
}

static void act(struct scene *s, enum case_action action)
{
    struct store_case after;
    const struct store_action a = {
        .case_id = s->c.id, .action = action, .actor = "x", .role = ROLE_COUNT};
    assert_int_equal(store_case_act(s->store, &a, T0, &after), 0);
    store_case_clear(&after);
}

static void test_nothing_goes_while_the_case_is_disputed(void **state)
{
    struct scene *s = *state;
    keep_for(s, "m", KEEP_CLIP, 1);
    (void)clip_of(s, &s->c, "clip", T0, CLIP_READY);
    act(s, CASE_PROPOSE);
    assert_int_equal(due_at(s, 9), 1);
    act(s, CASE_DISPUTE);
    assert_int_equal(due_at(s, 9), 0);
    act(s, CASE_REVIEW);
    assert_int_equal(due_at(s, 9), 0);
    act(s, CASE_RULE);
    assert_int_equal(due_at(s, 90 * 86400), 0); /* somebody has to carry it out */
    act(s, CASE_EXECUTE);
    assert_int_equal(due_at(s, 7 * 86400), 0); /* there may be an appeal */
    assert_int_equal(due_at(s, 7 * 86400 + 2), 1);
    act(s, CASE_APPEAL);
    assert_int_equal(due_at(s, 90 * 86400), 0);
}

static void test_nothing_goes_for_a_proposal_in_a_dispute(void **state)
{
    struct scene *s = *state;
    keep_for(s, "m", KEEP_CLIP, 1);
    struct store_clip clip = clip_of(s, &s->c, "clip", T0, CLIP_READY);
    const struct store_tombstone t = {
        .id = clip.id, .case_id = s->c.id, .object = "clip", .path = "p", .document = "{}"};
    json_t *told = json_object();
    act(s, CASE_PROPOSE);
    act(s, CASE_DISPUTE);
    act(s, CASE_PROPOSE); /* something else, which would hide what it is about */
    assert_int_equal(due_at(s, 9), 0);
    assert_int_equal(store_bury(s->store, &t, "shop", told, T0 + 9 * S), ER_CONFLICT);
    act(s, CASE_LAPSE);
    act(s, CASE_PROPOSE);
    assert_int_equal(due_at(s, 9), 0);
    act(s, CASE_AGREE);
    assert_int_equal(due_at(s, 9), 1);
    assert_int_equal(store_bury(s->store, &t, "shop", told, T0 + 9 * S), 0);
    json_decref(told);
}

#define SHA "abababababababababababababababababababababababababababababababab"

static void certify(struct scene *s, const char *type, const char *data)
{
    json_t *o = json_loads(data, 0, NULL);
    assert_non_null(o);
    assert_int_equal(store_event_append(s->store, &s->c.id, "ann", type, o, T0, NULL), 0);
    json_decref(o);
}

static void test_what_a_certificate_goes_by_stays_until_it_is_revoked(void **state)
{
    struct scene *s = *state;
    uint64_t seq;
    char hash[STORE_HASH_BYTES];
    keep_for(s, "m", KEEP_CLIP, 1);
    struct store_clip named = clip_of(s, &s->c, "clip", T0, CLIP_READY);
    struct store_clip foreign = clip_of(s, &s->other, "clip", T0, CLIP_READY);
    (void)clip_of(s, &s->c, "clip", T0, CLIP_READY); /* not named */
    keep_for(s, "n", KEEP_CLIP, 1);
    (void)str_copy(named.sha256, sizeof named.sha256, SHA);
    (void)str_copy(foreign.sha256, sizeof foreign.sha256, SHA);
    assert_int_equal(store_clip_update(s->store, &named, T0), 0);
    assert_int_equal(store_clip_update(s->store, &foreign, T0), 0);
    assert_int_equal(due_at(s, 9), 3);
    certify(s, "certificate_issued",
            "{\"certificate\":\"01hzzzzzzzzzzzzzzzzzzzzzz1\",\"document\":{\"points\":["
            "{\"evidence\":[]},{\"evidence\":[{\"object\":\"clip\",\"sha256\":\"" SHA "\"}]}]}}");
    assert_int_equal(store_chain_head(s->store, &s->c.id, &seq, hash), 0);
    assert_int_equal(sql_run(s->store, NULL, "INSERT INTO certificates VALUES(?, 'LC-1', ?, ?)",
                             "tti", "01hzzzzzzzzzzzzzzzzzzzzzz1", s->c.id.text, (int64_t)seq),
                     0);
    assert_int_equal(due_at(s, 9), 2); /* another case's with the same hash does go */
    certify(s, "certificate_revoked", "{\"certificate\":\"01hzzzzzzzzzzzzzzzzzzzzzz2\"}");
    struct store_keeping k;
    assert_int_equal(store_keeping_of(s->store, &s->c.id, "clip", &named.id, T0, T0 + 9 * S, &k),
                     0);
    assert_true(k.certified && !k.held && !k.disputed);
    assert_non_null(store_keeping_why(&k));
    certify(s, "certificate_revoked", "{\"certificate\":\"01hzzzzzzzzzzzzzzzzzzzzzz1\"}");
    assert_int_equal(due_at(s, 9), 3);
}

/** However much there is, a step looks at a bounded number of rows, and the round finds all of it. */
static void test_a_round_in_steps(void **state)
{
    struct scene *s = *state;
    struct store_round round = {0};
    struct id ids[2];
    size_t n, steps = 0, found = 0;
    keep_for(s, "m", KEEP_CLIP, 100);
    for (unsigned i = 0; i < 2 * LIMIT_SWEEP_ROWS + 3; i++)
        (void)clip_of(s, &s->c, i % LIMIT_SWEEP_ROWS ? "trim" : "clip", T0 + i, CLIP_READY);
    for (bool end = false; !end; steps++, found += n)
        assert_int_equal(store_due(s->store, &round, T0 + 101 * S, ids, 2, &n, &end), 0);
    assert_int_equal(found, 3);
    assert_true(steps >= 3 && steps <= 5);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_periods_by_merchant_and_kind),
        TEST(test_changes_of_periods_are_known),
        TEST(test_what_is_not_finished_stays),
        TEST(test_a_hold_beats_a_period),
        TEST(test_holds_are_of_what_is_there),
        TEST(test_nothing_goes_while_the_case_is_disputed),
        TEST(test_nothing_goes_for_a_proposal_in_a_dispute),
        TEST(test_what_a_certificate_goes_by_stays_until_it_is_revoked),
        TEST(test_a_round_in_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
