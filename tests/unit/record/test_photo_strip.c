// SPDX-License-Identifier: Apache-2.0
/* Photographs with all that phones put into them: what is no picture goes, and what is torn, no JPEG, or
 * made to keep the decoder busy is refused. */
#include "media/record/photo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "base/limits.h"
#include "tests/unit/record/jpeg_make.h"

/** 0 and what is kept, or the error. */
static int strip(struct bytes b, struct photo *ret, struct bytes *ret_kept)
{
    return photo_strip(b.data, b.len, false, ret, &ret_kept->data, &ret_kept->len);
}

static bool holds(const uint8_t *data, size_t len, const char *text)
{
    return memmem(data, len, text, strlen(text)) != NULL;
}

static void metadata_goes_and_the_picture_stays(void **state)
{
    (void)state;
    struct bytes plain = jpeg_make(3, 2, 2, false);
    struct bytes copy = {malloc(plain.len), plain.len};
    memcpy(copy.data, plain.data, plain.len);
    copy = jpeg_with(copy, 0xfe, "SECRETCOMMENT", 13);
    copy = jpeg_with(copy, 0xed, "SECRETIPTC", 10);
    copy = jpeg_with(copy, 0xe1, "http://ns.adobe.com/xap/1.0/\0SECRETXMP", 38);
    copy = jpeg_with(copy, 0xe1, JPEG_GPS, sizeof JPEG_GPS - 1);
    copy.data = realloc(copy.data, copy.len + 20);
    memcpy(copy.data + copy.len, "SECRETTRAILER\xff\xd8\xff\xe1..", 18);
    struct photo photo;
    uint8_t *jpeg;
    size_t len;
    assert_int_equal(photo_strip(copy.data, copy.len + 18, false, &photo, &jpeg, &len), 0);
    assert_true(photo.width == JPEG_W && photo.height == JPEG_H);
    assert_int_equal(photo.orientation, 6);
    assert_false(holds(jpeg, len, "SECRET"));
    assert_true(holds(copy.data, copy.len, "SECRETPLACE"));
    assert_int_equal(len, plain.len + 36); /* the orientation */
    assert_memory_equal(jpeg + 38, plain.data + 2, plain.len - 2);
    uint8_t *again;
    size_t again_len;
    struct photo second;
    assert_int_equal(photo_strip(jpeg, len, false, &second, &again, &again_len), 0);
    assert_int_equal(second.orientation, 6); /* our own is read back */
    assert_int_equal(again_len, len);
    assert_memory_equal(again, jpeg, len);
    free(again);
    free(jpeg);
    free(copy.data);
    free(plain.data);
}

static void a_place_stays_only_where_that_was_agreed(void **state)
{
    (void)state;
    static const char exif[] = "Exif\0\0MM\0*\0\0\0\10\0\1\x88\x25\0\4\0\0\0\1\0\0\0\x1a\0\0\0\0"
                               "\0\4\0\1\0\2\0\0\0\2S\0\0\0\0\2\0\5\0\0\0\3\0\0\0\x50"
                               "\0\3\0\2\0\0\0\2E\0\0\0\0\4\0\5\0\0\0\3\0\0\0\x50\0\0\0\0"
                               "\0\0\0\14\0\0\0\1\0\0\0\36\0\0\0\1\0\0\0\0\0\0\0\1";
    struct bytes b = jpeg_with(jpeg_make(3, 2, 2, false), 0xe1, exif, sizeof exif - 1);
    struct photo without, with, second;
    uint8_t *jpeg, *again;
    size_t len, again_len;
    assert_int_equal(photo_strip(b.data, b.len, false, &without, &jpeg, &len), 0);
    assert_false(without.place.known || holds(jpeg, len, "Exif"));
    free(jpeg);
    assert_int_equal(photo_strip(b.data, b.len, true, &with, &jpeg, &len), 0);
    assert_true(with.place.known);
    assert_int_equal(with.place.latitude_e7, -125000000);
    assert_int_equal(with.place.longitude_e7, 125000000);
    assert_int_equal(photo_strip(jpeg, len, true, &second, &again, &again_len), 0);
    assert_int_equal(again_len, len);
    assert_memory_equal(again, jpeg, len);
    free(again);
    free(jpeg);
    free(b.data);
}

