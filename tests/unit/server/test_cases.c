// SPDX-License-Identifier: Apache-2.0
/* The table of transitions, cell by cell: every action from every state by every role; and the
 * checks of what comes with an action. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "server/cases.h"

#define IN(s) (1u << (s))

/** What is wanted, written a second time and in other words: action, from, to. */
static const struct {
    enum case_action action;
    unsigned from;
    enum case_state to;
} moves[] = {
    {CASE_PROPOSE,
     IN(CASE_OPEN) | IN(CASE_WAITING) | IN(CASE_IN_CALL) | IN(CASE_PROPOSED) | IN(CASE_DISPUTED),
     CASE_PROPOSED},
    {CASE_AGREE, IN(CASE_PROPOSED), CASE_AGREED},
    {CASE_DISPUTE, IN(CASE_PROPOSED) | IN(CASE_EXECUTED) | IN(CASE_CLOSED), CASE_DISPUTED},
    {CASE_REVIEW, IN(CASE_DISPUTED) | IN(CASE_IN_REVIEW), CASE_IN_REVIEW},
    {CASE_RULE, IN(CASE_IN_REVIEW), CASE_RULED},
    {CASE_EXECUTE, IN(CASE_AGREED) | IN(CASE_RULED), CASE_EXECUTED},
    {CASE_CLOSE, IN(CASE_EXECUTED), CASE_CLOSED},
    {CASE_CANCEL, IN(CASE_OPEN) | IN(CASE_WAITING) | IN(CASE_IN_CALL) | IN(CASE_PROPOSED),
     CASE_CANCELLED},
    {CASE_REOPEN, IN(CASE_CLOSED) | IN(CASE_CANCELLED), CASE_OPEN},
    {CASE_RATE, 0, CASE_STATES},
    {CASE_APPEAL, IN(CASE_RULED) | IN(CASE_EXECUTED) | IN(CASE_CLOSED), CASE_DISPUTED},
    {CASE_VERDICT, IN(CASE_OPEN) | IN(CASE_WAITING) | IN(CASE_IN_CALL), CASE_EXECUTED},
    {CASE_TRANSFER, 0, CASE_STATES},
    {CASE_WAIT, IN(CASE_OPEN), CASE_WAITING},
    {CASE_STOP_WAIT, IN(CASE_WAITING), CASE_OPEN},
    {CASE_START_CALL, IN(CASE_OPEN) | IN(CASE_WAITING), CASE_IN_CALL},
    {CASE_END_CALL, IN(CASE_IN_CALL), CASE_OPEN},
    {CASE_TAKE_CALL, IN(CASE_IN_CALL), CASE_IN_CALL},
    {CASE_EXPIRE, IN(CASE_OPEN), CASE_CANCELLED},
    {CASE_LAPSE, IN(CASE_PROPOSED), CASE_OPEN},
    {CASE_OVERDUE, 0, CASE_STATES},
};

/** In which the conductor's actions, ratings and transfers happen and move nothing. */
static unsigned kept(enum case_action action)
{
    unsigned settling = IN(CASE_PROPOSED) | IN(CASE_AGREED) | IN(CASE_DISPUTED) |
                        IN(CASE_IN_REVIEW) | IN(CASE_RULED) | IN(CASE_EXECUTED);
    unsigned all = IN(CASE_STATES) - 1;
    switch (action) {
    case CASE_RATE:
        return IN(CASE_AGREED) | IN(CASE_RULED) | IN(CASE_EXECUTED) | IN(CASE_CLOSED);
    case CASE_OVERDUE:
        return IN(CASE_AGREED) | IN(CASE_DISPUTED) | IN(CASE_IN_REVIEW) | IN(CASE_RULED);
    case CASE_TRANSFER:
        return IN(CASE_OPEN) | IN(CASE_WAITING) | IN(CASE_IN_CALL);
    case CASE_TAKE_CALL:
        return settling | IN(CASE_OPEN) | IN(CASE_WAITING);
    case CASE_WAIT:
    case CASE_START_CALL:
        return settling;
    case CASE_STOP_WAIT:
        return all & ~IN(CASE_WAITING);
    case CASE_END_CALL:
        return all & ~IN(CASE_IN_CALL);
    default:
        return 0;
    }
}

static void test_every_move(void **state)
{
    (void)state;
    assert_int_equal(sizeof moves / sizeof moves[0], CASE_ACTIONS);
    for (unsigned a = 0; a < CASE_ACTIONS; a++) {
        enum case_action action = moves[a].action;
        for (unsigned s = 0; s < CASE_STATES; s++) {
            enum case_state to = CASE_STATES;
            int er = case_next(action, (enum case_state)s, &to);
            if (moves[a].from & IN(s)) {
                assert_int_equal(er, 0);
                assert_int_equal(to, moves[a].to);
            } else if (kept(action) & IN(s)) {
                assert_int_equal(er, 0);
                assert_int_equal(to, s);
            } else {
                assert_int_equal(er, ER_CONFLICT);
            }
        }
        assert_int_equal(case_states_for(action), moves[a].from ? moves[a].from : kept(action));
    }
    enum case_state to;
    assert_int_equal(case_next(CASE_ACTIONS, CASE_OPEN, &to), ER_CONFLICT);
    assert_int_equal(case_next(CASE_AGREE, CASE_STATES, &to), ER_CONFLICT);
}

