// SPDX-License-Identifier: Apache-2.0
/* Files told by their bytes, whatever is claimed of them; what is almost one of them is not taken. */
#include "server/attachment_type.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/** In pieces of every length, which must make no difference. */
static enum attachment_type told(const void *data, size_t len)
{
    enum attachment_type first = ATTACHMENT_TYPES;
    for (size_t piece = 1; piece <= len + 1; piece++) {
        struct attachment_look l = {.bytes = 0};
        for (size_t at = 0; at < len; at += piece)
            attachment_look_on(&l, (const uint8_t *)data + at, len - at < piece ? len - at : piece);
        if (piece == 1)
            first = attachment_look_end(&l);
        assert_int_equal(attachment_look_end(&l), first);
    }
    return first;
}

#define TOLD(bytes) told(bytes, sizeof(bytes) - 1)
#define PNG "\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
#define TAIL "\0\1\2\3\4\5\6\7\0\1\2\3\4\5\6\7\0\1\2\3\4\5\6\7"

static void test_each_is_known(void **state)
{
    (void)state;
    assert_int_equal(TOLD("\xff\xd8\xff\xe0" TAIL), ATTACHMENT_JPEG);
    assert_int_equal(TOLD(PNG TAIL), ATTACHMENT_PNG);
    assert_int_equal(TOLD("RIFF\x10\0\0\0WEBPVP8X" TAIL), ATTACHMENT_WEBP);
    assert_int_equal(TOLD("\0\0\0\x18"
                          "ftypheic\0\0\0\0mif1heic" TAIL),
                     ATTACHMENT_HEIC);
    assert_int_equal(TOLD("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), ATTACHMENT_PDF);
    assert_int_equal(TOLD("\0\0\0\x18"
                          "ftypMSNV\0\0\0\0mp42isom" TAIL),
                     ATTACHMENT_MP4);
    assert_int_equal(TOLD("\x1a\x45\xdf\xa3\x8b\x42\x86\x81\1\x42\x82\x84webm" TAIL),
                     ATTACHMENT_WEBM);
    assert_int_equal(TOLD("Mit freundlichen Gr\xc3\xbc\xc3\x9f"
                          "en\r\n\xe8\x8c\xb6\xf0\x9f\x8d\xb5\n"),
                     ATTACHMENT_TEXT);
    assert_int_equal(TOLD("<script>alert(1)</script>"), ATTACHMENT_TEXT); /* and served as that */
}

static void test_what_is_almost_one(void **state)
{
    (void)state;
    assert_int_equal(TOLD(""), ATTACHMENT_TYPES);
    assert_int_equal(TOLD("\xff\xd8"), ATTACHMENT_TYPES);
    assert_int_equal(TOLD(PNG), ATTACHMENT_TYPES);
    assert_int_equal(TOLD("RIFF\x10\0\0\0WAVEfmt " TAIL), ATTACHMENT_TYPES);
    assert_int_equal(TOLD("\0\0\0\x18" /* a moving picture of another make */
                          "ftypqt  \0\0\0\0qt  qt  " TAIL),
                     ATTACHMENT_TYPES);
    assert_int_equal(TOLD("\0\0\0\x1c" /* AVIF, which says that it is like HEIC */
                          "ftypavif\0\0\0\0avifmif1miaf" TAIL),
                     ATTACHMENT_TYPES);
    assert_int_equal(TOLD("\0\0\0\x1c" /* and whatever else it may be */
                          "ftypmif1\0\0\0\0mif1heicavif" TAIL),
                     ATTACHMENT_TYPES);
    assert_int_equal(TOLD("\0\0\0\x14"
                          "ftypmif1\0\0\0\0mif1" TAIL),
                     ATTACHMENT_TYPES);
    assert_int_equal(TOLD("\xff\xff\xff\xf0"
                          "ftypheic\0\0\0\0mif1heic" TAIL),
                     ATTACHMENT_TYPES);
    assert_int_equal(TOLD("\0\0\0\x10"
                          "ftypheic\0\0\0\0"), /* and nothing behind it */
                     ATTACHMENT_TYPES);
    assert_int_equal(TOLD("\x1a\x45\xdf\xa3\x8f\x42\x86\x81\1\x42\x82\x88matroska" TAIL),
                     ATTACHMENT_TYPES);
    assert_int_equal(TOLD("\x1a\x45\xdf\xa3\x01\xff\xff\xff\xff\xff\xff\xff" TAIL),
                     ATTACHMENT_TYPES);
    assert_int_equal(TOLD("PK\3\4" TAIL), ATTACHMENT_TYPES);
    assert_int_equal(TOLD("MZ" TAIL), ATTACHMENT_TYPES);
}

static void test_text_is_text_to_the_end(void **state)
{
    (void)state;
    static const char *const not [] = {"a\x01",
                                       "a\x1b[2J",
                                       "\x7f",
                                       "\xc0\xaf",
                                       "\xe0\x80\x80",
                                       "\xed\xa0\x80",
                                       "\xf5\x80\x80\x80",
                                       "\xf4\x90\x80\x80",
                                       "\xc3",
                                       "\xc3(",
                                       "\x80",
                                       "\xc2\x85"};
    for (size_t i = 0; i < sizeof not / sizeof not [0]; i++)
        assert_int_equal(told(not [i], strlen(not [i])), ATTACHMENT_TYPES);
    assert_int_equal(TOLD("a\0b"), ATTACHMENT_TYPES);
    char text[3 * ATTACHMENT_HEAD_BYTES];
    struct attachment_look l = {.bytes = 0};
    memset(text, 'x', sizeof text);
    attachment_look_on(&l, (const uint8_t *)text, sizeof text);
    assert_int_equal(attachment_look_end(&l), ATTACHMENT_TEXT);
    attachment_look_on(&l, (const uint8_t *)"\0", 1);
    assert_int_equal(attachment_look_end(&l), ATTACHMENT_TYPES);
}

static void test_names(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ATTACHMENT_TYPES; i++) {
        const char *media = attachment_media_type((enum attachment_type)i);
        assert_int_equal(attachment_type_of(media), i);
        assert_int_equal(attachment_suffix((enum attachment_type)i)[0], '.');
    }
    assert_null(attachment_media_type(ATTACHMENT_TYPES));
    assert_null(attachment_suffix(ATTACHMENT_TYPES));
    assert_int_equal(attachment_type_of("text/html"), ATTACHMENT_TYPES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_is_known),
        cmocka_unit_test(test_what_is_almost_one),
        cmocka_unit_test(test_text_is_text_to_the_end),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
