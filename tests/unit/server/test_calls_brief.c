// SPDX-License-Identifier: Apache-2.0
/* What those in a room are told of its case: viewers nothing of people, neither on coming in nor of changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/calls_impl.h"
#include "tests/unit/support/calls_world.h"

static void told(struct client *c, const char *state, size_t *ret_members, bool *ret_buyer)
{
    json_t *message = client_expect(c, "case");
    const json_t *about = json_object_get(message, "case");
    assert_string_equal(text_at(message, "case.state"), state);
    assert_true(text_at(message, "case.title")[0]);
    *ret_members = json_object_size(about);
    *ret_buyer = json_object_get(about, "buyer") != NULL;
}

static void test_viewers_are_told_in_brief(void **state)
{
    (void)state;
    struct world w;
    struct client ann, eye;
    size_t members;
    bool buyer;
    world_start(&w);
    struct store_case c = world_case(&w, "bo");
    client_hello(&ann, &w, "ann", ROLE_AGENT, &c.id);
    client_hello(&eye, &w, "eye", ROLE_VIEWER, &c.id);
    told(&ann, "open", &members, &buyer);
    assert_true(buyer && members > 9);
    told(&eye, "open", &members, &buyer);
    assert_true(!buyer && members <= 9);
    calls_case_act(w.calls, &c.id, CASE_EXPIRE, "system", NULL);
    world_settle(&w);
    told(&ann, "cancelled", &members, &buyer);
    assert_true(buyer);
    told(&eye, "cancelled", &members, &buyer);
    assert_true(!buyer && members <= 9);
    client_free(&ann);
    client_free(&eye);
    store_case_clear(&c);
    world_stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_viewers_are_told_in_brief)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
