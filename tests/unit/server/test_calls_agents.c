// SPDX-License-Identifier: Apache-2.0
/* First-line bots by messages: asked first, in the room for their call alone, and nobody is lost with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "server/store_stats.h"
#include "server/store_wraps.h"
#include "tests/unit/support/calls_world.h"

static void bots_first(struct in_room *in)
{
    json_t *o = json_loads("{\"first_line\":[{\"kind\":\"inspection\"}]}", 0, NULL);
    assert_null(pairing_rules_check(o));
    assert_int_equal(store_pairing_put(in->w.store, "default", o), 0);
    json_decref(o);
    /* the room takes it in with the next thing that is done */
    client_say(&in->buyer, "{'type':'wait','id':'first'}");
    client_say(&in->buyer, "{'type':'stop_waiting','id':'no'}");
    client_forget(&in->buyer);
}

static void on(struct client *c, struct world *w, const char *name, enum role role)
{
    client_hello(c, w, name, role, NULL);
    client_say(c, "{'type':'available','id':'a','on':true,'capacity':1}");
    client_expect(c, "ok");
}

static void accept(struct client *c)
{
    client_say(c, "{'type':'accept','id':'y','reservation':'%s'}",
               text_at(client_expect(c, "call_offer"), "reservation"));
    client_expect(c, "joined");
}

static const char *last_agent(struct in_room *in)
{
    static char name[STORE_IDENTITY_BYTES];
    struct store_case c;
    assert_int_equal(store_case_get(in->w.store, &in->c.id, &c), 0);
    (void)snprintf(name, sizeof name, "%s", text_at(c.more, "last_call.agent"));
    store_case_clear(&c);
    return name;
}

static void test_a_bot_answers_and_hands_over(void **state)
{
    struct in_room *in = *state;
    struct client bot, ann;
    bots_first(in);
    on(&bot, &in->w, "bot", ROLE_BOT);
    assert_false(client_has(&bot, "queue")); /* who waits is not for it to know */
    on(&ann, &in->w, "ann", ROLE_AGENT);
    client_forget(&ann);
    client_say(&in->buyer, "{'type':'wait','id':'w'}");
    assert_false(client_has(&ann, "call_offer"));
    json_t *offer = client_expect(&bot, "call_offer");
    assert_int_equal(json_integer_value(json_object_get(offer, "ring_ms")), 5000);
    client_say(&bot, "{'type':'accept','id':'y','reservation':'%s'}",
               text_at(offer, "reservation"));
    assert_true(client_has(&bot, "joined"));
    assert_string_equal(text_at(client_expect(&in->buyer, "call_started"), "agent.identity"),
                        "bot");
    world_pass(&in->w, 10000);
    client_say(&bot, "{'type':'act','id':'p','action':'propose','data':{'outcome':'repair'}}");
    assert_string_equal(text_at(client_expect(&bot, "error"), "code"), "denied");
    client_say(&bot, "{'type':'act','id':'t','action':'transfer','data':{'note':'A torn strap.'}}");
    assert_string_equal(text_at(client_expect(&in->buyer, "call_ended"), "reason"), "transferred");
    offer = client_expect(&ann, "call_offer");
    assert_string_equal(text_at(offer, "handed_over.by"), "bot");
    assert_string_equal(text_at(offer, "handed_over.note"), "A torn strap.");
    assert_int_equal(json_array_size(json_object_get(offer, "notes")), 0);
    /* it has no place in the room any more */
    client_say(&bot, "{'type':'chat','id':'c','text':'still here?'}");
    assert_string_equal(text_at(client_expect(&bot, "error"), "code"), "conflict");
    client_say(&bot, "{'type':'join','id':'j','case':'%s'}", in->c.id.text);
    assert_string_equal(text_at(client_expect(&bot, "error"), "code"), "denied");
    client_say(&ann, "{'type':'accept','id':'y','reservation':'%s'}",
               text_at(offer, "reservation"));
    assert_string_equal(text_at(client_expect(&in->buyer, "call_started"), "agent.identity"),
                        "ann");
    struct store_stats_query q = {.merchant = "default", .to_us = INT64_MAX};
    struct stats_cell cell;
    assert_int_equal(store_stats(in->w.store, &q, &cell, NULL, NULL), 0);
    assert_int_equal(cell.wait.count, 1); /* one answer, by a person, from the first waiting */
    assert_int_equal(cell.wait.sum_ms, 10000);
    assert_int_equal(cell.counts[STATS_BOT_CALLS], 1);
    assert_int_equal(cell.counts[STATS_CALLS], 1);
    client_free(&ann);
    client_free(&bot);
}

static void test_people_where_no_bot_will(void **state)
{
    struct in_room *in = *state;
    struct client bot, ann;
    bots_first(in);
    on(&bot, &in->w, "bot", ROLE_BOT);
    on(&ann, &in->w, "ann", ROLE_AGENT);
    client_say(&in->buyer, "{'type':'wait','id':'w'}");
    client_say(&bot, "{'type':'decline','id':'d','reservation':'%s'}",
               text_at(client_expect(&bot, "call_offer"), "reservation"));
    assert_true(client_has(&ann, "call_offer"));
    assert_false(client_has(&bot, "call_offer"));
    client_say(&in->buyer, "{'type':'stop_waiting','id':'s'}");
    client_forget(&ann);
    client_say(&in->buyer, "{'type':'wait','id':'v'}"); /* rings out */
    assert_true(client_has(&bot, "call_offer"));
    world_pass(&in->w, 5000);
    assert_true(client_has(&ann, "call_offer"));
    client_say(&in->buyer, "{'type':'stop_waiting','id':'t'}");
    client_forget(&ann);
    client_forget(&bot);
    client_say(&in->buyer, "{'type':'wait','id':'u'}"); /* away, since it rang out */
    assert_false(client_has(&bot, "call_offer"));
    assert_true(client_has(&ann, "call_offer"));
    client_free(&ann);
    client_free(&bot);
}

