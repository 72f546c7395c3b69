// SPDX-License-Identifier: Apache-2.0
/* A case's record over HTTP: who may change it, who comes too late and what they are told, what the timeline says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support/api_bench.h"

static int change(struct api_bench *b, enum role role, const char *body, const char *if_match)
{
    return api_on_store(
        b, api_case_change,
        (struct api_ask){
            .role = role, .param = {b->sc.id.text}, .body = body, .if_match = if_match});
}

static int act(struct api_bench *b, enum role role, const char *action, const char *body)
{
    return api_on_store(
        b, api_case_act,
        (struct api_ask){.role = role, .param = {b->sc.id.text, action}, .body = body});
}

static void test_changes(void **state)
{
    struct api_bench *b = *state;
    assert_int_equal(
        change(b, ROLE_AGENT, "{'title':'Two cups','tier':'gold','order':{'number':'9'}}", "\"1\""),
        200);
    assert_string_equal(api_text(b, "title"), "Two cups");
    assert_string_equal(api_text(b, "order.number"), "9");
    assert_string_equal(b->response.etag, "\"2\"");
    assert_int_equal(world_events(&b->w, &b->sc.id, "case_changed"), 1);
    assert_int_equal(b->app.case_changes, 1);
    /* Nothing else is nothing: no event, no version. */
    assert_int_equal(change(b, ROLE_AGENT, "{'title':'Two cups','tier':'gold'}", "\"2\""), 200);
    assert_string_equal(b->response.etag, "\"2\"");
    assert_int_equal(change(b, ROLE_AGENT, "{}", "*"), 200);
    assert_int_equal(world_events(&b->w, &b->sc.id, "case_changed"), 1);
    assert_int_equal(change(b, ROLE_SERVICE, "{'tier':null}", "*"), 200);
    assert_string_equal(api_text(b, "tier"), "");
    assert_int_equal(api_on_store(b, api_timeline,
                                  (struct api_ask){.role = ROLE_AGENT, .param = {b->sc.id.text}}),
                     200);
    assert_string_equal(api_text(b, "items.1.data.changes.tier.to"), "gold");
    assert_string_equal(api_text(b, "items.2.data.changes.tier.from"), "gold");
    assert_string_equal(api_text(b, "items.2.data.changes.tier.to"), "");
}

static void test_the_second_is_told(void **state)
{
    struct api_bench *b = *state;
    assert_int_equal(change(b, ROLE_AGENT, "{'brand':'Loom'}", NULL), 428);
    assert_int_equal(change(b, ROLE_AGENT, "{'brand':'Loom'}", "\"1\""), 200);
    assert_int_equal(change(b, ROLE_APPRAISER, "{'title':'Mine'}", "\"1\""), 412);
    assert_string_equal(b->response.content_type, "application/problem+json");
    assert_string_equal(b->response.etag, "\"2\"");
    assert_string_equal(api_text(b, "case.brand"), "Loom");
    assert_string_equal(api_text(b, "case.id"), b->sc.id.text);
    assert_int_equal(b->app.case_conflicts, 1);
    assert_int_equal(change(b, ROLE_APPRAISER, "{'title':'Mine'}", "W/\"2\""), 412);
    assert_int_equal(change(b, ROLE_APPRAISER, "{'title':'Mine'}", "\"7\", \"2\""), 200);
    assert_string_equal(api_text(b, "brand"), "Loom");
    assert_string_equal(api_text(b, "title"), "Mine");
}

static void test_who_may(void **state)
{
    struct api_bench *b = *state;
    static const char may[ROLE_COUNT + 1] = ".yy.y..y."; /* agent, appraiser, host, service */
    for (unsigned r = 0; r < ROLE_COUNT; r++) {
        char body[32];
        (void)snprintf(body, sizeof body, "{'reason':'%u'}", r);
        assert_int_equal(change(b, (enum role)r, body, "*"), may[r] == 'y' ? 200 : 403);
    }
    const struct api_ask foreign = {.role = ROLE_AGENT,
                                    .foreign = true,
                                    .param = {b->sc.id.text},
                                    .body = "{'tier':'gold'}",
                                    .if_match = "*"};
    assert_int_equal(api_on_store(b, api_case_change, foreign), 403);
    assert_int_equal(change(b, ROLE_AGENT, "{'state':'closed'}", "*"), 400);
    assert_int_equal(change(b, ROLE_AGENT, "{'priority':11}", "*"), 400);
    assert_int_equal(
        api_on_store(b, api_case_change, (struct api_ask){.role = ROLE_AGENT, .param = {"x"}}),
        404);
}

