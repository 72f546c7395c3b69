// SPDX-License-Identifier: Apache-2.0
/* Tapes that keep more: how far, for how long, within what memory, and that it goes at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/tape/tape_fill.h"

enum { PACKETS = 64, EVERY_US = 10000, BYTES = 1000 };

struct fixture {
    struct tape *tape, *other;
    struct tape_budget budget;
    struct tape_keeping keeping;
    uint64_t now_us;
};

static const struct tape_limits limits = {.packets = PACKETS, .frames = 16, .keep_us = 200000};

static int setup(void **state)
{
    static struct fixture f;
    f = (struct fixture){.budget = {.limit = 1u << 30}};
    f.keeping = (struct tape_keeping){
        .keep_us = 60000000, .packets = 8192, .bytes = 1u << 30, .budget = &f.budget};
    *state = &f;
    return tape_new(&f.tape, &limits) + tape_new(&f.other, &limits);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    tape_free(f->tape);
    tape_free(f->other);
    assert_int_equal(f->budget.bytes, 0);
    return 0;
}

static void write_until(struct fixture *f, struct tape *t, int64_t last)
{
    for (int64_t seq = tape_head(t) + 1; seq <= last; seq++) {
        f->now_us = (uint64_t)seq * EVERY_US;
        assert_int_equal(tape_fill_sized(t, seq, f->now_us, TAPE_FRAME_START | TAPE_MARKER, BYTES),
                         0);
        if (seq % 100 == 0)
            tape_trim(t, f->now_us);
    }
}

static void keeps_as_long_as_agreed(void **state)
{
    struct fixture *f = *state;
    write_until(f, f->tape, 100);
    assert_null(tape_find(f->tape, 30)); /* an index of 64 */
    tape_keep(f->tape, &f->keeping, f->now_us);
    write_until(f, f->tape, 5000);
    for (int64_t seq = 100; seq <= 5000; seq++)
        assert_true(tape_fill_is(tape_find(f->tape, seq), seq));
    write_until(f, f->tape, 8000);
    assert_in_range(tape_tail(f->tape), 1999, 2100); /* 60 s */
    assert_true(tape_fill_is(tape_find(f->tape, 2100), 2100));
    assert_true(f->budget.bytes > 6000 * BYTES);
}

static void takes_what_comes_late(void **state)
{
    struct fixture *f = *state;
    tape_keep(f->tape, &f->keeping, 0);
    write_until(f, f->tape, 10);
    assert_int_equal(tape_fill(f->tape, 12, f->now_us, 0), 0);
    write_until(f, f->tape, 3000);
    assert_int_equal(tape_fill(f->tape, 11, f->now_us, 0), 0);
    assert_true(tape_fill_is(tape_find(f->tape, 11), 11));
}

static void is_forgotten_at_once(void **state)
{
    struct fixture *f = *state;
    tape_keep(f->tape, &f->keeping, 0);
    write_until(f, f->tape, 5000);
    size_t kept = tape_bytes(f->tape);
    tape_keep(f->tape, NULL, f->now_us);
    assert_true(tape_tail(f->tape) > 5000 - PACKETS);
    assert_true(tape_fill_is(tape_find(f->tape, 5000), 5000));
    assert_null(tape_find(f->tape, 4000));
    assert_true(tape_bytes(f->tape) * 20 < kept);
    assert_int_equal(f->budget.bytes, 0);
    write_until(f, f->tape, 5200);
    assert_true(tape_tail(f->tape) > 5200 - PACKETS);
}

static void its_own_bytes_are_bounded(void **state)
{
    struct fixture *f = *state;
    f->keeping.bytes = 20 * LIMIT_SLAB_BYTES;
    tape_keep(f->tape, &f->keeping, 0);
    write_until(f, f->tape, 5000);
    assert_true(f->budget.bytes <= 20 * LIMIT_SLAB_BYTES);
    assert_true(tape_tail(f->tape) < 5000 - 900); /* it uses them */
    assert_true(tape_fill_is(tape_find(f->tape, 4200), 4200));
}

static void all_together_are_bounded(void **state)
{
    struct fixture *f = *state;
    f->budget.limit = 40 * LIMIT_SLAB_BYTES;
    tape_keep(f->tape, &f->keeping, 0);
    tape_keep(f->other, &f->keeping, 0);
    write_until(f, f->tape, 2000);
    write_until(f, f->other, 2000);
    /* One that came when all was taken has at least what any tape has. */
    assert_true(tape_tail(f->other) <= 2000 - PACKETS + 17);
    assert_true(f->budget.bytes <= 44 * LIMIT_SLAB_BYTES);
}

static void the_index_is_bounded(void **state)
{
    struct fixture *f = *state;
    f->keeping.packets = 512;
    tape_keep(f->tape, &f->keeping, 0);
    write_until(f, f->tape, 3000);
    assert_int_equal(tape_tail(f->tape), 3000 - 512 + 1);
}

static void a_leap_forgets_all(void **state)
{
    struct fixture *f = *state;
    tape_keep(f->tape, &f->keeping, 0);
    write_until(f, f->tape, 300);
    assert_int_equal(tape_fill(f->tape, 1300, f->now_us, 0), 0); /* after darkness */
    assert_true(tape_fill_is(tape_find(f->tape, 300), 300));
    assert_int_equal(tape_fill(f->tape, 1300 + 1024, f->now_us, 0), 0);
    assert_null(tape_find(f->tape, 1300));
    assert_true(tape_fill_is(tape_find(f->tape, 1300 + 1024), 1300 + 1024));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keeps_as_long_as_agreed),   TEST(takes_what_comes_late),    TEST(is_forgotten_at_once),
        TEST(its_own_bytes_are_bounded), TEST(all_together_are_bounded), TEST(the_index_is_bounded),
        TEST(a_leap_forgets_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