static void test_a_bot_that_drops_leaves_nobody_behind(void **state)
{
    struct in_room *in = *state;
    struct client bot, ann;
    bots_first(in);
    on(&bot, &in->w, "bot", ROLE_BOT);
    client_say(&in->buyer, "{'type':'wait','id':'w'}");
    accept(&bot);
    on(&ann, &in->w, "ann", ROLE_AGENT);
    assert_false(client_has(&ann, "call_offer"));
    client_cut(&bot);
    assert_string_equal(text_at(client_expect(&in->buyer, "call_ended"), "reason"), "transferred");
    accept(&ann);
    assert_string_equal(last_agent(in), "ann");
    client_free(&ann);
    client_free(&bot);
}

static void test_a_bot_ends_its_own_call_alone(void **state)
{
    struct in_room *in = *state;
    struct client bot, ann, guest;
    bots_first(in);
    on(&bot, &in->w, "bot", ROLE_BOT);
    client_hello(&guest, &in->w, "guest", ROLE_BOT, &in->c.id); /* was invited */
    client_say(&in->buyer, "{'type':'wait','id':'w'}");
    accept(&bot);
    client_say(&guest, "{'type':'hang_up','id':'g'}");
    assert_string_equal(text_at(client_expect(&guest, "error"), "code"), "denied");
    client_say(&guest, "{'type':'available','id':'a','on':true}");
    assert_string_equal(text_at(client_expect(&guest, "error"), "code"), "denied");
    client_say(&bot, "{'type':'hang_up','id':'h'}");
    assert_true(client_has(&in->buyer, "call_ended"));
    assert_false(client_has(&bot, "wrap_up"));
    client_say(&guest, "{'type':'chat','id':'c','text':'I am in it yet'}");
    assert_false(client_has(&guest, "error"));
    /* whom it talked to is not whom the next call is for */
    on(&ann, &in->w, "ann", ROLE_AGENT);
    client_say(&in->buyer, "{'type':'wait','id':'v'}");
    assert_true(client_has(&bot, "call_offer"));
    assert_false(client_has(&ann, "call_offer"));
    client_free(&guest);
    client_free(&ann);
    client_free(&bot);
}

static void test_taken_over_from_a_bot(void **state)
{
    struct in_room *in = *state;
    struct client bot, ann;
    bots_first(in);
    on(&bot, &in->w, "bot", ROLE_BOT);
    client_say(&in->buyer, "{'type':'wait','id':'w'}");
    accept(&bot);
    client_hello(&ann, &in->w, "ann", ROLE_AGENT, NULL);
    client_say(&ann, "{'type':'join','id':'j','case':'%s'}", in->c.id.text);
    client_say(&ann, "{'type':'take_over','id':'o'}");
    assert_string_equal(text_at(client_expect(&in->buyer, "call_taken_over"), "from"), "bot");
    client_say(&bot, "{'type':'chat','id':'c','text':'and I?'}");
    assert_string_equal(text_at(client_expect(&bot, "error"), "code"), "conflict");
    client_say(&ann, "{'type':'hang_up','id':'h'}");
    assert_true(client_has(&ann, "wrap_up"));
    client_free(&ann);
    client_free(&bot);
}

static void test_who_has_a_person_goes_to_people(void **state)
{
    struct in_room *in = *state;
    struct client bot, ann;
    on(&ann, &in->w, "ann", ROLE_AGENT);
    client_say(&in->buyer, "{'type':'wait','id':'w'}");
    accept(&ann);
    client_say(&in->buyer, "{'type':'hang_up','id':'h'}");
    client_say(&ann, "{'type':'leave'}");
    client_say(&ann, "{'type':'wrap_up','case':'%s','disposition':'solved'}", in->c.id.text);
    bots_first(in);
    client_forget(&ann);
    on(&bot, &in->w, "bot", ROLE_BOT);
    client_say(&in->buyer, "{'type':'wait','id':'v'}");
    assert_true(client_has(&ann, "call_offer"));
    assert_false(client_has(&bot, "call_offer"));
    client_free(&ann);
    client_free(&bot);
}

int main(void)
{
#define IN_ROOM(f) cmocka_unit_test_setup_teardown(f, room_setup, room_teardown)
    const struct CMUnitTest tests[] = {
        IN_ROOM(test_a_bot_answers_and_hands_over),
        IN_ROOM(test_people_where_no_bot_will),
        IN_ROOM(test_a_bot_that_drops_leaves_nobody_behind),
        IN_ROOM(test_a_bot_ends_its_own_call_alone),
        IN_ROOM(test_taken_over_from_a_bot),
        IN_ROOM(test_who_has_a_person_goes_to_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
