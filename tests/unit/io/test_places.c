// SPDX-License-Identifier: Apache-2.0
/* Where rooms and peers go: small rooms stay whole, large ones spread evenly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/entropy.h"
#include "base/er.h"
#include "base/limits.h"
#include "media/io/places.h"

static struct id room(uint64_t n)
{
    struct entropy_seeded seeded;
    struct entropy e = entropy_seeded_init(&seeded, n);
    return id_make(1, &e);
}

static unsigned add(struct places *p, const struct id *r, uint64_t peer, bool views,
                    bool *ret_begins)
{
    unsigned worker = 99;
    assert_int_equal(places_add_peer(p, r, peer, peer, views, &worker, ret_begins), 0);
    return worker;
}

static void rooms_take_turns(void **state)
{
    (void)state;
    struct places *p = NULL;
    struct id a = room(1), b = room(2), c = room(3);
    unsigned home = 99;
    assert_int_equal(places_new(&p, 2), 0);
    assert_int_equal(places_open_room(p, &a, &home), 0);
    assert_int_equal(home, 0);
    assert_int_equal(places_open_room(p, &b, &home), 0);
    assert_int_equal(home, 1);
    assert_int_equal(places_open_room(p, &b, &home), ER_CONFLICT);
    places_close_room(p, &a);
    places_close_room(p, &a);
    assert_int_equal(places_open_room(p, &c, &home), 0);
    assert_int_equal(home, 0);
    assert_int_equal(places_home(p, &a, &home), ER_NOT_FOUND);
    assert_int_equal(places_workers(p, &a), 0);
    assert_int_equal(places_workers(p, &b), 2);
    places_free(p);
    places_free(NULL);
}

static void a_large_rooms_viewers_spread_evenly(void **state)
{
    (void)state;
    struct places *p = NULL;
    struct id r = room(1);
    unsigned home, worker, on[3] = {0};
    bool begins;
    assert_int_equal(places_new(&p, 3), 0);
    assert_int_equal(places_open_room(p, &r, &home), 0);
    for (uint64_t peer = 1; peer <= LIMIT_FANOUT_FROM; peer++) {
        assert_int_equal(add(p, &r, peer, true, &begins), home);
        assert_false(begins);
    }
    on[home] = LIMIT_FANOUT_FROM;
    unsigned begun = 0;
    for (uint64_t peer = LIMIT_FANOUT_FROM + 1; peer <= 300; peer++) {
        on[add(p, &r, peer, true, &begins)]++;
        begun += begins;
    }
    assert_int_equal(begun, 2);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(on[i], 100);
    assert_int_equal(places_workers(p, &r), 7);
    assert_int_equal(add(p, &r, 1000, false, &begins), home); /* whoever may publish */
    assert_int_equal(places_find_peer(p, 300, &worker), 0);
    places_remove_peer(p, 300);
    assert_int_equal(places_find_peer(p, 300, &worker), ER_NOT_FOUND);
    assert_int_equal(add(p, &r, 301, true, &begins), worker);
    places_close_room(p, &r);
    assert_int_equal(places_find_peer(p, 1, &worker), ER_NOT_FOUND);
    places_free(p);
}

static void a_worker_that_was_not_told_is_told_again(void **state)
{
    (void)state;
    struct places *p = NULL;
    struct id r = room(1);
    unsigned home;
    bool begins;
    assert_int_equal(places_new(&p, 2), 0);
    assert_int_equal(places_open_room(p, &r, &home), 0);
    for (uint64_t i = 1; i <= LIMIT_FANOUT_FROM; i++)
        assert_int_equal(add(p, &r, i, true, &begins), home);
    for (uint64_t i = 100; i < 102; i++) {
        assert_int_equal(add(p, &r, i, true, &begins), 1 - home);
        assert_true(begins);
        places_not_there(p, &r, 1 - home);
        places_refused(p, i, i);
        assert_int_equal(places_workers(p, &r), 1u << home);
    }
    places_not_there(p, &r, home); /* has it always */
    assert_int_equal(places_workers(p, &r), 1u << home);
    places_close_room(p, &r);
    places_free(p);
}

static void no_worker_gets_more_rooms_than_it_takes(void **state)
{
    (void)state;
    struct places *p = NULL;
    struct id r = room(1), last;
    unsigned home, other;
    bool begins;
    assert_int_equal(places_new(&p, 2), 0);
    assert_int_equal(places_open_room(p, &r, &home), 0);
    for (uint64_t i = 2; i <= 2 * LIMIT_ROOMS; i++) {
        last = room(i);
        assert_int_equal(places_open_room(p, &last, &other), 0);
    }
    assert_int_equal(other, 1 - home);
    for (uint64_t i = 1; i <= LIMIT_FANOUT_FROM + 1; i++)
        assert_int_equal(add(p, &r, i, true, &begins), home);
    places_close_room(p, &last);
    assert_int_equal(add(p, &r, 100, true, &begins), other);
    assert_true(begins);
    assert_int_equal(places_open_room(p, &last, &other), ER_FULL);
    assert_int_equal(add(p, &r, 101, true, &begins), other); /* has it already */
    places_free(p);
}

static void only_a_refused_first_offer_ends_a_peer(void **state)
{
    (void)state;
    struct places *p = NULL;
    struct id r = room(1), other = room(2);
    unsigned worker;
    bool begins;
    assert_int_equal(places_new(&p, 1), 0);
    assert_int_equal(places_open_room(p, &r, &worker), 0);
    assert_int_equal(places_add_peer(p, &other, 1, 7, true, &worker, &begins), ER_NOT_FOUND);
    assert_int_equal(places_add_peer(p, &r, 1, 7, true, &worker, &begins), 0);
    assert_int_equal(places_add_peer(p, &r, 1, 8, true, &worker, &begins), ER_CONFLICT);
    places_refused(p, 1, 9);
    assert_int_equal(places_find_peer(p, 1, &worker), 0);
    places_refused(p, 1, 7);
    assert_int_equal(places_find_peer(p, 1, &worker), ER_NOT_FOUND);
    places_refused(p, 1, 7);
    places_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rooms_take_turns),
        cmocka_unit_test(a_large_rooms_viewers_spread_evenly),
        cmocka_unit_test(a_worker_that_was_not_told_is_told_again),
        cmocka_unit_test(no_worker_gets_more_rooms_than_it_takes),
        cmocka_unit_test(only_a_refused_first_offer_ends_a_peer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
