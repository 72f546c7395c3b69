// SPDX-License-Identifier: Apache-2.0
/* JPEG decoded, of every kind that is taken; and what only looks like one. */
#include "media/record/photo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/er.h"
#include "media/record/jpeg.h"
#include "tests/unit/record/jpeg_make.h"

static void all_kinds_are_decoded(void **state)
{
    static const struct {
        int components, h, v;
        bool progressive;
    } kinds[] = {{3, 2, 2, false}, {3, 2, 1, false}, {3, 1, 1, false}, {3, 1, 2, false},
                 {1, 1, 1, false}, {3, 2, 2, true},  {3, 1, 1, true}};
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct bytes b = jpeg_make(kinds[i].components, kinds[i].h, kinds[i].v,
                                   kinds[i].progressive);
        struct photo photo;
        struct photo_picture *picture;
        struct still still;
        uint8_t *jpeg, *small;
        size_t len, small_len;
        assert_int_equal(photo_strip(b.data, b.len, false, &photo, &jpeg, &len), 0);
        assert_int_equal(photo.orientation, 1);
        assert_int_equal(photo_decode(&picture, &still, jpeg, len), 0);
        assert_true(still.width == JPEG_W && still.height == JPEG_H && still.full_range);
        assert_in_range(still.planes[0][JPEG_H / 2 * still.stride[0] + 10], 36, 44);
        assert_in_range(still.planes[0][JPEG_H / 2 * still.stride[0] + JPEG_W - 10], 216, 224);
        for (int p = 1; p < 3; p++)
            assert_in_range(still.planes[p][(JPEG_H / 2 - 1) * still.stride[p] + JPEG_W / 2 - 1],
                            124, 132);
        assert_int_equal(jpeg_encode(&still, 0, 80, &small, &small_len), 0);
        free(small);
        photo_picture_free(picture);
        free(jpeg);
        free(b.data);
    }
    photo_picture_free(NULL);
}

/** Pictures whose sides are no multiples of anything: each sample that is read is there. */
static void sides_of_any_length(void **state)
{
    (void)state;
    for (unsigned side = 1; side <= 17; side++) {
        struct bytes b = jpeg_of_scans(side, 18 - side, 1);
        struct photo_picture *picture;
        struct still still;
        assert_int_equal(photo_decode(&picture, &still, b.data, b.len), 0);
        assert_true(still.width == side && still.height == 18 - side);
        unsigned sum = 0;
        for (int p = 0; p < 3; p++) {
            unsigned w = p ? (side + 1) / 2 : side, h = p ? (19 - side) / 2 : 18 - side;
            for (unsigned y = 0; y < h; y++)
                for (unsigned x = 0; x < w; x++)
                    sum += still.planes[p][(ptrdiff_t)y * still.stride[p] + x];
        }
        assert_true(sum > 0);
        photo_picture_free(picture);
        free(b.data);
    }
}

/** Each byte is another once: no picture, or one of that size that can be read to its last sample. */
static void broken_files_are_refused_or_decoded(void **state)
{
    (void)state;
    struct bytes b = jpeg_make(3, 2, 1, true);
    size_t refused = 0;
    for (size_t i = 2; i < b.len; i++) {
        struct photo_picture *picture;
        struct still still;
        uint8_t *copy = malloc(b.len), *small;
        size_t len;
        assert_non_null(copy);
        memcpy(copy, b.data, b.len);
        copy[i] ^= 0x5a;
        struct photo photo;
        uint8_t *kept;
        size_t kept_len;
        bool large = photo_strip(copy, b.len, false, &photo, &kept, &kept_len) < 0;
        if (!large)
            free(kept);
        if (!large && (uint64_t)photo.width * photo.height < 4 * JPEG_W * JPEG_H &&
            photo_decode(&picture, &still, copy, b.len) == 0) {
            assert_int_equal(jpeg_encode(&still, 0, 80, &small, &len), 0);
            free(small);
            photo_picture_free(picture);
        } else {
            refused++;
        }
        free(copy);
    }
    assert_in_range(refused, 20, b.len);
    free(b.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_kinds_are_decoded),
        cmocka_unit_test(sides_of_any_length),
        cmocka_unit_test(broken_files_are_refused_or_decoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
