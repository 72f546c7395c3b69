// SPDX-License-Identifier: Apache-2.0
/* Exif as phones write it, in both byte orders; as it is written again; and whatever it cannot be. */
#include "media/record/photo_exif.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* 31 degrees 13' 49.44" north, 121 degrees 28' 25.32" west; orientation 6 */
static const uint8_t little[] = "Exif\0\0II*\0\10\0\0\0"
                                "\2\0"
                                "\x12\1\3\0\1\0\0\0\6\0\0\0"
                                "\x25\x88\4\0\1\0\0\0\x26\0\0\0"
                                "\0\0\0\0"
                                "\4\0"
                                "\1\0\2\0\2\0\0\0N\0\0\0"
                                "\2\0\5\0\3\0\0\0\x5c\0\0\0"
                                "\3\0\2\0\2\0\0\0W\0\0\0"
                                "\4\0\5\0\3\0\0\0\x74\0\0\0"
                                "\0\0\0\0"
                                "\37\0\0\0\1\0\0\0\15\0\0\0\1\0\0\0\x50\x13\0\0\x64\0\0\0"
                                "\x79\0\0\0\1\0\0\0\34\0\0\0\1\0\0\0\xe4\x09\0\0\x64\0\0\0";
#define LITTLE_LEN (sizeof little - 1)
#define SIX 6 /* of "Exif\0\0" */

static struct photo_exif again(const struct photo_exif *exif, size_t *ret_len)
{
    uint8_t bytes[PHOTO_EXIF_BYTES];
    struct wr out = wr_make(bytes, sizeof bytes);
    struct photo_exif ret;
    photo_exif_write(&out, exif);
    assert_false(out.bad);
    *ret_len = wr_len(&out);
    assert_true(*ret_len > 4);
    assert_int_equal(bytes[2] << 8 | bytes[3], *ret_len - 2);
    photo_exif_read(bytes + 4, *ret_len - 4, &ret);
    return ret;
}

static void what_a_phone_wrote_is_read_and_written_anew(void **state)
{
    (void)state;
    struct photo_exif exif;
    size_t len;
    photo_exif_read(little, LITTLE_LEN, &exif);
    assert_int_equal(exif.orientation, 6);
    assert_true(exif.place.known);
    assert_int_equal(exif.place.latitude_e7, 312304000);
    assert_int_equal(exif.place.longitude_e7, -1214737000);
    struct photo_exif second = again(&exif, &len);
    assert_memory_equal(&second.place, &exif.place, sizeof exif.place);
    assert_int_equal(second.orientation, 6);
    exif.orientation = 1;
    exif.place.latitude_e7 = -1;
    exif.place.longitude_e7 = 1800000000;
    second = again(&exif, &len);
    assert_memory_equal(&second.place, &exif.place, sizeof exif.place);
    assert_int_equal(second.orientation, 1);
    second = again(&(struct photo_exif){.orientation = 8}, &len);
    assert_true(second.orientation == 8 && !second.place.known && len == 36);
    uint8_t none[1];
    struct wr out = wr_make(none, sizeof none);
    photo_exif_write(&out, &(struct photo_exif){.orientation = 1});
    assert_int_equal(wr_len(&out), 0);
}

/** The same with one byte another: whether a place is known. */
static bool placed_with(size_t at, uint8_t byte)
{
    uint8_t copy[LITTLE_LEN];
    struct photo_exif exif;
    memcpy(copy, little, LITTLE_LEN);
    copy[SIX + at] = byte;
    photo_exif_read(copy, LITTLE_LEN, &exif);
    return exif.place.known;
}

static void what_is_no_place_is_not_known(void **state)
{
    (void)state;
    assert_true(placed_with(48, 'S'));
    assert_false(placed_with(48, 'X'));     /* neither north nor south */
    assert_false(placed_with(42, 5));       /* of another type */
    assert_false(placed_with(0x5c + 4, 0)); /* a fraction of nothing */
    assert_false(placed_with(0x5c, 91));    /* beyond the pole */
    assert_false(placed_with(0x74, 181));   /* beyond the date line */
    assert_false(placed_with(60, 0xf0));    /* values outside of the segment */
    assert_false(placed_with(30, 0xff));    /* a directory outside of it */
    assert_false(placed_with(2, 43));       /* no TIFF */
    assert_false(placed_with(0, 'M'));      /* of no byte order */
}

static void cut_anywhere_it_is_read_without_harm(void **state)
{
    (void)state;
    for (size_t len = 0; len < LITTLE_LEN; len++) {
        uint8_t *part = malloc(len + !len);
        struct photo_exif exif;
        assert_non_null(part);
        memcpy(part, little, len);
        photo_exif_read(part, len, &exif);
        assert_false(exif.place.known);
        assert_true(exif.orientation == 1 || exif.orientation == 6);
        free(part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_phone_wrote_is_read_and_written_anew),
        cmocka_unit_test(what_is_no_place_is_not_known),
        cmocka_unit_test(cut_anywhere_it_is_read_without_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