static void test_what_is_over_stays(void **state)
{
    struct api_bench *b = *state;
    assert_int_equal(act(b, ROLE_AGENT, "cancel", "{}"), 200);
    assert_int_equal(change(b, ROLE_AGENT, "{'tier':'gold'}", "*"), 409);
    assert_int_equal(json_array_size(json_object_get(b->body, "allowed_states")), 9);
    assert_int_equal(act(b, ROLE_AGENT, "reopen", "{}"), 200);
    assert_int_equal(change(b, ROLE_AGENT, "{'tier':'gold'}", "*"), 200);
}

static int ask(struct api_bench *b, void (*handler)(struct store *, struct api_call *),
               enum role role, const char *body)
{
    return api_on_store(b, handler,
                        (struct api_ask){.role = role, .param = {b->sc.id.text}, .body = body});
}

static size_t items(const struct api_bench *b)
{
    return json_array_size(json_object_get(b->body, "items"));
}

static void test_notes(void **state)
{
    struct api_bench *b = *state;
    static const char internal[ROLE_COUNT + 1] = ".yyyy.yyy", visible[ROLE_COUNT + 1] = ".yyyy..y.";
    assert_int_equal(act(b, ROLE_AGENT, "propose", "{'outcome':'refund'}"), 200);
    assert_int_equal(act(b, ROLE_BUYER, "dispute", "{'statement':'no'}"),
                     200); /* for the arbiter */
    for (unsigned r = 0; r < ROLE_COUNT; r++) {
        const struct api_ask note = {.role = (enum role)r,
                                     .of_case = &b->sc.id,
                                     .param = {b->sc.id.text},
                                     .body = "{'text':'x'}"};
        struct api_ask open = note;
        open.body = "{'text':'y','visible':true}";
        assert_int_equal(api_on_store(b, api_note_add, note), internal[r] == 'y' ? 201 : 403);
        assert_int_equal(api_on_store(b, api_note_add, open), visible[r] == 'y' ? 201 : 403);
    }
    assert_int_equal(ask(b, api_note_add, ROLE_AGENT, "{'text':'for us'}"), 201);
    assert_string_equal(api_text(b, "text"), "for us");
    assert_string_equal(api_text(b, "by"), "me");
    assert_int_equal(ask(b, api_notes_list, ROLE_AGENT, NULL), 200);
    assert_int_equal(items(b), 13);
    assert_int_equal(ask(b, api_notes_list, ROLE_BUYER, NULL), 200);
    assert_int_equal(items(b), 5);
    assert_string_equal(api_text(b, "items.0.text"), "y");
    static const char *const bad[] = {"{}", "{'text':''}", "{'text':7}", "{'text':'a','visible':1}",
                                      "{'text':'\\u0001'}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(ask(b, api_note_add, ROLE_AGENT, bad[i]), 400);
}

static void test_a_buyer_reads_nothing_internal(void **state)
{
    struct api_bench *b = *state;
    const struct id other = world_case(&b->w, "bo").id;
    char link[120];
    (void)snprintf(link, sizeof link, "{'case':'%s','relation':'related'}", other.text);
    assert_int_equal(ask(b, api_note_add, ROLE_AGENT, "{'text':'SECRET'}"), 201);
    assert_int_equal(ask(b, api_case_tag, ROLE_AGENT, "{'add':['SECRET']}"), 200);
    assert_int_equal(ask(b, api_case_link, ROLE_AGENT, link), 201);
    assert_string_equal(api_text(b, "links.0.case"), other.text);
    static void (*const reads[])(struct store *, struct api_call *) = {
        api_case_get, api_timeline, api_notes_list, api_cases_list};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(ask(b, reads[i], ROLE_AGENT, NULL), 200);
        char *seen = json_dumps(b->body, 0);
        assert_non_null(strstr(seen, "SECRET"));
        free(seen);
        assert_int_equal(ask(b, reads[i], ROLE_BUYER, NULL), 200);
        seen = json_dumps(b->body, 0);
        assert_null(strstr(seen, "SECRET"));
        assert_null(strstr(seen, other.text));
        free(seen);
    }
}

