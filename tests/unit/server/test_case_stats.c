// SPDX-License-Identifier: Apache-2.0
/* What events add to which hour, the spread of times, and sums as bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "server/case_stats.h"

#define S UINT64_C(1000000)

/** All that the events of a case add, whatever the hour; `ret_at` is that of the last. */
static size_t take(struct stats_case *c, const char *type, uint64_t at_us, const char *data,
                   struct stats_cell *into, uint64_t *ret_at)
{
    struct stats_delta deltas[STATS_DELTAS];
    json_t *o = json_loads(data, 0, NULL);
    assert_non_null(o);
    size_t n = stats_case_take(c, type, at_us, o, deltas);
    for (size_t i = 0; i < n; i++) {
        stats_cell_add(into, &deltas[i].cell);
        *ret_at = deltas[i].at_us;
    }
    json_decref(o);
    return n;
}

static void test_a_case(void **state)
{
    (void)state;
    struct stats_case c = {0};
    struct stats_cell sum = {0};
    uint64_t at = 0;
    assert_int_equal(take(&c, "joined", S, "{}", &sum, &at), 0);
    take(&c, "case_opened", S, "{\"facts\":{\"reason\":\"broken\",\"team\":\"north\"}}", &sum, &at);
    assert_string_equal(c.reason, "broken");
    assert_string_equal(c.team, "north");
    assert_int_equal(take(&c, "case_changed", S,
                          "{\"changes\":{\"reason\":{\"from\":\"broken\",\"to\":\"late\"},\"team\":"
                          "{\"from\":\"north\"}}}",
                          &sum, &at),
                     0);
    assert_string_equal(c.reason, "late");
    assert_string_equal(c.team, "");
    assert_int_equal(take(&c, "waiting_stopped", S, "{}", &sum, &at), 0);
    take(&c, "waiting_started", 10 * S, "{}", &sum, &at);
    assert_int_equal(take(&c, "waiting_started", 11 * S, "{}", &sum, &at), 0);
    take(&c, "waiting_stopped", 20 * S, "{}", &sum, &at);
    assert_int_equal(at, 10 * S); /* counts when it began */
    take(&c, "waiting_started", 30 * S, "{}", &sum, &at);
    assert_int_equal(take(&c, "call_started", 151 * S, "{\"agent\":\"ann\"}", &sum, &at), 2);
    assert_string_equal(c.agent, "ann");
    take(&c, "call_ended", 200 * S, "{}", &sum, &at);
    assert_int_equal(at, 151 * S);
    assert_int_equal(take(&c, "call_ended", 201 * S, "{}", &sum, &at), 0);
    take(&c, "outcome_agreed", 210 * S, "{}", &sum, &at);
    take(&c, "ruled", 211 * S, "{}", &sum, &at);
    take(&c, "rated", 212 * S, "{\"score\":2,\"resolved\":false}", &sum, &at);
    take(&c, "rated", 212 * S, "{\"score\":9}", &sum, &at);
    take(&c, "closed", 213 * S, "{}", &sum, &at);
    take(&c, "reopened", 214 * S, "{}", &sum, &at);
    take(&c, "outcome_agreed", 215 * S, "{}", &sum, &at);
    take(&c, "waiting_started", 220 * S, "{}", &sum, &at);
    take(&c, "cancelled", 230 * S, "{}", &sum, &at);
    take(&c, "clip_ready", 231 * S, "{}", &sum, &at);
    static const uint64_t want[STATS_COUNTS] = {
        [STATS_OPENED] = 1,    [STATS_CLOSED] = 1,  [STATS_CANCELLED] = 1, [STATS_SOLVED] = 2,
        [STATS_REOPENED] = 1,  [STATS_CALLS] = 1,   [STATS_CLIPS] = 1,     [STATS_WAITS] = 3,
        [STATS_ABANDONED] = 2, [STATS_SCORE_2] = 1, [STATS_UNRESOLVED] = 1};
    assert_memory_equal(sum.counts, want, sizeof want);
    assert_int_equal(sum.wait.count, 1);
    assert_int_equal(sum.wait.sum_ms, 121000);
    assert_int_equal(sum.handling.sum_ms, 49000);
}

