// SPDX-License-Identifier: Apache-2.0
/* Text: copies that fit and do not, spans, numbers, hexadecimal, every kind of bad UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/str.h"

static struct span S(const char *text) {
    return span_of(text);
}

static void
copies_what_fits(void **state)
{
    (void)state;
    char text[5];
    assert_int_equal(str_copy(text, sizeof text, "abcd"), 0);
    assert_string_equal(text, "abcd");
    assert_int_equal(str_copy(text, sizeof text, "abcde"), ER_TRUNCATED);
    assert_string_equal(text, "abcd");
    assert_int_equal(str_copy(text, sizeof text, NULL), 0);
    assert_string_equal(text, "");
    assert_int_equal(str_copy(text, 0, "x"), ER_TRUNCATED);
    assert_int_equal(str_copy(text, 1, "x"), ER_TRUNCATED);
    assert_string_equal(text, "");
    assert_int_equal(str_copy_span(text, sizeof text, (struct span){.at = "xyz", .len = 2}), 0);
    assert_string_equal(text, "xy");
}

static void cuts_between_characters(void **state)
{
    (void)state;
    char text[6];
    // Two characters of three bytes; the second does not fit.
    assert_int_equal(str_copy(text, sizeof text, "\xe4\xbd\xa0\xe5\xa5\xbd"), ER_TRUNCATED);
    assert_string_equal(text, "\xe4\xbd\xa0");
    // No UTF-8 at all: cut, but not eaten whole.
    assert_int_equal(str_copy(text, sizeof text, "\x80\x80\x80\x80\x80\x80\x80"), ER_TRUNCATED);
    assert_int_equal(strlen(text), 2);
}

static void compares_spans(void **state)
{
    (void)state;
    assert_true(span_equal(S("abc"), "abc"));
    assert_false(span_equal(S("abc"), "abd"));
    assert_false(span_equal(S("abc"), "ab"));
    assert_true(span_equal(S(NULL), ""));
    assert_true(span_equal_nocase(S("VP8/90000"), "vp8/90000"));
    assert_false(span_equal_nocase(S("VP8"), "VP9"));
    assert_false(span_equal_nocase(S("VP8"), "VP80"));
    assert_false(span_equal_nocase(S("@"), "\x60"));
    assert_true(span_starts(S("a=fmtp:96"), "a=fmtp:"));
    assert_false(span_starts(S("a="), "a=fmtp:"));
    assert_true(span_starts(S(NULL), ""));
}

static void cuts_and_trims(void **state)
{
    (void)state;
    struct span rest = S("a,,bc");
    assert_true(span_equal(span_cut(&rest, ','), "a"));
    assert_true(span_equal(span_cut(&rest, ','), ""));
    assert_non_null(rest.at);
    assert_true(span_equal(span_cut(&rest, ','), "bc"));
    assert_null(rest.at);
    assert_int_equal(span_cut(&rest, ',').len, 0);
    rest = S("x,");
    assert_true(span_equal(span_cut(&rest, ','), "x"));
    assert_non_null(rest.at); // an empty piece is still to come
    assert_int_equal(rest.len, 0);
    assert_true(span_equal(span_trim(S(" \t a b\r\n")), "a b"));
    assert_int_equal(span_trim(S(" \n ")).len, 0);
    assert_int_equal(span_trim(S(NULL)).len, 0);
}

static void reads_numbers(void **state)
{
    (void)state;
    uint64_t v = 7;
    assert_int_equal(span_u64(S("0"), 0, &v), 0);
    assert_int_equal(v, 0);
    assert_int_equal(span_u64(S("0065535"), 65535, &v), 0);
    assert_int_equal(v, 65535);
    assert_int_equal(span_u64(S("18446744073709551615"), UINT64_MAX, &v), 0);
    assert_true(v == UINT64_MAX);
    static const char *const wrong[] = {"", "-1", "+1", " 1", "1 ", "0x1", "1.0", "65536", "a"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(span_u64(S(wrong[i]), 65535, &v), ER_MALFORMED);
    assert_int_equal(span_u64(S("18446744073709551616"), UINT64_MAX, &v), ER_MALFORMED);
    assert_int_equal(span_u64(S("99999999999999999999"), UINT64_MAX, &v), ER_MALFORMED);
    assert_int_equal(span_u64(S("5"), 3, &v), ER_MALFORMED);
    assert_true(v == UINT64_MAX);
}

static void hexadecimal_both_ways(void **state)
{
    (void)state;
    const uint8_t data[] = {0x00, 0x9a, 0xff};
    char text[7];
    uint8_t back[3];
    hex_encode(text, data, sizeof data);
    assert_string_equal(text, "009aff");
    assert_int_equal(hex_decode(back, 3, S("009AfF")), 0);
    assert_memory_equal(back, data, sizeof data);
    hex_encode(text, NULL, 0);
    assert_string_equal(text, "");
    assert_int_equal(hex_decode(back, 3, S("009af")), ER_MALFORMED);
    assert_int_equal(hex_decode(back, 3, S("009aff0")), ER_MALFORMED);
    assert_int_equal(hex_decode(back, 3, S("009aff00")), ER_MALFORMED);
    assert_int_equal(hex_decode(back, 3, S("009ag0")), ER_MALFORMED);
    assert_int_equal(hex_decode(back, 3, S("00 aff")), ER_MALFORMED);
}

static void knows_good_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t code;
    } good[] = {
        {"a", 'a'},
        {"\xc2\x80", 0x80},
        {"\xdf\xbf", 0x7ff},
        {"\xe0\xa0\x80", 0x800},
        {"\xed\x9f\xbf", 0xd7ff},
        {"\xee\x80\x80", 0xe000},
        {"\xef\xbf\xbf", 0xffff},
        {"\xf0\x90\x80\x80", 0x10000},
        {"\xf4\x8f\xbf\xbf", 0x10ffff},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        uint32_t code = 0;
        size_t len = strlen(good[i].text);
        assert_int_equal(utf8_next(good[i].text, len, &code), len);
        assert_int_equal(code, good[i].code);
        for (size_t cut = 0; cut < len; cut++)
            assert_int_equal(utf8_next(good[i].text, cut, &code), 0);
    }
}

static void knows_bad_utf8(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xc2",
        "\xc2\x41",
        "\xe0\x9f\xbf",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xe4\xbd",
        "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xff",
        "\xfe",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint32_t code;
        assert_int_equal(utf8_next(bad[i], strlen(bad[i]), &code), 0);
        assert_false(utf8_is_clean(bad[i], strlen(bad[i])));
    }
}

static void clean_text_has_no_controls(void **state)
{
    (void)state;
    assert_true(utf8_is_clean("", 0));
    assert_true(utf8_is_clean("one\ttwo\nthree \xe4\xbd\xa0 \xf0\x9f\x98\x80", 22));
    assert_false(utf8_is_clean("a\0b", 3));
    assert_false(utf8_is_clean("\r", 1));
    assert_false(utf8_is_clean("\x1b[31m", 5));
    assert_false(utf8_is_clean("\x7f", 1));
    assert_false(utf8_is_clean("\xc2\x9b", 2));
    assert_true(utf8_is_clean("\xc2\xa0", 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_what_fits),
        cmocka_unit_test(cuts_between_characters),
        cmocka_unit_test(compares_spans),
        cmocka_unit_test(cuts_and_trims),
        cmocka_unit_test(reads_numbers),
        cmocka_unit_test(hexadecimal_both_ways),
        cmocka_unit_test(knows_good_utf8),
        cmocka_unit_test(knows_bad_utf8),
        cmocka_unit_test(clean_text_has_no_controls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