static void whatever_is_torn_is_refused(void **state)
{
    (void)state;
    struct bytes b = jpeg_with(jpeg_make(3, 2, 2, true), 0xe1, JPEG_GPS, sizeof JPEG_GPS - 1);
    struct photo photo;
    uint8_t *jpeg;
    size_t len;
    for (size_t cut = 0; cut < b.len; cut++) {
        uint8_t *part = malloc(cut + 1); /* for valgrind and the like: no byte more */
        memcpy(part, b.data, cut);
        assert_true(photo_strip(part, cut, false, &photo, &jpeg, &len) < 0);
        free(part);
    }
    assert_int_equal(
        photo_strip((const uint8_t *)"\x89PNG\r\n\x1a\n....", 12, false, &photo, &jpeg, &len),
        ER_UNSUPPORTED);
    uint8_t large[] = {0xff, 0xd8, 0xff, 0xc0, 0, 11, 8, 0xff, 0xff, 0xff, 0xff, 1, 1, 0x11, 0};
    assert_int_equal(photo_strip(large, sizeof large, false, &photo, &jpeg, &len), ER_UNSUPPORTED);
    uint8_t lossless[] = {0xff, 0xd8, 0xff, 0xc3, 0, 11, 8, 0, 9, 0, 9, 1, 1, 0x11, 0};
    assert_int_equal(photo_strip(lossless, sizeof lossless, false, &photo, &jpeg, &len),
                     ER_UNSUPPORTED);
    free(b.data);
}

/** What says how the samples are to be understood stays, and nothing else that programs add. */
static void of_the_segments_those_that_are_needed_stay(void **state)
{
    static const struct {
        uint8_t marker;
        const char *data;
        size_t len;
        bool stays;
    } all[] = {
        {0xe0, "JFIF\0\1\1\0\0\1\0\1\0\0", 14, true},
        {0xe0, "JFIF\0\1\1\0\0\1\0\1\1\1SECRET", 20, false}, /* with a thumbnail */
        {0xe0, "JFXX\0\x10SECRET", 12, false},
        {0xe2, "ICC_PROFILE\0\1\1x", 15, true},
        {0xe2, "MPF\0SECRET", 10, false},
        {0xee, "Adobe\0\144\0\0\0\0\1", 12, true},
        {0xe5, "SECRET", 6, false},
        {0xef, "SECRET", 6, false},
        {0xfe, "SECRET", 6, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct bytes b = jpeg_with(jpeg_make(3, 2, 2, false), all[i].marker, all[i].data,
                                   all[i].len);
        struct bytes kept;
        struct photo photo;
        assert_int_equal(strip(b, &photo, &kept), 0);
        assert_int_equal(kept.len, all[i].stays ? b.len : b.len - all[i].len - 4);
        assert_false(holds(kept.data, kept.len, "SECRET"));
        free(kept.data);
        free(b.data);
    }
}

/** Whatever stands in Exif, the walk stays within it. */
static void orientations_of_any_form(void **state)
{
#define BEGIN "Exif\0\0"
#define BIG BEGIN "MM\0*\0\0\0\10\0\1"
    static const struct {
        const char *data;
        size_t len;
        unsigned orientation;
    } all[] = {
#define EXIF(text, orientation) {text, sizeof text - 1, orientation}
        EXIF(BIG "\1\x12\0\3\0\0\0\1\0\3\0\0", 3),
        EXIF(BIG "\1\x12\0\3\0\0\0\1\0\0\0\0", 1),  /* none of 1..8 */
        EXIF(BIG "\1\x12\0\3\0\0\0\1\0\11\0\0", 1), /* nor is this */
        EXIF(BIG "\1\x12\0\4\0\0\0\1\0\0\0\3", 1),  /* another type */
        EXIF(BIG "\1\x12\0\3\0\0\0\1\0", 1),        /* cut */
        EXIF(BIG, 1),                               /* an entry is told, and none there */
        EXIF(BEGIN "MM\0*\xff\xff\xff\xff\0\1", 1), /* a directory beyond the end */
        EXIF(BEGIN "MM\0*\0\0\0\0\0\1", 1),         /* or within the head */
        EXIF(BEGIN "II*\0\10\0\0\0\xff\xff", 1),    /* more entries than there are bytes */
        EXIF(BEGIN "XX*\0\10\0\0\0\1\0", 1),
        EXIF(BEGIN "II", 1),
        EXIF("Exif", 1),
    };
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct bytes b = jpeg_with(jpeg_make(1, 1, 1, false), 0xe1, all[i].data, all[i].len);
        struct bytes kept;
        struct photo photo;
        assert_int_equal(strip(b, &photo, &kept), 0);
        assert_int_equal(photo.orientation, all[i].orientation);
        free(kept.data);
        free(b.data);
    }
}

