// SPDX-License-Identifier: Apache-2.0
/* Timers in the store: what runs out when, what happens then, and that it happens once. */
#include "server/store_timers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "server/store_sql.h"

#define T0 UINT64_C(1790000000000000)
#define DAY UINT64_C(86400000000)

struct bench {
    struct entropy_seeded random;
    struct entropy entropy;
    struct store *s;
    struct id id;
};

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    struct store_case c = {.merchant = "m", .title = "A cup", .buyer = "lin", .buyer_name = "Lin"};
    bool repeated;
    assert_non_null(b);
    b->entropy = entropy_seeded_init(&b->random, 3);
    assert_int_equal(store_open(&b->s, ":memory:", &b->entropy, NULL), 0);
    assert_int_equal(store_case_create(b->s, &c, "shop", "k", NULL, NULL, T0, &repeated), 0);
    b->id = c.id;
    store_case_clear(&c);
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

static void act(struct bench *b, enum case_action action, uint64_t now_us)
{
    struct store_case after;
    const struct store_action a = {
        .case_id = b->id, .action = action, .actor = "ann", .role = ROLE_COUNT};
    assert_int_equal(store_case_act(b->s, &a, now_us, &after), 0);
    store_case_clear(&after);
}

/** So many run out, and then the case is in that state. */
static void runs(struct bench *b, uint64_t now_us, size_t count, enum case_state then)
{
    struct id ids[4];
    struct store_case c;
    struct timers_stuck stuck;
    size_t is;
    assert_int_equal(store_timers_run(b->s, now_us, ids, 4, &is, &stuck), 0);
    assert_int_equal(stuck.count, 0);
    assert_int_equal(is, count);
    if (count)
        assert_true(id_equal(&ids[0], &b->id));
    assert_int_equal(store_case_get(b->s, &b->id, &c), 0);
    assert_int_equal(c.state, then);
    store_case_clear(&c);
}

static void test_an_open_case_expires(void **state)
{
    struct bench *b = *state;
    runs(b, T0 + 30 * DAY - 1, 0, CASE_OPEN);
    runs(b, T0 + 30 * DAY, 1, CASE_CANCELLED);
    runs(b, T0 + 300 * DAY, 0, CASE_CANCELLED);
}

static void test_a_proposal_lapses(void **state)
{
    struct bench *b = *state;
    act(b, CASE_PROPOSE, T0 + DAY);
    runs(b, T0 + 4 * DAY - 1, 0, CASE_PROPOSED);
    runs(b, T0 + 4 * DAY, 1, CASE_OPEN);
    runs(b, T0 + 33 * DAY, 0, CASE_OPEN); /* 30 days from then on */
    runs(b, T0 + 34 * DAY, 1, CASE_CANCELLED);
}

static bool is_overdue(struct bench *b)
{
    struct store_case c;
    assert_int_equal(store_case_get(b->s, &b->id, &c), 0);
    bool is = json_object_get(c.more, "overdue");
    store_case_clear(&c);
    return is;
}

static void test_what_is_overdue_is_said_once(void **state)
{
    struct bench *b = *state;
    act(b, CASE_PROPOSE, T0);
    act(b, CASE_AGREE, T0);
    assert_false(is_overdue(b));
    runs(b, T0 + 7 * DAY, 1, CASE_AGREED);
    assert_true(is_overdue(b));
    runs(b, T0 + 70 * DAY, 0, CASE_AGREED);
    act(b, CASE_EXECUTE, T0 + 70 * DAY);
    assert_false(is_overdue(b));
    runs(b, T0 + 77 * DAY, 1, CASE_CLOSED);
}

static void test_a_call_stops_the_clock(void **state)
{
    struct bench *b = *state;
    act(b, CASE_WAIT, T0);
    runs(b, T0 + 300 * DAY, 0, CASE_WAITING);
    act(b, CASE_START_CALL, T0 + 300 * DAY);
    runs(b, T0 + 600 * DAY, 0, CASE_IN_CALL);
    act(b, CASE_END_CALL, T0 + 600 * DAY);
    runs(b, T0 + 629 * DAY, 0, CASE_OPEN);
    runs(b, T0 + 630 * DAY, 1, CASE_CANCELLED);
}

