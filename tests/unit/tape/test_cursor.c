// SPDX-License-Identifier: Apache-2.0
/* Reading a tape in order: patience, gaps, readers left behind, slabs held and released. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/tape/tape_fill.h"

#define PATIENCE 400000

struct fixture {
    struct tape *tape;
    struct tape_cursor cursor;
    struct tape_read read;
};

static int open_fixture(void **state)
{
    static struct fixture f;
    const struct tape_limits limits = {.packets = 64, .frames = 16, .keep_us = 1000000};
    f = (struct fixture){0};
    *state = &f;
    return tape_new(&f.tape, &limits);
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;
    tape_free(f->tape);
    return 0;
}

static enum tape_step step(struct fixture *f, uint64_t now_us)
{
    return tape_cursor_next(&f->cursor, f->tape, now_us, PATIENCE, &f->read);
}

static void reads(struct fixture *f, uint64_t now_us, int64_t seq)
{
    assert_int_equal(step(f, now_us), TAPE_STEP_PACKET);
    assert_true(tape_fill_is(f->read.packet, seq));
    assert_int_equal(atomic_load(&f->read.slab->references), 2);
    slab_release(f->read.slab);
}

static void waits(struct fixture *f, uint64_t now_us, uint64_t deadline_us)
{
    assert_int_equal(step(f, now_us), TAPE_STEP_WAIT);
    assert_null(f->read.packet);
    assert_true(f->read.deadline_us == deadline_us);
}

static void begins_with_what_comes_next(void **state)
{
    struct fixture *f = *state;
    tape_cursor_init(&f->cursor, f->tape, 0);
    waits(f, 1, UINT64_MAX);
    tape_fill(f->tape, 7, 1, 0);
    reads(f, 1, 7); /* an empty tape: all of it */
    waits(f, 1, UINT64_MAX);
    tape_cursor_init(&f->cursor, f->tape, 0);
    waits(f, 1, UINT64_MAX);
    tape_fill(f->tape, 8, 1, 0);
    reads(f, 1, 8); /* one in use: from now on */
    tape_cursor_init(&f->cursor, f->tape, 7);
    reads(f, 1, 7);
}

static void waits_for_what_is_missing(void **state)
{
    struct fixture *f = *state;
    tape_fill(f->tape, 10, 0, 0);
    tape_fill(f->tape, 13, 500, 0);
    tape_cursor_init(&f->cursor, f->tape, 10);
    reads(f, 1000, 10);
    waits(f, 1000, 500 + PATIENCE); /* from when it was seen that it is missing */
    waits(f, 2000, 500 + PATIENCE);
    tape_fill(f->tape, 11, 3000, 0);
    reads(f, 3000, 11);
    waits(f, 4000, 500 + PATIENCE); /* as long as the next one: they were lost together */
    waits(f, 500 + PATIENCE - 1, 500 + PATIENCE);
    assert_int_equal(step(f, 500 + PATIENCE), TAPE_STEP_GAP);
    assert_int_equal(f->read.gap_first, 12);
    assert_int_equal(f->read.gap_count, 1);
    tape_fill(f->tape, 12, 500000, 0); /* too late for this reader */
    reads(f, 500000, 13);
    waits(f, 500000, UINT64_MAX);
}

/** Several gaps do not add up, and what heals between them does not make it wait longer. */
static void many_gaps_are_waited_for_at_once(void **state)
{
    struct fixture *f = *state;
    for (int64_t seq = 1; seq <= 40; seq += 3)
        tape_fill(f->tape, seq, 1000, 0);
    for (int64_t seq = 2; seq <= 38; seq += 3)
        tape_fill(f->tape, seq, 300000, TAPE_RECOVERED);
    tape_cursor_init(&f->cursor, f->tape, 1);
    for (int64_t seq = 1; seq <= 40; seq++) {
        enum tape_step got = step(f, 1000 + PATIENCE);
        assert_int_equal(got, seq % 3 == 0 ? TAPE_STEP_GAP : TAPE_STEP_PACKET);
        if (got == TAPE_STEP_PACKET)
            slab_release(f->read.slab);
    }
    waits(f, 1000 + PATIENCE, UINT64_MAX);
}

static void a_reader_left_behind_skips(void **state)
{
    struct fixture *f = *state;
    tape_fill(f->tape, 1, 0, 0);
    tape_cursor_init(&f->cursor, f->tape, 1);
    reads(f, 0, 1);
    for (int64_t seq = 2; seq <= 100; seq++)
        if (seq != 37)
            tape_fill(f->tape, seq, 0, 0);
    assert_int_equal(step(f, 0), TAPE_STEP_GAP); /* without patience: it is not coming back */
    assert_int_equal(f->read.gap_first, 2);
    assert_int_equal(f->read.gap_count, 36);
    for (int64_t seq = 38; seq <= 100; seq++)
        reads(f, 0, seq);
    waits(f, 0, UINT64_MAX);
}

static void a_tape_emptied_and_used_again(void **state)
{
    struct fixture *f = *state;
    tape_fill(f->tape, 1, 0, 0);
    tape_cursor_init(&f->cursor, f->tape, 1);
    reads(f, 0, 1);
    tape_trim(f->tape, 5000000);
    waits(f, 5000000, UINT64_MAX);
    tape_fill(f->tape, 9, 5000000, 0);
    assert_int_equal(step(f, 5000000), TAPE_STEP_GAP);
    assert_int_equal(f->read.gap_first, 2);
    assert_int_equal(f->read.gap_count, 7);
    reads(f, 5000000, 9);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(begins_with_what_comes_next),      TEST(waits_for_what_is_missing),
        TEST(many_gaps_are_waited_for_at_once), TEST(a_reader_left_behind_skips),
        TEST(a_tape_emptied_and_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