static void test_wrap_up_is_part_of_the_handling(void **state)
{
    (void)state;
    struct stats_case c = {0};
    struct stats_delta d[STATS_DELTAS];
    struct stats_cell sum = {0}, read = {0};
    uint8_t bytes[STATS_CELL_BYTES];
    uint64_t at;
    static const char owed[] = "{\"wrap_up\":{\"agent\":\"ann\"}}";
    json_t *given = json_pack("{s:s}", "agent", "ann");
    take(&c, "call_started", 10 * S, "{\"agent\":\"ann\"}", &sum, &at);
    assert_int_equal(take(&c, "call_ended", 40 * S, owed, &sum, &at), 0); /* not yet */
    take(&c, "call_started", 50 * S, "{\"agent\":\"abe\"}", &sum, &at);
    assert_int_equal(stats_case_take(&c, "wrapped_up", 55 * S, given, d), 1);
    assert_string_equal(d[0].agent, "ann"); /* whose it is, and when their call was */
    assert_int_equal(d[0].at_us, 10 * S);
    assert_int_equal(d[0].cell.handling.sum_ms, 45000);
    assert_int_equal(d[0].cell.wrap_up.sum_ms, 15000);
    assert_int_equal(stats_cell_read(&read, bytes, stats_cell_write(&d[0].cell, bytes)), 0);
    assert_memory_equal(&read, &d[0].cell, sizeof read);
    assert_int_equal(stats_case_take(&c, "wrapped_up", 56 * S, given, d), 0); /* none is owed */
    json_decref(given);
    take(&c, "call_ended", 60 * S, "{\"wrap_up\":{\"agent\":\"abe\"}}", &sum, &at);
    assert_int_equal(take(&c, "wrap_up_lapsed", 99 * S, "{\"agent\":\"abe\"}", &sum, &at), 1);
    assert_int_equal(sum.handling.sum_ms, 10000);
    assert_int_equal(sum.wrap_up.count, 0);
    /* Who never gives it: the next of the same agent counts the one before, and so does one too many. */
    for (unsigned i = 0; i < 6; i++) {
        char ended[80];
        (void)snprintf(ended, sizeof ended, "{\"wrap_up\":{\"agent\":\"a%u\"}}", i ? i : 1);
        take(&c, "call_started", (100 + i) * S, "{\"agent\":\"a\"}", &sum, &at);
        assert_int_equal(take(&c, "call_ended", (101 + i) * S, ended, &sum, &at), i == 1 || i == 5);
    }
}

static void test_kept_before_wrap_ups(void **state)
{
    (void)state;
    struct stats_cell cell = {.counts = {3}}, read = {0};
    uint8_t bytes[STATS_CELL_BYTES];
    stats_times_add(&cell.handling, 7000);
    size_t len = stats_cell_write(&cell, bytes);
    bytes[0] = 1; /* the version, and no times of wrap-ups at the end */
    assert_int_equal(stats_cell_read(&read, bytes, len - 3), 0);
    assert_memory_equal(&read, &cell, sizeof read);
    assert_int_equal(stats_cell_read(&read, bytes, len), ER_MALFORMED);
    bytes[0] = 3;
    assert_int_equal(stats_cell_read(&read, bytes, len), ER_MALFORMED);
}

static void test_a_bot_is_no_answer(void **state)
{
    (void)state;
    struct stats_case c = {0};
    struct stats_cell sum = {0};
    uint64_t at;
    take(&c, "waiting_started", 10 * S, "{}", &sum, &at);
    take(&c, "call_started", 12 * S, "{\"agent\":\"bot\",\"bot\":true}", &sum, &at);
    take(&c, "call_ended", 40 * S, "{\"reason\":\"transferred\"}", &sum, &at);
    assert_int_equal(take(&c, "waiting_started", 40 * S, "{}", &sum, &at), 0); /* goes on */
    take(&c, "call_started", 60 * S, "{\"agent\":\"ann\"}", &sum, &at);
    assert_int_equal(at, 60 * S);
    assert_int_equal(sum.wait.sum_ms, 50000); /* from the first waiting to the first person */
    take(&c, "call_ended", 70 * S, "{}", &sum, &at);
    take(&c, "waiting_started", 80 * S, "{}", &sum, &at);
    take(&c, "call_started", 82 * S, "{\"agent\":\"bot\",\"bot\":true}", &sum, &at);
    assert_string_equal(c.agent, "ann");
    take(&c, "call_ended", 90 * S, "{\"reason\":\"hung_up\"}", &sum, &at);
    take(&c, "waiting_started", 100 * S, "{}", &sum, &at);
    take(&c, "call_started", 110 * S, "{\"agent\":\"bot\",\"bot\":true}", &sum, &at);
    take(&c, "call_taken_over", 130 * S, "{\"agent\":\"abe\"}", &sum, &at);
    take(&c, "call_ended", 140 * S, "{}", &sum, &at);
    static const uint64_t want[STATS_COUNTS] = {[STATS_CALLS] = 2,
                                                [STATS_WAITS] = 3,
                                                [STATS_ANSWERED_2MIN] = 2,
                                                [STATS_BOT_CALLS] = 3,
                                                [STATS_BOT_ENDED] = 1};
    assert_memory_equal(sum.counts, want, sizeof want);
    assert_int_equal(sum.wait.count, 2);
    assert_int_equal(sum.wait.sum_ms, 80000);
    assert_int_equal(sum.handling.sum_ms, 20000); /* of people */
}

