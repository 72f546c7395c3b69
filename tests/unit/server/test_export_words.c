// SPDX-License-Identifier: Apache-2.0
/* Each word is there in each language, and each kind of break has its own. */
#include "server/export_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_each_word_in_each_language(void **state)
{
    (void)state;
    const char *const *english = export_words(false), *const *chinese = export_words(true);
    for (size_t i = 0; i < WORDS; i++) {
        assert_true(english[i] && *english[i] && chinese[i] && *chinese[i]);
        for (const char *at = english[i]; *at; at++)
            assert_in_range(*at, ' ', '~');
        assert_string_not_equal(english[i], chinese[i]);
    }
    assert_string_equal(english[WORD_BREAK_COVERED], "Lens covered");
    assert_string_equal(chinese[WORD_BREAK_COVERED], "镜头被遮挡");
}

static void test_kinds_of_breaks(void **state)
{
    (void)state;
    assert_int_equal(export_break_word("gap"), WORD_BREAK_GAP);
    assert_int_equal(export_break_word("covered"), WORD_BREAK_COVERED);
    assert_int_equal(export_break_word("overrun"), WORD_BREAK_OVERRUN);
    assert_int_equal(export_break_word("something new"), WORD_BREAK_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_word_in_each_language),
        cmocka_unit_test(test_kinds_of_breaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
