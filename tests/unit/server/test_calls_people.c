// SPDX-License-Identifier: Apache-2.0
/* What agents leave unsaid when they are available is as the register has it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "server/calls_impl.h"
#include "signaling/sessions.h"
#include "tests/unit/support/calls_world.h"

static void connect_as(struct client *c, struct world *w, const char *who)
{
    char token[AUTH_TOKEN_BYTES];
    world_token(w, who, ROLE_AGENT, NULL, token);
    client_open(c, w);
    client_say(c, "{'type':'hello','token':'%s'}", token);
    assert_true(client_has(c, "welcome"));
}

static void registered(struct world *w, const char *who, const char *languages, bool inactive)
{
    struct store_worker one = {.merchant = "default", .role = ROLE_AGENT, .inactive = inactive};
    (void)str_copy(one.identity, sizeof one.identity, who);
    (void)str_copy(one.languages, sizeof one.languages, languages);
    assert_int_equal(store_worker_put(w->store, &one, 1), 0);
}

/** A buyer waits who speaks German. */
static struct store_case waits(struct world *w, struct client *buyer)
{
    struct store_case c = {.merchant = "default", .title = "A cup", .language = "de"};
    bool repeated;
    (void)str_copy(c.buyer, sizeof c.buyer, "lin");
    assert_int_equal(store_case_create(w->store, &c, "shop", "k", NULL, NULL,
                                       calls_unix_us(w->calls), &repeated),
                     0);
    client_hello(buyer, w, "lin", ROLE_BUYER, &c.id);
    client_say(buyer, "{'type':'wait','id':'w'}");
    world_settle(w);
    return c;
}

static void test_the_registers_languages_count(void **state)
{
    (void)state;
    struct world w;
    struct client ann, bob, buyer;
    world_start(&w);
    registered(&w, "ann", "[\"en\"]", false);
    registered(&w, "bob", "[\"de\"]", false);
    connect_as(&ann, &w, "ann");
    connect_as(&bob, &w, "bob");
    client_say(&ann, "{'type':'available','id':'1','on':true}");
    client_say(&bob, "{'type':'available','id':'1','on':true}");
    world_settle(&w);
    assert_true(client_has(&ann, "ok"));
    struct store_case c = waits(&w, &buyer);
    assert_true(client_has(&bob, "call_offer"));
    assert_false(client_has(&ann, "call_offer"));
    client_free(&ann);
    client_free(&bob);
    client_free(&buyer);
    store_case_clear(&c);
    world_stop(&w);
}

static void test_what_is_said_counts_before_it(void **state)
{
    (void)state;
    struct world w;
    struct client ann, bob, buyer;
    world_start(&w);
    registered(&w, "ann", "[\"en\"]", false);
    connect_as(&ann, &w, "ann");
    connect_as(&bob, &w, "bob"); /* is not in the register, and need not be */
    client_say(&ann, "{'type':'available','id':'1','on':true,'languages':['de']}");
    client_say(&bob, "{'type':'available','id':'1','on':true,'languages':['fr']}");
    world_settle(&w);
    assert_true(client_has(&bob, "ok"));
    struct store_case c = waits(&w, &buyer);
    assert_true(client_has(&ann, "call_offer"));
    client_free(&ann);
    client_free(&bob);
    client_free(&buyer);
    store_case_clear(&c);
    world_stop(&w);
}

static void test_who_is_not_active_takes_no_calls(void **state)
{
    (void)state;
    struct world w;
    struct client ann;
    world_start(&w);
    registered(&w, "ann", "", true);
    connect_as(&ann, &w, "ann");
    client_say(&ann, "{'type':'available','id':'1','on':true}");
    world_settle(&w);
    assert_string_equal(text_at(client_expect(&ann, "error"), "code"), "denied");
    assert_false(queue_agent_is_available(w.calls->queue, "default", "ann"));
    /* On and off at once: what was said last counts. */
    registered(&w, "ann", "", false);
    client_say(&ann, "{'type':'available','id':'2','on':true}");
    client_say(&ann, "{'type':'available','id':'3','on':false}");
    world_settle(&w);
    assert_false(queue_agent_is_available(w.calls->queue, "default", "ann"));
    client_free(&ann);
    world_stop(&w);
}

/** The register is asked, and the answer finds nobody there: the case is offered to who is. */
static void test_who_breaks_off_meanwhile_is_offered_nothing(void **state)
{
    static const char on[] = "{\"type\":\"available\",\"id\":\"1\",\"on\":true}";
    (void)state;
    struct world w;
    struct client ann, eve, buyer;
    world_start(&w);
    struct store_case c = world_case(&w, "bo");
    connect_as(&ann, &w, "ann");
    connect_as(&eve, &w, "eve");
    link_on_text(ann.link, on, sizeof on - 1, w.now_us);
    client_cut(&ann);
    client_say(&eve, "{'type':'available','id':'1','on':true}");
    client_hello(&buyer, &w, "bo", ROLE_BUYER, &c.id);
    client_say(&buyer, "{'type':'wait','id':'w'}");
    client_expect(&eve, "call_offer");
    client_free(&buyer);
    client_free(&eve);
    client_free(&ann);
    store_case_clear(&c);
    world_stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_registers_languages_count),
        cmocka_unit_test(test_what_is_said_counts_before_it),
        cmocka_unit_test(test_who_is_not_active_takes_no_calls),
        cmocka_unit_test(test_who_breaks_off_meanwhile_is_offered_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
