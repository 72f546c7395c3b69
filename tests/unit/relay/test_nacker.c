// SPDX-License-Identifier: Apache-2.0
/* What is missing, when it is asked for, and when it is given up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "media/relay/nacker.h"

#define REORDER 5000u
#define RTT 50000u

static size_t collect(struct nacker *n, uint64_t now_us, int64_t *seqs, size_t size)
{
    unsigned given_up;
    size_t count = nacker_collect(n, now_us, RTT, seqs, size, &given_up);
    assert_int_equal(given_up, 0);
    return count;
}

static void asks_for_what_was_skipped(void **state)
{
    (void)state;
    struct nacker n = {0};
    int64_t seqs[8];
    assert_int_equal(nacker_see(&n, 100, 0, REORDER), NACKER_IN_ORDER);
    assert_true(nacker_deadline_us(&n) == UINT64_MAX);
    assert_int_equal(nacker_see(&n, 101, 1000, REORDER), NACKER_IN_ORDER);
    assert_int_equal(nacker_see(&n, 104, 2000, REORDER), NACKER_IN_ORDER);
    assert_true(nacker_deadline_us(&n) == 2000 + REORDER);
    assert_int_equal(collect(&n, 2000 + REORDER - 1, seqs, 8), 0);
    assert_int_equal(collect(&n, 2000 + REORDER, seqs, 8), 2);
    assert_int_equal(seqs[0], 102);
    assert_int_equal(seqs[1], 103);
    assert_int_equal(collect(&n, 2000 + REORDER, seqs, 8), 0);
}

static void reordered_packets_are_not_asked_for(void **state)
{
    (void)state;
    struct nacker n = {0};
    int64_t seqs[8];
    nacker_see(&n, 100, 0, REORDER);
    nacker_see(&n, 102, 1000, REORDER);
    assert_int_equal(nacker_see(&n, 101, 3000, REORDER), NACKER_RECOVERED);
    assert_int_equal(n.rtt_sample_us, 0); /* nobody asked */
    assert_int_equal(collect(&n, 100000, seqs, 8), 0);
    assert_int_equal(nacker_see(&n, 101, 4000, REORDER), NACKER_IN_ORDER); /* a repetition */
    assert_true(nacker_deadline_us(&n) == UINT64_MAX);
}

static void measures_the_round_trip_from_single_requests(void **state)
{
    (void)state;
    struct nacker n = {0};
    int64_t seqs[8];
    nacker_see(&n, 100, 0, REORDER);
    nacker_see(&n, 103, 0, REORDER);
    assert_int_equal(collect(&n, 10000, seqs, 8), 2);
    assert_int_equal(nacker_see(&n, 101, 45000, REORDER), NACKER_RECOVERED);
    assert_int_equal(n.rtt_sample_us, 35000);
    assert_int_equal(collect(&n, 100000, seqs, 8), 1);
    assert_int_equal(nacker_see(&n, 102, 110000, REORDER), NACKER_RECOVERED);
    assert_int_equal(n.rtt_sample_us, 0); /* an answer to which of the two? */
}

static void asks_again_and_gives_up(void **state)
{
    (void)state;
    struct nacker n = {0};
    int64_t seqs[8];
    unsigned given_up = 0, asked = 0;
    uint64_t last_us = 0, first_wait_us = 0, second_wait_us = 0;
    nacker_see(&n, 100, 0, REORDER);
    nacker_see(&n, 102, 0, REORDER);
    while (nacker_deadline_us(&n) != UINT64_MAX) {
        uint64_t now_us = nacker_deadline_us(&n);
        size_t count = nacker_collect(&n, now_us, RTT, seqs, 8, &given_up);
        asked += (unsigned)count;
        if (asked == 2 && count)
            first_wait_us = now_us - last_us;
        if (asked == 3 && count)
            second_wait_us = now_us - last_us;
        last_us = now_us;
    }
    assert_int_equal(asked, LIMIT_NACK_TRIES);
    assert_int_equal(given_up, 1);
    assert_in_range(first_wait_us, RTT, RTT + 10000);
    assert_in_range(second_wait_us, RTT / 2, RTT); /* a request may be lost as well */
    assert_true(last_us < 400000);
    assert_int_equal(n.count, 0);
}

static void names_no_more_than_fit(void **state)
{
    (void)state;
    struct nacker n = {0};
    int64_t seqs[16];
    nacker_see(&n, 100, 0, REORDER);
    nacker_see(&n, 121, 0, REORDER);
    assert_int_equal(collect(&n, 10000, seqs, 16), 16);
    assert_int_equal(seqs[15], 116);
    assert_true(nacker_deadline_us(&n) <= 10000); /* the others are due */
    assert_int_equal(collect(&n, 10000, seqs, 16), 4);
    assert_int_equal(seqs[0], 117);
}