static void test_every_role(void **state)
{
    (void)state;
    /* Columns: buyer agent appraiser arbiter host viewer supervisor service bot. */
    static const struct {
        enum case_action action;
        const char *may;
    } rows[] = {
        {CASE_PROPOSE, ".yy.y...."},    {CASE_AGREE, "y........"},    {CASE_DISPUTE, "yyy.y..y."},
        {CASE_REVIEW, "...y....."},     {CASE_RULE, "...y....."},     {CASE_EXECUTE, ".yy.y..y."},
        {CASE_CLOSE, ".yyyy..y."},      {CASE_CANCEL, "yyy.y..y."},   {CASE_REOPEN, ".yy.y..y."},
        {CASE_RATE, "y........"},       {CASE_WAIT, "........."},     {CASE_STOP_WAIT, "........."},
        {CASE_START_CALL, "........."}, {CASE_END_CALL, "........."}, {CASE_EXPIRE, "........."},
        {CASE_LAPSE, "........."},      {CASE_OVERDUE, "........."},  {CASE_VERDICT, "..y......"},
        {CASE_APPEAL, "yyy.y..y."},     {CASE_TRANSFER, ".yy.y.yyy"}, {CASE_TAKE_CALL, "........."},
    };
    assert_int_equal(sizeof rows / sizeof rows[0], CASE_ACTIONS);
    for (unsigned a = 0; a < CASE_ACTIONS; a++) {
        assert_int_equal(strlen(rows[a].may), ROLE_COUNT);
        for (unsigned r = 0; r < ROLE_COUNT; r++)
            assert_int_equal(case_role_may(rows[a].action, (enum role)r), rows[a].may[r] == 'y');
        assert_false(case_role_may(rows[a].action, ROLE_COUNT));
    }
    assert_false(case_role_may(CASE_ACTIONS, ROLE_AGENT));
}

static void test_names(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CASE_STATES; i++) {
        enum case_state s;
        assert_int_equal(case_state_parse(case_state_name((enum case_state)i), &s), 0);
        assert_int_equal(s, i);
    }
    for (unsigned i = 0; i < CASE_KINDS; i++) {
        enum case_kind k;
        assert_int_equal(case_kind_parse(case_kind_name((enum case_kind)i), &k), 0);
        assert_int_equal(k, i);
    }
    for (unsigned i = 0; i < CASE_ACTIONS; i++) {
        enum case_action a;
        int er = case_action_parse(case_action_name((enum case_action)i), &a);
        assert_int_equal(er, i >= CASE_WAIT ? ER_NOT_FOUND : 0);
        assert_true(strlen(case_action_event((enum case_action)i)) > 3);
    }
    enum case_state s;
    enum case_kind k;
    enum case_action a;
    assert_int_equal(case_state_parse("lost", &s), ER_NOT_FOUND);
    assert_int_equal(case_state_parse(NULL, &s), ER_NOT_FOUND);
    assert_int_equal(case_kind_parse("", &k), ER_NOT_FOUND);
    assert_int_equal(case_action_parse(NULL, &a), ER_NOT_FOUND);
    assert_string_equal(case_state_name(CASE_STATES), "unknown");
}

static void data_is(enum case_action action, const char *body, const char *want)
{
    json_t *in = json_loads(body, 0, NULL);
    json_t *out = NULL;
    const char *why = NULL;
    assert_non_null(in);
    int er = case_action_data(action, in, &out, &why);
    if (!want) {
        assert_int_equal(er, ER_MALFORMED);
        assert_null(out);
        assert_true(strlen(why) > 0);
    } else {
        json_t *good = json_loads(want, 0, NULL);
        assert_int_equal(er, 0);
        assert_true(json_equal(out, good));
        json_decref(good);
    }
    json_decref(out);
    json_decref(in);
}

static void test_data_of_transfers(void **state)
{
    (void)state;
    data_is(CASE_TRANSFER, "{}", "{}");
    data_is(CASE_TRANSFER, "{\"agent\":\"abe\",\"team\":\"t\",\"mode\":\"warm\",\"note\":\"n\"}",
            "{\"agent\":\"abe\",\"team\":\"t\",\"mode\":\"warm\",\"note\":\"n\"}");
    data_is(CASE_TRANSFER, "{\"mode\":\"hot\"}", NULL);
    data_is(CASE_TRANSFER, "{\"agent\":7}", NULL);
    data_is(CASE_TRANSFER,
            "{\"team\":\"0123456789012345678901234567890123456789012345678901234567890123x\"}",
            NULL);
}

