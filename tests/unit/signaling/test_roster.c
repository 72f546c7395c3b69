// SPDX-License-Identifier: Apache-2.0
/* People of a room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "signaling/roster.h"

static void test_people(void **state)
{
    (void)state;
    struct roster *r;
    struct roster_person *bo, *ann, *again = NULL;
    assert_int_equal(roster_new(&r, 1), 0);
    assert_int_equal(roster_add(r, "bo", "Bo", ROLE_BUYER, &bo), 0);
    assert_int_equal(roster_add(r, "ann", "Ann", ROLE_AGENT, &ann), 0);
    assert_int_equal(roster_add(r, "bo", "B", ROLE_BUYER, &again), ER_CONFLICT);
    assert_ptr_equal(roster_find(r, "bo"), bo);
    assert_null(roster_find(r, "al"));
    bo->online = bo->video = true;
    bo->facing = PROTO_FACING_ENVIRONMENT;
    bo->joined_unix_us = 1700000000000000u;
    json_t *all = roster_json(r);
    assert_int_equal(json_array_size(all), 2);
    json_t *p = json_array_get(all, 0);
    assert_string_equal(json_string_value(json_object_get(p, "identity")), "bo");
    assert_string_equal(json_string_value(json_object_get(p, "facing")), "environment");
    assert_string_equal(json_string_value(json_object_get(p, "joined_at")),
                        "2023-11-14T22:13:20.000Z");
    assert_true(json_is_false(json_object_get(p, "consent")));
    assert_null(json_object_get(json_array_get(all, 1), "facing"));
    json_decref(all);
    roster_remove(r, bo);
    assert_int_equal(roster_count(r), 1);
    assert_null(roster_find(r, "bo"));
    roster_free(r);
    roster_free(NULL);
}

static void test_bound(void **state)
{
    (void)state;
    struct roster *r;
    struct roster_person *p;
    char name[16];
    assert_int_equal(roster_new(&r, 1), 0);
    for (int i = 0; i < LIMIT_PEERS_PER_ROOM; i++) {
        (void)snprintf(name, sizeof name, "p%d", i);
        assert_int_equal(roster_add(r, name, name, ROLE_VIEWER, &p), 0);
    }
    assert_int_equal(roster_add(r, "more", "more", ROLE_VIEWER, &p), ER_FULL);
    roster_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_people), cmocka_unit_test(test_bound)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
