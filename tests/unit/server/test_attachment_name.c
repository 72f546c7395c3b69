// SPDX-License-Identifier: Apache-2.0
/* Names of attachments: the suffix is that of the bytes, and nothing in them is hidden. */
#include "server/attachment_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_saved(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum attachment_type type;
        const char *saved;
    } rows[] = {
        {"seam.jpg", ATTACHMENT_JPEG, "seam.jpg"},
        {"seam.JPEG", ATTACHMENT_JPEG, "seam.JPEG"},
        {"seam.png", ATTACHMENT_JPEG, "seam.jpg"},
        {"IMG_1.HEIF", ATTACHMENT_HEIC, "IMG_1.HEIF"},
        {"invoice.hta", ATTACHMENT_TEXT, "invoice.txt"},
        {"invoice.bat", ATTACHMENT_TEXT, "invoice.txt"},
        {"invoice.txt.html", ATTACHMENT_TEXT, "invoice.txt.txt"},
        {"logo.svg", ATTACHMENT_TEXT, "logo.txt"},
        {"invoice.hta. . ", ATTACHMENT_TEXT, "invoice.txt"},
        {"invoice\xe2\x80\xaetxt.bat", ATTACHMENT_TEXT, "invoicetxt.txt"},
        {"invoice.h\xe2\x80\x8bta", ATTACHMENT_TEXT, "invoice.txt"},
        {"a.settingcontent-ms", ATTACHMENT_TEXT, "a.settingcontent-ms.txt"},
        {"Invoice no. 5", ATTACHMENT_PDF, "Invoice no. 5.pdf"},
        {"Ri\xc3\x9f", ATTACHMENT_PNG, "Ri\xc3\x9f.png"},
        {"../../etc\\a:b.txt", ATTACHMENT_TEXT, ".._.._etc_a_b.txt"},
        {".hta", ATTACHMENT_TEXT, "file.txt"},
        {".txt", ATTACHMENT_TEXT, "file.txt"},
        {"...", ATTACHMENT_MP4, "file.mp4"},
        {"\xe2\x80\xae", ATTACHMENT_WEBM, "file.webm"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char saved[ATTACHMENT_SAVED_BYTES(64)];
        attachment_name_saved(rows[i].name, rows[i].type, saved, sizeof saved);
        assert_string_equal(saved, rows[i].saved);
    }
}

static void test_clean(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"  a b ", "a b"},
        {"a\xe2\x80\xa6"
         "b",
         "a\xe2\x80\xa6"
         "b"},
        {"\xd8\x9c\xe2\x80\x8e"
         "a\xe2\x81\xa6\xef\xbb\xbf\xc2\x85",
         "a"},
        {"\xf3\xa0\x81\xa1", ""},
        {"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x94\xa7.png", /* joined by a joiner */
         "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x94\xa7.png"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char clean[64];
        attachment_name_clean(rows[i][0], clean, sizeof clean);
        assert_string_equal(clean, rows[i][1]);
    }
}

/** However long it is, the suffix is there. */
static void test_long(void **state)
{
    (void)state;
    char name[201], saved[ATTACHMENT_SAVED_BYTES(sizeof name)];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    attachment_name_saved(name, ATTACHMENT_WEBP, saved, sizeof saved);
    assert_int_equal(strlen(saved), 205);
    assert_string_equal(saved + 200, ".webp");
    attachment_name_saved(name, ATTACHMENT_WEBP, saved, 20);
    assert_string_equal(saved, "xxxxxxxxxxxxxx.webp");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_saved),
        cmocka_unit_test(test_clean),
        cmocka_unit_test(test_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