static void test_data(void **state)
{
    (void)state;
    data_is(CASE_PROPOSE, "{\"outcome\":\"refund\",\"x\":1}", "{\"outcome\":\"refund\"}");
    data_is(
        CASE_PROPOSE,
        "{\"outcome\":\"goodwill\",\"amount\":{\"value\":\"12.5\",\"currency\":\"CNY\",\"a\":1}}",
        "{\"outcome\":\"goodwill\",\"amount\":{\"value\":\"12.5\",\"currency\":\"CNY\"}}");
    data_is(CASE_PROPOSE, "{}", NULL);
    data_is(CASE_PROPOSE, "{\"outcome\":\"gold\"}", NULL);
    static const char *const bad_money[] = {"-1",   "1.234",         "1.", ".5", "", "1e3",
                                            "1,00", "1234567890123", " 1"};
    for (size_t i = 0; i < sizeof bad_money / sizeof bad_money[0]; i++) {
        char *text = NULL;
        json_t *o = json_pack("{s:s,s:{s:s,s:s}}", "outcome", "refund", "amount", "value",
                              bad_money[i], "currency", "CNY");
        text = json_dumps(o, 0);
        data_is(CASE_PROPOSE, text, NULL);
        free(text);
        json_decref(o);
    }
    data_is(CASE_PROPOSE,
            "{\"outcome\":\"refund\",\"amount\":{\"value\":\"1\",\"currency\":\"cny\"}}", NULL);
    data_is(CASE_PROPOSE, "{\"outcome\":\"refund\",\"amount\":5}", NULL);
    data_is(CASE_PROPOSE, "{\"outcome\":\"refund\",\"note\":\"\"}", NULL);
    data_is(CASE_AGREE, "{}", "{}");
    data_is(CASE_DISPUTE, "{}", NULL);
    data_is(CASE_DISPUTE, "{\"statement\":\"no\"}", "{\"statement\":\"no\"}");
    data_is(CASE_DISPUTE, "{\"statement\":7}", NULL);
    data_is(CASE_APPEAL, "{\"statement\":\"no\",\"evidence\":[]}",
            "{\"statement\":\"no\",\"evidence\":[]}");
    data_is(CASE_APPEAL, "{\"statement\":\"no\",\"evidence\":[\"abc\"]}", NULL);
    data_is(CASE_RULE,
            "{\"liability\":\"none\",\"remedy\":\"refund\",\"advance_payment\":1,"
            "\"grounds\":[{\"text\":\"x\"}]}",
            NULL);
    data_is(CASE_RULE,
            "{\"liability\":\"merchant\",\"remedy\":\"refund\",\"grounds\":[{\"text\":\"seen\"}]}",
            "{\"liability\":\"merchant\",\"remedy\":\"refund\","
            "\"grounds\":[{\"text\":\"seen\",\"evidence\":[]}]}");
    data_is(CASE_RULE, "{\"liability\":\"merchant\",\"remedy\":\"refund\",\"grounds\":[]}", NULL);
    data_is(CASE_RULE,
            "{\"liability\":\"me\",\"remedy\":\"refund\",\"grounds\":[{\"text\":\"x\"}]}", NULL);
    data_is(CASE_RULE,
            "{\"liability\":\"none\",\"remedy\":\"refund\","
            "\"grounds\":[{\"text\":\"x\",\"evidence\":[\"abc\"]}]}",
            NULL);
    data_is(CASE_VERDICT, "{\"verdict\":\"genuine\",\"grounds\":[{\"text\":\"all fits\"}]}",
            "{\"verdict\":\"genuine\",\"grounds\":[{\"text\":\"all fits\",\"evidence\":[]}]}");
    data_is(CASE_VERDICT, "{\"verdict\":\"real\",\"grounds\":[{\"text\":\"x\"}]}", NULL);
    data_is(CASE_VERDICT, "{\"verdict\":\"genuine\"}", NULL);
    data_is(CASE_EXECUTE, "{\"reference\":\"R\"}", "{\"reference\":\"R\"}");
    data_is(CASE_RATE, "{\"score\":5,\"text\":\"quick\",\"resolved\":true,\"x\":1}",
            "{\"score\":5,\"text\":\"quick\",\"resolved\":true}");
    data_is(CASE_RATE, "{\"score\":1}", "{\"score\":1}");
    data_is(CASE_RATE, "{}", NULL);
    data_is(CASE_RATE, "{\"score\":0}", NULL);
    data_is(CASE_RATE, "{\"score\":6}", NULL);
    data_is(CASE_RATE, "{\"score\":\"5\"}", NULL);
    data_is(CASE_RATE, "{\"score\":4.5}", NULL);
    data_is(CASE_RATE, "{\"score\":4,\"resolved\":\"yes\"}", NULL);
    data_is(CASE_RATE, "{\"score\":4,\"text\":7}", NULL);
    json_t *none = NULL;
    const char *why;
    assert_int_equal(case_action_data(CASE_CLOSE, NULL, &none, &why), 0);
    json_decref(none);
    assert_int_equal(case_action_data(CASE_ACTIONS, NULL, &none, &why), ER_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_move),
        cmocka_unit_test(test_every_role),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_data),
        cmocka_unit_test(test_data_of_transfers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
