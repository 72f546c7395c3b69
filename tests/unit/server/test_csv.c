// SPDX-License-Identifier: Apache-2.0
/* Fields as RFC 4180 has them, and none that a spreadsheet would carry out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/csv.h"

static void is(const char *text, const char *want)
{
    char got[100] = "";
    bool first = true;
    FILE *f = fmemopen(got, sizeof got, "w");
    assert_non_null(f);
    csv_text(f, &first, text);
    csv_field(f, &first, "%d", 7);
    csv_end(f, &first);
    assert_true(first);
    assert_int_equal(fclose(f), 0);
    char line[100];
    (void)snprintf(line, sizeof line, "%s,7\r\n", want);
    assert_string_equal(got, line);
}

static void test_fields(void **state)
{
    (void)state;
    is("", "");
    is("Ann", "Ann");
    is("a,b", "\"a,b\"");
    is("say \"no\"", "\"say \"\"no\"\"\"");
    is("two\nlines", "\"two\nlines\"");
    is("\xe8\x8c\xb6", "\xe8\x8c\xb6");
    is("1-2", "1-2");
}

static void test_no_formulas(void **state)
{
    (void)state;
    is("=1+2", "\"'=1+2\"");
    is("+1", "\"'+1\"");
    is("-1", "\"'-1\"");
    is("@SUM(A1)", "\"'@SUM(A1)\"");
    is("\t=1", "\"'\t=1\"");
    is("\r=1", "\"'\r=1\"");
    is("=\",=1", "\"'=\"\",=1\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_no_formulas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
