// SPDX-License-Identifier: Apache-2.0
/* An authentication over HTTP, from its checklist to its certificate: who may do what, what is missing, blind opinions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "server/examination.h"
#include "server/store_alarms.h"
#include "server/store_examination.h"
#include "tests/unit/support/hat_bench.h"

static void test_checklists_of_a_merchant(void **state)
{
    struct hat_bench *b = *state;
    struct api_bench *a = &b->api;
    for (enum role role = 0; role < ROLE_COUNT; role++) {
        bool may = role == ROLE_SERVICE || role == ROLE_SUPERVISOR;
        bool reads = may || role == ROLE_AGENT || role == ROLE_APPRAISER || role == ROLE_ARBITER;
        struct api_ask one = {.role = role, .param = {"hats"}, .method = HTTP_PUT, .body = HATS};
        assert_int_equal(api_on_store(a, api_checklist_put, one), may ? 200 : 403);
        assert_int_equal(api_on_store(a, api_checklist_get, one), reads ? 200 : 403);
        assert_int_equal(api_on_store(a, api_checklists_list, one), reads ? 200 : 403);
    }
    struct api_ask hat = {.role = ROLE_AGENT, .query = "category=HAT"};
    assert_int_equal(api_on_store(a, api_checklists_list, hat), 200);
    assert_string_equal(api_text(a, "items.0.id"), "hats");
    assert_int_equal(json_array_size(json_object_get(a->body, "items")), 1);
    hat.foreign = true;
    assert_int_equal(api_on_store(a, api_checklists_list, hat), 200);
    assert_int_equal(json_array_size(json_object_get(a->body, "items")), 0);
    struct api_ask old = {.role = ROLE_SERVICE,
                          .param = {"hats"},
                          .method = HTTP_PUT,
                          .if_match = "\"" SHA "\"",
                          .body = HATS};
    assert_int_equal(api_on_store(a, api_checklist_put, old), 412);
    assert_int_equal(api_on_store(a, api_checklist_delete, old), 412);
    old.if_match = NULL;
    old.body = "{'name':{'en':'Hats'}}";
    assert_int_equal(api_on_store(a, api_checklist_put, old), 400);
    old.query = "version=0";
    assert_int_equal(api_on_store(a, api_checklist_get, old), 400);
    old.query = NULL;
    assert_int_equal(api_on_store(a, api_checklist_delete, old), 204);
    assert_int_equal(api_on_store(a, api_checklist_get, old), 404);
}

static void goods(struct hat_bench *b, const char *body)
{
    assert_int_equal(api_on_store(&b->api, api_case_change,
                                  (struct api_ask){.role = ROLE_AGENT,
                                                   .who = "ann",
                                                   .of_case = &b->hat.id,
                                                   .method = HTTP_PATCH,
                                                   .if_match = "*",
                                                   .param = {b->hat.id.text},
                                                   .body = body}),
                     200);
}

static const char *pinned(struct hat_bench *b)
{
    assert_int_equal(hat_ask(b, api_examination_get, ROLE_AGENT, "ann", NULL, NULL), 200);
    return api_text(&b->api, "checklist.id");
}

static void test_other_goods_go_by_another_checklist(void **state)
{
    struct hat_bench *b = *state;
    goods(b, "{'category':'watch'}");
    assert_string_equal(pinned(b), "watch");
    goods(b, "{'category':'broom'}"); /* there is none for such */
    assert_string_equal(pinned(b), "watch");
    goods(b, "{'title':'a hat of felt'}");
    assert_int_equal(world_events(&b->api.w, &b->hat.id, "checklist_pinned"), 2);
    goods(b, "{'category':'hat'}");
    assert_string_equal(pinned(b), "hats");
    assert_int_equal(
        hat_ask(b, api_examination_pin, ROLE_APPRAISER, "ann", NULL, "{'checklist':'watch'}"), 201);
    goods(b, "{'category':'handbag'}"); /* somebody has named another one for it */
    assert_string_equal(pinned(b), "watch");
    goods(b, "{'category':'hat'}");
    assert_int_equal(hat_ask(b, api_examination_pin, ROLE_APPRAISER, "ann", NULL, "{}"), 201);
    hat_fill(b);
    goods(b, "{'category':'watch'}"); /* it was examined as a hat */
    assert_string_equal(pinned(b), "hats");
    assert_int_equal(world_events(&b->api.w, &b->hat.id, "checklist_pinned"), 5);
}