static void test_a_call_that_is_taken_over(void **state)
{
    (void)state;
    struct stats_case c = {0};
    struct stats_cell sum = {0};
    struct stats_delta deltas[STATS_DELTAS];
    uint64_t at;
    take(&c, "call_started", 10 * S, "{\"agent\":\"ann\"}", &sum, &at);
    json_t *data = json_pack("{s:s}", "agent", "abe");
    assert_int_equal(stats_case_take(&c, "call_taken_over", 40 * S, data, deltas), 1);
    assert_string_equal(deltas[0].agent, "ann");
    assert_int_equal(deltas[0].at_us, 10 * S);
    assert_int_equal(deltas[0].cell.handling.sum_ms, 30000);
    assert_int_equal(stats_case_take(&c, "call_ended", 50 * S, NULL, deltas), 1);
    assert_string_equal(deltas[0].agent, "abe");
    assert_int_equal(deltas[0].cell.handling.sum_ms, 10000);
    assert_int_equal(stats_case_take(&c, "call_taken_over", 60 * S, data, deltas), 0); /* in none */
    assert_int_equal(stats_case_take(&c, "call_ended", 70 * S, NULL, deltas), 0);
    json_decref(data);
}

static void test_two_minutes(void **state)
{
    (void)state;
    for (uint64_t wait = 119; wait < 122; wait++) {
        struct stats_case c = {0};
        struct stats_cell sum = {0};
        uint64_t at;
        take(&c, "waiting_started", S, "{}", &sum, &at);
        take(&c, "call_started", (1 + wait) * S, "{}", &sum, &at);
        assert_int_equal(sum.counts[STATS_ANSWERED_2MIN], wait <= 120);
    }
}

static void test_quantiles(void **state)
{
    (void)state;
    struct stats_times t = {0};
    assert_int_equal(stats_times_quantile(&t, 500), 0);
    stats_times_add(&t, 77123);
    assert_int_equal(stats_times_quantile(&t, 900), 77123);
    t = (struct stats_times){0};
    for (uint64_t ms = 1000; ms <= 1000000; ms += 1000)
        stats_times_add(&t, ms);
    assert_in_range(stats_times_quantile(&t, 500), 480000, 520000);
    assert_in_range(stats_times_quantile(&t, 900), 864000, 936000);
    assert_in_range(stats_times_quantile(&t, 1000), 960000, 1000000);
    t = (struct stats_times){0};
    stats_times_add(&t, 0);
    stats_times_add(&t, 400 * 86400000ull); /* longer than any bucket */
    assert_in_range(stats_times_quantile(&t, 1), 0, 1000);
    assert_true(stats_times_quantile(&t, 1000) > 86400000);
}

static void test_bytes(void **state)
{
    (void)state;
    struct stats_cell c = {0}, back = {0};
    uint8_t bytes[STATS_CELL_BYTES];
    for (unsigned i = 0; i < STATS_COUNTS; i++)
        c.counts[i] = UINT64_C(1) << (i * 3);
    for (uint64_t ms = 1; ms < 200000000; ms += ms / 2 + 1) {
        stats_times_add(&c.wait, ms);
        stats_times_add(&c.handling, ms * 2);
    }
    size_t len = stats_cell_write(&c, bytes);
    assert_int_equal(stats_cell_read(&back, bytes, len), 0);
    assert_memory_equal(&back, &c, sizeof c);
    assert_int_equal(stats_cell_read(&back, bytes, len), 0); /* adds */
    assert_int_equal(back.wait.count, 2 * c.wait.count);
    assert_int_equal(back.wait.max_ms, c.wait.max_ms);
    for (size_t cut = 0; cut < len; cut++) {
        struct stats_cell none = {0};
        assert_int_equal(stats_cell_read(&none, bytes, cut), ER_MALFORMED);
    }
    bytes[0] = 9;
    assert_int_equal(stats_cell_read(&back, bytes, len), ER_MALFORMED);
    memset(c.wait.counts, 0xff, sizeof c.wait.counts);
    memset(c.handling.counts, 0xff, sizeof c.handling.counts);
    memset(c.counts, 0xff, sizeof c.counts);
    len = stats_cell_write(&c, bytes); /* the largest that there is */
    memset(&back, 0, sizeof back);
    assert_int_equal(stats_cell_read(&back, bytes, len), 0);
}

static void test_long_keys_are_cut_between_characters(void **state)
{
    (void)state;
    struct stats_case c = {0};
    struct stats_cell sum = {0};
    uint64_t at;
    char data[2000], reason[1000] = "";
    for (size_t i = 0; i < 300; i++)
        memcpy(reason + i * 3, "\xe8\x8c\xb6", 4);
    (void)snprintf(data, sizeof data, "{\"facts\":{\"reason\":\"%s\"}}", reason);
    take(&c, "case_opened", S, data, &sum, &at);
    assert_int_equal(strlen(c.reason), (STATS_KEY_BYTES - 1) / 3 * 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_case),
        cmocka_unit_test(test_a_call_that_is_taken_over),
        cmocka_unit_test(test_wrap_up_is_part_of_the_handling),
        cmocka_unit_test(test_kept_before_wrap_ups),
        cmocka_unit_test(test_a_bot_is_no_answer),
        cmocka_unit_test(test_two_minutes),
        cmocka_unit_test(test_quantiles),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_long_keys_are_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