static void test_a_merchants_own(void **state)
{
    struct bench *b = *state;
    uint64_t seconds[CASE_STATES];
    assert_int_equal(store_timer_set(b->s, "m", CASE_PROPOSED, 60), 0);
    assert_int_equal(store_timer_set(b->s, "m", CASE_OPEN, 0), 0);
    assert_int_equal(store_timer_set(b->s, "n", CASE_AGREED, 1), 0);
    assert_int_equal(store_timer_set(b->s, "m", CASE_WAITING, 1), ER_INVALID);
    assert_int_equal(store_timers_get(b->s, "m", seconds), 0);
    assert_int_equal(seconds[CASE_PROPOSED], 60);
    assert_int_equal(seconds[CASE_OPEN], 0);
    assert_int_equal(seconds[CASE_AGREED], 7 * 86400);
    assert_int_equal(seconds[CASE_WAITING], 0);
    act(b, CASE_PROPOSE, T0);
    runs(b, T0 + 60000000, 1, CASE_OPEN);
    runs(b, T0 + 3000 * DAY, 0, CASE_OPEN); /* for ever */
}

static struct id another(struct bench *b)
{
    struct store_case c = {.merchant = "m", .title = "A jug", .buyer = "bo", .buyer_name = "Bo"};
    bool repeated;
    assert_int_equal(store_case_create(b->s, &c, "shop", "k", NULL, NULL, T0 + 1, &repeated), 0);
    const struct id id = c.id;
    store_case_clear(&c);
    return id;
}

static enum case_state state_of(struct bench *b, const struct id *id)
{
    struct store_case c;
    assert_int_equal(store_case_get(b->s, id, &c), 0);
    enum case_state state = c.state;
    store_case_clear(&c);
    return state;
}

/** A case that cannot be carried on, of which the timer runs out first, holds up none behind it. */
static void stuck(struct bench *b, const char *broken, const char *mended)
{
    const struct id jug = another(b);
    struct timers_stuck stuck;
    struct id ids[4];
    size_t is;
    uint64_t now_us = T0 + 31 * DAY;
    assert_int_equal(sql_run(b->s, NULL, broken, "t", b->id.text), 0);
    assert_int_equal(store_timers_run(b->s, now_us, ids, 4, &is, &stuck), 0);
    assert_int_equal(is, 1);
    assert_true(id_equal(&ids[0], &jug));
    assert_int_equal(state_of(b, &jug), CASE_CANCELLED);
    assert_int_equal(stuck.count, 1);
    assert_true(id_equal(&stuck.id, &b->id));
    assert_int_not_equal(stuck.er, 0);
    now_us += UINT64_C(3599000000); /* not each time */
    assert_int_equal(store_timers_run(b->s, now_us, ids, 4, &is, &stuck), 0);
    assert_int_equal(is + stuck.count, 0);
    assert_int_equal(sql_run(b->s, NULL, mended, "t", b->id.text), 0);
    runs(b, now_us + 1000000, 1, CASE_CANCELLED);
}

static void test_a_case_without_a_state_holds_up_none(void **state)
{
    stuck(*state, "UPDATE cases SET state = 'lost' WHERE id = ?",
          "UPDATE cases SET state = 'open' WHERE id = ?");
}

static void test_a_case_that_cannot_be_read_holds_up_none(void **state)
{
    stuck(*state, "UPDATE cases SET more = '{' WHERE id = ?",
          "UPDATE cases SET more = '{}' WHERE id = ?");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_an_open_case_expires),
        TEST(test_a_proposal_lapses),
        TEST(test_what_is_overdue_is_said_once),
        TEST(test_a_call_stops_the_clock),
        TEST(test_a_merchants_own),
        TEST(test_a_case_without_a_state_holds_up_none),
        TEST(test_a_case_that_cannot_be_read_holds_up_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
