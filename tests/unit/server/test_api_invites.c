// SPDX-License-Identifier: Apache-2.0
/* Invites: who invites whom, what the token then says, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"
#include "tests/unit/support/api_bench.h"

static void test_invites_by_role(void **state)
{
    struct api_bench *b = *state;
    /* Rows: who is invited; columns: by whom (buyer agent appraiser arbiter host viewer supervisor
     * service bot). The arbiter here sees the case only once it is disputed. */
    static const struct {
        const char *role, *by;
    } rows[] = {
        {"buyer", ".yy.y..y."},     {"viewer", ".yy.y..y."},  {"agent", ".yy.y..y."},
        {"appraiser", "..y....y."}, {"arbiter", ".......y."}, {"host", "....y..y."},
        {"bot", ".......y."},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (unsigned r = 0; r < ROLE_COUNT; r++) {
            char text[64];
            (void)snprintf(text, sizeof text, "{'role':'%s'}", rows[i].role);
            int status = api_on_store(
                b, api_invite,
                (struct api_ask){.role = (enum role)r, .param = {b->sc.id.text}, .body = text});
            assert_int_equal(status, rows[i].by[r] == 'y' ? 201 : 403);
            const char *start = i < 2 ? "http://h/c/#" : "http://h/desk#"; /* guests, and staff */
            if (status == 201)
                assert_int_equal(strncmp(api_text(b, "url"), start, strlen(start)), 0);
        }
    }
}

/** The claims of an invite that this body makes, by an agent whose token may not record. */
static int invite(struct api_bench *b, const char *text, struct claims *ret)
{
    struct role_grants grants = {.publish = true, .subscribe = true};
    const struct api_ask ask = {
        .role = ROLE_AGENT, .grants = &grants, .param = {b->sc.id.text}, .body = text};
    int status = api_on_store(b, api_invite, ask);
    const char *token = api_text(b, "token"), *why;
    if (status == 201)
        assert_int_equal(
            auth_verify(b->app.auth, token, strlen(token), b->unix_us / 1000000, ret, &why), 0);
    return status;
}

static void test_the_token_says_what_was_asked_for(void **state)
{
    struct api_bench *b = *state;
    struct claims claims;
    assert_int_equal(invite(b, "{'role':'viewer','name':'Uncle','ttl_seconds':60}", &claims), 201);
    assert_int_equal(claims.role, ROLE_VIEWER);
    assert_string_equal(claims.name, "Uncle");
    assert_string_equal(claims.merchant, "default");
    assert_string_equal(claims.case_id.text, b->sc.id.text);
    assert_int_equal(claims.expires_s, b->unix_us / 1000000 + 60);
    assert_int_equal(strncmp(claims.identity, "guest-", 6), 0);
    assert_string_equal(claims.identity + 6, claims.jti);
    assert_string_equal(api_text(b, "identity"), claims.identity);
    assert_string_equal(api_text(b, "role"), "viewer");
    assert_string_equal(api_text(b, "expires_at"), "2023-11-14T22:14:21.000Z");
    /* The buyer's is the case's buyer; nobody else takes that name. */
    assert_int_equal(invite(b, "{'role':'buyer'}", &claims), 201);
    assert_string_equal(claims.identity, "lin");
    assert_string_equal(claims.name, "Bo");
    assert_int_equal(claims.expires_s, b->unix_us / 1000000 + LIMIT_TOKEN_AHEAD_S);
}

static void test_it_is_remembered(void **state)
{
    struct api_bench *b = *state;
    struct claims claims;
    enum store_invite_state invited;
    assert_int_equal(invite(b, "{'role':'viewer','single_use':true}", &claims), 201);
    assert_int_equal(world_events(&b->w, &b->sc.id, "invited"), 1);
    assert_int_equal(store_invite_state(b->w.store, claims.jti, &invited), 0);
    assert_int_equal(invited, INVITE_UNUSED);
}

static void test_no_more_than_one_has(void **state)
{
    struct api_bench *b = *state;
    struct claims claims;
    assert_int_equal(invite(b, "{'role':'agent','grants':{'record':true}}", &claims), 201);
    assert_true(claims.grants.publish);
    assert_false(claims.grants.record);
    assert_int_equal(invite(b, "{'role':'agent','grants':{'publish':false}}", &claims), 201);
    assert_false(claims.grants.publish);
    assert_true(claims.grants.subscribe);
}

