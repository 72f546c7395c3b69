// SPDX-License-Identifier: Apache-2.0
/* What a recorder misses: asked for while the publisher may have it, and not too much at once. */
#include "media/relay/healer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/tape/tape_fill.h"

enum { RATE = 90000, PERIOD_US = 33333, RTT_US = 40000 };

struct fixture {
    struct tape *tape;
    struct healer healer;
    struct nacker nacker;
    int64_t seqs[200];
    uint64_t now_us;
};

static int setup(void **state)
{
    static struct fixture f;
    f = (struct fixture){.now_us = 1000000};
    const struct tape_limits limits = {.packets = 1024, .keep_us = 10000000};
    *state = &f;
    healer_begin(&f.healer, 0);
    return tape_new(&f.tape, &limits);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    tape_free(f->tape);
    return 0;
}

/** Pictures `from` to `to`, one each 33 ms; they come when they are sent. */
static void come(struct fixture *f, int64_t from, int64_t to)
{
    for (int64_t seq = from; seq <= to; seq++) {
        int64_t before = tape_head(f->tape);
        f->now_us = 1000000 + (uint64_t)seq * PERIOD_US;
        assert_int_equal(tape_fill(f->tape, seq, f->now_us, 0), 0);
        healer_note(&f->healer, f->now_us, before && seq != before + 1);
    }
}

static size_t collect(struct fixture *f, size_t size)
{
    uint64_t due_us = healer_deadline_us(&f->healer);
    if (due_us != UINT64_MAX && due_us > f->now_us)
        f->now_us = due_us;
    return healer_collect(&f->healer, f->tape, &f->nacker, f->now_us, RATE, RTT_US, f->seqs, size);
}

static void test_asks_until_it_is_here(void **state)
{
    struct fixture *f = *state;
    come(f, 1, 100);
    assert_true(healer_deadline_us(&f->healer) == UINT64_MAX);
    come(f, 103, 110);
    assert_true(healer_deadline_us(&f->healer) <= f->now_us);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(collect(f, 64), 2);
        assert_true(f->seqs[0] == 101 && f->seqs[1] == 102);
        assert_int_equal(collect(f, 0), 0);
    }
    tape_fill(f->tape, 101, f->now_us, TAPE_RECOVERED);
    assert_int_equal(collect(f, 64), 1);
    assert_int_equal(f->seqs[0], 102);
    tape_fill(f->tape, 102, f->now_us, TAPE_RECOVERED);
    assert_int_equal(collect(f, 64), 0);
    assert_true(healer_deadline_us(&f->healer) == UINT64_MAX);
}

static void test_gives_up_what_is_too_old(void **state)
{
    struct fixture *f = *state;
    come(f, 1, 100);
    come(f, 102, 102 + LIMIT_HEAL_US / PERIOD_US + 3);
    assert_int_equal(collect(f, 64), 0);
    assert_true(healer_deadline_us(&f->healer) == UINT64_MAX);
}

/** After darkness only the newest part of what was lost is worth asking for. */
static void test_asks_for_the_end_of_a_long_gap(void **state)
{
    struct fixture *f = *state;
    come(f, 1, 100);
    come(f, 401, 402); /* ten seconds */
    size_t n = collect(f, 200);
    assert_in_range(n, 20, 51);
    assert_true(f->seqs[0] > 400 - (int64_t)(LIMIT_HEAL_US / PERIOD_US) - 2);
}

static void test_leaves_to_the_nacker_what_it_asks_for(void **state)
{
    struct fixture *f = *state;
    come(f, 1, 100);
    come(f, 103, 110);
    f->nacker.items[f->nacker.count++].seq = 101;
    assert_int_equal(collect(f, 64), 1);
    assert_int_equal(f->seqs[0], 102);
}

/** One old packet for two new ones, in turn. */
static void test_asks_for_a_share(void **state)
{
    struct fixture *f = *state;
    come(f, 1, 20);
    come(f, 61, 62);
    assert_int_equal(collect(f, 64), 11);
    assert_int_equal(f->seqs[0], 21);
    assert_int_equal(collect(f, 64), 0); /* nothing came meanwhile */
    come(f, 63, 66);
    assert_int_equal(collect(f, 64), 2);
    assert_true(f->seqs[0] == 21 || f->seqs[0] == 32);
    come(f, 67, 72);
    assert_int_equal(collect(f, 64), 3);
    assert_true(f->seqs[0] >= 23);
}

static void test_is_off_unless_begun(void **state)
{
    struct fixture *f = *state;
    healer_end(&f->healer);
    come(f, 1, 10);
    come(f, 20, 30);
    assert_true(healer_deadline_us(&f->healer) == UINT64_MAX);
    healer_begin(&f->healer, 30); /* what was before is nobody's business */
    come(f, 31, 35);
    come(f, 37, 40);
    assert_int_equal(collect(f, 64), 1);
    assert_int_equal(f->seqs[0], 36);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_asks_until_it_is_here),
        TEST(test_gives_up_what_is_too_old),
        TEST(test_asks_for_the_end_of_a_long_gap),
        TEST(test_leaves_to_the_nacker_what_it_asks_for),
        TEST(test_asks_for_a_share),
        TEST(test_is_off_unless_begun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
