// SPDX-License-Identifier: Apache-2.0
/* What a process that ends leaves to the next one: buyers who waited wait on in their order, calls are over, and
 * agents free. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "server/store_audit.h"
#include "server/store_waits.h"
#include "server/store_wraps.h"
#include "tests/unit/support/calls_world.h"

#define MANY 12
#define ROUNDS 20

static uint64_t unix_us(struct world *w)
{
    return w->now_us + UINT64_C(1700000000000000);
}

static struct store_case ranked_case(struct world *w, const char *buyer, int priority,
                                     const char *tier)
{
    bool repeated;
    struct store_case c = {.priority = priority, .more = json_pack("{s:s}", "tier", tier)};
    (void)str_copy(c.merchant, sizeof c.merchant, "default");
    (void)str_copy(c.title, sizeof c.title, "a cracked cup");
    (void)str_copy(c.buyer, sizeof c.buyer, buyer);
    (void)str_copy(c.buyer_name, sizeof c.buyer_name, "Bo");
    assert_int_equal(
        store_case_create(w->store, &c, "shop", "demo", NULL, NULL, unix_us(w), &repeated), 0);
    store_case_clear(&c);
    return c;
}

static void act(struct world *w, const struct store_case *c, enum case_action action,
                const char *actor, enum role role, const char *data)
{
    struct store_case after;
    json_t *body = data ? json_loads(data, 0, NULL) : NULL;
    const struct store_action a = {
        .case_id = c->id, .action = action, .actor = actor, .role = role, .data = body};
    assert_int_equal(store_case_act(w->store, &a, unix_us(w), &after), 0);
    store_case_clear(&after);
    json_decref(body);
    calls_case_changed(w->calls, &c->id);
    world_settle(w);
}

static enum case_state state_of(struct world *w, const struct store_case *c)
{
    struct store_case now;
    assert_int_equal(store_case_get(w->store, &c->id, &now), 0);
    enum case_state state = now.state;
    store_case_clear(&now);
    return state;
}

static struct store_wait facts_of(struct world *w, const struct store_case *c)
{
    struct store_wait facts;
    assert_int_equal(store_wait_get(w->store, &c->id, &facts), 0);
    return facts;
}

/** The whole store agrees with its timelines. */
static void is_sound(struct world *w)
{
    struct report r;
    struct store_audit audit = {0};
    assert_int_equal(report_init(&r), 0);
    assert_int_equal(store_audit(w->store, &audit, &r), 0);
    for (size_t i = 0; i < json_array_size(r.findings); i++)
        print_message("%s\n", json_dumps(json_array_get(r.findings, i), 0));
    assert_int_equal(r.wrong, 0);
    report_clear(&r);
}

/** The queue as who watches over it sees it, as text. */
static void read_order(struct world *w, char *ret, size_t size)
{
    struct client sue;
    json_t *one;
    size_t i;
    client_hello(&sue, w, "sue", ROLE_SUPERVISOR, NULL);
    const json_t *waiting = json_object_get(client_expect(&sue, "queue"), "waiting");
    ret[0] = '\0';
    json_array_foreach(waiting, i, one)
    {
        size_t len = strlen(ret);
        (void)snprintf(ret + len, size - len, "%s since %s\n", text_at(one, "case"),
                       text_at(one, "waiting_since"));
    }
    client_free(&sue);
}

/** The process dies: nobody says goodbye. */
static void killed(struct world *w, struct client *clients, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        clients[i].link = NULL;
        client_free(&clients[i]);
    }
    world_restart(w);
}

static void back(struct client *c, struct world *w, const char *buyer, const struct store_case *of)
{
    client_hello(c, w, buyer, ROLE_BUYER, &of->id);
    client_say(c, "{'type':'wait','id':'w'}");
}

static json_int_t place(struct client *buyer)
{
    return json_integer_value(json_object_get(client_expect(buyer, "waiting"), "position"));
}

/* Order */