static void test_refuses_what_is_wrong(void **state)
{
    struct api_bench *b = *state;
    struct claims claims;
    static const char *const bodies[] = {
        "{}",
        "{'role':'king'}",
        "{'role':7}",
        "{'role':'supervisor'}", /* nobody invites one */
        "{'role':'service'}",
        "{'role':'agent','grants':{'publish':'no'}}",
        "{'role':'agent','grants':[]}",
        "{'role':'buyer','single_use':'yes'}",
        "{'role':'viewer','name':'a\\nb'}",
        "{'role':'viewer','name':''}",
        "{'role':'viewer','identity':''}",
        "{'role':'viewer','identity':7}",
        "{'role':'viewer','identity':'a\\tb'}",
        "{'role':'viewer','ttl_seconds':59}",
        "{'role':'viewer','ttl_seconds':86401}",
        "{'role':'viewer','ttl_seconds':'60'}",
        /* The buyer's word, such as a consent, is the buyer's alone. */
        "{'role':'viewer','identity':'lin'}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        assert_int_equal(invite(b, bodies[i], &claims), 400);
    assert_int_equal(invite(b, "{'role':'buyer','identity':'lin'}", &claims), 201);
    assert_int_equal(world_events(&b->w, &b->sc.id, "invited"), 1);
}

static int invite_by(struct api_bench *b, enum role role, const char *who, const char *text)
{
    return api_on_store(
        b, api_invite,
        (struct api_ask){.role = role, .who = who, .param = {b->sc.id.text}, .body = text});
}

static void come(struct api_bench *b, const struct id *case_id, enum role role, const char *who)
{
    struct store_person p = {.role = role};
    (void)str_copy(p.identity, sizeof p.identity, who);
    assert_int_equal(store_person_put(b->w.store, case_id, &p, b->unix_us), 0);
}

static void test_nobody_acts_in_a_colleagues_name(void **state)
{
    struct api_bench *b = *state;
    struct store_case other = world_case(&b->w, "mia");
    static const char *const bodies[] = {"{'role':'agent','identity':'ben'}",
                                         "{'role':'viewer','identity':'ben'}",
                                         "{'role':'buyer','identity':'ben'}"};
    assert_int_equal(invite_by(b, ROLE_AGENT, "ann", bodies[1]), 201); /* nobody knows one */
    come(b, &b->sc.id, ROLE_VIEWER, "ben");
    come(b, &other.id, ROLE_AGENT, "ben"); /* now everybody does */
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(invite_by(b, ROLE_AGENT, "ann", bodies[i]), 403);
        assert_int_equal(invite_by(b, ROLE_AGENT, "ben", bodies[i]), 201); /* it is his own */
        assert_int_equal(invite_by(b, ROLE_SERVICE, "shop", bodies[i]), 201);
    }
    /* Who did something on the case need not have come into its room; the buyer of another is a stranger. */
    assert_int_equal(
        store_event_append(b->w.store, &b->sc.id, "judge", "reviewed", NULL, b->unix_us, NULL), 0);
    assert_int_equal(invite_by(b, ROLE_AGENT, "ann", "{'role':'viewer','identity':'judge'}"), 403);
    assert_int_equal(invite_by(b, ROLE_AGENT, "ann", "{'role':'viewer','identity':'mia'}"), 201);
}

/** A guest's link runs out: the same guest may be invited again, to other cases too. */
static void test_guests_may_be_invited_again(void **state)
{
    struct api_bench *b = *state;
    static const char expert[] = "{'role':'appraiser','identity':'expert'}";
    for (int i = 0; i < 3; i++) {
        assert_int_equal(invite_by(b, ROLE_APPRAISER, i ? "ann" : "cid", expert), 201);
        come(b, &b->sc.id, ROLE_APPRAISER, "expert");
        assert_int_equal(
            store_event_append(b->w.store, &b->sc.id, "expert", "chat", NULL, b->unix_us, NULL), 0);
    }
}

/** Whom a service invited is no guest of those who are on the case. */
static void test_whom_a_service_invited_is_a_colleague(void **state)
{
    struct api_bench *b = *state;
    static const char rita[] = "{'role':'appraiser','identity':'rita'}",
                      joe[] = "{'role':'viewer','identity':'joe'}";
    assert_int_equal(invite_by(b, ROLE_SERVICE, "shop", rita), 201);
    come(b, &b->sc.id, ROLE_APPRAISER, "rita");
    assert_int_equal(invite_by(b, ROLE_APPRAISER, "ann", rita), 403);
    assert_int_equal(invite_by(b, ROLE_SERVICE, "shop", rita), 201);
    assert_int_equal(invite_by(b, ROLE_SERVICE, "shop", joe), 201); /* likewise who only spoke */
    assert_int_equal(
        store_event_append(b->w.store, &b->sc.id, "joe", "chat", NULL, b->unix_us, NULL), 0);
    assert_int_equal(invite_by(b, ROLE_AGENT, "ann", joe), 403);
}

/** Whether who comes by the link that was made last is a guest. */
static bool is_guest(struct api_bench *b)
{
    bool guest = false;
    struct claims who;
    const char *token = api_text(b, "token"), *why;
    assert_int_equal(auth_verify(b->w.auth, token, strlen(token), b->unix_us / 1000000, &who, &why),
                     0);
    assert_int_equal(store_invite_guest(b->w.store, who.jti, &guest), 0);
    return guest;
}

static void test_an_appraisers_guests_are_known(void **state)
{
    struct api_bench *b = *state;
    bool guest = true;
    static const char joe[] = "{'role':'appraiser','identity':'joe'}";
    assert_int_equal(invite_by(b, ROLE_APPRAISER, "bob", joe), 201);
    assert_true(is_guest(b));
    assert_int_equal(invite_by(b, ROLE_SERVICE, "shop", joe), 201); /* which vouches for them */
    assert_false(is_guest(b));
    /* A token of the merchant's own is nobody's link, whoever named that one. */
    assert_int_equal(store_invite_guest(b->w.store, "", &guest), 0);
    assert_false(guest);
    assert_int_equal(store_invite_guest(b->w.store, NULL, &guest), 0);
    assert_false(guest);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, api_bench_setup, api_bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_invites_by_role),
        TEST(test_the_token_says_what_was_asked_for),
        TEST(test_it_is_remembered),
        TEST(test_no_more_than_one_has),
        TEST(test_refuses_what_is_wrong),
        TEST(test_nobody_acts_in_a_colleagues_name),
        TEST(test_guests_may_be_invited_again),
        TEST(test_whom_a_service_invited_is_a_colleague),
        TEST(test_an_appraisers_guests_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
