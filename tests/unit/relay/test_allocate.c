// SPDX-License-Identifier: Apache-2.0
/* Layers for each picture before more for any. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "media/relay/allocate.h"

static const uint32_t simulcast[] = {150000, 500000, 1500000};
static const uint32_t lone[] = {800000};

static struct allocate_want three(uint32_t weight)
{
    return (struct allocate_want){.bps = simulcast, .count = 3, .weight = weight};
}

static void one_picture_gets_what_fits(void **state)
{
    (void)state;
    const struct {
        uint64_t bps;
        size_t level;
    } rows[] = {{0, 0},      {149999, 0}, {150000, 1},  {499999, 1},
                {500000, 2}, {999999, 2}, {1500000, 3}, {9000000, 3}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct allocate_want w = three(1);
        uint64_t used = allocate_layers(&w, 1, rows[i].bps);
        assert_int_equal(w.ret_level, rows[i].level);
        assert_int_equal(used, rows[i].level ? simulcast[rows[i].level - 1] : 0);
    }
    assert_int_equal(allocate_layers(NULL, 0, 1000), 0);
}

static void all_have_something_before_one_has_more(void **state)
{
    (void)state;
    struct allocate_want w[3] = {three(1), three(4), three(1)};
    assert_int_equal(allocate_layers(w, 3, 310000), 300000);
    assert_int_equal(w[1].ret_level, 1); /* the larger one is sure of it */
    assert_int_equal(w[0].ret_level + w[2].ret_level, 1);
    (void)allocate_layers(w, 3, 800000);
    assert_int_equal(w[0].ret_level, 1);
    assert_int_equal(w[1].ret_level, 2);
    assert_int_equal(w[2].ret_level, 1);
}

static void equals_get_the_same(void **state)
{
    (void)state;
    struct allocate_want w[2] = {three(1), three(1)};
    (void)allocate_layers(w, 2, 1000000);
    assert_int_equal(w[0].ret_level, 2);
    assert_int_equal(w[1].ret_level, 2);
    (void)allocate_layers(w, 2, 3000000);
    assert_int_equal(w[0].ret_level, 3);
    assert_int_equal(w[1].ret_level, 3);
}

static void what_does_not_fit_leaves_room_for_others(void **state)
{
    (void)state;
    struct allocate_want w[2] = {{.bps = lone, .count = 1, .weight = 9}, three(1)};
    assert_int_equal(allocate_layers(w, 2, 700000), 500000);
    assert_int_equal(w[0].ret_level, 0);
    assert_int_equal(w[1].ret_level, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_picture_gets_what_fits),
        cmocka_unit_test(all_have_something_before_one_has_more),
        cmocka_unit_test(equals_get_the_same),
        cmocka_unit_test(what_does_not_fit_leaves_room_for_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