struct scene {
    struct world w;
    struct store_case cases[MANY];
    struct client buyers[MANY];
    char names[MANY][8];
};

/** Time passes for people who stay. */
static void pass(struct scene *s, uint64_t ms)
{
    for (uint64_t step; ms; ms -= step) {
        step = ms < 10000 ? ms : 10000;
        world_pass(&s->w, step);
        for (size_t i = 0; i < MANY; i++) {
            if (s->buyers[i].link)
                client_forget(&s->buyers[i]);
        }
    }
}

static void scene_begin(struct scene *s, uint64_t seed)
{
    static const char *const tiers[] = {"", "silver", "gold", "vip"};
    memset(s, 0, sizeof *s);
    world_start(&s->w);
    s->w.entropy = entropy_seeded_init(&s->w.seeded, seed);
    for (size_t i = 0; i < MANY; i++) {
        uint64_t dice = entropy_u64(&s->w.entropy);
        (void)snprintf(s->names[i], sizeof s->names[i], "b%zu", i);
        s->cases[i] = ranked_case(&s->w, s->names[i], (int)(dice % 10), tiers[dice / 10 % 4]);
        back(&s->buyers[i], &s->w, s->names[i], &s->cases[i]);
        pass(s, dice / 40 % 9000);
    }
    for (size_t i = 0; i < MANY; i++) { /* some are passed on, some have dropped, one proposed to */
        uint64_t dice = entropy_u64(&s->w.entropy);
        if (dice % 4 == 0)
            act(&s->w, &s->cases[i], CASE_TRANSFER, "ann", ROLE_AGENT, "{\"team\":\"repairs\"}");
        if (dice / 4 % 4 == 0)
            client_cut(&s->buyers[i]);
        if (dice / 16 % 4 == 0)
            act(&s->w, &s->cases[i], CASE_PROPOSE, "ann", ROLE_AGENT, "{\"outcome\":\"refund\"}");
        pass(s, dice / 64 % 5000);
    }
}

static void test_order_is_kept(void **state)
{
    (void)state;
    static char before[4096], after[4096];
    static struct scene s;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        scene_begin(&s, seed);
        for (size_t i = 0; seed % 5 == 0 && i < MANY; i++) {
            if (!s.buyers[i].link)
                client_resume(&s.buyers[i], s.names[i], ROLE_BUYER, &s.cases[i].id);
        }
        pass(&s, seed % 5 == 0 ? 600000 : 10000); /* some have waited too long, too */
        read_order(&s.w, before, sizeof before);
        killed(&s.w, s.buyers, MANY);
        read_order(&s.w, after, sizeof after);
        assert_string_equal(after, before);
        world_pass(&s.w, 60000);
        killed(&s.w, NULL, 0); /* and once more, with nobody back yet */
        read_order(&s.w, after, sizeof after);
        assert_string_equal(after, before);
        for (size_t i = MANY; i-- > 0;)
            back(&s.buyers[i], &s.w, s.names[i], &s.cases[i]);
        read_order(&s.w, after, sizeof after);
        assert_string_equal(after, before);
        is_sound(&s.w);
        for (size_t i = 0; i < MANY; i++)
            client_free(&s.buyers[i]);
        world_stop(&s.w);
    }
}

/** bo, then di, ten seconds apart; then the process is another one. */
static void restarted(struct world *w, struct store_case *bo, struct store_case *di)
{
    struct client both[2];
    world_start(w);
    *bo = world_case(w, "bo");
    *di = world_case(w, "di");
    back(&both[0], w, "bo", bo);
    world_pass(w, 10000);
    back(&both[1], w, "di", di);
    world_pass(w, 1000);
    killed(w, both, 2);
}

