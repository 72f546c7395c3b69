// SPDX-License-Identifier: Apache-2.0
/* INI files: what is taken, and what is told of those that are none. */
#include "server/config_ini.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "tests/unit/support/scratch.h"

struct read {
    char text[512]; /* "line section.key=value;" of each */
    unsigned line;
    const char *why;
    const char *stop_at; /* the key that is one too many */
};

static bool on_line(void *ctx, unsigned line, const char *section, const char *key,
                    const char *value)
{
    struct read *r = ctx;
    size_t len = strlen(r->text);
    (void)snprintf(r->text + len, sizeof r->text - len, "%u %s.%s=%.40s;", line, section, key,
                   value);
    return !r->stop_at || strcmp(key, r->stop_at) != 0;
}

static int read_bytes(struct read *r, const char *bytes, size_t len)
{
    struct scratch s;
    scratch_make(&s);
    scratch_write(&s, "loupe.ini", (const uint8_t *)bytes, len);
    const char *stop_at = r->stop_at;
    *r = (struct read){.stop_at = stop_at};
    int er = config_ini_read(scratch_path(&s, "loupe.ini"), on_line, r, &r->line, &r->why);
    scratch_remove(&s);
    return er;
}

#define READ(r, text) read_bytes(r, text, sizeof text - 1)

static void keys_values_sections_and_comments(void **state)
{
    (void)state;
    static const struct {
        const char *file, *read;
    } all[] = {
        {"", ""},
        {"a = b\n", "1 .a=b;"},
        {"a=b", "1 .a=b;"}, /* the last line may have no end */
        {"\xef\xbb\xbf"
         "a = b\r\n c : d \n",
         "1 .a=b;2 .c=d;"},
        {"# x\n; y\n  # z\na = b ; c\n", "4 .a=b;"},
        {"a = b;c\n", "1 .a=b;c;"}, /* no comment without white space before it */
        {"a = #b\n", "1 .a=#b;"},
        {"[one]\na = 1\n[ two ]\nb = 2\n[]\nc =\n", "2 one.a=1;4  two .b=2;6 .c=;"},
        {"url = http://h/?a=b\n", "1 .url=http://h/?a=b;"},
        {"  a = b\n\tc = d\n", "1 .a=b;2 .c=d;"},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct read r = {0};
        assert_int_equal(read_bytes(&r, all[i].file, strlen(all[i].file)), 0);
        assert_string_equal(r.text, all[i].read);
        assert_null(r.why);
    }
}

static void the_line_at_fault_is_named(void **state)
{
    (void)state;
    struct read r = {0};
    assert_int_equal(READ(&r, "a = b\nnothing\nc = d\n"), ER_INVALID);
    assert_int_equal(r.line, 2);
    assert_string_equal(r.why, "not `key = value`");
    assert_string_equal(r.text, "1 .a=b;");
    assert_int_equal(READ(&r, "[open\n"), ER_INVALID);
    assert_string_equal(r.why, "not `[section]`");
    assert_int_equal(READ(&r, "[a] b = c\n"), ER_INVALID);
    assert_string_equal(r.why, "not `[section]`");
    r.stop_at = "c";
    assert_int_equal(READ(&r, "a = b\nc = d\ne = f\n"), ER_INVALID);
    assert_int_equal(r.line, 2);
    assert_null(r.why); /* who was asked knows */
    assert_string_equal(r.text, "1 .a=b;2 .c=d;");
}

/** A value is never the beginning of what stands there. */
static void nuls_are_refused_wherever_they_are(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        size_t len;
    } all[] = {{"\0\n", 2},      {"\0a = b\n", 7}, {"api-key = shop:sec\0ret\n", 23},
               {"a = b\0\n", 7}, {"a = b\0", 6},   {"a = b\0\0\0", 8}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct read r = {0};
        assert_int_equal(read_bytes(&r, all[i].file, all[i].len), ER_INVALID);
        assert_int_equal(r.line, 1);
        assert_string_equal(r.why, "the line has a NUL");
        assert_string_equal(r.text, "");
    }
}

static void lines_are_bounded(void **state)
{
    (void)state;
    static char file[3 * CONFIG_LINE_BYTES];
    struct read r = {0};
    for (size_t len = CONFIG_LINE_BYTES - 2; len <= CONFIG_LINE_BYTES + 2; len++) {
        memset(file, 'x', sizeof file);
        memcpy(file, "a = ", 4);
        memcpy(file + len, "\nb = c\n", 7); /* `len` without its end */
        int er = read_bytes(&r, file, len + 7);
        assert_int_equal(er, len <= CONFIG_LINE_BYTES ? 0 : ER_INVALID);
        assert_int_equal(r.line, er ? 1 : 2);
    }
    memset(file, 'x', sizeof file);
    assert_int_equal(read_bytes(&r, file, sizeof file), ER_INVALID);
    assert_string_equal(r.why, "the line is longer than 4096 bytes");
}

static void what_is_no_file_is_not_read(void **state)
{
    (void)state;
    struct read r = {0};
    assert_int_equal(config_ini_read("/", on_line, &r, &r.line, &r.why), ER_INVALID);
    assert_int_equal(r.line, 0);
    assert_int_equal(config_ini_read("/dev/zero", on_line, &r, &r.line, &r.why), ER_INVALID);
    assert_int_equal(config_ini_read("/nowhere/loupe.ini", on_line, &r, &r.line, &r.why),
                     ER_INVALID);
    assert_int_equal(r.line, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_values_sections_and_comments),
        cmocka_unit_test(the_line_at_fault_is_named),
        cmocka_unit_test(nuls_are_refused_wherever_they_are),
        cmocka_unit_test(lines_are_bounded),
        cmocka_unit_test(what_is_no_file_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
