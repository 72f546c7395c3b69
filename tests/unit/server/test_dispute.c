// SPDX-License-Identifier: Apache-2.0
/* A dispute told by events, in virtual time: who may state, ask, answer, rule and appeal, and until when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/limits.h"
#include "server/dispute.h"

#define S UINT64_C(1000000)
#define T0 (UINT64_C(1700000000) * S)

static void tell(json_t *d, uint64_t at_us, const char *who, const char *type, const char *data)
{
    struct store_event e = {.at_us = at_us};
    char *copy = strdup(data);
    for (char *p = copy; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    (void)snprintf(e.actor, sizeof e.actor, "%s", who);
    (void)snprintf(e.type, sizeof e.type, "%s", type);
    e.data = copy;
    assert_int_equal(dispute_tell(d, "lin", &e), 0);
    free(copy);
}

/** In review by sun, with a question to the buyer that has an hour. */
static json_t *in_review(void)
{
    json_t *d = json_object();
    tell(d, T0, "lin", "outcome_disputed", "{'statement':'Too little.'}");
    tell(d, T0 + S, "tom", "statement_made", "{'side':'merchant','text':'No.','evidence':['ab']}");
    tell(d, T0 + 2 * S, "sun", "review_started", "{}");
    tell(d, T0 + 3 * S, "sun", "question_asked",
         "{'question':1,'to':'buyer','text':'When?','within_seconds':3600}");
    return d;
}

static void test_sides(void **state)
{
    (void)state;
    assert_string_equal(dispute_side(ROLE_BUYER), "buyer");
    assert_string_equal(dispute_side(ROLE_SERVICE), "merchant");
    assert_string_equal(dispute_side(ROLE_AGENT), "merchant");
    assert_null(dispute_side(ROLE_ARBITER));
    assert_null(dispute_side(ROLE_BOT));
}

static const char *text_at(const json_t *d, const char *list, size_t i, const char *member)
{
    const char *text = json_string_value(
        json_object_get(json_array_get(json_object_get(d, list), i), member));
    return text ? text : "";
}

static void test_what_is_told(void **state)
{
    (void)state;
    json_t *d = in_review();
    assert_string_equal(text_at(d, "statements", 0, "side"), "buyer");
    assert_string_equal(text_at(d, "statements", 0, "text"), "Too little.");
    assert_string_equal(text_at(d, "statements", 1, "side"), "merchant");
    assert_string_equal(text_at(d, "questions", 0, "to"), "buyer");
    assert_int_equal(dispute_date(d, T0 + 4 * S), 0);
    assert_string_equal(text_at(d, "questions", 0, "state"), "open");
    assert_null(json_object_get(json_array_get(json_object_get(d, "questions"), 0), "due_us"));
    json_decref(d);
    d = in_review();
    assert_int_equal(dispute_date(d, T0 + 3604 * S), 0);
    assert_string_equal(text_at(d, "questions", 0, "state"), "overdue");
    tell(d, T0 + 9 * S, "tom", "outcome_proposed", "{}");
    tell(d, T0 + 9 * S, "tom", "proposal_lapsed", "{'to':'disputed'}");
    tell(d, T0 + 9 * S, "tom", "outcome_disputed", "{'statement':'Still no.'}");
    assert_int_equal(json_array_size(json_object_get(d, "statements")), 3);
    tell(d, T0 + 9 * S, "lin", "outcome_agreed", "{}");
    assert_int_equal(json_object_size(d), 0); /* they have settled it */
    json_decref(d);
    d = in_review();
    tell(d, T0 + 9 * S, "system", "proposal_lapsed", "{}"); /* the case was open again */
    assert_int_equal(json_object_size(d), 0);
    json_decref(d);
}

static void test_statements(void **state)
{
    (void)state;
    struct refusal why = {0};
    json_t *d = in_review();
    for (unsigned i = 0; i < CASE_STATES; i++) {
        bool may = i == CASE_DISPUTED || i == CASE_IN_REVIEW;
        assert_int_equal(dispute_may_state(d, i, "buyer", &why), may ? 0 : ER_CONFLICT);
    }
    for (int i = 1; i < LIMIT_STATEMENTS; i++) { /* the first one was with the dispute */
        assert_int_equal(dispute_may_state(d, CASE_DISPUTED, "buyer", &why), 0);
        tell(d, T0, "lin", "statement_made", "{'side':'buyer','text':'!'}");
    }
    assert_int_equal(dispute_may_state(d, CASE_DISPUTED, "buyer", &why), ER_FULL);
    /* It silences nobody else. */
    for (int i = 1; i < LIMIT_STATEMENTS; i++) {
        assert_int_equal(dispute_may_state(d, CASE_DISPUTED, "merchant", &why), 0);
        tell(d, T0, "tom", "statement_made", "{'side':'merchant','text':'!'}");
    }
    assert_int_equal(dispute_may_state(d, CASE_DISPUTED, "merchant", &why), ER_FULL);
    json_decref(d);
}