/** Hundreds of thousands of scans fit into an upload, and each goes over the whole picture. */
static void too_many_scans_are_refused(void **state)
{
    (void)state;
    for (size_t scans = LIMIT_PHOTO_SCANS; scans <= LIMIT_PHOTO_SCANS + 1; scans++) {
        struct bytes b = jpeg_of_scans(64, 64, scans), kept;
        struct photo photo;
        int er = strip(b, &photo, &kept);
        assert_int_equal(er, scans > LIMIT_PHOTO_SCANS ? ER_UNSUPPORTED : 0);
        if (er == 0)
            free(kept.data);
        free(b.data);
    }
}

static void frames_are_told_once_and_before_scans(void **state)
{
    static const uint8_t frame[] = {0xff, 0xc0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0};
    static const uint8_t scan[] = {0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 0x2a};
    (void)state;
    const struct {
        bool frames, scans, again;
        int er;
    } all[] = {{true, true, false, 0},
               {true, false, false, ER_MALFORMED},
               {false, true, false, ER_MALFORMED},
               {true, true, true, ER_MALFORMED}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct bytes b = {0}, kept = {0};
        struct photo photo;
        jpeg_put(&b, "\xff\xd8", 2);
        jpeg_put(&b, frame, all[i].frames ? sizeof frame : 0);
        jpeg_put(&b, scan, all[i].scans ? sizeof scan : 0);
        jpeg_put(&b, frame, all[i].again ? sizeof frame : 0);
        jpeg_put(&b, "\xff\xd9", 2);
        assert_int_equal(strip(b, &photo, &kept), all[i].er);
        free(kept.data);
        free(b.data);
    }
}

static void an_orientation_is_put_in(void **state)
{
    (void)state;
    struct bytes b = jpeg_make(3, 2, 2, false), turned, kept;
    struct photo photo;
    assert_int_equal(photo_orient(b.data, b.len, 8, &turned.data, &turned.len), 0);
    assert_int_equal(strip(turned, &photo, &kept), 0);
    assert_int_equal(photo.orientation, 8);
    free(kept.data);
    free(turned.data);
    assert_int_equal(photo_orient(b.data, b.len, 1, &turned.data, &turned.len), 0);
    assert_int_equal(turned.len, b.len); /* as it is anyway */
    free(turned.data);
    assert_int_equal(photo_orient(b.data, 1, 8, &turned.data, &turned.len), ER_MALFORMED);
    free(b.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metadata_goes_and_the_picture_stays),
        cmocka_unit_test(a_place_stays_only_where_that_was_agreed),
        cmocka_unit_test(whatever_is_torn_is_refused),
        cmocka_unit_test(of_the_segments_those_that_are_needed_stay),
        cmocka_unit_test(orientations_of_any_form),
        cmocka_unit_test(too_many_scans_are_refused),
        cmocka_unit_test(frames_are_told_once_and_before_scans),
        cmocka_unit_test(an_orientation_is_put_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
