// SPDX-License-Identifier: Apache-2.0
/* Persons, back ends and strangers, each counted for itself, in virtual time. */
#include "server/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"

#define S UINT64_C(1000000)
#define T0 (UINT64_C(1000) * S)

static const struct pace_limits limits = {{10, 20}, {2, 4}, {1, 3}};

static struct claims person(enum role role, const char *key, const char *identity)
{
    struct claims who = {.role = role};
    (void)str_copy(who.key, sizeof who.key, key);
    (void)str_copy(who.identity, sizeof who.identity, identity);
    return who;
}

/** How many of `tries` requests at once are let through. */
static unsigned let_through(struct pace *p, const struct claims *who, unsigned tries)
{
    unsigned n = 0;
    for (unsigned i = 0; i < tries; i++)
        n += pace_person(p, who, T0) == 0;
    return n;
}

static void test_each_is_counted_for_itself(void **state)
{
    (void)state;
    struct pace *p;
    struct claims ann = person(ROLE_AGENT, "k", "ann"), bob = person(ROLE_AGENT, "k", "bob");
    struct claims other = person(ROLE_AGENT, "l", "ann"), shop = person(ROLE_SERVICE, "k", "shop");
    assert_int_equal(pace_new(&p, &limits, 1), 0);
    assert_int_equal(let_through(p, &ann, 30), 4);
    assert_int_equal(let_through(p, &bob, 30), 4);
    assert_int_equal(let_through(p, &other, 30), 4); /* another merchant's, perhaps */
    assert_int_equal(let_through(p, &shop, 30), 20);
    assert_int_equal(pace_refused(p), 3 * 26 + 10);
    assert_int_equal(pace_person(p, &ann, T0 + S / 2), 0);
    pace_free(p);
}

static void test_strangers_by_their_address(void **state)
{
    (void)state;
    struct pace *p;
    assert_int_equal(pace_new(&p, &limits, 1), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pace_stranger(p, "192.0.2.1", T0), 0);
    assert_int_equal(pace_stranger(p, "192.0.2.1", T0), 1); /* whole seconds, rounded up */
    assert_int_equal(pace_stranger(p, "192.0.2.2", T0), 0);
    assert_int_equal(pace_stranger(p, "192.0.2.1", T0 + S), 0);
    for (int i = 0; i < 30; i++) {
        assert_int_equal(pace_stranger(p, "", T0), 0);
        assert_int_equal(pace_stranger(p, NULL, T0), 0);
    }
    pace_free(p);
}

static void test_without_one_nothing_is_held_back(void **state)
{
    (void)state;
    struct claims ann = person(ROLE_AGENT, "k", "ann");
    assert_int_equal(let_through(NULL, &ann, 1000), 1000);
    assert_int_equal(pace_stranger(NULL, "192.0.2.1", T0), 0);
    assert_int_equal(pace_refused(NULL), 0);
    pace_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_is_counted_for_itself),
        cmocka_unit_test(test_strangers_by_their_address),
        cmocka_unit_test(test_without_one_nothing_is_held_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