static void test_places_are_kept(void **state)
{
    (void)state;
    struct world w;
    struct store_case bo, di;
    struct client a, b;
    restarted(&w, &bo, &di);
    assert_int_equal(state_of(&w, &bo), CASE_WAITING);
    back(&b, &w, "di", &di);
    assert_int_equal(place(&b), 2);
    world_pass(&w, 5000);
    back(&a, &w, "bo", &bo);
    assert_int_equal(place(&a), 1);
    assert_int_equal(world_events(&w, &bo.id, "waiting_started"), 1);
    assert_int_equal(world_events(&w, &bo.id, "waiting_stopped"), 0);
    struct calls_gauges g;
    calls_read_gauges(w.calls, &g);
    assert_int_equal(g.queue.kept, 2);
    client_free(&a);
    client_free(&b);
    world_stop(&w);
}

static void test_who_does_not_come_back_has_given_up(void **state)
{
    (void)state;
    struct world w;
    struct store_case bo, di;
    struct client a, b;
    restarted(&w, &bo, &di);
    back(&b, &w, "di", &di);
    world_pass(&w, 119000);
    assert_int_equal(state_of(&w, &bo), CASE_WAITING);
    world_pass(&w, 2000);
    assert_int_equal(state_of(&w, &bo), CASE_OPEN);
    assert_int_equal(world_events(&w, &bo.id, "waiting_stopped"), 1);
    assert_int_equal(state_of(&w, &di), CASE_WAITING);
    back(&a, &w, "bo", &bo);
    assert_int_equal(place(&a), 2);
    is_sound(&w);
    client_free(&a);
    client_free(&b);
    world_stop(&w);
}

/** What was offered is offered again: to whoever is free then, from the same place. */
static void test_reservations_are_released(void **state)
{
    (void)state;
    struct world w;
    struct client all[3];
    world_start(&w);
    struct store_case bo = world_case(&w, "bo"), di = world_case(&w, "di");
    back(&all[0], &w, "bo", &bo);
    world_pass(&w, 1000);
    back(&all[1], &w, "di", &di);
    client_hello(&all[2], &w, "ann", ROLE_AGENT, NULL);
    client_say(&all[2], "{'type':'available','id':'1','on':true}");
    assert_string_equal(text_at(client_expect(&all[2], "call_offer"), "case.id"), bo.id.text);
    killed(&w, all, 3);
    client_hello(&all[2], &w, "abe", ROLE_AGENT, NULL);
    client_say(&all[2], "{'type':'available','id':'1','on':true}");
    assert_false(client_has(&all[2], "call_offer"));
    back(&all[1], &w, "di", &di);
    json_t *offer = client_expect(&all[2], "call_offer");
    assert_string_equal(text_at(offer, "case.id"), di.id.text);
    client_say(&all[2], "{'type':'decline','id':'2','reservation':'%s'}",
               text_at(offer, "reservation"));
    back(&all[0], &w, "bo", &bo);
    assert_string_equal(text_at(client_expect(&all[2], "call_offer"), "case.id"), bo.id.text);
    for (size_t i = 0; i < 3; i++)
        client_free(&all[i]);
    world_stop(&w);
}

/** The search had come to agents of any team: it does not begin anew. */
static void test_search_goes_on(void **state)
{
    (void)state;
    struct world w;
    struct client bo;
    world_start(&w);
    struct store_case c = world_case(&w, "bo");
    back(&bo, &w, "bo", &c);
    world_pass(&w, 66000);
    client_forget(&bo);
    killed(&w, &bo, 1);
    back(&bo, &w, "bo", &c);
    assert_string_equal(text_at(client_expect(&bo, "waiting"), "search"), "any_team");
    client_free(&bo);
    world_stop(&w);
}

/* Calls */

