// SPDX-License-Identifier: Apache-2.0
/* A dispute over HTTP, to its end and past an appeal: who may do what, what is cited, and the arbiters' queue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "server/store_alarms.h"
#include "tests/unit/support/api_bench.h"

#define NONE "00000000000000000000000000000000000000000000000000000000000000aa"

static int ask(struct api_bench *b, void (*handler)(struct store *s, struct api_call *c),
               enum role role, const char *who, const char *param, const char *body)
{
    return api_on_store(b, handler,
                        (struct api_ask){.role = role,
                                         .who = who,
                                         .method = HTTP_POST,
                                         .param = {b->sc.id.text, param},
                                         .body = body});
}

static int act(struct api_bench *b, enum role role, const char *who, const char *action,
               const char *body)
{
    return ask(b, api_case_act, role, who, action, body);
}

static void dispute(struct api_bench *b)
{
    assert_int_equal(act(b, ROLE_AGENT, "tom", "propose",
                         "{'outcome':'goodwill','amount':{'value':"
                         "'5.00','currency':'CNY'}}"),
                     200);
    assert_int_equal(act(b, ROLE_BUYER, "lin", "dispute", "{'statement':'Too little.'}"), 200);
}

/** The hash of the case's first event, which anybody may cite. */
static const char *cited(struct api_bench *b)
{
    static char hash[STORE_HASH_BYTES];
    assert_int_equal(ask(b, api_timeline, ROLE_AGENT, "tom", NULL, NULL), 200);
    (void)snprintf(hash, sizeof hash, "%s", api_text(b, "items.0.hash"));
    return hash;
}

static void test_statements_and_what_they_cite(void **state)
{
    struct api_bench *b = *state;
    char body[200];
    const char *plain = "{'text':'It was whole.'}";
    assert_int_equal(ask(b, api_dispute_get, ROLE_BUYER, "lin", NULL, NULL), 404);
    assert_int_equal(ask(b, api_dispute_state, ROLE_AGENT, "tom", NULL, plain), 409);
    dispute(b);
    for (enum role role = 0; role < ROLE_COUNT; role++) {
        bool may = role == ROLE_BUYER || role == ROLE_AGENT || role == ROLE_APPRAISER ||
                   role == ROLE_HOST || role == ROLE_SERVICE;
        struct api_ask one = {.role = role,
                              .who = role == ROLE_BUYER ? "lin" : "x",
                              .of_case = &b->sc.id,
                              .method = HTTP_POST,
                              .param = {b->sc.id.text},
                              .body = plain};
        assert_int_equal(api_on_store(b, api_dispute_state, one), may ? 201 : 403);
    }
    assert_int_equal(ask(b, api_dispute_state, ROLE_AGENT, "tom", NULL, "{}"), 400);
    assert_int_equal(
        ask(b, api_dispute_state, ROLE_AGENT, "tom", NULL, "{'text':'x','evidence':['ab']}"), 400);
    assert_int_equal(
        ask(b, api_dispute_state, ROLE_AGENT, "tom", NULL, "{'text':'x','evidence':['" NONE "']}"),
        409);
    assert_string_equal(api_text(b, "unknown_evidence.0"), NONE);
    (void)snprintf(body, sizeof body, "{'text':'As agreed.','evidence':['%s']}", cited(b));
    assert_int_equal(ask(b, api_dispute_state, ROLE_AGENT, "tom", NULL, body), 201);
    assert_string_equal(api_text(b, "statements.0.side"), "buyer");
    assert_string_equal(api_text(b, "statements.0.text"), "Too little.");
    assert_int_equal(b->app.judged[JUDGED_STATED], 6);
    struct api_ask foreign = {.role = ROLE_SERVICE,
                              .foreign = true,
                              .method = HTTP_POST,
                              .param = {b->sc.id.text},
                              .body = plain};
    assert_int_equal(api_on_store(b, api_dispute_state, foreign), 403);
    assert_int_equal(api_on_store(b, api_dispute_get, foreign), 403);
}

