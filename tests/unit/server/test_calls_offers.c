// SPDX-License-Identifier: Apache-2.0
/* What a case says decides who is asked, and agents and buyers hear why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/calls_world.h"
#include "tests/unit/support/fake_dbq.h"

/** A case as POST /cases might have made it; `more` are its further members. */
static struct store_case needy_case(struct world *w, const char *buyer, const char *more)
{
    struct store_case c = world_case(w, buyer);
    json_t *members = json_loads(more, 0, NULL), *value;
    const char *name;
    assert_non_null(members);
    json_object_foreach(members, name, value)
        assert_int_equal(store_case_set(w->store, &c.id, name, value, 1), 0);
    json_decref(members);
    return c;
}

static void accept_offer(struct client *agent, struct client *buyer)
{
    client_say(agent, "{'type':'accept','id':'y','reservation':'%s'}",
               text_at(client_expect(agent, "call_offer"), "reservation"));
    assert_true(client_has(buyer, "call_started"));
    client_forget(agent);
}

static void test_skill_team_and_language_decide(void **state)
{
    (void)state;
    struct world w;
    struct client ann, abe, buyer;
    world_start(&w);
    struct store_case c = needy_case(
        &w, "bo",
        "{\"category\":\"watch\",\"brand\":\"Omega\",\"team\":\"luxury\","
        "\"languages\":[\"en\",\"fr\"],\"certificate_level\":2,"
        "\"tier\":\"Gold\"}");
    client_hello(&ann, &w, "ann", ROLE_AGENT, NULL);
    client_hello(&abe, &w, "abe", ROLE_AGENT, NULL);
    client_say(&ann, "{'type':'available','id':'a','on':true,'skills':['watch:1','bag:3']}");
    client_say(&abe, "{'type':'available','id':'b','on':true,'skills':['watch/omega:2'],"
                     "'languages':['fr'],'team':'shoes','capacity':2}");
    client_hello(&buyer, &w, "bo", ROLE_BUYER, &c.id);
    client_say(&buyer, "{'type':'wait','id':'w'}");
    assert_string_equal(text_at(client_expect(&buyer, "waiting"), "search"), "fitting");
    assert_false(client_has(&ann, "call_offer"));
    json_t *offer = client_expect(&abe, "call_offer");
    assert_string_equal(text_at(offer, "case.brand"), "Omega");
    assert_string_equal(text_at(offer, "case.tier"), "Gold");
    assert_string_equal(text_at(offer, "notes.0"), "other_team");
    client_free(&buyer);
    client_free(&ann);
    client_free(&abe);
    world_stop(&w);
}

/** Who had the last call knows the case already. */
static void test_last_agent_first(void **state)
{
    struct in_room *in = *state;
    struct client ann, abe;
    client_hello(&abe, &in->w, "abe", ROLE_AGENT, NULL);
    client_say(&abe, "{'type':'available','id':'a','on':true}");
    client_say(&in->buyer, "{'type':'wait','id':'w'}");
    accept_offer(&abe, &in->buyer);
    client_hello(&ann, &in->w, "ann", ROLE_AGENT, NULL);
    client_say(&ann, "{'type':'available','id':'a','on':true}");
    client_say(&abe, "{'type':'hang_up','id':'h'}");
    assert_string_equal(text_at(client_expect(&abe, "person_state"), "state"), "wrap_up");
    client_say(&abe, "{'type':'wrap_up','id':'x','case':'%s','disposition':'follow_up'}",
               in->c.id.text);
    assert_string_equal(text_at(client_expect(&abe, "person_state"), "state"), "available");
    client_say(&abe, "{'type':'leave','id':'l'}");
    world_pass(&in->w, 1000); /* ann has been idle for longer */
    client_say(&in->buyer, "{'type':'wait','id':'v'}");
    assert_string_equal(text_at(client_expect(&abe, "call_offer"), "notes.0"), "preferred");
    assert_false(client_has(&ann, "call_offer"));
    client_free(&ann);
    client_free(&abe);
}

static void test_presence_is_told(void **state)
{
    struct in_room *in = *state;
    struct client ann;
    client_hello(&ann, &in->w, "ann", ROLE_AGENT, NULL);
    client_say(&ann, "{'type':'available','id':'a','on':true}");
    client_say(&in->buyer, "{'type':'wait','id':'w'}");
    accept_offer(&ann, &in->buyer);
    client_say(&ann, "{'type':'hang_up','id':'h'}");
    json_t *presence = client_expect(&ann, "person_state");
    assert_string_equal(text_at(presence, "state"), "wrap_up");
    assert_true(json_is_true(json_object_get(presence, "available")));
    assert_non_null(json_object_get(presence, "until"));
    client_say(&ann, "{'type':'wrap_up','id':'x','case':'%s','disposition':'solved'}",
               in->c.id.text);
    presence = client_expect(&ann, "person_state");
    assert_string_equal(text_at(presence, "state"), "available");
    assert_null(json_object_get(presence, "until"));
    struct calls_gauges g;
    calls_read_gauges(in->w.calls, &g);
    assert_int_equal(g.queue.accepted, 1);
    assert_int_equal(g.queue.offers, 1);
    client_free(&ann);
}

int main(void)
{
#define IN_ROOM(f) cmocka_unit_test_setup_teardown(f, room_setup, room_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_skill_team_and_language_decide),
        IN_ROOM(test_last_agent_first),
        IN_ROOM(test_presence_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