static void test_a_case_gets_the_checklist_of_its_goods(void **state)
{
    struct hat_bench *b = *state;
    assert_int_equal(hat_ask(b, api_examination_get, ROLE_BUYER, "lin", NULL, NULL), 200);
    assert_string_equal(api_text(&b->api, "checklist.id"), "hats");
    assert_string_equal(api_text(&b->api, "checklist.name.en"), "Hats");
    assert_string_equal(api_text(&b->api, "points.0.wants"), "still");
    assert_string_equal(api_text(&b->api, "missing.1.point"), "seam");
    assert_int_equal(world_events(&b->api.w, &b->hat.id, "checklist_pinned"), 1);
    /* What is no authentication. */
    struct api_ask none = {
        .role = ROLE_APPRAISER, .param = {b->api.sc.id.text}, .body = "{'checklist':'hats'}"};
    assert_int_equal(api_on_store(&b->api, api_examination_get, none), 404);
    assert_int_equal(api_on_store(&b->api, api_examination_pin, none), 409);
    assert_int_equal(
        hat_ask(b, api_examination_pin, ROLE_APPRAISER, "ann", NULL, "{'checklist':'X'}"), 400);
    assert_int_equal(
        hat_ask(b, api_examination_pin, ROLE_APPRAISER, "ann", NULL, "{'checklist':'none'}"), 404);
    assert_int_equal(
        hat_ask(b, api_examination_pin, ROLE_APPRAISER, "ann", NULL, "{'checklist':'watch'}"), 201);
    assert_string_equal(api_text(&b->api, "checklist.id"), "watch");
    assert_int_equal(hat_ask(b, api_examination_pin, ROLE_APPRAISER, "ann", NULL, "{}"), 201);
    hat_fill(b);
    assert_int_equal(hat_ask(b, api_examination_pin, ROLE_SERVICE, "shop", NULL, "{}"), 409);
    assert_int_equal(hat_ask(b, api_examination_pin, ROLE_APPRAISER, "ann", NULL, "{'anew':true}"),
                     403);
    assert_int_equal(hat_ask(b, api_examination_pin, ROLE_SERVICE, "shop", NULL, "{'anew':true}"),
                     201);
    assert_int_equal(json_array_size(json_object_get(b->api.body, "missing")), 2);
}

static void test_a_case_of_goods_that_none_is_for(void **state)
{
    struct hat_bench *b = *state;
    struct store_case c = {.kind = CASE_AUTHENTICATION, .merchant = "default"};
    bool repeated;
    (void)str_copy(c.title, sizeof c.title, "a stone");
    (void)str_copy(c.buyer, sizeof c.buyer, "lin");
    (void)str_copy(c.buyer_name, sizeof c.buyer_name, "Lin");
    assert_int_equal(
        store_case_create(b->api.w.store, &c, "shop", "k", NULL, NULL, b->api.unix_us, &repeated),
        0);
    struct api_ask ask_it = {.role = ROLE_APPRAISER, .param = {c.id.text}, .body = "{}"};
    assert_int_equal(api_on_store(&b->api, api_examination_get, ask_it), 200);
    assert_true(json_is_null(json_object_get(b->api.body, "checklist")));
    assert_int_equal(api_on_store(&b->api, api_examination_pin, ask_it), 404);
    ask_it.body = "{'checklist':'hats'}";
    assert_int_equal(api_on_store(&b->api, api_examination_pin, ask_it), 201);
    store_case_clear(&c);
}

