// SPDX-License-Identifier: Apache-2.0
/* Packets leave at the rate, a burst after a rest, and what does not ask holds back what does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "media/relay/pacer.h"

#define START UINT64_C(5000000)

/** How many packets of `bytes` leave in [from, to) when asked every 100 us. */
static unsigned count(struct pacer *p, uint64_t from_us, uint64_t to_us, uint32_t bytes)
{
    unsigned sent = 0;
    for (uint64_t now_us = from_us; now_us < to_us; now_us += 100)
        while (pacer_may_send(p, now_us)) {
            pacer_sent(p, now_us, bytes);
            sent++;
            if (sent > 100000)
                return sent;
        }
    return sent;
}

static void keeps_the_rate(void **state)
{
    (void)state;
    struct pacer p = {0};
    pacer_set_rate(&p, START, 1000000);
    /* 125 packets of 1000 bytes are a second at 1 Mbit/s. */
    assert_in_range(count(&p, START, START + 1000000, 1000), 124, 126);
    pacer_set_rate(&p, START + 1000000, 4000000);
    assert_in_range(count(&p, START + 1000000, START + 2000000, 1000), 498, 502);
}

static void without_a_rate_all_may_go(void **state)
{
    (void)state;
    struct pacer p = {0};
    for (unsigned i = 0; i < 1000; i++) {
        assert_true(pacer_may_send(&p, START));
        pacer_sent(&p, START, 1500);
    }
    assert_true(pacer_next_us(&p) <= START);
}

static void a_rest_allows_one_burst(void **state)
{
    (void)state;
    struct pacer p = {0};
    pacer_set_rate(&p, START, 8000000); /* a byte each microsecond */
    pacer_set_burst(&p, 10000);
    /* After a minute's rest no more than after a second's. */
    uint64_t now_us = START + 60000000;
    assert_int_equal(count(&p, now_us, now_us + 1, 1000), 11);
    assert_false(pacer_may_send(&p, now_us + 999));
    assert_int_equal(pacer_next_us(&p), now_us + 1000);
    assert_true(pacer_may_send(&p, now_us + 1000));
}

static void sound_is_counted(void **state)
{
    (void)state;
    struct pacer p = {0};
    pacer_set_rate(&p, START, 800000); /* 0.1 bytes each microsecond */
    for (unsigned i = 0; i < 10; i++)
        pacer_sent(&p, START, 100); /* did not ask */
    assert_false(pacer_may_send(&p, START + 9999));
    assert_true(pacer_may_send(&p, START + 10000));
}

static void debt_is_bounded_and_follows_the_rate(void **state)
{
    (void)state;
    struct pacer p = {0};
    pacer_set_rate(&p, START, 8000);
    for (unsigned i = 0; i < 1000; i++)
        pacer_sent(&p, START, 1500);
    assert_int_equal(pacer_next_us(&p), START + 1000000);
    /* Ten times the rate: a tenth of the wait. A lower one: never much more. */
    pacer_set_rate(&p, START, 80000);
    assert_int_equal(pacer_next_us(&p), START + 100000);
    pacer_set_rate(&p, START, 1);
    assert_int_equal(pacer_next_us(&p), START + 150000);
    pacer_set_rate(&p, START, 0);
    assert_true(pacer_may_send(&p, START));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_rate),
        cmocka_unit_test(without_a_rate_all_may_go),
        cmocka_unit_test(a_rest_allows_one_burst),
        cmocka_unit_test(sound_is_counted),
        cmocka_unit_test(debt_is_bounded_and_follows_the_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
