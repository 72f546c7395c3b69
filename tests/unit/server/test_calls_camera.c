// SPDX-License-Identifier: Apache-2.0
/* Wishes for a camera reach its page alone; how it is then is told to all, and to who comes later. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support/calls_world.h"

static void come_in(struct client *c, struct in_room *in, const char *identity, enum role role)
{
    client_hello(c, &in->w, identity, role, &in->c.id);
    client_say(c, "{'type':'join','id':'j','case':'%s'}", in->c.id.text);
    client_expect(c, "joined");
    client_forget(c);
    client_forget(&in->buyer);
}

static void test_a_wish_and_what_came_of_it(void **state)
{
    struct in_room *in = *state;
    struct client agent, other, late;
    come_in(&agent, in, "ann", ROLE_AGENT);
    come_in(&other, in, "eve", ROLE_AGENT);
    client_forget(&agent);
    client_say(&agent, "{'type':'camera','id':'1','of':'bo','wish':{'torch':true,'more':1}}");
    client_expect(&agent, "ok");
    json_t *wish = client_expect(&in->buyer, "camera");
    assert_string_equal(text_at(wish, "by.identity"), "ann");
    assert_true(json_is_true(json_object_get(json_object_get(wish, "wish"), "torch")));
    assert_null(json_object_get(json_object_get(wish, "wish"), "more"));
    assert_false(client_has(&other, "camera"));
    client_say(&in->buyer, "{'type':'camera_state','id':'s','state':{'allowed':true,'torch':true}}");
    client_expect(&in->buyer, "ok");
    json_t *changed = client_expect(&other, "person_changed");
    json_t *camera = json_object_get(json_object_get(changed, "person"), "camera");
    assert_true(json_is_true(json_object_get(camera, "torch")));
    client_forget(&other);
    client_say(&in->buyer, "{'type':'camera_state','id':'t','state':{'allowed':true,'torch':true}}");
    assert_false(client_has(&other, "person_changed")); /* it is as it was */
    client_hello(&late, &in->w, "zoe", ROLE_ARBITER, &in->c.id);
    client_say(&late, "{'type':'join','id':'j','case':'%s'}", in->c.id.text);
    json_t *people = json_object_get(client_expect(&late, "roster"), "people");
    size_t i, with = 0;
    json_t *person;
    json_array_foreach(people, i, person) with += json_object_get(person, "camera") != NULL;
    assert_int_equal(with, 1);
    client_free(&late);
    client_free(&other);
    client_free(&agent);
}

static void test_who_may(void **state)
{
    struct in_room *in = *state;
    struct client agent;
    come_in(&agent, in, "ann", ROLE_AGENT);
    client_say(&in->buyer, "{'type':'camera','id':'1','of':'ann','wish':{'torch':true}}");
    assert_string_equal(text_at(client_expect(&in->buyer, "error"), "code"), "denied");
    client_say(&agent, "{'type':'camera','id':'2','of':'nobody','wish':{'torch':true}}");
    assert_string_equal(text_at(client_expect(&agent, "error"), "code"), "not_found");
    client_forget(&agent);
    client_say(&agent, "{'type':'camera','id':'3','of':'bo','wish':{'torch':'on'}}");
    assert_string_equal(text_at(client_expect(&agent, "error"), "message"), "torch: true or false");
    client_forget(&in->buyer);
    client_say(&in->buyer, "{'type':'camera_state','id':'4','state':{'zoom':0}}");
    assert_string_equal(text_at(client_expect(&in->buyer, "error"), "code"), "invalid");
    client_cut(&in->buyer);
    client_forget(&agent);
    client_say(&agent, "{'type':'camera','id':'5','of':'bo','wish':{'torch':true}}");
    assert_string_equal(text_at(client_expect(&agent, "error"), "code"), "conflict");
    client_free(&agent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_wish_and_what_came_of_it, room_setup, room_teardown),
        cmocka_unit_test_setup_teardown(test_who_may, room_setup, room_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
