// SPDX-License-Identifier: Apache-2.0
/* Wrap-ups in the store: rows in step with the timeline, as the audit finds them; and figures of what was given. */
#include "server/store_wraps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "server/store_audit.h"
#include "server/store_sql.h"
#include "server/store_stats.h"
#include "tests/unit/support/whole_store.h"

#define S UINT64_C(1000000)

static int setup(void **state)
{
    static struct whole_store w;
    whole_store_make(&w);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    whole_store_free(*state);
    return 0;
}

static void act(struct whole_store *w, enum case_action action, const char *agent, uint64_t at_us)
{
    struct store_case after;
    json_t *data = json_pack("{s:s}", "agent", agent);
    const struct store_action a = {
        .case_id = w->other.id, .action = action, .actor = agent, .role = ROLE_COUNT, .data = data};
    assert_int_equal(store_case_act(w->store, &a, at_us, &after), 0);
    store_case_clear(&after);
    json_decref(data);
}

/** A call of `agent` on the other case, of ten seconds; what is asked for, then. */
static struct store_wrap call(struct whole_store *w, const char *agent, uint64_t at_us,
                              bool *ret_asked)
{
    struct store_case after;
    struct store_wrap wrap = {.case_id = w->other.id, .seconds = 60, .required = true};
    (void)snprintf(wrap.agent, sizeof wrap.agent, "%s", agent);
    act(w, CASE_START_CALL, agent, at_us);
    const struct store_action end = {
        .case_id = w->other.id, .action = CASE_END_CALL, .actor = agent, .role = ROLE_COUNT};
    json_t *data = json_pack("{s:s}", "reason", "hung_up");
    struct store_action a = end;
    a.data = data;
    assert_int_equal(store_wrap_end_call(w->store, &a, at_us + 10 * S, &wrap, &after, ret_asked),
                     0);
    store_case_clear(&after);
    json_decref(data);
    return wrap;
}

/** What the audit finds: the first one's text. */
static void audit(struct whole_store *w, unsigned findings, const char *part)
{
    struct store_audit a = {.trust = {.keys = w->keys}};
    struct report r;
    assert_int_equal(report_init(&r), 0);
    assert_int_equal(store_audit(w->store, &a, &r), 0);
    if (json_array_size(r.findings) != findings)
        json_dumpf(r.findings, stderr, JSON_INDENT(1));
    assert_int_equal(json_array_size(r.findings), findings);
    const json_t *first = json_array_get(r.findings, 0);
    if (findings)
        assert_non_null(strstr(json_string_value(json_object_get(first, "text")), part));
    report_clear(&r);
}

static void test_rows_are_as_the_timeline_has_them(void **state)
{
    struct whole_store *w = *state;
    bool asked;
    uint64_t at = WHOLE_T0 + 1000 * S;
    const struct wrap_rule rule = {.extension_seconds = 30, .extensions = 1};
    struct store_wrap ann = call(w, "ann", at, &asked);
    assert_true(asked);
    struct store_wrap abe = call(w, "abe", at + 20 * S, &asked);
    audit(w, 0, "");
    assert_int_equal(store_wrap_extend(w->store, &ann, "ann", &rule, at + 20 * S), 0);
    assert_int_equal(ann.seconds, 90); /* from when it was due */
    assert_int_equal(store_wrap_extend(w->store, &ann, "ann", &rule, at + 30 * S), ER_CONFLICT);
    assert_int_equal(store_wrap_extend(w->store, &abe, "abe", &rule, at + 130 * S), 0);
    assert_int_equal(store_wrap_due_us(&abe), at + 160 * S); /* it was over: from then */
    audit(w, 0, "");
    assert_int_equal(sql_run(w->store, NULL, "UPDATE wrap_ups SET required = 0", ""), 0);
    audit(w, 2, "not what the timeline tells");
    assert_int_equal(sql_run(w->store, NULL, "UPDATE wrap_ups SET required = 1", ""), 0);
    assert_int_equal(store_wrap_lapse(w->store, &abe, at + 170 * S), 0);
    assert_int_equal(store_wrap_give(w->store, &ann, "ann", "solved", "a note", at + 40 * S), 0);
    assert_int_equal(store_wrap_give(w->store, &ann, "ann", "solved", NULL, at), ER_NOT_FOUND);
    audit(w, 0, "");
    call(w, "ann", at + 200 * S, &asked);
    assert_int_equal(sql_run(w->store, NULL, "DELETE FROM wrap_ups", ""), 0);
    audit(w, 1, "no such row");
}

static void test_handling_is_with_the_wrap_up(void **state)
{
    struct whole_store *w = *state;
    bool asked;
    uint64_t at = WHOLE_T0 + 1000 * S;
    struct store_stats_query q = {.merchant = w->other.merchant, .to_us = INT64_MAX};
    struct stats_cell before, after;
    assert_int_equal(store_stats(w->store, &q, &before, NULL, NULL), 0);
    struct store_wrap ann = call(w, "ann", at, &asked);
    q = (struct store_stats_query){.merchant = w->other.merchant, .to_us = INT64_MAX};
    assert_int_equal(store_stats(w->store, &q, &after, NULL, NULL), 0);
    assert_int_equal(after.handling.count, before.handling.count); /* not over yet */
    assert_int_equal(store_wrap_give(w->store, &ann, "ann", "other", NULL, at + 25 * S), 0);
    q = (struct store_stats_query){.merchant = w->other.merchant, .to_us = INT64_MAX};
    assert_int_equal(store_stats(w->store, &q, &after, NULL, NULL), 0);
    assert_int_equal(after.handling.sum_ms, before.handling.sum_ms + 25000);
    assert_int_equal(after.wrap_up.sum_ms, 15000);
    audit(w, 0, "");
}

static void test_an_outcome_of_the_talk_is_one(void **state)
{
    struct whole_store *w = *state;
    struct store_case after;
    struct store_wrap wrap = {.case_id = w->other.id, .agent = "ann", .seconds = 60};
    bool asked = true;
    uint64_t at = WHOLE_T0 + 1000 * S;
    json_t *data = json_pack("{s:s}", "outcome", "repair");
    act(w, CASE_START_CALL, "ann", at);
    const struct store_action propose = {.case_id = w->other.id,
                                         .action = CASE_PROPOSE,
                                         .actor = "ann",
                                         .role = ROLE_AGENT,
                                         .data = data};
    assert_int_equal(store_case_act(w->store, &propose, at + S, &after), 0);
    store_case_clear(&after);
    json_decref(data);
    const struct store_action end = {
        .case_id = w->other.id, .action = CASE_END_CALL, .actor = "ann", .role = ROLE_COUNT};
    data = json_object();
    struct store_action a = end;
    a.data = data;
    assert_int_equal(store_wrap_end_call(w->store, &a, at + 2 * S, &wrap, &after, &asked), 0);
    store_case_clear(&after);
    json_decref(data);
    assert_false(asked);
    audit(w, 0, "");
    call(w, "ann", at + 10 * S, &asked); /* that was of the talk before */
    assert_true(asked);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_rows_are_as_the_timeline_has_them),
        TEST(test_handling_is_with_the_wrap_up),
        TEST(test_an_outcome_of_the_talk_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
