// SPDX-License-Identifier: Apache-2.0
/* Trains of packets: their pace, and what is read from their arrival. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "media/relay/prober.h"

#define MS 1000u
#define START (5000 * MS)

struct path {
    uint32_t bps;
    uint64_t free_us;
    unsigned lose_each; /* every so many; 0: none */
    unsigned count;
};

/** Send a whole train over the path; the time it took. */
static uint64_t send_train(struct prober *p, struct path *path, uint32_t bps)
{
    uint64_t now_us = START;
    prober_begin(p, now_us, bps, 0, false);
    while (p->state == PROBER_SENDING && now_us < START + 1000 * MS) {
        uint32_t bytes = prober_due(p, now_us);
        if (bytes == 0) {
            assert_true(prober_next_us(p) > now_us);
            now_us += 500;
            continue;
        }
        uint8_t id = prober_sent(p, now_us, bytes);
        assert_int_equal(id, p->id);
        if (path->free_us < now_us)
            path->free_us = now_us;
        path->free_us += (uint64_t)bytes * 8000000u / path->bps;
        struct prober_sample sample = {
            .sent_us = now_us, .arrival_us = (int64_t)path->free_us + 20000, .bytes = bytes};
        bool lost = path->lose_each && ++path->count % path->lose_each == 0;
        prober_fate(p, id, !lost, &sample);
    }
    return now_us - START;
}

static void finds_room_and_limits(void **state)
{
    (void)state;
    struct prober p = {0};
    double bps;
    bool limited;
    struct path wide = {.bps = 50000000};
    uint64_t took_us = send_train(&p, &wide, 2000000);
    assert_in_range(took_us, 10 * MS, 40 * MS);
    assert_true(prober_result(&p, START + 100 * MS, &bps, &limited));
    assert_false(limited);
    assert_true(bps > 1700000 && bps <= 2000000);
    assert_false(prober_result(&p, START + 100 * MS, &bps, &limited)); /* once */
    struct path narrow = {.bps = 1000000};
    (void)send_train(&p, &narrow, 2000000);
    assert_true(prober_result(&p, START + 100 * MS, &bps, &limited));
    assert_true(limited);
    assert_true(bps > 900000 && bps < 1000000);
}

static void bears_some_loss(void **state)
{
    (void)state;
    struct prober p = {0};
    double bps;
    bool limited;
    struct path path = {.bps = 50000000, .lose_each = 6};
    (void)send_train(&p, &path, 4000000);
    assert_true(prober_result(&p, START + 100 * MS, &bps, &limited));
    assert_true(bps > 2500000);
    path.lose_each = 2;
    (void)send_train(&p, &path, 1000000); /* too little of it came */
    assert_false(prober_result(&p, START + 100 * MS, &bps, &limited));
    assert_int_equal(p.state, PROBER_IDLE);
}

static void media_is_part_of_the_train(void **state)
{
    (void)state;
    struct prober p = {0};
    assert_int_equal(prober_sent(&p, START, 1000), 0); /* none under way */
    prober_begin(&p, START, 2000000, 0, false);
    uint8_t id = p.id;
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(prober_sent(&p, START + i, 1000), id);
    assert_int_equal(p.state, PROBER_WAITING);
    assert_int_equal(prober_due(&p, START + 10 * MS), 0); /* nothing needs padding */
    assert_int_equal(prober_sent(&p, START + 10 * MS, 1000), 0);
}

static void gives_up_after_a_while(void **state)
{
    (void)state;
    struct prober p = {0};
    double bps;
    bool limited;
    prober_begin(&p, START, 2000000, 0, false);
    assert_true(prober_due(&p, START) > 0);
    assert_int_equal(prober_due(&p, START + 400 * MS), 0); /* nobody sent anything */
    assert_int_equal(p.state, PROBER_IDLE);
    prober_begin(&p, START, 2000000, 0, true);
    (void)prober_sent(&p, START, 1000);
    assert_false(prober_result(&p, START + 500 * MS, &bps, &limited));
    assert_int_equal(p.state, PROBER_WAITING);
    assert_false(prober_result(&p, START + 1600 * MS, &bps, &limited)); /* told nothing */
    assert_int_equal(p.state, PROBER_IDLE);
}

static void tales_of_other_trains_are_ignored(void **state)
{
    (void)state;
    struct prober p = {0};
    struct prober_sample sample = {.sent_us = START, .arrival_us = 1, .bytes = 1000};
    prober_begin(&p, START, 2000000, 0, false);
    prober_fate(&p, p.id, true, &sample); /* not sent yet */
    assert_int_equal(p.count, 0);
    (void)prober_sent(&p, START, 1000);
    prober_fate(&p, (uint8_t)(p.id + 1), true, &sample);
    assert_int_equal(p.count, 0);
    for (unsigned i = 0; i < 100; i++)
        prober_fate(&p, p.id, true, &sample);
    assert_int_equal(p.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_room_and_limits),
        cmocka_unit_test(bears_some_loss),
        cmocka_unit_test(media_is_part_of_the_train),
        cmocka_unit_test(gives_up_after_a_while),
        cmocka_unit_test(tales_of_other_trains_are_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