static void too_much_missing_is_all_given_up(void **state)
{
    (void)state;
    struct nacker n = {0};
    nacker_see(&n, 100, 0, REORDER);
    assert_int_equal(nacker_see(&n, 101 + LIMIT_NACK_PENDING, 0, REORDER), NACKER_IN_ORDER);
    assert_int_equal(n.count, LIMIT_NACK_PENDING);
    assert_int_equal(nacker_see(&n, 103 + LIMIT_NACK_PENDING, 0, REORDER), NACKER_OVERFLOW);
    assert_int_equal(n.count, 0);
    assert_int_equal(nacker_see(&n, 104 + LIMIT_NACK_PENDING, 0, REORDER), NACKER_IN_ORDER);
    assert_int_equal(nacker_see(&n, 100000, 0, REORDER), NACKER_OVERFLOW);
    assert_int_equal(n.highest, 100000);
}

static void skips_what_is_too_old(void **state)
{
    (void)state;
    struct nacker n = {0};
    nacker_see(&n, 100, 0, REORDER);
    nacker_see(&n, 105, 0, REORDER);
    assert_int_equal(n.count, 4);
    nacker_skip(&n, 200);
    assert_int_equal(n.count, 0);
    assert_int_equal(nacker_see(&n, 200, 0, REORDER), NACKER_IN_ORDER);
    nacker_skip(&n, 150); /* never back */
    assert_int_equal(nacker_see(&n, 202, 0, REORDER), NACKER_IN_ORDER);
    assert_int_equal(n.count, 1);
}

static void what_is_late_is_not_lost(void **state)
{
    (void)state;
    struct nacker n = {0};
    nacker_see(&n, 1, 0, REORDER);
    for (int64_t seq = 3; seq < 1000; seq += 2) { /* each second one overtakes the one before */
        nacker_see(&n, seq, 0, REORDER);
        assert_int_equal(nacker_see(&n, seq - 1, 1000, REORDER), NACKER_RECOVERED);
    }
    assert_false(nacker_is_lossy(&n));
}

static void knows_a_lossy_path(void **state)
{
    (void)state;
    struct nacker n = {0};
    int64_t seqs[8];
    for (int64_t seq = 1; seq < 2000; seq++) /* one in 200 is no reason to ask twice */
        if (seq % 200 != 0)
            nacker_see(&n, seq, 0, REORDER);
    assert_false(nacker_is_lossy(&n));
    n.count = 0;
    for (int64_t seq = 2000; seq < 4000; seq++)
        if (seq % 10 != 0)
            nacker_see(&n, seq, 0, REORDER);
    assert_true(nacker_is_lossy(&n));
    n.count = 1; /* it is asked for again without waiting a whole round trip */
    assert_int_equal(collect(&n, REORDER, seqs, 8), 1);
    assert_true(nacker_deadline_us(&n) < REORDER + RTT);
}

/* Every tenth packet is overtaken by those of 20 ms. */
static unsigned asked_in_vain(struct nacker *n, bool only_late)
{
    unsigned asked = 0;
    for (int64_t seq = 1000; seq < 3000; seq++) {
        int64_t seqs[8];
        uint64_t now_us = (uint64_t)seq * 5000;
        if (seq % 10 != 0)
            nacker_see(n, seq, now_us, REORDER);
        asked += (unsigned)collect(n, now_us, seqs, 8);
        if (seq % 10 == 4 && nacker_see(n, seq - 4, now_us, REORDER) == NACKER_RECOVERED &&
            n->asked && only_late)
            nacker_was_late(n);
    }
    return asked;
}

static void learns_to_wait_for_stragglers(void **state)
{
    (void)state;
    struct nacker late = {0}, answered = {0};
    assert_in_range(asked_in_vain(&late, true), 1, 20);
    assert_in_range(late.late_us, 10000, 20000);
    for (int64_t seq = 3000; seq < 23000; seq++)
        nacker_see(&late, seq, 0, REORDER);
    assert_true(late.late_us < REORDER); /* and forgets */
    /* Packets that were sent again say nothing of that. */
    assert_in_range(asked_in_vain(&answered, false), 190, 500);
    assert_int_equal(answered.late_us, 0);
}

static void knows_whether_it_had_asked(void **state)
{
    (void)state;
    struct nacker n = {0};
    int64_t seqs[8];
    nacker_see(&n, 100, 0, REORDER);
    nacker_see(&n, 103, 0, REORDER);
    assert_int_equal(nacker_see(&n, 101, 4000, REORDER), NACKER_RECOVERED);
    assert_false(n.asked);
    assert_int_equal(collect(&n, 10000, seqs, 8), 1);
    assert_int_equal(nacker_see(&n, 102, 60000, REORDER), NACKER_RECOVERED);
    assert_true(n.asked);
    assert_int_equal(n.missed_us, 60000);
    assert_int_equal(n.rtt_sample_us, 50000);
    nacker_was_late(&n);
    assert_false(n.asked);
    assert_int_equal(n.rtt_sample_us, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_for_what_was_skipped),
        cmocka_unit_test(reordered_packets_are_not_asked_for),
        cmocka_unit_test(measures_the_round_trip_from_single_requests),
        cmocka_unit_test(asks_again_and_gives_up),
        cmocka_unit_test(names_no_more_than_fit),
        cmocka_unit_test(too_much_missing_is_all_given_up),
        cmocka_unit_test(skips_what_is_too_old),
        cmocka_unit_test(what_is_late_is_not_lost),
        cmocka_unit_test(knows_a_lossy_path),
        cmocka_unit_test(learns_to_wait_for_stragglers),
        cmocka_unit_test(knows_whether_it_had_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
