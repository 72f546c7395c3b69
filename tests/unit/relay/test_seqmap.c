// SPDX-License-Identifier: Apache-2.0
/* Numbers for a viewer: without holes where packets are left out, with their place where they are
 * missing, and none twice, whatever order packets come in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/entropy.h"
#include "media/relay/seqmap.h"

static void what_passes_is_unbroken(void **state)
{
    (void)state;
    struct seqmap m;
    seqmap_begin(&m, 1000, 70000);
    assert_int_equal(seqmap_last(&m), 69999);
    int64_t want = 70000;
    for (int64_t i = 1000; i < 9000; i++) {
        if (i % 3 == 1)
            assert_int_equal(seqmap_drop(&m, i), 0);
        else
            assert_int_equal(seqmap_pass(&m, i), want++);
        assert_int_equal(seqmap_last(&m), want - 1);
    }
    seqmap_begin(&m, 5, seqmap_last(&m) + 1); /* another source goes on */
    assert_int_equal(seqmap_pass(&m, 5), want);
}

static void missing_packets_keep_their_place(void **state)
{
    (void)state;
    struct seqmap m;
    seqmap_begin(&m, 100, 1);
    assert_int_equal(seqmap_pass(&m, 100), 1);
    assert_int_equal(seqmap_drop(&m, 101), 0);
    assert_int_equal(seqmap_pass(&m, 104), 4); /* 102 and 103 may come */
    assert_int_equal(seqmap_drop(&m, 105), 0);
    assert_int_equal(seqmap_drop(&m, 106), 0);
    assert_int_equal(seqmap_pass(&m, 107), 5);
    assert_int_equal(seqmap_pass(&m, 103), 3);
    assert_int_equal(seqmap_drop(&m, 102), 2); /* to be filled */
    assert_int_equal(seqmap_pass(&m, 101), 0); /* left out before */
    assert_int_equal(seqmap_drop(&m, 106), 0);
    assert_int_equal(seqmap_pass(&m, 99), 0); /* not of this stretch */
    assert_int_equal(seqmap_drop(&m, 99), 0);
}

static void what_comes_too_late_is_lost(void **state)
{
    (void)state;
    struct seqmap m;
    seqmap_begin(&m, 1, 1);
    assert_int_equal(seqmap_pass(&m, 1), 1);
    assert_int_equal(seqmap_pass(&m, 3), 3);
    for (int64_t i = 4; i <= SEQMAP_WINDOW + 1; i++)
        assert_int_equal(seqmap_pass(&m, i), i);
    assert_int_equal(seqmap_pass(&m, 2), 2);
    assert_int_equal(seqmap_pass(&m, SEQMAP_WINDOW + 2), SEQMAP_WINDOW + 2);
    assert_int_equal(seqmap_pass(&m, 2), 0);
}

static void leaps_leave_a_small_hole(void **state)
{
    (void)state;
    struct seqmap m;
    seqmap_begin(&m, 1, 1);
    assert_int_equal(seqmap_pass(&m, 1), 1);
    assert_int_equal(seqmap_drop(&m, 2), 0);
    assert_int_equal(seqmap_pass(&m, 2 + SEQMAP_WINDOW), 1 + SEQMAP_WINDOW);
    assert_int_equal(seqmap_pass(&m, 30000), 1 + SEQMAP_WINDOW + SEQMAP_HOLE_LEFT);
    assert_int_equal(seqmap_pass(&m, 29999), 0);
    assert_int_equal(seqmap_drop(&m, 60000), 0);
    assert_int_equal(seqmap_pass(&m, 60001), 1 + SEQMAP_WINDOW + 2 * SEQMAP_HOLE_LEFT);
}

/* A packet and when it comes. */
struct arrival {
    int64_t source;
    uint64_t at;
};

static int by_time(const void *a, const void *b)
{
    const struct arrival *x = a, *y = b;
    return x->at < y->at ? -1 : x->at > y->at;
}

/** A long random stream with losses, reordering and recoveries: no number twice; in the order of the
 *  source; and once everything has come, no hole. */
static void no_number_is_given_twice(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    static struct arrival arrivals[COUNT];
    static uint8_t given[COUNT + 1];
    static int64_t out[COUNT];
    struct entropy_seeded seeded;
    struct entropy entropy = entropy_seeded_init(&seeded, 11);
    for (size_t i = 0; i < COUNT; i++) {
        uint64_t random = entropy_u64(&entropy);
        uint64_t late = i == 0 ? 0 : random % 10 == 0 ? random / 10 % 3000 : random / 10 % 12;
        arrivals[i] = (struct arrival){.source = (int64_t)i, .at = i * 10 + late};
    }
    qsort(arrivals, COUNT, sizeof arrivals[0], by_time);
    struct seqmap m;
    seqmap_begin(&m, 0, 1);
    for (size_t i = 0; i < COUNT; i++) {
        int64_t source = arrivals[i].source;
        int64_t n = source % 4 == 1 ? seqmap_drop(&m, source) : seqmap_pass(&m, source);
        assert_true(n <= COUNT && (n > 0 || source % 4 == 1));
        out[source] = n;
        if (n)
            assert_int_equal(given[n]++, 0);
    }
    int64_t last = 0;
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(out[i] == 0 || out[i] > last);
        if (out[i])
            last = out[i];
    }
    for (int64_t n = 1; n <= last; n++)
        assert_int_equal(given[n], 1);
    assert_true(last < COUNT * 8 / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_passes_is_unbroken),
        cmocka_unit_test(missing_packets_keep_their_place),
        cmocka_unit_test(what_comes_too_late_is_lost),
        cmocka_unit_test(leaps_leave_a_small_hole),
        cmocka_unit_test(no_number_is_given_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
