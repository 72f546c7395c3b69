// SPDX-License-Identifier: Apache-2.0
/* The table of deeds, cell by cell: every deed by every role, in every state. */
#include "server/case_deeds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_cell)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
