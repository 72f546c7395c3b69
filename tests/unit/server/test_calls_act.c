// SPDX-License-Identifier: Apache-2.0
/* Actions on the case within the session: by role and state as over HTTP, and told to the room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/calls_world.h"

static const char *refused(struct client *c)
{
    return text_at(client_expect(c, "error"), "code");
}

static void test_settled_and_rated(void **state)
{
    struct in_room *in = *state;
    struct client ann;
    client_hello(&ann, &in->w, "ann", ROLE_AGENT, &in->c.id);
    client_forget(&in->buyer);
    client_say(&ann, "{'type':'act','id':'p','action':'propose','data':{'outcome':'refund'}}");
    json_t *reply = client_expect(&ann, "ok");
    assert_string_equal(text_at(reply, "re"), "p");
    assert_string_equal(text_at(reply, "case.state"), "proposed");
    assert_string_equal(text_at(client_expect(&in->buyer, "case"), "case.outcome.outcome"),
                        "refund");
    client_say(&in->buyer, "{'type':'act','id':'r','action':'rate','data':{'score':5}}");
    assert_string_equal(refused(&in->buyer), "conflict");
    client_say(&in->buyer, "{'type':'act','id':'a','action':'agree'}");
    assert_string_equal(text_at(client_expect(&in->buyer, "ok"), "case.state"), "agreed");
    client_forget(&ann);
    client_say(&in->buyer,
               "{'type':'act','id':'b','action':'rate','data':{'score':2,'text':'slow'}}");
    assert_string_equal(text_at(client_expect(&in->buyer, "ok"), "case.satisfaction.text"), "slow");
    assert_string_equal(text_at(client_expect(&ann, "case"), "case.satisfaction.text"), "slow");
    client_say(&in->buyer, "{'type':'act','id':'c','action':'rate','data':{'score':5}}");
    json_t *error = client_expect(&in->buyer, "error");
    assert_string_equal(text_at(error, "message"), "this was said of the case already");
    assert_int_equal(world_events(&in->w, &in->c.id, "rated"), 1);
    client_free(&ann);
}

static void test_refused(void **state)
{
    struct in_room *in = *state;
    struct client away;
    static const struct {
        const char *message, *code;
    } rows[] = {
        {"{'type':'act','id':'1','action':'propose','data':{'outcome':'refund'}}", "denied"},
        {"{'type':'act','id':'2','action':'burn'}", "not_found"},
        {"{'type':'act','id':'3','action':'start_call'}", "not_found"},
        {"{'type':'act','id':'4'}", "invalid"},
        {"{'type':'act','id':'5','action':'rate','data':[]}", "invalid"},
        {"{'type':'act','id':'6','action':'rate','data':{'score':9}}", "invalid"},
        {"{'type':'act','id':'7','action':'agree'}", "conflict"},
        {"{'type':'act','id':'8','action':'cancel','version':7}", "conflict"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        client_say(&in->buyer, "%s", rows[i].message);
        assert_string_equal(refused(&in->buyer), rows[i].code);
    }
    client_say(&in->buyer, "{'type':'act','id':'9','action':'cancel','version':1}");
    assert_string_equal(text_at(client_expect(&in->buyer, "ok"), "case.state"), "cancelled");
    client_hello(&away, &in->w, "ann", ROLE_AGENT, NULL);
    client_say(&away, "{'type':'act','id':'x','action':'reopen'}");
    assert_string_equal(refused(&away), "conflict"); /* is in no room */
    client_free(&away);
}

/** A key that may not write over HTTP may not here either. */
static void test_without_the_scope_write(void **state)
{
    struct in_room *in = *state;
    struct client ann;
    const struct auth_key_spec spec = {.id = "demo",
                                       .merchant = "default",
                                       .secret = "a secret for the tests, long",
                                       .old_secret = "",
                                       .roles = AUTH_ALL_ROLES,
                                       .scopes = AUTH_READ | AUTH_CALL};
    assert_int_equal(auth_put_key(in->w.auth, &spec), 0);
    client_hello(&ann, &in->w, "ann", ROLE_AGENT, &in->c.id);
    client_say(&ann, "{'type':'act','id':'p','action':'propose','data':{'outcome':'refund'}}");
    json_t *error = client_expect(&ann, "error");
    assert_string_equal(text_at(error, "code"), "denied");
    assert_string_equal(text_at(error, "message"), "the token's key is not for this");
    assert_int_equal(world_events(&in->w, &in->c.id, "outcome_proposed"), 0);
    client_free(&ann);
}

int main(void)
{
#define IN_ROOM(f) cmocka_unit_test_setup_teardown(f, room_setup, room_teardown)
    const struct CMUnitTest tests[] = {
        IN_ROOM(test_settled_and_rated),
        IN_ROOM(test_refused),
        IN_ROOM(test_without_the_scope_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
