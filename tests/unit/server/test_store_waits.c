// SPDX-License-Identifier: Apache-2.0
/* Who waits and who talks, as actions make it: since when, with what, and in which order. */
#include "server/store_waits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

#define T0 UINT64_C(1790000000000000)
#define S UINT64_C(1000000)

struct bench {
    struct entropy_seeded random;
    struct entropy entropy;
    struct store *s;
    struct id ids[3];
};

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->entropy = entropy_seeded_init(&b->random, 3);
    assert_int_equal(store_open(&b->s, ":memory:", &b->entropy, NULL), 0);
    for (size_t i = 0; i < 3; i++) {
        struct store_case c = {
            .merchant = "m", .title = "A cup", .buyer = "lin", .buyer_name = "Lin"};
        bool repeated;
        assert_int_equal(store_case_create(b->s, &c, "shop", "k", NULL, NULL, T0, &repeated), 0);
        b->ids[i] = c.id;
        store_case_clear(&c);
    }
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

/** What the row says after it. */
static struct store_wait act(struct bench *b, size_t which, enum case_action action, json_t *data,
                             uint64_t now_us)
{
    struct store_case after;
    struct store_wait w;
    const struct store_action a = {.case_id = b->ids[which],
                                   .action = action,
                                   .actor = "ann",
                                   .role = ROLE_COUNT,
                                   .data = data};
    assert_int_equal(store_case_act(b->s, &a, now_us, &after), 0);
    store_case_clear(&after);
    json_decref(data);
    assert_int_equal(store_wait_get(b->s, &b->ids[which], &w), 0);
    return w;
}

static json_t *waited(json_int_t ms)
{
    return json_pack("{s:I}", STORE_WAITED_MS, ms);
}

static void test_a_wait_and_a_call(void **state)
{
    struct bench *b = *state;
    struct store_wait w = act(b, 0, CASE_WAIT, waited(5000), T0 + S);
    assert_true(w.waits);
    assert_true(w.since_us == T0 + S && w.from_us == T0 + S && w.counted_us == 5 * S);
    w = act(b, 0, CASE_TRANSFER, json_pack("{s:s}", "team", "two"), T0 + 3 * S);
    assert_true(w.waits && w.since_us == T0 + S && w.from_us == T0 + 3 * S);
    assert_true(w.counted_us == 5 * S);
    w = act(b, 0, CASE_START_CALL, json_pack("{s:s}", "agent", "ann"), T0 + 4 * S);
    assert_true(w.talks && !w.waits && !w.since_us && !w.counted_us);
    w = act(b, 0, CASE_PROPOSE, json_pack("{s:s}", "outcome", "refund"), T0 + 5 * S);
    assert_true(w.talks);
    w = act(b, 0, CASE_END_CALL, NULL, T0 + 6 * S);
    assert_false(w.talks);
    w = act(b, 0, CASE_WAIT, NULL, T0 + 7 * S); /* while there is a proposal, too */
    assert_true(w.waits && w.since_us == T0 + 7 * S && !w.counted_us);
    w = act(b, 0, CASE_WAIT, waited(9000), T0 + 8 * S); /* does already */
    assert_true(w.since_us == T0 + 7 * S && !w.counted_us);
    w = act(b, 0, CASE_CANCEL, NULL, T0 + 9 * S);
    assert_false(w.waits);
}

static void take(void *ctx, const struct store_wait *w)
{
    struct store_wait **next = ctx;
    *(*next)++ = *w;
}

static void test_in_order(void **state)
{
    struct bench *b = *state;
    struct store_wait all[4], *end = all;
    act(b, 2, CASE_WAIT, NULL, T0 + S);
    act(b, 1, CASE_WAIT, NULL, T0 + 2 * S);
    act(b, 0, CASE_WAIT, NULL, T0 + 2 * S);
    act(b, 2, CASE_TRANSFER, json_pack("{s:s}", "agent", "al"), T0 + 3 * S);
    assert_int_equal(store_waits_list(b->s, take, &end), 0);
    assert_int_equal(end - all, 3);
    assert_true(id_equal(&all[0].case_id, &b->ids[2]));
    assert_true(id_equal(&all[1].case_id, &b->ids[1]));
    assert_true(id_equal(&all[2].case_id, &b->ids[0]));
    act(b, 1, CASE_STOP_WAIT, NULL, T0 + 4 * S);
    end = all;
    assert_int_equal(store_waits_list(b->s, take, &end), 0);
    assert_int_equal(end - all, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_wait_and_a_call, setup, teardown),
        cmocka_unit_test_setup_teardown(test_in_order, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
