// SPDX-License-Identifier: Apache-2.0
/* Lines of frame logs, there and back, and logs that were cut or changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/framelog.h"

#define HASH "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static const char log_text[] = "loupe-framelog 1 1700000000000000\n"
                               "track 1 video VP8 buyer:%C3%BC%20x\n"
                               "track 2 mix opus -\n"
                               "track 16 voice opus %2D\n"
                               "frame 1 0 1700000000000123 90000 17 k- 1234 " HASH "\n"
                               "frame 2 0 0 0 0 k- 3 " HASH "\n"
                               "frame 1 33 1700000000033123 93000 18 -r 99 " HASH "\n"
                               "gap 33 500 12 13\n"
                               "voice_gap 16 100 140 2\n"
                               "mark 500 size 1280x720\n"
                               "mark 500 muted\n"
                               "end 520\n";

static struct framelog_record parsed(const char *line)
{
    struct framelog_record r;
    if (framelog_parse(span_of(line), &r) != 0)
        fail_msg("does not parse: %s", line);
    return r;
}

static void test_there_and_back(void **state)
{
    (void)state;
    struct framelog_reader reader = framelog_read(span_of(log_text));
    struct framelog_record r;
    char again[sizeof log_text + FRAMELOG_LINE_BYTES];
    size_t len = 0;
    int er;
    while ((er = framelog_next(&reader, &r)) == 0) {
        int n = framelog_write(again + len, sizeof again - len, &r);
        assert_true(n > 0);
        len += (size_t)n;
    }
    assert_int_equal(er, ER_NOT_FOUND);
    assert_true(reader.ended);
    assert_int_equal(reader.line, 12);
    assert_string_equal(again, log_text);
}

#define A_FRAME(numbers, flags, hash) "frame " numbers " " flags " 99 " hash

/** Frames are not written again to see whether they are as they would be. */
static void test_frames_have_one_form(void **state)
{
    (void)state;
    static const char *const bad[] = {
        A_FRAME("1 33 5 6 07", "-r", HASH),
        A_FRAME("1 33 5 06 7", "-r", HASH),
        A_FRAME("1 33 05 6 7", "-r", HASH),
        A_FRAME("1 033 5 6 7", "-r", HASH),
        A_FRAME("01 33 5 6 7", "-r", HASH),
        A_FRAME("1 33 5 6 7", "xr", HASH),
        A_FRAME("1 33 5 6 7", "-x", HASH),
        A_FRAME("1 33 5 6 7", "r-", HASH),
        A_FRAME("1 33 5 6 7", "-r", HASH " "),
        A_FRAME("1 33 5 6 7", "-r", "000102"),
        A_FRAME("1 33 5 6 7", "-r",
                "000102030405060708090A0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
        ("frame 1 33 5 6 7 -r 099 " HASH),
        "frame 1 33 5 6 7 -r",
        "frame",
    };
    struct framelog_record r;
    assert_int_equal(framelog_parse(span_of(A_FRAME("1 33 5 6 0", "-r", HASH)), &r), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (framelog_parse(span_of(bad[i]), &r) != ER_MALFORMED)
            fail_msg("is taken: %s", bad[i]);
}

static void test_fields(void **state)
{
    (void)state;
    struct framelog_record r = parsed("frame 1 33 1700000000033123 93000 18 -r 99 " HASH);
    assert_int_equal(r.type, FRAMELOG_FRAME);
    assert_int_equal(r.track, 1);
    assert_int_equal(r.at_ms, 33);
    assert_int_equal(r.unix_us, 1700000000033123u);
    assert_int_equal(r.timestamp, 93000);
    assert_int_equal(r.seq, 18);
    assert_false(r.key);
    assert_true(r.recovered);
    assert_int_equal(r.len, 99);
    for (size_t i = 0; i < sizeof r.sha256; i++)
        assert_int_equal(r.sha256[i], i);
    r = parsed("track 16 voice opus %2D");
    assert_int_equal(r.kind, FRAMELOG_VOICE);
    assert_string_equal(r.codec, "opus");
    assert_string_equal(r.text, "-");
    r = parsed("track 2 mix opus -");
    assert_string_equal(r.text, "");
    r = parsed("track 1 video VP8 buyer:%C3%BC%20x");
    assert_string_equal(r.text, "buyer:\xc3\xbc x");
    r = parsed("gap 33 500 12 13");
    assert_int_equal(r.to_ms, 500);
    assert_int_equal(r.packets, 12);
    assert_int_equal(r.frames, 13);
    r = parsed("mark 500 size 1280x720");
    assert_int_equal(r.mark, FRAMELOG_SIZE);
    assert_string_equal(r.text, "1280x720");
}

static void test_every_mark_has_a_name(void **state)
{
    (void)state;
    for (unsigned i = 0; i < FRAMELOG_MARKS; i++) {
        struct framelog_record r = {.type = FRAMELOG_MARK, .mark = i};
        char line[FRAMELOG_LINE_BYTES + 1];
        int len = framelog_write(line, sizeof line, &r);
        assert_true(len > 0);
        line[len - 1] = '\0';
        assert_int_equal(parsed(line).mark, i);
    }
    assert_null(framelog_mark_name(FRAMELOG_MARKS));
}

static void test_the_longest_line_fits(void **state)
{
    (void)state;
    struct framelog_record r = {
        .type = FRAMELOG_TRACK, .track = UINT32_MAX, .kind = FRAMELOG_VOICE};
    memset(r.text, '%', FRAMELOG_TEXT_BYTES - 1);
    memset(r.codec, '%', FRAMELOG_CODEC_BYTES - 1);
    char line[FRAMELOG_LINE_BYTES + 1];
    int len = framelog_write(line, sizeof line, &r);
    assert_true(len > 0 && len <= FRAMELOG_LINE_BYTES);
    assert_int_equal(framelog_write(line, (size_t)len, &r), ER_TRUNCATED);
    line[len - 1] = '\0';
    assert_memory_equal(parsed(line).text, r.text, sizeof r.text);
}

static void test_what_no_line_can_have(void **state)
{
    (void)state;
    char line[FRAMELOG_LINE_BYTES + 1];
    struct framelog_record r = {.type = FRAMELOG_MARK, .mark = FRAMELOG_CAMERA};
    (void)str_copy(r.text, sizeof r.text, "two\nlines");
    assert_int_equal(framelog_write(line, sizeof line, &r), ER_INVALID);
    (void)str_copy(r.text, sizeof r.text, "\xff");
    assert_int_equal(framelog_write(line, sizeof line, &r), ER_INVALID);
    r = (struct framelog_record){.type = FRAMELOG_MARK, .mark = FRAMELOG_MARKS};
    assert_int_equal(framelog_write(line, sizeof line, &r), ER_INVALID);
    r = (struct framelog_record){.type = FRAMELOG_TRACK, .kind = FRAMELOG_VIDEO};
    assert_int_equal(framelog_write(line, sizeof line, &r), ER_INVALID);
    r = (struct framelog_record){.type = (enum framelog_type)99};
    assert_int_equal(framelog_write(line, sizeof line, &r), ER_INVALID);
}

static void test_lines_that_are_none(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "end",
        "end ",
        "end 01",
        "end 1 ",
        "end -1",
        "end 9223372036854775808",
        "end 1\r",
        "End 1",
        "loupe-framelog 2 1",
        "loupe-framelog 1",
        "track 1 video VP8",
        "track 1 picture VP8 x",
        "track 1 video VP8 a b",
        "track 1 video VP8 %c3%bc",
        "track 1 video VP8 %41",
        "track 1 video VP8 %4",
        "track 1 video VP8 %00",
        "track 1 video VP8 %FF",
        "track 1 video - x",
        "track 4294967296 video VP8 x",
        "frame 1 0 0 0 0 k- 3 0011",
        "frame 1 0 0 0 0 kk 3 " HASH,
        "frame 1 0 0 0 0 k 3 " HASH,
        "frame 1 0 0 0 0 k- 3 " HASH "0",
        "mark 1 nothing",
        "mark 1 muted ",
        "mark 1 muted -",
        "gap 1 2 3",
    };
    struct framelog_record r;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (framelog_parse(span_of(bad[i]), &r) != ER_MALFORMED)
            fail_msg("parses: '%s'", bad[i]);
}

static void test_a_torn_line_does_not_count(void **state)
{
    (void)state;
    size_t last = 0;
    for (size_t len = 0; len < sizeof log_text; len++) {
        struct framelog_reader reader = framelog_read((struct span){.at = log_text, .len = len});
        struct framelog_record r;
        size_t count = 0;
        int er;
        while ((er = framelog_next(&reader, &r)) == 0)
            count++;
        assert_int_equal(er, ER_NOT_FOUND);
        assert_in_range(count, last, last + 1);
        last = count;
    }
    assert_int_equal(last, 12);
}

static void test_lines_where_they_may_not_be(void **state)
{
    (void)state;
#define START "loupe-framelog 1 5\ntrack 1 video VP8 x\n"
    static const struct {
        const char *text;
        size_t line;
    } bad[] = {
        {"track 1 video VP8 x\n", 1},
        {START "loupe-framelog 1 5\n", 3},
        {START "track 1 mix opus -\n", 3},
        {START "frame 2 0 0 0 0 k- 3 " HASH "\n", 3},
        {START "voice_gap 2 0 0 0\n", 3},
        {START "frame 1 7 0 0 0 k- 3 " HASH "\nframe 1 7 0 0 0 -- 3 " HASH "\n", 4},
        {START "end 1\nmark 1 muted\n", 4},
        {START "\nend 1\n", 3},
    };
#undef START
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct framelog_reader reader = framelog_read(span_of(bad[i].text));
        struct framelog_record r;
        int er;
        while ((er = framelog_next(&reader, &r)) == 0)
            ;
        assert_int_equal(er, ER_MALFORMED);
        assert_int_equal(reader.line, bad[i].line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_frames_have_one_form),
        cmocka_unit_test(test_every_mark_has_a_name),
        cmocka_unit_test(test_the_longest_line_fits),
        cmocka_unit_test(test_what_no_line_can_have),
        cmocka_unit_test(test_lines_that_are_none),
        cmocka_unit_test(test_a_torn_line_does_not_count),
        cmocka_unit_test(test_lines_where_they_may_not_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