static void test_questions(void **state)
{
    struct api_bench *b = *state;
    const char *question = "{'to':'buyer','text':'When?','within_seconds':60}";
    dispute(b);
    assert_int_equal(ask(b, api_dispute_ask, ROLE_ARBITER, "sun", NULL, question), 409);
    assert_int_equal(act(b, ROLE_ARBITER, "sun", "review", NULL), 200);
    assert_int_equal(ask(b, api_dispute_ask, ROLE_AGENT, "tom", NULL, question), 403);
    assert_int_equal(ask(b, api_dispute_ask, ROLE_ARBITER, "moon", NULL, question), 403);
    static const char *const bad[] = {"{'to':'both','text':'x'}", "{'to':'buyer'}",
                                      "{'to':'buyer','text':'x','within_seconds':59}",
                                      "{'to':'buyer','text':'x','within_seconds':2592001}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(ask(b, api_dispute_ask, ROLE_ARBITER, "sun", NULL, bad[i]), 400);
    assert_int_equal(ask(b, api_dispute_ask, ROLE_ARBITER, "sun", NULL, question), 201);
    assert_string_equal(api_text(b, "questions.0.state"), "open");
    const char *ruling = "{'liability':'merchant','remedy':'refund','grounds':[{'text':'x'}]}";
    assert_int_equal(act(b, ROLE_ARBITER, "sun", "rule", ruling), 409);
    assert_non_null(json_object_get(b->body, "open_questions"));
    assert_int_equal(ask(b, api_dispute_answer, ROLE_AGENT, "tom", "1", "{'text':'x'}"), 403);
    assert_int_equal(ask(b, api_dispute_answer, ROLE_BUYER, "lin", "2", "{'text':'x'}"), 404);
    assert_int_equal(ask(b, api_dispute_answer, ROLE_BUYER, "lin", "one", "{'text':'x'}"), 404);
    assert_int_equal(ask(b, api_dispute_answer, ROLE_BUYER, "lin", "1", "{}"), 400);
    assert_int_equal(ask(b, api_dispute_answer, ROLE_BUYER, "lin", "1", "{'text':'Monday.'}"), 201);
    assert_string_equal(api_text(b, "questions.0.answer.text"), "Monday.");
    assert_int_equal(ask(b, api_dispute_ask, ROLE_ARBITER, "sun", NULL, question), 201);
    b->unix_us += 61000000;
    assert_int_equal(ask(b, api_dispute_answer, ROLE_BUYER, "lin", "2", "{'text':'late'}"), 409);
    assert_int_equal(act(b, ROLE_ARBITER, "moon", "rule", ruling), 403);
    assert_int_equal(act(b, ROLE_ARBITER, "sun", "rule", ruling), 200);
}

/** How many questions of the first in the queue are in that state. */
static json_int_t questions(struct api_bench *b, const char *state)
{
    const json_t *first = json_array_get(json_object_get(b->body, "items"), 0);
    return json_integer_value(json_object_get(json_object_get(first, "questions"), state));
}

static void test_the_queue_says_what_was_not_answered(void **state)
{
    struct api_bench *b = *state;
    struct id ids[2];
    struct timers_stuck stuck;
    size_t count;
    struct api_ask queue = {.role = ROLE_ARBITER};
    dispute(b);
    assert_int_equal(act(b, ROLE_ARBITER, "sun", "review", NULL), 200);
    assert_int_equal(ask(b, api_dispute_ask, ROLE_ARBITER, "sun", NULL,
                         "{'to':'buyer','text':'When?','within_seconds':120}"),
                     201);
    assert_int_equal(ask(b, api_dispute_ask, ROLE_ARBITER, "sun", NULL,
                         "{'to':'buyer','text':'Where?','within_seconds':60}"),
                     201);
    assert_int_equal(api_on_store(b, api_disputes_list, queue), 200);
    assert_int_equal(questions(b, "open"), 2);
    char first[40];
    (void)snprintf(first, sizeof first, "%s", api_text(b, "items.0.questions.next_due_at"));
    b->unix_us += 61000000;
    assert_int_equal(store_alarms_run(b->w.store, b->unix_us, ids, 2, &count, &stuck), 0);
    assert_int_equal(count, 1);
    assert_int_equal(api_on_store(b, api_disputes_list, queue), 200);
    assert_int_equal(questions(b, "overdue"), 1);
    assert_true(strcmp(first, api_text(b, "items.0.questions.next_due_at")) < 0);
    assert_int_equal(ask(b, api_dispute_get, ROLE_ARBITER, "sun", NULL, NULL), 200);
    assert_string_equal(api_text(b, "questions.0.overdue_at"), "");
    assert_true(strlen(api_text(b, "questions.1.overdue_at")) > 10);
    assert_string_equal(api_text(b, "questions.1.state"), "overdue");
}

static void test_a_ruling_its_execution_and_one_appeal(void **state)
{
    struct api_bench *b = *state;
    char body[300];
    dispute(b);
    assert_int_equal(act(b, ROLE_ARBITER, "sun", "review", NULL), 200);
    assert_int_equal(act(b, ROLE_ARBITER, "sun", "rule",
                         "{'liability':'merchant','remedy':'refund','grounds':[{'text':'x',"
                         "'evidence':['" NONE "']}]}"),
                     409);
    assert_string_equal(api_text(b, "unknown_evidence.0"), NONE);
    (void)snprintf(body, sizeof body,
                   "{'liability':'merchant','remedy':'refund','advance_payment':true,"
                   "'grounds':[{'text':'It says so.','evidence':['%s']}]}",
                   cited(b));
    assert_int_equal(act(b, ROLE_ARBITER, "sun", "rule", body), 200);
    assert_true(
        json_is_true(json_object_get(json_object_get(b->body, "ruling"), "advance_payment")));
    assert_int_equal(act(b, ROLE_SERVICE, "shop", "execute",
                         "{'reference':'R-1','amount':{'value':'5.00','currency':'CNY'}}"),
                     200);
    assert_int_equal(ask(b, api_dispute_get, ROLE_BUYER, "lin", NULL, NULL), 200);
    assert_string_equal(api_text(b, "execution.reference"), "R-1");
    assert_true(strlen(api_text(b, "rulings.0.appeal_until")) > 10);
    assert_int_equal(act(b, ROLE_SERVICE, "shop", "close", NULL), 200);
    assert_int_equal(act(b, ROLE_ARBITER, "sun", "appeal", "{'statement':'x'}"), 403);
    assert_int_equal(
        act(b, ROLE_AGENT, "tom", "appeal", "{'statement':'x','evidence':['" NONE "']}"), 409);
    assert_int_equal(act(b, ROLE_AGENT, "tom", "appeal", "{'statement':'It was used.'}"), 200);
    assert_string_equal(api_text(b, "state"), "disputed");
    assert_int_equal(act(b, ROLE_ARBITER, "sun", "review", NULL), 403);
    assert_int_equal(act(b, ROLE_ARBITER, "moon", "review", NULL), 200);
    assert_int_equal(act(b, ROLE_ARBITER, "moon", "rule", body), 200);
    assert_int_equal(act(b, ROLE_BUYER, "lin", "appeal", "{'statement':'Again.'}"), 409);
    assert_int_equal(b->app.judged[JUDGED_RULED], 2);
    assert_int_equal(b->app.judged[JUDGED_APPEALED], 1);
    uint64_t bad;
    assert_int_equal(store_chain_verify(b->w.store, &b->sc.id, &bad), 0);
}

static void test_an_appeal_comes_within_a_week(void **state)
{
    struct api_bench *b = *state;
    dispute(b);
    assert_int_equal(act(b, ROLE_ARBITER, "sun", "review", NULL), 200);
    assert_int_equal(act(b, ROLE_ARBITER, "sun", "rule",
                         "{'liability':'none','remedy':'no_fault_found','grounds':[{'text':'x'}]}"),
                     200);
    b->unix_us += (LIMIT_APPEAL_SECONDS + 1) * UINT64_C(1000000);
    assert_int_equal(act(b, ROLE_BUYER, "lin", "appeal", "{'statement':'x'}"), 409);
}

static void lapse(struct api_bench *b)
{
    struct store_case after;
    const struct store_action a = {
        .case_id = b->sc.id, .action = CASE_LAPSE, .actor = "system", .role = ROLE_COUNT};
    assert_int_equal(store_case_act(b->w.store, &a, b->unix_us, &after), 0);
    assert_int_equal(after.state, CASE_DISPUTED);
    store_case_clear(&after);
}

static void test_a_merchant_does_not_end_a_dispute_alone(void **state)
{
    struct api_bench *b = *state;
    const char *ruling = "{'liability':'merchant','remedy':'refund','grounds':[{'text':'x'}]}";
    const char *offer = "{'outcome':'no_fault_found'}";
    dispute(b);
    assert_int_equal(act(b, ROLE_AGENT, "tom", "propose", offer), 200);
    assert_int_equal(act(b, ROLE_AGENT, "tom", "cancel", NULL), 409);
    assert_int_equal(act(b, ROLE_SERVICE, "shop", "cancel", NULL), 409);
    lapse(b); /* silence agrees to nothing, and ends nothing */
    assert_int_equal(ask(b, api_dispute_get, ROLE_BUYER, "lin", NULL, NULL), 200);
    assert_string_equal(api_text(b, "statements.0.text"), "Too little.");
    assert_int_equal(act(b, ROLE_AGENT, "tom", "propose", offer), 200);
    assert_int_equal(act(b, ROLE_AGENT, "tom", "dispute", "{'statement':'Mine.'}"), 200);
    assert_int_equal(ask(b, api_dispute_get, ROLE_BUYER, "lin", NULL, NULL), 200);
    assert_string_equal(api_text(b, "statements.0.text"), "Too little.");
    assert_int_equal(act(b, ROLE_ARBITER, "sun", "review", NULL), 200);
    assert_int_equal(act(b, ROLE_ARBITER, "sun", "rule", ruling), 200);
    assert_int_equal(act(b, ROLE_SERVICE, "shop", "execute", NULL), 200);
    assert_int_equal(act(b, ROLE_SERVICE, "shop", "close", NULL), 200);
    assert_int_equal(act(b, ROLE_AGENT, "tom", "reopen", NULL), 409); /* it may be appealed */
    assert_int_equal(act(b, ROLE_BUYER, "lin", "appeal", "{'statement':'More.'}"), 200);
    assert_int_equal(act(b, ROLE_AGENT, "tom", "propose", offer), 409);
    assert_int_equal(ask(b, api_dispute_get, ROLE_BUYER, "lin", NULL, NULL), 200);
    assert_string_equal(api_text(b, "rulings.0.remedy"), "refund");
    assert_string_equal(api_text(b, "appeal.side"), "buyer");
}

static void test_an_offer_in_a_dispute_may_be_agreed_to(void **state)
{
    struct api_bench *b = *state;
    dispute(b);
    assert_int_equal(act(b, ROLE_AGENT, "tom", "propose", "{'outcome':'refund'}"), 200);
    assert_int_equal(act(b, ROLE_BUYER, "lin", "agree", NULL), 200);
    assert_int_equal(ask(b, api_dispute_get, ROLE_BUYER, "lin", NULL, NULL), 404);
}

static void test_the_queue(void **state)
{
    struct api_bench *b = *state;
    struct store_case other = world_case(&b->w, "bo");
    struct api_ask queue = {.role = ROLE_ARBITER};
    dispute(b);
    assert_int_equal(api_on_store(b, api_disputes_list, queue), 200);
    assert_int_equal(json_array_size(json_object_get(b->body, "items")), 1);
    assert_string_equal(api_text(b, "items.0.case"), b->sc.id.text);
    assert_string_equal(api_text(b, "items.0.by"), "buyer");
    assert_string_equal(api_text(b, "items.0.amount.value"), "5.00");
    assert_true(strlen(api_text(b, "items.0.due_at")) > 10);
    struct store_case first = b->sc;
    b->sc = other;
    b->unix_us += 1000000;
    assert_int_equal(act(b, ROLE_AGENT, "tom", "propose", "{'outcome':'refund'}"), 200);
    struct api_ask escalate = {.role = ROLE_SERVICE,
                               .who = "shop",
                               .param = {other.id.text, "dispute"},
                               .body = "{'statement':'No.'}"};
    assert_int_equal(api_on_store(b, api_case_act, escalate), 200);
    queue.query = "limit=1";
    assert_int_equal(api_on_store(b, api_disputes_list, queue), 200);
    assert_string_equal(api_text(b, "items.0.case"), first.id.text); /* waits longer */
    assert_string_equal(api_text(b, "next_cursor"), "1");
    queue.query = "limit=1&cursor=1";
    assert_int_equal(api_on_store(b, api_disputes_list, queue), 200);
    assert_string_equal(api_text(b, "items.0.case"), other.id.text);
    assert_string_equal(api_text(b, "items.0.by"), "merchant");
    assert_null(json_object_get(b->body, "next_cursor"));
    queue.foreign = true;
    queue.query = NULL;
    assert_int_equal(api_on_store(b, api_disputes_list, queue), 200);
    assert_int_equal(json_array_size(json_object_get(b->body, "items")), 0);
    for (enum role role = 0; role < ROLE_COUNT; role++)
        assert_int_equal(api_on_store(b, api_disputes_list, (struct api_ask){.role = role}),
                         role == ROLE_ARBITER || role == ROLE_SUPERVISOR ? 200 : 403);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, api_bench_setup, api_bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_statements_and_what_they_cite),
        TEST(test_questions),
        TEST(test_the_queue_says_what_was_not_answered),
        TEST(test_a_ruling_its_execution_and_one_appeal),
        TEST(test_an_appeal_comes_within_a_week),
        TEST(test_a_merchant_does_not_end_a_dispute_alone),
        TEST(test_an_offer_in_a_dispute_may_be_agreed_to),
        TEST(test_the_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
