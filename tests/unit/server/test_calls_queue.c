// SPDX-License-Identifier: Apache-2.0
/* From waiting to a call and out of it, by messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/calls_world.h"
#include "tests/unit/support/fake_dbq.h"
#include "tests/unit/support/fake_media.h"

static void available(struct client *agent, const char *id)
{
    client_say(agent, "{'type':'available','id':'%s','on':true,'languages':['en']}", id);
    assert_string_equal(text_at(client_expect(agent, "ok"), "re"), id);
}

static enum case_state state_of(struct world *w, const struct store_case *c)
{
    struct store_case now;
    assert_int_equal(store_case_get(w->store, &c->id, &now), 0);
    enum case_state state = now.state;
    store_case_clear(&now);
    return state;
}

static void test_bye_ends_the_call_by_name(void **state)
{
    struct in_room *in = *state;
    struct client agent;
    client_say(&in->buyer, "{'type':'wait'}");
    client_hello(&agent, &in->w, "ann", ROLE_AGENT, NULL);
    available(&agent, "a");
    client_say(&agent, "{'type':'accept','reservation':'%s'}",
               text_at(client_expect(&agent, "call_offer"), "reservation"));
    client_say(&agent, "{'type':'bye','id':'b'}");
    json_t *ended = client_expect(&in->buyer, "call_ended");
    assert_string_equal(text_at(ended, "reason"), "left");
    assert_string_equal(text_at(ended, "by"), "ann");
    client_free(&agent);
}

static void test_buyer_leaves_while_the_agent_accepts(void **state)
{
    struct in_room *in = *state;
    struct client agent;
    static const char leave[] = "{\"type\":\"leave\"}";
    char accept[128];
    client_say(&in->buyer, "{'type':'wait'}");
    client_hello(&agent, &in->w, "ann", ROLE_AGENT, NULL);
    available(&agent, "a");
    int len = snprintf(accept, sizeof accept,
                       "{\"type\":\"accept\",\"id\":\"x\",\"reservation\":\"%s\"}",
                       text_at(client_expect(&agent, "call_offer"), "reservation"));
    /* Both before the store has looked the case up. */
    link_on_text(agent.link, accept, (size_t)len, in->w.now_us);
    link_on_text(in->buyer.link, leave, strlen(leave), in->w.now_us);
    world_settle(&in->w);
    assert_string_equal(text_at(client_expect(&agent, "error"), "re"), "x");
    assert_false(client_has(&agent, "call_started"));
    assert_int_equal(state_of(&in->w, &in->c), CASE_OPEN);
    struct calls_gauges g;
    calls_read_gauges(in->w.calls, &g);
    assert_int_equal(g.agents_available, 1);
    assert_int_equal(g.rooms, 0);
    client_free(&agent);
}

static void test_wait_offer_accept_hang_up(void **state)
{
    struct in_room *in = *state;
    struct client agent;
    client_say(&in->buyer, "{'type':'wait','id':'w'}");
    json_t *waiting = client_expect(&in->buyer, "waiting");
    assert_string_equal(text_at(waiting, "re"), "w");
    assert_int_equal(json_integer_value(json_object_get(waiting, "position")), 1);
    assert_true(json_is_null(json_object_get(waiting, "expected_wait_ms")));
    assert_int_equal(state_of(&in->w, &in->c), CASE_WAITING);

    client_hello(&agent, &in->w, "ann", ROLE_AGENT, NULL);
    available(&agent, "a");
    assert_string_equal(text_at(client_expect(&agent, "queue"), "waiting.0.case"), in->c.id.text);
    json_t *offer = client_expect(&agent, "call_offer");
    assert_string_equal(text_at(offer, "case.title"), "a cracked cup");
    assert_string_equal(text_at(offer, "buyer.identity"), "bo");
    struct id near = id_make(1700000001000000, &in->w.entropy);
    assert_memory_equal(text_at(offer, "reservation"), near.text, 6); /* the wall clock's time */
    assert_int_equal(json_integer_value(json_object_get(offer, "ring_ms")), 20000);
    client_say(&agent, "{'type':'accept','id':'y','reservation':'%s'}",
               text_at(offer, "reservation"));
    assert_string_equal(text_at(client_expect(&agent, "joined"), "re"), "y");
    assert_true(client_has(&agent, "roster"));
    assert_string_equal(text_at(client_expect(&in->buyer, "call_started"), "agent.identity"),
                        "ann");
    assert_true(client_has(&agent, "call_started"));
    assert_int_equal(state_of(&in->w, &in->c), CASE_IN_CALL);

    world_pass(&in->w, 5000);
    client_say(&agent, "{'type':'hang_up','id':'z'}");
    json_t *ended = client_expect(&in->buyer, "call_ended");
    assert_string_equal(text_at(ended, "reason"), "hung_up");
    assert_string_equal(text_at(ended, "by"), "ann");
    assert_int_equal(state_of(&in->w, &in->c), CASE_OPEN);
    assert_int_equal(world_events(&in->w, &in->c.id, "call_started"), 1);
    assert_int_equal(world_events(&in->w, &in->c.id, "call_ended"), 1);
    client_say(&in->buyer, "{'type':'hang_up','id':'x'}");
    assert_string_equal(text_at(client_expect(&in->buyer, "error"), "code"), "conflict");
    client_free(&agent);
}