static void test_questions(void **state)
{
    (void)state;
    struct refusal why = {0};
    json_t *d = in_review();
    assert_int_equal(dispute_may_ask(d, CASE_IN_REVIEW, "sun", &why), 0);
    assert_int_equal(dispute_may_ask(d, CASE_IN_REVIEW, "moon", &why), ER_DENIED);
    assert_int_equal(dispute_may_ask(d, CASE_DISPUTED, "sun", &why), ER_CONFLICT);
    uint64_t due = T0 + 3603 * S;
    assert_int_equal(dispute_may_answer(d, CASE_IN_REVIEW, 2, "buyer", T0, &why), ER_NOT_FOUND);
    assert_int_equal(dispute_may_answer(d, CASE_IN_REVIEW, 0, "buyer", T0, &why), ER_NOT_FOUND);
    assert_int_equal(dispute_may_answer(d, CASE_IN_REVIEW, 1, "merchant", T0, &why), ER_DENIED);
    assert_int_equal(dispute_may_answer(d, CASE_RULED, 1, "buyer", T0, &why), ER_CONFLICT);
    assert_int_equal(dispute_may_answer(d, CASE_IN_REVIEW, 1, "buyer", due, &why), 0);
    assert_int_equal(dispute_may_answer(d, CASE_IN_REVIEW, 1, "buyer", due + 1, &why), ER_CONFLICT);
    tell(d, T0 + 5 * S, "lin", "question_answered", "{'question':1,'text':'Monday.'}");
    assert_int_equal(dispute_may_answer(d, CASE_IN_REVIEW, 1, "buyer", T0, &why), ER_CONFLICT);
    assert_int_equal(dispute_date(d, due + 1), 0);
    assert_string_equal(text_at(d, "questions", 0, "state"), "answered");
    json_decref(d);
}

static void test_a_ruling_waits_for_answers_while_there_is_time(void **state)
{
    (void)state;
    struct refusal why = {0};
    json_t *d = in_review();
    uint64_t due = T0 + 3603 * S;
    assert_int_equal(dispute_may_rule(d, "moon", NULL, T0, &why), ER_DENIED);
    assert_int_equal(dispute_may_rule(d, "sun", NULL, due, &why), ER_CONFLICT);
    assert_int_equal(json_array_size(json_object_get(why.more, "open_questions")), 1);
    refusal_clear(&why);
    assert_int_equal(dispute_may_rule(d, "sun", NULL, due + 1, &why), 0);
    tell(d, T0 + 5 * S, "lin", "question_answered", "{'question':1,'text':'Monday.'}");
    assert_int_equal(dispute_may_rule(d, "sun", NULL, T0 + 6 * S, &why), 0);
    tell(d, T0 + 7 * S, "moon", "review_started", "{}"); /* takes it over */
    assert_int_equal(dispute_may_rule(d, "sun", NULL, T0 + 8 * S, &why), ER_DENIED);
    assert_int_equal(dispute_may_rule(d, "moon", NULL, T0 + 8 * S, &why), 0);
    json_decref(d);
}

static void test_one_appeal_within_a_week_to_another_arbiter(void **state)
{
    (void)state;
    struct refusal why = {0};
    json_t *d = in_review();
    uint64_t ruled = T0 + 4000 * S, end = ruled + LIMIT_APPEAL_SECONDS * S;
    assert_int_equal(dispute_may_appeal(d, ruled, &why), ER_CONFLICT);
    tell(d, ruled, "sun", "ruled", "{'liability':'buyer'}");
    assert_int_equal(dispute_may_appeal(d, end, &why), 0);
    assert_int_equal(dispute_may_appeal(d, end + 1, &why), ER_CONFLICT);
    tell(d, ruled + S, "shop", "executed", "{'reference':'R'}");
    assert_non_null(json_object_get(d, "execution"));
    tell(d, ruled + 2 * S, "lin", "appealed",
         "{'statement':'The clip shows it.','evidence':['ab']}");
    assert_null(json_object_get(d, "execution"));
    assert_string_equal(text_at(d, "statements", 2, "text"), "The clip shows it.");
    assert_int_equal(dispute_may_review(d, "sun", &why), ER_DENIED);
    assert_int_equal(dispute_may_review(d, "moon", &why), 0);
    assert_int_equal(dispute_may_rule(d, "sun", NULL, end, &why), ER_DENIED);
    tell(d, ruled + 3 * S, "moon", "review_started", "{}");
    tell(d, ruled + 4 * S, "moon", "ruled", "{'liability':'merchant'}");
    assert_int_equal(dispute_may_appeal(d, ruled + 5 * S, &why), ER_CONFLICT);
    assert_int_equal(json_array_size(json_object_get(d, "rulings")), 2);
    assert_int_equal(dispute_date(d, ruled + 5 * S), 0);
    assert_string_equal(text_at(d, "rulings", 1, "appeal_until"), "");
    json_decref(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sides),
        cmocka_unit_test(test_what_is_told),
        cmocka_unit_test(test_statements),
        cmocka_unit_test(test_questions),
        cmocka_unit_test(test_a_ruling_waits_for_answers_while_there_is_time),
        cmocka_unit_test(test_one_appeal_within_a_week_to_another_arbiter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
