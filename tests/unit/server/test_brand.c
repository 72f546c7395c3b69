// SPDX-License-Identifier: Apache-2.0
/* Brands: contrasts as they are defined, colours that can be read, links and languages that are some, logos by their bytes. */
#include "server/brand.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"

static void test_contrast(void **state)
{
    (void)state;
    uint32_t c;
    assert_true(fabs(brand_contrast(0x000000, 0xffffff) - 21) < 1e-9);
    assert_true(fabs(brand_contrast(0x777777, 0xffffff) - 4.48) < 0.01);
    assert_true(fabs(brand_contrast(0xffffff, 0x767676) - 4.54) < 0.01);
    assert_true(fabs(brand_contrast(0xabcdef, 0xabcdef) - 1) < 1e-9);
    assert_int_equal(brand_colour("#0A7357", &c), 0);
    assert_int_equal(c, 0x0a7357);
    static const char *const not [] = {"0a7357", "#0a735", "#0a73570", "#0a735g", "red", ""};
    for (size_t i = 0; i < sizeof not / sizeof not [0]; i++)
        assert_int_equal(brand_colour(not [i], &c), ER_MALFORMED);
    assert_int_equal(brand_colour(NULL, &c), ER_MALFORMED);
}

/** Single quotes stand for double ones. `want` NULL: it is good; else part of why not. */
static void check(const char *text, const char *want)
{
    char quoted[1200], why[BRAND_WHY_BYTES] = "";
    (void)snprintf(quoted, sizeof quoted, "%s", text);
    for (char *p = quoted; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    json_t *document = json_loads(quoted, 0, NULL);
    assert_non_null(document);
    int er = brand_check(document, why);
    json_decref(document);
    if (want ? er != ER_INVALID || !strstr(why, want) : er != 0)
        fail_msg("%s: %s", text, why);
}

static void test_what_is_good(void **state)
{
    (void)state;
    check("{}", NULL);
    check("{'accent':{'light':'#0a7357','dark':'#46c79d'}}", NULL); /* the pages' own */
    check("{'accent':{'light':'#8a1538','dark':'#ff9fb6'}}", NULL);
    check("{'name':'Loom & "
          "<b>Sons</b>','languages':['zh-CN'],'privacy_url':'https://loom.example/p?x=1#y',"
          "'terms_url':'https://loom.example'}",
          NULL);
    check("{'name':'\xe7\xbb\x87\xe5\x9d\x8a','languages':['en','zh-CN']}", NULL);
}

static void test_what_is_not(void **state)
{
    (void)state;
    check("{'accent':{'light':'#ffcc00','dark':'#46c79d'}}", "take a darker one");
    check("{'accent':{'light':'#ffcc00','dark':'#46c79d'}}", "`accent.light` as text on cards");
    check("{'accent':{'light':'#767676','dark':'#46c79d'}}", "#f3f5f2) has a contrast of 4.1");
    check("{'accent':{'light':'#0a7357','dark':'#0a7357'}}", "take a lighter one");
    check("{'accent':{'light':'#0a7357'}}", "members are");
    check("{'accent':{'light':'#0a7357','dark':'red'}}", "`accent.dark` is a colour");
    check("{'accent':'#0a7357'}", "members are");
    check("{'colour':'#0a7357'}", "members are");
    check("{'name':''}", "`name`");
    check("{'name':'a\\nb'}", "`name`");
    check("{'name':'1234567890123456789012345678901234567890123456789012345678901'}", "`name`");
    check("{'name':7}", "`name`");
    check("{'languages':[]}", "`languages`");
    check("{'languages':['en','en']}", "`languages`");
    check("{'languages':['fr']}", "`languages`");
    static const char *const urls[] = {
        "http://loom.example", "javascript:alert(1)",     "https://",
        "https:///x",          "https://a@evil.example",  "https://x/<y>",
        "https://x/ y",        "https://\xc3\xa9.example"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        char text[200];
        (void)snprintf(text, sizeof text, "{'privacy_url':'%s'}", urls[i]);
        check(text, "https addresses");
    }
}

#define LOGO(bytes) brand_logo((const uint8_t *)(bytes), sizeof(bytes) - 1, &w, &h)
#define PNG "\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
#define REST "\x08\6\0\0\0crc!................"

static void test_logos(void **state)
{
    (void)state;
    unsigned w, h;
    assert_string_equal(LOGO(PNG "\0\0\1\0\0\0\0\x40" REST), "image/png");
    assert_true(w == 256 && h == 64);
    assert_null(LOGO(PNG "\0\0\4\1\0\0\0\x40" REST)); /* 1025 wide */
    assert_null(LOGO(PNG "\0\1\0\0\0\0\0\x40" REST));
    assert_null(LOGO(PNG "\0\0\0\0\0\0\0\x40" REST));
    assert_null(LOGO(PNG));
    assert_null(LOGO("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"));
    assert_string_equal(LOGO("RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\1\0\x3f\0\0...."),
                        "image/webp");
    assert_true(w == 512 && h == 64);
    assert_null(
        LOGO("RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0\2\0\0\0\xff\1\0\x3f\0\0....")); /* it moves */
    assert_string_equal(LOGO("RIFF\x20\0\0\0WEBPVP8L\x0a\0\0\0\x2f\xff\xc0\x0f\0......"),
                        "image/webp");
    assert_true(w == 256 && h == 64);
    assert_string_equal(LOGO("RIFF\x20\0\0\0WEBPVP8 \x0a\0\0\0\x10\0\0\x9d\1\x2a\x40\1\x78\0...."),
                        "image/webp");
    assert_true(w == 320 && h == 120);
    assert_null(LOGO("RIFF\x20\0\0\0WEBPVP8 \x0a\0\0\0\x10\0\0\x9d\1\x2b\x40\1\x78\0...."));
    assert_null(brand_logo(NULL, 0, &w, &h));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contrast),
        cmocka_unit_test(test_what_is_good),
        cmocka_unit_test(test_what_is_not),
        cmocka_unit_test(test_logos),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
