// SPDX-License-Identifier: Apache-2.0
/* The table of deeds, cell by cell: every deed by every role, in every state. */
#include "server/case_deeds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/cases.h"

/* Columns: buyer agent appraiser arbiter host viewer supervisor service bot; then open waiting in_call proposed
 * agreed disputed in_review ruled executed closed cancelled. */
static const struct {
    enum case_deed deed;
    const char *may, *in;
} rows[] = {
    {CASE_CHANGE_FACTS, ".yy.y..y.", "yyyyyyyyy.."},   {CASE_NOTE, ".yyyy.yyy", "yyyyyyyyyyy"},
    {CASE_NOTE_VISIBLE, ".yyyy..y.", "yyyyyyyyyyy"},   {CASE_TAG, ".yyyy.yy.", "yyyyyyyyyyy"},
    {CASE_LINK, ".yyyy.yy.", "yyyyyyyyyyy"},           {CASE_ATTACH, ".yyyy..y.", "yyyyyyyyyyy"},
    {CASE_ATTACH_VISIBLE, "yyyyy..y.", "yyyyyyyyyy."}, {CASE_WRAP_UP, ".yy...y..", "yyyyyyyyyyy"},
    {CASE_BOOK, "yyy.y..y.", "yyyyyyyyy.."},
};

static void test_every_cell(void **state)
{
    (void)state;
    assert_int_equal(sizeof rows / sizeof rows[0], CASE_DEEDS);
    for (unsigned i = 0; i < CASE_DEEDS; i++) {
        assert_int_equal(strlen(rows[i].may), ROLE_COUNT);
        assert_int_equal(strlen(rows[i].in), CASE_STATES);
        for (unsigned r = 0; r < ROLE_COUNT; r++)
            assert_int_equal(case_role_may_do(rows[i].deed, (enum role)r), rows[i].may[r] == 'y');
        for (unsigned s = 0; s < CASE_STATES; s++)
            assert_int_equal(!!(case_states_of_deed(rows[i].deed) & 1u << s), rows[i].in[s] == 'y');
        assert_false(case_role_may_do(rows[i].deed, ROLE_COUNT));
    }
    for (unsigned r = 0; r <= ROLE_COUNT; r++)
        assert_int_equal(case_role_sees_internal((enum role)r),
                         r != ROLE_BUYER && r != ROLE_VIEWER && r != ROLE_COUNT);
    assert_false(case_role_may_do(CASE_DEEDS, ROLE_AGENT));
    assert_int_equal(case_states_of_deed(CASE_DEEDS), 0);
}

static void test_what_a_viewer_knows_of_a_case(void **state)
{
    (void)state;
    json_t *whole = json_pack("{s:s,s:s,s:s,s:{s:s},s:{s:s},s:s}", "title", "A cup", "state",
                              "open", "kind", "live", "buyer", "name", "SECRET", "order", "address",
                              "SECRET", "tier", "SECRET");
    for (enum role role = 0; role < ROLE_COUNT; role++) {
        json_t *o = case_json_for(role, whole);
        char *text = json_dumps(o, 0);
        assert_int_equal(strstr(text, "SECRET") != NULL, role != ROLE_VIEWER);
        assert_string_equal(json_string_value(json_object_get(o, "title")), "A cup");
        assert_int_equal(json_object_size(o), role == ROLE_VIEWER ? 3 : 6);
        free(text);
        json_decref(o);
    }
    json_decref(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_cell),
                                       cmocka_unit_test(test_what_a_viewer_knows_of_a_case)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