static void test_decline_passes_on(void **state)
{
    (void)state;
    struct world w;
    struct client buyer, ann, abe;
    world_start(&w);
    struct store_case c = world_case(&w, "bo");
    client_hello(&ann, &w, "ann", ROLE_AGENT, NULL);
    client_hello(&abe, &w, "abe", ROLE_AGENT, NULL);
    available(&ann, "a0");
    world_pass(&w, 1000);
    available(&abe, "a");
    client_hello(&buyer, &w, "bo", ROLE_BUYER, &c.id);
    client_say(&buyer, "{'type':'wait','id':'w'}");
    json_t *offer = client_expect(&ann, "call_offer");
    assert_false(client_has(&abe, "call_offer"));
    client_say(&ann, "{'type':'decline','id':'n','reservation':'%s','reason':'lunch'}",
               text_at(offer, "reservation"));
    assert_true(client_has(&ann, "ok"));
    assert_true(client_has(&abe, "call_offer"));
    client_say(&ann, "{'type':'accept','id':'q','reservation':'%s'}",
               text_at(offer, "reservation"));
    assert_string_equal(text_at(client_expect(&ann, "error"), "code"), "not_found");
    client_free(&buyer);
    client_free(&ann);
    client_free(&abe);
    world_stop(&w);
}

static void test_ringing_out_makes_away(void **state)
{
    (void)state;
    struct world w;
    struct client buyer, ann;
    world_start(&w);
    struct store_case c = world_case(&w, "bo");
    client_hello(&ann, &w, "ann", ROLE_AGENT, NULL);
    available(&ann, "a1");
    client_hello(&buyer, &w, "bo", ROLE_BUYER, &c.id);
    client_say(&buyer, "{'type':'wait','id':'w'}");
    assert_true(client_has(&ann, "call_offer"));
    for (int i = 0; i < 21; i++) {
        world_pass(&w, 1000);
        client_has(&ann, "");
        client_has(&buyer, "");
    }
    assert_string_equal(text_at(client_expect(&ann, "call_offer_ended"), "reason"), "expired");
    json_t *person = client_expect(&ann, "person_state");
    assert_true(json_is_false(json_object_get(person, "available")));
    client_forget(&ann);
    available(&ann, "a2");
    assert_true(client_has(&ann, "call_offer"));
    client_free(&buyer);
    client_free(&ann);
    world_stop(&w);
}

static void test_dropped_buyer_keeps_the_place(void **state)
{
    (void)state;
    struct world w;
    struct client buyer, second;
    world_start(&w);
    struct store_case c = world_case(&w, "bo"), d = world_case(&w, "di");
    client_hello(&buyer, &w, "bo", ROLE_BUYER, &c.id);
    client_say(&buyer, "{'type':'wait','id':'w'}");
    world_pass(&w, 1000);
    client_hello(&second, &w, "di", ROLE_BUYER, &d.id);
    client_say(&second, "{'type':'wait','id':'w'}");
    client_free(&buyer);
    for (int i = 0; i < 90; i++) {
        world_pass(&w, 1000);
        client_has(&second, "");
    }
    client_hello(&buyer, &w, "bo", ROLE_BUYER, &c.id);
    json_t *waiting = client_expect(&buyer, "waiting");
    assert_int_equal(json_integer_value(json_object_get(waiting, "position")), 1);
    client_free(&buyer);
    client_forget(&second);
    for (int i = 0; i < 121; i++) {
        world_pass(&w, 1000);
        client_has(&second, "");
    }
    waiting = client_expect(&second, "waiting");
    assert_int_equal(json_integer_value(json_object_get(waiting, "position")), 1);
    assert_int_equal(state_of(&w, &c), CASE_OPEN);
    assert_int_equal(fake_media_count(w.media, "room_close"), 1);
    client_free(&second);
    world_stop(&w);
}