static void test_points(void **state)
{
    struct hat_bench *b = *state;
    char body[200];
    for (enum role role = 0; role < ROLE_COUNT; role++)
        assert_int_equal(hat_ask(b, api_examination_point, role, "x", "label", "{'note':'n'}"),
                         role == ROLE_APPRAISER ? 200 : 403);
    assert_int_equal(hat_point(b, "tail", "{}"), 404);
    static const char *const bad[] = {
        "{'note':''}",       "{'judgement':'fine'}", "{'evidence':7}",
        "{'evidence':[{}]}", "{'evidence':['%s']}",  "{'evidence':[{'still':'%s','clip':'x'}]}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(hat_point(b, "label", bad[i]), 400);
    assert_int_equal(hat_point(b, "label", "{'evidence':[{'still':'%s','sha256':'00'}]}"), 409);
    assert_int_equal(hat_point(b, "label", "{'evidence':[{'clip':'%s'}]}"),
                     409); /* wants a still */
    assert_int_equal(hat_point(b, "seam", "{'evidence':[{'clip':'%s'}]}"),
                     409); /* none of that id */
    (void)snprintf(body, sizeof body, "{'evidence':[{'still':'%s'}]}", b->foreign.id.text);
    assert_int_equal(hat_ask(b, api_examination_point, ROLE_APPRAISER, "ann", "label", body), 409);
    assert_int_equal(hat_point(b, "label", "{'evidence':[{'still':'%s','sha256':'" SHA "'}]}"),
                     200);
    assert_string_equal(api_text(&b->api, "points.0.evidence.0.sha256"), SHA);
    assert_string_equal(api_text(&b->api, "points.0.note"), "n"); /* said before, and stays */
    assert_string_equal(api_text(&b->api, "points.0.by"), "ann");
    struct api_ask foreign = {.role = ROLE_APPRAISER,
                              .foreign = true,
                              .param = {b->hat.id.text, "label"},
                              .body = "{'note':'n'}"};
    assert_int_equal(api_on_store(&b->api, api_examination_point, foreign), 403);
}

static void test_a_verdict_wants_all_points(void **state)
{
    struct hat_bench *b = *state;
    const char *good = "{'verdict':'genuine'," GROUNDS "}";
    assert_int_equal(hat_verdict(b, ROLE_APPRAISER, good), 409);
    assert_string_equal(b->api.response.content_type, "application/problem+json");
    assert_string_equal(api_text(&b->api, "missing.0.point"), "label");
    assert_string_equal(api_text(&b->api, "missing.0.lacks.2"), "note");
    hat_fill(b);
    assert_int_equal(hat_verdict(b, ROLE_AGENT, good), 403);
    assert_int_equal(hat_verdict(b, ROLE_APPRAISER, "{'verdict':'genuine'}"), 400);
    assert_int_equal(hat_verdict(b, ROLE_APPRAISER,
                                 "{'verdict':'genuine','grounds':[{'text':'x','evidence':['" NONCE
                                 "']}]}"),
                     409);
    assert_string_equal(api_text(&b->api, "unknown_evidence.0"), NONCE);
    assert_int_equal(hat_verdict(b, ROLE_APPRAISER, good), 200);
    assert_string_equal(api_text(&b->api, "state"), "executed");
    assert_string_equal(api_text(&b->api, "verdict.verdict"), "genuine");
    assert_int_equal(b->api.app.judged[JUDGED_VERDICT], 1);
    assert_int_equal(hat_verdict(b, ROLE_APPRAISER, good), 409);
    assert_int_equal(hat_point(b, "label", "{'note':'late'}"), 409);
    uint64_t bad;
    assert_int_equal(store_chain_verify(b->api.w.store, &b->hat.id, &bad), 0);
    /* What is no authentication gets none. */
    struct api_ask other = {.role = ROLE_APPRAISER,
                            .param = {b->api.sc.id.text, "verdict"},
                            .body = "{'verdict':'genuine','grounds':[{'text':'x'}]}"};
    assert_int_equal(api_on_store(&b->api, api_case_act, other), 409);
}

static void test_certificates(void **state)
{
    struct hat_bench *b = *state;
    assert_int_equal(hat_ask(b, api_certificate_issue, ROLE_APPRAISER, "ann", NULL, NULL), 409);
    hat_fill(b);
    assert_int_equal(hat_verdict(b, ROLE_APPRAISER, "{'verdict':'counterfeit'," GROUNDS "}"), 200);
    assert_int_equal(hat_ask(b, api_certificate_issue, ROLE_AGENT, "tom", NULL, NULL), 403);
    assert_int_equal(hat_ask(b, api_certificate_issue, ROLE_SERVICE, "shop", NULL, "{'item':''}"),
                     400);
    assert_int_equal(
        hat_ask(b, api_certificate_issue, ROLE_SERVICE, "shop", NULL, "{'item':'A black hat'}"),
        201);
    char id[64], number[64];
    (void)str_copy(id, sizeof id, api_text(&b->api, "id"));
    (void)str_copy(number, sizeof number, api_text(&b->api, "number"));
    assert_int_equal(hat_ask(b, api_certificate_issue, ROLE_SERVICE, "shop", NULL, NULL), 409);
    assert_string_equal(api_text(&b->api, "certificate"), id);

    struct api_ask anybody = {.nobody = true, .param = {number}};
    assert_int_equal(api_on_store(&b->api, api_certificate_get, anybody), 200);
    assert_string_equal(api_text(&b->api, "id"), id);
    assert_string_equal(api_text(&b->api, "state"), "valid");
    assert_string_equal(api_text(&b->api, "item"), "A black hat");
    assert_string_equal(api_text(&b->api, "verdict"), "counterfeit");
    assert_string_equal(api_text(&b->api, "points.0.evidence.0.sha256"), SHA);
    assert_null(strstr(b->api.response.body, "Lin"));
    assert_null(strstr(b->api.response.body, "ann"));
    assert_null(strstr(b->api.response.body, "The label fits"));
    anybody.param[0] = "LC-0000-0000-0000";
    assert_int_equal(api_on_store(&b->api, api_certificate_get, anybody), 404);
    anybody.param[0] = "x";
    assert_int_equal(api_on_store(&b->api, api_certificate_get, anybody), 404);

    struct api_ask off = {.role = ROLE_SUPERVISOR, .param = {id}, .body = "{'reason':'a lie'}"};
    assert_int_equal(api_on_store(&b->api, api_certificate_revoke, off), 400);
    off.body = "{'reason':'error','note':'SECRET'}";
    off.foreign = true;
    assert_int_equal(api_on_store(&b->api, api_certificate_revoke, off), 403);
    off.foreign = false;
    assert_int_equal(api_on_store(&b->api, api_certificate_revoke, off), 200);
    assert_int_equal(api_on_store(&b->api, api_certificate_revoke, off), 409);
    anybody.param[0] = id;
    assert_int_equal(api_on_store(&b->api, api_certificate_get, anybody), 200);
    assert_string_equal(api_text(&b->api, "state"), "revoked");
    assert_string_equal(api_text(&b->api, "reason"), "error");
    assert_null(strstr(b->api.response.body, "SECRET"));
    struct api_ask buyer = {.role = ROLE_BUYER, .of_case = &b->hat.id, .param = {b->hat.id.text}};
    assert_int_equal(api_on_store(&b->api, api_timeline, buyer), 200);
    assert_non_null(strstr(b->api.response.body, "certificate_revoked"));
    assert_null(strstr(b->api.response.body, "SECRET"));
    assert_int_equal(hat_ask(b, api_certificate_issue, ROLE_SERVICE, "shop", NULL, NULL), 201);
}

/* Blind */

static int commit(struct hat_bench *b, const char *who, const char *opinion)
{
    char hash[STORE_HASH_BYTES], body[120], *text = strdup(opinion);
    for (char *p = text; (p = strchr(p, '\''));)
        *p = '"';
    json_t *o = json_loads(text, 0, NULL);
    assert_non_null(o);
    assert_int_equal(examination_commitment(&b->hat.id, who, o, hash), 0);
    json_decref(o);
    free(text);
    (void)snprintf(body, sizeof body, "{'commitment':'%s'}", hash);
    return hat_ask(b, api_opinion_commit, ROLE_APPRAISER, who, NULL, body);
}

static int reveal(struct hat_bench *b, const char *who, const char *opinion)
{
    return hat_ask(b, api_opinion_reveal, ROLE_APPRAISER, who, NULL, opinion);
}

#define SAYS(verdict)                                                                              \
    "{'verdict':'" verdict "'," GROUNDS ",'nonce':'" NONCE                                         \
    "','points':{'label':{'judgement':'consistent','note':'n'}}}"

static void test_blind_opinions(void **state)
{
    struct hat_bench *b = *state;
    assert_int_equal(commit(b, "ann", SAYS("genuine")), 409); /* nobody asked for it */
    assert_int_equal(hat_ask(b, api_examination_blind, ROLE_AGENT, "tom", NULL, NULL), 403);
    assert_int_equal(hat_ask(b, api_examination_blind, ROLE_SERVICE, "shop", NULL, NULL), 200);
    assert_int_equal(hat_point(b, "label", "{'judgement':'consistent'}"), 409);
    assert_int_equal(hat_point(b, "label", "{'note':'n'}"), 409);
    assert_int_equal(commit(b, "ann", SAYS("genuine")), 409);
    assert_string_equal(api_text(&b->api, "missing.0.lacks.0"), "evidence");
    assert_int_equal(hat_point(b, "label", "{'evidence':[{'still':'%s'}]}"), 200);
    assert_int_equal(hat_point(b, "seam", "{'judgement':'not_applicable','note':'None.'}"), 200);
    assert_int_equal(
        hat_ask(b, api_opinion_commit, ROLE_APPRAISER, "ann", NULL, "{'commitment':'x'}"), 400);
    assert_int_equal(commit(b, "ann", SAYS("genuine")), 201);
    assert_int_equal(hat_point(b, "label", "{'evidence':[]}"), 409);
    assert_int_equal(reveal(b, "ann", SAYS("genuine")), 409); /* too early */
    assert_int_equal(commit(b, "bob", SAYS("counterfeit")), 201);
    assert_int_equal(hat_verdict(b, ROLE_APPRAISER, "{'verdict':'genuine'," GROUNDS "}"), 409);
    assert_int_equal(reveal(b, "ann", SAYS("counterfeit")), 409); /* another one than committed */
    assert_int_equal(reveal(b, "ann", SAYS("genuine")), 200);
    assert_int_equal(commit(b, "bob", SAYS("genuine")), 409); /* knows too much by now */
    assert_int_equal(reveal(b, "bob", SAYS("counterfeit")), 200);
    assert_null(json_object_get(b->api.body, "verdict"));
    assert_int_equal(commit(b, "cyd", SAYS("counterfeit")), 201);
    assert_int_equal(reveal(b, "cyd", SAYS("counterfeit")), 200);
    assert_string_equal(api_text(&b->api, "verdict.verdict"), "counterfeit");
    assert_int_equal(b->api.app.judged[JUDGED_REVEALED], 3);
    assert_int_equal(b->api.app.judged[JUDGED_VERDICT], 1);
    struct store_case after;
    assert_int_equal(store_case_get(b->api.w.store, &b->hat.id, &after), 0);
    assert_int_equal(after.state, CASE_EXECUTED);
    store_case_clear(&after);
    assert_int_equal(hat_ask(b, api_certificate_issue, ROLE_SERVICE, "shop", NULL, NULL), 201);
    assert_true(json_is_true(json_object_get(b->api.body, "blind")));
}

/** So many opinions lapse by then. */
static size_t lapse(struct hat_bench *b)
{
    struct id ids[2];
    struct timers_stuck stuck;
    size_t count;
    assert_int_equal(store_alarms_run(b->api.w.store, b->api.unix_us, ids, 2, &count, &stuck), 0);
    assert_int_equal(stuck.count, 0);
    return count;
}

static void test_a_sealed_opinion_lapses(void **state)
{
    struct hat_bench *b = *state;
    assert_int_equal(hat_ask(b, api_examination_blind, ROLE_SERVICE, "shop", NULL,
                             "{'reveal_within_seconds':59}"),
                     400);
    assert_int_equal(hat_ask(b, api_examination_blind, ROLE_SERVICE, "shop", NULL,
                             "{'reveal_within_seconds':60}"),
                     200);
    assert_int_equal(hat_point(b, "label", "{'evidence':[{'still':'%s'}]}"), 200);
    assert_int_equal(hat_point(b, "seam", "{'judgement':'not_applicable','note':'None.'}"), 200);
    assert_int_equal(commit(b, "ann", SAYS("genuine")), 201);
    assert_int_equal(commit(b, "bob", SAYS("genuine")), 201);
    assert_int_equal(reveal(b, "ann", SAYS("genuine")), 200);
    b->api.unix_us += 60000000;
    assert_int_equal(lapse(b), 0);
    b->api.unix_us += 2000;
    /* While there is a proposal nobody could reveal anything. */
    assert_int_equal(hat_ask(b, api_case_act, ROLE_AGENT, "tom", "propose", "{'outcome':'refund'}"),
                     200);
    assert_int_equal(lapse(b), 0);
    struct store_case after;
    const struct store_action on = {
        .case_id = b->hat.id, .action = CASE_LAPSE, .actor = "system", .role = ROLE_COUNT};
    assert_int_equal(store_case_act(b->api.w.store, &on, b->api.unix_us, &after), 0);
    store_case_clear(&after);
    b->api.unix_us += UINT64_C(3600000001);
    assert_int_equal(lapse(b), 1);
    assert_int_equal(lapse(b), 0);
    assert_int_equal(reveal(b, "bob", SAYS("genuine")), 409);
    assert_int_equal(commit(b, "cyd", SAYS("genuine")), 201);
    assert_int_equal(reveal(b, "cyd", SAYS("genuine")), 200);
    assert_string_equal(api_text(&b->api, "verdict.verdict"), "genuine");
    assert_int_equal(hat_ask(b, api_certificate_issue, ROLE_SERVICE, "shop", NULL, NULL), 201);
    assert_true(json_is_false(json_object_get(b->api.body, "blind"))); /* cyd could read ann's */
}

/** The answer's link is that of whoever asks from now on. */
static void by_link(struct hat_bench *b, struct claims *who)
{
    const char *token = api_text(&b->api, "token"), *why;
    assert_int_equal(
        auth_verify(b->api.w.auth, token, strlen(token), b->api.unix_us / 1000000, who, &why), 0);
    b->jti = who->jti;
}

static void test_guests_of_an_appraiser_do_not_judge(void **state)
{
    struct hat_bench *b = *state;
    struct claims link, vouched;
    const char *good = "{'verdict':'genuine'," GROUNDS "}";
    const char *eve = "{'role':'appraiser','identity':'eve'}";
    assert_int_equal(hat_ask(b, api_invite, ROLE_AGENT, "ann", NULL, eve), 403);
    assert_int_equal(hat_ask(b, api_invite, ROLE_HOST, "ann", NULL, eve), 403);
    assert_int_equal(hat_ask(b, api_examination_blind, ROLE_SERVICE, "shop", NULL, NULL), 200);
    assert_int_equal(hat_point(b, "label", "{'evidence':[{'still':'%s'}]}"), 200);
    assert_int_equal(hat_point(b, "seam", "{'judgement':'not_applicable','note':'None.'}"), 200);
    assert_int_equal(commit(b, "bob", SAYS("genuine")), 201);
    assert_int_equal(hat_ask(b, api_invite, ROLE_APPRAISER, "bob", NULL, eve), 201);
    by_link(b, &link);
    assert_int_equal(commit(b, "eve", SAYS("genuine")), 403); /* it would be both opinions */
    b->jti = NULL;
    assert_int_equal(hat_ask(b, api_examination_pin, ROLE_SERVICE, "shop", NULL, "{'anew':true}"),
                     201);
    hat_fill(b);
    b->jti = link.jti;
    assert_int_equal(hat_ask(b, api_case_act, ROLE_APPRAISER, "eve", "verdict", good), 403);
    b->jti = NULL;
    assert_int_equal(hat_verdict(b, ROLE_APPRAISER, good), 200);
    b->jti = link.jti;
    assert_int_equal(hat_ask(b, api_certificate_issue, ROLE_APPRAISER, "eve", NULL, NULL), 403);
    b->jti = NULL;
    assert_int_equal(hat_ask(b, api_invite, ROLE_SERVICE, "shop", NULL, eve), 201);
    by_link(b, &vouched);
    assert_int_equal(hat_ask(b, api_certificate_issue, ROLE_APPRAISER, "eve", NULL, NULL), 201);
}

/** Nobody keeps a colleague from judging by asking them to help. */
static void test_whom_an_appraiser_names_may_judge_for_the_merchant(void **state)
{
    struct hat_bench *b = *state;
    assert_int_equal(hat_ask(b, api_invite, ROLE_APPRAISER, "bob", NULL,
                             "{'role':'appraiser','identity':'eve'}"),
                     201);
    hat_fill(b);
    assert_int_equal(hat_ask(b, api_case_act, ROLE_APPRAISER, "eve", "verdict",
                             "{'verdict':'genuine'," GROUNDS "}"),
                     200);
}

static void test_blind_is_asked_for_before_anybody_judged(void **state)
{
    struct hat_bench *b = *state;
    assert_int_equal(hat_point(b, "label", "{'note':'It looks right.'}"), 200);
    assert_int_equal(hat_ask(b, api_examination_blind, ROLE_SERVICE, "shop", NULL, NULL), 409);
}

static int reopen(struct hat_bench *b)
{
    assert_int_equal(hat_ask(b, api_case_act, ROLE_SERVICE, "shop", "close", NULL), 200);
    return hat_ask(b, api_case_act, ROLE_SERVICE, "shop", "reopen", NULL);
}

static void test_what_was_judged_stays_known(void **state)
{
    struct hat_bench *b = *state;
    assert_int_equal(hat_point(b, "label", "{'judgement':'consistent','note':'n'}"), 200);
    assert_int_equal(hat_point(b, "label", "{'judgement':'not_applicable'}"), 200);
    assert_int_equal(hat_ask(b, api_examination_blind, ROLE_SERVICE, "shop", NULL, NULL), 409);
    assert_int_equal(hat_ask(b, api_examination_pin, ROLE_SERVICE, "shop", NULL, "{'anew':true}"),
                     201);
    assert_int_equal(hat_ask(b, api_examination_blind, ROLE_SERVICE, "shop", NULL, NULL), 409);
}

static void test_a_blind_verdict_is_not_repeated_blind(void **state)
{
    struct hat_bench *b = *state;
    assert_int_equal(hat_ask(b, api_examination_blind, ROLE_SERVICE, "shop", NULL, NULL), 200);
    assert_int_equal(hat_point(b, "label", "{'evidence':[{'still':'%s'}]}"), 200);
    assert_int_equal(hat_point(b, "seam", "{'judgement':'not_applicable','note':'None.'}"), 200);
    assert_int_equal(commit(b, "ann", SAYS("genuine")), 201);
    assert_int_equal(commit(b, "bob", SAYS("genuine")), 201);
    assert_int_equal(reveal(b, "ann", SAYS("genuine")), 200);
    assert_int_equal(reveal(b, "bob", SAYS("genuine")), 200);
    assert_int_equal(reopen(b), 200);
    assert_int_equal(commit(b, "cyd", SAYS("genuine")), 409); /* has read both */
    assert_int_equal(hat_ask(b, api_examination_blind, ROLE_SERVICE, "shop", NULL, NULL), 409);
    hat_fill(b); /* openly */
    assert_int_equal(hat_verdict(b, ROLE_APPRAISER, "{'verdict':'genuine'," GROUNDS "}"), 200);
    assert_int_equal(hat_ask(b, api_certificate_issue, ROLE_SERVICE, "shop", NULL, NULL), 201);
    assert_true(json_is_false(json_object_get(b->api.body, "blind")));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, hat_setup, hat_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_checklists_of_a_merchant),
        TEST(test_a_case_gets_the_checklist_of_its_goods),
        TEST(test_other_goods_go_by_another_checklist),
        TEST(test_a_case_of_goods_that_none_is_for),
        TEST(test_points),
        TEST(test_a_verdict_wants_all_points),
        TEST(test_certificates),
        TEST(test_blind_opinions),
        TEST(test_a_sealed_opinion_lapses),
        TEST(test_guests_of_an_appraiser_do_not_judge),
        TEST(test_whom_an_appraiser_names_may_judge_for_the_merchant),
        TEST(test_what_was_judged_stays_known),
        TEST(test_a_blind_verdict_is_not_repeated_blind),
        TEST(test_blind_is_asked_for_before_anybody_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
