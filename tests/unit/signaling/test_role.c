// SPDX-License-Identifier: Apache-2.0
/* The table of roles, cell by cell. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "signaling/role.h"

static void test_table(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *can; /* p s r: publish, subscribe, record; e: enters; a: any room; w: waits;
                            t: takes calls; q: sees the queue; u: rules; v: evidence; h: holds;
                            f: forgets, k: webhooks; b: first line */
        unsigned rank;
    } cells[ROLE_COUNT] = {
        {"buyer", "psewv", 1},         {"agent", "psreatv", 0}, {"appraiser", "psreatv", 0},
        {"arbiter", "psreuvh", 0},     {"host", "psreav", 2},   {"viewer", "se", 0},
        {"supervisor", "seaqvhfk", 0}, {"service", "vhfk", 0},  {"bot", "psevb", 0},
    };
    for (unsigned i = 0; i < ROLE_COUNT; i++) {
        enum role role;
        assert_int_equal(role_parse(cells[i].name, &role), 0);
        assert_int_equal(role, i);
        assert_string_equal(role_name(role), cells[i].name);
        const struct role_info *info = role_describe(role);
        const bool flags[] = {info->grants.publish, info->grants.subscribe,
                              info->grants.record,  info->enters,
                              info->any_room,       info->waits,
                              info->takes_calls,    info->sees_queue,
                              info->rules,          info->evidence,
                              info->holds,          info->forgets,
                              info->hooks,          info->first_line};
        for (size_t f = 0; f < sizeof flags; f++)
            assert_int_equal(flags[f], strchr(cells[i].can, "psreawtquvhfkb"[f]) != NULL);
        assert_int_equal(info->media_rank, cells[i].rank);
    }
}

static void test_strangers(void **state)
{
    (void)state;
    enum role role;
    assert_int_equal(role_parse("Buyer", &role), ER_NOT_FOUND);
    assert_int_equal(role_parse("", &role), ER_NOT_FOUND);
    assert_int_equal(role_parse(NULL, &role), ER_NOT_FOUND);
    assert_int_equal(role, ROLE_COUNT);
    assert_null(role_describe(ROLE_COUNT));
    assert_string_equal(role_name(ROLE_COUNT), "unknown");
}

static void test_grants_narrow(void **state)
{
    (void)state;
    const struct role_grants all = {true, true, true}, some = {true, false, true};
    struct role_grants both = role_narrow(all, some);
    assert_true(both.publish && !both.subscribe && both.record);
    both = role_narrow(role_describe(ROLE_VIEWER)->grants, all);
    assert_true(!both.publish && both.subscribe && !both.record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_strangers),
        cmocka_unit_test(test_grants_narrow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