static void test_tags(void **state)
{
    struct api_bench *b = *state;
    assert_int_equal(ask(b, api_case_tag, ROLE_AGENT, "{'add':['vip','\xe6\x98\x93\xe7\xa2\x8e']}"),
                     200);
    assert_string_equal(api_text(b, "tags.0"), "vip");
    assert_string_equal(b->response.etag, "\"2\"");
    assert_int_equal(ask(b, api_case_tag, ROLE_BUYER, "{'add':['x']}"), 403);
    assert_int_equal(ask(b, api_case_tag, ROLE_VIEWER, "{'add':['x']}"), 403);
    static const char too_long[] = "{'add':['aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"
                                   "ffffffffffggggg']}";
    static const char *const bad[] = {"{}",           "{'add':'x'}",         "{'add':[7]}",
                                      "{'add':['']}", "{'remove':['a\\n']}", too_long};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(ask(b, api_case_tag, ROLE_AGENT, bad[i]), 400);
    const struct api_ask late = {
        .role = ROLE_AGENT, .param = {b->sc.id.text}, .body = "{'add':['x']}", .if_match = "\"1\""};
    assert_int_equal(api_on_store(b, api_case_tag, late), 412);
    assert_string_equal(api_text(b, "case.tags.0"), "vip");
}

static void test_links(void **state)
{
    struct api_bench *b = *state;
    const struct id other = world_case(&b->w, "bo").id;
    char body[160];
    static const char *const bad[] = {"{}", "{'relation':'related'}",
                                      "{'relation':'related','case':'x'}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(ask(b, api_case_link, ROLE_AGENT, bad[i]), i ? 404 : 400);
    (void)snprintf(body, sizeof body, "{'case':'%s','relation':'cousin'}", other.text);
    assert_int_equal(ask(b, api_case_link, ROLE_AGENT, body), 400);
    (void)snprintf(body, sizeof body, "{'case':'%s','relation':'related'}", b->sc.id.text);
    assert_int_equal(ask(b, api_case_link, ROLE_AGENT, body), 400);
    (void)snprintf(body, sizeof body, "{'case':'%s','relation':'reinspection_of'}", other.text);
    assert_int_equal(ask(b, api_case_link, ROLE_AGENT, body), 201);
    assert_int_equal(ask(b, api_case_link, ROLE_AGENT, body), 409);
    /* Who may see but this one case links it to no other. */
    const struct api_ask bound = {
        .role = ROLE_AGENT, .of_case = &b->sc.id, .param = {b->sc.id.text}, .body = body};
    assert_int_equal(api_on_store(b, api_case_link, bound), 404);
    const struct api_ask off = {.role = ROLE_AGENT, .param = {b->sc.id.text, other.text}};
    assert_int_equal(api_on_store(b, api_case_unlink, off), 200);
    assert_int_equal(json_array_size(json_object_get(b->body, "links")), 0);
    assert_int_equal(api_on_store(b, api_case_unlink, off), 404);
}

/** A token for one case, or for what was disputed, is shown nothing of the cases beside it. */
static void test_links_show_what_one_may_see(void **state)
{
    struct api_bench *b = *state;
    const struct store_case other = world_case(&b->w, "bo");
    char body[160];
    json_t *dispute = json_object();
    (void)snprintf(body, sizeof body, "{'case':'%s','relation':'related'}", other.id.text);
    assert_int_equal(ask(b, api_case_link, ROLE_AGENT, body), 201);
    assert_int_equal(store_case_set(b->w.store, &b->sc.id, "dispute", dispute, b->unix_us), 0);
    const struct api_ask reads[] = {
        {.role = ROLE_APPRAISER, .of_case = &b->sc.id, .param = {b->sc.id.text}},
        {.role = ROLE_BOT, .of_case = &b->sc.id, .param = {b->sc.id.text}},
        {.role = ROLE_ARBITER, .param = {b->sc.id.text}}};
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
        assert_int_equal(api_on_store(b, api_case_get, reads[i]), 200);
        assert_int_equal(json_array_size(json_object_get(b->body, "links")), 0);
        assert_null(strstr(b->response.body, other.number));
        assert_int_equal(api_on_store(b, api_timeline, reads[i]), 200);
        assert_non_null(strstr(b->response.body, "case_linked"));
        assert_null(strstr(b->response.body, other.id.text));
    }
    assert_int_equal(store_case_set(b->w.store, &other.id, "dispute", dispute, b->unix_us), 0);
    assert_int_equal(api_on_store(b, api_case_get, reads[2]), 200);
    assert_string_equal(api_text(b, "links.0.case"), other.id.text);
    json_decref(dispute);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, api_bench_setup, api_bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_changes),
        TEST(test_the_second_is_told),
        TEST(test_who_may),
        TEST(test_what_is_over_stays),
        TEST(test_notes),
        TEST(test_a_buyer_reads_nothing_internal),
        TEST(test_tags),
        TEST(test_links),
        TEST(test_links_show_what_one_may_see),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