static void test_calls_are_over(void **state)
{
    (void)state;
    struct world w;
    struct client all[3];
    world_start(&w);
    struct store_case bo = world_case(&w, "bo"), di = world_case(&w, "di");
    back(&all[0], &w, "bo", &bo);
    client_hello(&all[1], &w, "ann", ROLE_AGENT, &bo.id); /* takes it by coming */
    client_expect(&all[0], "call_started");
    assert_true(facts_of(&w, &bo).talks);
    act(&w, &bo, CASE_PROPOSE, "ann", ROLE_AGENT, "{\"outcome\":\"refund\"}"); /* in the call */
    world_pass(&w, 60000);
    back(&all[2], &w, "di", &di);
    killed(&w, all, 3);
    assert_int_equal(world_events(&w, &bo.id, "call_ended"), 1);
    assert_int_equal(state_of(&w, &bo), CASE_PROPOSED);
    assert_false(facts_of(&w, &bo).talks);
    back(&all[2], &w, "di", &di);
    back(&all[0], &w, "bo", &bo); /* counts as having waited three minutes, di but one */
    assert_int_equal(place(&all[0]), 1);
    assert_int_equal(facts_of(&w, &bo).counted_us, 180000000);
    is_sound(&w);
    client_hello(&all[1], &w, "ann", ROLE_AGENT, &bo.id);
    client_expect(&all[1], "call_started");
    for (size_t i = 0; i < 3; i++)
        client_free(&all[i]);
    world_stop(&w);
}

static int owed(struct world *w, const struct store_case *c, const char *agent,
                struct store_wrap *ret)
{
    *ret = (struct store_wrap){.case_id = c->id};
    (void)str_copy(ret->agent, sizeof ret->agent, agent);
    return store_wrap_get(w->store, ret);
}

/** However it ended: its agent says what it came to. */
static void test_calls_want_wrapping_up(void **state)
{
    (void)state;
    struct world w;
    struct client ann;
    struct store_wrap wrap;
    world_start(&w);
    const struct store_worker night = {.merchant = "default",
                                       .identity = "ann",
                                       .name = "Ann",
                                       .role = ROLE_AGENT,
                                       .team = "night"};
    json_t *rules = json_loads("{\"wrap_up\":{\"teams\":{\"night\":{\"seconds\":77}}}}", 0, NULL);
    assert_int_equal(store_worker_put(w.store, &night, unix_us(&w)), 0);
    assert_int_equal(store_pairing_put(w.store, "default", rules), 0);
    json_decref(rules);
    struct store_case bo = world_case(&w, "bo"), di = world_case(&w, "di"),
                      al = world_case(&w, "al");
    act(&w, &bo, CASE_START_CALL, "bob", ROLE_COUNT, "{\"agent\":\"bob\"}");
    act(&w, &bo, CASE_TAKE_CALL, "ann", ROLE_COUNT, "{\"agent\":\"ann\",\"from\":\"bob\"}");
    act(&w, &di, CASE_START_CALL, "bot", ROLE_COUNT, "{\"agent\":\"bot\",\"bot\":true}");
    act(&w, &al, CASE_START_CALL, "ann", ROLE_COUNT, "{\"agent\":\"ann\"}");
    act(&w, &al, CASE_PROPOSE, "ann", ROLE_AGENT, "{\"outcome\":\"refund\"}");
    killed(&w, NULL, 0);
    assert_int_equal(owed(&w, &bo, "ann", &wrap), 0);
    assert_int_equal(wrap.seconds, 77);
    assert_true(wrap.required);
    assert_int_equal(owed(&w, &bo, "bob", &wrap), ER_NOT_FOUND);
    assert_int_equal(owed(&w, &di, "bot", &wrap), ER_NOT_FOUND);
    assert_int_equal(owed(&w, &al, "ann", &wrap), ER_NOT_FOUND);
    assert_int_equal(world_events(&w, &di.id, "call_ended"), 1);
    is_sound(&w);
    client_hello(&ann, &w, "ann", ROLE_AGENT, NULL);
    assert_string_equal(text_at(client_expect(&ann, "wrap_up"), "case"), bo.id.text);
    client_free(&ann);
    world_stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_is_kept),
        cmocka_unit_test(test_places_are_kept),
        cmocka_unit_test(test_who_does_not_come_back_has_given_up),
        cmocka_unit_test(test_reservations_are_released),
        cmocka_unit_test(test_search_goes_on),
        cmocka_unit_test(test_calls_are_over),
        cmocka_unit_test(test_calls_want_wrapping_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