static void test_agent_in_the_room_takes_the_call(void **state)
{
    struct in_room *in = *state;
    struct client ann;
    client_hello(&ann, &in->w, "ann", ROLE_AGENT, &in->c.id);
    client_say(&ann, "{'type':'available','id':'a','on':true}");
    assert_string_equal(text_at(client_expect(&ann, "error"), "code"), "denied");
    client_say(&in->buyer, "{'type':'wait','id':'w'}");
    assert_true(client_has(&in->buyer, "waiting"));
    assert_true(client_has(&in->buyer, "call_started"));
    client_free(&ann);
    world_pass(&in->w, 61000);
    client_has(&in->buyer, "");
}

static void test_who_may_not(void **state)
{
    struct in_room *in = *state;
    struct client ann;
    client_hello(&ann, &in->w, "ann", ROLE_AGENT, &in->c.id);
    client_say(&in->buyer, "{'type':'available','id':'1','on':true}");
    assert_string_equal(text_at(client_expect(&in->buyer, "error"), "code"), "denied");
    client_say(&ann, "{'type':'wait','id':'2'}");
    assert_string_equal(text_at(client_expect(&ann, "error"), "code"), "denied");
    client_say(&in->buyer, "{'type':'stop_waiting','id':'3'}");
    assert_string_equal(text_at(client_expect(&in->buyer, "error"), "code"), "conflict");
    client_free(&ann);
}

static void test_case_changes_are_told(void **state)
{
    struct in_room *in = *state;
    struct store_case after;
    client_say(&in->buyer, "{'type':'wait','id':'w'}");
    client_forget(&in->buyer);
    const struct store_action cancel = {
        .case_id = in->c.id, .action = CASE_CANCEL, .actor = "bo", .role = ROLE_BUYER};
    assert_int_equal(store_case_act(in->w.store, &cancel, 1, &after), 0);
    store_case_clear(&after);
    calls_case_changed(in->w.calls, &in->c.id);
    assert_string_equal(text_at(client_expect(&in->buyer, "case"), "case.state"), "cancelled");
    struct calls_gauges g;
    calls_read_gauges(in->w.calls, &g);
    assert_int_equal(g.waiting, 0);
}

static void change(struct in_room *in, const char *name, const char *to)
{
    struct store_case after;
    json_t *changes = json_pack("{s:{s:s}}", name, "to", to);
    const struct store_change ch = {.case_id = in->c.id, .actor = "shop", .changes = changes};
    assert_int_equal(store_case_change(in->w.store, &ch, 1, &after), 0);
    store_case_clear(&after);
    json_decref(changes);
    calls_case_changed(in->w.calls, &in->c.id);
    world_settle(&in->w);
}

static void test_a_case_that_waits_goes_by_what_it_is_changed_to(void **state)
{
    struct in_room *in = *state;
    struct client agent;
    client_say(&in->buyer, "{'type':'wait','id':'w'}");
    client_hello(&agent, &in->w, "ann", ROLE_AGENT, NULL);
    client_say(&agent, "{'type':'available','id':'a','on':true,'skills':['bag']}");
    client_expect(&agent, "call_offer");
    change(in, "category", "watch");
    assert_string_equal(text_at(client_expect(&agent, "call_offer_ended"), "reason"), "withdrawn");
    change(in, "title", "another cup");
    assert_false(client_has(&agent, "call_offer"));
    change(in, "category", "bag");
    assert_string_equal(text_at(client_expect(&agent, "call_offer"), "case.category"), "bag");
    client_free(&agent);
}

int main(void)
{
#define IN_ROOM(f) cmocka_unit_test_setup_teardown(f, room_setup, room_teardown)
    const struct CMUnitTest tests[] = {
        IN_ROOM(test_buyer_leaves_while_the_agent_accepts),
        IN_ROOM(test_wait_offer_accept_hang_up),
        IN_ROOM(test_bye_ends_the_call_by_name),
        cmocka_unit_test(test_decline_passes_on),
        cmocka_unit_test(test_ringing_out_makes_away),
        cmocka_unit_test(test_dropped_buyer_keeps_the_place),
        IN_ROOM(test_agent_in_the_room_takes_the_call),
        IN_ROOM(test_who_may_not),
        IN_ROOM(test_case_changes_are_told),
        IN_ROOM(test_a_case_that_waits_goes_by_what_it_is_changed_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
